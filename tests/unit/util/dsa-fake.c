/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue that answers what a test tells it to; see dsa-fake.h.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/cutils.h"
#include "dsa-fake.h"
#include "util/dsa-batch-internal.h"

static void dsa_fake_write(const struct dsa_hw_desc *desc, DsaFakeAnswer a)
{
    struct dsa_completion_record *cr =
        (struct dsa_completion_record *)(uintptr_t)desc->completion_addr;

    if (a.status != DSA_COMP_NONE) {
        cr->result = a.result;
        cr->bytes_completed = a.bytes_completed;
        qatomic_store_release(&cr->status, a.status);
    }
}

static void dsa_fake_compare(DsaFake *f, const struct dsa_hw_desc *desc)
{
    const void *page = (const void *)(uintptr_t)desc->src_addr;

    if (f->honest) {
        dsa_fake_write(desc, (DsaFakeAnswer) {
            DSA_COMP_SUCCESS, !buffer_is_zero(page, desc->xfer_size), 0 });
    } else {
        dsa_fake_write(desc, f->member);
    }
}

void dsa_fake_do(DsaFake *f, const struct dsa_hw_desc *desc)
{
    const struct dsa_hw_desc *list =
        (const struct dsa_hw_desc *)(uintptr_t)desc->desc_list_addr;

    if (desc->opcode == DSA_OPCODE_NOOP) {
        dsa_fake_write(desc, (DsaFakeAnswer) { DSA_COMP_SUCCESS, 0, 0 });
        return;
    }
    if (desc->opcode != DSA_OPCODE_BATCH) {
        dsa_fake_compare(f, desc);
        return;
    }
    for (unsigned i = 0; i < desc->desc_count; i++) {
        if (!f->nr_answered || i < f->nr_answered) {
            dsa_fake_compare(f, &list[i]);
        }
    }
    dsa_fake_write(desc, f->batch);
}

static int dsa_fake_submit(DsaQueue *q, const struct dsa_hw_desc *desc,
                           unsigned nr)
{
    DsaFake *f = container_of(q, DsaFake, queue);

    if (f->refuse) {
        return f->refuses;
    }
    nr = f->takes ? MIN(nr, f->takes) : nr;
    for (unsigned i = 0; i < nr; i++) {
        if (desc[i].opcode == DSA_OPCODE_BATCH) {
            f->nr_batches++;
            f->longest_batch = MAX(f->longest_batch, desc[i].desc_count);
        } else {
            f->nr_plain++;
        }
        if (f->hold) {
            g_assert_cmpuint(f->nr_held, <, DSA_FAKE_HELD_MAX);
            f->held[f->nr_held++] = desc[i];
        } else {
            dsa_fake_do(f, &desc[i]);
        }
    }
    return nr;
}

void dsa_fake_finish(DsaFake *f)
{
    for (unsigned i = 0; i < f->nr_held; i++) {
        dsa_fake_do(f, &f->held[i]);
    }
    f->nr_held = 0;
}

/* As a device does: what it still has is answered before it is closed. */
static void dsa_fake_free(DsaQueue *q)
{
    DsaFake *f = container_of(q, DsaFake, queue);

    dsa_fake_finish(f);
    dsa_queue_destroy(q);
    g_free(f);
}

static const DsaQueueOps dsa_fake_ops = {
    .name = "fake",
    .submit = dsa_fake_submit,
    .free = dsa_fake_free,
    .abandon = dsa_fake_free,
};

DsaFake *dsa_fake_new(unsigned max_batch)
{
    DsaFake *f = g_new0(DsaFake, 1);

    dsa_queue_init(&f->queue, &dsa_fake_ops, "fake");
    f->queue.max_batch = max_batch;
    f->honest = true;
    f->batch.status = DSA_COMP_SUCCESS;
    return f;
}

DsaRig *dsa_rig_new(DsaCompletion completion, unsigned timeout_ms,
                    DsaQueue *q, ...)
{
    DsaRig *rig = g_new0(DsaRig, 1);
    g_autoptr(GPtrArray) queues = g_ptr_array_new();
    va_list ap;

    va_start(ap, q);
    for (; q; q = va_arg(ap, DsaQueue *)) {
        g_ptr_array_add(queues, q);
    }
    va_end(ap);
    rig->fork_guard = 1;
    dsa_bell_init(&rig->bell);
    rig->shared = (DsaShared) {
        .completer = dsa_completer_new(completion, &rig->bell, false,
                                       NULL),
        .batch_pages = 128,
        .timeout_ms = timeout_ms,
        .fork_guard = &rig->fork_guard,
    };
    g_assert_nonnull(rig->shared.completer);
    rig->shared.nr_queues = queues->len;
    rig->shared.queue = (DsaQueue **)g_ptr_array_steal(queues, NULL);
    rig->lanes = g_ptr_array_new();
    rig->lane = dsa_rig_lane(rig);
    return rig;
}

DsaLane *dsa_rig_lane(DsaRig *rig)
{
    DsaLane *lane = dsa_lane_alloc(&rig->shared, rig->lanes->len);

    g_ptr_array_add(rig->lanes, lane);
    return lane;
}

void dsa_rig_free(DsaRig *rig)
{
    dsa_completer_free(rig->shared.completer);
    for (unsigned i = 0; i < rig->shared.nr_queues; i++) {
        dsa_queue_free(rig->shared.queue[i]);
    }
    for (guint i = 0; i < rig->lanes->len; i++) {
        DsaLane *lane = g_ptr_array_index(rig->lanes, i);

        for (guint k = 0; k < lane->batches->len; k++) {
            dsa_batch_free(g_ptr_array_index(lane->batches, k));
        }
        dsa_lane_free(lane);
    }
    g_ptr_array_unref(rig->lanes);
    dsa_bell_destroy(&rig->bell);
    g_free(rig->shared.queue);
    g_free(rig);
}

void dsa_bench_start(DsaBench *x, DsaCompletion completion,
                     unsigned timeout_ms, unsigned max_batch)
{
    x->fake = dsa_fake_new(max_batch);
    x->rig = dsa_rig_new(completion, timeout_ms, &x->fake->queue, NULL);
    x->b = dsa_batch_new(x->rig->lane, DSA_TEST_PAGE);
    x->p = dsa_pages_new(DSA_TEST_PAGE, DSA_TEST_PAGES);
    dsa_pages_mix(x->p);
}

void dsa_bench_end(DsaBench *x)
{
    dsa_rig_free(x->rig);
    dsa_pages_free(x->p);
}

uint64_t dsa_bench_cpu_pages(const DsaBench *x, DsaCpuReason reason)
{
    return x->rig->lane->counters.cpu_pages[reason];
}

void dsa_bench_assert_given_up(DsaBench *x, const char *what)
{
    g_autofree char *reason = dsa_queue_reason(&x->fake->queue);
    g_autofree char *warning = dsa_queue_take_warning(&x->fake->queue);

    g_assert_true(dsa_queue_is_given_up(&x->fake->queue));
    g_assert_nonnull(strstr(reason, what));
    g_assert_nonnull(strstr(warning, reason));
    g_assert_null(dsa_queue_take_warning(&x->fake->queue));
}

void dsa_bench_assert_trusted(DsaBench *x)
{
    g_assert_false(dsa_queue_is_given_up(&x->fake->queue));
    g_assert_null(dsa_queue_take_warning(&x->fake->queue));
}
