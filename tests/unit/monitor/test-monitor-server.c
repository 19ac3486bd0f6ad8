/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP sessions over real sockets: a server in the loop of this thread, and
 * clients that are plain non-blocking descriptors beside it.
 */
#include "qemu/osdep.h"

#include <glib/gstdio.h>
#include <json-c/json.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "io/address.h"
#include "monitor/monitor.h"
#include "qapi/error.h"

/* Only so that a broken server fails the test instead of hanging it. */
#define GIVE_UP_S 30

#define BIG_REPLY_BYTES (48 * 1024)

typedef struct Fixture {
    MainLoop *loop;
    MonitorEvents *events;
    MonitorServer *server;
    MonitorHost host;
    char *dir;
    char *path;
    int nr_quits;
    int nr_calls;           /* of the command "test-call" */
} Fixture;

typedef struct Client {
    Fixture *f;
    int fd;
    GString *in;            /* read and not consumed */
    bool eof;
} Client;

static bool cmd_call(void *ctx, struct json_object *args,
                     struct json_object **ret, Error **errp)
{
    Fixture *f = ctx;

    *ret = json_object_new_int(++f->nr_calls);
    return true;
}

static bool cmd_big(void *ctx, struct json_object *args,
                    struct json_object **ret, Error **errp)
{
    Fixture *f = ctx;
    g_autofree char *text = g_strnfill(BIG_REPLY_BYTES, 'x');

    f->nr_calls++;
    *ret = json_object_new_string(text);
    return true;
}

static void register_commands(QmpCommandList *cmds, void *opaque)
{
    qmp_register_command(cmds, "test-call", cmd_call, opaque, QCO_NO_OPTIONS);
    qmp_register_command(cmds, "test-big", cmd_big, opaque, QCO_NO_OPTIONS);
}

static void quit_func(void *opaque)
{
    Fixture *f = opaque;

    f->nr_quits++;
}

static void fixture_init(Fixture *f)
{
    g_autofree char *uri = NULL;
    g_autoptr(SocketAddress) addr = NULL;

    memset(f, 0, sizeof(*f));
    f->loop = main_loop_new(NULL, NULL);
    f->events = monitor_events_new(f->loop);
    f->dir = g_dir_make_tmp("wherry-XXXXXX", NULL);
    f->path = g_build_filename(f->dir, "qmp", NULL);
    f->host.loop = f->loop;
    f->host.events = f->events;
    f->host.register_commands = register_commands;
    f->host.quit = quit_func;
    f->host.opaque = f;
    uri = g_strconcat("unix:", f->path, NULL);
    addr = socket_address_parse(uri, NULL);
    f->server = monitor_server_new(addr, &f->host, NULL);
    g_assert_nonnull(f->server);
}

static void fixture_clear(Fixture *f)
{
    monitor_server_free(f->server);
    monitor_events_free(f->events);
    main_loop_free(f->loop);
    g_assert_false(g_file_test(f->path, G_FILE_TEST_EXISTS));
    g_rmdir(f->dir);
    g_free(f->path);
    g_free(f->dir);
}

/* One turn of the loop: what the server can do without waiting. */
static void turn(Fixture *f)
{
    g_main_context_iteration(main_loop_context(f->loop), false);
    main_loop_drain(f->loop);
}

static void client_connect(Client *c, Fixture *f)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    c->f = f;
    c->in = g_string_new(NULL);
    c->eof = false;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    g_assert_cmpint(c->fd, >=, 0);
    g_strlcpy(sun.sun_path, f->path, sizeof(sun.sun_path));
    g_assert_cmpint(connect(c->fd, (struct sockaddr *)&sun, sizeof(sun)),
                    ==, 0);
}

static void client_close(Client *c)
{
    close(c->fd);
    g_string_free(c->in, true);
}

/* Takes what has come; false when there is nothing now. */
static bool client_read(Client *c)
{
    char buf[4096];
    ssize_t n = read(c->fd, buf, sizeof(buf));

    if (n > 0) {
        g_string_append_len(c->in, buf, n);
        return true;
    }
    c->eof = n == 0 || errno == ECONNRESET;
    return false;
}

