/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings of one migration, frozen when it starts.  Everything below
 * migration/core/ reads only this, so that a parameter set half-way cannot
 * change what a running migration does.
 *
 * Threads: constant from the start of a migration to its end; read by all its
 * threads.  This header owns no locks.
 */
#ifndef MIGRATION_BASE_CONFIG_H
#define MIGRATION_BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include "qapi/qapi-types-migration.h"
#include "qemu/dsa-types.h"
#include "qemu/uuid.h"
#include "migration/base/pause-point.h"

/* Longest machine name that may stand in a configuration section. */
#define MIGRATION_MACHINE_NAME_MAX 255

/*
 * What `-global migration.NAME=VALUE` sets: properties that make the stream
 * equal to what another QEMU version writes.  Both ends must agree.
 */
typedef struct MigrationCompat {
    bool store_global_state;
    bool send_configuration;
    bool send_section_footer;
    bool send_switchover_start;
    bool multifd_flush_after_each_section;
    bool multifd_clean_tls_termination;
} MigrationCompat;

typedef struct MigrationConfig {
    bool return_path;
    bool pause_before_switchover;
    bool auto_converge;
    bool multifd;
    unsigned multifd_channels;      /* 1 to 255; meaningful with multifd only */
    /* of a packet sent; 1 to MULTIFD_PACKET_PAGES_MAX */
    unsigned multifd_packet_pages;
    MultiFDCompression multifd_compression; /* one that this build has */
    unsigned zlib_level;            /* 0 to 9 */
    unsigned zstd_level;            /* 0 to 20 */
    /* of 100 zero pages, how many are sent as normal ones: for tests */
    unsigned multifd_normal_page_ratio;
    ZeroPageDetection zero_page_detection;
    char *tls_creds;                /* ids of objects; NULL: none; owned */
    char *tls_hostname;
    char *tls_authz;
    bool zero_copy_send;            /* with multifd, without compression */
    bool mapped_ram;                /* pages have places in a file */
    bool direct_io;                 /* see migration_config_direct_io() */
    /* meaningful with ZERO_PAGE_DETECTION_DSA_ACCEL only */
    char **accel_paths;             /* ends with NULL; owned */
    DsaCompletion dsa_completion;
    bool dsa_adaptive;
    unsigned dsa_timeout_ms;
    MigrationCompat compat;
    QemuUUID uuid;                  /* all zero when -uuid was not given */
    bool missing_pages_fatal;       /* see MigrationHost */
    char machine_name[MIGRATION_MACHINE_NAME_MAX + 1];
    const PausePoints *pause_points; /* NULL outside tests; outlives the config */
} MigrationConfig;

/**
 * migration_config_direct_io:
 * @config: settings
 *
 * Returns: whether files are opened with O_DIRECT for pages: only multifd
 *          channels write nothing else
 */
static inline bool migration_config_direct_io(const MigrationConfig *config)
{
    return config->direct_io && config->mapped_ram && config->multifd;
}

#endif
