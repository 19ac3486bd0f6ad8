/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds tests that depend on luck: preloaded, it holds threads up now and then
 * for some milliseconds before they take or leave a lock, wait, read or write,
 * as a busy host does more rarely.  A test that then fails expects one order of
 * events among several that are right.
 *
 * Entered by every thread of whatever it is preloaded into; no locks.  It says
 * nothing about the code under test and proves nothing when it finds nothing.
 *
 *   DELAYS_EVERY   one call in so many is held up (50)
 *   DELAYS_MAX_US  for how long at most, microseconds (10000)
 */
#include "qemu/osdep.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static unsigned delays_every = 50;
static unsigned delays_max_us = 10000;
static __thread unsigned delays_state;

static unsigned delays_setting(const char *name, unsigned value)
{
    const char *text = getenv(name);
    unsigned given;

    /* No library of ours or GLib's: it would be in every program's way. */
    return text && sscanf(text, "%u", &given) == 1 && given > 0 ? given : value;
}

static void __attribute__((constructor)) delays_init(void)
{
    delays_every = delays_setting("DELAYS_EVERY", delays_every);
    delays_max_us = delays_setting("DELAYS_MAX_US", delays_max_us);
}

/* Another row in each thread and each run. */
static unsigned delays_random(void)
{
    if (delays_state == 0) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        delays_state = (unsigned)now.tv_nsec ^ (unsigned)syscall(SYS_gettid);
    }
    return (unsigned)rand_r(&delays_state);
}

/*
 * As if it waited for a mutex, which is what thread_state_wait_asleep() does
 * not take for the end of a thread's way.
 */
static void delays_maybe(void)
{
    static const uint32_t never;
    int saved = errno;

    if (delays_random() % delays_every == 0) {
        unsigned us = delays_random() % delays_max_us;
        struct timespec span = {
            .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000,
        };

        syscall(SYS_futex, &never, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &span);
    }
    errno = saved;
}

/* The function of the same name in the library behind this one. */
#define DELAYED(type, name, params, args) \
    type name params \
    { \
        static type (*next) params; \
        \
        if (!next) { \
            *(void **)&next = dlsym(RTLD_NEXT, #name); \
        } \
        delays_maybe(); \
        return next args; \
    }

DELAYED(int, pthread_mutex_lock, (pthread_mutex_t *m), (m))
DELAYED(int, pthread_mutex_unlock, (pthread_mutex_t *m), (m))
DELAYED(int, sem_post, (sem_t *s), (s))
DELAYED(int, sem_wait, (sem_t *s), (s))
DELAYED(ssize_t, sendmsg, (int fd, const struct msghdr *m, int f), (fd, m, f))
DELAYED(ssize_t, recvmsg, (int fd, struct msghdr *m, int f), (fd, m, f))
DELAYED(ssize_t, send, (int fd, const void *b, size_t n, int f), (fd, b, n, f))
DELAYED(ssize_t, recv, (int fd, void *b, size_t n, int f), (fd, b, n, f))
DELAYED(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n))
DELAYED(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
DELAYED(ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n))
DELAYED(int, poll, (struct pollfd *p, nfds_t n, int t), (p, n, t))
DELAYED(int, ppoll, (struct pollfd *p, nfds_t n, const struct timespec *t,
                     const sigset_t *m), (p, n, t, m))
