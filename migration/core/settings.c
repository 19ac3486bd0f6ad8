/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is set when nothing was, whether all that is set fits together, the frozen
 * copy that a migration runs with, and compatibility properties.  Names and
 * defaults are QEMU 10.0's where it has them.
 *
 * Entered by the main thread only.  Changing capabilities is capabilities.c's,
 * parameters parameters.c's.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/util.h"
#include "qemu/atomic.h"
#include "qemu/cutils.h"
#include "qemu/units.h"
#include "migration/core/migration-internal.h"
#include "migration/stream/multifd-packet.h"

void migration_settings_init(MigrationSettings *s, MigrationLive *live)
{
    *s = (MigrationSettings) {
        .multifd_channels = 2,
        .multifd_packet_bytes = MULTIFD_PACKET_PAGES * TARGET_PAGE_SIZE,
        .tls_creds = g_strdup(""),
        .tls_hostname = g_strdup(""),
        .tls_authz = g_strdup(""),
        .multifd_compression = MULTIFD_COMPRESSION_NONE,
        .zlib_level = 1,
        .zstd_level = 1,
        .zero_page_detection = ZERO_PAGE_DETECTION_MULTIFD,
        .accel_paths = g_new0(char *, 1),
        .dsa_completion = DSA_COMPLETION_THREAD,
        .dsa_adaptive = true,
        .dsa_timeout_ms = DSA_TIMEOUT_MS_DEFAULT,
        .compat = {
            .store_global_state = true,
            .send_configuration = true,
            .send_section_footer = true,
            .send_switchover_start = true,
            .multifd_clean_tls_termination = true,
        },
    };
    qatomic_set(&live->max_bandwidth, (uint64_t)(128 * MiB));
    qatomic_set(&live->avail_switchover_bandwidth, (uint64_t)0);
    qatomic_set(&live->downtime_limit_ms, (uint64_t)300);
    qatomic_set(&live->throttle_trigger_threshold, 50);
    qatomic_set(&live->cpu_throttle_initial, 20);
    qatomic_set(&live->cpu_throttle_increment, 10);
    qatomic_set(&live->cpu_throttle_tailslow, false);
    qatomic_set(&live->max_cpu_throttle, 99);
}

void migration_settings_clear(MigrationSettings *s)
{
    g_clear_pointer(&s->accel_paths, g_strfreev);
    g_clear_pointer(&s->tls_creds, g_free);
    g_clear_pointer(&s->tls_hostname, g_free);
    g_clear_pointer(&s->tls_authz, g_free);
}

static bool settings_check_dsa(const MigrationSettings *s, Error **errp)
{
    if (s->zero_page_detection != ZERO_PAGE_DETECTION_DSA_ACCEL) {
        return true;
    }
    if (!s->caps[MIGRATION_CAPABILITY_MULTIFD]) {
        error_setg(errp, "Parameter 'zero-page-detection' is 'dsa-accel', "
                   "which works in multifd channels only; switch the "
                   "capability 'multifd' on or choose another detection");
        return false;
    }
    if (!s->accel_paths[0]) {
        error_setg(errp, "Parameter 'zero-page-detection' is 'dsa-accel' and "
                   "'accel-path' is empty; name the work queues to use, such "
                   "as \"dsa:auto\"");
        return false;
    }
    return true;
}

/* A destination that is not told would take the packets for nonsense. */
static bool settings_check_packet_size(const MigrationSettings *s,
                                       Error **errp)
{
    uint64_t standard = MULTIFD_PACKET_PAGES * TARGET_PAGE_SIZE;

    if (s->multifd_packet_bytes == standard) {
        return true;
    }
    if (!s->caps[MIGRATION_CAPABILITY_MULTIFD]) {
        error_setg(errp, "Parameter 'multifd-packet-size' is %" PRIu64
                   " without multifd; switch the capability 'multifd' on or "
                   "set it back to %" PRIu64, s->multifd_packet_bytes,
                   standard);
        return false;
    }
    if (!s->compat.send_configuration) {
        error_setg(errp, "Parameter 'multifd-packet-size' is %" PRIu64
                   ", which cannot be announced with "
                   "migration.send-configuration=off; set it back to %"
                   PRIu64, s->multifd_packet_bytes, standard);
        return false;
    }
    return true;
}

static bool settings_check_zero_copy(const MigrationSettings *s, Error **errp)
{
    if (s->caps[MIGRATION_CAPABILITY_ZERO_COPY_SEND] &&
        s->caps[MIGRATION_CAPABILITY_MAPPED_RAM]) {
        error_setg(errp, "Capability 'zero-copy-send' is for connections and "
                   "'mapped-ram' for files; switch one of them off");
        return false;
    }
    return true;
}

