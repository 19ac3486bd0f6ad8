/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel around another one that misbehaves on demand: short reads and
 * writes, an error, an end of stream or a stall after a given byte.  Tests
 * reach every "peer did that" path with it, at a byte of their choice.
 *
 * Bytes are counted per direction from the creation of the wrapper.  Where
 * several faults stand at one byte, the stall comes first, then the error,
 * then the end of the stream.
 *
 * Threads: as io/channel.h; faults may be set at any time from any thread.
 * One lock inside, never held while the wrapped channel is called.
 */
#ifndef IO_CHANNEL_FAULT_H
#define IO_CHANNEL_FAULT_H

#include <stdint.h>
#include "io/channel.h"

typedef enum QIOChannelFaultDirection {
    QIO_CHANNEL_FAULT_READ,
    QIO_CHANNEL_FAULT_WRITE,
} QIOChannelFaultDirection;

/* The position of a fault that never comes. */
#define QIO_CHANNEL_FAULT_NEVER UINT64_MAX

/**
 * qio_channel_fault_new:
 * @inner: the channel to wrap; the wrapper takes a reference
 *
 * Context: any thread.
 * Returns: a new channel that passes everything on until told otherwise
 */
QIOChannel *qio_channel_fault_new(QIOChannel *inner);

/**
 * qio_channel_fault_set_max:
 * @ioc: a fault channel
 * @dir: which direction
 * @max_bytes: a single read or write moves at most this much; 0 = no limit
 *
 * Makes reads or writes short.
 *
 * Context: any thread.
 */
void qio_channel_fault_set_max(QIOChannel *ioc, QIOChannelFaultDirection dir,
                               size_t max_bytes);

/**
 * qio_channel_fault_set_error:
 * @ioc: a fault channel
 * @dir: which direction
 * @offset_bytes: reads or writes fail after this many bytes, and from then on;
 *                QIO_CHANNEL_FAULT_NEVER takes it back
 *
 * Context: any thread.
 */
void qio_channel_fault_set_error(QIOChannel *ioc, QIOChannelFaultDirection dir,
                                 uint64_t offset_bytes);

/**
 * qio_channel_fault_set_eof:
 * @ioc: a fault channel
 * @dir: which direction
 * @offset_bytes: the stream ends after this many bytes: reads return 0, writes
 *                fail with a broken pipe; QIO_CHANNEL_FAULT_NEVER takes it back
 *
 * Context: any thread.
 */
void qio_channel_fault_set_eof(QIOChannel *ioc, QIOChannelFaultDirection dir,
                               uint64_t offset_bytes);

/**
 * qio_channel_fault_set_hold:
 * @ioc: a fault channel
 * @dir: which direction
 * @offset_bytes: after this many bytes reads or writes wait until the hold is
 *                moved or taken back (QIO_CHANNEL_FAULT_NEVER), or the
 *                channel is shut down
 *
 * Stalls a direction.  A non-blocking channel returns ERR_BLOCK instead.
 *
 * Context: any thread.
 */
void qio_channel_fault_set_hold(QIOChannel *ioc, QIOChannelFaultDirection dir,
                                uint64_t offset_bytes);

/**
 * qio_channel_fault_wait_held:
 * @ioc: a fault channel
 * @dir: which direction
 *
 * Waits until a thread stands at the hold, so that a test can act just then.
 *
 * Context: any thread but the one to be held; blocks.
 * Returns: false when the channel was shut down instead
 */
bool qio_channel_fault_wait_held(QIOChannel *ioc,
                                 QIOChannelFaultDirection dir);

/**
 * qio_channel_fault_bytes:
 * @ioc: a fault channel
 * @dir: which direction
 *
 * Context: any thread.
 * Returns: how many bytes have passed
 */
uint64_t qio_channel_fault_bytes(QIOChannel *ioc,
                                 QIOChannelFaultDirection dir);

#endif
