/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of memfd-backed blocks for the tests of migration/ram/.
 *
 * Threads: the test's.
 */
#ifndef TEST_RAM_BLOCKS_H
#define TEST_RAM_BLOCKS_H

#include "memory/ram.h"

/**
 * ram_blocks_new:
 * @first_name: name of the first block
 * @nr_pages: its target pages
 *
 * More blocks may follow, each as name and (unsigned) pages, ended by NULL.
 * Returns: the blocks, unpopulated
 */
RamList *ram_blocks_new(const char *first_name, unsigned nr_pages, ...)
    G_GNUC_NULL_TERMINATED;

/**
 * ram_blocks_page:
 * @list: the blocks
 * @name: of a block
 * @page: target page in it
 *
 * Returns: where the page is
 */
uint8_t *ram_blocks_page(RamList *list, const char *name, uint64_t page);

/**
 * ram_blocks_resident:
 * @list: the blocks
 * @name: of a block
 *
 * Returns: how many of its pages are populated, as the memfd says
 */
uint64_t ram_blocks_resident(RamList *list, const char *name);

#endif
