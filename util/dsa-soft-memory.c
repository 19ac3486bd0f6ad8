/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process's memory as the software DSA device sees it.
 *
 * A page that the process's page tables do not have makes the device fault, as
 * hardware that shares them does; so looking must not bring it in.  It is
 * looked up with PAGEMAP_SCAN (Linux 6.7), or by reading pagemap.  What is
 * there may still be forbidden (PROT_NONE): MADV_POPULATE_READ and its twin for
 * writes tell, and are only used on what is there or is to be brought in.
 * After that plain loads and stores are safe as long as nobody unmaps the
 * memory, which those who submit must not do.
 *
 * Entered by engines, each with its own DsaSoftMemory, and by submitters.
 */
#include "qemu/osdep.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "linux/pagemap_scan.h"
#include "qemu/auto-fd.h"
#include "dsa-soft-memory.h"

/* Since Linux 5.14; older C libraries lack them. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Words of /proc/PID/pagemap. */
#define PAGEMAP_PRESENT     (UINT64_C(1) << 63)
#define PAGEMAP_FILE        (UINT64_C(1) << 61)
#define PAGEMAP_EXCLUSIVE   (UINT64_C(1) << 56)

/* Runs returned by one ioctl. */
#define SCAN_REGIONS 64

/* No page has this address. */
#define NO_PAGE 1

static bool populate(uint64_t addr, uint64_t len, bool write)
{
    return madvise((void *)(uintptr_t)addr, len,
                   write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0;
}

bool dsa_soft_pagemap_open(DsaSoftPagemap *pagemap, Error **errp)
{
    uint64_t page_size = qemu_real_host_page_size();
    uint64_t page = QEMU_ALIGN_DOWN((uintptr_t)&page_size, page_size);
    struct wherry_page_region region;
    struct wherry_pm_scan_arg arg = {
        .size = sizeof(arg),
        .start = page,
        .end = page + page_size,
        .vec = (uintptr_t)&region,
        .vec_len = 1,
        .category_mask = WHERRY_PAGE_IS_PRESENT,
        .return_mask = WHERRY_PAGE_IS_PRESENT,
    };
    AUTO_FD int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        error_setg_errno(errp, errno, "dsa:soft: cannot open "
                         "/proc/self/pagemap");
        return false;
    }
    if (!populate(page, page_size, true)) {
        error_setg_errno(errp, errno, "dsa:soft: the kernel lacks "
                         "MADV_POPULATE_READ; Linux 5.14 has it");
        return false;
    }
    pagemap->scan = ioctl(fd, WHERRY_PAGEMAP_SCAN, &arg) >= 0;
    pagemap->page_size = page_size;
    pagemap->fd = fd;
    fd = -1;
    return true;
}

void dsa_soft_pagemap_close(DsaSoftPagemap *pagemap)
{
    auto_fd_close(&pagemap->fd);
    pagemap->fd = -1;
}

void dsa_soft_memory_start(DsaSoftMemory *memory, const DsaSoftPagemap *pagemap)
{
    memory->pagemap = pagemap;
    memory->read.start = memory->read.end = 0;
    memory->write.start = memory->write.end = 0;
    memory->record_page = NO_PAGE;
    memory->nr_resolved = 0;
}

static void window_set(DsaSoftWindow *w, size_t page, bool there)
{
    uint64_t bit = UINT64_C(1) << (page % 64);

    if (there) {
        w->there[page / 64] |= bit;
    } else {
        w->there[page / 64] &= ~bit;
    }
}

static bool window_get(const DsaSoftWindow *w, size_t page)
{
    return w->there[page / 64] >> (page % 64) & 1;
}

/*
 * Present pages by the ioctl.  The shared zero page cannot be written without
 * a fault.  (Nor can a page that is shared after a fork; it does not tell.)
 */
static void window_scan(const DsaSoftPagemap *pagemap, DsaSoftWindow *w,
                        bool write)
{
    struct wherry_page_region regions[SCAN_REGIONS];
    struct wherry_pm_scan_arg arg = {
        .size = sizeof(arg),
        .start = w->start,
        .end = w->end,
        .vec = (uintptr_t)regions,
        .vec_len = SCAN_REGIONS,
        .category_inverted = write ? WHERRY_PAGE_IS_PFNZERO : 0,
        .category_mask = WHERRY_PAGE_IS_PRESENT |
                         (write ? WHERRY_PAGE_IS_PFNZERO : 0),
        .return_mask = WHERRY_PAGE_IS_PRESENT,
    };

    while (arg.start < arg.end) {
        int nr = ioctl(pagemap->fd, WHERRY_PAGEMAP_SCAN, &arg);

        for (int i = 0; i < nr; i++) {
            for (uint64_t at = regions[i].start; at < regions[i].end;
                 at += pagemap->page_size) {
                window_set(w, (at - w->start) / pagemap->page_size, true);
            }
        }
        if (nr < 0 || arg.walk_end <= arg.start) {
            return;
        }
        arg.start = arg.walk_end;
    }
}

