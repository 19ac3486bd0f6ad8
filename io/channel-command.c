/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel to a program; see io/channel-command.h.
 *
 * Bytes move as through any pipe; this file starts the program, finds out how
 * it ended, and gets rid of it.  A pidfd tells that it has ended, so nobody has
 * to wait for that without a second way out.  Entered by any thread, under the
 * rules of io/channel.h.
 */
#include "qemu/osdep.h"
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "io/channel-command.h"
#include "channel-pipe-internal.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "trace.h"

/* Larger than the default of 64 KiB: fewer turns between two processes. */
#define PIPE_BYTES (1024 * 1024)

/*
 * A pipe without its other end mostly means that the program is ending: so long
 * it may take until its status is known.
 */
#define STATUS_MAX_MS 1000

/*
 * How long a program may take to end by itself, unless it was given up; after it
 * was asked to; and after SIGKILL.
 */
#define END_MAX_MS 1000
#define TERMINATE_MAX_MS 200
#define KILL_MAX_MS 1000

typedef struct QIOChannelCommand {
    QIOChannelPipe pipe;

    /* set once at creation */
    char *text;
    int pidfd;
    pid_t pid;              /* its session and process group, too */

    /* guarded by lock */
    QemuMutex lock;
    bool ended;             /* was waited for: @pid may be somebody else's */
    int status;             /* as waitpid(2) has it, once @ended */
} QIOChannelCommand;

static QIOChannelCommand *command_from(const QIOChannel *ioc)
{
    return container_of((QIOChannel *)ioc, QIOChannelCommand, pipe.parent);
}

/* Whether the program has ended by now. */
static bool command_has_ended(QIOChannelCommand *cmd)
{
    QEMU_LOCK_GUARD(&cmd->lock);

    if (!cmd->ended && waitpid(cmd->pid, &cmd->status, WNOHANG) == cmd->pid) {
        cmd->ended = true;
        trace_channel_command_ended(cmd->pid, cmd->status);
    }
    return cmd->ended;
}

static bool command_wait(QIOChannelCommand *cmd, int timeout_ms)
{
    struct pollfd pfd = { .fd = cmd->pidfd, .events = POLLIN };
    int ret;

    do {
        ret = poll(&pfd, 1, timeout_ms);
    } while (ret < 0 && errno == EINTR);
    return command_has_ended(cmd);
}

/* For a program that has ended. */
static bool command_check_status(QIOChannelCommand *cmd, Error **errp)
{
    if (WIFSIGNALED(cmd->status)) {
        error_setg(errp, "exec command '%s' was ended by signal %d", cmd->text,
                   WTERMSIG(cmd->status));
        return false;
    }
    if (WEXITSTATUS(cmd->status) != 0) {
        error_setg(errp, "exec command '%s' ended with status %d", cmd->text,
                   WEXITSTATUS(cmd->status));
        return false;
    }
    return true;
}

static ssize_t command_readv(QIOChannel *ioc, const struct iovec *iov,
                             size_t niov, Error **errp)
{
    QIOChannelCommand *cmd = command_from(ioc);
    ssize_t n = channel_pipe_readv(&cmd->pipe, iov, niov);

    if (n == -EAGAIN) {
        return QIO_CHANNEL_ERR_BLOCK;
    }
    if (n < 0) {
        error_setg_errno(errp, (int)-n, "%s: cannot read what exec command "
                         "'%s' says", qio_channel_name(ioc), cmd->text);
        return -1;
    }
    if (n == 0 && !qatomic_read(&cmd->pipe.shut_read) &&
        command_wait(cmd, STATUS_MAX_MS) && !command_check_status(cmd, errp)) {
        return -1;
    }
    return n;
}

