/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPUID table; see kvm-cpuid.h.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "accel/kvm-cpuid.h"
#include "qapi/error.h"

/* Leaves of paravirtual interfaces. */
#define LEAF_PARAVIRT_FIRST 0x40000000u
#define LEAF_PARAVIRT_LAST 0x4fffffffu

/* APIC ids, which differ from CPU to CPU. */
#define LEAF_FEATURES 0x1u
#define LEAF_TOPOLOGY 0xbu
#define LEAF_TOPOLOGY_2 0x1fu
#define LEAF_AMD_TOPOLOGY 0x8000001eu

/* Registers of an entry by their place in it. */
enum { WORD_FUNCTION, WORD_INDEX, WORD_FLAGS, WORD_EAX, WORD_EBX, WORD_ECX,
       WORD_EDX };

/* Where features are, one a bit. */
static const struct {
    uint32_t function;
    uint32_t index;
    unsigned word;
    uint32_t ignored;       /* bits that follow what the guest does */
} cpuid_features[] = {
    { 0x1, 0, WORD_ECX, 1u << 27 /* OSXSAVE */ },
    { 0x1, 0, WORD_EDX, 1u << 9 /* APIC, by its base register */ },
    { 0x7, 0, WORD_EBX, 0 },
    { 0x7, 0, WORD_ECX, 1u << 4 /* OSPKE */ },
    { 0x7, 0, WORD_EDX, 0 },
    { 0x7, 1, WORD_EAX, 0 },
    { 0x7, 1, WORD_EDX, 0 },
    { 0x7, 2, WORD_EDX, 0 },
    { 0xd, 0, WORD_EAX, 0 },
    { 0xd, 0, WORD_EDX, 0 },
    { 0xd, 1, WORD_EAX, 0 },
    { 0x80000001, 0, WORD_ECX, 0 },
    { 0x80000001, 0, WORD_EDX, 1u << 9 },
    { 0x80000007, 0, WORD_EDX, 0 },
    { 0x80000008, 0, WORD_EBX, 0 },
    { 0x80000021, 0, WORD_EAX, 0 },
};

/* What a guest must not see, since it would have state there. */
static const struct {
    uint32_t function;
    uint32_t index;
    unsigned word;
    uint32_t bits;
} cpuid_left_out[] = {
    { 0x1, 0, WORD_ECX, 1u << 5 /* VMX */ | 1u << 6 /* SMX */ |
      1u << 15 /* PDCM */ | 1u << 21 /* x2APIC */ | 1u << 24 /* its timer */ },
    { 0x1, 0, WORD_EDX, 1u << 14 /* MCA */ },
    { 0x7, 0, WORD_EBX, 1u << 2 /* SGX */ | 1u << 25 /* PT */ },
    { 0x7, 0, WORD_ECX, 1u << 7 /* SHSTK */ | 1u << 30 /* SGX_LC */ },
    { 0x7, 0, WORD_EDX, 1u << 19 /* LBR */ | 1u << 20 /* IBT */ |
      1u << 22 | 1u << 24 | 1u << 25 /* AMX */ },
    { 0x7, 1, WORD_EAX, 1u << 17 /* FRED */ | 1u << 21 /* AMX_FP16 */ },
    { 0xa, 0, WORD_EAX, UINT32_MAX /* PMU */ },
    { 0xa, 0, WORD_EBX, UINT32_MAX },
    { 0xa, 0, WORD_ECX, UINT32_MAX },
    { 0xa, 0, WORD_EDX, UINT32_MAX },
    { 0xd, 1, WORD_EAX, 1u << 4 /* XFD */ },
    { 0xd, 1, WORD_ECX, UINT32_MAX /* XSS */ },
    { 0xd, 1, WORD_EDX, UINT32_MAX },
    { 0x80000001, 0, WORD_ECX, 1u << 2 /* SVM */ | 1u << 10 /* IBS */ |
      1u << 23 | 1u << 24 | 1u << 28 /* counters */ },
    { 0x8000000a, 0, WORD_EAX, UINT32_MAX /* SVM */ },
    { 0x8000000a, 0, WORD_EBX, UINT32_MAX },
    { 0x8000000a, 0, WORD_EDX, UINT32_MAX },
    { 0x80000022, 0, WORD_EAX, UINT32_MAX /* PMU */ },
    { 0x80000022, 0, WORD_EBX, UINT32_MAX },
};

static const char *const cpuid_word_names[] = {
    [WORD_EAX] = "EAX", [WORD_EBX] = "EBX", [WORD_ECX] = "ECX",
    [WORD_EDX] = "EDX",
};

/* Of a leaf, or -1: the first one, as the kernel does. */
static int cpuid_find(const KvmCpuid *cpuid, uint32_t function,
                      uint32_t index)
{
    for (uint32_t i = 0; i < cpuid->nr_entries; i++) {
        const uint32_t *entry = cpuid->words + i * KVM_CPUID_WORDS;

        if (entry[WORD_FUNCTION] == function && entry[WORD_INDEX] == index) {
            return (int)(i * KVM_CPUID_WORDS);
        }
    }
    return -1;
}

/* A register of a leaf; 0 when the table has no such leaf. */
static uint32_t cpuid_word(const KvmCpuid *cpuid, uint32_t function,
                           uint32_t index, unsigned word)
{
    int at = cpuid_find(cpuid, function, index);

    return at < 0 ? 0 : cpuid->words[at + (int)word];
}

