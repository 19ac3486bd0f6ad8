/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may stand behind "dsa:soft?": the options of the software DSA device.
 *
 * Constant tables and pure functions, for any thread.
 */
#ifndef QEMU_DSA_SOFT_OPTIONS_H
#define QEMU_DSA_SOFT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "qapi/error.h"

/* A KEY=VALUE of "dsa:soft?...". */
typedef struct DsaSoftOption {
    const char *name;
    const char *value;          /* what may stand there: "shared|dedicated" */
    const char *initial;        /* the value when it is not given */
    const char *help;           /* one line for people */
} DsaSoftOption;

/**
 * dsa_soft_options:
 * @nr: where to put how many there are
 *
 * Returns: all options, a constant table
 */
const DsaSoftOption *dsa_soft_options(size_t *nr);

/**
 * dsa_soft_options_check:
 * @options: "KEY=VALUE,..."; NULL or "" for none
 * @errp: where to put the reason, or NULL
 *
 * Returns: false for an unknown key or a value that it cannot have
 */
bool dsa_soft_options_check(const char *options, Error **errp);

#endif /* QEMU_DSA_SOFT_OPTIONS_H */
