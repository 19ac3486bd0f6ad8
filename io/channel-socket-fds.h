/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ancillary data of a message from a unix socket that holds descriptors.
 *
 * Threads: the reader's.  No locks.
 */
#ifndef IO_CHANNEL_SOCKET_FDS_H
#define IO_CHANNEL_SOCKET_FDS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <glib.h>

typedef struct Error Error;

/* As many as the kernel lets anybody put into one message (SCM_MAX_FD). */
#define SOCKET_FDS_MAX 253

/* Where recvmsg(2) puts them. */
typedef union SocketFdsControl {
    struct cmsghdr header;      /* for its alignment */
    char space[CMSG_SPACE(SOCKET_FDS_MAX * sizeof(int))];
} SocketFdsControl;

/**
 * socket_fds_expect:
 * @msg: what recvmsg(2) is about to get, with MSG_CMSG_CLOEXEC
 * @control: room; outlives @msg
 */
void socket_fds_expect(struct msghdr *msg, SocketFdsControl *control);

/**
 * socket_fds_collect:
 * @msg: what recvmsg(2) has filled
 * @fds: an array of int; what came is appended, nothing on failure
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when some of them were lost; the others are closed then
 */
bool socket_fds_collect(struct msghdr *msg, GArray *fds, Error **errp);

#endif
