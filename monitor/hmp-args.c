/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the rest of a line to the arguments of a command: words, quotes, and
 * the small language in which a command says what it takes.
 *
 * Pure functions; any thread.
 */
#include "qemu/osdep.h"

#include "monitor/hmp-internal.h"
#include "qapi/error.h"

struct HmpArgs {
    GHashTable *values;     /* name to text, both owned */
};

static const char *hmp_skip_blanks(const char *p)
{
    while (g_ascii_isspace(*p)) {
        p++;
    }
    return p;
}

/*
 * One word from *@text on, which has no blanks at its begin.  NULL with @errp
 * unset at the end, or with it set when a quote is not closed.
 */
static char *hmp_word(const char **text, Error **errp)
{
    g_autoptr(GString) word = g_string_new(NULL);
    const char *p = *text;
    bool quoted = *p == '"';

    if (!*p) {
        return NULL;
    }
    if (!quoted) {
        while (*p && !g_ascii_isspace(*p)) {
            p++;
        }
        g_string_append_len(word, *text, p - *text);
        *text = p;
        return g_string_free(g_steal_pointer(&word), false);
    }
    for (p++; *p && *p != '"'; p++) {
        char c = *p;

        if (c == '\\' && p[1]) {
            c = *++p;
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c;
        }
        g_string_append_c(word, c);
    }
    if (!*p) {
        error_setg(errp, "unterminated string; a \" is missing");
        return NULL;
    }
    *text = p + 1;
    return g_string_free(g_steal_pointer(&word), false);
}

char **hmp_split(const char *text, Error **errp)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    Error *err = NULL;
    char *word;

    text = hmp_skip_blanks(text);
    while ((word = hmp_word(&text, &err))) {
        g_strv_builder_add(words, word);
        g_free(word);
        text = hmp_skip_blanks(text);
    }
    if (err) {
        error_propagate(errp, err);
        return NULL;
    }
    return g_strv_builder_end(words);
}

static void hmp_args_set(HmpArgs *args, const char *name, size_t len,
                         char *value)
{
    g_hash_table_replace(args->values, g_strndup(name, len), value);
}

/* The flag of @spec that @word is: "detach" of "detach:-d" for "-d". */
static bool hmp_args_flag(HmpArgs *args, const char *spec, const char *word)
{
    for (const char *p = spec; p && *p;) {
        const char *colon = strchr(p, ':');
        const char *next = strchr(p, ',');

        if (colon[1] == '-' && colon[2] == word[1] && !word[2]) {
            hmp_args_set(args, p, colon - p, g_strdup("on"));
            return true;
        }
        p = next ? next + 1 : NULL;
    }
    return false;
}

/* Flags stand in front of all else, in any order; "--" ends them. */
static bool hmp_args_parse_flags(HmpArgs *args, const char *spec,
                                 const char *name, const char **text,
                                 Error **errp)
{
    while ((*text)[0] == '-' && (*text)[1] &&
           !g_ascii_isspace((*text)[1]) && strstr(spec, ":-")) {
        g_autofree char *word = hmp_word(text, errp);

        *text = hmp_skip_blanks(*text);
        if (g_str_equal(word, "--")) {
            return true;
        }
        if (!hmp_args_flag(args, spec, word)) {
            error_setg(errp, "%s: unsupported option %s", name, word);
            return false;
        }
    }
    return true;
}

/* The argument of @type, which is called @key, from *@text on. */
static bool hmp_args_parse_one(HmpArgs *args, const char *key, size_t key_len,
                               const char *type, const char *name,
                               const char **text, Error **errp)
{
    g_autofree char *word = NULL;
    ERRP_GUARD();

    if (*type == 'S' && **text) {
        hmp_args_set(args, key, key_len, g_strchomp(g_strdup(*text)));
        *text += strlen(*text);
        return true;
    }
    word = hmp_word(text, errp);
    if (*errp) {
        error_prepend(errp, "%s: ", name);
        return false;
    }
    *text = hmp_skip_blanks(*text);
    if (!word && type[1] == '?') {
        return true;
    }
    if (*type == 'b' && g_strcmp0(word, "on") && g_strcmp0(word, "off")) {
        error_setg(errp, "Expected 'on' or 'off'");
        return false;
    }
    if (!word) {
        error_setg(errp, "%s: string expected", name);
        return false;
    }
    hmp_args_set(args, key, key_len, g_steal_pointer(&word));
    return true;
}

HmpArgs *hmp_args_parse(const char *spec, const char *name, const char *text,
                        Error **errp)
{
    g_autoptr(HmpArgs) args = g_new0(HmpArgs, 1);
    const char *next;

    args->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                         g_free);
    text = hmp_skip_blanks(text);
    if (!hmp_args_parse_flags(args, spec, name, &text, errp)) {
        return NULL;
    }
    for (const char *p = spec; p && *p; p = next) {
        const char *colon = strchr(p, ':');

        next = strchr(p, ',');
        next = next ? next + 1 : NULL;
        if (colon[1] != '-' &&
            !hmp_args_parse_one(args, p, colon - p, colon + 1, name, &text,
                                errp)) {
            return NULL;
        }
    }
    if (*text) {
        error_setg(errp, "%s: extraneous characters at the end of line",
                   name);
        return NULL;
    }
    return g_steal_pointer(&args);
}

void hmp_args_free(HmpArgs *args)
{
    if (args) {
        g_hash_table_unref(args->values);
        g_free(args);
    }
}

const char *hmp_args_str(const HmpArgs *args, const char *name)
{
    return g_hash_table_lookup(args->values, name);
}

bool hmp_args_bool(const HmpArgs *args, const char *name)
{
    const char *value = hmp_args_str(args, name);

    return value && g_str_equal(value, "on");
}
