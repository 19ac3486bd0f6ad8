/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that says when it is ready ('!'), then does what it is told by bytes
 * on its serial port, and answers with one byte each.
 *
 * Runs on the first CPU of a machine `micro`; others stand still.  A byte from
 * 0x80 up is sent back.  What the others ask for: see obey().
 */
#include "guest.h"

#define PDPT 0x3000ul
#define GIB (1ul << 30)
#define LARGE_PAGE (2ul << 20)
#define LARGE_PAGE_FLAGS 0x83ul
#define TABLE_FLAGS 0x03ul
#define HOLE 0xc0000000ul

#define MXCSR_KEPT 0x9f80u
#define FPU_CONTROL_KEPT 0x0f7fu
#define DR7_KEPT 0x700ul
#define CR8_KEPT 5ul
#define KEPT 0x00007a5b3c2d1e0ful

enum { WRONG_CLOCK = 21 };

/* Places in the image that FXSAVE writes. */
enum { FX_TAGS = 4, FX_MXCSR = 24, FX_MXCSR_END = 28, FX_REGISTERS = 32,
       FX_VECTORS = 160, FX_END = 416 };

typedef struct DescriptorTable {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed)) DescriptorTable;

static const uint32_t msrs[] = {
    0x174, 0x175, 0x176,    /* SYSENTER */
    0xc0000082, 0xc0000083, /* LSTAR, CSTAR */
    0xc0000100, 0xc0000101, 0xc0000102, /* FS, GS, KERNEL_GS */
};

static uint8_t fx_kept[512] __attribute__((aligned(16)));
static uint8_t fx_found[512] __attribute__((aligned(16)));
static uint64_t far_table[512] __attribute__((aligned(4096)));

static void put(uint8_t byte)
{
    while (!(in8(PORT_LINE_STATUS) & LINE_READY)) {
        /* the backend is behind */
    }
    out8(PORT_DATA, byte);
}

/*
 * By an image: to load registers one by one needs what KVM cannot emulate, and
 * there are hosts on which it does nothing else.  For the same reason wider
 * vectors are left to the unit tests.
 */
static void set_vectors(void)
{
    __asm__ volatile("fxsave64 %0" : "=m"(fx_kept));
    *(volatile uint16_t *)fx_kept = FPU_CONTROL_KEPT;
    fx_kept[FX_TAGS] = 0xff;
    *(volatile uint32_t *)(fx_kept + FX_MXCSR) = MXCSR_KEPT;
    for (int i = FX_REGISTERS; i < FX_END; i++) {
        fx_kept[i] = i < FX_VECTORS && i % 16 >= 10 ? 0 : i ^ 0x5a;
    }
    __asm__ volatile("fxrstor64 %0" : : "m"(fx_kept));
}

static int vectors_are_kept(void)
{
    __asm__ volatile("fxsave64 %0" : "=m"(fx_found));
    for (int i = 0; i < FX_END; i++) {
        if (fx_found[i] != fx_kept[i] &&
            (i <= FX_TAGS || i >= FX_REGISTERS ||
             (i >= FX_MXCSR && i < FX_MXCSR_END))) {
            return 0;
        }
    }
    return 1;
}

static void set_registers(void)
{
    const DescriptorTable idt = { .limit = 0x123, .base = KEPT };

    __asm__ volatile("mov %0, %%dr0\n\tmov %1, %%dr1\n\tmov %2, %%dr2\n\t"
                     "mov %3, %%dr3\n\tmov %4, %%dr7"
                     : : "r"(0x1000ul), "r"(0x2100ul), "r"(0x3200ul),
                         "r"(0x4300ul), "r"(DR7_KEPT));
    __asm__ volatile("mov %0, %%cr2" : : "r"(KEPT));
    __asm__ volatile("mov %0, %%cr8" : : "r"(CR8_KEPT + 1));
    __asm__ volatile("mov %0, %%cr8" : : "r"(CR8_KEPT));
    __asm__ volatile("lidt %0" : : "m"(idt));
    for (unsigned i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
        write_msr(msrs[i], KEPT + i);
    }
}

