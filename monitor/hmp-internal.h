/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the human monitor share: the session object, the lookup of
 * commands, and what a front end (stream, terminal) provides.  For monitor/hmp*
 * and its tests.
 *
 * Threads: as monitor/hmp.h.
 */
#ifndef MONITOR_HMP_INTERNAL_H
#define MONITOR_HMP_INTERNAL_H

#include "monitor/hmp.h"

/* How a session reaches its user. */
typedef struct HmpFrontend {
    /* How wide a terminal is.  NULL: it is none, and progress not drawn. */
    unsigned (*columns)(void *opaque);
    void (*write)(void *opaque, const char *text, size_t len_bytes);
    /* The command is over: prompt, and take the next line. */
    void (*ready)(void *opaque);
    /* As hmp_take_fd().  NULL: none can come. */
    int (*take_fd)(void *opaque);
} HmpFrontend;

/* The end of a session by itself, from the main loop; it may be freed there. */
typedef void HmpClosedFunc(void *opaque);

/**
 * hmp_new:
 * @host: what it works with; outlives it
 * @front: its front end; outlives it
 * @opaque: handed to the front end's functions
 *
 * Context: the loop's thread.
 * Returns: a session, to be freed with hmp_free().
 */
Hmp *hmp_new(const HmpHost *host, const HmpFrontend *front, void *opaque);

/**
 * hmp_free:
 * @hmp: a session, or NULL
 *
 * Forgets what a command of it waits for; that itself goes on.
 *
 * Context: the loop's thread, not from inside a command.
 */
void hmp_free(Hmp *hmp);

/**
 * hmp_greet:
 * @hmp: a session
 *
 * Says which program this is, and that it is ready.
 *
 * Context: the loop's thread, first of all.
 */
void hmp_greet(Hmp *hmp);

/**
 * hmp_line:
 * @hmp: a session that is not busy
 * @line: without its end
 *
 * Runs a command; HmpFrontend::ready is called when it is over, possibly before
 * this returns.
 *
 * Context: the loop's thread.
 */
void hmp_line(Hmp *hmp, const char *line);

/**
 * hmp_line_refused:
 * @hmp: a session that is not busy
 * @why: what is wrong with the line
 *
 * In place of hmp_line(), for one that is no line of text.
 *
 * Context: the loop's thread.
 */
void hmp_line_refused(Hmp *hmp, const char *why);

/**
 * hmp_busy:
 * @hmp: a session
 *
 * Context: the loop's thread.
 * Returns: whether a command is not over, or none may follow.
 */
bool hmp_busy(const Hmp *hmp);

/**
 * hmp_execute:
 * @hmp: a session
 * @line: without its end
 *
 * Finds the command, parses its arguments and runs it.
 *
 * Context: the loop's thread.
 */
void hmp_execute(Hmp *hmp, const char *line);

/**
 * hmp_host:
 * @hmp: a session
 *
 * Context: the loop's thread.
 * Returns: what it was made with.
 */
const HmpHost *hmp_host(const Hmp *hmp);

/**
 * hmp_all_tables:
 * @host: what commands there are
 * @index: from 0
 *
 * The tables one by one, those of the monitor itself included.
 *
 * Context: any thread.
 * Returns: the table; NULL past the last.
 */
const HmpTable *hmp_all_tables(const HmpHost *host, unsigned index);

/**
 * hmp_name_next:
 * @names: where to go on in HmpCommand::name; moves behind the name
 *
 * Takes the names of a command one by one.
 *
 * Context: any thread.
 * Returns: the next name, to be freed with g_free(); NULL past the last.
 */
char *hmp_name_next(const char **names);

/**
 * hmp_has_name:
 * @command: a command
 * @word: what somebody typed
 *
 * Context: any thread.
 * Returns: whether that is one of its names.
 */
bool hmp_has_name(const HmpCommand *command, const char *word);

/**
 * hmp_is_prefix:
 * @host: what commands there are
 * @word: what somebody typed
 *
 * Context: any thread.
 * Returns: whether commands begin with this word and one more, as with info.
 */
bool hmp_is_prefix(const HmpHost *host, const char *word);

/**
 * hmp_args_parse:
 * @spec: as HmpCommand::args
 * @name: of the command, for messages
 * @text: what follows the name in the line
 * @errp: receives what is wrong with it, or NULL
 *
 * Context: any thread.
 * Returns: the arguments, to be freed with hmp_args_free(); NULL when they do
 * not fit.
 */
HmpArgs *hmp_args_parse(const char *spec, const char *name, const char *text,
                        Error **errp);

/**
 * hmp_args_free:
 * @args: arguments, or NULL
 *
 * Context: any thread.
 */
void hmp_args_free(HmpArgs *args);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HmpArgs, hmp_args_free)

#endif /* MONITOR_HMP_INTERNAL_H */
