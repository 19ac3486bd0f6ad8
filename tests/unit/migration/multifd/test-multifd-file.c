/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapped RAM by several threads: what was written by some arrives by others, in
 * every way to find zero pages, through the page cache and past it.
 */
#include "qemu/osdep.h"
#include <sys/mman.h>
#include <sys/stat.h>
#include "io/channel-file.h"
#include "memory/dirty.h"
#include "migration/multifd/file.h"
#include "migration/multifd/send-internal.h"
#include "migration/multifd/zero-page-cpu.h"
#include "migration/ram/load.h"
#include "migration/ram/save.h"
#include "migration/ram/sink-mapped.h"
#include "qapi/error.h"
#include "qemu/units.h"
#include "ram-fixture.h"
#include "small-tmpfs.h"

#define PAGE TARGET_PAGE_SIZE

static const RamFixtureBlock blocks[] = {
    { "big", 17 * MiB + 3 * PAGE, RAM_FIXTURE_MEMFD },
    { "anon", 3 * MiB, RAM_FIXTURE_ANON },
    { "tiny", PAGE, RAM_FIXTURE_MEMFD },
};

typedef struct FileCase {
    const char *name;
    unsigned nr_send;
    unsigned nr_recv;           /* 0: by the load thread */
    ZeroPageDetection detection;
    unsigned ratio;
    unsigned packet_pages;
    bool direct;
    unsigned depth;             /* of the detector; 0: the usual one */
} FileCase;

static const FileCase file_cases[] = {
    { "1 to 1", 1, 1, ZERO_PAGE_DETECTION_MULTIFD, 0, 128, false, 0 },
    { "2 to 5", 2, 5, ZERO_PAGE_DETECTION_MULTIFD, 0, 128, false, 0 },
    { "8 to plain", 8, 0, ZERO_PAGE_DETECTION_MULTIFD, 0, 128, false, 0 },
    { "none", 3, 2, ZERO_PAGE_DETECTION_NONE, 0, 128, false, 0 },
    { "legacy", 3, 2, ZERO_PAGE_DETECTION_LEGACY, 0, 128, false, 0 },
    { "deep detector", 2, 2, ZERO_PAGE_DETECTION_MULTIFD, 0, 128, false, 4 },
    { "small jobs", 2, 2, ZERO_PAGE_DETECTION_MULTIFD, 0, 3, false, 0 },
    { "large jobs", 2, 2, ZERO_PAGE_DETECTION_MULTIFD, 0, 1024, false, 0 },
    { "ratio", 2, 2, ZERO_PAGE_DETECTION_MULTIFD, 30, 128, false, 0 },
    { "direct", 2, 3, ZERO_PAGE_DETECTION_MULTIFD, 0, 128, true, 0 },
    { "direct none", 2, 3, ZERO_PAGE_DETECTION_NONE, 0, 128, true, 0 },
    { "direct small jobs", 2, 3, ZERO_PAGE_DETECTION_MULTIFD, 0, 3, true, 0 },
};

typedef struct Saving {
    MigrationConfig config;
    MigrationLive live;
    RateLimit rate;
    MigrationCounters stats;
    RamList *src;
    DirtySoft *soft;
    QIOChannel *ioc;
    MigStreamOut *out;
    MappedOut *mapped;
    MappedSink *sink;
    MultiFDSend *send;
    RamSave *save;
} Saving;

/* A disk, for O_DIRECT, and where there is no need to wait for one. */
static char *disk_path;
static char *memory_path;
static const char *test_path;

/* NULL, and the test is skipped, where there is no O_DIRECT. */
static FileIO *test_file(int open_flags, bool direct)
{
    int fd = open(test_path, open_flags | O_CLOEXEC | (direct ? O_DIRECT : 0));
    Error *err = NULL;
    FileIO *io;

    if (fd < 0 && errno == EINVAL) {
        g_test_skip("the file system of the temporary folder has no O_DIRECT");
        return NULL;
    }
    g_assert_cmpint(fd, >=, 0);
    io = file_io_new(fd, NULL, direct ? FILE_IO_DIRECT : 0, &err);
    g_assert_null(err);
    return io;
}

static ZeroPageDetector *deep_detector(void *opaque)
{
    ZeroPageDetector *d = zero_page_detector_new_cpu();

    d->depth = *(const unsigned *)opaque;
    return d;
}

