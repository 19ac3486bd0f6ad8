/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the kernel's structs to those of kvm-state.h, and back.
 *
 * Entered by whoever saves or loads, CPUs stopped.  How it stands on the wire
 * is in kvm-vmstate.c.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "accel/kvm-state.h"
#include "qapi/error.h"

/* Clocks that differ by less than this many millionths count as equal. */
#define TSC_TOLERANCE_PPM 250

/* One step of reading or writing a CPU: what it is called, what it does. */
typedef struct StateStep {
    const char *what;
    int (*run)(KvmCpuState *s);
} StateStep;

static bool state_run_steps(KvmCpuState *s, const StateStep *steps,
                            const char *complaint, Error **errp)
{
    for (; steps->what; steps++) {
        if (steps->run(s) < 0) {
            error_setg_errno(errp, errno, "CPU %u: %s the %s", s->cpu->index,
                             complaint, steps->what);
            return false;
        }
    }
    return true;
}

/* The order on the wire. */
#define GPR_COPY(s, r, to_wire) do {                                    \
        __u64 *const regs_[] = {                                        \
            &(r)->rax, &(r)->rbx, &(r)->rcx, &(r)->rdx, &(r)->rsi,      \
            &(r)->rdi, &(r)->rsp, &(r)->rbp, &(r)->r8, &(r)->r9,        \
            &(r)->r10, &(r)->r11, &(r)->r12, &(r)->r13, &(r)->r14,      \
            &(r)->r15, &(r)->rip, &(r)->rflags,                         \
        };                                                              \
        G_STATIC_ASSERT(ARRAY_SIZE(regs_) == KVM_STATE_GPRS);           \
        for (size_t i_ = 0; i_ < KVM_STATE_GPRS; i_++) {                \
            if (to_wire) {                                              \
                (s)->gpr[i_] = *regs_[i_];                              \
            } else {                                                    \
                *regs_[i_] = (s)->gpr[i_];                              \
            }                                                           \
        }                                                               \
    } while (0)

static int get_regs(KvmCpuState *s)
{
    struct kvm_regs regs;
    int ret = ioctl(s->cpu->fd, KVM_GET_REGS, &regs);

    if (ret == 0) {
        GPR_COPY(s, &regs, true);
    }
    return ret;
}

static int put_regs(KvmCpuState *s)
{
    struct kvm_regs regs;

    GPR_COPY(s, &regs, false);
    return ioctl(s->cpu->fd, KVM_SET_REGS, &regs);
}

static KvmStateSegment segment_from_kvm(const struct kvm_segment *k)
{
    return (KvmStateSegment) {
        .base = k->base,
        .limit = k->limit,
        .selector = k->selector,
        .flags = k->type | k->s << 4 | k->dpl << 5 | k->present << 7 |
                 k->avl << 12 | k->l << 13 | k->db << 14 | k->g << 15 |
                 k->unusable << 8,
    };
}

static struct kvm_segment segment_to_kvm(const KvmStateSegment *s)
{
    return (struct kvm_segment) {
        .base = s->base,
        .limit = s->limit,
        .selector = s->selector,
        .type = s->flags & 0xf,
        .s = s->flags >> 4 & 1,
        .dpl = s->flags >> 5 & 3,
        .present = s->flags >> 7 & 1,
        .unusable = s->flags >> 8 & 1,
        .avl = s->flags >> 12 & 1,
        .l = s->flags >> 13 & 1,
        .db = s->flags >> 14 & 1,
        .g = s->flags >> 15 & 1,
    };
}

static int get_sregs(KvmCpuState *s)
{
    struct kvm_sregs k;
    const struct kvm_segment *segments[KVM_STATE_SEGMENTS] = {
        &k.es, &k.cs, &k.ss, &k.ds, &k.fs, &k.gs, &k.ldt, &k.tr,
    };

    if (ioctl(s->cpu->fd, KVM_GET_SREGS, &k) < 0) {
        return -1;
    }
    for (size_t i = 0; i < KVM_STATE_SEGMENTS; i++) {
        s->segment[i] = segment_from_kvm(segments[i]);
    }
    s->gdt_base = k.gdt.base;
    s->gdt_limit = k.gdt.limit;
    s->idt_base = k.idt.base;
    s->idt_limit = k.idt.limit;
    s->cr[0] = k.cr0;
    s->cr[1] = k.cr2;
    s->cr[2] = k.cr3;
    s->cr[3] = k.cr4;
    s->cr[4] = k.cr8;
    s->efer = k.efer;
    s->apic_base = k.apic_base;
    memcpy(s->interrupt_bitmap, k.interrupt_bitmap,
           sizeof(s->interrupt_bitmap));
    return 0;
}

