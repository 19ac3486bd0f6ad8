/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parameter `accel-path` as the strings that the DSA library reads.  A
 * client may write each entry as a string or as an object; below this file
 * there are only strings.
 *
 * Pure functions, for any thread.  This header owns no locks.
 */
#ifndef MIGRATION_MULTIFD_ACCEL_PATH_H
#define MIGRATION_MULTIFD_ACCEL_PATH_H

#include <stdbool.h>
#include <glib.h>
#include "qapi/error.h"
#include "qapi/qapi-types-migration.h"

/**
 * accel_path_to_str:
 * @path: one entry, in either notation
 * @errp: where to put the reason, or NULL
 *
 * Returns: the entry as a string that dsa_path_check() lets pass, to be freed
 *          with g_free(); NULL when it cannot mean anything
 */
char *accel_path_to_str(const AccelPath *path, Error **errp);

/**
 * accel_path_list_to_strv:
 * @list: all entries; NULL for none
 * @errp: where to put the reason, or NULL
 *
 * Returns: strings that end with NULL, to be freed with g_strfreev(); NULL when
 *          an entry cannot mean anything
 */
char **accel_path_list_to_strv(const AccelPathList *list, Error **errp);

/**
 * accel_path_list_from_strv:
 * @paths: strings that end with NULL
 *
 * Returns: the same as a list of strings, the caller's; NULL for none
 */
AccelPathList *accel_path_list_from_strv(char *const *paths);

#endif
