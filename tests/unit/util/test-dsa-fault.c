/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of what is made of each fault that the software device can be told to
 * have: every answer is right, the counters say why the CPU had to help, there
 * is one warning or none, the group is freed, and the next one works.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/cutils.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "dsa-fixture.h"

/* Batches that pass by the faulty queue, two at a time. */
#define ROUNDS 8

typedef struct Fault {
    const char *name;
    const char *soft;
    bool slow;                  /* there will be no answer: wait shortly */
    int reason;                 /* DsaCpuReason that must be counted, or -1 */
    const char *warning;        /* stands in the only one; NULL: none */
} Fault;

#define NO_REASON -1
#define SHORT true
#define LONG false

static const Fault faults[] = {
    /* pages that are not there */
    { "a-page-fault-at-the-start", "fault-every=1", LONG,
      DSA_CPU_PAGE_FAULT, NULL },
    { "a-page-fault-after-a-byte", "fault-every=2,fault-at=1", LONG,
      DSA_CPU_PAGE_FAULT, NULL },
    { "a-page-fault-in-a-word", "fault-every=3,fault-at=1003", LONG,
      DSA_CPU_PAGE_FAULT, NULL },
    { "a-page-fault-at-the-last-byte", "fault-every=1,fault-at=4095", LONG,
      DSA_CPU_PAGE_FAULT, NULL },
    { "a-page-fault-that-is-a-write", "fault-every=5,fault-write=on", LONG,
      DSA_CPU_PAGE_FAULT, NULL },
    { "a-page-fault-that-was-refused", "fault-every=5,fault-refused=on", LONG,
      DSA_CPU_PAGE_FAULT, NULL },
    { "a-write-that-was-refused",
      "fault-every=5,fault-refused=on,fault-write=on,fault-at=77", LONG,
      DSA_CPU_PAGE_FAULT, NULL },
    { "a-page-fault-without-batches", "portal=off,fault-every=3,fault-at=64",
      LONG, DSA_CPU_PAGE_FAULT, NULL },
    { "a-page-fault-in-any-order", "shuffle=9,fault-every=3,fault-at=2048",
      LONG, DSA_CPU_PAGE_FAULT, NULL },
    { "a-fault-on-the-list", "list-fault-every=2", LONG, DSA_CPU_NOT_DONE,
      NULL },
    { "a-fault-on-every-list", "list-fault-every=1,mode=dedicated", LONG,
      DSA_CPU_NOT_DONE, NULL },
    { "a-fault-on-the-list-in-any-order", "list-fault-every=1,shuffle=4",
      LONG, DSA_CPU_NOT_DONE, NULL },
    /* answers that no working device gives */
    { "a-member-with-status-02", "status-every=40,status=02", LONG,
      DSA_CPU_DEVICE_ERROR, "0x02" },
    { "a-member-with-status-05", "status-every=40,status=05", LONG,
      DSA_CPU_DEVICE_ERROR, "0x05" },
    { "a-member-with-status-10", "status-every=40,status=10", LONG,
      DSA_CPU_DEVICE_ERROR, "0x10" },
    { "a-member-with-status-13", "status-every=40,status=13", LONG,
      DSA_CPU_DEVICE_ERROR, "0x13" },
    { "a-member-with-status-20", "status-every=40,status=20", LONG,
      DSA_CPU_DEVICE_ERROR, "0x20" },
    { "a-member-with-status-3e", "status-every=40", LONG,
      DSA_CPU_DEVICE_ERROR, "0x3e" },
    { "a-member-with-status-40", "status-every=40,status=40", LONG,
      DSA_CPU_DEVICE_ERROR, "0x40" },
    { "a-member-with-status-81", "status-every=40,status=81", LONG,
      DSA_CPU_DEVICE_ERROR, "0x81" },
    { "a-member-with-status-ff", "status-every=40,status=ff", LONG,
      DSA_CPU_DEVICE_ERROR, "0xff" },
    { "all-members-with-status-3e", "status-every=1,mode=dedicated", LONG,
      DSA_CPU_DEVICE_ERROR, "0x3e" },
    { "a-compare-with-status-3e", "status-every=40,portal=off", LONG,
      DSA_CPU_DEVICE_ERROR, "0x3e" },
    { "a-compare-with-status-40", "status-every=40,status=40,portal=off", LONG,
      DSA_CPU_DEVICE_ERROR, "0x40" },
    { "a-batch-with-status-3e", "batch-status-every=3", LONG, NO_REASON,
      "0x3e" },
    { "a-batch-with-status-03", "batch-status-every=3,batch-status=03", LONG,
      NO_REASON, "0x03" },
    { "a-batch-with-status-14", "batch-status-every=3,batch-status=14", LONG,
      NO_REASON, "0x14" },
    { "a-batch-with-status-40", "batch-status-every=3,batch-status=40", LONG,
      NO_REASON, "0x40" },
    { "a-batch-with-status-ff", "batch-status-every=3,batch-status=ff", LONG,
      NO_REASON, "0xff" },
    { "a-batch-that-says-it-failed", "batch-flag-every=1", LONG, NO_REASON,
      NULL },
    /* no answer; the members of a batch have theirs */
    { "a-lost-record", "lose-every=5", SHORT, NO_REASON, "not answered" },
    { "a-lost-record-of-a-dedicated-queue", "lose-every=5,mode=dedicated",
      SHORT, NO_REASON, "not answered" },
    { "a-lost-record-without-batches", "lose-every=200,portal=off", SHORT,
      DSA_CPU_TIMEOUT, "not answered" },
    { "all-records-lost", "lose-every=1,portal=off", SHORT, DSA_CPU_TIMEOUT,
      "not answered" },
    { "a-stuck-device", "stuck-after=200", SHORT, DSA_CPU_TIMEOUT,
      "not answered" },
    { "a-device-stuck-from-the-start", "stuck-after=0,mode=dedicated", SHORT,
      DSA_CPU_TIMEOUT, "not answered" },
    { "a-stuck-device-without-batches", "stuck-after=200,portal=off", SHORT,
      DSA_CPU_TIMEOUT, "not answered" },
    { "a-queue-disabled-midway", "halt-after=200", SHORT, DSA_CPU_TIMEOUT,
      "not answered" },
    { "a-dedicated-queue-disabled-midway", "halt-after=200,mode=dedicated",
      SHORT, DSA_CPU_TIMEOUT, "not answered" },
    { "a-dedicated-queue-that-drops-work", "full=3,mode=dedicated", SHORT,
      DSA_CPU_TIMEOUT, "not answered" },
    { "a-device-slower-than-the-deadline",
      "slow-us=15000,engines=1,max-batch-size=4", SHORT, DSA_CPU_TIMEOUT,
      "not answered" },
    /* full, or merely slow */
    { "a-slow-device", "slow-us=3000", LONG, NO_REASON, NULL },
    { "a-queue-that-is-full-for-a-moment", "full=20", LONG, NO_REASON, NULL },
    { "a-queue-that-is-full-for-a-while", "full=300", LONG,
      DSA_CPU_QUEUE_FULL, NULL },
    { "a-queue-of-one-entry", "size=1,max-batch-size=4", LONG, NO_REASON,
      NULL },
};

