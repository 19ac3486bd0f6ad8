/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qtest protocol and QMP from a client's side.
 *
 * One thread: a request is sent, and its answer is waited for.  Events that
 * come before a reply are kept until somebody asks for them.
 */
#include "qemu/osdep.h"

#include "libqtest.h"
#include "process.h"

/* What one command moves; a larger access is several commands. */
#define QTEST_CHUNK_BYTES (1024 * 1024)

struct QTestState {
    QTestProcess *process;
    GQueue events;          /* of struct json_object, oldest first */
};

static struct json_object *qtest_qmp_receive(QTestState *s)
{
    g_autofree char *line = qtest_lines_receive(&s->process->qmp);
    struct json_object *message = json_tokener_parse(line);

    if (!message) {
        g_error("%s: no JSON: %s", s->process->name, line);
    }
    return message;
}

static struct json_object *qtest_qmp_text(QTestState *s, const char *text)
{
    g_autofree char *request = g_strdup(text);
    struct json_object *message;

    /* In C, single quotes are easier to read. */
    qtest_lines_send(&s->process->qmp, g_strdelimit(request, "'", '"'));
    for (;;) {
        message = qtest_qmp_receive(s);
        if (!json_object_object_get_ex(message, "event", NULL)) {
            return message;
        }
        g_queue_push_tail(&s->events, message);
    }
}

static struct json_object *qtest_qmp_succeed(QTestState *s, const char *text)
{
    struct json_object *reply = qtest_qmp_text(s, text);
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(reply, "return", &value)) {
        g_error("%s: %s: %s", s->process->name, text,
                json_object_to_json_string(reply));
    }
    json_object_get(value);
    json_object_put(reply);
    return value;
}

struct json_object *qtest_qmp(QTestState *s, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return qtest_qmp_text(s, text);
}

struct json_object *qtest_qmp_assert_success_ref(QTestState *s,
                                                 const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return qtest_qmp_succeed(s, text);
}

void qtest_qmp_assert_success(QTestState *s, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    json_object_put(qtest_qmp_succeed(s, text));
}

struct json_object *qtest_qmp_eventwait_ref(QTestState *s, const char *event)
{
    for (;;) {
        struct json_object *message = g_queue_pop_head(&s->events);
        struct json_object *name = NULL;
        struct json_object *data = NULL;

        if (!message) {
            message = qtest_qmp_receive(s);
        }
        json_object_object_get_ex(message, "event", &name);
        if (g_strcmp0(json_object_get_string(name), event) == 0) {
            json_object_object_get_ex(message, "data", &data);
            json_object_get(data);
            json_object_put(message);
            return data;
        }
        json_object_put(message);
    }
}

void qtest_qmp_eventwait(QTestState *s, const char *event)
{
    json_object_put(qtest_qmp_eventwait_ref(s, event));
}

static void qtest_event_free(void *event)
{
    json_object_put(event);
}

QTestState *qtest_init(const char *args)
{
    QTestState *s = g_new0(QTestState, 1);

    s->process = qtest_process_start(args);
    g_queue_init(&s->events);
    json_object_put(qtest_qmp_receive(s));
    qtest_qmp_assert_success(s, "{'execute': 'qmp_capabilities'}");
    return s;
}

void qtest_quit(QTestState *s)
{
    if (s) {
        qtest_qmp_assert_success(s, "{'execute': 'quit'}");
        qtest_process_wait(s->process);
        g_queue_clear_full(&s->events, qtest_event_free);
        g_free(s);
    }
}

static char *qtest_ask(QTestState *s, const char *line)
{
    qtest_lines_send(&s->process->qtest, line);
    return qtest_lines_receive(&s->process->qtest);
}

char *qtest_command(QTestState *s, const char *fmt, ...)
{
    g_autofree char *line = NULL;
    va_list ap;

    va_start(ap, fmt);
    line = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return qtest_ask(s, line);
}

/* What stands behind OK, to be g_free()d; anything else ends the test. */
static char *qtest_succeed(QTestState *s, const char *line)
{
    g_autofree char *answer = qtest_ask(s, line);

    if (!g_str_equal(answer, "OK") && !g_str_has_prefix(answer, "OK ")) {
        g_error("%s: %.80s: %.200s", s->process->name, line, answer);
    }
    return g_strdup(answer[2] ? answer + 3 : "");
}

static uint64_t qtest_read_value(QTestState *s, char width, uint64_t addr)
{
    g_autofree char *line = g_strdup_printf("read%c 0x%" PRIx64, width, addr);
    g_autofree char *answer = qtest_succeed(s, line);

    g_assert_cmpuint(strlen(answer), ==, strlen("0x0123456789abcdef"));
    return g_ascii_strtoull(answer, NULL, 16);
}

static void qtest_write_value(QTestState *s, char width, uint64_t addr,
                              uint64_t value)
{
    g_autofree char *line = g_strdup_printf("write%c 0x%" PRIx64 " 0x%" PRIx64,
                                            width, addr, value);

    g_free(qtest_succeed(s, line));
}

uint8_t qtest_readb(QTestState *s, uint64_t addr)
{
    return qtest_read_value(s, 'b', addr);
}

uint16_t qtest_readw(QTestState *s, uint64_t addr)
{
    return qtest_read_value(s, 'w', addr);
}

uint32_t qtest_readl(QTestState *s, uint64_t addr)
{
    return qtest_read_value(s, 'l', addr);
}

