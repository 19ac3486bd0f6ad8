/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting until another thread waits: lets a test act on a thread that is
 * blocked in a system call, without sleeping and hoping.
 */
#ifndef TESTS_LIB_THREAD_STATE_H
#define TESTS_LIB_THREAD_STATE_H

/**
 * thread_state_wait_asleep:
 * @tid: pointer to the thread's kernel number, 0 until it has stored that with
 *       qatomic_set(tid, qemu_get_thread_id()) just before it blocks
 *
 * Returns when the kernel shows the thread asleep, on something else than a
 * mutex, or gone.
 *
 * Context: any thread but that one.
 */
void thread_state_wait_asleep(const int *tid);

#endif
