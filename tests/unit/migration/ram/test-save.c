/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/ram/save.c: what it puts, in which order, and where the
 * sync points are.  Pages go to a sink that only notes them.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration/ram/save.h"
#include "migration/stream/ram-wire.h"
#include "migration/stream/wire.h"
#include "ram-blocks.h"

/* What the sink was asked for, as text: "a0+128 b5+3 F S". */
typedef struct Saving {
    PageSink sink;
    MigrationConfig config;
    MigrationLive live;
    RateLimit rate;
    MigrationCounters stats;
    RamList *list;
    DirtySoft *soft;
    MigStreamOut *out;
    RamSave *save;
    GString *log;
    bool put_fails;
    bool sync_fails;
} Saving;

static bool saving_put_run(PageSink *sink, RAMBlock *block,
                           uint64_t first_page, uint64_t nr_pages,
                           PageRunKind kind, Error **errp)
{
    Saving *s = container_of(sink, Saving, sink);

    if (s->put_fails) {
        error_setg(errp, "the sink is full");
        return false;
    }
    rate_limit_charge(&s->rate, (int64_t)(nr_pages << TARGET_PAGE_BITS));
    g_string_append_printf(s->log, "%s%" PRIu64 "+%" PRIu64 " ", block->idstr,
                           first_page, nr_pages);
    return true;
}

static bool saving_flush(PageSink *sink, Error **errp)
{
    Saving *s = container_of(sink, Saving, sink);

    g_string_append(s->log, "F ");
    return true;
}

static bool saving_sync(PageSink *sink, Error **errp)
{
    Saving *s = container_of(sink, Saving, sink);

    if (s->sync_fails) {
        error_setg(errp, "no SYNC today");
        return false;
    }
    g_string_append(s->log, "S ");
    return true;
}

static const PageSinkOps saving_ops = {
    .put_run = saving_put_run,
    .flush = saving_flush,
    .sync = saving_sync,
};

static void saving_init(Saving *s, bool needs_sync, bool each_section)
{
    *s = (Saving) {
        .sink = { .ops = &saving_ops, .needs_sync = needs_sync },
        .config.compat.multifd_flush_after_each_section = each_section,
        .list = ram_blocks_new("a", 300, "b", 8, NULL),
        .log = g_string_new(NULL),
    };
    /* Data: runs of holes would be longer. */
    for (unsigned i = 0; i < 2; i++) {
        RAMBlock *block = ram_list_block(s->list, i);

        memset(block->host, 1, block->used_length);
    }
    rate_limit_init(&s->rate, &s->live);
    s->soft = dirty_soft_new(s->list);
    s->out = stream_out_new(NULL);
    s->save = ram_save_new(&s->config, s->list, dirty_soft_provider(s->soft),
                           s->out, &s->sink, &s->stats, &s->rate);
}

static void saving_clear(Saving *s)
{
    ram_save_free(s->save);
    stream_out_free(s->out);
    dirty_soft_free(s->soft);
    ram_list_free(s->list);
    rate_limit_destroy(&s->rate);
    g_string_free(s->log, TRUE);
}

static void saving_log_is(Saving *s, const char *log)
{
    g_assert_cmpstr(s->log->str, ==, log);
    g_string_truncate(s->log, 0);
}

static void saving_setup(Saving *s)
{
    Error *err = NULL;

    ram_save_setup(s->save, &err);
    g_assert_null(err);
}

static void saving_iterate(Saving *s)
{
    Error *err = NULL;

    ram_save_iterate(s->save, &err);
    g_assert_null(err);
}

static void saving_sync_dirty(Saving *s)
{
    Error *err = NULL;

    ram_save_sync_dirty(s->save, &err);
    g_assert_null(err);
}

static void saving_complete(Saving *s)
{
    Error *err = NULL;

    ram_save_complete(s->save, &err);
    g_assert_null(err);
}

