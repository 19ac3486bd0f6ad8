/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host's processor and kernel let us use, as one word of bits.
 *
 * A vector bit is set only when the kernel also saves those registers.  On
 * hosts other than x86 no bit is set but CPUINFO_ALWAYS.
 */
#ifndef QEMU_CPUINFO_H
#define QEMU_CPUINFO_H

#define CPUINFO_ALWAYS     (1u << 0)  /* so that the word is never 0 */
#define CPUINFO_SSE2       (1u << 1)
#define CPUINFO_AVX2       (1u << 2)
#define CPUINFO_AVX512F    (1u << 3)
#define CPUINFO_AVX512BW   (1u << 4)
#define CPUINFO_AVX512VL   (1u << 5)

/**
 * cpuinfo_get:
 *
 * Asks the processor.  In a virtual machine each question costs an exit to
 * the host: ask at set-up and keep the answer.
 *
 * Context: any thread.
 * Returns: CPUINFO_ bits; never 0.
 */
unsigned int cpuinfo_get(void);

#endif /* QEMU_CPUINFO_H */
