/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -incoming: hands the address to the migration when the machine is complete.
 *
 * Main thread.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "system/incoming.h"

bool incoming_setup(Machine *machine, const CommandLine *cl, Error **errp)
{
    ERRP_GUARD();

    if (!cl->incoming || g_str_equal(cl->incoming, "defer")) {
        return true;
    }
    if (!migration_incoming_start(machine->migration, cl->incoming, NULL, true,
                                  errp)) {
        error_prepend(errp, "-incoming %s: ", cl->incoming);
        return false;
    }
    return true;
}
