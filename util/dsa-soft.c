/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software DSA device: how it is made and ended, what the kernel would say
 * of it, and the ways in.
 *
 * Entered by any thread that submits.  How a descriptor is carried out is in
 * dsa-soft-engine.c and below.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/dsa-soft.h"
#include "dsa-soft-device.h"
#include "dsa-soft-engine.h"
#include "dsa-soft-work.h"

/*
 * gen_cap of Sapphire Rapids; that of the newer profile has fault information
 * in records, an event log with entries of 64 bytes, and batch continuation
 * besides.
 */
#define GEN_CAP_SPR     UINT64_C(0x40915f010f)
#define GEN_CAP_DSA2    (GEN_CAP_SPR | 1 << 12 | 1 << 13 | 1 << 15)

/* Status of a submission that a full dedicated queue dropped. */
#define DSA_SWERR_QUEUE_OVERFLOW 0x53

struct DsaSoft {
    /* set once */
    DsaSoftDevice dev;
    DsaQueueInfo info;
    DsaSoftEngines *engines;
    pid_t pid;                  /* whose threads they are */
};

static void fill_info(DsaQueueInfo *info, const DsaSoftConfig *config)
{
    static const char *const types[] = {
        [DSA_SOFT_USER] = "user",
        [DSA_SOFT_KERNEL] = "kernel",
        [DSA_SOFT_NO_TYPE] = "none",
    };

    *info = (DsaQueueInfo) {
        .name = g_strdup("soft"),
        .sysfs_dir = g_strdup("dsa:soft"),
        .device_dir = g_strdup("dsa:soft"),
        .mode = config->dedicated ? DSA_QUEUE_DEDICATED : DSA_QUEUE_SHARED,
        .mode_text = g_strdup(config->dedicated ? "dedicated" : "shared"),
        .type = g_strdup(types[config->type]),
        .state = g_strdup(config->disabled ? "disabled" : "enabled"),
        .label = g_strdup("software"),
        .size = config->size,
        .threshold = config->threshold,
        .max_batch_size = config->max_batch_size,
        .max_transfer_size = config->max_transfer_size,
        .block_on_fault = config->block_on_fault,
        .clients = 1,
        .device_state = g_strdup("enabled"),
        .version = config->dsa2 ? 0x200 : 0x100,
        .gen_cap = config->dsa2 ? GEN_CAP_DSA2 : GEN_CAP_SPR,
        .numa_node = config->numa_node == UINT64_MAX ? -1 :
                     (int)config->numa_node,
        .pasid_enabled = true,
        .opcodes_known = true,
        .opcodes = { config->opcodes, config->opcodes >> 32 },
    };
}

static void clear_info(DsaQueueInfo *info)
{
    g_free(info->name);
    g_free(info->sysfs_dir);
    g_free(info->device_dir);
    g_free(info->mode_text);
    g_free(info->type);
    g_free(info->state);
    g_free(info->label);
    g_free(info->device_state);
}

DsaSoft *dsa_soft_new(const char *options, DsaBell *bell, Error **errp)
{
    DsaSoft *soft = g_new0(DsaSoft, 1);
    DsaSoftDevice *dev = &soft->dev;

    dev->pagemap.fd = -1;
    if (!dsa_soft_options_parse(&dev->config, options, errp) ||
        !dsa_soft_pagemap_open(&dev->pagemap, errp)) {
        g_free(soft);
        return NULL;
    }
    dev->bell = bell;
    soft->pid = getpid();
    dsa_soft_fault_init(&dev->faults, &dev->config);
    dsa_soft_timing_init(&dev->timing, &dev->config);
    dsa_soft_queue_init(&dev->queue, &dev->faults, dev->config.size);
    dsa_soft_log_init(&dev->log);
    fill_info(&soft->info, &dev->config);
    soft->engines = dsa_soft_engine_start(dev, errp);
    if (!soft->engines) {
        dsa_soft_free(soft);
        return NULL;
    }
    return soft;
}

void dsa_soft_free(DsaSoft *soft)
{
    if (!soft) {
        return;
    }
    if (soft->pid == getpid()) {
        dsa_soft_engine_stop(soft->engines);
        dsa_soft_queue_destroy(&soft->dev.queue);
        dsa_soft_log_destroy(&soft->dev.log);
    } else {
        /* A child has no engines, and locks as they were when it forked. */
        g_free(soft->engines);
        g_free(soft->dev.queue.entry);
    }
    dsa_soft_pagemap_close(&soft->dev.pagemap);
    clear_info(&soft->info);
    g_free(soft);
}

