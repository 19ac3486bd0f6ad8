/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text to numbers and back, bounded strings, and the zero test.
 *
 * The number readers are leaf helpers: they return 0 or -errno and their
 * caller makes the sentence.  All functions are pure, safe in any thread.
 */
#ifndef QEMU_CUTILS_H
#define QEMU_CUTILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qemu/bufferiszero.h"
#include "qemu/strings.h"

/*
 * The qemu_strto* functions below differ in type only:
 *
 * @nptr: the text; NULL is -EINVAL
 * @endptr: receives the first character not used (@nptr itself when there
 *          is no number), or NULL when nothing may follow the number
 * @base: 2 to 36, or 0 for C's prefixes (0x, leading 0)
 * @result: receives the number; untouched unless 0 is returned
 *
 * Return 0; -EINVAL when there is no number or something follows it without
 * @endptr; -ERANGE when it does not fit.  White space in front is skipped.
 * The unsigned ones refuse a minus sign (-ERANGE) other than that of -0.
 */

/**
 * qemu_strtoi:
 * @nptr: the text
 * @endptr: receives the end of the number, or NULL
 * @base: of the digits
 * @result: receives the number
 *
 * Reads an int.
 *
 * Context: any thread.
 * Returns: 0, -EINVAL or -ERANGE.
 */
int qemu_strtoi(const char *nptr, const char **endptr, int base, int *result);

/**
 * qemu_strtoui:
 * @nptr: the text
 * @endptr: receives the end of the number, or NULL
 * @base: of the digits
 * @result: receives the number
 *
 * Reads an unsigned int.
 *
 * Context: any thread.
 * Returns: 0, -EINVAL or -ERANGE.
 */
int qemu_strtoui(const char *nptr, const char **endptr, int base,
                 unsigned int *result);

/**
 * qemu_strtol:
 * @nptr: the text
 * @endptr: receives the end of the number, or NULL
 * @base: of the digits
 * @result: receives the number
 *
 * Reads a long.
 *
 * Context: any thread.
 * Returns: 0, -EINVAL or -ERANGE.
 */
int qemu_strtol(const char *nptr, const char **endptr, int base,
                long *result);

/**
 * qemu_strtoul:
 * @nptr: the text
 * @endptr: receives the end of the number, or NULL
 * @base: of the digits
 * @result: receives the number
 *
 * Reads an unsigned long.
 *
 * Context: any thread.
 * Returns: 0, -EINVAL or -ERANGE.
 */
int qemu_strtoul(const char *nptr, const char **endptr, int base,
                 unsigned long *result);

/**
 * qemu_strtoi64:
 * @nptr: the text
 * @endptr: receives the end of the number, or NULL
 * @base: of the digits
 * @result: receives the number
 *
 * Reads an int64_t.
 *
 * Context: any thread.
 * Returns: 0, -EINVAL or -ERANGE.
 */
int qemu_strtoi64(const char *nptr, const char **endptr, int base,
                  int64_t *result);

/**
 * qemu_strtou64:
 * @nptr: the text
 * @endptr: receives the end of the number, or NULL
 * @base: of the digits
 * @result: receives the number
 *
 * Reads a uint64_t.
 *
 * Context: any thread.
 * Returns: 0, -EINVAL or -ERANGE.
 */
int qemu_strtou64(const char *nptr, const char **endptr, int base,
                  uint64_t *result);

/**
 * qemu_strtod_finite:
 * @nptr: the text
 * @endptr: receives the end of the number, or NULL
 * @result: receives the number
 *
 * Reads a double in the C locale's form; no infinity, no NaN.
 *
 * Context: any thread.
 * Returns: 0, -EINVAL or -ERANGE.
 */
int qemu_strtod_finite(const char *nptr, const char **endptr,
                       double *result);

/**
 * parse_uint:
 * @s: the text; NULL is -EINVAL
 * @endptr: receives the end of the number, or NULL when nothing may follow
 * @base: of the digits
 * @value: receives the number; untouched on failure
 *
 * As qemu_strtou64(), but any minus sign is -EINVAL.
 *
 * Context: any thread.
 * Returns: 0, -EINVAL or -ERANGE.
 */
int parse_uint(const char *s, const char **endptr, int base,
               uint64_t *value);

/**
 * parse_uint_full:
 * @s: the text; NULL is -EINVAL
 * @base: of the digits
 * @value: receives the number; untouched on failure
 *
 * parse_uint() where nothing may follow the number.
 *
 * Context: any thread.
 * Returns: 0, -EINVAL or -ERANGE.
 */
int parse_uint_full(const char *s, int base, uint64_t *value);

/**
 * qemu_strtosz:
 * @nptr: the text: decimal with an optional fraction, or 0x and hexadecimal
 * @end: receives the first character not used, or NULL when nothing may
 *       follow
 * @result: receives bytes; untouched on failure
 *
 * Reads a size.  One suffix of either case may follow: B (bytes), K, M, G,
 * T, P, E (powers of 1024); hexadecimal takes no fraction and no suffix, a
 * fraction needs a suffix above B.  Without a suffix it is bytes.
 *
 * Context: any thread.
 * Returns: 0; -EINVAL when it is no size; -ERANGE when it does not fit 64
 * bits.
 */
int qemu_strtosz(const char *nptr, const char **end, uint64_t *result);

/**
 * qemu_strtosz_MiB:
 * @nptr: the text
 * @end: as for qemu_strtosz()
 * @result: receives bytes; untouched on failure
 *
 * As qemu_strtosz(), in MiB when there is no suffix.
 *
 * Context: any thread.
 * Returns: as qemu_strtosz().
 */
int qemu_strtosz_MiB(const char *nptr, const char **end, uint64_t *result);

/**
 * qemu_strtosz_metric:
 * @nptr: the text
 * @end: as for qemu_strtosz()
 * @result: receives units; untouched on failure
 *
 * As qemu_strtosz(), with suffixes that are powers of 1000.
 *
 * Context: any thread.
 * Returns: as qemu_strtosz().
 */
int qemu_strtosz_metric(const char *nptr, const char **end,
                        uint64_t *result);

/**
 * size_to_str:
 * @val: bytes
 *
 * Writes a size for people, three significant digits: "1.5 GiB".
 *
 * Context: any thread.  The caller frees the result with g_free().
 * Returns: the text.
 */
char *size_to_str(uint64_t val);

/**
 * freq_to_str:
 * @freq_hz: hertz
 *
 * Writes a frequency for people: "2.4 GHz".
 *
 * Context: any thread.  The caller frees the result with g_free().
 * Returns: the text.
 */
char *freq_to_str(uint64_t freq_hz);

#endif /* QEMU_CUTILS_H */
