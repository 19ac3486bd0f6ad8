/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the qtest protocol's commands and words the answers.
 *
 * Main thread.  Values are little-endian, as the guests of QEMU's x86 are.
 */
#include "qemu/osdep.h"

#include "accel/qtest-internal.h"
#include "qapi/error.h"
#include "qemu/bswap.h"

static char *qtest_run_read_value(AccelQTest *qtest, const QTestCommand *cmd,
                                  Error **errp)
{
    uint8_t data[8] = { 0 };

    if (!qtest_read(qtest, cmd->addr, data, cmd->size, errp)) {
        return NULL;
    }
    return g_strdup_printf("OK 0x%016" PRIx64, ldq_le_p(data));
}

static char *qtest_run_write_value(AccelQTest *qtest, const QTestCommand *cmd,
                                   Error **errp)
{
    uint8_t data[8];

    stq_le_p(data, cmd->value);
    if (!qtest_write(qtest, cmd->addr, data, cmd->size, errp)) {
        return NULL;
    }
    return g_strdup("OK");
}

static char *qtest_hex(const uint8_t *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *text = g_malloc(2 * len + sizeof("OK 0x"));
    char *p = g_stpcpy(text, "OK 0x");

    for (size_t i = 0; i < len; i++) {
        *p++ = digits[data[i] >> 4];
        *p++ = digits[data[i] & 15];
    }
    *p = '\0';
    return text;
}

static char *qtest_run_read(AccelQTest *qtest, const QTestCommand *cmd,
                            Error **errp)
{
    g_autofree uint8_t *data = g_malloc(cmd->size);
    g_autofree char *base64 = NULL;

    if (!qtest_read(qtest, cmd->addr, data, cmd->size, errp)) {
        return NULL;
    }
    if (cmd->op == QTEST_OP_READ) {
        return qtest_hex(data, cmd->size);
    }
    base64 = g_base64_encode(data, cmd->size);
    return g_strconcat("OK ", base64, NULL);
}

static char *qtest_run_write(AccelQTest *qtest, const QTestCommand *cmd,
                             Error **errp)
{
    if (!qtest_write(qtest, cmd->addr, cmd->data, cmd->size, errp)) {
        return NULL;
    }
    return g_strdup("OK");
}

static char *qtest_run_memset(AccelQTest *qtest, const QTestCommand *cmd,
                              Error **errp)
{
    if (cmd->size &&
        !qtest_fill(qtest, cmd->addr, cmd->value, cmd->size, errp)) {
        return NULL;
    }
    return g_strdup("OK");
}

static char *qtest_run_clock_step(AccelQTest *qtest, const QTestCommand *cmd,
                                  Error **errp)
{
    int64_t now = qtest_clock(qtest);

    if (!cmd->has_ns) {
        error_setg(errp, "There is no deadline to step to: no timer is set");
        return NULL;
    }
    if (cmd->ns == 0 || cmd->ns > INT64_MAX - now) {
        error_setg(errp, "The clock cannot be advanced by %" PRIi64
                   " from %" PRIi64, cmd->ns, now);
        return NULL;
    }
    return qtest_clock_advance(qtest, now + cmd->ns, &now, errp)
        ? g_strdup_printf("OK %" PRIi64, now) : NULL;
}

/* That the clock is past @cmd->ns is no error of the line, but no OK. */
static char *qtest_run_clock_set(AccelQTest *qtest, const QTestCommand *cmd,
                                 Error **errp)
{
    int64_t now;

    if (!qtest_clock_advance(qtest, cmd->ns, &now, errp)) {
        return NULL;
    }
    return g_strdup_printf("%s %" PRIi64, now == cmd->ns ? "OK" : "FAIL", now);
}

static char *qtest_run_command(AccelQTest *qtest, const QTestCommand *cmd,
                               Error **errp)
{
    switch (cmd->op) {
    case QTEST_OP_READ_VALUE:
        return qtest_run_read_value(qtest, cmd, errp);
    case QTEST_OP_WRITE_VALUE:
        return qtest_run_write_value(qtest, cmd, errp);
    case QTEST_OP_READ:
    case QTEST_OP_B64READ:
        return qtest_run_read(qtest, cmd, errp);
    case QTEST_OP_WRITE:
        return qtest_run_write(qtest, cmd, errp);
    case QTEST_OP_MEMSET:
        return qtest_run_memset(qtest, cmd, errp);
    case QTEST_OP_ENDIANNESS:
        return g_strdup("OK little");
    case QTEST_OP_CLOCK_STEP:
        return qtest_run_clock_step(qtest, cmd, errp);
    case QTEST_OP_CLOCK_SET:
        return qtest_run_clock_set(qtest, cmd, errp);
    }
    g_assert_not_reached();
}

char *qtest_run_line(AccelQTest *qtest, const char *line, size_t len_bytes)
{
    g_autoptr(Error) err = NULL;
    QTestCommand cmd = { 0 };
    char *answer = NULL;

    if (qtest_command_parse(line, len_bytes, &cmd, &err)) {
        answer = qtest_run_command(qtest, &cmd, &err);
    }
    qtest_command_clear(&cmd);
    return answer ? answer
                  : g_strdup_printf("FAIL %s", error_get_pretty(err));
}
