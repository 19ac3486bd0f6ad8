/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the edges of the DSA library: queues without the opcode Batch,
 * entries of a dedicated queue nobody has collected yet, giving up in a child,
 * paths that name a queue twice, odd sizes of pages and batches, and what a
 * group that could not be opened leaves behind.
 */
#include "qemu/osdep.h"

#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "qemu/atomic.h"
#include "dsa-fake.h"
#include "util/dsa-open.h"

/* What a child exits with that cannot do what it is to. */
#define CHILD_SKIPS 77

static DsaGroup *open_one(const char *path, const DsaOptions *options)
{
    const char *const paths[] = { path, NULL };
    Error *err = NULL;
    DsaGroup *group = dsa_group_new(paths, options, &err);

    if (!group) {
        g_error("%s", error_get_pretty(err));
    }
    return group;
}

/* A kernel that lets write() batch does not say that the queue can. */
static void test_write_without_batch(const DsaCase *c)
{
    DsaOptions options = dsa_test_options(c->completion, DSA_TEST_LONG_MS);
    g_autoptr(DsaGroup) group =
        open_one("dsa:soft?portal=off,profile=dsa2,opcodes=7d", &options);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    g_autoptr(DsaStatus) status = NULL;

    dsa_pages_mix(p);
    dsa_check_batch(b, p, 0, p->nr);
    status = dsa_group_status(group);
    g_assert_cmpuint(status->queue[0].max_batch_pages, ==, 1);
    g_assert_cmpuint(status->counters.queues.batches, ==, 0);
    g_assert_cmpuint(dsa_test_cpu_pages(status), ==, 0);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

static void test_portal_without_batch(const DsaCase *c)
{
    DsaOptions options = dsa_test_options(c->completion, DSA_TEST_LONG_MS);
    const char *const paths[] = { "dsa:soft?opcodes=7d", NULL };
    Error *err = NULL;

    g_assert_null(dsa_group_new(paths, &options, &err));
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), "op_config"));
    error_free(err);
}

/* What is done is done, even while its lane is busy elsewhere. */
static void test_entries_come_back(void)
{
    DsaFake *fake = dsa_fake_new(128);
    DsaRig *rig;
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    DsaBatch *first, *second;

    fake->queue.dedicated = true;
    fake->queue.size = 1;
    rig = dsa_rig_new(DSA_COMPLETION_THREAD, DSA_TEST_LONG_MS, &fake->queue,
                      NULL);
    first = dsa_batch_new(rig->lane, DSA_TEST_PAGE);
    second = dsa_batch_new(dsa_rig_lane(rig), DSA_TEST_PAGE);
    dsa_pages_mix(p);
    dsa_batch_submit(first, p->page, p->nr);
    while (qatomic_read(&fake->queue.nr_held) > 0) {
        g_thread_yield();
    }
    dsa_check_batch(second, p, 0, p->nr);
    dsa_check_wait(first, p, 0, p->nr);
    g_assert_cmpuint(fake->nr_batches, ==, 2);
    g_assert_cmpuint(qatomic_read(&fake->queue.nr_held), ==, 0);
    dsa_rig_free(rig);
    dsa_pages_free(p);
}

static void test_reason_after_give_up(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion,
                                               DSA_TEST_LONG_MS, "", NULL);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    g_autoptr(DsaStatus) status = NULL;

    dsa_pages_mix(p);
    dsa_group_give_up(group);
    dsa_check_batch(b, p, 0, p->nr);
    status = dsa_group_status(group);
    g_assert_cmpuint(status->counters.cpu_pages[DSA_CPU_QUEUE_FULL], ==, 0);
    g_assert_cmpuint(status->counters.cpu_pages[DSA_CPU_NO_QUEUE], ==, p->nr);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

static void wait_for_child(pid_t pid)
{
    int status = 0;

    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_SKIPS) {
        g_test_skip("calls cannot be filtered here");
        return;
    }
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static void test_give_up_in_a_child(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion,
                                               DSA_TEST_LONG_MS, "", NULL);
    pid_t pid = fork();

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        alarm(20);
        for (int i = 0; i < 16; i++) {
            dsa_group_give_up(group);
        }
        dsa_group_free(group);
        _exit(0);
    }
    wait_for_child(pid);
}

