/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qpl by IAA devices, against a library and a device that the test plays: what a
 * device does not do is done all the same, and its content is the CPU's, too.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration/multifd/qpl-internal.h"
#include "compress-pages.h"
#include "fake-qpl/fake-qpl.h"

#define NR_PAGES 64

typedef struct Iaa {
    MultiFDQplCpu *cpu;
    MultiFDQplIaa *iaa;
    uint8_t *pages;
    uint8_t *back;
    MultiFDQplPage page[NR_PAGES];
} Iaa;

static void iaa_new(Iaa *t, FakeQpl device)
{
    Error *err = NULL;

    fake_qpl = device;
    t->pages = compress_new_pages(NR_PAGES, 0);
    t->back = g_malloc(PAGES(NR_PAGES));
    t->cpu = multifd_qpl_cpu_new(&err);
    t->iaa = multifd_qpl_iaa_new(NR_PAGES, t->cpu, &err);
    g_assert_null(err);
    g_assert_nonnull(t->iaa);
}

static void iaa_free(Iaa *t)
{
    multifd_qpl_iaa_free(t->iaa);
    multifd_qpl_cpu_free(t->cpu);
    g_free(t->pages);
    g_free(t->back);
    g_assert_cmpuint(fake_qpl.nr_under_way, ==, 0);
    g_assert_cmpuint(fake_qpl.nr_jobs, ==, 0);
}

static void iaa_deflate(Iaa *t)
{
    Error *err = NULL;

    for (unsigned i = 0; i < NR_PAGES; i++) {
        t->page[i].host = t->pages + PAGES(i);
    }
    multifd_qpl_iaa_deflate(t->iaa, t->page, NR_PAGES, &err);
    g_assert_null(err);
    for (unsigned i = 0; i < NR_PAGES; i++) {
        g_assert_cmpuint(t->page[i].len_bytes, >, 0);
        g_assert_cmpuint(t->page[i].len_bytes, <=, TARGET_PAGE_SIZE);
    }
}

/* What was deflated, by the CPU or by the device. */
static void iaa_inflate(Iaa *t, bool device)
{
    Error *err = NULL;

    memset(t->back, 0xee, PAGES(NR_PAGES));
    for (unsigned i = 0; i < NR_PAGES; i++) {
        t->page[i].host = t->back + PAGES(i);
        if (!device) {
            multifd_qpl_cpu_inflate(t->cpu, &t->page[i], &err);
            g_assert_null(err);
        }
    }
    if (device) {
        multifd_qpl_iaa_inflate(t->iaa, t->page, NR_PAGES, &err);
        g_assert_null(err);
    }
    g_assert_cmpmem(t->back, PAGES(NR_PAGES), t->pages, PAGES(NR_PAGES));
}

typedef struct Device {
    const char *path;
    FakeQpl device;
} Device;

static const Device devices[] = {
    { "idle", { .queue_size = 1000 } },
    { "slow", { .queue_size = 1000, .checks = 3 } },
    { "small queue", { .queue_size = 5, .checks = 2 } },
    { "one at a time", { .queue_size = 1, .checks = 1 } },
    { "faults now and then", { .queue_size = 1000, .fault_every = 7 } },
    { "faults always", { .queue_size = 1000, .fault_every = 1 } },
    { "refuses now and then", { .queue_size = 1000, .refuse_every = 5 } },
    { "refuses always", { .queue_size = 1000, .refuse_every = 1 } },
    { "all at once", { .queue_size = 6, .checks = 4, .fault_every = 3,
                       .refuse_every = 4 } },
    { "filled by others", { .busy = true } },
};

static void test_there_and_back(const void *data)
{
    const Device *d = data;
    Iaa t;

    iaa_new(&t, d->device);
    for (unsigned i = 0; i < 3; i++) {
        iaa_deflate(&t);
        iaa_inflate(&t, false);
        iaa_inflate(&t, true);
    }
    iaa_free(&t);
}

