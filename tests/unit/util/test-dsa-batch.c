/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of batches of pages on a queue that works: answers, parts, several at
 * once, and what is counted.  Those that need no particular queue are run once
 * more on real ones where there are.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "dsa-fixture.h"

/* On software; skips the test when it wants a real queue and there is none. */
static DsaGroup *open_queue(const DsaCase *c, const char *soft,
                            size_t page_bytes, unsigned batch_pages)
{
    g_autofree char *path = g_strconcat("dsa:soft?", soft, NULL);
    const char *const paths[] = { c->hardware ? "dsa:auto" : path, NULL };
    DsaOptions options = dsa_test_options(c->completion, DSA_TEST_LONG_MS);
    Error *err = NULL;
    DsaGroup *group;

    options.page_bytes = page_bytes;
    options.batch_pages = batch_pages;
    group = dsa_group_new(paths, &options, &err);
    if (!group && c->hardware) {
        g_test_skip(error_get_pretty(err));
        error_free(err);
        return NULL;
    }
    if (!group) {
        g_error("%s", error_get_pretty(err));
    }
    return group;
}

/* No queue was given up; on software the CPU had nothing to do. */
static void assert_untroubled(const DsaCase *c, DsaGroup *group)
{
    g_autofree char *warning = dsa_group_take_warning(group);
    g_autoptr(DsaStatus) status = dsa_group_status(group);

    g_assert_cmpstr(warning, ==, NULL);
    for (unsigned i = 0; i < status->nr_queues; i++) {
        g_assert_cmpstr(status->queue[i].given_up, ==, NULL);
    }
    if (!c->hardware) {
        g_assert_cmpuint(dsa_test_cpu_pages(status), ==, 0);
    }
}

