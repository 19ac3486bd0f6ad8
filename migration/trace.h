/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace points of migration/, made from its trace-events list. */
#ifndef MIGRATION_TRACE_H
#define MIGRATION_TRACE_H

#include "migration/trace-migration.h"

#endif
