/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One test for each defect that others who drive these devices have had, as
 * far as ours could have it: limits that nobody read, answers of submission
 * that nobody looked at, records that come too late.  Records that no working
 * device writes are in test-dsa-records.c.
 */
#include "qemu/osdep.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "qemu/bitmap.h"
#include "qemu/dsa-soft.h"
#include "qemu/thread.h"
#include "dsa-fake.h"
#include "dsa-fixture.h"
#include "dsa-tree.h"
#include "util/dsa-portal.h"

/*
 * The thread meets a status it does not know, and then a device that does not
 * answer at all; those who wait are woken each time, and the thread goes on.
 */
static void test_waiters_are_woken(const DsaCase *c)
{
    DsaFake *liar = dsa_fake_new(16), *mute = dsa_fake_new(16);
    DsaFake *good = dsa_fake_new(16);
    DsaRig *rig = dsa_rig_new(c->completion, DSA_TEST_SHORT_MS, &liar->queue,
                              &mute->queue, &good->queue, NULL);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, 16);
    DsaBatch *b[3];

    liar->honest = false;
    liar->member.status = 0x3f;
    mute->hold = true;
    dsa_pages_mix(p);
    b[0] = dsa_batch_new(rig->lane, DSA_TEST_PAGE);
    for (int i = 1; i < 3; i++) {
        b[i] = dsa_batch_new(dsa_rig_lane(rig), DSA_TEST_PAGE);
    }
    for (int i = 0; i < 3; i++) {
        dsa_batch_submit(b[i], p->page, 16);
    }
    for (int i = 0; i < 3; i++) {
        dsa_check_wait(b[i], p, 0, 16);
    }
    g_assert_true(dsa_queue_is_given_up(&liar->queue));
    g_assert_true(dsa_queue_is_given_up(&mute->queue));
    g_assert_false(dsa_queue_is_given_up(&good->queue));
    for (int i = 0; i < 3; i++) {
        dsa_check_batch(b[i], p, 0, 16);
    }
    g_assert_cmpuint(good->nr_batches, ==, 4);
    dsa_rig_free(rig);
    dsa_pages_free(p);
}

static void test_limits_are_read(const DsaCase *c)
{
    DsaBench x;

    dsa_bench_start(&x, c->completion, DSA_TEST_LONG_MS, 32);
    dsa_check_batch(x.b, x.p, 0, 128);
    g_assert_cmpuint(x.fake->longest_batch, ==, 32);
    g_assert_cmpuint(x.fake->nr_batches, ==, 4);
    g_assert_cmpuint(x.fake->nr_plain, ==, 0);
    dsa_bench_end(&x);
}

/* The device would answer 0x14, and be given up. */
static void test_limits_are_kept(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion, DSA_TEST_LONG_MS,
                                               "max-batch-size=32", NULL);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    g_autoptr(DsaStatus) s = NULL;

    dsa_check_batch(b, p, 0, 128);
    s = dsa_group_status(group);
    g_assert_null(s->queue[0].given_up);
    g_assert_cmpuint(dsa_test_cpu_pages(s), ==, 0);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

static void test_one_page_is_no_batch(const DsaCase *c)
{
    DsaBench x;

    dsa_bench_start(&x, c->completion, DSA_TEST_LONG_MS, 32);
    dsa_check_batch(x.b, x.p, 0, 1);
    g_assert_cmpuint(x.fake->nr_plain, ==, 1);
    g_assert_cmpuint(x.fake->nr_batches, ==, 0);
    /* Nor is the one that is left. */
    dsa_check_batch(x.b, x.p, 0, 65);
    g_assert_cmpuint(x.fake->nr_plain, ==, 2);
    g_assert_cmpuint(x.fake->nr_batches, ==, 2);
    g_assert_cmpuint(x.rig->lane->queue[0].counters.batches, ==, 2);
    g_assert_cmpuint(x.rig->lane->queue[0].counters.descriptors, ==, 66);
    dsa_bench_end(&x);
}

static void test_a_refusal_is_noticed(const DsaCase *c)
{
    DsaBench x;

    dsa_bench_start(&x, c->completion, DSA_TEST_LONG_MS, 32);
    x.fake->refuse = true;
    dsa_check_batch(x.b, x.p, 0, 128);
    g_assert_cmpuint(dsa_bench_cpu_pages(&x, DSA_CPU_QUEUE_FULL), ==, 128);
    g_assert_cmpuint(x.rig->lane->queue[0].counters.descriptors, ==, 0);
    dsa_bench_assert_trusted(&x);
    dsa_bench_end(&x);
}

