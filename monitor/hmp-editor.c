/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libedit for the human monitor.  Of its two interfaces this is the native one:
 * readline's emulation keeps its state in variables of the process.
 *
 * The thread that made the editor.  The keys are those of QEMU's monitor:
 * Emacs bindings, of which Ctrl-D only deletes, and Ctrl-C is left to the
 * terminal, whose signal ends the program.
 */
#include "qemu/osdep.h"

#include <histedit.h>
#include <poll.h>
#include <wchar.h>

#include "monitor/hmp-editor.h"

#define HMP_HISTORY_LINES 200

struct HmpEditor {
    /* set once */
    int in_fd;
    int stop_fd;
    const HmpHost *host;
    FILE *in;
    FILE *out;
    EditLine *el;
    History *history;
};

static char *hmp_editor_prompt(EditLine *el)
{
    return (char *)HMP_PROMPT;
}

/* One byte, when there is one; false at the end of the input. */
static bool hmp_editor_byte(HmpEditor *ed, char *c)
{
    struct pollfd pfd[] = {
        { .fd = ed->in_fd, .events = POLLIN },
        { .fd = ed->stop_fd, .events = POLLIN },
    };
    int ret;

    do {
        ret = poll(pfd, ARRAY_SIZE(pfd), -1);
    } while (ret < 0 && errno == EINTR);
    return ret > 0 && !pfd[1].revents && read(ed->in_fd, c, 1) == 1;
}

/* A character out of as many bytes as it has, for libedit. */
static int hmp_editor_getc(EditLine *el, wchar_t *wc)
{
    HmpEditor *ed = NULL;
    mbstate_t state;
    char c;

    el_get(el, EL_CLIENTDATA, &ed);
    memset(&state, 0, sizeof(state));
    while (hmp_editor_byte(ed, &c)) {
        size_t n = mbrtowc(wc, &c, 1, &state);

        if (n == (size_t)-1) {
            /* Not in this locale's encoding. */
            memset(&state, 0, sizeof(state));
        } else if (n != (size_t)-2) {
            return 1;
        }
    }
    return 0;
}

static int hmp_editor_width(const GPtrArray *found)
{
    size_t width = 0;

    for (guint i = 0; i < found->len; i++) {
        width = MAX(width, strlen(g_ptr_array_index(found, i)));
    }
    return width + 2;
}

/* Shows in columns what there is to choose from, on lines of their own. */
static void hmp_editor_list(HmpEditor *ed, const GPtrArray *found)
{
    int width = hmp_editor_width(found);
    int screen = 0;
    guint columns, rows;

    el_get(ed->el, EL_GETTC, "co", &screen);
    columns = MAX((screen > 0 ? screen : 80) / width, 1);
    rows = DIV_ROUND_UP(found->len, columns);
    fputc('\n', ed->out);
    for (guint row = 0; row < rows; row++) {
        for (guint i = row; i < found->len; i += rows) {
            const char *text = g_ptr_array_index(found, i);

            fprintf(ed->out, "%-*s", i + rows < found->len ? width : 0, text);
        }
        fputc('\n', ed->out);
    }
    fflush(ed->out);
}

/* The key TAB: adds what is certain, else shows what is possible. */
static unsigned char hmp_editor_complete(EditLine *el, int key)
{
    const LineInfo *info = el_line(el);
    g_autofree char *line = g_strndup(info->buffer,
                                      info->cursor - info->buffer);
    g_autoptr(GPtrArray) found = NULL;
    HmpEditor *ed = NULL;
    g_autofree char *more = NULL;
    size_t offset, typed, same;
    const char *first;

    el_get(el, EL_CLIENTDATA, &ed);
    found = hmp_complete(ed->host, line, &offset);
    if (!found->len) {
        return CC_ERROR;
    }
    first = g_ptr_array_index(found, 0);
    typed = strlen(line) - offset;
    same = hmp_complete_prefix(found);
    more = g_strndup(first + typed, same - typed);
    if (found->len == 1 && !g_str_has_suffix(first, "=")) {
        char *spaced = g_strconcat(more, " ", NULL);

        g_free(more);
        more = spaced;
    }
    if (*more) {
        return el_insertstr(el, more) == 0 ? CC_REFRESH : CC_ERROR;
    }
    hmp_editor_list(ed, found);
    return CC_REDISPLAY;
}

