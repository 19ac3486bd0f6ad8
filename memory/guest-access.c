/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads and stores in guest memory that race with migration threads.
 *
 * Any thread, no state.  Every access is volatile: a compiler would make
 * memcpy() of these loops otherwise, which the sanitizer watches.
 */
#include "qemu/osdep.h"

#include "memory/guest-access.h"

/* gcc and clang both know it; without the sanitizer it means nothing. */
#define GUEST_ACCESS __attribute__((no_sanitize("thread")))

/* The largest power of two up to 8 that fits @addr and @len_bytes. */
#define GUEST_ACCESS_WIDTH(addr, len_bytes) \
    (!((addr) & 7) && (len_bytes) >= 8 ? 8 : \
     !((addr) & 3) && (len_bytes) >= 4 ? 4 : \
     !((addr) & 1) && (len_bytes) >= 2 ? 2 : 1)

/* The side that is no guest memory need not be aligned. */
typedef struct GuestAccessWord {
    union {
        uint8_t b;
        uint16_t w;
        uint32_t l;
        uint64_t q;
    } QEMU_PACKED u;
} QEMU_PACKED GuestAccessWord;

GUEST_ACCESS
void guest_access_write(uint8_t *host, const void *from, size_t len_bytes)
{
    const uint8_t *p = from;

    while (len_bytes) {
        const GuestAccessWord *word = (const GuestAccessWord *)p;
        size_t width = GUEST_ACCESS_WIDTH((uintptr_t)host, len_bytes);

        switch (width) {
        case 8:
            *(volatile uint64_t *)host = word->u.q;
            break;
        case 4:
            *(volatile uint32_t *)host = word->u.l;
            break;
        case 2:
            *(volatile uint16_t *)host = word->u.w;
            break;
        default:
            *(volatile uint8_t *)host = word->u.b;
            break;
        }
        host += width;
        p += width;
        len_bytes -= width;
    }
}

GUEST_ACCESS
void guest_access_fill(uint8_t *host, uint8_t value, size_t len_bytes)
{
    uint64_t word = value * UINT64_C(0x0101010101010101);

    while (len_bytes) {
        if (!((uintptr_t)host & 7) && len_bytes >= 8) {
            *(volatile uint64_t *)host = word;
            host += 8;
            len_bytes -= 8;
        } else {
            *(volatile uint8_t *)host = value;
            host++;
            len_bytes--;
        }
    }
}

GUEST_ACCESS
void guest_access_read(void *to, const uint8_t *host, size_t len_bytes)
{
    uint8_t *p = to;

    while (len_bytes) {
        GuestAccessWord *word = (GuestAccessWord *)p;
        size_t width = GUEST_ACCESS_WIDTH((uintptr_t)host, len_bytes);

        switch (width) {
        case 8:
            word->u.q = *(const volatile uint64_t *)host;
            break;
        case 4:
            word->u.l = *(const volatile uint32_t *)host;
            break;
        case 2:
            word->u.w = *(const volatile uint16_t *)host;
            break;
        default:
            word->u.b = *(const volatile uint8_t *)host;
            break;
        }
        host += width;
        p += width;
        len_bytes -= width;
    }
}
