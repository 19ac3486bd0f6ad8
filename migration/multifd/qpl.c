/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * multifd-compression qpl: the format, and who does the work.  Content is, for
 * each page, a be32 with the length of its data, then the data of all: a raw
 * deflate stream, or the page itself where the length is a page's.  Pages do not
 * depend on each other, so an IAA device takes a whole packet at once.
 *
 * Entered by multifdsend_N and multifdrecv_N; by the migration and the load thread
 * to find out whether there is a device.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "memory/ram.h"
#include "migration/multifd/compress.h"
#include "migration/multifd/qpl-internal.h"
#include "migration/stream/multifd-packet.h"

/* Of either direction: by whom, and the pages of a packet. */
typedef struct QplWork {
    MultiFDQplCpu *cpu;
    MultiFDQplIaa *iaa;         /* NULL: the CPU does it */
    unsigned packet_pages;
    MultiFDQplPage *page;       /* packet_pages entries */
} QplWork;

typedef struct QplSend {
    MultiFDCompressor parent;
    QplWork work;
    /* Room for all lengths, then for a page of data each. */
    uint8_t *out;
    struct iovec *iov;          /* 1 + packet_pages entries */
} QplSend;

typedef struct QplRecv {
    MultiFDDecompressor parent;
    QplWork work;
} QplRecv;

static size_t multifd_qpl_most_bytes(unsigned nr_pages)
{
    return (size_t)nr_pages * (sizeof(uint32_t) + TARGET_PAGE_SIZE);
}

#ifdef CONFIG_QPL
static char *multifd_qpl_notice(void)
{
    Error *err = NULL;
    MultiFDQplIaa *iaa = multifd_qpl_iaa_new(1, NULL, &err);
    char *notice;

    if (iaa) {
        multifd_qpl_iaa_free(iaa);
        return NULL;
    }
    notice = g_strdup_printf("multifd-compression is 'qpl' and no IAA device "
                             "can be used, so the CPU does its work: %s",
                             error_get_pretty(err));
    error_free(err);
    return notice;
}
#else
static char *multifd_qpl_notice(void)
{
    return g_strdup("multifd-compression is 'qpl' and this wherry was built "
                    "without libqpl, which IAA devices need, so the CPU does "
                    "its work");
}
#endif

static void multifd_qpl_work_destroy(QplWork *w)
{
#ifdef CONFIG_QPL
    multifd_qpl_iaa_free(w->iaa);
#endif
    multifd_qpl_cpu_free(w->cpu);
    g_free(w->page);
}

static bool multifd_qpl_work_init(QplWork *w, unsigned packet_pages,
                                  Error **errp)
{
    w->packet_pages = packet_pages;
    w->page = g_new(MultiFDQplPage, packet_pages);
    w->cpu = multifd_qpl_cpu_new(errp);
#ifdef CONFIG_QPL
    if (w->cpu) {
        /* Why there is none was told by multifd_qpl_notice(). */
        w->iaa = multifd_qpl_iaa_new(packet_pages, w->cpu, NULL);
    }
#endif
    return w->cpu != NULL;
}

/* The pages of runs, their host addresses only.  Returns how many. */
static unsigned multifd_qpl_work_set(QplWork *w, const struct iovec *pages,
                                     unsigned nr_iov)
{
    unsigned n = 0;

    for (unsigned i = 0; i < nr_iov; i++) {
        for (size_t at = 0; at < pages[i].iov_len; at += TARGET_PAGE_SIZE) {
            w->page[n++].host = (uint8_t *)pages[i].iov_base + at;
        }
    }
    return n;
}

static MultiFDCompressor *multifd_qpl_send_new(const MigrationConfig *config,
                                               Error **errp)
{
    QplSend *z = g_new0(QplSend, 1);
    unsigned packet_pages = config->multifd_packet_pages;

    if (!multifd_qpl_work_init(&z->work, packet_pages, errp)) {
        multifd_qpl_work_destroy(&z->work);
        g_free(z);
        return NULL;
    }
    z->out = multifd_compress_buffer_new(multifd_qpl_most_bytes(packet_pages));
    z->iov = g_new(struct iovec, 1 + packet_pages);
    z->parent.iov = z->iov;
    return &z->parent;
}

static void multifd_qpl_send_free(MultiFDCompressor *parent)
{
    QplSend *z = container_of(parent, QplSend, parent);

    g_aligned_free(z->out);
    multifd_qpl_work_destroy(&z->work);
    g_free(z->iov);
    g_free(z);
}

static bool multifd_qpl_send_deflate(QplSend *z, unsigned nr_pages,
                                     uint8_t *data, Error **errp)
{
    QplWork *w = &z->work;

#ifdef CONFIG_QPL
    if (w->iaa) {
        return multifd_qpl_iaa_deflate(w->iaa, w->page, nr_pages, errp);
    }
#endif
    /* One behind the other, so that all is one piece. */
    for (unsigned i = 0; i < nr_pages; i++) {
        multifd_qpl_cpu_deflate(w->cpu, &w->page[i], data);
        data += w->page[i].len_bytes;
    }
    return true;
}

