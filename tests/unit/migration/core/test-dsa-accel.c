/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migrations with zero-page-detection `dsa-accel` on software queues, between
 * two machines in one process: what arrives, what query-migrate tells of it,
 * and how it ends when queues are refused, die or are given up.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "migration-pair.h"

static void set_ok(PairEnd *end, const char *text)
{
    Error *err = NULL;

    pair_end_set(end, text, &err);
    g_assert_null(err);
}

/* @text: parameters of the source apart from the detection */
static MigrationPair *dsa_pair(const char *text)
{
    MigrationPair *pair = pair_new();

    pair_cap(pair, MIGRATION_CAPABILITY_RETURN_PATH);
    pair_multifd(pair, 2);
    /* Nothing is to be late by chance, under a sanitizer neither. */
    set_ok(&pair->src, "{'zero-page-detection':'dsa-accel',"
                       "'dsa-timeout':60000}");
    set_ok(&pair->src, text);
    pair_fill(pair->src.ram, 3);
    pair->src.running = true;
    return pair;
}

static void assert_arrives(MigrationPair *pair)
{
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    g_assert_cmpuint(pair->src.nr_migrated, ==, 1);
}

/* Pages of pair_fill() that are no holes: those somebody has to look at. */
static uint64_t nr_pages_to_look_at(MigrationPair *pair)
{
    uint64_t nr_pages = 0;

    for (unsigned b = 0; b < ram_list_nr_blocks(pair->src.ram); b++) {
        const RAMBlock *block = ram_list_block(pair->src.ram, b);

        for (uint64_t page = 0; page < block->nr_pages; page++) {
            nr_pages += page / 7 % 3 != 2;
        }
    }
    return nr_pages;
}

static void assert_queue_sums(const DsaStats *dsa, unsigned nr_queues)
{
    uint64_t batches = 0, descriptors = 0, bytes = 0, retries = 0;
    unsigned nr = 0;

    for (const DsaQueueStatsList *l = dsa->queues; l; l = l->next) {
        g_assert_true(g_str_has_prefix(l->value->backend, "soft"));
        batches += l->value->batches;
        descriptors += l->value->descriptors;
        bytes += l->value->bytes;
        retries += l->value->retries;
        nr++;
    }
    g_assert_cmpuint(nr, ==, nr_queues);
    g_assert_cmpuint(dsa->batches, ==, batches);
    g_assert_cmpuint(dsa->descriptors, ==, descriptors);
    g_assert_cmpuint(dsa->bytes, ==, bytes);
    g_assert_cmpuint(dsa->bytes, ==, dsa->descriptors * TARGET_PAGE_SIZE);
    g_assert_cmpuint(dsa->retries, ==, retries);
}

static void assert_page_sums(const DsaStats *dsa, uint64_t nr_pages)
{
    const DsaCpuPages *cpu = dsa->cpu_pages;

    g_assert_cmpuint(dsa->descriptors + cpu->looked + cpu->stepped_back +
                     cpu->queue_full + cpu->no_queue, ==, nr_pages);
    g_assert_cmpuint(dsa->page_faults + dsa->page_faults_unresolved, ==,
                     cpu->page_fault);
}

typedef struct Variant {
    const char *name;
    const char *params;
    unsigned nr_queues;
    bool adaptive;
    DsaCompletionMode completion;
} Variant;

