/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `key=value,key=value` as the command line writes it.
 *
 * The result is a flat list in the order of the text; dotted keys are
 * checked but kept as they are, and the QAPI layer builds objects and lists
 * from them.  `,,` inside a value stands for one comma.
 */
#ifndef QEMU_KEYVAL_H
#define QEMU_KEYVAL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "qapi/error.h"

/* Longest key in bytes, dots included. */
#define KEYVAL_KEY_MAX 127

/**
 * KeyvalPair:
 * @key: as written, for instance "server.host"
 * @value: with `,,` turned into `,`; may be empty
 */
typedef struct KeyvalPair {
    char *key;
    char *value;
} KeyvalPair;

/**
 * KeyvalList:
 * @pairs: in the order of the text; a key may come twice
 * @nr_pairs: how many
 */
typedef struct KeyvalList {
    KeyvalPair *pairs;
    size_t nr_pairs;
} KeyvalList;

/**
 * keyval_parse:
 * @params: the text; empty gives an empty list
 * @implied_key: the key of a first value without one, or NULL for none
 * @help: set to whether `help` or `?` stood alone between commas, or NULL
 *        where that is not understood; untouched on failure
 * @errp: receives the reason on failure, or NULL
 *
 * Splits the text into pairs.
 *
 * Context: any thread.  The caller frees the list with keyval_free().
 * Returns: the list, or NULL with @errp set when a key is malformed, too
 * long, or without a value.
 */
KeyvalList *keyval_parse(const char *params, const char *implied_key,
                         bool *help, Error **errp);

/**
 * keyval_get:
 * @list: the list
 * @key: the whole key
 *
 * Looks a key up; of several the last counts.
 *
 * Context: any thread.  The text belongs to @list.
 * Returns: the value, or NULL when the key is absent.
 */
const char *keyval_get(const KeyvalList *list, const char *key);

/**
 * keyval_free:
 * @list: the list, or NULL
 *
 * Frees a list.
 *
 * Context: any thread.
 */
void keyval_free(KeyvalList *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyvalList, keyval_free)

#endif /* QEMU_KEYVAL_H */
