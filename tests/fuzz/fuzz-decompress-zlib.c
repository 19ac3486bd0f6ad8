/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input: packets of a channel with multifd-compression zlib; fuzz-decompress.h has
 * the layout.
 */
#include "qemu/osdep.h"
#include "fuzz.h"
#include "fuzz-decompress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_decompress(MULTIFD_COMPRESSION_ZLIB, data, size);
    return 0;
}