static const Variant variants[] = {
    { "thread", "{'accel-path':['dsa:soft']}", 1, true,
      DSA_COMPLETION_MODE_THREAD },
    { "in-thread", "{'accel-path':['dsa:soft'],'dsa-completion':'in-thread'}",
      1, true, DSA_COMPLETION_MODE_IN_THREAD },
    { "not-adaptive", "{'accel-path':['dsa:soft'],'dsa-adaptive':false}", 1,
      false, DSA_COMPLETION_MODE_THREAD },
    { "two-queues",
      "{'accel-path':['dsa:soft',{'kind':'dsa-soft','mode':'dedicated'}],"
      "'dsa-adaptive':false,'dsa-completion':'in-thread'}", 2, false,
      DSA_COMPLETION_MODE_IN_THREAD },
    { "no-portal",
      "{'accel-path':['dsa:soft?portal=off'],'dsa-adaptive':false}", 1, false,
      DSA_COMPLETION_MODE_THREAD },
    { "small-batches",
      "{'accel-path':['dsa:soft?max-batch-size=2'],'dsa-adaptive':false}", 1,
      false, DSA_COMPLETION_MODE_THREAD },
    { "faults",
      "{'accel-path':['dsa:soft?fault-every=3,fault-at=64'],"
      "'dsa-adaptive':false}", 1, false, DSA_COMPLETION_MODE_THREAD },
    { "list-faults",
      "{'accel-path':['dsa:soft?list-fault-every=2'],'dsa-adaptive':false}",
      1, false, DSA_COMPLETION_MODE_THREAD },
    { "large-packets",
      "{'accel-path':['dsa:soft'],'dsa-adaptive':false,"
      "'multifd-packet-size':4194304}", 1, false,
      DSA_COMPLETION_MODE_THREAD },
    { "packets-of-one-page",
      "{'accel-path':['dsa:soft'],'dsa-adaptive':false,"
      "'multifd-packet-size':4096}", 1, false, DSA_COMPLETION_MODE_THREAD },
};

static void test_moves_all(const void *opaque)
{
    const Variant *v = opaque;
    MigrationPair *pair = dsa_pair(v->params);
    uint64_t nr_pages = nr_pages_to_look_at(pair);
    MigrationInfo *info;
    const DsaStats *dsa;

    assert_arrives(pair);
    info = migration_query(pair->src.migration);
    g_assert_nonnull(info->zero_page_detector);
    g_assert_cmpint(info->zero_page_detector->detector, ==,
                    ZERO_PAGE_DETECTION_DSA_ACCEL);
    dsa = info->zero_page_detector->dsa;
    g_assert_nonnull(dsa);
    g_assert_cmpint(dsa->completion, ==, v->completion);
    assert_queue_sums(dsa, v->nr_queues);
    assert_page_sums(dsa, nr_pages);
    /* Normal pages of pair_fill() have a byte in each word. */
    if (v->adaptive) {
        g_assert_cmpuint(dsa->cpu_pages->looked, ==, info->ram->normal);
    } else {
        g_assert_cmpuint(dsa->cpu_pages->looked, ==, 0);
        g_assert_cmpuint(dsa->descriptors, >, 0);
    }
    qapi_free_MigrationInfo(info);
    pair_free(pair);
}

static void test_two_queues_share(void)
{
    MigrationPair *pair = dsa_pair("{'accel-path':['dsa:soft','dsa:soft'],"
                                   "'dsa-adaptive':false,"
                                   "'multifd-packet-size':4096}");
    MigrationInfo *info;

    assert_arrives(pair);
    info = migration_query(pair->src.migration);
    for (DsaQueueStatsList *l = info->zero_page_detector->dsa->queues; l;
         l = l->next) {
        g_assert_cmpuint(l->value->descriptors, >, 0);
    }
    qapi_free_MigrationInfo(info);
    pair_free(pair);
}

/* A size that the destination is told and did not have to be set to. */
static void test_packet_size_without_dsa(void)
{
    MigrationPair *pair = dsa_pair("{'zero-page-detection':'multifd',"
                                   "'multifd-packet-size':1048576}");
    MigrationInfo *info;

    assert_arrives(pair);
    info = migration_query(pair->src.migration);
    g_assert_cmpint(info->zero_page_detector->detector, ==,
                    ZERO_PAGE_DETECTION_MULTIFD);
    g_assert_null(info->zero_page_detector->dsa);
    qapi_free_MigrationInfo(info);
    pair_free(pair);
}