/* "dsa:auto" besides the only queue, by its name. */
static void test_auto_finds_only_what_is_named(void)
{
    g_autofree char *root = g_dir_make_tmp("dsa-edges-XXXXXX", NULL);
    g_autofree char *dir = g_build_filename(root, "bus/dsa/devices", NULL);
    g_autofree char *queue = g_build_filename(dir, "wq0.0", NULL);
    g_autofree char *device = g_build_filename(dir, "dsa0", NULL);
    g_autoptr(GPtrArray) queues = g_ptr_array_new();
    const char *const paths[] = { "dsa:auto", NULL };
    DsaOpen how = { .sysfs_root = root };
    DsaFake *fake = dsa_fake_new(128);
    Error *err = NULL;

    g_assert_cmpint(g_mkdir_with_parents(queue, 0700), ==, 0);
    g_assert_cmpint(g_mkdir_with_parents(device, 0700), ==, 0);
    g_free(fake->queue.path);
    fake->queue.path = g_strdup("/dev/dsa/wq0.0");
    g_ptr_array_add(queues, &fake->queue);
    if (!dsa_open_paths(&how, paths, queues, &err)) {
        g_error("%s", error_get_pretty(err));
    }
    g_assert_cmpuint(queues->len, ==, 1);
    dsa_queue_free(&fake->queue);
    g_assert_cmpint(rmdir(queue), ==, 0);
    g_assert_cmpint(rmdir(device), ==, 0);
    for (size_t len = strlen(dir); len >= strlen(root);
         len = strrchr(dir, '/') - dir) {
        dir[len] = '\0';
        g_assert_cmpint(rmdir(dir), ==, 0);
    }
}

static void check_sizes(const DsaCase *c, const char *path, size_t page_size,
                        unsigned batch_pages)
{
    const unsigned nrs[] = { 1, 2, 3, 4, 5, 127, 1022, 1023, 1024 };
    DsaOptions options = {
        .completion = c->completion, .batch_pages = batch_pages,
        .page_bytes = page_size, .timeout_ms = DSA_TEST_LONG_MS,
    };
    g_autoptr(DsaGroup) group = open_one(path, &options);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), page_size);
    DsaPages *p = dsa_pages_new(page_size, batch_pages);

    for (unsigned i = 0; i < p->nr; i++) {
        if (i % 3) {
            dsa_pages_set(p, i, i * 37 % page_size);
        }
    }
    for (unsigned k = 0; k < ARRAY_SIZE(nrs); k++) {
        if (nrs[k] <= batch_pages) {
            dsa_check_batch(b, p, batch_pages - nrs[k], nrs[k]);
        }
    }
    g_assert_null(dsa_group_take_warning(group));
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

static void test_odd_sizes(const DsaCase *c)
{
    const char *const paths[] = {
        "dsa:soft?portal=off", "dsa:soft?portal=off,size=3,mode=dedicated",
        "dsa:soft?max-batch-size=2", "dsa:soft?max-batch-size=3,size=5",
        "dsa:soft?max-batch-size=3,size=5,mode=dedicated",
        "dsa:soft?max-batch-size=1023", "dsa:soft?max-batch-size=1024",
    };
    const size_t page_sizes[] = { 1, 100, 4096, 16384 };
    const unsigned batch_pages[] = { 1, 2, 3, 1023, 1024 };

    for (unsigned i = 0; i < ARRAY_SIZE(paths); i++) {
        for (unsigned s = 0; s < ARRAY_SIZE(page_sizes); s++) {
            for (unsigned n = 0; n < ARRAY_SIZE(batch_pages); n++) {
                check_sizes(c, paths[i], page_sizes[s], batch_pages[n]);
            }
        }
    }
}

