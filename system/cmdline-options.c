/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options one by one, and the table of them.  The table is what --help
 * prints and what the man page is checked against.
 *
 * Main thread, before anything runs.  Each function checks its own argument
 * and stores it; nothing is opened or made here.
 */
#include "qemu/osdep.h"

#include "accel/accel.h"
#include "qapi/error.h"
#include "qapi/util.h"
#include "qemu/cutils.h"
#include "qemu/keyval.h"
#include "system/add-fd.h"
#include "system/cmdline-machine.h"
#include "system/cmdline-options.h"
#include "system/monitor-options.h"
#include "system/object-add.h"

/* QEMU rounds -m up to this, so both ends do. */
#define CMDLINE_RAM_ALIGN_BYTES 8192u

static void cmdline_set(char **field, const char *value)
{
    g_free(*field);
    *field = g_strdup(value);
}

static bool cmdline_is_help(const char *arg)
{
    return g_str_equal(arg, "help") || g_str_equal(arg, "?");
}

/* The first key of @list that is none of @known (NULL-terminated), if any. */
static bool cmdline_check_keys(const KeyvalList *list,
                               const char *const *known, Error **errp)
{
    for (size_t i = 0; i < list->nr_pairs; i++) {
        if (!g_strv_contains(known, list->pairs[i].key)) {
            g_autofree char *names = g_strjoinv(", ", (char **)known);

            error_setg(errp, "Invalid parameter '%s'; known: %s",
                       list->pairs[i].key, names);
            return false;
        }
    }
    return true;
}

static bool cmdline_machine(CommandLine *cl, const char *arg, Error **errp)
{
    static const char *const known[] = { "type", "memory-backend", NULL };
    g_autoptr(KeyvalList) list = NULL;
    const char *type, *backend;

    if (cmdline_is_help(arg)) {
        cl->action = CMDLINE_MACHINE_HELP;
        return true;
    }
    list = keyval_parse(arg, "type", NULL, errp);
    if (!list || !cmdline_check_keys(list, known, errp)) {
        return false;
    }
    type = keyval_get(list, "type");
    if (type && !g_str_equal(type, CMDLINE_MACHINE_NONE) &&
        !g_str_equal(type, CMDLINE_MACHINE_MICRO)) {
        error_setg(errp, "Machine type '%s' is not supported; there are 'none'"
                   " and 'micro'", type);
        return false;
    }
    if (type) {
        cmdline_set(&cl->machine_type, type);
    }
    backend = keyval_get(list, "memory-backend");
    if (backend) {
        cmdline_set(&cl->memory_backend, backend);
    }
    return true;
}

static bool cmdline_memory(CommandLine *cl, const char *arg, Error **errp)
{
    static const char *const known[] = { "size", NULL };
    g_autoptr(KeyvalList) list = keyval_parse(arg, "size", NULL, errp);
    const char *size;
    uint64_t bytes;
    ERRP_GUARD();

    if (!list || !cmdline_check_keys(list, known, errp)) {
        return false;
    }
    size = keyval_get(list, "size");
    if (!size || qemu_strtosz_MiB(size, NULL, &bytes) < 0 ||
        bytes > UINT64_MAX - CMDLINE_RAM_ALIGN_BYTES) {
        error_setg(errp, "Parameter 'size' expects a number below 2^64");
        error_append_hint(errp, "A plain number is in MiB; k, M, G, T, P and E"
                          " stand for KiB to EiB.\n");
        return false;
    }
    cl->has_ram_size = bytes > 0;
    cl->ram_size = ROUND_UP(bytes, CMDLINE_RAM_ALIGN_BYTES);
    return true;
}

/* The accelerator's own keys, and the one that names it. */
static bool cmdline_check_accel_keys(const AccelOps *ops,
                                     const KeyvalList *list, Error **errp)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();

    g_ptr_array_add(known, (char *)"accel");
    for (const AccelOption *o = ops->options; o && o->name; o++) {
        g_ptr_array_add(known, (char *)o->name);
    }
    g_ptr_array_add(known, NULL);
    return cmdline_check_keys(list, (const char *const *)known->pdata, errp);
}

static bool cmdline_accel(CommandLine *cl, const char *arg, Error **errp)
{
    g_autoptr(KeyvalList) list = NULL;
    const AccelOps *ops;
    const char *name;

    if (cmdline_is_help(arg)) {
        cl->action = CMDLINE_ACCEL_HELP;
        return true;
    }
    list = keyval_parse(arg, "accel", NULL, errp);
    if (!list) {
        return false;
    }
    name = keyval_get(list, "accel");
    ops = name ? accel_find(name) : NULL;
    if (!ops) {
        error_setg(errp, "Accelerator '%s' is not supported; see -accel help",
                   name ? name : "");
        return false;
    }
    if (!cmdline_check_accel_keys(ops, list, errp)) {
        return false;
    }
    cmdline_set(&cl->accel, name);
    keyval_free(cl->accel_options);
    cl->accel_options = g_steal_pointer(&list);
    return true;
}

