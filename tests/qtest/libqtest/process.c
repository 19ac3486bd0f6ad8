/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts and ends the process under test, and moves lines.
 *
 * One thread.  However the test ends, its processes do: the kernel kills them
 * with their parent.
 */
#include "qemu/osdep.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <glib/gstdio.h>

#include "libqtest.h"
#include "process.h"

#define QTEST_DEADLINE_MS 60000
#define QTEST_RECEIVE_BYTES (256 * 1024)

static char *qtest_folder_path;
static unsigned qtest_nr_started;

static int qtest_deadline_ms(void)
{
    const char *scale = g_getenv("WHERRY_TEST_TIMEOUT_SCALE");

    return QTEST_DEADLINE_MS *
           (scale ? MAX(1, (int)g_ascii_strtoll(scale, NULL, 10)) : 1);
}

static void qtest_folder_remove(void)
{
    GDir *dir = g_dir_open(qtest_folder_path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(qtest_folder_path, name,
                                                 NULL);

        g_unlink(path);
    }
    g_clear_pointer(&dir, g_dir_close);
    g_rmdir(qtest_folder_path);
    g_clear_pointer(&qtest_folder_path, g_free);
}

const char *qtest_folder(void)
{
    if (!qtest_folder_path) {
        qtest_folder_path = g_strdup("/dev/shm/wherry-qtest-XXXXXX");
        if (!g_mkdtemp(qtest_folder_path)) {
            g_free(qtest_folder_path);
            qtest_folder_path = g_dir_make_tmp("wherry-qtest-XXXXXX", NULL);
            g_assert_nonnull(qtest_folder_path);
        }
        atexit(qtest_folder_remove);
    }
    return qtest_folder_path;
}

static char *qtest_process_file(const QTestProcess *process,
                                const char *suffix)
{
    return g_strdup_printf("%s/%s.%s", qtest_folder(), process->name, suffix);
}

static G_NORETURN G_GNUC_PRINTF(2, 3)
void qtest_process_die(QTestProcess *process, const char *fmt, ...)
{
    g_autofree char *path = qtest_process_file(process, "log");
    g_autofree char *log = NULL;
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    g_file_get_contents(path, &log, NULL, NULL);
    g_printerr("# %s\n%s", log && *log ? "the process wrote:"
                                       : "the process wrote nothing",
               log ? log : "");
    g_error("%s: %s", process->name, text);
}

static void qtest_process_setup(gpointer data)
{
    const char *log_path = data;
    int fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static char **qtest_process_argv(QTestProcess *process, const char *args)
{
    g_autofree char *qtest_path = qtest_process_file(process, "qtest");
    g_autofree char *qmp_path = qtest_process_file(process, "qmp");
    g_autofree char *text = NULL;
    const char *program = g_getenv("WHERRY");
    char **argv;

    if (!program) {
        g_error("set WHERRY to the program to test");
    }
    text = g_strdup_printf("%s -accel qtest -qtest-log none -nodefaults"
                           " -display none"
                           " -qtest unix:%s,server=on,wait=off"
                           " -qmp unix:%s,server=on,wait=off %s",
                           program, qtest_path, qmp_path, args);
    if (!g_shell_parse_argv(text, NULL, &argv, NULL)) {
        g_error("no command line: %s", text);
    }
    return argv;
}

static int qtest_try_connect(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpuint(strlen(path), <, sizeof(addr.sun_path));
    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/*
 * Nothing tells a parent that a child listens: looks again soon, but notices
 * at once when the child ends.
 */
static void qtest_lines_connect(QTestProcess *process, QTestLines *lines,
                                const char *suffix)
{
    g_autofree char *path = qtest_process_file(process, suffix);
    gint64 end_us = g_get_monotonic_time() + qtest_deadline_ms() * 1000LL;

    lines->process = process;
    lines->in = g_byte_array_new();
    while ((lines->fd = qtest_try_connect(path)) < 0) {
        struct pollfd ended = { .fd = process->pid_fd, .events = POLLIN };

        if (poll(&ended, 1, 2) > 0) {
            qtest_process_die(process, "ended before it listened on %s", path);
        }
        if (g_get_monotonic_time() > end_us) {
            qtest_process_die(process, "does not listen on %s", path);
        }
    }
}

QTestProcess *qtest_process_start(const char *args)
{
    QTestProcess *process = g_new0(QTestProcess, 1);
    g_autofree char *log_path = NULL;
    g_auto(GStrv) argv = NULL;
    g_autoptr(GError) err = NULL;

    process->name = g_strdup_printf("vm%u", qtest_nr_started++);
    log_path = qtest_process_file(process, "log");
    argv = qtest_process_argv(process, args);
    if (!g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD |
                       G_SPAWN_SEARCH_PATH, qtest_process_setup, log_path,
                       &process->pid, &err)) {
        g_error("cannot start %s: %s", argv[0], err->message);
    }
    process->pid_fd = syscall(SYS_pidfd_open, process->pid, 0);
    g_assert_cmpint(process->pid_fd, >=, 0);
    qtest_lines_connect(process, &process->qtest, "qtest");
    qtest_lines_connect(process, &process->qmp, "qmp");
    return process;
}

static void qtest_lines_close(QTestLines *lines)
{
    close(lines->fd);
    g_byte_array_unref(lines->in);
}

void qtest_process_wait(QTestProcess *process)
{
    struct pollfd ended = { .fd = process->pid_fd, .events = POLLIN };
    int status = 0;

    if (poll(&ended, 1, qtest_deadline_ms()) <= 0) {
        qtest_process_die(process, "does not end");
    }
    g_assert_cmpint(waitpid(process->pid, &status, 0), ==, process->pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        qtest_process_die(process, "ended with wait status 0x%x", status);
    }
    close(process->pid_fd);
    qtest_lines_close(&process->qtest);
    qtest_lines_close(&process->qmp);
    g_free(process->name);
    g_free(process);
}

void qtest_lines_send(QTestLines *lines, const char *text)
{
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    size_t len = strlen(line);
    size_t done = 0;

    while (done < len) {
        ssize_t n = send(lines->fd, line + done, len - done, MSG_NOSIGNAL);

        if (n < 0) {
            qtest_process_die(lines->process, "cannot send: %s",
                              g_strerror(errno));
        }
        done += n;
    }
}

static void qtest_lines_fill(QTestLines *lines)
{
    struct pollfd readable = { .fd = lines->fd, .events = POLLIN };
    size_t before = lines->in->len;
    ssize_t n;

    if (poll(&readable, 1, qtest_deadline_ms()) <= 0) {
        qtest_process_die(lines->process, "does not answer");
    }
    g_byte_array_set_size(lines->in, before + QTEST_RECEIVE_BYTES);
    n = recv(lines->fd, lines->in->data + before, QTEST_RECEIVE_BYTES, 0);
    if (n <= 0) {
        qtest_process_die(lines->process, "closed the connection");
    }
    g_byte_array_set_size(lines->in, before + n);
}

char *qtest_lines_receive(QTestLines *lines)
{
    size_t scanned = 0;
    const guint8 *end;
    char *line;
    size_t len;

    for (;;) {
        end = lines->in->len == scanned ? NULL
            : memchr(lines->in->data + scanned, '\n', lines->in->len - scanned);
        if (end) {
            break;
        }
        scanned = lines->in->len;
        qtest_lines_fill(lines);
    }
    len = end - lines->in->data;
    line = g_strndup((const char *)lines->in->data,
                     len && end[-1] == '\r' ? len - 1 : len);
    g_byte_array_remove_range(lines->in, 0, len + 1);
    return line;
}
