/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads of the stress accelerator: each writes its slice of RAM as its
 * plan says and at its pace, from start to stop, and rests in between.
 *
 * stress_N threads are made and joined here.  start and stop come under the
 * run state's lock; the way out of every wait is the condition variable.
 */
#include "qemu/osdep.h"

#include "accel/stress-internal.h"
#include "accel/stress-pace.h"
#include "accel/stress-page.h"
#include "accel/trace.h"
#include "memory/guest-access.h"
#include "memory/ram.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/timer.h"

bool stress_is_running(const StressAccel *s)
{
    return qatomic_read(&s->running);
}

/* Tells the machine, once for all threads. */
static void stress_thread_fail(StressThread *t, const char *reason)
{
    StressAccel *s = t->accel;

    t->failed = true;
    if (!qatomic_xchg(&s->ended, true)) {
        s->host.ended(s->host.opaque, reason);
    }
}

/* The next write, whole: a page in which two mixed is no state of the plan. */
static void stress_thread_write(StressThread *t)
{
    StressAccel *s = t->accel;
    uint64_t page = stress_plan_page(&t->plan, t->nr_writes);
    g_autofree char *wrong = NULL;
    StressPage content;
    RAMBlock *block;
    uint64_t offset;

    if (s->options.verify && (wrong = stress_check_page(t, page))) {
        stress_thread_fail(t, wrong);
        return;
    }
    block = stress_locate(s, page, &offset);
    if (stress_plan_is_zero(&t->plan, t->nr_writes)) {
        guest_access_fill(block->host + offset, 0, TARGET_PAGE_SIZE);
    } else {
        stress_page_fill(&content, t->plan.thread, page, t->nr_writes);
        guest_access_write(block->host + offset, &content, sizeof(content));
    }
    /* After the write, so that who takes the mark reads it. */
    if (s->soft) {
        dirty_soft_mark(s->soft, block, offset, TARGET_PAGE_SIZE);
    }
    t->nr_writes++;
    if (t->nr_writes % t->plan.nr_pages == 0) {
        trace_stress_pass(t->plan.thread, t->nr_writes / t->plan.nr_pages);
    }
}

/* Waits that long or until it is to stop. */
static void stress_thread_wait(StressThread *t, int wait_ms)
{
    StressAccel *s = t->accel;
    QEMU_LOCK_GUARD(&s->lock);

    if (s->running) {
        qemu_cond_timedwait(&s->wake, &s->lock, wait_ms);
    }
}

static void stress_thread_write_all(StressThread *t)
{
    StressAccel *s = t->accel;
    StressPace pace;

    stress_pace_start(&pace, DIV_ROUND_UP(s->options.rate, s->nr_threads),
                      qemu_clock_get_us(QEMU_CLOCK_REALTIME));
    while (stress_is_running(s) && !t->failed) {
        unsigned throttle = qatomic_read(&s->throttle);
        int wait_ms = 0;
        unsigned nr = stress_pace_allow(
            &pace, throttle, qemu_clock_get_us(QEMU_CLOCK_REALTIME),
            &wait_ms);
        uint64_t before = t->nr_writes;

        if (nr == 0) {
            stress_thread_wait(t, wait_ms);
            continue;
        }
        while (nr-- > 0 && stress_is_running(s) && !t->failed) {
            stress_thread_write(t);
        }
        stress_pace_used(&pace, throttle, (unsigned)(t->nr_writes - before),
                         qemu_clock_get_us(QEMU_CLOCK_REALTIME));
    }
}

/* From start to stop. */
static void stress_thread_run(StressThread *t)
{
    g_autofree char *reason = NULL;

    trace_stress_start(t->plan.thread, t->nr_writes);
    if (t->check && stress_check_all(t, &reason)) {
        t->check = false;
        if (reason) {
            stress_thread_fail(t, reason);
        }
    }
    /* With pages left to look at it is to stop, and looks again at a start. */
    if (!t->check) {
        stress_thread_write_all(t);
    }
    trace_stress_stop(t->plan.thread, t->nr_writes);
}

/* Rests until there is work; false when there is no more. */
static bool stress_thread_rest(StressThread *t)
{
    StressAccel *s = t->accel;
    QEMU_LOCK_GUARD(&s->lock);

    while (!s->quit && (!s->running || t->failed)) {
        qemu_cond_wait(&s->wake, &s->lock);
    }
    if (s->quit) {
        return false;
    }
    s->nr_active++;
    return true;
}

static void *stress_thread_main(void *opaque)
{
    StressThread *t = opaque;
    StressAccel *s = t->accel;

    while (stress_thread_rest(t)) {
        stress_thread_run(t);
        QEMU_LOCK_GUARD(&s->lock);
        s->nr_active--;
        qemu_cond_broadcast(&s->idle);
    }
    return NULL;
}

static void stress_thread_init(StressAccel *s, unsigned number)
{
    uint64_t nr_pages = s->options.nr_pages;
    unsigned nr_threads = s->options.nr_threads;
    uint64_t first = nr_pages * number / nr_threads;
    uint64_t end = nr_pages * (number + 1) / nr_threads;

    s->threads[number].accel = s;
    s->threads[number].plan = (StressPlan) {
        .pattern = s->options.pattern,
        .zero_percent = s->options.zero_percent,
        .thread = number,
        .first_page = first,
        .nr_pages = end - first,
    };
}

bool stress_threads_new(StressAccel *s, Error **errp)
{
    s->threads = g_new0(StressThread, s->options.nr_threads);
    for (unsigned i = 0; i < s->options.nr_threads; i++) {
        g_autofree char *name = g_strdup_printf("stress_%u", i);
        StressThread *t = &s->threads[i];

        stress_thread_init(s, i);
        if (!qemu_thread_try_create(&t->thread, name, stress_thread_main, t,
                                    QEMU_THREAD_JOINABLE, errp)) {
            return false;
        }
        s->nr_threads = i + 1;
    }
    return true;
}

void stress_threads_free(StressAccel *s)
{
    WITH_QEMU_LOCK_GUARD(&s->lock) {
        qatomic_set(&s->running, false);
        s->quit = true;
        qemu_cond_broadcast(&s->wake);
    }
    for (unsigned i = 0; i < s->nr_threads; i++) {
        qemu_thread_join(&s->threads[i].thread);
    }
    g_free(s->threads);
}

void stress_threads_start(StressAccel *s)
{
    QEMU_LOCK_GUARD(&s->lock);

    qatomic_set(&s->running, true);
    qemu_cond_broadcast(&s->wake);
}

void stress_threads_stop(StressAccel *s)
{
    QEMU_LOCK_GUARD(&s->lock);

    qatomic_set(&s->running, false);
    qemu_cond_broadcast(&s->wake);
    while (s->nr_active > 0) {
        qemu_cond_wait(&s->idle, &s->lock);
    }
}
