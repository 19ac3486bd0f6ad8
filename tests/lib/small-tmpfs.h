/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file in a file system that is soon full.
 */
#ifndef TESTS_LIB_SMALL_TMPFS_H
#define TESTS_LIB_SMALL_TMPFS_H

#include <stddef.h>

/**
 * small_tmpfs_file:
 * @size_bytes: what the file system has room for
 * @file_bytes: the size of the file, which holds nothing yet
 *
 * Makes a tmpfs that is mounted nowhere, and a file in it.
 *
 * Context: any thread.
 * Returns: the file's descriptor; -1 where this process may not do that
 */
int small_tmpfs_file(size_t size_bytes, size_t file_bytes);

#endif
