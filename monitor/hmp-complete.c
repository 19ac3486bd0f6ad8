/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the word before the cursor can become: names of commands, or what the
 * command that the line begins with knows about its arguments.
 *
 * Pure functions on constant tables; called in the thread that edits lines.
 */
#include "qemu/osdep.h"

#include "monitor/hmp-internal.h"

void hmp_complete_add(GPtrArray *found, const char *text)
{
    g_ptr_array_add(found, g_strdup(text));
}

static void hmp_complete_commands(const HmpHost *host, const char *prefix,
                                  GPtrArray *found)
{
    const HmpTable *table;

    for (unsigned i = 0; (table = hmp_all_tables(host, i)); i++) {
        for (const HmpCommand *c = table->commands;
             c->name && !g_strcmp0(table->prefix, prefix); c++) {
            const char *names = c->name;
            char *name;

            while ((name = hmp_name_next(&names))) {
                g_ptr_array_add(found, name);
            }
        }
    }
}

/* The arguments of a command without prefix. */
static void hmp_complete_args(const HmpHost *host, char **words,
                              unsigned nr_words, const char *word,
                              GPtrArray *found)
{
    const HmpTable *table;
    /* Flags do not count as arguments. */
    g_autoptr(GPtrArray) args = g_ptr_array_new();

    for (unsigned i = 1; i < nr_words; i++) {
        if (words[i][0] != '-') {
            g_ptr_array_add(args, words[i]);
        }
    }
    for (unsigned i = 0; (table = hmp_all_tables(host, i)); i++) {
        for (const HmpCommand *c = table->commands;
             c->name && !table->prefix; c++) {
            if (c->complete && hmp_has_name(c, words[0])) {
                c->complete(found, (const char *const *)args->pdata,
                            args->len, word);
            }
        }
    }
}

static int hmp_complete_order(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Takes out what does not begin with @word, and what is there twice. */
static void hmp_complete_filter(GPtrArray *found, const char *word)
{
    g_ptr_array_sort(found, hmp_complete_order);
    for (guint i = 0; i < found->len;) {
        const char *text = g_ptr_array_index(found, i);

        if (!g_str_has_prefix(text, word) ||
            (i && g_str_equal(text, g_ptr_array_index(found, i - 1)))) {
            g_ptr_array_remove_index(found, i);
        } else {
            i++;
        }
    }
}

static void hmp_complete_word(const HmpHost *host, char **words,
                              const char *word, GPtrArray *found)
{
    unsigned nr_words = g_strv_length(words);

    if (nr_words &&
        (g_str_equal(words[0], "help") || g_str_equal(words[0], "?"))) {
        words++;
        nr_words--;
        if (nr_words && (nr_words > 1 || !hmp_is_prefix(host, words[0]))) {
            return;
        }
    }
    if (!nr_words) {
        hmp_complete_commands(host, NULL, found);
    } else if (hmp_is_prefix(host, words[0])) {
        if (nr_words == 1) {
            hmp_complete_commands(host, words[0], found);
        }
    } else {
        hmp_complete_args(host, words, nr_words, word, found);
    }
}

GPtrArray *hmp_complete(const HmpHost *host, const char *line,
                        size_t *word_offset)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    const char *word = line + strlen(line);
    g_autofree char *before = NULL;
    g_auto(GStrv) words = NULL;

    while (word > line && !g_ascii_isspace(word[-1])) {
        word--;
    }
    *word_offset = word - line;
    before = g_strndup(line, word - line);
    words = hmp_split(before, NULL);
    if (words) {
        hmp_complete_word(host, words, word, found);
        hmp_complete_filter(found, word);
    }
    return found;
}

size_t hmp_complete_prefix(const GPtrArray *found)
{
    const char *first = g_ptr_array_index(found, 0);
    size_t len = strlen(first);

    for (guint i = 1; i < found->len; i++) {
        const char *text = g_ptr_array_index(found, i);
        size_t same = 0;

        while (same < len && text[same] == first[same]) {
            same++;
        }
        len = same;
    }
    return len;
}
