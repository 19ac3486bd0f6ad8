/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last moment of a migration: whoever cancels, quits or dies there, the guest
 * runs on one side and not on two, nor on none.
 */
#include "qemu/osdep.h"
#include "io/channel-socket.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "migration/core/return-path.h"
#include "migration-pair.h"

/* The source went on, and nothing has started over there. */
static void assert_stays(MigrationPair *pair, MigrationStatus status)
{
    g_assert_cmpint(pair_wait(&pair->src), ==, status);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_FAILED);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_resumes), ==, 1);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_migrated), ==, 0);
    g_assert_cmpuint(qatomic_read(&pair->dst.nr_done), ==, 0);
}

/* The guest runs there and not here. */
static void assert_goes(MigrationPair *pair)
{
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_resumes), ==, 0);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_migrated), ==, 1);
    g_assert_cmpuint(qatomic_read(&pair->dst.nr_done), ==, 1);
    pair_assert_equal(pair);
}

/* Cancels at a pause point, from the migration thread. */
typedef struct Canceller {
    MigrationPair *pair;
    PausePoint point;
} Canceller;

static void cancel_hit(void *opaque, PausePoint point)
{
    Canceller *c = opaque;

    if (point == c->point) {
        migration_cancel(c->pair->src.migration);
    }
}

static MigrationPair *cancelled_pair(const PairVariant *v, Canceller *c,
                                     PausePoint point)
{
    MigrationPair *pair = pair_new_variant(v);

    *c = (Canceller) { .pair = pair, .point = point };
    pair->pause_points = (PausePoints) { .hit = cancel_hit, .opaque = c };
    pair_listen(pair);
    pair_start(pair);
    return pair;
}

static void test_cancel_before_the_last_byte(const void *opaque)
{
    MigrationPair *pair;
    Canceller c;

    if (pair_needs_pause_points()) {
        return;
    }
    pair = cancelled_pair(opaque, &c, PAUSE_POINT_BEFORE_HAND_OVER);
    assert_stays(pair, MIGRATION_STATUS_CANCELLED);
    pair_free(pair);
}

static void test_cancel_after_the_last_byte(const void *opaque)
{
    MigrationPair *pair;
    Canceller c;

    if (pair_needs_pause_points()) {
        return;
    }
    pair = cancelled_pair(opaque, &c, PAUSE_POINT_AFTER_HAND_OVER);
    assert_goes(pair);
    pair_free(pair);
}

/* The destination has everything and takes its time. */
typedef struct SlowEnd {
    MachineOps ops;
    QemuSemaphore asked;
    QemuSemaphore go_on;
    bool refuses;
} SlowEnd;

static bool slow_done(void *opaque, Error **errp)
{
    PairEnd *end = opaque;
    SlowEnd *slow = container_of(end->host.machine, SlowEnd, ops);

    qemu_sem_post(&slow->asked);
    qemu_sem_wait(&slow->go_on);
    if (slow->refuses) {
        error_setg(errp, "the guest does not start");
        return false;
    }
    qatomic_inc(&end->nr_done);
    return true;
}

static MigrationPair *slow_pair(SlowEnd *slow, bool refuses)
{
    MigrationPair *pair = pair_new();

    *slow = (SlowEnd) { .ops = pair->dst.ops, .refuses = refuses };
    slow->ops.incoming_done = slow_done;
    qemu_sem_init(&slow->asked, 0);
    qemu_sem_init(&slow->go_on, 0);
    pair->dst.host.machine = &slow->ops;
    pair_remake(&pair->dst);
    pair_cap(pair, MIGRATION_CAPABILITY_RETURN_PATH);
    pair_fill(pair->src.ram, 6);
    pair->src.running = true;
    pair_listen(pair);
    pair_start(pair);
    pair_wait_status(&pair->dst, MIGRATION_STATUS_ACTIVE);
    qemu_sem_wait(&slow->asked);
    return pair;
}

static void slow_clear(SlowEnd *slow)
{
    qemu_sem_destroy(&slow->asked);
    qemu_sem_destroy(&slow->go_on);
}

static MigrationStatus status_of(PairEnd *end)
{
    g_autoptr(MigrationInfo) info = migration_query(end->migration);

    return info->status;
}

/* It is about to start the guest: that cannot be called back. */
static void test_cancel_while_the_destination_starts(void)
{
    SlowEnd slow;
    MigrationPair *pair = slow_pair(&slow, false);

    migration_cancel(pair->src.migration);
    migration_cancel(pair->src.migration);
    g_assert_cmpint(status_of(&pair->src), ==, MIGRATION_STATUS_CANCELLING);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_resumes), ==, 0);
    qemu_sem_post(&slow.go_on);
    assert_goes(pair);
    pair_free(pair);
    slow_clear(&slow);
}

static void test_cancel_while_the_destination_gives_up(void)
{
    SlowEnd slow;
    MigrationPair *pair = slow_pair(&slow, true);

    migration_cancel(pair->src.migration);
    qemu_sem_post(&slow.go_on);
    assert_stays(pair, MIGRATION_STATUS_CANCELLED);
    pair_free(pair);
    slow_clear(&slow);
}

/* The end of the program does not wait for it. */
static void test_freed_while_the_destination_starts(void)
{
    SlowEnd slow;
    MigrationPair *pair = slow_pair(&slow, false);

    g_clear_pointer(&pair->src.migration, migration_free);
    qemu_sem_post(&slow.go_on);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_free(pair);
    slow_clear(&slow);
}

static void path_failed(void *opaque)
{
}

/* As a source does that was cancelled, at a destination that says nothing. */
static void test_the_last_word_is_not_waited_for_without_end(void)
{
    QIOChannel *near = NULL, *far = NULL;
    g_autoptr(Error) err = NULL;
    ReturnPath *rp;

    g_assert_true(qio_channel_socket_pair(&near, &far, NULL));
    rp = return_path_start(near, path_failed, NULL);
    return_path_hurry(rp, 1);
    g_assert_false(return_path_wait(rp, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "does not say"));
    qio_channel_shutdown(near, QIO_CHANNEL_SHUTDOWN_BOTH);
    return_path_free(rp);
    qio_channel_unref(near);
    qio_channel_unref(far);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    pair_add_variants("/hand-over/cancel-before-the-last-byte",
                      test_cancel_before_the_last_byte);
    pair_add_variants("/hand-over/cancel-after-the-last-byte",
                      test_cancel_after_the_last_byte);
    g_test_add_func("/hand-over/cancel-while-the-destination-starts",
                    test_cancel_while_the_destination_starts);
    g_test_add_func("/hand-over/cancel-while-the-destination-gives-up",
                    test_cancel_while_the_destination_gives_up);
    g_test_add_func("/hand-over/freed-while-the-destination-starts",
                    test_freed_while_the_destination_starts);
    g_test_add_func("/hand-over/the-last-word-is-not-waited-for-without-end",
                    test_the_last_word_is_not_waited_for_without_end);
    return g_test_run();
}
