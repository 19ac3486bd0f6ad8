/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting until another thread waits; see thread-state.h.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "thread-state.h"

/* The letter behind the name in parentheses; 'X' when the thread is gone. */
static char thread_state(int tid)
{
    g_autofree char *path = g_strdup_printf("/proc/self/task/%d/stat", tid);
    g_autofree char *text = NULL;
    const char *paren;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return 'X';
    }
    paren = strrchr(text, ')');
    g_assert_nonnull(paren);
    return paren[2];
}

void thread_state_wait_asleep(const int *tid)
{
    for (;;) {
        int now = qatomic_read(tid);
        char state = now ? thread_state(now) : 'R';

        if (state == 'S' || state == 'X') {
            return;
        }
        g_thread_yield();
    }
}