static void run_rounds(DsaGroup *group, const DsaPages *p)
{
    DsaLane *lane = dsa_lane_new(group);
    DsaBatch *b[2] = {
        dsa_batch_new(lane, DSA_TEST_PAGE), dsa_batch_new(lane, DSA_TEST_PAGE),
    };

    dsa_batch_submit(b[0], p->page, p->nr);
    for (int i = 1; i < ROUNDS; i++) {
        dsa_batch_submit(b[i % 2], p->page, p->nr);
        dsa_check_wait(b[(i - 1) % 2], p, 0, p->nr);
    }
    dsa_check_wait(b[(ROUNDS - 1) % 2], p, 0, p->nr);
}

static void assert_counters(const Fault *f, const DsaStatus *s)
{
    const uint64_t *cpu = s->counters.cpu_pages;
    uint64_t faults = s->counters.page_faults +
                      s->counters.page_faults_unresolved;

    if (f->reason >= 0) {
        g_assert_cmpuint(cpu[f->reason], >, 0);
    } else if (!f->warning && !strstr(f->soft, "size=1")) {
        g_assert_cmpuint(dsa_test_cpu_pages(s), ==, 0);
    }
    g_assert_cmpuint(cpu[DSA_CPU_PAGE_FAULT], ==, faults);
    g_assert_cmpint(faults > 0, ==, f->reason == DSA_CPU_PAGE_FAULT);
    g_assert_cmpint(s->counters.page_faults_unresolved > 0, ==,
                    strstr(f->soft, "fault-refused") != NULL);
    g_assert_cmpint(s->counters.list_faults > 0, ==,
                    strstr(f->soft, "list-fault") != NULL);
    g_assert_cmpint(cpu[DSA_CPU_NOT_DONE] > 0, ==,
                    strstr(f->soft, "list-fault") != NULL);
    if (!f->warning) {
        g_assert_cmpuint(cpu[DSA_CPU_NO_QUEUE], ==, 0);
        g_assert_cmpuint(cpu[DSA_CPU_DEVICE_ERROR], ==, 0);
        g_assert_cmpuint(cpu[DSA_CPU_TIMEOUT], ==, 0);
    }
    if (strstr(f->soft, "full=") && !f->warning) {
        g_assert_cmpuint(s->counters.queues.retries, >, 0);
    }
}

