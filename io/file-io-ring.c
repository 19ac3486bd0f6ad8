/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O at given places of a file through io_uring, so that the disk has several
 * pieces to work on at a time.
 *
 * Entered by the thread that uses the file.  Built only with liburing.  Whether
 * the kernel has io_uring, and allows it, shows when a ring is asked for: a
 * sandbox may forbid it, an old kernel may count it as locked memory.
 */
#include "qemu/osdep.h"
#include <liburing.h>
#include "io/file-io-internal.h"
#include "io/trace.h"
#include "qapi/error.h"
#include "qemu/units.h"

/* Pieces under way at most, and how large each may be: 8 MiB in all. */
#define RING_DEPTH 16
#define RING_PIECE_BYTES (512 * KiB)

typedef struct FileIORing {
    struct io_uring ring;
    FileIOOp ops[RING_DEPTH];
    FileIOOp *idle[RING_DEPTH]; /* a stack */
    unsigned nr_idle;
    unsigned nr_queued;         /* not known to the kernel yet */
    Error *error;               /* the first one; nothing is begun after it */
} FileIORing;

static bool ring_open(FileIO *io)
{
    FileIORing *r = g_new0(FileIORing, 1);
    int ret = io_uring_queue_init(RING_DEPTH, &r->ring, 0);

    if (ret < 0) {
        trace_file_io_no_ring(io->path, strerror(-ret));
        g_free(r);
        return false;
    }
    for (unsigned i = 0; i < RING_DEPTH; i++) {
        r->idle[r->nr_idle++] = &r->ops[i];
    }
    io->state = r;
    return true;
}

static unsigned ring_nr_under_way(const FileIORing *r)
{
    return RING_DEPTH - r->nr_idle - r->nr_queued;
}

/* There is a place in the ring for each piece that there can be. */
static void ring_queue(FileIO *io, FileIOOp *op)
{
    FileIORing *r = io->state;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);
    unsigned len = (unsigned)op->len_bytes;

    if (op->write) {
        io_uring_prep_write(sqe, io->fd, op->buf, len, op->offset);
    } else {
        io_uring_prep_read(sqe, io->fd, op->buf, len, op->offset);
    }
    io_uring_sqe_set_data(sqe, op);
    r->nr_queued++;
}

static void ring_ended(FileIO *io, FileIOOp *op, int res)
{
    FileIORing *r = io->state;

    if (!r->error && file_io_advance(io, op, res, &r->error) &&
        op->len_bytes > 0) {
        ring_queue(io, op);
        return;
    }
    r->idle[r->nr_idle++] = op;
}

/* Takes what has ended, without waiting. */
static void ring_reap(FileIO *io)
{
    FileIORing *r = io->state;
    struct io_uring_cqe *cqe;

    while (io_uring_peek_cqe(&r->ring, &cqe) == 0) {
        FileIOOp *op = io_uring_cqe_get_data(cqe);
        int res = cqe->res;

        io_uring_cqe_seen(&r->ring, cqe);
        ring_ended(io, op, res);
    }
}

/*
 * Hands over what is queued and waits for @nr_wait pieces to end.  The kernel may
 * be short of memory for a moment: what is under way ends all the same.
 */
static bool ring_enter(FileIO *io, unsigned nr_wait, Error **errp)
{
    FileIORing *r = io->state;
    int ret = io_uring_submit_and_wait(&r->ring, nr_wait);

    if (ret >= 0) {
        r->nr_queued -= MIN((unsigned)ret, r->nr_queued);
        return true;
    }
    if (ret == -EINTR) {
        return true;
    }
    if ((ret == -EAGAIN || ret == -EBUSY) && ring_nr_under_way(r) > 0) {
        struct io_uring_cqe *cqe;

        io_uring_wait_cqe(&r->ring, &cqe);
        return true;
    }
    error_setg_errno(errp, -ret, "'%s': io_uring takes no requests", io->path);
    return false;
}

static bool ring_check(const FileIORing *r, Error **errp)
{
    if (r->error) {
        error_propagate(errp, error_copy(r->error));
        return false;
    }
    return true;
}

static bool ring_begin(FileIO *io, const FileIOOp *whole, Error **errp)
{
    FileIORing *r = io->state;
    FileIOOp rest = *whole;

    ring_reap(io);
    while (rest.len_bytes > 0) {
        FileIOOp *op;

        while (r->nr_idle == 0) {
            if (!file_io_check_stop(io, errp) || !ring_enter(io, 1, errp)) {
                return false;
            }
            ring_reap(io);
        }
        if (!ring_check(r, errp)) {
            return false;
        }
        op = r->idle[--r->nr_idle];
        *op = rest;
        op->len_bytes = MIN(rest.len_bytes, (size_t)RING_PIECE_BYTES);
        rest.buf += op->len_bytes;
        rest.len_bytes -= op->len_bytes;
        rest.offset += op->len_bytes;
        ring_queue(io, op);
    }
    /* Small ones wait for company; who wants to be sure flushes. */
    if (r->nr_queued >= RING_DEPTH / 4 || whole->len_bytes >= 64 * KiB) {
        return ring_enter(io, 0, errp);
    }
    return ring_check(r, errp);
}

static bool ring_flush(FileIO *io, Error **errp)
{
    FileIORing *r = io->state;

    ring_reap(io);
    while (r->nr_idle < RING_DEPTH) {
        if (!ring_enter(io, 1, errp)) {
            return false;
        }
        ring_reap(io);
    }
    return ring_check(r, errp);
}

static void ring_close(FileIO *io)
{
    FileIORing *r = io->state;

    /* What the kernel does not know yet, it need not; an error ends the rest. */
    if (!r->error) {
        error_setg(&r->error, "closed");
    }
    ring_reap(io);
    while (ring_nr_under_way(r) > 0) {
        struct io_uring_cqe *cqe;
        int ret = io_uring_wait_cqe(&r->ring, &cqe);

        if (ret < 0 && ret != -EINTR) {
            break;
        }
        ring_reap(io);
    }
    io_uring_queue_exit(&r->ring);
    error_free(r->error);
    g_free(r);
}

const FileIOEngine file_io_engine_ring = {
    .name = "io_uring",
    .open = ring_open,
    .close = ring_close,
    .begin = ring_begin,
    .flush = ring_flush,
};
