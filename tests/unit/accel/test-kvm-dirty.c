/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a CPU of KVM writes is found: by the log and by the rings, in slots that
 * begin and end anywhere, and at each moment between the clearing of a log and
 * the reading of a page.  A CPU is let run for one write at a time.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "accel/kvm-dirty-ring.h"
#include "accel/kvm-dirty.h"
#include "memory/backend.h"
#include "migration/ram/walker.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/units.h"

/* Odd sizes, the larger block first, as a list of blocks has them. */
#define A_PAGES 4131        /* more than two chunks of the walker */
#define B_PAGES 67
#define ALL_PAGES (A_PAGES + B_PAGES)
#define NR_CHUNKS 4

/* A moment that the walker knows nothing of. */
#define AFTER_READ PAUSE_POINT_AFTER_SUBMIT

/* `mov es:[di], al`, `hlt`; and `mov ecx, 3000`, `rep stosb`, `hlt`. */
static const uint8_t program_write[] = { 0x26, 0x88, 0x05, 0xf4 };
static const uint8_t program_flood[] = {
    0xfc, 0xb9, 0xb8, 0x0b, 0xf3, 0xaa, 0xf4,
};
#define WRITE_AT 0x1000
#define FLOOD_AT 0x1100

typedef struct Rig {
    RamList *list;
    RAMBlock *block[2];
    KvmVm vm;
    KvmCpus cpus;
    KvmDirty *log;
    KvmDirtyRing *ring;
    DirtyProvider *provider;
    QemuSemaphore halted;
    uint8_t *copy[2];       /* what migration has sent */

    /* a write at a pause point */
    PausePoint point;
    unsigned when;          /* at which of the chunks, from 1 on */
    uint64_t page;
    unsigned hits;
} Rig;

static bool has_kvm(void)
{
    int fd = open(KVM_DEFAULT_DEVICE, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        g_test_skip("no KVM");
        return false;
    }
    close(fd);
    return true;
}

static RAMBlock *add_block(RamList *list, const char *name, uint64_t pages)
{
    ObjectOptions options = {
        .id = (char *)name,
        .qom_type = OBJECT_TYPE_MEMORY_BACKEND_RAM,
    };
    g_autoptr(HostMemoryBackend) backend = NULL;
    RAMBlock *block;
    Error *err = NULL;

    options.u.memory_backend_ram.size = pages << TARGET_PAGE_BITS;
    backend = host_memory_backend_new(&options, &err);
    g_assert_null(err);
    block = ram_list_add_backend(list, name, backend, &err);
    g_assert_null(err);
    return block;
}

static KvmExit handle_exit(void *opaque, KvmCpu *cpu)
{
    Rig *rig = opaque;

    if (cpu->run->exit_reason == KVM_EXIT_DIRTY_RING_FULL) {
        kvm_dirty_ring_full(rig->ring, cpu);
        return KVM_CPU_GOES_ON;
    }
    if (cpu->run->exit_reason == KVM_EXIT_INTR) {
        return KVM_CPU_GOES_ON;
    }
    g_assert_cmpuint(cpu->run->exit_reason, ==, KVM_EXIT_HLT);
    qemu_sem_post(&rig->halted);
    return KVM_CPU_HALTED;
}

