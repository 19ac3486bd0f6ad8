/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread dsa_completion, and waiting without it.
 *
 * The thread polls the records of all flights, with a pause between two rounds,
 * and sleeps when there is none and none comes in the next moment: to wake it
 * costs whoever submits more than the batch does.  Every flight has a deadline
 * and the thread ends it then, whatever the device does: who waits need not
 * look at a clock.
 *
 * Without the thread, whoever waits polls for its own flight: a short while
 * with pauses, then with UMWAIT where the processor has it.
 *
 * The software device needs the processor that the polling would take away:
 * where all queues are such, polling is short, and then the bell is waited for.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/processor.h"
#include "qemu/timer.h"
#include "dsa-completion.h"
#include "dsa-portal.h"
#include "trace.h"

/* Rounds of polling between two looks at the clock; about a microsecond. */
#define ROUNDS_PER_CLOCK 32
/* Rounds of polling before the bell is waited for, with software queues. */
#define ROUNDS_BEFORE_BELL 64
/* Rounds of looking for a flight before the thread sleeps: 50 to 100 us. */
#define ROUNDS_BEFORE_SLEEP 2048
/* Rounds of polling before UMWAIT: what ends in that time is not slept for. */
#define ROUNDS_BEFORE_UMWAIT 64
/* Longest UMWAIT: 20 to 50 us; the kernel's own limit is of the same order. */
#define UMWAIT_MAX_CYCLES 100000

struct DsaCompleter {
    /* set once */
    DsaCompletion kind;
    DsaBell *bell;
    bool all_ring;
    bool umwait;
    QemuThread thread;

    /* atomics */
    DsaFlight *added;           /* a stack, last one first */
    bool ended;                 /* all deadlines have passed */
    bool stop;
};

static void dsa_flight_end(DsaFlight *f)
{
    if (qatomic_xchg(&f->state, DSA_FLIGHT_OVER) == DSA_FLIGHT_AWAITED) {
        qemu_sem_post(&f->over);
    }
}

/*
 * Polls all flights once and ends those that are done, or all of them when
 * everything has @ended.
 * Returns whether there was any.
 */
static bool dsa_completer_round(DsaFlight **list, int64_t now_ns, bool ended)
{
    bool any = false;

    for (DsaFlight **pp = list; *pp;) {
        DsaFlight *f = *pp;
        bool done = dsa_flight_poll(f);

        if (!done && !ended && !dsa_deadline_is_over(&f->deadline, now_ns)) {
            pp = &f->next;
            continue;
        }
        *pp = f->next;
        dsa_flight_end(f);
        any = true;
    }
    return any;
}

/* Milliseconds until a deadline has to be looked at; -1 without one. */
static int dsa_flights_nap_ms(const DsaFlight *list)
{
    int64_t now_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    int nap_ms = list ? INT_MAX : -1;

    for (const DsaFlight *f = list; f; f = f->next) {
        nap_ms = MIN(nap_ms, dsa_deadline_nap_ms(&f->deadline, now_ns));
    }
    return nap_ms;
}

/* Appends what was added since, in the order in which it was. */
static void dsa_completer_collect(DsaCompleter *c, DsaFlight **list)
{
    DsaFlight *stack = qatomic_xchg(&c->added, NULL);
    DsaFlight *fresh = NULL;

    while (stack) {
        DsaFlight *f = stack;

        stack = f->next;
        f->next = fresh;
        fresh = f;
    }
    while (*list) {
        list = &(*list)->next;
    }
    *list = fresh;
}

/* How many rounds without an answer the thread makes before it sleeps. */
static unsigned dsa_completer_patience(const DsaCompleter *c,
                                       const DsaFlight *list)
{
    if (c->all_ring) {
        return ROUNDS_BEFORE_BELL;
    }
    return list ? UINT_MAX : ROUNDS_BEFORE_SLEEP;
}

static void *dsa_completer_thread(void *opaque)
{
    DsaCompleter *c = opaque;
    DsaFlight *list = NULL;
    unsigned rounds = 0;
    int64_t now_ns = 0;

    for (;;) {
        /* Before looking at anything that is rung for. */
        uint32_t seen = dsa_bell_read(c->bell);

        if (qatomic_load_acquire(&c->stop)) {
            return NULL;
        }
        if (qatomic_read(&c->added)) {
            dsa_completer_collect(c, &list);
        }
        if (list && rounds % ROUNDS_PER_CLOCK == 0) {
            now_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
        }
        if (dsa_completer_round(&list, now_ns, qatomic_read(&c->ended))) {
            rounds = 0;
        } else if (rounds > dsa_completer_patience(c, list)) {
            dsa_bell_wait(c->bell, seen, dsa_flights_nap_ms(list));
            rounds = 0;
        } else {
            rounds++;
            cpu_relax();
        }
    }
}