static void hmp_editor_set_up(HmpEditor *ed)
{
    HistEvent event;

    el_set(ed->el, EL_CLIENTDATA, ed);
    el_set(ed->el, EL_GETCFN, hmp_editor_getc);
    el_set(ed->el, EL_PROMPT, hmp_editor_prompt);
    el_set(ed->el, EL_EDITOR, "emacs");
    el_set(ed->el, EL_SIGNAL, 0);
    history(ed->history, &event, H_SETSIZE, HMP_HISTORY_LINES);
    history(ed->history, &event, H_SETUNIQUE, 1);
    el_set(ed->el, EL_HIST, history, ed->history);
    /* Wide, since libedit never frees the copies it makes of others. */
    el_wset(ed->el, EL_ADDFN, L"hmp-complete", L"complete a word",
            hmp_editor_complete);
    el_set(ed->el, EL_BIND, "^I", "hmp-complete", NULL);
    el_set(ed->el, EL_BIND, "^D", "ed-delete-next-char", NULL);
    el_set(ed->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_set(ed->el, EL_BIND, "\\e[3~", "ed-delete-next-char", NULL);
    el_set(ed->el, EL_BIND, "\\e[1~", "ed-move-to-beg", NULL);
    el_set(ed->el, EL_BIND, "\\e[4~", "ed-move-to-end", NULL);
    /* These two would leave the terminal raw. */
    el_set(ed->el, EL_SETTY, "-d", "quit=", "susp=", NULL);
}

HmpEditor *hmp_editor_new(int in_fd, int out_fd, int stop_fd,
                          const HmpHost *host)
{
    g_autoptr(HmpEditor) ed = g_new0(HmpEditor, 1);
    int in_copy = fcntl(in_fd, F_DUPFD_CLOEXEC, 3);
    int out_copy = fcntl(out_fd, F_DUPFD_CLOEXEC, 3);

    ed->in_fd = in_fd;
    ed->stop_fd = stop_fd;
    ed->host = host;
    ed->in = in_copy >= 0 ? fdopen(in_copy, "r") : NULL;
    ed->out = out_copy >= 0 ? fdopen(out_copy, "w") : NULL;
    ed->history = history_init();
    if (ed->in && ed->out && ed->history) {
        ed->el = el_init("wherry", ed->in, ed->out, ed->out);
    }
    if (!ed->el) {
        return NULL;
    }
    hmp_editor_set_up(ed);
    return g_steal_pointer(&ed);
}

void hmp_editor_free(HmpEditor *ed)
{
    if (!ed) {
        return;
    }
    if (ed->el) {
        el_end(ed->el);
    }
    if (ed->history) {
        history_end(ed->history);
    }
    if (ed->in) {
        fclose(ed->in);
    }
    if (ed->out) {
        fclose(ed->out);
    }
    g_free(ed);
}

char *hmp_editor_line(HmpEditor *ed)
{
    HistEvent event;
    int count = 0;
    const char *text;
    char *line;

    el_resize(ed->el);
    /* Before the prompt: what is typed at its sight is not to be echoed. */
    el_set(ed->el, EL_PREP_TERM, 1);
    text = el_gets(ed->el, &count);
    if (!text || count <= 0) {
        /* Who prints next is not to go on behind the prompt. */
        fputc('\n', ed->out);
        return NULL;
    }
    line = g_strchomp(g_strndup(text, count));
    if (*line) {
        history(ed->history, &event, H_ENTER, line);
    }
    return line;
}
