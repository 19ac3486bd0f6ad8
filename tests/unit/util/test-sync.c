/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of threads, semaphores, condition variables and events.
 */
#include "qemu/osdep.h"
#include "qemu/thread.h"

typedef struct Shared {
    QemuMutex lock;
    QemuCond cond;
    QemuSemaphore sem;
    QemuEvent event;
    int value;
    char name[16];
} Shared;

static void shared_init(Shared *s)
{
    memset(s, 0, sizeof(*s));
    qemu_mutex_init(&s->lock);
    qemu_cond_init(&s->cond);
    qemu_sem_init(&s->sem, 0);
    qemu_event_init(&s->event, false);
}

static void shared_clear(Shared *s)
{
    qemu_event_destroy(&s->event);
    qemu_sem_destroy(&s->sem);
    qemu_cond_destroy(&s->cond);
    qemu_mutex_destroy(&s->lock);
}

static void run_and_join(void *(*func)(void *), Shared *s)
{
    QemuThread thread;

    qemu_thread_create(&thread, "a-name-longer-than-fits", func, s,
                       QEMU_THREAD_JOINABLE);
    g_assert_true(qemu_thread_join(&thread) == s);
}

static void *name_thread(void *opaque)
{
    Shared *s = opaque;

    pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
    return s;
}

static void test_a_thread_has_its_name(void)
{
    Shared s;

    shared_init(&s);
    run_and_join(name_thread, &s);
    g_assert_cmpstr(s.name, ==, "a-name-longer-t");
    shared_clear(&s);
}

static void *post_thread(void *opaque)
{
    Shared *s = opaque;

    s->value = 42;
    qemu_sem_post(&s->sem);
    return s;
}

static void test_a_semaphore_hands_over(void)
{
    QemuThread thread;
    Shared s;

    shared_init(&s);
    qemu_thread_create(&thread, "poster", post_thread, &s,
                       QEMU_THREAD_JOINABLE);
    qemu_sem_wait(&s.sem);
    g_assert_cmpint(s.value, ==, 42);
    qemu_thread_join(&thread);
    shared_clear(&s);
}

static void test_a_semaphore_times_out(void)
{
    Shared s;

    shared_init(&s);
    g_assert_cmpint(qemu_sem_timedwait(&s.sem, 1), ==, -1);
    qemu_sem_post(&s.sem);
    g_assert_cmpint(qemu_sem_timedwait(&s.sem, 1), ==, 0);
    shared_clear(&s);
}

static void test_a_condition_times_out(void)
{
    Shared s;

    shared_init(&s);
    WITH_QEMU_LOCK_GUARD(&s.lock) {
        g_assert_false(qemu_cond_timedwait(&s.cond, &s.lock, 1));
    }
    /* The guard has let go. */
    g_assert_cmpint(qemu_mutex_trylock(&s.lock), ==, 0);
    qemu_mutex_unlock(&s.lock);
    shared_clear(&s);
}

static void *event_thread(void *opaque)
{
    Shared *s = opaque;

    s->value = 7;
    qemu_event_set(&s->event);
    return s;
}

static void test_an_event_hands_over(void)
{
    QemuThread thread;
    Shared s;

    shared_init(&s);
    g_assert_false(qemu_event_timedwait(&s.event, 1));
    qemu_thread_create(&thread, "setter", event_thread, &s,
                       QEMU_THREAD_JOINABLE);
    qemu_event_wait(&s.event);
    g_assert_cmpint(s.value, ==, 7);
    qemu_thread_join(&thread);
    qemu_event_reset(&s.event);
    g_assert_false(qemu_event_timedwait(&s.event, 1));
    shared_clear(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sync/a-thread-has-its-name", test_a_thread_has_its_name);
    g_test_add_func("/sync/a-semaphore-hands-over",
                    test_a_semaphore_hands_over);
    g_test_add_func("/sync/a-semaphore-times-out",
                    test_a_semaphore_times_out);
    g_test_add_func("/sync/a-condition-times-out",
                    test_a_condition_times_out);
    g_test_add_func("/sync/an-event-hands-over", test_an_event_hands_over);
    return g_test_run();
}
