/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of records that no working device writes: all that a status byte can
 * say of a compare, of a member and of a batch, wild results and places.  The
 * answers are right, and nobody asserts on what a device wrote.
 */
#include "qemu/osdep.h"

#include "qemu/bitmap.h"
#include "dsa-fake.h"
#include "dsa-fixture.h"
#include "util/dsa-device.h"

#define STATUS_CODE 0x3f

/* One of @nr pages, members of a batch or not, is answered with @answer. */
static void run_member_status(const DsaCase *c, DsaFakeAnswer answer,
                              unsigned nr, unsigned max_batch)
{
    unsigned code = answer.status & STATUS_CODE;
    g_autofree char *text = g_strdup_printf("0x%02x", answer.status);
    DsaBench x;

    dsa_bench_start(&x, c->completion, DSA_TEST_LONG_MS, max_batch);
    x.fake->honest = false;
    x.fake->member = answer;
    x.fake->batch.status = DSA_COMP_BATCH_FAIL;
    dsa_check_batch(x.b, x.p, 0, nr);
    if (code == DSA_COMP_PAGE_FAULT_NOBOF || code == DSA_COMP_PAGE_FAULT_IR) {
        g_assert_cmpuint(dsa_bench_cpu_pages(&x, DSA_CPU_PAGE_FAULT), ==, nr);
        dsa_bench_assert_trusted(&x);
    } else {
        g_assert_cmpuint(dsa_bench_cpu_pages(&x, DSA_CPU_DEVICE_ERROR), ==, nr);
        dsa_bench_assert_given_up(&x, text);
        /* It is left alone. */
        x.fake->nr_batches = x.fake->nr_plain = 0;
        dsa_check_batch(x.b, x.p, 0, nr);
        g_assert_cmpuint(dsa_bench_cpu_pages(&x, DSA_CPU_NO_QUEUE), ==, nr);
        g_assert_cmpuint(x.fake->nr_batches + x.fake->nr_plain, ==, 0);
    }
    dsa_bench_end(&x);
}

/* All that a byte can say, but success, with the rest of the record wild. */
static void test_any_status_of_a_member(const DsaCase *c)
{
    for (int status = 2; status <= 0xff; status++) {
        run_member_status(c, (DsaFakeAnswer) { status, 0xff, UINT32_MAX }, 7,
                          16);
    }
}

static void test_any_status_of_a_compare(const DsaCase *c)
{
    for (int status = 2; status <= 0xff; status++) {
        run_member_status(c, (DsaFakeAnswer) { status, 0xff, UINT32_MAX }, 3,
                          1);
    }
}

/* Neither "same" nor "differs". */
static void test_wild_results(const DsaCase *c)
{
    static const uint8_t results[] = { 2, 3, 0x7f, 0x80, 0xff };

    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        run_member_status(c, (DsaFakeAnswer) { DSA_COMP_SUCCESS, results[i],
                                               0 }, 7, 16);
    }
}

/* All that a byte can say of a batch whose members are done as they should. */
static void test_any_status_of_a_batch(const DsaCase *c)
{
    for (int status = 1; status <= 0xff; status++) {
        unsigned code = status & STATUS_CODE;
        g_autofree char *text = g_strdup_printf("0x%02x", status);
        DsaBench x;

        dsa_bench_start(&x, c->completion, DSA_TEST_LONG_MS, 16);
        x.fake->batch = (DsaFakeAnswer) { status, 0xff, UINT32_MAX };
        dsa_check_batch(x.b, x.p, 0, 16);
        g_assert_cmpuint(dsa_bench_cpu_pages(&x, DSA_CPU_DEVICE_ERROR), ==, 0);
        if (code == DSA_COMP_SUCCESS || code == DSA_COMP_BATCH_FAIL ||
            code == DSA_COMP_BATCH_PAGE_FAULT) {
            dsa_bench_assert_trusted(&x);
        } else {
            dsa_bench_assert_given_up(&x, text);
        }
        dsa_bench_end(&x);
    }
}

