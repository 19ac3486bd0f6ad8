/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between bufferiszero.c and the file with the host's vector bodies.
 */
#ifndef UTIL_BUFFERISZERO_INTERNAL_H
#define UTIL_BUFFERISZERO_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Below this many bytes every body leaves the buffer to the portable one. */
#define BUFFER_ZERO_VECTOR_MIN 256

typedef bool BufferIsZeroFunc(const uint8_t *buf, size_t len);

/**
 * BufferZeroImpl:
 * @name: for tests and benchmarks
 * @cpuinfo: CPUINFO_ bits, all of which it needs
 * @slower: than the one before it, with memory that is in no cache
 * @fn: the body; @len is at least BUFFER_ZERO_VECTOR_MIN
 */
typedef struct BufferZeroImpl {
    const char *name;
    unsigned int cpuinfo;
    bool slower;
    BufferIsZeroFunc *fn;
} BufferZeroImpl;

#if defined(__x86_64__)
/* Narrowest first; whoever has one has those before it, too. */
extern const BufferZeroImpl buffer_zero_impls_x86[];
extern const size_t buffer_zero_nr_impls_x86;
#endif

#endif /* UTIL_BUFFERISZERO_INTERNAL_H */
