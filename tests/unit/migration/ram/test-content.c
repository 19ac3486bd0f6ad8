/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/ram/content.c and of runs of records in ram/load.c: long
 * rows of records, read in pieces of any size, into each kind of memory.
 */
#include "qemu/osdep.h"
#include <signal.h>
#include <sys/resource.h>
#include "io/channel-buffer.h"
#include "memory/backend.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "migration/ram/load.h"
#include "migration/stream/ram-wire.h"
#include "migration/stream/wire.h"
#include "tests/lib/ram-fixture.h"

#define PAGES 500               /* more than the stream's buffer holds */
#define OTHER_PAGES 20

typedef struct Content {
    RamList *src;               /* what is sent */
    RamList *dst;
    RamReceived *received;
    MigrationConfig config;
    RamLoadOps ops;
    RamLoad *load;
    MigStreamOut *out;
} Content;

static RamList *make_ram(RamFixtureKind kind)
{
    RamFixtureBlock blocks[] = {
        { "a", PAGES << TARGET_PAGE_BITS, kind },
        { "b", OTHER_PAGES << TARGET_PAGE_BITS, kind },
    };

    return ram_fixture_new(blocks, 2);
}

static void content_init(Content *c, RamFixtureKind kind)
{
    Error *err = NULL;

    *c = (Content) {
        .src = make_ram(RAM_FIXTURE_ANON),
        .dst = make_ram(kind),
        .out = stream_out_new(NULL),
    };
    c->received = ram_received_new(c->dst);
    ram_received_scan(c->received, &err);
    g_assert_null(err);
    c->load = ram_load_new(&c->config, c->dst, c->received, &c->ops, c);
    ram_wire_put_mem_size(c->out, ram_list_total_bytes(c->src));
    for (unsigned i = 0; i < 2; i++) {
        RAMBlock *block = ram_list_block(c->src, i);

        ram_wire_put_block(c->out, block->idstr, block->used_length);
    }
}

static void content_clear(Content *c)
{
    stream_out_free(c->out);
    ram_load_free(c->load);
    ram_received_free(c->received);
    ram_list_free(c->src);
    ram_list_free(c->dst);
}

/* Puts the pages of a block as they are: records as a plain source writes. */
static void put_pages(Content *c, unsigned index, uint64_t first, uint64_t end,
                      bool named)
{
    static const uint8_t zeroes[TARGET_PAGE_SIZE];
    RAMBlock *block = ram_list_block(c->src, index);

    for (uint64_t page = first; page < end; page++) {
        const char *name = named && page == first ? block->idstr : NULL;
        uint64_t offset = page << TARGET_PAGE_BITS;
        const uint8_t *host = block->host + offset;

        if (memcmp(host, zeroes, TARGET_PAGE_SIZE) == 0) {
            ram_wire_put_zero(c->out, name, offset);
        } else {
            ram_wire_put_page(c->out, name, offset);
            stream_put_buffer(c->out, host, TARGET_PAGE_SIZE);
        }
    }
}

/* Loads what was gathered, with EOS behind it; NULL or the error's text. */
static char *load_section(Content *c, bool with_eos)
{
    g_autoptr(GByteArray) bytes = NULL;
    g_autoptr(QIOChannel) ioc = NULL;
    g_autoptr(MigStreamIn) in = NULL;
    g_autoptr(Error) err = NULL;

    if (with_eos) {
        ram_wire_put_eos(c->out);
    }
    bytes = stream_out_steal(c->out);
    ioc = qio_channel_buffer_new_data(bytes->data, bytes->len);
    in = stream_in_new(ioc, NULL, 0);
    if (ram_load_section(c->load, in, &err)) {
        g_assert_cmpuint(stream_in_bytes(in), ==, bytes->len);
        return NULL;
    }
    return g_strdup(error_get_pretty(err));
}

static void assert_loads(Content *c)
{
    g_autofree char *error = load_section(c, true);

    g_assert_cmpstr(error, ==, NULL);
}

static void assert_fails(Content *c, bool with_eos, const char *part)
{
    g_autofree char *error = load_section(c, with_eos);

    g_assert_nonnull(error);
    g_test_message("%s", error);
    g_assert_nonnull(strstr(error, part));
}

static uint64_t nr_missing(Content *c)
{
    RAMBlock *block;
    uint64_t page;

    return ram_received_missing(c->received, &block, &page);
}

