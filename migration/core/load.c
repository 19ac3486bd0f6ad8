/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main stream coming in, from its header to the start of the guest.
 *
 * Entered by `live_incoming`.  RAM is ram/load.c's, device state vmstate/'s.
 * Nothing of the machine changes but its memory until all has arrived: device
 * state is parsed as it comes and applied in one step at the end.
 */
#include "qemu/osdep.h"
#include <poll.h>
#include "qapi/error.h"
#include "migration/core/load.h"
#include "migration/ram/load.h"
#include "migration/stream/return-path-wire.h"
#include "migration/stream/section.h"
#include "migration/stream/wire.h"
#include "migration/vmstate/configuration.h"
#include "migration/vmstate/sections.h"
#include "migration/trace.h"

/* How long the source may take to make room for the last answer. */
#define REPLY_TIMEOUT_MS 1000

struct MigrationLoad {
    const MigrationHost *host;
    const MigrationConfig *config;
    MigStreamIn *in;
    MigStreamOut *reply;        /* the return path, once it is open */
    QIOChannel *ioc;
    RamLoad *ram;
    VMStateLoad *vmstate;
    unsigned packet_pages;      /* as announced; 0: not */
};

MigrationLoad *migration_load_new(const MigrationHost *host,
                                  const MigrationConfig *config,
                                  RamReceived *received,
                                  const RamLoadOps *ram_ops, void *ram_opaque,
                                  QIOChannel *ioc, const void *head,
                                  size_t head_len_bytes)
{
    MigrationLoad *load = g_new0(MigrationLoad, 1);

    load->host = host;
    load->config = config;
    load->ioc = qio_channel_ref(ioc);
    load->in = stream_in_new(ioc, head, head_len_bytes);
    load->ram = ram_load_new(config, host->ram, received, ram_ops, ram_opaque);
    load->vmstate = vmstate_load_new(host->vmstate);
    return load;
}

void migration_load_free(MigrationLoad *load)
{
    if (!load) {
        return;
    }
    vmstate_load_free(load->vmstate);
    ram_load_free(load->ram);
    stream_out_free(load->reply);
    stream_in_free(load->in);
    qio_channel_unref(load->ioc);
    g_free(load);
}

uint64_t migration_load_bytes(const MigrationLoad *load)
{
    return stream_in_bytes(load->in);
}

unsigned migration_load_packet_pages(const MigrationLoad *load)
{
    return load->packet_pages;
}

static bool load_configuration(MigrationLoad *load, Error **errp)
{
    ERRP_GUARD();
    g_autofree char *warning = NULL;
    uint8_t type;

    if (!load->config->compat.send_configuration) {
        return true;
    }
    if (!stream_get_byte(load->in, &type, errp)) {
        /* A source whose channels nobody takes has sent just its header. */
        if (!load->config->multifd) {
            error_prepend(errp, "The source left after its header (if it uses "
                          "multifd, set the capability here, too): ");
        }
        return false;
    }
    if (type != QEMU_VM_CONFIGURATION) {
        error_setg(errp, "The stream has a section of type 0x%02x where its "
                   "configuration (0x%02x) should be; set "
                   "migration.send-configuration to the same value on both "
                   "sides", type, QEMU_VM_CONFIGURATION);
        return false;
    }
    if (!configuration_load(load->in, load->config->machine_name,
                            &load->config->uuid, load->config->mapped_ram,
                            &load->packet_pages, &warning, errp)) {
        return false;
    }
    if (warning) {
        load->host->machine->warn(load->host->machine_opaque, warning);
    }
    return true;
}

static bool load_footer(MigrationLoad *load, uint32_t section_id,
                        const char *idstr, Error **errp)
{
    return !load->config->compat.send_section_footer ||
           section_get_footer(load->in, section_id, idstr, errp);
}

static bool load_first(MigrationLoad *load, uint8_t type, Error **errp)
{
    SectionHeader header;
    const VMStateEntry *entry;

    if (!section_get_first(load->in, &header, errp)) {
        return false;
    }
    entry = vmstate_load_first(load->vmstate, type, &header, errp);
    if (!entry) {
        return false;
    }
    if (type == QEMU_VM_SECTION_START
        ? !ram_load_section(load->ram, load->in, errp)
        : !vmstate_load_full(load->vmstate, load->in, entry,
                             header.version_id, errp)) {
        return false;
    }
    return load_footer(load, header.section_id, header.idstr, errp);
}