static void saving_init(Saving *s, const FileCase *c, int fd)
{
    Error *err = NULL;

    *s = (Saving) {
        .config = {
            .mapped_ram = true,
            .multifd = true,
            .multifd_channels = c->nr_send,
            .multifd_packet_pages = c->packet_pages,
            .multifd_normal_page_ratio = c->ratio,
            .zero_page_detection = c->detection,
        },
        .src = ram_fixture_new(blocks, ARRAY_SIZE(blocks)),
    };
    rate_limit_init(&s->rate, &s->live);
    s->soft = dirty_soft_new(s->src);
    s->ioc = qio_channel_file_new_fd(fd, &err);
    g_assert_null(err);
    s->out = stream_out_new(s->ioc);
    s->mapped = mapped_out_new(s->src, s->ioc, &err);
    g_assert_null(err);
    s->sink = mapped_sink_new(&s->config, s->mapped, &s->stats, &s->rate);
    s->send = multifd_send_new(&s->config, mapped_sink_page_sink(s->sink),
                               &s->stats, &s->rate, NULL);
    if (c->depth) {
        multifd_send_set_detector_func(s->send, deep_detector,
                                       (void *)&c->depth);
    }
    s->save = ram_save_new(&s->config, s->src, dirty_soft_provider(s->soft),
                           s->out, multifd_send_sink(s->send), &s->stats,
                           &s->rate);
    ram_save_set_mapped(s->save, s->mapped);
}

static bool saving_add_files(Saving *s, const FileCase *c)
{
    for (unsigned i = 0; i < c->nr_send; i++) {
        FileIO *io = test_file(O_WRONLY, c->direct);
        Error *err = NULL;

        if (!io) {
            return false;
        }
        multifd_send_add_file(s->send, s->mapped, io, &err);
        g_assert_null(err);
    }
    return true;
}

static void saving_clear(Saving *s)
{
    ram_save_free(s->save);
    multifd_send_free(s->send);
    mapped_sink_free(s->sink);
    mapped_out_free(s->mapped);
    stream_out_free(s->out);
    qio_channel_unref(s->ioc);
    dirty_soft_free(s->soft);
    ram_list_free(s->src);
    rate_limit_destroy(&s->rate);
}

static void saving_iterate(Saving *s)
{
    Error *err = NULL;

    do {
        ram_save_iterate(s->save, &err);
        g_assert_null(err);
    } while (ram_save_pending_bytes(s->save) > 0);
}

/* Pages that were sent get other content, or none, or some for the first time. */
static void saving_change(Saving *s, uint64_t seed)
{
    RAMBlock *block = ram_list_find(s->src, "big");

    for (uint64_t i = seed; i < block->nr_pages; i += 7 + i % 5) {
        uint8_t *page = block->host + (i << TARGET_PAGE_BITS);

        if (i % 3 == 0) {
            memset(page, 0, PAGE);
        } else {
            ram_fixture_fill_page(page, i * 1000 + seed);
        }
        dirty_soft_mark(s->soft, block, i << TARGET_PAGE_BITS, 1);
    }
}

static void saving_run(Saving *s)
{
    Error *err = NULL;

    ram_save_setup(s->save, &err);
    g_assert_null(err);
    saving_iterate(s);
    for (unsigned round = 1; round < 4; round++) {
        saving_change(s, round);
        ram_save_sync_dirty(s->save, &err);
        g_assert_null(err);
        if (round < 3) {
            saving_iterate(s);
        }
    }
    ram_save_complete(s->save, &err);
    g_assert_null(err);
    stream_out_flush(s->out, &err);
    g_assert_null(err);
}

/* The destination's part, as core/ has it. */
static bool loading_mapped(void *opaque, MappedIn *mapped, Error **errp)
{
    const FileCase *c = opaque;
    g_autofree FileIO **ios = g_new0(FileIO *, c->nr_recv);

    for (unsigned i = 0; i < c->nr_recv; i++) {
        ios[i] = test_file(O_RDONLY, c->direct);
    }
    return multifd_recv_file(mapped, ios, c->nr_recv, errp);
}