/* The next line without its end; NULL at the end of the stream. */
static char *client_line(Client *c)
{
    gint64 give_up = g_get_monotonic_time() + GIVE_UP_S * G_USEC_PER_SEC;
    char *end, *line;

    while (!(end = strstr(c->in->str, "\r\n"))) {
        turn(c->f);
        if (!client_read(c) && c->eof) {
            g_assert_cmpint(c->in->len, ==, 0);
            return NULL;
        }
        g_assert_cmpint(g_get_monotonic_time(), <, give_up);
    }
    line = g_strndup(c->in->str, end - c->in->str);
    g_string_erase(c->in, 0, end + 2 - c->in->str);
    return line;
}

static void client_expect(Client *c, const char *part)
{
    g_autofree char *line = client_line(c);

    g_assert_nonnull(line);
    if (!strstr(line, part)) {
        g_test_message("got: %s", line);
    }
    g_assert_nonnull(strstr(line, part));
}

/* Lets the server see everything, and sees that it says nothing. */
static void client_expect_silence(Client *c)
{
    for (int i = 0; i < 20; i++) {
        turn(c->f);
    }
    client_read(c);
    g_assert_cmpint(c->in->len, ==, 0);
    g_assert_false(c->eof);
}

static void client_send(Client *c, const char *text)
{
    size_t len = strlen(text);

    while (len) {
        ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);

        if (n > 0) {
            text += n;
            len -= n;
        } else {
            g_assert_cmpint(errno, ==, EAGAIN);
            turn(c->f);
        }
    }
}

static void client_negotiate(Client *c)
{
    client_expect(c, "\"QMP\"");
    client_send(c, "{\"execute\":\"qmp_capabilities\"}");
    client_expect(c, "{\"return\":{}}");
}

static void test_greeting(void)
{
    Fixture f;
    Client c;

    fixture_init(&f);
    client_connect(&c, &f);
    client_expect(&c, "{\"QMP\":{\"version\":{\"qemu\":{");
    client_close(&c);
    fixture_clear(&f);
}

static void test_negotiation(void)
{
    Fixture f;
    Client c;

    fixture_init(&f);
    client_connect(&c, &f);
    client_expect(&c, "\"capabilities\":[]");
    client_send(&c, "{\"execute\":\"test-call\",\"id\":1}");
    client_expect(&c, "\"CommandNotFound\",\"desc\":\"Expecting capabilities"
                  " negotiation with 'qmp_capabilities'\"");
    g_assert_cmpint(f.nr_calls, ==, 0);
    client_send(&c, "{\"execute\":\"qmp_capabilities\"}");
    client_expect(&c, "{\"return\":{}}");
    client_send(&c, "{\"execute\":\"qmp_capabilities\"}");
    client_expect(&c, "\"CommandNotFound\",\"desc\":\"Capabilities"
                  " negotiation is already complete");
    client_close(&c);
    fixture_clear(&f);
}

static void test_id(void)
{
    Fixture f;
    Client c;

    fixture_init(&f);
    client_connect(&c, &f);
    client_negotiate(&c);
    client_send(&c, "{\"execute\":\"test-call\",\"id\":[1,null,{\"a\":true}]}");
    client_expect(&c, "\"id\":[1,null,{\"a\":true}]");
    client_send(&c, "{\"execute\":\"no-such\",\"id\":18446744073709551615}");
    client_expect(&c, "\"id\":18446744073709551615");
    client_close(&c);
    fixture_clear(&f);
}

static void test_commands(void)
{
    Fixture f;
    Client c;

    fixture_init(&f);
    client_connect(&c, &f);
    client_negotiate(&c);
    client_send(&c, "{\"execute\":\"query-version\"}");
    client_expect(&c, "\"package\":\"wherry\"");
    client_send(&c, "{\"execute\":\"query-commands\"}");
    client_expect(&c, "\"test-call\"");
    client_send(&c, "{\"execute\":\"query-qmp-schema\"}");
    client_expect(&c, "\"meta-type\":");
    client_send(&c, "{\"execute\":\"quit\"}");
    client_expect(&c, "{\"return\":{}}");
    g_assert_cmpint(f.nr_quits, ==, 1);
    client_close(&c);
    fixture_clear(&f);
}

static void test_split(void)
{
    static const char text[] = "{\"execute\":\"test-call\"}";
    Fixture f;
    Client c;

    fixture_init(&f);
    client_connect(&c, &f);
    client_negotiate(&c);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char one[2] = { text[i] };

        client_expect_silence(&c);
        client_send(&c, one);
    }
    client_expect(&c, "{\"return\":1}");
    client_close(&c);
    fixture_clear(&f);
}

