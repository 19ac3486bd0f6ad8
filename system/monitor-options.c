/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The argument of -qmp and -monitor.  It is older than QEMU's key=value syntax: the address
 * comes first, and booleans may stand without a value, or with "no" in front.
 *
 * Pure function.  Nothing is opened here.
 */
#include "qemu/osdep.h"

#include "io/address.h"
#include "qapi/error.h"
#include "qapi/util.h"
#include "system/monitor-options.h"

/* Cuts at single commas; two of them are one that belongs to the text. */
static char **monitor_options_split(const char *text)
{
    g_autoptr(GStrvBuilder) parts = g_strv_builder_new();
    g_autoptr(GString) part = g_string_new(NULL);

    for (const char *p = text; *p; p++) {
        if (*p != ',') {
            g_string_append_c(part, *p);
        } else if (p[1] == ',') {
            g_string_append_c(part, *p++);
        } else {
            g_strv_builder_add(parts, part->str);
            g_string_truncate(part, 0);
        }
    }
    g_strv_builder_add(parts, part->str);
    return g_strv_builder_end(parts);
}

/*
 * One "name=on|off", "name" or "noname".  True when @part is about @name at
 * all, with the outcome in *@ok.
 */
static bool monitor_options_bool(const char *part, const char *name,
                                 bool *value, bool *ok, Error **errp)
{
    size_t len = strlen(name);

    *ok = true;
    if (g_str_equal(part, name)) {
        *value = true;
        return true;
    }
    if (g_str_has_prefix(part, "no") && g_str_equal(part + 2, name)) {
        *value = false;
        return true;
    }
    if (g_str_has_prefix(part, name) && part[len] == '=') {
        *ok = qapi_bool_parse(name, part + len + 1, value, errp);
        return true;
    }
    return false;
}

MonitorOptions *monitor_options_parse(const char *text, Error **errp)
{
    g_autoptr(MonitorOptions) options = g_new0(MonitorOptions, 1);
    g_auto(GStrv) parts = monitor_options_split(text);
    bool server = false;
    bool ok;

    options->text = g_strdup(text);
    options->wait = true;
    if (!g_str_has_prefix(parts[0], "unix:") &&
        !g_str_has_prefix(parts[0], "tcp:")) {
        error_setg(errp, "'%s' is no place for a monitor; use unix:PATH or"
                   " tcp:HOST:PORT", parts[0]);
        return NULL;
    }
    for (char **part = parts + 1; *part; part++) {
        if (monitor_options_bool(*part, "server", &server, &ok, errp) ||
            monitor_options_bool(*part, "wait", &options->wait, &ok, errp)) {
            if (!ok) {
                return NULL;
            }
        } else {
            error_setg(errp, "Invalid parameter '%s'; known are server and"
                       " wait", *part);
            return NULL;
        }
    }
    if (!server) {
        error_setg(errp, "A monitor only listens here; add server=on");
        return NULL;
    }
    options->addr = socket_address_parse(parts[0], errp);
    return options->addr ? g_steal_pointer(&options) : NULL;
}

void monitor_options_free(MonitorOptions *options)
{
    if (options) {
        g_free(options->text);
        qapi_free_SocketAddress(options->addr);
        g_free(options);
    }
}
