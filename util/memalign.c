/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Aligned memory.  Entered by every thread; holds no state.
 */
#include "qemu/osdep.h"

#include "qemu/host-utils.h"
#include "qemu/memalign.h"

void *qemu_try_memalign(size_t alignment, size_t size)
{
    void *ptr = NULL;

    g_assert(is_power_of_2(alignment));
    /* posix_memalign() wants room for a pointer; size 0 may give NULL. */
    if (posix_memalign(&ptr, MAX(alignment, sizeof(void *)), MAX(size, 1))) {
        return NULL;
    }
    return ptr;
}

void *qemu_memalign(size_t alignment, size_t size)
{
    void *ptr = qemu_try_memalign(alignment, size);

    g_assert_nonnull(ptr);
    return ptr;
}

void qemu_vfree(void *ptr)
{
    free(ptr);
}
