/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the queue finder share: reading small files of the kernel,
 * names of queues, and the list that libaccel-config makes.
 *
 * Any thread; no state.
 */
#ifndef UTIL_DSA_INFO_INTERNAL_H
#define UTIL_DSA_INFO_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

#include "qemu/dsa-info.h"

/* Where the kernel lists devices and queues, below the root. */
#define DSA_SYSFS_BUS "bus/dsa"
#define DSA_SYSFS_DEVICES DSA_SYSFS_BUS "/devices"

/**
 * dsa_sysfs_text:
 * @dir: a folder
 * @file: name of a file in it
 *
 * Reads a file of one line.  What cannot be printed becomes '?', so that the
 * text may stand in a message.
 * Returns: the line without blanks around it, to be freed with g_free(); NULL
 *          when there is no such file, or nothing in it
 */
char *dsa_sysfs_text(const char *dir, const char *file);

/**
 * dsa_sysfs_opcodes:
 * @text: of op_cap or op_config, or NULL
 * @opcodes: receives bit n for opcode n; untouched on failure
 *
 * Understands both ways in which kernels have written these files.
 * Returns: false when @text is neither
 */
bool dsa_sysfs_opcodes(const char *text, uint32_t *opcodes);

/**
 * dsa_sysfs_fill:
 * @info: with name and folders set; receives all the rest
 *
 * Reads the files of a queue and of its device.
 */
void dsa_sysfs_fill(DsaQueueInfo *info);

/**
 * dsa_name_parse:
 * @name: perhaps of a queue
 * @device: receives X of "wqX.Y"; untouched on failure
 * @queue: receives Y; untouched on failure
 *
 * Returns: false when it is no name of a queue
 */
bool dsa_name_parse(const char *name, unsigned *device, unsigned *queue);

/**
 * dsa_config_names:
 *
 * Asks libaccel-config which queues DSA devices have.
 * Returns: an array of names that frees them; NULL when it cannot tell, or is
 *          not built in
 */
GPtrArray *dsa_config_names(void);

#endif /* UTIL_DSA_INFO_INTERNAL_H */
