/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of deadlines that do not count time in which the process was stopped:
 * their arithmetic, and a real process that is.
 */
#include "qemu/osdep.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "qemu/timer.h"
#include "util/dsa-deadline.h"
#include "dsa-fixture.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define NO_THREADS_IN_CHILD
#endif

#define TIMEOUT_MS 800
#define TIMEOUT_NS ((int64_t)TIMEOUT_MS * SCALE_MS)

/* Looks every @step_ns; returns after how long it was over. */
static int64_t look_until_over(DsaDeadline *d, int64_t step_ns)
{
    int64_t start_ns = d->seen_ns;
    int64_t now_ns = start_ns;

    while (!dsa_deadline_is_over(d, now_ns)) {
        now_ns += step_ns;
    }
    return now_ns - start_ns;
}

static void test_close_looks(void)
{
    DsaDeadline d;
    int64_t took_ns;

    dsa_deadline_start(&d, TIMEOUT_MS);
    took_ns = look_until_over(&d, SCALE_MS);
    g_assert_cmpint(took_ns, ==, TIMEOUT_NS + SCALE_MS);
}

/* Whoever sleeps as long as told counts all of it. */
static void test_naps(void)
{
    DsaDeadline d;
    int64_t start_ns, now_ns;

    dsa_deadline_start(&d, TIMEOUT_MS);
    start_ns = now_ns = d.seen_ns;
    while (!dsa_deadline_is_over(&d, now_ns)) {
        int nap_ms = dsa_deadline_nap_ms(&d, now_ns);

        g_assert_cmpint(nap_ms, >=, 1);
        g_assert_cmpint(nap_ms, <=, TIMEOUT_MS / 4 + 1);
        now_ns += nap_ms * SCALE_MS;
    }
    g_assert_cmpint(now_ns - start_ns, <=, TIMEOUT_NS + 2 * SCALE_MS);
}

/* A stop at any moment, of any length, leaves most of what was left. */
static void test_stop(void)
{
    for (int at_ms = 0; at_ms < TIMEOUT_MS / 2; at_ms += 50) {
        for (int64_t stop_ms = TIMEOUT_MS; stop_ms < 100000; stop_ms *= 3) {
            int64_t ran_ns = (at_ms + 1) * SCALE_MS;
            int64_t now_ns, left_ns;
            DsaDeadline d;

            dsa_deadline_start(&d, TIMEOUT_MS);
            now_ns = d.seen_ns;
            for (int ms = 0; ms <= at_ms; ms++) {
                now_ns += SCALE_MS;
                g_assert_false(dsa_deadline_is_over(&d, now_ns));
            }
            now_ns += stop_ms * SCALE_MS;
            g_assert_false(dsa_deadline_is_over(&d, now_ns));
            left_ns = look_until_over(&d, SCALE_MS);
            g_assert_cmpint(left_ns, >, TIMEOUT_NS - ran_ns - TIMEOUT_NS / 4);
            g_assert_cmpint(left_ns, <=, TIMEOUT_NS - ran_ns + SCALE_MS);
        }
    }
}

/* On a host that is always that slow there is an end all the same. */
static void test_always_slow(void)
{
    DsaDeadline d;
    int64_t took_ns;

    dsa_deadline_start(&d, TIMEOUT_MS);
    took_ns = look_until_over(&d, TIMEOUT_NS);
    g_assert_cmpint(took_ns, <=, 10 * TIMEOUT_NS);
    /* Even where a nap takes longer than all of it. */
    dsa_deadline_start(&d, 1);
    took_ns = look_until_over(&d, 20 * SCALE_MS);
    g_assert_cmpint(took_ns, <=, 200 * SCALE_MS);
}

static void test_resume(void)
{
    DsaDeadline d;
    int64_t before_ns;

    /* Nothing is taken of what is left. */
    dsa_deadline_start(&d, 60000);
    before_ns = d.at_ns;
    dsa_deadline_resume(&d);
    g_assert_cmpint(d.at_ns, ==, before_ns);
    /* Nobody has looked until it was over. */
    d.at_ns = d.seen_ns - 1;
    dsa_deadline_resume(&d);
    g_assert_false(dsa_deadline_is_over(&d, d.seen_ns));
    g_assert_cmpint(d.at_ns, <=, d.seen_ns + d.span_ns / 4);
}

#ifndef NO_THREADS_IN_CHILD
/* Times that the child is stopped, and batches in between. */
#define NR_STOPS 3
#define NR_BATCHES 3
#define STOP_TIMEOUT_MS 400

/* Tells the parent of each batch until that closes its end. */
static G_NORETURN void child(DsaCompletion completion, int tell_fd, int end_fd)
{
    DsaGroup *group = dsa_test_group(completion, STOP_TIMEOUT_MS,
                                     "slow-us=20000", NULL);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    struct pollfd end = { .fd = end_fd, .events = POLLIN };
    g_autofree char *warning = NULL;

    dsa_pages_mix(p);
    while (poll(&end, 1, 0) == 0) {
        dsa_check_batch(b, p, 0, p->nr);
        g_assert_cmpint(write(tell_fd, "", 1), ==, 1);
    }
    warning = dsa_group_take_warning(group);
    if (warning) {
        g_printerr("%s\n", warning);
    }
    _exit(warning ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void await_batches(int fd, unsigned nr)
{
    char byte;

    while (nr-- > 0) {
        g_assert_cmpint(read(fd, &byte, 1), ==, 1);
    }
}

static void stop_and_go_on(pid_t pid, int fd)
{
    int64_t end_ms;
    int status;

    await_batches(fd, NR_BATCHES);
    g_assert_cmpint(kill(pid, SIGSTOP), ==, 0);
    g_assert_cmpint(waitpid(pid, &status, WUNTRACED), ==, pid);
    g_assert_true(WIFSTOPPED(status));
    /* The time itself is what the test is about. */
    end_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + STOP_TIMEOUT_MS + 100;
    while (qemu_clock_get_ms(QEMU_CLOCK_REALTIME) < end_ms) {
        poll(NULL, 0, 50);
    }
    g_assert_cmpint(kill(pid, SIGCONT), ==, 0);
}
#endif

/* The device had no chance to answer, and is not to blame for it. */
static void test_stopped_process(const DsaCase *c)
{
#ifdef NO_THREADS_IN_CHILD
    g_test_skip("the thread sanitizer has no threads in a child");
    (void)c;
#else
    int tell[2], end[2];
    int status;
    pid_t pid;

    g_assert_cmpint(pipe(tell), ==, 0);
    g_assert_cmpint(pipe(end), ==, 0);
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        close(tell[0]);
        close(end[1]);
        child(c->completion, tell[1], end[0]);
    }
    close(tell[1]);
    close(end[0]);
    for (unsigned i = 0; i < NR_STOPS; i++) {
        stop_and_go_on(pid, tell[0]);
    }
    await_batches(tell[0], NR_BATCHES);
    close(end[1]);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, EXIT_SUCCESS);
    close(tell[0]);
#endif
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dsa-deadline/close-looks", test_close_looks);
    g_test_add_func("/dsa-deadline/naps", test_naps);
    g_test_add_func("/dsa-deadline/stop", test_stop);
    g_test_add_func("/dsa-deadline/always-slow", test_always_slow);
    g_test_add_func("/dsa-deadline/resume", test_resume);
    dsa_test_add("dsa-deadline", "a-process-that-was-stopped",
                 test_stopped_process, false);
    return g_test_run();
}
