/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bodies and completions of the human monitor's commands about migration, for
 * the tables in hmp-cmds.c.  All bodies have the Migration as @opaque.
 *
 * Bodies run in the thread of the main loop, completions in any.
 */
#ifndef MIGRATION_CMDS_HMP_CMDS_INTERNAL_H
#define MIGRATION_CMDS_HMP_CMDS_INTERNAL_H

#include "monitor/hmp.h"

/**
 * hmp_migrate:
 * @hmp: the session
 * @args: "detach", "resume", "uri"
 * @opaque: the Migration
 *
 * Starts a migration, and keeps the prompt until it is over.
 *
 * Context: the loop's thread.
 */
void hmp_migrate(Hmp *hmp, const HmpArgs *args, void *opaque);

/**
 * hmp_migrate_set_parameter:
 * @hmp: the session
 * @args: "setting": NAME VALUE..., or NAME=VALUE...
 * @opaque: the Migration
 *
 * Context: the loop's thread.
 */
void hmp_migrate_set_parameter(Hmp *hmp, const HmpArgs *args, void *opaque);

/**
 * hmp_info_migrate:
 * @hmp: the session
 * @args: none
 * @opaque: the Migration
 *
 * Context: the loop's thread.
 */
void hmp_info_migrate(Hmp *hmp, const HmpArgs *args, void *opaque);

/**
 * hmp_info_migrate_parameters:
 * @hmp: the session
 * @args: none
 * @opaque: the Migration
 *
 * Context: the loop's thread.
 */
void hmp_info_migrate_parameters(Hmp *hmp, const HmpArgs *args, void *opaque);

/**
 * hmp_complete_parameter:
 * @found: receives what may come
 * @args: the arguments in front
 * @nr_args: how many
 * @word: begin of the present one
 *
 * Completes names of parameters and, where they are names, values.
 *
 * Context: any thread.
 */
void hmp_complete_parameter(GPtrArray *found, const char *const *args,
                            unsigned nr_args, const char *word);

#endif /* MIGRATION_CMDS_HMP_CMDS_INTERNAL_H */