void kvm_cpuid_leave_out(KvmCpuid *cpuid)
{
    for (size_t i = 0; i < ARRAY_SIZE(cpuid_left_out); i++) {
        int at = cpuid_find(cpuid, cpuid_left_out[i].function,
                            cpuid_left_out[i].index);

        if (at >= 0) {
            cpuid->words[at + (int)cpuid_left_out[i].word] &=
                ~cpuid_left_out[i].bits;
        }
    }
}

static bool cpuid_append(KvmCpuid *cpuid, const struct kvm_cpuid_entry2 *e,
                         Error **errp)
{
    uint32_t *entry = cpuid->words + cpuid->nr_entries * KVM_CPUID_WORDS;

    if (cpuid->nr_entries == KVM_CPUID_MAX) {
        error_setg(errp, "This host's CPU has more than %d CPUID leaves",
                   KVM_CPUID_MAX);
        return false;
    }
    entry[WORD_FUNCTION] = e->function;
    entry[WORD_INDEX] = e->index;
    entry[WORD_FLAGS] = e->flags;
    entry[WORD_EAX] = e->eax;
    entry[WORD_EBX] = e->ebx;
    entry[WORD_ECX] = e->ecx;
    entry[WORD_EDX] = e->edx;
    cpuid->nr_entries++;
    return true;
}

static struct kvm_cpuid2 *cpuid_buffer(uint32_t nr_entries)
{
    struct kvm_cpuid2 *made = g_malloc0(
        sizeof(*made) + nr_entries * sizeof(made->entries[0]));

    made->nent = nr_entries;
    return made;
}

bool kvm_cpuid_of_host(int device_fd, KvmCpuid *cpuid, Error **errp)
{
    g_autofree struct kvm_cpuid2 *host = cpuid_buffer(2 * KVM_CPUID_MAX);

    if (ioctl(device_fd, KVM_GET_SUPPORTED_CPUID, host) < 0) {
        error_setg_errno(errp, errno, "KVM does not tell what its CPUs can");
        return false;
    }
    memset(cpuid, 0, sizeof(*cpuid));
    for (uint32_t i = 0; i < host->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &host->entries[i];

        if (e->function >= LEAF_PARAVIRT_FIRST &&
            e->function <= LEAF_PARAVIRT_LAST) {
            continue;
        }
        if (!cpuid_append(cpuid, e, errp)) {
            return false;
        }
    }
    kvm_cpuid_leave_out(cpuid);
    return true;
}

/* Instructions that both makers have do not always do the same. */
static bool cpuid_same_maker(const KvmCpuid *have, const KvmCpuid *want)
{
    return cpuid_word(have, 0, 0, WORD_EBX) ==
               cpuid_word(want, 0, 0, WORD_EBX) &&
           cpuid_word(have, 0, 0, WORD_ECX) ==
               cpuid_word(want, 0, 0, WORD_ECX) &&
           cpuid_word(have, 0, 0, WORD_EDX) ==
               cpuid_word(want, 0, 0, WORD_EDX);
}

bool kvm_cpuid_check(const KvmCpuid *have, const KvmCpuid *want, Error **errp)
{
    if (!cpuid_same_maker(have, want)) {
        error_setg(errp, "The guest's CPU is of another maker than this"
                   " host's; migrate between hosts with equal CPUs and"
                   " kernels");
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(cpuid_features); i++) {
        uint32_t function = cpuid_features[i].function;
        uint32_t index = cpuid_features[i].index;
        unsigned word = cpuid_features[i].word;
        uint32_t missing = cpuid_word(want, function, index, word) &
                           ~cpuid_word(have, function, index, word) &
                           ~cpuid_features[i].ignored;

        if (missing) {
            error_setg(errp, "The guest's CPU has features that this host's"
                       " lacks: bits 0x%" PRIx32 " of %s in CPUID leaf 0x%"
                       PRIx32 ".%" PRIu32 "; migrate between hosts with equal"
                       " CPUs and kernels", missing, cpuid_word_names[word],
                       function, index);
            return false;
        }
    }
    return true;
}

/* Puts the CPU's number where a guest looks for it. */
static void cpuid_set_number(struct kvm_cpuid_entry2 *e, unsigned index)
{
    switch (e->function) {
    case LEAF_FEATURES:
        e->ebx = (e->ebx & 0x00ffffff) | index << 24;
        break;
    case LEAF_TOPOLOGY:
    case LEAF_TOPOLOGY_2:
        e->edx = index;
        break;
    case LEAF_AMD_TOPOLOGY:
        e->eax = index;
        break;
    default:
        break;
    }
}

bool kvm_cpuid_apply(const KvmCpuid *cpuid, int cpu_fd, unsigned index,
                     Error **errp)
{
    g_autofree struct kvm_cpuid2 *table = cpuid_buffer(cpuid->nr_entries);

    for (uint32_t i = 0; i < cpuid->nr_entries; i++) {
        const uint32_t *entry = cpuid->words + i * KVM_CPUID_WORDS;

        table->entries[i] = (struct kvm_cpuid_entry2) {
            .function = entry[WORD_FUNCTION],
            .index = entry[WORD_INDEX],
            .flags = entry[WORD_FLAGS],
            .eax = entry[WORD_EAX],
            .ebx = entry[WORD_EBX],
            .ecx = entry[WORD_ECX],
            .edx = entry[WORD_EDX],
        };
        cpuid_set_number(&table->entries[i], index);
    }
    if (ioctl(cpu_fd, KVM_SET_CPUID2, table) < 0) {
        error_setg_errno(errp, errno, "KVM refuses the guest's CPUID table for"
                         " CPU %u", index);
        return false;
    }
    return true;
}