uint64_t qtest_readq(QTestState *s, uint64_t addr)
{
    return qtest_read_value(s, 'q', addr);
}

void qtest_writeb(QTestState *s, uint64_t addr, uint8_t value)
{
    qtest_write_value(s, 'b', addr, value);
}

void qtest_writew(QTestState *s, uint64_t addr, uint16_t value)
{
    qtest_write_value(s, 'w', addr, value);
}

void qtest_writel(QTestState *s, uint64_t addr, uint32_t value)
{
    qtest_write_value(s, 'l', addr, value);
}

void qtest_writeq(QTestState *s, uint64_t addr, uint64_t value)
{
    qtest_write_value(s, 'q', addr, value);
}

static void qtest_memread_chunk(QTestState *s, uint64_t addr, uint8_t *data,
                                size_t size)
{
    g_autofree char *line = g_strdup_printf("read 0x%" PRIx64 " 0x%zx", addr,
                                            size);
    g_autofree char *answer = qtest_succeed(s, line);

    g_assert_cmpuint(strlen(answer), ==, 2 + 2 * size);
    for (size_t i = 0; i < size; i++) {
        data[i] = g_ascii_xdigit_value(answer[2 * i + 2]) << 4 |
                  g_ascii_xdigit_value(answer[2 * i + 3]);
    }
}

static void qtest_memwrite_chunk(QTestState *s, uint64_t addr,
                                 const uint8_t *data, size_t size)
{
    g_autoptr(GString) line = g_string_new(NULL);

    g_string_printf(line, "write 0x%" PRIx64 " 0x%zx 0x", addr, size);
    for (size_t i = 0; i < size; i++) {
        g_string_append_printf(line, "%02x", data[i]);
    }
    g_free(qtest_succeed(s, line->str));
}

static void qtest_bufread_chunk(QTestState *s, uint64_t addr, uint8_t *data,
                                size_t size)
{
    g_autofree char *line = g_strdup_printf("b64read 0x%" PRIx64 " 0x%zx",
                                            addr, size);
    g_autofree char *answer = qtest_succeed(s, line);
    gsize len = 0;

    g_base64_decode_inplace(answer, &len);
    g_assert_cmpuint(len, ==, size);
    memcpy(data, answer, size);
}

static void qtest_bufwrite_chunk(QTestState *s, uint64_t addr,
                                 const uint8_t *data, size_t size)
{
    g_autofree char *base64 = g_base64_encode(data, size);
    g_autofree char *line = g_strdup_printf("b64write 0x%" PRIx64 " 0x%zx %s",
                                            addr, size, base64);

    g_free(qtest_succeed(s, line));
}

void qtest_memread(QTestState *s, uint64_t addr, void *data, size_t size)
{
    for (size_t i = 0; i < size; i += QTEST_CHUNK_BYTES) {
        qtest_memread_chunk(s, addr + i, (uint8_t *)data + i,
                            MIN(size - i, QTEST_CHUNK_BYTES));
    }
}

void qtest_memwrite(QTestState *s, uint64_t addr, const void *data,
                    size_t size)
{
    for (size_t i = 0; i < size; i += QTEST_CHUNK_BYTES) {
        qtest_memwrite_chunk(s, addr + i, (const uint8_t *)data + i,
                             MIN(size - i, QTEST_CHUNK_BYTES));
    }
}

void qtest_bufread(QTestState *s, uint64_t addr, void *data, size_t size)
{
    for (size_t i = 0; i < size; i += QTEST_CHUNK_BYTES) {
        qtest_bufread_chunk(s, addr + i, (uint8_t *)data + i,
                            MIN(size - i, QTEST_CHUNK_BYTES));
    }
}

void qtest_bufwrite(QTestState *s, uint64_t addr, const void *data,
                    size_t size)
{
    for (size_t i = 0; i < size; i += QTEST_CHUNK_BYTES) {
        qtest_bufwrite_chunk(s, addr + i, (const uint8_t *)data + i,
                             MIN(size - i, QTEST_CHUNK_BYTES));
    }
}

void qtest_memset(QTestState *s, uint64_t addr, uint8_t pattern, size_t size)
{
    g_autofree char *line = g_strdup_printf("memset 0x%" PRIx64 " 0x%zx 0x%x",
                                            addr, size, pattern);

    g_free(qtest_succeed(s, line));
}

bool qtest_big_endian(QTestState *s)
{
    g_autofree char *answer = qtest_succeed(s, "endianness");

    return g_str_equal(answer, "big");
}

static int64_t qtest_clock_command(QTestState *s, const char *verb, int64_t ns)
{
    g_autofree char *line = g_strdup_printf("%s %" PRIi64, verb, ns);
    g_autofree char *answer = qtest_succeed(s, line);

    return g_ascii_strtoll(answer, NULL, 10);
}

int64_t qtest_clock_step(QTestState *s, int64_t step)
{
    return qtest_clock_command(s, "clock_step", step);
}

int64_t qtest_clock_set(QTestState *s, int64_t val)
{
    return qtest_clock_command(s, "clock_set", val);
}

void qtest_add_func(const char *path, void (*fn)(void))
{
    g_test_add_func(path, fn);
}

void qtest_add_data_func(const char *path, const void *data,
                         void (*fn)(const void *))
{
    g_test_add_data_func(path, data, fn);
}
