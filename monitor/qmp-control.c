/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bodies of the commands about the session itself: negotiation, version, the
 * list of commands, the human monitor's commands, and the wish to end the
 * program.
 *
 * The thread of the main loop, called by the dispatcher with checked
 * arguments.  query-qmp-schema is answered by the generated data.
 */
#include "qemu/osdep.h"

#include "monitor/qmp-session.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-control.h"
#include "qapi/util.h"

void qmp_qmp_capabilities(MonitorQmp *mon, bool has_enable,
                          QMPCapabilityList *enable, Error **errp)
{
    /* No capability exists, so a list that got here is empty. */
    if (!monitor_qmp_negotiate(mon)) {
        error_set(errp, ERROR_CLASS_COMMAND_NOT_FOUND,
                  "Capabilities negotiation is already complete, command"
                  " ignored");
    }
}

VersionInfo *qmp_query_version(MonitorQmp *mon, Error **errp)
{
    VersionInfo *info = g_new0(VersionInfo, 1);
    g_auto(GStrv) parts = g_strsplit(WHERRY_VERSION, ".", 3);

    info->qemu = g_new0(VersionTriple, 1);
    info->qemu->major = g_ascii_strtoll(parts[0], NULL, 10);
    info->qemu->minor = g_ascii_strtoll(parts[1], NULL, 10);
    info->qemu->micro = g_ascii_strtoll(parts[2], NULL, 10);
    info->package = g_strdup("wherry");
    return info;
}

void qmp_quit(MonitorQmp *mon, Error **errp)
{
    monitor_qmp_quit(mon);
}

static void qmp_control_add(const QmpCommand *cmd, void *opaque)
{
    CommandInfoList **list = opaque;
    CommandInfo *info = g_new0(CommandInfo, 1);

    info->name = g_strdup(cmd->name);
    QAPI_LIST_PREPEND(*list, info);
}

CommandInfoList *qmp_query_commands(MonitorQmp *mon, Error **errp)
{
    CommandInfoList *list = NULL;

    qmp_for_each_command(monitor_qmp_commands(mon), qmp_control_add, &list);
    return list;
}

char *qmp_human_monitor_command(MonitorQmp *mon, const char *command_line,
                                bool has_cpu_index, int64_t cpu_index,
                                Error **errp)
{
    const HmpHost *hmp = monitor_qmp_hmp(mon);

    if (!hmp) {
        error_setg(errp, "There are no commands of the human monitor here");
        return NULL;
    }
    /* No command looks at a CPU of its own. */
    if (has_cpu_index && (cpu_index < 0 || cpu_index >= hmp->nr_cpus)) {
        error_setg(errp, "Parameter 'cpu-index' expects a CPU number");
        return NULL;
    }
    return hmp_run_text(hmp, command_line);
}
