/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * multifd-compression qpl by IAA devices, through libqpl: every page of a packet
 * is a job, all jobs are handed over before the first is waited for.
 *
 * A device that meets a page which is not there says so instead of waiting; libqpl
 * touches that page and tries once more by itself.  Whatever a device has not done
 * after that, and what no queue has room for, is done by the CPU: it is the CPU,
 * too, who says what is wrong with content that a device could not read.
 *
 * Entered by multifdsend_N and multifdrecv_N; life and death by the migration and
 * the load thread.
 */
#include "qemu/osdep.h"
#include <sched.h>
#include <qpl/qpl.h>
#include "qapi/error.h"
#include "qemu/timer.h"
#include "memory/ram.h"
#include "migration/multifd/compress.h"
#include "migration/multifd/qpl-internal.h"
#include "migration/trace.h"

/* A job takes microseconds; a device that takes so long is not there any more. */
#define ANSWER_MAX_NS (10 * NANOSECONDS_PER_SECOND)

/* Looks at a job before the thread lets others have the CPU in between. */
#define LOOKS_A_TURN 1000

/* How often a page is offered to queues that are full while nothing of ours is. */
#define BUSY_TRIES 100

/* libqpl wants its jobs aligned as the structures inside are. */
#define JOB_ALIGN 64

typedef struct IaaJob {
    qpl_job *job;
    bool taken;                 /* by a device, and not waited for yet */
    qpl_status status;          /* what became of it otherwise */
} IaaJob;

struct MultiFDQplIaa {
    MultiFDQplCpu *cpu;
    unsigned nr_jobs;
    IaaJob *job;                /* nr_jobs entries */
    /* the jobs, then a page of output for each */
    uint8_t *memory;
    uint8_t *out;               /* in @memory */
    bool silent;                /* a job was never answered */
};

static const char *multifd_qpl_iaa_reason(qpl_status status)
{
    switch (status) {
    case QPL_STS_INIT_LIBACCEL_NOT_FOUND:
        return "libqpl cannot find libaccel-config";
    case QPL_STS_INIT_LIBACCEL_ERROR:
        return "libaccel-config has failed; is the idxd driver loaded?";
    case QPL_STS_INIT_WORK_QUEUES_NOT_AVAILABLE:
        return "this user can open no enabled IAA work queue in /dev/iax";
    default:
        return "libqpl cannot use a device";
    }
}

static bool multifd_qpl_iaa_init_jobs(MultiFDQplIaa *iaa, uint32_t job_bytes,
                                      Error **errp)
{
    for (unsigned i = 0; i < iaa->nr_jobs; i++) {
        qpl_job *job = (qpl_job *)(iaa->memory + (size_t)i * job_bytes);
        qpl_status status = qpl_init_job(qpl_path_hardware, job);

        if (status != QPL_STS_OK) {
            error_setg(errp, "%s (libqpl status %d)",
                       multifd_qpl_iaa_reason(status), (int)status);
            return false;
        }
        iaa->job[i].job = job;
    }
    return true;
}

MultiFDQplIaa *multifd_qpl_iaa_new(unsigned nr_pages, MultiFDQplCpu *cpu,
                                   Error **errp)
{
    MultiFDQplIaa *iaa;
    uint32_t job_bytes = 0;
    qpl_status status = qpl_get_job_size(qpl_path_hardware, &job_bytes);

    if (status != QPL_STS_OK) {
        error_setg(errp, "%s (libqpl status %d)",
                   multifd_qpl_iaa_reason(status), (int)status);
        return NULL;
    }
    job_bytes = QEMU_ALIGN_UP(job_bytes, JOB_ALIGN);
    iaa = g_new0(MultiFDQplIaa, 1);
    iaa->cpu = cpu;
    iaa->nr_jobs = nr_pages;
    iaa->job = g_new0(IaaJob, nr_pages);
    iaa->memory = multifd_compress_buffer_new(
        nr_pages * ((size_t)job_bytes + TARGET_PAGE_SIZE));
    iaa->out = iaa->memory + (size_t)nr_pages * job_bytes;
    if (!multifd_qpl_iaa_init_jobs(iaa, job_bytes, errp)) {
        multifd_qpl_iaa_free(iaa);
        return NULL;
    }
    return iaa;
}

void multifd_qpl_iaa_free(MultiFDQplIaa *iaa)
{
    if (!iaa) {
        return;
    }
    if (!iaa->silent) {
        for (unsigned i = 0; i < iaa->nr_jobs && iaa->job[i].job; i++) {
            qpl_fini_job(iaa->job[i].job);
        }
        g_aligned_free(iaa->memory);
    }
    g_free(iaa->job);
    g_free(iaa);
}

/* Waits for job @i, if a device has it.  Returns false if it never ends. */
static bool multifd_qpl_iaa_wait(MultiFDQplIaa *iaa, unsigned i, Error **errp)
{
    IaaJob *j = &iaa->job[i];
    int64_t begin_ns = 0;

    for (unsigned looks = 1; j->taken; looks++) {
        qpl_status status = qpl_check_job(j->job);

        if (status != QPL_STS_BEING_PROCESSED) {
            j->status = status;
            j->taken = false;
        } else if (looks % LOOKS_A_TURN == 0) {
            int64_t now_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);

            begin_ns = begin_ns ? begin_ns : now_ns;
            if (now_ns - begin_ns > ANSWER_MAX_NS) {
                iaa->silent = true;
                error_setg(errp, "an IAA device has not answered for %d "
                           "seconds; choose another multifd-compression",
                           (int)(ANSWER_MAX_NS / NANOSECONDS_PER_SECOND));
                return false;
            }
            sched_yield();
        }
    }
    return true;
}