/* All of it twice, the second time with other content over the first. */
static void test_every_mix_arrives(gconstpointer opaque)
{
    const RamFixtureMix mixes[] = {
        RAM_FIXTURE_MIX_RANDOM, RAM_FIXTURE_MIX_HALF, RAM_FIXTURE_MIX_MIXED,
        RAM_FIXTURE_MIX_ZERO,
    };

    for (size_t i = 0; i < ARRAY_SIZE(mixes); i++) {
        RamFixtureCounts counts;
        Content c;

        content_init(&c, GPOINTER_TO_INT(opaque));
        counts = ram_fixture_fill(c.src, mixes[i], 7);
        put_pages(&c, 0, 0, PAGES, true);
        put_pages(&c, 1, 0, OTHER_PAGES, true);
        assert_loads(&c);
        g_assert_cmpuint(nr_missing(&c), ==, 0);
        g_assert_cmpuint(ram_fixture_populated_pages(c.dst), ==,
                         counts.nr_normal);
        ram_fixture_assert_equal(c.src, c.dst);

        memset(ram_list_block(c.src, 0)->host, 0, 100 * TARGET_PAGE_SIZE);
        memset(ram_list_block(c.src, 0)->host + 100 * TARGET_PAGE_SIZE, 5,
               300 * TARGET_PAGE_SIZE);
        put_pages(&c, 0, 0, PAGES, true);
        assert_loads(&c);
        ram_fixture_assert_equal(c.src, c.dst);
        content_clear(&c);
    }
}

/* Some pages of a run have been there before, as in a later round. */
static void test_a_run_over_old_and_new_pages(gconstpointer opaque)
{
    Content c;

    content_init(&c, GPOINTER_TO_INT(opaque));
    ram_fixture_fill(c.src, RAM_FIXTURE_MIX_RANDOM, 3);
    put_pages(&c, 0, 5, 9, true);
    put_pages(&c, 0, 20, 21, false);
    assert_loads(&c);
    g_assert_cmpuint(ram_fixture_populated_pages(c.dst), ==, 5);
    ram_fixture_fill(c.src, RAM_FIXTURE_MIX_RANDOM, 4);
    put_pages(&c, 0, 0, PAGES, false);
    put_pages(&c, 1, 0, OTHER_PAGES, true);
    assert_loads(&c);
    ram_fixture_assert_equal(c.src, c.dst);
    content_clear(&c);
}

/*
 * A file may be written by its mappings only, or as far as somebody allows.  As
 * SIGXFSZ is ignored here, a write that begins there is cut off and one behind it
 * fails.
 */
static void test_a_file_that_refuses_writes(void)
{
    struct rlimit before, limit;
    Content c;

    content_init(&c, RAM_FIXTURE_MEMFD);
    ram_fixture_fill(c.src, RAM_FIXTURE_MIX_HALF, 5);
    memset(ram_list_block(c.src, 0)->host, 7, 40 * TARGET_PAGE_SIZE);
    put_pages(&c, 0, 0, PAGES, true);
    put_pages(&c, 1, 0, OTHER_PAGES, true);
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    limit = before;
    limit.rlim_cur = 20 * TARGET_PAGE_SIZE + 100;
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    {
        g_autofree char *error = load_section(&c, true);

        setrlimit(RLIMIT_FSIZE, &before);
        signal(SIGXFSZ, SIG_DFL);
        g_assert_cmpstr(error, ==, NULL);
    }
    ram_fixture_assert_equal(c.src, c.dst);
    content_clear(&c);
}

/* The file that private memory began as is no place for a guest's pages. */
static void test_private_memory_leaves_its_file_alone(void)
{
    uint8_t there[TARGET_PAGE_SIZE];
    static const uint8_t zeroes[TARGET_PAGE_SIZE];
    HostMemoryBackend *backend;
    Content c;

    content_init(&c, RAM_FIXTURE_FILE_PRIVATE);
    ram_fixture_fill(c.src, RAM_FIXTURE_MIX_RANDOM, 6);
    put_pages(&c, 0, 0, PAGES, true);
    assert_loads(&c);
    backend = ram_list_block(c.dst, 0)->backend;
    g_assert_cmpint(pread(backend->fd, there, sizeof(there), 0), ==,
                    sizeof(there));
    g_assert_cmpmem(there, sizeof(there), zeroes, sizeof(zeroes));
    content_clear(&c);
}

