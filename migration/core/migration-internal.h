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
    uint64_t multifd_packet_bytes;
    unsigned multifd_normal_page_ratio;
    ZeroPageDetection zero_page_detection;
    char **accel_paths;         /* ends with NULL; owned */
    DsaCompletion dsa_completion;
    bool dsa_adaptive;
    unsigned dsa_timeout_ms;
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
 * migration_settings_clear:
 * @s: from migration_settings_init(); not used any more
 *
 * Context: the main thread.
 */
void migration_settings_clear(MigrationSettings *s);

/**
 * migration_settings_check_outgoing:
 * @s: settings
 * @errp: where to put the reason and what to do, or NULL
 *
 * Parameters, capabilities and properties are set in any order, so whether they
 * fit together shows only when a migration is to begin.
 * Context: the main thread.
 * Returns: false when no migration can begin with them
 */
bool migration_settings_check_outgoing(const MigrationSettings *s,
                                       Error **errp);

/**
 * migration_config_freeze:
 * @m: a handle
 * @config: where to put a copy of all settings, to be given back to
 *          migration_config_clear()
 *
 * Context: the main thread.
 */
void migration_config_freeze(Migration *m, MigrationConfig *config);

/**
 * migration_config_clear:
 * @config: from migration_config_freeze(), or zeroed; nobody reads it any more
 *
 * Frees what it owns.
 */
void migration_config_clear(MigrationConfig *config);

#endif
