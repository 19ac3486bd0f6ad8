/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zero test against the memory's speed: GB/s of each body of
 * buffer_is_zero() beside plain reading, in each level of the caches and in
 * memory, and what a normal page costs by where its byte is.
 *
 * One thread, and its CPU time: what else the machine does takes less of the
 * figures so.  Bodies take turns, the best of several rounds counts.  Figures
 * of two machines, or of two builds that were not run in turn, do not compare.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>
#include <sys/mman.h>
#include <time.h>

#include "qemu/bitmap.h"
#include "qemu/cpuinfo.h"
#include "qemu/cutils.h"
#include "qemu/units.h"

#define PAGE 4096u
/* As many as a packet of multifd has. */
#define RUN_PAGES 128u
#define NR_AREAS 5

typedef struct Options {
    int size_mib;
    int time_ms;
    int repeats;
    char *json;
} Options;

typedef struct Area {
    const char *name;
    uint8_t *host;
    size_t len_bytes;
    bool huge;
} Area;

/* A way to go through an area once. */
typedef struct Body {
    const char *name;
    uint64_t (*run)(const Area *area, size_t impl);
    size_t impl;
} Body;

/* Whatever is computed ends up here, so that it is. */
static volatile uint64_t sink;

/*
 * Plain reading: vectors of @width bytes, one after the other, nothing decided.
 * Four chains, so that no load waits for an OR.
 */
#define DEFINE_READ(name, width, ...)                                       \
    __VA_ARGS__ static uint64_t name(const uint8_t *buf, size_t len_bytes)  \
    {                                                                       \
        typedef uint64_t Vec __attribute__((vector_size(width)));           \
        const Vec *p = (const Vec *)buf;                                    \
        const Vec *end = (const Vec *)(buf + len_bytes);                    \
        Vec a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };                     \
                                                                            \
        for (; p < end; p += 8) {                                           \
            a |= p[0]; b |= p[1]; c |= p[2]; d |= p[3];                     \
            a |= p[4]; b |= p[5]; c |= p[6]; d |= p[7];                     \
        }                                                                   \
        a |= b | c | d;                                                     \
        return a[0] | a[width / 8 - 1];                                     \
    }

#define READ_AVX2 1

DEFINE_READ(read_16, 16)
#if defined(__x86_64__)
DEFINE_READ(read_32, 32, __attribute__((target("avx2"))))
#endif

/* Wider vectors are not faster: see the bodies' own figures. */
static uint64_t run_read(const Area *area, size_t impl)
{
#if defined(__x86_64__)
    if (impl == READ_AVX2) {
        return read_32(area->host, area->len_bytes);
    }
#endif
    return read_16(area->host, area->len_bytes);
}

static uint64_t run_impl(const Area *area, size_t impl)
{
    uint64_t nr_zero = 0;

    for (size_t at = 0; at < area->len_bytes; at += PAGE) {
        nr_zero += buffer_is_zero_with(impl, area->host + at, PAGE);
    }
    return nr_zero;
}

static uint64_t run_probed(const Area *area, size_t impl)
{
    uint64_t nr_zero = 0;

    for (size_t at = 0; at < area->len_bytes; at += PAGE) {
        nr_zero += buffer_is_zero(area->host + at, PAGE);
    }
    return nr_zero;
}

static uint64_t run_bitmap(const Area *area, size_t impl)
{
    DECLARE_BITMAP(zero, RUN_PAGES);
    size_t nr_pages = area->len_bytes / PAGE;
    uint64_t nr_zero = 0;

    for (size_t first = 0; first < nr_pages; first += RUN_PAGES) {
        size_t nr = MIN(nr_pages - first, RUN_PAGES);

        buffer_zero_bitmap(area->host + first * PAGE, PAGE, nr, zero);
        nr_zero += bitmap_count_one(zero, nr);
    }
    return nr_zero;
}

/* As the channels do it: pages by their addresses. */
static uint64_t run_pages(const Area *area, size_t impl)
{
    DECLARE_BITMAP(zero, RUN_PAGES);
    const uint8_t *page[RUN_PAGES];
    size_t nr_pages = area->len_bytes / PAGE;
    uint64_t nr_zero = 0;

    for (size_t first = 0; first < nr_pages; first += RUN_PAGES) {
        size_t nr = MIN(nr_pages - first, RUN_PAGES);

        for (size_t i = 0; i < nr; i++) {
            page[i] = area->host + (first + i) * PAGE;
        }
        buffer_zero_pages(page, PAGE, nr, zero);
        nr_zero += bitmap_count_one(zero, nr);
    }
    return nr_zero;
}