static bool cmdline_object(CommandLine *cl, const char *arg, Error **errp)
{
    ObjectOptions *options = object_options_parse(arg, errp);
    CommandLineObject *object;

    if (!options) {
        return false;
    }
    object = g_new0(CommandLineObject, 1);
    object->text = g_strdup(arg);
    object->options = options;
    g_ptr_array_add(cl->objects, object);
    return true;
}

static bool cmdline_name(CommandLine *cl, const char *arg, Error **errp)
{
    static const char *const known[] = { "guest", "debug-threads", NULL };
    g_autoptr(KeyvalList) list = keyval_parse(arg, "guest", NULL, errp);
    const char *threads;
    bool on = true;

    if (!list || !cmdline_check_keys(list, known, errp)) {
        return false;
    }
    threads = keyval_get(list, "debug-threads");
    if (threads && !qapi_bool_parse("debug-threads", threads, &on, errp)) {
        return false;
    }
    if (!on) {
        error_setg(errp, "Threads always have names; debug-threads=off is not"
                   " supported");
        return false;
    }
    if (keyval_get(list, "guest")) {
        cmdline_set(&cl->name, keyval_get(list, "guest"));
    }
    return true;
}

static bool cmdline_uuid(CommandLine *cl, const char *arg, Error **errp)
{
    if (qemu_uuid_parse(arg, &cl->uuid) < 0) {
        error_setg(errp, "'%s' is no UUID; write it as 8-4-4-4-12 hexadecimal"
                   " digits", arg);
        return false;
    }
    cl->has_uuid = true;
    return true;
}

static bool cmdline_stopped(CommandLine *cl, const char *arg, Error **errp)
{
    cl->stopped = true;
    return true;
}

static bool cmdline_incoming(CommandLine *cl, const char *arg, Error **errp)
{
    if (!*arg) {
        error_setg(errp, "An address is missing; use defer, tcp:HOST:PORT,"
                   " unix:PATH or another URI of migrate-incoming");
        return false;
    }
    cmdline_set(&cl->incoming, arg);
    return true;
}

static bool cmdline_global(CommandLine *cl, const char *arg, Error **errp)
{
    const char *property = NULL;
    const char *equals = strchr(arg, '=');
    CommandLineGlobal *global;

    if (!strstart(arg, "migration.", &property) || !equals ||
        equals <= property) {
        error_setg(errp, "Only migration.PROPERTY=VALUE is supported");
        return false;
    }
    global = g_new0(CommandLineGlobal, 1);
    global->property = g_strndup(property, equals - property);
    global->value = g_strdup(equals + 1);
    g_ptr_array_add(cl->globals, global);
    return true;
}

static bool cmdline_qmp(CommandLine *cl, const char *arg, Error **errp)
{
    MonitorOptions *options = monitor_options_parse(arg, errp);

    if (!options) {
        return false;
    }
    g_ptr_array_add(cl->monitors, options);
    return true;
}

static bool cmdline_monitor(CommandLine *cl, const char *arg, Error **errp)
{
    MonitorOptions *options;

    if (g_str_equal(arg, "none")) {
        return true;
    }
    if (g_str_equal(arg, "stdio")) {
        cl->monitor_stdio = true;
        return true;
    }
    options = monitor_options_parse(arg, errp);
    if (!options) {
        return false;
    }
    options->hmp = true;
    g_ptr_array_add(cl->monitors, options);
    return true;
}

static bool cmdline_qtest(CommandLine *cl, const char *arg, Error **errp)
{
    MonitorOptions *options = monitor_options_parse(arg, errp);

    if (!options) {
        return false;
    }
    monitor_options_free(cl->qtest);
    cl->qtest = options;
    return true;
}

static bool cmdline_qtest_log(CommandLine *cl, const char *arg, Error **errp)
{
    cmdline_set(&cl->qtest_log, arg);
    return true;
}

static bool cmdline_trace(CommandLine *cl, const char *arg, Error **errp)
{
    static const char *const known[] = { "enable", "file", NULL };
    g_autoptr(KeyvalList) list = NULL;
    CommandLineTrace *trace;

    if (cmdline_is_help(arg)) {
        cl->action = CMDLINE_TRACE_HELP;
        return true;
    }
    list = keyval_parse(arg, "enable", NULL, errp);
    if (!list || !cmdline_check_keys(list, known, errp)) {
        return false;
    }
    trace = g_new0(CommandLineTrace, 1);
    trace->pattern = g_strdup(keyval_get(list, "enable"));
    trace->file = g_strdup(keyval_get(list, "file"));
    g_ptr_array_add(cl->traces, trace);
    return true;
}

static bool cmdline_daemonize(CommandLine *cl, const char *arg, Error **errp)
{
    cl->daemonize = true;
    return true;
}

