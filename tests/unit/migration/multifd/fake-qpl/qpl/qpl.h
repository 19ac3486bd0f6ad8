/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for libqpl's header where the library is not: just those names that
 * migration/multifd/qpl-iaa.c uses, with values of their own.  What is behind them
 * is fake-qpl.c.
 */
#ifndef TESTS_FAKE_QPL_H
#define TESTS_FAKE_QPL_H

#include <stdint.h>

#define QPL_FLAG_FIRST       0x0001u
#define QPL_FLAG_LAST        0x0002u
#define QPL_FLAG_OMIT_VERIFY 0x4000u

typedef enum {
    qpl_path_auto,
    qpl_path_hardware,
    qpl_path_software,
} qpl_path_t;

typedef enum {
    qpl_op_decompress,
    qpl_op_compress,
} qpl_operation;

typedef enum {
    qpl_default_level = 1,
} qpl_compression_levels;

typedef enum {
    QPL_STS_OK,
    QPL_STS_BEING_PROCESSED,
    QPL_STS_MORE_OUTPUT_NEEDED,
    QPL_STS_QUEUES_ARE_BUSY_ERR,
    QPL_STS_OPERATION_ERR,
    QPL_STS_INTL_PAGE_FAULT,
    QPL_STS_INVALID_BLOCK_TYPE,
    QPL_STS_INIT_LIBACCEL_NOT_FOUND,
    QPL_STS_INIT_LIBACCEL_ERROR,
    QPL_STS_INIT_WORK_QUEUES_NOT_AVAILABLE,
} qpl_status;

typedef struct {
    uint8_t *next_in_ptr;
    uint32_t available_in;
    uint32_t total_in;
    uint8_t *next_out_ptr;
    uint32_t available_out;
    uint32_t total_out;
    qpl_operation op;
    uint32_t flags;
    qpl_compression_levels level;
    /* the fake's own */
    unsigned checks_left;
    qpl_status result;
} qpl_job;

/**
 * qpl_get_job_size:
 * @path: who does the work
 * @job_size: where to put how large a job is
 *
 * Returns: QPL_STS_OK, or why there is no such path
 */
qpl_status qpl_get_job_size(qpl_path_t path, uint32_t *job_size);

/**
 * qpl_init_job:
 * @path: who does the work
 * @job: zeroed memory of a job's size
 *
 * Returns: QPL_STS_OK, or why there is no such path
 */
qpl_status qpl_init_job(qpl_path_t path, qpl_job *job);

/**
 * qpl_submit_job:
 * @job: what to do
 *
 * Returns: QPL_STS_OK when it was taken
 */
qpl_status qpl_submit_job(qpl_job *job);

/**
 * qpl_check_job:
 * @job: one that was taken
 *
 * Returns: QPL_STS_BEING_PROCESSED, or what became of it
 */
qpl_status qpl_check_job(qpl_job *job);

/**
 * qpl_fini_job:
 * @job: one that nobody works on
 *
 * Returns: QPL_STS_OK
 */
qpl_status qpl_fini_job(qpl_job *job);

#endif
