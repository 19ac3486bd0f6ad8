/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/core/iterate.c with a guest that writes: whether it
 * converges, what makes it converge, and what clients are told meanwhile.
 *
 * The guest is a stand-in that has written so many pages whenever somebody
 * asks, as long as it runs; nothing depends on how fast anything is.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "migration-pair.h"

/* A rate that gives rounds of some ten milliseconds. */
#define BANDWIDTH "16000000"

typedef struct Guest {
    DirtyProvider provider;
    MigrationPair *pair;
    unsigned pages;             /* written each time, of the first block */
    bool fades;                 /* half as many the next time */
    bool obeys;                 /* less of them when it is slowed down */
} Guest;

static bool guest_start(DirtyProvider *p, RamList *list, Error **errp)
{
    return true;
}

static bool guest_sync(DirtyProvider *p, RAMBlock *block, unsigned long *bmap,
                       uint64_t *nr_pages, Error **errp)
{
    Guest *g = container_of(p, Guest, provider);
    PairEnd *src = &g->pair->src;
    unsigned pages = g->pages;

    if (block->index != 0 || !qatomic_read(&src->running)) {
        return true;
    }
    if (g->obeys) {
        pages = pages * (100 - qatomic_read(&src->throttle)) / 100;
    }
    if (g->fades) {
        g->pages /= 2;
    }
    *nr_pages += pages - bitmap_count_one(bmap, pages);
    bitmap_set(bmap, 0, pages);
    return true;
}

static void guest_stop(DirtyProvider *p)
{
}

static const DirtyProviderOps guest_ops = {
    .name = "guest",
    .start = guest_start,
    .sync = guest_sync,
    .stop = guest_stop,
};

static void set(MigrationPair *pair, const char *text)
{
    Error *err = NULL;

    pair_end_set(&pair->src, text, &err);
    g_assert_null(err);
}

/* A pair whose source has a running guest, and not one zero page. */
static MigrationPair *converge_pair(Guest *g, unsigned pages)
{
    MigrationPair *pair = pair_new();

    *g = (Guest) { .provider.ops = &guest_ops, .pair = pair, .pages = pages };
    for (unsigned b = 0; b < ram_list_nr_blocks(pair->src.ram); b++) {
        RAMBlock *block = ram_list_block(pair->src.ram, b);

        memset(block->host, 0x11, block->used_length);
    }
    pair->src.running = true;
    pair->src.host.dirty = &g->provider;
    pair_remake(&pair->src);
    return pair;
}

static void go(MigrationPair *pair)
{
    pair_listen(pair);
    pair_start(pair);
}

static void assert_arrives(MigrationPair *pair)
{
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    pair_free(pair);
}

static void assert_cancels(MigrationPair *pair)
{
    migration_cancel(pair->src.migration);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_CANCELLED);
    g_assert_true(qatomic_read(&pair->src.running));
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_FAILED);
    pair_free(pair);
}

typedef bool Condition(MigrationPair *pair, const MigrationInfo *info);

/* Runs the main loop, woken by each round, until the source is so far. */
static void wait_until(MigrationPair *pair, Condition *is_so)
{
    for (;;) {
        g_autoptr(MigrationInfo) info = migration_query(pair->src.migration);

        g_assert_cmpint(info->status, !=, MIGRATION_STATUS_COMPLETED);
        g_assert_cmpint(info->status, !=, MIGRATION_STATUS_FAILED);
        if (is_so(pair, info)) {
            return;
        }
        g_main_context_iteration(main_loop_context(pair->loop), TRUE);
    }
}

static bool is_active(MigrationPair *pair, const MigrationInfo *info)
{
    return info->status == MIGRATION_STATUS_ACTIVE;
}

static bool is_in_sixth_round(MigrationPair *pair, const MigrationInfo *info)
{
    return info->ram && info->ram->dirty_sync_count >= 6;
}

static bool has_rate(MigrationPair *pair, const MigrationInfo *info)
{
    return info->ram && info->ram->dirty_pages_rate > 0;
}

static bool is_throttled(MigrationPair *pair, const MigrationInfo *info)
{
    return info->has_cpu_throttle_percentage;
}

static void test_too_fast_for_the_link(const void *opaque)
{
    const unsigned *channels = opaque;
    Guest g;
    MigrationPair *pair = converge_pair(&g, PAIR_BLOCK_A_PAGES);

    if (*channels) {
        pair_multifd(pair, *channels);
    }
    set(pair, "{'max-bandwidth':" BANDWIDTH ",'downtime-limit':1}");
    go(pair);
    wait_until(pair, is_in_sixth_round);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_stops), ==, 0);
    assert_cancels(pair);
}

static void test_a_longer_downtime_lets_it_go(void)
{
    Guest g;
    MigrationPair *pair = converge_pair(&g, PAIR_BLOCK_A_PAGES);

    set(pair, "{'max-bandwidth':" BANDWIDTH ",'downtime-limit':1}");
    go(pair);
    wait_until(pair, is_in_sixth_round);
    set(pair, "{'downtime-limit':2000000}");
    assert_arrives(pair);
}

