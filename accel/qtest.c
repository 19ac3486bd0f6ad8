/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator whose guest is a test: there are no CPUs, and what writes to
 * guest memory is the client of the qtest protocol.
 *
 * Memory is written by the main thread.  start(), stop() and hold() come from
 * migration threads too.  The one lock is a leaf below that of the run state:
 * it is held for each write, so that stop() and hold() return with none under
 * way, and what was written is in the dirty log.
 */
#include "qemu/osdep.h"

#include "accel/qtest-internal.h"
#include "accel/qtest.h"
#include "memory/guest-access.h"
#include "qapi/error.h"
#include "qemu/thread.h"

/* The clock as it moves with the guest, for migration threads. */
typedef struct QTestClock {
    AccelQTest *qtest;
    int64_t ns;
} QTestClock;

struct AccelQTest {
    Accel parent;

    /* set once */
    RamList *ram;
    DirtySoft *dirty;

    QemuMutex lock;
    bool held;              /* guarded by @lock: the guest must hold still */
    int64_t clock_ns;       /* guarded by @lock */

    QTestClock moving;
};

/* A piece of an access: what of it lies in one block. */
typedef struct QTestPiece {
    RAMBlock *block;
    uint64_t offset;        /* in @block, bytes */
    uint64_t len;           /* bytes */
} QTestPiece;

/* What of an access that is inside guest memory begins at @addr. */
static QTestPiece qtest_piece(const AccelQTest *qtest, uint64_t addr,
                              uint64_t len)
{
    for (unsigned i = 0; ; i++) {
        RAMBlock *block = ram_list_block(qtest->ram, i);

        if (addr < block->used_length) {
            return (QTestPiece) {
                .block = block,
                .offset = addr,
                .len = MIN(len, block->used_length - addr),
            };
        }
        addr -= block->used_length;
    }
}

static bool qtest_check_range(const AccelQTest *qtest, uint64_t addr,
                              uint64_t len, Error **errp)
{
    uint64_t total = ram_list_total_bytes(qtest->ram);

    if (len > total || addr > total - len) {
        error_setg(errp, "%" PRIu64 " bytes at 0x%" PRIx64 " are not all in"
                   " guest memory, which has 0x%" PRIx64 " bytes", len, addr,
                   total);
        return false;
    }
    return true;
}

/* Under the lock. */
static bool qtest_check_held(const AccelQTest *qtest, Error **errp)
{
    if (qtest->held) {
        error_setg(errp, "The guest cannot be changed: it is being handed over"
                   " by a migration, or was");
    }
    return !qtest->held;
}

/* @from, or when that is NULL bytes of @value. */
static bool qtest_store(AccelQTest *qtest, uint64_t addr, const uint8_t *from,
                        uint8_t value, uint64_t len, Error **errp)
{
    if (!qtest_check_range(qtest, addr, len, errp)) {
        return false;
    }
    QEMU_LOCK_GUARD(&qtest->lock);
    if (!qtest_check_held(qtest, errp)) {
        return false;
    }
    while (len) {
        QTestPiece piece = qtest_piece(qtest, addr, len);
        uint8_t *host = piece.block->host + piece.offset;

        if (from) {
            guest_access_write(host, from, piece.len);
            from += piece.len;
        } else {
            guest_access_fill(host, value, piece.len);
        }
        dirty_soft_mark(qtest->dirty, piece.block, piece.offset, piece.len);
        addr += piece.len;
        len -= piece.len;
    }
    return true;
}

bool qtest_write(AccelQTest *qtest, uint64_t addr, const void *from,
                 uint64_t len_bytes, Error **errp)
{
    return qtest_store(qtest, addr, from, 0, len_bytes, errp);
}

bool qtest_fill(AccelQTest *qtest, uint64_t addr, uint8_t value,
                uint64_t len_bytes, Error **errp)
{
    return qtest_store(qtest, addr, NULL, value, len_bytes, errp);
}

bool qtest_read(AccelQTest *qtest, uint64_t addr, void *to,
                uint64_t len_bytes, Error **errp)
{
    uint8_t *p = to;

    if (!qtest_check_range(qtest, addr, len_bytes, errp)) {
        return false;
    }
    while (len_bytes) {
        QTestPiece piece = qtest_piece(qtest, addr, len_bytes);

        guest_access_read(p, piece.block->host + piece.offset, piece.len);
        p += piece.len;
        addr += piece.len;
        len_bytes -= piece.len;
    }
    return true;
}

