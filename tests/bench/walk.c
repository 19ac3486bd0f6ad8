/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a round costs beside sending its pages: looking for what was written
 * (the sync) and walking over it, by size of RAM and by how much is dirty, with
 * software marks and with write-protection.
 *
 * One thread, and its CPU time.  Nothing is sent.  The RAM of software marks is
 * a memfd that is never touched, so that a TiB needs no memory but its bitmaps;
 * that of write-protection is populated.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>
#include <time.h>

#include "memory/dirty.h"
#include "migration/ram/walker.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/units.h"
#include "ram-fixture.h"

/* What is written in a cluster: 2 MiB. */
#define CLUSTER_PAGES 512

typedef struct Options {
    int max_gib;
    int wp_mib;
    int repeats;
    char *json;
} Options;

/* How much is dirty, and where. */
typedef struct Load {
    const char *name;
    double part;
    bool clustered;
} Load;

static const Load loads[] = {
    { "nothing", 0, false },
    { "last page", 0, true },
    { "0.001 % scattered", 0.00001, false },
    { "0.001 % clustered", 0.00001, true },
    { "0.1 % scattered", 0.001, false },
    { "0.1 % clustered", 0.001, true },
    { "10 % scattered", 0.1, false },
    { "10 % clustered", 0.1, true },
};

typedef struct Rig {
    const char *provider_name;
    RamList *list;
    RAMBlock *block;
    DirtySoft *soft;        /* NULL: @wp */
    DirtyWp *wp;
    DirtyProvider *provider;
    RamWalker *walker;
    double setup_ns;        /* to have a walker */
    double first_lap_ns;    /* all pages are dirty, all holes or all data */
} Rig;

typedef struct Times {
    double best, median;    /* ns */
} Times;

static double cpu_time_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void fail_if(Error *err)
{
    if (err) {
        fprintf(stderr, "walk: %s\n", error_get_pretty(err));
        exit(1);
    }
}

/* Walks to the end of RAM; returns how many pages were handed out. */
static uint64_t rig_walk(Rig *rig)
{
    uint64_t nr_pages = 0;
    Error *err = NULL;
    PageRun run;

    while (ram_walker_next(rig->walker, &run, &err) == RAM_WALKER_RUN) {
        nr_pages += run.nr_pages;
    }
    fail_if(err);
    return nr_pages;
}

static uint64_t rig_sync(Rig *rig)
{
    uint64_t nr_new = 0;
    Error *err = NULL;

    ram_walker_sync(rig->walker, &nr_new, &err);
    fail_if(err);
    return nr_new;
}

/* False where the kernel does not write-protect. */
static bool rig_init(Rig *rig, uint64_t size_bytes, bool wp)
{
    RamFixtureBlock spec = {
        .idstr = "ram",
        .size_bytes = size_bytes,
        .kind = wp ? RAM_FIXTURE_ANON : RAM_FIXTURE_MEMFD,
    };
    Error *err = NULL;
    double began;

    *rig = (Rig) { .list = ram_fixture_new(&spec, 1) };
    rig->block = ram_list_block(rig->list, 0);
    if (wp) {
        memset(rig->block->host, 1, size_bytes);
        rig->wp = dirty_wp_new(rig->list, &err);
        if (!rig->wp) {
            printf("no write-protection: %s\n", error_get_pretty(err));
            error_free(err);
            ram_list_free(rig->list);
            return false;
        }
        rig->provider = dirty_wp_provider(rig->wp);
    } else {
        rig->soft = dirty_soft_new(rig->list);
        rig->provider = dirty_soft_provider(rig->soft);
    }
    rig->provider_name = rig->provider->ops->name;
    began = cpu_time_ns();
    rig->provider->ops->start(rig->provider, rig->list, &err);
    fail_if(err);
    rig->walker = ram_walker_new(rig->list, rig->provider, NULL);
    rig_sync(rig);
    rig->setup_ns = cpu_time_ns() - began;
    began = cpu_time_ns();
    rig_walk(rig);
    rig->first_lap_ns = cpu_time_ns() - began;
    return true;
}

