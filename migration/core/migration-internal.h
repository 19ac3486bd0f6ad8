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
typedef struct TransportTLS TransportTLS;

/* Settings that a client may change between migrations; main thread only. */
typedef struct MigrationSettings {
    bool caps[MIGRATION_CAPABILITY__MAX];
    unsigned multifd_channels;
    uint64_t multifd_packet_bytes;
    unsigned multifd_normal_page_ratio;
    MultiFDCompression multifd_compression;
    unsigned zlib_level;
    unsigned zstd_level;
    ZeroPageDetection zero_page_detection;
    bool direct_io;
    char *tls_creds;            /* never NULL, but ""; owned */
    char *tls_hostname;
    char *tls_authz;
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
 * migration_settings_check_mapped:
 * @s: settings
 * @errp: where to put the reason, or NULL
 *
 * Context: the main thread.
 * Returns: false when mapped-ram is on with something that needs a stream
 */
bool migration_settings_check_mapped(const MigrationSettings *s, Error **errp);

/**
 * migration_parameters_check:
 * @live: what is set of the parameters that apply at once
 * @p: those that are to be changed (has_... set)
 * @errp: where to put the reason, or NULL
 *
 * Context: the main thread.
 * Returns: false when one is out of range
 */
bool migration_parameters_check(const MigrationLive *live,
                                const MigrationParameters *p, Error **errp);

/**
 * migration_check_zero_copy:
 * @caps: capabilities, one for each
 * @compression: what multifd would compress with
 * @tls_creds: the id of credentials; NULL or "": without TLS
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when zero-copy-send is on and cannot go together with the rest
 */
bool migration_check_zero_copy(const bool *caps, MultiFDCompression compression,
                               const char *tls_creds, Error **errp);

/**
 * migration_tls_outgoing:
 * @m: a handle
 * @addr: where to
 * @tls: where to put what to wrap connections in, to be given back to
 *       transport_tls_free(); NULL when tls-creds is not set
 * @errp: where to put the reason, or NULL
 *
 * Context: the main thread.
 * Returns: false when TLS was asked for and cannot be had
 */
bool migration_tls_outgoing(Migration *m, const MigrationAddress *addr,
                            TransportTLS **tls, Error **errp);

/**
 * migration_tls_incoming:
 * @m: a handle
 * @addr: where connections come from
 * @tls: as for migration_tls_outgoing()
 * @errp: where to put the reason, or NULL
 *
 * Context: the main thread.
 * Returns: false when TLS was asked for and cannot be had
 */
bool migration_tls_incoming(Migration *m, const MigrationAddress *addr,
                            TransportTLS **tls, Error **errp);

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