/* 0 entries: the log. */
static Rig *rig_new(unsigned ring_entries)
{
    Rig *rig = g_new0(Rig, 1);
    KvmCpusHost host = {
        .vm = &rig->vm, .handle_exit = handle_exit, .opaque = rig,
    };
    Error *err = NULL;

    rig->list = ram_list_new();
    rig->block[0] = add_block(rig->list, "a", A_PAGES);
    rig->block[1] = add_block(rig->list, "b", B_PAGES);
    qemu_sem_init(&rig->halted, 0);
    g_assert_true(kvm_vm_init(&rig->vm, KVM_DEFAULT_DEVICE, rig->list, &err));
    if (ring_entries == 0) {
        rig->log = kvm_dirty_new(&rig->vm);
        rig->provider = kvm_dirty_provider(rig->log);
    } else {
        rig->ring = kvm_dirty_ring_new(&rig->vm, ring_entries, &err);
        if (err) {
            g_test_skip(error_get_pretty(err));
            error_free(err);
            kvm_vm_destroy(&rig->vm);
            ram_list_free(rig->list);
            qemu_sem_destroy(&rig->halted);
            g_free(rig);
            return NULL;
        }
        rig->provider = kvm_dirty_ring_provider(rig->ring);
    }
    g_assert_true(kvm_cpus_init(&rig->cpus, &host, 1, &err));
    g_assert_true(!rig->ring ||
                  kvm_dirty_ring_attach(rig->ring, &rig->cpus, &err));
    memcpy(rig->block[0]->host + WRITE_AT, program_write,
           sizeof(program_write));
    memcpy(rig->block[0]->host + FLOOD_AT, program_flood,
           sizeof(program_flood));
    rig->copy[0] = g_malloc0(A_PAGES << TARGET_PAGE_BITS);
    rig->copy[1] = g_malloc0(B_PAGES << TARGET_PAGE_BITS);
    return rig;
}

static void rig_free(Rig *rig)
{
    kvm_cpus_destroy(&rig->cpus);
    kvm_dirty_ring_free(rig->ring);
    kvm_dirty_free(rig->log);
    kvm_vm_destroy(&rig->vm);
    ram_list_free(rig->list);
    qemu_sem_destroy(&rig->halted);
    g_free(rig->copy[0]);
    g_free(rig->copy[1]);
    g_free(rig);
}

/* Has the CPU run a program on a page, counted from address 0. */
static void rig_run(Rig *rig, uint64_t at, uint64_t page, uint8_t value)
{
    KvmCpu *cpu = &rig->cpus.cpu[0];
    struct kvm_regs regs = { .rip = at, .rflags = 2, .rax = value };
    struct kvm_sregs sregs;

    g_assert_cmpint(ioctl(cpu->fd, KVM_GET_SREGS, &sregs), ==, 0);
    sregs.cs.base = sregs.cs.selector = 0;
    sregs.es.base = page << TARGET_PAGE_BITS;
    g_assert_cmpint(ioctl(cpu->fd, KVM_SET_SREGS, &sregs), ==, 0);
    g_assert_cmpint(ioctl(cpu->fd, KVM_SET_REGS, &regs), ==, 0);
    cpu->halted = false;
    kvm_cpus_start(&rig->cpus);
    qemu_sem_wait(&rig->halted);
    kvm_cpus_stop(&rig->cpus);
}

static void rig_start(Rig *rig)
{
    Error *err = NULL;

    g_assert_true(rig->provider->ops->start(rig->provider, rig->list, &err));
}

static void rig_stop(Rig *rig)
{
    rig->provider->ops->stop(rig->provider);
}

/* Both blocks' bits in one bitmap; how many are new. */
static uint64_t rig_sync(Rig *rig, unsigned long *a, unsigned long *b)
{
    uint64_t nr = 0;
    Error *err = NULL;

    g_assert_true(rig->provider->ops->sync(rig->provider, rig->block[0], a,
                                           &nr, &err));
    g_assert_true(rig->provider->ops->sync(rig->provider, rig->block[1], b,
                                           &nr, &err));
    return nr;
}

static void rig_clear(Rig *rig, unsigned block, uint64_t first, uint64_t nr)
{
    Error *err = NULL;

    if (rig->provider->ops->clear) {
        g_assert_true(rig->provider->ops->clear(rig->provider,
                                                rig->block[block], first, nr,
                                                &err));
    }
}

