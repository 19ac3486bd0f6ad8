/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Codec of the main stream's frame: headers, footers, commands, description.
 * Runs in the thread that owns the stream.  Which sections and commands are
 * wanted at all is the caller's business.
 */
#include "qemu/osdep.h"
#include "migration/stream/section.h"
#include "migration/stream/wire.h"
#include "qapi/error.h"
#include "qemu/bswap.h"

/* Length of a command whose payload is not of one size. */
#define LEN_VARIABLE (-1)

typedef struct CommandInfo {
    const char *name;
    int len_bytes;
} CommandInfo;

static const CommandInfo commands[MIG_CMD_MAX] = {
    [MIG_CMD_OPEN_RETURN_PATH] = { "OPEN_RETURN_PATH", 0 },
    [MIG_CMD_PING] = { "PING", 4 },
    [MIG_CMD_POSTCOPY_ADVISE] = { "POSTCOPY_ADVISE", LEN_VARIABLE },
    [MIG_CMD_POSTCOPY_LISTEN] = { "POSTCOPY_LISTEN", 0 },
    [MIG_CMD_POSTCOPY_RUN] = { "POSTCOPY_RUN", 0 },
    [MIG_CMD_POSTCOPY_RAM_DISCARD] = { "POSTCOPY_RAM_DISCARD", LEN_VARIABLE },
    [MIG_CMD_PACKAGED] = { "PACKAGED", 4 },
    [MIG_CMD_ENABLE_COLO] = { "ENABLE_COLO", 0 },
    [MIG_CMD_POSTCOPY_RESUME] = { "POSTCOPY_RESUME", 0 },
    [MIG_CMD_RECV_BITMAP] = { "RECV_BITMAP", LEN_VARIABLE },
    [MIG_CMD_SWITCHOVER_START] = { "SWITCHOVER_START", 0 },
};

const char *section_type_name(uint8_t type)
{
    switch (type) {
    case QEMU_VM_EOF:
        return "EOF";
    case QEMU_VM_SECTION_START:
        return "START";
    case QEMU_VM_SECTION_PART:
        return "PART";
    case QEMU_VM_SECTION_END:
        return "END";
    case QEMU_VM_SECTION_FULL:
        return "FULL";
    case QEMU_VM_SUBSECTION:
        return "SUBSECTION";
    case QEMU_VM_VMDESCRIPTION:
        return "VMDESCRIPTION";
    case QEMU_VM_CONFIGURATION:
        return "CONFIGURATION";
    case QEMU_VM_COMMAND:
        return "COMMAND";
    case QEMU_VM_SECTION_FOOTER:
        return "FOOTER";
    default:
        return "unknown";
    }
}

const char *section_command_name(uint16_t command)
{
    if (command == MIG_CMD_INVALID || command >= MIG_CMD_MAX) {
        return "unknown";
    }
    return commands[command].name;
}

void section_put_file_header(MigStreamOut *s)
{
    stream_put_be32(s, QEMU_VM_FILE_MAGIC);
    stream_put_be32(s, QEMU_VM_FILE_VERSION);
}

bool section_get_file_header(MigStreamIn *s, Error **errp)
{
    uint32_t magic, version;

    if (!stream_get_be32(s, &magic, errp)) {
        return false;
    }
    if (magic != QEMU_VM_FILE_MAGIC) {
        error_setg(errp, "not a migration stream: it begins with 0x%08" PRIx32
                   ", expected 0x%08x", magic, QEMU_VM_FILE_MAGIC);
        return false;
    }
    if (!stream_get_be32(s, &version, errp)) {
        return false;
    }
    if (version != QEMU_VM_FILE_VERSION) {
        error_setg(errp, "migration stream has version %" PRIu32
                   ", only version %u is read", version,
                   QEMU_VM_FILE_VERSION);
        return false;
    }
    return true;
}

void section_put_first(MigStreamOut *s, uint8_t type,
                       const SectionHeader *header)
{
    stream_put_byte(s, type);
    stream_put_be32(s, header->section_id);
    stream_put_str8(s, header->idstr);
    stream_put_be32(s, header->instance_id);
    stream_put_be32(s, header->version_id);
}

bool section_get_first(MigStreamIn *s, SectionHeader *header, Error **errp)
{
    SectionHeader h;

    if (!stream_get_be32(s, &h.section_id, errp) ||
        !stream_get_str8(s, h.idstr, errp) ||
        !stream_get_be32(s, &h.instance_id, errp) ||
        !stream_get_be32(s, &h.version_id, errp)) {
        return false;
    }
    if (!h.idstr[0]) {
        error_setg(errp, "section with id %" PRIu32 " has an empty name",
                   h.section_id);
        return false;
    }
    *header = h;
    return true;
}

