/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Error objects: how a failure that a user can cause travels to whoever
 * reports it.  The callee describes it, the caller decides about it.
 *
 * A function that can fail takes `Error **errp` last and also returns
 * success or failure (bool with true = success, or a pointer).  NULL as
 * @errp means that the caller does not want the text.  Never look at *errp
 * in such a function without ERRP_GUARD() at its top: it may be NULL.
 *
 * The first error wins: setting or propagating into an *errp that is set
 * already keeps what is there and frees the newcomer.  (QEMU asserts there;
 * here a peer's second mistake must not end the process.)  There is no
 * error_abort, error_fatal or printing: the top layers print.
 *
 * An Error belongs to one owner at a time; the functions take no lock.
 */
#ifndef QAPI_ERROR_H
#define QAPI_ERROR_H

#include <glib.h>

typedef struct Error Error;

/**
 * ErrorClass:
 * @ERROR_CLASS_GENERIC_ERROR: nothing a program would tell apart
 * @ERROR_CLASS_COMMAND_NOT_FOUND: the command does not exist or may not run
 * @ERROR_CLASS_DEVICE_NOT_ACTIVE: the device is not in a state for this
 * @ERROR_CLASS_DEVICE_NOT_FOUND: no object of that name
 * @ERROR_CLASS_KVM_MISSING_CAP: the kernel's KVM lacks something
 */
typedef enum ErrorClass {
    ERROR_CLASS_GENERIC_ERROR,
    ERROR_CLASS_COMMAND_NOT_FOUND,
    ERROR_CLASS_DEVICE_NOT_ACTIVE,
    ERROR_CLASS_DEVICE_NOT_FOUND,
    ERROR_CLASS_KVM_MISSING_CAP,
} ErrorClass;

/* Set *@errp (when wanted) from a printf format without a final newline. */
#define error_setg(errp, fmt, ...) \
    error_set_internal((errp), __FILE__, __LINE__, __func__, \
                       ERROR_CLASS_GENERIC_ERROR, 0, (fmt), ## __VA_ARGS__)
/* The same with ": " and the text of @os_errno (positive) behind it. */
#define error_setg_errno(errp, os_errno, fmt, ...) \
    error_set_internal((errp), __FILE__, __LINE__, __func__, \
                       ERROR_CLASS_GENERIC_ERROR, (os_errno), \
                       (fmt), ## __VA_ARGS__)
/* The same with a class other than the generic one. */
#define error_set(errp, err_class, fmt, ...) \
    error_set_internal((errp), __FILE__, __LINE__, __func__, \
                       (err_class), 0, (fmt), ## __VA_ARGS__)

/**
 * error_set_internal:
 * @errp: where to store the new error, or NULL for nowhere
 * @src: file of the caller, kept by reference
 * @line: line of the caller
 * @func: function of the caller, kept by reference
 * @err_class: what kind of error
 * @os_errno: positive errno value whose text is appended, or 0 for none
 * @fmt: printf format
 *
 * The function behind the error_set macros; use those.  errno is kept.
 *
 * Context: any thread.  *@errp belongs to the caller.
 */
void error_set_internal(Error **errp, const char *src, int line,
                        const char *func, ErrorClass err_class, int os_errno,
                        const char *fmt, ...) G_GNUC_PRINTF(7, 8);

/**
 * error_propagate:
 * @dst_errp: where the error goes, or NULL for nowhere
 * @local_err: the error, or NULL for none
 *
 * Hands an error on.
 *
 * Context: any thread.  Takes @local_err: stored in *@dst_errp, or freed
 * when that is not wanted or holds an earlier error.
 */
void error_propagate(Error **dst_errp, Error *local_err);

/**
 * error_prepend:
 * @errp: NULL, or an error that is set (else nothing happens)
 * @fmt: printf format; end it with ": "
 *
 * Puts text in front of the message.  Functions that call it on their own
 * @errp parameter start with ERRP_GUARD().
 *
 * Context: any thread; errno is kept.
 */
void error_prepend(Error **errp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/**
 * error_append_hint:
 * @errp: NULL, or an error that is set (else nothing happens)
 * @fmt: printf format; a whole sentence with its newline
 *
 * Adds advice for people, shown after the message at a terminal and never
 * sent over QMP.  ERRP_GUARD() as with error_prepend().
 *
 * Context: any thread; errno is kept.
 */
void error_append_hint(Error **errp, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);

/**
 * error_get_pretty:
 * @err: an error, not NULL
 *
 * The message.
 *
 * Context: any thread.  The text belongs to @err.
 * Returns: the message, without hint and newline.
 */
const char *error_get_pretty(const Error *err);

/**
 * error_get_hint:
 * @err: an error, not NULL
 *
 * The advice added by error_append_hint().
 *
 * Context: any thread.  The text belongs to @err.
 * Returns: the hint, or NULL when there is none.
 */
const char *error_get_hint(const Error *err);

/**
 * error_get_class:
 * @err: an error, not NULL
 *
 * The class that QMP shows.
 *
 * Context: any thread.
 * Returns: the class.
 */
ErrorClass error_get_class(const Error *err);

/**
 * error_get_source:
 * @err: an error, not NULL
 * @src: receives the file that set it, or NULL
 * @line: receives the line in it, or NULL
 * @func: receives the function, or NULL
 *
 * Where the error was set, for trace points and debugging.
 *
 * Context: any thread.  The texts are static.
 */
void error_get_source(const Error *err, const char **src, int *line,
                      const char **func);

/**
 * error_copy:
 * @err: an error, not NULL
 *
 * Copies an error with its hint.
 *
 * Context: any thread.  The caller frees the copy with error_free().
 * Returns: the copy.
 */
Error *error_copy(const Error *err);

/**
 * error_free:
 * @err: an error, or NULL
 *
 * Frees an error.
 *
 * Context: any thread.
 */
void error_free(Error *err);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Error, error_free)

/* The state of ERRP_GUARD(): a stand-in for an @errp that was NULL. */
typedef struct ErrorPropagator {
    Error *local_err;
    Error **errp;
} ErrorPropagator;

/**
 * error_propagator_cleanup:
 * @prop: the guard
 *
 * The clean-up behind ERRP_GUARD(); do not call it.
 *
 * Context: any thread.
 */
static inline void error_propagator_cleanup(ErrorPropagator *prop)
{
    if (prop->local_err) {
        error_propagate(prop->errp, prop->local_err);
    }
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ErrorPropagator, error_propagator_cleanup)

/*
 * At the top of a function with an @errp parameter: from here on *errp may
 * be read, also when the caller passed NULL.
 */
#define ERRP_GUARD() \
    g_auto(ErrorPropagator) errp_guard_ = { .errp = errp }; \
    do { \
        if (!errp) { \
            errp = &errp_guard_.local_err; \
        } \
    } while (0)

#endif /* QAPI_ERROR_H */