/*
 * Hands job @i to a device.  Where all queues are full, our own oldest job, from
 * *@oldest on, is waited for: when it has ended there is room.
 */
static bool multifd_qpl_iaa_submit(MultiFDQplIaa *iaa, unsigned i,
                                   unsigned *oldest, Error **errp)
{
    IaaJob *j = &iaa->job[i];

    for (unsigned tries = 0; tries < BUSY_TRIES; tries++) {
        j->status = qpl_submit_job(j->job);
        if (j->status == QPL_STS_OK) {
            j->taken = true;
            return true;
        }
        if (j->status != QPL_STS_QUEUES_ARE_BUSY_ERR) {
            return true;
        }
        while (*oldest < i && !iaa->job[*oldest].taken) {
            ++*oldest;
        }
        if (*oldest == i) {
            sched_yield();      /* others fill the queues */
        } else if (!multifd_qpl_iaa_wait(iaa, *oldest, errp)) {
            return false;
        }
    }
    return true;
}

static bool multifd_qpl_iaa_wait_all(MultiFDQplIaa *iaa, unsigned nr_pages,
                                     Error **errp)
{
    for (unsigned i = 0; i < nr_pages; i++) {
        if (!multifd_qpl_iaa_wait(iaa, i, errp)) {
            return false;
        }
    }
    return true;
}

/*
 * No copy of the page is made, unlike for the CPU: a device that writes fixed codes
 * reads each byte once, on its way through, and refers to its own memory of what
 * it has read.  What it makes of a page that is being written is whole, and the
 * page is sent again.
 */
static void multifd_qpl_iaa_set_deflate(qpl_job *job, uint8_t *host,
                                        uint8_t *out)
{
    job->op = qpl_op_compress;
    job->level = qpl_default_level;
    job->flags = QPL_FLAG_FIRST | QPL_FLAG_LAST | QPL_FLAG_OMIT_VERIFY;
    job->next_in_ptr = host;
    job->available_in = TARGET_PAGE_SIZE;
    job->next_out_ptr = out;
    job->available_out = TARGET_PAGE_SIZE - 1;
    job->total_in = 0;
    job->total_out = 0;
}

bool multifd_qpl_iaa_deflate(MultiFDQplIaa *iaa, MultiFDQplPage *page,
                             unsigned nr_pages, Error **errp)
{
    unsigned oldest = 0, nr_cpu = 0;

    for (unsigned i = 0; i < nr_pages; i++) {
        multifd_qpl_iaa_set_deflate(iaa->job[i].job, page[i].host,
                                    iaa->out + (size_t)i * TARGET_PAGE_SIZE);
        if (!multifd_qpl_iaa_submit(iaa, i, &oldest, errp)) {
            return false;
        }
    }
    if (!multifd_qpl_iaa_wait_all(iaa, nr_pages, errp)) {
        return false;
    }
    for (unsigned i = 0; i < nr_pages; i++) {
        const IaaJob *j = &iaa->job[i];
        uint8_t *out = iaa->out + (size_t)i * TARGET_PAGE_SIZE;

        if (j->status == QPL_STS_OK && j->job->total_out > 0 &&
            j->job->total_out < TARGET_PAGE_SIZE) {
            page[i].data = out;
            page[i].len_bytes = j->job->total_out;
        } else if (j->status == QPL_STS_MORE_OUTPUT_NEEDED) {
            page[i].data = page[i].host;
            page[i].len_bytes = TARGET_PAGE_SIZE;
        } else {
            multifd_qpl_cpu_deflate(iaa->cpu, &page[i], out);
            nr_cpu++;
        }
    }
    trace_multifd_qpl_iaa(nr_pages, nr_cpu);
    return true;
}

static void multifd_qpl_iaa_set_inflate(qpl_job *job,
                                        const MultiFDQplPage *page)
{
    job->op = qpl_op_decompress;
    job->flags = QPL_FLAG_FIRST | QPL_FLAG_LAST | QPL_FLAG_OMIT_VERIFY;
    job->next_in_ptr = (uint8_t *)page->data;
    job->available_in = page->len_bytes;
    job->next_out_ptr = page->host;
    job->available_out = TARGET_PAGE_SIZE;
    job->total_in = 0;
    job->total_out = 0;
}

bool multifd_qpl_iaa_inflate(MultiFDQplIaa *iaa, const MultiFDQplPage *page,
                             unsigned nr_pages, Error **errp)
{
    unsigned oldest = 0, nr_cpu = 0;

    for (unsigned i = 0; i < nr_pages; i++) {
        iaa->job[i].status = QPL_STS_OPERATION_ERR;     /* nobody's yet */
        if (page[i].len_bytes == TARGET_PAGE_SIZE) {
            continue;
        }
        multifd_qpl_iaa_set_inflate(iaa->job[i].job, &page[i]);
        if (!multifd_qpl_iaa_submit(iaa, i, &oldest, errp)) {
            return false;
        }
    }
    if (!multifd_qpl_iaa_wait_all(iaa, nr_pages, errp)) {
        return false;
    }
    for (unsigned i = 0; i < nr_pages; i++) {
        const IaaJob *j = &iaa->job[i];

        if (j->status == QPL_STS_OK &&
            j->job->total_out == TARGET_PAGE_SIZE &&
            j->job->total_in == page[i].len_bytes) {
            continue;
        }
        if (!multifd_qpl_cpu_inflate(iaa->cpu, &page[i], errp)) {
            return false;
        }
        nr_cpu += page[i].len_bytes < TARGET_PAGE_SIZE;
    }
    trace_multifd_qpl_iaa(nr_pages, nr_cpu);
    return true;
}
