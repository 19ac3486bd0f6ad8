/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command `bench`: a queue against the CPU on the same memory, and what the
 * library itself costs.
 *
 * The main thread.  Answers are compared with the CPU's before anything is
 * measured.
 */
#include "qemu/osdep.h"

#include "bench.h"
#include "qapi/error.h"
#include "qemu/bufferiszero.h"
#include "qemu/cutils.h"
#include "qemu/units.h"
#include "tool.h"

#define BENCH_THREADS_MAX 256
/* Packets through the queue that does nothing. */
#define BENCH_COST_PACKETS 4000

typedef struct BenchOptions {
    gboolean json;
    gboolean null_only;
    char *completion;
    char *size;
    int pages, threads, time_ms, timeout_ms;
} BenchOptions;

static const char *const instructions_hint =
    "scripts/dsa-instructions.py counts them with callgrind";

static bool bench_is_software(const DsaStatus *status)
{
    for (unsigned i = 0; i < status->nr_queues; i++) {
        if (g_str_has_prefix(status->queue[i].backend, "soft")) {
            return true;
        }
    }
    return false;
}

static json_object *bench_cost_json(const BenchCost *cost)
{
    json_object *item = json_object_new_object();
    bool counted = cost->instructions_per_page >= 0;

    tool_json_number(item, "packets", cost->packets);
    tool_json_number(item, "packet-pages", cost->packet_pages);
    json_object_object_add(item, "ns-per-page",
                           json_object_new_double(cost->ns_per_page));
    json_object_object_add(
        item, "instructions-per-page",
        counted ? json_object_new_double(cost->instructions_per_page) : NULL);
    tool_json_string(item, "instructions-why-not", cost->why_not);
    tool_json_string(item, "instructions-hint",
                     counted ? NULL : instructions_hint);
    return item;
}

static void bench_cost_text(const BenchCost *cost)
{
    printf("the library alone, packets of %u pages, a queue that does"
           " nothing:\n  %.1f ns a page to submit and wait\n",
           cost->packet_pages, cost->ns_per_page);
    if (cost->instructions_per_page >= 0) {
        printf("  %.1f user instructions a page, those of that queue"
               " included\n", cost->instructions_per_page);
    } else {
        printf("  user instructions: not supported on this machine (%s);\n"
               "  %s\n", cost->why_not, instructions_hint);
    }
}

static void bench_result(const BenchOptions *options, json_object *results,
                         BenchPattern pattern, const char *by,
                         const BenchResult *r)
{
    double pages_per_s = r->pages * 1e9 / MAX(r->wall_ns, 1);
    double sender = (double)r->sender_ns / r->pages;
    double process = (double)r->process_ns / r->pages;
    json_object *item;

    if (!options->json) {
        printf("%-8s%-16s%12.0f%14.1f%14.1f\n", bench_pattern_name(pattern),
               by, pages_per_s, sender, process);
        fflush(stdout);
        return;
    }
    item = json_object_new_object();
    tool_json_string(item, "pattern", bench_pattern_name(pattern));
    tool_json_string(item, "by", by);
    tool_json_number(item, "pages", r->pages);
    json_object_object_add(item, "pages-per-second",
                           json_object_new_double(pages_per_s));
    json_object_object_add(item, "sender-cpu-ns-per-page",
                           json_object_new_double(sender));
    json_object_object_add(item, "process-cpu-ns-per-page",
                           json_object_new_double(process));
    json_object_array_add(results, item);
}

/* The vector bodies that multifd would use, else the best there is. */
static GArray *bench_workers(DsaGroup *group)
{
    GArray *workers = g_array_new(false, false, sizeof(BenchWorker));
    size_t nr = buffer_is_zero_nr_impls();

    g_array_append_vals(workers, &(BenchWorker) { "dsa", group, 0 }, 1);
    for (size_t i = 0; i < nr; i++) {
        const char *name = buffer_is_zero_impl_name(i);

        if (g_str_has_prefix(name, "avx") || i == nr - 1) {
            g_array_append_vals(workers, &(BenchWorker) { name, NULL, i }, 1);
        }
    }
    g_array_append_vals(workers,
                        &(BenchWorker) { "buffer_is_zero", NULL, -1 }, 1);
    return workers;
}

