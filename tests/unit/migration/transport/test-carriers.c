/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channels that addresses stand for: each carrier written and read, and each
 * reason to refuse one.
 */
#include "qemu/osdep.h"
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "io/channel-command.h"
#include "io/channel-file.h"
#include "io/fd-store.h"
#include "migration/transport/transport.h"
#include "qapi/error.h"

typedef struct Fixture {
    GMainContext *context;
    FdStore *fds;
    char *dir;
    char *path;
    TransportListener *listener;
    GPtrArray *got;             /* of QIOChannel */
    bool free_listener;         /* from inside its function */
} Fixture;

static void fixture_init(Fixture *f)
{
    f->context = g_main_context_new();
    f->fds = fd_store_new();
    f->dir = g_dir_make_tmp("wherry-test-XXXXXX", NULL);
    f->path = g_build_filename(f->dir, "file", NULL);
    f->listener = NULL;
    f->got = g_ptr_array_new_with_free_func((GDestroyNotify)qio_channel_unref);
    f->free_listener = false;
}

static void fixture_clear(Fixture *f)
{
    transport_listener_free(f->listener);
    g_ptr_array_unref(f->got);
    fd_store_free(f->fds);
    g_unlink(f->path);
    g_assert_cmpint(g_rmdir(f->dir), ==, 0);
    g_main_context_unref(f->context);
    g_free(f->dir);
    g_free(f->path);
}

static MigrationAddress *parse(const char *uri)
{
    Error *err = NULL;
    MigrationAddress *addr = transport_address(uri, NULL, &err);

    g_assert_null(err);
    g_assert_nonnull(addr);
    return addr;
}

static MigrationAddress *parse_file(const Fixture *f, const char *options)
{
    g_autofree char *uri = g_strconcat("file:", f->path, options, NULL);

    return parse(uri);
}

static void got_channel(QIOChannel *ioc, void *opaque)
{
    Fixture *f = opaque;

    g_ptr_array_add(f->got, ioc);
    if (f->free_listener) {
        g_clear_pointer(&f->listener, transport_listener_free);
    }
}

static void listen_to(Fixture *f, const MigrationAddress *addr)
{
    Error *err = NULL;

    f->listener = transport_listen(addr, f->fds, 8, f->context, got_channel, f,
                                   &err);
    g_assert_null(err);
    g_assert_nonnull(f->listener);
    g_assert_cmpuint(f->got->len, ==, 0);
}

static QIOChannel *next_channel(Fixture *f)
{
    guint before = f->got->len;

    while (f->got->len == before) {
        g_main_context_iteration(f->context, true);
    }
    return g_ptr_array_index(f->got, before);
}

static QIOChannel *connect_to(Fixture *f, const MigrationAddress *addr)
{
    Error *err = NULL;
    QIOChannel *ioc = transport_connect(addr, f->fds, "main channel", NULL,
                                        &err);

    g_assert_null(err);
    g_assert_cmpstr(qio_channel_name(ioc), ==, "main channel");
    return ioc;
}

