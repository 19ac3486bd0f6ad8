/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backends of the serial port; see kvm-chardev.h.
 *
 * All reading and writing is done by the main thread from sources of its loop;
 * CPU threads only put bytes into the buffer.
 */
#include "qemu/osdep.h"

#include <glib-unix.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

#include "accel/kvm-chardev.h"
#include "io/channel-socket.h"
#include "io/listener.h"
#include "qapi/error.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "qemu/units.h"

#define CHARDEV_BUFFER_BYTES (64 * KiB)

/* CPUs look for room before they write, all at once perhaps. */
#define CHARDEV_SLACK_BYTES 64

#define CHARDEV_WRITE_BYTES 4096

/* How long the last bytes may take to leave. */
#define CHARDEV_LAST_WORDS_MS 1000

struct KvmChardev {
    /* set once */
    MainLoop *loop;
    KvmSerial *serial;
    QIOListener *listener;      /* or NULL */
    bool wait;                  /* the guest does not start without a client */

    /* the main thread only */
    QIOChannel *client;         /* of a socket, or NULL; has both fds */
    int in_fd;                  /* -1: no input */
    int out_fd;                 /* -1: nobody listens */
    GSource *in_source;         /* while there is room for input */
    GSource *out_source;        /* while there is output */
    GSource *hup_source;        /* while somebody listens */
    uint8_t input[64];          /* what the port has not taken yet */
    size_t nr_input;
    bool is_terminal;           /* stdin, to be made raw by the loop */
    bool raw_terminal;
    struct termios terminal;    /* what to go back to */

    QemuMutex lock;
    bool connected;             /* guarded by @lock, as all that follows */
    GByteArray *output;
    bool scheduled;             /* chardev_turn() is on its way */
};

static void source_end(GSource *source)
{
    g_source_destroy(source);
    g_source_unref(source);
}

static void chardev_close(const KvmChardev *chr, int fd)
{
    if (!chr->client && fd >= 0) {
        close(fd);
    }
}

/* -- output ----------------------------------------------------------------*/

static void chardev_set_connected(KvmChardev *chr, bool connected)
{
    QEMU_LOCK_GUARD(&chr->lock);

    chr->connected = connected;
    g_byte_array_set_size(chr->output, 0);
}

/*
 * Nobody listens any more.  What has been said to us is still read, unless the
 * next client comes first.
 */
static void chardev_end_output(KvmChardev *chr)
{
    chardev_set_connected(chr, false);
    g_clear_pointer(&chr->out_source, source_end);
    g_clear_pointer(&chr->hup_source, source_end);
    chardev_close(chr, chr->out_fd);
    chr->out_fd = -1;
    if (chr->listener) {
        qio_listener_set_accepting(chr->listener, true);
    }
}

static void chardev_end_input(KvmChardev *chr)
{
    g_clear_pointer(&chr->in_source, source_end);
    chardev_close(chr, chr->in_fd);
    chr->in_fd = -1;
    chr->nr_input = 0;
}

static void chardev_disconnect(KvmChardev *chr)
{
    chardev_end_output(chr);
    chardev_end_input(chr);
    g_clear_pointer(&chr->client, qio_channel_unref);
}

/* Never waits, whatever is behind the descriptor. */
static ssize_t chardev_write(int fd, const uint8_t *data, size_t len)
{
    ssize_t done = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

    return done < 0 && errno == ENOTSOCK ? write(fd, data, len) : done;
}