static void run_fault(const Fault *f, DsaCompletion completion)
{
    g_autoptr(DsaGroup) group = dsa_test_group(completion,
        f->slow ? DSA_TEST_SHORT_MS : DSA_TEST_LONG_MS, f->soft, NULL);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    g_autoptr(DsaStatus) s = NULL;

    dsa_pages_mix(p);
    run_rounds(group, p);
    s = dsa_group_status(group);
    assert_counters(f, s);
    if (f->warning) {
        g_autofree char *warning = dsa_test_take_only_warning(group);

        g_assert_nonnull(strstr(warning, s->queue[0].path));
        g_assert_nonnull(strstr(warning, f->warning));
        g_assert_nonnull(s->queue[0].given_up);
        g_assert_nonnull(strstr(warning, s->queue[0].given_up));
        /* Left alone from now on, and the answers are right all the same. */
        run_rounds(group, p);
        g_assert_null(dsa_group_take_warning(group));
    } else {
        g_assert_null(dsa_group_take_warning(group));
        g_assert_null(s->queue[0].given_up);
    }
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
    dsa_test_still_works(completion);
}

static void test_fault_thread(gconstpointer opaque)
{
    run_fault(opaque, DSA_COMPLETION_THREAD);
}

static void test_fault_in_thread(gconstpointer opaque)
{
    run_fault(opaque, DSA_COMPLETION_IN_THREAD);
}

/* One queue has the fault, the other one does what it cannot. */
static void test_another_queue_helps(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion,
        DSA_TEST_SHORT_MS, "stuck-after=100", "max-batch-size=128", NULL);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    g_autofree char *warning = NULL;
    g_autoptr(DsaStatus) s = NULL;
    uint64_t timeouts;

    dsa_pages_mix(p);
    run_rounds(group, p);
    s = dsa_group_status(group);
    timeouts = s->counters.cpu_pages[DSA_CPU_TIMEOUT];
    warning = dsa_test_take_only_warning(group);
    g_assert_nonnull(strstr(warning, "stuck-after"));
    g_assert_nonnull(s->queue[0].given_up);
    g_assert_null(s->queue[1].given_up);
    g_assert_cmpuint(timeouts, >, 0);
    g_assert_cmpuint(dsa_test_cpu_pages(s), ==, timeouts);
    g_assert_cmpuint(s->queue[1].counters.descriptors, >, 0);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

