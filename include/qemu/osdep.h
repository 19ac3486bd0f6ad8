/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The prelude: each .c file includes it first, no header includes it.
 *
 * It brings the build's configuration, the C library headers that nearly
 * every file needs, GLib, the compiler macros and the list of forbidden
 * calls.  It declares no state and is safe in any thread.
 */
#ifndef QEMU_OSDEP_H
#define QEMU_OSDEP_H

#include "config-host.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "qemu/auto-fd.h"
#include "qemu/compiler.h"
/* Last of all: system headers may name what this one forbids. */
#include "qemu/banned.h"

/* Number of elements of a real array; a pointer does not compile. */
#define ARRAY_SIZE(x) \
    (sizeof(x) / sizeof((x)[0]) + QEMU_BUILD_BUG_ON_ZERO( \
        __builtin_types_compatible_p(typeof(x), typeof(&(x)[0]))))

/* Round to a multiple of @d, which is a power of two. */
#define ROUND_DOWN(n, d) ((n) & ~((typeof((n) + (d)))(d) - 1))
#define ROUND_UP(n, d) ROUND_DOWN((n) + (d) - 1, d)

/* Round to a multiple of @m, which may be any positive number. */
#define QEMU_ALIGN_DOWN(n, m) ((n) / (m) * (m))
#define QEMU_ALIGN_UP(n, m) QEMU_ALIGN_DOWN((n) + (m) - 1, m)
#define QEMU_IS_ALIGNED(n, m) (((n) % (m)) == 0)

#define QEMU_ALIGN_PTR_DOWN(p, m) \
    ((typeof(p))QEMU_ALIGN_DOWN((uintptr_t)(p), (uintptr_t)(m)))
#define QEMU_ALIGN_PTR_UP(p, m) \
    ((typeof(p))QEMU_ALIGN_UP((uintptr_t)(p), (uintptr_t)(m)))
#define QEMU_PTR_IS_ALIGNED(p, m) QEMU_IS_ALIGNED((uintptr_t)(p), (m))

#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))

/**
 * qemu_real_host_page_size:
 *
 * The size of a base page of this host.
 *
 * Context: any thread; no system call after the first.
 * Returns: bytes, a power of two.
 */
static inline uintptr_t qemu_real_host_page_size(void)
{
    return (uintptr_t)getpagesize();
}

#endif /* QEMU_OSDEP_H */
