/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the qtest accelerator share: its memory and clock, and the
 * commands of its protocol.
 *
 * Threads: the main thread, but where AccelOps (qtest.c) says otherwise.
 */
#ifndef ACCEL_QTEST_INTERNAL_H
#define ACCEL_QTEST_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "accel/accel.h"

typedef struct Error Error;
typedef struct AccelQTest AccelQTest;

/* What one command may read or write with its data on the line. */
#define QTEST_DATA_MAX_BYTES (4u * 1024 * 1024)
/* The longest line: those data in hexadecimal, and what stands before them. */
#define QTEST_LINE_MAX_BYTES (2u * QTEST_DATA_MAX_BYTES + 256)

typedef enum QTestOp {
    QTEST_OP_READ_VALUE,
    QTEST_OP_WRITE_VALUE,
    QTEST_OP_READ,
    QTEST_OP_WRITE,
    QTEST_OP_B64READ,
    QTEST_OP_MEMSET,
    QTEST_OP_ENDIANNESS,
    QTEST_OP_CLOCK_STEP,
    QTEST_OP_CLOCK_SET,
} QTestOp;

/* One line, understood. */
typedef struct QTestCommand {
    QTestOp op;
    uint64_t addr;          /* guest physical */
    uint64_t size;          /* bytes, of each access to memory */
    uint64_t value;         /* to store */
    uint8_t *data;          /* @size bytes to write, or NULL */
    bool has_ns;
    int64_t ns;             /* of the clock commands */
} QTestCommand;

/**
 * qtest_command_parse:
 * @line: the line without its end; any bytes
 * @len_bytes: how many
 * @cmd: receives the command; the caller clears it with qtest_command_clear()
 * @errp: receives the reason on failure, or NULL
 *
 * Understands a line of the protocol.  Knows nothing of a machine: whether
 * there is memory at the address is seen when the command runs.
 *
 * Context: any thread.
 * Returns: false, with @cmd untouched, when the line is no command.
 */
bool qtest_command_parse(const char *line, size_t len_bytes,
                         QTestCommand *cmd, Error **errp);

/**
 * qtest_command_clear:
 * @cmd: a command that was parsed, or all zero
 *
 * Context: any thread.
 */
void qtest_command_clear(QTestCommand *cmd);

/**
 * qtest_run_line:
 * @qtest: the accelerator
 * @line: a line without its end; any bytes
 * @len_bytes: how many
 *
 * Runs the command in a line.
 *
 * Context: the main thread.
 * Returns: the answer without a line end, "OK…" or "FAIL…", to be g_free()d.
 */
char *qtest_run_line(AccelQTest *qtest, const char *line, size_t len_bytes);

/**
 * qtest_from_accel:
 * @accel: an accelerator
 *
 * Context: any thread.
 * Returns: it, or NULL when it is another accelerator.
 */
AccelQTest *qtest_from_accel(Accel *accel);

/**
 * qtest_write:
 * @qtest: the accelerator
 * @addr: guest physical address: 0 is the first byte of the first RAM block,
 *        the blocks follow each other
 * @from: what to write
 * @len_bytes: how many bytes
 * @errp: receives the reason on failure, or NULL
 *
 * Writes to guest memory and marks the pages dirty.
 *
 * Context: the main thread.
 * Returns: false, with nothing written, outside guest memory, and while that
 * must hold still.
 */
bool qtest_write(AccelQTest *qtest, uint64_t addr, const void *from,
                 uint64_t len_bytes, Error **errp);

/**
 * qtest_fill:
 * @qtest: the accelerator
 * @addr: as for qtest_write()
 * @value: of each byte
 * @len_bytes: how many bytes
 * @errp: receives the reason on failure, or NULL
 *
 * Fills guest memory and marks the pages dirty.
 *
 * Context: the main thread.
 * Returns: as qtest_write().
 */
bool qtest_fill(AccelQTest *qtest, uint64_t addr, uint8_t value,
                uint64_t len_bytes, Error **errp);

/**
 * qtest_read:
 * @qtest: the accelerator
 * @addr: as for qtest_write()
 * @to: where to put the bytes
 * @len_bytes: how many bytes
 * @errp: receives the reason on failure, or NULL
 *
 * Reads guest memory, at any time.
 *
 * Context: the main thread.
 * Returns: false outside guest memory.
 */
bool qtest_read(AccelQTest *qtest, uint64_t addr, void *to,
                uint64_t len_bytes, Error **errp);

/**
 * qtest_clock:
 * @qtest: the accelerator
 *
 * Context: any thread.
 * Returns: its virtual clock, nanoseconds, 0 in the beginning.
 */
int64_t qtest_clock(AccelQTest *qtest);

/**
 * qtest_clock_advance:
 * @qtest: the accelerator
 * @ns: where to set its clock
 * @now: receives where it is now
 * @errp: receives the reason on failure, or NULL
 *
 * Sets the virtual clock, which never goes back.
 *
 * Context: the main thread.
 * Returns: false, @now untouched, while the guest must hold still.
 */
bool qtest_clock_advance(AccelQTest *qtest, int64_t ns, int64_t *now,
                         Error **errp);

#endif /* ACCEL_QTEST_INTERNAL_H */
