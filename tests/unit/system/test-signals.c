/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals as events of the main loop.
 */
#include "qemu/osdep.h"

#include <signal.h>

#include "qapi/error.h"
#include "system/signals.h"

typedef struct Seen {
    int signo;
    pid_t pid;
    int nr;
} Seen;

static void seen_func(int signo, pid_t pid, void *opaque)
{
    Seen *seen = opaque;

    seen->signo = signo;
    seen->pid = pid;
    seen->nr++;
}

static void test_told(void)
{
    static const int signos[] = { SIGTERM, SIGINT, SIGHUP };
    Seen seen = { 0 };
    Signals *signals = signals_new(NULL, seen_func, &seen, NULL);

    g_assert_nonnull(signals);
    for (size_t i = 0; i < ARRAY_SIZE(signos); i++) {
        g_assert_cmpint(raise(signos[i]), ==, 0);
        while (seen.nr == i) {
            g_main_context_iteration(NULL, true);
        }
        g_assert_cmpint(seen.signo, ==, signos[i]);
        g_assert_cmpint(seen.pid, ==, getpid());
    }
    signals_free(signals);
}

/* One that nobody was told of must not end the process afterwards. */
static void test_forgotten(void)
{
    Seen seen = { 0 };
    Signals *signals = signals_new(NULL, seen_func, &seen, NULL);

    g_assert_cmpint(raise(SIGTERM), ==, 0);
    g_assert_cmpint(raise(SIGINT), ==, 0);
    signals_free(signals);
    g_assert_cmpint(seen.nr, ==, 0);
}

static void test_pipe(void)
{
    Seen seen = { 0 };
    Signals *signals = signals_new(NULL, seen_func, &seen, NULL);

    g_assert_cmpint(raise(SIGPIPE), ==, 0);
    signals_free(signals);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/signals/told with their sender", test_told);
    g_test_add_func("/signals/forgotten at the end", test_forgotten);
    g_test_add_func("/signals/SIGPIPE is ignored", test_pipe);
    return g_test_run();
}
