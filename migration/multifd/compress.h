/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compression of what normal pages hold, on multifd channels.
 *
 * A method is one file and one entry in the table of compress.c: how it is named,
 * which flag it has on the wire, and for each direction a constructor, the work
 * on one packet and a destructor.  A channel has a state of its own of one
 * direction: with zlib and zstd all its packets are one stream.  Everything is
 * allocated by the constructor, nothing per packet.
 *
 * A source's guest goes on writing while its pages are read.  A method whose
 * library may not see its input change reads a page once, into a buffer.
 *
 * Threads: made and freed by the migration and the load thread, used by the thread
 * of one channel.  This header owns no locks.
 */
#ifndef MIGRATION_MULTIFD_COMPRESS_H
#define MIGRATION_MULTIFD_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <glib.h>
#include "migration/base/config.h"

typedef struct Error Error;
typedef struct MultiFDMethod MultiFDMethod;

/* Of a source's channel; the start of a method's own struct. */
typedef struct MultiFDCompressor {
    const MultiFDMethod *method;
    /* the last packet's content, good until the next packet */
    struct iovec *iov;
    unsigned nr_iov;
    size_t len_bytes;           /* of all entries */
} MultiFDCompressor;

/* Of a destination's channel; the start of a method's own struct. */
typedef struct MultiFDDecompressor {
    const MultiFDMethod *method;
    unsigned packet_pages;
    /* room for method->most_bytes(packet_pages); the caller puts content here */
    uint8_t *in;
    bool populate;              /* fresh pages are to be there before */
} MultiFDDecompressor;

struct MultiFDMethod {
    const char *name;
    uint32_t flag;              /* MULTIFD_FLAG_... */
    /* Most bytes of content that a packet of @nr_pages can have. */
    size_t (*most_bytes)(unsigned nr_pages);
    /* A sentence about how it works here; NULL: nothing to tell. */
    char *(*notice)(void);

    /* @method is filled in by the caller. */
    MultiFDCompressor *(*send_new)(const MigrationConfig *config,
                                   Error **errp);
    bool (*send)(MultiFDCompressor *z, const struct iovec *pages,
                 unsigned nr_iov, Error **errp);
    void (*send_free)(MultiFDCompressor *z);

    /* @method, @packet_pages and @in are filled in and freed by the caller. */
    MultiFDDecompressor *(*recv_new)(unsigned packet_pages, Error **errp);
    bool (*recv)(MultiFDDecompressor *z, size_t len_bytes,
                 const struct iovec *pages, unsigned nr_iov, Error **errp);
    void (*recv_free)(MultiFDDecompressor *z);
};

/* Those of the table, each in the file of its name, built with its library. */
extern const MultiFDMethod multifd_method_zlib;
extern const MultiFDMethod multifd_method_zstd;
extern const MultiFDMethod multifd_method_qpl;

/**
 * multifd_method:
 * @compression: a value of multifd-compression
 *
 * Returns: its method; NULL for `none` and for what this build has no library for
 */
const MultiFDMethod *multifd_method(MultiFDCompression compression);

/**
 * multifd_compression_check:
 * @compression: a value of multifd-compression
 * @errp: where to put the reason, with the library that is missing, or NULL
 *
 * Returns: false when this build cannot do it
 */
bool multifd_compression_check(MultiFDCompression compression, Error **errp);

/**
 * multifd_compression_notice:
 * @config: settings of a migration
 *
 * May look for devices, so it is not for the main thread.
 * Returns: a sentence for the user about how compression works here, to be
 *          g_free()d; NULL when there is nothing to tell
 */
char *multifd_compression_notice(const MigrationConfig *config);

/**
 * multifd_compressor_new:
 * @config: settings; outlives the result
 * @compressor: where to put a new state of one channel, to be given back to
 *              multifd_compressor_free(); NULL without compression
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when it could not be made
 */
bool multifd_compressor_new(const MigrationConfig *config,
                            MultiFDCompressor **compressor, Error **errp);

/**
 * multifd_compressor_run:
 * @z: of this channel
 * @pages: the normal pages of a packet, runs in their order, all of them whole
 * @nr_iov: entries of @pages, above zero
 * @errp: where to put the reason, or NULL
 *
 * Leaves the content in @z.
 * Context: the channel's thread.
 * Returns: false when the library has failed; @z is of no more use then
 */
bool multifd_compressor_run(MultiFDCompressor *z, const struct iovec *pages,
                            unsigned nr_iov, Error **errp);

/**
 * multifd_compressor_free:
 * @z: a state nobody uses any more, or NULL
 */
void multifd_compressor_free(MultiFDCompressor *z);

/**
 * multifd_decompressor_new:
 * @config: settings; outlives the result
 * @packet_pages: pages of a packet
 * @decompressor: where to put a new state of one channel, to be given back to
 *                multifd_decompressor_free(); NULL without compression
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when it could not be made
 */
bool multifd_decompressor_new(const MigrationConfig *config,
                              unsigned packet_pages,
                              MultiFDDecompressor **decompressor,
                              Error **errp);

/**
 * multifd_decompressor_check:
 * @z: of this channel
 * @nr_pages: normal pages of a packet, above zero
 * @len_bytes: bytes of content that it announces
 * @errp: where to put the reason, or NULL
 *
 * To be called before the content is read to @z->in.
 * Returns: false when that is none, or more than the method can have made
 */
bool multifd_decompressor_check(const MultiFDDecompressor *z,
                                unsigned nr_pages, size_t len_bytes,
                                Error **errp);

/**
 * multifd_decompressor_run:
 * @z: of this channel, the packet's content in @z->in
 * @len_bytes: of content, as it was checked
 * @pages: where its normal pages belong, runs in their order, all of them whole
 * @nr_iov: entries of @pages, above zero
 * @errp: where to put the reason, or NULL
 *
 * Context: the channel's thread.
 * Returns: false when the content is not just these pages; they may be in part
 *          there then, and @z is of no more use
 */
bool multifd_decompressor_run(MultiFDDecompressor *z, size_t len_bytes,
                              const struct iovec *pages, unsigned nr_iov,
                              Error **errp);

/**
 * multifd_decompressor_free:
 * @z: a state nobody uses any more, or NULL
 */
void multifd_decompressor_free(MultiFDDecompressor *z);

/**
 * multifd_compress_buffer_new:
 * @len_bytes: how much
 *
 * Memory whose pages are there from the start: a device that meets one that is
 * not would wait for the kernel, or give up.
 * Returns: zeroed memory at a page's start, to be given to g_aligned_free()
 */
uint8_t *multifd_compress_buffer_new(size_t len_bytes);

#endif
