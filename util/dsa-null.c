/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue that is no device: it answers each compare at once with "not zero"
 * and looks at nothing.  What is measured with it is what the library costs,
 * less the functions of this file, whose names all begin with dsa_null_.
 *
 * Entered by every thread that submits.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/dsa-types.h"
#include "dsa-device.h"

static void dsa_null_answer(const struct dsa_hw_desc *desc, uint8_t result)
{
    struct dsa_completion_record *record =
        (struct dsa_completion_record *)(uintptr_t)desc->completion_addr;

    record->result = result;
    qatomic_store_release(&record->status, (uint8_t)DSA_COMP_SUCCESS);
}

static int dsa_null_submit(DsaQueue *q, const struct dsa_hw_desc *desc,
                           unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        const struct dsa_hw_desc *list =
            (const struct dsa_hw_desc *)(uintptr_t)desc[i].desc_list_addr;

        if (desc[i].opcode != DSA_OPCODE_BATCH) {
            dsa_null_answer(&desc[i], 1);
            continue;
        }
        for (uint32_t k = 0; k < desc[i].desc_count; k++) {
            dsa_null_answer(&list[k], 1);
        }
        dsa_null_answer(&desc[i], 0);
    }
    return nr;
}

static void dsa_null_free(DsaQueue *q)
{
    dsa_queue_destroy(q);
    g_free(q);
}

static const DsaQueueOps dsa_null_ops = {
    .name = "null",
    .submit = dsa_null_submit,
    .free = dsa_null_free,
    .abandon = dsa_null_free,
};

DsaQueue *dsa_null_open(void)
{
    DsaQueue *q = g_new0(DsaQueue, 1);

    dsa_queue_init(q, &dsa_null_ops, "null");
    q->max_batch = DSA_BATCH_PAGES_MAX;
    return q;
}
