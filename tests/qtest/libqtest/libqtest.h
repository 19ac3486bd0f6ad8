/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of the qtest protocol and of QMP: starts a wherry process and is
 * its guest.  The functions have the names that they have in QEMU's tests.
 *
 * What goes wrong ends the test, with the process's log.  Each wait has a
 * deadline, which WHERRY_TEST_TIMEOUT_SCALE stretches.  Threads: the one that
 * calls; no locks.
 */
#ifndef TESTS_QTEST_LIBQTEST_H
#define TESTS_QTEST_LIBQTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <json-c/json.h>

typedef struct QTestState QTestState;

/**
 * qtest_folder:
 *
 * Makes the folder of this test program, on a RAM disk where there is one.
 *
 * Returns: its path, constant; it goes at the program's end
 */
const char *qtest_folder(void);

/**
 * qtest_init:
 * @args: the command line behind the program's name, as in a shell; the
 *        accelerator and both sockets are added
 *
 * Starts the program named by WHERRY in the environment, and connects.
 *
 * Returns: the process; end it with qtest_quit()
 */
QTestState *qtest_init(const char *args);

/**
 * qtest_quit:
 * @s: a process, or NULL
 *
 * Ends the process with QMP `quit` and waits for it: it must leave in order.
 */
void qtest_quit(QTestState *s);

/**
 * qtest_command:
 * @s: a process
 * @fmt: a line of the qtest protocol, without its end
 *
 * Returns: the answer, whatever it is, without its line end, to be g_free()d
 */
char *qtest_command(QTestState *s, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/**
 * qtest_qmp:
 * @s: a process
 * @fmt: a QMP request; single quotes stand for double ones, here and below
 *
 * Returns: the reply, "return" or "error" in an object, the caller's
 */
struct json_object *qtest_qmp(QTestState *s, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);

/**
 * qtest_qmp_assert_success_ref:
 * @s: a process
 * @fmt: a QMP request, which must succeed
 *
 * Returns: what it returns, the caller's
 */
struct json_object *qtest_qmp_assert_success_ref(QTestState *s,
                                                 const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);

/**
 * qtest_qmp_assert_success:
 * @s: a process
 * @fmt: a QMP request, which must succeed
 */
void qtest_qmp_assert_success(QTestState *s, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);

/**
 * qtest_qmp_eventwait_ref:
 * @s: a process
 * @event: its name
 *
 * Waits for the next event of that name; others before it are dropped.
 *
 * Returns: the event's data, the caller's; NULL when it has none
 */
struct json_object *qtest_qmp_eventwait_ref(QTestState *s, const char *event);

/**
 * qtest_qmp_eventwait:
 * @s: a process
 * @event: its name
 *
 * As qtest_qmp_eventwait_ref(), where the data do not matter.
 */
void qtest_qmp_eventwait(QTestState *s, const char *event);

/* Guest memory, values in the guest's byte order. */
uint8_t qtest_readb(QTestState *s, uint64_t addr);
uint16_t qtest_readw(QTestState *s, uint64_t addr);
uint32_t qtest_readl(QTestState *s, uint64_t addr);
uint64_t qtest_readq(QTestState *s, uint64_t addr);
void qtest_writeb(QTestState *s, uint64_t addr, uint8_t value);
void qtest_writew(QTestState *s, uint64_t addr, uint16_t value);
void qtest_writel(QTestState *s, uint64_t addr, uint32_t value);
void qtest_writeq(QTestState *s, uint64_t addr, uint64_t value);

/**
 * qtest_memread:
 * @s: a process
 * @addr: guest physical
 * @data: where to put the bytes
 * @size: how many
 *
 * Reads guest memory, as hexadecimal digits.
 */
void qtest_memread(QTestState *s, uint64_t addr, void *data, size_t size);

/**
 * qtest_memwrite:
 * @s: a process
 * @addr: guest physical
 * @data: what to write
 * @size: how many bytes
 *
 * Writes guest memory, as hexadecimal digits.
 */
void qtest_memwrite(QTestState *s, uint64_t addr, const void *data,
                    size_t size);

/**
 * qtest_bufread:
 * @s: a process
 * @addr: guest physical
 * @data: where to put the bytes
 * @size: how many
 *
 * Reads guest memory, as base64, which is shorter.
 */
void qtest_bufread(QTestState *s, uint64_t addr, void *data, size_t size);

/**
 * qtest_bufwrite:
 * @s: a process
 * @addr: guest physical
 * @data: what to write
 * @size: how many bytes
 *
 * Writes guest memory, as base64, which is shorter.
 */
void qtest_bufwrite(QTestState *s, uint64_t addr, const void *data,
                    size_t size);

/**
 * qtest_memset:
 * @s: a process
 * @addr: guest physical
 * @pattern: of each byte
 * @size: how many bytes
 */
void qtest_memset(QTestState *s, uint64_t addr, uint8_t pattern, size_t size);

/**
 * qtest_big_endian:
 * @s: a process
 *
 * Returns: the guest's byte order
 */
bool qtest_big_endian(QTestState *s);

/**
 * qtest_clock_step:
 * @s: a process
 * @step: nanoseconds
 *
 * Returns: the guest's clock then
 */
int64_t qtest_clock_step(QTestState *s, int64_t step);

/**
 * qtest_clock_set:
 * @s: a process
 * @val: nanoseconds, not before the guest's clock
 *
 * Returns: the guest's clock then
 */
int64_t qtest_clock_set(QTestState *s, int64_t val);

/**
 * qtest_add_func:
 * @path: of the case, "/theme/what is promised"
 * @fn: the test
 */
void qtest_add_func(const char *path, void (*fn)(void));

/**
 * qtest_add_data_func:
 * @path: of the case
 * @data: handed to @fn
 * @fn: the test
 */
void qtest_add_data_func(const char *path, const void *data,
                         void (*fn)(const void *));

#endif /* TESTS_QTEST_LIBQTEST_H */
