/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A terminal as the front end of a session.  Editing waits for keys, so it has
 * a thread of its own; the two take turns: the thread edits a line and hands it
 * over, the main loop runs the command and hands the turn back.  Only who has
 * the turn writes to the terminal.
 *
 * The thread ends when the terminal is gone, or when its eventfd says so.
 */
#include "qemu/osdep.h"

#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "io/channel-stdio.h"
#include "io/channel-stream.h"
#include "monitor/hmp-editor.h"
#include "monitor/hmp-terminal.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"

/* How long a terminal that the user has stopped may hold up the end. */
#define HMP_TERMINAL_LAST_WORDS_MS 200

/* Of a terminal that does not know. */
#define HMP_TERMINAL_COLUMNS 80

struct HmpTerminal {
    /* set once */
    const HmpHost *host;
    int in_fd;
    int edit_out_fd;        /* the caller's, for the thread */
    int out_fd;             /* ours, for the main loop: never blocks */
    int stop_fd;
    QemuThread thread;
    bool has_thread;

    /* the loop's thread */
    Hmp *hmp;
    QIOStream *stream;      /* only for what we say */
    bool want_turn;         /* hand the turn over when all text is out */

    QemuSemaphore turn;     /* the thread's */
    bool stopping;          /* atomic: it is to take no further turn */
    QemuMutex lock;
    char *line;             /* from the thread to the loop; guarded by @lock */
};

/* A line has come, or the terminal has gone. */
static void hmp_terminal_take_line(void *opaque)
{
    HmpTerminal *t = opaque;
    g_autofree char *line = NULL;

    WITH_QEMU_LOCK_GUARD(&t->lock) {
        line = g_steal_pointer(&t->line);
    }
    if (line && strlen(line) <= HMP_LINE_MAX_BYTES) {
        hmp_line(t->hmp, line);
    } else if (line) {
        hmp_line_refused(t->hmp, "a line is longer than "
                         G_STRINGIFY(HMP_LINE_MAX_BYTES) " bytes");
    }
}

static void *hmp_terminal_thread(void *opaque)
{
    HmpTerminal *t = opaque;
    g_autoptr(HmpEditor) editor = hmp_editor_new(t->in_fd, t->edit_out_fd,
                                                 t->stop_fd, t->host);
    char *line;

    for (;;) {
        qemu_sem_wait(&t->turn);
        if (!editor || qatomic_read(&t->stopping)) {
            break;
        }
        line = hmp_editor_line(editor);
        if (!line) {
            break;
        }
        WITH_QEMU_LOCK_GUARD(&t->lock) {
            t->line = line;
        }
        main_loop_schedule(t->host->loop, hmp_terminal_take_line, t);
    }
    return NULL;
}

static void hmp_terminal_give_turn(HmpTerminal *t)
{
    if (t->want_turn && !qio_stream_pending(t->stream)) {
        t->want_turn = false;
        qemu_sem_post(&t->turn);
    }
}

static void hmp_terminal_write(void *opaque, const char *text,
                               size_t len_bytes)
{
    HmpTerminal *t = opaque;

    qio_stream_write(t->stream, text, len_bytes);
}

static void hmp_terminal_ready(void *opaque)
{
    HmpTerminal *t = opaque;

    t->want_turn = true;
    hmp_terminal_give_turn(t);
}

static void hmp_terminal_drained(void *opaque)
{
    hmp_terminal_give_turn(opaque);
}

static unsigned hmp_terminal_columns(void *opaque)
{
    HmpTerminal *t = opaque;
    struct winsize size;

    return ioctl(t->out_fd, TIOCGWINSZ, &size) == 0 && size.ws_col
        ? size.ws_col : HMP_TERMINAL_COLUMNS;
}

static const HmpFrontend hmp_terminal_front = {
    .columns = hmp_terminal_columns,
    .write = hmp_terminal_write,
    .ready = hmp_terminal_ready,
};

/*
 * The terminal once more, so that it can be non-blocking for the main loop and
 * stay as it is for all who share the descriptor.
 */
static int hmp_terminal_reopen(int fd)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    int again = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    /* Somebody else's terminal (su): then a stopped one holds the loop up. */
    return again >= 0 ? again : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* Lines come from the thread, so the stream is never let read. */
static void hmp_terminal_open_stream(HmpTerminal *t)
{
    const QIOStreamHost host = {
        .context = main_loop_context(t->host->loop),
        .lossy = true,
        .drained = hmp_terminal_drained,
        .opaque = t,
    };

    t->stream = qio_stream_new(qio_channel_stdio_new(t->in_fd, t->out_fd),
                               &host, NULL);
    qio_stream_hold(t->stream, true);
}

HmpTerminal *hmp_terminal_new(int in_fd, int out_fd, const HmpHost *host,
                              Error **errp)
{
    g_autoptr(HmpTerminal) t = g_new0(HmpTerminal, 1);

    t->host = host;
    t->in_fd = in_fd;
    t->edit_out_fd = out_fd;
    qemu_mutex_init(&t->lock);
    qemu_sem_init(&t->turn, 0);
    t->stop_fd = eventfd(0, EFD_CLOEXEC);
    t->out_fd = hmp_terminal_reopen(out_fd);
    if (t->stop_fd < 0 || t->out_fd < 0) {
        error_setg_errno(errp, errno, "Cannot open the terminal once more");
        return NULL;
    }
    hmp_terminal_open_stream(t);
    t->hmp = hmp_new(host, &hmp_terminal_front, t);
    t->has_thread = qemu_thread_try_create(&t->thread, "hmp_terminal",
                                           hmp_terminal_thread, t,
                                           QEMU_THREAD_JOINABLE, errp);
    if (!t->has_thread) {
        return NULL;
    }
    hmp_greet(t->hmp);
    return g_steal_pointer(&t);
}

static void hmp_terminal_stop_thread(HmpTerminal *t)
{
    uint64_t one = 1;

    if (t->has_thread) {
        qatomic_set(&t->stopping, true);
        if (write(t->stop_fd, &one, sizeof(one)) != sizeof(one)) {
            /* Cannot happen: the counter was 0. */
        }
        qemu_sem_post(&t->turn);
        qemu_thread_join(&t->thread);
    }
    main_loop_cancel(t->host->loop, hmp_terminal_take_line, t);
}

void hmp_terminal_free(HmpTerminal *t)
{
    if (!t) {
        return;
    }
    if (t->stream) {
        qio_stream_flush(t->stream, HMP_TERMINAL_LAST_WORDS_MS);
    }
    hmp_terminal_stop_thread(t);
    hmp_free(t->hmp);
    qio_stream_free(t->stream);
    if (t->stop_fd >= 0) {
        close(t->stop_fd);
    }
    if (t->out_fd >= 0) {
        close(t->out_fd);
    }
    g_free(t->line);
    qemu_sem_destroy(&t->turn);
    qemu_mutex_destroy(&t->lock);
    g_free(t);
}