DsaCompleter *dsa_completer_new(DsaCompletion kind, DsaBell *bell,
                                bool all_ring, Error **errp)
{
    DsaCompleter *c = g_new0(DsaCompleter, 1);

    c->kind = kind;
    c->bell = bell;
    c->all_ring = all_ring;
    if (kind == DSA_COMPLETION_IN_THREAD) {
        c->umwait = dsa_portal_caps().umwait;
    } else if (!qemu_thread_try_create(&c->thread, "dsa_completion",
                                       dsa_completer_thread, c,
                                       QEMU_THREAD_JOINABLE, errp)) {
        g_free(c);
        return NULL;
    }
    return c;
}

void dsa_completer_add(DsaCompleter *c, DsaFlight *f)
{
    DsaFlight *head, *seen;

    f->at_part = 0;
    f->at_member = 0;
    if (c->kind == DSA_COMPLETION_IN_THREAD) {
        return;
    }
    qatomic_set(&f->state, DSA_FLIGHT_UNDER_WAY);
    head = qatomic_read(&c->added);
    do {
        seen = head;
        f->next = seen;
        head = qatomic_cmpxchg(&c->added, seen, f);
    } while (head != seen);
    if (!seen) {
        /* Whoever put one there before us has rung. */
        dsa_bell_ring(c->bell);
    }
}

bool dsa_completer_is_over(DsaCompleter *c, DsaFlight *f)
{
    if (c->kind == DSA_COMPLETION_THREAD) {
        return qatomic_load_acquire(&f->state) == DSA_FLIGHT_OVER;
    }
    return dsa_flight_poll(f);
}

static void dsa_completer_wait_thread(DsaFlight *f)
{
    if (qatomic_cmpxchg(&f->state, (uint32_t)DSA_FLIGHT_UNDER_WAY,
                        DSA_FLIGHT_AWAITED) == DSA_FLIGHT_UNDER_WAY) {
        /* Ends at the flight's deadline at the latest: see the thread. */
        qemu_sem_wait(&f->over);
    }
}

static void dsa_completer_wait_here(DsaCompleter *c, DsaFlight *f)
{
    unsigned rounds = 0;

    /* The thread may have been elsewhere for long; or it was stopped. */
    dsa_deadline_resume(&f->deadline);
    for (;;) {
        uint32_t seen = dsa_bell_read(c->bell);

        if (dsa_flight_poll(f) || qatomic_read(&c->ended) ||
            (rounds++ % ROUNDS_PER_CLOCK == 0 &&
             dsa_deadline_is_over(&f->deadline,
                                  qemu_clock_get_ns(QEMU_CLOCK_REALTIME)))) {
            return;
        }
        if (c->all_ring && rounds > ROUNDS_BEFORE_BELL) {
            f->next = NULL;
            dsa_bell_wait(c->bell, seen, dsa_flights_nap_ms(f));
            rounds = 0;
        } else if (c->umwait && rounds > ROUNDS_BEFORE_UMWAIT) {
            dsa_portal_umwait(dsa_flight_next_status(f), UMWAIT_MAX_CYCLES);
            rounds = ROUNDS_BEFORE_UMWAIT;
        } else {
            cpu_relax();
        }
    }
}

void dsa_completer_wait(DsaCompleter *c, DsaFlight *f)
{
    if (c->kind == DSA_COMPLETION_THREAD) {
        dsa_completer_wait_thread(f);
    } else {
        dsa_completer_wait_here(c, f);
    }
}

void dsa_completer_end(DsaCompleter *c)
{
    qatomic_store_release(&c->ended, true);
    dsa_bell_ring(c->bell);
}

bool dsa_completer_has_ended(const DsaCompleter *c)
{
    return qatomic_read(&c->ended);
}

void dsa_completer_abandon(DsaCompleter *c)
{
    g_free(c);
}

void dsa_completer_free(DsaCompleter *c)
{
    if (!c) {
        return;
    }
    if (c->kind == DSA_COMPLETION_THREAD) {
        qatomic_store_release(&c->stop, true);
        dsa_bell_ring(c->bell);
        qemu_thread_join(&c->thread);
    }
    g_free(c);
}