static void test_an_error_is_noticed(const DsaCase *c)
{
    DsaBench x;

    dsa_bench_start(&x, c->completion, DSA_TEST_LONG_MS, 32);
    x.fake->refuse = true;
    x.fake->refuses = -ENODEV;
    dsa_check_batch(x.b, x.p, 0, 128);
    g_assert_cmpuint(dsa_bench_cpu_pages(&x, DSA_CPU_NO_QUEUE), ==, 128);
    dsa_bench_assert_given_up(&x, g_strerror(ENODEV));
    dsa_bench_end(&x);
}

/* Some of what is offered is taken, and the rest is offered again. */
static void test_a_part_is_taken(const DsaCase *c)
{
    DsaBench x;

    dsa_bench_start(&x, c->completion, DSA_TEST_LONG_MS, 1);
    x.fake->takes = 5;
    dsa_check_batch(x.b, x.p, 0, 128);
    g_assert_cmpuint(x.fake->nr_plain, ==, 128);
    g_assert_cmpuint(x.rig->lane->queue[0].counters.descriptors, ==, 128);
    dsa_bench_assert_trusted(&x);
    dsa_bench_end(&x);
}

/* Entries of a dedicated queue come back, whatever becomes of the work. */
static void test_entries_come_back(const DsaCase *c)
{
    DsaBench x;

    dsa_bench_start(&x, c->completion, DSA_TEST_LONG_MS, 8);
    x.fake->queue.dedicated = true;
    x.fake->queue.size = 16;
    for (int i = 0; i < 3; i++) {
        dsa_check_batch(x.b, x.p, 0, 128);
        g_assert_cmpuint(x.fake->queue.nr_held, ==, 0);
    }
    x.fake->refuse = true;
    dsa_check_batch(x.b, x.p, 0, 128);
    g_assert_cmpuint(x.fake->queue.nr_held, ==, 0);
    x.fake->refuse = false;
    x.fake->batch.status = 0x3e;
    for (int i = 0; i < 8; i++) {
        dsa_check_batch(x.b, x.p, 0, 128);
    }
    g_assert_cmpuint(x.fake->queue.nr_held, ==, 0);
    dsa_bench_assert_given_up(&x, "0x3e");
    dsa_bench_end(&x);
}

/* A dedicated queue on the software device, of which the overflow is known. */
typedef struct Dedicated {
    DsaQueue queue;
    DsaSoft *soft;
    unsigned *swerror;          /* what it was in the end */
} Dedicated;

static int dedicated_submit(DsaQueue *q, const struct dsa_hw_desc *desc,
                            unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        dsa_soft_movdir64b(container_of(q, Dedicated, queue)->soft, &desc[i]);
    }
    return nr;
}

static void dedicated_free(DsaQueue *q)
{
    Dedicated *d = container_of(q, Dedicated, queue);

    *d->swerror = dsa_soft_swerror(d->soft);
    dsa_soft_free(d->soft);
    dsa_queue_destroy(q);
    g_free(d);
}

static const DsaQueueOps dedicated_ops = {
    .name = "dedicated",
    .submit = dedicated_submit,
    .free = dedicated_free,
    .abandon = dedicated_free,
};

typedef struct Submitter {
    QemuThread thread;
    DsaBatch *b;
    const DsaPages *p;
} Submitter;

static void *submit_many(void *opaque)
{
    Submitter *s = opaque;

    for (int i = 0; i < 100; i++) {
        dsa_check_batch(s->b, s->p, i % 8, 40);
    }
    return NULL;
}