static bool cmdline_pidfile(CommandLine *cl, const char *arg, Error **errp)
{
    g_free(cl->pidfile);
    /* A daemon changes its directory, and removes the file in the end. */
    cl->pidfile = g_canonicalize_filename(arg, NULL);
    return true;
}

static bool cmdline_nodefaults(CommandLine *cl, const char *arg, Error **errp)
{
    return true;
}

static bool cmdline_display(CommandLine *cl, const char *arg, Error **errp)
{
    if (!g_str_equal(arg, "none")) {
        error_setg(errp, "Display '%s' is not supported; there is only 'none'",
                   arg);
        return false;
    }
    return true;
}

static bool cmdline_help(CommandLine *cl, const char *arg, Error **errp)
{
    cl->action = CMDLINE_HELP;
    return true;
}

static bool cmdline_version(CommandLine *cl, const char *arg, Error **errp)
{
    cl->action = CMDLINE_VERSION;
    return true;
}

const CommandLineOption cmdline_options[] = {
    { "help", NULL, "print this help and exit", cmdline_help,
      .shown = "-h, --help" },
    { "h", NULL, NULL, cmdline_help },
    { "version", NULL, "print the version and exit", cmdline_version,
      .shown = "--version" },
    { "machine", "none|micro[,memory-backend=ID]",
      "the machine: memory and nothing else, or with CPUs and a serial\n"
      "port; ID names the -object that is its memory", cmdline_machine },
    { "M", "none|micro", NULL, cmdline_machine },
    { "smp", "N",
      "number of CPUs of -machine micro, 1 to 8", cmdline_smp },
    { "kernel", "FILE",
      "the program that the CPUs start with: flat, or ELF for x86-64",
      cmdline_kernel },
    { "serial", "stdio|file:PATH|unix:PATH[,server=on][,wait=off]|none",
      "where the serial port of -machine micro leads; without it\n"
      "nowhere", cmdline_serial },
    { "m", "SIZE",
      "size of guest memory, in MiB or with a suffix (512M, 4G);\n"
      "without it and without a memory backend there is none",
      cmdline_memory },
    { "object", "TYPE,id=ID[,PROPERTY=VALUE...]",
      "make an object: memory-backend-ram, memory-backend-memfd or\n"
      "memory-backend-file; tls-creds-x509, tls-creds-psk or\n"
      "tls-creds-anon; authz-simple, authz-list or authz-list-file;\n"
      "also as JSON",
      cmdline_object },
    { "accel", "NAME[,KEY=VALUE...]",
      "what runs the guest (see -accel help)", cmdline_accel },
    { "name", "NAME",
      "name of the guest, for query-name", cmdline_name },
    { "uuid", "UUID",
      "UUID of the guest", cmdline_uuid },
    { "S", NULL,
      "do not start the guest; 'cont' does", cmdline_stopped },
    { "incoming", "defer|URI|JSON",
      "wait for a guest to migrate here, or (defer) for migrate-incoming\n"
      "to name the address; a URI is tcp:HOST:PORT, unix:PATH,\n"
      "vsock:CID:PORT, fd:N, exec:COMMAND or file:PATH[,offset=N]",
      cmdline_incoming },
    { "add-fd", "fd=FD,set=SET[,opaque=TEXT]",
      "put a file descriptor that the program was started with into a\n"
      "set, which file names call /dev/fdset/SET", cmdline_add_fd },
    { "qmp", "unix:PATH|tcp:HOST:PORT,server=on[,wait=off]",
      "serve QMP there, one client at a time; unless wait=off, start\n"
      "only when the first has come; may be given several times",
      cmdline_qmp },
    { "monitor", "stdio|unix:PATH|tcp:HOST:PORT,server=on[,wait=off]|none",
      "serve the monitor for people there, with line editing on a\n"
      "terminal; wait=off as for -qmp; may be given several times",
      cmdline_monitor },
    { "qtest", "unix:PATH|tcp:HOST:PORT,server=on[,wait=off]",
      "with -accel qtest: serve the qtest protocol there, by which a\n"
      "test writes and reads guest memory; options as for -qmp",
      cmdline_qtest },
    { "qtest-log", "FILE|none",
      "write what clients of -qtest say and are told into FILE instead\n"
      "of standard error, or nowhere", cmdline_qtest_log },
    { "global", "migration.PROPERTY=VALUE",
      "set a compatibility property", cmdline_global },
    { "trace", "[enable=]PATTERN[,file=FILE]",
      "turn trace points on (see -trace help), into FILE instead of\n"
      "standard error", cmdline_trace },
    { "daemonize", NULL,
      "go to the background once everything is ready",
      cmdline_daemonize },
    { "pidfile", "FILE",
      "write the process id there, and keep the file locked",
      cmdline_pidfile },
    { "nodefaults", NULL,
      "accepted: there are no default devices", cmdline_nodefaults },
    { "display", "none",
      "accepted: there is no display", cmdline_display },
    { NULL }
};
