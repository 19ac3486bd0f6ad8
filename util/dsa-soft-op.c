/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the software DSA device does with data: no-op, move, fill, compare,
 * compare with a pattern, translation fetch.
 *
 * Each goes over its operands in pieces that are known to be in memory, and
 * ends at the first piece that is not (with block on fault: that the kernel
 * refuses).  The memory compared may be written by others meanwhile.
 *
 * Entered by engines.  Checks of the descriptor are made before.
 */
#include "qemu/osdep.h"

#include "qemu/cutils.h"
#include "dsa-soft-check.h"
#include "dsa-soft-op.h"

/* Operands as the record of DSA 2.0 names them, at bits 3:1 of byte 2. */
enum {
    OPERAND_SOURCE1 = 1,
    OPERAND_SOURCE2 = 2,
    OPERAND_DEST = 3,
};

typedef struct Access {
    uint64_t addr;
    uint64_t len;               /* bytes wanted; then those that are there */
    unsigned operand;
} Access;

static void end_with_fault(const DsaSoftOp *op, uint8_t status,
                           const Access *access, uint64_t done)
{
    uint64_t page_size = op->memory->pagemap->page_size;

    op->cr->status = status;
    op->cr->result = 0;
    op->cr->bytes_completed = done;
    /* Hardware need not tell the place in the page. */
    op->cr->fault_addr = QEMU_ALIGN_DOWN(access->addr, page_size);
    if (op->config->dsa2) {
        op->cr->rsvd = access->operand << 1;
    }
}

/* Finds out how much of @access is there; false ends the operation. */
static bool get_access(const DsaSoftOp *op, Access *access, uint64_t done)
{
    bool write = access->operand == OPERAND_DEST;
    bool bof = op->desc->flags & IDXD_OP_FLAG_BOF;
    uint64_t there = dsa_soft_memory_there(op->memory, access->addr,
                                           access->len, write);

    if (!there && bof &&
        dsa_soft_memory_resolve(op->memory, access->addr, write)) {
        uint64_t page_size = op->memory->pagemap->page_size;

        there = MIN(access->len, page_size - access->addr % page_size);
    }
    if (!there) {
        end_with_fault(op, (bof ? DSA_COMP_PAGE_FAULT_IR :
                                  DSA_COMP_PAGE_FAULT_NOBOF) |
                           (write ? DSA_COMP_STATUS_WRITE : 0), access, done);
        return false;
    }
    access->len = there;
    return true;
}

static void *pointer(uint64_t addr)
{
    return (void *)(uintptr_t)addr;
}

/* Index of the first byte of @a that is not that of @b, or @len. */
static uint64_t first_difference(const uint8_t *a, const uint8_t *b,
                                 uint64_t len)
{
    uint64_t i = 0;

    while (i < len && a[i] == b[i]) {
        i++;
    }
    return i;
}

/* The same against a pattern, of which @a begins with byte @phase. */
static uint64_t first_unlike(const uint8_t *a, uint64_t pattern,
                             unsigned phase, uint64_t len)
{
    uint8_t want[8];
    uint64_t want_word, word, i;

    if (pattern == 0 && buffer_is_zero(a, len)) {
        return len;
    }
    for (i = 0; i < sizeof(want); i++) {
        want[i] = pattern >> ((phase + i) % 8 * 8);
    }
    memcpy(&want_word, want, sizeof(want_word));
    for (i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
        memcpy(&word, a + i, sizeof(word));
        if (word != want_word) {
            uint64_t at = first_difference((const uint8_t *)&word, want,
                                           sizeof(word));

            return i + at;
        }
    }
    return i + first_difference(a + i, want, len - i);
}

static void end_compare(const DsaSoftOp *op, bool differs, uint64_t at)
{
    op->cr->result = differs;
    op->cr->bytes_completed = differs ? at : 0;
    op->cr->status = DSA_COMP_SUCCESS;
    if ((op->desc->flags & IDXD_OP_FLAG_CR) &&
        (op->desc->expected_res & 1) != differs) {
        op->cr->status = DSA_COMP_SUCCESS_PRED;
    }
}

