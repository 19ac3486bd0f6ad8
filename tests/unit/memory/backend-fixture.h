/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of memory backends share: options, a directory for files, and
 * a look at the kernel's books.
 */
#ifndef TESTS_UNIT_MEMORY_BACKEND_FIXTURE_H
#define TESTS_UNIT_MEMORY_BACKEND_FIXTURE_H

#include "memory/backend.h"

/* The size most cases use, bytes. */
#define BACKEND_SIZE (UINT64_C(64) << 10)

/* Bits of /proc/self/pagemap. */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_FILE_OR_SHARED (UINT64_C(1) << 61)

/* A directory of its own, and the path of a file in it. */
typedef struct BackendDir {
    char *dir;
    char *path;
} BackendDir;

/**
 * backend_dir_init:
 * @d: filled in
 *
 * Makes the directory, but not the file.
 */
void backend_dir_init(BackendDir *d);

/**
 * backend_dir_clear:
 * @d: a directory
 *
 * Removes file and directory; fails the test when something else is in it.
 */
void backend_dir_clear(BackendDir *d);

/**
 * backend_options_ram:
 * @size: bytes
 *
 * Returns: options of a memory-backend-ram with the id "m"
 */
ObjectOptions backend_options_ram(uint64_t size);

/**
 * backend_options_memfd:
 * @size: bytes
 *
 * Returns: options of a memory-backend-memfd with the id "m"
 */
ObjectOptions backend_options_memfd(uint64_t size);

/**
 * backend_options_file:
 * @path: kept by reference
 * @size: bytes
 * @share: whether what is written reaches the file
 *
 * Returns: options of a memory-backend-file with the id "m"
 */
ObjectOptions backend_options_file(const char *path, uint64_t size,
                                   bool share);

/**
 * backend_make:
 * @options: what to make
 *
 * Returns: the backend; ends the test when there is none
 */
HostMemoryBackend *backend_make(const ObjectOptions *options);

/**
 * backend_assert_refused:
 * @options: what must not be made
 * @text: the sentence that says why
 */
void backend_assert_refused(const ObjectOptions *options, const char *text);

/**
 * backend_allocated_bytes:
 * @fd: a file
 *
 * Returns: how much of it the file system holds
 */
uint64_t backend_allocated_bytes(int fd);

/**
 * backend_pages_have:
 * @backend: a backend
 * @mask: which bits of the pagemap to look at
 * @bits: how they must be
 *
 * Returns: whether all pages are so, found without touching any
 */
bool backend_pages_have(const HostMemoryBackend *backend, uint64_t mask,
                        uint64_t bits);

/**
 * backend_is_populated:
 * @backend: a backend
 *
 * Returns: whether all pages are in memory, found without touching any
 */
bool backend_is_populated(const HostMemoryBackend *backend);

#endif