int64_t qtest_clock(AccelQTest *qtest)
{
    QEMU_LOCK_GUARD(&qtest->lock);
    return qtest->clock_ns;
}

bool qtest_clock_advance(AccelQTest *qtest, int64_t ns, int64_t *now,
                         Error **errp)
{
    QEMU_LOCK_GUARD(&qtest->lock);
    if (!qtest_check_held(qtest, errp)) {
        return false;
    }
    qtest->clock_ns = MAX(qtest->clock_ns, ns);
    *now = qtest->clock_ns;
    return true;
}

/* QEMU has no such section: it comes only when a client has set the clock. */
static bool qtest_clock_needed(void *opaque)
{
    return qtest_clock(((QTestClock *)opaque)->qtest) != 0;
}

static bool qtest_clock_pre_save(void *opaque, Error **errp)
{
    QTestClock *clock = opaque;

    clock->ns = qtest_clock(clock->qtest);
    return true;
}

static bool qtest_clock_post_load(void *opaque, int version_id, Error **errp)
{
    QTestClock *clock = opaque;

    QEMU_LOCK_GUARD(&clock->qtest->lock);
    clock->qtest->clock_ns = clock->ns;
    return true;
}

static bool qtest_clock_validate(const void *staged, int version_id,
                                 Error **errp)
{
    const QTestClock *clock = staged;

    if (clock->ns < 0) {
        error_setg(errp, "%" PRIi64 " ns is no time of a qtest clock, which"
                   " begins at 0", clock->ns);
    }
    return clock->ns >= 0;
}

static const VMStateField qtest_clock_fields[] = {
    VMSTATE_INT64(ns, QTestClock),
    VMSTATE_END_OF_LIST()
};

static const VMStateDescription vmstate_qtest_clock = {
    .name = "qtest-clock",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(QTestClock),
    .needed = qtest_clock_needed,
    .pre_save = qtest_clock_pre_save,
    .validate = qtest_clock_validate,
    .post_load = qtest_clock_post_load,
    .fields = qtest_clock_fields,
};

AccelQTest *qtest_from_accel(Accel *accel)
{
    return accel->ops == &accel_qtest ? container_of(accel, AccelQTest, parent)
                                      : NULL;
}

static Accel *accel_qtest_create(const AccelHost *host, Error **errp)
{
    AccelQTest *qtest = g_new0(AccelQTest, 1);

    qtest->parent.ops = &accel_qtest;
    qtest->ram = host->ram;
    qtest->moving.qtest = qtest;
    qtest->dirty = dirty_soft_new(host->ram);
    qemu_mutex_init(&qtest->lock);
    return &qtest->parent;
}

static bool accel_qtest_register_sections(Accel *accel, VMStateRegistry *reg,
                                          Error **errp)
{
    return vmstate_register(reg, vmstate_qtest_clock.name, 0,
                            &vmstate_qtest_clock,
                            &qtest_from_accel(accel)->moving, errp);
}

static void accel_qtest_start(Accel *accel)
{
}

/* A client may go on writing then, as a debugger may; what is begun ends. */
static void accel_qtest_stop(Accel *accel)
{
    AccelQTest *qtest = qtest_from_accel(accel);

    qemu_mutex_lock(&qtest->lock);
    qemu_mutex_unlock(&qtest->lock);
}

static void accel_qtest_hold(Accel *accel, bool held)
{
    AccelQTest *qtest = qtest_from_accel(accel);

    QEMU_LOCK_GUARD(&qtest->lock);
    qtest->held = held;
}

static DirtyProvider *accel_qtest_dirty(Accel *accel)
{
    return dirty_soft_provider(qtest_from_accel(accel)->dirty);
}

static void accel_qtest_destroy(Accel *accel)
{
    AccelQTest *qtest = qtest_from_accel(accel);

    dirty_soft_free(qtest->dirty);
    qemu_mutex_destroy(&qtest->lock);
    g_free(qtest);
}

const AccelOps accel_qtest = {
    .name = "qtest",
    .summary = "no CPUs: a client of -qtest writes guest memory",
    .create = accel_qtest_create,
    .register_sections = accel_qtest_register_sections,
    .start = accel_qtest_start,
    .stop = accel_qtest_stop,
    .hold = accel_qtest_hold,
    .dirty = accel_qtest_dirty,
    .destroy = accel_qtest_destroy,
};
