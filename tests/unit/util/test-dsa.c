/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of groups: which queues are taken and which are refused with what
 * sentence, what is told of them, how lanes are spread, and forks.
 */
#include "qemu/osdep.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include "qemu/bitmap.h"
#include "qemu/cutils.h"
#include "qemu/thread.h"
#include "dsa-fixture.h"
#include "dsa-tree.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define NO_THREADS_IN_CHILD
#endif

/* A child that has not ended by then hangs. */
#define CHILD_ALARM_S 20

typedef struct Refusal {
    const char *name;
    const char *path[3];
    const char *what[2];        /* stand in the sentence */
} Refusal;

#define SOFT(options) { "dsa:soft?" options }
#define FROM_OPEN "faults-from=open,"

static const Refusal refusals[] = {
    { "no-queue-at-all", { NULL }, { "accel-path" } },
    { "what-is-no-path", { "qat:0" }, { "qat:0", "dsa:auto" } },
    { "a-good-path-before-a-bad-one", { "dsa:soft", "dsa:no" }, { "dsa:no" } },
    { "a-disabled-queue", SOFT("state=disabled"), { "state", "disabled" } },
    { "a-queue-of-the-kernel", SOFT("type=kernel"), { "type", "kernel" } },
    { "a-queue-of-nobody", SOFT("type=none"), { "type", "none" } },
    { "a-queue-without-compare", SOFT("opcodes=3f"), { "op" } },
    { "a-queue-without-batch", SOFT("opcodes=7d"), { "op" } },
    { "transfers-below-a-page", SOFT("max-transfer-size=2048"),
      { "max_transfer_size", "2048" } },
    { "a-portal-without-batches", SOFT("max-batch-size=1"),
      { "max_batch_size", "1" } },
    { "a-queue-that-stays-full", SOFT(FROM_OPEN "full=forever"),
      { "no-op", "full" } },
    { "a-device-that-is-stuck", SOFT(FROM_OPEN "stuck-after=0"),
      { "no-op", "time" } },
    { "a-device-that-halts", SOFT(FROM_OPEN "halt-after=0"), { "no-op" } },
    { "a-device-that-loses-records", SOFT(FROM_OPEN "lose-every=1"),
      { "no-op", "time" } },
    { "a-compare-that-fails", SOFT(FROM_OPEN "status-every=2,status=13"),
      { "compare", "0x13" } },
    { "a-compare-that-faults", SOFT(FROM_OPEN "fault-every=1"),
      { "compare", "0x03" } },
    { "a-member-that-fails", SOFT(FROM_OPEN "status-every=3,status=3e"),
      { "batch", "0x05" } },
    { "a-batch-that-fails", SOFT(FROM_OPEN "batch-status-every=1"),
      { "batch", "0x3e" } },
    { "a-batch-whose-list-faults", SOFT(FROM_OPEN "list-fault-every=1"),
      { "batch", "0x06" } },
    { "a-second-queue-that-fails",
      { "dsa:soft", "dsa:soft?" FROM_OPEN "status-every=1" }, { "0x3e" } },
};

static void test_refusal(gconstpointer opaque)
{
    const Refusal *r = opaque;
    DsaOptions options = dsa_test_options(DSA_COMPLETION_THREAD,
                                          DSA_TEST_SHORT_MS);
    Error *err = NULL;
    const char *text;

    g_assert_null(dsa_group_new(r->path, &options, &err));
    g_assert_nonnull(err);
    text = error_get_pretty(err);
    g_test_message("%s", text);
    for (size_t i = 0; i < ARRAY_SIZE(r->what) && r->what[i]; i++) {
        g_assert_nonnull(strstr(text, r->what[i]));
    }
    g_assert_null(strchr(text, '\n'));
    error_free(err);
    g_assert_null(dsa_group_new(r->path, &options, NULL));
}

/* Of @path, with the kernel's files in @tree. */
static void assert_refused(const Tree *tree, const char *path,
                           const char *what, const char *advice)
{
    const char *const paths[] = { path, NULL };
    DsaOptions options = dsa_test_options(DSA_COMPLETION_IN_THREAD,
                                          DSA_TEST_SHORT_MS);
    Error *err = NULL;

    options.sysfs_root = tree->root;
    g_assert_null(dsa_group_new(paths, &options, &err));
    g_assert_nonnull(err);
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), what));
    g_assert_nonnull(strstr(error_get_pretty(err), advice));
    error_free(err);
}