static void run_compare(const DsaSoftOp *op)
{
    const struct dsa_hw_desc *desc = op->desc;
    bool two = desc->opcode == DSA_OPCODE_COMPARE;
    uint64_t size = MIN(desc->xfer_size, op->fault_at);
    uint64_t done = 0;

    while (done < size) {
        Access a = { desc->src_addr + done, size - done, OPERAND_SOURCE1 };
        Access b = { desc->src2_addr + done, size - done, OPERAND_SOURCE2 };
        uint64_t at;

        if (!get_access(op, &a, done) || (two && !get_access(op, &b, done))) {
            return;
        }
        a.len = MIN(a.len, b.len);
        if (two) {
            at = first_difference(pointer(a.addr), pointer(b.addr), a.len);
        } else {
            at = first_unlike(pointer(a.addr), desc->comp_pattern, done % 8,
                              a.len);
        }
        if (at < a.len) {
            done += at;
            if (!two && op->config->inexact) {
                done = QEMU_ALIGN_DOWN(done, op->config->inexact);
            }
            end_compare(op, true, done);
            return;
        }
        done += a.len;
    }
    if (size < desc->xfer_size) {
        Access a = { desc->src_addr + size, 0, OPERAND_SOURCE1 };

        end_with_fault(op, (op->config->fault_refused ?
                            DSA_COMP_PAGE_FAULT_IR :
                            DSA_COMP_PAGE_FAULT_NOBOF) |
                           (op->config->fault_write ?
                            DSA_COMP_STATUS_WRITE : 0), &a, size);
        return;
    }
    end_compare(op, false, 0);
}

/* How many of the last @len bytes before @end are in one page. */
static uint64_t tail_in_page(const DsaSoftOp *op, uint64_t end, uint64_t len)
{
    uint64_t page_size = op->memory->pagemap->page_size;
    uint64_t in_page = end % page_size;

    return MIN(len, in_page ? in_page : page_size);
}

/* From the end when the front of the destination is in the source. */
static void run_move(const DsaSoftOp *op)
{
    const struct dsa_hw_desc *desc = op->desc;
    uint64_t size = desc->xfer_size;
    bool backward = desc->dst_addr > desc->src_addr &&
                    desc->dst_addr - desc->src_addr < size;
    uint64_t done = 0;

    while (done < size) {
        Access from = { desc->src_addr + done, size - done, OPERAND_SOURCE1 };
        Access to = { desc->dst_addr + done, size - done, OPERAND_DEST };

        if (backward) {
            uint64_t left = size - done;
            uint64_t len = tail_in_page(op, desc->src_addr + left, left);

            len = tail_in_page(op, desc->dst_addr + left, len);
            from = (Access) { desc->src_addr + left - len, len,
                              OPERAND_SOURCE1 };
            to = (Access) { desc->dst_addr + left - len, len, OPERAND_DEST };
        }
        if (!get_access(op, &from, done) || !get_access(op, &to, done)) {
            op->cr->result = backward;
            return;
        }
        to.len = MIN(to.len, from.len);
        memmove(pointer(to.addr), pointer(from.addr), to.len);
        done += to.len;
    }
    op->cr->result = backward;
    op->cr->status = DSA_COMP_SUCCESS;
}

static void run_fill(const DsaSoftOp *op)
{
    const struct dsa_hw_desc *desc = op->desc;
    uint64_t done = 0;

    while (done < desc->xfer_size) {
        Access to = { desc->dst_addr + done, desc->xfer_size - done,
                      OPERAND_DEST };

        if (!get_access(op, &to, done)) {
            return;
        }
        for (uint64_t i = 0; i < to.len; i++) {
            ((uint8_t *)pointer(to.addr))[i] =
                desc->pattern >> ((done + i) % 8 * 8);
        }
        done += to.len;
    }
    op->cr->status = DSA_COMP_SUCCESS;
}

/* Takes the page faults of a range and does no more. */
static void run_fetch(const DsaSoftOp *op)
{
    const struct dsa_hw_desc *desc = op->desc;
    uint64_t done = 0;

    while (done < desc->xfer_size) {
        Access a = { desc->src_addr + done, desc->xfer_size - done,
                     OPERAND_SOURCE1 };

        if (!get_access(op, &a, done)) {
            return;
        }
        done += a.len;
    }
    op->cr->status = DSA_COMP_SUCCESS;
}

void dsa_soft_op_run(const DsaSoftOp *op)
{
    switch (op->desc->opcode) {
    case DSA_OPCODE_MEMMOVE:
        run_move(op);
        break;
    case DSA_OPCODE_MEMFILL:
        run_fill(op);
        break;
    case DSA_OPCODE_COMPARE:
    case DSA_OPCODE_COMPVAL:
        run_compare(op);
        break;
    case DSA_SOFT_OPCODE_TRANSL_FETCH:
        run_fetch(op);
        break;
    default:
        op->cr->status = DSA_COMP_SUCCESS;
        break;
    }
}
