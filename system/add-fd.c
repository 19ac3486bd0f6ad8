/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -add-fd; see system/add-fd.h.
 *
 * Main thread.  What the sets are for is known to who opens from them.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/keyval.h"
#include "system/add-fd.h"

static bool add_fd_check_keys(const KeyvalList *list, Error **errp)
{
    static const char *const known[] = { "fd", "set", "opaque", NULL };

    for (size_t i = 0; i < list->nr_pairs; i++) {
        if (!g_strv_contains(known, list->pairs[i].key)) {
            error_setg(errp, "Invalid parameter '%s'; known: fd, set, opaque",
                       list->pairs[i].key);
            return false;
        }
    }
    return true;
}

/* A number that must be there, from @min to @max. */
static bool add_fd_number(const KeyvalList *list, const char *key, int64_t min,
                          int64_t max, int64_t *value, Error **errp)
{
    const char *text = keyval_get(list, key);
    int64_t number;

    if (!text) {
        error_setg(errp, "Parameter '%s' is missing", key);
        return false;
    }
    if (qemu_strtoi64(text, NULL, 0, &number) < 0 || number < min ||
        number > max) {
        error_setg(errp, "Parameter '%s' expects a number from %" PRId64
                   " to %" PRId64 ", not '%s'", key, min, max, text);
        return false;
    }
    *value = number;
    return true;
}

bool cmdline_add_fd(CommandLine *cl, const char *arg, Error **errp)
{
    g_autoptr(KeyvalList) list = keyval_parse(arg, NULL, NULL, errp);
    CommandLineAddFd *add;
    int64_t fd, fdset_id;

    /* 0 to 2 are standard input, output and errors. */
    if (!list || !add_fd_check_keys(list, errp) ||
        !add_fd_number(list, "fd", STDERR_FILENO + 1, INT_MAX, &fd, errp) ||
        !add_fd_number(list, "set", 0, INT64_MAX, &fdset_id, errp)) {
        return false;
    }
    add = g_new0(CommandLineAddFd, 1);
    add->text = g_strdup(arg);
    add->fd = (int)fd;
    add->fdset_id = fdset_id;
    add->opaque = g_strdup(keyval_get(list, "opaque"));
    g_ptr_array_add(cl->add_fds, add);
    return true;
}

void cmdline_add_fd_free(gpointer data)
{
    CommandLineAddFd *add = data;

    if (add) {
        g_free(add->text);
        g_free(add->opaque);
        g_free(add);
    }
}

bool add_fd_setup(FdStore *store, const CommandLine *cl, Error **errp)
{
    ERRP_GUARD();

    for (guint i = 0; i < cl->add_fds->len; i++) {
        const CommandLineAddFd *add = g_ptr_array_index(cl->add_fds, i);
        int fd = fd_store_dup_inherited(add->fd, errp);

        if (fd < 0) {
            error_prepend(errp, "-add-fd %s: ", add->text);
            return false;
        }
        fd_store_add_to_set(store, add->fdset_id, fd, add->opaque);
    }
    /* Not before: one may be in several sets. */
    for (guint i = 0; i < cl->add_fds->len; i++) {
        const CommandLineAddFd *add = g_ptr_array_index(cl->add_fds, i);

        fd_store_close_inherited(add->fd);
    }
    return true;
}