static void test_auto_without_device(Tree *tree, gconstpointer data)
{
    Tree empty;

    tree_empty(&empty);
    assert_refused(&empty, "dsa:auto", empty.root, "accel-config");
    tree_tear_down(&empty, NULL);
}

static void test_auto_on_another_node(Tree *tree, gconstpointer data)
{
    assert_refused(tree, "dsa:auto?node=3", "node 3", "wherry-dsa list");
}

/* The made-up tree's queue has no character device. */
static void test_auto_without_usable(Tree *tree, gconstpointer data)
{
    tree_write(tree, "wq0.0/mode", "dedicated\n");
    tree_write(tree, "wq0.0/state", "disabled\n");
    assert_refused(tree, "dsa:auto", "none of 1", "wq0.0/state");
}

static void test_unknown_queue(Tree *tree, gconstpointer data)
{
    assert_refused(tree, "dsa:/dev/dsa/wq9.9", "wq9.9", "");
}

static void test_missing_file(Tree *tree, gconstpointer data)
{
    g_autofree char *file = g_build_filename(tree->root, "wq0.0", NULL);
    g_autofree char *path = g_strconcat("dsa:", file, NULL);

    assert_refused(tree, path, file, "enable the queue");
}

/* It opens, and is nothing like a work queue. */
static void test_another_device(Tree *tree, gconstpointer data)
{
    g_autofree char *file = g_build_filename(tree->root, "wq0.0", NULL);
    g_autofree char *path = g_strconcat("dsa:", file, NULL);

    g_assert_cmpint(symlink("/dev/full", file), ==, 0);
    assert_refused(tree, path, file, "");
}

static void test_status(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion, DSA_TEST_LONG_MS,
        "max-batch-size=64,numa-node=1", "mode=dedicated,size=16",
        "portal=off", NULL);
    g_autoptr(DsaStatus) s = dsa_group_status(group);

    g_assert_cmpint(s->completion, ==, c->completion);
    g_assert_cmpuint(s->nr_queues, ==, 3);
    g_assert_cmpstr(s->queue[0].path, ==, "soft?max-batch-size=64,numa-node=1");
    g_assert_true(g_str_has_prefix(s->queue[0].backend, "soft"));
    g_assert_cmpuint(s->queue[0].max_batch_pages, ==, 64);
    g_assert_cmpint(s->queue[0].numa_node, ==, 1);
    g_assert_false(s->queue[0].dedicated);
    g_assert_true(s->queue[1].dedicated);
    g_assert_cmpint(s->queue[1].numa_node, ==, -1);
    /* The kernel refuses batches by write(). */
    g_assert_cmpuint(s->queue[2].max_batch_pages, ==, 1);
    for (int i = 0; i < 3; i++) {
        g_assert_null(s->queue[i].given_up);
        g_assert_cmpuint(s->queue[i].counters.descriptors, ==, 0);
    }
    g_assert_cmpuint(s->counters.queues.descriptors, ==, 0);
    g_assert_null(dsa_group_take_warning(group));
}

static void test_nothing_is_freed(void)
{
    dsa_group_free(NULL);
    dsa_status_free(NULL);
}

static void test_group_without_lanes(const DsaCase *c)
{
    dsa_group_free(dsa_test_group(c->completion, 0, "", NULL));
    dsa_test_still_works(c->completion);
}

/* Two queues, four lanes: each queue has two of them. */
static void test_lanes_are_spread(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion, DSA_TEST_LONG_MS,
                                               "", "", NULL);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, 20);
    g_autoptr(DsaStatus) s = NULL;

    dsa_pages_mix(p);
    for (int i = 0; i < 4; i++) {
        dsa_check_batch(dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE), p,
                        0, p->nr);
    }
    s = dsa_group_status(group);
    g_assert_cmpuint(s->queue[0].counters.batches, ==, 2);
    g_assert_cmpuint(s->queue[1].counters.batches, ==, 2);
    g_assert_cmpuint(s->counters.queues.descriptors, ==, 80);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

static int node_of(const void *addr)
{
    void *page = (void *)(uintptr_t)addr;
    int node = -1;

    return syscall(SYS_move_pages, 0, 1UL, &page, NULL, &node, 0) ? -1 : node;
}

