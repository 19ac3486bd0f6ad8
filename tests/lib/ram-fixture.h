/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory for unit tests: lists of RAM blocks, fillings with a known mix
 * of pages, and comparison.  A failure to make something ends the test.
 *
 * Threads: any, one at a time for one list.
 */
#ifndef TESTS_LIB_RAM_FIXTURE_H
#define TESTS_LIB_RAM_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "memory/ram.h"

/* Where the memory of a block comes from. */
typedef enum RamFixtureKind {
    RAM_FIXTURE_ANON,           /* memory-backend-ram */
    RAM_FIXTURE_MEMFD,          /* memory-backend-memfd, shared */
    RAM_FIXTURE_FILE_SHARED,    /* memory-backend-file, a temporary file */
    RAM_FIXTURE_FILE_PRIVATE,
} RamFixtureKind;

typedef struct RamFixtureBlock {
    const char *idstr;
    uint64_t size_bytes;        /* a multiple of the host's page size */
    RamFixtureKind kind;
} RamFixtureBlock;

/* What to fill a list with. */
typedef enum RamFixtureMix {
    RAM_FIXTURE_MIX_HOLES,      /* nothing is touched */
    RAM_FIXTURE_MIX_ZERO,       /* every page populated and zero */
    RAM_FIXTURE_MIX_RANDOM,     /* every page normal */
    RAM_FIXTURE_MIX_HALF,       /* each page zero or normal, by lot */
    RAM_FIXTURE_MIX_MIXED,      /* runs of 1 to 64 pages of each of the three */
} RamFixtureMix;

/* How many target pages of each sort a filling has made. */
typedef struct RamFixtureCounts {
    uint64_t nr_holes;
    uint64_t nr_zero;
    uint64_t nr_normal;
} RamFixtureCounts;

/**
 * ram_fixture_new:
 * @blocks: what to make
 * @nr_blocks: how many
 *
 * Makes a list whose memory has never been touched.  Transparent huge pages
 * are off for it, so that a hole next to a page that is written stays one.
 *
 * Returns: a list, the caller's; free with ram_list_free()
 */
RamList *ram_fixture_new(const RamFixtureBlock *blocks, unsigned nr_blocks);

/**
 * ram_fixture_fill:
 * @list: untouched memory (else a hole keeps its old content)
 * @mix: which pages
 * @seed: the same seed gives the same pages in the same places
 *
 * Fills all blocks.  No two normal pages of one list are equal.  One in eight
 * is zero but for eight bytes somewhere in it, the others are random.
 *
 * Returns: how many pages of each sort were made
 */
RamFixtureCounts ram_fixture_fill(RamList *list, RamFixtureMix mix,
                                  uint64_t seed);

/**
 * ram_fixture_fill_page:
 * @page: a target page of memory
 * @seed: what to derive the bytes from
 *
 * Makes a normal page of random bytes.
 */
void ram_fixture_fill_page(uint8_t *page, uint64_t seed);

/**
 * ram_fixture_difference:
 * @a: a list
 * @b: another
 *
 * Compares names, lengths and bytes.  Reading populates the holes of shared
 * memory: ask ram_fixture_populated_pages() first.
 *
 * Returns: NULL when equal, else the first difference as a sentence, to be
 *          g_free()d
 */
char *ram_fixture_difference(const RamList *a, const RamList *b);

/**
 * ram_fixture_assert_equal:
 * @a: a list
 * @b: another
 *
 * Ends the test with ram_fixture_difference()'s sentence unless there is none.
 */
void ram_fixture_assert_equal(const RamList *a, const RamList *b);

/**
 * ram_fixture_populated_pages:
 * @list: a list
 *
 * How many host pages the kernel holds for the list's blocks: what shows that
 * holes were left alone.  Counts without touching anything.
 *
 * Returns: pages present in the page table (private anonymous memory), or
 *          allocated in the file (all else)
 */
uint64_t ram_fixture_populated_pages(const RamList *list);

#endif
