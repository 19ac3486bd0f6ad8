/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Precopy between two processes while the guest writes.  The test is the
 * guest: it writes over the qtest protocol until a write is refused, keeps a
 * model of what it wrote, and holds the destination's memory against that.
 *
 * Nothing depends on how fast anything is: the bandwidth is so small that the
 * first round lasts until the test has done what it wanted to do in it.
 */
#include "qemu/osdep.h"

#include <sys/stat.h>

#include <glib/gstdio.h>

#include "libqtest.h"
#include "migration.h"
#include "qemu/units.h"

#define PAGE 4096u
#define RAM_BYTES (16 * MiB)

/* Where what is; the rest is holes. */
#define HOT_ADDR 0u                     /* written all the time */
#define HOT_BYTES (512 * KiB)
#define ZEROED_ADDR (512 * KiB)         /* zeroed after it has arrived */
#define ZEROED_BYTES (512 * KiB)
#define BALLAST_ADDR (1 * MiB)          /* makes the first round last */
#define BALLAST_BYTES (8 * MiB)
#define ZERO_ADDR (9 * MiB)             /* written with zeroes, no holes */
#define ZERO_BYTES (1 * MiB)
#define HOLE_ADDR (10 * MiB)

/* The ballast alone takes 8 s at that. */
#define SLOW_BYTES_PER_S (1 * MiB)

/* For a migration that nothing holds back any more. */
#define PRECOPY_DEADLINE_US (100 * G_USEC_PER_SEC)

typedef struct PrecopyCase {
    bool tcp;
    bool multifd;
    const char *zero_page_detection;    /* NULL: the default */
    bool paused;                        /* the guest does not run */
} PrecopyCase;

typedef struct Precopy {
    QTestState *from;
    QTestState *to;
    int to_ram_fd;                      /* the destination's memory */
    uint8_t *model;                     /* what memory should hold */
    unsigned nr_writes;
} Precopy;

/* Its memory is a file without a name, so that none is left by a failure. */
static QTestState *precopy_process(const char *more, int *ram_fd)
{
    g_autofree char *path = g_build_filename(qtest_folder(), "ram", NULL);
    g_autofree char *args =
        g_strdup_printf("-machine none,memory-backend=mem0 -object "
                        "memory-backend-file,id=mem0,size=%u,share=on,"
                        "mem-path=%s %s", (unsigned)RAM_BYTES, path, more);
    AUTO_FD int fd = g_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    QTestState *s;

    g_assert_cmpint(ftruncate(fd, RAM_BYTES), ==, 0);
    s = qtest_init(args);
    g_assert_cmpint(g_unlink(path), ==, 0);
    if (ram_fd) {
        *ram_fd = g_steal_fd(&fd);
    }
    return s;
}

static void precopy_write(Precopy *t, uint64_t addr, const void *data,
                          size_t size)
{
    qtest_bufwrite(t->from, addr, data, size);
    memcpy(t->model + addr, data, size);
}

static void precopy_fill(Precopy *t, uint64_t addr, uint8_t value, size_t size)
{
    qtest_memset(t->from, addr, value, size);
    memset(t->model + addr, value, size);
}

static void precopy_write_random(Precopy *t, uint64_t addr, size_t size)
{
    g_autofree uint64_t *data = g_malloc(size);

    for (size_t i = 0; i < size / sizeof(*data); i++) {
        data[i] = (uint64_t)g_test_rand_int() << 32 | g_test_rand_int();
    }
    precopy_write(t, addr, data, size);
}

static void precopy_init(Precopy *t)
{
    memset(t, 0, sizeof(*t));
    t->model = g_malloc0(RAM_BYTES);
    t->from = precopy_process("", NULL);
    t->to = precopy_process("-incoming defer", &t->to_ram_fd);
    precopy_write_random(t, HOT_ADDR, HOT_BYTES);
    precopy_write_random(t, ZEROED_ADDR, ZEROED_BYTES);
    precopy_write_random(t, BALLAST_ADDR, BALLAST_BYTES);
    precopy_fill(t, ZERO_ADDR, 0, ZERO_BYTES);
}

static void precopy_clear(Precopy *t)
{
    qtest_quit(t->from);
    qtest_quit(t->to);
    close(t->to_ram_fd);
    g_free(t->model);
}

