/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor (HMP): commands as words on a line, answers as text.  The
 * program hands in constant tables of commands; a command is a function that
 * gets its arguments parsed and prints into its session.
 *
 * Who talks to the session is not a command's business: a terminal with line
 * editing, a socket or pipe, or QMP's human-monitor-command.
 *
 * Threads: that of the main loop, except that completion functions are called
 * from the thread that edits lines, too; they look at constant data only.
 * No locks here.
 */
#ifndef MONITOR_HMP_H
#define MONITOR_HMP_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "qemu/main-loop.h"

/* What stands in front of a line that the user is to type. */
#define HMP_PROMPT "(wherry) "
/* The longest line that is taken. */
#define HMP_LINE_MAX_BYTES 65536

typedef struct Error Error;
typedef struct Hmp Hmp;             /* a session */
typedef struct HmpArgs HmpArgs;
typedef struct HmpStdio HmpStdio;

/*
 * Adds what may stand as argument number @nr_args (from 0; the ones before it
 * are @args) and begins with @word; others that are added do no harm.  The
 * texts are allocated.  Any thread.
 */
typedef void HmpCompleteFunc(GPtrArray *found, const char *const *args,
                             unsigned nr_args, const char *word);

/*
 * A command.  @args says what may follow its name, as comma-separated
 * NAME:TYPE: "-x" is a flag that may come or not, "s" a word, "s?" one that may
 * be absent, "b" the word on or off, "S" the rest of the line as it is.
 */
typedef struct HmpCommand {
    const char *name;       /* others behind "|"; NULL ends the table */
    const char *args;
    const char *params;     /* how help writes the arguments */
    const char *help;
    void (*run)(Hmp *hmp, const HmpArgs *args, void *opaque);
    HmpCompleteFunc *complete;      /* NULL: nothing to offer */
} HmpCommand;

/* Commands that work on the same thing. */
typedef struct HmpTable {
    const char *prefix;     /* a word in front of each, such as info, or NULL */
    const HmpCommand *commands;     /* NULL ends the list of tables */
    void *opaque;
} HmpTable;

/* What a session is made with. */
typedef struct HmpHost {
    MainLoop *loop;
    const HmpTable *tables;
    unsigned nr_cpus;       /* that human-monitor-command may name */
} HmpHost;

/**
 * hmp_args_str:
 * @args: the arguments of a command
 * @name: of one, as in HmpCommand::args
 *
 * Context: any thread.
 * Returns: its text, owned by @args; NULL when it was left out.
 */
const char *hmp_args_str(const HmpArgs *args, const char *name);

/**
 * hmp_args_bool:
 * @args: the arguments of a command
 * @name: of a flag, or of one of type "b"
 *
 * Context: any thread.
 * Returns: whether it was given, or is on.
 */
bool hmp_args_bool(const HmpArgs *args, const char *name);

/**
 * hmp_split:
 * @text: words; double quotes keep blanks in one, and a backslash inside them
 *        keeps the next character or stands for a line end (\n, \r)
 * @errp: receives the reason on failure, or NULL
 *
 * Context: any thread.
 * Returns: the words, to be freed with g_strfreev(); NULL when a quote is not
 * closed.
 */
char **hmp_split(const char *text, Error **errp);

/**
 * hmp_printf:
 * @hmp: the session
 * @fmt: printf format; "\n" ends a line
 *
 * Says something to the user.
 *
 * Context: the loop's thread, from a command or an HmpPollFunc.
 */
void hmp_printf(Hmp *hmp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/**
 * hmp_handle_error:
 * @hmp: the session
 * @err: what went wrong, or NULL; freed
 *
 * Says "Error: ..." with the text that QMP would give, and the hint.
 *
 * Context: as hmp_printf().
 * Returns: whether there was an error.
 */
bool hmp_handle_error(Hmp *hmp, Error *err);

/**
 * hmp_progress:
 * @hmp: the session
 * @fmt: printf format, without a line end
 *
 * Draws a line in place of the one drawn before.  It vanishes with the next
 * text or prompt.  Nothing happens where nobody watches, that is, on anything
 * but a terminal.
 *
 * Context: as hmp_printf().
 */
void hmp_progress(Hmp *hmp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/**
 * hmp_take_fd:
 * @hmp: the session
 *
 * Takes a descriptor that came with what the user has sent.
 *
 * Context: from a command.
 * Returns: the descriptor, the caller's to close; -1 if none has come.
 */
int hmp_take_fd(Hmp *hmp);

/* Is what a command waits for still under way?  In the loop's thread. */
typedef bool HmpPollFunc(Hmp *hmp, void *opaque);

/**
 * hmp_wait:
 * @hmp: the session
 * @interval_ms: how often to ask
 * @poll: what to ask, from the main loop
 * @opaque: handed to @poll; outlives the session
 *
 * Keeps the prompt back after the command has returned, until @poll returns
 * false.  The session reads no line meanwhile, others go on.
 *
 * Context: from a command, once in it.
 * Returns: false where that is not possible, under human-monitor-command.
 */
bool hmp_wait(Hmp *hmp, unsigned interval_ms, HmpPollFunc *poll,
              void *opaque);

/**
 * hmp_end:
 * @hmp: the session
 *
 * There will be no prompt after this command: the program ends.
 *
 * Context: from a command.
 */
void hmp_end(Hmp *hmp);

/**
 * hmp_run_text:
 * @host: what commands there are
 * @line: a line
 *
 * Runs a line on its own, for human-monitor-command.
 *
 * Context: the loop's thread.
 * Returns: all that it said, errors too, with CR LF line ends; to be freed with
 * g_free().
 */
char *hmp_run_text(const HmpHost *host, const char *line);

/**
 * hmp_complete:
 * @host: what commands there are
 * @line: a line up to the cursor
 * @word_offset: receives where in it the word begins that is completed
 *
 * Context: any thread.
 * Returns: what the word can be, sorted, an array of char *; to be freed with
 * g_ptr_array_unref().
 */
GPtrArray *hmp_complete(const HmpHost *host, const char *line,
                        size_t *word_offset);

/**
 * hmp_complete_prefix:
 * @found: candidates, at least one
 *
 * Context: any thread.
 * Returns: how many bytes at their begin all candidates share.
 */
size_t hmp_complete_prefix(const GPtrArray *found);

/**
 * hmp_complete_add:
 * @found: candidates
 * @text: one more, copied
 *
 * Context: any thread.
 */
void hmp_complete_add(GPtrArray *found, const char *text);

/**
 * hmp_stdio_new:
 * @host: what sessions work with; outlives the result
 * @errp: receives the reason on failure, or NULL
 *
 * A session on standard input and output: with line editing where both are a
 * terminal and the build has it, else line by line.  The end of the input ends
 * the session and not the program.
 *
 * Context: the loop's thread.  The caller frees it with hmp_stdio_free().
 * Returns: the session, or NULL when a descriptor cannot be had.
 */
HmpStdio *hmp_stdio_new(const HmpHost *host, Error **errp);

/**
 * hmp_stdio_free:
 * @stdio: a session, or NULL
 *
 * Ends it and gives the terminal back as it was.
 *
 * Context: the loop's thread, not from inside a command.
 */
void hmp_stdio_free(HmpStdio *stdio);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HmpStdio, hmp_stdio_free)

#endif /* MONITOR_HMP_H */
