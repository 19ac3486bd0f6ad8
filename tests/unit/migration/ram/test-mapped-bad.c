/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of mapped RAM with one wrong thing each: a good one is written, then a
 * field is changed.  Each has to be one sentence.
 */
#include "qemu/osdep.h"
#include "io/channel-buffer.h"
#include "mapped-file.h"
#include "migration/ram/load.h"
#include "migration/stream/ram-wire.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "ram-blocks.h"

#define PAGE TARGET_PAGE_SIZE

/* Where things are: blocks "m" of 70 pages and "n" of 4, see test-mapped.c. */
#define M_HEADER 18
#define M_BITMAP (M_HEADER + 28)
#define M_PAGES MiB
#define N_HEADER (MiB + 70 * PAGE + 10)
#define N_PAGES (2 * MiB)

typedef struct BadCase {
    const char *name;
    uint64_t offset;
    unsigned len_bytes;         /* 4 or 8; 0: the file is cut off at @offset */
    uint64_t value;
    const char *message;        /* a part of it */
} BadCase;

static const BadCase bad_cases[] = {
    { "version 0", M_HEADER, 4, 0, "header is of version 0, only version 1" },
    { "version 2", M_HEADER, 4, 2, "header is of version 2, only version 1" },
    { "page size 0", M_HEADER + 4, 8, 0, "pages in the file have 0 bytes" },
    { "page size 8192", M_HEADER + 4, 8, 8192, "have 8192 bytes, those here" },
    { "bitmap past the end", M_HEADER + 12, 8, 64 * MiB,
      "RAM block 'm': its bitmap cannot be read" },
    { "bitmap where no file is", M_HEADER + 12, 8, UINT64_MAX - 4,
      "its bitmap should be at offset 0xfffffffffffffffb, where no file" },
    { "bitmap in its header", M_HEADER + 12, 8, M_HEADER + 24,
      "its bitmap at offset 0x2a of" },
    { "bitmap in its pages", M_HEADER + 12, 8, M_PAGES + 8,
      "its pages at offset 0x100000 of" },
    { "pages not aligned", M_HEADER + 20, 8, MiB + 512,
      "begin at offset 0x100200 of the file, which is no multiple of 4096" },
    { "pages over the header", M_HEADER + 20, 8, 0,
      "its pages at offset 0x0 of" },
    { "pages where no file is", M_HEADER + 20, 8, UINT64_MAX - PAGE + 1,
      "its pages should be at offset 0xfffffffffffff000, where no file" },
    { "length of file overflows", M_HEADER + 20, 8, INT64_MAX - PAGE + 1,
      "where no file has a byte" },
    { "pages of one block over another's", N_HEADER + 20, 8, MiB + 69 * PAGE,
      "overlaps that of the pages of RAM block 'm' at offset 0x100000" },
    { "pages past the end", N_HEADER + 20, 8, 64 * MiB,
      "its bitmap has page 0, which would end at byte 67112960 of" },
    { "pages elsewhere", M_HEADER + 20, 8, 64 * MiB,
      "its bitmap has page 69, which would end at" },
    { "a page that the block does not have", M_BITMAP + 8, 8,
      0x4000000000000000, "its bitmap has page 70 of 70" },
    { "the last bit", M_BITMAP + 8, 8, 0x80, "its bitmap has page 127 of 70" },
    { "file cut off in the pages", N_PAGES + 100, 0, 0,
      "would end at byte 2101248 of '/memfd:mapped (deleted)', but that has "
      "only 2097252" },
    { "file cut off behind the pages", N_PAGES + 4 * PAGE, 0, 0,
      "stream ended" },
    { "file cut off in the bitmap", M_BITMAP + 9, 0, 0,
      "its bitmap cannot be read" },
    { "file cut off in the header", M_HEADER + 27, 0, 0, "stream ended" },
    { "file cut off before the second block", M_PAGES + 70 * PAGE, 0, 0,
      "stream ended" },
};

static void bad_patch(int fd, const BadCase *c)
{
    uint8_t field[8];

    if (c->len_bytes == 0) {
        g_assert_cmpint(ftruncate(fd, (off_t)c->offset), ==, 0);
        return;
    }
    stq_be_p(field, c->len_bytes == 4 ? c->value << 32 : c->value);
    g_assert_cmpint(pwrite(fd, field, c->len_bytes, (off_t)c->offset), ==,
                    c->len_bytes);
}

static void assert_message(Error *err, const char *part)
{
    g_assert_nonnull(err);
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), part));
    g_assert_null(strchr(error_get_pretty(err), '\n'));
    error_free(err);
}

static void test_bad(const void *data)
{
    const BadCase *c = data;
    g_autoptr(RamList) src = ram_blocks_new("m", 70, "n", 4, NULL);
    g_autoptr(RamList) dst = ram_blocks_new("m", 70, "n", 4, NULL);
    g_autoptr(MappedFile) f = mapped_file_new(src,
                                              ZERO_PAGE_DETECTION_MULTIFD, 0);
    Error *err = NULL;

    memset(ram_blocks_page(src, "m", 69), 1, PAGE);
    memset(ram_blocks_page(src, "n", 0), 2, PAGE);
    mapped_file_save(f);
    bad_patch(f->fd, c);
    g_assert_false(mapped_file_load(f->fd, 0, dst, &err));
    assert_message(err, c->message);
    /* No page is read before all places are known to be good. */
    if (c->offset != N_PAGES + 4 * PAGE) {
        g_assert_cmpuint(ram_blocks_resident(dst, "m"), ==, 0);
    }
}

/* A section as a stream would have it. */
static void assert_section_fails(MigStreamOut *out, const char *message)
{
    static const RamLoadOps ops;
    MigrationConfig config = { .mapped_ram = true };
    g_autoptr(GByteArray) bytes = stream_out_steal(out);
    g_autoptr(RamList) list = ram_blocks_new("m", 4, NULL);
    g_autoptr(RamReceived) received = ram_received_new(list);
    g_autoptr(RamLoad) load = ram_load_new(&config, list, received, &ops, NULL);
    g_autoptr(QIOChannel) ioc = qio_channel_buffer_new_data(bytes->data,
                                                            bytes->len);
    g_autoptr(MigStreamIn) in = stream_in_new(ioc, NULL, 0);
    Error *err = NULL;

    g_assert_false(ram_load_section(load, in, &err));
    assert_message(err, message);
}

static void test_no_file(void)
{
    g_autoptr(MigStreamOut) out = stream_out_new(NULL);

    ram_wire_put_mem_size(out, 4 * PAGE);
    ram_wire_put_block(out, "m", 4 * PAGE);
    assert_section_fails(out, "does not come from a file");
}

static void test_page_record(void)
{
    g_autoptr(MigStreamOut) out = stream_out_new(NULL);

    ram_wire_put_zero(out, "m", 0);
    assert_section_fails(out, "has a page record, but with mapped-ram");
}

static void test_flush_record(void)
{
    g_autoptr(MigStreamOut) out = stream_out_new(NULL);

    ram_wire_put_flush(out);
    assert_section_fails(out, "has a FLUSH record, but with");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++) {
        g_autofree char *path = g_strdup_printf("/mapped-bad/%s",
                                                bad_cases[i].name);

        g_test_add_data_func(path, &bad_cases[i], test_bad);
    }
    g_test_add_func("/mapped-bad/no file", test_no_file);
    g_test_add_func("/mapped-bad/page record", test_page_record);
    g_test_add_func("/mapped-bad/FLUSH record", test_flush_record);
    return g_test_run();
}
