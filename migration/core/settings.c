/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities, parameters and compatibility properties, and the frozen copy
 * that a migration runs with.  Names, defaults and ranges are QEMU 10.0's; range
 * errors name parameters with underscores because QEMU's do.
 *
 * Entered by the main thread only.
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

#define DOWNTIME_LIMIT_MAX_MS (2000 * 1000)

void migration_settings_init(MigrationSettings *s, MigrationLive *live)
{
    *s = (MigrationSettings) {
        .multifd_channels = 2,
        .zero_page_detection = ZERO_PAGE_DETECTION_MULTIFD,
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
}

void migration_config_freeze(Migration *m, MigrationConfig *config)
{
    const MigrationSettings *s = &m->settings;

    *config = (MigrationConfig) {
        .return_path = s->caps[MIGRATION_CAPABILITY_RETURN_PATH],
        .multifd = s->caps[MIGRATION_CAPABILITY_MULTIFD],
        .multifd_channels = s->multifd_channels,
        .zero_page_detection = s->zero_page_detection,
        .compat = s->compat,
        .uuid = m->host.uuid,
        .missing_pages_fatal = m->host.missing_pages_fatal,
        .pause_points = m->host.pause_points,
    };
    pstrcpy(config->machine_name, sizeof(config->machine_name),
            m->host.machine_name);
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

static bool settings_check_parameters(const MigrationParameters *p,
                                      Error **errp)
{
    if (p->has_multifd_channels && p->multifd_channels < 1) {
        error_setg(errp, "Parameter 'multifd_channels' expects a value "
                   "between 1 and 255");
        return false;
    }
    if (p->has_downtime_limit && p->downtime_limit > DOWNTIME_LIMIT_MAX_MS) {
        error_setg(errp, "Parameter 'downtime_limit' expects an integer in "
                   "the range of 0 to (2000 * 1000) ms");
        return false;
    }
    return true;
}

bool migration_set_parameters(Migration *m, const MigrationParameters *params,
                              Error **errp)
{
    if (!settings_check_parameters(params, errp)) {
        return false;
    }
    if (params->has_multifd_channels) {
        m->settings.multifd_channels = params->multifd_channels;
    }
    if (params->has_zero_page_detection) {
        m->settings.zero_page_detection = params->zero_page_detection;
    }
    if (params->has_max_bandwidth) {
        qatomic_set(&m->live.max_bandwidth, params->max_bandwidth);
    }
    if (params->has_avail_switchover_bandwidth) {
        qatomic_set(&m->live.avail_switchover_bandwidth,
                    params->avail_switchover_bandwidth);
    }
    if (params->has_downtime_limit) {
        qatomic_set(&m->live.downtime_limit_ms, params->downtime_limit);
    }
    if (m->out) {
        rate_limit_changed(&m->out->rate);
    }
    return true;
}

MigrationParameters *migration_query_parameters(Migration *m)
{
    MigrationParameters *p = g_new0(MigrationParameters, 1);

    p->has_max_bandwidth = true;
    p->max_bandwidth = qatomic_read(&m->live.max_bandwidth);
    p->has_avail_switchover_bandwidth = true;
    p->avail_switchover_bandwidth =
        qatomic_read(&m->live.avail_switchover_bandwidth);
    p->has_downtime_limit = true;
    p->downtime_limit = qatomic_read(&m->live.downtime_limit_ms);
    p->has_multifd_channels = true;
    p->multifd_channels = (uint8_t)m->settings.multifd_channels;
    p->has_zero_page_detection = true;
    p->zero_page_detection = m->settings.zero_page_detection;
    return p;
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