bool migration_settings_check_mapped(const MigrationSettings *s, Error **errp)
{
    if (s->caps[MIGRATION_CAPABILITY_MAPPED_RAM] &&
        (s->multifd_compression != MULTIFD_COMPRESSION_NONE ||
         *s->tls_creds)) {
        error_setg(errp, "Mapped-ram only available for non-compressed non-TLS"
                   " multifd migration");
        return false;
    }
    return true;
}

bool migration_settings_check_outgoing(const MigrationSettings *s,
                                       Error **errp)
{
    return settings_check_dsa(s, errp) &&
           migration_settings_check_mapped(s, errp) &&
           settings_check_packet_size(s, errp) &&
           settings_check_zero_copy(s, errp);
}

/* Text that was set, or NULL. */
static char *settings_text(const char *text)
{
    return *text ? g_strdup(text) : NULL;
}

void migration_config_freeze(Migration *m, MigrationConfig *config)
{
    const MigrationSettings *s = &m->settings;

    *config = (MigrationConfig) {
        .return_path = s->caps[MIGRATION_CAPABILITY_RETURN_PATH],
        .pause_before_switchover =
            s->caps[MIGRATION_CAPABILITY_PAUSE_BEFORE_SWITCHOVER],
        .auto_converge = s->caps[MIGRATION_CAPABILITY_AUTO_CONVERGE],
        .multifd = s->caps[MIGRATION_CAPABILITY_MULTIFD],
        .multifd_channels = s->multifd_channels,
        .multifd_packet_pages =
            (unsigned)(s->multifd_packet_bytes >> TARGET_PAGE_BITS),
        .multifd_normal_page_ratio = s->multifd_normal_page_ratio,
        .tls_creds = settings_text(s->tls_creds),
        .tls_hostname = settings_text(s->tls_hostname),
        .tls_authz = settings_text(s->tls_authz),
        .multifd_compression = s->multifd_compression,
        .zlib_level = s->zlib_level,
        .zstd_level = s->zstd_level,
        .zero_page_detection = s->zero_page_detection,
        .zero_copy_send = s->caps[MIGRATION_CAPABILITY_ZERO_COPY_SEND],
        .mapped_ram = s->caps[MIGRATION_CAPABILITY_MAPPED_RAM],
        .direct_io = s->direct_io,
        .accel_paths = g_strdupv(s->accel_paths),
        .dsa_completion = s->dsa_completion,
        .dsa_adaptive = s->dsa_adaptive,
        .dsa_timeout_ms = s->dsa_timeout_ms,
        .compat = s->compat,
        .uuid = m->host.uuid,
        .missing_pages_fatal = m->host.missing_pages_fatal,
        .pause_points = m->host.pause_points,
    };
    pstrcpy(config->machine_name, sizeof(config->machine_name),
            m->host.machine_name);
}

void migration_config_clear(MigrationConfig *config)
{
    g_clear_pointer(&config->accel_paths, g_strfreev);
    g_clear_pointer(&config->tls_creds, g_free);
    g_clear_pointer(&config->tls_hostname, g_free);
    g_clear_pointer(&config->tls_authz, g_free);
}

bool migration_stores_global_state(const Migration *m)
{
    return m->settings.compat.store_global_state;
}

/* The switches of `-global migration.NAME=on|off`. */
static const struct {
    const char *name;
    size_t offset;
} compat_properties[] = {
    { "store-global-state", offsetof(MigrationCompat, store_global_state) },
    { "send-configuration", offsetof(MigrationCompat, send_configuration) },
    { "send-section-footer", offsetof(MigrationCompat, send_section_footer) },
    { "send-switchover-start",
      offsetof(MigrationCompat, send_switchover_start) },
    { "multifd-flush-after-each-section",
      offsetof(MigrationCompat, multifd_flush_after_each_section) },
    { "multifd-clean-tls-termination",
      offsetof(MigrationCompat, multifd_clean_tls_termination) },
};

bool migration_set_property(Migration *m, const char *name, const char *value,
                            Error **errp)
{
    if (g_str_equal(name, "zero-page-detection")) {
        int v = qapi_enum_parse(&ZeroPageDetection_lookup, value, -1, errp);

        if (v < 0) {
            return false;
        }
        m->settings.zero_page_detection = v;
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(compat_properties); i++) {
        if (g_str_equal(name, compat_properties[i].name)) {
            bool *prop = (bool *)((char *)&m->settings.compat +
                                  compat_properties[i].offset);

            return qapi_bool_parse(name, value, prop, errp);
        }
    }
    error_setg(errp, "Property 'migration.%s' not found", name);
    return false;
}

const char *migration_get_property(const Migration *m, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(compat_properties); i++) {
        if (g_str_equal(name, compat_properties[i].name)) {
            const bool *prop = (const bool *)((const char *)
                &m->settings.compat + compat_properties[i].offset);

            return *prop ? "on" : "off";
        }
    }
    return NULL;
}
