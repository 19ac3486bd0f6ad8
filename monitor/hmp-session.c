/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session of the human monitor: from what commands say to what its front end
 * writes, the progress line, and commands that are not over when they return.
 *
 * The loop's thread.  Reading lines is the front end's business.
 */
#include "qemu/osdep.h"

#include "monitor/hmp-internal.h"
#include "qapi/error.h"

struct Hmp {
    /* set once */
    const HmpHost *host;
    const HmpFrontend *front;
    void *front_opaque;

    GString *out;           /* said and not handed to the front end */
    bool running;           /* inside a command */
    bool ended;             /* there will be no prompt any more */
    bool progress;          /* the terminal's last line is a progress line */

    /* a command that has returned and is not over */
    GSource *wait;          /* or NULL */
    HmpPollFunc *poll;
    void *poll_opaque;
};

Hmp *hmp_new(const HmpHost *host, const HmpFrontend *front, void *opaque)
{
    Hmp *hmp = g_new0(Hmp, 1);

    hmp->host = host;
    hmp->front = front;
    hmp->front_opaque = opaque;
    hmp->out = g_string_new(NULL);
    return hmp;
}

static void hmp_stop_waiting(Hmp *hmp)
{
    if (hmp->wait) {
        g_source_destroy(hmp->wait);
        g_clear_pointer(&hmp->wait, g_source_unref);
    }
}

void hmp_free(Hmp *hmp)
{
    if (hmp) {
        hmp_stop_waiting(hmp);
        g_string_free(hmp->out, true);
        g_free(hmp);
    }
}

const HmpHost *hmp_host(const Hmp *hmp)
{
    return hmp->host;
}

bool hmp_busy(const Hmp *hmp)
{
    return hmp->running || hmp->wait || hmp->ended;
}

static bool hmp_is_terminal(const Hmp *hmp)
{
    return hmp->front && hmp->front->columns;
}

static void hmp_clear_progress(Hmp *hmp)
{
    if (hmp->progress) {
        hmp->progress = false;
        g_string_append(hmp->out, "\r\033[K");
    }
}

/*
 * Adds text, with line ends as QEMU's monitor has them.  A terminal makes them
 * itself.
 */
static void hmp_puts(Hmp *hmp, const char *text)
{
    bool terminal = hmp_is_terminal(hmp);

    hmp_clear_progress(hmp);
    for (; *text; text++) {
        if (*text == '\n' && !terminal) {
            g_string_append_c(hmp->out, '\r');
        }
        g_string_append_c(hmp->out, *text);
    }
}

static void hmp_flush(Hmp *hmp)
{
    if (hmp->front && hmp->out->len) {
        hmp->front->write(hmp->front_opaque, hmp->out->str, hmp->out->len);
        g_string_truncate(hmp->out, 0);
    }
}

void hmp_printf(Hmp *hmp, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    hmp_puts(hmp, text);
}

bool hmp_handle_error(Hmp *hmp, Error *err)
{
    if (!err) {
        return false;
    }
    hmp_printf(hmp, "Error: %s\n", error_get_pretty(err));
    if (error_get_hint(err)) {
        hmp_puts(hmp, error_get_hint(err));
    }
    error_free(err);
    return true;
}

/* What would not fit is cut off: a line that wraps could not be redrawn. */
void hmp_progress(Hmp *hmp, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    unsigned columns;
    va_list ap;

    if (!hmp_is_terminal(hmp)) {
        return;
    }
    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    columns = hmp->front->columns(hmp->front_opaque);
    g_string_append_printf(hmp->out, "\r%.*s\033[K",
                           (int)MIN(columns - 1, INT_MAX), text);
    hmp->progress = true;
}

/* The command is over, or waits for something. */
static void hmp_settle(Hmp *hmp)
{
    if (!hmp->wait) {
        hmp_clear_progress(hmp);
    }
    hmp_flush(hmp);
    if (hmp->front && !hmp_busy(hmp)) {
        hmp->front->ready(hmp->front_opaque);
    }
}

static gboolean hmp_wait_tick(gpointer opaque)
{
    Hmp *hmp = opaque;

    if (hmp->poll(hmp, hmp->poll_opaque)) {
        hmp_flush(hmp);
        return G_SOURCE_CONTINUE;
    }
    hmp_stop_waiting(hmp);
    /* Last: this may run the next command, and free the session. */
    hmp_settle(hmp);
    return G_SOURCE_REMOVE;
}

int hmp_take_fd(Hmp *hmp)
{
    return hmp->front && hmp->front->take_fd
        ? hmp->front->take_fd(hmp->front_opaque) : -1;
}

bool hmp_wait(Hmp *hmp, unsigned interval_ms, HmpPollFunc *poll, void *opaque)
{
    if (!hmp->front) {
        return false;
    }
    hmp->poll = poll;
    hmp->poll_opaque = opaque;
    hmp->wait = g_timeout_source_new(interval_ms);
    g_source_set_callback(hmp->wait, hmp_wait_tick, hmp, NULL);
    g_source_attach(hmp->wait, main_loop_context(hmp->host->loop));
    return true;
}

void hmp_end(Hmp *hmp)
{
    hmp->ended = true;
}

void hmp_line(Hmp *hmp, const char *line)
{
    hmp->running = true;
    hmp_execute(hmp, line);
    hmp->running = false;
    hmp_settle(hmp);
}

void hmp_line_refused(Hmp *hmp, const char *why)
{
    hmp_printf(hmp, "Error: %s\n", why);
    hmp_settle(hmp);
}

void hmp_greet(Hmp *hmp)
{
    hmp_printf(hmp, "Wherry %s monitor - type 'help' for more information\n",
               WHERRY_VERSION);
    hmp_settle(hmp);
}

char *hmp_run_text(const HmpHost *host, const char *line)
{
    Hmp *hmp = hmp_new(host, NULL, NULL);
    char *text;

    hmp_execute(hmp, line);
    text = g_strdup(hmp->out->str);
    hmp_free(hmp);
    return text;
}
