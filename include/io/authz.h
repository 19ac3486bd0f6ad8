/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may connect: objects authz-simple, authz-list and authz-list-file.  They
 * decide on an identity, which is text: for TLS the name in a certificate, or of
 * a key.
 *
 * Threads: created and asked in the main thread.  The reference count is atomic.
 * No locks.
 */
#ifndef IO_AUTHZ_H
#define IO_AUTHZ_H

#include <stdbool.h>
#include <glib.h>
#include "qapi/qapi-types-qom.h"

typedef struct Error Error;
typedef struct AuthZ AuthZ;

/**
 * authz_new:
 * @options: of one of these objects; only read
 * @errp: where to put the reason, or NULL
 *
 * Context: the main thread; may read a file.
 * Returns: an object with one reference, or NULL
 */
AuthZ *authz_new(const ObjectOptions *options, Error **errp);

/**
 * authz_ref:
 * @authz: an object
 *
 * Context: any thread.
 * Returns: @authz
 */
AuthZ *authz_ref(AuthZ *authz);

/**
 * authz_unref:
 * @authz: an object, or NULL
 *
 * Context: any thread.
 */
void authz_unref(AuthZ *authz);

/**
 * authz_is_allowed:
 * @authz: an object
 * @identity: who wants to connect
 * @errp: where to put the reason, or NULL
 *
 * Context: the main thread; reads a file again that has changed.
 * Returns: false when @identity is turned away, which includes that the rules
 *          cannot be read
 */
bool authz_is_allowed(AuthZ *authz, const char *identity, Error **errp);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AuthZ, authz_unref)

#endif
