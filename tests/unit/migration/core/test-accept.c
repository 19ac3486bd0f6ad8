/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/core/accept.c: connections that are no source, or only the
 * beginning of one.
 */
#include "qemu/osdep.h"
#include <json-c/json.h>
#include "io/channel-socket.h"
#include "migration/stream/multifd-packet.h"
#include "migration/stream/wire.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "migration-pair.h"

static const QemuUUID no_uuid;

/* A destination that listens; @channels 0: no multifd. */
static MigrationPair *listening_pair(unsigned channels)
{
    MigrationPair *pair = pair_new();

    if (channels) {
        pair_multifd(pair, channels);
    }
    pair_fill(pair->src.ram, 1);
    pair_listen(pair);
    return pair;
}

/* Connects and sends the first @len_bytes of @bytes. */
static QIOChannel *knock(MigrationPair *pair, const void *bytes,
                         size_t len_bytes)
{
    SocketAddress addr = {
        .type = SOCKET_ADDRESS_TYPE_UNIX,
        .u.q_unix.path = pair->uri + strlen("unix:"),
    };
    Error *err = NULL;
    QIOChannel *ioc = qio_channel_socket_connect(&addr, NULL, &err);

    g_assert_null(err);
    qio_channel_write_all(ioc, bytes, len_bytes, &err);
    g_assert_null(err);
    return ioc;
}

static QIOChannel *knock_main(MigrationPair *pair)
{
    uint8_t magic[4];

    stl_be_p(magic, QEMU_VM_FILE_MAGIC);
    return knock(pair, magic, sizeof(magic));
}

static QIOChannel *knock_multifd(MigrationPair *pair, uint8_t id)
{
    uint8_t greeting[MULTIFD_GREETING_LEN];

    multifd_greeting_encode(greeting, &no_uuid, id, MULTIFD_PACKET_PAGES);
    return knock(pair, greeting, sizeof(greeting));
}

static void run_until_warned(MigrationPair *pair)
{
    while (qatomic_read(&pair->dst.nr_warnings) == 0) {
        g_main_context_iteration(main_loop_context(pair->loop), TRUE);
    }
}

static void assert_fails(MigrationPair *pair, const char *part)
{
    g_autofree char *error = NULL;

    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_FAILED);
    error = pair_error(&pair->dst);
    g_test_message("%s", error);
    g_assert_nonnull(strstr(error, part));
    g_assert_null(strchr(error, '\n'));
    while (pair->dst.nr_failed == 0) {
        g_main_context_iteration(main_loop_context(pair->loop), TRUE);
    }
    g_assert_cmpstr(pair->dst.failure, ==, error);
}

static void assert_migrates(MigrationPair *pair)
{
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    g_assert_cmpuint(pair->dst.nr_failed, ==, 0);
}

static void check_idle_strangers(unsigned channels)
{
    MigrationPair *pair = listening_pair(channels);
    g_autoptr(QIOChannel) silent G_GNUC_UNUSED = knock(pair, "", 0);
    g_autoptr(QIOChannel) slow G_GNUC_UNUSED = knock(pair, "\x51\x45\x56", 3);

    assert_migrates(pair);
    pair_free(pair);
}

static void test_idle_strangers_are_not_waited_for_plain(void)
{
    check_idle_strangers(0);
}

static void test_idle_strangers_are_not_waited_for_multifd(void)
{
    check_idle_strangers(2);
}

static void test_a_stranger_that_leaves_is_only_warned_of(void)
{
    MigrationPair *pair = listening_pair(2);

    qio_channel_unref(knock(pair, "", 0));
    run_until_warned(pair);
    assert_migrates(pair);
    pair_free(pair);
}

static void test_garbage_is_named(void)
{
    MigrationPair *pair = listening_pair(2);
    g_autoptr(QIOChannel) ioc G_GNUC_UNUSED =
        knock(pair, "GET / HTTP/1.1\r\n", 16);

    assert_fails(pair, "0x47455420");
    pair_free(pair);
}

static void test_a_second_main_channel_is_refused(void)
{
    MigrationPair *pair = listening_pair(2);
    g_autoptr(QIOChannel) first G_GNUC_UNUSED = knock_main(pair);
    g_autoptr(QIOChannel) second G_GNUC_UNUSED = knock_main(pair);

    assert_fails(pair, "second connection");
    pair_free(pair);
}

static void test_a_multifd_channel_without_multifd_is_refused(void)
{
    MigrationPair *pair = listening_pair(0);
    g_autoptr(QIOChannel) ioc G_GNUC_UNUSED = knock_multifd(pair, 0);

    assert_fails(pair, "multifd is off");
    pair_free(pair);
}

static void test_a_channel_id_that_is_taken_is_refused(void)
{
    MigrationPair *pair = listening_pair(2);
    g_autoptr(QIOChannel) first G_GNUC_UNUSED = knock_multifd(pair, 1);
    g_autoptr(QIOChannel) second G_GNUC_UNUSED = knock_multifd(pair, 1);

    assert_fails(pair, "channel id 1");
    pair_free(pair);
}

static void test_a_channel_id_past_the_last_is_refused(void)
{
    MigrationPair *pair = listening_pair(2);
    g_autoptr(QIOChannel) ioc G_GNUC_UNUSED = knock_multifd(pair, 2);

    assert_fails(pair, "2");
    pair_free(pair);
}

static void test_end_at_each_byte_of_the_magic(void)
{
    for (size_t len = 1; len < 4; len++) {
        MigrationPair *pair = listening_pair(2);
        uint8_t magic[4];

        stl_be_p(magic, QEMU_VM_FILE_MAGIC);
        qio_channel_unref(knock(pair, magic, len));
        assert_fails(pair, "closed after");
        pair_free(pair);
    }
}

