/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -smp, -kernel and -serial, and whether they fit the machine.
 *
 * Main thread, before anything runs.  Nothing is opened or made here.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "qapi/util.h"
#include "qemu/cutils.h"
#include "system/cmdline-machine.h"

bool cmdline_smp(CommandLine *cl, const char *arg, Error **errp)
{
    g_autoptr(KeyvalList) list = keyval_parse(arg, "cpus", NULL, errp);
    const char *cpus;
    unsigned int nr;

    if (!list) {
        return false;
    }
    for (size_t i = 0; i < list->nr_pairs; i++) {
        if (!g_str_equal(list->pairs[i].key, "cpus")) {
            error_setg(errp, "Invalid parameter '%s'; known: cpus",
                       list->pairs[i].key);
            return false;
        }
    }
    cpus = keyval_get(list, "cpus");
    if (!cpus || qemu_strtoui(cpus, NULL, 10, &nr) < 0 || nr < 1 ||
        nr > GUEST_MAX_CPUS) {
        error_setg(errp, "'%s' is no number of CPUs; from 1 to %d are"
                   " possible", cpus ? cpus : "", GUEST_MAX_CPUS);
        return false;
    }
    cl->nr_cpus = nr;
    return true;
}

bool cmdline_kernel(CommandLine *cl, const char *arg, Error **errp)
{
    g_free(cl->kernel);
    cl->kernel = g_strdup(arg);
    return true;
}

/* The place of a serial port, "KIND" or "KIND:PATH". */
static bool serial_parse_place(GuestSerial *serial, const char *place,
                               char **path, Error **errp)
{
    static const struct {
        const char *prefix;
        GuestSerialKind kind;
    } with_path[] = {
        { "file:", GUEST_SERIAL_FILE },
        { "unix:", GUEST_SERIAL_UNIX },
    };

    if (place && g_str_equal(place, "none")) {
        serial->kind = GUEST_SERIAL_NONE;
        return true;
    }
    if (place && g_str_equal(place, "stdio")) {
        serial->kind = GUEST_SERIAL_STDIO;
        return true;
    }
    for (size_t i = 0; place && i < ARRAY_SIZE(with_path); i++) {
        const char *rest = NULL;

        if (strstart(place, with_path[i].prefix, &rest) && *rest) {
            serial->kind = with_path[i].kind;
            *path = g_strdup(rest);
            return true;
        }
    }
    error_setg(errp, "'%s' is no place for a serial port; use stdio,"
               " file:PATH, unix:PATH[,server=on][,wait=off] or none",
               place ? place : "");
    return false;
}

static bool serial_parse_flag(GuestSerial *serial, const KeyvalPair *pair,
                              Error **errp)
{
    if (serial->kind == GUEST_SERIAL_UNIX &&
        g_str_equal(pair->key, "server")) {
        return qapi_bool_parse("server", pair->value, &serial->server, errp);
    }
    if (serial->kind == GUEST_SERIAL_UNIX && g_str_equal(pair->key, "wait")) {
        return qapi_bool_parse("wait", pair->value, &serial->wait, errp);
    }
    error_setg(errp, "Invalid parameter '%s'; known: server and wait, after"
               " unix:PATH", pair->key);
    return false;
}

bool cmdline_serial(CommandLine *cl, const char *arg, Error **errp)
{
    g_autoptr(KeyvalList) list = keyval_parse(arg, "place", NULL, errp);
    g_autofree char *path = NULL;
    GuestSerial serial = { .wait = true };

    if (!list ||
        !serial_parse_place(&serial, keyval_get(list, "place"), &path,
                            errp)) {
        return false;
    }
    for (size_t i = 0; i < list->nr_pairs; i++) {
        if (!g_str_equal(list->pairs[i].key, "place") &&
            !serial_parse_flag(&serial, &list->pairs[i], errp)) {
            return false;
        }
    }
    g_free(cl->serial_path);
    cl->serial_path = g_steal_pointer(&path);
    serial.path = cl->serial_path;
    cl->serial = serial;
    return true;
}

bool cmdline_check_machine(const CommandLine *cl, Error **errp)
{
    bool micro = g_str_equal(cl->machine_type, CMDLINE_MACHINE_MICRO);

    if (micro && !g_str_equal(cl->accel, "kvm")) {
        error_setg(errp, "Machine 'micro' has CPUs, which accelerator '%s'"
                   " does not run; use -accel kvm", cl->accel);
        return false;
    }
    if (!micro && (cl->nr_cpus > 1 || cl->kernel ||
                   cl->serial.kind != GUEST_SERIAL_NONE)) {
        error_setg(errp, "Machine '%s' has no CPUs and no serial port, so that"
                   " -smp, -kernel and -serial have no meaning; use -machine"
                   " micro -accel kvm", cl->machine_type);
        return false;
    }
    if (cl->daemonize && cl->serial.kind == GUEST_SERIAL_STDIO) {
        error_setg(errp, "A process in the background (-daemonize) has no"
                   " standard input and output for -serial stdio; use"
                   " file:PATH or unix:PATH");
        return false;
    }
    if (cl->monitor_stdio && cl->serial.kind == GUEST_SERIAL_STDIO) {
        error_setg(errp, "-monitor stdio and -serial stdio cannot share the"
                   " terminal; use unix:PATH for one of them");
        return false;
    }
    return true;
}

bool cmdline_guest(const CommandLine *cl, GuestConfig *guest)
{
    if (!g_str_equal(cl->machine_type, CMDLINE_MACHINE_MICRO)) {
        return false;
    }
    *guest = (GuestConfig) {
        .nr_cpus = cl->nr_cpus,
        .kernel = cl->kernel,
        .incoming = cl->incoming != NULL,
        .serial = cl->serial,
    };
    return true;
}