static void saving_write(Saving *s, const char *name, uint64_t page)
{
    dirty_soft_mark(s->soft, ram_list_find(s->list, name),
                    page << TARGET_PAGE_BITS, TARGET_PAGE_SIZE);
}

/* The records of the section so far must be @kinds, ended by an EOS. */
static void saving_records_are(Saving *s, const RamRecordKind *kinds,
                               size_t nr_kinds)
{
    g_autoptr(GByteArray) bytes = stream_out_steal(s->out);
    g_autoptr(MigStreamOut) copy = stream_out_new(NULL);
    g_autoptr(GByteArray) expected = NULL;

    for (size_t i = 0; i < nr_kinds; i++) {
        switch (kinds[i]) {
        case RAM_RECORD_MEM_SIZE:
            ram_wire_put_mem_size(copy, 308 * TARGET_PAGE_SIZE);
            ram_wire_put_block(copy, "a", 300 * TARGET_PAGE_SIZE);
            ram_wire_put_block(copy, "b", 8 * TARGET_PAGE_SIZE);
            break;
        case RAM_RECORD_FLUSH:
            ram_wire_put_flush(copy);
            break;
        default:
            ram_wire_put_eos(copy);
        }
    }
    expected = stream_out_steal(copy);
    g_assert_cmpmem(bytes->data, bytes->len, expected->data, expected->len);
}

#define RECORDS_ARE(s, ...) \
    do { \
        static const RamRecordKind kinds_[] = { __VA_ARGS__ }; \
        saving_records_are(s, kinds_, ARRAY_SIZE(kinds_)); \
    } while (0)

static void test_plain_has_a_list_and_no_sync_points(void)
{
    Saving s;

    saving_init(&s, false, false);
    saving_setup(&s);
    RECORDS_ARE(&s, RAM_RECORD_MEM_SIZE, RAM_RECORD_EOS);
    saving_iterate(&s);
    RECORDS_ARE(&s, RAM_RECORD_EOS);
    saving_complete(&s);
    RECORDS_ARE(&s, RAM_RECORD_EOS);
    saving_log_is(&s, "a0+128 a128+128 a256+44 b0+8 F F ");
    saving_clear(&s);
}

static void test_flush_marks_the_sync_points_of_rounds(void)
{
    Saving s;

    saving_init(&s, true, false);
    saving_setup(&s);
    RECORDS_ARE(&s, RAM_RECORD_MEM_SIZE, RAM_RECORD_FLUSH, RAM_RECORD_EOS);
    saving_log_is(&s, "S ");
    saving_iterate(&s);
    RECORDS_ARE(&s, RAM_RECORD_FLUSH, RAM_RECORD_EOS);
    saving_log_is(&s, "a0+128 a128+128 a256+44 b0+8 F S ");
    saving_complete(&s);
    RECORDS_ARE(&s, RAM_RECORD_FLUSH, RAM_RECORD_EOS);
    saving_log_is(&s, "F S ");
    saving_clear(&s);
}

static void test_each_section_syncs_in_the_older_style(void)
{
    Saving s;

    saving_init(&s, true, true);
    saving_setup(&s);
    RECORDS_ARE(&s, RAM_RECORD_MEM_SIZE, RAM_RECORD_EOS);
    saving_log_is(&s, "S ");
    saving_iterate(&s);
    RECORDS_ARE(&s, RAM_RECORD_EOS);
    saving_log_is(&s, "a0+128 a128+128 a256+44 b0+8 F S ");
    saving_complete(&s);
    RECORDS_ARE(&s, RAM_RECORD_EOS);
    saving_log_is(&s, "F S ");
    saving_clear(&s);
}