void section_put_next(MigStreamOut *s, uint8_t type, uint32_t section_id)
{
    stream_put_byte(s, type);
    stream_put_be32(s, section_id);
}

bool section_get_next(MigStreamIn *s, uint32_t *section_id, Error **errp)
{
    return stream_get_be32(s, section_id, errp);
}

void section_put_footer(MigStreamOut *s, uint32_t section_id)
{
    stream_put_byte(s, QEMU_VM_SECTION_FOOTER);
    stream_put_be32(s, section_id);
}

bool section_get_footer(MigStreamIn *s, uint32_t section_id,
                        const char *idstr, Error **errp)
{
    ERRP_GUARD();
    uint8_t type;
    uint32_t footer_id;

    if (!stream_get_byte(s, &type, errp)) {
        error_prepend(errp, "footer of section \"%s\": ", idstr);
        return false;
    }
    if (type != QEMU_VM_SECTION_FOOTER) {
        error_setg(errp, "section \"%s\" (id %" PRIu32 ") has no footer: byte "
                   "0x%02x follows it, expected 0x%02x", idstr, section_id,
                   type, QEMU_VM_SECTION_FOOTER);
        return false;
    }
    if (!stream_get_be32(s, &footer_id, errp)) {
        error_prepend(errp, "footer of section \"%s\": ", idstr);
        return false;
    }
    if (footer_id != section_id) {
        error_setg(errp, "section \"%s\" has id %" PRIu32 " and a footer with "
                   "id %" PRIu32, idstr, section_id, footer_id);
        return false;
    }
    return true;
}

void section_put_command(MigStreamOut *s, uint16_t command, const void *data,
                         uint16_t len_bytes)
{
    stream_put_byte(s, QEMU_VM_COMMAND);
    stream_put_be16(s, command);
    stream_put_be16(s, len_bytes);
    if (len_bytes) {
        stream_put_buffer(s, data, len_bytes);
    }
}

void section_put_ping(MigStreamOut *s, uint32_t value)
{
    uint8_t payload[4];

    stl_be_p(payload, value);
    section_put_command(s, MIG_CMD_PING, payload, sizeof(payload));
}

bool section_get_command(MigStreamIn *s, SectionCommand *command,
                         Error **errp)
{
    SectionCommand c = { 0 };
    int expected;

    if (!stream_get_be16(s, &c.command, errp) ||
        !stream_get_be16(s, &c.len_bytes, errp)) {
        return false;
    }
    if (c.command == MIG_CMD_INVALID || c.command >= MIG_CMD_MAX) {
        error_setg(errp, "unknown command %u in the migration stream",
                   c.command);
        return false;
    }
    expected = commands[c.command].len_bytes;
    if (expected != LEN_VARIABLE && c.len_bytes != expected) {
        error_setg(errp, "command %s has %u bytes of payload, expected %d",
                   commands[c.command].name, c.len_bytes, expected);
        return false;
    }
    if (expected == 4 && !stream_get_be32(s, &c.value, errp)) {
        return false;
    }
    *command = c;
    return true;
}

void section_put_vmdesc(MigStreamOut *s, const char *json, uint32_t len_bytes)
{
    stream_put_byte(s, QEMU_VM_VMDESCRIPTION);
    stream_put_be32(s, len_bytes);
    stream_put_buffer(s, json, len_bytes);
}

bool section_skip_vmdesc(MigStreamIn *s, bool *present, Error **errp)
{
    uint8_t type;
    uint32_t len_bytes;
    ssize_t n = stream_peek(s, &type, 1, errp);

    if (n < 0) {
        return false;
    }
    if (n == 0 || type != QEMU_VM_VMDESCRIPTION) {
        *present = false;
        return true;
    }
    if (!stream_skip(s, 1, errp) || !stream_get_be32(s, &len_bytes, errp)) {
        return false;
    }
    if (len_bytes > VMDESC_MAX_BYTES) {
        error_setg(errp, "description at the end of the migration stream has "
                   "%" PRIu32 " bytes, at most %u are read", len_bytes,
                   VMDESC_MAX_BYTES);
        return false;
    }
    if (!stream_skip(s, len_bytes, errp)) {
        return false;
    }
    *present = true;
    return true;
}
