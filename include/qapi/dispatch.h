/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a QMP request to its reply: lookup, checks and call.
 *
 * Several threads may dispatch from one list if its handlers allow that.  A
 * request is parsed by the caller; parse with JSON_TOKENER_STRICT, since
 * json-c otherwise turns integers past 64 bits into the nearest one that fits.
 */
#ifndef QAPI_DISPATCH_H
#define QAPI_DISPATCH_H

#include "qapi/command-list.h"

struct json_object;
typedef struct Error Error;

/**
 * qmp_register_introspection:
 * @cmds: the list
 *
 * Adds query-qmp-schema, which answers from the generated data.
 *
 * Context: before the first dispatch.
 */
void qmp_register_introspection(QmpCommandList *cmds);

/**
 * qmp_dispatch:
 * @cmds: the commands that exist
 * @request: what the client sent, any JSON value, NULL for null; only read
 *
 * Checks a request, runs its command and makes the reply, with the request's
 * id in it.
 *
 * Context: the thread in which the handlers expect to run.  The caller owns
 * the reply.
 * Returns: the reply to send; NULL when the command succeeded and has none.
 */
struct json_object *qmp_dispatch(const QmpCommandList *cmds,
                                 struct json_object *request);

/**
 * qmp_error_response:
 * @err: the error; taken
 *
 * Context: any thread.  The caller owns the result.
 * Returns: {"error": {"class": ..., "desc": ...}}.
 */
struct json_object *qmp_error_response(Error *err);

#endif /* QAPI_DISPATCH_H */
