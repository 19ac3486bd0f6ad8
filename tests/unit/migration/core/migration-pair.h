/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two machines in one process, one migrating to the other over a unix socket:
 * real backends, real channels, real threads.  Only the run state is a
 * stand-in, so that a test sees what migration asked of it.
 *
 * Threads: all calls from the test's thread, which also runs the main loop.
 */
#ifndef TEST_MIGRATION_PAIR_H
#define TEST_MIGRATION_PAIR_H

#include "memory/dirty.h"
#include "memory/ram.h"
#include "migration/migration.h"
#include "qemu/main-loop.h"
#include "qemu/thread.h"

/* Sizes that are no multiple of a packet, in two blocks. */
#define PAIR_BLOCK_A_PAGES (3 * 128 + 5)
#define PAIR_BLOCK_B_PAGES 131

/* One end: everything a Migration works on, and what it was told. */
typedef struct PairEnd {
    MainLoop *loop;
    RamList *ram;
    DirtySoft *soft;
    VMStateRegistry *vmstate;
    MigrationHost host;         /* what @migration was made of */
    Migration *migration;
    MachineOps ops;
    QapiEventSink events;
    uint64_t device;            /* the only device state there is */
    /* atomics */
    bool running;
    unsigned nr_stops;
    unsigned nr_resumes;
    unsigned nr_migrated;
    unsigned nr_done;
    unsigned nr_failed;
    unsigned nr_warnings;
    unsigned throttle;          /* what the CPUs were slowed down by last */
    unsigned nr_throttles;
    unsigned throttle_at_resume;
    char *failure;              /* main thread */
} PairEnd;

typedef struct MigrationPair {
    MainLoop *loop;
    PairEnd src;
    PairEnd dst;
    PausePoints pause_points;   /* the source's; set hit before pair_start() */
    char *dir;
    char *uri;
} MigrationPair;

/* The four ways of migrating whose ends differ. */
typedef struct PairVariant {
    const char *name;
    unsigned channels;          /* 0: no multifd */
    bool return_path;
} PairVariant;

#define PAIR_NR_VARIANTS 4
extern const PairVariant pair_variants[PAIR_NR_VARIANTS];

/**
 * pair_needs_pause_points:
 *
 * Skips the test when they are not built in.
 * Returns: true when the test is to return at once
 */
bool pair_needs_pause_points(void);

/**
 * pair_new:
 *
 * Returns: two stopped machines with equal, unpopulated memory and the
 *          capability `events` on
 */
MigrationPair *pair_new(void);

/**
 * pair_new_variant:
 * @v: how it is to migrate
 *
 * Returns: a pair whose source runs and has memory to move
 */
MigrationPair *pair_new_variant(const PairVariant *v);

/**
 * pair_add_variants:
 * @what: the test's path up to the name of the variant
 * @func: gets the PairVariant
 */
void pair_add_variants(const char *what, void (*func)(const void *));

/**
 * pair_free:
 * @pair: a pair, or NULL
 */
void pair_free(MigrationPair *pair);

/**
 * pair_remake:
 * @end: one end, on which nothing runs
 *
 * Makes its Migration anew of PairEnd::host, with default settings and the
 * capability `events` on.
 */
void pair_remake(PairEnd *end);

/**
 * pair_cap:
 * @pair: a pair
 * @cap: a capability to switch on at both ends
 */
void pair_cap(MigrationPair *pair, MigrationCapability cap);

/**
 * pair_end_cap:
 * @end: one end
 * @cap: a capability to switch on there alone
 */
void pair_end_cap(PairEnd *end, MigrationCapability cap);

/**
 * pair_end_set:
 * @end: one end
 * @text: parameters as JSON, as `migrate-set-parameters` takes them; single
 *        quotes stand for double ones
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when they are refused
 */
bool pair_end_set(PairEnd *end, const char *text, Error **errp);

/**
 * pair_multifd:
 * @pair: a pair
 * @channels: how many, at both ends
 */
void pair_multifd(MigrationPair *pair, unsigned channels);

/**
 * pair_fill:
 * @list: memory to fill
 * @seed: which content
 *
 * Runs of normal pages, zero pages and holes, in turn.
 */
void pair_fill(RamList *list, uint32_t seed);

/**
 * pair_write:
 * @end: a machine
 * @block: which of its blocks
 * @page: target page in the block
 * @value: first byte; 0 makes the page zero
 *
 * Writes as the guest would: the page, then its mark.
 * Context: any thread.
 */
void pair_write(PairEnd *end, RAMBlock *block, uint64_t page, uint8_t value);

/**
 * pair_listen:
 * @pair: a pair
 *
 * Starts the incoming end.
 */
void pair_listen(MigrationPair *pair);

/**
 * pair_start:
 * @pair: a pair whose incoming end listens
 *
 * Starts the outgoing end.
 */
void pair_start(MigrationPair *pair);

/**
 * pair_wait:
 * @end: one end
 *
 * Runs the main loop until its migration is final and its threads have ended.
 * Returns: the status
 */
MigrationStatus pair_wait(PairEnd *end);

/**
 * pair_wait_status:
 * @end: one end
 * @status: what to wait for
 *
 * Runs the main loop until its migration has this status.
 */
void pair_wait_status(PairEnd *end, MigrationStatus status);

/**
 * pair_error:
 * @end: one end
 *
 * Returns: error-desc of query-migrate, the caller's; NULL if there is none
 */
char *pair_error(PairEnd *end);

/**
 * pair_assert_equal:
 * @pair: a pair
 *
 * Fails the test unless both memories are equal byte for byte.
 */
void pair_assert_equal(MigrationPair *pair);

#endif