static bool bench_patterns(const BenchOptions *options,
                           const BenchSettings *settings, DsaGroup *group,
                           json_object *results, Error **errp)
{
    g_autoptr(BenchMemory) memory = bench_memory_new(settings, errp);
    g_autoptr(GArray) workers = bench_workers(group);

    if (!memory) {
        return false;
    }
    for (int p = 0; p < BENCH_PATTERN__MAX; p++) {
        bench_memory_fill(settings, memory, p);
        if (!bench_compare(settings, memory, group, errp)) {
            return false;
        }
        for (guint w = 0; w < workers->len; w++) {
            const BenchWorker *worker = &g_array_index(workers, BenchWorker,
                                                       w);
            BenchResult result = bench_run(settings, memory, worker);

            bench_result(options, results, p, worker->name, &result);
        }
    }
    return true;
}

static void bench_head(const BenchSettings *settings,
                       const DsaStatus *status)
{
    g_autofree char *size = size_to_str(settings->size_bytes);

    printf("%s, %s, packets of %u pages of %zu bytes, threads: %u,"
           " completion %s\n", settings->path, size, settings->packet_pages,
           settings->page_size, settings->nr_threads,
           tool_completion_name(settings->completion));
    if (bench_is_software(status)) {
        puts("software device: says nothing about hardware");
    }
    printf("%-8s%-16s%12s%14s%14s\n%-8s%-16s%12s%14s%14s\n", "", "", "",
           "sender CPU", "process CPU", "pages", "by", "pages/s", "ns/page",
           "ns/page");
}

/* Also those of pages the CPU had to do: they are in the times above. */
static void bench_tail(const DsaStatus *status, json_object *out, bool json)
{
    uint64_t cpu_pages = 0;

    for (int i = 0; i < DSA_CPU__MAX; i++) {
        cpu_pages += status->counters.cpu_pages[i];
    }
    tool_json_number(out, "cpu-pages", cpu_pages);
    if (json) {
        json_object_object_add(out, "queues", tool_json_queues(status));
        return;
    }
    if (cpu_pages) {
        printf("%" PRIu64 " pages of dsa were done by the CPU\n", cpu_pages);
    }
    for (unsigned i = 0; i < status->nr_queues; i++) {
        const DsaQueueStatus *q = &status->queue[i];

        printf("queue %s: by %s, %" PRIu64 " batches, %" PRIu64 " retries%s%s"
               "\n", q->path, q->backend, q->counters.batches,
               q->counters.retries, q->given_up ? ", given up: " : "",
               q->given_up ? q->given_up : "");
    }
}

/* An answer of its own, wrong or not at all: false. */
static bool bench_queue(const BenchOptions *options,
                        const BenchSettings *settings, json_object *out,
                        Error **errp)
{
    const char *const paths[] = { settings->path, NULL };
    const DsaOptions dsa = {
        .completion = settings->completion,
        .batch_pages = settings->packet_pages,
        .page_bytes = settings->page_size,
        .timeout_ms = settings->timeout_ms,
    };
    g_autoptr(DsaGroup) group = dsa_group_new(paths, &dsa, errp);
    g_autoptr(DsaStatus) before = NULL;
    g_autoptr(DsaStatus) after = NULL;
    json_object *results;
    bool ok;

    if (!group) {
        return false;
    }
    before = dsa_group_status(group);
    if (!options->json) {
        bench_head(settings, before);
    }
    tool_json_string(out, "path", settings->path);
    json_object_object_add(
        out, "software", json_object_new_boolean(bench_is_software(before)));
    tool_json_string(out, "completion",
                     tool_completion_name(settings->completion));
    tool_json_number(out, "packet-pages", settings->packet_pages);
    tool_json_number(out, "page-size", settings->page_size);
    tool_json_number(out, "threads", settings->nr_threads);
    results = json_object_new_array();
    json_object_object_add(out, "results", results);
    ok = bench_patterns(options, settings, group, results, errp);
    after = dsa_group_status(group);
    bench_tail(after, out, options->json);
    return ok;
}

