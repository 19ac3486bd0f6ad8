/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line as a plain struct: what cmdline_parse() makes and what the
 * machine is built from.
 *
 * Threads: the main thread.  No locks.
 */
#ifndef SYSTEM_COMMAND_LINE_H
#define SYSTEM_COMMAND_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "accel/guest.h"
#include "qapi/qapi-types-qom.h"
#include "qemu/keyval.h"
#include "qemu/uuid.h"
#include "system/monitor-options.h"

/* What the program is asked to do. */
typedef enum CommandLineAction {
    CMDLINE_RUN,
    CMDLINE_HELP,
    CMDLINE_VERSION,
    CMDLINE_ACCEL_HELP,
    CMDLINE_MACHINE_HELP,
    CMDLINE_TRACE_HELP,
} CommandLineAction;

/* One -object. */
typedef struct CommandLineObject {
    char *text;             /* as it was written, for messages */
    ObjectOptions *options;
} CommandLineObject;

/* One -global migration.NAME=VALUE. */
typedef struct CommandLineGlobal {
    char *property;
    char *value;
} CommandLineGlobal;

/* One -add-fd. */
typedef struct CommandLineAddFd {
    char *text;             /* as it was written, for messages */
    int fd;
    int64_t fdset_id;
    char *opaque;           /* or NULL */
} CommandLineAddFd;

/* One -trace. */
typedef struct CommandLineTrace {
    char *pattern;          /* NULL: only says where lines go */
    char *file;             /* NULL: standard error */
} CommandLineTrace;

typedef struct CommandLine {
    CommandLineAction action;
    char *machine_type;
    char *memory_backend;   /* id of an -object, or NULL */
    bool has_ram_size;
    uint64_t ram_size;      /* bytes */
    char *accel;
    KeyvalList *accel_options; /* what followed it, or NULL */
    unsigned nr_cpus;
    char *kernel;           /* a path, or NULL */
    GuestSerial serial;     /* its path is @serial_path */
    char *serial_path;
    char *name;             /* of the guest, or NULL */
    bool has_uuid;
    QemuUUID uuid;
    bool stopped;           /* -S */
    char *incoming;         /* "defer" or an address, or NULL */
    bool daemonize;
    char *pidfile;          /* or NULL */
    GPtrArray *objects;     /* of CommandLineObject */
    GPtrArray *globals;     /* of CommandLineGlobal */
    GPtrArray *add_fds;     /* of CommandLineAddFd */
    GPtrArray *monitors;    /* of MonitorOptions */
    bool monitor_stdio;     /* -monitor stdio */
    GPtrArray *traces;      /* of CommandLineTrace */
    MonitorOptions *qtest;  /* or NULL */
    char *qtest_log;        /* a file, "none", or NULL: standard error */
} CommandLine;

#endif /* SYSTEM_COMMAND_LINE_H */
