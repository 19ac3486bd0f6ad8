/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * multifd-compression qpl by the CPU: each page a raw deflate stream (RFC 1951) of
 * its own, made and read by libdeflate.  A page that does not shrink stays as it
 * is.
 *
 * Entered by multifdsend_N and multifdrecv_N.
 */
#include "qemu/osdep.h"
#include <libdeflate.h>
#include "qapi/error.h"
#include "memory/ram.h"
#include "migration/multifd/qpl-internal.h"

/* The fastest: what is wanted of this method is speed, as a device has it. */
#define DEFLATE_LEVEL 1

struct MultiFDQplCpu {
    struct libdeflate_compressor *deflate;
    struct libdeflate_decompressor *inflate;
    uint8_t page[TARGET_PAGE_SIZE];
};

MultiFDQplCpu *multifd_qpl_cpu_new(Error **errp)
{
    MultiFDQplCpu *cpu = g_new0(MultiFDQplCpu, 1);

    cpu->deflate = libdeflate_alloc_compressor(DEFLATE_LEVEL);
    cpu->inflate = libdeflate_alloc_decompressor();
    if (!cpu->deflate || !cpu->inflate) {
        error_setg(errp, "libdeflate has no memory for "
                   "multifd-compression qpl");
        multifd_qpl_cpu_free(cpu);
        return NULL;
    }
    return cpu;
}

void multifd_qpl_cpu_free(MultiFDQplCpu *cpu)
{
    if (cpu) {
        libdeflate_free_compressor(cpu->deflate);
        libdeflate_free_decompressor(cpu->inflate);
        g_free(cpu);
    }
}

void multifd_qpl_cpu_deflate(MultiFDQplCpu *cpu, MultiFDQplPage *page,
                             uint8_t *out)
{
    size_t len_bytes;

    /*
     * libdeflate counts symbols first and writes them later, with codes for those
     * alone that it has counted: a guest that writes in between would make
     * rubbish of it.  So it gets a copy.
     */
    memcpy(cpu->page, page->host, TARGET_PAGE_SIZE);
    len_bytes = libdeflate_deflate_compress(cpu->deflate, cpu->page,
                                            TARGET_PAGE_SIZE, out,
                                            TARGET_PAGE_SIZE - 1);
    if (len_bytes == 0) {
        memcpy(out, cpu->page, TARGET_PAGE_SIZE);
        len_bytes = TARGET_PAGE_SIZE;
    }
    page->data = out;
    page->len_bytes = (uint32_t)len_bytes;
}

bool multifd_qpl_cpu_inflate(MultiFDQplCpu *cpu, const MultiFDQplPage *page,
                             Error **errp)
{
    size_t in_bytes, out_bytes;

    if (page->len_bytes == TARGET_PAGE_SIZE) {
        memcpy(page->host, page->data, TARGET_PAGE_SIZE);
        return true;
    }
    switch (libdeflate_deflate_decompress_ex(cpu->inflate, page->data,
                                             page->len_bytes, page->host,
                                             TARGET_PAGE_SIZE, &in_bytes,
                                             &out_bytes)) {
    case LIBDEFLATE_SUCCESS:
        break;
    case LIBDEFLATE_INSUFFICIENT_SPACE:
        error_setg(errp, "the qpl content of a page is longer than a page");
        return false;
    default:
        error_setg(errp, "the qpl content of a page is corrupt or cut short");
        return false;
    }
    if (out_bytes < TARGET_PAGE_SIZE) {
        error_setg(errp, "the qpl content of a page ends after %zu of its %u "
                   "bytes", out_bytes, TARGET_PAGE_SIZE);
        return false;
    }
    if (in_bytes < page->len_bytes) {
        error_setg(errp, "%zu bytes behind the qpl content of a page belong "
                   "to no page", page->len_bytes - in_bytes);
        return false;
    }
    return true;
}
