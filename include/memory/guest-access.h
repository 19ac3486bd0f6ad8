/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access to guest memory that moves meanwhile.  A guest writes its memory while
 * migration threads read it, and no lock orders the two: what keeps the content
 * right is the dirty log (memory/dirty.h), by which a page that was read half
 * written is read again.
 *
 * This is the one place where the race is meant.  ThreadSanitizer does not look
 * at these functions; it goes on looking at everything else that touches guest
 * memory.  No locks, any thread.
 */
#ifndef MEMORY_GUEST_ACCESS_H
#define MEMORY_GUEST_ACCESS_H

#include <stddef.h>
#include <stdint.h>

/**
 * guest_access_write:
 * @host: guest memory
 * @from: what to write; no guest memory
 * @len_bytes: how many bytes; 0 does nothing
 *
 * Writes as a guest's CPU would: 2, 4 or 8 bytes at an address that is a
 * multiple of as many are one store.
 * Context: any thread; the caller tells the dirty log afterwards.
 */
void guest_access_write(uint8_t *host, const void *from, size_t len_bytes);

/**
 * guest_access_fill:
 * @host: guest memory
 * @value: of each byte
 * @len_bytes: how many bytes; 0 does nothing
 *
 * Context: any thread; the caller tells the dirty log afterwards.
 */
void guest_access_fill(uint8_t *host, uint8_t value, size_t len_bytes);

/**
 * guest_access_read:
 * @to: where to put the bytes; no guest memory
 * @host: guest memory
 * @len_bytes: how many bytes; 0 does nothing
 *
 * Reads as guest_access_write() writes.
 * Context: any thread.
 */
void guest_access_read(void *to, const uint8_t *host, size_t len_bytes);

#endif
