/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that nobody may use, turned into compile errors.
 *
 * They write without a bound, keep hidden state or hide a conversion error.
 * Use pstrcpy(), g_strdup_printf(), snprintf(), g_strsplit() and the
 * qemu_strto*() family.  osdep.h includes this after the system headers.
 */
#ifndef QEMU_BANNED_H
#define QEMU_BANNED_H

/* The headers that declare them come first: poison hits each later mention. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi gets

#endif /* QEMU_BANNED_H */