/* Zero pages that are sent as normal ones; a ratio of 100 leaves no other. */
static void test_normal_page_ratio(void)
{
    MigrationPair *pair = dsa_pair("{'accel-path':['dsa:soft'],"
                                   "'multifd-normal-page-ratio':100}");
    MigrationInfo *info;

    assert_arrives(pair);
    info = migration_query(pair->src.migration);
    g_assert_cmpint(info->ram->zero_pages, ==, 0);
    g_assert_cmpint(info->ram->normal, ==,
                    PAIR_BLOCK_A_PAGES + PAIR_BLOCK_B_PAGES);
    qapi_free_MigrationInfo(info);
    pair_free(pair);
}

/* Nothing has changed for the guest, and the destination has not noticed. */
static void test_refused_queue(void)
{
    MigrationPair *pair = dsa_pair("{'accel-path':["
                                   "'dsa:soft?state=disabled']}");
    MigrationInfo *info;
    g_autofree char *error = NULL;

    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_FAILED);
    error = pair_error(&pair->src);
    g_test_message("%s", error);
    g_assert_nonnull(strstr(error, "soft"));
    g_assert_nonnull(strstr(error, "disabled"));
    g_assert_true(qatomic_read(&pair->src.running));
    g_assert_cmpuint(pair->src.nr_stops, ==, 0);
    info = migration_query(pair->dst.migration);
    g_assert_cmpint(info->status, ==, MIGRATION_STATUS_SETUP);
    qapi_free_MigrationInfo(info);
    info = migration_query(pair->src.migration);
    g_assert_cmpint(info->zero_page_detector->detector, ==,
                    ZERO_PAGE_DETECTION_DSA_ACCEL);
    g_assert_null(info->zero_page_detector->dsa);
    qapi_free_MigrationInfo(info);

    /* With another queue the next try reaches that same destination. */
    set_ok(&pair->src, "{'accel-path':['dsa:soft']}");
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    pair_free(pair);
}

/* The last warning that the machine was told. */
static void keep_warning(void *opaque, const char *message)
{
    PairEnd *end = opaque;

    qatomic_inc(&end->nr_warnings);
    g_free(end->failure);
    end->failure = g_strdup(message);
}

#define NR_ANSWERS 100

static const struct DyingQueue {
    const char *name;
    const char *params;
    bool takes_more;            /* work that it will not answer */
} dying_queues[] = {
    { "halted", "{'accel-path':['dsa:soft?halt-after=100']}" },
    { "stuck", "{'accel-path':['dsa:soft?stuck-after=100']}", true },
    { "stuck-in-thread", "{'accel-path':['dsa:soft?stuck-after=100'],"
                         "'dsa-completion':'in-thread'}", true },
};

/*
 * A device that halts with nothing in flight is full from then on, and one that
 * halts behind the last member of a batch leaves out no page.
 */
static void assert_queue_died(const DsaStats *dsa, const PairEnd *src,
                              bool takes_more)
{
    const char *given_up = dsa->queues->value->given_up;
    uint64_t unanswered = dsa->descriptors - NR_ANSWERS;

    g_assert_cmpuint(dsa->descriptors, >=, NR_ANSWERS);
    g_assert_cmpuint(dsa->cpu_pages->timeout, ==, unanswered);
    if (!given_up && unanswered == 0 && !takes_more) {
        g_test_message("it halted with nothing in flight");
        return;
    }
    g_assert_nonnull(given_up);
    g_assert_nonnull(strstr(given_up, "1000 ms"));
    g_assert_cmpuint(src->nr_warnings, ==, 1);
    g_test_message("%s", src->failure);
    g_assert_nonnull(strstr(src->failure, "soft"));
}

/* The device costs speed and a warning, never the migration. */
static void test_dying_queue(const void *opaque)
{
    const struct DyingQueue *d = opaque;
    MigrationPair *pair = dsa_pair(d->params);
    MigrationInfo *info;
    const DsaStats *dsa;

    set_ok(&pair->src, "{'dsa-adaptive':false,'dsa-timeout':1000,"
                       "'multifd-packet-size':8192}");
    pair->src.ops.warn = keep_warning;
    assert_arrives(pair);
    info = migration_query(pair->src.migration);
    dsa = info->zero_page_detector->dsa;
    assert_queue_died(dsa, &pair->src, d->takes_more);
    assert_page_sums(dsa, nr_pages_to_look_at(pair));
    qapi_free_MigrationInfo(info);
    pair_free(pair);
}

