/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vectors of buffers: size, copy in and out, cut at either end.
 *
 * All are pure but for the memory they are given; safe in any thread.
 */
#ifndef QEMU_IOV_H
#define QEMU_IOV_H

#include <stddef.h>
#include <sys/uio.h>

/**
 * iov_size:
 * @iov: the vector; may be NULL when @iov_cnt is 0
 * @iov_cnt: its elements
 *
 * Adds up the lengths.
 *
 * Context: any thread.
 * Returns: bytes.
 */
size_t iov_size(const struct iovec *iov, unsigned int iov_cnt);

/**
 * iov_from_buf:
 * @iov: the vector
 * @iov_cnt: its elements
 * @offset: bytes of the vector to leave alone at the front
 * @buf: what to copy in
 * @bytes: how much of it
 *
 * Copies a buffer into a vector.
 *
 * Context: any thread.
 * Returns: bytes copied, less than @bytes when the vector ends before.
 */
size_t iov_from_buf(const struct iovec *iov, unsigned int iov_cnt,
                    size_t offset, const void *buf, size_t bytes);

/**
 * iov_to_buf:
 * @iov: the vector
 * @iov_cnt: its elements
 * @offset: bytes of the vector to skip at the front
 * @buf: receives the copy
 * @bytes: how much to copy
 *
 * Copies out of a vector into a buffer.
 *
 * Context: any thread.
 * Returns: bytes copied, less than @bytes when the vector ends before.
 */
size_t iov_to_buf(const struct iovec *iov, unsigned int iov_cnt,
                  size_t offset, void *buf, size_t bytes);

/**
 * iov_memset:
 * @iov: the vector
 * @iov_cnt: its elements
 * @offset: bytes of the vector to leave alone at the front
 * @fillc: the byte to write
 * @bytes: how often
 *
 * Fills a part of a vector.
 *
 * Context: any thread.
 * Returns: bytes written, less than @bytes when the vector ends before.
 */
size_t iov_memset(const struct iovec *iov, unsigned int iov_cnt,
                  size_t offset, int fillc, size_t bytes);

/**
 * iov_copy:
 * @dst_iov: receives elements that share @iov's memory
 * @dst_iov_cnt: room in @dst_iov, in elements
 * @iov: the vector
 * @iov_cnt: its elements
 * @offset: bytes of the vector to skip at the front
 * @bytes: how many bytes to describe
 *
 * Describes a part of a vector by another vector; no data is copied.
 *
 * Context: any thread.
 * Returns: elements used in @dst_iov; the part is shorter than @bytes when
 * either vector ends before.
 */
unsigned int iov_copy(struct iovec *dst_iov, unsigned int dst_iov_cnt,
                      const struct iovec *iov, unsigned int iov_cnt,
                      size_t offset, size_t bytes);

/**
 * iov_discard_front:
 * @iov: in and out: the vector, moved past the elements used up
 * @iov_cnt: in and out: its elements
 * @bytes: how much to cut off
 *
 * Cuts bytes off the front, as after a short write.  The first element left
 * is changed in place.
 *
 * Context: any thread.
 * Returns: bytes cut off, less than @bytes when the vector is shorter.
 */
size_t iov_discard_front(struct iovec **iov, unsigned int *iov_cnt,
                         size_t bytes);

/**
 * iov_discard_back:
 * @iov: the vector
 * @iov_cnt: in and out: its elements
 * @bytes: how much to cut off
 *
 * Cuts bytes off the end.  The last element left is changed in place.
 *
 * Context: any thread.
 * Returns: bytes cut off, less than @bytes when the vector is shorter.
 */
size_t iov_discard_back(struct iovec *iov, unsigned int *iov_cnt,
                        size_t bytes);

#endif /* QEMU_IOV_H */