/* All pages of a packet are handed over before the first is waited for. */
static void test_all_at_once(void)
{
    Iaa t;

    iaa_new(&t, (FakeQpl) { .queue_size = 1000, .checks = 2 });
    iaa_deflate(&t);
    g_assert_cmpuint(fake_qpl.nr_most, ==, NR_PAGES);
    g_assert_cmpuint(fake_qpl.nr_submitted, ==, NR_PAGES);
    fake_qpl.nr_most = 0;
    iaa_inflate(&t, true);
    /* A page that did not shrink is no work for it. */
    g_assert_cmpuint(fake_qpl.nr_most, ==, NR_PAGES * 3 / 4);
    iaa_free(&t);
}

/* A queue that is full of our own is waited for, and does all of it. */
static void test_full_queue(void)
{
    Iaa t;

    iaa_new(&t, (FakeQpl) { .queue_size = 5, .checks = 2 });
    iaa_deflate(&t);
    g_assert_cmpuint(fake_qpl.nr_most, ==, 5);
    g_assert_cmpuint(fake_qpl.nr_submitted, ==, NR_PAGES);
    g_assert_cmpuint(fake_qpl.nr_busy, >, 0);
    iaa_free(&t);
}

/* A page that does not shrink is sent from where it is. */
static void test_raw_page(void)
{
    Iaa t;

    iaa_new(&t, (FakeQpl) { .queue_size = 1000 });
    iaa_deflate(&t);
    for (unsigned i = 0; i < NR_PAGES; i++) {
        bool raw = i % PAGE_SORT__MAX == PAGE_SORT_RANDOM;

        g_assert_true(raw == (t.page[i].len_bytes == TARGET_PAGE_SIZE));
        g_assert_true(raw == (t.page[i].data == t.pages + PAGES(i)));
    }
    iaa_free(&t);
}

/* What a device has not done to the end is done again. */
static void test_wrong_length(void)
{
    Iaa t;

    iaa_new(&t, (FakeQpl) { .queue_size = 1000 });
    iaa_deflate(&t);
    fake_qpl.wrong_length = true;
    iaa_inflate(&t, true);
    iaa_free(&t);
}

static void test_corrupt(void)
{
    Error *err = NULL;
    Iaa t;

    iaa_new(&t, (FakeQpl) { .queue_size = 4, .checks = 1 });
    iaa_deflate(&t);
    t.page[20].len_bytes -= 2;
    for (unsigned i = 0; i < NR_PAGES; i++) {
        t.page[i].host = t.back + PAGES(i);
    }
    g_assert_false(multifd_qpl_iaa_inflate(t.iaa, t.page, NR_PAGES, &err));
    g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                   "the qpl content of a page is "));
    error_free(err);
    iaa_free(&t);
}

typedef struct NoDevice {
    qpl_status status;
    const char *message;
} NoDevice;

static const NoDevice no_devices[] = {
    { QPL_STS_INIT_LIBACCEL_NOT_FOUND, "libqpl cannot find libaccel-config*" },
    { QPL_STS_INIT_LIBACCEL_ERROR, "libaccel-config has failed*" },
    { QPL_STS_INIT_WORK_QUEUES_NOT_AVAILABLE,
      "this user can open no enabled IAA work queue in /dev/iax*" },
    { QPL_STS_OPERATION_ERR, "libqpl cannot use a device (libqpl status 4)" },
};

static void test_no_device(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(no_devices); i++) {
        Error *err = NULL;

        fake_qpl = (FakeQpl) { .init = no_devices[i].status };
        g_assert_null(multifd_qpl_iaa_new(4, NULL, &err));
        g_assert_true(g_pattern_match_simple(no_devices[i].message,
                                             error_get_pretty(err)));
        error_free(err);
        g_assert_cmpuint(fake_qpl.nr_jobs, ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        g_autofree char *path = g_strdup_printf("/qpl-iaa/there and back/%s",
                                                devices[i].path);

        g_test_add_data_func(path, &devices[i], test_there_and_back);
    }
    g_test_add_func("/qpl-iaa/all pages at once", test_all_at_once);
    g_test_add_func("/qpl-iaa/full queue", test_full_queue);
    g_test_add_func("/qpl-iaa/raw page", test_raw_page);
    g_test_add_func("/qpl-iaa/wrong length", test_wrong_length);
    g_test_add_func("/qpl-iaa/corrupt", test_corrupt);
    g_test_add_func("/qpl-iaa/no device", test_no_device);
    return g_test_run();
}
