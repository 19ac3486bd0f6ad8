/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command `options`: what may follow dsa:soft? in a path.
 *
 * The main thread; prints the software device's own table.
 */
#include "qemu/osdep.h"

#include "qemu/dsa-soft.h"
#include "tool.h"

static void options_json(const DsaSoftOption *option, size_t nr)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < nr; i++) {
        json_object *item = json_object_new_object();

        tool_json_string(item, "name", option[i].name);
        tool_json_string(item, "value", option[i].value);
        tool_json_string(item, "default", option[i].initial);
        tool_json_string(item, "help", option[i].help);
        json_object_array_add(array, item);
    }
    tool_print_json(array);
}

static void options_text(const DsaSoftOption *option, size_t nr)
{
    printf("dsa:soft?KEY=VALUE,... with\n");
    for (size_t i = 0; i < nr; i++) {
        const char *initial = option[i].initial;

        printf("  %s=%s%s%s%s\n      %s\n", option[i].name, option[i].value,
               initial && *initial ? " [" : "",
               initial && *initial ? initial : "",
               initial && *initial ? "]" : "", option[i].help);
    }
}

int tool_options(int argc, char **argv)
{
    gboolean json = false;
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
        G_OPTION_ENTRY_NULL
    };
    const DsaSoftOption *option;
    size_t nr;

    if (!tool_parse(&argc, &argv, NULL,
                    "Prints the options of the software device.", entries) ||
        !tool_no_operands(argc, argv)) {
        return TOOL_USAGE;
    }
    option = dsa_soft_options(&nr);
    if (json) {
        options_json(option, nr);
    } else {
        options_text(option, nr);
    }
    return TOOL_OK;
}
