/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of the software DSA device as numbers.  For util/dsa-soft*.c.
 */
#ifndef UTIL_DSA_SOFT_OPTIONS_INTERNAL_H
#define UTIL_DSA_SOFT_OPTIONS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "qapi/error.h"
#include "qemu/dsa-soft-options.h"

/* An event that comes after so many others, but never comes. */
#define DSA_SOFT_NEVER UINT64_MAX

/* Most members that a batch of any device may have. */
#define DSA_SOFT_BATCH_MAX 1024

typedef enum DsaSoftType {
    DSA_SOFT_USER,
    DSA_SOFT_KERNEL,
    DSA_SOFT_NO_TYPE,
} DsaSoftType;

/*
 * One member an option, in the order of the table.  Switches are 0 or 1,
 * words their place among those that may stand there.
 */
typedef struct DsaSoftConfig {
    /* the queue and its device */
    uint64_t dsa2;              /* profile: DSA 2.0, not Sapphire Rapids */
    uint64_t dedicated;
    uint64_t size;              /* entries */
    uint64_t threshold;         /* entries that users may fill */
    uint64_t max_batch_size;    /* descriptors */
    uint64_t max_transfer_size; /* bytes */
    uint64_t block_on_fault;
    uint64_t engines;           /* 0: whoever submits */
    uint64_t portal;            /* mapping is allowed */
    uint64_t disabled;
    uint64_t type;              /* DsaSoftType */
    uint64_t opcodes;           /* bit n: opcode n */
    uint64_t numa_node;         /* UINT64_MAX: not known */
    uint64_t shuffle;           /* seed; 0: members in order */
    uint64_t inexact;           /* bytes: 0, 32, 64 */
    /* the timing model */
    uint64_t timing;
    uint64_t latency_ns;        /* from acceptance to the record, at least */
    uint64_t descriptor_ns;     /* of an engine, for each descriptor */
    uint64_t bandwidth;         /* bytes/s of the whole device */
    uint64_t submit_ns;         /* for which the submitter is held */
    uint64_t batch_ns;          /* until the list has been fetched */
    uint64_t fault_us;          /* for each page fault that is waited for */
    /* injected faults; an interval of 0 is never */
    uint64_t faults_from_open;
    uint64_t full;              /* submissions refused */
    uint64_t fault_every;       /* compares */
    uint64_t fault_at;          /* byte of the compare */
    uint64_t fault_write;
    uint64_t fault_refused;
    uint64_t list_fault_every;  /* batches */
    uint64_t lose_every;        /* records of what was submitted by itself */
    uint64_t status_every;      /* compares */
    uint64_t status;
    uint64_t batch_status_every;
    uint64_t batch_status;
    uint64_t batch_flag_every;
    uint64_t stuck_after;       /* compares, or DSA_SOFT_NEVER */
    uint64_t halt_after;        /* compares, or DSA_SOFT_NEVER */
    uint64_t slow_us;
} DsaSoftConfig;

/**
 * dsa_soft_options_parse:
 * @config: receives the options; untouched on failure
 * @options: "KEY=VALUE,..."; NULL or "" for none; of a key that comes twice
 *           the last one counts
 * @errp: where to put the reason, or NULL
 *
 * Reads the options and checks that they go together.
 * Context: any thread.
 * Returns: false for what no device can be
 */
bool dsa_soft_options_parse(DsaSoftConfig *config, const char *options,
                            Error **errp);

#endif /* UTIL_DSA_SOFT_OPTIONS_INTERNAL_H */
