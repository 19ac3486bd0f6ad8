/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors out of ancillary data; see io/channel-socket-fds.h.
 *
 * Entered by who reads from the channel.  What becomes of them is left to who
 * asked for them.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "channel-socket-fds.h"

void socket_fds_expect(struct msghdr *msg, SocketFdsControl *control)
{
    msg->msg_control = control->space;
    msg->msg_controllen = sizeof(control->space);
}

static void socket_fds_append(struct cmsghdr *cmsg, GArray *fds)
{
    size_t nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

    for (size_t i = 0; i < nr; i++) {
        int fd;

        memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
        g_array_append_val(fds, fd);
    }
}

bool socket_fds_collect(struct msghdr *msg, GArray *fds, Error **errp)
{
    guint before = fds->len;

    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg;
         cmsg = CMSG_NXTHDR(msg, cmsg)) {
        if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS) {
            socket_fds_append(cmsg, fds);
        }
    }
    if (!(msg->msg_flags & MSG_CTRUNC)) {
        return true;
    }
    error_setg(errp, "only %u of the file descriptors of a message could be"
               " taken: this process must not have more open (ulimit -n)",
               fds->len - before);
    while (fds->len > before) {
        close(g_array_index(fds, int, fds->len - 1));
        g_array_set_size(fds, fds->len - 1);
    }
    return false;
}
