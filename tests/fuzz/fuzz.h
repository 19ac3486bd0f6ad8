/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every fuzz target defines, for libFuzzer and for fuzz-main.c alike.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/**
 * LLVMFuzzerTestOneInput:
 * @data: an input, anything
 * @size: its length in bytes
 *
 * Feeds it to the code under test, which must neither crash nor leak.
 * Returns: 0
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
