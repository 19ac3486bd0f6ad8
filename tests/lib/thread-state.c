/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting until another thread waits; see thread-state.h.
 */
#include "qemu/osdep.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include "qemu/atomic.h"
#include "thread-state.h"

/* Of the files of the kernel's about a thread; false when it is gone. */
static bool thread_read(int tid, const char *name, GString *text)
{
    g_autofree char *path = g_strdup_printf("/proc/self/task/%d/%s", tid,
                                            name);
    g_autofree char *contents = NULL;

    if (!g_file_get_contents(path, &contents, NULL, NULL)) {
        return false;
    }
    g_string_assign(text, contents);
    return true;
}

/* The letter behind the name in parentheses; 'X' when the thread is gone. */
static char thread_state(int tid, GString *text)
{
    const char *paren;

    if (!thread_read(tid, "stat", text)) {
        return 'X';
    }
    paren = strrchr(text->str, ')');
    g_assert_nonnull(paren);
    return paren[2];
}

/*
 * Whether it runs again, or sleeps on a mutex that somebody holds for a moment:
 * glibc waits for those with FUTEX_WAIT, and for all that may take long with
 * FUTEX_WAIT_BITSET.
 */
static bool thread_goes_on(int tid, GString *text)
{
    unsigned long op;
    long nr;

    if (!thread_read(tid, "syscall", text)) {
        return false;
    }
    return sscanf(text->str, "%ld %*x %lx", &nr, &op) != 2 ||
           (nr == SYS_futex && (op & FUTEX_CMD_MASK) == FUTEX_WAIT);
}

void thread_state_wait_asleep(const int *tid)
{
    GString *text = g_string_new(NULL);

    for (;;) {
        int now = qatomic_read(tid);
        char state = now ? thread_state(now, text) : 'R';

        if (state == 'X' || (state == 'S' && !thread_goes_on(now, text))) {
            break;
        }
        g_thread_yield();
    }
    g_string_free(text, TRUE);
}