/* What a full queue does not take, the next one does. */
static void test_another_queue_has_room(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion, DSA_TEST_LONG_MS,
        "full=forever", "size=1024", NULL);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    g_autoptr(DsaStatus) s = NULL;

    dsa_pages_mix(p);
    run_rounds(group, p);
    s = dsa_group_status(group);
    g_assert_cmpuint(dsa_test_cpu_pages(s), ==, 0);
    g_assert_cmpuint(s->queue[0].counters.descriptors, ==, 0);
    g_assert_cmpuint(s->queue[0].counters.full, >, 0);
    g_assert_cmpuint(s->queue[1].counters.descriptors, ==, ROUNDS * p->nr);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

/* It is not given up, is told of once, and the CPU does its part. */
static void test_full_for_ever(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion,
        DSA_TEST_SHORT_MS, "full=forever", NULL);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    int64_t until_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) +
                       DSA_TEST_LONG_MS;
    g_autofree char *warning = NULL;
    g_autoptr(DsaStatus) s = NULL;

    dsa_pages_mix(p);
    do {
        dsa_check_batch(b, p, 0, p->nr);
        warning = dsa_group_take_warning(group);
    } while (!warning && qemu_clock_get_ms(QEMU_CLOCK_REALTIME) < until_ms);
    g_assert_nonnull(warning);
    g_assert_nonnull(strstr(warning, "full for"));
    for (int i = 0; i < 1000; i++) {
        dsa_check_batch(b, p, 0, p->nr);
    }
    g_assert_null(dsa_group_take_warning(group));
    s = dsa_group_status(group);
    g_assert_null(s->queue[0].given_up);
    g_assert_cmpuint(s->counters.cpu_pages[DSA_CPU_QUEUE_FULL], ==,
                     dsa_test_cpu_pages(s));
    g_assert_cmpuint(s->counters.queues.full, >, 0);
    /* It is asked now and then, not for every batch. */
    g_assert_cmpuint(s->counters.queues.full, <, 500);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
    dsa_test_still_works(c->completion);
}

/* After a while of being full it is used again. */
static void test_full_and_back(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion, DSA_TEST_LONG_MS,
        "full=1000,max-batch-size=128", NULL);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    g_autoptr(DsaStatus) s = NULL;

    dsa_pages_mix(p);
    for (int i = 0; i < 3000; i++) {
        dsa_check_batch(b, p, 0, 4);
    }
    dsa_check_batch(b, p, 0, p->nr);
    s = dsa_group_status(group);
    g_assert_cmpuint(s->counters.queues.retries, ==, 1000);
    g_assert_cmpuint(s->counters.queues.batches, >, 100);
    g_assert_null(dsa_group_take_warning(group));
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

typedef struct Waiter {
    DsaBatch *b;
    const DsaPages *p;
} Waiter;

static void *wait_for_it(void *opaque)
{
    Waiter *w = opaque;

    dsa_check_wait(w->b, w->p, 0, w->p->nr);
    /* What comes from now on is left to the CPU at once. */
    dsa_check_batch(w->b, w->p, 0, w->p->nr);
    return NULL;
}

/* The device will never answer and the deadline is far: somebody gives up. */
static void test_nobody_wants_it(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion, DSA_TEST_LONG_MS,
        "stuck-after=10", "mode=dedicated,stuck-after=20", NULL);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    g_autoptr(DsaStatus) s = NULL;
    QemuThread thread[4];
    Waiter w[4];

    dsa_pages_mix(p);
    for (int i = 0; i < 4; i++) {
        w[i].b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
        w[i].p = p;
        dsa_batch_submit(w[i].b, p->page, p->nr);
        qemu_thread_create(&thread[i], "waiter", wait_for_it, &w[i],
                           QEMU_THREAD_JOINABLE);
    }
    dsa_group_give_up(group);
    for (int i = 0; i < 4; i++) {
        qemu_thread_join(&thread[i]);
    }
    /* That is nobody's fault. */
    g_assert_null(dsa_group_take_warning(group));
    s = dsa_group_status(group);
    g_assert_cmpuint(s->counters.cpu_pages[DSA_CPU_QUEUE_FULL], ==, 0);
    g_assert_cmpuint(s->counters.cpu_pages[DSA_CPU_NO_QUEUE], ==, 4 * p->nr);
    g_assert_cmpuint(s->counters.wait_ns, <,
                     (uint64_t)DSA_TEST_LONG_MS * SCALE_MS);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
    dsa_test_still_works(c->completion);
}