static bool multifd_qpl_send(MultiFDCompressor *parent,
                             const struct iovec *pages, unsigned nr_iov,
                             Error **errp)
{
    QplSend *z = container_of(parent, QplSend, parent);
    QplWork *w = &z->work;
    unsigned nr_pages = multifd_qpl_work_set(w, pages, nr_iov);
    uint8_t *data = z->out + w->packet_pages * sizeof(uint32_t);
    uint8_t *length = data - nr_pages * sizeof(uint32_t);
    unsigned last = 0;

    if (!multifd_qpl_send_deflate(z, nr_pages, data, errp)) {
        return false;
    }
    z->iov[0] = (struct iovec) { length, nr_pages * sizeof(uint32_t) };
    parent->len_bytes = nr_pages * sizeof(uint32_t);
    for (unsigned i = 0; i < nr_pages; i++) {
        const MultiFDQplPage *page = &w->page[i];

        stl_be_p(length + i * sizeof(uint32_t), page->len_bytes);
        parent->len_bytes += page->len_bytes;
        if ((const uint8_t *)z->iov[last].iov_base + z->iov[last].iov_len ==
            page->data) {
            z->iov[last].iov_len += page->len_bytes;
        } else {
            z->iov[++last] = (struct iovec) { (void *)page->data,
                                              page->len_bytes };
        }
    }
    parent->nr_iov = last + 1;
    return true;
}

static MultiFDDecompressor *multifd_qpl_recv_new(unsigned packet_pages,
                                                 Error **errp)
{
    QplRecv *z = g_new0(QplRecv, 1);

    if (!multifd_qpl_work_init(&z->work, packet_pages, errp)) {
        multifd_qpl_work_destroy(&z->work);
        g_free(z);
        return NULL;
    }
    z->parent.populate = z->work.iaa != NULL;
    return &z->parent;
}

static void multifd_qpl_recv_free(MultiFDDecompressor *parent)
{
    QplRecv *z = container_of(parent, QplRecv, parent);

    multifd_qpl_work_destroy(&z->work);
    g_free(z);
}

/* Where in the content which page is, each length checked. */
static bool multifd_qpl_recv_cut(QplRecv *z, size_t len_bytes,
                                 unsigned nr_pages, Error **errp)
{
    size_t at = nr_pages * sizeof(uint32_t);

    if (len_bytes < at) {
        error_setg(errp, "%zu bytes of qpl content, expected %zu for the "
                   "lengths of %u pages alone", len_bytes, at, nr_pages);
        return false;
    }
    for (unsigned i = 0; i < nr_pages; i++) {
        uint32_t len = ldl_be_p(z->parent.in + i * sizeof(uint32_t));

        if (len == 0 || len > TARGET_PAGE_SIZE) {
            error_setg(errp, "page %u has %u bytes of qpl content, expected 1 "
                       "to %u", i, len, TARGET_PAGE_SIZE);
            return false;
        }
        if (len > len_bytes - at) {
            error_setg(errp, "page %u has %u bytes of qpl content and the "
                       "packet only %zu more", i, len, len_bytes - at);
            return false;
        }
        z->work.page[i].data = z->parent.in + at;
        z->work.page[i].len_bytes = len;
        at += len;
    }
    if (at < len_bytes) {
        error_setg(errp, "%zu bytes behind the qpl content belong to no page",
                   len_bytes - at);
        return false;
    }
    return true;
}

static bool multifd_qpl_recv(MultiFDDecompressor *parent, size_t len_bytes,
                             const struct iovec *pages, unsigned nr_iov,
                             Error **errp)
{
    QplRecv *z = container_of(parent, QplRecv, parent);
    QplWork *w = &z->work;
    unsigned nr_pages = multifd_qpl_work_set(w, pages, nr_iov);

    if (!multifd_qpl_recv_cut(z, len_bytes, nr_pages, errp)) {
        return false;
    }
#ifdef CONFIG_QPL
    if (w->iaa) {
        return multifd_qpl_iaa_inflate(w->iaa, w->page, nr_pages, errp);
    }
#endif
    for (unsigned i = 0; i < nr_pages; i++) {
        if (!multifd_qpl_cpu_inflate(w->cpu, &w->page[i], errp)) {
            return false;
        }
    }
    return true;
}

const MultiFDMethod multifd_method_qpl = {
    .name = "qpl",
    .flag = MULTIFD_FLAG_QPL,
    .most_bytes = multifd_qpl_most_bytes,
    .notice = multifd_qpl_notice,
    .send_new = multifd_qpl_send_new,
    .send = multifd_qpl_send,
    .send_free = multifd_qpl_send_free,
    .recv_new = multifd_qpl_recv_new,
    .recv = multifd_qpl_recv,
    .recv_free = multifd_qpl_recv_free,
};
