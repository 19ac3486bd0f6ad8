/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engines of the software DSA device.  For util/dsa-soft*.c.
 */
#ifndef UTIL_DSA_SOFT_ENGINE_H
#define UTIL_DSA_SOFT_ENGINE_H

#include "qapi/error.h"
#include "dsa-soft-device.h"

typedef struct DsaSoftEngines DsaSoftEngines;

/**
 * dsa_soft_engine_start:
 * @dev: the device, set up; outlives the engines
 * @errp: where to put the reason, or NULL
 *
 * Starts as many threads as the device has engines, which may be none.
 * Returns: the engines, to be ended with dsa_soft_engine_stop(); NULL when
 *          there is no thread to be had
 */
DsaSoftEngines *dsa_soft_engine_start(DsaSoftDevice *dev, Error **errp);

/**
 * dsa_soft_engine_stop:
 * @engines: from dsa_soft_engine_start(), or NULL
 *
 * Closes the queue, has what is in it done, and joins the threads.
 */
void dsa_soft_engine_stop(DsaSoftEngines *engines);

/**
 * dsa_soft_engine_run:
 * @dev: the device
 * @work: in hand
 *
 * Carries out and answers what was submitted.
 * Context: an engine, or who submits where there are no engines.
 */
void dsa_soft_engine_run(DsaSoftDevice *dev, const DsaSoftWork *work);

#endif /* UTIL_DSA_SOFT_ENGINE_H */
