/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor's commands about the machine and its run state, and the
 * list of all tables.
 *
 * Main thread.
 */
#include "qemu/osdep.h"

#include "memory/backend.h"
#include "migration/cmds/hmp-cmds.h"
#include "monitor/hmp-fds.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "system/hmp-system.h"

static void hmp_stop(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Machine *machine = opaque;

    runstate_stop(machine->runstate);
}

static void hmp_cont(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Machine *machine = opaque;
    Error *err = NULL;

    runstate_cont(machine->runstate, &err);
    hmp_handle_error(hmp, err);
}

static void hmp_quit(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    hmp_end(hmp);
    machine_quit(opaque, SHUTDOWN_CAUSE_HOST_QMP_QUIT);
}

static void hmp_object_add(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Machine *machine = opaque;
    Error *err = NULL;
    g_autoptr(ObjectOptions) options =
        object_options_parse(hmp_args_str(args, "object"), &err);

    if (options) {
        object_add(machine->objects, options, &err);
    }
    hmp_handle_error(hmp, err);
}

static void hmp_object_del(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Machine *machine = opaque;
    Error *err = NULL;

    object_del(machine->objects, hmp_args_str(args, "id"), machine->migration,
               &err);
    hmp_handle_error(hmp, err);
}

static void hmp_info_status(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Machine *machine = opaque;
    RunState state = runstate_get(machine->runstate);
    bool running = state == RUN_STATE_RUNNING;

    hmp_printf(hmp, "VM status: %s", running ? "running" : "paused");
    if (!running && state != RUN_STATE_PAUSED) {
        hmp_printf(hmp, " (%s)", RunState_str(state));
    }
    hmp_printf(hmp, "\n");
}

static void hmp_info_version(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    hmp_printf(hmp, "%s (wherry)\n", WHERRY_VERSION);
}

static void hmp_info_name(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Machine *machine = opaque;

    if (machine->name) {
        hmp_printf(hmp, "%s\n", machine->name);
    }
}

static void hmp_info_uuid(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Machine *machine = opaque;
    g_autofree char *text = qemu_uuid_unparse_strdup(&machine->uuid);

    hmp_printf(hmp, "%s\n", text);
}

static void hmp_info_block(Hmp *hmp, const RAMBlock *block)
{
    g_autofree char *size = size_to_str(block->used_length);
    g_autofree char *page = size_to_str(block->page_size);
    const HostMemoryBackend *backend = block->backend;

    hmp_printf(hmp, "%-16s 0x%016" PRIx64 "  %-10s  page %-7s", block->idstr,
               block->used_length, size, page);
    if (backend) {
        hmp_printf(hmp, "  %s id=%s, %s%s",
                   ObjectType_str(backend->type), backend->id,
                   backend->share ? "shared" : "private",
                   backend->hugetlb ? ", huge pages" : "");
    }
    hmp_printf(hmp, "\n");
}

static void hmp_info_mtree(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Machine *machine = opaque;
    unsigned nr = ram_list_nr_blocks(machine->ram);
    g_autofree char *total = size_to_str(ram_list_total_bytes(machine->ram));

    hmp_printf(hmp, "RAM blocks: %u, %s\n", nr, total);
    for (unsigned i = 0; i < nr; i++) {
        hmp_info_block(hmp, ram_list_block(machine->ram, i));
    }
}

static const HmpCommand hmp_system_commands[] = {
    { "cont|c", "", "", "let the guest run", hmp_cont },
    { "object_add", "object:S", "TYPE,id=ID[,PROPERTY=VALUE...]",
      "make an object, as the option -object does", hmp_object_add },
    { "object_del", "id:s", "ID", "remove an object that is not in use",
      hmp_object_del },
    { "quit|q", "", "", "end the program", hmp_quit },
    { "stop|s", "", "", "stop the guest", hmp_stop },
    { NULL }
};

static const HmpCommand hmp_system_info_commands[] = {
    { "mtree", "", "", "show the blocks of guest memory", hmp_info_mtree },
    { "name", "", "", "show the guest's name", hmp_info_name },
    { "status", "", "", "show whether the guest runs", hmp_info_status },
    { "uuid", "", "", "show the guest's UUID", hmp_info_uuid },
    { "version", "", "", "show the program's version", hmp_info_version },
    { NULL }
};

void hmp_system_tables(HmpTable *tables, Machine *machine)
{
    const HmpTable made[HMP_SYSTEM_TABLES] = {
        { NULL, hmp_system_commands, machine },
        { NULL, hmp_migration_commands, machine->migration },
        { NULL, hmp_fd_commands, machine->fds },
        { "info", hmp_system_info_commands, machine },
        { "info", hmp_migration_info_commands, machine->migration },
    };

    memcpy(tables, made, sizeof(made));
}
