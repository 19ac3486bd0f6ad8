/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor on standard input and output, with the front end that
 * fits them.
 *
 * The loop's thread.
 */
#include "qemu/osdep.h"

#include "io/channel-stdio.h"
#include "monitor/hmp-stream.h"
#ifdef CONFIG_READLINE
#include "monitor/hmp-terminal.h"
#endif

/* How long who reads the output may take for the last words. */
#define HMP_STDIO_LAST_WORDS_MS 200

struct HmpStdio {
    HmpStream *stream;      /* or NULL */
#ifdef CONFIG_READLINE
    HmpTerminal *terminal;  /* or NULL */
#endif
};

HmpStdio *hmp_stdio_new(const HmpHost *host, Error **errp)
{
    g_autofree HmpStdio *stdio = g_new0(HmpStdio, 1);

#ifdef CONFIG_READLINE
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
        stdio->terminal = hmp_terminal_new(STDIN_FILENO, STDOUT_FILENO, host,
                                           errp);
        return stdio->terminal ? g_steal_pointer(&stdio) : NULL;
    }
#endif
    stdio->stream = hmp_stream_new(qio_channel_stdio_new(STDIN_FILENO,
                                                         STDOUT_FILENO),
                                   host, NULL, NULL, errp);
    return stdio->stream ? g_steal_pointer(&stdio) : NULL;
}

void hmp_stdio_free(HmpStdio *stdio)
{
    if (stdio) {
#ifdef CONFIG_READLINE
        hmp_terminal_free(stdio->terminal);
#endif
        if (stdio->stream) {
            hmp_stream_flush(stdio->stream, HMP_STDIO_LAST_WORDS_MS);
        }
        hmp_stream_free(stdio->stream);
        g_free(stdio);
    }
}
