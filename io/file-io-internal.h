/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What io/file-io.c and its ways of doing I/O share.
 *
 * Threads: as include/io/file-io.h.  This header owns no locks.
 */
#ifndef IO_FILE_IO_INTERNAL_H
#define IO_FILE_IO_INTERNAL_H

#include "io/file-io.h"

/* One piece: what is left of it. */
typedef struct FileIOOp {
    bool write;
    uint8_t *buf;
    size_t len_bytes;
    uint64_t offset;
} FileIOOp;

/* A way of doing I/O. */
typedef struct FileIOEngine {
    const char *name;           /* for trace points */
    /* false: not to be had here, for whatever reason; the next one is tried */
    bool (*open)(FileIO *io);
    /* Waits for what is under way. */
    void (*close)(FileIO *io);
    bool (*begin)(FileIO *io, const FileIOOp *op, Error **errp);
    bool (*flush)(FileIO *io, Error **errp);
} FileIOEngine;

struct FileIO {
    /* set once */
    int fd;
    char *path;
    bool direct;
    bool in_memory;             /* tmpfs: takes O_DIRECT, and copies all the same */
    const FileIOEngine *engine;
    uint64_t need_bytes;        /* see file_io_set_need() */
    /* the engine's */
    void *state;
    /* atomic */
    bool stopped;
};

/* Plain calls; always to be had. */
extern const FileIOEngine file_io_engine_plain;

/* io_uring; only in builds with CONFIG_LINUX_IO_URING. */
extern const FileIOEngine file_io_engine_ring;

/**
 * file_io_advance:
 * @io: a file
 * @op: a piece that was read or written; what is left of it on return
 * @res: how many bytes that were, or -errno
 * @errp: where to put the reason, or NULL
 *
 * Context: the thread that uses @io.
 * Returns: false when the piece will never be complete
 */
bool file_io_advance(const FileIO *io, FileIOOp *op, ssize_t res,
                     Error **errp);

/**
 * file_io_check_stop:
 * @io: a file
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when file_io_stop() was called
 */
bool file_io_check_stop(const FileIO *io, Error **errp);

#endif
