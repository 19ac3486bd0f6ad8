/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UUIDs as bytes and as text.  Entered by every thread; holds no state.
 */
#include "qemu/osdep.h"

#include "qemu/uuid.h"

/* How many bytes stand between the dashes of the text. */
static const uint8_t uuid_groups[] = { 4, 2, 2, 2, 6 };

void qemu_uuid_generate(QemuUUID *out)
{
    for (size_t i = 0; i < sizeof(out->data); i += 4) {
        guint32 word = g_random_int();

        memcpy(&out->data[i], &word, 4);
    }
    /* Version 4 (random), variant 10 as RFC 4122 wants them. */
    out->data[6] = (out->data[6] & 0x0f) | 0x40;
    out->data[8] = (out->data[8] & 0x3f) | 0x80;
}

bool qemu_uuid_is_null(const QemuUUID *uuid)
{
    return qemu_uuid_is_equal(uuid, &UUID_NONE);
}

bool qemu_uuid_is_equal(const QemuUUID *lhv, const QemuUUID *rhv)
{
    return memcmp(lhv->data, rhv->data, sizeof(lhv->data)) == 0;
}

void qemu_uuid_unparse(const QemuUUID *uuid, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *byte = uuid->data;

    for (size_t g = 0; g < ARRAY_SIZE(uuid_groups); g++) {
        if (g > 0) {
            *out++ = '-';
        }
        for (uint8_t i = 0; i < uuid_groups[g]; i++, byte++) {
            *out++ = digits[*byte >> 4];
            *out++ = digits[*byte & 0xf];
        }
    }
    *out = '\0';
}

char *qemu_uuid_unparse_strdup(const QemuUUID *uuid)
{
    char *text = g_malloc(UUID_STR_LEN + 1);

    qemu_uuid_unparse(uuid, text);
    return text;
}

int qemu_uuid_parse(const char *str, QemuUUID *uuid)
{
    QemuUUID result;
    uint8_t *byte = result.data;

    for (size_t g = 0; g < ARRAY_SIZE(uuid_groups); g++) {
        if (g > 0 && *str++ != '-') {
            return -1;
        }
        for (uint8_t i = 0; i < uuid_groups[g]; i++) {
            /* The second is looked at only when the first is a digit. */
            int high = g_ascii_xdigit_value(str[0]);
            int low = high < 0 ? -1 : g_ascii_xdigit_value(str[1]);

            if (low < 0) {
                return -1;
            }
            *byte++ = high << 4 | low;
            str += 2;
        }
    }
    if (*str) {
        return -1;
    }
    *uuid = result;
    return 0;
}
