/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/ram/load.c: hand-made RAM sections, one wrong thing each.
 */
#include "qemu/osdep.h"
#include "io/channel-socket.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "migration/ram/load.h"
#include "migration/stream/ram-wire.h"
#include "migration/stream/wire.h"
#include "ram-blocks.h"

typedef struct Loading {
    RamList *list;
    RamReceived *received;
    MigrationConfig config;
    RamLoad *load;
    MigStreamOut *out;          /* gathers the section */
    unsigned nr_starts;
    unsigned nr_syncs;
} Loading;

static bool loading_start(void *opaque, Error **errp)
{
    ((Loading *)opaque)->nr_starts++;
    return true;
}

static bool loading_sync(void *opaque, Error **errp)
{
    ((Loading *)opaque)->nr_syncs++;
    return true;
}

static const RamLoadOps multifd_ops = {
    .start = loading_start,
    .sync = loading_sync,
};

static const RamLoadOps plain_ops;

static void loading_init(Loading *l, bool multifd)
{
    Error *err = NULL;

    *l = (Loading) { .list = ram_blocks_new("a", 8, "b", 4, NULL) };
    l->received = ram_received_new(l->list);
    ram_received_scan(l->received, &err);
    g_assert_null(err);
    l->load = ram_load_new(&l->config, l->list, l->received,
                           multifd ? &multifd_ops : &plain_ops, l);
    l->out = stream_out_new(NULL);
}

static void loading_clear(Loading *l)
{
    stream_out_free(l->out);
    ram_load_free(l->load);
    ram_received_free(l->received);
    ram_list_free(l->list);
}

static void put_list(Loading *l)
{
    ram_wire_put_mem_size(l->out, 12 * TARGET_PAGE_SIZE);
    ram_wire_put_block(l->out, "a", 8 * TARGET_PAGE_SIZE);
    ram_wire_put_block(l->out, "b", 4 * TARGET_PAGE_SIZE);
}

/* Sends what was gathered and loads one section; NULL or the error's text. */
static char *loading_run(Loading *l)
{
    g_autoptr(GByteArray) bytes = stream_out_steal(l->out);
    g_autoptr(QIOChannel) near = NULL;
    g_autoptr(QIOChannel) far = NULL;
    g_autoptr(MigStreamIn) in = NULL;
    g_autoptr(Error) err = NULL;

    qio_channel_socket_pair(&near, &far, &err);
    g_assert_null(err);
    qio_channel_write_all(near, bytes->data, bytes->len, &err);
    g_assert_null(err);
    qio_channel_shutdown(near, QIO_CHANNEL_SHUTDOWN_BOTH);
    in = stream_in_new(far, NULL, 0);
    if (ram_load_section(l->load, in, &err)) {
        return NULL;
    }
    return g_strdup(error_get_pretty(err));
}

static void assert_fails(Loading *l, const char *part)
{
    g_autofree char *error = loading_run(l);

    g_assert_nonnull(error);
    g_test_message("%s", error);
    g_assert_nonnull(strstr(error, part));
    g_assert_null(strchr(error, '\n'));
    loading_clear(l);
}

static void assert_loads(Loading *l)
{
    g_autofree char *error = loading_run(l);

    g_assert_cmpstr(error, ==, NULL);
}

static void test_pages_reach_their_places(void)
{
    uint8_t content[TARGET_PAGE_SIZE];
    Loading l;

    loading_init(&l, false);
    memset(content, 0x33, sizeof(content));
    put_list(&l);
    ram_wire_put_page(l.out, "b", 3 * TARGET_PAGE_SIZE);
    stream_put_buffer(l.out, content, sizeof(content));
    ram_wire_put_zero(l.out, NULL, 2 * TARGET_PAGE_SIZE);
    ram_wire_put_eos(l.out);
    assert_loads(&l);
    g_assert_cmpint(memcmp(ram_blocks_page(l.list, "b", 3), content,
                           sizeof(content)), ==, 0);
    g_assert_cmpuint(ram_blocks_resident(l.list, "b"), ==, 1);
    loading_clear(&l);
}

/* CONTINUE reaches across sections. */
static void test_the_last_block_is_remembered(void)
{
    Loading l;

    loading_init(&l, false);
    put_list(&l);
    ram_wire_put_zero(l.out, "b", 0);
    ram_wire_put_eos(l.out);
    assert_loads(&l);
    ram_wire_put_zero(l.out, NULL, TARGET_PAGE_SIZE);
    ram_wire_put_eos(l.out);
    assert_loads(&l);
    loading_clear(&l);
}

static void test_unknown_block_in_the_list(void)
{
    Loading l;

    loading_init(&l, false);
    ram_wire_put_mem_size(l.out, TARGET_PAGE_SIZE);
    ram_wire_put_block(l.out, "ghost", TARGET_PAGE_SIZE);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "'ghost'");
}

static void test_other_length_in_the_list(void)
{
    Loading l;

    loading_init(&l, false);
    ram_wire_put_mem_size(l.out, 9 * TARGET_PAGE_SIZE);
    ram_wire_put_block(l.out, "a", 9 * TARGET_PAGE_SIZE);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "36864");
}

static void test_list_longer_than_its_total(void)
{
    Loading l;

    loading_init(&l, false);
    ram_wire_put_mem_size(l.out, 2 * TARGET_PAGE_SIZE);
    ram_wire_put_block(l.out, "a", 8 * TARGET_PAGE_SIZE);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "total");
}

static void test_same_block_twice_in_the_list(void)
{
    Loading l;

    loading_init(&l, false);
    ram_wire_put_mem_size(l.out, 8 * TARGET_PAGE_SIZE);
    ram_wire_put_block(l.out, "b", 4 * TARGET_PAGE_SIZE);
    ram_wire_put_block(l.out, "b", 4 * TARGET_PAGE_SIZE);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "twice");
}

