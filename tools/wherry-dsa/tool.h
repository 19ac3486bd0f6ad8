/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of wherry-dsa share: their entry points, options, messages
 * and JSON.
 *
 * Main thread, except where stated.
 */
#ifndef WHERRY_DSA_TOOL_H
#define WHERRY_DSA_TOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include <json-c/json.h>

#include "qapi/error.h"
#include "qemu/dsa-types.h"

/* Exit statuses. */
enum {
    TOOL_OK = 0,
    TOOL_FAILED = 1,            /* what was asked for is not so */
    TOOL_USAGE = 2,             /* the command line makes no sense */
};

/**
 * tool_list:
 * @argc: how many words, the command's own name first
 * @argv: the words
 *
 * The command `list`.
 * Returns: the exit status
 */
int tool_list(int argc, char **argv);

/**
 * tool_test:
 * @argc: how many words, the command's own name first
 * @argv: the words
 *
 * The command `test`.
 * Returns: the exit status
 */
int tool_test(int argc, char **argv);

/**
 * tool_bench:
 * @argc: how many words, the command's own name first
 * @argv: the words
 *
 * The command `bench`.
 * Returns: the exit status
 */
int tool_bench(int argc, char **argv);

/**
 * tool_options:
 * @argc: how many words, the command's own name first
 * @argv: the words
 *
 * The command `options`.
 * Returns: the exit status
 */
int tool_options(int argc, char **argv);

/**
 * tool_error:
 * @fmt: printf format of one sentence
 *
 * Says on standard error what went wrong.
 * Context: any thread.
 */
void tool_error(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/**
 * tool_error_take:
 * @err: an error, which is freed
 *
 * As tool_error() with what @err says.
 */
void tool_error_take(Error *err);

/**
 * tool_parse:
 * @argc: words of a command, its name first; those that are left on return
 * @argv: likewise
 * @operands: what follows the options, for the usage line, or NULL
 * @summary: what the command does, for --help
 * @entries: its options
 *
 * Reads options, and answers --help and exits.
 * Returns: false when they make no sense, which has been said
 */
bool tool_parse(int *argc, char ***argv, const char *operands,
                const char *summary, const GOptionEntry *entries);

/**
 * tool_no_operands:
 * @argc: words that tool_parse() left
 * @argv: likewise
 *
 * Returns: false when there are any but the command's name, which has been said
 */
bool tool_no_operands(int argc, char **argv);

/**
 * tool_completion:
 * @name: "thread" or "in-thread"
 * @completion: receives what that means; untouched on failure
 *
 * Returns: false for another name, which has been said
 */
bool tool_completion(const char *name, DsaCompletion *completion);

/**
 * tool_completion_name:
 * @completion: who looks for records
 *
 * Returns: "thread" or "in-thread"; static
 */
const char *tool_completion_name(DsaCompletion completion);

/**
 * tool_path:
 * @word: of the command line
 *
 * Returns: the path it means: a bare /dev/dsa/wqX.Y is taken, too; to be freed
 *          with g_free()
 */
char *tool_path(const char *word);

/**
 * tool_print_json:
 * @object: what to print, which is released
 */
void tool_print_json(json_object *object);

/**
 * tool_json_string:
 * @object: where to add a member
 * @key: its name
 * @value: its text, or NULL for null
 */
void tool_json_string(json_object *object, const char *key,
                      const char *value);

/**
 * tool_json_number:
 * @object: where to add a member
 * @key: its name
 * @value: its value
 */
void tool_json_number(json_object *object, const char *key, int64_t value);

/**
 * tool_json_queues:
 * @status: of a group
 *
 * Returns: its queues as an array of JSON objects
 */
json_object *tool_json_queues(const DsaStatus *status);

#endif /* WHERRY_DSA_TOOL_H */
