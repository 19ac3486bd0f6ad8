/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs that run inside guests have in common: the entry, ports,
 * and a few instructions.
 *
 * Included once by a program, which has guest_main().
 */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include <stdint.h>

#define PORT_DATA 0x3f8
#define PORT_FIFO_CONTROL 0x3fa
#define PORT_LINE_STATUS 0x3fd
#define PORT_UNKNOWN 0x80
#define PORT_EXIT 0xf4
#define FIFO_ENABLE 0x01
#define LINE_RECEIVED 0x01
#define LINE_READY 0x20
#define ADDRESS_UNKNOWN 0xd0000000ul

void guest_main(uint64_t cpu, uint64_t ram_bytes, uint64_t nr_cpus);

__asm__(".pushsection .text.start,\"ax\"\n"
        ".globl _start\n"
        "_start:\n"
        "    xor %ebp, %ebp\n"
        "    call guest_main\n"
        "1:  cli\n"
        "    hlt\n"
        "    jmp 1b\n"
        ".popsection\n");

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint64_t guest_clock(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline void write_msr(uint32_t index, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(index), "a"((uint32_t)value),
                     "d"((uint32_t)(value >> 32)));
}

static inline uint64_t read_msr(uint32_t index)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return (uint64_t)high << 32 | low;
}

static inline void stand_still(void)
{
    for (;;) {
        __asm__ volatile("cli\n\thlt");
    }
}

/* Ends the guest; anything but 0 as a failure. */
static inline void end(uint8_t what)
{
    out8(PORT_EXIT, what);
    stand_still();
}

#endif /* TESTS_GUEST_H */