static void test_zeroes_stop_at_the_end_of_the_block(void)
{
    Content c;

    content_init(&c, RAM_FIXTURE_MEMFD);
    ram_wire_put_zero(c.out, "b", 0);
    ram_wire_put_zeroes(c.out, NULL, TARGET_PAGE_SIZE, OTHER_PAGES);
    assert_fails(&c, true, "offset 0x14000 is past the end of RAM block 'b'");
    g_assert_cmpuint(nr_missing(&c), ==, PAGES);
    content_clear(&c);
}

static void test_pages_stop_at_the_end_of_the_block(void)
{
    static const uint8_t content[TARGET_PAGE_SIZE] = { 1 };
    Content c;

    content_init(&c, RAM_FIXTURE_MEMFD);
    for (uint64_t page = 0; page <= OTHER_PAGES; page++) {
        ram_wire_put_page(c.out, page ? NULL : "b", page << TARGET_PAGE_BITS);
        stream_put_buffer(c.out, content, sizeof(content));
    }
    assert_fails(&c, true, "offset 0x14000 is past the end of RAM block 'b'");
    g_assert_cmpuint(nr_missing(&c), ==, PAGES);
    g_assert_cmpuint(ram_fixture_populated_pages(c.dst), ==, OTHER_PAGES);
    content_clear(&c);
}

static void test_a_fill_byte_inside_a_run(void)
{
    Content c;

    content_init(&c, RAM_FIXTURE_MEMFD);
    ram_wire_put_zeroes(c.out, "a", 0, 10);
    stream_put_be64(c.out, 10 * TARGET_PAGE_SIZE | RAM_SAVE_FLAG_ZERO |
                    RAM_SAVE_FLAG_CONTINUE);
    stream_put_byte(c.out, 9);
    assert_fails(&c, true, "fills with 0x09");
    g_assert_cmpuint(nr_missing(&c), ==, PAGES - 10 + OTHER_PAGES);
    content_clear(&c);
}

/* It ends in the third page of a run: two are there, and of it what came. */
static void test_the_end_inside_a_run(void)
{
    uint8_t *host;
    Content c;

    content_init(&c, RAM_FIXTURE_MEMFD);
    ram_fixture_fill(c.src, RAM_FIXTURE_MIX_RANDOM, 8);
    put_pages(&c, 0, 0, 2, true);
    ram_wire_put_page(c.out, NULL, 2 * TARGET_PAGE_SIZE);
    stream_put_buffer(c.out, "abc", 3);
    assert_fails(&c, false, "3 bytes into a field of 4096");
    host = ram_list_block(c.dst, 0)->host;
    g_assert_cmpmem(host, 2 * TARGET_PAGE_SIZE, ram_list_block(c.src, 0)->host,
                    2 * TARGET_PAGE_SIZE);
    g_assert_cmpmem(host + 2 * TARGET_PAGE_SIZE, 4, "abc", 4);
    /* A zero page would have to clear it. */
    g_assert_true(test_bit(2, ram_received_find(c.received, "a")->dirty));
    content_clear(&c);
}

static void add_for_kinds(const char *name, GTestDataFunc func)
{
    static const struct {
        const char *name;
        RamFixtureKind kind;
    } kinds[] = {
        { "ram", RAM_FIXTURE_ANON },
        { "memfd", RAM_FIXTURE_MEMFD },
        { "file-shared", RAM_FIXTURE_FILE_SHARED },
    };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        g_autofree char *path = g_strdup_printf("/content/%s/%s", name,
                                                kinds[i].name);

        g_test_add_data_func(path, GINT_TO_POINTER(kinds[i].kind), func);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_for_kinds("every-mix-arrives", test_every_mix_arrives);
    add_for_kinds("a-run-over-old-and-new-pages",
                  test_a_run_over_old_and_new_pages);
    g_test_add_func("/content/a-file-that-refuses-writes",
                    test_a_file_that_refuses_writes);
    g_test_add_func("/content/private-memory-leaves-its-file-alone",
                    test_private_memory_leaves_its_file_alone);
    g_test_add_func("/content/zeroes-stop-at-the-end-of-the-block",
                    test_zeroes_stop_at_the_end_of_the_block);
    g_test_add_func("/content/pages-stop-at-the-end-of-the-block",
                    test_pages_stop_at_the_end_of_the_block);
    g_test_add_func("/content/a-fill-byte-inside-a-run",
                    test_a_fill_byte_inside_a_run);
    g_test_add_func("/content/the-end-inside-a-run",
                    test_the_end_inside_a_run);
    return g_test_run();
}