static uint64_t cpu_time_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Nanoseconds of one pass, as many passes as fill the time. */
static double time_pass(const Body *body, const Area *area, int time_ms)
{
    uint64_t limit = (uint64_t)time_ms * 1000000;
    uint64_t began = cpu_time_ns();
    uint64_t passed, passes = 0, step = 1;

    do {
        for (uint64_t i = 0; i < step; i++) {
            sink = body->run(area, body->impl);
        }
        passes += step;
        step = MIN(2 * step, 256);
        passed = cpu_time_ns() - began;
    } while (passed < limit);
    return (double)passed / (double)passes;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

typedef struct Times {
    double best, median;        /* ns of one pass */
} Times;

/* Each body in turn, then all again. */
static void measure(const Options *o, const Area *area, const Body *bodies,
                    size_t nr_bodies, Times *times)
{
    g_autofree double *ns = g_new(double, nr_bodies * (size_t)o->repeats);

    for (size_t b = 0; b < nr_bodies; b++) {
        sink = bodies[b].run(area, bodies[b].impl);
    }
    for (int r = 0; r < o->repeats; r++) {
        for (size_t b = 0; b < nr_bodies; b++) {
            ns[b * o->repeats + r] = time_pass(&bodies[b], area, o->time_ms);
        }
    }
    for (size_t b = 0; b < nr_bodies; b++) {
        double *first = &ns[b * o->repeats];

        qsort(first, (size_t)o->repeats, sizeof(*first), compare_doubles);
        times[b] = (Times) { first[0], first[o->repeats / 2] };
    }
}

static void area_init(Area *area)
{
    void *host = mmap(NULL, area->len_bytes + 2 * MiB, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (host == MAP_FAILED) {
        fprintf(stderr, "zero-test: no memory of %zu bytes\n",
                area->len_bytes);
        exit(1);
    }
    /* What is left around it goes with the process. */
    area->host = QEMU_ALIGN_PTR_UP((uint8_t *)host, 2 * MiB);
    (void)madvise(area->host, area->len_bytes,
                  area->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    memset(area->host, 0, area->len_bytes);
}

/* What sysconf() says of the third level is wrong on some processors. */
static size_t cache_bytes(const char *index, size_t otherwise)
{
    g_autofree char *path = g_strdup_printf(
        "/sys/devices/system/cpu/cpu0/cache/%s/size", index);
    g_autofree char *text = NULL;
    uint64_t size;

    if (!g_file_get_contents(path, &text, NULL, NULL) ||
        qemu_strtosz(g_strstrip(text), NULL, &size) < 0 || size == 0) {
        return otherwise;
    }
    return size;
}

static json_object *number(double value)
{
    return json_object_new_double(value);
}

/* All zero, in each area: GB/s, and the share of plain reading. */
static json_object *report_speed(const Options *o, const Area *areas,
                                 size_t nr_areas, const Body *bodies,
                                 size_t nr_bodies)
{
    json_object *list = json_object_new_array();
    g_autofree Times *times = g_new(Times, nr_bodies);

    printf("all zero, GB/s and the share of plain reading\n%-16s%9s", "",
           "KiB");
    for (size_t b = 0; b < nr_bodies; b++) {
        printf("%15s", bodies[b].name);
    }
    printf("\n");
    for (size_t a = 0; a < nr_areas; a++) {
        double bytes = (double)areas[a].len_bytes;

        measure(o, &areas[a], bodies, nr_bodies, times);
        printf("%-16s%9zu", areas[a].name, areas[a].len_bytes / 1024);
        for (size_t b = 0; b < nr_bodies; b++) {
            json_object *item = json_object_new_object();

            printf("%9.1f %4.0f%%", bytes / times[b].best,
                   100 * times[0].best / times[b].best);
            json_object_object_add(item, "memory",
                                   json_object_new_string(areas[a].name));
            json_object_object_add(item, "bytes",
                                   json_object_new_int64((int64_t)bytes));
            json_object_object_add(item, "body",
                                   json_object_new_string(bodies[b].name));
            json_object_object_add(item, "gb-per-second-best",
                                   number(bytes / times[b].best));
            json_object_object_add(item, "gb-per-second-median",
                                   number(bytes / times[b].median));
            json_object_array_add(list, item);
        }
        printf("\n");
        fflush(stdout);
    }
    return list;
}

/* Where the only byte of a page is, and in which pages. */
typedef struct Place {
    const char *name;
    unsigned offset;
    unsigned every;             /* one page in so many is normal */
} Place;

static const Place places[] = {
    { "first byte", 0, 1 },
    { "byte 1000", 1000, 1 },
    { "middle", PAGE / 2, 1 },
    { "byte 3000", 3000, 1 },
    { "last byte", PAGE - 1, 1 },
    { "first, every 2nd", 0, 2 },
    { "last, every 2nd", PAGE - 1, 2 },
};

static json_object *report_normal(const Options *o, const Area *area,
                                  const Body *bodies, size_t nr_bodies)
{
    json_object *list = json_object_new_array();
    g_autofree Times *times = g_new(Times, nr_bodies);
    double nr_pages = (double)(area->len_bytes / PAGE);

    printf("\nnormal pages in %s, ns a page\n%-25s", area->name, "");
    for (size_t b = 0; b < nr_bodies; b++) {
        printf("%15s", bodies[b].name);
    }
    printf("\n");
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        const Place *p = &places[i];

        memset(area->host, 0, area->len_bytes);
        for (size_t at = 0; at < area->len_bytes; at += p->every * PAGE) {
            area->host[at + p->offset] = 1;
        }
        measure(o, area, bodies, nr_bodies, times);
        printf("%-25s", p->name);
        for (size_t b = 0; b < nr_bodies; b++) {
            json_object *item = json_object_new_object();

            printf("%15.1f", times[b].best / nr_pages);
            json_object_object_add(item, "place",
                                   json_object_new_string(p->name));
            json_object_object_add(item, "body",
                                   json_object_new_string(bodies[b].name));
            json_object_object_add(item, "ns-per-page-best",
                                   number(times[b].best / nr_pages));
            json_object_object_add(item, "ns-per-page-median",
                                   number(times[b].median / nr_pages));
            json_object_array_add(list, item);
        }
        printf("\n");
        fflush(stdout);
    }
    return list;
}

static bool options_parse(Options *o, int *argc, char ***argv)
{
    GOptionEntry entries[] = {
        { "size", 0, 0, G_OPTION_ARG_INT, &o->size_mib,
          "memory beyond all caches (default 256)", "MIB" },
        { "time", 0, 0, G_OPTION_ARG_INT, &o->time_ms,
          "for each measurement (default 30)", "MS" },
        { "repeats", 0, 0, G_OPTION_ARG_INT, &o->repeats,
          "rounds, of which the best counts (default 5)", "N" },
        { "json", 0, 0, G_OPTION_ARG_FILENAME, &o->json,
          "write all figures there, too", "FILE" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) err = NULL;

    g_option_context_set_summary(
        context, "Measures the zero test beside plain reading.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, &err)) {
        fprintf(stderr, "zero-test: %s\n", err->message);
        return false;
    }
    if (*argc > 1 || o->size_mib < 1 || o->time_ms < 1 || o->repeats < 1) {
        fprintf(stderr, "zero-test: a number is out of range, or there is an "
                "argument too many\n");
        return false;
    }
    return true;
}

static GArray *make_bodies(void)
{
    GArray *bodies = g_array_new(false, false, sizeof(Body));
    bool avx2 = (cpuinfo_get() & CPUINFO_AVX2) != 0;
    Body body = { "plain reading", run_read, avx2 ? READ_AVX2 : 0 };

    g_array_append_val(bodies, body);
    for (size_t i = 0; i < buffer_is_zero_nr_impls(); i++) {
        body = (Body) { buffer_is_zero_impl_name(i), run_impl, i };
        g_array_append_val(bodies, body);
    }
    body = (Body) { "buffer_is_zero", run_probed, 0 };
    g_array_append_val(bodies, body);
    body = (Body) { "bitmap", run_bitmap, 0 };
    g_array_append_val(bodies, body);
    body = (Body) { "pages", run_pages, 0 };
    g_array_append_val(bodies, body);
    return bodies;
}

/* Half a cache leaves room for what else is in it; the third is shared. */
static void make_areas(const Options *o, Area *areas)
{
    size_t size = (size_t)o->size_mib * MiB;

    areas[0] = (Area) { "L1", NULL, cache_bytes("index0", 32 * KiB) / 2, true };
    areas[1] = (Area) { "L2", NULL, cache_bytes("index2", MiB) / 2, true };
    areas[2] = (Area) { "L3", NULL, cache_bytes("index3", 8 * MiB) / 4, true };
    areas[3] = (Area) { "memory", NULL, size, true };
    areas[4] = (Area) { "memory, 4 KiB", NULL, size, false };
    for (size_t i = 0; i < NR_AREAS; i++) {
        areas[i].len_bytes = QEMU_ALIGN_UP(areas[i].len_bytes, PAGE);
        area_init(&areas[i]);
    }
}

int main(int argc, char **argv)
{
    Options o = { .size_mib = 256, .time_ms = 30, .repeats = 5 };
    g_autoptr(GArray) bodies = make_bodies();
    Body *body = (Body *)bodies->data;
    Area areas[NR_AREAS];
    json_object *root;
    int ret = 0;

    if (!options_parse(&o, &argc, &argv)) {
        return 1;
    }
    make_areas(&o, areas);
    root = json_object_new_object();
    json_object_object_add(root, "in-use", json_object_new_string(
        buffer_is_zero_impl_name(buffer_is_zero_best_impl())));
    json_object_object_add(root, "all-zero",
                           report_speed(&o, areas, NR_AREAS, body,
                                        bodies->len));
    json_object_object_add(root, "normal",
                           report_normal(&o, &areas[3], body + 1,
                                         bodies->len - 1));
    if (o.json && json_object_to_file_ext(o.json, root,
                                          JSON_C_TO_STRING_PRETTY) < 0) {
        fprintf(stderr, "zero-test: cannot write '%s'\n", o.json);
        ret = 1;
    }
    json_object_put(root);
    g_free(o.json);
    return ret;
}
