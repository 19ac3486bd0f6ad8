/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of the software DSA device: the table, and how a text becomes
 * numbers.
 *
 * Pure; any thread.  What the numbers mean is up to the rest of the device.
 */
#include "qemu/osdep.h"

#include "linux/idxd.h"
#include "qemu/cutils.h"
#include "qemu/units.h"
#include "dsa-soft-options-internal.h"

/* How a value is written. */
typedef enum Kind {
    WORD,                       /* one of those in DsaSoftOption::value */
    SWITCH,                     /* on or off */
    NUMBER,
    SIZE,                       /* with a suffix */
    HEX,
    FOREVER,                    /* a number, or "forever" */
    NODE,                       /* a number, or -1 */
} Kind;

typedef struct Rule {
    Kind kind;
    size_t member;              /* offset in DsaSoftConfig */
    uint64_t min, max;
    const char *needs;          /* without which it has no effect, or NULL */
} Rule;

#define COUNT_MAX UINT32_MAX
#define MEMBER(name) offsetof(DsaSoftConfig, name)

/* What the device can do at all: no-op to compare pattern. */
#define OPCODES_SPR     UINT64_C(0x7f)
#define OPCODES_DSA2    UINT64_C(0x47f)

/* "" as the initial value stands for one that depends on other options. */
static const DsaSoftOption options_table[] = {
    { "profile", "spr|dsa2", "spr",
      "the device: Sapphire Rapids (DSA 1.0) or one of DSA 2.0" },
    { "mode", "shared|dedicated", "shared", "mode of the work queue" },
    { "size", "1..1024", "128", "entries of the queue" },
    { "threshold", "1..size", "",
      "entries that users may fill, if shared; all when not given" },
    { "max-batch-size", "1..1024", "32", "descriptors of a batch, at most" },
    { "max-transfer-size", "1..2G", "2M", "bytes of a descriptor, at most" },
    { "block-on-fault", "on|off", "off", "descriptors may wait for pages" },
    { "engines", "0..16", "2",
      "engine threads; 0: the submitter itself does the work" },
    { "portal", "on|off", "on",
      "off: mapping is refused, write() is the only way in" },
    { "state", "enabled|disabled", "enabled", "state of the queue" },
    { "type", "user|kernel|none", "user", "type of the queue" },
    { "opcodes", "HEX", "", "bitmap of the opcodes the queue offers" },
    { "numa-node", "-1..1023", "-1", "node of the device" },
    { "shuffle", "0..4294967295", "0",
      "seed for a random order of a batch's members; 0: in order" },
    { "inexact", "0|32|64", "0",
      "round the place of a difference down to so many bytes" },
    { "timing", "on|off", "off", "take the time that hardware would" },
    { "latency-ns", "0..1000000000", "1200",
      "timing: from acceptance to the record" },
    { "descriptor-ns", "0..1000000000", "180",
      "timing: of an engine, for each descriptor" },
    { "bandwidth", "1M..1P", "28G", "timing: bytes a second, of all engines" },
    { "submit-ns", "0..1000000000", "650", "timing: of each submission" },
    { "batch-ns", "0..1000000000", "750",
      "timing: until a batch's list is there" },
    { "fault-us", "0..1000000", "300",
      "timing: for each page fault that the device waits for" },
    { "faults-from", "proof|open", "proof",
      "injected faults begin when the queue is proven, or at once" },
    { "full", "0..4294967295|forever", "0",
      "refuse the first so many submissions" },
    { "fault-every", "0..4294967295", "0",
      "end every so many-th compare with a page fault" },
    { "fault-at", "0..2G", "0", "byte of the compare where that happens" },
    { "fault-write", "on|off", "off", "call it a write" },
    { "fault-refused", "on|off", "off", "call it one that the kernel refused" },
    { "list-fault-every", "0..4294967295", "0",
      "every so many-th batch: fault on the list behind half of its members" },
    { "lose-every", "0..4294967295", "0",
      "never write every so many-th record of a submission" },
    { "status-every", "0..4294967295", "0",
      "every so many-th compare has a made-up status" },
    { "status", "HEX", "0x3e", "that status" },
    { "batch-status-every", "0..4294967295", "0",
      "every so many-th batch has a made-up status" },
    { "batch-status", "HEX", "0x3e", "that status" },
    { "batch-flag-every", "0..4294967295", "0",
      "every so many-th batch says that it failed when it did not" },
    { "stuck-after", "0..4294967295|forever", "forever",
      "answer nothing any more after so many compares" },
    { "halt-after", "0..4294967295|forever", "forever",
      "the queue is disabled after so many compares" },
    { "slow-us", "0..60000000", "0", "each submission takes at least so long" },
};

