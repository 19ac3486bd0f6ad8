/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the targets of compression methods share.
 */
#ifndef TESTS_FUZZ_DECOMPRESS_H
#define TESTS_FUZZ_DECOMPRESS_H

#include <stddef.h>
#include <stdint.h>
#include "qapi/qapi-types-migration.h"

/**
 * fuzz_decompress:
 * @compression: a method of this build
 * @data: packets of one channel, each a byte with its number of pages (1 to 16,
 *        by the lower four bits), a be16 with the length of its content, content
 * @size: length of @data in bytes
 *
 * Decompresses them to memory of just that many pages, until one is refused.
 */
void fuzz_decompress(MultiFDCompression compression, const uint8_t *data,
                     size_t size);

#endif
