/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stress accelerator between its files: stress.c makes it and is its
 * outside, stress-thread.c has the threads, stress-check.c looks at what pages
 * hold, stress-state.c carries the state over.
 *
 * Locks: StressAccel::lock, below that of the run state.  A thread holds it
 * only around its waits.
 */
#ifndef ACCEL_STRESS_INTERNAL_H
#define ACCEL_STRESS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "accel/accel.h"
#include "accel/stress-options.h"
#include "accel/stress-plan.h"
#include "qemu/thread.h"

typedef struct StressAccel StressAccel;

typedef struct StressThread {
    /* set once */
    StressAccel *accel;
    QemuThread thread;
    StressPlan plan;

    /* the thread's own while it is active, else guarded by the lock */
    uint64_t nr_writes;
    bool check;             /* all pages, before the next write */
    bool failed;            /* found a wrong page; writes no more */
} StressThread;

/* What travels, as it stands in the section "stress". */
typedef struct StressState {
    uint32_t nr_threads;
    uint32_t pattern;
    uint32_t zero_percent;
    uint64_t nr_pages;
    uint64_t nr_writes[STRESS_THREADS_MAX];
} StressState;

struct StressAccel {
    Accel parent;

    /* set once */
    AccelHost host;
    StressOptions options;
    DirtySoft *soft;        /* one of the two is there */
    DirtyWp *wp;
    unsigned nr_threads;    /* that exist */
    StressThread *threads;

    QemuMutex lock;
    QemuCond wake;          /* to the threads: @running, @quit, @throttle */
    QemuCond idle;          /* @nr_active is 0 */
    bool running;           /* written under the lock, read anywhere */
    bool quit;              /* guarded by the lock */
    unsigned nr_active;     /* threads between wake-up and rest; the lock's */

    unsigned throttle;      /* percent; written under the lock, as @running */
    bool ended;             /* the machine was told; atomic */

    StressState state;      /* while it is saved or loaded */
};

/* stress-thread.c */

/**
 * stress_threads_new:
 * @s: with everything set but the threads
 * @errp: where to put the reason, or NULL
 *
 * Makes the threads, at rest.
 * Context: the main thread.
 * Returns: false when the system has no more; the rest is to be freed
 */
bool stress_threads_new(StressAccel *s, Error **errp);

/**
 * stress_threads_free:
 * @s: at rest
 *
 * Ends the threads and waits for them.
 * Context: the main thread.
 */
void stress_threads_free(StressAccel *s);

/**
 * stress_threads_start:
 * @s: at rest
 *
 * Lets the threads write.
 * Context: under the run state's lock.
 */
void stress_threads_start(StressAccel *s);

/**
 * stress_threads_stop:
 * @s: an accelerator
 *
 * Returns when no thread writes any more: they look up after each page, and a
 * wait ends at once.
 * Context: under the run state's lock.
 */
void stress_threads_stop(StressAccel *s);

/**
 * stress_is_running:
 * @s: an accelerator
 *
 * Context: any thread.
 * Returns: whether the threads are to go on
 */
bool stress_is_running(const StressAccel *s);

/* stress-check.c */

/**
 * stress_locate:
 * @s: an accelerator
 * @page: counted over all RAM
 * @offset: receives where in the block it begins, bytes
 *
 * Context: any thread.
 * Returns: the block of a page
 */
RAMBlock *stress_locate(const StressAccel *s, uint64_t page,
                        uint64_t *offset);

/**
 * stress_check_page:
 * @t: a thread
 * @page: of its slice, counted over all RAM
 *
 * Looks whether a page holds its last write; a page without one may hold
 * anything.
 * Context: the thread, or any while it is at rest.
 * Returns: NULL when it does, else a sentence, to be g_free()d
 */
char *stress_check_page(const StressThread *t, uint64_t page);

/**
 * stress_check_all:
 * @t: a thread
 * @reason: receives a sentence when pages are wrong, to be g_free()d; else
 *          untouched
 *
 * Looks at all pages of the thread and names the first that is wrong.
 * Context: the thread, which may be told to stop meanwhile.
 * Returns: whether it came to the end of them
 */
bool stress_check_all(const StressThread *t, char **reason);

/* stress-state.c */
extern const VMStateDescription vmstate_stress;

#endif /* ACCEL_STRESS_INTERNAL_H */