/* In the order of the table above. */
static const Rule rules[] = {
    { WORD, MEMBER(dsa2) },
    { WORD, MEMBER(dedicated) },
    { NUMBER, MEMBER(size), 1, 1024 },
    { NUMBER, MEMBER(threshold), 1, 1024 },
    { NUMBER, MEMBER(max_batch_size), 1, DSA_SOFT_BATCH_MAX },
    { SIZE, MEMBER(max_transfer_size), 1, 2 * GiB },
    { SWITCH, MEMBER(block_on_fault) },
    { NUMBER, MEMBER(engines), 0, 16 },
    { SWITCH, MEMBER(portal) },
    { WORD, MEMBER(disabled) },
    { WORD, MEMBER(type) },
    { HEX, MEMBER(opcodes), 0, UINT64_MAX },
    { NODE, MEMBER(numa_node), 0, 1023 },
    { NUMBER, MEMBER(shuffle), 0, COUNT_MAX },
    { WORD, MEMBER(inexact) },
    { SWITCH, MEMBER(timing) },
    { NUMBER, MEMBER(latency_ns), 0, 1000000000, "timing" },
    { NUMBER, MEMBER(descriptor_ns), 0, 1000000000, "timing" },
    { SIZE, MEMBER(bandwidth), MiB, PiB, "timing" },
    { NUMBER, MEMBER(submit_ns), 0, 1000000000, "timing" },
    { NUMBER, MEMBER(batch_ns), 0, 1000000000, "timing" },
    { NUMBER, MEMBER(fault_us), 0, 1000000, "timing" },
    { WORD, MEMBER(faults_from_open) },
    { FOREVER, MEMBER(full), 0, COUNT_MAX },
    { NUMBER, MEMBER(fault_every), 0, COUNT_MAX },
    { SIZE, MEMBER(fault_at), 0, 2 * GiB, "fault-every" },
    { SWITCH, MEMBER(fault_write), .needs = "fault-every" },
    { SWITCH, MEMBER(fault_refused), .needs = "fault-every" },
    { NUMBER, MEMBER(list_fault_every), 0, COUNT_MAX },
    { NUMBER, MEMBER(lose_every), 0, COUNT_MAX },
    { NUMBER, MEMBER(status_every), 0, COUNT_MAX },
    { HEX, MEMBER(status), 1, UINT8_MAX, "status-every" },
    { NUMBER, MEMBER(batch_status_every), 0, COUNT_MAX },
    { HEX, MEMBER(batch_status), 1, UINT8_MAX, "batch-status-every" },
    { NUMBER, MEMBER(batch_flag_every), 0, COUNT_MAX },
    { FOREVER, MEMBER(stuck_after), 0, COUNT_MAX },
    { FOREVER, MEMBER(halt_after), 0, COUNT_MAX },
    { NUMBER, MEMBER(slow_us), 0, 60000000 },
};

QEMU_BUILD_BUG_ON(ARRAY_SIZE(rules) != ARRAY_SIZE(options_table));

const DsaSoftOption *dsa_soft_options(size_t *nr)
{
    *nr = ARRAY_SIZE(options_table);
    return options_table;
}

/* The place of @text among "a|b|c", or -1. */
static int word_index(const char *words, const char *text)
{
    g_auto(GStrv) word = g_strsplit(words, "|", -1);

    for (int i = 0; word[i]; i++) {
        if (g_str_equal(word[i], text)) {
            return i;
        }
    }
    return -1;
}

static bool read_value(const DsaSoftOption *option, const Rule *rule,
                       const char *text, uint64_t *value)
{
    uint64_t number = 0;
    int word, rc = 0;

    switch (rule->kind) {
    case WORD:
    case SWITCH:
        word = word_index(option->value, text);
        *value = rule->kind == SWITCH ? word == 0 : word;
        return word >= 0;
    case NODE:
    case FOREVER:
        if (g_str_equal(text, rule->kind == NODE ? "-1" : "forever")) {
            *value = UINT64_MAX;
            return true;
        }
        G_GNUC_FALLTHROUGH;
    case NUMBER:
        rc = parse_uint_full(text, 10, &number);
        break;
    case SIZE:
        rc = qemu_strtosz(text, NULL, &number);
        break;
    case HEX:
        rc = parse_uint_full(text, 16, &number);
        break;
    }
    if (rc || number < rule->min || number > rule->max) {
        return false;
    }
    *value = number;
    return true;
}

