/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Error objects: a message, its class, where it was set and a hint.
 *
 * Any thread may make, change and free errors of its own; an object is never
 * used by two at once.  Reporting is the business of the top layers.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"

struct Error {
    char *msg;
    GString *hint;          /* NULL until the first hint */
    ErrorClass err_class;
    const char *src;
    const char *func;
    int line;
};

static void G_GNUC_PRINTF(6, 0)
error_setv(Error **errp, const char *src, int line, const char *func,
           int os_errno, const char *fmt, va_list ap, ErrorClass err_class)
{
    Error *err = g_new0(Error, 1);

    err->msg = g_strdup_vprintf(fmt, ap);
    if (os_errno) {
        char *plain = err->msg;
        char buf[128];

        /* GLib's cache of these texts has a lock TSan cannot see. */
        err->msg = g_strconcat(plain, ": ",
                               strerror_r(os_errno, buf, sizeof(buf)), NULL);
        g_free(plain);
    }
    err->err_class = err_class;
    err->src = src;
    err->line = line;
    err->func = func;
    error_propagate(errp, err);
}

void error_set_internal(Error **errp, const char *src, int line,
                        const char *func, ErrorClass err_class, int os_errno,
                        const char *fmt, ...)
{
    int saved_errno = errno;
    va_list ap;

    /* Nobody will read a text for NULL, nor one behind an earlier error. */
    if (!errp || *errp) {
        return;
    }
    va_start(ap, fmt);
    error_setv(errp, src, line, func, os_errno, fmt, ap, err_class);
    va_end(ap);
    errno = saved_errno;
}

void error_propagate(Error **dst_errp, Error *local_err)
{
    if (!local_err) {
        return;
    }
    if (dst_errp && !*dst_errp) {
        *dst_errp = local_err;
    } else {
        error_free(local_err);
    }
}

void error_prepend(Error **errp, const char *fmt, ...)
{
    int saved_errno = errno;
    g_autofree char *front = NULL;
    g_autofree char *old = NULL;
    va_list ap;

    if (!errp || !*errp) {
        return;
    }
    va_start(ap, fmt);
    front = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    old = (*errp)->msg;
    (*errp)->msg = g_strconcat(front, old, NULL);
    errno = saved_errno;
}

void error_append_hint(Error **errp, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list ap;

    if (!errp || !*errp) {
        return;
    }
    if (!(*errp)->hint) {
        (*errp)->hint = g_string_new(NULL);
    }
    va_start(ap, fmt);
    g_string_append_vprintf((*errp)->hint, fmt, ap);
    va_end(ap);
    errno = saved_errno;
}

const char *error_get_pretty(const Error *err)
{
    return err->msg;
}

const char *error_get_hint(const Error *err)
{
    return err->hint ? err->hint->str : NULL;
}

ErrorClass error_get_class(const Error *err)
{
    return err->err_class;
}

void error_get_source(const Error *err, const char **src, int *line,
                      const char **func)
{
    if (src) {
        *src = err->src;
    }
    if (line) {
        *line = err->line;
    }
    if (func) {
        *func = err->func;
    }
}

Error *error_copy(const Error *err)
{
    Error *copy = g_new(Error, 1);

    *copy = *err;
    copy->msg = g_strdup(err->msg);
    copy->hint = err->hint ? g_string_new(err->hint->str) : NULL;
    return copy;
}

void error_free(Error *err)
{
    if (err) {
        g_free(err->msg);
        if (err->hint) {
            g_string_free(err->hint, TRUE);
        }
        g_free(err);
    }
}
