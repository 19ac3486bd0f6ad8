/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Byte order: converting values, and loading and storing them at addresses
 * of any alignment.
 *
 * Names follow QEMU: ld and st, then the width (ub/b 8, uw/w 16, l 32,
 * q 64 bits), then the order (be, le, he for the host's), then p for
 * pointer.  Unlike QEMU's, the 32-bit loads return uint32_t, so that a value
 * kept in 64 bits is never sign-extended.
 *
 * Made by macros: each is a pure function of one shape, safe in any thread.
 */
#ifndef QEMU_BSWAP_H
#define QEMU_BSWAP_H

#include <stdint.h>
#include <string.h>

#include "qemu/compiler.h"

#define bswap16(x) __builtin_bswap16(x)
#define bswap32(x) __builtin_bswap32(x)
#define bswap64(x) __builtin_bswap64(x)

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HOST_BIG_ENDIAN 1
#define be_swap_(bits, x) ((uint##bits##_t)(x))
#define le_swap_(bits, x) bswap##bits(x)
#else
#define HOST_BIG_ENDIAN 0
#define be_swap_(bits, x) bswap##bits(x)
#define le_swap_(bits, x) ((uint##bits##_t)(x))
#endif
#define he_swap_(bits, x) ((uint##bits##_t)(x))

/*
 * be32_to_cpu(v), cpu_to_be32(v): the converted value.
 * be32_to_cpus(p), cpu_to_be32s(p): in place, @p aligned.
 */
#define BSWAP_CONVERT_(order, bits) \
static inline uint##bits##_t order##bits##_to_cpu(uint##bits##_t v) \
{ \
    return order##_swap_(bits, v); \
} \
static inline uint##bits##_t cpu_to_##order##bits(uint##bits##_t v) \
{ \
    return order##_swap_(bits, v); \
} \
static inline void order##bits##_to_cpus(uint##bits##_t *p) \
{ \
    *p = order##_swap_(bits, *p); \
} \
static inline void cpu_to_##order##bits##s(uint##bits##_t *p) \
{ \
    *p = order##_swap_(bits, *p); \
}

/* Load and store through memcpy: no alignment needed, one instruction. */
#define BSWAP_ACCESS_(order, bits, ld, st) \
static inline uint##bits##_t ld##_##order##_p(const void *ptr) \
{ \
    uint##bits##_t v; \
    memcpy(&v, ptr, sizeof(v)); \
    return order##_swap_(bits, v); \
} \
static inline void st##_##order##_p(void *ptr, uint##bits##_t v) \
{ \
    v = order##_swap_(bits, v); \
    memcpy(ptr, &v, sizeof(v)); \
}

BSWAP_CONVERT_(be, 16)
BSWAP_CONVERT_(be, 32)
BSWAP_CONVERT_(be, 64)
BSWAP_CONVERT_(le, 16)
BSWAP_CONVERT_(le, 32)
BSWAP_CONVERT_(le, 64)

BSWAP_ACCESS_(be, 16, lduw, stw)
BSWAP_ACCESS_(be, 32, ldl, stl)
BSWAP_ACCESS_(be, 64, ldq, stq)
BSWAP_ACCESS_(le, 16, lduw, stw)
BSWAP_ACCESS_(le, 32, ldl, stl)
BSWAP_ACCESS_(le, 64, ldq, stq)
BSWAP_ACCESS_(he, 16, lduw, stw)
BSWAP_ACCESS_(he, 32, ldl, stl)
BSWAP_ACCESS_(he, 64, ldq, stq)

#undef BSWAP_CONVERT_
#undef BSWAP_ACCESS_

/**
 * ldub_p:
 * @ptr: one byte
 *
 * Loads a byte, to go with the wider loads.
 *
 * Context: any thread.
 * Returns: the byte.
 */
static inline uint8_t ldub_p(const void *ptr)
{
    return *(const uint8_t *)ptr;
}

/**
 * stb_p:
 * @ptr: one byte
 * @v: its new value
 *
 * Stores a byte, to go with the wider stores.
 *
 * Context: any thread.
 */
static inline void stb_p(void *ptr, uint8_t v)
{
    *(uint8_t *)ptr = v;
}

#endif /* QEMU_BSWAP_H */
