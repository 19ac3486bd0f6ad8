/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options that say which machine it is and what its guest consists of.
 *
 * Threads: the main thread, before anything runs.  No locks.
 */
#ifndef SYSTEM_CMDLINE_MACHINE_H
#define SYSTEM_CMDLINE_MACHINE_H

#include <stdbool.h>

#include "system/command-line.h"

typedef struct Error Error;

#define CMDLINE_MACHINE_NONE "none"
#define CMDLINE_MACHINE_MICRO "micro"

/**
 * cmdline_smp:
 * @cl: receives it
 * @arg: how many CPUs
 * @errp: receives the reason on failure, or NULL
 *
 * Reads the argument of -smp.
 *
 * Returns: false when it is malformed or too much.
 */
bool cmdline_smp(CommandLine *cl, const char *arg, Error **errp);

/**
 * cmdline_kernel:
 * @cl: receives it
 * @arg: a path
 * @errp: receives the reason on failure, or NULL
 *
 * Reads the argument of -kernel.
 *
 * Returns: true
 */
bool cmdline_kernel(CommandLine *cl, const char *arg, Error **errp);

/**
 * cmdline_serial:
 * @cl: receives it
 * @arg: stdio, file:PATH, unix:PATH[,server=on][,wait=off] or none
 * @errp: receives the reason on failure, or NULL
 *
 * Reads the argument of -serial.
 *
 * Returns: false when it is malformed.
 */
bool cmdline_serial(CommandLine *cl, const char *arg, Error **errp);

/**
 * cmdline_check_machine:
 * @cl: a whole command line
 * @errp: receives the reason on failure, or NULL
 *
 * Does what was said of the guest fit the machine?
 *
 * Returns: false when it does not.
 */
bool cmdline_check_machine(const CommandLine *cl, Error **errp);

/**
 * cmdline_guest:
 * @cl: a command line
 * @guest: receives what the accelerator has to know; points into @cl
 *
 * Returns: false, @guest untouched, for a machine without CPUs.
 */
bool cmdline_guest(const CommandLine *cl, GuestConfig *guest);

#endif /* SYSTEM_CMDLINE_MACHINE_H */
