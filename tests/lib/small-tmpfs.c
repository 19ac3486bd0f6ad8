/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small file system; see small-tmpfs.h.  Any thread.
 */
#include "qemu/osdep.h"
#include <sys/syscall.h>
#include "small-tmpfs.h"

/* Of linux/mount.h, which does not agree with sys/mount.h everywhere. */
#define CONFIG_SET_STRING 1
#define CONFIG_CMD_CREATE 6

int small_tmpfs_file(size_t size_bytes, size_t file_bytes)
{
#ifdef SYS_fsopen
    AUTO_FD int context = (int)syscall(SYS_fsopen, "tmpfs", 1);
    g_autofree char *size = g_strdup_printf("%zu", size_bytes);
    AUTO_FD int mount = -1;
    AUTO_FD int fd = -1;

    if (context < 0 ||
        syscall(SYS_fsconfig, context, CONFIG_SET_STRING, "size", size, 0) ||
        syscall(SYS_fsconfig, context, CONFIG_CMD_CREATE, NULL, NULL, 0)) {
        return -1;
    }
    mount = (int)syscall(SYS_fsmount, context, 1, 0);
    if (mount < 0) {
        return -1;
    }
    fd = openat(mount, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)file_bytes) < 0) {
        return -1;
    }
    return g_steal_fd(&fd);
#else
    return -1;
#endif
}
