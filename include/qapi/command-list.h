/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of commands, which a monitor dispatches from.
 *
 * It is filled before its first use and constant from then on, so that it
 * needs no lock.  The generated qmp_register_MODULE_commands() fill it.
 */
#ifndef QAPI_COMMAND_LIST_H
#define QAPI_COMMAND_LIST_H

#include <stdbool.h>

#include <glib.h>

struct json_object;
typedef struct Error Error;
typedef struct QmpCommandList QmpCommandList;

/**
 * QmpCommandFunc:
 * @ctx: the context given at registration
 * @args: the arguments, an object; never NULL
 * @ret: receives the result, owned by the caller; may stay NULL for a command
 *       without one
 * @errp: receives the reason on failure
 *
 * What the generator makes of a command.
 *
 * Returns: false with @errp set on failure, @ret untouched then.
 */
typedef bool QmpCommandFunc(void *ctx, struct json_object *args,
                            struct json_object **ret, Error **errp);

/**
 * QmpCommandOptions:
 * @QCO_NO_OPTIONS: an ordinary command
 * @QCO_NO_SUCCESS_RESP: success has no reply
 * @QCO_ALLOW_OOB: may run out of band
 */
typedef enum QmpCommandOptions {
    QCO_NO_OPTIONS = 0,
    QCO_NO_SUCCESS_RESP = 1 << 0,
    QCO_ALLOW_OOB = 1 << 1,
} QmpCommandOptions;

/**
 * QmpCommand:
 * @name: as on the wire, static
 * @fn: what runs it
 * @ctx: passed to @fn
 * @options: flags
 */
typedef struct QmpCommand {
    const char *name;
    QmpCommandFunc *fn;
    void *ctx;
    QmpCommandOptions options;
} QmpCommand;

/**
 * qmp_command_list_new:
 *
 * Context: any thread.  Free it with qmp_command_list_free().
 * Returns: an empty list.
 */
QmpCommandList *qmp_command_list_new(void);

/**
 * qmp_command_list_free:
 * @cmds: the list, or NULL
 *
 * Context: any thread, once nobody dispatches from the list.
 */
void qmp_command_list_free(QmpCommandList *cmds);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpCommandList, qmp_command_list_free)

/**
 * qmp_command_list_set_not_found:
 * @cmds: the list
 * @desc: what a command that is not in the list gets to hear, instead of its
 *        name; static
 *
 * For a list that is valid only for a phase of a session.
 *
 * Context: before the first dispatch.
 */
void qmp_command_list_set_not_found(QmpCommandList *cmds, const char *desc);

/**
 * qmp_command_list_not_found:
 * @cmds: the list
 *
 * Context: any thread.
 * Returns: what qmp_command_list_set_not_found() set, or NULL.
 */
const char *qmp_command_list_not_found(const QmpCommandList *cmds);

/**
 * qmp_register_command:
 * @cmds: the list
 * @name: static; a name that is there already is replaced
 * @fn: what runs it
 * @ctx: passed to @fn; outlives the list
 * @options: flags
 *
 * Adds a command.  Most callers want a generated
 * qmp_register_MODULE_commands() instead.
 *
 * Context: before the first dispatch.
 */
void qmp_register_command(QmpCommandList *cmds, const char *name,
                          QmpCommandFunc *fn, void *ctx,
                          QmpCommandOptions options);

/**
 * qmp_find_command:
 * @cmds: the list
 * @name: of the command
 *
 * Context: any thread.
 * Returns: the command, which belongs to the list, or NULL.
 */
const QmpCommand *qmp_find_command(const QmpCommandList *cmds,
                                   const char *name);

/**
 * qmp_for_each_command:
 * @cmds: the list
 * @fn: called for each command in the order of registration
 * @opaque: passed to @fn
 *
 * Context: any thread.
 */
void qmp_for_each_command(const QmpCommandList *cmds,
                          void (*fn)(const QmpCommand *cmd, void *opaque),
                          void *opaque);

#endif /* QAPI_COMMAND_LIST_H */