static int bench_main(const BenchOptions *options,
                      const BenchSettings *settings)
{
    json_object *out = json_object_new_object();
    BenchCost cost;
    Error *err = NULL;
    bool ok = options->null_only ||
              bench_queue(options, settings, out, &err);

    if (ok && (ok = bench_cost(settings, BENCH_COST_PACKETS, &cost, &err))) {
        if (options->json) {
            json_object_object_add(out, "library", bench_cost_json(&cost));
        } else {
            bench_cost_text(&cost);
        }
        bench_cost_clear(&cost);
    }
    if (ok && options->json) {
        tool_print_json(out);
    } else {
        json_object_put(out);
    }
    if (err) {
        tool_error_take(err);
    }
    return ok ? TOOL_OK : TOOL_FAILED;
}

static bool bench_number(const char *option, int value, int min, int max)
{
    if (value < min || value > max) {
        tool_error("--%s %d: it takes %d to %d", option, value, min, max);
        return false;
    }
    return true;
}

static bool bench_settings(const BenchOptions *options,
                           BenchSettings *settings)
{
    settings->page_size = qemu_real_host_page_size();
    settings->size_bytes = 64 * MiB;
    if (options->completion &&
        !tool_completion(options->completion, &settings->completion)) {
        return false;
    }
    if (options->size &&
        (qemu_strtosz(options->size, NULL, &settings->size_bytes) < 0 ||
         settings->size_bytes < settings->page_size ||
         settings->size_bytes > 1 * TiB)) {
        tool_error("--size %s: it takes a page to 1T", options->size);
        return false;
    }
    if (!bench_number("pages", options->pages, 1, DSA_BATCH_PAGES_MAX) ||
        !bench_number("threads", options->threads, 1, BENCH_THREADS_MAX) ||
        !bench_number("time", options->time_ms, 1, 3600000) ||
        !bench_number("timeout", options->timeout_ms, 1, 3600000)) {
        return false;
    }
    settings->packet_pages = options->pages;
    settings->nr_threads = options->threads;
    settings->time_ms = options->time_ms;
    settings->timeout_ms = options->timeout_ms;
    return true;
}

static int bench_operands(const BenchOptions *options, int argc, char **argv)
{
    BenchSettings settings = { .completion = DSA_COMPLETION_THREAD };
    g_autofree char *path = NULL;

    if (argc != (options->null_only ? 1 : 2)) {
        tool_error("%s; see 'wherry-dsa bench --help'",
                   options->null_only ? "--null-only takes no path" :
                   argc < 2 ? "a path is missing" : "one path at a time");
        return TOOL_USAGE;
    }
    if (!bench_settings(options, &settings)) {
        return TOOL_USAGE;
    }
    path = argc > 1 ? tool_path(argv[1]) : NULL;
    settings.path = path;
    return bench_main(options, &settings);
}

int tool_bench(int argc, char **argv)
{
    BenchOptions options = {
        .pages = 128, .threads = 1, .time_ms = 300,
        .timeout_ms = DSA_TIMEOUT_MS_DEFAULT,
    };
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON",
          NULL },
        { "pages", 0, 0, G_OPTION_ARG_INT, &options.pages,
          "Pages of a packet (128)", "N" },
        { "size", 0, 0, G_OPTION_ARG_STRING, &options.size,
          "Memory to look at (64M)", "SIZE" },
        { "threads", 0, 0, G_OPTION_ARG_INT, &options.threads,
          "Threads that submit (1)", "N" },
        { "completion", 0, 0, G_OPTION_ARG_STRING, &options.completion,
          "Way of waiting (thread)", "thread|in-thread" },
        { "time", 0, 0, G_OPTION_ARG_INT, &options.time_ms,
          "Length of one measurement (300)", "MS" },
        { "timeout", 0, 0, G_OPTION_ARG_INT, &options.timeout_ms,
          "How long a batch may take (1000)", "MS" },
        { "null-only", 0, 0, G_OPTION_ARG_NONE, &options.null_only,
          "Only what the library itself costs", NULL },
        G_OPTION_ENTRY_NULL
    };
    int status = TOOL_USAGE;

    if (tool_parse(&argc, &argv, "PATH",
                   "Measures a DSA queue against the CPU on the same memory.",
                   entries)) {
        status = bench_operands(&options, argc, argv);
    }
    g_free(options.completion);
    g_free(options.size);
    return status;
}
