/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers; see kvm-state.h.
 *
 * A table and not all that the kernel lists: that has registers of the host,
 * of paravirtual interfaces that this machine does not offer, and of counters
 * that mean nothing elsewhere.  FS, GS and EFER travel with the segments.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "accel/kvm-state.h"
#include "qapi/error.h"

#define MSR_TSC 0x10

/*
 * KVM brings clocks of one machine together that are this close (a second), so
 * a clock need not be what was just written.
 */
#define TSC_TOLERANCE (1ull << 32)

/* In the order in which they are written. */
static const uint32_t msr_table[] = {
    MSR_TSC,
    0x0000003b, /* TSC_ADJUST */
    0x00000048, /* SPEC_CTRL */
    0x000000e1, /* UMWAIT_CONTROL */
    0x00000122, /* TSX_CTRL */
    0x00000140, /* MISC_FEATURES_ENABLES */
    0x00000174, /* SYSENTER_CS */
    0x00000175, /* SYSENTER_ESP */
    0x00000176, /* SYSENTER_EIP */
    0x0000017a, /* MCG_STATUS */
    0x000001a0, /* MISC_ENABLE */
    0x000001d9, /* DEBUGCTL */
    0x00000277, /* PAT */
    0x00000200, 0x00000201, 0x00000202, 0x00000203, /* MTRRs, variable */
    0x00000204, 0x00000205, 0x00000206, 0x00000207,
    0x00000208, 0x00000209, 0x0000020a, 0x0000020b,
    0x0000020c, 0x0000020d, 0x0000020e, 0x0000020f,
    0x00000250, 0x00000258, 0x00000259, /* MTRRs, fixed */
    0x00000268, 0x00000269, 0x0000026a, 0x0000026b,
    0x0000026c, 0x0000026d, 0x0000026e, 0x0000026f,
    0x000002ff, /* MTRR default type */
    0x00000d90, /* BNDCFGS */
    0x00000da0, /* XSS */
    0xc0000081, /* STAR */
    0xc0000082, /* LSTAR */
    0xc0000083, /* CSTAR */
    0xc0000084, /* SYSCALL_MASK */
    0xc0000102, /* KERNEL_GS_BASE */
    0xc0000103, /* TSC_AUX */
    0xc0010015, /* HWCR */
    0xc001011f, /* VIRT_SPEC_CTRL */
};

/* A request for one register: the kernel's struct ends with a list of them. */
typedef union OneMsr {
    struct kvm_msrs list;
    uint8_t space[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
} OneMsr;

static bool msr_get(const KvmCpu *cpu, uint32_t index, uint64_t *value)
{
    OneMsr one = { .list.nmsrs = 1 };

    one.list.entries[0].index = index;
    if (ioctl(cpu->fd, KVM_GET_MSRS, &one) != 1) {
        return false;
    }
    *value = one.list.entries[0].data;
    return true;
}

static bool msr_put(const KvmCpu *cpu, uint32_t index, uint64_t value)
{
    OneMsr one = { .list.nmsrs = 1 };

    one.list.entries[0].index = index;
    one.list.entries[0].data = value;
    return ioctl(cpu->fd, KVM_SET_MSRS, &one) == 1;
}

void kvm_msrs_get(KvmCpuState *state)
{
    G_STATIC_ASSERT(ARRAY_SIZE(msr_table) <= KVM_STATE_MSRS);

    memset(state->msr_index, 0, sizeof(state->msr_index));
    memset(state->msr_value, 0, sizeof(state->msr_value));
    state->nr_msrs = 0;
    for (size_t i = 0; i < ARRAY_SIZE(msr_table); i++) {
        uint64_t value;

        /* Not every CPU has all of them, and which it has is not listed. */
        if (msr_get(state->cpu, msr_table[i], &value)) {
            state->msr_index[state->nr_msrs] = msr_table[i];
            state->msr_value[state->nr_msrs] = value;
            state->nr_msrs++;
        }
    }
}

static bool msr_is_known(uint32_t index)
{
    for (size_t i = 0; i < ARRAY_SIZE(msr_table); i++) {
        if (msr_table[i] == index) {
            return true;
        }
    }
    return false;
}

/* Leaves alone what is as it should be: some cannot be written at all. */
static bool msr_make(const KvmCpu *cpu, uint32_t index, uint64_t value)
{
    uint64_t found;

    return msr_is_known(index) &&
           ((msr_get(cpu, index, &found) && found == value) ||
            msr_put(cpu, index, value));
}

/* Some hosts take a value and go on with their own clock all the same. */
static bool msr_check_clock(const KvmCpu *cpu, uint64_t value, Error **errp)
{
    uint64_t found;

    if (!msr_get(cpu, MSR_TSC, &found) || value < TSC_TOLERANCE ||
        found >= value - TSC_TOLERANCE) {
        return true;
    }
    error_setg(errp, "CPU %u: this host cannot set the clock of a guest, which"
               " would go back from 0x%" PRIx64 " to 0x%" PRIx64 "; migrate to"
               " a host that has been up for longer", cpu->index, value,
               found);
    return false;
}

bool kvm_msrs_put(const KvmCpuState *state, Error **errp)
{
    for (uint32_t i = 0; i < state->nr_msrs; i++) {
        if (!msr_make(state->cpu, state->msr_index[i], state->msr_value[i])) {
            error_setg(errp, "CPU %u: this host does not take value 0x%" PRIx64
                       " for MSR 0x%" PRIx32 "; migrate between hosts with"
                       " equal CPUs and kernels", state->cpu->index,
                       state->msr_value[i], state->msr_index[i]);
            return false;
        }
        if (state->msr_index[i] == MSR_TSC &&
            !msr_check_clock(state->cpu, state->msr_value[i], errp)) {
            return false;
        }
    }
    return true;
}