/* Holds the migration thread where its first packets are handed over. */
typedef struct Holder {
    QemuSemaphore held;
    QemuSemaphore go_on;
    unsigned hits;
} Holder;

static void hold_hit(void *opaque, PausePoint point)
{
    Holder *h = opaque;

    if (point == PAUSE_POINT_AFTER_SUBMIT && h->hits++ == 0) {
        qemu_sem_post(&h->held);
        qemu_sem_wait(&h->go_on);
    }
}

/* Cancelled while queues are in use: the guest runs on, counters stay. */
static void test_cancel_in_the_middle(const void *opaque)
{
    const Variant *v = opaque;
    MigrationPair *pair;
    Holder h = { 0 };
    MigrationInfo *info;

    if (pair_needs_pause_points()) {
        return;
    }
    pair = dsa_pair(v->params);
    qemu_sem_init(&h.held, 0);
    qemu_sem_init(&h.go_on, 0);
    pair->pause_points = (PausePoints) { .hit = hold_hit, .opaque = &h };
    pair_listen(pair);
    pair_start(pair);
    qemu_sem_wait(&h.held);
    info = migration_query(pair->src.migration);
    g_assert_cmpint(info->status, ==, MIGRATION_STATUS_ACTIVE);
    g_assert_nonnull(info->zero_page_detector->dsa);
    qapi_free_MigrationInfo(info);
    migration_cancel(pair->src.migration);
    qemu_sem_post(&h.go_on);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_CANCELLED);
    g_assert_true(qatomic_read(&pair->src.running));
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_FAILED);
    info = migration_query(pair->src.migration);
    assert_queue_sums(info->zero_page_detector->dsa, v->nr_queues);
    qapi_free_MigrationInfo(info);
    pair_free(pair);
    qemu_sem_destroy(&h.held);
    qemu_sem_destroy(&h.go_on);
}

/* Asked at any moment, answers are of one migration and never less. */
static void test_query_all_the_time(void)
{
    MigrationPair *pair = dsa_pair("{'accel-path':['dsa:soft?slow-us=200'],"
                                   "'dsa-adaptive':false}");
    uint64_t last = 0;

    pair_listen(pair);
    pair_start(pair);
    while (migration_is_running(pair->src.migration)) {
        MigrationInfo *info = migration_query(pair->src.migration);

        if (info->zero_page_detector && info->zero_page_detector->dsa) {
            const DsaStats *dsa = info->zero_page_detector->dsa;

            g_assert_cmpuint(dsa->descriptors, >=, last);
            last = dsa->descriptors;
        }
        qapi_free_MigrationInfo(info);
        g_main_context_iteration(main_loop_context(pair->loop), FALSE);
    }
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    pair_free(pair);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
        g_autofree char *moves = g_strdup_printf("/dsa-accel/%s/moves-all",
                                                 variants[i].name);
        g_autofree char *cancel = g_strdup_printf("/dsa-accel/%s/cancel",
                                                  variants[i].name);

        g_test_add_data_func(moves, &variants[i], test_moves_all);
        g_test_add_data_func(cancel, &variants[i], test_cancel_in_the_middle);
    }
    for (size_t i = 0; i < ARRAY_SIZE(dying_queues); i++) {
        g_autofree char *path = g_strdup_printf("/dsa-accel/dying-queue/%s",
                                                dying_queues[i].name);

        g_test_add_data_func(path, &dying_queues[i], test_dying_queue);
    }
    g_test_add_func("/dsa-accel/two-queues-share", test_two_queues_share);
    g_test_add_func("/dsa-accel/packet-size-without-dsa",
                    test_packet_size_without_dsa);
    g_test_add_func("/dsa-accel/normal-page-ratio", test_normal_page_ratio);
    g_test_add_func("/dsa-accel/refused-queue", test_refused_queue);
    g_test_add_func("/dsa-accel/query-all-the-time", test_query_all_the_time);
    return g_test_run();
}
