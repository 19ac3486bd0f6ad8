/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what the kernel's idxd driver writes of a queue and its device.
 *
 * Entered by any thread, holds nothing.  Kernels differ in which files there
 * are: a file that is not there, or says what no kernel says, leaves its member
 * as dsa-info.h states, and dsa_info_check() judges.
 */
#include "qemu/osdep.h"

#include "qemu/auto-fd.h"
#include "qemu/cutils.h"
#include "dsa-info-internal.h"

/* The kernel gives a page at most, and these files are one line. */
#define DSA_SYSFS_TEXT_MAX 4095

/* How many values op_cap and op_config have in each of the two forms. */
#define DSA_OPCODE_WORDS (DSA_NR_OPCODES / 32)
#define DSA_OPCODE_QUADS (DSA_NR_OPCODES / 64)

static ssize_t dsa_sysfs_read(const char *path, char *buf, size_t len)
{
    /* Not to be held up by a pipe in a made-up tree. */
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t done = 0;
    ssize_t n;

    if (fd < 0) {
        return -errno;
    }
    while (done < len) {
        n = read(fd, buf + done, len - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            break;
        }
        done += n;
    }
    return done;
}

char *dsa_sysfs_text(const char *dir, const char *file)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_autofree char *text = g_malloc(DSA_SYSFS_TEXT_MAX + 1);
    ssize_t len = dsa_sysfs_read(path, text, DSA_SYSFS_TEXT_MAX);

    while (len > 0 && g_ascii_isspace(text[len - 1])) {
        len--;
    }
    if (len <= 0) {
        return NULL;
    }
    for (ssize_t i = 0; i < len; i++) {
        if (!g_ascii_isprint(text[i])) {
            text[i] = '?';
        }
    }
    text[len] = '\0';
    g_strchug(text);
    return g_strdup(text);
}

/* A number of any size up to @max; @absent when there is none. */
static uint64_t dsa_sysfs_number(const char *dir, const char *file, int base,
                                 uint64_t max, uint64_t absent)
{
    g_autofree char *text = dsa_sysfs_text(dir, file);
    uint64_t value;

    if (!text || parse_uint_full(text, base, &value) < 0 || value > max) {
        return absent;
    }
    return value;
}

static unsigned dsa_sysfs_uint(const char *dir, const char *file)
{
    return dsa_sysfs_number(dir, file, 10, UINT_MAX, 0);
}

static bool dsa_sysfs_flag(const char *dir, const char *file)
{
    return dsa_sysfs_uint(dir, file) != 0;
}

static int dsa_sysfs_node(const char *dir)
{
    g_autofree char *text = dsa_sysfs_text(dir, "numa_node");
    int node;

    return text && qemu_strtoi(text, NULL, 10, &node) == 0 && node >= 0 ?
           node : -1;
}

/* Eight words of 32 bits, the most significant first: "0,0,...,7f,1f". */
static bool dsa_opcodes_words(char **word, uint32_t *opcodes)
{
    uint32_t value[DSA_OPCODE_WORDS];
    uint64_t n;

    if (g_strv_length(word) != DSA_OPCODE_WORDS) {
        return false;
    }
    for (unsigned i = 0; i < DSA_OPCODE_WORDS; i++) {
        if (parse_uint_full(word[i], 16, &n) < 0 || n > UINT32_MAX) {
            return false;
        }
        value[DSA_OPCODE_WORDS - 1 - i] = n;
    }
    memcpy(opcodes, value, sizeof(value));
    return true;
}

/* Four words of 64 bits, the least significant first: "0x1f7f 0 0 0". */
static bool dsa_opcodes_quads(char **word, uint32_t *opcodes)
{
    uint32_t value[DSA_OPCODE_WORDS];
    uint64_t n;

    if (g_strv_length(word) != DSA_OPCODE_QUADS) {
        return false;
    }
    for (unsigned i = 0; i < DSA_OPCODE_QUADS; i++) {
        if (parse_uint_full(word[i], 16, &n) < 0) {
            return false;
        }
        value[2 * i] = n;
        value[2 * i + 1] = n >> 32;
    }
    memcpy(opcodes, value, sizeof(value));
    return true;
}

bool dsa_sysfs_opcodes(const char *text, uint32_t *opcodes)
{
    g_auto(GStrv) word = NULL;

    if (!text) {
        return false;
    }
    if (strchr(text, ',')) {
        word = g_strsplit(text, ",", -1);
        return dsa_opcodes_words(word, opcodes);
    }
    word = g_strsplit(text, " ", -1);
    return dsa_opcodes_quads(word, opcodes);
}

static void dsa_sysfs_fill_opcodes(DsaQueueInfo *info)
{
    g_autofree char *cap = dsa_sysfs_text(info->device_dir, "op_cap");
    g_autofree char *config = dsa_sysfs_text(info->sysfs_dir, "op_config");
    uint32_t allowed[DSA_OPCODE_WORDS];

    info->opcodes_known = dsa_sysfs_opcodes(cap, info->opcodes);
    if (!dsa_sysfs_opcodes(config, allowed)) {
        return;
    }
    for (unsigned i = 0; i < DSA_OPCODE_WORDS; i++) {
        info->opcodes[i] = allowed[i] &
                           (info->opcodes_known ? info->opcodes[i] : ~0u);
    }
    info->opcodes_known = true;
}

static void dsa_sysfs_fill_queue(DsaQueueInfo *info)
{
    const char *dir = info->sysfs_dir;

    info->mode_text = dsa_sysfs_text(dir, "mode");
    info->mode = g_strcmp0(info->mode_text, "dedicated") == 0 ?
                 DSA_QUEUE_DEDICATED : DSA_QUEUE_SHARED;
    info->type = dsa_sysfs_text(dir, "type");
    info->state = dsa_sysfs_text(dir, "state");
    info->label = dsa_sysfs_text(dir, "name");
    info->size = dsa_sysfs_uint(dir, "size");
    info->threshold = dsa_sysfs_uint(dir, "threshold");
    info->max_batch_size = dsa_sysfs_uint(dir, "max_batch_size");
    info->max_transfer_size = dsa_sysfs_number(dir, "max_transfer_size", 10,
                                               UINT64_MAX, 0);
    info->block_on_fault = dsa_sysfs_flag(dir, "block_on_fault");
    info->ats_disable = dsa_sysfs_flag(dir, "ats_disable");
    info->prs_disable = dsa_sysfs_flag(dir, "prs_disable");
    info->clients = dsa_sysfs_uint(dir, "clients");
}

void dsa_sysfs_fill(DsaQueueInfo *info)
{
    const char *dir = info->device_dir;

    dsa_sysfs_fill_queue(info);
    info->device_state = dsa_sysfs_text(dir, "state");
    info->version = dsa_sysfs_number(dir, "version", 16, UINT32_MAX, 0);
    info->gen_cap = dsa_sysfs_number(dir, "gen_cap", 16, UINT64_MAX, 0);
    info->numa_node = dsa_sysfs_node(dir);
    info->pasid_enabled = dsa_sysfs_flag(dir, "pasid_enabled");
    /* Before there was a limit for each queue, the device's was in force. */
    if (!info->max_batch_size) {
        info->max_batch_size = dsa_sysfs_uint(dir, "max_batch_size");
    }
    if (!info->max_transfer_size) {
        info->max_transfer_size = dsa_sysfs_number(dir, "max_transfer_size",
                                                   10, UINT64_MAX, 0);
    }
    dsa_sysfs_fill_opcodes(info);
}