static void test_joined(void)
{
    Fixture f;
    Client c;

    fixture_init(&f);
    client_connect(&c, &f);
    client_expect(&c, "\"QMP\"");
    client_send(&c, "{\"execute\":\"qmp_capabilities\"}"
                "{\"execute\":\"test-call\"}{\"execute\":\"test-call\"}\n"
                "{\"execute\":\"test-call\"}");
    client_expect(&c, "{\"return\":{}}");
    client_expect(&c, "{\"return\":1}");
    client_expect(&c, "{\"return\":2}");
    client_expect(&c, "{\"return\":3}");
    client_close(&c);
    fixture_clear(&f);
}

static void test_garbage(void)
{
    static const char *const bad[] = {
        "garbage\n", "{]\n", "[1,2]\n", "123\n", "null\n", "{}\n",
        "\xff\n", "{\"execute\":1}\n",
    };
    Fixture f;
    Client c;

    fixture_init(&f);
    client_connect(&c, &f);
    client_negotiate(&c);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_autofree char *expected = g_strdup_printf("{\"return\":%zu}", i + 1);

        g_test_message("case %zu", i);
        client_send(&c, bad[i]);
        client_expect(&c, "\"GenericError\"");
        client_send(&c, "{\"execute\":\"test-call\"}");
        client_expect(&c, expected);
    }
    client_close(&c);
    fixture_clear(&f);
}

static void test_too_long(void)
{
    g_autofree char *filler = g_strnfill(MONITOR_REQUEST_MAX_BYTES, 'x');
    Fixture f;
    Client c;

    fixture_init(&f);
    client_connect(&c, &f);
    client_negotiate(&c);
    client_send(&c, "{\"execute\":\"");
    client_send(&c, filler);
    client_expect(&c, "longer than 1048576 bytes");
    client_send(&c, "\"}\n{\"execute\":\"test-call\"}");
    client_expect(&c, "{\"return\":1}");
    client_close(&c);
    fixture_clear(&f);
}

static void test_next_client(void)
{
    Fixture f;
    Client first, second, third;

    fixture_init(&f);
    client_connect(&first, &f);
    client_negotiate(&first);
    client_connect(&second, &f);
    client_connect(&third, &f);
    client_send(&second, "{\"execute\":\"qmp_capabilities\"}");
    client_expect_silence(&second);
    client_close(&first);
    client_expect(&second, "\"QMP\"");
    client_expect(&second, "{\"return\":{}}");
    client_expect_silence(&third);
    client_close(&second);
    /* its session begins anew */
    client_expect(&third, "\"QMP\"");
    client_send(&third, "{\"execute\":\"test-call\"}");
    client_expect(&third, "CommandNotFound");
    client_close(&third);
    fixture_clear(&f);
}

static void emit(Fixture *f, const char *text)
{
    QapiEventSink *sink = monitor_events_sink(f->events);

    sink->emit(sink->opaque, 0, "TEST", json_object_new_string(text));
}

static void test_events(void)
{
    g_autoptr(SocketAddress) addr = socket_address_parse("tcp:127.0.0.1:0",
                                                         NULL);
    Fixture f;
    Client c;
    MonitorServer *second;
    SocketAddressList *where;

    fixture_init(&f);
    second = monitor_server_new(addr, &f.host, NULL);
    g_assert_nonnull(second);
    where = monitor_server_addresses(second);
    g_assert_cmpstr(where->value->u.inet.port, !=, "0");
    qapi_free_SocketAddressList(where);

    client_connect(&c, &f);
    client_expect(&c, "\"QMP\"");
    emit(&f, "before");
    client_expect_silence(&c);
    client_send(&c, "{\"execute\":\"qmp_capabilities\"}");
    client_expect(&c, "{\"return\":{}}");
    emit(&f, "after");
    client_expect(&c, "\"after\"");
    client_close(&c);
    monitor_server_free(second);
    fixture_clear(&f);
}

