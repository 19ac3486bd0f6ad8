/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A software DSA device with memory to work on, for its unit tests.
 *
 * Threads: those of the test; each its own descriptors and records.
 */
#ifndef TEST_DSA_SOFT_RIG_H
#define TEST_DSA_SOFT_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "linux/idxd.h"
#include "qemu/dsa-soft.h"

#define RIG_PAGE 4096u
#define RIG_PAGES 600u          /* more than the device looks up at once */
#define RIG_RECORDS 1024u

#define RIG_FLAGS (IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR)

/* Answers may take long on a busy host; this long means never. */
#define RIG_PATIENCE_MS 60000

typedef struct Rig {
    DsaBell bell;
    DsaSoft *soft;
    bool dedicated;
    uint8_t *data;              /* anonymous pages, untouched */
    struct dsa_hw_desc *list;   /* RIG_RECORDS of them */
    struct dsa_completion_record *cr;
} Rig;

/**
 * rig_init:
 * @rig: to be set up, and cleared with rig_clear()
 * @options: of the device
 */
void rig_init(Rig *rig, const char *options);

/**
 * rig_close:
 * @rig: the rig
 *
 * Frees the device and leaves the memory.
 */
void rig_close(Rig *rig);

/**
 * rig_clear:
 * @rig: the rig
 */
void rig_clear(Rig *rig);

/**
 * rig_map:
 * @nr_pages: how many
 * @prot: as for mmap()
 *
 * Returns: anonymous pages that nobody touched
 */
uint8_t *rig_map(unsigned nr_pages, int prot);

/**
 * rig_is_present:
 * @addr: in a page
 *
 * Returns: true when this process has the page in its page tables
 */
bool rig_is_present(const void *addr);

/**
 * rig_desc:
 * @rig: the rig
 * @i: record to use, which is cleared
 * @opcode: of the descriptor
 *
 * Returns: a descriptor that is zero but for opcode, flags and record
 */
struct dsa_hw_desc rig_desc(Rig *rig, unsigned i, unsigned opcode);

/**
 * rig_compval:
 * @rig: the rig
 * @i: record to use, which is cleared
 * @addr: of the source
 * @size: bytes
 *
 * Returns: a descriptor that compares with zero
 */
struct dsa_hw_desc rig_compval(Rig *rig, unsigned i, const void *addr,
                               uint32_t size);

/**
 * rig_batch:
 * @rig: the rig
 * @i: record to use, which is cleared
 * @nr: members in rig->list
 *
 * Returns: a Batch descriptor
 */
struct dsa_hw_desc rig_batch(Rig *rig, unsigned i, unsigned nr);

/**
 * rig_submit:
 * @rig: the rig
 * @desc: a descriptor
 *
 * Submits, again and again while the queue is full.
 */
void rig_submit(Rig *rig, const struct dsa_hw_desc *desc);

/**
 * rig_wait:
 * @rig: the rig
 * @i: a record
 *
 * Returns: its status, once it has one
 */
uint8_t rig_wait(Rig *rig, unsigned i);

/**
 * rig_run:
 * @rig: the rig
 * @desc: a descriptor from rig_desc() and the like
 *
 * Returns: its status, once it has one
 */
uint8_t rig_run(Rig *rig, const struct dsa_hw_desc *desc);

/**
 * rig_drain:
 * @rig: the rig
 *
 * Returns when everything submitted before is done.  Uses the last record.
 */
void rig_drain(Rig *rig);

/**
 * rig_status:
 * @rig: the rig
 * @i: a record
 *
 * Returns: its status, 0 when it has none
 */
uint8_t rig_status(Rig *rig, unsigned i);

#endif /* TEST_DSA_SOFT_RIG_H */
