/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content of a page that a stress thread wrote; see accel/stress-page.h.
 * Plain functions, any thread.
 */
#include "qemu/osdep.h"

#include "accel/stress-page.h"
#include "accel/stress-plan.h"
#include "qemu/cutils.h"

/* Words of the head; the filling follows. */
enum {
    HEAD_MAGIC,
    HEAD_THREAD,
    HEAD_NUMBER,
    HEAD_WRITE,
    HEAD_WORDS,
};

#define STRESS_MAGIC UINT64_C(0x7373657274735721)

/* What the filling grows by from word to word; odd, so that none repeats. */
#define FILLING_STEP UINT64_C(0x9e3779b97f4a7c15)

static uint64_t stress_page_filling(unsigned thread, uint64_t number,
                                    uint64_t write)
{
    return stress_mix(stress_mix(write + thread) ^ number);
}

void stress_page_fill(StressPage *page, unsigned thread, uint64_t number,
                      uint64_t write)
{
    uint64_t filling = stress_page_filling(thread, number, write);

    page->word[HEAD_MAGIC] = STRESS_MAGIC;
    page->word[HEAD_THREAD] = thread;
    page->word[HEAD_NUMBER] = number;
    page->word[HEAD_WRITE] = write;
    for (unsigned i = HEAD_WORDS; i < STRESS_PAGE_WORDS; i++) {
        page->word[i] = filling + i * FILLING_STEP;
    }
}

bool stress_page_holds(const StressPage *page, unsigned thread,
                       uint64_t number, uint64_t write)
{
    uint64_t filling = stress_page_filling(thread, number, write);
    uint64_t wrong = (page->word[HEAD_MAGIC] ^ STRESS_MAGIC) |
                     (page->word[HEAD_THREAD] ^ thread) |
                     (page->word[HEAD_NUMBER] ^ number) |
                     (page->word[HEAD_WRITE] ^ write);

    for (unsigned i = HEAD_WORDS; i < STRESS_PAGE_WORDS; i++) {
        wrong |= page->word[i] ^ (filling + i * FILLING_STEP);
    }
    return wrong == 0;
}

bool stress_page_is_zero(const StressPage *page)
{
    return buffer_is_zero(page, sizeof(*page));
}

char *stress_page_describe(const StressPage *page)
{
    uint64_t thread = page->word[HEAD_THREAD];
    uint64_t number = page->word[HEAD_NUMBER];
    uint64_t write = page->word[HEAD_WRITE];

    if (stress_page_is_zero(page)) {
        return g_strdup("is zero");
    }
    if (page->word[HEAD_MAGIC] != STRESS_MAGIC || thread > UINT_MAX) {
        return g_strdup_printf("begins with 0x%016" PRIx64 ", which no stress "
                               "thread wrote", page->word[HEAD_MAGIC]);
    }
    return g_strdup_printf("holds %s write %" PRIu64 " of thread %" PRIu64
                           " to page %" PRIu64,
                           stress_page_holds(page, (unsigned)thread, number,
                                             write) ? "all of" : "a part of",
                           write, thread, number);
}
