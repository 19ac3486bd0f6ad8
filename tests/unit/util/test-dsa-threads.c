/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of a group that many threads use at once, with and without faults:
 * eight lanes with two batches each, two queues, and one more thread that asks
 * for the status all the time.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "dsa-fixture.h"

#define NR_THREADS 8
#define NR_BATCH 64
#define ROUNDS 40

typedef struct Load {
    const char *name;
    const char *soft[2];
    bool slow;                  /* there may be no answer: wait shortly */
    bool warns;
    bool helped;                /* the CPU may have to */
} Load;

static const Load loads[] = {
    { "shared-queues", { "", "" }, false, false, false },
    { "dedicated-queues", { "mode=dedicated", "mode=dedicated" } },
    { "queues-of-both-kinds", { "", "mode=dedicated" } },
    { "queues-without-mapping", { "portal=off,size=1024",
                                  "portal=off,size=1024" } },
    { "members-in-any-order", { "shuffle=1", "shuffle=2,mode=dedicated" } },
    { "small-shared-queues", { "size=2", "size=3,threshold=1" }, false, false,
      true },
    { "small-dedicated-queues", { "size=2,mode=dedicated",
                                  "size=1,mode=dedicated" }, false, false,
      true },
    { "small-dedicated-queues-without-mapping",
      { "size=9,mode=dedicated,portal=off",
        "size=5,mode=dedicated,portal=off" }, false, false, true },
    { "page-faults", { "fault-every=3,fault-at=64", "fault-every=7" }, false,
      false, true },
    { "faults-on-lists", { "list-fault-every=2",
                           "list-fault-every=3,mode=dedicated" }, false, false,
      true },
    { "queues-full-for-a-while", { "full=1000", "full=100" }, false, false,
      true },
    { "a-queue-that-lies", { "status-every=500", "" }, false, true, true },
    { "batches-that-lie", { "batch-status-every=50",
                            "batch-status-every=60" }, false, true, true },
    { "lost-records", { "lose-every=50", "lose-every=60,mode=dedicated" },
      true, true, true },
    { "stuck-devices", { "stuck-after=700", "stuck-after=900" }, true, true,
      true },
    { "queues-disabled-midway", { "halt-after=700",
                                  "halt-after=900,mode=dedicated" }, true,
      true, true },
    { "a-stuck-device-beside-a-good-one", { "stuck-after=700", "" }, true, true,
      true },
};

typedef struct Work {
    DsaGroup *group;
    const DsaPages *p;
    bool stop;                  /* atomic */
    unsigned nr_warnings;       /* of the watcher */
} Work;

static void *run_lane(void *opaque)
{
    Work *w = opaque;
    DsaLane *lane = dsa_lane_new(w->group);
    DsaBatch *b[2] = {
        dsa_batch_new(lane, DSA_TEST_PAGE), dsa_batch_new(lane, DSA_TEST_PAGE),
    };

    dsa_batch_submit(b[0], w->p->page, NR_BATCH);
    for (unsigned i = 1; i < ROUNDS; i++) {
        dsa_batch_submit(b[i % 2], w->p->page + i, NR_BATCH);
        dsa_check_wait(b[(i - 1) % 2], w->p, i - 1, NR_BATCH);
    }
    dsa_check_wait(b[(ROUNDS - 1) % 2], w->p, ROUNDS - 1, NR_BATCH);
    return NULL;
}

/* That a queue was full for long is no more than news of a slow machine. */
static bool tells_of_giving_up(const char *warning)
{
    return warning && !strstr(warning, " has been full for ");
}

static void *watch(void *opaque)
{
    Work *w = opaque;
    uint64_t last = 0;

    while (!qatomic_load_acquire(&w->stop)) {
        g_autoptr(DsaStatus) s = dsa_group_status(w->group);
        g_autofree char *warning = dsa_group_take_warning(w->group);

        /* Counters only grow. */
        g_assert_cmpuint(s->counters.queues.descriptors, >=, last);
        last = s->counters.queues.descriptors;
        w->nr_warnings += tells_of_giving_up(warning);
    }
    return NULL;
}

static void assert_after(const Load *load, Work *w)
{
    g_autoptr(DsaStatus) s = dsa_group_status(w->group);
    unsigned given_up = 0;
    char *warning;

    while ((warning = dsa_group_take_warning(w->group))) {
        w->nr_warnings += tells_of_giving_up(warning);
        g_free(warning);
    }
    for (unsigned i = 0; i < s->nr_queues; i++) {
        given_up += s->queue[i].given_up != NULL;
    }
    g_assert_cmpuint(w->nr_warnings, ==, given_up);
    g_assert_cmpint(given_up > 0, ==, load->warns);
    if (!load->helped) {
        g_assert_cmpuint(dsa_test_cpu_pages(s), ==, 0);
        g_assert_cmpuint(s->counters.queues.descriptors, ==,
                         NR_THREADS * ROUNDS * NR_BATCH);
    }
    if (!load->warns) {
        g_assert_cmpuint(s->counters.cpu_pages[DSA_CPU_TIMEOUT], ==, 0);
        g_assert_cmpuint(s->counters.cpu_pages[DSA_CPU_NO_QUEUE], ==, 0);
    }
}

static void run_load(const Load *load, DsaCompletion completion)
{
    Work w = {
        .group = dsa_test_group(completion,
                                load->slow ? DSA_TEST_SHORT_MS
                                           : DSA_TEST_LONG_MS,
                                load->soft[0], load->soft[1], NULL),
    };
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, NR_BATCH + ROUNDS);
    QemuThread lane[NR_THREADS], watcher;

    dsa_pages_mix(p);
    w.p = p;
    qemu_thread_create(&watcher, "watcher", watch, &w, QEMU_THREAD_JOINABLE);
    for (int i = 0; i < NR_THREADS; i++) {
        qemu_thread_create(&lane[i], "lane", run_lane, &w,
                           QEMU_THREAD_JOINABLE);
    }
    for (int i = 0; i < NR_THREADS; i++) {
        qemu_thread_join(&lane[i]);
    }
    qatomic_store_release(&w.stop, true);
    qemu_thread_join(&watcher);
    assert_after(load, &w);
    dsa_group_free(w.group);
    dsa_pages_free(p);
    dsa_test_still_works(completion);
}

static void test_thread(gconstpointer opaque)
{
    run_load(opaque, DSA_COMPLETION_THREAD);
}

static void test_in_thread(gconstpointer opaque)
{
    run_load(opaque, DSA_COMPLETION_IN_THREAD);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
        g_autofree char *with = g_strconcat(
            "/dsa-threads/completion-thread/eight-threads-share-",
            loads[i].name, NULL);
        g_autofree char *without = g_strconcat(
            "/dsa-threads/in-thread/eight-threads-share-", loads[i].name,
            NULL);

        g_test_add_data_func(with, &loads[i], test_thread);
        g_test_add_data_func(without, &loads[i], test_in_thread);
    }
    return g_test_run();
}
