/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSG_ZEROCOPY; see io/channel-socket-zero-copy.h.
 *
 * Entered by the thread that writes to the channel.  What is worth to be sent
 * like this is channel-socket.c's to say.
 *
 * The kernel counts the writes of a socket from 0, in 32 bits, and puts ranges
 * of their numbers into its error queue.  While something is in there poll(2)
 * says POLLERR, which so is no error.
 */
#include "qemu/osdep.h"
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include "channel-socket-zero-copy.h"

int socket_zero_copy_enable(SocketZeroCopy *zc, int fd, unsigned max_writes,
                            size_t max_write_bytes)
{
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) < 0) {
        return -errno;
    }
    zc->max_writes = max_writes;
    zc->max_write_bytes = max_write_bytes;
    return 0;
}

/* One entry of the error queue.  Those of other origin are not for us. */
static void zero_copy_note(SocketZeroCopy *zc, struct cmsghdr *cmsg)
{
    struct sock_extended_err err;

    if (cmsg->cmsg_len < CMSG_LEN(sizeof(err))) {
        return;
    }
    memcpy(&err, CMSG_DATA(cmsg), sizeof(err));
    if (err.ee_origin != SO_EE_ORIGIN_ZEROCOPY || err.ee_errno != 0) {
        return;
    }
    /* From ee_info to ee_data, both included. */
    zc->nr_done += (uint32_t)(err.ee_data - err.ee_info) + UINT64_C(1);
    if (!(err.ee_code & SO_EE_CODE_ZEROCOPY_COPIED)) {
        zc->by_reference = true;
    }
}

/* Takes what is in the error queue now.  Returns 0 or -errno. */
static int zero_copy_collect(SocketZeroCopy *zc, int fd)
{
    union {
        struct cmsghdr header;      /* for its alignment */
        char space[CMSG_SPACE(sizeof(struct sock_extended_err) +
                              sizeof(struct sockaddr_storage))];
    } control;

    for (;;) {
        struct msghdr msg = {
            .msg_control = control.space,
            .msg_controllen = sizeof(control.space),
        };

        if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
        }
        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg); cmsg;
             cmsg = CMSG_NXTHDR(&msg, cmsg)) {
            zero_copy_note(zc, cmsg);
        }
    }
}

/* Why poll(2) has returned @revents without a notification; 0: never mind. */
static int zero_copy_socket_error(int fd, short revents)
{
    int value = 0;
    socklen_t len = sizeof(value);

    if (revents && getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &len) < 0) {
        return -errno;
    }
    if (!value && (revents & (POLLHUP | POLLNVAL))) {
        value = EPIPE;
    }
    return -value;
}

/* Waits until at least one more write is done.  Returns 0 or -errno. */
static int zero_copy_wait(SocketZeroCopy *zc, int fd)
{
    uint64_t before = zc->nr_done;
    struct pollfd pfd = { .fd = fd };

    for (;;) {
        int ret = zero_copy_collect(zc, fd);

        if (ret < 0 || zc->nr_done > before) {
            return ret;
        }
        ret = zero_copy_socket_error(fd, pfd.revents);
        if (ret < 0) {
            return ret;
        }
        /* POLLERR and POLLHUP need not be asked for. */
        pfd.revents = 0;
        if (poll(&pfd, 1, -1) < 0 && errno != EINTR) {
            return -errno;
        }
    }
}

/* As much of a vector as one write may refer to; @cut is for a cut entry. */
static struct msghdr zero_copy_message(const SocketZeroCopy *zc,
                                       const struct iovec *iov, size_t niov,
                                       struct iovec *cut)
{
    struct msghdr msg = { .msg_iov = (struct iovec *)iov };
    size_t left_bytes = zc->max_write_bytes;

    while (msg.msg_iovlen < niov &&
           iov[msg.msg_iovlen].iov_len <= left_bytes) {
        left_bytes -= iov[msg.msg_iovlen++].iov_len;
    }
    if (msg.msg_iovlen == 0) {
        *cut = (struct iovec) { iov->iov_base, left_bytes };
        msg.msg_iov = cut;
        msg.msg_iovlen = 1;
    }
    return msg;
}

ssize_t socket_zero_copy_send(SocketZeroCopy *zc, int fd,
                              const struct iovec *iov, size_t niov)
{
    struct iovec cut;
    struct msghdr msg = zero_copy_message(zc, iov, niov, &cut);

    for (;;) {
        uint64_t nr_under_way = zc->nr_writes - zc->nr_done;
        bool full = nr_under_way >= zc->max_writes;
        ssize_t n = 0;
        int ret;

        if (!full) {
            n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_ZEROCOPY);
            if (n >= 0) {
                zc->nr_writes++;
                return n;
            }
            if (errno == EINTR) {
                continue;
            }
            /*
             * ENOBUFS: too much memory is locked, or too many notifications are
             * due.  Both get better with each write that is done.
             */
            if (errno != ENOBUFS || nr_under_way == 0) {
                return -errno;
            }
        }
        ret = zero_copy_wait(zc, fd);
        if (ret < 0) {
            return ret;
        }
    }
}

int socket_zero_copy_flush(SocketZeroCopy *zc, int fd)
{
    bool copied;

    while (zc->nr_done < zc->nr_writes) {
        int ret = zero_copy_wait(zc, fd);

        if (ret < 0) {
            return ret;
        }
    }
    copied = zc->nr_writes > zc->nr_flushed && !zc->by_reference;
    zc->nr_flushed = zc->nr_writes;
    zc->by_reference = false;
    return copied;
}
