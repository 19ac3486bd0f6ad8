/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main channel as a stream of big-endian fields.  Two types, for a stream
 * goes one way: MigStreamOut gathers small fields in a buffer and large ones by
 * reference and writes them with few vectored calls; MigStreamIn buffers small
 * reads and lets large ones go straight to their place.
 *
 * Errors of the output side are held inside: after the first failed write all
 * puts do nothing, and the next stream_out_flush() reports it.  Input reports
 * each failed read at once.
 *
 * Threads: each stream belongs to one thread; stream_out_bytes() and
 * stream_in_bytes() may be called from any.  This header owns no locks.
 */
#ifndef MIGRATION_STREAM_STREAM_H
#define MIGRATION_STREAM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>
#include "io/channel.h"

typedef struct MigStreamOut MigStreamOut;
typedef struct MigStreamIn MigStreamIn;

/* Longest str8 and its NUL. */
#define STREAM_STR8_MAX 256

/* The most that stream_put_space() makes room for. */
#define STREAM_SPACE_MAX_BYTES 16384

/**
 * stream_out_new:
 * @ioc: a blocking channel; a reference is taken.  NULL makes a stream that
 *       gathers in memory, see stream_out_steal()
 *
 * Returns: an empty output stream
 */
MigStreamOut *stream_out_new(QIOChannel *ioc);

/**
 * stream_out_free:
 * @s: a stream, or NULL; what was not flushed is lost
 */
void stream_out_free(MigStreamOut *s);

/**
 * stream_put_byte:
 * @s: a stream
 * @v: the field
 */
void stream_put_byte(MigStreamOut *s, uint8_t v);

/**
 * stream_put_be16:
 * @s: a stream
 * @v: the field
 */
void stream_put_be16(MigStreamOut *s, uint16_t v);

/**
 * stream_put_be32:
 * @s: a stream
 * @v: the field
 */
void stream_put_be32(MigStreamOut *s, uint32_t v);

/**
 * stream_put_be64:
 * @s: a stream
 * @v: the field
 */
void stream_put_be64(MigStreamOut *s, uint64_t v);

/**
 * stream_put_buffer:
 * @s: a stream
 * @buf: bytes, copied
 * @len_bytes: how many
 */
void stream_put_buffer(MigStreamOut *s, const void *buf, size_t len_bytes);

/**
 * stream_put_space:
 * @s: a stream
 * @len_bytes: how many bytes, at most STREAM_SPACE_MAX_BYTES
 *
 * Puts bytes that the caller writes to their place, all of them, before it does
 * anything else with the stream: for many small fields at once.
 * Returns: their place; NULL once a write has failed
 */
uint8_t *stream_put_space(MigStreamOut *s, size_t len_bytes);

/**
 * stream_put_buffer_ref:
 * @s: a stream
 * @buf: bytes that stay where they are until the next stream_out_flush() of
 *       the caller has returned; guest memory may change meanwhile
 * @len_bytes: how many
 *
 * Puts without copying.
 */
void stream_put_buffer_ref(MigStreamOut *s, const void *buf, size_t len_bytes);

/**
 * stream_put_str8:
 * @s: a stream
 * @str: at most 255 bytes and a NUL; a longer one makes the stream fail
 */
void stream_put_str8(MigStreamOut *s, const char *str);

/**
 * stream_out_ok:
 * @s: a stream
 *
 * Returns: false once a write has failed
 */
bool stream_out_ok(const MigStreamOut *s);

/**
 * stream_out_flush:
 * @s: a stream
 * @errp: where to put the reason of the first failed write, or NULL
 *
 * Writes all that was put.
 * Returns: false when this or an earlier write failed
 */
bool stream_out_flush(MigStreamOut *s, Error **errp);

/**
 * stream_out_bytes:
 * @s: a stream
 *
 * Context: any thread.
 * Returns: bytes put so far, written or not
 */
uint64_t stream_out_bytes(const MigStreamOut *s);

/**
 * stream_out_steal:
 * @s: a stream without a channel
 *
 * Returns: what was put, the caller's; the stream is empty again
 */
GByteArray *stream_out_steal(MigStreamOut *s);

/**
 * stream_in_new:
 * @ioc: a blocking channel; a reference is taken
 * @initial: bytes already read from it, copied; may be NULL
 * @initial_len_bytes: how many
 *
 * Returns: a stream that gives @initial first
 */