static bool loading_run(const FileCase *c, int fd, RamList *dst, Error **errp)
{
    const RamLoadOps ops = {
        .load_mapped = c->nr_recv ? loading_mapped : NULL,
    };
    MigrationConfig config = { .mapped_ram = true };
    g_autoptr(QIOChannel) ioc = qio_channel_file_new_fd(fd, NULL);
    g_autoptr(MigStreamIn) in = stream_in_new(ioc, NULL, 0);
    g_autoptr(RamReceived) received = ram_received_new(dst);
    g_autoptr(RamLoad) load = ram_load_new(&config, dst, received, &ops,
                                           (void *)c);
    RAMBlock *block = NULL;
    uint64_t page = 0;

    if (!ram_received_scan(received, errp) ||
        !ram_load_section(load, in, errp)) {
        return false;
    }
    g_assert_cmpuint(ram_received_missing(received, &block, &page), ==, 0);
    return true;
}

static int open_main(int flags)
{
    int fd = open(test_path, flags | O_CLOEXEC, 0600);

    g_assert_cmpint(fd, >=, 0);
    return fd;
}

static void run_case(const FileCase *c, RamFixtureMix mix, bool dst_old)
{
    g_autoptr(RamList) dst = ram_fixture_new(blocks, ARRAY_SIZE(blocks));
    Error *err = NULL;
    Saving s;
    int fd;

    test_path = c->direct ? disk_path : memory_path;
    /* Another file: cutting an old one off waits for what is on its way. */
    unlink(test_path);
    fd = open_main(O_RDWR | O_CREAT);
    saving_init(&s, c, fd);
    if (saving_add_files(&s, c)) {
        ram_fixture_fill(s.src, mix, 11);
        if (dst_old) {
            ram_fixture_fill(dst, RAM_FIXTURE_MIX_RANDOM, 12);
        }
        saving_run(&s);
        g_assert_cmpuint(s.stats.multifd_bytes, ==,
                         s.stats.normal_pages * PAGE);
        loading_run(c, open_main(O_RDONLY), dst, &err);
        g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
        ram_fixture_assert_equal(s.src, dst);
    }
    saving_clear(&s);
}

static void test_case(const void *data)
{
    const FileCase *c = data;

    run_case(c, RAM_FIXTURE_MIX_MIXED, false);
    if (!c->direct) {
        run_case(c, RAM_FIXTURE_MIX_MIXED, true);
        run_case(c, RAM_FIXTURE_MIX_HOLES, false);
    }
    test_path = memory_path;
}

/* Memory that holds nothing takes no room, here and in the file. */
static void test_holes_stay_holes(void)
{
    static const FileCase c = { "holes", 2, 2, ZERO_PAGE_DETECTION_MULTIFD, 0,
                                128, false, 0 };
    g_autoptr(RamList) dst = ram_fixture_new(blocks, ARRAY_SIZE(blocks));
    Error *err = NULL;
    struct stat st;
    Saving s;

    saving_init(&s, &c, open_main(O_RDWR | O_CREAT | O_TRUNC));
    g_assert_true(saving_add_files(&s, &c));
    ram_save_setup(s.save, &err);
    g_assert_null(err);
    saving_iterate(&s);
    g_assert_true(ram_save_complete(s.save, &err));
    g_assert_true(stream_out_flush(s.out, &err));
    g_assert_cmpuint(ram_fixture_populated_pages(s.src), ==, 0);
    g_assert_cmpint(stat(test_path, &st), ==, 0);
    g_assert_cmpint(st.st_blocks * 512, <=, 16 * PAGE);
    g_assert_cmpint(st.st_size, >, 20 * MiB);
    g_assert_true(loading_run(&c, open_main(O_RDONLY), dst, &err));
    g_assert_cmpuint(ram_fixture_populated_pages(dst), ==, 0);
    saving_clear(&s);
}

/* One thread meets the end of the disk; all end, with its sentence. */
static void test_full_disk(void)
{
    static const FileCase c = { "full", 2, 2, ZERO_PAGE_DETECTION_MULTIFD, 0,
                                128, false, 0 };
    int fd = small_tmpfs_file(8 * MiB, 0);
    Error *err = NULL;
    Saving s;

    if (fd < 0) {
        g_test_skip("this process may not mount a file system");
        return;
    }
    saving_init(&s, &c, fd);
    for (unsigned i = 0; i < c.nr_send; i++) {
        multifd_send_add_file(s.send, s.mapped, file_io_new_dup(fd, NULL),
                              &err);
        g_assert_null(err);
    }
    ram_fixture_fill(s.src, RAM_FIXTURE_MIX_RANDOM, 13);
    g_assert_true(ram_save_setup(s.save, &err));
    while (ram_save_iterate(s.save, &err)) {
        continue;
    }
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), "has no room for "));
    error_free(err);
    saving_clear(&s);
}

