/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A software DSA device with memory to work on, for its unit tests.
 */
#include "qemu/osdep.h"

#include <sched.h>
#include <sys/mman.h>

#include "qemu/atomic.h"
#include "dsa-soft-rig.h"

uint8_t *rig_map(unsigned nr_pages, int prot)
{
    void *addr = mmap(NULL, nr_pages * RIG_PAGE, prot,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    g_assert_true(addr != MAP_FAILED);
    /* One page at a time, or a write would bring in its neighbours. */
    madvise(addr, nr_pages * RIG_PAGE, MADV_NOHUGEPAGE);
    return addr;
}

void rig_init(Rig *rig, const char *options)
{
    Error *err = NULL;

    dsa_bell_init(&rig->bell);
    rig->soft = dsa_soft_new(options, &rig->bell, &err);
    g_assert_null(err);
    g_assert_nonnull(rig->soft);
    rig->dedicated = dsa_soft_info(rig->soft)->mode == DSA_QUEUE_DEDICATED;
    rig->data = rig_map(RIG_PAGES, PROT_READ | PROT_WRITE);
    rig->list = (void *)rig_map(RIG_RECORDS * 64 / RIG_PAGE,
                                PROT_READ | PROT_WRITE);
    rig->cr = (void *)rig_map(RIG_RECORDS * 32 / RIG_PAGE,
                              PROT_READ | PROT_WRITE);
}

void rig_close(Rig *rig)
{
    dsa_soft_free(rig->soft);
    rig->soft = NULL;
}

void rig_clear(Rig *rig)
{
    rig_close(rig);
    munmap(rig->data, RIG_PAGES * RIG_PAGE);
    munmap(rig->list, RIG_RECORDS * 64);
    munmap(rig->cr, RIG_RECORDS * 32);
    dsa_bell_destroy(&rig->bell);
}

bool rig_is_present(const void *addr)
{
    AUTO_FD int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t word = 0;

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(pread(fd, &word, sizeof(word),
                          (uintptr_t)addr / RIG_PAGE * sizeof(word)), ==,
                    sizeof(word));
    return word >> 63;
}

struct dsa_hw_desc rig_desc(Rig *rig, unsigned i, unsigned opcode)
{
    memset(&rig->cr[i], 0, sizeof(rig->cr[i]));
    return (struct dsa_hw_desc) {
        .opcode = opcode,
        .flags = RIG_FLAGS,
        .completion_addr = (uintptr_t)&rig->cr[i],
    };
}

struct dsa_hw_desc rig_compval(Rig *rig, unsigned i, const void *addr,
                               uint32_t size)
{
    struct dsa_hw_desc desc = rig_desc(rig, i, DSA_OPCODE_COMPVAL);

    desc.src_addr = (uintptr_t)addr;
    desc.xfer_size = size;
    return desc;
}

struct dsa_hw_desc rig_batch(Rig *rig, unsigned i, unsigned nr)
{
    struct dsa_hw_desc desc = rig_desc(rig, i, DSA_OPCODE_BATCH);

    desc.desc_list_addr = (uintptr_t)rig->list;
    desc.desc_count = nr;
    return desc;
}

void rig_submit(Rig *rig, const struct dsa_hw_desc *desc)
{
    if (rig->dedicated) {
        dsa_soft_movdir64b(rig->soft, desc);
        return;
    }
    while (!dsa_soft_enqcmd(rig->soft, desc)) {
        sched_yield();
    }
}

uint8_t rig_status(Rig *rig, unsigned i)
{
    return qatomic_load_acquire(&rig->cr[i].status);
}

uint8_t rig_wait(Rig *rig, unsigned i)
{
    for (;;) {
        uint32_t seen = dsa_bell_read(&rig->bell);

        if (rig_status(rig, i)) {
            return rig_status(rig, i);
        }
        g_assert_true(dsa_bell_wait(&rig->bell, seen, RIG_PATIENCE_MS));
    }
}

uint8_t rig_run(Rig *rig, const struct dsa_hw_desc *desc)
{
    struct dsa_completion_record *cr = (void *)(uintptr_t)desc->completion_addr;

    rig_submit(rig, desc);
    return rig_wait(rig, cr - rig->cr);
}

void rig_drain(Rig *rig)
{
    struct dsa_hw_desc desc = rig_desc(rig, RIG_RECORDS - 1, DSA_OPCODE_DRAIN);

    g_assert_cmphex(rig_run(rig, &desc), ==, DSA_COMP_SUCCESS);
}
