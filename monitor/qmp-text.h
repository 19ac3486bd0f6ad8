/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON values to the text that goes to a QMP client.
 *
 * Pure function; any thread.
 */
#ifndef MONITOR_QMP_TEXT_H
#define MONITOR_QMP_TEXT_H

struct json_object;

/**
 * qmp_text:
 * @obj: a value
 *
 * Writes a value on one line, as valid UTF-8 even when a message in it quotes
 * a file name that is not.
 *
 * Context: any thread that may read @obj.
 * Returns: the text without a line end, to be freed with g_free().
 */
char *qmp_text(struct json_object *obj);

#endif /* MONITOR_QMP_TEXT_H */
