/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands behind the Migration handle.  For the files of migration/core/
 * only.
 *
 * Threads: see each group of members.  This header owns no locks.
 */
#ifndef MIGRATION_CORE_MIGRATION_INTERNAL_H
#define MIGRATION_CORE_MIGRATION_INTERNAL_H

#include "migration/base/config.h"
#include "migration/base/rate.h"
#include "migration/migration.h"

typedef struct MigrationOut MigrationOut;
typedef struct MigrationIn MigrationIn;

/* Settings that a client may change between migrations; main thread only. */
typedef struct MigrationSettings {
    bool caps[MIGRATION_CAPABILITY__MAX];
    unsigned multifd_channels;
    ZeroPageDetection zero_page_detection;
    MigrationCompat compat;
} MigrationSettings;

struct Migration {
    /* set once */
    MigrationHost host;
    /* main thread */
    MigrationSettings settings;
    MigrationOut *out;          /* the last one begun, or NULL */
    MigrationIn *in;            /* the last one begun, or NULL */
    /* atomics */
    MigrationLive live;
};

/**
 * migration_settings_init:
 * @s: where to put QEMU 10.0's defaults
 * @live: where to put those that apply at once
 *
 * Context: the main thread.
 */
void migration_settings_init(MigrationSettings *s, MigrationLive *live);

/**
 * migration_config_freeze:
 * @m: a handle
 * @config: where to put a copy of all settings
 *
 * Context: the main thread.
 */
void migration_config_freeze(Migration *m, MigrationConfig *config);

#endif
