/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says of a DSA work queue, and whether it can find zero pages.
 *
 * Entered by any thread; reads files below /sys and holds no state.
 */
#ifndef QEMU_DSA_INFO_H
#define QEMU_DSA_INFO_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

#include "qapi/error.h"

/* Opcodes a device may have. */
#define DSA_NR_OPCODES 256

typedef enum DsaQueueMode {
    DSA_QUEUE_SHARED,
    DSA_QUEUE_DEDICATED,
} DsaQueueMode;

/* A file that is not there leaves its member 0, -1 for a node, or NULL. */
typedef struct DsaQueueInfo {
    char *name;                 /* "wq0.0" */
    char *dev_path;             /* "/dev/dsa/wq0.0" */
    char *sysfs_dir;            /* where the files are, for messages */
    char *device_dir;           /* the same of its device */
    /* of the queue */
    DsaQueueMode mode;
    char *mode_text;            /* as it stands there */
    char *type;                 /* "user", "kernel", "none" */
    char *state;                /* "enabled", "disabled" */
    char *label;                /* free text that its owner gave it */
    unsigned size;              /* entries */
    unsigned threshold;         /* shared: entries that users may fill */
    unsigned max_batch_size;    /* descriptors */
    uint64_t max_transfer_size; /* bytes */
    bool block_on_fault;
    bool ats_disable;
    bool prs_disable;
    unsigned clients;           /* who has it open */
    /* of the device */
    char *device_state;
    uint32_t version;           /* 0x100: DSA 1.0 */
    uint64_t gen_cap;
    int numa_node;              /* -1: not known */
    bool pasid_enabled;
    /* bit n: opcode n is offered; both the device's and the queue's word */
    bool opcodes_known;
    uint32_t opcodes[DSA_NR_OPCODES / 32];
} DsaQueueInfo;

/**
 * dsa_info_read:
 * @sysfs_root: "/sys", or another root in tests
 * @name: of a queue, "wqX.Y"
 * @errp: where to put the reason, or NULL
 *
 * Returns: what is written below /sys/bus/dsa/devices, to be freed with
 *          dsa_info_free(); NULL when there is no such queue
 */
DsaQueueInfo *dsa_info_read(const char *sysfs_root, const char *name,
                            Error **errp);

/**
 * dsa_info_list:
 * @sysfs_root: "/sys", or another root in tests
 * @errp: where to put the reason, or NULL
 *
 * Finds all DSA work queues, usable or not, in the order of their names.
 * Through libaccel-config where it is built in and @sysfs_root is "/sys".
 * Returns: an array of DsaQueueInfo that frees them; empty when there is no
 *          device or no driver; NULL when it cannot be told
 */
GPtrArray *dsa_info_list(const char *sysfs_root, Error **errp);

/**
 * dsa_info_check:
 * @info: what is known of a queue
 * @page_bytes: most bytes of one compare
 * @errp: where to put the reason, or NULL: which file, what it says, what to do
 *
 * Returns: false when the queue cannot find zero pages
 */
bool dsa_info_check(const DsaQueueInfo *info, uint64_t page_bytes,
                    Error **errp);

/**
 * dsa_info_has_opcode:
 * @info: what is known of a queue
 * @opcode: enum dsa_opcode
 *
 * Returns: true when it is offered, or nothing is known of opcodes
 */
bool dsa_info_has_opcode(const DsaQueueInfo *info, unsigned opcode);

/**
 * dsa_info_free:
 * @info: from dsa_info_read(), or NULL
 */
void dsa_info_free(DsaQueueInfo *info);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DsaQueueInfo, dsa_info_free)

#endif /* QEMU_DSA_INFO_H */
