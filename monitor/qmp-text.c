/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON values to the text that goes to a QMP client, one value a line.
 *
 * Pure function, callable from any thread.  Line ends are added by whoever
 * sends.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "monitor/qmp-text.h"

char *qmp_text(struct json_object *obj)
{
    size_t len;
    const char *text = json_object_to_json_string_length(
        obj, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);

    return g_utf8_make_valid(text, len);
}