/* The first that is wrong, or 0. */
static uint8_t wrong_register(void)
{
    uint64_t dr[5], cr2, cr8;
    DescriptorTable idt;

    __asm__ volatile("mov %%dr0, %0\n\tmov %%dr1, %1\n\tmov %%dr2, %2\n\t"
                     "mov %%dr3, %3\n\tmov %%dr7, %4"
                     : "=r"(dr[0]), "=r"(dr[1]), "=r"(dr[2]), "=r"(dr[3]),
                       "=r"(dr[4]));
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    __asm__ volatile("mov %%cr8, %0" : "=r"(cr8));
    __asm__ volatile("sidt %0" : "=m"(idt));
    if (dr[0] != 0x1000 || dr[1] != 0x2100 || dr[2] != 0x3200 ||
        dr[3] != 0x4300 || dr[4] != DR7_KEPT) {
        return 'd';
    }
    if (cr2 != KEPT) {
        return '2';
    }
    if (cr8 != CR8_KEPT) {
        return '8';
    }
    if (idt.limit != 0x123 || idt.base != KEPT) {
        return 'i';
    }
    for (unsigned i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
        if (read_msr(msrs[i]) != KEPT + i) {
            return 'm';
        }
    }
    return 0;
}

static uint8_t check_state(void)
{
    uint8_t wrong = wrong_register();

    if (wrong) {
        return wrong;
    }
    return vectors_are_kept() ? 'c' : 'v';
}

/* On both sides of the hole, and at both ends of what is above 4 GiB. */
static volatile uint64_t *far_word(unsigned which)
{
    static const uint64_t addresses[] = {
        HOLE - 8, 4 * GIB, 4 * GIB + 123 * LARGE_PAGE, 5 * GIB - 8,
    };

    return which < sizeof(addresses) / sizeof(addresses[0])
        ? (volatile uint64_t *)addresses[which] : (void *)0;
}

static uint8_t write_far(void)
{
    for (unsigned i = 0; i < 512; i++) {
        far_table[i] = (4 * GIB + i * LARGE_PAGE) | LARGE_PAGE_FLAGS;
    }
    ((volatile uint64_t *)PDPT)[4] = (uint64_t)far_table | TABLE_FLAGS;
    for (unsigned i = 0; far_word(i); i++) {
        *far_word(i) = KEPT + i;
    }
    return *(volatile uint64_t *)HOLE == ~0ul ? 'f' : 'h';
}

static uint8_t check_far(void)
{
    for (unsigned i = 0; far_word(i); i++) {
        if (*far_word(i) != KEPT + i) {
            return '0' + i;
        }
    }
    return 'g';
}

static uint8_t obey(uint8_t command)
{
    switch (command) {
    case 'S':   /* gives values to registers */
        set_registers();
        set_vectors();
        return 's';
    case 'C':   /* has them still */
        return check_state();
    case 'F':   /* writes above 4 GiB */
        return write_far();
    case 'G':   /* finds it there */
        return check_far();
    case 'I':   /* what nobody can emulate */
        __asm__ volatile("paddb (%0), %%xmm1" : : "r"(ADDRESS_UNKNOWN));
        return 'i';
    case 'Q':
        end(0);
        return 0;
    case 'X':
        end(3);
        return 0;
    default:
        return command >= 0x80 ? command : '?';
    }
}

void guest_main(uint64_t cpu, uint64_t ram_bytes, uint64_t nr_cpus)
{
    uint64_t last = 0;

    (void)ram_bytes;
    (void)nr_cpus;
    if (cpu > 0) {
        stand_still();
    }
    /* Whatever came before is lost by this. */
    out8(PORT_FIFO_CONTROL, FIFO_ENABLE);
    put('!');
    for (;;) {
        uint64_t now = guest_clock();

        if (now < last) {
            end(WRONG_CLOCK);
        }
        last = now;
        if (in8(PORT_LINE_STATUS) & LINE_RECEIVED) {
            put(obey(in8(PORT_DATA)));
        }
    }
}