static void run_dedicated(const DsaCase *c, unsigned max_batch)
{
    Dedicated *d = g_new0(Dedicated, 1);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, 48);
    Submitter s[8];
    unsigned swerror = ~0u;
    DsaBell bell;
    DsaRig *rig;

    dsa_bell_init(&bell);
    dsa_queue_init(&d->queue, &dedicated_ops, "dedicated");
    d->queue.dedicated = true;
    d->queue.size = 4;
    d->queue.max_batch = max_batch;
    d->swerror = &swerror;
    d->soft = dsa_soft_new("mode=dedicated,size=4,engines=1", &bell, NULL);
    g_assert_nonnull(d->soft);
    rig = dsa_rig_new(c->completion, DSA_TEST_LONG_MS, &d->queue, NULL);
    dsa_pages_mix(p);
    for (int i = 0; i < 8; i++) {
        s[i].b = dsa_batch_new(dsa_rig_lane(rig), DSA_TEST_PAGE);
        s[i].p = p;
    }
    for (int i = 0; i < 8; i++) {
        qemu_thread_create(&s[i].thread, "submitter", submit_many, &s[i],
                           QEMU_THREAD_JOINABLE);
    }
    for (int i = 0; i < 8; i++) {
        qemu_thread_join(&s[i].thread);
    }
    g_assert_cmpuint(d->queue.nr_held, ==, 0);
    g_assert_false(dsa_queue_is_given_up(&d->queue));
    dsa_rig_free(rig);
    g_assert_cmpuint(swerror, ==, 0);
    dsa_bell_destroy(&bell);
    dsa_pages_free(p);
}

static void test_no_overflow(const DsaCase *c)
{
    run_dedicated(c, 8);
    run_dedicated(c, 1);
}

/* A queue that does not answer holds up nobody but those who asked it. */
static void test_no_starvation(const DsaCase *c)
{
    DsaFake *slow = dsa_fake_new(32), *fast = dsa_fake_new(32);
    DsaRig *rig = dsa_rig_new(c->completion, DSA_TEST_LONG_MS, &slow->queue,
                              &fast->queue, NULL);
    DsaBatch *b = dsa_batch_new(rig->lane, DSA_TEST_PAGE);
    DsaBatch *other = dsa_batch_new(dsa_rig_lane(rig), DSA_TEST_PAGE);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, 64);

    dsa_pages_mix(p);
    slow->hold = true;
    dsa_batch_submit(b, p->page, 64);
    g_assert_cmpuint(slow->nr_held, ==, 2);
    for (int i = 0; i < 200; i++) {
        dsa_check_batch(other, p, 0, 64);
    }
    dsa_fake_finish(slow);
    dsa_check_wait(b, p, 0, 64);
    g_assert_cmpuint(rig->lane->counters.cpu_pages[DSA_CPU_TIMEOUT], ==, 0);
    dsa_rig_free(rig);
    dsa_pages_free(p);
}

/* The one that was submitted last is answered first, and taken first. */
static void test_any_order_of_completion(const DsaCase *c)
{
    DsaFake *slow = dsa_fake_new(32), *fast = dsa_fake_new(32);
    DsaRig *rig = dsa_rig_new(c->completion, DSA_TEST_LONG_MS, &slow->queue,
                              &fast->queue, NULL);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, 32);
    DsaBatch *b[4];

    dsa_pages_mix(p);
    slow->hold = true;
    for (int i = 0; i < 4; i++) {
        b[i] = dsa_batch_new(rig->lane, DSA_TEST_PAGE);
        /* The last one goes to the other queue, for this one is full. */
        slow->refuse = i == 3;
        dsa_batch_submit(b[i], p->page, 32);
    }
    g_assert_cmpuint(slow->nr_held, ==, 3);
    dsa_check_wait(b[3], p, 0, 32);
    dsa_fake_finish(slow);
    dsa_check_wait(b[2], p, 0, 32);
    dsa_check_wait(b[0], p, 0, 32);
    dsa_check_wait(b[1], p, 0, 32);
    dsa_rig_free(rig);
    dsa_pages_free(p);
}

/*
 * The device is late; the batch is used again at once, by another queue; then
 * the late answers are written, and disturb neither memory nor answers.
 */
static void run_late_writes(const DsaCase *c, unsigned max_batch)
{
    DsaFake *late = dsa_fake_new(max_batch), *good = dsa_fake_new(max_batch);
    DsaRig *rig = dsa_rig_new(c->completion, DSA_TEST_SHORT_MS, &late->queue,
                              &good->queue, NULL);
    DsaBatch *b = dsa_batch_new(rig->lane, DSA_TEST_PAGE);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, 32);

    dsa_pages_mix(p);
    late->hold = true;
    dsa_batch_submit(b, p->page, 32);
    g_assert_cmpuint(late->nr_held, >, 0);
    dsa_check_wait(b, p, 0, 32);
    g_assert_cmpuint(rig->lane->counters.cpu_pages[DSA_CPU_TIMEOUT], ==, 32);
    g_assert_cmpuint(rig->lane->left_behind->len, ==, 1);
    /* Everything would be said to be zero. */
    late->honest = false;
    late->member = (DsaFakeAnswer) { DSA_COMP_SUCCESS, 0, 0 };
    good->hold = true;
    dsa_batch_submit(b, p->page, 32);
    g_assert_cmpuint(good->nr_held, >, 0);
    dsa_fake_finish(late);
    dsa_fake_finish(good);
    dsa_check_wait(b, p, 0, 32);
    g_assert_cmpuint(rig->lane->counters.cpu_pages[DSA_CPU_TIMEOUT], ==, 32);
    g_assert_cmpuint(rig->lane->left_behind->len, ==, 1);
    dsa_rig_free(rig);
    dsa_pages_free(p);
}

