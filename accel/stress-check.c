/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether pages hold what the plan says.
 *
 * Entered by each stress thread for its own pages.  Pages are copied before
 * they are looked at; what to do about a wrong one is the thread's.
 */
#include "qemu/osdep.h"

#include "accel/stress-internal.h"
#include "accel/stress-page.h"
#include "accel/trace.h"
#include "memory/guest-access.h"
#include "memory/ram.h"

RAMBlock *stress_locate(const StressAccel *s, uint64_t page, uint64_t *offset)
{
    RAMBlock *block = ram_list_block(s->host.ram, 0);

    for (unsigned i = 1; page >= block->nr_pages; i++) {
        page -= block->nr_pages;
        block = ram_list_block(s->host.ram, i);
    }
    *offset = page << TARGET_PAGE_BITS;
    return block;
}

char *stress_check_page(const StressThread *t, uint64_t page)
{
    const StressPlan *plan = &t->plan;
    g_autofree char *found = NULL;
    StressPage copy;
    RAMBlock *block;
    uint64_t offset;
    uint64_t write;
    bool zero;

    if (!stress_plan_last_write(plan, page, t->nr_writes, &write)) {
        return NULL;
    }
    block = stress_locate(t->accel, page, &offset);
    guest_access_read(&copy, block->host + offset, sizeof(copy));
    zero = stress_plan_is_zero(plan, write);
    if (zero ? stress_page_is_zero(&copy)
             : stress_page_holds(&copy, plan->thread, page, write)) {
        return NULL;
    }
    found = stress_page_describe(&copy);
    return g_strdup_printf("stress: page %" PRIu64 " (RAM block '%s', offset "
                           "0x%" PRIx64 ") must hold write %" PRIu64
                           "%s of thread %u, but %s", page, block->idstr,
                           offset, write, zero ? ", which is zero," : "",
                           plan->thread, found);
}

bool stress_check_all(const StressThread *t, char **reason)
{
    const StressPlan *plan = &t->plan;
    g_autofree char *first = NULL;
    uint64_t nr_wrong = 0;

    for (uint64_t i = 0; i < plan->nr_pages; i++) {
        char *wrong = stress_check_page(t, plan->first_page + i);

        if (wrong) {
            nr_wrong++;
            if (!first) {
                first = g_steal_pointer(&wrong);
            }
            g_free(wrong);
        }
        if (!stress_is_running(t->accel)) {
            return false;
        }
    }
    trace_stress_checked(plan->thread, plan->nr_pages, t->nr_writes,
                         nr_wrong);
    if (nr_wrong) {
        *reason = g_strdup_printf("%s; %" PRIu64 " of the thread's %" PRIu64
                                  " pages are wrong", first, nr_wrong,
                                  plan->nr_pages);
    }
    return true;
}
