/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the schema says of migration parameters, so that the human monitor
 * knows each of them without having a list of its own.
 *
 * Pure functions on generated data; any thread.
 */
#ifndef MIGRATION_CMDS_HMP_SCHEMA_H
#define MIGRATION_CMDS_HMP_SCHEMA_H

#include <stdbool.h>

#include <glib.h>

/* The types that make a difference on a command line. */
typedef enum HmpParameterKind {
    HMP_PARAMETER_UNKNOWN,      /* no parameter has that name */
    HMP_PARAMETER_SCALAR,       /* one value */
    HMP_PARAMETER_LIST,         /* any number of values */
} HmpParameterKind;

/**
 * hmp_schema_parameters:
 *
 * Context: any thread.
 * Returns: the names of all parameters in the order of the schema, to be freed
 * with g_strfreev().
 */
char **hmp_schema_parameters(void);

/**
 * hmp_schema_parameter:
 * @name: of a parameter
 * @values: receives the names that it takes, to be freed with g_strfreev();
 *          NULL when it takes others than names; or NULL if not wanted
 *
 * Context: any thread.
 * Returns: what kind of value it has.
 */
HmpParameterKind hmp_schema_parameter(const char *name, char ***values);

#endif /* MIGRATION_CMDS_HMP_SCHEMA_H */
