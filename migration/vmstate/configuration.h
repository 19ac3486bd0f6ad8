/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration section, right behind the file header: the machine's name
 * and what both ends must agree on.  Layout: docs/devel/wire-format.rst.
 *
 * Threads: whoever owns the stream.  This header owns no locks.
 */
#ifndef MIGRATION_VMSTATE_CONFIGURATION_H
#define MIGRATION_VMSTATE_CONFIGURATION_H

#include <stdbool.h>
#include "migration/stream/stream.h"
#include "migration/vmstate/vmdesc.h"
#include "qemu/uuid.h"

/* Longest machine name. */
#define CONFIGURATION_NAME_MAX 255

/**
 * configuration_save:
 * @s: a stream, just behind the file header
 * @machine_name: as it is to stand on the wire, e.g. "none"
 * @packet_pages: pages of a multifd packet, to be announced to a destination
 *                that refuses what it does not know; 0 to say nothing, which
 *                stands for the usual size
 * @mapped_ram: whether the pages of RAM have places of their own
 * @desc: where to describe it, or NULL
 * @errp: where to put the reason, or NULL
 *
 * Writes the section, type byte included.
 * Returns: false when the name is empty or too long
 */
bool configuration_save(MigStreamOut *s, const char *machine_name,
                        unsigned packet_pages, bool mapped_ram, VMDesc *desc,
                        Error **errp);

/**
 * configuration_load:
 * @s: a stream, just behind the CONFIGURATION type byte
 * @machine_name: this machine's name
 * @uuid: this machine's UUID; all zero if none was given
 * @mapped_ram: whether capability mapped-ram is on here
 * @packet_pages: where to put the pages of a multifd packet, at most
 *                MULTIFD_PACKET_PAGES_MAX; 0 if nothing is announced.  May be
 *                NULL.
 * @warning: where to put a sentence for the operator, the caller's to free;
 *           NULL if there is nothing to say.  May be NULL.
 * @errp: where to put the reason, or NULL
 *
 * Reads the section and its subsections and compares.  The whole name counts:
 * QEMU takes any prefix of its own name, which hides mistakes.
 * Returns: false for another machine, page size, set of capabilities or UUID,
 *          an unknown subsection, or the end of the stream
 */
bool configuration_load(MigStreamIn *s, const char *machine_name,
                        const QemuUUID *uuid, bool mapped_ram,
                        unsigned *packet_pages, char **warning, Error **errp);

#endif