typedef struct Opening {
    DsaCompletion completion;
    const char *path;
    bool stop;                  /* atomic */
} Opening;

static void *open_it(void *opaque)
{
    Opening *o = opaque;
    DsaOptions options = dsa_test_options(o->completion, DSA_TEST_LONG_MS);
    const char *const paths[] = { o->path, NULL };
    Error *err = NULL;

    options.stop = &o->stop;
    g_assert_null(dsa_group_new(paths, &options, &err));
    g_assert_nonnull(err);
    g_test_message("%s", error_get_pretty(err));
    error_free(err);
    return NULL;
}

/* Opening waits for a device that does not answer, or stays full. */
static void test_nobody_wants_to_open(const DsaCase *c)
{
    static const char *const paths[] = {
        "dsa:soft?faults-from=open,stuck-after=0",
        "dsa:soft?faults-from=open,lose-every=2",
        "dsa:soft?faults-from=open,full=forever",
    };

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        Opening o = { c->completion, paths[i] };
        QemuThread thread;

        qemu_thread_create(&thread, "opens", open_it, &o,
                           QEMU_THREAD_JOINABLE);
        qatomic_set(&o.stop, true);
        qemu_thread_join(&thread);
    }
    dsa_test_still_works(c->completion);
}

/* As many pages as would fault are finished by the CPU, and no more. */
static void test_only_what_faulted(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion, DSA_TEST_LONG_MS,
        "fault-every=1,fault-at=64", NULL);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    g_autoptr(DsaStatus) s = NULL;
    unsigned nr = 0;

    dsa_pages_mix(p);
    for (unsigned i = 0; i < p->nr; i++) {
        nr += buffer_is_zero(p->page[i], 64);
    }
    dsa_check_batch(b, p, 0, p->nr);
    s = dsa_group_status(group);
    g_assert_cmpuint(s->counters.page_faults, ==, nr);
    g_assert_cmpuint(dsa_test_cpu_pages(s), ==, nr);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        g_autofree char *with = g_strconcat("/dsa-fault/completion-thread/"
                                            "survives-", faults[i].name, NULL);
        g_autofree char *without = g_strconcat("/dsa-fault/in-thread/survives-",
                                               faults[i].name, NULL);

        g_test_add_data_func(with, &faults[i], test_fault_thread);
        g_test_add_data_func(without, &faults[i], test_fault_in_thread);
    }
    dsa_test_add("dsa-fault", "another-queue-does-what-a-stuck-one-cannot",
                 test_another_queue_helps, false);
    dsa_test_add("dsa-fault", "another-queue-takes-what-a-full-one-does-not",
                 test_another_queue_has_room, false);
    dsa_test_add("dsa-fault", "a-queue-full-for-ever-is-told-of-once",
                 test_full_for_ever, false);
    dsa_test_add("dsa-fault", "a-queue-that-was-full-is-used-again",
                 test_full_and_back, false);
    dsa_test_add("dsa-fault", "only-what-faulted-is-done-by-the-cpu",
                 test_only_what_faulted, false);
    dsa_test_add("dsa-fault", "waits-end-when-nobody-wants-the-answer",
                 test_nobody_wants_it, false);
    dsa_test_add("dsa-fault", "opening-ends-when-nobody-wants-the-queue",
                 test_nobody_wants_to_open, false);
    return g_test_run();
}
