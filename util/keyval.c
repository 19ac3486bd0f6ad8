/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `key=value,key=value` into a flat list of pairs.
 *
 * Entered by every thread; holds no state.  A key is one or more fragments
 * with dots between: a name (letter first, then letters, digits, - and _; or
 * the like with __vendor_ in front), or a list index.  Nesting is for the
 * layer that knows the types.
 */
#include "qemu/osdep.h"

#include "qemu/cutils.h"
#include "qemu/keyval.h"

/* Length of the name or index at the start of @s, 0 when there is none. */
static size_t fragment_len(const char *s)
{
    size_t len = 0;

    if (g_ascii_isdigit(s[0])) {
        while (g_ascii_isdigit(s[len])) {
            len++;
        }
        return len;
    }
    if (!g_ascii_isalpha(s[0]) && !(s[0] == '_' && s[1] == '_')) {
        return 0;
    }
    while (g_ascii_isalnum(s[len]) || s[len] == '-' || s[len] == '_') {
        len++;
    }
    return len;
}

static bool key_check(const char *key, Error **errp)
{
    const char *pos = key;

    if (strlen(key) > KEYVAL_KEY_MAX) {
        error_setg(errp, "key '%.*s...' has %zu bytes, at most %d are "
                   "possible", 20, key, strlen(key), KEYVAL_KEY_MAX);
        return false;
    }
    for (;;) {
        size_t len = fragment_len(pos);

        if (len == 0 || (pos[len] && pos[len] != '.')) {
            error_setg(errp, "invalid key '%s': names begin with a letter "
                       "and dots stand between them", key);
            return false;
        }
        if (!pos[len]) {
            return true;
        }
        pos += len + 1;
    }
}

/* Reads up to a single comma or the end; `,,` is one comma of the value. */
static char *read_value(const char **pos)
{
    GString *value = g_string_new(NULL);

    for (; **pos; (*pos)++) {
        if (**pos == ',') {
            if ((*pos)[1] != ',') {
                break;
            }
            (*pos)++;
        }
        g_string_append_c(value, **pos);
    }
    return g_string_free(value, FALSE);
}

static void pairs_add(GArray *pairs, char *key, char *value)
{
    KeyvalPair pair = { .key = key, .value = value };

    g_array_append_val(pairs, pair);
}

/*
 * Reads one `key=value` (or a value for @implied_key) at *@pos.  A word
 * without `=` that is not taken so must be a request for help.
 */
static bool read_pair(const char **pos, const char *implied_key,
                      GArray *pairs, bool *help, Error **errp)
{
    size_t len = strcspn(*pos, "=,");
    g_autofree char *word = g_strndup(*pos, len);

    if ((*pos)[len] == '=') {
        if (!key_check(word, errp)) {
            return false;
        }
        *pos += len + 1;
        pairs_add(pairs, g_steal_pointer(&word), read_value(pos));
        return true;
    }
    if (help && (g_str_equal(word, "help") || g_str_equal(word, "?")) &&
        (*pos)[len + ((*pos)[len] == ',')] != ',') {
        *help = true;
        *pos += len;
        return true;
    }
    if (implied_key) {
        char *value = read_value(pos);

        pairs_add(pairs, g_strdup(implied_key), value);
        return true;
    }
    error_setg(errp, "expected '=' after parameter '%s'", word);
    return false;
}

static void pair_clear(void *opaque)
{
    KeyvalPair *pair = opaque;

    g_free(pair->key);
    g_free(pair->value);
}

KeyvalList *keyval_parse(const char *params, const char *implied_key,
                         bool *help, Error **errp)
{
    g_autoptr(GArray) pairs = g_array_new(FALSE, TRUE, sizeof(KeyvalPair));
    const char *pos = params;
    bool help_seen = false;
    KeyvalList *list;

    g_array_set_clear_func(pairs, pair_clear);
    while (*pos) {
        if (!read_pair(&pos, implied_key, pairs, help ? &help_seen : NULL,
                       errp)) {
            return NULL;
        }
        implied_key = NULL;
        if (*pos == ',') {
            pos++;
        }
    }
    list = g_new0(KeyvalList, 1);
    list->nr_pairs = pairs->len;
    list->pairs = g_array_steal(pairs, NULL);
    if (help) {
        *help = help_seen;
    }
    return list;
}

const char *keyval_get(const KeyvalList *list, const char *key)
{
    for (size_t i = list->nr_pairs; i-- > 0;) {
        if (g_str_equal(list->pairs[i].key, key)) {
            return list->pairs[i].value;
        }
    }
    return NULL;
}

void keyval_free(KeyvalList *list)
{
    if (list) {
        for (size_t i = 0; i < list->nr_pairs; i++) {
            pair_clear(&list->pairs[i]);
        }
        g_free(list->pairs);
        g_free(list);
    }
}
