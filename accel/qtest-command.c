/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qtest protocol's commands: from a line of text to a struct.
 *
 * Pure functions, any thread.  A line may hold anything: each wrong one is
 * refused with a sentence that says what is wrong with it.
 */
#include "qemu/osdep.h"

#include "accel/qtest-internal.h"
#include "qapi/error.h"
#include "qemu/cutils.h"

/* The command and its arguments, and one that is too much. */
#define QTEST_WORDS_MAX 5

/* What of an argument a message quotes. */
#define QTEST_QUOTE_BYTES 40

typedef struct QTestVerb {
    const char *name;
    QTestOp op;
    unsigned width;         /* bytes, of an access with a value */
    /*
     * One letter an argument: Address, Size, size that may be Zero, Value,
     * heXadecimal data, Base64 data, Nanoseconds; "?" before one that may be
     * left out.
     */
    const char *letters;
    const char *usage;
} QTestVerb;

static const QTestVerb qtest_verbs[] = {
    { "readb", QTEST_OP_READ_VALUE, 1, "A", "ADDR" },
    { "readw", QTEST_OP_READ_VALUE, 2, "A", "ADDR" },
    { "readl", QTEST_OP_READ_VALUE, 4, "A", "ADDR" },
    { "readq", QTEST_OP_READ_VALUE, 8, "A", "ADDR" },
    { "writeb", QTEST_OP_WRITE_VALUE, 1, "AV", "ADDR VALUE" },
    { "writew", QTEST_OP_WRITE_VALUE, 2, "AV", "ADDR VALUE" },
    { "writel", QTEST_OP_WRITE_VALUE, 4, "AV", "ADDR VALUE" },
    { "writeq", QTEST_OP_WRITE_VALUE, 8, "AV", "ADDR VALUE" },
    { "read", QTEST_OP_READ, 0, "AS", "ADDR SIZE" },
    { "write", QTEST_OP_WRITE, 0, "ASX", "ADDR SIZE DATA" },
    { "b64read", QTEST_OP_B64READ, 0, "AS", "ADDR SIZE" },
    { "b64write", QTEST_OP_WRITE, 0, "ASB", "ADDR SIZE DATA" },
    { "memset", QTEST_OP_MEMSET, 1, "AZV", "ADDR SIZE VALUE" },
    { "endianness", QTEST_OP_ENDIANNESS, 0, "", "nothing behind it" },
    { "clock_step", QTEST_OP_CLOCK_STEP, 0, "?N", "[NS]" },
    { "clock_set", QTEST_OP_CLOCK_SET, 0, "N", "NS" },
};

static const QTestVerb *qtest_verb_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(qtest_verbs); i++) {
        if (g_str_equal(qtest_verbs[i].name, name)) {
            return &qtest_verbs[i];
        }
    }
    return NULL;
}

static bool qtest_parse_number(const char *what, const char *word,
                               uint64_t *number, Error **errp)
{
    if (parse_uint_full(word, 0, number) < 0) {
        error_setg(errp, "%s '%.*s' is no number from 0 to 2^64 - 1", what,
                   QTEST_QUOTE_BYTES, word);
        return false;
    }
    return true;
}

static bool qtest_parse_size(QTestCommand *cmd, const char *word, Error **errp)
{
    if (!qtest_parse_number("SIZE", word, &cmd->size, errp)) {
        return false;
    }
    if (cmd->size == 0 || cmd->size > QTEST_DATA_MAX_BYTES) {
        error_setg(errp, "SIZE %" PRIu64 " is not from 1 to %u", cmd->size,
                   QTEST_DATA_MAX_BYTES);
        return false;
    }
    return true;
}

static bool qtest_parse_value(QTestCommand *cmd, const QTestVerb *verb,
                              const char *word, Error **errp)
{
    if (!qtest_parse_number("VALUE", word, &cmd->value, errp)) {
        return false;
    }
    if (verb->width < 8 && cmd->value >> (8 * verb->width)) {
        error_setg(errp, "VALUE 0x%" PRIx64 " does not fit into %u byte%s",
                   cmd->value, verb->width, verb->width > 1 ? "s" : "");
        return false;
    }
    return true;
}

/* Fewer digits than SIZE asks for leave zeroes at the end. */
static bool qtest_parse_hex(QTestCommand *cmd, const char *word, Error **errp)
{
    size_t nr_digits = strlen(word) - MIN(strlen(word), 2);
    const char *digits = word + 2;
    uint8_t *data;

    if (!g_str_has_prefix(word, "0x") || nr_digits == 0 ||
        strspn(digits, "0123456789abcdefABCDEF") != nr_digits) {
        error_setg(errp, "DATA is not 0x and hexadecimal digits");
        return false;
    }
    if (nr_digits % 2 || nr_digits / 2 > cmd->size) {
        error_setg(errp, "DATA has %zu hexadecimal digits, which should be two"
                   " a byte, and not more than SIZE %" PRIu64 " bytes",
                   nr_digits, cmd->size);
        return false;
    }
    data = g_malloc0(cmd->size);
    for (size_t i = 0; i < nr_digits / 2; i++) {
        data[i] = g_ascii_xdigit_value(digits[2 * i]) << 4 |
                  g_ascii_xdigit_value(digits[2 * i + 1]);
    }
    cmd->data = data;
    return true;
}

