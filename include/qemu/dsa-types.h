/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words that the DSA library and its callers share: how to wait, why the CPU
 * had to do a page, and the counters.
 *
 * Plain data; no functions, no threads, no locks.
 */
#ifndef QEMU_DSA_TYPES_H
#define QEMU_DSA_TYPES_H

#include <stdbool.h>
#include <stdint.h>

/* One thread's way to the queues of a group. */
typedef struct DsaLane DsaLane;

/* Most pages of a batch, whatever a queue would take. */
#define DSA_BATCH_PAGES_MAX 1024

/* How long a batch may take before its device is given up. */
#define DSA_TIMEOUT_MS_DEFAULT 1000

/* Who looks for completion records. */
typedef enum DsaCompletion {
    DSA_COMPLETION_THREAD,      /* the thread dsa_completion, by polling */
    DSA_COMPLETION_IN_THREAD,   /* whoever waits: polling, then UMWAIT */
} DsaCompletion;

/* Why the CPU, and not a device, told whether a page is zero. */
typedef enum DsaCpuReason {
    DSA_CPU_PAGE_FAULT,         /* finished from where the device stopped */
    DSA_CPU_NOT_DONE,           /* the device ended the batch before it */
    DSA_CPU_QUEUE_FULL,         /* no queue took it */
    DSA_CPU_TIMEOUT,            /* no answer in time */
    DSA_CPU_DEVICE_ERROR,       /* an answer that no working device gives */
    DSA_CPU_NO_QUEUE,           /* all queues were given up, or a fork */
    DSA_CPU__MAX,
} DsaCpuReason;

/* Of one queue. */
typedef struct DsaQueueCounters {
    uint64_t batches;           /* Batch descriptors it took */
    uint64_t descriptors;       /* compares it took, alone or in batches */
    uint64_t bytes;             /* of memory those were to look at */
    uint64_t retries;           /* submissions it refused: was full */
    uint64_t full;              /* times it was passed over for being full */
} DsaQueueCounters;

/* Of all queues together. */
typedef struct DsaCounters {
    DsaQueueCounters queues;    /* sum */
    uint64_t page_faults;       /* the device did not wait for the page */
    uint64_t page_faults_unresolved; /* the kernel refused the page */
    uint64_t list_faults;       /* on a batch's list of descriptors */
    uint64_t cpu_pages[DSA_CPU__MAX];
    uint64_t waits;             /* batches that were not done when asked for */
    uint64_t wait_ns;           /* time spent in those */
} DsaCounters;

typedef struct DsaQueueStatus {
    char *path;                 /* "/dev/dsa/wq0.0", "soft" with options */
    const char *backend;        /* "enqcmd", "movdir64b", "write", "soft"... */
    bool dedicated;
    unsigned max_batch_pages;   /* 1: takes no batches */
    int numa_node;              /* -1: not known */
    char *given_up;             /* why it is used no more, or NULL */
    DsaQueueCounters counters;
} DsaQueueStatus;

/* What a group is and has done; see dsa_group_status(). */
typedef struct DsaStatus {
    DsaCompletion completion;
    DsaCounters counters;
    unsigned nr_queues;
    DsaQueueStatus *queue;
} DsaStatus;

#endif /* QEMU_DSA_TYPES_H */
