/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sending channel does with its jobs when it writes to a file; see
 * migration/multifd/file.h.  For the files of the sending half only.
 *
 * Threads: see each function.  This header owns no locks.
 */
#ifndef MIGRATION_MULTIFD_SEND_FILE_H
#define MIGRATION_MULTIFD_SEND_FILE_H

#include "migration/multifd/send-internal.h"

/**
 * multifd_send_file_job:
 * @c: a channel that is a file
 * @job: the pages, or a run of holes
 * @zero: bit i is set when page i of @job, holes aside, is zero; is changed;
 *        NULL: none is
 * @errp: where to put the reason, or NULL
 *
 * Writes the job's pages.  They may be under way on return.
 * Context: the channel's thread.
 * Returns: false when something could not be written
 */
bool multifd_send_file_job(MultiFDSendChannel *c, const MultiFDJob *job,
                           unsigned long *zero, Error **errp);

/**
 * multifd_send_file_sync:
 * @c: a channel that is a file
 * @errp: where to put the reason, or NULL
 *
 * Waits for what is under way: the next round may write the same pages from
 * another thread.
 * Context: the channel's thread.
 * Returns: false when something could not be written
 */
bool multifd_send_file_sync(MultiFDSendChannel *c, Error **errp);

/**
 * multifd_send_file_free:
 * @file: what a channel has beside its thread, or NULL
 */
void multifd_send_file_free(MultiFDSendFile *file);

#endif