static void test_node_of_memory(const DsaCase *c)
{
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, 8);
    int node = node_of(p->page[0]);
    g_autofree char *near = g_strdup_printf("numa-node=%d", node);
    g_autofree char *far = g_strdup_printf("numa-node=%d", node + 1);
    g_autoptr(DsaGroup) group = NULL;
    g_autoptr(DsaStatus) s = NULL;

    if (node < 0) {
        g_test_skip("the kernel does not tell the node of a page");
        dsa_pages_free(p);
        return;
    }
    group = dsa_test_group(c->completion, DSA_TEST_LONG_MS, far, near, far,
                           NULL);
    for (int i = 0; i < 3; i++) {
        dsa_check_batch(dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE), p,
                        0, p->nr);
    }
    s = dsa_group_status(group);
    g_assert_cmpuint(s->queue[0].counters.batches, ==, 0);
    g_assert_cmpuint(s->queue[1].counters.batches, ==, 3);
    g_assert_cmpuint(s->queue[2].counters.batches, ==, 0);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

/* It answers without looking, and so must never be reached by a path. */
static void test_null_queue(const DsaCase *c)
{
    DsaOptions options = dsa_test_options(c->completion, DSA_TEST_LONG_MS);
    g_autoptr(DsaGroup) group = dsa_group_new_null(&options, NULL);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    unsigned long zero[BITS_TO_LONGS(DSA_TEST_PAGES)];
    g_autoptr(DsaStatus) s = NULL;

    dsa_batch_submit(b, p->page, p->nr);
    dsa_batch_wait(b, zero);
    g_assert_true(bitmap_empty(zero, p->nr));
    s = dsa_group_status(group);
    g_assert_cmpstr(s->queue[0].backend, ==, "null");
    g_assert_cmpuint(dsa_test_cpu_pages(s), ==, 0);
    g_assert_false(dsa_path_check("dsa:null", NULL));
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

/* Runs @fn in a child; a child that fails or hangs fails the test. */
static void run_in_child(void (*fn)(void *opaque), void *opaque)
{
    int status;
    pid_t pid = fork();

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        alarm(CHILD_ALARM_S);
        fn(opaque);
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
}

typedef struct Forked {
    DsaGroup *group;
    DsaLane *lane;
    DsaBatch *idle, *under_way;
    DsaPages *p;
} Forked;

static void forked_new(Forked *f, const DsaCase *c, const char *soft)
{
    f->group = dsa_test_group(c->completion, DSA_TEST_LONG_MS, soft, NULL);
    f->lane = dsa_lane_new(f->group);
    f->idle = dsa_batch_new(f->lane, DSA_TEST_PAGE);
    f->under_way = dsa_batch_new(f->lane, DSA_TEST_PAGE);
    f->p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    dsa_pages_mix(f->p);
}

static void forked_free(Forked *f)
{
    dsa_group_free(f->group);
    dsa_pages_free(f->p);
}

static void child_answers(void *opaque)
{
    Forked *f = opaque;
    g_autoptr(DsaStatus) s = NULL;

    dsa_check_batch(f->idle, f->p, 0, f->p->nr);
    dsa_check_batch(dsa_batch_new(f->lane, DSA_TEST_PAGE), f->p, 5, 9);
    s = dsa_group_status(f->group);
    g_assert_cmpuint(s->counters.cpu_pages[DSA_CPU_NO_QUEUE], ==,
                     f->p->nr + 9);
}

static void test_child_answers(const DsaCase *c)
{
    Forked f;

    forked_new(&f, c, "");
    run_in_child(child_answers, &f);
    /* And the parent does not notice. */
    dsa_check_batch(f.idle, f.p, 0, f.p->nr);
    g_assert_null(dsa_group_take_warning(f.group));
    forked_free(&f);
}

static void child_frees(void *opaque)
{
    Forked *f = opaque;

    dsa_group_free(f->group);
}

static void test_child_frees(const DsaCase *c)
{
    Forked f;

    forked_new(&f, c, "");
    dsa_check_batch(f.idle, f.p, 0, f.p->nr);
    run_in_child(child_frees, &f);
    dsa_check_batch(f.idle, f.p, 0, f.p->nr);
    g_assert_null(dsa_group_take_warning(f.group));
    forked_free(&f);
}

/* What was under way is the parent's: "not zero" is always safe to say. */
static void child_waits(void *opaque)
{
    Forked *f = opaque;
    unsigned long zero[BITS_TO_LONGS(DSA_TEST_PAGES)];

    bitmap_fill(zero, DSA_TEST_PAGES);
    dsa_batch_wait(f->under_way, zero);
    for (unsigned i = 0; i < f->p->nr; i++) {
        g_assert_true(!test_bit(i, zero) ||
                      buffer_is_zero(f->p->page[i], DSA_TEST_PAGE));
    }
    /* From then on it is the child's. */
    dsa_check_batch(f->under_way, f->p, 0, f->p->nr);
    dsa_group_free(f->group);
}

static void test_fork_with_work_under_way(const DsaCase *c)
{
    Forked f;

    forked_new(&f, c, "slow-us=20000");
    dsa_batch_submit(f.under_way, f.p->page, f.p->nr);
    run_in_child(child_waits, &f);
    dsa_check_wait(f.under_way, f.p, 0, f.p->nr);
    g_assert_null(dsa_group_take_warning(f.group));
    forked_free(&f);
}

static void *wait_in_thread(void *opaque)
{
    Forked *f = opaque;

    dsa_check_wait(f->under_way, f->p, 0, f->p->nr);
    return NULL;
}

/* Somebody sleeps in the library while another thread forks. */
static void test_fork_while_waiting(const DsaCase *c)
{
    QemuThread thread;
    Forked f;

    forked_new(&f, c, "slow-us=50000");
    dsa_batch_submit(f.under_way, f.p->page, f.p->nr);
    qemu_thread_create(&thread, "waits", wait_in_thread, &f,
                       QEMU_THREAD_JOINABLE);
    run_in_child(child_frees, &f);
    qemu_thread_join(&thread);
    g_assert_null(dsa_group_take_warning(f.group));
    forked_free(&f);
}

#ifndef NO_THREADS_IN_CHILD
static void child_opens(void *opaque)
{
    const DsaCase *c = opaque;

    dsa_test_still_works(c->completion);
}
#endif

static void test_child_opens(const DsaCase *c)
{
#ifdef NO_THREADS_IN_CHILD
    g_test_skip("ThreadSanitizer allows no threads in a child");
#else
    Forked f;

    forked_new(&f, c, "");
    run_in_child(child_opens, (void *)c);
    forked_free(&f);
#endif
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        g_autofree char *path = g_strconcat("/dsa/refuses/", refusals[i].name,
                                            NULL);

        g_test_add_data_func(path, &refusals[i], test_refusal);
    }
#define ON_TREE(name, fn) \
    g_test_add("/dsa/" name, Tree, NULL, tree_set_up, fn, tree_tear_down)
    ON_TREE("auto-says-that-there-is-no-device", test_auto_without_device);
    ON_TREE("auto-says-that-a-node-has-none", test_auto_on_another_node);
    ON_TREE("auto-says-why-none-is-usable", test_auto_without_usable);
    ON_TREE("an-unknown-queue-is-refused", test_unknown_queue);
    ON_TREE("a-missing-file-is-refused", test_missing_file);
    ON_TREE("a-file-of-another-kind-is-refused", test_another_device);
    g_test_add_func("/dsa/nothing-is-freed", test_nothing_is_freed);
    dsa_test_add("dsa", "a-group-tells-what-it-is", test_status, false);
    dsa_test_add("dsa", "a-group-needs-no-lanes", test_group_without_lanes,
                 false);
    dsa_test_add("dsa", "lanes-are-spread-over-queues", test_lanes_are_spread,
                 false);
    dsa_test_add("dsa", "queues-near-the-memory-are-preferred",
                 test_node_of_memory, false);
    dsa_test_add("dsa", "the-null-queue-looks-at-nothing", test_null_queue,
                 false);
    dsa_test_add("dsa", "a-child-answers-by-the-cpu", test_child_answers,
                 false);
    dsa_test_add("dsa", "a-child-may-free-its-copy", test_child_frees, false);
    dsa_test_add("dsa", "a-child-guesses-nothing-of-what-was-under-way",
                 test_fork_with_work_under_way, false);
    dsa_test_add("dsa", "a-child-of-a-process-that-waits-may-free",
                 test_fork_while_waiting, false);
    dsa_test_add("dsa", "a-child-may-open-queues-of-its-own",
                 test_child_opens, false);
    return g_test_run();
}
