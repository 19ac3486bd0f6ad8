/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qtest accelerator: where an address leads, what a write leaves in the
 * dirty log, and that memory holds still when it must.
 */
#include "qemu/osdep.h"

#include "accel/qtest-internal.h"
#include "accel/qtest.h"
#include "ram-fixture.h"
#include "memory/guest-access.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/thread.h"

#define PAGE 4096u
#define BIG_PAGES 64u
#define SMALL_PAGES 16u
#define TOTAL ((uint64_t)(BIG_PAGES + SMALL_PAGES) * PAGE)

typedef struct Fixture {
    RamList *ram;
    RAMBlock *big;          /* stands first */
    RAMBlock *small;
    Accel *accel;
    AccelQTest *qtest;
    DirtyProvider *dirty;
    unsigned long *bmap;
} Fixture;

static void fixture_init(Fixture *f)
{
    static const RamFixtureBlock blocks[] = {
        { "small", SMALL_PAGES * PAGE, RAM_FIXTURE_ANON },
        { "big", BIG_PAGES * PAGE, RAM_FIXTURE_ANON },
    };
    AccelHost host = { 0 };

    f->ram = ram_fixture_new(blocks, ARRAY_SIZE(blocks));
    f->big = ram_list_find(f->ram, "big");
    f->small = ram_list_find(f->ram, "small");
    host.ram = f->ram;
    f->accel = accel_qtest.create(&host, NULL);
    f->qtest = qtest_from_accel(f->accel);
    f->dirty = accel_qtest.dirty(f->accel);
    f->bmap = bitmap_new(BIG_PAGES);
    g_assert_true(f->dirty->ops->start(f->dirty, f->ram, NULL));
}

static void fixture_clear(Fixture *f)
{
    f->dirty->ops->stop(f->dirty);
    accel_free(f->accel);
    ram_list_free(f->ram);
    g_free(f->bmap);
}

static void expect_answer(Fixture *f, const char *line, const char *expected)
{
    g_autofree char *answer = qtest_run_line(f->qtest, line, strlen(line));

    g_assert_cmpstr(answer, ==, expected);
}

static void expect_fail(Fixture *f, const char *line, const char *word)
{
    g_autofree char *answer = qtest_run_line(f->qtest, line, strlen(line));

    g_assert_true(g_str_has_prefix(answer, "FAIL "));
    g_assert_nonnull(strstr(answer, word));
}

/* Takes the log of a block: pages @first to @last are in it, no others. */
static void expect_dirty(Fixture *f, RAMBlock *block, unsigned first,
                         unsigned nr_pages)
{
    uint64_t nr_new = 0;

    bitmap_zero(f->bmap, BIG_PAGES);
    g_assert_true(f->dirty->ops->sync(f->dirty, block, f->bmap, &nr_new,
                                      NULL));
    g_assert_cmpuint(nr_new, ==, nr_pages);
    for (unsigned i = 0; i < nr_pages; i++) {
        g_assert_true(test_bit(first + i, f->bmap));
    }
}

static void test_answers(void)
{
    Fixture f;

    fixture_init(&f);
    expect_answer(&f, "endianness", "OK little");
    expect_answer(&f, "writeq 0 0x1122334455667788", "OK");
    expect_answer(&f, "readq 0", "OK 0x1122334455667788");
    expect_answer(&f, "readl 0", "OK 0x0000000055667788");
    expect_answer(&f, "readw 1", "OK 0x0000000000006677");
    expect_answer(&f, "readb 7", "OK 0x0000000000000011");
    expect_answer(&f, "read 0 3", "OK 0x887766");
    expect_answer(&f, "b64read 0 3", "OK iHdm");
    expect_answer(&f, "write 1 2 0xABcd", "OK");
    expect_answer(&f, "read 0 4", "OK 0x88abcd55");
    expect_answer(&f, "b64write 0 3 AAEC", "OK");
    expect_answer(&f, "readl 0", "OK 0x0000000055020100");
    expect_answer(&f, "memset 1 2 0xee", "OK");
    expect_answer(&f, "readl 0", "OK 0x0000000055eeee00");
    expect_answer(&f, "memset 0xffffffffffffffff 0 0xee", "OK");
    fixture_clear(&f);
}