static uint64_t *member_of(DsaSoftConfig *config, const Rule *rule)
{
    return (uint64_t *)((char *)config + rule->member);
}

static bool read_pair(DsaSoftConfig *config, const char *pair, Error **errp)
{
    const char *equals = strchr(pair, '=');
    g_autofree char *name = NULL;

    if (!equals) {
        error_setg(errp, "dsa:soft: \"%s\" is not of the form KEY=VALUE", pair);
        return false;
    }
    name = g_strndup(pair, equals - pair);
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        if (!g_str_equal(options_table[i].name, name)) {
            continue;
        }
        if (!read_value(&options_table[i], &rules[i], equals + 1,
                        member_of(config, &rules[i]))) {
            error_setg(errp, "dsa:soft: option %s cannot be \"%s\"; give %s",
                       name, equals + 1, options_table[i].value);
            return false;
        }
        return true;
    }
    error_setg(errp, "dsa:soft: there is no option \"%s\"", name);
    return false;
}

static size_t option_index(const char *name)
{
    size_t i = 0;

    while (!g_str_equal(options_table[i].name, name)) {
        i++;
    }
    return i;
}

/* Nothing is accepted that would have no effect. */
static bool check_needs(DsaSoftConfig *config, Error **errp)
{
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        uint64_t initial = 0;

        if (!rules[i].needs ||
            *member_of(config, &rules[option_index(rules[i].needs)]) != 0) {
            continue;
        }
        read_value(&options_table[i], &rules[i], options_table[i].initial,
                   &initial);
        if (*member_of(config, &rules[i]) != initial) {
            error_setg(errp, "dsa:soft: option %s has no effect without %s",
                       options_table[i].name, rules[i].needs);
            return false;
        }
    }
    return true;
}

/* What depends on other options, and what does not go together. */
static bool settle(DsaSoftConfig *config, Error **errp)
{
    uint64_t known = config->dsa2 ? OPCODES_DSA2 : OPCODES_SPR;

    if (config->dedicated && config->threshold) {
        error_setg(errp, "dsa:soft: option threshold is for mode=shared only");
        return false;
    }
    if (config->threshold > config->size) {
        error_setg(errp, "dsa:soft: option threshold=%" PRIu64 " is above "
                   "size=%" PRIu64, config->threshold, config->size);
        return false;
    }
    if (config->opcodes == UINT64_MAX) {
        config->opcodes = known;
    }
    if (config->opcodes & ~known) {
        error_setg(errp, "dsa:soft: option opcodes=0x%" PRIx64 " has some that "
                   "the software device cannot do; it can do 0x%" PRIx64,
                   config->opcodes, known);
        return false;
    }
    if (!(config->status & ~DSA_COMP_STATUS_WRITE) ||
        !(config->batch_status & ~DSA_COMP_STATUS_WRITE)) {
        error_setg(errp, "dsa:soft: a status of 0 is never written");
        return false;
    }
    if (!config->dedicated && !config->threshold) {
        config->threshold = config->size;
    }
    config->inexact = config->inexact ? UINT64_C(16) << config->inexact : 0;
    return true;
}

bool dsa_soft_options_parse(DsaSoftConfig *config, const char *options,
                            Error **errp)
{
    g_auto(GStrv) pair = g_strsplit(options ? options : "", ",", -1);
    DsaSoftConfig made = { .opcodes = UINT64_MAX };

    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        const char *initial = options_table[i].initial;

        if (initial[0]) {
            read_value(&options_table[i], &rules[i], initial,
                       member_of(&made, &rules[i]));
        }
    }
    for (size_t i = 0; pair[i]; i++) {
        if (!read_pair(&made, pair[i], errp)) {
            return false;
        }
    }
    if (!check_needs(&made, errp) || !settle(&made, errp)) {
        return false;
    }
    *config = made;
    return true;
}

bool dsa_soft_options_check(const char *options, Error **errp)
{
    DsaSoftConfig config;

    return dsa_soft_options_parse(&config, options, errp);
}
