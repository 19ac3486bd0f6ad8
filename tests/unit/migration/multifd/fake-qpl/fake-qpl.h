/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device that does not exist, and what goes wrong with it.
 *
 * Threads: the test's.
 */
#ifndef TESTS_FAKE_QPL_CONTROL_H
#define TESTS_FAKE_QPL_CONTROL_H

#include <stdbool.h>
#include "qpl/qpl.h"

typedef struct FakeQpl {
    qpl_status init;            /* of each qpl_init_job() */
    unsigned queue_size;        /* jobs that are taken at once */
    unsigned checks;            /* how often a job is looked at until it is done */
    unsigned fault_every;       /* every so many-th meets a page fault; 0: none */
    unsigned refuse_every;      /* every so many-th is refused for good; 0: none */
    bool wrong_length;          /* ends a byte too early, and says so */
    bool busy;                  /* others fill the queue for ever */
    bool silent;                /* no job is ever done */
    /* what was seen */
    unsigned nr_jobs;           /* made and not given back */
    unsigned nr_under_way;
    unsigned nr_most;           /* that were under way at once */
    unsigned nr_submitted;      /* and taken */
    unsigned nr_busy;           /* and not taken */
} FakeQpl;

extern FakeQpl fake_qpl;

#endif
