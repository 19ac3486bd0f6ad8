/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command `test`: proves queues through the library that multifd uses.
 *
 * The main thread.  Each path by itself and, when there are several, all of
 * them together; each with both ways of waiting unless one is asked for.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "qemu/dsa.h"
#include "test-steps.h"
#include "tool.h"

typedef struct TestOptions {
    gboolean json;
    char *completion;
    int timeout_ms;
    int batch_pages;
} TestOptions;

/* One group of queues and one way of waiting. */
typedef struct TestRun {
    const TestOptions *options;
    const char *const *paths;
    char *name;                 /* of the paths, for people */
    DsaCompletion completion;
    json_object *steps;         /* belongs to the output */
    bool ok;
} TestRun;

static void test_report(TestRun *run, const char *step, bool ok,
                        const char *remark)
{
    json_object *item;

    run->ok = run->ok && ok;
    if (!run->options->json) {
        printf("  %-6s  %s%s%s\n", ok ? "ok" : "FAILED", step,
               remark && *remark ? ": " : "", remark ? remark : "");
        fflush(stdout);
        return;
    }
    item = json_object_new_object();
    tool_json_string(item, "step", step);
    json_object_object_add(item, "ok", json_object_new_boolean(ok));
    tool_json_string(item, "remark", remark && *remark ? remark : NULL);
    json_object_array_add(run->steps, item);
}

static void test_run_steps(TestRun *run, DsaGroup *group, TestBench *bench)
{
    size_t nr;
    const TestStep *step = test_steps(&nr);

    for (size_t i = 0; i < nr; i++) {
        g_autoptr(GString) why = g_string_new(NULL);
        bool ok = test_step_run(&step[i], bench, why);
        char *warning;

        while ((warning = dsa_group_take_warning(group))) {
            g_string_append_printf(why, "%s%s", why->len ? "; " : "",
                                   warning);
            g_free(warning);
            ok = false;
        }
        test_report(run, step[i].name, ok, why->str);
    }
}

static void test_print_queues(const DsaStatus *status)
{
    for (unsigned i = 0; i < status->nr_queues; i++) {
        const DsaQueueStatus *q = &status->queue[i];

        printf("  queue %s: %s by %s, batches of up to %u pages, %" PRIu64
               " descriptors, %" PRIu64 " retries\n", q->path,
               q->dedicated ? "dedicated" : "shared", q->backend,
               q->max_batch_pages, q->counters.descriptors,
               q->counters.retries);
    }
}

/* Opens, proves, closes.  @out receives the steps and the queues. */
static void test_run(TestRun *run, json_object *out)
{
    const DsaOptions options = {
        .completion = run->completion,
        .batch_pages = run->options->batch_pages,
        .page_bytes = qemu_real_host_page_size(),
        .timeout_ms = run->options->timeout_ms,
    };
    DsaGroup *group;
    TestBench *bench;
    Error *err = NULL;

    if (!run->options->json) {
        printf("%s, completion %s:\n", run->name,
               tool_completion_name(run->completion));
    }
    group = dsa_group_new(run->paths, &options, &err);
    if (!group) {
        test_report(run, "opened, no-op and known compares", false,
                    error_get_pretty(err));
        error_free(err);
        return;
    }
    test_report(run, "opened, no-op and known compares", true, NULL);
    bench = test_bench_new(group, options.batch_pages);
    test_run_steps(run, group, bench);
    {
        g_autoptr(DsaStatus) status = dsa_group_status(group);

        if (!run->options->json) {
            test_print_queues(status);
        }
        json_object_object_add(out, "queues", tool_json_queues(status));
    }
    /* A device may write until it is closed: memory goes after the group. */
    dsa_group_free(group);
    test_bench_free(bench);
}