static unsigned count_entries(const char *path)
{
    DIR *dir = opendir(path);
    unsigned nr = 0;

    g_assert_nonnull(dir);
    while (readdir(dir)) {
        nr++;
    }
    closedir(dir);
    return nr;
}

static void test_nothing_is_left(const DsaCase *c)
{
    static const char *const refused[] = {
        "dsa:soft?state=disabled", "dsa:soft?type=kernel",
        "dsa:soft?opcodes=3f", "dsa:soft?opcodes=7d",
        "dsa:soft?max-transfer-size=2k", "dsa:soft?max-batch-size=1",
        "dsa:soft?faults-from=open,stuck-after=0",
        "dsa:soft?faults-from=open,halt-after=1",
        "dsa:soft?faults-from=open,full=forever",
        "dsa:soft?faults-from=open,full=forever,mode=dedicated",
        "dsa:soft?faults-from=open,lose-every=1",
        "dsa:soft?faults-from=open,lose-every=4",
        "dsa:soft?faults-from=open,status-every=1",
        "dsa:soft?faults-from=open,batch-status-every=1",
        "dsa:soft?faults-from=open,fault-every=1,portal=off",
        "dsa:/nowhere/wq0.0",
    };
    DsaOptions options = dsa_test_options(c->completion, 50);
    unsigned fds = count_entries("/proc/self/fd");
    unsigned threads = count_entries("/proc/self/task");

    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++) {
        const char *const paths[] = { "dsa:soft", refused[i], NULL };
        Error *err = NULL;

        g_assert_null(dsa_group_new(paths, &options, &err));
        g_test_message("%s", error_get_pretty(err));
        error_free(err);
        g_assert_cmpuint(count_entries("/proc/self/fd"), ==, fds);
        while (count_entries("/proc/self/task") > threads) {
            /* A thread that was joined may be listed for a moment. */
            g_thread_yield();
        }
    }
}

/* From now on the kernel refuses @nr, as containers' filters do. */
static void refuse_call(unsigned nr)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = { ARRAY_SIZE(code), code };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0) {
        _exit(CHILD_SKIPS);
    }
}

static void test_process_vm_readv_refused(const DsaCase *c)
{
    pid_t pid = fork();

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        g_autoptr(DsaGroup) group = NULL;

        refuse_call(SYS_process_vm_readv);
        group = dsa_test_group(c->completion, DSA_TEST_LONG_MS, "portal=off",
                               NULL);
        g_clear_pointer(&group, dsa_group_free);
        _exit(0);
    }
    wait_for_child(pid);
}

static void test_pagemap_scan_refused(const DsaCase *c)
{
    pid_t pid = fork();

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        refuse_call(SYS_ioctl);
        dsa_test_still_works(c->completion);
        _exit(0);
    }
    wait_for_child(pid);
}

/* Bytes of mappings that a child does not get: those for devices. */
static size_t device_bytes(void)
{
    g_autofree char *smaps = NULL;
    g_auto(GStrv) line = NULL;
    size_t sum = 0, kib = 0;

    g_assert_true(g_file_get_contents("/proc/self/smaps", &smaps, NULL, NULL));
    line = g_strsplit(smaps, "\n", -1);
    for (unsigned i = 0; line[i]; i++) {
        if (g_str_has_prefix(line[i], "Size:")) {
            kib = g_ascii_strtoull(line[i] + strcspn(line[i], "0123456789"),
                                   NULL, 10);
        } else if (g_str_has_prefix(line[i], "VmFlags:") &&
                   strstr(line[i], " dc")) {
            sum += kib * 1024;
        }
    }
    return sum;
}

