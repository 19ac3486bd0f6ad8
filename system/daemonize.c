/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -daemonize.  The child keeps the terminal's standard error until it is
 * ready, so that its complaints are seen; a pipe that closes without a byte
 * tells the parent that it failed.
 *
 * Main thread, before any other is made.
 */
#include "qemu/osdep.h"

#include <glib-unix.h>
#include <sys/wait.h>

#include "qapi/error.h"
#include "system/daemonize.h"

static void G_NORETURN daemonize_parent(int fd, pid_t child)
{
    char byte;
    int status;
    ssize_t n;

    do {
        n = read(fd, &byte, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1) {
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        /* a signal that did not end us */
    }
    _exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1);
}

bool daemonize_start(int *ready_fd, Error **errp)
{
    int fds[2];
    pid_t pid;

    if (!g_unix_open_pipe(fds, FD_CLOEXEC, NULL)) {
        error_setg_errno(errp, errno, "Cannot make a pipe");
        return false;
    }
    pid = fork();
    if (pid < 0) {
        error_setg_errno(errp, errno, "Cannot fork");
        close(fds[0]);
        close(fds[1]);
        return false;
    }
    if (pid > 0) {
        close(fds[1]);
        daemonize_parent(fds[0], pid);
    }
    close(fds[0]);
    setsid();
    *ready_fd = fds[1];
    return true;
}

bool daemonize_ready(int ready_fd, Error **errp)
{
    AUTO_FD int ready = ready_fd;
    AUTO_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0 || chdir("/") < 0) {
        error_setg_errno(errp, errno, "Cannot go to the background");
        return false;
    }
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (dup2(null, fd) < 0) {
            error_setg_errno(errp, errno, "Cannot let go of the terminal");
            return false;
        }
    }
    if (write(ready, "", 1) != 1) {
        error_setg_errno(errp, errno, "Cannot tell the waiting parent");
        return false;
    }
    return true;
}
