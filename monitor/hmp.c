/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of the human monitor: lookup in the tables, the call, and the
 * commands that are about commands, `help` and `info`.
 *
 * The loop's thread; lookup also from the thread that edits lines, since the
 * tables are constant.
 */
#include "qemu/osdep.h"

#include "monitor/hmp-internal.h"
#include "qapi/error.h"

static void hmp_help(Hmp *hmp, const HmpArgs *args, void *opaque);
static void hmp_info(Hmp *hmp, const HmpArgs *args, void *opaque);

static const HmpCommand hmp_commands[] = {
    { "help|?", "name:S?", "[cmd]", "show the help", hmp_help },
    { "info", "name:S?", "[subcommand]",
      "show various information about the system state", hmp_info },
    { NULL }
};

/* A command as it was found in a line. */
typedef struct HmpFound {
    const HmpCommand *command;
    void *opaque;
    char *name;             /* as it was typed, with its prefix; owned */
    const char *rest;       /* of the line, behind the name */
} HmpFound;

static const HmpTable hmp_table = { NULL, hmp_commands, NULL };

const HmpTable *hmp_all_tables(const HmpHost *host, unsigned index)
{
    if (index == 0) {
        return &hmp_table;
    }
    return host->tables && host->tables[index - 1].commands
        ? &host->tables[index - 1] : NULL;
}

char *hmp_name_next(const char **names)
{
    size_t len = strcspn(*names, "|");
    char *name = len ? g_strndup(*names, len) : NULL;

    *names += (*names)[len] ? len + 1 : len;
    return name;
}

bool hmp_has_name(const HmpCommand *command, const char *word)
{
    const char *names = command->name;
    char *name;
    bool same = false;

    while (!same && (name = hmp_name_next(&names))) {
        same = g_str_equal(name, word);
        g_free(name);
    }
    return same;
}

bool hmp_is_prefix(const HmpHost *host, const char *word)
{
    const HmpTable *table;

    for (unsigned i = 0; (table = hmp_all_tables(host, i)); i++) {
        if (!g_strcmp0(table->prefix, word)) {
            return true;
        }
    }
    return false;
}

static bool hmp_find_in(const HmpHost *host, const char *prefix,
                        const char *word, HmpFound *found)
{
    const HmpTable *table;

    for (unsigned i = 0; (table = hmp_all_tables(host, i)); i++) {
        if (g_strcmp0(table->prefix, prefix)) {
            continue;
        }
        for (const HmpCommand *c = table->commands; c->name; c++) {
            if (hmp_has_name(c, word)) {
                found->command = c;
                found->opaque = table->opaque;
                return true;
            }
        }
    }
    return false;
}

/* Takes a word from *@line; empty at the end. */
static char *hmp_take_word(const char **line)
{
    const char *begin = *line + strspn(*line, " \t\r\n\v\f");
    size_t len = strcspn(begin, " \t\r\n\v\f");

    *line = begin + len;
    return g_strndup(begin, len);
}

/*
 * The command that @line begins with; @found->command is NULL if there is none
 * of the name @found->name.
 */
static void hmp_find(const HmpHost *host, const char *line, HmpFound *found)
{
    g_autofree char *word = hmp_take_word(&line);
    const char *after = line;
    g_autofree char *sub = hmp_take_word(&after);

    memset(found, 0, sizeof(*found));
    if (*sub && hmp_is_prefix(host, word)) {
        found->name = g_strconcat(word, " ", sub, NULL);
        found->rest = after;
        hmp_find_in(host, word, sub, found);
    } else {
        found->name = g_steal_pointer(&word);
        found->rest = line;
        hmp_find_in(host, NULL, found->name, found);
    }
}

static void hmp_unknown(Hmp *hmp, const char *name)
{
    hmp_printf(hmp, "unknown command: '%s'\n", name);
}

void hmp_execute(Hmp *hmp, const char *line)
{
    g_autoptr(HmpArgs) args = NULL;
    g_autofree char *name = NULL;
    Error *err = NULL;
    HmpFound found;

    if (!line[strspn(line, " \t\r\n\v\f")]) {
        return;
    }
    hmp_find(hmp_host(hmp), line, &found);
    name = found.name;
    if (!found.command) {
        hmp_unknown(hmp, name);
        return;
    }
    /* As QEMU has it: all names in the message, what was typed in the hint. */
    args = hmp_args_parse(found.command->args, found.command->name,
                          found.rest, &err);
    if (!args) {
        hmp_printf(hmp, "%s\nTry \"help %s\" for more information\n",
                   error_get_pretty(err), name);
        error_free(err);
        return;
    }
    found.command->run(hmp, args, found.opaque);
}

typedef struct HmpHelpEntry {
    const char *prefix;
    const HmpCommand *command;
} HmpHelpEntry;

static void hmp_help_entry(Hmp *hmp, const char *prefix,
                           const HmpCommand *command)
{
    g_auto(GStrv) lines = g_strsplit(command->help, "\n", -1);

    hmp_printf(hmp, "%s%s%s %s -- %s\n", prefix ? prefix : "",
               prefix ? " " : "", command->name, command->params, lines[0]);
    for (unsigned i = 1; lines[i]; i++) {
        hmp_printf(hmp, "                        %s\n", lines[i]);
    }
}

static int hmp_help_order(gconstpointer a, gconstpointer b)
{
    return strcmp(((const HmpHelpEntry *)a)->command->name,
                  ((const HmpHelpEntry *)b)->command->name);
}

static void hmp_help_all(Hmp *hmp, const char *prefix)
{
    g_autoptr(GArray) all = g_array_new(false, false, sizeof(HmpHelpEntry));
    const HmpTable *table;

    for (unsigned i = 0; (table = hmp_all_tables(hmp_host(hmp), i)); i++) {
        for (const HmpCommand *c = table->commands;
             c->name && !g_strcmp0(table->prefix, prefix); c++) {
            HmpHelpEntry entry = { table->prefix, c };

            g_array_append_val(all, entry);
        }
    }
    g_array_sort(all, hmp_help_order);
    for (guint i = 0; i < all->len; i++) {
        HmpHelpEntry *entry = &g_array_index(all, HmpHelpEntry, i);

        hmp_help_entry(hmp, entry->prefix, entry->command);
    }
}

static void hmp_help(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    const char *text = hmp_args_str(args, "name");
    HmpFound found;

    if (!text) {
        hmp_help_all(hmp, NULL);
        return;
    }
    hmp_find(hmp_host(hmp), text, &found);
    if (!found.command) {
        hmp_unknown(hmp, found.name);
    } else if (hmp_is_prefix(hmp_host(hmp), found.name)) {
        hmp_help_all(hmp, found.name);
    } else {
        g_autofree char *prefix = g_strdup(found.name);
        char *blank = strchr(prefix, ' ');

        if (blank) {
            *blank = '\0';
        }
        hmp_help_entry(hmp, blank ? prefix : NULL, found.command);
    }
    g_free(found.name);
}

/* Only without a sub-command: with one, that is what was found. */
static void hmp_info(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    hmp_help_all(hmp, "info");
}
