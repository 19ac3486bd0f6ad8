/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a loop that polls tells the processor.
 */
#ifndef QEMU_PROCESSOR_H
#define QEMU_PROCESSOR_H

/**
 * cpu_relax:
 *
 * Between two looks at memory that another thread or a device writes: lets the
 * other thread of the core run, takes less power, and what is looked at is read
 * again afterwards.
 * Context: any thread.
 */
static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    /* What _mm_pause() stands for, without that header. */
    __asm__ volatile("pause" ::: "memory");
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

#endif /* QEMU_PROCESSOR_H */