static void precopy_configure(QTestState *s, const PrecopyCase *c)
{
    const char *detection = c->zero_page_detection;

    migrate_set_capability(s, "events", true);
    migrate_set_capability(s, "multifd", c->multifd);
    if (detection) {
        migrate_set_parameter_str(s, "zero-page-detection", detection);
    }
    if (g_strcmp0(detection, "dsa-accel") == 0) {
        qtest_qmp_assert_success(s, "{'execute': 'migrate-set-parameters',"
                                 " 'arguments': {'accel-path':"
                                 " ['dsa:soft']}}");
    }
}

static void precopy_begin(Precopy *t, const PrecopyCase *c)
{
    g_autofree char *path = g_strdup_printf("unix:%s/m.sock", qtest_folder());
    g_autofree char *uri = NULL;

    precopy_configure(t->from, c);
    precopy_configure(t->to, c);
    if (c->paused) {
        qtest_qmp_assert_success(t->from, "{'execute': 'stop'}");
    }
    migrate_set_parameter_int(t->from, "max-bandwidth", SLOW_BYTES_PER_S);
    uri = migrate_incoming_qmp(t->to, c->tcp ? "tcp:127.0.0.1:0" : path);
    migrate_qmp(t->from, uri);
}

/* Looks until the destination's memory has there what the model has. */
static void precopy_await(Precopy *t, uint64_t addr)
{
    uint64_t value;

    memcpy(&value, t->model + addr, sizeof(value));
    g_assert_cmpuint(value, !=, 0);
    while (qtest_readq(t->to, addr) != GUINT64_FROM_LE(value)) {
        g_assert_cmpint(read_ram_property_int(t->from, "transferred"), <,
                        BALLAST_BYTES);
    }
}

/* Another value into another page of the hot area; false when refused. */
static bool precopy_try_write(Precopy *t)
{
    uint64_t addr = HOT_ADDR + t->nr_writes * PAGE % HOT_BYTES;
    uint64_t value = 0x5ee00000 + ++t->nr_writes;
    g_autofree char *answer = qtest_command(t->from, "writeq 0x%" PRIx64
                                            " 0x%" PRIx64, addr, value);

    if (!g_str_equal(answer, "OK")) {
        g_assert_true(g_str_has_prefix(answer, "FAIL "));
        g_assert_nonnull(strstr(answer, "handed over"));
        return false;
    }
    value = GUINT64_TO_LE(value);
    memcpy(t->model + addr, &value, sizeof(value));
    return true;
}

/* In the first round, with pages that are known to have been sent. */
static void precopy_write_meanwhile(Precopy *t)
{
    precopy_await(t, HOT_ADDR);
    precopy_await(t, ZEROED_ADDR);
    precopy_fill(t, ZEROED_ADDR, 0, PAGE);
    precopy_await(t, ZEROED_ADDR + 64 * PAGE + 8);
    precopy_fill(t, ZEROED_ADDR + 64 * PAGE, 0, PAGE);
    /* Zeroed, then written again: the last word counts. */
    precopy_fill(t, ZEROED_ADDR + PAGE, 0, PAGE);
    precopy_write_random(t, ZEROED_ADDR + PAGE, PAGE);
    /* Across a page's end, into a hole, and zeroes into a hole. */
    precopy_write_random(t, HOT_ADDR + PAGE - 8, 16);
    precopy_write_random(t, HOLE_ADDR + MiB, PAGE);
    precopy_fill(t, HOLE_ADDR + 2 * MiB, 0, PAGE);
    for (unsigned i = 0; i < 2 * HOT_BYTES / PAGE; i++) {
        g_assert_true(precopy_try_write(t));
    }
}

/* The guest writes on, and the migration may go as fast as it can. */
static void precopy_finish(Precopy *t)
{
    gint64 end_us = g_get_monotonic_time() + PRECOPY_DEADLINE_US;

    migrate_set_parameter_int(t->from, "max-bandwidth", 0);
    while (precopy_try_write(t)) {
        g_assert_cmpint(g_get_monotonic_time(), <, end_us);
    }
    wait_for_migration_complete(t->from);
    wait_for_migration_complete(t->to);
}

static void precopy_check_memory(Precopy *t)
{
    g_autofree uint8_t *got = g_malloc(RAM_BYTES);

    qtest_bufread(t->to, 0, got, RAM_BYTES);
    for (uint64_t addr = 0; addr < RAM_BYTES; addr += PAGE) {
        if (memcmp(got + addr, t->model + addr, PAGE) != 0) {
            g_error("the page at 0x%" PRIx64 " differs: 0x%02x..., not"
                    " 0x%02x...", addr, got[addr], t->model[addr]);
        }
    }
}

