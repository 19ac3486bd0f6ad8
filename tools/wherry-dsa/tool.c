/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands share: options, messages, JSON.
 *
 * Main thread; tool_error() any.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "qemu/cutils.h"
#include "tool.h"

void tool_error(const char *fmt, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *line = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    /* One write, so that lines of two threads do not mix. */
    line = g_strdup_printf("wherry-dsa: %s\n", text);
    fputs(line, stderr);
}

void tool_error_take(Error *err)
{
    tool_error("%s", error_get_pretty(err));
    error_free(err);
}

bool tool_parse(int *argc, char ***argv, const char *operands,
                const char *summary, const GOptionEntry *entries)
{
    g_autoptr(GOptionContext) context = g_option_context_new(operands);
    g_autofree char *program = g_strdup_printf("wherry-dsa %s", (*argv)[0]);
    g_autoptr(GError) gerr = NULL;

    /* What the usage line begins with. */
    g_set_prgname(program);
    g_option_context_set_summary(context, summary);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, &gerr)) {
        tool_error("%s; see '%s --help'", gerr->message, program);
        return false;
    }
    return true;
}

bool tool_no_operands(int argc, char **argv)
{
    if (argc > 1) {
        tool_error("'%s' is one word too many; see '%s --help'", argv[1],
                   g_get_prgname());
        return false;
    }
    return true;
}

bool tool_completion(const char *name, DsaCompletion *completion)
{
    for (int i = DSA_COMPLETION_THREAD; i <= DSA_COMPLETION_IN_THREAD; i++) {
        if (g_strcmp0(name, tool_completion_name(i)) == 0) {
            *completion = i;
            return true;
        }
    }
    tool_error("--completion %s: there is 'thread' and 'in-thread'", name);
    return false;
}

const char *tool_completion_name(DsaCompletion completion)
{
    return completion == DSA_COMPLETION_THREAD ? "thread" : "in-thread";
}

char *tool_path(const char *word)
{
    return g_strconcat(g_str_has_prefix(word, "/dev/dsa/") ? "dsa:" : "",
                       word, NULL);
}

void tool_print_json(json_object *object)
{
    puts(json_object_to_json_string_ext(
             object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
             JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

void tool_json_string(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key,
                           value ? json_object_new_string(value) : NULL);
}

void tool_json_number(json_object *object, const char *key, int64_t value)
{
    json_object_object_add(object, key, json_object_new_int64(value));
}

json_object *tool_json_queues(const DsaStatus *status)
{
    json_object *array = json_object_new_array();

    for (unsigned i = 0; i < status->nr_queues; i++) {
        const DsaQueueStatus *q = &status->queue[i];
        json_object *item = json_object_new_object();

        tool_json_string(item, "path", q->path);
        tool_json_string(item, "backend", q->backend);
        tool_json_string(item, "mode", q->dedicated ? "dedicated" : "shared");
        tool_json_number(item, "max-batch-pages", q->max_batch_pages);
        tool_json_number(item, "node", q->numa_node);
        tool_json_string(item, "given-up", q->given_up);
        tool_json_number(item, "batches", q->counters.batches);
        tool_json_number(item, "descriptors", q->counters.descriptors);
        tool_json_number(item, "bytes", q->counters.bytes);
        tool_json_number(item, "retries", q->counters.retries);
        tool_json_number(item, "full", q->counters.full);
        json_object_array_add(array, item);
    }
    return array;
}
