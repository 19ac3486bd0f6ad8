/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which compression methods there are, and what they have in common.
 *
 * Entered by the main thread (may it be set?), the migration and the load thread
 * (states of channels) and the channels' threads.  What a method does is in the
 * file of its name.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration/multifd/compress.h"

/* What a method needs; no method: its library was not there to build with. */
static const struct {
    const char *library;
    const MultiFDMethod *method;
} methods[MULTIFD_COMPRESSION__MAX] = {
    [MULTIFD_COMPRESSION_ZLIB] = {
        .library = "zlib",
#ifdef CONFIG_ZLIB
        .method = &multifd_method_zlib,
#endif
    },
    [MULTIFD_COMPRESSION_ZSTD] = {
        .library = "libzstd",
#ifdef CONFIG_ZSTD
        .method = &multifd_method_zstd,
#endif
    },
    [MULTIFD_COMPRESSION_QPL] = {
        .library = "libdeflate",
#ifdef CONFIG_LIBDEFLATE
        .method = &multifd_method_qpl,
#endif
    },
};

const MultiFDMethod *multifd_method(MultiFDCompression compression)
{
    return methods[compression].method;
}

bool multifd_compression_check(MultiFDCompression compression, Error **errp)
{
    if (methods[compression].library && !methods[compression].method) {
        error_setg(errp, "Parameter 'multifd-compression' cannot be '%s': this "
                   "wherry was built without %s",
                   MultiFDCompression_str(compression),
                   methods[compression].library);
        return false;
    }
    return true;
}

char *multifd_compression_notice(const MigrationConfig *config)
{
    const MultiFDMethod *method = multifd_method(config->multifd_compression);

    return config->multifd && method && method->notice ? method->notice()
                                                       : NULL;
}

bool multifd_compressor_new(const MigrationConfig *config,
                            MultiFDCompressor **compressor, Error **errp)
{
    const MultiFDMethod *method = multifd_method(config->multifd_compression);
    MultiFDCompressor *z = NULL;

    if (method) {
        z = method->send_new(config, errp);
        if (!z) {
            return false;
        }
        z->method = method;
    }
    *compressor = z;
    return true;
}

bool multifd_compressor_run(MultiFDCompressor *z, const struct iovec *pages,
                            unsigned nr_iov, Error **errp)
{
    return z->method->send(z, pages, nr_iov, errp);
}

void multifd_compressor_free(MultiFDCompressor *z)
{
    if (z) {
        z->method->send_free(z);
    }
}

bool multifd_decompressor_new(const MigrationConfig *config,
                              unsigned packet_pages,
                              MultiFDDecompressor **decompressor,
                              Error **errp)
{
    const MultiFDMethod *method = multifd_method(config->multifd_compression);
    MultiFDDecompressor *z = NULL;

    if (method) {
        z = method->recv_new(packet_pages, errp);
        if (!z) {
            return false;
        }
        z->method = method;
        z->packet_pages = packet_pages;
        z->in = multifd_compress_buffer_new(method->most_bytes(packet_pages));
    }
    *decompressor = z;
    return true;
}

bool multifd_decompressor_check(const MultiFDDecompressor *z,
                                unsigned nr_pages, size_t len_bytes,
                                Error **errp)
{
    size_t most_bytes = z->method->most_bytes(nr_pages);

    if (len_bytes == 0 || len_bytes > most_bytes) {
        error_setg(errp, "%zu bytes of %s content for %u pages, expected 1 to "
                   "%zu", len_bytes, z->method->name, nr_pages, most_bytes);
        return false;
    }
    return true;
}

bool multifd_decompressor_run(MultiFDDecompressor *z, size_t len_bytes,
                              const struct iovec *pages, unsigned nr_iov,
                              Error **errp)
{
    return z->method->recv(z, len_bytes, pages, nr_iov, errp);
}

void multifd_decompressor_free(MultiFDDecompressor *z)
{
    if (z) {
        g_aligned_free(z->in);
        z->method->recv_free(z);
    }
}

uint8_t *multifd_compress_buffer_new(size_t len_bytes)
{
    uint8_t *buffer = g_aligned_alloc(1, len_bytes, qemu_real_host_page_size());

    /* Not left to an allocator that may know that its pages are zero. */
    memset(buffer, 0, len_bytes);
    return buffer;
}
