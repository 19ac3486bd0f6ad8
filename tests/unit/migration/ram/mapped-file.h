/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A RAM section with mapped RAM in a memfd, for the tests of it: written by the
 * real source, read by the real destination.
 *
 * Threads: the test's.
 */
#ifndef TEST_MAPPED_FILE_H
#define TEST_MAPPED_FILE_H

#include "memory/dirty.h"
#include "migration/base/config.h"
#include "migration/ram/save.h"
#include "migration/ram/sink-mapped.h"

typedef struct MappedFile {
    int fd;
    RamList *list;              /* the test's */
    MigrationConfig config;
    MigrationLive live;
    RateLimit rate;
    MigrationCounters stats;
    DirtySoft *soft;
    QIOChannel *ioc;
    MigStreamOut *out;
    MappedOut *mapped;
    MappedSink *sink;
    RamSave *save;
} MappedFile;

/**
 * mapped_file_new:
 * @list: what to save; outlives the result
 * @detection: who looks for zero pages
 * @offset: where in the file the section begins
 *
 * Returns: a file with nothing in it
 */
MappedFile *mapped_file_new(RamList *list, ZeroPageDetection detection,
                            uint64_t offset);

/**
 * mapped_file_free:
 * @file: from mapped_file_new(), or NULL
 */
void mapped_file_free(MappedFile *file);

/**
 * mapped_file_save:
 * @file: with nothing in it
 *
 * Writes START and END; a failure ends the test.
 */
void mapped_file_save(MappedFile *file);

/**
 * mapped_file_setup:
 * @file: with nothing in it
 *
 * Writes START; a failure ends the test.
 */
void mapped_file_setup(MappedFile *file);

/**
 * mapped_file_iterate:
 * @file: after START
 *
 * Writes PARTs until nothing is left; a failure ends the test.
 */
void mapped_file_iterate(MappedFile *file);

/**
 * mapped_file_complete:
 * @file: after START
 *
 * Writes what was marked since, and END; a failure ends the test.
 */
void mapped_file_complete(MappedFile *file);

/**
 * mapped_file_mark:
 * @file: after START
 * @name: of a block
 * @page: that was written
 */
void mapped_file_mark(MappedFile *file, const char *name, uint64_t page);

/**
 * mapped_file_load:
 * @fd: of the file
 * @offset: where in it the section begins
 * @list: where to
 * @errp: where to put the reason, or NULL
 *
 * Loads START, and with it all pages.
 * Returns: false when that fails
 */
bool mapped_file_load(int fd, uint64_t offset, RamList *list, Error **errp);

/**
 * mapped_file_bytes:
 * @fd: of the file
 *
 * Returns: how much memory it takes
 */
uint64_t mapped_file_bytes(int fd);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MappedFile, mapped_file_free)

#endif
