/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A made-up /sys with DSA devices, for tests of what is read from there.
 *
 * Any thread, one tree at a time each.
 */
#ifndef TESTS_UNIT_UTIL_DSA_TREE_H
#define TESTS_UNIT_UTIL_DSA_TREE_H

#include <glib.h>

/* All opcodes of DSA 1.0, as a new and as an old kernel writes them. */
#define OP_CAP_WORDS "00000000,00000000,00000000,00000000," \
                     "00000000,00000000,00000001,003f03ff"
#define OP_CAP_QUADS "0x1003f03ff 0 0 0"

typedef struct Tree {
    char *root;                 /* in place of /sys */
} Tree;

/**
 * tree_empty:
 * @tree: receives a tree that has a driver and no device
 */
void tree_empty(Tree *tree);

/**
 * tree_set_up:
 * @tree: receives a tree with dsa0 and a usable queue wq0.0
 * @data: not used; this is a fixture
 */
void tree_set_up(Tree *tree, gconstpointer data);

/**
 * tree_tear_down:
 * @tree: a tree, which is removed
 * @data: not used; this is a fixture
 */
void tree_tear_down(Tree *tree, gconstpointer data);

/**
 * tree_add:
 * @tree: a tree
 * @below: name of the device it belongs to; "" for a device
 * @name: of a new folder without files
 */
void tree_add(const Tree *tree, const char *below, const char *name);

/**
 * tree_device:
 * @tree: a tree
 * @name: of a new device
 */
void tree_device(const Tree *tree, const char *name);

/**
 * tree_queue:
 * @tree: a tree
 * @device: whose queue it is
 * @name: of a new queue
 */
void tree_queue(const Tree *tree, const char *device, const char *name);

/**
 * tree_write:
 * @tree: a tree
 * @file: like "wq0.0/mode"
 * @fmt: printf format of what it will say
 */
void tree_write(const Tree *tree, const char *file, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);

/**
 * tree_remove:
 * @tree: a tree
 * @file: like "wq0.0/mode"
 */
void tree_remove(const Tree *tree, const char *file);

#endif /* TESTS_UNIT_UTIL_DSA_TREE_H */