/* Why the program does not read any more. */
static void command_broken(QIOChannelCommand *cmd, Error **errp)
{
    if (!command_wait(cmd, STATUS_MAX_MS)) {
        error_setg(errp, "exec command '%s' has closed its standard input "
                   "before all was written", cmd->text);
    } else if (command_check_status(cmd, errp)) {
        error_setg(errp, "exec command '%s' ended with status 0 before all "
                   "was written", cmd->text);
    }
}

static ssize_t command_writev(QIOChannel *ioc, const struct iovec *iov,
                              size_t niov, Error **errp)
{
    QIOChannelCommand *cmd = command_from(ioc);
    ssize_t n = channel_pipe_writev(&cmd->pipe, iov, niov);

    switch (n) {
    case -EAGAIN:
        return QIO_CHANNEL_ERR_BLOCK;
    case -EPIPE:
        command_broken(cmd, errp);
        return -1;
    case -ESHUTDOWN:
        error_setg(errp, "%s: cannot write: the channel was shut down",
                   qio_channel_name(ioc));
        return -1;
    default:
        break;
    }
    if (n < 0) {
        error_setg_errno(errp, (int)-n, "%s: cannot write to exec command "
                         "'%s'", qio_channel_name(ioc), cmd->text);
        return -1;
    }
    return n;
}

/* It and all that it has started; only while its number is its own. */
static void command_signal(QIOChannelCommand *cmd, int signum)
{
    trace_channel_command_signal(cmd->pid, signum);
    (void)kill(-cmd->pid, signum);
}

/* The end of its pipes comes first: most programs end by themselves then. */
static void command_finalize(QIOChannel *ioc)
{
    QIOChannelCommand *cmd = command_from(ioc);
    bool given_up = cmd->pipe.shut_read || cmd->pipe.shut_write;

    channel_pipe_close(&cmd->pipe);
    if (!command_wait(cmd, given_up ? 0 : END_MAX_MS)) {
        command_signal(cmd, SIGTERM);
        /* Whoever is stopped would not hear of it. */
        command_signal(cmd, SIGCONT);
        if (!command_wait(cmd, TERMINATE_MAX_MS)) {
            command_signal(cmd, SIGKILL);
            /* One that hangs in the kernel is left alone, not waited for. */
            (void)command_wait(cmd, KILL_MAX_MS);
        }
    }
    close(cmd->pidfd);
    qemu_mutex_destroy(&cmd->lock);
    g_free(cmd->text);
}

static const QIOChannelOps command_ops = {
    .kind = "command",
    .readv = command_readv,
    .writev = command_writev,
    .shutdown = channel_pipe_shutdown,
    .finalize = command_finalize,
    .get_fd = channel_pipe_get_fd,
    .get_write_fd = channel_pipe_get_write_fd,
    .set_blocking = channel_pipe_set_blocking,
};

/*
 * A pipe whose ends are none of the three that the program is to have: they
 * could not be put in their places one after the other then.
 */