/* Before anything reads the memory: that would fill the file's holes. */
static void precopy_check_holes(Precopy *t)
{
    uint64_t nr_data = 0;
    struct stat st;

    if (!g_str_has_prefix(qtest_folder(), "/dev/shm/")) {
        return;
    }
    /* All that ever was in a page but zeroes, and what was zeroed since. */
    nr_data = (HOT_BYTES + ZEROED_BYTES + BALLAST_BYTES) / PAGE + 1;
    g_assert_cmpint(fstat(t->to_ram_fd, &st), ==, 0);
    g_assert_cmpuint(st.st_blocks * 512 / PAGE, <=, nr_data);
}

static void expect_refused(QTestState *s, const char *line)
{
    g_autofree char *answer = qtest_command(s, "%s", line);

    g_assert_true(g_str_has_prefix(answer, "FAIL "));
    g_assert_nonnull(strstr(answer, "handed over"));
}

static void expect_state(QTestState *s, const char *expected)
{
    g_autofree char *state = migration_run_state(s);

    g_assert_cmpstr(state, ==, expected);
}

static void precopy_check_ends(Precopy *t, const PrecopyCase *c)
{
    expect_state(t->from, "postmigrate");
    expect_refused(t->from, "writeb 0x0 0x1");
    expect_refused(t->from, "memset 0x1000 0x1000 0x1");
    expect_refused(t->from, "write 0x2000 0x1 0x11");
    expect_refused(t->from, "clock_step 1");
    g_assert_cmpuint(qtest_readb(t->from, BALLAST_ADDR), ==,
                     t->model[BALLAST_ADDR]);
    expect_state(t->to, c->paused ? "paused" : "running");
    g_assert_cmpint(qtest_clock_step(t->to, 1), ==, 1235);
    qtest_writeq(t->to, 8, 0x1122334455667788);
    g_assert_cmphex(qtest_readq(t->to, 8), ==, 0x1122334455667788);
}

static void test_live(const void *data)
{
    const PrecopyCase *c = data;
    Precopy t;

    precopy_init(&t);
    g_assert_cmpint(qtest_clock_step(t.from, 1000), ==, 1000);
    precopy_begin(&t, c);
    /* Of no account: what comes with the guest counts. */
    g_assert_cmpint(qtest_clock_set(t.to, 99999), ==, 99999);
    g_assert_cmpint(qtest_clock_step(t.from, 234), ==, 1234);
    precopy_write_meanwhile(&t);
    precopy_finish(&t);
    if (g_strcmp0(c->zero_page_detection, "none") != 0) {
        precopy_check_holes(&t);
    }
    precopy_check_memory(&t);
    /* One for the start, one for what was written, one at the switchover. */
    g_assert_cmpint(read_ram_property_int(t.from, "dirty-sync-count"), >=,
                    c->paused ? 2 : 3);
    precopy_check_ends(&t, c);
    precopy_clear(&t);
}

/* No write, no further round; one write, and its page is sent again. */
static void test_write_marks_dirty(void)
{
    static const PrecopyCase plain;
    int64_t nr_normal[2];

    for (unsigned written = 0; written < 2; written++) {
        Precopy t;

        precopy_init(&t);
        precopy_begin(&t, &plain);
        precopy_await(&t, ZEROED_ADDR);
        if (written) {
            precopy_write_random(&t, ZEROED_ADDR, 8);
        }
        migrate_set_parameter_int(t.from, "max-bandwidth", 0);
        wait_for_migration_complete(t.from);
        wait_for_migration_complete(t.to);
        nr_normal[written] = read_ram_property_int(t.from, "normal");
        precopy_check_memory(&t);
        precopy_clear(&t);
    }
    g_assert_cmpint(nr_normal[0], ==,
                    (HOT_BYTES + ZEROED_BYTES + BALLAST_BYTES) / PAGE);
    g_assert_cmpint(nr_normal[1], ==, nr_normal[0] + 1);
}

static void test_source_goes_on_by_cont(void)
{
    static const PrecopyCase plain;
    Precopy t;

    precopy_init(&t);
    precopy_begin(&t, &plain);
    precopy_finish(&t);
    expect_refused(t.from, "writeb 0x0 0x1");
    qtest_qmp_assert_success(t.from, "{'execute': 'cont'}");
    qtest_writeb(t.from, 0, 1);
    g_assert_cmpuint(qtest_readb(t.from, 0), ==, 1);
    precopy_clear(&t);
}

