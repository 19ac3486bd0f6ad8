/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a machine with CPUs consists of beside its memory: how many CPUs, the
 * program they start with, where the serial port leads.
 *
 * Plain data, made by the command line in the main thread and constant from
 * then on.  No locks.
 */
#ifndef ACCEL_GUEST_H
#define ACCEL_GUEST_H

#include <stdbool.h>

/* The most CPUs a machine may have. */
#define GUEST_MAX_CPUS 8

typedef enum GuestSerialKind {
    GUEST_SERIAL_NONE,      /* what is written is dropped */
    GUEST_SERIAL_STDIO,
    GUEST_SERIAL_FILE,
    GUEST_SERIAL_UNIX,
} GuestSerialKind;

/* One -serial. */
typedef struct GuestSerial {
    GuestSerialKind kind;
    const char *path;       /* of a file or socket, or NULL */
    bool server;            /* a socket: listen, do not connect */
    bool wait;              /* a listening socket: not without a client */
} GuestSerial;

typedef struct GuestConfig {
    unsigned nr_cpus;       /* 1 to GUEST_MAX_CPUS */
    const char *kernel;     /* file, or NULL */
    bool incoming;          /* memory and CPUs will come by migration */
    GuestSerial serial;
} GuestConfig;

#endif /* ACCEL_GUEST_H */
