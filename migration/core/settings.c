/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities and compatibility properties, and the frozen copy of all settings
 * that a migration runs with.  Names and defaults are QEMU 10.0's where it has
 * them.
 *
 * Entered by the main thread only.  Parameters are parameters.c's.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/util.h"
#include "qemu/atomic.h"
#include "qemu/cutils.h"
#include "qemu/units.h"
#include "migration/core/incoming.h"
#include "migration/core/migration-internal.h"
#include "migration/core/outgoing.h"
#include "migration/stream/multifd-packet.h"

void migration_settings_init(MigrationSettings *s, MigrationLive *live)
{
    *s = (MigrationSettings) {
        .multifd_channels = 2,
        .multifd_packet_bytes = MULTIFD_PACKET_PAGES * TARGET_PAGE_SIZE,
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

bool migration_settings_check_outgoing(const MigrationSettings *s,
                                       Error **errp)
{
    return settings_check_dsa(s, errp) && settings_check_packet_size(s, errp);
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
        .zero_page_detection = s->zero_page_detection,
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
}

bool migration_stores_global_state(const Migration *m)
{
    return m->settings.compat.store_global_state;
}

bool migration_set_capabilities(Migration *m,
                                const MigrationCapabilityStatusList *list,
                                Error **errp)
{
    bool caps[MIGRATION_CAPABILITY__MAX];

    if (m->out && !migration_status_is_final(
                      migration_state_get(&m->out->state))) {
        error_setg(errp, "There's a migration process in progress");
        return false;
    }
    memcpy(caps, m->settings.caps, sizeof(caps));
    for (const MigrationCapabilityStatusList *l = list; l; l = l->next) {
        caps[l->value->capability] = l->value->state;
    }
    if (caps[MIGRATION_CAPABILITY_MULTIFD] !=
            m->settings.caps[MIGRATION_CAPABILITY_MULTIFD] &&
        m->in && !migration_status_is_final(
                     migration_state_get(&m->in->state))) {
        error_setg(errp, "Multifd must be set before incoming starts");
        return false;
    }
    memcpy(m->settings.caps, caps, sizeof(caps));
    qatomic_set(&m->live.events, caps[MIGRATION_CAPABILITY_EVENTS]);
    return true;
}

MigrationCapabilityStatusList *migration_query_capabilities(Migration *m)
{
    MigrationCapabilityStatusList *list = NULL;

    for (int i = MIGRATION_CAPABILITY__MAX - 1; i >= 0; i--) {
        MigrationCapabilityStatus *cap = g_new0(MigrationCapabilityStatus, 1);

        cap->capability = i;
        cap->state = m->settings.caps[i];
        QAPI_LIST_PREPEND(list, cap);
    }
    return list;
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