static bool test_paths(const TestOptions *options, const char *const *paths,
                       DsaCompletion completion, json_object *runs)
{
    TestRun run = {
        .options = options, .paths = paths, .completion = completion,
        .name = g_strjoinv(" ", (char **)paths),
        .steps = json_object_new_array(), .ok = true,
    };
    json_object *out = json_object_new_object();
    json_object *array = json_object_new_array();

    for (size_t i = 0; paths[i]; i++) {
        json_object_array_add(array, json_object_new_string(paths[i]));
    }
    json_object_object_add(out, "paths", array);
    tool_json_string(out, "completion", tool_completion_name(completion));
    json_object_object_add(out, "steps", run.steps);
    test_run(&run, out);
    json_object_object_add(out, "ok", json_object_new_boolean(run.ok));
    json_object_array_add(runs, out);
    g_free(run.name);
    return run.ok;
}

static bool test_completion(const TestOptions *options,
                            const char *const *paths,
                            DsaCompletion completion, json_object *runs)
{
    bool ok = true;

    for (size_t i = 0; paths[i]; i++) {
        const char *const alone[] = { paths[i], NULL };

        ok = test_paths(options, alone, completion, runs) && ok;
    }
    if (paths[0] && paths[1]) {
        ok = test_paths(options, paths, completion, runs) && ok;
    }
    return ok;
}

static bool test_options_check(const TestOptions *options,
                               DsaCompletion *first, DsaCompletion *last)
{
    *first = DSA_COMPLETION_THREAD;
    *last = DSA_COMPLETION_IN_THREAD;
    if (options->completion) {
        if (!tool_completion(options->completion, first)) {
            return false;
        }
        *last = *first;
    }
    if (options->timeout_ms < 1) {
        tool_error("--timeout %d: it takes at least 1 ms",
                   options->timeout_ms);
        return false;
    }
    if (options->batch_pages < 8 ||
        options->batch_pages > DSA_BATCH_PAGES_MAX) {
        tool_error("--pages %d: batches have 8 to %d pages here",
                   options->batch_pages, DSA_BATCH_PAGES_MAX);
        return false;
    }
    return true;
}

static int test_all(const TestOptions *options, char **words,
                    DsaCompletion first, DsaCompletion last)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    json_object *out = json_object_new_object();
    json_object *runs = json_object_new_array();
    bool ok = true;

    for (; *words; words++) {
        g_ptr_array_add(paths, tool_path(*words));
    }
    g_ptr_array_add(paths, NULL);
    for (int c = first; c <= (int)last; c++) {
        ok = test_completion(options, (const char *const *)paths->pdata, c,
                             runs) && ok;
    }
    if (options->json) {
        json_object_object_add(out, "runs", runs);
        json_object_object_add(out, "ok", json_object_new_boolean(ok));
        tool_print_json(out);
    } else {
        json_object_put(runs);
        json_object_put(out);
        printf("%s\n", ok ? "All steps passed." : "Steps FAILED.");
    }
    return ok ? TOOL_OK : TOOL_FAILED;
}

int tool_test(int argc, char **argv)
{
    TestOptions options = {
        .timeout_ms = DSA_TIMEOUT_MS_DEFAULT,
        .batch_pages = DSA_BATCH_PAGES_MAX,
    };
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON",
          NULL },
        { "completion", 0, 0, G_OPTION_ARG_STRING, &options.completion,
          "Only this way of waiting", "thread|in-thread" },
        { "pages", 0, 0, G_OPTION_ARG_INT, &options.batch_pages,
          "Pages of a full batch (1024)", "N" },
        { "timeout", 0, 0, G_OPTION_ARG_INT, &options.timeout_ms,
          "How long a batch may take (1000)", "MS" },
        G_OPTION_ENTRY_NULL
    };
    DsaCompletion first, last;
    int status = TOOL_USAGE;

    if (!tool_parse(&argc, &argv, "PATH...",
                    "Proves DSA queues with compares of known memory.  PATH"
                    " is dsa:/dev/dsa/wqX.Y,\ndsa:auto[?node=N] or"
                    " dsa:soft[?KEY=VALUE,...].", entries)) {
        return status;
    }
    if (argc < 2) {
        tool_error("a path is missing; see 'wherry-dsa test --help'");
    } else if (test_options_check(&options, &first, &last)) {
        status = test_all(&options, argv + 1, first, last);
    }
    g_free(options.completion);
    return status;
}