/* A PART that the limit ends is no end of the round. */
static void test_the_limit_ends_a_part_without_a_sync_point(void)
{
    Saving s;

    saving_init(&s, true, false);
    saving_setup(&s);
    saving_log_is(&s, "S ");
    s.live.max_bandwidth = 1;
    saving_iterate(&s);
    saving_log_is(&s, "a0+128 F ");
    g_assert_cmpuint(ram_save_pending_bytes(s.save), ==,
                     180 * TARGET_PAGE_SIZE);
    g_assert_cmpuint(s.stats.remaining_pages, ==, 180);
    saving_iterate(&s);
    saving_log_is(&s, "a128+128 F ");
    saving_clear(&s);
}

static void test_written_pages_go_out_in_the_next_round(void)
{
    Saving s;

    saving_init(&s, true, false);
    saving_setup(&s);
    saving_iterate(&s);
    g_string_truncate(s.log, 0);
    saving_write(&s, "b", 2);
    g_assert_cmpuint(ram_save_pending_bytes(s.save), ==, 0);
    saving_sync_dirty(&s);
    g_assert_cmpuint(ram_save_pending_bytes(s.save), ==, TARGET_PAGE_SIZE);
    g_assert_cmpuint(s.stats.dirty_sync_count, ==, 2);
    saving_iterate(&s);
    saving_log_is(&s, "b2+1 F S ");
    saving_clear(&s);
}

/*
 * The guest is stopped in the middle of a round.  What it wrote behind the
 * walk goes out a second time, perhaps on another channel, and must not be
 * overtaken by the first copy.
 */
static void test_end_syncs_before_a_page_goes_out_twice(void)
{
    Saving s;

    saving_init(&s, true, false);
    saving_setup(&s);
    s.live.max_bandwidth = 1;
    saving_iterate(&s);
    saving_log_is(&s, "S a0+128 F ");
    saving_write(&s, "a", 5);
    saving_sync_dirty(&s);
    saving_complete(&s);
    saving_log_is(&s, "a128+128 a256+44 b0+8 S a5+1 F S ");
    saving_clear(&s);
}

/* Sections were synced one by one, and none sends a page twice. */
static void test_end_syncs_once_in_the_older_style(void)
{
    Saving s;

    saving_init(&s, true, true);
    saving_setup(&s);
    s.live.max_bandwidth = 1;
    saving_iterate(&s);
    saving_log_is(&s, "S a0+128 F S ");
    saving_write(&s, "a", 5);
    saving_sync_dirty(&s);
    saving_complete(&s);
    saving_log_is(&s, "a128+128 a256+44 b0+8 a5+1 F S ");
    saving_clear(&s);
}

static void saving_fails(Error *err, const char *part)
{
    g_assert_nonnull(err);
    g_assert_cmpstr(error_get_pretty(err), ==, part);
    error_free(err);
}

static void test_a_sink_that_fails_ends_the_part(void)
{
    Error *err = NULL;
    Saving s;

    saving_init(&s, true, false);
    saving_setup(&s);
    s.put_fails = true;
    g_assert_false(ram_save_iterate(s.save, &err));
    saving_fails(err, "the sink is full");
    saving_clear(&s);
}

static void test_a_sink_that_fails_ends_the_end(void)
{
    Error *err = NULL;
    Saving s;

    saving_init(&s, true, false);
    saving_setup(&s);
    s.put_fails = true;
    g_assert_false(ram_save_complete(s.save, &err));
    saving_fails(err, "the sink is full");
    saving_clear(&s);
}

static void test_a_sync_that_fails_ends_the_start(void)
{
    Error *err = NULL;
    Saving s;

    saving_init(&s, true, false);
    s.sync_fails = true;
    g_assert_false(ram_save_setup(s.save, &err));
    saving_fails(err, "no SYNC today");
    saving_clear(&s);
}

/* A provider that refuses one of its calls, and counts its stops. */
typedef struct FailingDirty {
    DirtyProvider parent;
    bool start_fails;
    bool sync_fails;
    bool clear_fails;
    unsigned nr_stops;
} FailingDirty;