static void rig_clear(Rig *rig)
{
    ram_walker_free(rig->walker);
    rig->provider->ops->stop(rig->provider);
    dirty_soft_free(rig->soft);
    dirty_wp_free(rig->wp);
    ram_list_free(rig->list);
}

static void rig_write(Rig *rig, uint64_t first_page, uint64_t nr_pages)
{
    uint64_t offset = first_page << TARGET_PAGE_BITS;

    if (rig->soft) {
        dirty_soft_mark(rig->soft, rig->block, offset,
                        nr_pages << TARGET_PAGE_BITS);
        return;
    }
    for (uint64_t i = 0; i < nr_pages; i++, offset += TARGET_PAGE_SIZE) {
        ((volatile uint8_t *)rig->block->host)[offset]++;
    }
}

/* Writes so many pages, all over RAM; returns how many. */
static uint64_t rig_dirty(Rig *rig, const Load *load)
{
    uint64_t nr_pages = rig->block->nr_pages;
    uint64_t run = load->clustered ? CLUSTER_PAGES : 1;
    uint64_t wanted = (uint64_t)(load->part * (double)nr_pages);
    uint64_t nr_runs, step;

    if (load->part == 0) {
        if (load->clustered) {
            rig_write(rig, nr_pages - 1, 1);
        }
        return load->clustered;
    }
    wanted = MAX(wanted, 1);
    run = MIN(run, wanted);
    nr_runs = wanted / run;
    step = nr_pages / nr_runs;
    for (uint64_t i = 0; i < nr_runs; i++) {
        /* Somewhere in its part, the same in each run. */
        uint64_t at = (i + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 20;

        rig_write(rig, i * step + at % (step - run + 1), run);
    }
    return nr_runs * run;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static Times times_of(double *ns, int nr)
{
    qsort(ns, (size_t)nr, sizeof(*ns), compare_doubles);
    return (Times) { ns[0], ns[nr / 2] };
}

static json_object *json_of(const Rig *rig, const char *what, uint64_t nr_pages,
                            Times sync, Times walk)
{
    json_object *item = json_object_new_object();

    json_object_object_add(item, "provider",
                           json_object_new_string(rig->provider_name));
    json_object_object_add(item, "ram-bytes", json_object_new_int64(
        (int64_t)rig->block->used_length));
    json_object_object_add(item, "dirty", json_object_new_string(what));
    json_object_object_add(item, "dirty-pages",
                           json_object_new_int64((int64_t)nr_pages));
    json_object_object_add(item, "sync-ns-best",
                           json_object_new_double(sync.best));
    json_object_object_add(item, "sync-ns-median",
                           json_object_new_double(sync.median));
    json_object_object_add(item, "walk-ns-best",
                           json_object_new_double(walk.best));
    json_object_object_add(item, "walk-ns-median",
                           json_object_new_double(walk.median));
    return item;
}

static void measure_load(Rig *rig, const Load *load, int repeats,
                         json_object *list)
{
    g_autofree double *sync_ns = g_new(double, repeats);
    g_autofree double *walk_ns = g_new(double, repeats);
    uint64_t nr_dirty = 0;
    Times sync, walk;

    for (int i = 0; i < repeats; i++) {
        double began, synced;

        nr_dirty = rig_dirty(rig, load);
        began = cpu_time_ns();
        if (rig_sync(rig) != nr_dirty) {
            fprintf(stderr, "walk: a sync found other pages\n");
            exit(1);
        }
        synced = cpu_time_ns();
        if (rig_walk(rig) != nr_dirty) {
            fprintf(stderr, "walk: a walk found other pages\n");
            exit(1);
        }
        sync_ns[i] = synced - began;
        walk_ns[i] = cpu_time_ns() - synced;
    }
    sync = times_of(sync_ns, repeats);
    walk = times_of(walk_ns, repeats);
    printf("  %-18s%12" PRIu64 "%14.3f%14.3f", load->name, nr_dirty,
           sync.best / 1e6, walk.best / 1e6);
    if (nr_dirty > 1) {
        printf("%12.1f", (sync.best + walk.best) / (double)nr_dirty);
    }
    printf("\n");
    fflush(stdout);
    json_object_array_add(list, json_of(rig, load->name, nr_dirty, sync, walk));
}

/* Plainly over the words of a clean map, for comparison. */
static void measure_scan(Rig *rig, int repeats, json_object *list)
{
    uint64_t nr_pages = rig->block->nr_pages;
    g_autofree unsigned long *map = bitmap_new(nr_pages);
    g_autofree double *ns = g_new(double, repeats);
    Times none = { 0, 0 };
    Times scan;

    /* Touched, or all of it would be one page. */
    bitmap_set(map, 0, nr_pages);
    bitmap_clear(map, 0, nr_pages);
    for (int i = 0; i < repeats; i++) {
        double began = cpu_time_ns();

        if (find_first_bit(map, nr_pages) != nr_pages) {
            exit(1);
        }
        ns[i] = cpu_time_ns() - began;
    }
    scan = times_of(ns, repeats);
    printf("  %-18s%12s%14s%14.3f\n", "all words, clean", "", "",
           scan.best / 1e6);
    json_object_array_add(list, json_of(rig, "all words, clean", 0, none,
                                        scan));
}

static void measure_size(uint64_t size_bytes, bool wp, int repeats,
                         json_object *list)
{
    Times setup, lap;
    Rig rig;

    if (!rig_init(&rig, size_bytes, wp)) {
        return;
    }
    printf("%s, %" PRIu64 " MiB, %" PRIu64 " pages: set up %.3f ms, first lap "
           "%.3f ms\n", rig.provider_name, size_bytes / MiB,
           rig.block->nr_pages, rig.setup_ns / 1e6, rig.first_lap_ns / 1e6);
    printf("  %-18s%12s%14s%14s%12s\n", "dirty", "pages", "sync ms", "walk ms",
           "ns a page");
    setup = (Times) { rig.setup_ns, rig.setup_ns };
    lap = (Times) { rig.first_lap_ns, rig.first_lap_ns };
    json_object_array_add(list, json_of(&rig, "all, first lap",
                                        rig.block->nr_pages, setup, lap));
    measure_scan(&rig, repeats, list);
    for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
        measure_load(&rig, &loads[i], repeats, list);
    }
    rig_clear(&rig);
}

static bool options_parse(Options *o, int *argc, char ***argv)
{
    GOptionEntry entries[] = {
        { "max-size", 0, 0, G_OPTION_ARG_INT, &o->max_gib,
          "largest RAM with software marks (default 1024)", "GIB" },
        { "wp-size", 0, 0, G_OPTION_ARG_INT, &o->wp_mib,
          "RAM with write-protection, 0 for none (default 1024)", "MIB" },
        { "repeats", 0, 0, G_OPTION_ARG_INT, &o->repeats,
          "rounds, of which the best counts (default 5)", "N" },
        { "json", 0, 0, G_OPTION_ARG_FILENAME, &o->json,
          "write all figures there, too", "FILE" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) err = NULL;

    g_option_context_set_summary(
        context, "Measures syncs of the dirty log and walks over dirty pages.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, &err)) {
        fprintf(stderr, "walk: %s\n", err->message);
        return false;
    }
    if (*argc > 1 || o->max_gib < 1 || o->wp_mib < 0 || o->repeats < 1) {
        fprintf(stderr, "walk: a number is out of range, or there is an "
                "argument too many\n");
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    Options o = { .max_gib = 1024, .wp_mib = 1024, .repeats = 5 };
    json_object *list;
    int ret = 0;

    if (!options_parse(&o, &argc, &argv)) {
        return 1;
    }
    list = json_object_new_array();
    for (uint64_t gib = 1; gib <= (uint64_t)o.max_gib; gib *= 4) {
        measure_size(gib * GiB, false, o.repeats, list);
    }
    for (uint64_t mib = 256; mib <= (uint64_t)o.wp_mib; mib *= 2) {
        measure_size(mib * MiB, true, o.repeats, list);
    }
    if (o.json && json_object_to_file_ext(o.json, list,
                                          JSON_C_TO_STRING_PRETTY) < 0) {
        fprintf(stderr, "walk: cannot write '%s'\n", o.json);
        ret = 1;
    }
    json_object_put(list);
    return ret;
}
