/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dirty log of the stress accelerator, by marks and by write-protection:
 * exactly what was written, and nothing is lost while it writes.
 */
#include "qemu/osdep.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "memory/guest-access.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/units.h"
#include "stress-guest.h"

/* The pages that are dirty are those that the plan says were written. */
static void check_marks(StressGuest *g, DirtyProvider *p,
                        const uint64_t *before)
{
    unsigned long *expected = bitmap_new(g->s->options.nr_pages);
    uint64_t base = 0;

    for (unsigned i = 0; i < g->s->nr_threads; i++) {
        const StressThread *t = &g->s->threads[i];

        for (uint64_t n = before[i]; n < t->nr_writes; n++) {
            set_bit(stress_plan_page(&t->plan, n), expected);
        }
    }
    for (unsigned i = 0; i < ram_list_nr_blocks(g->ram); i++) {
        RAMBlock *block = ram_list_block(g->ram, i);
        unsigned long *bmap = bitmap_new(block->nr_pages);
        uint64_t nr = 0;

        g_assert_true(p->ops->sync(p, block, bmap, &nr, NULL));
        for (uint64_t page = 0; page < block->nr_pages; page++) {
            g_assert_cmpint(test_bit(page, bmap), ==,
                            test_bit(base + page, expected));
        }
        base += block->nr_pages;
        g_free(bmap);
    }
    g_free(expected);
}

static void check_exact(const char *options)
{
    StressGuest g;
    DirtyProvider *p;
    uint64_t before[STRESS_THREADS_MAX];

    stress_guest_init_ram(&g, options, stress_guest_large_blocks);
    p = accel_stress.dirty(g.accel);
    stress_guest_run(&g, 400);
    g_assert_true(p->ops->start(p, g.ram, NULL));
    for (int round = 0; round < 50; round++) {
        for (unsigned i = 0; i < g.s->nr_threads; i++) {
            before[i] = g.s->threads[i].nr_writes;
        }
        stress_guest_run(&g, 1);
        check_marks(&g, p, before);
    }
    p->ops->stop(p);
    stress_guest_clear(&g);
}

/* Copies what the log shows since the last time. */
static void copy_dirty(StressGuest *from, StressGuest *to, DirtyProvider *p)
{
    for (unsigned i = 0; i < ram_list_nr_blocks(from->ram); i++) {
        RAMBlock *a = ram_list_block(from->ram, i);
        RAMBlock *b = ram_list_block(to->ram, i);
        unsigned long *bmap = bitmap_new(a->nr_pages);
        uint64_t nr = 0;

        g_assert_true(p->ops->sync(p, a, bmap, &nr, NULL));
        for (uint64_t page = 0; page < a->nr_pages; page++) {
            if (test_bit(page, bmap)) {
                guest_access_read(b->host + page * TARGET_PAGE_SIZE,
                                  a->host + page * TARGET_PAGE_SIZE,
                                  TARGET_PAGE_SIZE);
            }
        }
        g_free(bmap);
    }
}

/* What is copied when it is dirty is the guest in the end. */
static void check_copy(const char *options, const char *name)
{
    StressGuest g;
    StressGuest copy;
    DirtyProvider *p;

    stress_guest_init(&g, options);
    stress_guest_init(&copy, options);
    p = accel_stress.dirty(g.accel);
    g_assert_cmpstr(p->ops->name, ==, name);
    stress_guest_run(&g, 100);
    g_assert_true(p->ops->start(p, g.ram, NULL));
    /* From here on only what the log shows is copied. */
    g_assert_true(stress_guest_move(&copy, &g, NULL));
    for (int period = 0; period < 5; period++) {
        accel_stress.start(g.accel);
        for (int round = 0; round < 20; round++) {
            copy_dirty(&g, &copy, p);
        }
        accel_stress.stop(g.accel);
        stress_guest_run(&g, 1);
        copy_dirty(&g, &copy, p);
        ram_fixture_assert_equal(g.ram, copy.ram);
    }
    p->ops->stop(p);
    stress_guest_clear(&copy);
    stress_guest_clear(&g);
}

static void test_dirty_soft(void)
{
    check_exact("stress,rate=0,threads=2,pattern=random,zero=20,dirty=soft");
    check_copy("stress,threads=2,rate=0,pattern=random,zero=20,dirty=soft",
               "soft");
}

static void test_dirty_wp(void)
{
    RamList *ram = ram_fixture_new(stress_guest_blocks, 2);
    Error *err = NULL;
    DirtyWp *wp = dirty_wp_new(ram, &err);

    dirty_wp_free(wp);
    ram_list_free(ram);
    if (!wp) {
        g_test_skip(error_get_pretty(err));
        error_free(err);
        return;
    }
    check_exact("stress,rate=0,threads=2,pattern=random,zero=20,dirty=wp");
    check_copy("stress,threads=2,rate=0,pattern=random,zero=20,dirty=wp",
               "wp");
}

/* Makes one while no descriptor can be opened: the kernel refuses then. */
static Accel *create_refused(RamList *ram, const char *options, Error **errp)
{
    KeyvalList *list = keyval_parse(options, "accel", NULL, NULL);
    AccelHost host = { .ram = ram, .options = list };
    struct rlimit before, none;
    Accel *accel;

    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
    none = (struct rlimit) { .rlim_cur = 0, .rlim_max = before.rlim_max };
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
    accel = accel_stress.create(&host, errp);
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
    keyval_free(list);
    return accel;
}

static void test_auto_falls_back(void)
{
    RamList *ram = ram_fixture_new(stress_guest_blocks, 2);
    Accel *accel = create_refused(ram, "stress", NULL);

    g_assert_nonnull(accel);
    g_assert_cmpstr(accel_stress.dirty(accel)->ops->name, ==, "soft");
    accel_free(accel);
    ram_list_free(ram);
}

static void test_wp_does_not(void)
{
    RamList *ram = ram_fixture_new(stress_guest_blocks, 2);
    Error *err = NULL;

    g_assert_null(create_refused(ram, "stress,dirty=wp", &err));
    g_assert_true(g_str_has_prefix(error_get_pretty(err), "-accel stress: "
                                   "dirty=wp: Cannot open a userfaultfd: "));
    error_free(err);
    ram_list_free(ram);
}

/* From here on this process has no userfaultfd, as in most containers. */
static void forbid_userfaultfd(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_userfaultfd, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {
        .len = G_N_ELEMENTS(filter), .filter = filter,
    };

    g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
    g_assert_cmpint(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==,
                    0);
}

/* Nothing is lost there, and who insists hears why not. */
static void test_no_userfaultfd(void)
{
    RamList *ram;
    Error *err = NULL;

    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
        g_test_trap_assert_passed();
        return;
    }
    forbid_userfaultfd();
    check_copy("stress,threads=2,rate=0,pattern=random", "soft");
    ram = ram_fixture_new(stress_guest_blocks, 2);
    g_assert_null(create_refused(ram, "stress,dirty=wp", &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "-accel stress: dirty=wp: "
                    "Cannot open a userfaultfd: Operation not permitted");
    error_free(err);
    ram_list_free(ram);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stress-dirty/soft", test_dirty_soft);
    g_test_add_func("/stress-dirty/wp", test_dirty_wp);
    g_test_add_func("/stress-dirty/auto falls back to soft",
                    test_auto_falls_back);
    g_test_add_func("/stress-dirty/wp does not", test_wp_does_not);
    g_test_add_func("/stress-dirty/a kernel that forbids it",
                    test_no_userfaultfd);
    return g_test_run();
}
