/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What migration tests ask of a process, with the names of QEMU's helpers.
 *
 * Threads: the one that calls; no locks.
 */
#ifndef TESTS_QTEST_LIBQTEST_MIGRATION_H
#define TESTS_QTEST_LIBQTEST_MIGRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "libqtest.h"

/**
 * migrate_set_capability:
 * @s: a process
 * @capability: its name
 * @value: on or off
 */
void migrate_set_capability(QTestState *s, const char *capability,
                            bool value);

/**
 * migrate_set_parameter_int:
 * @s: a process
 * @parameter: its name
 * @value: to set
 */
void migrate_set_parameter_int(QTestState *s, const char *parameter,
                               int64_t value);

/**
 * migrate_set_parameter_str:
 * @s: a process
 * @parameter: its name
 * @value: to set
 */
void migrate_set_parameter_str(QTestState *s, const char *parameter,
                               const char *value);

/**
 * migrate_incoming_qmp:
 * @to: a process that was started with -incoming defer
 * @uri: where it is to listen; port 0 lets the kernel choose
 *
 * Returns: where it listens, to be g_free()d
 */
char *migrate_incoming_qmp(QTestState *to, const char *uri);

/**
 * migrate_qmp:
 * @from: the source
 * @uri: where the destination listens
 *
 * Begins a migration.
 */
void migrate_qmp(QTestState *from, const char *uri);

/**
 * wait_for_migration_status:
 * @s: a process with the capability `events`
 * @goal: a status
 *
 * Waits for the event of that status; `failed` ends the test unless it is the
 * goal.
 */
void wait_for_migration_status(QTestState *s, const char *goal);

/**
 * wait_for_migration_complete:
 * @s: a process with the capability `events`
 */
void wait_for_migration_complete(QTestState *s);

/**
 * read_ram_property_int:
 * @s: a process
 * @property: of the member `ram` of query-migrate
 *
 * Returns: its value, 0 when there is none
 */
int64_t read_ram_property_int(QTestState *s, const char *property);

/**
 * migration_run_state:
 * @s: a process
 *
 * Returns: the run state, to be g_free()d
 */
char *migration_run_state(QTestState *s);

#endif /* TESTS_QTEST_LIBQTEST_MIGRATION_H */
