/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the state of CPUs stands on the wire.
 *
 * Constant tables; the hooks are called as migration/vmstate.h says.
 */
#include "qemu/osdep.h"

#include "accel/kvm-state.h"
#include "qapi/error.h"

static const VMStateDescription vmstate_kvm_segment = {
    .name = "segment",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(KvmStateSegment),
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(base, KvmStateSegment),
        VMSTATE_UINT32(limit, KvmStateSegment),
        VMSTATE_UINT16(selector, KvmStateSegment),
        VMSTATE_UINT16(flags, KvmStateSegment),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_kvm_events = {
    .name = "events",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(KvmStateEvents),
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(flags, KvmStateEvents),
        VMSTATE_BOOL(exception_injected, KvmStateEvents),
        VMSTATE_BOOL(exception_pending, KvmStateEvents),
        VMSTATE_BOOL(exception_has_payload, KvmStateEvents),
        VMSTATE_BOOL(exception_has_error, KvmStateEvents),
        VMSTATE_UINT8(exception_nr, KvmStateEvents),
        VMSTATE_UINT32(exception_error, KvmStateEvents),
        VMSTATE_UINT64(exception_payload, KvmStateEvents),
        VMSTATE_BOOL(interrupt_injected, KvmStateEvents),
        VMSTATE_BOOL(interrupt_soft, KvmStateEvents),
        VMSTATE_UINT8(interrupt_nr, KvmStateEvents),
        VMSTATE_UINT8(interrupt_shadow, KvmStateEvents),
        VMSTATE_BOOL(nmi_injected, KvmStateEvents),
        VMSTATE_BOOL(nmi_pending, KvmStateEvents),
        VMSTATE_BOOL(nmi_masked, KvmStateEvents),
        VMSTATE_BOOL(triple_fault, KvmStateEvents),
        VMSTATE_END_OF_LIST()
    },
};

static bool kvm_cpu_pre_save(void *opaque, Error **errp)
{
    return kvm_state_get_cpu(opaque, errp);
}

static bool kvm_cpu_validate(const void *staged, int version_id, Error **errp)
{
    const KvmCpuState *s = staged;

    if (s->nr_msrs > KVM_STATE_MSRS) {
        error_setg(errp, "%" PRIu32 " model-specific registers of a CPU, at"
                   " most %d are possible", s->nr_msrs, KVM_STATE_MSRS);
        return false;
    }
    return true;
}

static bool kvm_cpu_post_load(void *opaque, int version_id, Error **errp)
{
    return kvm_state_put_cpu(opaque, errp);
}

const VMStateDescription vmstate_kvm_cpu = {
    .name = "cpu",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(KvmCpuState),
    .pre_save = kvm_cpu_pre_save,
    .validate = kvm_cpu_validate,
    .post_load = kvm_cpu_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(gpr, KvmCpuState, KVM_STATE_GPRS),
        VMSTATE_STRUCT_ARRAY(segment, KvmCpuState, KVM_STATE_SEGMENTS, 0,
                             vmstate_kvm_segment, KvmStateSegment),
        VMSTATE_UINT64(gdt_base, KvmCpuState),
        VMSTATE_UINT64(idt_base, KvmCpuState),
        VMSTATE_UINT16(gdt_limit, KvmCpuState),
        VMSTATE_UINT16(idt_limit, KvmCpuState),
        VMSTATE_UINT64_ARRAY(cr, KvmCpuState, KVM_STATE_CRS),
        VMSTATE_UINT64(efer, KvmCpuState),
        VMSTATE_UINT64(apic_base, KvmCpuState),
        VMSTATE_UINT64_ARRAY(interrupt_bitmap, KvmCpuState, 4),
        VMSTATE_UINT64_ARRAY(dr, KvmCpuState, KVM_STATE_DRS),
        VMSTATE_UINT64(xcr0, KvmCpuState),
        VMSTATE_BUFFER(xsave, KvmCpuState),
        VMSTATE_STRUCT(events, KvmCpuState, 0, vmstate_kvm_events,
                       KvmStateEvents),
        VMSTATE_UINT32(mp_state, KvmCpuState),
        VMSTATE_BOOL(halted, KvmCpuState),
        VMSTATE_UINT32(nr_msrs, KvmCpuState),
        VMSTATE_UINT32_ARRAY(msr_index, KvmCpuState, KVM_STATE_MSRS),
        VMSTATE_UINT64_ARRAY(msr_value, KvmCpuState, KVM_STATE_MSRS),
        VMSTATE_END_OF_LIST()
    },
};

/*
 * A guest that has switched itself off while it was on its way would stand
 * still at the destination for ever, as if it ran.
 */
static bool kvm_machine_pre_save(void *opaque, Error **errp)
{
    KvmState *s = opaque;

    if (kvm_cpus_have_ended(s->cpus)) {
        error_setg(errp, "The guest has ended, so there is nothing left to"
                   " move");
        return false;
    }
    return kvm_state_get_machine(s, errp);
}

static bool kvm_machine_validate(const void *staged, int version_id,
                                 Error **errp)
{
    const KvmState *s = staged;

    if (s->cpuid.nr_entries > KVM_CPUID_MAX) {
        error_setg(errp, "A CPUID table of %" PRIu32 " leaves, at most %d are"
                   " possible", s->cpuid.nr_entries, KVM_CPUID_MAX);
        return false;
    }
    if (s->tsc_khz == 0) {
        error_setg(errp, "A guest whose clock stands still (0 kHz)");
        return false;
    }
    return true;
}

static bool kvm_machine_post_load(void *opaque, int version_id, Error **errp)
{
    return kvm_state_put_machine(opaque, errp);
}

static const VMStateDescription vmstate_kvm_cpuid = {
    .name = "cpuid",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(KvmCpuid),
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(nr_entries, KvmCpuid),
        VMSTATE_UINT32_ARRAY(words, KvmCpuid,
                             KVM_CPUID_MAX * KVM_CPUID_WORDS),
        VMSTATE_END_OF_LIST()
    },
};

const VMStateDescription vmstate_kvm_machine = {
    .name = "micro",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(KvmState),
    .pre_save = kvm_machine_pre_save,
    .validate = kvm_machine_validate,
    .post_load = kvm_machine_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(nr_cpus, KvmState),
        VMSTATE_UINT32(tsc_khz, KvmState),
        VMSTATE_STRUCT(cpuid, KvmState, 0, vmstate_kvm_cpuid, KvmCpuid),
        VMSTATE_END_OF_LIST()
    },
};