/* The same when members are left out. */
static void test_any_status_of_half_a_batch(const DsaCase *c)
{
    for (int status = 1; status <= 0xff; status++) {
        unsigned code = status & STATUS_CODE;
        DsaBench x;

        dsa_bench_start(&x, c->completion, DSA_TEST_LONG_MS, 16);
        x.fake->batch = (DsaFakeAnswer) { status, 0, 0 };
        x.fake->nr_answered = 5;
        dsa_check_batch(x.b, x.p, 0, 16);
        if (code == DSA_COMP_BATCH_PAGE_FAULT) {
            g_assert_cmpuint(dsa_bench_cpu_pages(&x, DSA_CPU_NOT_DONE), ==, 11);
            dsa_bench_assert_trusted(&x);
        } else {
            g_assert_cmpuint(dsa_bench_cpu_pages(&x, DSA_CPU_DEVICE_ERROR),
                             ==, 11);
            dsa_bench_assert_given_up(&x, "status");
        }
        dsa_bench_end(&x);
    }
}

/* After a fault on the list members are left at 0: done, by the CPU. */
static void test_list_fault(const DsaCase *c)
{
    DsaBench x;

    dsa_bench_start(&x, c->completion, DSA_TEST_LONG_MS, 32);
    x.fake->nr_answered = 10;
    x.fake->batch.status = DSA_COMP_BATCH_PAGE_FAULT;
    dsa_check_batch(x.b, x.p, 0, 64);
    g_assert_cmpuint(dsa_bench_cpu_pages(&x, DSA_CPU_NOT_DONE), ==, 44);
    g_assert_cmpuint(x.rig->lane->counters.list_faults, ==, 2);
    dsa_bench_assert_trusted(&x);
    x.fake->nr_answered = 0;
    x.fake->batch.status = DSA_COMP_SUCCESS;
    dsa_check_batch(x.b, x.p, 0, 64);
    g_assert_cmpuint(dsa_bench_cpu_pages(&x, DSA_CPU_NOT_DONE), ==, 44);
    dsa_bench_end(&x);
}

/*
 * What is before the place of the fault is not looked at again: a page that
 * differs only there is taken for zero, so the device's word counted.
 */
static void run_fault_place(const DsaCase *c, uint8_t status)
{
    unsigned long zero[BITS_TO_LONGS(4)];
    DsaBench x;

    dsa_bench_start(&x, c->completion, DSA_TEST_LONG_MS, 16);
    memset(x.p->mem, 0, 4 * DSA_TEST_PAGE);
    dsa_pages_set(x.p, 0, 999);
    dsa_pages_set(x.p, 1, 1000);
    dsa_pages_set(x.p, 2, 4095);
    x.fake->honest = false;
    x.fake->batch.status = DSA_COMP_BATCH_FAIL;
    x.fake->member = (DsaFakeAnswer) { status, 0, 1000 };
    dsa_batch_submit(x.b, x.p->page, 4);
    dsa_batch_wait(x.b, zero);
    g_assert_true(test_bit(0, zero));
    g_assert_false(test_bit(1, zero));
    g_assert_false(test_bit(2, zero));
    g_assert_true(test_bit(3, zero));
    dsa_bench_assert_trusted(&x);
    dsa_bench_end(&x);
}

static void test_finished_from_the_fault(const DsaCase *c)
{
    run_fault_place(c, DSA_COMP_PAGE_FAULT_NOBOF);
    run_fault_place(c, DSA_COMP_PAGE_FAULT_IR);
}

static void test_write_bit(const DsaCase *c)
{
    run_fault_place(c, DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE);
    run_fault_place(c, DSA_COMP_PAGE_FAULT_IR | DSA_COMP_STATUS_WRITE);
}

