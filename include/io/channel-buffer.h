/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel over memory: writes append to a buffer that grows, reads consume
 * it from the front and see the end of the stream when nothing is left.
 * Nothing ever blocks, so it suits building a piece of stream before its
 * length is known, and tests; it does not hand data between threads that wait
 * for each other.
 *
 * Threads: as io/channel.h.  One lock inside, never held while calling out.
 */
#ifndef IO_CHANNEL_BUFFER_H
#define IO_CHANNEL_BUFFER_H

#include <stdint.h>
#include "io/channel.h"

/**
 * qio_channel_buffer_new:
 * @capacity_bytes: room to begin with; 0 is fine
 *
 * Makes an empty buffer to write to.
 *
 * Context: any thread.
 * Returns: a new channel, the caller's
 */
QIOChannel *qio_channel_buffer_new(size_t capacity_bytes);

/**
 * qio_channel_buffer_new_data:
 * @data: what readers get; copied; may be NULL when @len_bytes is 0
 * @len_bytes: how much
 *
 * Makes a buffer to read from.
 *
 * Context: any thread.
 * Returns: a new channel, the caller's
 */
QIOChannel *qio_channel_buffer_new_data(const void *data, size_t len_bytes);

/**
 * qio_channel_buffer_peek:
 * @ioc: a buffer channel
 * @len_bytes: receives the length; may be NULL
 *
 * What has been written and not been read yet.
 *
 * Context: any thread, but see below.
 * Returns: the bytes, owned by @ioc and good until the next read or write;
 *          NULL when there are none
 */
const uint8_t *qio_channel_buffer_peek(QIOChannel *ioc, size_t *len_bytes);

/**
 * qio_channel_buffer_reset:
 * @ioc: a buffer channel
 *
 * Forgets the content and keeps the memory, for the next piece.
 *
 * Context: any thread.
 */
void qio_channel_buffer_reset(QIOChannel *ioc);

#endif