static void test_late_writes(const DsaCase *c)
{
    run_late_writes(c, 32);
    run_late_writes(c, 1);
}

/* Only the batch's own record is lost, or late: its members have answers. */
static void test_late_batch(const DsaCase *c)
{
    DsaBench x;

    dsa_bench_start(&x, c->completion, DSA_TEST_SHORT_MS, 32);
    x.fake->batch.status = DSA_COMP_NONE;
    dsa_check_batch(x.b, x.p, 0, 32);
    g_assert_cmpuint(dsa_bench_cpu_pages(&x, DSA_CPU_TIMEOUT), ==, 0);
    dsa_bench_assert_given_up(&x, "not answered");
    g_assert_cmpuint(x.rig->lane->left_behind->len, ==, 1);
    dsa_bench_end(&x);
}

/* Answers come while the group is freed: it is drained before memory goes. */
static void test_late_writes_at_the_end(const DsaCase *c)
{
    DsaBench x;

    dsa_bench_start(&x, c->completion, DSA_TEST_SHORT_MS, 32);
    x.fake->hold = true;
    dsa_check_batch(x.b, x.p, 0, 128);
    dsa_bench_assert_given_up(&x, "not answered");
    dsa_check_batch(x.b, x.p, 0, 128);
    dsa_bench_end(&x);
}

/* The kernel refuses batches by write(): none is sent after the proof. */
static void test_write_without_batches(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion, DSA_TEST_LONG_MS,
        "portal=off,max-batch-size=32,size=1024", NULL);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    g_autoptr(DsaStatus) s = NULL;

    dsa_pages_mix(p);
    dsa_check_batch(b, p, 0, p->nr);
    s = dsa_group_status(group);
    g_assert_nonnull(strstr(s->queue[0].backend, "write"));
    g_assert_cmpuint(s->queue[0].max_batch_pages, ==, 1);
    g_assert_cmpuint(s->queue[0].counters.batches, ==, 0);
    g_assert_cmpuint(s->queue[0].counters.descriptors, ==, p->nr);
    g_assert_cmpuint(dsa_test_cpu_pages(s), ==, 0);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

/* Reads what is written to the file, as the driver does, and answers it. */
static void *run_driver(void *opaque)
{
    DsaFake *fake = dsa_fake_new(1);
    struct dsa_hw_desc desc;
    int fd = GPOINTER_TO_INT(opaque);

    while (read(fd, &desc, sizeof(desc)) == sizeof(desc) &&
           desc.opcode != 0xff) {
        dsa_fake_do(fake, &desc);
    }
    fake->queue.ops->free(&fake->queue);
    return NULL;
}

