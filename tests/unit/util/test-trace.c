/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of trace points: switching them and the line they write.
 */
#include "qemu/osdep.h"

#include "qemu/thread.h"
#include "qemu/trace.h"
#include "util/trace.h"

static TraceEvent event_packet_sent = { .name = "packet_sent" };
static TraceEvent event_packet_received = { .name = "packet_received" };
static TraceEvent event_round_end = { .name = "round_end" };
static TraceEvent *const events[] = {
    &event_packet_sent, &event_packet_received, &event_round_end,
};
static const TraceEventTable table = {
    .group = "test", .events = events, .nr_events = ARRAY_SIZE(events),
};
static const TraceEventTable *const tables[] = { &table, &trace_table_util };

/* Runs with the output in a pipe; returns what was written. */
static char *capture(void (*func)(void))
{
    char *text = g_malloc0(65536);
    int fds[2];
    ssize_t len;

    g_assert_cmpint(pipe2(fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
    trace_set_output_fd(fds[1]);
    func();
    trace_set_output_fd(STDERR_FILENO);
    len = read(fds[0], text, 65535);
    text[MAX(len, 0)] = '\0';
    close(fds[0]);
    close(fds[1]);
    return text;
}

static void log_one(void)
{
    trace_log(&event_packet_sent, "channel %d pages %u", 3, 128u);
}

static void test_a_line_has_its_form(void)
{
    g_autofree char *text = capture(log_one);
    g_autofree char *form = g_strdup_printf(
        "^wherry: %d@\\d+\\.\\d{6}:packet_sent channel 3 pages 128\n$",
        (int)getpid());

    g_assert_true(g_regex_match_simple(form, text, G_REGEX_RAW, 0));
}

static void log_long(void)
{
    g_autofree char *words = g_strnfill(5000, 'x');

    trace_log(&event_packet_sent, "%s", words);
}

static void test_a_long_line_is_cut_and_ends(void)
{
    g_autofree char *text = capture(log_long);

    g_assert_cmpuint(strlen(text), ==, 1024);
    g_assert_true(g_str_has_suffix(text, "xx\n"));
}

static void log_with_errno(void)
{
    errno = ENOSPC;
    log_one();
    g_assert_cmpint(errno, ==, ENOSPC);
}

static void test_errno_is_kept(void)
{
    g_free(capture(log_with_errno));
    trace_set_output_fd(-1);
    log_with_errno();
    trace_set_output_fd(STDERR_FILENO);
}

static void test_patterns_switch_what_they_match(void)
{
    g_assert_cmpuint(trace_enable_pattern("packet_*"), ==, 2);
    g_assert_true(trace_event_enabled(&event_packet_sent));
    g_assert_false(trace_event_enabled(&event_round_end));
    g_assert_cmpuint(trace_enable_pattern("-packet_sent"), ==, 1);
    g_assert_false(trace_event_enabled(&event_packet_sent));
    g_assert_true(trace_event_enabled(&event_packet_received));
    g_assert_cmpuint(trace_enable_pattern("-*"), >=, 3);
    g_assert_false(trace_event_enabled(&event_packet_received));
}

static void test_a_name_that_is_none_matches_nothing(void)
{
    g_assert_cmpuint(trace_enable_pattern("packet"), ==, 0);
}

static void call_generated(void)
{
    trace_hole_map_fallback(NULL, "pagemap-scan", "pagemap", ENOTTY);
}

static void test_generated_functions_obey_their_flag(void)
{
    g_autofree char *off = capture(call_generated);
    g_autofree char *on = NULL;

    g_assert_cmpuint(trace_enable_pattern("hole_map_fallback"), ==, 1);
    on = capture(call_generated);
    trace_enable_pattern("-hole_map_fallback");
    g_assert_cmpstr(off, ==, "");
    g_assert_nonnull(strstr(on, ":hole_map_fallback hm "));
    g_assert_nonnull(strstr(on, " from pagemap-scan to pagemap errno 25\n"));
}

static void count_event(const TraceEvent *ev, void *opaque)
{
    ++*(size_t *)opaque;
}

static void test_foreach_sees_all_tables(void)
{
    size_t nr = 0;

    trace_foreach(count_event, &nr);
    g_assert_cmpuint(nr, ==, table.nr_events + trace_table_util.nr_events);
}

static void *log_thread(void *opaque)
{
    for (int i = 0; i < 100; i++) {
        log_one();
    }
    return NULL;
}

static void log_from_threads(void)
{
    QemuThread threads[4];

    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        qemu_thread_create(&threads[i], "log", log_thread, NULL,
                           QEMU_THREAD_JOINABLE);
    }
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        qemu_thread_join(&threads[i]);
    }
}

static void test_lines_of_threads_do_not_mix(void)
{
    g_autofree char *text = capture(log_from_threads);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    g_assert_cmpuint(g_strv_length(lines), ==, 401);
    for (size_t i = 0; i < 400; i++) {
        g_assert_true(g_str_has_prefix(lines[i], "wherry: "));
        g_assert_true(g_str_has_suffix(lines[i], " pages 128"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    trace_init(tables, ARRAY_SIZE(tables));
    g_test_add_func("/trace/a-line-has-its-form", test_a_line_has_its_form);
    g_test_add_func("/trace/a-long-line-is-cut-and-ends",
                    test_a_long_line_is_cut_and_ends);
    g_test_add_func("/trace/errno-is-kept", test_errno_is_kept);
    g_test_add_func("/trace/patterns-switch-what-they-match",
                    test_patterns_switch_what_they_match);
    g_test_add_func("/trace/a-name-that-is-none-matches-nothing",
                    test_a_name_that_is_none_matches_nothing);
    g_test_add_func("/trace/generated-functions-obey-their-flag",
                    test_generated_functions_obey_their_flag);
    g_test_add_func("/trace/foreach-sees-all-tables",
                    test_foreach_sees_all_tables);
    g_test_add_func("/trace/lines-of-threads-do-not-mix",
                    test_lines_of_threads_do_not_mix);
    return g_test_run();
}