static void test_cancelled(void)
{
    static const PrecopyCase multifd = { .multifd = true };
    Precopy t;

    precopy_init(&t);
    precopy_begin(&t, &multifd);
    precopy_await(&t, HOT_ADDR);
    qtest_qmp_assert_success(t.from, "{'execute': 'migrate_cancel'}");
    wait_for_migration_status(t.from, "cancelled");
    expect_state(t.from, "running");
    g_assert_true(precopy_try_write(&t));
    wait_for_migration_status(t.to, "failed");
    precopy_clear(&t);
}

static void test_protocol(void)
{
    QTestState *s = qtest_init("-m 1M");
    uint8_t data[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    uint8_t got[sizeof(data)];

    g_assert_false(qtest_big_endian(s));
    qtest_writeq(s, 0, 0x1122334455667788);
    g_assert_cmphex(qtest_readb(s, 0), ==, 0x88);
    g_assert_cmphex(qtest_readw(s, 1), ==, 0x6677);
    g_assert_cmphex(qtest_readl(s, 3), ==, 0x22334455);
    qtest_writeb(s, 3, 0xaa);
    qtest_writew(s, 1, 0xbbcc);
    qtest_writel(s, 4, 0xdeadbeef);
    g_assert_cmphex(qtest_readq(s, 0), ==, 0xdeadbeefaabbcc88);
    qtest_memwrite(s, MiB - sizeof(data), data, sizeof(data));
    qtest_bufread(s, MiB - sizeof(data), got, sizeof(data));
    g_assert_cmpmem(got, sizeof(got), data, sizeof(data));
    qtest_bufwrite(s, 101, data, sizeof(data));
    qtest_memread(s, 101, got, sizeof(data));
    g_assert_cmpmem(got, sizeof(got), data, sizeof(data));
    qtest_memset(s, 102, 0x55, 3);
    g_assert_cmphex(qtest_readq(s, 100), ==, 0x0706055555550100);
    g_assert_cmpint(qtest_clock_step(s, 5), ==, 5);
    g_assert_cmpint(qtest_clock_set(s, 100), ==, 100);
    g_assert_cmpint(qtest_clock_step(s, 1), ==, 101);
    qtest_quit(s);
}

static const struct {
    const char *path;
    PrecopyCase options;
} live_cases[] = {
    { "/precopy/live/unix/plain",
      { 0 } },
    { "/precopy/live/unix/plain/none",
      { .zero_page_detection = "none" } },
    { "/precopy/live/unix/plain/legacy",
      { .zero_page_detection = "legacy" } },
    { "/precopy/live/unix/multifd/none",
      { .multifd = true, .zero_page_detection = "none" } },
    { "/precopy/live/unix/multifd/legacy",
      { .multifd = true, .zero_page_detection = "legacy" } },
    { "/precopy/live/unix/multifd/multifd",
      { .multifd = true, .zero_page_detection = "multifd" } },
    { "/precopy/live/unix/multifd/dsa-accel",
      { .multifd = true, .zero_page_detection = "dsa-accel" } },
    { "/precopy/live/tcp/plain",
      { .tcp = true } },
    { "/precopy/live/tcp/plain/none",
      { .tcp = true, .zero_page_detection = "none" } },
    { "/precopy/live/tcp/plain/legacy",
      { .tcp = true, .zero_page_detection = "legacy" } },
    { "/precopy/live/tcp/multifd/none",
      { .tcp = true, .multifd = true, .zero_page_detection = "none" } },
    { "/precopy/live/tcp/multifd/legacy",
      { .tcp = true, .multifd = true, .zero_page_detection = "legacy" } },
    { "/precopy/live/tcp/multifd/multifd",
      { .tcp = true, .multifd = true, .zero_page_detection = "multifd" } },
    { "/precopy/live/tcp/multifd/dsa-accel",
      { .tcp = true, .multifd = true, .zero_page_detection = "dsa-accel" } },
    { "/precopy/live/paused guest", { .paused = true } },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/qtest/protocol", test_protocol);
    for (size_t i = 0; i < ARRAY_SIZE(live_cases); i++) {
        qtest_add_data_func(live_cases[i].path, &live_cases[i].options,
                            test_live);
    }
    qtest_add_func("/precopy/a write marks its page dirty",
                   test_write_marks_dirty);
    qtest_add_func("/precopy/the source goes on by cont",
                   test_source_goes_on_by_cont);
    qtest_add_func("/precopy/cancelled", test_cancelled);
    return g_test_run();
}
