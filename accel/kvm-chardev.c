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
#include <termios.h>

#include "accel/kvm-chardev.h"
#include "io/channel-socket.h"
#include "io/listener.h"
#include "qapi/error.h"
#include "qemu/thread.h"
#include "qemu/units.h"

#define CHARDEV_BUFFER_BYTES (64 * KiB)

/* CPUs look for room before they write, all at once perhaps. */
#define CHARDEV_SLACK_BYTES 64

/* A pipe or terminal that is ready takes so many without waiting. */
#define CHARDEV_WRITE_BYTES 4096

/* How long the last bytes may take to leave. */
#define CHARDEV_LAST_WORDS_MS 1000

struct KvmChardev {
    /* set once */
    MainLoop *loop;
    KvmSerial *serial;
    QIOListener *listener;      /* or NULL */

    /* the main thread only */
    QIOChannel *client;         /* of a socket, or NULL */
    int in_fd;                  /* -1: no input */
    int out_fd;                 /* -1: nobody is connected */
    bool owns_out_fd;
    GSource *in_source;         /* while there is room for input */
    GSource *out_source;        /* while there is output */
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

/* -- output ----------------------------------------------------------------*/

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
    done = chr->client
        ? send(chr->out_fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL)
        : write(chr->out_fd, data, len);
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

static void chardev_set_connected(KvmChardev *chr, bool connected)
{
    QEMU_LOCK_GUARD(&chr->lock);

    chr->connected = connected;
    g_byte_array_set_size(chr->output, 0);
}

static void chardev_disconnect(KvmChardev *chr)
{
    chardev_set_connected(chr, false);
    g_clear_pointer(&chr->in_source, source_end);
    g_clear_pointer(&chr->out_source, source_end);
    g_clear_pointer(&chr->client, qio_channel_unref);
    chr->in_fd = chr->out_fd = -1;
    if (chr->listener) {
        qio_listener_set_accepting(chr->listener, true);
    }
}

static gboolean chardev_writable(int fd, GIOCondition condition, void *opaque)
{
    KvmChardev *chr = opaque;

    if (!chardev_write_some(chr)) {
        chardev_disconnect(chr);
        return G_SOURCE_REMOVE;
    }
    if (!chardev_has_output(chr)) {
        g_clear_pointer(&chr->out_source, source_end);
    }
    return G_SOURCE_CONTINUE;
}

/* -- input -----------------------------------------------------------------*/

static gboolean chardev_readable(int fd, GIOCondition condition, void *opaque)
{
    KvmChardev *chr = opaque;
    uint8_t data[64];
    size_t room = MIN(kvm_serial_room(chr->serial), sizeof(data));
    ssize_t got;

    if (room == 0) {
        /* Until the port can receive again: chardev_accept_input(). */
        g_clear_pointer(&chr->in_source, source_end);
        return G_SOURCE_CONTINUE;
    }
    got = read(fd, data, room);
    if (got > 0) {
        kvm_serial_receive(chr->serial, data, got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        if (chr->client) {
            chardev_disconnect(chr);
        } else {
            chr->in_fd = -1;
            g_clear_pointer(&chr->in_source, source_end);
        }
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

/* Watches what there is to do. */
static void chardev_turn(void *opaque)
{
    KvmChardev *chr = opaque;
    bool output;

    WITH_QEMU_LOCK_GUARD(&chr->lock) {
        chr->scheduled = false;
        output = chr->output->len > 0;
    }
    if (output && chr->out_fd >= 0 && !chr->out_source) {
        chr->out_source = chardev_watch(chr, chr->out_fd, G_IO_OUT,
                                        chardev_writable);
    }
    if (chr->in_fd >= 0 && !chr->in_source &&
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
}

static void chardev_accepted(QIOListener *listener, QIOChannel *ioc,
                             void *opaque)
{
    KvmChardev *chr = opaque;

    if (chr->client) {
        /* Taken in the same turn of the loop as the one before it. */
        qio_channel_unref(ioc);
        return;
    }
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
    chr->listener = qio_listener_new(&addr, 1, main_loop_context(chr->loop),
                                     chardev_accepted, chr, errp);
    if (!chr->listener) {
        return false;
    }
    while (config->wait && !chr->client) {
        g_main_context_iteration(main_loop_context(chr->loop), true);
    }
    return true;
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
    chr->owns_out_fd = true;
    chardev_connect(chr, -1, fd);
    return true;
}

/* Each key reaches the guest as it is pressed; Ctrl-C still ends us. */
static void chardev_open_stdio(KvmChardev *chr)
{
    if (tcgetattr(STDIN_FILENO, &chr->terminal) == 0) {
        struct termios raw = chr->terminal;

        raw.c_lflag &= ~(ICANON | ECHO);
        raw.c_iflag &= ~ICRNL;
        chr->raw_terminal = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    chardev_connect(chr, STDIN_FILENO, STDOUT_FILENO);
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

static void chardev_last_words(KvmChardev *chr)
{
    struct pollfd pfd = { .fd = chr->out_fd, .events = POLLOUT };

    while (chr->out_fd >= 0 && chardev_has_output(chr) &&
           poll(&pfd, 1, CHARDEV_LAST_WORDS_MS) > 0 &&
           chardev_write_some(chr)) {
        /* once more */
    }
}

void kvm_chardev_free(KvmChardev *chr)
{
    if (!chr) {
        return;
    }
    chardev_last_words(chr);
    if (chr->raw_terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &chr->terminal);
    }
    if (chr->owns_out_fd) {
        close(chr->out_fd);
    }
    qio_listener_free(chr->listener);
    chr->listener = NULL;
    chardev_disconnect(chr);
    main_loop_cancel(chr->loop, chardev_turn, chr);
    g_byte_array_unref(chr->output);
    qemu_mutex_destroy(&chr->lock);
    g_free(chr);
}
