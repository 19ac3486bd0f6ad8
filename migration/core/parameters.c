/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parameters: ranges, changing them and telling them.  Ranges are QEMU 10.0's,
 * whose range errors name parameters with underscores; parameters that QEMU does
 * not have are named as they are set.
 *
 * Entered by the main thread only.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "migration/core/migration-internal.h"
#include "migration/core/outgoing.h"
#include "migration/multifd/accel-path.h"
#include "migration/stream/multifd-packet.h"

#define DOWNTIME_LIMIT_MAX_MS (2000 * 1000)
#define PACKET_MAX_BYTES (MULTIFD_PACKET_PAGES_MAX * TARGET_PAGE_SIZE)
#define DSA_TIMEOUT_MAX_MS (60 * 1000)

/* No generated type goes further down than migration/. */
static const DsaCompletion completion_of_mode[DSA_COMPLETION_MODE__MAX] = {
    [DSA_COMPLETION_MODE_THREAD] = DSA_COMPLETION_THREAD,
    [DSA_COMPLETION_MODE_IN_THREAD] = DSA_COMPLETION_IN_THREAD,
};

static bool parameters_check_multifd(const MigrationParameters *p,
                                     Error **errp)
{
    uint64_t size = p->multifd_packet_size;

    if (p->has_multifd_channels && p->multifd_channels < 1) {
        error_setg(errp, "Parameter 'multifd_channels' expects a value "
                   "between 1 and 255");
        return false;
    }
    if (p->has_multifd_packet_size &&
        (size < TARGET_PAGE_SIZE || size > PACKET_MAX_BYTES ||
         size % TARGET_PAGE_SIZE != 0)) {
        error_setg(errp, "Parameter 'multifd-packet-size' is %" PRIu64
                   ", expected a multiple of %u from %u to %u", size,
                   (unsigned)TARGET_PAGE_SIZE, (unsigned)TARGET_PAGE_SIZE,
                   (unsigned)PACKET_MAX_BYTES);
        return false;
    }
    if (p->has_multifd_normal_page_ratio &&
        p->multifd_normal_page_ratio > 100) {
        error_setg(errp, "Parameter 'multifd-normal-page-ratio' is %u, "
                   "expected 0 to 100", p->multifd_normal_page_ratio);
        return false;
    }
    return true;
}

static bool parameters_check_percent(bool given, unsigned percent,
                                     unsigned max, const char *name,
                                     Error **errp)
{
    if (given && (percent < 1 || percent > max)) {
        error_setg(errp, "Parameter '%s' expects an integer in the range of "
                   "1 to %u", name, max);
        return false;
    }
    return true;
}

/* Those of auto-converge, by what they would be together with @live. */
static bool parameters_check_throttle(const MigrationLive *live,
                                      const MigrationParameters *p,
                                      Error **errp)
{
    unsigned initial = p->has_cpu_throttle_initial
                       ? p->cpu_throttle_initial
                       : qatomic_read(&live->cpu_throttle_initial);
    unsigned max = p->has_max_cpu_throttle
                   ? p->max_cpu_throttle
                   : qatomic_read(&live->max_cpu_throttle);

    if (!parameters_check_percent(p->has_throttle_trigger_threshold,
                                  p->throttle_trigger_threshold, 100,
                                  "throttle_trigger_threshold", errp) ||
        !parameters_check_percent(p->has_cpu_throttle_initial,
                                  p->cpu_throttle_initial, 99,
                                  "cpu_throttle_initial", errp) ||
        !parameters_check_percent(p->has_cpu_throttle_increment,
                                  p->cpu_throttle_increment, 99,
                                  "cpu_throttle_increment", errp)) {
        return false;
    }
    if (max < initial || max > 99) {
        error_setg(errp, "Parameter 'max_cpu_throttle' expects an integer in "
                   "the range of cpu_throttle_initial to 99");
        return false;
    }
    return true;
}

static bool parameters_check(const MigrationLive *live,
                             const MigrationParameters *p, Error **errp)
{
    if (!parameters_check_throttle(live, p, errp)) {
        return false;
    }
    if (p->has_downtime_limit && p->downtime_limit > DOWNTIME_LIMIT_MAX_MS) {
        error_setg(errp, "Parameter 'downtime_limit' expects an integer in "
                   "the range of 0 to (2000 * 1000) ms");
        return false;
    }
    if (!parameters_check_multifd(p, errp)) {
        return false;
    }
    if (p->has_dsa_timeout &&
        (p->dsa_timeout < 1 || p->dsa_timeout > DSA_TIMEOUT_MAX_MS)) {
        error_setg(errp, "Parameter 'dsa-timeout' is %" PRIu32
                   ", expected 1 to %u milliseconds", p->dsa_timeout,
                   DSA_TIMEOUT_MAX_MS);
        return false;
    }
    return true;
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
    if (p->has_zero_page_detection) {
        s->zero_page_detection = p->zero_page_detection;
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

bool migration_set_parameters(Migration *m, const MigrationParameters *params,
                              Error **errp)
{
    char **accel_paths = NULL;

    if (!parameters_check(&m->live, params, errp)) {
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

static void parameters_query_next(const MigrationSettings *s,
                                  MigrationParameters *p)
{
    p->has_multifd_channels = true;
    p->multifd_channels = (uint8_t)s->multifd_channels;
    p->has_zero_page_detection = true;
    p->zero_page_detection = s->zero_page_detection;
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
    parameters_query_next(&m->settings, p);
    return p;
}
