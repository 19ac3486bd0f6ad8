/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -global: hands compatibility properties to the migration, which knows them.
 *
 * Main thread, before the first migration.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "qapi/util.h"
#include "system/globals.h"

/* The one property that is not the migration's own: it only knows its name. */
static bool globals_note(const CommandLineGlobal *global,
                         GlobalState *globalstate, Error **errp)
{
    if (!g_str_equal(global->property, "store-global-state")) {
        return true;
    }
    return qapi_bool_parse(global->property, global->value,
                           &globalstate->store, errp);
}

bool globals_apply(const CommandLine *cl, Migration *migration,
                   GlobalState *globalstate, Error **errp)
{
    ERRP_GUARD();

    for (guint i = 0; i < cl->globals->len; i++) {
        const CommandLineGlobal *global = g_ptr_array_index(cl->globals, i);

        if (!migration_set_property(migration, global->property,
                                    global->value, errp) ||
            !globals_note(global, globalstate, errp)) {
            error_prepend(errp, "-global migration.%s=%s: ", global->property,
                          global->value);
            return false;
        }
    }
    return true;
}