static void test_second_block_list(void)
{
    Loading l;

    loading_init(&l, false);
    put_list(&l);
    put_list(&l);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "second block list");
}

static void test_page_before_the_list(void)
{
    Loading l;

    loading_init(&l, false);
    ram_wire_put_zero(l.out, "a", 0);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "before its block list");
}

static void test_unknown_block_of_a_page(void)
{
    Loading l;

    loading_init(&l, false);
    put_list(&l);
    ram_wire_put_zero(l.out, "ghost", 0);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "'ghost'");
}

static void test_first_page_names_no_block(void)
{
    Loading l;

    loading_init(&l, false);
    put_list(&l);
    ram_wire_put_zero(l.out, NULL, 0);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "names no RAM block");
}

static void test_page_past_the_block(void)
{
    Loading l;

    loading_init(&l, false);
    put_list(&l);
    ram_wire_put_zero(l.out, "b", 4 * TARGET_PAGE_SIZE);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "past the end");
}

static void test_xbzrle_is_named(void)
{
    Loading l;

    loading_init(&l, false);
    put_list(&l);
    stream_put_be64(l.out, RAM_SAVE_FLAG_XBZRLE);
    stream_put_str8(l.out, "a");
    ram_wire_put_eos(l.out);
    assert_fails(&l, "xbzrle");
}

static void test_end_inside_a_page(void)
{
    Loading l;

    loading_init(&l, false);
    put_list(&l);
    ram_wire_put_page(l.out, "a", 0);
    stream_put_buffer(l.out, "abc", 3);
    assert_fails(&l, "byte");
}

static void test_multifd_starts_behind_the_list(void)
{
    Loading l;

    loading_init(&l, true);
    put_list(&l);
    ram_wire_put_flush(l.out);
    ram_wire_put_eos(l.out);
    assert_loads(&l);
    g_assert_cmpuint(l.nr_starts, ==, 1);
    g_assert_cmpuint(l.nr_syncs, ==, 1);
    loading_clear(&l);
}

static void test_flush_without_multifd_is_named(void)
{
    Loading l;

    loading_init(&l, false);
    put_list(&l);
    ram_wire_put_flush(l.out);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "multifd");
}

static void test_older_style_syncs_at_each_eos(void)
{
    Loading l;

    loading_init(&l, true);
    l.config.compat.multifd_flush_after_each_section = true;
    put_list(&l);
    ram_wire_put_eos(l.out);
    assert_loads(&l);
    ram_wire_put_eos(l.out);
    assert_loads(&l);
    g_assert_cmpuint(l.nr_syncs, ==, 2);
    loading_clear(&l);
}

static void test_older_style_is_named_when_unexpected(void)
{
    Loading l;

    loading_init(&l, true);
    put_list(&l);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "multifd-flush-after-each-section");
}

static void test_modern_style_is_named_when_unexpected(void)
{
    Loading l;

    loading_init(&l, true);
    l.config.compat.multifd_flush_after_each_section = true;
    put_list(&l);
    ram_wire_put_flush(l.out);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "multifd-flush-after-each-section");
}

static void test_last_section_without_a_sync_point(void)
{
    g_autoptr(Error) err = NULL;
    Loading l;

    loading_init(&l, true);
    put_list(&l);
    ram_wire_put_flush(l.out);
    ram_wire_put_eos(l.out);
    assert_loads(&l);
    g_assert_true(ram_load_finish(l.load, &err));
    ram_wire_put_eos(l.out);
    assert_loads(&l);
    g_assert_false(ram_load_finish(l.load, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "sync point"));
    loading_clear(&l);
}

static void test_flush_before_the_list(void)
{
    Loading l;

    loading_init(&l, true);
    ram_wire_put_flush(l.out);
    ram_wire_put_eos(l.out);
    assert_fails(&l, "before its block list");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*func)(void);
    } tests[] = {
        { "pages-reach-their-places", test_pages_reach_their_places },
        { "the-last-block-is-remembered", test_the_last_block_is_remembered },
        { "unknown-block-in-the-list", test_unknown_block_in_the_list },
        { "other-length-in-the-list", test_other_length_in_the_list },
        { "list-longer-than-its-total", test_list_longer_than_its_total },
        { "same-block-twice-in-the-list", test_same_block_twice_in_the_list },
        { "second-block-list", test_second_block_list },
        { "page-before-the-list", test_page_before_the_list },
        { "unknown-block-of-a-page", test_unknown_block_of_a_page },
        { "first-page-names-no-block", test_first_page_names_no_block },
        { "page-past-the-block", test_page_past_the_block },
        { "xbzrle-is-named", test_xbzrle_is_named },
        { "end-inside-a-page", test_end_inside_a_page },
        { "multifd-starts-behind-the-list",
          test_multifd_starts_behind_the_list },
        { "flush-without-multifd-is-named",
          test_flush_without_multifd_is_named },
        { "older-style-syncs-at-each-eos",
          test_older_style_syncs_at_each_eos },
        { "older-style-is-named-when-unexpected",
          test_older_style_is_named_when_unexpected },
        { "modern-style-is-named-when-unexpected",
          test_modern_style_is_named_when_unexpected },
        { "flush-before-the-list", test_flush_before_the_list },
        { "last-section-without-a-sync-point",
          test_last_section_without_a_sync_point },
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
        g_autofree char *path = g_strdup_printf("/ram-load/%s", tests[i].path);

        g_test_add_func(path, tests[i].func);
    }
    return g_test_run();
}