static void check_found(Rig *rig, uint64_t page)
{
    g_autofree unsigned long *a = bitmap_new(A_PAGES);
    g_autofree unsigned long *b = bitmap_new(B_PAGES);

    rig_run(rig, WRITE_AT, page, 0x5a);
    g_assert_cmpuint(rig_sync(rig, a, b), ==, 1);
    if (page < A_PAGES) {
        g_assert_true(test_bit((long)page, a));
        rig_clear(rig, 0, page, 1);
    } else {
        g_assert_true(test_bit((long)(page - A_PAGES), b));
        rig_clear(rig, 1, page - A_PAGES, 1);
    }
    bitmap_zero(a, A_PAGES);
    bitmap_zero(b, B_PAGES);
    g_assert_cmpuint(rig_sync(rig, a, b), ==, 0);
}

/* Each page is found, once, and nothing beside it. */
static void test_pages(const void *opaque)
{
    static const uint64_t pages[] = {
        2, 63, 64, A_PAGES - 36, A_PAGES - 1, A_PAGES, A_PAGES + 63,
        A_PAGES + 64, ALL_PAGES - 1,
    };
    g_autofree unsigned long *a = bitmap_new(A_PAGES);
    g_autofree unsigned long *b = bitmap_new(B_PAGES);
    Rig *rig = has_kvm() ? rig_new(*(const unsigned *)opaque) : NULL;

    if (!rig) {
        return;
    }
    for (unsigned again = 0; again < 2; again++) {
        rig_start(rig);
        /* A log may begin with all pages in it. */
        rig_sync(rig, a, b);
        rig_clear(rig, 0, 0, A_PAGES);
        rig_clear(rig, 1, 0, B_PAGES);
        for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
            check_found(rig, pages[i]);
            check_found(rig, pages[i]);
        }
        rig_stop(rig);
        rig_run(rig, WRITE_AT, 5, 1);
    }
    rig_free(rig);
}

/* A neighbour that is written between reading the log and clearing stays. */
static void test_clear_is_exact(const void *opaque)
{
    g_autofree unsigned long *a = bitmap_new(A_PAGES);
    g_autofree unsigned long *b = bitmap_new(B_PAGES);
    Rig *rig = has_kvm() ? rig_new(*(const unsigned *)opaque) : NULL;

    if (!rig) {
        return;
    }
    rig_start(rig);
    rig_sync(rig, a, b);
    rig_clear(rig, 0, 0, A_PAGES);
    rig_clear(rig, 1, 0, B_PAGES);
    rig_run(rig, WRITE_AT, 100, 1);
    rig_sync(rig, a, b);
    rig_run(rig, WRITE_AT, 99, 1);
    rig_run(rig, WRITE_AT, 101, 1);
    rig_clear(rig, 0, 100, 1);
    bitmap_zero(a, A_PAGES);
    g_assert_cmpuint(rig_sync(rig, a, b), ==, 2);
    g_assert_true(test_bit(99, a) && test_bit(101, a));
    rig_stop(rig);
    rig_free(rig);
}

static void rig_hit(void *opaque, PausePoint point)
{
    Rig *rig = opaque;

    if (point == rig->point && ++rig->hits == rig->when) {
        rig_run(rig, WRITE_AT, rig->page, 0x5a);
    }
}

static void rig_send(Rig *rig, const PageRun *run)
{
    uint8_t *copy = rig->copy[run->block == rig->block[1]];
    uint64_t at = run->first_page << TARGET_PAGE_BITS;
    uint64_t len = run->nr_pages << TARGET_PAGE_BITS;

    if (run->kind == PAGE_RUN_HOLE) {
        memset(copy + at, 0, len);
    } else {
        memcpy(copy + at, run->block->host + at, len);
    }
}

