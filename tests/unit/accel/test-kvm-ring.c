/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPU's dirty ring, with a kernel made of memory: what it writes is taken
 * once, what it overwrites is owned up to, and it never stays full.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>

#include "accel/kvm-ring.h"
#include "qemu/bitmap.h"

#define ENTRIES KVM_RING_ENTRIES_MIN
#define PAGES 512

/* How many entries KVM keeps back, without and with a CPU's own log. */
#define RESERVED 64
#define RESERVED_PML 576

typedef struct Rig {
    struct kvm_dirty_gfn entries[ENTRIES];
    unsigned soft_limit;
    /* the kernel's counters, never wrapped */
    uint64_t dirty;
    uint64_t reset;

    KvmRing ring;
    DECLARE_BITMAP(pushed, PAGES);
    DECLARE_BITMAP(noted, PAGES);
    unsigned nr_noted;
    bool overran;
} Rig;

static Rig *rig_new(unsigned reserved)
{
    Rig *rig = g_new0(Rig, 1);

    rig->soft_limit = ENTRIES - reserved;
    rig->ring.entries = rig->entries;
    rig->ring.nr_entries = ENTRIES;
    return rig;
}

static void rig_push(Rig *rig, unsigned page)
{
    struct kvm_dirty_gfn *entry = &rig->entries[rig->dirty++ % ENTRIES];

    entry->slot = 3;
    entry->offset = page;
    entry->flags = KVM_DIRTY_GFN_F_DIRTY;
    set_bit(page, rig->pushed);
}

static bool rig_is_full(const Rig *rig)
{
    return rig->dirty - rig->reset >= rig->soft_limit;
}

static unsigned rig_reset(Rig *rig)
{
    unsigned nr = 0;

    while (rig->entries[rig->reset % ENTRIES].flags & KVM_DIRTY_GFN_F_RESET) {
        rig->entries[rig->reset % ENTRIES].flags = 0;
        rig->reset++;
        nr++;
    }
    g_assert_cmpuint(rig->reset, <=, rig->dirty);
    return nr;
}

static void note(void *opaque, unsigned slot, uint64_t page)
{
    Rig *rig = opaque;

    g_assert_cmpuint(slot, ==, 3);
    g_assert_cmpuint(page, <, PAGES);
    set_bit((long)page, rig->noted);
    rig->nr_noted++;
}

/* What a full ring gets; 0 when there was nothing new. */
static unsigned rig_harvest(Rig *rig)
{
    unsigned nr = kvm_ring_harvest(&rig->ring, note, rig, &rig->overran);

    g_assert_cmpuint(rig_reset(rig), ==, nr);
    return nr;
}

static void rig_make_room(Rig *rig)
{
    for (unsigned i = 0; rig_is_full(rig); i++) {
        g_assert_cmpuint(i, <, 100);
        if (rig_harvest(rig) == 0) {
            unsigned nr = kvm_ring_skip(&rig->ring);

            g_assert_cmpuint(rig_reset(rig), ==, nr);
        }
    }
}

static void rig_check(Rig *rig)
{
    rig_harvest(rig);
    if (!rig->overran) {
        g_assert_true(bitmap_equal(rig->noted, rig->pushed, PAGES));
    }
    bitmap_zero(rig->noted, PAGES);
    bitmap_zero(rig->pushed, PAGES);
    rig->overran = false;
}

static void test_nothing(void)
{
    g_autofree Rig *rig = rig_new(RESERVED);

    g_assert_cmpuint(rig_harvest(rig), ==, 0);
    g_assert_false(rig->overran);
}

static void test_taken_once(void)
{
    g_autofree Rig *rig = rig_new(RESERVED);

    /* More than twice round. */
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned page = 0; page < 500; page++) {
            rig_push(rig, page);
        }
        rig->nr_noted = 0;
        g_assert_cmpuint(rig_harvest(rig), ==, 500);
        g_assert_cmpuint(rig->nr_noted, ==, 500);
        g_assert_false(rig->overran);
        rig_check(rig);
        g_assert_cmpuint(rig->nr_noted, ==, 500);
    }
}

static void test_overrun_is_told(void)
{
    g_autofree Rig *rig = rig_new(RESERVED);

    for (unsigned i = 0; i < ENTRIES + 5; i++) {
        rig_push(rig, i < 5 ? 500 + i : i % 100);
    }
    g_assert_cmpuint(rig_harvest(rig), ==, ENTRIES);
    g_assert_true(rig->overran);
}

static void test_found_again(void)
{
    g_autofree Rig *rig = rig_new(RESERVED);

    for (unsigned i = 0; i < ENTRIES + 5; i++) {
        rig_push(rig, 0);
    }
    rig_harvest(rig);
    rig->overran = false;
    rig->nr_noted = 0;
    g_assert_cmpuint(rig_harvest(rig), ==, 0);
    rig_push(rig, 77);
    /* With the gap before it, which the kernel has to get past. */
    g_assert_cmpuint(rig_harvest(rig), ==, 6);
    g_assert_cmpuint(rig->nr_noted, ==, 1);
    g_assert_true(test_bit(77, rig->noted));
    rig_push(rig, 78);
    g_assert_cmpuint(rig_harvest(rig), ==, 1);
    g_assert_false(rig->overran);
}

static void check_never_stays_full(unsigned reserved)
{
    for (unsigned nr = ENTRIES; nr < 6 * ENTRIES; nr += 37) {
        g_autofree Rig *rig = rig_new(reserved);

        for (unsigned i = 0; i < nr; i++) {
            rig_push(rig, i % PAGES);
        }
        rig_make_room(rig);
        g_assert_true(rig->overran);
        /* Whatever gap was left: the next pages are found. */
        rig_check(rig);
        for (unsigned i = 0; i < 100; i++) {
            rig_push(rig, i);
            rig_make_room(rig);
            rig_check(rig);
        }
    }
}

static void test_never_stays_full(void)
{
    check_never_stays_full(RESERVED);
    check_never_stays_full(RESERVED_PML);
}

/* Short and long bursts in any order; the CPU stops at a full ring only. */
static void test_random(void)
{
    g_autofree Rig *rig = rig_new(RESERVED);

    for (unsigned i = 0; i < 5000; i++) {
        unsigned nr = (unsigned)g_test_rand_int_range(0, 40);

        if (g_test_rand_int_range(0, 10) == 0) {
            nr = (unsigned)g_test_rand_int_range(0, 5000);
        }
        for (unsigned j = 0; j < nr; j++) {
            rig_push(rig, (unsigned)g_test_rand_int_range(0, PAGES));
        }
        rig_make_room(rig);
        if (g_test_rand_bit()) {
            rig_check(rig);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm-ring/nothing", test_nothing);
    g_test_add_func("/kvm-ring/taken-once", test_taken_once);
    g_test_add_func("/kvm-ring/overrun-is-told", test_overrun_is_told);
    g_test_add_func("/kvm-ring/found-again", test_found_again);
    g_test_add_func("/kvm-ring/never-stays-full", test_never_stays_full);
    g_test_add_func("/kvm-ring/random", test_random);
    return g_test_run();
}
