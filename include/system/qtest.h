/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What -qtest and -qtest-log ask for.
 *
 * Threads: the main thread.  No locks.
 */
#ifndef SYSTEM_QTEST_H
#define SYSTEM_QTEST_H

#include <stdbool.h>

#include "accel/accel.h"
#include "accel/qtest.h"
#include "qemu/main-loop.h"
#include "system/command-line.h"

typedef struct Error Error;

/**
 * qtest_setup:
 * @cl: the command line; only read
 * @loop: the main loop; outlives the server
 * @accel: the machine's accelerator; outlives the server
 * @server: receives the server, which the caller frees with
 *          qtest_server_free(), or NULL when none is asked for
 * @errp: receives the reason on failure, or NULL
 *
 * Opens the log and listens.
 *
 * Context: the main thread.
 * Returns: false when that failed, or when another accelerator runs the guest.
 */
bool qtest_setup(const CommandLine *cl, MainLoop *loop, Accel *accel,
                 QTestServer **server, Error **errp);

#endif /* SYSTEM_QTEST_H */
