/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor's commands about migration, as tables whose opaque pointer
 * is the Migration.
 *
 * Constant; the commands run in the thread of the main loop.
 */
#ifndef MIGRATION_CMDS_HMP_CMDS_H
#define MIGRATION_CMDS_HMP_CMDS_H

#include "monitor/hmp.h"

/* migrate, migrate_set_parameter and so on. */
extern const HmpCommand hmp_migration_commands[];

/* What follows `info`: migrate, migrate_parameters, migrate_capabilities. */
extern const HmpCommand hmp_migration_info_commands[];

#endif /* MIGRATION_CMDS_HMP_CMDS_H */
