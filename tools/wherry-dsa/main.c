/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program wherry-dsa: finds, proves and measures work queues of Intel Data
 * Streaming Accelerators through the library that multifd uses.
 *
 * The main thread.  Each command has a file of its own.
 */
#include "qemu/osdep.h"

#include "tool.h"

typedef struct ToolCommand {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} ToolCommand;

static const ToolCommand commands[] = {
    { "list", "which queues there are, and why each is or is not usable",
      tool_list },
    { "test", "prove a queue with compares of known memory", tool_test },
    { "bench", "measure a queue against the CPU", tool_bench },
    { "options", "what may follow dsa:soft?", tool_options },
};

static void main_help(void)
{
    printf("Usage: wherry-dsa COMMAND [OPTION]...\n"
           "Finds, proves and measures DSA work queues.\n\nCommands:\n");
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        printf("  %-9s %s\n", commands[i].name, commands[i].summary);
    }
    printf("\nOptions:\n"
           "  -h, --help   print this help, or that of COMMAND, and exit\n"
           "  --version    print the version and exit\n");
}

static const ToolCommand *main_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (g_str_equal(commands[i].name, name)) {
            return &commands[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const ToolCommand *command;

    if (argc < 2) {
        tool_error("a command is missing; see 'wherry-dsa --help'");
        return TOOL_USAGE;
    }
    if (g_str_equal(argv[1], "-h") || g_str_equal(argv[1], "--help")) {
        main_help();
        return TOOL_OK;
    }
    if (g_str_equal(argv[1], "--version")) {
        puts("wherry-dsa " WHERRY_VERSION "\n"
             "License GPL-2.0-or-later; there is no warranty.");
        return TOOL_OK;
    }
    command = main_find(argv[1]);
    if (!command) {
        tool_error("'%s' is no command; see 'wherry-dsa --help'", argv[1]);
        return TOOL_USAGE;
    }
    return command->run(argc - 1, argv + 1);
}