/* GLib's decoder passes over what is no base64: checked here. */
static bool qtest_is_base64(const char *word)
{
    size_t len = strlen(word);
    size_t nr_digits = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789+/");
    size_t nr_pad = strspn(word + nr_digits, "=");

    return len % 4 == 0 && nr_digits > 0 && nr_digits + nr_pad == len &&
           nr_pad <= 2;
}

static bool qtest_parse_base64(QTestCommand *cmd, const char *word,
                               Error **errp)
{
    g_autofree guchar *data = NULL;
    gsize len = 0;

    if (!qtest_is_base64(word)) {
        error_setg(errp, "DATA is not base64");
        return false;
    }
    data = g_base64_decode(word, &len);
    if (len != cmd->size) {
        error_setg(errp, "DATA has %zu bytes, but SIZE is %" PRIu64, len,
                   cmd->size);
        return false;
    }
    cmd->data = g_steal_pointer(&data);
    return true;
}

static bool qtest_parse_ns(QTestCommand *cmd, const char *word, Error **errp)
{
    uint64_t ns;

    if (!qtest_parse_number("NS", word, &ns, errp)) {
        return false;
    }
    if (ns > INT64_MAX) {
        error_setg(errp, "NS %" PRIu64 " is more than 2^63 - 1", ns);
        return false;
    }
    cmd->has_ns = true;
    cmd->ns = ns;
    return true;
}

static bool qtest_parse_argument(QTestCommand *cmd, const QTestVerb *verb,
                                 char letter, const char *word, Error **errp)
{
    switch (letter) {
    case 'A':
        return qtest_parse_number("ADDR", word, &cmd->addr, errp);
    case 'S':
        return qtest_parse_size(cmd, word, errp);
    case 'Z':
        return qtest_parse_number("SIZE", word, &cmd->size, errp);
    case 'V':
        return qtest_parse_value(cmd, verb, word, errp);
    case 'X':
        return qtest_parse_hex(cmd, word, errp);
    case 'B':
        return qtest_parse_base64(cmd, word, errp);
    default:
        return qtest_parse_ns(cmd, word, errp);
    }
}

static bool qtest_parse_arguments(QTestCommand *cmd, const QTestVerb *verb,
                                  char **words, Error **errp)
{
    const char *letter = verb->letters;

    for (; *letter; letter++) {
        bool optional = *letter == '?';

        letter += optional;
        if (!*words) {
            if (optional) {
                continue;
            }
            break;
        }
        if (!qtest_parse_argument(cmd, verb, *letter, *words++, errp)) {
            return false;
        }
    }
    if (*letter || *words) {
        error_setg(errp, "%s expects %s", verb->name, verb->usage);
        return false;
    }
    return true;
}

/* All of a line is text; a control character would not reach a log whole. */
static bool qtest_check_text(const char *line, size_t len, Error **errp)
{
    for (size_t i = 0; i < len; i++) {
        if (line[i] < 0x20 || line[i] > 0x7e) {
            error_setg(errp, "Byte %zu of the line is 0x%02x, which is no"
                       " printable character", i, (unsigned char)line[i]);
            return false;
        }
    }
    return true;
}

bool qtest_command_parse(const char *line, size_t len_bytes,
                         QTestCommand *cmd, Error **errp)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) words = NULL;
    const QTestVerb *verb;
    QTestCommand parsed = { 0 };

    if (!qtest_check_text(line, len_bytes, errp)) {
        return false;
    }
    if (!len_bytes) {
        error_setg(errp, "The line is empty");
        return false;
    }
    text = g_strndup(line, len_bytes);
    words = g_strsplit(text, " ", QTEST_WORDS_MAX);
    verb = qtest_verb_find(words[0]);
    if (!verb) {
        error_setg(errp, "Unknown command '%.*s'", QTEST_QUOTE_BYTES,
                   words[0]);
        return false;
    }
    parsed.op = verb->op;
    parsed.size = verb->width;
    if (!qtest_parse_arguments(&parsed, verb, words + 1, errp)) {
        qtest_command_clear(&parsed);
        return false;
    }
    *cmd = parsed;
    return true;
}

void qtest_command_clear(QTestCommand *cmd)
{
    g_clear_pointer(&cmd->data, g_free);
}
