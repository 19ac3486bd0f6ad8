/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main stream where it is a file, in which one can go to another place.
 *
 * Threads: as the stream's own functions.  This header owns no locks.
 */
#ifndef MIGRATION_STREAM_STREAM_FILE_H
#define MIGRATION_STREAM_STREAM_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include "migration/stream/stream.h"

/**
 * stream_in_is_file:
 * @s: a stream
 *
 * Returns: whether it reads from a file, which the functions below ask for
 */
bool stream_in_is_file(const MigStreamIn *s);

/**
 * stream_in_fd:
 * @s: a stream that is a file
 *
 * Returns: the file's descriptor, owned by the stream's channel
 */
int stream_in_fd(const MigStreamIn *s);

/**
 * stream_in_offset:
 * @s: a stream that is a file
 *
 * Returns: where in the file the next byte comes from
 */
uint64_t stream_in_offset(const MigStreamIn *s);

/**
 * stream_in_seek:
 * @s: a stream that is a file
 * @offset: where in the file to go on
 * @errp: where to put the reason, or NULL
 *
 * Bytes that are left out do not count as taken.
 * Returns: false when no file is that long
 */
bool stream_in_seek(MigStreamIn *s, uint64_t offset, Error **errp);

#endif