/* Hundreds of batches may end like this at once. */
static void test_giving_up_takes_no_memory(const DsaCase *c)
{
    g_autoptr(DsaGroup) group = dsa_test_group(c->completion,
                                               DSA_TEST_LONG_MS,
                                               "stuck-after=0", NULL);
    DsaLane *lane = dsa_lane_new(group);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    DsaBatch *b[3];
    size_t before;

    dsa_pages_mix(p);
    for (int i = 0; i < 3; i++) {
        b[i] = dsa_batch_new(lane, DSA_TEST_PAGE);
        dsa_batch_submit(b[i], p->page, p->nr);
    }
    before = device_bytes();
    g_assert_cmpuint(before, >, 0);
    dsa_group_give_up(group);
    for (int i = 0; i < 3; i++) {
        dsa_check_wait(b[i], p, 0, p->nr);
    }
    g_assert_cmpuint(device_bytes(), ==, before);
    dsa_check_batch(b[0], p, 0, p->nr);
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

typedef struct Cancel {
    QemuThread thread;
    DsaGroup *group;
    DsaLane *lane;
    const DsaPages *p;
    uint32_t *go;
} Cancel;

static void *cancel_lane(void *opaque)
{
    Cancel *x = opaque;
    DsaBatch *b[3];

    for (int i = 0; i < 3; i++) {
        b[i] = dsa_batch_new(x->lane, DSA_TEST_PAGE);
        dsa_batch_submit(b[i], x->p->page, x->p->nr);
    }
    for (int i = 0; i < 60; i++) {
        dsa_check_wait(b[i % 3], x->p, 0, x->p->nr);
        dsa_batch_submit(b[i % 3], x->p->page, x->p->nr);
        qatomic_inc(x->go);
    }
    for (int i = 0; i < 3; i++) {
        dsa_check_wait(b[i], x->p, 0, x->p->nr);
    }
    return NULL;
}

static void test_cancel_any_time(const DsaCase *c)
{
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);

    dsa_pages_mix(p);
    for (unsigned round = 0; round < 12; round++) {
        g_autoptr(DsaGroup) group =
            dsa_test_group(c->completion, DSA_TEST_LONG_MS,
                           "mode=dedicated,size=4",
                           round % 3 ? "size=4" : "stuck-after=700", NULL);
        g_autofree char *warning = NULL;
        uint32_t go = 0;
        Cancel x[4];

        for (int i = 0; i < 4; i++) {
            x[i] = (Cancel) { .group = group, .lane = dsa_lane_new(group),
                              .p = p, .go = &go };
            qemu_thread_create(&x[i].thread, "lane", cancel_lane, &x[i],
                               QEMU_THREAD_JOINABLE);
        }
        while (qatomic_read(&go) < (round % 3 ? round * 20 : round > 0)) {
            g_thread_yield();
        }
        dsa_group_give_up(group);
        for (int i = 0; i < 4; i++) {
            qemu_thread_join(&x[i].thread);
        }
        warning = dsa_group_take_warning(group);
        g_assert_cmpstr(warning, ==, NULL);
    }
    dsa_pages_free(p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    dsa_test_add("dsa-edges", "write-without-the-opcode-batch",
                 test_write_without_batch, false);
    dsa_test_add("dsa-edges", "portal-without-the-opcode-batch",
                 test_portal_without_batch, false);
    g_test_add_func("/dsa-edges/entries-come-back-when-work-is-done",
                    test_entries_come_back);
    dsa_test_add("dsa-edges", "what-comes-after-giving-up-has-no-queue",
                 test_reason_after_give_up, false);
    dsa_test_add("dsa-edges", "a-child-may-give-up", test_give_up_in_a_child,
                 false);
    g_test_add_func("/dsa-edges/auto-finds-only-what-is-named",
                    test_auto_finds_only_what_is_named);
    dsa_test_add("dsa-edges", "odd-sizes", test_odd_sizes, false);
    dsa_test_add("dsa-edges", "nothing-is-left-of-a-refused-group",
                 test_nothing_is_left, false);
    dsa_test_add("dsa-edges", "process-vm-readv-is-refused",
                 test_process_vm_readv_refused, false);
    dsa_test_add("dsa-edges", "pagemap-scan-is-refused",
                 test_pagemap_scan_refused, false);
    dsa_test_add("dsa-edges", "giving-up-takes-no-memory",
                 test_giving_up_takes_no_memory, false);
    dsa_test_add("dsa-edges", "cancelled-at-any-time", test_cancel_any_time,
                 false);
    return g_test_run();
}
