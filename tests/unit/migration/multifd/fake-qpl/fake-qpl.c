/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of libqpl that migration/multifd/qpl-iaa.c calls, over libdeflate: a
 * queue of jobs that are done after they were looked at some times.
 *
 * Entered by the test's thread.
 */
#include "qemu/osdep.h"
#include <libdeflate.h>
#include "fake-qpl.h"

FakeQpl fake_qpl;

qpl_status qpl_get_job_size(qpl_path_t path, uint32_t *job_size)
{
    g_assert_cmpint(path, ==, qpl_path_hardware);
    /* No multiple of what jobs must be aligned to. */
    *job_size = sizeof(qpl_job) + 3;
    return QPL_STS_OK;
}

qpl_status qpl_init_job(qpl_path_t path, qpl_job *job)
{
    g_assert_cmpuint((uintptr_t)job % 64, ==, 0);
    if (fake_qpl.init == QPL_STS_OK) {
        fake_qpl.nr_jobs++;
    }
    return fake_qpl.init;
}

qpl_status qpl_fini_job(qpl_job *job)
{
    fake_qpl.nr_jobs--;
    return QPL_STS_OK;
}

static qpl_status fake_compress(qpl_job *job)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
    size_t n = libdeflate_deflate_compress(c, job->next_in_ptr,
                                           job->available_in,
                                           job->next_out_ptr,
                                           job->available_out);

    libdeflate_free_compressor(c);
    if (n == 0) {
        return QPL_STS_MORE_OUTPUT_NEEDED;
    }
    job->total_in = job->available_in;
    job->total_out = (uint32_t)n;
    return QPL_STS_OK;
}

static qpl_status fake_decompress(qpl_job *job)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    size_t in_bytes = 0, out_bytes = 0;
    int ret = libdeflate_deflate_decompress_ex(d, job->next_in_ptr,
                                               job->available_in,
                                               job->next_out_ptr,
                                               job->available_out, &in_bytes,
                                               &out_bytes);

    libdeflate_free_decompressor(d);
    if (ret != LIBDEFLATE_SUCCESS) {
        return QPL_STS_INVALID_BLOCK_TYPE;
    }
    job->total_in = (uint32_t)in_bytes;
    job->total_out = (uint32_t)out_bytes;
    if (fake_qpl.wrong_length) {
        job->next_out_ptr[--job->total_out] ^= 0x55;
    }
    return QPL_STS_OK;
}

qpl_status qpl_submit_job(qpl_job *job)
{
    FakeQpl *f = &fake_qpl;

    g_assert_true(job->flags & QPL_FLAG_FIRST && job->flags & QPL_FLAG_LAST);
    if (f->busy || f->nr_under_way == f->queue_size) {
        f->nr_busy++;
        return QPL_STS_QUEUES_ARE_BUSY_ERR;
    }
    f->nr_submitted++;
    if (f->refuse_every && f->nr_submitted % f->refuse_every == 0) {
        return QPL_STS_OPERATION_ERR;
    }
    job->checks_left = f->checks;
    if (f->fault_every && f->nr_submitted % f->fault_every == 0) {
        job->result = QPL_STS_INTL_PAGE_FAULT;
    } else {
        job->result = job->op == qpl_op_compress ? fake_compress(job)
                                                 : fake_decompress(job);
    }
    f->nr_under_way++;
    f->nr_most = MAX(f->nr_most, f->nr_under_way);
    return QPL_STS_OK;
}

qpl_status qpl_check_job(qpl_job *job)
{
    if (fake_qpl.silent || job->checks_left-- > 0) {
        return QPL_STS_BEING_PROCESSED;
    }
    g_assert_cmpuint(fake_qpl.nr_under_way, >, 0);
    fake_qpl.nr_under_way--;
    return job->result;
}