static bool command_pipe(int *read_fd, int *write_fd, Error **errp)
{
    int low[2];

    if (pipe2(low, O_CLOEXEC) < 0) {
        error_setg_errno(errp, errno, "cannot make a pipe for a program");
        return false;
    }
    *read_fd = fcntl(low[0], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    *write_fd = fcntl(low[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(low[0]);
    close(low[1]);
    if (*read_fd < 0 || *write_fd < 0) {
        error_setg(errp, "cannot make a pipe for a program: there are no "
                   "descriptors left");
        return false;
    }
    /* One user may have so much of it only; less works as well. */
    (void)fcntl(*write_fd, F_SETPIPE_SZ, PIPE_BYTES);
    return true;
}

/* @stdin_fd and @stdout_fd: the program's ends, the caller's to close. */
static bool command_open_pipes(QIOChannelCommand *cmd, int *stdin_fd,
                               int *stdout_fd, Error **errp)
{
    AUTO_FD int from_fd = -1;
    AUTO_FD int to_fd = -1;

    if (!command_pipe(stdin_fd, &to_fd, errp) ||
        !command_pipe(&from_fd, stdout_fd, errp) ||
        !channel_pipe_init(&cmd->pipe, &command_ops, from_fd, to_fd, errp)) {
        return false;
    }
    (void)g_steal_fd(&from_fd);
    (void)g_steal_fd(&to_fd);
    return true;
}

/* Signals as a fresh program expects them, a session, and two descriptors. */
static int command_spawn(pid_t *pid, const char *const *argv, int stdin_fd,
                         int stdout_fd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t set;
    int ret;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&actions, stdin_fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attr, &set);
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&attr, &set);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
                                    POSIX_SPAWN_SETSIGDEF |
                                    POSIX_SPAWN_SETSID);
    /* A fork would copy the page tables of all guest memory; this does not. */
    ret = posix_spawnp(pid, argv[0], &actions, &attr, (char *const *)argv,
                       environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return ret;
}

static bool command_start(QIOChannelCommand *cmd, const char *const *argv,
                          int stdin_fd, int stdout_fd, Error **errp)
{
    int ret = command_spawn(&cmd->pid, argv, stdin_fd, stdout_fd);

    if (ret != 0) {
        error_setg_errno(errp, ret, "cannot run exec command '%s'", cmd->text);
        return false;
    }
    trace_channel_command_started(cmd->pid, cmd->text);
    cmd->pidfd = (int)syscall(SYS_pidfd_open, cmd->pid, 0);
    if (cmd->pidfd < 0) {
        error_setg_errno(errp, errno, "cannot watch exec command '%s'",
                         cmd->text);
        command_signal(cmd, SIGKILL);
        (void)waitpid(cmd->pid, NULL, 0);
        return false;
    }
    return true;
}

QIOChannel *qio_channel_command_new(const char *const *argv, const char *text,
                                    Error **errp)
{
    QIOChannelCommand *cmd = g_new0(QIOChannelCommand, 1);
    AUTO_FD int stdin_fd = -1;
    AUTO_FD int stdout_fd = -1;

    if (!command_open_pipes(cmd, &stdin_fd, &stdout_fd, errp)) {
        g_free(cmd);
        return NULL;
    }
    cmd->text = g_strdup(text);
    if (!command_start(cmd, argv, stdin_fd, stdout_fd, errp)) {
        channel_pipe_close(&cmd->pipe);
        g_free(cmd->text);
        g_free(cmd);
        return NULL;
    }
    qemu_mutex_init(&cmd->lock);
    return &cmd->pipe.parent;
}

bool qio_channel_is_command(const QIOChannel *ioc)
{
    return ioc->ops == &command_ops;
}

/* Drops what the program says; false when it has closed its output. */
static bool command_drain(QIOChannelCommand *cmd)
{
    uint8_t buf[4096];
    ssize_t n;

    do {
        n = read(cmd->pipe.in_fd, buf, sizeof(buf));
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n < 0 && errno == EAGAIN;
}

bool qio_channel_command_finish(QIOChannel *ioc, Error **errp)
{
    QIOChannelCommand *cmd = command_from(ioc);
    struct pollfd fds[] = {
        { .fd = cmd->pidfd, .events = POLLIN },
        { .fd = cmd->pipe.wake_out_fd, .events = POLLIN },
        { .fd = cmd->pipe.in_fd, .events = POLLIN },
    };

    if (cmd->pipe.out_fd >= 0) {
        close(cmd->pipe.out_fd);
        cmd->pipe.out_fd = -1;
    }
    while (!command_has_ended(cmd)) {
        if (qatomic_read(&cmd->pipe.shut_write)) {
            error_setg(errp, "exec command '%s' had not ended when the channel "
                       "was shut down", cmd->text);
            return false;
        }
        (void)poll(fds, ARRAY_SIZE(fds), -1);
        if (fds[2].revents && !command_drain(cmd)) {
            fds[2].fd = -1;
        }
    }
    return command_check_status(cmd, errp);
}
