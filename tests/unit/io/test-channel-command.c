/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Channels to programs: what goes in and comes out, how they end, and that
 * nothing of them is left.
 */
#include "qemu/osdep.h"
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include "io/channel-command.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "thread-state.h"

static QIOChannel *shell(const char *command)
{
    const char *const argv[] = { "/bin/sh", "-c", command, NULL };
    Error *err = NULL;
    QIOChannel *ioc = qio_channel_command_new(argv, command, &err);

    g_assert_null(err);
    g_assert_true(qio_channel_is_command(ioc));
    return ioc;
}

static void assert_error(Error *err, const char *sentence)
{
    g_assert_cmpstr(error_get_pretty(err), ==, sentence);
    error_free(err);
}

static void assert_finish_fails(const char *command, const char *sentence)
{
    g_autoptr(QIOChannel) ioc = shell(command);
    Error *err = NULL;

    g_assert_false(qio_channel_command_finish(ioc, &err));
    assert_error(err, sentence);
}

/* A number that a program writes in a line of its own. */
static pid_t read_pid(QIOChannel *ioc)
{
    pid_t pid = 0;
    char byte;

    while (qio_channel_read_all(ioc, &byte, 1, NULL) && byte != '\n') {
        pid = pid * 10 + (byte - '0');
    }
    g_assert_cmpint(pid, >, 0);
    return pid;
}

/* For one that is not our child, or was. */
static void wait_until_gone(pid_t pid)
{
    AUTO_FD int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd pfd = { .fd = fd, .events = POLLIN };

    if (fd >= 0) {
        g_assert_cmpint(poll(&pfd, 1, -1), ==, 1);
    } else {
        g_assert_cmpint(errno, ==, ESRCH);
    }
}

static void test_both_ways(void)
{
    const char *const argv[] = { "cat", "-u", NULL };
    g_autoptr(QIOChannel) ioc = qio_channel_command_new(argv, "cat", NULL);
    char buf[6];

    g_assert_true(qio_channel_write_all(ioc, "hello", 6, NULL));
    g_assert_true(qio_channel_read_all(ioc, buf, 6, NULL));
    g_assert_cmpstr(buf, ==, "hello");
    g_assert_true(qio_channel_command_finish(ioc, NULL));
    /* once more is no harm */
    g_assert_true(qio_channel_command_finish(ioc, NULL));
}

static void test_output_and_end(void)
{
    g_autoptr(QIOChannel) ioc = shell("printf 12345");
    char buf[8];

    g_assert_true(qio_channel_read_all(ioc, buf, 5, NULL));
    g_assert_cmpmem(buf, 5, "12345", 5);
    g_assert_cmpint(qio_channel_read(ioc, buf, 1, NULL), ==, 0);
}

static void test_finish_drops_output(void)
{
    g_autoptr(QIOChannel) ioc =
        shell("cat >/dev/null; head -c 3000000 /dev/zero");

    g_assert_true(qio_channel_write_all(ioc, "x", 1, NULL));
    g_assert_true(qio_channel_command_finish(ioc, NULL));
}

static void test_status(void)
{
    assert_finish_fails("cat >/dev/null; exit 3", "exec command 'cat "
                        ">/dev/null; exit 3' ended with status 3");
}

static void test_signal(void)
{
    assert_finish_fails("kill -9 $$", "exec command 'kill -9 $$' was ended by "
                        "signal 9");
}

static void test_status_at_end_of_output(void)
{
    g_autoptr(QIOChannel) ioc = shell("printf 12; exit 4");
    Error *err = NULL;
    char buf[2];

    g_assert_true(qio_channel_read_all(ioc, buf, 2, NULL));
    g_assert_cmpint(qio_channel_read(ioc, buf, 1, &err), ==, -1);
    assert_error(err, "exec command 'printf 12; exit 4' ended with status 4");
}

static Error *write_until_error(QIOChannel *ioc)
{
    static const char block[65536];
    Error *err = NULL;

    while (qio_channel_write_all(ioc, block, sizeof(block), &err)) {
        /* until the program is gone */
    }
    return err;
}