/* Replies pile up only so far, then requests have to wait. */
static void test_client_that_does_not_read(void)
{
    Fixture f;
    Client c;

    fixture_init(&f);
    client_connect(&c, &f);
    client_negotiate(&c);
    for (int i = 0; i < 200; i++) {
        client_send(&c, "{\"execute\":\"test-big\"}");
    }
    for (int i = 0; i < 1000; i++) {
        turn(&f);
    }
    g_assert_cmpint(f.nr_calls, <, 100);
    for (int i = 0; i < 200; i++) {
        client_expect(&c, "{\"return\":\"xxx");
    }
    g_assert_cmpint(f.nr_calls, ==, 200);
    client_close(&c);
    fixture_clear(&f);
}

static void test_too_many_events(void)
{
    g_autofree char *big = g_strnfill(64 * 1024, 'e');
    Fixture f;
    Client c, next;

    fixture_init(&f);
    client_connect(&c, &f);
    client_negotiate(&c);
    for (int i = 0; i < 200; i++) {
        emit(&f, big);
    }
    client_connect(&next, &f);
    client_negotiate(&next);
    client_close(&next);
    client_close(&c);
    fixture_clear(&f);
}

static void test_half_close(void)
{
    Fixture f;
    Client c;

    fixture_init(&f);
    client_connect(&c, &f);
    client_send(&c, "{\"execute\":\"qmp_capabilities\"}");
    for (int i = 0; i < 20; i++) {
        client_send(&c, "{\"execute\":\"test-big\"}");
    }
    g_assert_cmpint(shutdown(c.fd, SHUT_WR), ==, 0);
    client_expect(&c, "\"QMP\"");
    client_expect(&c, "{\"return\":{}}");
    for (int i = 0; i < 20; i++) {
        client_expect(&c, "{\"return\":\"xxx");
    }
    g_assert_null(client_line(&c));
    client_close(&c);
    fixture_clear(&f);
}

static void test_leave_at_any_time(void)
{
    static const char text[] = "{\"execute\":\"qmp_capabilities\"}"
        "{\"execute\":\"test-big\"}{\"execute\":\"test-big\"}";
    Fixture f;

    fixture_init(&f);
    for (size_t len = 0; len < sizeof(text); len++) {
        g_autofree char *part = g_strndup(text, len);
        Client c;

        client_connect(&c, &f);
        client_send(&c, part);
        for (size_t i = 0; i < len % 5; i++) {
            turn(&f);
        }
        client_close(&c);
    }
    fixture_clear(&f);
}

static void test_free_with_client(void)
{
    Fixture f;
    Client c, waiting;

    fixture_init(&f);
    client_connect(&c, &f);
    client_negotiate(&c);
    client_connect(&waiting, &f);
    emit(&f, "last words");
    fixture_clear(&f);
    while (client_read(&c)) {
        /* until all is here */
    }
    g_assert_nonnull(strstr(c.in->str, "last words"));
    g_assert_true(c.eof);
    client_close(&c);
    client_close(&waiting);
}

static void test_address_in_use(void)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(SocketAddress) addr = NULL;
    g_autofree char *uri = NULL;
    Fixture f;

    fixture_init(&f);
    uri = g_strconcat("unix:", f.dir, "/no/such/folder", NULL);
    addr = socket_address_parse(uri, NULL);
    g_assert_null(monitor_server_new(addr, &f.host, &err));
    g_assert_nonnull(err);
    fixture_clear(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/monitor-server/greeting", test_greeting);
    g_test_add_func("/monitor-server/negotiation", test_negotiation);
    g_test_add_func("/monitor-server/id is echoed", test_id);
    g_test_add_func("/monitor-server/commands of the session", test_commands);
    g_test_add_func("/monitor-server/request cut into bytes", test_split);
    g_test_add_func("/monitor-server/requests joined", test_joined);
    g_test_add_func("/monitor-server/garbage", test_garbage);
    g_test_add_func("/monitor-server/request too long", test_too_long);
    g_test_add_func("/monitor-server/next client waits", test_next_client);
    g_test_add_func("/monitor-server/events", test_events);
    g_test_add_func("/monitor-server/client that does not read",
                    test_client_that_does_not_read);
    g_test_add_func("/monitor-server/too many events", test_too_many_events);
    g_test_add_func("/monitor-server/half close", test_half_close);
    g_test_add_func("/monitor-server/leave at any time",
                    test_leave_at_any_time);
    g_test_add_func("/monitor-server/free with clients",
                    test_free_with_client);
    g_test_add_func("/monitor-server/address cannot be bound",
                    test_address_in_use);
    return g_test_run();
}
