/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stress accelerator with memory of its own, for unit tests.
 *
 * The main thread; ended() comes from a thread of the accelerator.  A failure
 * to make something ends the test.
 */
#ifndef TESTS_UNIT_ACCEL_STRESS_GUEST_H
#define TESTS_UNIT_ACCEL_STRESS_GUEST_H

#include "accel/stress-internal.h"
#include "tests/lib/ram-fixture.h"

/* Two blocks, so that slices begin in one and end in the other. */
extern const RamFixtureBlock stress_guest_blocks[2];

/* So large that it is written to more slowly than it is looked at. */
extern const RamFixtureBlock stress_guest_large_blocks[2];

typedef struct StressGuest {
    RamList *ram;
    KeyvalList *options;
    Accel *accel;
    StressAccel *s;
    /* what ended() was told; the rest of the struct is the main thread's */
    QemuMutex lock;
    QemuCond cond;
    char *reason;
} StressGuest;

/**
 * stress_guest_init_ram:
 * @g: receives the guest, stopped; end it with stress_guest_clear()
 * @options: as after -accel
 * @ram: its two blocks
 */
void stress_guest_init_ram(StressGuest *g, const char *options,
                           const RamFixtureBlock *ram);

/**
 * stress_guest_init:
 * @g: receives the guest, stopped; end it with stress_guest_clear()
 * @options: as after -accel
 *
 * With stress_guest_blocks for its memory.
 */
void stress_guest_init(StressGuest *g, const char *options);

/**
 * stress_guest_clear:
 * @g: a stopped guest
 */
void stress_guest_clear(StressGuest *g);

/**
 * stress_guest_nr_writes:
 * @g: a stopped guest
 *
 * Returns: the writes of all its threads
 */
uint64_t stress_guest_nr_writes(const StressGuest *g);

/**
 * stress_guest_run:
 * @g: a stopped guest, with rate=0
 * @nr_writes: writes
 *
 * Runs it until each thread has made so many more, and stops it.
 */
void stress_guest_run(StressGuest *g, uint64_t nr_writes);

/**
 * stress_guest_run_to_the_end:
 * @g: a stopped guest with a wrong page
 *
 * Runs it until it calls ended(), and stops it.
 *
 * Returns: the reason, the guest's
 */
const char *stress_guest_run_to_the_end(StressGuest *g);

/**
 * stress_guest_check:
 * @g: a stopped guest
 *
 * Looks at every page as the accelerator does.
 *
 * Returns: NULL when all are right, else a sentence, to be g_free()d
 */
char *stress_guest_check(const StressGuest *g);

/**
 * stress_guest_move:
 * @to: a stopped guest
 * @from: likewise
 * @errp: where to put the reason, or NULL
 *
 * Takes memory and state over as a migration does.
 *
 * Returns: false when the state is refused
 */
bool stress_guest_move(StressGuest *to, const StressGuest *from,
                       Error **errp);

#endif