static void test_ends_too_early(void)
{
    g_autoptr(QIOChannel) ioc = shell("head -c 1 >/dev/null");

    assert_error(write_until_error(ioc), "exec command 'head -c 1 >/dev/null' "
                 "ended with status 0 before all was written");
}

static void test_closes_its_input(void)
{
    g_autoptr(QIOChannel) ioc = shell("exec <&-; exec sleep 1000");

    assert_error(write_until_error(ioc), "exec command 'exec <&-; exec sleep "
                 "1000' has closed its standard input before all was written");
}

static void test_killed_half_way(void)
{
    g_autoptr(QIOChannel) ioc = shell("echo $$; exec cat >/dev/null");

    g_assert_cmpint(kill(read_pid(ioc), SIGKILL), ==, 0);
    assert_error(write_until_error(ioc), "exec command 'echo $$; exec cat "
                 ">/dev/null' was ended by signal 9");
}

static void test_absent_program(void)
{
    const char *const argv[] = { "/nonexistent/program", NULL };
    Error *err = NULL;

    g_assert_null(qio_channel_command_new(argv, "it", &err));
    assert_error(err, "cannot run exec command 'it': No such file or "
                 "directory");
}

/* Blocked in a program that says and does nothing. */
typedef struct Blocked {
    QIOChannel *ioc;
    int tid;
    bool ok;
    Error *err;
} Blocked;

static void *finish_thread(void *opaque)
{
    Blocked *b = opaque;

    qatomic_set(&b->tid, qemu_get_thread_id());
    b->ok = qio_channel_command_finish(b->ioc, &b->err);
    return NULL;
}

static void *write_thread(void *opaque)
{
    Blocked *b = opaque;

    qatomic_set(&b->tid, qemu_get_thread_id());
    b->err = write_until_error(b->ioc);
    return NULL;
}

static void *read_thread(void *opaque)
{
    Blocked *b = opaque;
    char byte;

    qatomic_set(&b->tid, qemu_get_thread_id());
    b->ok = qio_channel_read(b->ioc, &byte, 1, &b->err) == 0;
    return NULL;
}

static void shutdown_wakes(void *(*func)(void *), Blocked *b)
{
    g_autoptr(QIOChannel) ioc = shell("exec sleep 1000");
    QemuThread thread;

    b->ioc = ioc;
    qemu_thread_create(&thread, "blocked", func, b, QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&b->tid);
    qio_channel_shutdown(ioc, QIO_CHANNEL_SHUTDOWN_BOTH);
    qemu_thread_join(&thread);
}

static void test_shutdown_wakes_reader(void)
{
    Blocked b = { 0 };

    shutdown_wakes(read_thread, &b);
    g_assert_true(b.ok);
}

static void test_shutdown_wakes_writer(void)
{
    Blocked b = { 0 };

    shutdown_wakes(write_thread, &b);
    assert_error(b.err, "command: cannot write: the channel was shut down");
}

static void test_shutdown_ends_finish(void)
{
    Blocked b = { 0 };

    shutdown_wakes(finish_thread, &b);
    g_assert_false(b.ok);
    assert_error(b.err, "exec command 'exec sleep 1000' had not ended when the "
                 "channel was shut down");
}

/* When the channel is gone, so is the program, and all that it has started. */
static void assert_nothing_stays(const char *command)
{
    QIOChannel *ioc = shell(command);
    pid_t pid = read_pid(ioc);
    pid_t child = read_pid(ioc);

    qio_channel_shutdown(ioc, QIO_CHANNEL_SHUTDOWN_BOTH);
    qio_channel_unref(ioc);
    g_assert_cmpint(kill(pid, 0), ==, -1);
    g_assert_cmpint(errno, ==, ESRCH);
    wait_until_gone(child);
}

static void test_nothing_stays(void)
{
    assert_nothing_stays("echo $$; sleep 1000 & echo $!; wait");
}

