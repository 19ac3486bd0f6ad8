/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -pidfile.  The lock, not the content, says whether the owner lives; a file
 * that a dead process left is taken over.
 *
 * Main thread.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "system/pidfile.h"

struct PidFile {
    char *path;
    int fd;
};

/* Is the file that @fd has open still the one at @path? */
static bool pidfile_is_there(int fd, const char *path)
{
    struct stat opened, there;

    return fstat(fd, &opened) == 0 && stat(path, &there) == 0 &&
           opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

/* An open and locked file, or -1. */
static int pidfile_open(const char *path, Error **errp)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    for (;;) {
        AUTO_FD int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);

        if (fd < 0) {
            error_setg_errno(errp, errno, "Cannot create the PID file '%s'",
                             path);
            return -1;
        }
        if (fcntl(fd, F_SETLK, &lock) < 0) {
            error_setg_errno(errp, errno, "Cannot lock the PID file '%s'; is"
                             " its process alive?", path);
            return -1;
        }
        /* Its former owner may have removed it before we had the lock. */
        if (pidfile_is_there(fd, path)) {
            return g_steal_fd(&fd);
        }
    }
}

PidFile *pidfile_new(const char *path, Error **errp)
{
    g_autofree char *text = g_strdup_printf("%ld\n", (long)getpid());
    AUTO_FD int fd = pidfile_open(path, errp);
    PidFile *pidfile;

    if (fd < 0) {
        return NULL;
    }
    if (ftruncate(fd, 0) < 0 ||
        write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        error_setg_errno(errp, errno, "Cannot write the PID file '%s'", path);
        unlink(path);
        return NULL;
    }
    pidfile = g_new0(PidFile, 1);
    pidfile->path = g_strdup(path);
    pidfile->fd = g_steal_fd(&fd);
    return pidfile;
}

void pidfile_free(PidFile *pidfile)
{
    if (pidfile) {
        unlink(pidfile->path);
        close(pidfile->fd);
        g_free(pidfile->path);
        g_free(pidfile);
    }
}