static bool loading_cut(void *opaque, MappedIn *mapped, Error **errp)
{
    g_assert_cmpint(truncate(test_path, 10 * MiB), ==, 0);
    return loading_mapped(opaque, mapped, errp);
}

/* The file loses its end after it was looked at. */
static void test_file_cut_off(void)
{
    static const FileCase c = { "cut", 2, 4, ZERO_PAGE_DETECTION_MULTIFD, 0,
                                128, false, 0 };
    g_autoptr(RamList) dst = ram_fixture_new(blocks, ARRAY_SIZE(blocks));
    MigrationConfig config = { .mapped_ram = true };
    Error *err = NULL;
    Saving s;

    saving_init(&s, &c, open_main(O_RDWR | O_CREAT | O_TRUNC));
    g_assert_true(saving_add_files(&s, &c));
    ram_fixture_fill(s.src, RAM_FIXTURE_MIX_RANDOM, 14);
    saving_run(&s);
    saving_clear(&s);
    {
        const RamLoadOps ops = { .load_mapped = loading_cut };
        g_autoptr(QIOChannel) ioc =
            qio_channel_file_new_fd(open_main(O_RDONLY), NULL);
        g_autoptr(MigStreamIn) in = stream_in_new(ioc, NULL, 0);
        g_autoptr(RamReceived) received = ram_received_new(dst);
        g_autoptr(RamLoad) load = ram_load_new(&config, dst, received, &ops,
                                               (void *)&c);

        g_assert_false(ram_load_section(load, in, &err));
    }
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), "ends before the "));
    error_free(err);
}

static bool loading_stopped(void *opaque, MappedIn *mapped, Error **errp)
{
    mapped_in_stop(mapped);
    return loading_mapped(opaque, mapped, errp);
}

/* As when the incoming migration is cancelled. */
static void test_stop(void)
{
    static const FileCase c = { "stop", 2, 2, ZERO_PAGE_DETECTION_MULTIFD, 0,
                                128, false, 0 };
    const RamLoadOps ops = { .load_mapped = loading_stopped };
    g_autoptr(RamList) dst = ram_fixture_new(blocks, ARRAY_SIZE(blocks));
    MigrationConfig config = { .mapped_ram = true };
    Error *err = NULL;
    Saving s;

    saving_init(&s, &c, open_main(O_RDWR | O_CREAT | O_TRUNC));
    g_assert_true(saving_add_files(&s, &c));
    saving_run(&s);
    saving_clear(&s);
    {
        g_autoptr(QIOChannel) ioc =
            qio_channel_file_new_fd(open_main(O_RDONLY), NULL);
        g_autoptr(MigStreamIn) in = stream_in_new(ioc, NULL, 0);
        g_autoptr(RamReceived) received = ram_received_new(dst);
        g_autoptr(RamLoad) load = ram_load_new(&config, dst, received, &ops,
                                               (void *)&c);

        g_assert_false(ram_load_section(load, in, &err));
    }
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "Reading the guest's memory was stopped");
    error_free(err);
}

int main(int argc, char **argv)
{
    g_autofree char *folder = g_dir_make_tmp("multifd-file-XXXXXX", NULL);
    g_autofree char *memory = g_strdup("/dev/shm/multifd-file-XXXXXX");
    int ret;

    g_test_init(&argc, &argv, NULL);
    disk_path = g_build_filename(folder, "file", NULL);
    memory_path = g_build_filename(g_mkdtemp(memory) ? memory : folder, "other",
                                   NULL);
    test_path = memory_path;
    for (size_t i = 0; i < ARRAY_SIZE(file_cases); i++) {
        g_autofree char *path = g_strdup_printf("/multifd-file/arrives/%s",
                                                file_cases[i].name);

        g_test_add_data_func(path, &file_cases[i], test_case);
    }
    g_test_add_func("/multifd-file/holes stay holes", test_holes_stay_holes);
    g_test_add_func("/multifd-file/full disk", test_full_disk);
    g_test_add_func("/multifd-file/file cut off", test_file_cut_off);
    g_test_add_func("/multifd-file/stop", test_stop);
    ret = g_test_run();
    unlink(disk_path);
    unlink(memory_path);
    rmdir(folder);
    rmdir(memory);
    g_free(disk_path);
    g_free(memory_path);
    return ret;
}