/* A pipe in the place of the character device: it cannot be mapped. */
static void run_write_to_file(const DsaCase *c, const char *mode)
{
    struct dsa_hw_desc last = { .opcode = 0xff };
    DsaOptions options = dsa_test_options(c->completion, DSA_TEST_LONG_MS);
    g_autofree char *file = NULL, *path = NULL;
    const char *paths[2] = { NULL };
    g_autoptr(DsaStatus) s = NULL;
    QemuThread driver;
    DsaGroup *group;
    DsaPages *p;
    Tree tree;
    int fd;

    tree_set_up(&tree, NULL);
    tree_write(&tree, "wq0.0/mode", "%s\n", mode);
    tree_write(&tree, "wq0.0/max_batch_size", "1\n");
    tree_write(&tree, "wq0.0/size", "8\n");
    tree_write(&tree, "wq0.0/threshold", "8\n");
    file = g_build_filename(tree.root, "wq0.0", NULL);
    path = g_strconcat("dsa:", file, NULL);
    g_assert_cmpint(mkfifo(file, 0600), ==, 0);
    fd = open(file, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    qemu_thread_create(&driver, "driver", run_driver, GINT_TO_POINTER(fd),
                       QEMU_THREAD_JOINABLE);
    options.sysfs_root = tree.root;
    paths[0] = path;
    group = dsa_group_new(paths, &options, NULL);
    g_assert_nonnull(group);
    p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    dsa_pages_mix(p);
    dsa_check_batch(dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE), p, 0,
                    p->nr);
    s = dsa_group_status(group);
    g_assert_cmpstr(s->queue[0].backend, ==, "write");
    g_assert_cmpstr(s->queue[0].path, ==, file);
    g_assert_cmpuint(s->queue[0].counters.batches, ==, 0);
    g_assert_cmpuint(s->queue[0].counters.descriptors, >=, 8);
    g_assert_null(s->queue[0].given_up);
    dsa_group_free(group);
    g_assert_cmpint(write(fd, &last, sizeof(last)), ==, sizeof(last));
    qemu_thread_join(&driver);
    close(fd);
    dsa_pages_free(p);
    tree_tear_down(&tree, NULL);
}

static void test_write_to_a_file(const DsaCase *c)
{
    if (dsa_portal_caps().enqcmd || dsa_portal_caps().movdir64b) {
        g_test_skip("this processor maps portals, and a pipe has none");
        return;
    }
    run_write_to_file(c, "shared");
    run_write_to_file(c, "dedicated");
}

#if defined(__x86_64__) || defined(__i386__)

/* Leaf 0 has that bit set on every processor of either maker. */
static void test_waitpkg(void)
{
    unsigned a, b, c = 0, d;
    DsaPortalCaps caps = dsa_portal_caps();

#ifdef CONFIG_ENQCMD_OPT
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        c = 0;
    }
#endif
    g_assert_cmpint(caps.umwait, ==, c >> 5 & 1);
    g_assert_cmpint(caps.movdir64b, ==, c >> 28 & 1);
    g_assert_cmpint(caps.enqcmd, ==, c >> 29 & 1);
}

#else

static void test_waitpkg(void)
{
    g_assert_false(dsa_portal_caps().umwait);
}

#endif

/* The record came between the last look and the wait. */
static void test_umwait_looks_again(void)
{
    struct dsa_completion_record record = { .status = DSA_COMP_SUCCESS };

    if (!dsa_portal_caps().umwait) {
        g_test_skip("this processor or this build has no UMWAIT");
        return;
    }
    for (int i = 0; i < 1000; i++) {
        /* A wait that does begin ends by the kernel's limit, or never. */
        dsa_portal_umwait(&record.status, UINT64_MAX / 2);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(const DsaCase *c);
    } tests[] = {
        { "waiters-are-woken-whatever-the-device-says",
          test_waiters_are_woken },
        { "the-limits-of-a-queue-are-read", test_limits_are_read },
        { "the-limits-of-a-queue-are-kept", test_limits_are_kept },
        { "one-page-is-sent-without-a-batch", test_one_page_is_no_batch },
        { "a-refused-submission-is-noticed", test_a_refusal_is_noticed },
        { "a-failed-submission-is-noticed", test_an_error_is_noticed },
        { "a-submission-in-part-is-noticed", test_a_part_is_taken },
        { "entries-of-a-dedicated-queue-come-back", test_entries_come_back },
        { "a-dedicated-queue-never-overflows", test_no_overflow },
        { "a-slow-queue-starves-nobody", test_no_starvation },
        { "answers-are-taken-in-any-order", test_any_order_of_completion },
        { "late-answers-do-not-disturb", test_late_writes },
        { "a-batch-whose-members-answered-may-be-late", test_late_batch },
        { "late-answers-find-their-memory-to-the-end",
          test_late_writes_at_the_end },
        { "write-works-without-batches", test_write_without_batches },
        { "write-works-on-a-file", test_write_to_a_file },
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
        dsa_test_add("dsa-defects", tests[i].name, tests[i].fn, false);
    }
    g_test_add_func("/dsa-defects/waitpkg-is-looked-up-in-leaf-7",
                    test_waitpkg);
    g_test_add_func("/dsa-defects/umwait-looks-again-before-it-waits",
                    test_umwait_looks_again);
    return g_test_run();
}
