/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of multifd-compression qpl share: qpl.c (the format, and who does
 * the work), qpl-deflate.c (the CPU, with libdeflate) and qpl-iaa.c (IAA devices,
 * with libqpl).  All names begin with multifd_qpl_, since those that begin with
 * qpl_ are libqpl's, the future ones too.
 *
 * Threads: made and freed by the migration and the load thread, used by the thread
 * of one channel.  This header owns no locks.
 */
#ifndef MIGRATION_MULTIFD_QPL_INTERNAL_H
#define MIGRATION_MULTIFD_QPL_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

typedef struct Error Error;
typedef struct MultiFDQplCpu MultiFDQplCpu;
typedef struct MultiFDQplIaa MultiFDQplIaa;

typedef struct MultiFDQplPage {
    uint8_t *host;              /* in guest memory */
    const uint8_t *data;        /* as it is on the wire */
    uint32_t len_bytes;         /* of data; TARGET_PAGE_SIZE: the page itself */
} MultiFDQplPage;

/**
 * multifd_qpl_cpu_new:
 * @errp: where to put the reason, or NULL
 *
 * Returns: what compresses and decompresses by the CPU, to be given back to
 *          multifd_qpl_cpu_free()
 */
MultiFDQplCpu *multifd_qpl_cpu_new(Error **errp);

/**
 * multifd_qpl_cpu_free:
 * @cpu: from multifd_qpl_cpu_new(), or NULL
 */
void multifd_qpl_cpu_free(MultiFDQplCpu *cpu);

/**
 * multifd_qpl_cpu_deflate:
 * @cpu: of this channel
 * @page: its @host is set; the guest may be writing there
 * @out: room for TARGET_PAGE_SIZE bytes
 *
 * Sets the page's data, which is in @out, and its length.
 * Context: the channel's thread.
 */
void multifd_qpl_cpu_deflate(MultiFDQplCpu *cpu, MultiFDQplPage *page,
                             uint8_t *out);

/**
 * multifd_qpl_cpu_inflate:
 * @cpu: of this channel
 * @page: all of it is set
 * @errp: where to put the reason, or NULL
 *
 * Fills the page at its @host.
 * Context: the channel's thread.
 * Returns: false when the data is not just one page
 */
bool multifd_qpl_cpu_inflate(MultiFDQplCpu *cpu, const MultiFDQplPage *page,
                             Error **errp);

/**
 * multifd_qpl_iaa_new:
 * @nr_pages: most pages of a packet
 * @cpu: does what a device does not; outlives the result
 * @errp: where to put the reason, or NULL
 *
 * Returns: what compresses and decompresses with IAA devices, to be given back to
 *          multifd_qpl_iaa_free(); NULL when none can be used
 */
MultiFDQplIaa *multifd_qpl_iaa_new(unsigned nr_pages, MultiFDQplCpu *cpu,
                                   Error **errp);

/**
 * multifd_qpl_iaa_free:
 * @iaa: from multifd_qpl_iaa_new(), or NULL
 *
 * What a device still writes to, since it never answered, is left to it.
 */
void multifd_qpl_iaa_free(MultiFDQplIaa *iaa);

/**
 * multifd_qpl_iaa_deflate:
 * @iaa: of this channel
 * @page: their @host is set; the guest may be writing there
 * @nr_pages: how many, at most as many as @iaa is for
 * @errp: where to put the reason, or NULL
 *
 * Sets the pages' data, which is @iaa's or the page in guest memory itself, and
 * its length; good until the next call.
 * Context: the channel's thread.
 * Returns: false when a device has not answered
 */
bool multifd_qpl_iaa_deflate(MultiFDQplIaa *iaa, MultiFDQplPage *page,
                             unsigned nr_pages, Error **errp);

/**
 * multifd_qpl_iaa_inflate:
 * @iaa: of this channel
 * @page: all of them is set
 * @nr_pages: how many, at most as many as @iaa is for
 * @errp: where to put the reason, or NULL
 *
 * Fills the pages at their @host.
 * Context: the channel's thread.
 * Returns: false when a page's data is not just that page, or a device has not
 *          answered
 */
bool multifd_qpl_iaa_inflate(MultiFDQplIaa *iaa, const MultiFDQplPage *page,
                             unsigned nr_pages, Error **errp);

#endif
