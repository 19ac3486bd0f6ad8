/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Software queues: the same ways in as hardware has, to the software device
 * (dsa-soft.c) in place of a portal or a file.
 *
 * Entered by every thread that submits.
 */
#include "qemu/osdep.h"

#include "qemu/dsa-soft.h"
#include "dsa-device.h"

typedef struct DsaSoftware {
    DsaQueue queue;
    DsaSoft *soft;
} DsaSoftware;

static int dsa_software_submit_portal(DsaQueue *q,
                                      const struct dsa_hw_desc *desc,
                                      unsigned nr)
{
    DsaSoftware *s = container_of(q, DsaSoftware, queue);

    for (unsigned i = 0; i < nr; i++) {
        if (q->dedicated) {
            dsa_soft_movdir64b(s->soft, &desc[i]);
        } else if (!dsa_soft_enqcmd(s->soft, &desc[i])) {
            return i;
        }
    }
    return nr;
}

static int dsa_software_submit_write(DsaQueue *q,
                                     const struct dsa_hw_desc *desc,
                                     unsigned nr)
{
    DsaSoftware *s = container_of(q, DsaSoftware, queue);
    ssize_t n = dsa_soft_write(s->soft, desc, nr * sizeof(*desc));

    if (n < 0) {
        return n == -EAGAIN ? 0 : n;
    }
    return n / sizeof(*desc);
}

static void dsa_software_proved(DsaQueue *q)
{
    dsa_soft_arm(container_of(q, DsaSoftware, queue)->soft);
}

static void dsa_software_free(DsaQueue *q)
{
    DsaSoftware *s = container_of(q, DsaSoftware, queue);

    dsa_soft_free(s->soft);
    dsa_queue_destroy(q);
    g_free(s);
}

/* The device sees by itself that its threads are not there. */
static void dsa_software_abandon(DsaQueue *q)
{
    DsaSoftware *s = container_of(q, DsaSoftware, queue);

    dsa_soft_free(s->soft);
    dsa_queue_forget(q);
    g_free(s);
}

/* Both are "soft": what they share with hardware is only the way in. */
static const DsaQueueOps dsa_software_portal_ops = {
    .name = "soft",
    .submit = dsa_software_submit_portal,
    .proved = dsa_software_proved,
    .free = dsa_software_free,
    .abandon = dsa_software_abandon,
};

static const DsaQueueOps dsa_software_write_ops = {
    .name = "soft-write",
    .takes_many = true,
    .submit = dsa_software_submit_write,
    .proved = dsa_software_proved,
    .free = dsa_software_free,
    .abandon = dsa_software_abandon,
};

DsaQueue *dsa_software_open(const char *options, DsaBell *bell,
                            const DsaNeeds *needs, Error **errp)
{
    DsaSoft *soft = dsa_soft_new(options, bell, errp);
    g_autofree char *path = NULL;
    DsaSoftware *s;

    if (!soft) {
        return NULL;
    }
    path = options && *options ? g_strdup_printf("soft?%s", options)
                               : g_strdup("soft");
    s = g_new0(DsaSoftware, 1);
    s->soft = soft;
    dsa_queue_init(&s->queue, dsa_soft_may_map(soft)
                              ? &dsa_software_portal_ops
                              : &dsa_software_write_ops, path);
    s->queue.rings = true;
    if (!dsa_info_check(dsa_soft_info(soft), needs->page_bytes, errp) ||
        !dsa_queue_set_limits(&s->queue, dsa_soft_info(soft), errp)) {
        dsa_software_free(&s->queue);
        return NULL;
    }
    return &s->queue;
}
