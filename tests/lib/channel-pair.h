/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two connected channels for unit tests: what is written to one is read from
 * the other.  Failures to make them end the test.
 *
 * Threads: any; the ends may go to different threads, as io/channel.h allows.
 */
#ifndef TESTS_LIB_CHANNEL_PAIR_H
#define TESTS_LIB_CHANNEL_PAIR_H

#include "io/channel.h"

typedef enum ChannelPairKind {
    CHANNEL_PAIR_UNIX,  /* socketpair(2) */
    CHANNEL_PAIR_TCP,   /* a connection over 127.0.0.1 */
} ChannelPairKind;

/**
 * channel_pair_new:
 * @kind: what lies between the ends
 * @a: receives one end (the one that connected), the caller's
 * @b: receives the other end, the caller's
 *
 * Makes a connected pair of blocking socket channels.
 *
 * Context: any thread.
 */
void channel_pair_new(ChannelPairKind kind, QIOChannel **a, QIOChannel **b);

#endif
