/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of a monitor.  The list is filled by one thread and then
 * constant; running a command is dispatch.c's.
 */
#include "qemu/osdep.h"

#include "qapi/command-list.h"

/**
 * QmpCommandList:
 * @commands: of QmpCommand, in the order of registration
 * @not_found: what an unknown command is told; NULL for the usual
 */
struct QmpCommandList {
    GPtrArray *commands;
    const char *not_found;
};

QmpCommandList *qmp_command_list_new(void)
{
    QmpCommandList *cmds = g_new0(QmpCommandList, 1);

    cmds->commands = g_ptr_array_new_with_free_func(g_free);
    return cmds;
}

void qmp_command_list_free(QmpCommandList *cmds)
{
    if (cmds) {
        g_ptr_array_unref(cmds->commands);
        g_free(cmds);
    }
}

void qmp_command_list_set_not_found(QmpCommandList *cmds, const char *desc)
{
    cmds->not_found = desc;
}

const char *qmp_command_list_not_found(const QmpCommandList *cmds)
{
    return cmds->not_found;
}

/* A few dozen commands at human speed: no need for a hash. */
static QmpCommand *qmp_lookup_command(const QmpCommandList *cmds,
                                      const char *name)
{
    for (guint i = 0; i < cmds->commands->len; i++) {
        QmpCommand *cmd = g_ptr_array_index(cmds->commands, i);

        if (!strcmp(cmd->name, name)) {
            return cmd;
        }
    }
    return NULL;
}

void qmp_register_command(QmpCommandList *cmds, const char *name,
                          QmpCommandFunc *fn, void *ctx,
                          QmpCommandOptions options)
{
    QmpCommand *cmd = qmp_lookup_command(cmds, name);

    if (!cmd) {
        cmd = g_new0(QmpCommand, 1);
        g_ptr_array_add(cmds->commands, cmd);
    }
    *cmd = (QmpCommand) {
        .name = name,
        .fn = fn,
        .ctx = ctx,
        .options = options,
    };
}

const QmpCommand *qmp_find_command(const QmpCommandList *cmds,
                                   const char *name)
{
    return qmp_lookup_command(cmds, name);
}

void qmp_for_each_command(const QmpCommandList *cmds,
                          void (*fn)(const QmpCommand *cmd, void *opaque),
                          void *opaque)
{
    for (guint i = 0; i < cmds->commands->len; i++) {
        fn(g_ptr_array_index(cmds->commands, i), opaque);
    }
}
