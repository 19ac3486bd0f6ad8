/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded copies and prefixes; qemu/cutils.h brings this along.
 */
#ifndef QEMU_STRINGS_H
#define QEMU_STRINGS_H

#include <stddef.h>

/**
 * pstrcpy:
 * @buf: receives the copy
 * @buf_size: bytes in @buf; 0 does nothing
 * @str: the text
 *
 * Copies a text, cut to fit and always ended by a NUL.
 *
 * Context: any thread.
 */
void pstrcpy(char *buf, size_t buf_size, const char *str);

/**
 * pstrcat:
 * @buf: a text to lengthen
 * @buf_size: bytes in @buf
 * @s: what to append
 *
 * Appends a text, cut to fit and always ended by a NUL.
 *
 * Context: any thread.
 * Returns: @buf.
 */
char *pstrcat(char *buf, size_t buf_size, const char *s);

/**
 * strpadcpy:
 * @buf: receives the copy
 * @buf_size: bytes in @buf
 * @str: the text
 * @pad: what fills the rest
 *
 * Fills a field of fixed width, without a NUL when the text is that long.
 *
 * Context: any thread.
 */
void strpadcpy(char *buf, size_t buf_size, const char *str, char pad);

/**
 * strstart:
 * @str: the text
 * @val: a prefix
 * @ptr: receives what follows the prefix, or NULL; untouched otherwise
 *
 * Tests for a prefix.
 *
 * Context: any thread.
 * Returns: 1 when @str starts with @val, else 0.
 */
int strstart(const char *str, const char *val, const char **ptr);

/**
 * stristart:
 * @str: the text
 * @val: a prefix
 * @ptr: receives what follows the prefix, or NULL; untouched otherwise
 *
 * As strstart() without regard to the case of ASCII letters.
 *
 * Context: any thread.
 * Returns: 1 when @str starts with @val, else 0.
 */
int stristart(const char *str, const char *val, const char **ptr);

/**
 * qemu_strnlen:
 * @s: the text, which may lack its NUL
 * @max_len: bytes that may be looked at
 *
 * Length of a text in a field of fixed width.
 *
 * Context: any thread.
 * Returns: bytes before the NUL, at most @max_len.
 */
int qemu_strnlen(const char *s, int max_len);

#endif /* QEMU_STRINGS_H */