const DsaQueueInfo *dsa_soft_info(const DsaSoft *soft)
{
    return &soft->info;
}

bool dsa_soft_may_map(const DsaSoft *soft)
{
    return soft->dev.config.portal;
}

void dsa_soft_arm(DsaSoft *soft)
{
    dsa_soft_fault_arm(&soft->dev.faults);
}

unsigned dsa_soft_swerror(DsaSoft *soft)
{
    return qatomic_read(&soft->dev.swerror);
}

bool dsa_soft_event_take(DsaSoft *soft, DsaSoftEvent *event)
{
    return dsa_soft_log_take(&soft->dev.log, event);
}

/* False when the queue has @limit entries. */
static bool accept_desc(DsaSoft *soft, const struct dsa_hw_desc *desc,
                        unsigned limit)
{
    DsaSoftDevice *dev = &soft->dev;
    int64_t now_ns = dsa_soft_timing_submit(&dev->timing);
    DsaSoftWork work;

    if (dev->config.engines || dsa_soft_fault_dead(&dev->faults)) {
        return dsa_soft_queue_push(&dev->queue, desc, limit, now_ns);
    }
    dsa_soft_queue_begin(&dev->queue, &work, desc, now_ns);
    dsa_soft_engine_run(dev, &work);
    dsa_soft_queue_finish(&dev->queue, &work);
    return true;
}

static bool is_enabled(DsaSoft *soft)
{
    return !soft->dev.config.disabled &&
           !dsa_soft_fault_halted(&soft->dev.faults);
}

static bool submit_shared(DsaSoft *soft, const struct dsa_hw_desc *desc)
{
    return is_enabled(soft) && !soft->dev.config.dedicated &&
           !dsa_soft_fault_submission(&soft->dev.faults) &&
           accept_desc(soft, desc, soft->dev.config.threshold);
}

static void submit_dedicated(DsaSoft *soft, const struct dsa_hw_desc *desc)
{
    if (!is_enabled(soft) || !soft->dev.config.dedicated) {
        return;
    }
    if (dsa_soft_fault_submission(&soft->dev.faults) ||
        !accept_desc(soft, desc, soft->dev.config.size)) {
        dsa_soft_work_error(&soft->dev, DSA_SWERR_QUEUE_OVERFLOW);
    }
}

bool dsa_soft_enqcmd(DsaSoft *soft, const void *desc)
{
    struct dsa_hw_desc copy;

    memcpy(&copy, desc, sizeof(copy));
    /* The instruction puts the process's PASID there and nothing else. */
    copy.pasid = copy.rsvd = copy.priv = 0;
    return submit_shared(soft, &copy);
}

void dsa_soft_movdir64b(DsaSoft *soft, const void *desc)
{
    struct dsa_hw_desc copy;

    memcpy(&copy, desc, sizeof(copy));
    submit_dedicated(soft, &copy);
}

static int write_desc(DsaSoft *soft, struct dsa_hw_desc *desc)
{
    const DsaSoftConfig *config = &soft->dev.config;

    if ((desc->opcode == DSA_OPCODE_BATCH && !config->portal &&
         !config->dsa2) ||
        !QEMU_IS_ALIGNED(desc->completion_addr,
                         sizeof(struct dsa_completion_record))) {
        return -EINVAL;
    }
    desc->pasid = desc->priv = 0;
    if (!config->dedicated) {
        return submit_shared(soft, desc) ? 0 : -EAGAIN;
    }
    if (!is_enabled(soft)) {
        return -EAGAIN;
    }
    /* The kernel cannot see either whether it fits. */
    submit_dedicated(soft, desc);
    return 0;
}

ssize_t dsa_soft_write(DsaSoft *soft, const void *buf, size_t len)
{
    struct dsa_hw_desc desc;
    ssize_t done = 0;
    int err = 0;

    if (soft->pid != getpid()) {
        return -EPERM;
    }
    while (!err && len - done >= sizeof(desc)) {
        if (!dsa_soft_memory_copy_in(&desc, (const char *)buf + done,
                                     sizeof(desc))) {
            err = -EFAULT;
        } else {
            err = write_desc(soft, &desc);
        }
        if (!err) {
            done += sizeof(desc);
        }
    }
    return done ? done : err;
}
