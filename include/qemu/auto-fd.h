/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A descriptor that a scope closes.  A header of its own, for files that also
 * compile where qemu/osdep.h does not bring it along.
 */
#ifndef QEMU_AUTO_FD_H
#define QEMU_AUTO_FD_H

#include <errno.h>
#include <unistd.h>

/**
 * auto_fd_close:
 * @fd: the variable that holds a file descriptor, or a negative number
 *
 * The clean-up behind AUTO_FD; do not call it.
 *
 * Context: any thread; errno is kept, so that a function may return it.
 */
static inline void auto_fd_close(int *fd)
{
    if (*fd >= 0) {
        int saved_errno = errno;

        close(*fd);
        errno = saved_errno;
    }
}

/*
 * `AUTO_FD int fd = -1;` closes the descriptor when the scope ends, unless
 * it was taken out and -1 left in its place.
 */
#define AUTO_FD __attribute__((cleanup(auto_fd_close)))

#endif /* QEMU_AUTO_FD_H */