static bool failing_start(DirtyProvider *p, RamList *list, Error **errp)
{
    if (container_of(p, FailingDirty, parent)->start_fails) {
        error_setg(errp, "cannot start");
        return false;
    }
    return true;
}

static bool failing_sync(DirtyProvider *p, RAMBlock *block,
                         unsigned long *bmap, uint64_t *nr_pages, Error **errp)
{
    if (container_of(p, FailingDirty, parent)->sync_fails) {
        error_setg(errp, "cannot sync");
        return false;
    }
    return true;
}

static bool failing_clear(DirtyProvider *p, RAMBlock *block,
                          uint64_t first_page, uint64_t nr_pages, Error **errp)
{
    if (container_of(p, FailingDirty, parent)->clear_fails) {
        error_setg(errp, "cannot clear");
        return false;
    }
    return true;
}

static void failing_stop(DirtyProvider *p)
{
    container_of(p, FailingDirty, parent)->nr_stops++;
}

static const DirtyProviderOps failing_ops = {
    .name = "failing",
    .start = failing_start,
    .sync = failing_sync,
    .clear = failing_clear,
    .stop = failing_stop,
};

static void check_failing_dirty(FailingDirty *dirty, const char *message)
{
    Error *err = NULL;
    Saving s;

    dirty->parent.ops = &failing_ops;
    saving_init(&s, true, false);
    ram_save_free(s.save);
    s.save = ram_save_new(&s.config, s.list, &dirty->parent, s.out, &s.sink,
                          &s.stats, &s.rate);
    g_assert_false(ram_save_setup(s.save, &err) &&
                   ram_save_iterate(s.save, &err));
    saving_fails(err, message);
    saving_clear(&s);
    g_assert_cmpuint(dirty->nr_stops, ==, 1);
}

static void test_dirty_start_fails(void)
{
    FailingDirty dirty = { .start_fails = true };

    check_failing_dirty(&dirty, "cannot start");
}

static void test_dirty_sync_fails(void)
{
    FailingDirty dirty = { .sync_fails = true };

    check_failing_dirty(&dirty, "cannot sync");
}

static void test_dirty_clear_fails(void)
{
    FailingDirty dirty = { .clear_fails = true };

    check_failing_dirty(&dirty, "cannot clear");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/save/plain-has-a-list-and-no-sync-points",
                    test_plain_has_a_list_and_no_sync_points);
    g_test_add_func("/save/flush-marks-the-sync-points-of-rounds",
                    test_flush_marks_the_sync_points_of_rounds);
    g_test_add_func("/save/each-section-syncs-in-the-older-style",
                    test_each_section_syncs_in_the_older_style);
    g_test_add_func("/save/the-limit-ends-a-part-without-a-sync-point",
                    test_the_limit_ends_a_part_without_a_sync_point);
    g_test_add_func("/save/written-pages-go-out-in-the-next-round",
                    test_written_pages_go_out_in_the_next_round);
    g_test_add_func("/save/end-syncs-before-a-page-goes-out-twice",
                    test_end_syncs_before_a_page_goes_out_twice);
    g_test_add_func("/save/end-syncs-once-in-the-older-style",
                    test_end_syncs_once_in_the_older_style);
    g_test_add_func("/save/a-sink-that-fails-ends-the-part",
                    test_a_sink_that_fails_ends_the_part);
    g_test_add_func("/save/a-sink-that-fails-ends-the-end",
                    test_a_sink_that_fails_ends_the_end);
    g_test_add_func("/save/a-sync-that-fails-ends-the-start",
                    test_a_sync_that_fails_ends_the_start);
    g_test_add_func("/save/dirty-start-fails", test_dirty_start_fails);
    g_test_add_func("/save/dirty-sync-fails", test_dirty_sync_fails);
    g_test_add_func("/save/dirty-clear-fails", test_dirty_clear_fails);
    return g_test_run();
}
