/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration section as a vmstate of its own: the machine's name, and
 * subsections, of which this source sends the one with what a destination must
 * know (mapped-ram, a packet size) and reads all.  Runs in the thread that owns
 * the stream.
 */
#include "qemu/osdep.h"
#include "memory/ram.h"
#include "migration/stream/multifd-packet.h"
#include "migration/stream/wire.h"
#include "migration/vmstate/configuration.h"
#include "migration/vmstate/state.h"
#include "qapi/error.h"
#include "qemu/cutils.h"

/* More capabilities than any version has: a count above is nonsense. */
#define CAPABILITIES_MAX 64

/*
 * Stands before the bytes of a multifd packet in the name of a capability, for a
 * peer that has no such capability refuses a name that it does not know.
 */
#define PACKET_SIZE_PREFIX "multifd-packet-size-"

/* Content of subsection "capabilities": checked while it is read. */
typedef struct ConfigurationCapabilities {
    uint32_t count;
    unsigned packet_pages;      /* 0: not announced */
    bool mapped_ram;
} ConfigurationCapabilities;

typedef struct ConfigurationState {
    uint32_t len;
    char name[CONFIGURATION_NAME_MAX];
    uint32_t page_bits;
    ConfigurationCapabilities capabilities;
    QemuUUID uuid;
    /* not on the wire: what the name has to be */
    const char *expected;
} ConfigurationState;

/*
 * Capabilities whose state at the source need not be known here.  7.2 had
 * "compress" and "block", too.
 */
static const char *const other_capabilities[] = {
    "xbzrle", "rdma-pin-all", "auto-converge", "zero-blocks", "compress",
    "events", "postcopy-ram", "x-colo", "release-ram", "block", "return-path",
    "pause-before-switchover", "multifd", "dirty-bitmaps",
    "postcopy-blocktime", "late-block-activate", "validate-uuid",
    "background-snapshot", "zero-copy-send", "postcopy-preempt",
    "switchover-ack", "dirty-limit", NULL,
};

/* Changes the stream, so that both ends must have it. */
#define MAPPED_RAM "mapped-ram"

/* So do these, which are not offered here. */
static const char *const strict_capabilities[] = {
    "x-ignore-shared", NULL,
};

/* Only numbers as put_capabilities() writes them. */
static bool get_packet_size(const char *name, const char *number,
                            ConfigurationCapabilities *capabilities,
                            Error **errp)
{
    uint64_t bytes;

    if (!g_ascii_isdigit(number[0]) || number[0] == '0' ||
        parse_uint_full(number, 10, &bytes) < 0 ||
        bytes % TARGET_PAGE_SIZE != 0 ||
        bytes > MULTIFD_PACKET_PAGES_MAX * TARGET_PAGE_SIZE) {
        error_setg(errp, "the source's capability \"%s\" has no packet size "
                   "that is a multiple of %u up to %u", name, TARGET_PAGE_SIZE,
                   MULTIFD_PACKET_PAGES_MAX * TARGET_PAGE_SIZE);
        return false;
    }
    if (capabilities->packet_pages != 0) {
        error_setg(errp, "the source announces two packet sizes, %u and %"
                   PRIu64, capabilities->packet_pages << TARGET_PAGE_BITS,
                   bytes);
        return false;
    }
    capabilities->packet_pages = (unsigned)(bytes >> TARGET_PAGE_BITS);
    return true;
}

static bool get_capability(MigStreamIn *s,
                           ConfigurationCapabilities *capabilities,
                           Error **errp)
{
    char name[STREAM_STR8_MAX];
    const char *number;

    if (!stream_get_str8(s, name, errp)) {
        return false;
    }
    if (strstart(name, PACKET_SIZE_PREFIX, &number)) {
        return get_packet_size(name, number, capabilities, errp);
    }
    if (g_str_equal(name, MAPPED_RAM)) {
        capabilities->mapped_ram = true;
        return true;
    }
    if (g_strv_contains(strict_capabilities, name)) {
        error_setg(errp, "the source has capability \"%s\" on, which is not "
                   "offered here", name);
        return false;
    }
    if (!g_strv_contains(other_capabilities, name)) {
        error_setg(errp, "the source has an unknown capability \"%s\"", name);
        return false;
    }
    return true;
}

static void put_capabilities(MigStreamOut *s, const void *pv, size_t size)
{
    const ConfigurationCapabilities *capabilities = pv;
    bool packet_size = capabilities->packet_pages != 0;

    stream_put_be32(s, (uint32_t)packet_size + capabilities->mapped_ram);
    if (capabilities->mapped_ram) {
        stream_put_str8(s, MAPPED_RAM);
    }
    if (packet_size) {
        g_autofree char *name =
            g_strdup_printf(PACKET_SIZE_PREFIX "%u",
                            capabilities->packet_pages << TARGET_PAGE_BITS);

        stream_put_str8(s, name);
    }
}

static bool get_capabilities(MigStreamIn *s, void *pv, size_t size,
                             Error **errp)
{
    ConfigurationCapabilities *capabilities = pv;

    if (!stream_get_be32(s, &capabilities->count, errp)) {
        return false;
    }
    if (capabilities->count > CAPABILITIES_MAX) {
        error_setg(errp, "%" PRIu32 " capabilities, at most %u are read",
                   capabilities->count, CAPABILITIES_MAX);
        return false;
    }
    for (uint32_t i = 0; i < capabilities->count; i++) {
        if (!get_capability(s, capabilities, errp)) {
            return false;
        }
    }
    return true;
}