/* As in QEMU, no limit at all is no promise to the guest. */
static void test_a_downtime_of_0(void)
{
    Guest g;
    MigrationPair *pair = converge_pair(&g, PAIR_BLOCK_A_PAGES);

    set(pair, "{'max-bandwidth':" BANDWIDTH ",'downtime-limit':0}");
    go(pair);
    assert_arrives(pair);
}

/* What the guest writes each time fits: no use in going on for ever. */
static void test_little_each_time(void)
{
    Guest g;
    MigrationPair *pair = converge_pair(&g, 20);

    set(pair, "{'max-bandwidth':" BANDWIDTH "}");
    go(pair);
    assert_arrives(pair);
}

static void test_less_each_time_stops_for_next_to_nothing(void)
{
    Guest g;
    MigrationPair *pair = converge_pair(&g, 64);
    g_autoptr(MigrationInfo) info = NULL;

    g.fades = true;
    /* 300 ms are enough for all there is. */
    set(pair, "{'max-bandwidth':8000000}");
    go(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    info = migration_query(pair->src.migration);
    g_assert_cmpuint(info->ram->downtime_bytes, <, 16 * TARGET_PAGE_SIZE);
    g_assert_cmpuint(info->ram->precopy_bytes, >,
                     PAIR_BLOCK_A_PAGES * TARGET_PAGE_SIZE);
    assert_arrives(pair);
}

static void test_more_bandwidth_at_once(const void *opaque)
{
    const unsigned *channels = opaque;
    Guest g;
    MigrationPair *pair = converge_pair(&g, 0);

    if (*channels) {
        pair_multifd(pair, *channels);
    }
    /* A byte a second: it would take weeks. */
    set(pair, "{'max-bandwidth':1}");
    go(pair);
    wait_until(pair, is_active);
    set(pair, "{'max-bandwidth':0}");
    assert_arrives(pair);
}

static void test_more_downtime_while_it_waits_for_bandwidth(void)
{
    Guest g;
    MigrationPair *pair = converge_pair(&g, 0);

    set(pair, "{'max-bandwidth':1,'downtime-limit':0,"
              "'avail-switchover-bandwidth':1000000000000}");
    go(pair);
    wait_until(pair, is_active);
    set(pair, "{'downtime-limit':1000}");
    assert_arrives(pair);
}

static void test_what_is_told(void)
{
    Guest g;
    MigrationPair *pair = converge_pair(&g, PAIR_BLOCK_A_PAGES);
    g_autoptr(MigrationInfo) info = NULL;

    set(pair, "{'max-bandwidth':" BANDWIDTH ",'downtime-limit':1}");
    go(pair);
    wait_until(pair, has_rate);
    info = migration_query(pair->src.migration);
    /* The block takes 100 ms at this rate; all of RAM would be 133. */
    g_assert_cmpint(info->expected_downtime, >, 1);
    g_assert_cmpint(info->ram->remaining, <=, info->ram->total);
    g_assert_cmpfloat(info->ram->mbps, >, 0);
    g_assert_false(info->has_cpu_throttle_percentage);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_throttles), ==, 0);
    assert_cancels(pair);
}

static MigrationPair *throttled_pair(Guest *g)
{
    MigrationPair *pair = converge_pair(g, PAIR_BLOCK_A_PAGES);

    pair_end_cap(&pair->src, MIGRATION_CAPABILITY_AUTO_CONVERGE);
    set(pair, "{'max-bandwidth':" BANDWIDTH ",'downtime-limit':20,"
              "'cpu-throttle-initial':60,'cpu-throttle-increment':39}");
    return pair;
}

static void test_auto_converge_makes_it_go(const void *opaque)
{
    const unsigned *channels = opaque;
    Guest g;
    MigrationPair *pair = throttled_pair(&g);
    g_autoptr(MigrationInfo) info = NULL;

    if (*channels) {
        pair_multifd(pair, *channels);
    }
    g.obeys = true;
    go(pair);
    wait_until(pair, is_throttled);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    info = migration_query(pair->src.migration);
    g_assert_false(info->has_cpu_throttle_percentage);
    /* 60, 99 and nothing. */
    g_assert_cmpuint(qatomic_read(&pair->src.nr_throttles), ==, 3);
    g_assert_cmpuint(qatomic_read(&pair->src.throttle), ==, 0);
    g_assert_cmpuint(qatomic_read(&pair->dst.nr_throttles), ==, 0);
    assert_arrives(pair);
}

static void test_auto_converge_is_lifted_by_cancel(void)
{
    Guest g;
    MigrationPair *pair = throttled_pair(&g);

    go(pair);
    wait_until(pair, is_throttled);
    migration_cancel(pair->src.migration);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_CANCELLED);
    g_assert_cmpuint(qatomic_read(&pair->src.throttle), ==, 0);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_throttles), >, 1);
    pair_wait(&pair->dst);
    pair_free(pair);
}

static void test_auto_converge_is_lifted_by_a_failure(void)
{
    Guest g;
    MigrationPair *pair = throttled_pair(&g);

    go(pair);
    wait_until(pair, is_throttled);
    migration_cancel(pair->dst.migration);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_FAILED);
    g_assert_cmpuint(qatomic_read(&pair->src.throttle), ==, 0);
    pair_wait(&pair->dst);
    pair_free(pair);
}

