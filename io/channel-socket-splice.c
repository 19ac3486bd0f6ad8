/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes through a stream socket without a copy in between; see
 * channel-socket-splice.h.
 *
 * Entered by the socket's one writer and its one reader, each with its own
 * pipe.  Which content may be taken by reference is the caller's to know, errors
 * of the socket are left to the plain calls.
 */
#include "qemu/osdep.h"
#include <signal.h>
#include <sys/uio.h>
#include "channel-socket-splice.h"
#include "qemu/iov.h"
#include "qemu/thread.h"
#include "qemu/units.h"

/* What an unprivileged process may ask for, and what is too small to pay. */
#define PIPE_MAX_BYTES (1 * MiB)
#define PIPE_MIN_BYTES (64 * KiB)

/*
 * From here on references are cheaper than copies, with what the peer spends on
 * them.  That they are taken page by page is in there.
 */
#define PAYS_MIN_BYTES (32 * KiB)
#define PAYS_ENTRY_BYTES (4 * KiB)

void splice_pipe_init(SplicePipe *p)
{
    *p = (SplicePipe) { .fd = { -1, -1 } };
}

void splice_pipe_refuse(SplicePipe *p)
{
    for (unsigned i = 0; i < ARRAY_SIZE(p->fd); i++) {
        if (p->fd[i] >= 0) {
            close(p->fd[i]);
            p->fd[i] = -1;
        }
    }
    p->refused = true;
}

bool splice_pipe_open(SplicePipe *p)
{
    int size;

    if (p->refused || p->fd[0] >= 0) {
        return !p->refused;
    }
    if (pipe2(p->fd, O_CLOEXEC) < 0) {
        p->fd[0] = p->fd[1] = -1;
        p->refused = true;
        return false;
    }
    /* A user with many pipes gets less, and one with very many only a page. */
    for (int want = PIPE_MAX_BYTES; want >= (int)PIPE_MIN_BYTES; want /= 2) {
        if (fcntl(p->fd[1], F_SETPIPE_SZ, want) >= 0) {
            break;
        }
    }
    size = fcntl(p->fd[1], F_GETPIPE_SZ);
    if (size < (int)PIPE_MIN_BYTES) {
        splice_pipe_refuse(p);
        return false;
    }
    p->len_bytes = size;
    return true;
}

bool splice_pipe_pays(const struct iovec *iov, size_t niov)
{
    size_t len_bytes = iov_size(iov, niov);

    return len_bytes >= PAYS_MIN_BYTES && len_bytes >= niov * PAYS_ENTRY_BYTES;
}

/*
 * splice(2) into a socket whose peer has left raises SIGPIPE, and knows no
 * MSG_NOSIGNAL.  Who has the signal blocked anyway keeps it pending.
 */
static ssize_t splice_without_signal(int from, int to, size_t len_bytes)
{
    static const struct timespec now = { 0 };
    sigset_t sigpipe, before;
    int saved_errno;
    ssize_t n;

    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    n = splice(from, NULL, to, NULL, len_bytes, SPLICE_F_MOVE);
    saved_errno = errno;
    if (!sigismember(&before, SIGPIPE)) {
        /* A part may have left before the peer did: not only after EPIPE. */
        if (n < (ssize_t)len_bytes) {
            (void)sigtimedwait(&sigpipe, NULL, &now);
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    errno = saved_errno;
    return n;
}

/* From the pipe into the socket.  Returns what left, fewer on a failure. */
static size_t splice_to_socket(const SplicePipe *p, int fd, size_t len_bytes)
{
    size_t done = 0;

    while (done < len_bytes) {
        ssize_t n = splice_without_signal(p->fd[0], fd, len_bytes - done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        done += n;
    }
    return done;
}

size_t splice_pipe_send(SplicePipe *p, int fd, const struct iovec *iov,
                        size_t niov)
{
    size_t done;
    ssize_t n;

    /* It is empty, so there is room; this is against waiting for ever. */
    p->used = true;
    do {
        n = vmsplice(p->fd[1], iov, niov, SPLICE_F_NONBLOCK);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        splice_pipe_refuse(p);
        return 0;
    }
    done = splice_to_socket(p, fd, n);
    if (done < (size_t)n) {
        splice_pipe_refuse(p);
    }
    return done;
}

ssize_t splice_pipe_fill(SplicePipe *p, int fd, size_t len_bytes)
{
    ssize_t n;

    do {
        n = splice(fd, NULL, p->fd[1], NULL, MIN(len_bytes, p->len_bytes),
                   SPLICE_F_MOVE);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        splice_pipe_refuse(p);
    }
    return n;
}

/* Returns what the file took of it; errno says why it is not all. */
static size_t splice_to_file(const SplicePipe *p,
                             const QIOChannelFileRange *to, size_t len_bytes)
{
    loff_t offset = to->offset;
    size_t done = 0;

    while (done < len_bytes) {
        ssize_t n = splice(p->fd[0], NULL, to->fd, &offset, len_bytes - done,
                           SPLICE_F_MOVE);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n < 0 ? errno : EIO;
            break;
        }
        done += n;
    }
    return done;
}

/* What is in the pipe was taken from the stream already. */
static int splice_to_memory(const SplicePipe *p, uint8_t *to, size_t len_bytes)
{
    while (len_bytes > 0) {
        ssize_t n = read(p->fd[0], to, len_bytes);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            /* EFAULT is what a full file system gives. */
            return errno == EFAULT ? -ENOSPC : -errno;
        }
        if (n == 0) {
            return -EIO;
        }
        to += n;
        len_bytes -= n;
    }
    return 0;
}

int splice_pipe_store(SplicePipe *p, const QIOChannelFileRange *to,
                      size_t len_bytes)
{
    size_t done;
    int ret;

    /*
     * The kernel lets one at a time write to a file, and has the others spin.  To
     * copy into the mapping is dearer, but all can do it.
     */
    if (qemu_mutex_trylock(to->lock) != 0) {
        return splice_to_memory(p, to->host, len_bytes);
    }
    done = splice_to_file(p, to, len_bytes);
    ret = -errno;
    qemu_mutex_unlock(to->lock);
    if (done == len_bytes) {
        return 0;
    }
    if (ret != -ENOSPC && ret != -EDQUOT && ret != -EIO && ret != -ENOMEM) {
        ret = splice_to_memory(p, to->host + done, len_bytes - done);
    }
    splice_pipe_refuse(p);
    return ret;
}
