/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory with a stated alignment, for direct I/O, vectors and descriptors.
 *
 * What comes from here is released with qemu_vfree(), not g_free().
 */
#ifndef QEMU_MEMALIGN_H
#define QEMU_MEMALIGN_H

#include <stddef.h>

/**
 * qemu_try_memalign:
 * @alignment: bytes, a power of two
 * @size: bytes; 0 gives a pointer that may only be freed
 *
 * Allocates memory that starts at a multiple of @alignment.
 *
 * Context: any thread.  The caller frees it with qemu_vfree().
 * Returns: the memory, contents undefined, or NULL when there is none.
 */
void *qemu_try_memalign(size_t alignment, size_t size);

/**
 * qemu_memalign:
 * @alignment: bytes, a power of two
 * @size: bytes; 0 gives a pointer that may only be freed
 *
 * As qemu_try_memalign(), for small objects: running out of memory aborts
 * the process, as g_malloc() does.
 *
 * Context: any thread.  The caller frees it with qemu_vfree().
 * Returns: the memory, contents undefined; never NULL.
 */
void *qemu_memalign(size_t alignment, size_t size);

/**
 * qemu_vfree:
 * @ptr: from qemu_memalign() or qemu_try_memalign(), or NULL
 *
 * Releases aligned memory.
 *
 * Context: any thread.
 */
void qemu_vfree(void *ptr);

/**
 * qemu_vfree_cleanup:
 * @pp: the variable that holds the pointer
 *
 * The clean-up behind QEMU_AUTO_VFREE; do not call it.
 *
 * Context: any thread.
 */
static inline void qemu_vfree_cleanup(void *pp)
{
    qemu_vfree(*(void **)pp);
}

/* `QEMU_AUTO_VFREE void *p = NULL;` frees it when the scope ends. */
#define QEMU_AUTO_VFREE __attribute__((cleanup(qemu_vfree_cleanup)))

#endif /* QEMU_MEMALIGN_H */