static void test_end_at_each_byte_of_a_greeting(void)
{
    for (size_t len = 1; len < MULTIFD_GREETING_LEN; len++) {
        MigrationPair *pair = listening_pair(2);
        uint8_t greeting[MULTIFD_GREETING_LEN];

        multifd_greeting_encode(greeting, &no_uuid, 0, MULTIFD_PACKET_PAGES);
        qio_channel_unref(knock(pair, greeting, len));
        assert_fails(pair, "closed after");
        pair_free(pair);
    }
}

/* A greeting in pieces is as good as any. */
static void test_a_greeting_may_come_byte_by_byte(void)
{
    MigrationPair *pair = listening_pair(1);
    GMainContext *context = main_loop_context(pair->loop);
    uint8_t greeting[MULTIFD_GREETING_LEN];
    g_autoptr(QIOChannel) slow = NULL;
    g_autoptr(QIOChannel) twice = NULL;
    Error *err = NULL;

    multifd_greeting_encode(greeting, &no_uuid, 0, MULTIFD_PACKET_PAGES);
    slow = knock(pair, greeting, 1);
    for (size_t i = 1; i < sizeof(greeting); i++) {
        while (g_main_context_iteration(context, FALSE)) {
            /* until all that has come is read */
        }
        qio_channel_write_all(slow, greeting + i, 1, &err);
        g_assert_null(err);
    }
    twice = knock_multifd(pair, 0);
    assert_fails(pair, "channel id 0");
    pair_free(pair);
}

static void post_when_completed(void *opaque, unsigned event_enum,
                                const char *name, struct json_object *event)
{
    if (strstr(json_object_to_json_string(event), "completed")) {
        qemu_sem_post(opaque);
    }
    json_object_put(event);
}

/* A source that dies while it connects must not be waited for without end. */
static void test_a_main_channel_that_goes_again(void)
{
    MigrationPair *pair = listening_pair(2);

    qio_channel_unref(knock_main(pair));
    assert_fails(pair, "closed");
    pair_free(pair);
}

/*
 * A source that has little to send has sent it all and gone before the
 * destination gets round to accepting its channels.
 */
static void test_a_source_that_is_done_before_it_is_accepted(void)
{
    MigrationPair *pair = pair_new();
    QemuSemaphore completed;

    qemu_sem_init(&completed, 0);
    pair_multifd(pair, 32);
    pair->src.events = (QapiEventSink) {
        .emit = post_when_completed,
        .opaque = &completed,
    };
    pair->src.device = 9;
    pair_listen(pair);
    pair_start(pair);
    qemu_sem_wait(&completed);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpuint(pair->dst.device, ==, 9);
    pair_free(pair);
    qemu_sem_destroy(&completed);
}

static void test_cancel_before_all_channels_are_there(void)
{
    MigrationPair *pair = listening_pair(2);
    g_autoptr(QIOChannel) ioc G_GNUC_UNUSED = knock_main(pair);

    while (g_main_context_iteration(main_loop_context(pair->loop), FALSE)) {
        /* until it is classified */
    }
    migration_cancel(pair->dst.migration);
    assert_fails(pair, "cancelled");
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    pair_free(pair);
}

static void test_freed_while_connections_wait(void)
{
    MigrationPair *pair = listening_pair(2);
    g_autoptr(QIOChannel) silent G_GNUC_UNUSED = knock(pair, "", 0);
    g_autoptr(QIOChannel) main_ioc G_GNUC_UNUSED = knock_main(pair);

    qio_channel_unref(knock_multifd(pair, 0));
    while (g_main_context_iteration(main_loop_context(pair->loop), FALSE)) {
        /* until all are accepted */
    }
    pair_free(pair);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/accept/idle-strangers-are-not-waited-for/plain",
                    test_idle_strangers_are_not_waited_for_plain);
    g_test_add_func("/accept/idle-strangers-are-not-waited-for/multifd",
                    test_idle_strangers_are_not_waited_for_multifd);
    g_test_add_func("/accept/a-stranger-that-leaves-is-only-warned-of",
                    test_a_stranger_that_leaves_is_only_warned_of);
    g_test_add_func("/accept/garbage-is-named", test_garbage_is_named);
    g_test_add_func("/accept/a-second-main-channel-is-refused",
                    test_a_second_main_channel_is_refused);
    g_test_add_func("/accept/a-multifd-channel-without-multifd-is-refused",
                    test_a_multifd_channel_without_multifd_is_refused);
    g_test_add_func("/accept/a-channel-id-that-is-taken-is-refused",
                    test_a_channel_id_that_is_taken_is_refused);
    g_test_add_func("/accept/a-channel-id-past-the-last-is-refused",
                    test_a_channel_id_past_the_last_is_refused);
    g_test_add_func("/accept/end-at-each-byte-of-the-magic",
                    test_end_at_each_byte_of_the_magic);
    g_test_add_func("/accept/end-at-each-byte-of-a-greeting",
                    test_end_at_each_byte_of_a_greeting);
    g_test_add_func("/accept/a-greeting-may-come-byte-by-byte",
                    test_a_greeting_may_come_byte_by_byte);
    g_test_add_func("/accept/a-main-channel-that-goes-again",
                    test_a_main_channel_that_goes_again);
    g_test_add_func("/accept/a-source-that-is-done-before-it-is-accepted",
                    test_a_source_that_is_done_before_it_is_accepted);
    g_test_add_func("/accept/cancel-before-all-channels-are-there",
                    test_cancel_before_all_channels_are_there);
    g_test_add_func("/accept/freed-while-connections-wait",
                    test_freed_while_connections_wait);
    return g_test_run();
}
