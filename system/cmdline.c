/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks the command line, gives each option to the function of its table
 * entry, and makes the texts that --help and its like print.
 *
 * Main thread, before anything runs.  What an argument means is known in
 * cmdline-options.c; what the options together mean, to the machine.
 */
#include "qemu/osdep.h"

#include "accel/accel.h"
#include "qapi/error.h"
#include "system/add-fd.h"
#include "system/cmdline.h"
#include "system/cmdline-options.h"
#include "system/monitor-options.h"
#include "system/tracing.h"

static void cmdline_object_free(gpointer data)
{
    CommandLineObject *object = data;

    g_free(object->text);
    qapi_free_ObjectOptions(object->options);
    g_free(object);
}

static void cmdline_global_free(gpointer data)
{
    CommandLineGlobal *global = data;

    g_free(global->property);
    g_free(global->value);
    g_free(global);
}

static void cmdline_trace_free(gpointer data)
{
    CommandLineTrace *trace = data;

    g_free(trace->pattern);
    g_free(trace->file);
    g_free(trace);
}

static CommandLine *cmdline_new(void)
{
    CommandLine *cl = g_new0(CommandLine, 1);

    cl->machine_type = g_strdup("none");
    cl->accel = g_strdup("none");
    cl->nr_cpus = 1;
    cl->objects = g_ptr_array_new_with_free_func(cmdline_object_free);
    cl->globals = g_ptr_array_new_with_free_func(cmdline_global_free);
    cl->add_fds = g_ptr_array_new_with_free_func(cmdline_add_fd_free);
    cl->monitors = g_ptr_array_new_with_free_func(
        (GDestroyNotify)monitor_options_free);
    cl->traces = g_ptr_array_new_with_free_func(cmdline_trace_free);
    return cl;
}

void cmdline_free(CommandLine *cl)
{
    if (cl) {
        g_free(cl->machine_type);
        g_free(cl->memory_backend);
        g_free(cl->accel);
        keyval_free(cl->accel_options);
        g_free(cl->kernel);
        g_free(cl->serial_path);
        g_free(cl->name);
        g_free(cl->incoming);
        g_free(cl->pidfile);
        g_ptr_array_unref(cl->objects);
        g_ptr_array_unref(cl->globals);
        g_ptr_array_unref(cl->add_fds);
        g_ptr_array_unref(cl->monitors);
        g_ptr_array_unref(cl->traces);
        monitor_options_free(cl->qtest);
        g_free(cl->qtest_log);
        g_free(cl);
    }
}

static const CommandLineOption *cmdline_find(const char *word)
{
    const CommandLineOption *option;

    if (word[0] != '-') {
        return NULL;
    }
    word += word[1] == '-' ? 2 : 1;
    for (option = cmdline_options; option->name; option++) {
        if (g_str_equal(option->name, word)) {
            return option;
        }
    }
    return NULL;
}

CommandLine *cmdline_parse(int argc, char **argv, Error **errp)
{
    g_autoptr(CommandLine) cl = cmdline_new();
    ERRP_GUARD();

    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const CommandLineOption *option = cmdline_find(word);
        const char *arg = NULL;

        if (!option) {
            error_setg(errp, "%s: invalid option; see --help", word);
            return NULL;
        }
        if (option->metavar) {
            if (i + 1 == argc) {
                error_setg(errp, "%s: requires an argument", word);
                return NULL;
            }
            arg = argv[++i];
        }
        if (!option->parse(cl, arg, errp)) {
            error_prepend(errp, "%s%s%s: ", word, arg ? " " : "",
                          arg ? arg : "");
            return NULL;
        }
        if (cl->action != CMDLINE_RUN) {
            break;
        }
    }
    return g_steal_pointer(&cl);
}

static void cmdline_help_option(GString *out, const CommandLineOption *option)
{
    g_auto(GStrv) lines = g_strsplit(option->help, "\n", -1);

    g_string_append(out, "  ");
    if (option->shown) {
        g_string_append(out, option->shown);
    } else {
        g_string_append_printf(out, "-%s", option->name);
    }
    if (option->metavar) {
        g_string_append_printf(out, " %s", option->metavar);
    }
    g_string_append_c(out, '\n');
    for (char **line = lines; *line; line++) {
        g_string_append_printf(out, "            %s\n", *line);
    }
}

static void cmdline_help_text(GString *out)
{
    const CommandLineOption *option;

    g_string_append(out, "Usage: wherry [OPTION]...\n"
                    "Holds the memory of a virtual machine, and moves it"
                    " between hosts.\n\nOptions:\n");
    for (option = cmdline_options; option->name; option++) {
        if (option->help) {
            cmdline_help_option(out, option);
        }
    }
}

static void cmdline_accel_help(GString *out, const AccelOps *accel)
{
    g_string_append_printf(out, "%-12s %s\n", accel->name, accel->summary);
    for (const AccelOption *o = accel->options; o && o->name; o++) {
        g_autofree char *key = g_strdup_printf("%s=%s", o->name, o->value);

        g_string_append_printf(out, "    %-20s %s\n", key, o->help);
    }
}

char *cmdline_info(const CommandLine *cl)
{
    GString *out = g_string_new(NULL);
    const AccelOps *accel;

    switch (cl->action) {
    case CMDLINE_RUN:
        break;
    case CMDLINE_HELP:
        cmdline_help_text(out);
        break;
    case CMDLINE_VERSION:
        g_string_append(out, "wherry " WHERRY_VERSION "\n"
                        "License GPL-2.0-or-later; there is no warranty.\n");
        break;
    case CMDLINE_ACCEL_HELP:
        g_string_append(out, "Accelerators:\n");
        for (unsigned i = 0; (accel = accel_at(i)); i++) {
            cmdline_accel_help(out, accel);
        }
        break;
    case CMDLINE_MACHINE_HELP:
        g_string_append(out, "Machines:\n"
                        "none         memory and nothing else\n"
                        "micro        CPUs, a serial port and a debug-exit"
                        " port; needs -accel kvm\n");
        break;
    case CMDLINE_TRACE_HELP:
        tracing_list(out);
        break;
    }
    return g_string_free(out, false);
}
