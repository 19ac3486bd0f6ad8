/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who looks for completion records: the thread dsa_completion, or whoever
 * waits.
 *
 * Threads: add and wait by the lanes' threads, any number of them.
 * Locks: none; flights reach the thread over a list that takes one atomic
 * operation each.
 */
#ifndef UTIL_DSA_COMPLETION_H
#define UTIL_DSA_COMPLETION_H

#include "qapi/error.h"
#include "qemu/dsa-bell.h"
#include "qemu/dsa-types.h"
#include "dsa-flight.h"

typedef struct DsaCompleter DsaCompleter;

/**
 * dsa_completer_new:
 * @kind: who looks
 * @bell: the group's; rung by software queues when they have an answer
 * @all_ring: all queues are such, and need the processor that polling takes
 * @errp: where to put the reason, or NULL
 *
 * Returns: a completer; NULL when the thread could not be started
 */
DsaCompleter *dsa_completer_new(DsaCompletion kind, DsaBell *bell,
                                bool all_ring, Error **errp);

/**
 * dsa_completer_add:
 * @c: a completer
 * @f: a flight with a part that a queue took, and a deadline; the completer's
 *     until dsa_completer_wait() returns
 */
void dsa_completer_add(DsaCompleter *c, DsaFlight *f);

/**
 * dsa_completer_is_over:
 * @c: a completer
 * @f: a flight that was added
 *
 * Returns: true when all records are there, or its deadline has passed; then it
 *          is the caller's again
 */
bool dsa_completer_is_over(DsaCompleter *c, DsaFlight *f);

/**
 * dsa_completer_wait:
 * @c: a completer
 * @f: a flight that was added
 *
 * Waits until all records are there, or the deadline has passed.
 */
void dsa_completer_wait(DsaCompleter *c, DsaFlight *f);

/**
 * dsa_completer_end:
 * @c: a completer
 *
 * From now on each wait ends at once, as if its deadline had passed.
 * Context: any thread; does not wait.
 */
void dsa_completer_end(DsaCompleter *c);

/**
 * dsa_completer_has_ended:
 * @c: a completer
 *
 * Returns: true after dsa_completer_end()
 */
bool dsa_completer_has_ended(const DsaCompleter *c);

/**
 * dsa_completer_abandon:
 * @c: a completer in the child of a fork, or NULL
 *
 * Frees it without ending its thread, which the child does not have.
 */
void dsa_completer_abandon(DsaCompleter *c);

/**
 * dsa_completer_free:
 * @c: a completer nobody waits with any more, or NULL
 *
 * Ends the thread; flights that are not over are looked at no more.
 */
void dsa_completer_free(DsaCompleter *c);

#endif /* UTIL_DSA_COMPLETION_H */
