/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What submitters and engines of a software DSA device share.
 * For util/dsa-soft*.c.
 */
#ifndef UTIL_DSA_SOFT_DEVICE_H
#define UTIL_DSA_SOFT_DEVICE_H

#include <stdint.h>

#include "qemu/dsa-bell.h"
#include "dsa-soft-fault.h"
#include "dsa-soft-log.h"
#include "dsa-soft-memory.h"
#include "dsa-soft-options-internal.h"
#include "dsa-soft-queue.h"
#include "dsa-soft-timing.h"

typedef struct DsaSoftDevice {
    /* set once */
    DsaSoftConfig config;
    DsaSoftPagemap pagemap;
    DsaBell *bell;
    /* each with a rule of its own */
    DsaSoftFaults faults;
    DsaSoftTiming timing;
    DsaSoftQueue queue;
    DsaSoftLog log;             /* in use with DSA 2.0 */
    /* atomic */
    uint32_t swerror;           /* first error that is told nowhere else */
    uint32_t nr_shuffled;       /* batches */
} DsaSoftDevice;

#endif /* UTIL_DSA_SOFT_DEVICE_H */