static bool load_next(MigrationLoad *load, uint8_t type, Error **errp)
{
    uint32_t section_id;
    const VMStateEntry *entry;

    if (!section_get_next(load->in, &section_id, errp)) {
        return false;
    }
    entry = vmstate_load_next(load->vmstate, type, section_id, errp);
    return entry && ram_load_section(load->ram, load->in, errp) &&
           load_footer(load, section_id, entry->header.idstr, errp);
}

static bool load_command(MigrationLoad *load, Error **errp)
{
    SectionCommand cmd;

    if (!section_get_command(load->in, &cmd, errp)) {
        return false;
    }
    switch (cmd.command) {
    case MIG_CMD_OPEN_RETURN_PATH:
        if (!load->reply) {
            load->reply = stream_out_new(load->ioc);
        }
        return true;
    case MIG_CMD_PING:
        if (!load->reply) {
            error_setg(errp, "The source sends PING 0x%" PRIx32 " before it "
                       "has opened the return path", cmd.value);
            return false;
        }
        return_path_put_pong(load->reply, cmd.value);
        return stream_out_flush(load->reply, errp);
    case MIG_CMD_SWITCHOVER_START:
        return true;
    default:
        error_setg(errp, "The source sends command %s, which needs a "
                   "capability that is not supported here",
                   section_command_name(cmd.command));
        return false;
    }
}

/* Reads sections up to and including the EOF byte. */
static bool load_sections(MigrationLoad *load, Error **errp)
{
    for (;;) {
        uint64_t position = stream_in_bytes(load->in);
        bool ok = false;
        uint8_t type;

        if (!stream_get_byte(load->in, &type, errp)) {
            return false;
        }
        trace_incoming_section(type, position);
        switch (type) {
        case QEMU_VM_EOF:
            return true;
        case QEMU_VM_SECTION_START:
        case QEMU_VM_SECTION_FULL:
            ok = load_first(load, type, errp);
            break;
        case QEMU_VM_SECTION_PART:
        case QEMU_VM_SECTION_END:
            ok = load_next(load, type, errp);
            break;
        case QEMU_VM_COMMAND:
            ok = load_command(load, errp);
            break;
        default:
            error_setg(errp, "The stream has a section of unknown type 0x%02x "
                       "at byte %" PRIu64, type, position);
        }
        if (!ok) {
            return false;
        }
    }
}

bool migration_load_stream(MigrationLoad *load, Error **errp)
{
    return section_get_file_header(load->in, errp) &&
           load_configuration(load, errp) && load_sections(load, errp) &&
           ram_load_finish(load->ram, errp);
}

bool migration_load_skip_vmdesc(MigrationLoad *load, int timeout_ms,
                                Error **errp)
{
    bool present;

    if (!stream_in_wait(load->in, timeout_ms)) {
        load->host->machine->warn(load->host->machine_opaque,
                                  "The source sends no description after the "
                                  "end of its stream; going on without");
        return true;
    }
    return section_skip_vmdesc(load->in, &present, errp);
}

bool migration_load_apply(MigrationLoad *load, Error **errp)
{
    const MigrationHost *host = load->host;

    return vmstate_apply_all(load->vmstate, errp) &&
           host->machine->incoming_done(host->machine_opaque, errp);
}

/*
 * A source that asks and asks and reads no answer would have us wait for room,
 * when nobody can cancel any more.
 */
static bool load_reply_has_room(MigrationLoad *load)
{
    struct pollfd pfd = {
        .fd = qio_channel_get_fd(load->ioc),
        .events = POLLOUT,
    };
    int n;

    if (pfd.fd < 0) {
        return true;            /* memory */
    }
    do {
        n = poll(&pfd, 1, REPLY_TIMEOUT_MS);
    } while (n < 0 && errno == EINTR);
    return n > 0;
}

void migration_load_reply(MigrationLoad *load, bool arrived)
{
    if (!load->reply) {
        return;
    }
    if (!load_reply_has_room(load)) {
        load->host->machine->warn(load->host->machine_opaque,
                                  "The source does not read the return path; "
                                  "it is not told how its migration ended");
        return;
    }
    return_path_put_shut(load->reply, arrived ? 0 : 1);
    /* A source that has gone needs no answer. */
    stream_out_flush(load->reply, NULL);
}