static void run_mixed(const DsaCase *c, const char *soft, size_t page_size,
                      unsigned nr)
{
    g_autoptr(DsaGroup) group = open_queue(c, soft, page_size, nr);
    DsaPages *p;
    DsaBatch *b;

    if (!group) {
        return;
    }
    p = dsa_pages_new(page_size, nr);
    b = dsa_batch_new(dsa_lane_new(group), page_size);
    dsa_check_batch(b, p, 0, nr);
    dsa_pages_mix(p);
    dsa_check_batch(b, p, 0, nr);
    dsa_check_batch(b, p, 0, nr);
    assert_untroubled(c, group);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

static void test_zero_and_not(const DsaCase *c)
{
    run_mixed(c, "max-batch-size=1024", DSA_TEST_PAGE, DSA_TEST_PAGES);
}

static void test_many_pages(const DsaCase *c)
{
    run_mixed(c, "max-batch-size=1024", DSA_TEST_PAGE, DSA_BATCH_PAGES_MAX);
}

static void test_many_parts(const DsaCase *c)
{
    run_mixed(c, "max-batch-size=2,size=1024", DSA_TEST_PAGE,
              DSA_BATCH_PAGES_MAX);
}

static void test_large_pages(const DsaCase *c)
{
    run_mixed(c, "", 2 * 1024 * 1024, 5);
}

static void test_odd_pages(const DsaCase *c)
{
    run_mixed(c, "", 1000, 40);
}

static void test_shuffled_members(const DsaCase *c)
{
    run_mixed(c, "shuffle=7,engines=3", DSA_TEST_PAGE, DSA_TEST_PAGES);
}

static void test_inexact_places(const DsaCase *c)
{
    run_mixed(c, "inexact=64", DSA_TEST_PAGE, DSA_TEST_PAGES);
}

static void test_newer_device(const DsaCase *c)
{
    run_mixed(c, "profile=dsa2", DSA_TEST_PAGE, DSA_TEST_PAGES);
}

static void test_dedicated_queue(const DsaCase *c)
{
    run_mixed(c, "mode=dedicated,max-batch-size=128", DSA_TEST_PAGE,
              DSA_TEST_PAGES);
}

static void test_without_mapping(const DsaCase *c)
{
    run_mixed(c, "portal=off,size=1024", DSA_TEST_PAGE, DSA_TEST_PAGES);
}

static void test_timed_device(const DsaCase *c)
{
    run_mixed(c, "timing=on", DSA_TEST_PAGE, DSA_TEST_PAGES);
}

static void test_submitter_is_the_engine(const DsaCase *c)
{
    run_mixed(c, "engines=0", DSA_TEST_PAGE, DSA_TEST_PAGES);
}

/* Each number of pages around where a batch is cut, at each place. */
static void test_every_length(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = open_queue(c, "max-batch-size=8",
                                           DSA_TEST_PAGE, DSA_TEST_PAGES);
    DsaPages *p;
    DsaBatch *b;

    if (!group) {
        return;
    }
    p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES + 8);
    b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    dsa_pages_mix(p);
    for (unsigned nr = 1; nr <= DSA_TEST_PAGES; nr++) {
        dsa_check_batch(b, p, nr % 8, nr);
    }
    assert_untroubled(c, group);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

static void test_every_offset(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = open_queue(c, "max-batch-size=128",
                                           DSA_TEST_PAGE, DSA_TEST_PAGES);
    DsaPages *p;
    DsaBatch *b;

    if (!group) {
        return;
    }
    p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    for (size_t at = 0; at < DSA_TEST_PAGE; at += DSA_TEST_PAGES) {
        memset(p->mem, 0, p->nr * p->page_size);
        for (unsigned i = 0; i < DSA_TEST_PAGES; i++) {
            dsa_pages_set(p, i, at + i);
        }
        dsa_check_batch(b, p, 0, p->nr);
    }
    assert_untroubled(c, group);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

/* Of one lane, collected in another order than submitted. */
static void test_several_under_way(const DsaCase *c)
{
    enum { NR = 4 };
    g_autoptr(DsaGroup) group = open_queue(c, "max-batch-size=16,shuffle=3",
                                           DSA_TEST_PAGE, DSA_TEST_PAGES);
    static const unsigned order[NR] = { 2, 0, 3, 1 };
    DsaBatch *b[NR];
    DsaLane *lane;
    DsaPages *p;

    if (!group) {
        return;
    }
    lane = dsa_lane_new(group);
    p = dsa_pages_new(DSA_TEST_PAGE, NR * DSA_TEST_PAGES);
    dsa_pages_mix(p);
    for (int i = 0; i < NR; i++) {
        b[i] = dsa_batch_new(lane, DSA_TEST_PAGE);
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < NR; i++) {
            dsa_batch_submit(b[i], p->page + i * DSA_TEST_PAGES,
                             DSA_TEST_PAGES);
        }
        for (int i = 0; i < NR; i++) {
            dsa_check_wait(b[order[i]], p, order[i] * DSA_TEST_PAGES,
                           DSA_TEST_PAGES);
        }
    }
    assert_untroubled(c, group);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

/* As a channel does: submit the next one, then wait for the one before. */
static void test_pipeline(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = open_queue(c, "max-batch-size=32,timing=on",
                                           DSA_TEST_PAGE, DSA_TEST_PAGES);
    DsaBatch *b[2];
    DsaLane *lane;
    DsaPages *p;

    if (!group) {
        return;
    }
    lane = dsa_lane_new(group);
    p = dsa_pages_new(DSA_TEST_PAGE, 3 * DSA_TEST_PAGES);
    dsa_pages_mix(p);
    b[0] = dsa_batch_new(lane, DSA_TEST_PAGE);
    b[1] = dsa_batch_new(lane, DSA_TEST_PAGE);
    dsa_batch_submit(b[0], p->page, DSA_TEST_PAGES);
    for (unsigned i = 1; i < 60; i++) {
        dsa_batch_submit(b[i % 2], p->page + i % 3 * DSA_TEST_PAGES,
                         DSA_TEST_PAGES);
        dsa_check_wait(b[(i - 1) % 2], p, (i - 1) % 3 * DSA_TEST_PAGES,
                       DSA_TEST_PAGES);
    }
    dsa_check_wait(b[59 % 2], p, 59 % 3 * DSA_TEST_PAGES, DSA_TEST_PAGES);
    assert_untroubled(c, group);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

/* Pages that lie anywhere, one of them several times. */
static void test_scattered_pages(const DsaCase *c)
{
    const uint8_t *page[DSA_TEST_PAGES];
    unsigned long zero[DSA_TEST_PAGES / (8 * sizeof(long))];
    g_autoptr(DsaGroup) group = open_queue(c, "", DSA_TEST_PAGE,
                                           DSA_TEST_PAGES);
    DsaPages *p;
    DsaBatch *b;

    if (!group) {
        return;
    }
    p = dsa_pages_new(DSA_TEST_PAGE, 100);
    dsa_pages_mix(p);
    b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    for (unsigned i = 0; i < DSA_TEST_PAGES; i++) {
        page[i] = p->page[i * 37 % p->nr];
    }
    dsa_batch_submit(b, page, DSA_TEST_PAGES);
    /* The array is not used after the return. */
    memset(page, 0, sizeof(page));
    dsa_batch_wait(b, zero);
    for (unsigned i = 0; i < DSA_TEST_PAGES; i++) {
        bool set = zero[i / (8 * sizeof(long))] >> i % (8 * sizeof(long)) & 1;

        g_assert_cmpint(set, ==, i * 37 % p->nr % 3 == 0);
    }
    assert_untroubled(c, group);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

/* Nobody waited for them: the group is freed all the same. */
static void test_freed_under_way(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = open_queue(c, "slow-us=1000,engines=1",
                                           DSA_TEST_PAGE, DSA_TEST_PAGES);
    DsaPages *p;
    DsaLane *lane;

    if (!group) {
        return;
    }
    p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    lane = dsa_lane_new(group);
    for (int i = 0; i < 4; i++) {
        dsa_batch_submit(dsa_batch_new(lane, DSA_TEST_PAGE), p->page,
                         DSA_TEST_PAGES);
    }
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

/* A page nobody has touched: the device stops there, the CPU goes on. */
static void test_pages_that_are_not_there(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = open_queue(c, "", DSA_TEST_PAGE,
                                           DSA_TEST_PAGES);
    g_autoptr(DsaStatus) status = NULL;
    DsaPages *p;
    DsaBatch *b;

    if (!group) {
        return;
    }
    p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    dsa_pages_mix(p);
    for (unsigned i = 3; i < p->nr; i += 12) {
        g_assert_cmpint(madvise(p->mem + i * p->page_size, p->page_size,
                                MADV_DONTNEED), ==, 0);
    }
    b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    dsa_check_batch(b, p, 0, p->nr);
    status = dsa_group_status(group);
    g_assert_cmpuint(status->counters.page_faults, ==, 11);
    g_assert_cmpuint(status->counters.cpu_pages[DSA_CPU_PAGE_FAULT], ==, 11);
    g_assert_cmpuint(dsa_test_cpu_pages(status), ==, 11);
    g_assert_null(dsa_group_take_warning(group));
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

/* Batches, descriptors and bytes are those that were handed over. */
static void test_counters(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = open_queue(c, "max-batch-size=50",
                                           DSA_TEST_PAGE, DSA_TEST_PAGES);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    g_autoptr(DsaStatus) status = NULL;
    const DsaQueueCounters *q;

    /* 50 + 50 + 1, then 28, then 1 */
    dsa_check_batch(b, p, 0, 101);
    dsa_check_batch(b, p, 0, 28);
    dsa_check_batch(b, p, 0, 1);
    status = dsa_group_status(group);
    q = &status->queue[0].counters;
    g_assert_cmpuint(q->batches, ==, 3);
    g_assert_cmpuint(q->descriptors, ==, 130);
    g_assert_cmpuint(q->bytes, ==, 130 * DSA_TEST_PAGE);
    g_assert_cmpuint(q->full, ==, 0);
    g_assert_cmpuint(status->counters.queues.batches, ==, q->batches);
    g_assert_cmpuint(status->counters.queues.descriptors, ==, q->descriptors);
    g_assert_cmpuint(status->counters.queues.bytes, ==, q->bytes);
    g_assert_cmpuint(status->counters.waits, <=, 3);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

static void test_time_of_waiting(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = open_queue(c, "slow-us=20000", DSA_TEST_PAGE,
                                           DSA_TEST_PAGES);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, 2);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    g_autoptr(DsaStatus) status = NULL;

    dsa_check_batch(b, p, 0, 2);
    status = dsa_group_status(group);
    g_assert_cmpuint(status->counters.waits, ==, 1);
    g_assert_cmpuint(status->counters.wait_ns, >, 0);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(const DsaCase *c);
        bool hardware;
    } tests[] = {
        { "zero-pages-are-told-from-others", test_zero_and_not, true },
        { "a-batch-may-have-1024-pages", test_many_pages, true },
        { "pages-are-cut-into-many-parts", test_many_parts, false },
        { "pages-may-be-large", test_large_pages, true },
        { "pages-may-have-an-odd-size", test_odd_pages, true },
        { "members-may-be-done-in-any-order", test_shuffled_members, false },
        { "places-may-be-rounded", test_inexact_places, false },
        { "a-newer-device-answers-too", test_newer_device, false },
        { "a-dedicated-queue-answers-too", test_dedicated_queue, false },
        { "write-answers-too", test_without_mapping, false },
        { "a-device-that-takes-its-time-answers", test_timed_device, false },
        { "an-answer-may-be-there-at-once", test_submitter_is_the_engine,
          false },
        { "any-number-of-pages-is-answered", test_every_length, true },
        { "a-difference-is-seen-at-every-offset", test_every_offset, true },
        { "several-are-under-way-at-once", test_several_under_way, true },
        { "the-next-is-submitted-before-the-last-is-done", test_pipeline,
          true },
        { "pages-may-lie-anywhere", test_scattered_pages, true },
        { "a-group-is-freed-with-batches-under-way", test_freed_under_way,
          true },
        { "an-untouched-page-is-left-to-the-cpu",
          test_pages_that_are_not_there, false },
        { "what-was-handed-over-is-counted", test_counters, false },
        { "waiting-is-counted", test_time_of_waiting, false },
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
        dsa_test_add("dsa-batch", tests[i].name, tests[i].fn,
                     tests[i].hardware);
    }
    return g_test_run();
}
