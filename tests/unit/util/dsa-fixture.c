/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared parts of the tests of the DSA library; see dsa-fixture.h.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "qemu/bitmap.h"
#include "qemu/cutils.h"
#include "dsa-fixture.h"

DsaPages *dsa_pages_new(size_t page_size, unsigned nr)
{
    DsaPages *p = g_new0(DsaPages, 1);

    p->page_size = page_size;
    p->nr = nr;
    p->mem = mmap(NULL, page_size * nr, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    g_assert_true(p->mem != MAP_FAILED);
    p->page = g_new(const uint8_t *, nr);
    for (unsigned i = 0; i < nr; i++) {
        p->page[i] = p->mem + i * page_size;
    }
    return p;
}

void dsa_pages_free(DsaPages *p)
{
    if (p) {
        munmap(p->mem, p->page_size * p->nr);
        g_free(p->page);
        g_free(p);
    }
}

void dsa_pages_set(DsaPages *p, unsigned i, size_t offset)
{
    p->mem[i * p->page_size + offset] = 0x80;
}

void dsa_pages_mix(DsaPages *p)
{
    const size_t at[] = {
        0, 1, 7, 8, 9, 15, 31, 32, 63, 64, 65, 127, 128, 2047, 2048,
        p->page_size - 65, p->page_size - 64, p->page_size - 9,
        p->page_size - 8, p->page_size - 1,
    };

    for (unsigned i = 0, k = 0; i < p->nr; i++) {
        if (i % 3) {
            dsa_pages_set(p, i, at[k++ % ARRAY_SIZE(at)]);
        }
    }
}

void dsa_check_wait(DsaBatch *b, const DsaPages *p, unsigned first,
                    unsigned nr)
{
    g_autofree unsigned long *zero = bitmap_new(nr);

    /* Whatever stood there is to be gone. */
    bitmap_fill(zero, nr);
    dsa_batch_wait(b, zero);
    for (unsigned i = 0; i < nr; i++) {
        if (!!test_bit(i, zero) !=
            buffer_is_zero(p->page[first + i], p->page_size)) {
            g_error("page %u of %u from %u on is wrongly said to be %s", i, nr,
                    first, test_bit(i, zero) ? "zero" : "not zero");
        }
    }
}

void dsa_check_batch(DsaBatch *b, const DsaPages *p, unsigned first,
                     unsigned nr)
{
    dsa_batch_submit(b, p->page + first, nr);
    dsa_check_wait(b, p, first, nr);
}

DsaOptions dsa_test_options(DsaCompletion completion, unsigned timeout_ms)
{
    return (DsaOptions) {
        .completion = completion,
        .batch_pages = DSA_TEST_PAGES,
        .page_bytes = DSA_TEST_PAGE,
        .timeout_ms = timeout_ms,
    };
}

DsaGroup *dsa_test_group(DsaCompletion completion, unsigned timeout_ms,
                         const char *soft, ...)
{
    DsaOptions options = dsa_test_options(completion, timeout_ms);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    Error *err = NULL;
    DsaGroup *group;
    va_list ap;

    va_start(ap, soft);
    for (; soft; soft = va_arg(ap, const char *)) {
        g_ptr_array_add(paths, g_strconcat("dsa:soft?", soft, NULL));
    }
    va_end(ap);
    g_ptr_array_add(paths, NULL);
    group = dsa_group_new((const char *const *)paths->pdata, &options, &err);
    if (!group) {
        g_error("%s", error_get_pretty(err));
    }
    g_assert_null(err);
    return group;
}

void dsa_test_still_works(DsaCompletion completion)
{
    g_autoptr(DsaGroup) group = dsa_test_group(completion, DSA_TEST_LONG_MS,
                                               "max-batch-size=64", NULL);
    DsaBatch *b = dsa_batch_new(dsa_lane_new(group), DSA_TEST_PAGE);
    DsaPages *p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    g_autoptr(DsaStatus) status = NULL;

    dsa_pages_mix(p);
    dsa_check_batch(b, p, 0, p->nr);
    status = dsa_group_status(group);
    g_assert_cmpuint(dsa_test_cpu_pages(status), ==, 0);
    g_assert_null(dsa_group_take_warning(group));
    g_clear_pointer(&group, dsa_group_free);
    dsa_pages_free(p);
}

char *dsa_test_take_only_warning(DsaGroup *group)
{
    char *warning = dsa_group_take_warning(group);

    g_assert_nonnull(warning);
    g_test_message("%s", warning);
    g_assert_null(strchr(warning, '\n'));
    g_assert_null(dsa_group_take_warning(group));
    return warning;
}

uint64_t dsa_test_cpu_pages(const DsaStatus *status)
{
    uint64_t sum = 0;

    for (int i = 0; i < DSA_CPU__MAX; i++) {
        sum += status->counters.cpu_pages[i];
    }
    return sum;
}

static void dsa_test_run(gconstpointer opaque)
{
    const DsaCase *c = opaque;

    c->fn(c);
}

static void dsa_test_add_one(const char *suite, const char *way,
                             const char *name, DsaCase c)
{
    g_autofree char *path = g_strdup_printf("/%s/%s/%s", suite, way, name);
    DsaCase *copy = g_new(DsaCase, 1);

    *copy = c;
    g_test_add_data_func_full(path, copy, dsa_test_run, g_free);
}

void dsa_test_add(const char *suite, const char *name,
                  void (*fn)(const DsaCase *c), bool hardware)
{
    dsa_test_add_one(suite, "completion-thread", name,
                     (DsaCase) { fn, DSA_COMPLETION_THREAD, false });
    dsa_test_add_one(suite, "in-thread", name,
                     (DsaCase) { fn, DSA_COMPLETION_IN_THREAD, false });
    if (hardware) {
        dsa_test_add_one(suite, "hardware/completion-thread", name,
                         (DsaCase) { fn, DSA_COMPLETION_THREAD, true });
        dsa_test_add_one(suite, "hardware/in-thread", name,
                         (DsaCase) { fn, DSA_COMPLETION_IN_THREAD, true });
    }
}
