/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replays a corpus: every file of each folder that is named on the command line
 * goes through the target once, and shows as one TAP case.  Stands in for
 * libFuzzer unless the build has -Dfuzzing=true.
 */
#include "qemu/osdep.h"
#include "fuzz.h"

static unsigned replay_file(const char *path, unsigned number)
{
    g_autofree char *data = NULL;
    g_autofree char *name = g_path_get_basename(path);
    g_autoptr(GError) err = NULL;
    gsize size;

    if (!g_file_get_contents(path, &data, &size, &err)) {
        printf("not ok %u - %s: %s\n", number, name, err->message);
        return 1;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)data, size);
    printf("ok %u - %s\n", number, name);
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned nr_files = 0, nr_failed = 0;

    for (int i = 1; i < argc; i++) {
        g_autoptr(GDir) dir = g_dir_open(argv[i], 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
            g_autofree char *path = g_build_filename(argv[i], name, NULL);

            nr_failed += replay_file(path, ++nr_files);
        }
    }
    printf("1..%u\n", nr_files);
    /* A corpus that is not there must not pass for one that is clean. */
    return nr_failed || !nr_files;
}
