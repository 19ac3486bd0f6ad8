/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON values out of a stream of bytes that is cut anywhere: an incremental
 * json-c tokener with limits, and a way back after garbage.
 *
 * Values need no separator.  After an error the stream goes on behind the
 * next line end, or at the next "{", whichever comes first, so that a client
 * which never sends line ends gets heard again too.
 *
 * Threads: one at a time.  No locks.
 */
#ifndef MONITOR_JSON_STREAM_H
#define MONITOR_JSON_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

struct json_object;
typedef struct Error Error;
typedef struct JsonStream JsonStream;

typedef enum JsonStreamResult {
    JSON_STREAM_MORE,   /* no complete value in what was fed */
    JSON_STREAM_VALUE,  /* a value; NULL is JSON's null */
    JSON_STREAM_ERROR,  /* what was fed is no JSON, or over a limit */
} JsonStreamResult;

/**
 * json_stream_new:
 * @max_bytes: longest value, from its first to its last byte
 * @max_depth: most objects and arrays inside each other
 *
 * Makes a stream.
 *
 * Context: any thread.  Free it with json_stream_free().
 * Returns: the stream.
 */
JsonStream *json_stream_new(size_t max_bytes, int max_depth);

/**
 * json_stream_free:
 * @js: a stream, or NULL
 *
 * Frees a stream with what it has not handed out.
 *
 * Context: any thread.
 */
void json_stream_free(JsonStream *js);

/**
 * json_stream_feed:
 * @js: a stream
 * @data: bytes, copied
 * @len_bytes: how many
 *
 * Adds input.
 *
 * Context: any thread.
 */
void json_stream_feed(JsonStream *js, const void *data, size_t len_bytes);

/**
 * json_stream_next:
 * @js: a stream
 * @value: receives the value, the caller's; untouched unless there is one
 * @errp: receives what was wrong with the input, or NULL
 *
 * Takes the next value out of what was fed.
 *
 * Context: any thread.
 * Returns: what it found; call it until it says JSON_STREAM_MORE.
 */
JsonStreamResult json_stream_next(JsonStream *js, struct json_object **value,
                                  Error **errp);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonStream, json_stream_free)

#endif /* MONITOR_JSON_STREAM_H */
