/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of `-accel stress`; see accel/stress-options.h.
 *
 * Main thread.
 */
#include "qemu/osdep.h"

#include "accel/stress-options.h"
#include "accel/stress-pace.h"
#include "memory/ram.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/units.h"

#define DEFAULT_RATE (64 * MiB)

const AccelOption stress_option_help[] = {
    { "threads", "N", "how many threads write (default: 1, at most 64)" },
    { "rate", "SIZE", "bytes a second of all threads (default: 64M)" },
    { "pattern", "seq|random|hot", "hot: 9 of 10 writes go to a tenth" },
    { "zero", "PCT", "how many writes make a page zero (default: 0)" },
    { "size", "SIZE", "how much of RAM is written to (default: all)" },
    { "dirty", "auto|wp|soft", "find writes by write-protection or by marks" },
    { "verify", "on|off", "check what pages hold (default: on)" },
    { NULL, NULL, NULL }
};

static const char *const pattern_names[STRESS_PATTERN__MAX + 1] = {
    "seq", "random", "hot", NULL
};

static const char *const dirty_names[STRESS_DIRTY__MAX + 1] = {
    "auto", "wp", "soft", NULL
};

static const char *const switch_names[] = { "off", "on", NULL };

const char *stress_pattern_str(StressPattern pattern)
{
    return pattern_names[pattern];
}

/* A whole number from @min to @max; @value keeps its default without @key. */
static bool stress_get_number(const KeyvalList *list, const char *key,
                              unsigned min, unsigned max, unsigned *value,
                              Error **errp)
{
    const char *text = list ? keyval_get(list, key) : NULL;
    uint64_t number;

    if (!text) {
        return true;
    }
    if (parse_uint_full(text, 10, &number) < 0 || number < min ||
        number > max) {
        error_setg(errp, "-accel stress: %s=%s is not a number from %u to %u",
                   key, text, min, max);
        return false;
    }
    *value = (unsigned)number;
    return true;
}

static bool stress_get_size(const KeyvalList *list, const char *key,
                            uint64_t max, uint64_t *value, Error **errp)
{
    const char *text = list ? keyval_get(list, key) : NULL;
    g_autofree char *limit = NULL;

    if (!text) {
        return true;
    }
    if (qemu_strtosz(text, NULL, value) < 0) {
        error_setg(errp, "-accel stress: %s=%s is not a size; write for"
                   " instance 64M", key, text);
        return false;
    }
    if (*value > max) {
        limit = size_to_str(max);
        error_setg(errp, "-accel stress: %s=%s is more than %s", key, text,
                   limit);
        return false;
    }
    return true;
}

static bool stress_get_name(const KeyvalList *list, const char *key,
                            const char *const *names, unsigned *value,
                            Error **errp)
{
    const char *text = list ? keyval_get(list, key) : NULL;
    g_autofree char *known = NULL;

    if (!text) {
        return true;
    }
    for (unsigned i = 0; names[i]; i++) {
        if (g_str_equal(names[i], text)) {
            *value = i;
            return true;
        }
    }
    known = g_strjoinv(", ", (char **)names);
    error_setg(errp, "-accel stress: %s=%s is none of %s", key, text, known);
    return false;
}

/* How many pages are used; each thread must have enough of them. */
static bool stress_check_size(StressOptions *o, uint64_t size,
                              uint64_t ram_bytes, Error **errp)
{
    uint64_t least = (uint64_t)o->nr_threads * STRESS_PLAN_PAGES_MIN *
                     TARGET_PAGE_SIZE;

    if (ram_bytes == 0) {
        error_setg(errp, "-accel stress has no RAM to write to; give the"
                   " machine some with -m");
        return false;
    }
    if (size % TARGET_PAGE_SIZE) {
        error_setg(errp, "-accel stress: size=%" PRIu64 " is no multiple of a"
                   " page, %u bytes", size, TARGET_PAGE_SIZE);
        return false;
    }
    if (size < least) {
        error_setg(errp, "-accel stress: %u threads need %" PRIu64 " KiB of"
                   " RAM to write to, and have %" PRIu64, o->nr_threads,
                   least / KiB, size / KiB);
        return false;
    }
    o->nr_pages = size / TARGET_PAGE_SIZE;
    return true;
}

bool stress_options_parse(StressOptions *options, const KeyvalList *list,
                          uint64_t ram_bytes, Error **errp)
{
    StressOptions o = { .nr_threads = 1, .rate = DEFAULT_RATE };
    uint64_t size = ram_bytes;
    unsigned pattern = STRESS_PATTERN_SEQ;
    unsigned dirty = STRESS_DIRTY_AUTO;
    unsigned verify = 1;

    if (!stress_get_number(list, "threads", 1, STRESS_THREADS_MAX,
                           &o.nr_threads, errp) ||
        !stress_get_size(list, "rate", STRESS_PACE_RATE_MAX, &o.rate, errp) ||
        !stress_get_name(list, "pattern", pattern_names, &pattern, errp) ||
        !stress_get_number(list, "zero", 0, 100, &o.zero_percent, errp) ||
        !stress_get_size(list, "size", ram_bytes, &size, errp) ||
        !stress_get_name(list, "dirty", dirty_names, &dirty, errp) ||
        !stress_get_name(list, "verify", switch_names, &verify, errp) ||
        !stress_check_size(&o, size, ram_bytes, errp)) {
        return false;
    }
    o.pattern = pattern;
    o.dirty = dirty;
    o.verify = verify;
    *options = o;
    return true;
}
