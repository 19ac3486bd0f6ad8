/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The return path at the source.
 *
 * `return_path` reads; the migration thread waits.  What the messages look like
 * is stream/return-path-wire.c's to say.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "migration/core/return-path.h"
#include "migration/stream/return-path-wire.h"
#include "migration/trace.h"

struct ReturnPath {
    /* set once */
    QIOChannel *ioc;
    ReturnPathErrorFunc func;
    void *opaque;
    /* migration thread */
    QemuThread thread;
    bool joined;
    /* guarded by lock */
    QemuMutex lock;
    QemuCond wake;              /* a PONG came, or the thread is about to end */
    uint32_t pong;              /* the last one's value */
    bool ended;
    bool expect_shut;
    int64_t deadline_ms;        /* of return_path_wait(); 0: none */
    bool refused;               /* it failed by a message, not by silence */
    Error *error;
};

static bool return_path_shut(ReturnPath *rp, uint32_t status, Error **errp)
{
    QEMU_LOCK_GUARD(&rp->lock);

    if (status != 0) {
        error_setg(errp, "The destination could not load the guest (return "
                   "path status %" PRIu32 "); its own log says why", status);
        return false;
    }
    if (!rp->expect_shut) {
        error_setg(errp, "The destination reports that the guest has arrived "
                   "before all of it was sent");
        return false;
    }
    return true;
}

static void return_path_pong(ReturnPath *rp, uint32_t value)
{
    QEMU_LOCK_GUARD(&rp->lock);

    rp->pong = value;
    qemu_cond_broadcast(&rp->wake);
}

static void return_path_refused(ReturnPath *rp)
{
    QEMU_LOCK_GUARD(&rp->lock);

    rp->refused = true;
}

/* Reads until SHUT; false with the reason when it never comes. */
static bool return_path_read(ReturnPath *rp, MigStreamIn *in, Error **errp)
{
    ERRP_GUARD();
    ReturnPathMessage message;

    for (;;) {
        int ret = return_path_get_message(in, &message, errp);

        if (ret < 0) {
            error_prepend(errp, "The destination's answers have ended: ");
            return false;
        }
        if (ret == 0) {
            error_setg(errp, "The destination closed the return path without "
                       "saying whether the guest has arrived");
            return false;
        }
        trace_return_path_message(message.type, message.len_bytes);
        switch (message.type) {
        case MIG_RP_MSG_SHUT:
            if (return_path_shut(rp, message.value, errp)) {
                return true;
            }
            return_path_refused(rp);
            return false;
        case MIG_RP_MSG_PONG:
            return_path_pong(rp, message.value);
            break;
        default:
            error_setg(errp, "The destination sent %s on the return path, "
                       "which this migration did not ask for",
                       return_path_message_name(message.type));
            return_path_refused(rp);
            return false;
        }
    }
}

static void *return_path_thread(void *opaque)
{
    ReturnPath *rp = opaque;
    g_autoptr(MigStreamIn) in = stream_in_new(rp->ioc, NULL, 0);
    Error *err = NULL;
    bool ok = return_path_read(rp, in, &err);

    WITH_QEMU_LOCK_GUARD(&rp->lock) {
        rp->error = err;
        rp->ended = true;
        qemu_cond_broadcast(&rp->wake);
    }
    if (!ok) {
        rp->func(rp->opaque);
    }
    return NULL;
}

ReturnPath *return_path_start(QIOChannel *ioc, ReturnPathErrorFunc func,
                              void *opaque)
{
    ReturnPath *rp = g_new0(ReturnPath, 1);

    rp->ioc = qio_channel_ref(ioc);
    rp->func = func;
    rp->opaque = opaque;
    qemu_mutex_init(&rp->lock);
    qemu_cond_init(&rp->wake);
    qemu_thread_create(&rp->thread, "return_path", return_path_thread, rp,
                       QEMU_THREAD_JOINABLE);
    return rp;
}

void return_path_expect_shut(ReturnPath *rp)
{
    QEMU_LOCK_GUARD(&rp->lock);

    rp->expect_shut = true;
}

bool return_path_wait_pong(ReturnPath *rp, uint32_t value, int timeout_ms)
{
    int64_t end_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + timeout_ms;
    QEMU_LOCK_GUARD(&rp->lock);

    while (!rp->ended && rp->pong < value) {
        int64_t left_ms = end_ms - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);

        if (left_ms <= 0) {
            break;
        }
        qemu_cond_timedwait(&rp->wake, &rp->lock, (int)left_ms);
    }
    return !rp->error;
}

void return_path_hurry(ReturnPath *rp, int timeout_ms)
{
    QEMU_LOCK_GUARD(&rp->lock);

    rp->deadline_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + timeout_ms;
    qemu_cond_broadcast(&rp->wake);
}

/* Until the thread is about to end; false when the time for that is over. */
static bool return_path_wait_end(ReturnPath *rp)
{
    QEMU_LOCK_GUARD(&rp->lock);

    while (!rp->ended) {
        int64_t left_ms;

        if (rp->deadline_ms == 0) {
            qemu_cond_wait(&rp->wake, &rp->lock);
            continue;
        }
        left_ms = rp->deadline_ms - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
        if (left_ms <= 0) {
            return false;
        }
        qemu_cond_timedwait(&rp->wake, &rp->lock, (int)left_ms);
    }
    return true;
}

static void return_path_join(ReturnPath *rp)
{
    if (!rp->joined) {
        qemu_thread_join(&rp->thread);
        rp->joined = true;
    }
}

bool return_path_check(ReturnPath *rp, Error **errp)
{
    QEMU_LOCK_GUARD(&rp->lock);

    if (rp->error) {
        error_propagate(errp, error_copy(rp->error));
        return false;
    }
    return true;
}

bool return_path_has_refused(ReturnPath *rp)
{
    QEMU_LOCK_GUARD(&rp->lock);

    return rp->refused;
}

bool return_path_wait(ReturnPath *rp, Error **errp)
{
    if (!return_path_wait_end(rp)) {
        error_setg(errp, "The destination does not say whether the guest has "
                   "arrived");
        return false;
    }
    return_path_join(rp);
    return return_path_check(rp, errp);
}

void return_path_free(ReturnPath *rp)
{
    if (!rp) {
        return;
    }
    return_path_join(rp);
    qemu_cond_destroy(&rp->wake);
    qemu_mutex_destroy(&rp->lock);
    error_free(rp->error);
    qio_channel_unref(rp->ioc);
    g_free(rp);
}
