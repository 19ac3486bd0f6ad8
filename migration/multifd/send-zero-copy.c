/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capability zero-copy-send: how much a channel may have locked, and the wait at
 * each SYNC until the kernel refers to no page any more.
 *
 * Entered by the migration thread before a channel starts, then by its
 * multifdsend_N.  How pages are sent by reference is the channel's matter; that
 * a page may change meanwhile does no harm, since it is then sent again.
 */
#include "qemu/osdep.h"
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include "io/channel-zero-copy.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "migration/multifd/send-internal.h"

/* What the kernel reckons with on top of the pages of a write. */
#define ZERO_COPY_EXTRA_PAGES 2

/* With it the kernel counts nothing, except in a namespace of users. */
static bool zero_copy_has_cap_ipc_lock(void)
{
    struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3,
    };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

    return syscall(SYS_capget, &header, data) == 0 &&
           (data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective &
            CAP_TO_MASK(CAP_IPC_LOCK));
}

/*
 * The limit is one for all channels.  Each keeps to its share, so that none finds
 * all of it taken by others, for which it could not wait.
 */
bool multifd_send_set_zero_copy(MultiFDSendChannel *c, Error **errp)
{
    const MultiFDSend *send = c->send;
    uint64_t extra_bytes = ZERO_COPY_EXTRA_PAGES * TARGET_PAGE_SIZE;
    uint64_t packet_bytes = send->packet_pages * TARGET_PAGE_SIZE;
    uint64_t write_bytes = packet_bytes;
    uint64_t share;
    struct rlimit limit;

    if (!send->config->zero_copy_send) {
        return true;
    }
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 ||
        limit.rlim_cur == RLIM_INFINITY || zero_copy_has_cap_ipc_lock()) {
        return qio_channel_set_zero_copy(c->ioc, UINT_MAX, SIZE_MAX, errp);
    }
    share = limit.rlim_cur / send->config->multifd_channels;
    if (share < packet_bytes + extra_bytes) {
        write_bytes = MAX(share, extra_bytes + TARGET_PAGE_SIZE) - extra_bytes;
        write_bytes = ROUND_DOWN(write_bytes, TARGET_PAGE_SIZE);
    }
    share = MIN(MAX(share / (write_bytes + extra_bytes), UINT64_C(1)),
                (uint64_t)UINT_MAX);
    return qio_channel_set_zero_copy(c->ioc, (unsigned)share, write_bytes,
                                     errp);
}

bool multifd_send_flush_zero_copy(MultiFDSendChannel *c, Error **errp)
{
    if (!c->send->config->zero_copy_send) {
        return true;
    }
    switch (qio_channel_flush_zero_copy(c->ioc, errp)) {
    case QIO_CHANNEL_ZERO_COPY_FAILED:
        return false;
    case QIO_CHANNEL_ZERO_COPY_MISSED:
        qatomic_add(&c->send->stats->zero_copy_missed, 1);
        break;
    case QIO_CHANNEL_ZERO_COPY_DONE:
        break;
    }
    return true;
}