static void test_clock(void)
{
    Fixture f;

    fixture_init(&f);
    expect_fail(&f, "clock_step", "no timer");
    expect_answer(&f, "clock_step 10", "OK 10");
    expect_answer(&f, "clock_set 100", "OK 100");
    expect_answer(&f, "clock_set 100", "OK 100");
    /* It does not go back, and the answer says where it is. */
    expect_answer(&f, "clock_set 99", "FAIL 100");
    expect_fail(&f, "clock_step 0", "advanced");
    expect_fail(&f, "clock_step 9223372036854775807", "advanced");
    expect_answer(&f, "clock_step 9223372036854775707",
                  "OK 9223372036854775807");
    fixture_clear(&f);
}

static void test_blocks_follow_each_other(void)
{
    uint64_t seam = (uint64_t)BIG_PAGES * PAGE;
    g_autofree char *line = g_strdup_printf("writeq 0x%" PRIx64
                                            " 0x1122334455667788", seam - 3);
    g_autofree char *read = g_strdup_printf("readq 0x%" PRIx64, seam - 3);
    Fixture f;

    fixture_init(&f);
    expect_answer(&f, line, "OK");
    g_assert_cmphex(f.big->host[seam - 1], ==, 0x66);
    g_assert_cmphex(f.small->host[0], ==, 0x55);
    expect_answer(&f, read, "OK 0x1122334455667788");
    expect_dirty(&f, f.big, BIG_PAGES - 1, 1);
    expect_dirty(&f, f.small, 0, 1);
    fixture_clear(&f);
}

static void test_writes_are_in_the_log(void)
{
    Fixture f;

    fixture_init(&f);
    expect_dirty(&f, f.big, 0, 0);
    expect_answer(&f, "writeb 0x3fff 1", "OK");
    expect_dirty(&f, f.big, 3, 1);
    expect_answer(&f, "writew 0x3fff 1", "OK");
    expect_dirty(&f, f.big, 3, 2);
    expect_answer(&f, "memset 0x1000 0x2001 0", "OK");
    expect_dirty(&f, f.big, 1, 3);
    expect_answer(&f, "write 0x5000 1 0x00", "OK");
    expect_dirty(&f, f.big, 5, 1);
    expect_answer(&f, "readq 0x7ffc", "OK 0x0000000000000000");
    expect_answer(&f, "memset 0x8000 0 1", "OK");
    expect_dirty(&f, f.big, 0, 0);
    expect_dirty(&f, f.small, 0, 0);
    fixture_clear(&f);
}

static void test_outside(void)
{
    static const char *const lines[] = {
        "readb 0x50000", "readq 0x4fff9", "writeb 0x50000 1",
        "writeq 0x4fff9 1", "readb 0xffffffffffffffff",
        "readq 0xfffffffffffffff8", "writeq 0xffffffffffffffff 1",
        "read 0x4fff8 9", "read 0xffffffffffffffff 2", "b64read 0x4ffff 2",
        "write 0x4ffff 2 0x0102", "b64write 0x4ffff 3 AAAA",
        "memset 0 0x50001 1", "memset 1 0xffffffffffffffff 1",
        "memset 0xffffffffffffffff 0xffffffffffffffff 1",
        "memset 0x50000 1 1",
    };
    Fixture f;

    g_assert_cmphex(TOTAL, ==, 0x50000);
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        expect_fail(&f, lines[i], "guest memory");
    }
    expect_dirty(&f, f.big, 0, 0);
    expect_dirty(&f, f.small, 0, 0);
    expect_answer(&f, "readq 0x4fff8", "OK 0x0000000000000000");
    expect_answer(&f, "memset 0 0x50000 1", "OK");
    fixture_clear(&f);
}