/* The same by a word a page. */
static void window_read(const DsaSoftPagemap *pagemap, DsaSoftWindow *w,
                        bool write)
{
    uint64_t words[DSA_SOFT_WINDOW_PAGES];
    uint64_t first = w->start / pagemap->page_size;
    size_t nr_pages = (w->end - w->start) / pagemap->page_size;
    ssize_t got = pread(pagemap->fd, words, nr_pages * sizeof(words[0]),
                        first * sizeof(words[0]));

    for (size_t i = 0; i < nr_pages; i++) {
        if (got >= (ssize_t)((i + 1) * sizeof(words[0])) &&
            (words[i] & PAGEMAP_PRESENT) &&
            (!write || (words[i] & (PAGEMAP_FILE | PAGEMAP_EXCLUSIVE)))) {
            window_set(w, i, true);
        }
    }
}

/* Of pages [@from, @to), which are there, forget those that are forbidden. */
static void window_allow(const DsaSoftPagemap *pagemap, DsaSoftWindow *w,
                         size_t from, size_t to, bool write)
{
    uint64_t page_size = pagemap->page_size;

    if (populate(w->start + from * page_size, (to - from) * page_size,
                 write)) {
        return;
    }
    for (size_t i = from; i < to; i++) {
        if (!populate(w->start + i * page_size, page_size, write)) {
            window_set(w, i, false);
        }
    }
}

static void window_look(const DsaSoftPagemap *pagemap, DsaSoftWindow *w,
                        uint64_t addr, uint64_t len, bool write)
{
    uint64_t page_size = pagemap->page_size;
    uint64_t last = addr + MIN(len - 1, UINT64_MAX - addr);
    size_t nr_pages;

    w->start = QEMU_ALIGN_DOWN(addr, page_size);
    /* The last page of all has no end; nothing is mapped there. */
    last = MIN(last, UINT64_MAX - page_size);
    last = MIN(last, w->start + DSA_SOFT_WINDOW_PAGES * page_size - 1);
    w->end = MAX(w->start, QEMU_ALIGN_DOWN(last, page_size) + page_size);
    memset(w->there, 0, sizeof(w->there));
    if (pagemap->scan) {
        window_scan(pagemap, w, write);
    } else {
        window_read(pagemap, w, write);
    }
    nr_pages = (w->end - w->start) / page_size;
    for (size_t from = 0, to; from < nr_pages; from = to) {
        to = from + 1;
        if (window_get(w, from)) {
            while (to < nr_pages && window_get(w, to)) {
                to++;
            }
            window_allow(pagemap, w, from, to, write);
        }
    }
}

void dsa_soft_memory_look(DsaSoftMemory *memory, uint64_t addr, uint64_t len)
{
    if (len) {
        window_look(memory->pagemap, &memory->read, addr, len, false);
    }
}

uint64_t dsa_soft_memory_there(DsaSoftMemory *memory, uint64_t addr,
                               uint64_t len, bool write)
{
    DsaSoftWindow *w = write ? &memory->write : &memory->read;
    uint64_t page_size = memory->pagemap->page_size;
    uint64_t there = 0;
    size_t page;

    if (addr < w->start || addr >= w->end) {
        window_look(memory->pagemap, w, addr, len, write);
        if (addr >= w->end) {
            return 0;
        }
    }
    page = (addr - w->start) / page_size;
    while (there < len && page < (w->end - w->start) / page_size &&
           window_get(w, page)) {
        page++;
        there = w->start + page * page_size - addr;
    }
    return MIN(there, len);
}

/* The page of @addr has come in. */
static void window_mark(DsaSoftWindow *w, uint64_t addr, uint64_t page_size)
{
    if (addr >= w->start && addr < w->end) {
        window_set(w, (addr - w->start) / page_size, true);
    }
}

bool dsa_soft_memory_resolve(DsaSoftMemory *memory, uint64_t addr, bool write)
{
    uint64_t page_size = memory->pagemap->page_size;

    if (!populate(QEMU_ALIGN_DOWN(addr, page_size), page_size, write)) {
        return false;
    }
    memory->nr_resolved++;
    window_mark(&memory->read, addr, page_size);
    if (write) {
        window_mark(&memory->write, addr, page_size);
    }
    return true;
}

uint64_t dsa_soft_memory_wait(DsaSoftMemory *memory, uint64_t addr,
                              uint64_t len)
{
    uint64_t page_size = memory->pagemap->page_size;
    uint64_t page = QEMU_ALIGN_DOWN(addr, page_size);
    uint64_t nr_pages = DIV_ROUND_UP(addr - page + len, page_size);
    uint64_t there;

    if (populate(page, nr_pages * page_size, false)) {
        return len;
    }
    for (there = page - addr; nr_pages && populate(page, page_size, false);
         nr_pages--) {
        page += page_size;
        there += page_size;
    }
    return page > addr ? MIN(there, len) : 0;
}

void *dsa_soft_memory_record(DsaSoftMemory *memory, uint64_t addr)
{
    uint64_t page_size = memory->pagemap->page_size;
    uint64_t page = QEMU_ALIGN_DOWN(addr, page_size);

    if (page != memory->record_page) {
        if (!populate(page, page_size, true)) {
            return NULL;
        }
        memory->record_page = page;
    }
    return (void *)(uintptr_t)addr;
}

bool dsa_soft_memory_copy_in(void *buf, const void *addr, size_t len)
{
    struct iovec local = { .iov_base = buf, .iov_len = len };
    struct iovec remote = { .iov_base = (void *)addr, .iov_len = len };

    ssize_t got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

    if (got < 0 && errno != EFAULT) {
        /* The call is forbidden, in a container for one: has to be trusted. */
        memcpy(buf, addr, len);
        return true;
    }
    return got == (ssize_t)len;
}
