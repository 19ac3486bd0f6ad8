/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What connecting and listening have in common: descriptors and programs, which
 * are there or are not.  For this folder alone.
 *
 * Threads: any.  This header owns no locks.
 */
#ifndef MIGRATION_TRANSPORT_TRANSPORT_INTERNAL_H
#define MIGRATION_TRANSPORT_TRANSPORT_INTERNAL_H

#include <stdbool.h>
#include "io/channel.h"
#include "qapi/qapi-types-migration.h"

typedef struct FdStore FdStore;

/* What "exec:COMMAND" stands for, before the command. */
#define TRANSPORT_SHELL "/bin/sh"
#define TRANSPORT_SHELL_OPTION "-c"

/**
 * transport_exec_is_shell:
 * @exec: a program and its arguments
 *
 * Returns: whether that is a command for the shell, as "exec:COMMAND" makes it
 */
bool transport_exec_is_shell(const MigrationExecCommand *exec);

/**
 * transport_exec_text:
 * @exec: a program and its arguments
 *
 * Returns: what messages call it, to be g_free()d
 */
char *transport_exec_text(const MigrationExecCommand *exec);

/**
 * transport_exec_channel:
 * @exec: a program and its arguments
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread.
 * Returns: a channel to the program, which runs; or NULL
 */
QIOChannel *transport_exec_channel(const MigrationExecCommand *exec,
                                   Error **errp);

/**
 * transport_take_fd:
 * @addr: the name of a descriptor
 * @fds: where it is, or NULL
 * @for_writing: whether it is to be written or read
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread.
 * Returns: the descriptor, the caller's; -1 when there is none, or it is open for
 *          the other direction only
 */
int transport_take_fd(const FdSocketAddress *addr, FdStore *fds,
                      bool for_writing, Error **errp);

/**
 * transport_fd_listens:
 * @fd: a descriptor
 *
 * Returns: whether it is a socket that others can connect to
 */
bool transport_fd_listens(int fd);

/**
 * transport_fd_channel:
 * @fd: a connected socket, a pipe, a character device, a file or a block
 *      device; taken over, on failure, too
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread.
 * Returns: a channel of the kind that it takes, or NULL
 */
QIOChannel *transport_fd_channel(int fd, Error **errp);

#endif
