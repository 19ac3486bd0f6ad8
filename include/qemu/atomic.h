/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Atomic access under QEMU's names, over the compiler's builtins.
 *
 * qatomic_read() and qatomic_set() are relaxed, the acquire and release
 * forms order what stands next to them, and each read-modify-write is
 * sequentially consistent.  Prefer acquire and release to smp_mb():
 * ThreadSanitizer does not understand fences.
 *
 * All are macros over any integer or pointer of up to 64 bits.
 */
#ifndef QEMU_ATOMIC_H
#define QEMU_ATOMIC_H

#include <stdbool.h>

/* Keep the compiler, not the processor, from moving accesses across. */
#define barrier() __asm__ volatile("" ::: "memory")

#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

/* Fails to compile for what the host cannot do without a lock. */
#define qatomic_check_(ptr) \
    _Static_assert(sizeof(*(ptr)) <= 8, "too wide for an atomic access")

#define qatomic_read(ptr) ({ \
        qatomic_check_(ptr); \
        __atomic_load_n((ptr), __ATOMIC_RELAXED); })
#define qatomic_set(ptr, val) do { \
        qatomic_check_(ptr); \
        __atomic_store_n((ptr), (val), __ATOMIC_RELAXED); \
    } while (0)
#define qatomic_load_acquire(ptr) ({ \
        qatomic_check_(ptr); \
        __atomic_load_n((ptr), __ATOMIC_ACQUIRE); })
#define qatomic_store_release(ptr, val) do { \
        qatomic_check_(ptr); \
        __atomic_store_n((ptr), (val), __ATOMIC_RELEASE); \
    } while (0)
/* Store, then a full barrier. */
#define qatomic_set_mb(ptr, val) ((void)qatomic_xchg(ptr, val))

/* Both return the value from before; cmpxchg stored if that equals @old. */
#define qatomic_xchg(ptr, val) \
    __atomic_exchange_n((ptr), (val), __ATOMIC_SEQ_CST)
#define qatomic_cmpxchg(ptr, old, val) ({ \
        typeof((old) + 0) seen_ = (old); \
        (void)__atomic_compare_exchange_n((ptr), &seen_, (val), false, \
                                          __ATOMIC_SEQ_CST, \
                                          __ATOMIC_SEQ_CST); \
        seen_; })

/* Return the value from before. */
#define qatomic_fetch_add(ptr, n) \
    __atomic_fetch_add((ptr), (n), __ATOMIC_SEQ_CST)
#define qatomic_fetch_sub(ptr, n) \
    __atomic_fetch_sub((ptr), (n), __ATOMIC_SEQ_CST)
#define qatomic_fetch_and(ptr, n) \
    __atomic_fetch_and((ptr), (n), __ATOMIC_SEQ_CST)
#define qatomic_fetch_or(ptr, n) \
    __atomic_fetch_or((ptr), (n), __ATOMIC_SEQ_CST)
#define qatomic_fetch_xor(ptr, n) \
    __atomic_fetch_xor((ptr), (n), __ATOMIC_SEQ_CST)
#define qatomic_fetch_inc(ptr) qatomic_fetch_add(ptr, 1)
#define qatomic_fetch_dec(ptr) qatomic_fetch_sub(ptr, 1)

/* Return the value from after. */
#define qatomic_add_fetch(ptr, n) \
    __atomic_add_fetch((ptr), (n), __ATOMIC_SEQ_CST)
#define qatomic_sub_fetch(ptr, n) \
    __atomic_sub_fetch((ptr), (n), __ATOMIC_SEQ_CST)
#define qatomic_inc_fetch(ptr) qatomic_add_fetch(ptr, 1)
#define qatomic_dec_fetch(ptr) qatomic_sub_fetch(ptr, 1)

/* Return nothing. */
#define qatomic_add(ptr, n) ((void)qatomic_fetch_add(ptr, n))
#define qatomic_sub(ptr, n) ((void)qatomic_fetch_sub(ptr, n))
#define qatomic_and(ptr, n) ((void)qatomic_fetch_and(ptr, n))
#define qatomic_or(ptr, n) ((void)qatomic_fetch_or(ptr, n))
#define qatomic_xor(ptr, n) ((void)qatomic_fetch_xor(ptr, n))
#define qatomic_inc(ptr) ((void)qatomic_fetch_inc(ptr))
#define qatomic_dec(ptr) ((void)qatomic_fetch_dec(ptr))

#endif /* QEMU_ATOMIC_H */