static const VMStateInfo info_capabilities = {
    "capabilities", put_capabilities, get_capabilities,
};

static bool never_needed(void *opaque)
{
    return false;
}

static bool capabilities_needed(void *opaque)
{
    const ConfigurationState *state = opaque;

    return state->capabilities.packet_pages != 0 ||
           state->capabilities.mapped_ram;
}

static bool page_bits_validate(const void *staged, int version_id,
                               Error **errp)
{
    const ConfigurationState *state = staged;

    if (state->page_bits != TARGET_PAGE_BITS) {
        error_setg(errp, "the source's target pages have %" PRIu32
                   " address bits, those here %u", state->page_bits,
                   TARGET_PAGE_BITS);
        return false;
    }
    return true;
}

/* x86 pages are of the smallest size, so this never needs to be said. */
static const VMStateDescription vmstate_target_page_bits = {
    .name = "configuration/target-page-bits",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(ConfigurationState),
    .needed = never_needed,
    .validate = page_bits_validate,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(page_bits, ConfigurationState),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_capabilities = {
    .name = "configuration/capabilities",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(ConfigurationState),
    .needed = capabilities_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_SINGLE(capabilities, ConfigurationState, 0, info_capabilities,
                       ConfigurationCapabilities),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_uuid = {
    .name = "configuration/uuid",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(ConfigurationState),
    .needed = never_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_BUFFER(uuid, ConfigurationState),
        VMSTATE_END_OF_LIST()
    },
};

/* Before the subsections are looked for: that would wait for more to come. */
static bool configuration_validate(const void *staged, int version_id,
                                   Error **errp)
{
    const ConfigurationState *state = staged;
    g_autofree char *raw = NULL;
    g_autofree char *readable = NULL;

    if (state->len == strlen(state->expected) &&
        !memcmp(state->name, state->expected, state->len)) {
        return true;
    }
    raw = g_strndup(state->name, state->len);
    readable = g_strescape(raw, NULL);
    error_setg(errp, "the source's machine is \"%s\"%s, this one is \"%s\"; "
               "start both with the same -machine", readable,
               strlen(raw) < state->len ? " with a NUL in its name" : "",
               state->expected);
    return false;
}

static const VMStateDescription vmstate_configuration = {
    .name = "configuration",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(ConfigurationState),
    .validate = configuration_validate,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(len, ConfigurationState),
        VMSTATE_VBUFFER_UINT32(name, ConfigurationState, 0, len),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const []) {
        &vmstate_target_page_bits,
        &vmstate_capabilities,
        &vmstate_uuid,
        NULL
    },
};

bool configuration_save(MigStreamOut *s, const char *machine_name,
                        unsigned packet_pages, bool mapped_ram, VMDesc *desc,
                        Error **errp)
{
    ConfigurationState state = {
        .len = strlen(machine_name),
        .capabilities = {
            .packet_pages = packet_pages,
            .mapped_ram = mapped_ram,
        },
    };

    if (!state.len || state.len > CONFIGURATION_NAME_MAX) {
        error_setg(errp, "machine name \"%s\" has %zu bytes, expected 1 to %d",
                   machine_name, strlen(machine_name),
                   CONFIGURATION_NAME_MAX);
        return false;
    }
    memcpy(state.name, machine_name, state.len);
    stream_put_byte(s, QEMU_VM_CONFIGURATION);
    return vmstate_save_state(s, &vmstate_configuration, &state,
                              vmdesc_configuration(desc), errp);
}

static bool configuration_check_uuid(const QemuUUID *theirs,
                                     const QemuUUID *ours, char **warning,
                                     Error **errp)
{
    g_autofree char *their_text = qemu_uuid_unparse_strdup(theirs);
    g_autofree char *our_text = qemu_uuid_unparse_strdup(ours);

    if (qemu_uuid_is_null(ours)) {
        *warning = g_strdup_printf("the source's UUID is %s, none was given "
                                   "here: not compared", their_text);
        return true;
    }
    if (!qemu_uuid_is_equal(theirs, ours)) {
        error_setg(errp, "the source's UUID is %s, the one here %s", their_text,
                   our_text);
        return false;
    }
    return true;
}

static bool configuration_check_mapped_ram(bool theirs, bool ours,
                                           Error **errp)
{
    if (theirs != ours) {
        error_setg(errp, "the source has capability \"" MAPPED_RAM "\" %s, "
                   "here it is %s; set it to the same value on both sides",
                   theirs ? "on" : "off", ours ? "on" : "off");
        return false;
    }
    return true;
}

bool configuration_load(MigStreamIn *s, const char *machine_name,
                        const QemuUUID *uuid, bool mapped_ram,
                        unsigned *packet_pages, char **warning, Error **errp)
{
    g_autoptr(GArray) log = g_array_new(FALSE, FALSE, sizeof(VMStateArrival));
    ConfigurationState state = { .expected = machine_name };
    g_autofree char *note = NULL;

    if (!vmstate_load_state(s, &vmstate_configuration, &state,
                            vmstate_configuration.version_id, log, errp) ||
        !configuration_check_mapped_ram(state.capabilities.mapped_ram,
                                        mapped_ram, errp)) {
        return false;
    }
    for (guint i = 0; i < log->len; i++) {
        if (g_array_index(log, VMStateArrival, i).vmsd == &vmstate_uuid &&
            !configuration_check_uuid(&state.uuid, uuid, &note, errp)) {
            return false;
        }
    }
    if (packet_pages) {
        *packet_pages = state.capabilities.packet_pages;
    }
    if (warning) {
        *warning = g_steal_pointer(&note);
    }
    return true;
}