static void assert_connect_fails(Fixture *f, const MigrationAddress *addr,
                                 const char *sentence)
{
    Error *err = NULL;

    g_assert_null(transport_connect(addr, f->fds, "x", NULL, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, sentence);
    error_free(err);
}

static void assert_listen_fails(Fixture *f, const MigrationAddress *addr,
                                const char *sentence)
{
    Error *err = NULL;

    g_assert_null(transport_listen(addr, f->fds, 8, f->context, got_channel, f,
                                   &err));
    g_assert_cmpstr(error_get_pretty(err), ==, sentence);
    error_free(err);
}

static void assert_file(const Fixture *f, const char *expected)
{
    g_autofree char *content = NULL;

    g_assert_true(g_file_get_contents(f->path, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, expected);
}

static void assert_reads(QIOChannel *ioc, const char *expected)
{
    size_t len = strlen(expected);
    g_autofree char *buf = g_malloc0(len + 1);
    Error *err = NULL;
    char more;

    g_assert_true(qio_channel_read_all(ioc, buf, len, &err));
    g_assert_cmpstr(buf, ==, expected);
    g_assert_cmpint(qio_channel_read(ioc, &more, 1, &err), ==, 0);
    g_assert_null(err);
}

static void test_file(void)
{
    g_autoptr(MigrationAddress) addr = NULL;
    Fixture f;

    fixture_init(&f);
    g_assert_true(g_file_set_contents(f.path, "head, old content", -1, NULL));
    addr = parse_file(&f, ",offset=4");
    {
        g_autoptr(QIOChannel) ioc = connect_to(&f, addr);

        g_assert_true(transport_knows_success(ioc));
        g_assert_true(qio_channel_write_all(ioc, "stream", 6, NULL));
        g_assert_true(transport_finish(ioc, NULL));
    }
    assert_file(&f, "headstream");
    listen_to(&f, addr);
    g_assert_true(transport_listener_has_one(f.listener));
    g_assert_null(transport_listener_addresses(f.listener));
    assert_reads(next_channel(&f), "stream");
    g_assert_false(g_main_context_iteration(f.context, false));
    fixture_clear(&f);
}

static void test_file_once_more(void)
{
    g_autoptr(MigrationAddress) addr = NULL;
    AUTO_FD int fd = -1;
    Fixture f;
    char buf[4];

    fixture_init(&f);
    g_assert_true(g_file_set_contents(f.path, "0123456", -1, NULL));
    addr = parse_file(&f, ",offset=3");
    fd = transport_open_file(addr, O_RDWR, f.fds, NULL);
    g_assert_cmpint(read(fd, buf, 4), ==, 4);
    g_assert_cmpmem(buf, 4, "0123", 4);
    assert_file(&f, "0123456");
    fixture_clear(&f);
}

static void test_exec(void)
{
    g_autoptr(MigrationAddress) out = NULL;
    g_autoptr(MigrationAddress) in = NULL;
    g_autofree char *out_uri = NULL;
    g_autofree char *in_uri = NULL;
    Fixture f;

    fixture_init(&f);
    out_uri = g_strdup_printf("exec:cat > '%s'", f.path);
    in_uri = g_strdup_printf("exec:cat '%s'", f.path);
    out = parse(out_uri);
    in = parse(in_uri);
    {
        g_autoptr(QIOChannel) ioc = connect_to(&f, out);

        g_assert_true(transport_knows_success(ioc));
        g_assert_true(qio_channel_write_all(ioc, "stream", 6, NULL));
        g_assert_true(transport_finish(ioc, NULL));
    }
    assert_file(&f, "stream");
    listen_to(&f, in);
    assert_reads(next_channel(&f), "stream");
    fixture_clear(&f);
}

static void test_exec_fails(void)
{
    g_autoptr(MigrationAddress) addr = parse("exec:cat >/dev/null; exit 3");
    g_autoptr(QIOChannel) ioc = NULL;
    Error *err = NULL;
    Fixture f;

    fixture_init(&f);
    ioc = connect_to(&f, addr);
    g_assert_false(transport_finish(ioc, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "exec command 'cat >/dev/null; "
                    "exit 3' ended with status 3");
    error_free(err);
    fixture_clear(&f);
}

static void test_exec_without_arguments(void)
{
    MigrationAddress addr = { .transport = MIGRATION_ADDRESS_TYPE_EXEC };
    Fixture f;

    fixture_init(&f);
    assert_connect_fails(&f, &addr, "'args' of transport 'exec' is empty: a "
                         "program is needed");
    fixture_clear(&f);
}

/* No shell sees the arguments, and messages have them all. */
static void test_exec_of_a_program(void)
{
    strList third = { .value = (char *)"$(c)" };
    strList second = { .next = &third, .value = (char *)"%s" };
    strList first = { .next = &second, .value = (char *)"printf" };
    MigrationAddress addr = {
        .transport = MIGRATION_ADDRESS_TYPE_EXEC,
        .u.exec.args = &first,
    };
    g_autofree char *text = transport_address_to_uri(&addr);
    Fixture f;

    g_assert_cmpstr(text, ==, "exec:printf %s $(c)");
    fixture_init(&f);
    listen_to(&f, &addr);
    assert_reads(next_channel(&f), "$(c)");
    fixture_clear(&f);
}

static void give_fd(Fixture *f, const char *name, int fd)
{
    g_assert_true(fd_store_add(f->fds, name, fd, NULL));
}

static void test_fd_of_a_pipe(void)
{
    g_autoptr(MigrationAddress) in = parse("fd:in");
    g_autoptr(MigrationAddress) out = parse("fd:out");
    Fixture f;
    int fds[2];

    fixture_init(&f);
    g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
    give_fd(&f, "in", fds[0]);
    give_fd(&f, "out", fds[1]);
    {
        g_autoptr(QIOChannel) ioc = connect_to(&f, out);

        g_assert_false(transport_knows_success(ioc));
        g_assert_true(qio_channel_write_all(ioc, "stream", 6, NULL));
        g_assert_true(transport_finish(ioc, NULL));
    }
    listen_to(&f, in);
    assert_reads(next_channel(&f), "stream");
    fixture_clear(&f);
}

static void test_fd_of_a_socket(void)
{
    g_autoptr(MigrationAddress) a = parse("fd:a");
    g_autoptr(MigrationAddress) b = parse("fd:b");
    Fixture f;
    int fds[2];

    fixture_init(&f);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                    ==, 0);
    give_fd(&f, "a", fds[0]);
    give_fd(&f, "b", fds[1]);
    {
        g_autoptr(QIOChannel) ioc = connect_to(&f, a);

        g_assert_false(transport_knows_success(ioc));
        g_assert_true(qio_channel_write_all(ioc, "stream", 6, NULL));
    }
    listen_to(&f, b);
    g_assert_true(transport_listener_has_one(f.listener));
    assert_reads(next_channel(&f), "stream");
    fixture_clear(&f);
}

/* It goes on where the descriptor is; nothing is cut off. */
static void test_fd_of_a_file(void)
{
    g_autoptr(MigrationAddress) addr = parse("fd:file");
    Fixture f;
    int fd;

    fixture_init(&f);
    g_assert_true(g_file_set_contents(f.path, "12345678", -1, NULL));
    fd = open(f.path, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(lseek(fd, 2, SEEK_SET), ==, 2);
    give_fd(&f, "file", fd);
    {
        g_autoptr(QIOChannel) ioc = connect_to(&f, addr);

        g_assert_true(qio_channel_write_all(ioc, "abc", 3, NULL));
        g_assert_true(transport_finish(ioc, NULL));
    }
    assert_file(&f, "12abc678");
    give_fd(&f, "file", open(f.path, O_RDONLY | O_CLOEXEC));
    listen_to(&f, addr);
    assert_reads(next_channel(&f), "12abc678");
    fixture_clear(&f);
}

static int listening_socket(const Fixture *f)
{
    struct sockaddr_un native = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpuint(strlen(f->path), <, sizeof(native.sun_path));
    memcpy(native.sun_path, f->path, strlen(f->path) + 1);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&native, sizeof(native)), ==,
                    0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    return fd;
}

static void test_fd_that_listens(void)
{
    g_autoptr(MigrationAddress) in = parse("fd:in");
    g_autoptr(MigrationAddress) out = NULL;
    g_autoptr(QIOChannel) ioc = NULL;
    g_autoptr(SocketAddressList) list = NULL;
    g_autofree char *uri = NULL;
    Fixture f;

    fixture_init(&f);
    give_fd(&f, "in", listening_socket(&f));
    uri = g_strconcat("unix:", f.path, NULL);
    out = parse(uri);
    listen_to(&f, in);
    g_assert_false(transport_listener_has_one(f.listener));
    list = transport_listener_addresses(f.listener);
    g_assert_cmpstr(list->value->u.q_unix.path, ==, f.path);
    ioc = connect_to(&f, out);
    g_assert_true(qio_channel_write_all(ioc, "stream", 6, NULL));
    g_clear_pointer(&ioc, qio_channel_unref);
    assert_reads(next_channel(&f), "stream");
    fixture_clear(&f);
}

static void test_fd_that_listens_to_connect(void)
{
    g_autoptr(MigrationAddress) addr = parse("fd:x");
    Fixture f;

    fixture_init(&f);
    give_fd(&f, "x", listening_socket(&f));
    assert_connect_fails(&f, addr, "descriptor 'fd:x' is a socket that "
                         "listens; a connected one is needed");
    fixture_clear(&f);
}

static void test_fd_of_the_other_direction(void)
{
    g_autoptr(MigrationAddress) addr = parse("fd:x");
    Fixture f;
    int fds[2];

    fixture_init(&f);
    g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
    give_fd(&f, "x", fds[0]);
    assert_connect_fails(&f, addr, "descriptor 'fd:x' is not open for "
                         "writing");
    give_fd(&f, "x", fds[1]);
    assert_listen_fails(&f, addr, "descriptor 'fd:x' is not open for "
                        "reading");
    fixture_clear(&f);
}

static void test_fd_of_a_directory(void)
{
    g_autoptr(MigrationAddress) addr = parse("fd:x");
    Fixture f;
    int fd;

    fixture_init(&f);
    fd = open(f.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    give_fd(&f, "x", fd);
    {
        g_autofree char *expected = g_strdup_printf(
            "file descriptor %d is neither a socket, a pipe, a character "
            "device, a block device nor a file", fd);

        assert_listen_fails(&f, addr, expected);
    }
    fixture_clear(&f);
}

static void test_fd_of_no_name(void)
{
    g_autoptr(MigrationAddress) addr = parse("fd:absent");
    Error *err = NULL;

    g_assert_null(transport_connect(addr, NULL, "x", NULL, &err));
    g_assert_nonnull(err);
    error_free(err);
}

static void test_freed_from_inside(void)
{
    g_autoptr(MigrationAddress) addr = NULL;
    Fixture f;

    fixture_init(&f);
    f.free_listener = true;
    g_assert_true(g_file_set_contents(f.path, "stream", -1, NULL));
    addr = parse_file(&f, "");
    listen_to(&f, addr);
    assert_reads(next_channel(&f), "stream");
    g_assert_null(f.listener);
    fixture_clear(&f);
}

static void test_freed_before_the_loop(void)
{
    g_autoptr(MigrationAddress) addr = parse("exec:sleep 1000");
    Fixture f;

    fixture_init(&f);
    listen_to(&f, addr);
    g_clear_pointer(&f.listener, transport_listener_free);
    g_assert_false(g_main_context_iteration(f.context, false));
    fixture_clear(&f);
}

static void add_good(void)
{
    g_test_add_func("/carriers/file", test_file);
    g_test_add_func("/carriers/file-once-more", test_file_once_more);
    g_test_add_func("/carriers/exec", test_exec);
    g_test_add_func("/carriers/exec-of-a-program", test_exec_of_a_program);
    g_test_add_func("/carriers/fd/pipe", test_fd_of_a_pipe);
    g_test_add_func("/carriers/fd/socket", test_fd_of_a_socket);
    g_test_add_func("/carriers/fd/file", test_fd_of_a_file);
    g_test_add_func("/carriers/fd/listening-socket", test_fd_that_listens);
    g_test_add_func("/carriers/freed-from-inside", test_freed_from_inside);
    g_test_add_func("/carriers/freed-before-the-loop",
                    test_freed_before_the_loop);
}

static void add_bad(void)
{
    g_test_add_func("/carriers/bad/exec-fails", test_exec_fails);
    g_test_add_func("/carriers/bad/exec-without-arguments",
                    test_exec_without_arguments);
    g_test_add_func("/carriers/bad/fd-that-listens",
                    test_fd_that_listens_to_connect);
    g_test_add_func("/carriers/bad/fd-of-the-other-direction",
                    test_fd_of_the_other_direction);
    g_test_add_func("/carriers/bad/fd-of-a-directory",
                    test_fd_of_a_directory);
    g_test_add_func("/carriers/bad/fd-of-no-name", test_fd_of_no_name);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_good();
    add_bad();
    return g_test_run();
}
