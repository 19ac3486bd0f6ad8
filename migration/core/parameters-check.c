/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What parameters may be.  Ranges are QEMU 10.0's, whose range errors name
 * parameters with underscores; parameters that QEMU does not have are named as
 * they are set.
 *
 * Entered by the main thread only.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "migration/core/migration-internal.h"
#include "migration/multifd/compress.h"
#include "migration/stream/multifd-packet.h"

#define DOWNTIME_LIMIT_MAX_MS (2000 * 1000)
#define PACKET_MAX_BYTES (MULTIFD_PACKET_PAGES_MAX * TARGET_PAGE_SIZE)
#define DSA_TIMEOUT_MAX_MS (60 * 1000)
#define ZLIB_LEVEL_MAX 9
#define ZSTD_LEVEL_MAX 20

static bool parameters_check_compression(const MigrationParameters *p,
                                         Error **errp)
{
    if (p->has_multifd_compression &&
        !multifd_compression_check(p->multifd_compression, errp)) {
        return false;
    }
    if (p->has_multifd_zlib_level && p->multifd_zlib_level > ZLIB_LEVEL_MAX) {
        error_setg(errp, "Parameter 'multifd_zlib_level' expects a value "
                   "between 0 and %u", ZLIB_LEVEL_MAX);
        return false;
    }
    if (p->has_multifd_zstd_level && p->multifd_zstd_level > ZSTD_LEVEL_MAX) {
        error_setg(errp, "Parameter 'multifd_zstd_level' expects a value "
                   "between 0 and %u", ZSTD_LEVEL_MAX);
        return false;
    }
    return true;
}

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

bool migration_parameters_check(const MigrationLive *live,
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
    if (!parameters_check_multifd(p, errp) ||
        !parameters_check_compression(p, errp)) {
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
