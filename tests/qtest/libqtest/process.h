/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process under test, and lines to and from its sockets.
 *
 * Threads: the one that calls; no locks.
 */
#ifndef TESTS_QTEST_LIBQTEST_PROCESS_H
#define TESTS_QTEST_LIBQTEST_PROCESS_H

#include <sys/types.h>

#include <glib.h>

typedef struct QTestProcess QTestProcess;

/* One connection. */
typedef struct QTestLines {
    QTestProcess *process;
    int fd;
    GByteArray *in;         /* received, no line's end in it yet or more */
} QTestLines;

struct QTestProcess {
    char *name;             /* of its files in the folder */
    pid_t pid;
    int pid_fd;
    QTestLines qtest;
    QTestLines qmp;
};

/**
 * qtest_process_start:
 * @args: as for qtest_init()
 *
 * Returns: a process with both connections; end it with qtest_process_wait()
 */
QTestProcess *qtest_process_start(const char *args);

/**
 * qtest_process_wait:
 * @process: a process that was told to end
 *
 * Waits for its end, checks the exit status, and frees.
 */
void qtest_process_wait(QTestProcess *process);

/**
 * qtest_lines_send:
 * @lines: a connection
 * @text: what to send; a line end is added
 */
void qtest_lines_send(QTestLines *lines, const char *text);

/**
 * qtest_lines_receive:
 * @lines: a connection
 *
 * Returns: the next line, without its end, to be g_free()d
 */
char *qtest_lines_receive(QTestLines *lines);

#endif /* TESTS_QTEST_LIBQTEST_PROCESS_H */
