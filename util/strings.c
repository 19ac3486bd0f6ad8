/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded copies and prefixes.  Entered by every thread; holds no state.
 */
#include "qemu/osdep.h"

#include "qemu/strings.h"

void pstrcpy(char *buf, size_t buf_size, const char *str)
{
    size_t len;

    if (buf_size == 0) {
        return;
    }
    len = strnlen(str, buf_size - 1);
    memcpy(buf, str, len);
    buf[len] = '\0';
}

char *pstrcat(char *buf, size_t buf_size, const char *s)
{
    size_t len = strnlen(buf, buf_size);

    pstrcpy(buf + len, buf_size - len, s);
    return buf;
}

void strpadcpy(char *buf, size_t buf_size, const char *str, char pad)
{
    size_t len = strnlen(str, buf_size);

    memcpy(buf, str, len);
    memset(buf + len, pad, buf_size - len);
}

static int prefix(const char *str, const char *val, const char **ptr,
                  bool same)
{
    if (!same) {
        return 0;
    }
    if (ptr) {
        *ptr = str + strlen(val);
    }
    return 1;
}

int strstart(const char *str, const char *val, const char **ptr)
{
    return prefix(str, val, ptr, strncmp(str, val, strlen(val)) == 0);
}

int stristart(const char *str, const char *val, const char **ptr)
{
    return prefix(str, val, ptr,
                  g_ascii_strncasecmp(str, val, strlen(val)) == 0);
}

int qemu_strnlen(const char *s, int max_len)
{
    return strnlen(s, MAX(max_len, 0));
}
