/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed content on its way from a channel to guest memory: however much of it
 * was read ahead, what is behind it stays; and an error where there is no room.
 */
#include "qemu/osdep.h"
#include <sys/mman.h>
#include "memory/backend.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "migration/multifd/recv-compressed.h"
#include "migration/multifd/recv-internal.h"
#include "tests/lib/channel-pair.h"
#include "tests/lib/small-tmpfs.h"
#include "compress-pages.h"

#define NR_PAGES 64
#define AHEAD_BYTES PAGES(NR_PAGES)

/* A channel with a block behind it, and the other end. */
typedef struct Rig {
    CompressEnds *ends;
    QIOChannel *peer;
    MultiFDRecvChannel c;
    HostMemoryBackend backend;
    RAMBlock block;
    ReceivedBlock rb;
    uint8_t *pages;
} Rig;

/* @fd: of shared memory; below 0 for anonymous memory */
static void rig_init(Rig *rig, int fd)
{
    MultiFDRecvChannel *c = &rig->c;

    *rig = (Rig) { .backend = { .fd = fd, .share = fd >= 0 } };
    channel_pair_new(CHANNEL_PAIR_UNIX, &rig->peer, &c->ioc);
    rig->ends = compress_ends_new(MULTIFD_COMPRESSION_ZSTD, 1, NR_PAGES);
    rig->pages = compress_new_pages(NR_PAGES, 0);
    rig->backend.id = g_strdup("mem0");
    rig->backend.size = PAGES(NR_PAGES);
    rig->backend.host = mmap(NULL, PAGES(NR_PAGES), PROT_READ | PROT_WRITE,
                             fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED,
                             fd, 0);
    g_assert_true(rig->backend.host != MAP_FAILED);
    rig->block.host = rig->backend.host;
    rig->block.backend = &rig->backend;
    rig->block.nr_pages = NR_PAGES;
    rig->rb.block = &rig->block;
    rig->rb.received = bitmap_new(NR_PAGES);
    rig->rb.dirty = bitmap_new(NR_PAGES);
    c->decompressor = rig->ends->recv;
    c->page = g_new(uint64_t, NR_PAGES);
    c->iov = g_new(struct iovec, NR_PAGES);
    c->ahead = g_malloc(AHEAD_BYTES);
    qio_channel_set_name(c->ioc, "multifd channel 0");
}

static void rig_done(Rig *rig)
{
    munmap(rig->backend.host, PAGES(NR_PAGES));
    if (rig->backend.fd >= 0) {
        close(rig->backend.fd);
    }
    compress_ends_free(rig->ends);
    qio_channel_unref(rig->peer);
    qio_channel_unref(rig->c.ioc);
    g_free(rig->backend.id);
    g_free(rig->rb.received);
    g_free(rig->rb.dirty);
    g_free(rig->c.page);
    g_free(rig->c.iov);
    g_free(rig->c.ahead);
    g_free(rig->pages);
}

/* Sends all pages, the first @ahead_bytes of their content read ahead. */
static bool rig_receive(Rig *rig, size_t ahead_bytes, Error **errp)
{
    MultiFDPacket packet = { .nr_normal = NR_PAGES };
    MultiFDRecvChannel *c = &rig->c;

    compress_there(rig->ends, rig->pages, NR_PAGES);
    packet.content_bytes = (uint32_t)rig->ends->content_bytes;
    ahead_bytes = MIN(ahead_bytes, rig->ends->content_bytes);
    memcpy(c->ahead, rig->ends->content, ahead_bytes);
    c->ahead_pos = 0;
    c->ahead_len = (unsigned)ahead_bytes;
    if (ahead_bytes == rig->ends->content_bytes) {
        /* The next header, perhaps. */
        memset(c->ahead + ahead_bytes, 0x77, 100);
        c->ahead_len += 100;
    }
    g_assert_true(qio_channel_write_all(rig->peer,
                                        rig->ends->content + ahead_bytes,
                                        packet.content_bytes - ahead_bytes,
                                        NULL));
    for (unsigned i = 0; i < NR_PAGES; i++) {
        c->page[i] = (i * 5) % NR_PAGES;
    }
    return multifd_recv_compressed(c, &rig->rb, &packet, errp);
}

static void check_ahead(int fd, size_t ahead_bytes)
{
    Error *err = NULL;
    Rig rig;

    rig_init(&rig, fd);
    rig_receive(&rig, ahead_bytes, &err);
    g_assert_null(err);
    for (unsigned i = 0; i < NR_PAGES; i++) {
        g_assert_cmpmem(rig.block.host + PAGES(rig.c.page[i]), PAGES(1),
                        rig.pages + PAGES(i), PAGES(1));
        g_assert_true(test_bit(i, rig.rb.received));
        g_assert_true(test_bit(i, rig.rb.dirty));
    }
    g_assert_cmpuint(rig.c.ahead_len - rig.c.ahead_pos, ==,
                     ahead_bytes == SIZE_MAX ? 100 : 0);
    rig_done(&rig);
}

static void test_ahead(void)
{
    static const size_t ahead[] = { 0, 1, 999, 60000, SIZE_MAX };

    if (compress_skip_unless_built(MULTIFD_COMPRESSION_ZSTD)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(ahead); i++) {
        int fd = memfd_create("test", MFD_CLOEXEC);

        g_assert_cmpint(ftruncate(fd, PAGES(NR_PAGES)), ==, 0);
        check_ahead(-1, ahead[i]);
        check_ahead(fd, ahead[i]);
    }
}

/* Memory that looks as if it were there, but for a hole punched since, too. */
static void test_no_room(const void *data)
{
    bool fresh = GPOINTER_TO_INT(data);
    int fd = small_tmpfs_file(PAGES(2), PAGES(NR_PAGES));
    Error *err = NULL;
    Rig rig;

    if (compress_skip_unless_built(MULTIFD_COMPRESSION_ZSTD)) {
        return;
    }
    if (fd < 0) {
        g_test_skip("this process may not make a file system");
        return;
    }
    rig_init(&rig, fd);
    if (!fresh) {
        bitmap_set(rig.rb.dirty, 0, NR_PAGES);
    }
    g_assert_false(rig_receive(&rig, 0, &err));
    g_test_message("%s", error_get_pretty(err));
    g_assert_true(g_pattern_match_simple(
        "multifd channel 0: packet 0: Memory backend 'mem0': the host has no "
        "room *No space left on device", error_get_pretty(err)));
    error_free(err);
    rig_done(&rig);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recv-compressed/read ahead", test_ahead);
    g_test_add_data_func("/recv-compressed/no room", GINT_TO_POINTER(true),
                         test_no_room);
    g_test_add_data_func("/recv-compressed/no room for a hole punched since",
                         GINT_TO_POINTER(false), test_no_room);
    return g_test_run();
}