static int put_sregs(KvmCpuState *s)
{
    struct kvm_sregs k = { 0 };
    struct kvm_segment *segments[KVM_STATE_SEGMENTS] = {
        &k.es, &k.cs, &k.ss, &k.ds, &k.fs, &k.gs, &k.ldt, &k.tr,
    };

    for (size_t i = 0; i < KVM_STATE_SEGMENTS; i++) {
        *segments[i] = segment_to_kvm(&s->segment[i]);
    }
    k.gdt.base = s->gdt_base;
    k.gdt.limit = s->gdt_limit;
    k.idt.base = s->idt_base;
    k.idt.limit = s->idt_limit;
    k.cr0 = s->cr[0];
    k.cr2 = s->cr[1];
    k.cr3 = s->cr[2];
    k.cr4 = s->cr[3];
    k.cr8 = s->cr[4];
    /* Without an APIC in the kernel this is what each entry takes it from. */
    s->cpu->run->cr8 = s->cr[4];
    k.efer = s->efer;
    k.apic_base = s->apic_base;
    memcpy(k.interrupt_bitmap, s->interrupt_bitmap,
           sizeof(k.interrupt_bitmap));
    return ioctl(s->cpu->fd, KVM_SET_SREGS, &k);
}

static int get_xcrs(KvmCpuState *s)
{
    struct kvm_xcrs k = { 0 };

    if (ioctl(s->cpu->fd, KVM_GET_XCRS, &k) < 0) {
        return -1;
    }
    s->xcr0 = k.nr_xcrs > 0 ? k.xcrs[0].value : 0;
    return 0;
}

static int put_xcrs(KvmCpuState *s)
{
    struct kvm_xcrs k = { .nr_xcrs = 1 };

    k.xcrs[0].value = s->xcr0;
    return s->xcr0 ? ioctl(s->cpu->fd, KVM_SET_XCRS, &k) : 0;
}

static int get_xsave(KvmCpuState *s)
{
    G_STATIC_ASSERT(sizeof(struct kvm_xsave) == KVM_STATE_XSAVE_BYTES);

    return ioctl(s->cpu->fd, KVM_GET_XSAVE, s->xsave);
}

static int put_xsave(KvmCpuState *s)
{
    return ioctl(s->cpu->fd, KVM_SET_XSAVE, s->xsave);
}

static int get_debugregs(KvmCpuState *s)
{
    struct kvm_debugregs k = { 0 };

    if (ioctl(s->cpu->fd, KVM_GET_DEBUGREGS, &k) < 0) {
        return -1;
    }
    memcpy(s->dr, k.db, sizeof(k.db));
    s->dr[4] = k.dr6;
    s->dr[5] = k.dr7;
    return 0;
}

static int put_debugregs(KvmCpuState *s)
{
    struct kvm_debugregs k = { .dr6 = s->dr[4], .dr7 = s->dr[5] };

    memcpy(k.db, s->dr, sizeof(k.db));
    return ioctl(s->cpu->fd, KVM_SET_DEBUGREGS, &k);
}

static int get_events(KvmCpuState *s)
{
    struct kvm_vcpu_events k = { 0 };

    if (ioctl(s->cpu->fd, KVM_GET_VCPU_EVENTS, &k) < 0) {
        return -1;
    }
    s->events = (KvmStateEvents) {
        .flags = k.flags,
        .exception_injected = k.exception.injected,
        .exception_pending = k.exception.pending,
        .exception_has_payload = k.exception_has_payload,
        .exception_has_error = k.exception.has_error_code,
        .exception_nr = k.exception.nr,
        .exception_error = k.exception.error_code,
        .exception_payload = k.exception_payload,
        .interrupt_injected = k.interrupt.injected,
        .interrupt_soft = k.interrupt.soft,
        .interrupt_nr = k.interrupt.nr,
        .interrupt_shadow = k.interrupt.shadow,
        .nmi_injected = k.nmi.injected,
        .nmi_pending = k.nmi.pending,
        .nmi_masked = k.nmi.masked,
        .triple_fault = k.triple_fault.pending,
    };
    return 0;
}

/* SMM and SIPI need an APIC, which this machine has not. */
static int put_events(KvmCpuState *s)
{
    const KvmStateEvents *e = &s->events;
    struct kvm_vcpu_events k = {
        .flags = e->flags & KVM_VCPUEVENT_VALID_SHADOW,
    };

    k.exception.injected = e->exception_injected;
    k.exception.pending = e->exception_pending;
    k.exception.has_error_code = e->exception_has_error;
    k.exception.nr = e->exception_nr;
    k.exception.error_code = e->exception_error;
    k.exception_has_payload = e->exception_has_payload;
    k.exception_payload = e->exception_payload;
    k.interrupt.injected = e->interrupt_injected;
    k.interrupt.soft = e->interrupt_soft;
    k.interrupt.nr = e->interrupt_nr;
    k.interrupt.shadow = e->interrupt_shadow;
    k.nmi.injected = e->nmi_injected;
    k.nmi.pending = e->nmi_pending;
    k.nmi.masked = e->nmi_masked;
    k.triple_fault.pending = e->triple_fault;
    return ioctl(s->cpu->fd, KVM_SET_VCPU_EVENTS, &k);
}

