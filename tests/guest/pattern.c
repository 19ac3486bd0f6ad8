/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest of the tests: writes a known pattern over its memory, pass after
 * pass, and prints one byte a pass on the serial port.
 *
 * Runs alone on the CPUs of a machine `micro`, without a C library; one CPU per
 * slice of memory.  It keeps to instructions that KVM can emulate, since there
 * are hosts on which it does nothing else.  What it keeps where (tests/lib/wherrytest/guest.py reads
 * it):
 *   0x9000             parameters: idle loops a page (8 bytes)
 *   0xa000 + n pages   status of CPU n: pass it is in (8 bytes)
 *   2 MiB and up       the slices
 * In pass p, page n (counted from address 0) has in each of its 512 words
 * p << 32 | n, or, where p + n is a multiple of 8, 0.  The byte of a pass of CPU
 * n is n << 5 | (p & 31).
 * A byte that is received asks for something, see obey().  Registers that only
 * a faithful migration keeps are checked each pass; a wrong one ends the guest
 * with its number in the debug-exit port.
 */
#include "guest.h"

#define PARAMETER_IDLE 0x9000ul
#define STATUS 0xa000ul
#define SLICES 0x200000ul
#define PAGE 4096ul
#define WORDS (PAGE / sizeof(uint64_t))

#define MSR_KERNEL_GS_BASE 0xc0000102u
#define KEPT 0x1234567089abcdeful

enum { WRONG_CLOCK = 11, WRONG_VECTOR, WRONG_MSR, WRONG_DEBUG, WRONG_UNKNOWN };

static void keep_registers(uint64_t value)
{
    const uint64_t vector[2] = { value, ~value };

    __asm__ volatile("movdqu %0, %%xmm7" : : "m"(vector));
    __asm__ volatile("mov %0, %%dr0" : : "r"(value & 0xffff));
    write_msr(MSR_KERNEL_GS_BASE, (uint32_t)value);
}

static void check_registers(uint64_t value, uint64_t *last_clock)
{
    uint64_t vector[2], debug, now = guest_clock();

    __asm__ volatile("movdqu %%xmm7, %0" : "=m"(vector));
    __asm__ volatile("mov %%dr0, %0" : "=r"(debug));
    if (now < *last_clock) {
        end(WRONG_CLOCK);
    }
    *last_clock = now;
    if (vector[0] != value || vector[1] != ~value) {
        end(WRONG_VECTOR);
    }
    if (read_msr(MSR_KERNEL_GS_BASE) != (uint32_t)value) {
        end(WRONG_MSR);
    }
    if (debug != (value & 0xffff)) {
        end(WRONG_DEBUG);
    }
}

/* Nothing answers there: all bits are ones, and writes are lost. */
static void touch_unknown(void)
{
    volatile uint32_t *nowhere = (volatile uint32_t *)ADDRESS_UNKNOWN;

    out8(PORT_UNKNOWN, 0);
    *nowhere = 0;
    if (in8(PORT_UNKNOWN) != 0xff || *nowhere != 0xffffffffu) {
        end(WRONG_UNKNOWN);
    }
}

static void obey(uint8_t command)
{
    switch (command) {
    case 'q':   /* ends in order */
        end(0);
        break;
    case 'x':   /* ends as a failure */
        end(3);
        break;
    case 't':   /* an exception that nobody handles */
        __asm__ volatile("ud2");
        break;
    case 'h':   /* this CPU stands still for ever */
        stand_still();
        break;
    case 'u':
        touch_unknown();
        break;
    default:
        break;
    }
}

/* The first CPU is the one that listens. */
static void report(uint64_t cpu, uint64_t pass)
{
    uint8_t status;

    do {
        status = in8(PORT_LINE_STATUS);
    } while (!(status & LINE_READY));
    if (cpu == 0 && (status & LINE_RECEIVED)) {
        obey(in8(PORT_DATA));
    }
    out8(PORT_DATA, cpu << 5 | (pass & 31));
}

static void write_page(uint64_t page, uint64_t pass)
{
    uint64_t value = (page + pass) % 8 ? pass << 32 | page : 0;
    uint64_t words = WORDS;
    void *to = (void *)(page * PAGE);

    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(value)
                     : "memory");
}

void guest_main(uint64_t cpu, uint64_t ram_bytes, uint64_t nr_cpus)
{
    volatile uint64_t *idle = (volatile uint64_t *)PARAMETER_IDLE;
    volatile uint64_t *status = (volatile uint64_t *)(STATUS + cpu * PAGE);
    uint64_t base = SLICES / PAGE;
    uint64_t each = (ram_bytes / PAGE - base) / nr_cpus;
    uint64_t first = base + cpu * each;
    uint64_t last_clock = 0;

    keep_registers(KEPT + cpu);
    for (uint64_t pass = 1;; pass++) {
        *status = pass;
        for (uint64_t page = first; page < first + each; page++) {
            write_page(page, pass);
            for (uint64_t i = *idle; i > 0; i--) {
                __asm__ volatile("pause");
            }
        }
        check_registers(KEPT + cpu, &last_clock);
        report(cpu, pass);
    }
}
