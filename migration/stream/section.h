/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of the main stream: file header, section headers and footers,
 * commands, and the description at its end.  What stands inside a section is
 * not known here.  Layout tables: wire.h.
 *
 * Who reads an element has already taken its type byte off the stream, for that
 * byte decides what to call; section_skip_vmdesc() and section_get_footer()
 * read it themselves.  Out-parameters are untouched on failure.
 *
 * Threads: whoever owns the stream.  This header owns no locks.
 */
#ifndef MIGRATION_STREAM_SECTION_H
#define MIGRATION_STREAM_SECTION_H

#include <stdbool.h>
#include <stdint.h>
#include "migration/stream/stream.h"

/* How START and FULL introduce a section. */
typedef struct SectionHeader {
    uint32_t section_id;
    char idstr[STREAM_STR8_MAX];
    uint32_t instance_id;
    uint32_t version_id;
} SectionHeader;

/* A command whose code and length make sense. */
typedef struct SectionCommand {
    uint16_t command;           /* MIG_CMD_… */
    uint16_t len_bytes;         /* of the payload */
    uint32_t value;             /* payload of PING and PACKAGED, else 0 */
} SectionCommand;

/**
 * section_type_name:
 * @type: a type byte
 *
 * Returns: how messages call it, e.g. "FULL"; "unknown" for any other byte
 */
const char *section_type_name(uint8_t type);

/**
 * section_command_name:
 * @command: a command code
 *
 * Returns: how messages call it, e.g. "PING"; "unknown" for any other code
 */
const char *section_command_name(uint16_t command);

/**
 * section_put_file_header:
 * @s: a stream at its very start
 */
void section_put_file_header(MigStreamOut *s);

/**
 * section_get_file_header:
 * @s: a stream at its very start
 * @errp: where to put the reason, or NULL
 *
 * Returns: false unless magic and version are ours
 */
bool section_get_file_header(MigStreamIn *s, Error **errp);

/**
 * section_put_first:
 * @s: a stream
 * @type: QEMU_VM_SECTION_START or QEMU_VM_SECTION_FULL
 * @header: ids and name of the section
 *
 * Writes type byte and header of a section that is new to the destination.
 */
void section_put_first(MigStreamOut *s, uint8_t type,
                       const SectionHeader *header);

/**
 * section_get_first:
 * @s: a stream, just behind a START or FULL type byte
 * @header: where to put ids and name
 * @errp: where to put the reason, or NULL
 *
 * Returns: false at the end of the stream or for an empty name
 */
bool section_get_first(MigStreamIn *s, SectionHeader *header, Error **errp);

/**
 * section_put_next:
 * @s: a stream
 * @type: QEMU_VM_SECTION_PART or QEMU_VM_SECTION_END
 * @section_id: id under which START introduced the section
 *
 * Writes type byte and header of a section that goes on.
 */
void section_put_next(MigStreamOut *s, uint8_t type, uint32_t section_id);

/**
 * section_get_next:
 * @s: a stream, just behind a PART or END type byte
 * @section_id: where to put the id
 * @errp: where to put the reason, or NULL
 *
 * Returns: false at the end of the stream
 */
bool section_get_next(MigStreamIn *s, uint32_t *section_id, Error **errp);

/**
 * section_put_footer:
 * @s: a stream
 * @section_id: id of the section that ends here
 */
void section_put_footer(MigStreamOut *s, uint32_t section_id);

/**
 * section_get_footer:
 * @s: a stream, just behind a section's payload
 * @section_id: id of that section
 * @idstr: its name, for the message
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when there is no footer or it is another section's
 */
bool section_get_footer(MigStreamIn *s, uint32_t section_id,
                        const char *idstr, Error **errp);

/**
 * section_put_command:
 * @s: a stream
 * @command: MIG_CMD_…
 * @data: payload, copied; may be NULL when @len_bytes is 0
 * @len_bytes: length of the payload
 */
void section_put_command(MigStreamOut *s, uint16_t command, const void *data,
                         uint16_t len_bytes);

/**
 * section_put_ping:
 * @s: a stream
 * @value: what the PONG is to say
 */
void section_put_ping(MigStreamOut *s, uint32_t value);

/**
 * section_get_command:
 * @s: a stream, just behind a COMMAND type byte
 * @command: where to put it
 * @errp: where to put the reason, or NULL
 *
 * Reads code and length, and the payload of PING and PACKAGED.  Any other
 * payload is left on the stream; whoever does not want it refuses the command.
 * Returns: false for an unknown code or a length that is not the code's
 */
bool section_get_command(MigStreamIn *s, SectionCommand *command,
                         Error **errp);

/**
 * section_put_vmdesc:
 * @s: a stream, just behind the EOF byte
 * @json: the description, copied
 * @len_bytes: its length without a NUL
 */
void section_put_vmdesc(MigStreamOut *s, const char *json, uint32_t len_bytes);

/**
 * section_skip_vmdesc:
 * @s: a stream, just behind the EOF byte
 * @present: where to put whether there was a description
 * @errp: where to put the reason, or NULL
 *
 * Waits for one more byte or the end of the stream.  If a description begins
 * there it is read and dropped; anything else stays where it is, for QEMU gives
 * no meaning to it.
 * Returns: false when a description is cut short or is longer than
 *          VMDESC_MAX_BYTES
 */
bool section_skip_vmdesc(MigStreamIn *s, bool *present, Error **errp);

#endif