static void test_held(void)
{
    Fixture f;

    fixture_init(&f);
    accel_qtest.start(f.accel);
    accel_qtest.stop(f.accel);
    expect_answer(&f, "writeb 0 1", "OK");
    expect_dirty(&f, f.big, 0, 1);
    accel_qtest.hold(f.accel, true);
    expect_fail(&f, "writeb 0 2", "handed over");
    expect_fail(&f, "memset 0 1 2", "handed over");
    expect_fail(&f, "write 0 1 0x02", "handed over");
    expect_fail(&f, "b64write 0 1 Ag==", "handed over");
    expect_dirty(&f, f.big, 0, 0);
    expect_answer(&f, "readb 0", "OK 0x0000000000000001");
    expect_answer(&f, "clock_step 1", "FAIL The guest cannot be changed: it is"
                  " being handed over by a migration, or was");
    expect_fail(&f, "clock_set 5", "handed over");
    accel_qtest.hold(f.accel, false);
    expect_answer(&f, "clock_step 1", "OK 1");
    expect_answer(&f, "writeb 0 2", "OK");
    expect_dirty(&f, f.big, 0, 1);
    fixture_clear(&f);
}

typedef struct Writer {
    Fixture *f;
    bool stop;              /* atomic */
    unsigned nr_refused;    /* atomic */
} Writer;

static void *writer_run(void *opaque)
{
    Writer *w = opaque;

    for (unsigned i = 0; !qatomic_read(&w->stop); i++) {
        uint64_t value = i;

        if (!qtest_write(w->f->qtest, i % BIG_PAGES * PAGE, &value,
                         sizeof(value), NULL)) {
            qatomic_inc(&w->nr_refused);
        }
    }
    return NULL;
}

/* As a switchover: held, log taken, read; then nothing may have changed. */
static void check_held_once(Fixture *f, uint8_t *copy)
{
    uint64_t nr_new = 0;

    accel_qtest.hold(f->accel, true);
    bitmap_zero(f->bmap, BIG_PAGES);
    g_assert_true(f->dirty->ops->sync(f->dirty, f->big, f->bmap, &nr_new,
                                      NULL));
    for (unsigned i = 0; i < BIG_PAGES; i++) {
        uint8_t *host = f->big->host + i * PAGE;

        if (test_bit(i, f->bmap)) {
            memcpy(copy + i * PAGE, host, PAGE);
        } else {
            /* Not in the log: as it was when it was read last. */
            g_assert_cmpint(memcmp(copy + i * PAGE, host, PAGE), ==, 0);
        }
    }
    g_assert_cmpint(memcmp(copy, f->big->host, BIG_PAGES * PAGE), ==, 0);
    accel_qtest.hold(f->accel, false);
}

static void test_held_while_written(void)
{
    g_autofree uint8_t *copy = g_malloc0(BIG_PAGES * PAGE);
    QemuThread thread;
    Fixture f;
    Writer w = { .f = &f };

    fixture_init(&f);
    qemu_thread_create(&thread, "writer", writer_run, &w,
                       QEMU_THREAD_JOINABLE);
    for (unsigned round = 0; round < 300; round++) {
        check_held_once(&f, copy);
    }
    accel_qtest.hold(f.accel, true);
    while (!qatomic_read(&w.nr_refused)) {
        /* The writer runs on and finds out. */
    }
    accel_qtest.hold(f.accel, false);
    qatomic_set(&w.stop, true);
    qemu_thread_join(&thread);
    fixture_clear(&f);
}

typedef struct Filler {
    Fixture *f;
    unsigned nr_fills;
    QemuSemaphore go;
} Filler;

