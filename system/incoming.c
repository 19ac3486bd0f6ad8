/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -incoming: hands the address to the migration when the machine is complete.
 *
 * Main thread.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-migration.h"
#include "system/incoming.h"

/* What begins with "{" is no URI but a channel. */
static MigrationChannel *incoming_parse_channel(const char *text, Error **errp)
{
    MigrationChannel *channel = NULL;
    Visitor *v = json_input_visitor_new_str(text, NULL, errp);

    if (v) {
        visit_type_MigrationChannel(v, NULL, &channel, errp);
        visit_free(v);
    }
    return channel;
}

static bool incoming_start_channel(Machine *machine, const char *text,
                                   Error **errp)
{
    g_autoptr(MigrationChannel) channel = incoming_parse_channel(text, errp);
    MigrationChannelList list = { .value = channel };

    return channel && migration_incoming_start(machine->migration, NULL, &list,
                                               true, errp);
}

bool incoming_setup(Machine *machine, const CommandLine *cl, Error **errp)
{
    ERRP_GUARD();
    bool ok;

    if (!cl->incoming || g_str_equal(cl->incoming, "defer")) {
        return true;
    }
    ok = cl->incoming[0] == '{'
         ? incoming_start_channel(machine, cl->incoming, errp)
         : migration_incoming_start(machine->migration, cl->incoming, NULL,
                                    true, errp);
    if (!ok) {
        error_prepend(errp, "-incoming %s: ", cl->incoming);
    }
    return ok;
}
