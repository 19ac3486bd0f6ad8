/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parameters: changing them and telling them.
 *
 * Entered by the main thread only.  What a parameter may be is
 * parameters-check.c's to say.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "migration/core/migration-internal.h"
#include "migration/core/outgoing.h"
#include "migration/multifd/accel-path.h"
#include "migration/stream/multifd-packet.h"

/* No generated type goes further down than migration/. */
static const DsaCompletion completion_of_mode[DSA_COMPLETION_MODE__MAX] = {
    [DSA_COMPLETION_MODE_THREAD] = DSA_COMPLETION_THREAD,
    [DSA_COMPLETION_MODE_IN_THREAD] = DSA_COMPLETION_IN_THREAD,
};

static void parameters_set_compression(MigrationSettings *s,
                                       const MigrationParameters *p)
{
    if (p->has_multifd_compression) {
        s->multifd_compression = p->multifd_compression;
    }
    if (p->has_multifd_zlib_level) {
        s->zlib_level = p->multifd_zlib_level;
    }
    if (p->has_multifd_zstd_level) {
        s->zstd_level = p->multifd_zstd_level;
    }
}

/* Null means empty text. */
static const char *parameters_text(const StrOrNull *value)
{
    return value->type == QTYPE_QSTRING ? value->u.s : "";
}

static void parameters_set_text(char **text, const StrOrNull *value)
{
    if (value) {
        g_free(*text);
        *text = g_strdup(parameters_text(value));
    }
}

static void parameters_set_tls(MigrationSettings *s,
                               const MigrationParameters *p)
{
    parameters_set_text(&s->tls_creds, p->tls_creds);
    parameters_set_text(&s->tls_hostname, p->tls_hostname);
    parameters_set_text(&s->tls_authz, p->tls_authz);
}

/* Those that apply to the next migration; @accel_paths is taken over. */
static void parameters_set_next(MigrationSettings *s,
                                const MigrationParameters *p,
                                char **accel_paths)
{
    if (p->has_multifd_channels) {
        s->multifd_channels = p->multifd_channels;
    }
    if (p->has_multifd_packet_size) {
        s->multifd_packet_bytes = p->multifd_packet_size;
    }
    if (p->has_multifd_normal_page_ratio) {
        s->multifd_normal_page_ratio = p->multifd_normal_page_ratio;
    }
    parameters_set_compression(s, p);
    parameters_set_tls(s, p);
    if (p->has_zero_page_detection) {
        s->zero_page_detection = p->zero_page_detection;
    }
    if (p->has_direct_io) {
        s->direct_io = p->direct_io;
    }
    if (p->has_accel_path) {
        g_strfreev(s->accel_paths);
        s->accel_paths = accel_paths;
    }
    if (p->has_dsa_completion) {
        s->dsa_completion = completion_of_mode[p->dsa_completion];
    }
    if (p->has_dsa_adaptive) {
        s->dsa_adaptive = p->dsa_adaptive;
    }
    if (p->has_dsa_timeout) {
        s->dsa_timeout_ms = p->dsa_timeout;
    }
}

static void parameters_set_throttle(MigrationLive *live,
                                    const MigrationParameters *p)
{
    if (p->has_throttle_trigger_threshold) {
        qatomic_set(&live->throttle_trigger_threshold,
                    p->throttle_trigger_threshold);
    }
    if (p->has_cpu_throttle_initial) {
        qatomic_set(&live->cpu_throttle_initial, p->cpu_throttle_initial);
    }
    if (p->has_cpu_throttle_increment) {
        qatomic_set(&live->cpu_throttle_increment, p->cpu_throttle_increment);
    }
    if (p->has_cpu_throttle_tailslow) {
        qatomic_set(&live->cpu_throttle_tailslow, p->cpu_throttle_tailslow);
    }
    if (p->has_max_cpu_throttle) {
        qatomic_set(&live->max_cpu_throttle, p->max_cpu_throttle);
    }
}

/* Those that a running migration looks at. */
static void parameters_set_live(MigrationLive *live,
                                const MigrationParameters *p)
{
    if (p->has_max_bandwidth) {
        qatomic_set(&live->max_bandwidth, p->max_bandwidth);
    }
    if (p->has_avail_switchover_bandwidth) {
        qatomic_set(&live->avail_switchover_bandwidth,
                    p->avail_switchover_bandwidth);
    }
    if (p->has_downtime_limit) {
        qatomic_set(&live->downtime_limit_ms, p->downtime_limit);
    }
    parameters_set_throttle(live, p);
}