MigStreamIn *stream_in_new(QIOChannel *ioc, const void *initial,
                           size_t initial_len_bytes);

/**
 * stream_in_free:
 * @s: a stream, or NULL
 */
void stream_in_free(MigStreamIn *s);

/**
 * stream_get_byte:
 * @s: a stream
 * @v: where to put the field; untouched on failure
 * @errp: where to put the reason, or NULL
 *
 * Returns: false at end of stream or on a read error; so do all that follow.
 *          The reason says at which byte of the stream it ended.
 */
bool stream_get_byte(MigStreamIn *s, uint8_t *v, Error **errp);

/**
 * stream_get_be16:
 * @s: a stream
 * @v: where to put the field; untouched on failure
 * @errp: where to put the reason, or NULL
 */
bool stream_get_be16(MigStreamIn *s, uint16_t *v, Error **errp);

/**
 * stream_get_be32:
 * @s: a stream
 * @v: where to put the field; untouched on failure
 * @errp: where to put the reason, or NULL
 */
bool stream_get_be32(MigStreamIn *s, uint32_t *v, Error **errp);

/**
 * stream_get_be64:
 * @s: a stream
 * @v: where to put the field; untouched on failure
 * @errp: where to put the reason, or NULL
 */
bool stream_get_be64(MigStreamIn *s, uint64_t *v, Error **errp);

/**
 * stream_get_buffer:
 * @s: a stream
 * @buf: where to put the bytes; large reads go straight there
 * @len_bytes: how many
 * @errp: where to put the reason, or NULL
 */
bool stream_get_buffer(MigStreamIn *s, void *buf, size_t len_bytes,
                       Error **errp);

/**
 * stream_get_str8:
 * @s: a stream
 * @str: where to put the string and a NUL
 * @errp: where to put the reason, or NULL
 *
 * Refused: NUL and other control characters, and what is not UTF-8, for such
 * strings end up in messages.
 */
bool stream_get_str8(MigStreamIn *s, char str[STREAM_STR8_MAX], Error **errp);

/**
 * stream_skip:
 * @s: a stream
 * @len_bytes: how many bytes to drop
 * @errp: where to put the reason, or NULL
 */
bool stream_skip(MigStreamIn *s, uint64_t len_bytes, Error **errp);

/**
 * stream_peek:
 * @s: a stream
 * @buf: where to copy what comes next
 * @len_bytes: how many bytes, at most 1024
 * @errp: where to put the reason, or NULL
 *
 * Looks ahead; waits for the bytes but does not take them.
 * Returns: how many there are, fewer than asked only at the end of the stream;
 *          -1 on a read error
 */
ssize_t stream_peek(MigStreamIn *s, void *buf, size_t len_bytes, Error **errp);

/**
 * stream_in_fill:
 * @s: a stream
 * @len_bytes: how many bytes are to be there, at most 256 KiB
 *
 * Waits until stream_in_buffered() has so much, and reads what else there is.
 * Returns: false at the end of the stream or on an error, of which the next read
 *          tells
 */
bool stream_in_fill(MigStreamIn *s, size_t len_bytes);

/**
 * stream_in_buffered:
 * @s: a stream
 * @len_bytes: where to put how many bytes there are
 *
 * What has been read already and not taken yet: for many small fields at once.
 * Waits for nothing.
 * Returns: the bytes, valid until the next call
 */
const uint8_t *stream_in_buffered(const MigStreamIn *s, size_t *len_bytes);

/**
 * stream_in_advance:
 * @s: a stream
 * @len_bytes: at most what stream_in_buffered() has told
 *
 * Takes bytes that were looked at there.
 */
void stream_in_advance(MigStreamIn *s, size_t len_bytes);

/**
 * stream_in_wait:
 * @s: a stream
 * @timeout_ms: how long to wait, milliseconds
 *
 * Waits until a byte, or the end of the stream, is there to be read.
 * Returns: false when nothing came in time
 */
bool stream_in_wait(MigStreamIn *s, int timeout_ms);

/**
 * stream_in_bytes:
 * @s: a stream
 *
 * Context: any thread.
 * Returns: how many bytes were taken so far
 */
uint64_t stream_in_bytes(const MigStreamIn *s);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MigStreamOut, stream_out_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MigStreamIn, stream_in_free)

#endif
