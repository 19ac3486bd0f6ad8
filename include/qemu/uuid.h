/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UUIDs (RFC 4122): 16 bytes in the order they are written in text, which
 * is also their order on the wire.
 */
#ifndef QEMU_UUID_H
#define QEMU_UUID_H

#include <stdbool.h>
#include <stdint.h>

/* Characters of the text form, without the final NUL. */
#define UUID_STR_LEN 36

/**
 * QemuUUID:
 * @data: most significant byte first
 */
typedef struct QemuUUID {
    uint8_t data[16];
} QemuUUID;

/* The UUID whose bytes are all zero. */
#define UUID_NONE ((QemuUUID) { { 0 } })

/**
 * qemu_uuid_generate:
 * @out: where to store it
 *
 * Makes a random (version 4) UUID.
 *
 * Context: any thread.
 */
void qemu_uuid_generate(QemuUUID *out);

/**
 * qemu_uuid_is_null:
 * @uuid: the UUID
 *
 * Tells whether all bytes are zero.
 *
 * Context: any thread.
 * Returns: true if so.
 */
bool qemu_uuid_is_null(const QemuUUID *uuid);

/**
 * qemu_uuid_is_equal:
 * @lhv: a UUID
 * @rhv: another
 *
 * Compares two UUIDs.
 *
 * Context: any thread.
 * Returns: true if they are the same.
 */
bool qemu_uuid_is_equal(const QemuUUID *lhv, const QemuUUID *rhv);

/**
 * qemu_uuid_unparse:
 * @uuid: the UUID
 * @out: receives the text; UUID_STR_LEN + 1 bytes
 *
 * Writes the text form in lower case.
 *
 * Context: any thread.
 */
void qemu_uuid_unparse(const QemuUUID *uuid, char *out);

/**
 * qemu_uuid_unparse_strdup:
 * @uuid: the UUID
 *
 * As qemu_uuid_unparse(), into new memory.
 *
 * Context: any thread.  The caller frees the result with g_free().
 * Returns: the text.
 */
char *qemu_uuid_unparse_strdup(const QemuUUID *uuid);

/**
 * qemu_uuid_parse:
 * @str: 8-4-4-4-12 hexadecimal digits, either case, nothing before or after
 * @uuid: where to store it; untouched on failure
 *
 * Reads the text form.
 *
 * Context: any thread.
 * Returns: 0, or -1 when @str is no UUID.
 */
int qemu_uuid_parse(const char *str, QemuUUID *uuid);

#endif /* QEMU_UUID_H */