/* A place at the end of the page or behind it is none. */
static void test_places_out_of_the_page(const DsaCase *c)
{
    static const uint32_t places[] = { 4096, 4097, 0x80000000, UINT32_MAX };

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        run_member_status(c, (DsaFakeAnswer) { DSA_COMP_PAGE_FAULT_NOBOF, 0,
                                               places[i] }, 7, 16);
    }
}

/* Memory that is left behind does not grow while a device misbehaves. */
static void test_little_is_left_behind(const DsaCase *c)
{
    static const uint8_t status[] = { 0x40, 0x80, 0x3e, 0x01, 0x05 };

    for (size_t i = 0; i < ARRAY_SIZE(status); i++) {
        DsaBench x;

        dsa_bench_start(&x, c->completion, DSA_TEST_LONG_MS, 32);
        x.fake->nr_answered = 1;
        x.fake->batch.status = status[i];
        for (int round = 0; round < 50; round++) {
            dsa_check_batch(x.b, x.p, 0, 128);
        }
        g_assert_cmpuint(x.rig->lane->left_behind->len, ==, 1);
        dsa_bench_end(&x);
    }
}

/* Success, and the same result for all memory: half of it is wrong. */
static void test_proof_of_a_liar(void)
{
    for (int result = 0; result <= 2; result++) {
        DsaFake *fake = dsa_fake_new(16);
        Error *err = NULL;

        fake->honest = false;
        fake->member = (DsaFakeAnswer) { DSA_COMP_SUCCESS, result, 0 };
        g_assert_false(dsa_queue_prove(&fake->queue, DSA_TEST_LONG_MS, NULL,
                                       &err));
        g_assert_nonnull(strstr(error_get_pretty(err), "do not use"));
        error_free(err);
        dsa_queue_free(&fake->queue);
    }
}

/* A batch that ends well and has done nothing. */
static void test_proof_of_a_sluggard(void)
{
    DsaFake *fake = dsa_fake_new(16);
    Error *err = NULL;

    fake->nr_answered = 1;
    g_assert_false(dsa_queue_prove(&fake->queue, DSA_TEST_LONG_MS, NULL,
                                   &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "status 0x00"));
    error_free(err);
    dsa_queue_free(&fake->queue);
}

static void test_proof_of_an_honest_queue(void)
{
    DsaFake *fake = dsa_fake_new(16);

    g_assert_true(dsa_queue_prove(&fake->queue, DSA_TEST_LONG_MS, NULL, NULL));
    g_assert_cmpuint(fake->nr_batches, ==, 1);
    g_assert_cmpuint(fake->nr_plain, ==, 3);
    dsa_queue_free(&fake->queue);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(const DsaCase *c);
    } tests[] = {
        { "any-status-of-a-member-is-survived", test_any_status_of_a_member },
        { "any-status-of-a-compare-is-survived",
          test_any_status_of_a_compare },
        { "any-status-of-a-batch-is-survived", test_any_status_of_a_batch },
        { "any-status-of-half-a-batch-is-survived",
          test_any_status_of_half_a_batch },
        { "a-result-that-is-none-is-not-believed", test_wild_results },
        { "a-place-out-of-the-page-is-not-believed",
          test_places_out_of_the_page },
        { "members-without-answer-after-a-list-fault-are-done",
          test_list_fault },
        { "a-page-is-finished-from-where-the-device-stopped",
          test_finished_from_the_fault },
        { "the-bit-of-a-write-is-masked", test_write_bit },
        { "little-memory-is-left-to-a-device-that-lies",
          test_little_is_left_behind },
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
        dsa_test_add("dsa-records", tests[i].name, tests[i].fn, false);
    }
    g_test_add_func("/dsa-records/a-queue-that-lies-is-not-opened",
                    test_proof_of_a_liar);
    g_test_add_func("/dsa-records/a-queue-that-leaves-work-is-not-opened",
                    test_proof_of_a_sluggard);
    g_test_add_func("/dsa-records/an-honest-queue-is-opened",
                    test_proof_of_an_honest_queue);
    return g_test_run();
}
