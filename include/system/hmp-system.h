/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All commands of the human monitor, each table with what it works on.
 *
 * Threads: the main thread.  No locks.
 */
#ifndef SYSTEM_HMP_SYSTEM_H
#define SYSTEM_HMP_SYSTEM_H

#include "monitor/hmp.h"
#include "system/machine.h"

/* Tables, and the entry that ends them. */
#define HMP_SYSTEM_TABLES 6

/**
 * hmp_system_tables:
 * @tables: receives HMP_SYSTEM_TABLES entries
 * @machine: what the commands work on; outlives the use of @tables
 *
 * Context: the main thread.
 */
void hmp_system_tables(HmpTable *tables, Machine *machine);

#endif /* SYSTEM_HMP_SYSTEM_H */