/* With those that stay as they are. */
static bool parameters_check_zero_copy(const MigrationSettings *s,
                                       const MigrationParameters *p,
                                       Error **errp)
{
    MultiFDCompression compression = p->has_multifd_compression
                                     ? p->multifd_compression
                                     : s->multifd_compression;
    const char *tls_creds = p->tls_creds ? parameters_text(p->tls_creds)
                                         : s->tls_creds;

    return migration_check_zero_copy(s->caps, compression, tls_creds, errp);
}

bool migration_set_parameters(Migration *m, const MigrationParameters *params,
                              Error **errp)
{
    char **accel_paths = NULL;

    if (!migration_parameters_check(&m->live, params, errp) ||
        !parameters_check_zero_copy(&m->settings, params, errp)) {
        return false;
    }
    if (params->has_accel_path) {
        accel_paths = accel_path_list_to_strv(params->accel_path, errp);
        if (!accel_paths) {
            return false;
        }
    }
    parameters_set_next(&m->settings, params, accel_paths);
    parameters_set_live(&m->live, params);
    if (m->out) {
        rate_limit_changed(&m->out->rate);
    }
    return true;
}

static DsaCompletionMode parameters_completion_mode(DsaCompletion completion)
{
    return completion == DSA_COMPLETION_IN_THREAD
           ? DSA_COMPLETION_MODE_IN_THREAD : DSA_COMPLETION_MODE_THREAD;
}

static StrOrNull *parameters_query_text(const char *text)
{
    StrOrNull *value = g_new0(StrOrNull, 1);

    value->type = QTYPE_QSTRING;
    value->u.s = g_strdup(text);
    return value;
}

static void parameters_query_tls(const MigrationSettings *s,
                                 MigrationParameters *p)
{
    p->tls_creds = parameters_query_text(s->tls_creds);
    p->tls_hostname = parameters_query_text(s->tls_hostname);
    p->tls_authz = parameters_query_text(s->tls_authz);
}

static void parameters_query_next(const MigrationSettings *s,
                                  MigrationParameters *p)
{
    p->has_multifd_channels = true;
    p->multifd_channels = (uint8_t)s->multifd_channels;
    p->has_multifd_compression = true;
    p->multifd_compression = s->multifd_compression;
    p->has_multifd_zlib_level = true;
    p->multifd_zlib_level = (uint8_t)s->zlib_level;
    p->has_multifd_zstd_level = true;
    p->multifd_zstd_level = (uint8_t)s->zstd_level;
    p->has_zero_page_detection = true;
    p->zero_page_detection = s->zero_page_detection;
    p->has_direct_io = true;
    p->direct_io = s->direct_io;
    p->has_accel_path = true;
    p->accel_path = accel_path_list_from_strv(s->accel_paths);
    p->has_multifd_packet_size = true;
    p->multifd_packet_size = s->multifd_packet_bytes;
    p->has_multifd_normal_page_ratio = true;
    p->multifd_normal_page_ratio = (uint8_t)s->multifd_normal_page_ratio;
    p->has_dsa_completion = true;
    p->dsa_completion = parameters_completion_mode(s->dsa_completion);
    p->has_dsa_adaptive = true;
    p->dsa_adaptive = s->dsa_adaptive;
    p->has_dsa_timeout = true;
    p->dsa_timeout = s->dsa_timeout_ms;
}

static void parameters_query_throttle(const MigrationLive *live,
                                      MigrationParameters *p)
{
    p->has_throttle_trigger_threshold = true;
    p->throttle_trigger_threshold =
        (uint8_t)qatomic_read(&live->throttle_trigger_threshold);
    p->has_cpu_throttle_initial = true;
    p->cpu_throttle_initial =
        (uint8_t)qatomic_read(&live->cpu_throttle_initial);
    p->has_cpu_throttle_increment = true;
    p->cpu_throttle_increment =
        (uint8_t)qatomic_read(&live->cpu_throttle_increment);
    p->has_cpu_throttle_tailslow = true;
    p->cpu_throttle_tailslow = qatomic_read(&live->cpu_throttle_tailslow);
    p->has_max_cpu_throttle = true;
    p->max_cpu_throttle = (uint8_t)qatomic_read(&live->max_cpu_throttle);
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
    parameters_query_throttle(&m->live, p);
    parameters_query_tls(&m->settings, p);
    parameters_query_next(&m->settings, p);
    return p;
}