static void rig_migrate(Rig *rig)
{
    PausePoints points = { .hit = rig_hit, .opaque = rig };
    g_autoptr(RamWalker) walker = NULL;
    RamWalkerNext next;
    uint64_t nr_new;
    Error *err = NULL;

    rig_start(rig);
    walker = ram_walker_new(rig->list, rig->provider, &points);
    for (unsigned round = 0; round < 3; round++) {
        PageRun run;

        g_assert_true(ram_walker_sync(walker, &nr_new, &err));
        while ((next = ram_walker_next(walker, &run, &err)) ==
               RAM_WALKER_RUN) {
            rig_send(rig, &run);
            rig_hit(rig, AFTER_READ);
        }
        g_assert_cmpint(next, ==, RAM_WALKER_WRAPPED);
    }
    g_assert_true(ram_walker_sync(walker, &nr_new, &err));
    g_assert_cmpuint(nr_new, ==, 0);
    rig_stop(rig);
}

/* One write, in its own chunk, one before and one behind. */
static void check_moments(unsigned ring_entries, PausePoint point)
{
    static const uint64_t pages[] = {
        2, 2100, A_PAGES - 1, A_PAGES, ALL_PAGES - 1,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(pages) * NR_CHUNKS; i++) {
        Rig *rig = rig_new(ring_entries);

        if (!rig) {
            return;
        }
        rig->point = point;
        rig->when = i % NR_CHUNKS + 1;
        rig->page = pages[i / NR_CHUNKS];
        rig_migrate(rig);
        g_assert_cmpuint(rig->hits, >=, NR_CHUNKS);
        for (unsigned b = 0; b < 2; b++) {
            g_assert_cmpint(memcmp(rig->copy[b], rig->block[b]->host,
                                   rig->block[b]->used_length), ==, 0);
        }
        rig_free(rig);
    }
}

static void test_moments(const void *opaque)
{
#ifdef CONFIG_PAUSE_POINTS
    if (has_kvm()) {
        check_moments(*(const unsigned *)opaque, PAUSE_POINT_AFTER_CLEAR);
        check_moments(*(const unsigned *)opaque, PAUSE_POINT_AFTER_HOLE_QUERY);
        check_moments(*(const unsigned *)opaque, AFTER_READ);
    }
#else
    g_test_skip("built without pause points");
#endif
}

/* More than fits, written in a way in which some kernels do not look. */
static void test_flood(const void *opaque)
{
    g_autofree unsigned long *a = bitmap_new(A_PAGES);
    g_autofree unsigned long *b = bitmap_new(B_PAGES);
    Rig *rig = has_kvm() ? rig_new(*(const unsigned *)opaque) : NULL;

    if (!rig) {
        return;
    }
    rig_start(rig);
    rig_run(rig, WRITE_AT, 9, 1);
    for (unsigned i = 0; i < 4; i++) {
        rig_run(rig, FLOOD_AT, 20 + i, 1);
    }
    rig_sync(rig, a, b);
    g_assert_true(test_bit(9, a));
    for (long i = 0; i < 4; i++) {
        g_assert_true(test_bit(20 + i, a));
    }
    /* And it finds its way back. */
    for (unsigned i = 0; i < 3; i++) {
        bitmap_zero(a, A_PAGES);
        rig_run(rig, WRITE_AT, 30 + i, 1);
        g_assert_cmpuint(rig_sync(rig, a, b), ==, 1);
        g_assert_true(test_bit(30 + i, a));
    }
    rig_stop(rig);
    rig_free(rig);
}

int main(int argc, char **argv)
{
    static const unsigned log_size = 0, ring_size = 1024;

    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/kvm-dirty/log/pages", &log_size, test_pages);
    g_test_add_data_func("/kvm-dirty/log/clear-is-exact", &log_size,
                         test_clear_is_exact);
    g_test_add_data_func("/kvm-dirty/log/moments", &log_size, test_moments);
    g_test_add_data_func("/kvm-dirty/ring/pages", &ring_size, test_pages);
    g_test_add_data_func("/kvm-dirty/ring/moments", &ring_size, test_moments);
    g_test_add_data_func("/kvm-dirty/ring/flood", &ring_size, test_flood);
    return g_test_run();
}