/* Writes some; false when the other side is gone. */
static bool chardev_write_some(KvmChardev *chr)
{
    uint8_t data[CHARDEV_WRITE_BYTES];
    size_t len;
    ssize_t done;

    WITH_QEMU_LOCK_GUARD(&chr->lock) {
        len = MIN(chr->output->len, sizeof(data));
        memcpy(data, chr->output->data, len);
    }
    if (len == 0) {
        return true;
    }
    done = chardev_write(chr->out_fd, data, len);
    if (done < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    WITH_QEMU_LOCK_GUARD(&chr->lock) {
        g_byte_array_remove_range(chr->output, 0, done);
    }
    return true;
}

static bool chardev_has_output(KvmChardev *chr)
{
    QEMU_LOCK_GUARD(&chr->lock);

    return chr->output->len > 0;
}

static gboolean chardev_writable(int fd, GIOCondition condition, void *opaque)
{
    KvmChardev *chr = opaque;

    if (!chardev_write_some(chr)) {
        chardev_end_output(chr);
        return G_SOURCE_REMOVE;
    }
    if (!chardev_has_output(chr)) {
        g_clear_pointer(&chr->out_source, source_end);
    }
    return G_SOURCE_CONTINUE;
}

/* Seen here also while the guest neither reads nor writes. */
static gboolean chardev_hung_up(int fd, GIOCondition condition, void *opaque)
{
    chardev_end_output(opaque);
    return G_SOURCE_REMOVE;
}

/* -- input -----------------------------------------------------------------*/

/* Hands over what was read; false while some of it is left. */
static bool chardev_feed(KvmChardev *chr)
{
    size_t kept = kvm_serial_receive(chr->serial, chr->input, chr->nr_input);

    chr->nr_input -= kept;
    memmove(chr->input, chr->input + kept, chr->nr_input);
    return chr->nr_input == 0;
}

static gboolean chardev_readable(int fd, GIOCondition condition, void *opaque)
{
    KvmChardev *chr = opaque;
    size_t room = MIN(kvm_serial_room(chr->serial), sizeof(chr->input));
    ssize_t got;

    if (room == 0 || !chardev_feed(chr)) {
        /* Until the port can receive again: chardev_accept_input(). */
        g_clear_pointer(&chr->in_source, source_end);
        return G_SOURCE_REMOVE;
    }
    got = read(fd, chr->input, room);
    if (got > 0) {
        chr->nr_input = got;
        (void)chardev_feed(chr);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        if (chr->client) {
            chardev_disconnect(chr);
        } else {
            chardev_end_input(chr);
        }
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static GSource *chardev_watch(KvmChardev *chr, int fd, GIOCondition condition,
                              GUnixFDSourceFunc func)
{
    GSource *source = g_unix_fd_source_new(fd, condition);

    g_source_set_callback(source, G_SOURCE_FUNC(func), chr, NULL);
    g_source_attach(source, main_loop_context(chr->loop));
    return source;
}

/*
 * Each key reaches the guest as it is pressed; Ctrl-C still ends us.  Done by
 * the loop and not before: by now a signal does not end the process without
 * kvm_chardev_free().
 */
static void chardev_make_raw(KvmChardev *chr)
{
    if (chr->is_terminal && !chr->raw_terminal) {
        struct termios raw = chr->terminal;

        raw.c_lflag &= ~(ICANON | ECHO);
        raw.c_iflag &= ~ICRNL;
        chr->raw_terminal = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
}

/* Watches what there is to do. */
static void chardev_turn(void *opaque)
{
    KvmChardev *chr = opaque;
    bool output;

    WITH_QEMU_LOCK_GUARD(&chr->lock) {
        chr->scheduled = false;
        output = chr->output->len > 0;
    }
    chardev_make_raw(chr);
    if (output && chr->out_fd >= 0 && !chr->out_source) {
        chr->out_source = chardev_watch(chr, chr->out_fd, G_IO_OUT,
                                        chardev_writable);
    }
    if (chr->in_fd >= 0 && !chr->in_source && chardev_feed(chr) &&
        kvm_serial_room(chr->serial) > 0) {
        chr->in_source = chardev_watch(chr, chr->in_fd, G_IO_IN,
                                       chardev_readable);
    }
}

/* -- for the port ----------------------------------------------------------*/

static void chardev_schedule_locked(KvmChardev *chr)
{
    if (!chr->scheduled) {
        chr->scheduled = true;
        main_loop_schedule(chr->loop, chardev_turn, chr);
    }
}

static void chardev_put(void *opaque, uint8_t byte)
{
    KvmChardev *chr = opaque;
    QEMU_LOCK_GUARD(&chr->lock);

    if (!chr->connected || chr->output->len >= CHARDEV_BUFFER_BYTES) {
        return;
    }
    g_byte_array_append(chr->output, &byte, 1);
    if (chr->output->len == 1) {
        chardev_schedule_locked(chr);
    }
}

static bool chardev_has_room(void *opaque)
{
    KvmChardev *chr = opaque;
    QEMU_LOCK_GUARD(&chr->lock);

    return chr->output->len < CHARDEV_BUFFER_BYTES - CHARDEV_SLACK_BYTES;
}

static void chardev_accept_input(void *opaque)
{
    KvmChardev *chr = opaque;
    QEMU_LOCK_GUARD(&chr->lock);

    chardev_schedule_locked(chr);
}

/* -- opening ---------------------------------------------------------------*/

static void chardev_connect(KvmChardev *chr, int in_fd, int out_fd)
{
    chr->in_fd = in_fd;
    chr->out_fd = out_fd;
    chardev_set_connected(chr, true);
    chardev_accept_input(chr);
}

static void chardev_set_client(KvmChardev *chr, QIOChannel *ioc)
{
    int fd = qio_channel_get_fd(ioc);

    chr->client = ioc;
    chardev_connect(chr, fd, fd);
    chr->hup_source = chardev_watch(chr, fd, G_IO_HUP, chardev_hung_up);
}

static void chardev_accepted(QIOListener *listener, QIOChannel *ioc,
                             void *opaque)
{
    KvmChardev *chr = opaque;

    if (chr->out_fd >= 0) {
        /* Taken in the same turn of the loop as the one before it. */
        qio_channel_unref(ioc);
        return;
    }
    chardev_disconnect(chr);
    qio_listener_set_accepting(listener, false);
    chardev_set_client(chr, ioc);
}

static bool chardev_open_unix(KvmChardev *chr, const GuestSerial *config,
                              Error **errp)
{
    SocketAddress addr = {
        .type = SOCKET_ADDRESS_TYPE_UNIX,
        .u.q_unix.path = (char *)config->path,
    };

    if (!config->server) {
        QIOChannel *ioc = qio_channel_socket_connect(&addr, NULL, errp);

        if (ioc) {
            chardev_set_client(chr, ioc);
        }
        return ioc != NULL;
    }
    chr->wait = config->wait;
    chr->listener = qio_listener_new(&addr, 1, main_loop_context(chr->loop),
                                     chardev_accepted, chr, errp);
    return chr->listener != NULL;
}

static bool chardev_open_file(KvmChardev *chr, const GuestSerial *config,
                              Error **errp)
{
    int fd = open(config->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                  0666);

    if (fd < 0) {
        error_setg_errno(errp, errno, "Cannot open '%s'", config->path);
        return false;
    }
    chardev_connect(chr, -1, fd);
    return true;
}

/*
 * A descriptor of our own for one that others have, too: where that could make
 * us wait (a terminal that is held, a pipe that is full) one that does not.
 */
static int chardev_own_fd(int fd, int flags)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    struct stat st;
    int own = -1;

    if (isatty(fd) || (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))) {
        own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    return own < 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : own;
}

static void chardev_open_stdio(KvmChardev *chr)
{
    chr->is_terminal = tcgetattr(STDIN_FILENO, &chr->terminal) == 0;
    chardev_connect(chr, chardev_own_fd(STDIN_FILENO, O_RDONLY),
                    chardev_own_fd(STDOUT_FILENO, O_WRONLY));
}

static bool chardev_open(KvmChardev *chr, const GuestSerial *config,
                         Error **errp)
{
    switch (config->kind) {
    case GUEST_SERIAL_STDIO:
        chardev_open_stdio(chr);
        return true;
    case GUEST_SERIAL_FILE:
        return chardev_open_file(chr, config, errp);
    case GUEST_SERIAL_UNIX:
        return chardev_open_unix(chr, config, errp);
    case GUEST_SERIAL_NONE:
    default:
        return true;
    }
}

KvmChardev *kvm_chardev_new(const GuestSerial *config, KvmSerial *serial,
                            MainLoop *loop, Error **errp)
{
    g_autoptr(KvmChardev) chr = g_new0(KvmChardev, 1);
    const KvmSerialBackend backend = {
        .put = chardev_put,
        .has_room = chardev_has_room,
        .accept_input = chardev_accept_input,
        .opaque = chr,
    };

    chr->loop = loop;
    chr->serial = serial;
    chr->in_fd = chr->out_fd = -1;
    chr->output = g_byte_array_new();
    qemu_mutex_init(&chr->lock);
    if (!chardev_open(chr, config, errp)) {
        return NULL;
    }
    kvm_serial_set_backend(serial, &backend);
    return g_steal_pointer(&chr);
}

bool kvm_chardev_awaits_client(const KvmChardev *chr)
{
    return chr && chr->wait && !chr->client;
}

static void chardev_last_words(KvmChardev *chr)
{
    int64_t end_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) +
                     CHARDEV_LAST_WORDS_MS;
    struct pollfd pfd = { .fd = chr->out_fd, .events = POLLOUT };
    int64_t left_ms = CHARDEV_LAST_WORDS_MS;

    while (chr->out_fd >= 0 && chardev_has_output(chr) && left_ms > 0 &&
           poll(&pfd, 1, left_ms) > 0 && chardev_write_some(chr)) {
        left_ms = end_ms - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
    }
}

void kvm_chardev_free(KvmChardev *chr)
{
    if (!chr) {
        return;
    }
    if (chr->raw_terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &chr->terminal);
    }
    chardev_last_words(chr);
    g_clear_pointer(&chr->listener, qio_listener_free);
    chardev_disconnect(chr);
    main_loop_cancel(chr->loop, chardev_turn, chr);
    g_byte_array_unref(chr->output);
    qemu_mutex_destroy(&chr->lock);
    g_free(chr);
}
