/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds the machine from the command line, part by part, and takes it down
 * in reverse.
 *
 * Main thread.  The parts know nothing of each other; what one needs of
 * another is handed to it here.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "system/add-fd.h"
#include "system/cmdline-machine.h"
#include "system/globals.h"
#include "system/machine.h"
#include "system/object-add.h"
#include "system/report.h"

/* As migration/ram writes and reads it. */
#define MACHINE_RAM_SECTION_VERSION 4

static bool machine_make_objects(Machine *machine, const CommandLine *cl,
                                 Error **errp)
{
    ERRP_GUARD();

    machine->objects = object_set_new();
    for (guint i = 0; i < cl->objects->len; i++) {
        const CommandLineObject *object = g_ptr_array_index(cl->objects, i);

        if (!object_add(machine->objects, object->options, errp)) {
            error_prepend(errp, "-object %s: ", object->text);
            return false;
        }
    }
    return true;
}

/* The memory that -m asks for, without a backend of the user's making. */
static HostMemoryBackend *machine_default_backend(uint64_t size, Error **errp)
{
    ObjectOptions options = {
        .id = (char *)"ram",
        .qom_type = OBJECT_TYPE_MEMORY_BACKEND_RAM,
    };

    options.u.memory_backend_ram.size = size;
    return host_memory_backend_new(&options, errp);
}

static HostMemoryBackend *machine_named_backend(Machine *machine,
                                                const CommandLine *cl,
                                                Error **errp)
{
    g_autoptr(HostMemoryBackend) backend =
        object_find_backend(machine->objects, cl->memory_backend);

    if (!backend) {
        error_setg(errp, "Memory backend '%s' not found; make it with -object",
                   cl->memory_backend);
        return NULL;
    }
    if (cl->has_ram_size && cl->ram_size != backend->size) {
        error_setg(errp, "Machine memory of %" PRIu64 " bytes (-m) does not"
                   " match memory backend '%s' of %" PRIu64 " bytes",
                   cl->ram_size, cl->memory_backend, backend->size);
        return NULL;
    }
    return g_steal_pointer(&backend);
}

static bool machine_make_ram(Machine *machine, const CommandLine *cl,
                             Error **errp)
{
    g_autoptr(HostMemoryBackend) backend = NULL;
    const char *idstr = cl->memory_backend ? cl->memory_backend : "ram";

    machine->ram = ram_list_new();
    if (!cl->memory_backend && !cl->has_ram_size) {
        return true;
    }
    backend = cl->memory_backend
        ? machine_named_backend(machine, cl, errp)
        : machine_default_backend(cl->ram_size, errp);
    return backend && ram_list_add_backend(machine->ram, idstr, backend, errp);
}

/*
 * The device sections of QEMU's machine `none`, with its section ids: there,
 * number 2 is taken by dirty bitmaps.
 */
static bool machine_register_sections(Machine *machine, Error **errp)
{
    VMStateRegistry *reg = vmstate_registry_new();

    machine->vmstate = reg;
    if (!vmstate_register(reg, "timer", 0, &vmstate_timer, &machine->timer,
                          errp) ||
        !vmstate_register_iterable(reg, "ram", 0, MACHINE_RAM_SECTION_VERSION,
                                   errp)) {
        return false;
    }
    vmstate_reserve_section_id(reg);
    if (!vmstate_register(reg, "globalstate", 0, &vmstate_globalstate,
                          &machine->globalstate, errp)) {
        return false;
    }
    return !machine->accel->ops->register_sections ||
           machine->accel->ops->register_sections(machine->accel, reg, errp);
}

static void machine_ops_fail(void *opaque)
{
    machine_fail(opaque);
}

static bool machine_make_migration(Machine *machine, const CommandLine *cl,
                                   Error **errp)
{
    MigrationHost host = {
        .ram = machine->ram,
        .dirty = machine->accel->ops->dirty(machine->accel),
        .vmstate = machine->vmstate,
        .machine = &machine_ops,
        .machine_opaque = &machine->ops_state,
        .loop = machine->loop,
        .events = machine->events,
        .machine_name = cl->machine_type,
        .uuid = machine->uuid,
        .missing_pages_fatal = true,
        .incoming_expected = cl->incoming != NULL,
        .find_tls_creds = object_find_tls_creds,
        .find_authz = object_find_authz,
        .objects_opaque = machine->objects,
        .fds = machine->fds,
    };

    machine->ops_state.runstate = machine->runstate;
    machine->ops_state.accel = machine->accel;
    machine->ops_state.globalstate = &machine->globalstate;
    machine->ops_state.fail = machine_ops_fail;
    machine->ops_state.opaque = machine;
    machine->migration = migration_new(&host);
    return globals_apply(cl, machine->migration, &machine->globalstate,
                         errp);
}

