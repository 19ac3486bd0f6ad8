/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See mapped-file.h.  Runs in the test's thread.
 */
#include "qemu/osdep.h"
#include <sys/mman.h>
#include <sys/stat.h>
#include "io/channel-file.h"
#include "mapped-file.h"
#include "migration/ram/load.h"
#include "qapi/error.h"

static QIOChannel *mapped_file_channel(int fd, uint64_t offset)
{
    Error *err = NULL;
    QIOChannel *ioc = qio_channel_file_new_fd(dup(fd), &err);

    g_assert_null(err);
    g_assert_true(qio_channel_file_seek(ioc, offset, &err));
    return ioc;
}

MappedFile *mapped_file_new(RamList *list, ZeroPageDetection detection,
                            uint64_t offset)
{
    MappedFile *f = g_new0(MappedFile, 1);
    Error *err = NULL;

    f->fd = memfd_create("mapped", MFD_CLOEXEC);
    g_assert_cmpint(f->fd, >=, 0);
    f->list = list;
    f->config.mapped_ram = true;
    f->config.zero_page_detection = detection;
    rate_limit_init(&f->rate, &f->live);
    f->soft = dirty_soft_new(list);
    f->ioc = mapped_file_channel(f->fd, offset);
    f->out = stream_out_new(f->ioc);
    f->mapped = mapped_out_new(list, f->ioc, &err);
    g_assert_null(err);
    f->sink = mapped_sink_new(&f->config, f->mapped, &f->stats, &f->rate);
    f->save = ram_save_new(&f->config, list, dirty_soft_provider(f->soft),
                           f->out, mapped_sink_page_sink(f->sink), &f->stats,
                           &f->rate);
    ram_save_set_mapped(f->save, f->mapped);
    return f;
}

void mapped_file_free(MappedFile *file)
{
    if (file) {
        ram_save_free(file->save);
        mapped_sink_free(file->sink);
        mapped_out_free(file->mapped);
        stream_out_free(file->out);
        qio_channel_unref(file->ioc);
        dirty_soft_free(file->soft);
        rate_limit_destroy(&file->rate);
        close(file->fd);
        g_free(file);
    }
}

void mapped_file_setup(MappedFile *file)
{
    Error *err = NULL;

    ram_save_setup(file->save, &err);
    g_assert_null(err);
}

void mapped_file_iterate(MappedFile *file)
{
    Error *err = NULL;

    do {
        ram_save_iterate(file->save, &err);
        g_assert_null(err);
    } while (ram_save_pending_bytes(file->save) > 0);
}

void mapped_file_complete(MappedFile *file)
{
    Error *err = NULL;

    ram_save_sync_dirty(file->save, &err);
    g_assert_null(err);
    ram_save_complete(file->save, &err);
    g_assert_null(err);
    stream_out_flush(file->out, &err);
    g_assert_null(err);
}

void mapped_file_save(MappedFile *file)
{
    mapped_file_setup(file);
    mapped_file_complete(file);
}

void mapped_file_mark(MappedFile *file, const char *name, uint64_t page)
{
    dirty_soft_mark(file->soft, ram_list_find(file->list, name),
                    page << TARGET_PAGE_BITS, 1);
}

bool mapped_file_load(int fd, uint64_t offset, RamList *list, Error **errp)
{
    static const RamLoadOps ops;
    MigrationConfig config = { .mapped_ram = true };
    g_autoptr(QIOChannel) ioc = mapped_file_channel(fd, offset);
    g_autoptr(MigStreamIn) in = stream_in_new(ioc, NULL, 0);
    g_autoptr(RamReceived) received = ram_received_new(list);
    g_autoptr(RamLoad) load = ram_load_new(&config, list, received, &ops, NULL);

    return ram_received_scan(received, errp) &&
           ram_load_section(load, in, errp);
}

uint64_t mapped_file_bytes(int fd)
{
    struct stat st;

    g_assert_cmpint(fstat(fd, &st), ==, 0);
    return (uint64_t)st.st_blocks * 512;
}
