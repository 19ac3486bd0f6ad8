/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Detectors of zero pages, by their interface.
 */
#include "qemu/osdep.h"
#include "qemu/memalign.h"
#include "migration/multifd/zero-page-cpu.h"

#define PAGE_BYTES 4096
#define MAX_PAGES 128

typedef struct DetectorCase {
    const char *name;
    ZeroPageDetector *(*create)(void);
} DetectorCase;

static const DetectorCase detectors[] = {
    { "cpu", zero_page_detector_new_cpu },
};

/* Full batches and small ones, each third page normal by a single byte. */
static void test_mix(const void *data)
{
    const DetectorCase *detector = data;
    g_autoptr(ZeroPageDetector) d = detector->create();
    size_t len_bytes = MAX_PAGES * PAGE_BYTES;
    QEMU_AUTO_VFREE uint8_t *memory = qemu_memalign(PAGE_BYTES, len_bytes);
    g_autoptr(ZeroPageBatch) batch = zero_page_batch_new(d, MAX_PAGES,
                                                         PAGE_BYTES);
    static const unsigned sizes[] = { 128, 1, 65, 64, 0, 128 };

    memset(memory, 0, len_bytes);
    for (unsigned i = 0; i < MAX_PAGES; i += 3) {
        memory[i * PAGE_BYTES + i * 31 % PAGE_BYTES] = 1;
    }
    for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
        batch->nr_pages = sizes[s];
        bitmap_fill(batch->zero, MAX_PAGES);
        for (unsigned i = 0; i < batch->nr_pages; i++) {
            /* Backwards: the pages of a batch need not be neighbours. */
            batch->page[i] = memory + (127 - i) * PAGE_BYTES;
        }
        zero_page_submit(d, batch);
        zero_page_wait(d, batch);
        for (unsigned i = 0; i < batch->nr_pages; i++) {
            g_assert_cmpint(!!test_bit(i, batch->zero), ==, (127 - i) % 3 != 0);
        }
    }
}

static void test_free_null(void)
{
    zero_page_detector_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(detectors); i++) {
        g_autofree char *path = g_strdup_printf("/zero-page/%s/mix",
                                                detectors[i].name);

        g_test_add_data_func(path, &detectors[i], test_mix);
    }
    g_test_add_func("/zero-page/free nothing", test_free_null);
    return g_test_run();
}
