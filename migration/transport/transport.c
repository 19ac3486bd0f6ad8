/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of `migrate` and `migrate-incoming`: URIs and channel lists to
 * MigrationAddress, back to what messages call them, and what they can do.
 *
 * Entered by the main thread and by connecting threads.  What a socket address
 * looks like is io/address.c's to say; connecting is transport-connect.c's,
 * listening transport-listen.c's.
 */
#include "qemu/osdep.h"
#include "io/address.h"
#include "qapi/clone-visitor.h"
#include "qapi/error.h"
#include "qapi/qapi-visit-migration.h"
#include "qemu/cutils.h"
#include "migration/transport/transport-internal.h"
#include "migration/transport/transport.h"

#define OFFSET_OPTION ",offset="

static MigrationAddress *transport_channel_address(
    const MigrationChannelList *channels, Error **errp)
{
    const MigrationChannel *channel = channels->value;

    if (channels->next) {
        error_setg(errp, "Channel list has more than one main entry");
        return NULL;
    }
    if (channel->channel_type != MIGRATION_CHANNEL_TYPE_MAIN) {
        error_setg(errp, "Channel list has no entry of channel-type 'main'");
        return NULL;
    }
    return QAPI_CLONE(MigrationAddress, channel->addr);
}

static MigrationAddress *transport_parse_socket(const char *uri, Error **errp)
{
    SocketAddress *saddr = socket_address_parse(uri, errp);
    MigrationAddress *addr;

    if (!saddr) {
        return NULL;
    }
    addr = g_new0(MigrationAddress, 1);
    addr->transport = MIGRATION_ADDRESS_TYPE_SOCKET;
    addr->u.socket = *saddr;    /* what it owns goes with it */
    g_free(saddr);
    return addr;
}

static MigrationAddress *transport_parse_fd(const char *uri, Error **errp)
{
    const char *name = uri + strlen("fd:");
    MigrationAddress *addr;

    if (name[0] == '\0') {
        error_setg(errp, "invalid file descriptor address");
        return NULL;
    }
    addr = g_new0(MigrationAddress, 1);
    addr->transport = MIGRATION_ADDRESS_TYPE_SOCKET;
    addr->u.socket.type = SOCKET_ADDRESS_TYPE_FD;
    addr->u.socket.u.fd.str = g_strdup(name);
    return addr;
}

static MigrationAddress *transport_parse_exec(const char *uri, Error **errp)
{
    const char *command = uri + strlen("exec:");
    const char *args[] = { TRANSPORT_SHELL, TRANSPORT_SHELL_OPTION, command };
    MigrationAddress *addr;
    strList **tail;

    if (command[0] == '\0') {
        error_setg(errp, "'%s' has no command: expected exec:COMMAND", uri);
        return NULL;
    }
    addr = g_new0(MigrationAddress, 1);
    addr->transport = MIGRATION_ADDRESS_TYPE_EXEC;
    tail = &addr->u.exec.args;
    for (size_t i = 0; i < ARRAY_SIZE(args); i++) {
        *tail = g_new0(strList, 1);
        (*tail)->value = g_strdup(args[i]);
        tail = &(*tail)->next;
    }
    return addr;
}

static MigrationAddress *transport_parse_file(const char *uri, Error **errp)
{
    const char *path = uri + strlen("file:");
    const char *option = strstr(path, OFFSET_OPTION);
    size_t path_len = option ? (size_t)(option - path) : strlen(path);
    uint64_t offset = 0;
    MigrationAddress *addr;
    int ret;

    if (path_len == 0) {
        error_setg(errp, "'%s' has no path: expected file:PATH[" OFFSET_OPTION
                   "N]", uri);
        return NULL;
    }
    if (option) {
        option += strlen(OFFSET_OPTION);
        ret = qemu_strtosz(option, NULL, &offset);
        if (ret < 0) {
            error_setg_errno(errp, -ret, "file URI has bad offset %s", option);
            return NULL;
        }
    }
    addr = g_new0(MigrationAddress, 1);
    addr->transport = MIGRATION_ADDRESS_TYPE_FILE;
    addr->u.file.filename = g_strndup(path, path_len);
    addr->u.file.offset = offset;
    return addr;
}

static const struct {
    const char *prefix;
    MigrationAddress *(*parse)(const char *uri, Error **errp);
} schemes[] = {
    { "tcp:", transport_parse_socket },
    { "unix:", transport_parse_socket },
    { "vsock:", transport_parse_socket },
    { "fd:", transport_parse_fd },
    { "exec:", transport_parse_exec },
    { "file:", transport_parse_file },
};

static MigrationAddress *transport_uri_address(const char *uri, Error **errp)
{
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        if (g_str_has_prefix(uri, schemes[i].prefix)) {
            return schemes[i].parse(uri, errp);
        }
    }
    error_setg(errp, "unknown migration protocol: %s", uri);
    return NULL;
}

MigrationAddress *transport_address(const char *uri,
                                    const MigrationChannelList *channels,
                                    Error **errp)
{
    if (!uri == !channels) {
        error_setg(errp, "need either 'uri' or 'channels' argument");
        return NULL;
    }
    return channels ? transport_channel_address(channels, errp)
                    : transport_uri_address(uri, errp);
}

char *transport_exec_text(const MigrationExecCommand *exec)
{
    GString *text;

    if (transport_exec_is_shell(exec)) {
        return g_strdup(exec->args->next->next->value);
    }
    text = g_string_new(NULL);
    for (const strList *arg = exec->args; arg; arg = arg->next) {
        g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "",
                               arg->value);
    }
    return g_string_free(text, false);
}

bool transport_exec_is_shell(const MigrationExecCommand *exec)
{
    const strList *args = exec->args;

    return args && args->next && args->next->next &&
           !args->next->next->next &&
           g_str_equal(args->value, TRANSPORT_SHELL) &&
           g_str_equal(args->next->value, TRANSPORT_SHELL_OPTION);
}

char *transport_address_to_uri(const MigrationAddress *addr)
{
    g_autofree char *text = NULL;

    switch (addr->transport) {
    case MIGRATION_ADDRESS_TYPE_EXEC:
        text = transport_exec_text(&addr->u.exec);
        return g_strconcat("exec:", text, NULL);
    case MIGRATION_ADDRESS_TYPE_FILE:
        return addr->u.file.offset == 0
            ? g_strconcat("file:", addr->u.file.filename, NULL)
            : g_strdup_printf("file:%s" OFFSET_OPTION "%" PRIu64,
                              addr->u.file.filename, addr->u.file.offset);
    default:
        return socket_address_to_uri(&addr->u.socket);
    }
}

bool transport_address_is_file(const MigrationAddress *addr)
{
    return addr->transport == MIGRATION_ADDRESS_TYPE_FILE;
}

bool transport_address_has_many_channels(const MigrationAddress *addr)
{
    return addr->transport == MIGRATION_ADDRESS_TYPE_SOCKET &&
           addr->u.socket.type != SOCKET_ADDRESS_TYPE_FD;
}

bool transport_address_is_at_hand(const MigrationAddress *addr)
{
    return !transport_address_has_many_channels(addr);
}

bool transport_check(const MigrationAddress *addr, bool multifd,
                     bool mapped_ram, Error **errp)
{
    if (mapped_ram && !transport_address_is_file(addr)) {
        error_setg(errp, "Migration requires seekable transport (e.g. file)");
        return false;
    }
    if (multifd && !mapped_ram && !transport_address_has_many_channels(addr)) {
        error_setg(errp, "Migration requires multi-channel URIs (e.g. tcp)");
        return false;
    }
    return true;
}