static void test_nothing_stays_that_ignores_signals(void)
{
    assert_nothing_stays("trap '' TERM; echo $$; sleep 1000 & echo $!; wait; "
                         "wait; wait");
}

static void test_nothing_stays_that_is_stopped(void)
{
    assert_nothing_stays("echo $$; sleep 1000 & echo $!; kill -STOP $$");
}

/* One that ends by itself when its pipes do is left the time to. */
static void test_may_end_by_itself(void)
{
    g_autofree char *dir = g_dir_make_tmp("wherry-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "done", NULL);
    g_autofree char *command = g_strdup_printf("cat; touch '%s'", path);
    QIOChannel *ioc = shell(command);

    qio_channel_unref(ioc);
    g_assert_cmpint(unlink(path), ==, 0);
    g_assert_cmpint(rmdir(dir), ==, 0);
}

static void test_no_descriptor_leaks(void)
{
    AUTO_FD int fd = dup(STDERR_FILENO);
    g_autofree char *command = NULL;
    g_autoptr(QIOChannel) ioc = NULL;

    g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, 0);
    command = g_strdup_printf("[ ! -e /proc/$$/fd/%d ]", fd);
    ioc = shell(command);
    g_assert_true(qio_channel_command_finish(ioc, NULL));
}

/* No signal is blocked, and SIGPIPE, which is 0x1000, not ignored. */
static void test_signals_are_as_new(void)
{
    const char *const argv[] = {
        "grep", "-Eq", "-e", "^SigBlk:.*[1-9a-f]",
        "-e", "^SigIgn:.*[13579bdf][0-9a-f]{3}$", "/proc/self/status", NULL,
    };
    g_autoptr(QIOChannel) ioc = NULL;
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
    sigset_t set, old;
    Error *err = NULL;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaction(SIGPIPE, &ignore, &before);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    ioc = qio_channel_command_new(argv, "grep", NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    sigaction(SIGPIPE, &before, NULL);
    /* status 1: no such line */
    g_assert_false(qio_channel_command_finish(ioc, &err));
    assert_error(err, "exec command 'grep' ended with status 1");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/channel-command/both-ways", test_both_ways);
    g_test_add_func("/channel-command/output-and-end", test_output_and_end);
    g_test_add_func("/channel-command/finish-drops-output",
                    test_finish_drops_output);
    g_test_add_func("/channel-command/shutdown-wakes-reader",
                    test_shutdown_wakes_reader);
    g_test_add_func("/channel-command/shutdown-wakes-writer",
                    test_shutdown_wakes_writer);
    g_test_add_func("/channel-command/shutdown-ends-finish",
                    test_shutdown_ends_finish);
    g_test_add_func("/channel-command/nothing-stays", test_nothing_stays);
    g_test_add_func("/channel-command/nothing-stays-that-ignores-signals",
                    test_nothing_stays_that_ignores_signals);
    g_test_add_func("/channel-command/nothing-stays-that-is-stopped",
                    test_nothing_stays_that_is_stopped);
    g_test_add_func("/channel-command/may-end-by-itself",
                    test_may_end_by_itself);
    g_test_add_func("/channel-command/no-descriptor-leaks",
                    test_no_descriptor_leaks);
    g_test_add_func("/channel-command/signals-are-as-new",
                    test_signals_are_as_new);
    g_test_add_func("/channel-command/bad/status", test_status);
    g_test_add_func("/channel-command/bad/signal", test_signal);
    g_test_add_func("/channel-command/bad/status-at-end-of-output",
                    test_status_at_end_of_output);
    g_test_add_func("/channel-command/bad/ends-too-early",
                    test_ends_too_early);
    g_test_add_func("/channel-command/bad/closes-its-input",
                    test_closes_its_input);
    g_test_add_func("/channel-command/bad/killed-half-way",
                    test_killed_half_way);
    g_test_add_func("/channel-command/bad/absent-program",
                    test_absent_program);
    return g_test_run();
}