static bool is_in_next_rounds(MigrationPair *pair, const MigrationInfo *info)
{
    return info->ram && info->ram->dirty_sync_count >= 10;
}

/* The link stands still: that is seen though no round ends. */
static void test_auto_converge_looks_at_a_long_round(void)
{
    Guest g;
    MigrationPair *pair = converge_pair(&g, PAIR_BLOCK_A_PAGES);

    pair->src.host.throttle_round_ms = 1;
    pair_remake(&pair->src);
    pair_end_cap(&pair->src, MIGRATION_CAPABILITY_AUTO_CONVERGE);
    set(pair, "{'max-bandwidth':" BANDWIDTH ",'downtime-limit':1}");
    go(pair);
    wait_until(pair, is_in_sixth_round);
    set(pair, "{'max-bandwidth':1}");
    wait_until(pair, is_in_next_rounds);
    assert_cancels(pair);
}

/* A limit that lets next to nothing through is told as such. */
static bool is_nearly_still(MigrationPair *pair, const MigrationInfo *info)
{
    return info->ram && info->ram->mbps > 0 && info->ram->mbps < 10 &&
           info->expected_downtime > 500;
}

static void test_what_is_told_of_a_lower_limit(void)
{
    Guest g;
    MigrationPair *pair = converge_pair(&g, PAIR_BLOCK_A_PAGES);

    set(pair, "{'max-bandwidth':" BANDWIDTH ",'downtime-limit':1}");
    go(pair);
    wait_until(pair, has_rate);
    set(pair, "{'max-bandwidth':1}");
    for (;;) {
        g_autoptr(MigrationInfo) info = migration_query(pair->src.migration);

        if (is_nearly_still(pair, info)) {
            break;
        }
        g_main_context_iteration(main_loop_context(pair->loop), FALSE);
    }
    assert_cancels(pair);
}

/* Stopped, throttled, and told to go on where it was. */
static void test_auto_converge_is_lifted_before_the_guest_resumes(void)
{
    Guest g;
    MigrationPair *pair = throttled_pair(&g);

    pair_end_cap(&pair->src, MIGRATION_CAPABILITY_PAUSE_BEFORE_SWITCHOVER);
    go(pair);
    wait_until(pair, is_throttled);
    set(pair, "{'downtime-limit':2000000}");
    pair_wait_status(&pair->src, MIGRATION_STATUS_PRE_SWITCHOVER);
    g_assert_cmpuint(qatomic_read(&pair->src.throttle), >, 0);
    migration_cancel(pair->src.migration);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_CANCELLED);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_resumes), ==, 1);
    g_assert_cmpuint(qatomic_read(&pair->src.throttle_at_resume), ==, 0);
    pair_wait(&pair->dst);
    pair_free(pair);
}

int main(int argc, char **argv)
{
    static const unsigned plain = 0, multifd = 2;

    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/converge/too-fast-for-the-link/plain", &plain,
                         test_too_fast_for_the_link);
    g_test_add_data_func("/converge/too-fast-for-the-link/multifd", &multifd,
                         test_too_fast_for_the_link);
    g_test_add_func("/converge/a-longer-downtime-lets-it-go",
                    test_a_longer_downtime_lets_it_go);
    g_test_add_func("/converge/a-downtime-of-0", test_a_downtime_of_0);
    g_test_add_func("/converge/little-each-time", test_little_each_time);
    g_test_add_func("/converge/less-each-time-stops-for-next-to-nothing",
                    test_less_each_time_stops_for_next_to_nothing);
    g_test_add_data_func("/converge/more-bandwidth-at-once/plain", &plain,
                         test_more_bandwidth_at_once);
    g_test_add_data_func("/converge/more-bandwidth-at-once/multifd", &multifd,
                         test_more_bandwidth_at_once);
    g_test_add_func("/converge/more-downtime-while-it-waits-for-bandwidth",
                    test_more_downtime_while_it_waits_for_bandwidth);
    g_test_add_func("/converge/what-is-told", test_what_is_told);
    g_test_add_data_func("/converge/auto-converge/plain", &plain,
                         test_auto_converge_makes_it_go);
    g_test_add_data_func("/converge/auto-converge/multifd", &multifd,
                         test_auto_converge_makes_it_go);
    g_test_add_func("/converge/auto-converge/lifted-by-cancel",
                    test_auto_converge_is_lifted_by_cancel);
    g_test_add_func("/converge/auto-converge/lifted-by-a-failure",
                    test_auto_converge_is_lifted_by_a_failure);
    g_test_add_func("/converge/auto-converge/looks-at-a-long-round",
                    test_auto_converge_looks_at_a_long_round);
    g_test_add_func("/converge/what-is-told-of-a-lower-limit",
                    test_what_is_told_of_a_lower_limit);
    g_test_add_func("/converge/auto-converge/lifted-before-the-guest-resumes",
                    test_auto_converge_is_lifted_before_the_guest_resumes);
    return g_test_run();
}
