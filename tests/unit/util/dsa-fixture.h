/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of the DSA library share: pages whose answer is known, groups on
 * software queues, and the comparison of every answer with buffer_is_zero().
 *
 * Threads: a DsaPages may be read by many; all else is the caller's.
 */
#ifndef TESTS_UNIT_UTIL_DSA_FIXTURE_H
#define TESTS_UNIT_UTIL_DSA_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "qemu/dsa.h"

#define DSA_TEST_PAGE 4096
/* As in a multifd packet. */
#define DSA_TEST_PAGES 128
/* For devices that are expected to answer, and for those that are not. */
#define DSA_TEST_LONG_MS 60000
#define DSA_TEST_SHORT_MS 200

typedef struct DsaPages {
    uint8_t *mem;               /* guest memory, in place of it */
    size_t page_size;
    unsigned nr;
    const uint8_t **page;       /* [nr] */
} DsaPages;

/* What a test is run with: how to wait, on which queue. */
typedef struct DsaCase {
    void (*fn)(const struct DsaCase *c);
    DsaCompletion completion;
    bool hardware;
} DsaCase;

/**
 * dsa_pages_new:
 * @page_size: bytes
 * @nr: how many pages
 *
 * Returns: pages that are there and all zero
 */
DsaPages *dsa_pages_new(size_t page_size, unsigned nr);

/**
 * dsa_pages_free:
 * @p: pages no device looks at any more, or NULL
 */
void dsa_pages_free(DsaPages *p);

/**
 * dsa_pages_set:
 * @p: pages
 * @i: index of a page
 * @offset: of the byte that makes it differ
 */
void dsa_pages_set(DsaPages *p, unsigned i, size_t offset);

/**
 * dsa_pages_mix:
 * @p: pages that are all zero
 *
 * Leaves every third one zero and has the others differ at an offset of each
 * class: first and last byte, around words and cache lines.
 */
void dsa_pages_mix(DsaPages *p);

/**
 * dsa_check_wait:
 * @b: a batch that was submitted
 * @p: pages
 * @first: the first of those that were
 * @nr: how many were
 *
 * Waits, and asserts that every answer is that of buffer_is_zero().
 */
void dsa_check_wait(DsaBatch *b, const DsaPages *p, unsigned first,
                    unsigned nr);

/**
 * dsa_check_batch:
 * @b: a batch with nothing under way
 * @p: pages
 * @first: the first one to submit
 * @nr: how many to submit
 *
 * Submits and does what dsa_check_wait() does.
 */
void dsa_check_batch(DsaBatch *b, const DsaPages *p, unsigned first,
                     unsigned nr);

/**
 * dsa_test_options:
 * @completion: how to wait
 * @timeout_ms: how long, milliseconds
 *
 * Returns: options for batches of DSA_TEST_PAGES pages of DSA_TEST_PAGE bytes
 */
DsaOptions dsa_test_options(DsaCompletion completion, unsigned timeout_ms);

/**
 * dsa_test_group:
 * @completion: how to wait
 * @timeout_ms: how long, milliseconds
 * @soft: options of a software queue; NULL behind the last queue
 *
 * Returns: a group, which was opened without a complaint
 */
DsaGroup *dsa_test_group(DsaCompletion completion, unsigned timeout_ms,
                         const char *soft, ...) G_GNUC_NULL_TERMINATED;

/**
 * dsa_test_still_works:
 * @completion: how to wait
 *
 * Asserts that a new group answers with its device and without a warning.
 */
void dsa_test_still_works(DsaCompletion completion);

/**
 * dsa_test_take_only_warning:
 * @group: a group
 *
 * Returns: the group's warning, of which there must be exactly one
 */
char *dsa_test_take_only_warning(DsaGroup *group);

/**
 * dsa_test_cpu_pages:
 * @status: of a group
 *
 * Returns: pages that the CPU looked at, for whatever reason
 */
uint64_t dsa_test_cpu_pages(const DsaStatus *status);

/**
 * dsa_test_add:
 * @suite: of the test, "dsa-batch"
 * @name: a sentence with dashes
 * @fn: the test
 * @hardware: it is run once more on real queues
 *
 * Adds a test for both ways to wait.
 */
void dsa_test_add(const char *suite, const char *name,
                  void (*fn)(const DsaCase *c), bool hardware);

#endif /* TESTS_UNIT_UTIL_DSA_FIXTURE_H */
