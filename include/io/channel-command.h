/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel to a program: what is written is its standard input, what is read
 * its standard output.  Its standard error is ours.  It has a session of its
 * own, without a terminal, and none of our other descriptors.
 *
 * Threads: as io/channel.h.  Locks: one per channel, private, a leaf.
 */
#ifndef IO_CHANNEL_COMMAND_H
#define IO_CHANNEL_COMMAND_H

#include <stdbool.h>
#include "io/channel.h"

/**
 * qio_channel_command_new:
 * @argv: the program, looked for in PATH unless there is a slash in it, and its
 *        arguments; ends with NULL
 * @text: what messages call it; copied
 * @errp: where to put the reason, or NULL
 *
 * Starts the program.  When the channel goes, so does the program, at latest:
 * it is asked by SIGTERM, with all it has started, and not waited for long.
 * A program that ends with a status other than 0 fails reads at the end of its
 * output, and one that ends at all fails writes.
 * Context: any thread.
 * Returns: a new channel, or NULL when it cannot be started
 */
QIOChannel *qio_channel_command_new(const char *const *argv, const char *text,
                                    Error **errp);

/**
 * qio_channel_is_command:
 * @ioc: a channel
 *
 * Context: any thread.
 * Returns: whether it is of this kind
 */
bool qio_channel_is_command(const QIOChannel *ioc);

/**
 * qio_channel_command_finish:
 * @ioc: a command channel to which all was written
 * @errp: where to put the reason, or NULL
 *
 * Ends the program's input, and waits until the program has ended; what it says
 * meanwhile is dropped.  Shutting the writing direction ends the wait.
 * Context: the writing thread; nobody reads.
 * Returns: true when its status was 0
 */
bool qio_channel_command_finish(QIOChannel *ioc, Error **errp);

#endif