static int get_mp_state(KvmCpuState *s)
{
    struct kvm_mp_state k = { 0 };
    int ret = ioctl(s->cpu->fd, KVM_GET_MP_STATE, &k);

    s->mp_state = k.mp_state;
    s->halted = s->cpu->halted;
    return ret;
}

static int put_mp_state(KvmCpuState *s)
{
    struct kvm_mp_state k = { .mp_state = s->mp_state };

    s->cpu->halted = s->halted;
    return ioctl(s->cpu->fd, KVM_SET_MP_STATE, &k);
}

bool kvm_state_get_cpu(KvmCpuState *state, Error **errp)
{
    /* The first settles what is on its way into the others. */
    static const StateStep steps[] = {
        { "run state", get_mp_state },
        { "pending events", get_events },
        { "registers", get_regs },
        { "segment and control registers", get_sregs },
        { "floating point and vector registers", get_xsave },
        { "extended control registers", get_xcrs },
        { "debug registers", get_debugregs },
        { NULL }
    };

    if (!state_run_steps(state, steps, "cannot read", errp)) {
        return false;
    }
    kvm_msrs_get(state);
    return true;
}

bool kvm_state_put_cpu(KvmCpuState *state, Error **errp)
{
    static const StateStep before_msrs[] = {
        { "segment and control registers", put_sregs },
        { "registers", put_regs },
        { "extended control registers", put_xcrs },
        { "floating point and vector registers", put_xsave },
        { NULL }
    };
    static const StateStep after_msrs[] = {
        { "run state", put_mp_state },
        { "debug registers", put_debugregs },
        { "pending events", put_events },
        { NULL }
    };

    return state_run_steps(state, before_msrs, "this host refuses", errp) &&
           kvm_msrs_put(state, errp) &&
           state_run_steps(state, after_msrs, "this host refuses", errp);
}

bool kvm_state_init(KvmState *state, KvmCpus *cpus, Error **errp)
{
    state->cpus = cpus;
    state->nr_cpus = cpus->nr_cpus;
    if (!kvm_cpuid_of_host(cpus->host.vm->device_fd, &state->host_cpuid,
                           errp)) {
        return false;
    }
    state->cpuid = state->host_cpuid;
    for (unsigned i = 0; i < cpus->nr_cpus; i++) {
        state->cpu[i].cpu = &cpus->cpu[i];
        if (!kvm_cpuid_apply(&state->cpuid, cpus->cpu[i].fd, i, errp)) {
            return false;
        }
    }
    return true;
}

bool kvm_state_get_machine(KvmState *state, Error **errp)
{
    int khz = ioctl(state->cpus->cpu[0].fd, KVM_GET_TSC_KHZ, 0);

    if (khz <= 0) {
        error_setg(errp, "KVM does not tell the rate of the guest's clock");
        return false;
    }
    state->nr_cpus = state->cpus->nr_cpus;
    state->tsc_khz = khz;
    return true;
}

static bool state_put_clock_rate(KvmState *state, Error **errp)
{
    int64_t khz = ioctl(state->cpus->cpu[0].fd, KVM_GET_TSC_KHZ, 0);
    int64_t apart = llabs(khz - (int64_t)state->tsc_khz);

    if (apart * 1000000 <= khz * TSC_TOLERANCE_PPM) {
        return true;
    }
    for (unsigned i = 0; i < state->cpus->nr_cpus; i++) {
        if (!state->cpus->host.vm->tsc_scaling ||
            ioctl(state->cpus->cpu[i].fd, KVM_SET_TSC_KHZ,
                  (unsigned long)state->tsc_khz) < 0) {
            error_setg(errp, "The guest's clock counts %" PRIu32 " kHz, this"
                       " host's %" PRId64 ", and its CPU cannot scale that;"
                       " migrate between hosts with equal CPUs",
                       state->tsc_khz, khz);
            return false;
        }
    }
    return true;
}

bool kvm_state_put_machine(KvmState *state, Error **errp)
{
    if (state->nr_cpus != state->cpus->nr_cpus) {
        error_setg(errp, "The guest has %" PRIu32 " CPUs and this machine %u;"
                   " give both the same -smp", state->nr_cpus,
                   state->cpus->nr_cpus);
        return false;
    }
    if (!kvm_cpuid_check(&state->host_cpuid, &state->cpuid, errp) ||
        !state_put_clock_rate(state, errp)) {
        return false;
    }
    for (unsigned i = 0; i < state->cpus->nr_cpus; i++) {
        if (!kvm_cpuid_apply(&state->cpuid, state->cpus->cpu[i].fd, i, errp)) {
            return false;
        }
    }
    return true;
}