static void machine_guest_off(void *opaque)
{
    machine_quit(opaque, SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
}

static void machine_guest_failed(void *opaque)
{
    machine_fail(opaque);
}

/* The guest has ended by itself; from a thread of the accelerator. */
static void machine_accel_ended(void *opaque, const char *reason)
{
    Machine *machine = opaque;

    if (reason) {
        error_report("the guest cannot go on: %s", reason);
    }
    main_loop_schedule(machine->loop, reason ? machine_guest_failed
                                             : machine_guest_off, machine);
}

static void machine_guest_stuck(void *opaque)
{
    Machine *machine = opaque;

    runstate_internal_error(machine->runstate);
}

/* KVM and its like cannot run the guest on; likewise from their threads. */
static void machine_accel_stuck(void *opaque, const char *reason)
{
    Machine *machine = opaque;

    error_report("the guest cannot go on: %s", reason);
    main_loop_schedule(machine->loop, machine_guest_stuck, machine);
}

static bool machine_make_accel(Machine *machine, const CommandLine *cl,
                               Error **errp)
{
    AccelHost host = {
        .ram = machine->ram,
        .loop = machine->loop,
        .options = cl->accel_options,
        .ended = machine_accel_ended,
        .stuck = machine_accel_stuck,
        .opaque = machine,
    };

    if (cmdline_guest(cl, &machine->guest)) {
        host.guest = &machine->guest;
    }
    machine->accel = accel_find(cl->accel)->create(&host, errp);
    return machine->accel != NULL;
}

Machine *machine_new(const CommandLine *cl, MainLoop *loop,
                     QapiEventSink *events, Error **errp)
{
    g_autoptr(Machine) machine = g_new0(Machine, 1);

    machine->loop = loop;
    machine->events = events;
    machine->name = g_strdup(cl->name);
    machine->uuid = cl->uuid;
    machine->fds = fd_store_new();
    if (!cmdline_check_machine(cl, errp) ||
        !add_fd_setup(machine->fds, cl, errp) ||
        !machine_make_objects(machine, cl, errp) ||
        !machine_make_ram(machine, cl, errp)) {
        return NULL;
    }
    if (!machine_make_accel(machine, cl, errp)) {
        return NULL;
    }
    machine->runstate = runstate_new(machine->accel, events,
                                     cl->incoming != NULL, !cl->stopped);
    globalstate_init(&machine->globalstate, machine->runstate);
    if (!machine_register_sections(machine, errp) ||
        !machine_make_migration(machine, cl, errp)) {
        return NULL;
    }
    return g_steal_pointer(&machine);
}

void machine_end(Machine *machine)
{
    if (machine->runstate) {
        runstate_keep_stopped(machine->runstate);
    }
    g_clear_pointer(&machine->migration, migration_free);
    if (machine->runstate) {
        runstate_end(machine->runstate);
    }
    main_loop_cancel(machine->loop, machine_guest_off, machine);
    main_loop_cancel(machine->loop, machine_guest_failed, machine);
    main_loop_cancel(machine->loop, machine_guest_stuck, machine);
}

void machine_free(Machine *machine)
{
    if (machine) {
        machine_end(machine);
        vmstate_registry_free(machine->vmstate);
        runstate_free(machine->runstate);
        accel_free(machine->accel);
        ram_list_free(machine->ram);
        fd_store_free(machine->fds);
        object_set_free(machine->objects);
        g_free(machine->name);
        g_free(machine);
    }
}

static void machine_leave(Machine *machine, int exit_status)
{
    if (!machine->quitting) {
        machine->quitting = true;
        machine->exit_status = exit_status;
    }
    main_loop_quit(machine->loop);
}

void machine_quit(Machine *machine, ShutdownCause cause)
{
    runstate_shutdown(machine->runstate, cause);
    machine_leave(machine, 0);
}

void machine_fail(Machine *machine)
{
    machine_leave(machine, 1);
}
