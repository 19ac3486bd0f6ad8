/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hardware queues: the character devices of the idxd driver.
 *
 * Entered by every thread that submits.  Three ways lead in: ENQCMD to the
 * mapped portal of a shared queue, MOVDIR64B to that of a dedicated one, and
 * write() where the kernel refuses the mapping, as it does to unprivileged
 * users of Sapphire and Emerald Rapids since 2024.  Which one is found out by
 * trying, for kernels differ.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "dsa-device.h"
#include "dsa-portal.h"

/* Slots of a portal: any takes a descriptor, several are faster than one. */
#define PORTAL_SLOTS (DSA_PORTAL_BYTES / sizeof(struct dsa_hw_desc))

typedef struct DsaDevice {
    DsaQueue queue;
    int fd;
    uint8_t *portal;            /* NULL: not mapped */
} DsaDevice;

/*
 * Descriptors that follow each other get slots that follow each other, and
 * those of different batches, which all begin at a page, begin at different
 * ones.
 */
static void *dsa_device_slot(DsaQueue *q, const struct dsa_hw_desc *desc)
{
    DsaDevice *d = container_of(q, DsaDevice, queue);
    uintptr_t addr = (uintptr_t)desc;
    size_t slot = (addr / sizeof(*desc) + addr / DSA_PORTAL_BYTES) %
                  PORTAL_SLOTS;

    return d->portal + slot * sizeof(*desc);
}

static int dsa_device_submit_enqcmd(DsaQueue *q,
                                    const struct dsa_hw_desc *desc,
                                    unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        if (!dsa_portal_enqcmd(dsa_device_slot(q, &desc[i]), &desc[i])) {
            return i;
        }
    }
    return nr;
}

static int dsa_device_submit_movdir64b(DsaQueue *q,
                                       const struct dsa_hw_desc *desc,
                                       unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        dsa_portal_movdir64b(dsa_device_slot(q, &desc[i]), &desc[i]);
    }
    return nr;
}

static int dsa_device_submit_write(DsaQueue *q, const struct dsa_hw_desc *desc,
                                   unsigned nr)
{
    DsaDevice *d = container_of(q, DsaDevice, queue);
    ssize_t n;

    do {
        n = write(d->fd, desc, nr * sizeof(*desc));
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EAGAIN ? 0 : -errno;
    }
    return MIN(n / sizeof(*desc), nr);
}

/* The kernel waits until the queue holds nothing of ours before close ends. */
static void dsa_device_free(DsaQueue *q)
{
    DsaDevice *d = container_of(q, DsaDevice, queue);

    if (d->portal) {
        munmap(d->portal, DSA_PORTAL_BYTES);
    }
    if (d->fd >= 0) {
        close(d->fd);
    }
    dsa_queue_destroy(q);
    g_free(d);
}

/* The portal was not inherited; something else may be at its address. */
static void dsa_device_abandon(DsaQueue *q)
{
    DsaDevice *d = container_of(q, DsaDevice, queue);

    close(d->fd);
    dsa_queue_forget(q);
    g_free(d);
}

static const DsaQueueOps dsa_device_enqcmd_ops = {
    .name = "enqcmd",
    .submit = dsa_device_submit_enqcmd,
    .free = dsa_device_free,
    .abandon = dsa_device_abandon,
};

static const DsaQueueOps dsa_device_movdir64b_ops = {
    .name = "movdir64b",
    .submit = dsa_device_submit_movdir64b,
    .free = dsa_device_free,
    .abandon = dsa_device_abandon,
};

static const DsaQueueOps dsa_device_write_ops = {
    .name = "write",
    .takes_many = true,
    .submit = dsa_device_submit_write,
    .free = dsa_device_free,
    .abandon = dsa_device_abandon,
};

static bool dsa_device_open_file(DsaDevice *d, const DsaQueueInfo *info,
                                 Error **errp)
{
    const char *advice = "look at the kernel's log";

    d->fd = open(info->dev_path, O_RDWR | O_CLOEXEC);
    if (d->fd >= 0) {
        return true;
    }
    if (errno == EACCES || errno == EPERM) {
        advice = "let this user read and write it (chown, or a udev rule)";
    } else if (errno == EBUSY) {
        advice = "a dedicated queue has one user at a time: end the other, or "
                 "make the queue shared";
    } else if (errno == ENOENT || errno == ENXIO) {
        advice = "enable the queue with type user (accel-config enable-wq)";
    }
    error_setg_errno(errp, errno, "cannot open DSA queue '%s' (%s)",
                     info->dev_path, advice);
    return false;
}

/* The portal's backend if the processor has its instruction, or NULL. */
static const DsaQueueOps *dsa_device_portal_ops(const DsaQueueInfo *info)
{
    DsaPortalCaps caps = dsa_portal_caps();

    if (info->mode == DSA_QUEUE_DEDICATED) {
        return caps.movdir64b ? &dsa_device_movdir64b_ops : NULL;
    }
    return caps.enqcmd ? &dsa_device_enqcmd_ops : NULL;
}

/*
 * Maps the portal where that is of use.  Who may not is left with write(); that
 * it works is proven later.
 */
static const DsaQueueOps *dsa_device_choose(DsaDevice *d,
                                            const DsaQueueInfo *info,
                                            Error **errp)
{
    const DsaQueueOps *ops = dsa_device_portal_ops(info);
    void *portal;

    if (!ops) {
        return &dsa_device_write_ops;
    }
    portal = mmap(NULL, DSA_PORTAL_BYTES, PROT_WRITE, MAP_SHARED, d->fd, 0);
    if (portal != MAP_FAILED) {
        d->portal = portal;
        return ops;
    }
    if (errno == EPERM) {
        return &dsa_device_write_ops;
    }
    error_setg_errno(errp, errno, "cannot map the portal of DSA queue '%s' "
                     "(disable and enable the queue, and look at the kernel's "
                     "log)", info->dev_path);
    return NULL;
}

DsaQueue *dsa_device_open(const DsaQueueInfo *info, const DsaNeeds *needs,
                          Error **errp)
{
    const DsaQueueOps *ops = NULL;
    DsaDevice *d;

    if (!dsa_info_check(info, needs->page_bytes, errp)) {
        return NULL;
    }
    d = g_new0(DsaDevice, 1);
    d->fd = -1;
    dsa_queue_init(&d->queue, &dsa_device_write_ops, info->dev_path);
    if (dsa_device_open_file(d, info, errp)) {
        ops = dsa_device_choose(d, info, errp);
    }
    if (!ops) {
        dsa_device_free(&d->queue);
        return NULL;
    }
    d->queue.ops = ops;
    if (!dsa_queue_set_limits(&d->queue, info, errp)) {
        dsa_device_free(&d->queue);
        return NULL;
    }
    return &d->queue;
}