static void *filler_run(void *opaque)
{
    Filler *filler = opaque;

    for (unsigned i = 1; i <= filler->nr_fills; i++) {
        qemu_sem_wait(&filler->go);
        g_assert_true(qtest_fill(filler->f->qtest, 0, i, BIG_PAGES * PAGE,
                                 NULL));
    }
    return NULL;
}

/* Takes the log of the big block and reads what is in it, the last first. */
static void copy_dirty(Fixture *f, uint8_t *copy)
{
    uint64_t nr_new = 0;

    bitmap_zero(f->bmap, BIG_PAGES);
    g_assert_true(f->dirty->ops->sync(f->dirty, f->big, f->bmap, &nr_new,
                                      NULL));
    for (unsigned i = BIG_PAGES; i-- > 0;) {
        if (test_bit(i, f->bmap)) {
            guest_access_read(copy + i * PAGE, f->big->host + i * PAGE, PAGE);
        }
    }
}

/*
 * A round of a migration that begins in the middle of a write, which nothing
 * holds back: what is written behind the round is in the log afterwards.
 */
static void test_written_while_synced(void)
{
    g_autofree uint8_t *copy = g_malloc0(BIG_PAGES * PAGE);
    QemuThread thread;
    Fixture f;
    Filler filler = { .f = &f, .nr_fills = 1000 };

    fixture_init(&f);
    qemu_sem_init(&filler.go, 0);
    qemu_thread_create(&thread, "filler", filler_run, &filler,
                       QEMU_THREAD_JOINABLE);
    for (unsigned round = 1; round <= filler.nr_fills; round++) {
        uint8_t first;

        qemu_sem_post(&filler.go);
        do {
            guest_access_read(&first, f.big->host, 1);
        } while (first != (uint8_t)round);
        copy_dirty(&f, copy);
        check_held_once(&f, copy);
    }
    qemu_thread_join(&thread);
    qemu_sem_destroy(&filler.go);
    fixture_clear(&f);
}

static void test_guest_access(void)
{
    uint8_t from[64], buf[80], to[64];

    for (unsigned i = 0; i < sizeof(from); i++) {
        from[i] = i + 1;
    }
    for (unsigned offset = 0; offset < 8; offset++) {
        for (unsigned skew = 0; skew < 8; skew++) {
            for (unsigned len = 0; len <= 40; len++) {
                memset(buf, 0xee, sizeof(buf));
                guest_access_write(buf + 8 + offset, from + skew, len);
                g_assert_cmpmem(buf + 8 + offset, len, from + skew, len);
                g_assert_cmphex(buf[7 + offset], ==, 0xee);
                g_assert_cmphex(buf[8 + offset + len], ==, 0xee);
                memset(to, 0, sizeof(to));
                guest_access_read(to + skew, buf + 8 + offset, len);
                g_assert_cmpmem(to + skew, len, from + skew, len);
                g_assert_cmphex(to[skew + len], ==, 0);
                guest_access_fill(buf + 8 + offset, 0x11, len);
                for (unsigned i = 0; i < len; i++) {
                    g_assert_cmphex(buf[8 + offset + i], ==, 0x11);
                }
                g_assert_cmphex(buf[7 + offset], ==, 0xee);
                g_assert_cmphex(buf[8 + offset + len], ==, 0xee);
            }
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qtest/answers", test_answers);
    g_test_add_func("/qtest/clock", test_clock);
    g_test_add_func("/qtest/blocks follow each other",
                    test_blocks_follow_each_other);
    g_test_add_func("/qtest/writes are in the log",
                    test_writes_are_in_the_log);
    g_test_add_func("/qtest/outside of guest memory", test_outside);
    g_test_add_func("/qtest/held", test_held);
    g_test_add_func("/qtest/held while it is written",
                    test_held_while_written);
    g_test_add_func("/qtest/written while it is synced",
                    test_written_while_synced);
    g_test_add_func("/qtest/guest access", test_guest_access);
    return g_test_run();
}
