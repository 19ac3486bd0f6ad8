/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a CPU on its way from one machine to another, through the hooks
 * of its sections: what arrives, and that nothing in it is believed.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "accel/kvm-state.h"
#include "memory/backend.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/units.h"

#define MSR_TSC 0x10
#define MSR_LSTAR 0xc0000082
#define XSAVE_MXCSR 24
#define XSAVE_XMM0 160
#define XSAVE_BITS 512      /* of the header: which parts there are */
#define XCR0_AVX 7

/* A machine of one CPU that has never run. */
typedef struct Rig {
    RamList *list;
    KvmVm vm;
    KvmCpus cpus;
    KvmState state;
} Rig;

typedef struct Fixture {
    Rig *src;
    Rig *dst;               /* NULL, both: there is no KVM */
} Fixture;

static KvmExit handle_exit(void *opaque, KvmCpu *cpu)
{
    return KVM_CPU_GUEST_ENDED;
}

static Rig *rig_new(void)
{
    Rig *rig = g_new0(Rig, 1);
    const KvmCpusHost host = { .vm = &rig->vm, .handle_exit = handle_exit };
    ObjectOptions options = {
        .id = (char *)"ram",
        .qom_type = OBJECT_TYPE_MEMORY_BACKEND_RAM,
    };
    g_autoptr(HostMemoryBackend) backend = NULL;
    Error *err = NULL;

    options.u.memory_backend_ram.size = 1 * MiB;
    backend = host_memory_backend_new(&options, &err);
    rig->list = ram_list_new();
    ram_list_add_backend(rig->list, "ram", backend, &err);
    g_assert_null(err);
    g_assert_true(kvm_vm_init(&rig->vm, KVM_DEFAULT_DEVICE, rig->list,
                              &err));
    g_assert_true(kvm_cpus_init(&rig->cpus, &host, 1, &err));
    g_assert_true(kvm_state_init(&rig->state, &rig->cpus, &err));
    return rig;
}

static void rig_free(Rig *rig)
{
    kvm_cpus_destroy(&rig->cpus);
    kvm_vm_destroy(&rig->vm);
    ram_list_free(rig->list);
    g_free(rig);
}

static void set_up(Fixture *f, gconstpointer data)
{
    AUTO_FD int fd = open(KVM_DEFAULT_DEVICE, O_RDWR | O_CLOEXEC);

    if (fd >= 0) {
        f->src = rig_new();
        f->dst = rig_new();
    }
}

static void tear_down(Fixture *f, gconstpointer data)
{
    if (f->src) {
        rig_free(f->src);
        rig_free(f->dst);
    }
}

static bool is_skipped(const Fixture *f)
{
    if (!f->src) {
        g_test_skip("no KVM");
    }
    return !f->src;
}

/* What arrives of a CPU: all but where it lives. */
static KvmCpuState arrived(const Fixture *f)
{
    KvmCpuState s = f->src->state.cpu[0];

    s.cpu = f->dst->state.cpu[0].cpu;
    return s;
}

static void save(Rig *rig)
{
    Error *err = NULL;

    vmstate_kvm_machine.pre_save(&rig->state, &err);
    g_assert_null(err);
    vmstate_kvm_cpu.pre_save(&rig->state.cpu[0], &err);
    g_assert_null(err);
}

static void load(KvmCpuState *s)
{
    Error *err = NULL;

    g_assert_true(vmstate_kvm_cpu.validate(s, 1, &err));
    vmstate_kvm_cpu.post_load(s, 1, &err);
    g_assert_null(err);
}

static uint64_t *msr(KvmCpuState *s, uint32_t index)
{
    for (uint32_t i = 0; i < s->nr_msrs; i++) {
        if (s->msr_index[i] == index) {
            return &s->msr_value[i];
        }
    }
    g_assert_not_reached();
}

/* The clock goes on meanwhile; all the rest is as it was sent. */
static void expect_same(KvmCpuState *sent, Rig *dst)
{
    KvmCpuState *found = &dst->state.cpu[0];

    save(dst);
    g_assert_cmpuint(*msr(found, MSR_TSC), >=, *msr(sent, MSR_TSC));
    *msr(found, MSR_TSC) = *msr(sent, MSR_TSC);
    g_assert_cmpmem(found->gpr, sizeof(found->gpr), sent->gpr,
                    sizeof(sent->gpr));
    g_assert_cmpmem(found->cr, sizeof(found->cr), sent->cr, sizeof(sent->cr));
    g_assert_cmpmem(found->dr, sizeof(found->dr), sent->dr, sizeof(sent->dr));
    g_assert_cmphex(found->xcr0, ==, sent->xcr0);
    g_assert_cmpmem(found->xsave, sizeof(found->xsave), sent->xsave,
                    sizeof(sent->xsave));
    g_assert_cmpmem(&found->events, sizeof(found->events), &sent->events,
                    sizeof(sent->events));
    g_assert_cmpmem(found->msr_value, sizeof(found->msr_value),
                    sent->msr_value, sizeof(sent->msr_value));
    g_assert_cmpint(found->halted, ==, sent->halted);
}

static void test_as_it_was(Fixture *f, gconstpointer data)
{
    KvmCpuState s;

    if (is_skipped(f)) {
        return;
    }
    save(f->src);
    s = arrived(f);
    load(&s);
    expect_same(&s, f->dst);
}

static void test_each_register(Fixture *f, gconstpointer data)
{
    KvmCpuState s;

    if (is_skipped(f)) {
        return;
    }
    save(f->src);
    s = arrived(f);
    for (size_t i = 0; i < KVM_STATE_GPRS - 1; i++) {
        s.gpr[i] = 0x1000 + i;
    }
    s.cr[1] = 0xdead000;    /* CR2 */
    s.cr[4] = 5;            /* CR8 */
    s.dr[0] = 0x1234;
    s.dr[3] = 0x4321;
    s.halted = true;
    s.events.nmi_masked = true;
    *msr(&s, MSR_LSTAR) = 0x123456789;
    stl_le_p(s.xsave + XSAVE_MXCSR, 0x9f80);
    memset(s.xsave + XSAVE_XMM0, 0x5a, 16 * 16);
    stq_le_p(s.xsave + XSAVE_BITS, 3);
    load(&s);
    g_assert_cmphex(s.cpu->run->cr8, ==, 5);
    expect_same(&s, f->dst);
}

/* A clock that this host cannot give is refused: it must not go back. */
static void test_clock(Fixture *f, gconstpointer data)
{
    g_autoptr(Error) err = NULL;
    KvmCpuState s;

    if (is_skipped(f)) {
        return;
    }
    save(f->src);
    s = arrived(f);
    *msr(&s, MSR_TSC) += 1ull << 40;
    if (vmstate_kvm_cpu.post_load(&s, 1, &err)) {
        expect_same(&s, f->dst);
    } else {
        g_test_message("%s", error_get_pretty(err));
        g_assert_nonnull(strstr(error_get_pretty(err), "clock"));
    }
}

/* Where this host's KVM gives such registers to a guest. */
static void test_wide_vectors(Fixture *f, gconstpointer data)
{
    KvmCpuState s;

    if (is_skipped(f)) {
        return;
    }
    save(f->src);
    s = arrived(f);
    s.xcr0 = XCR0_AVX;
    memset(s.xsave + 576, 0xa5, 256);
    stq_le_p(s.xsave + XSAVE_BITS, XCR0_AVX);
    if (!vmstate_kvm_cpu.post_load(&s, 1, NULL)) {
        g_test_skip("no AVX in guests of this host");
        return;
    }
    expect_same(&s, f->dst);
}

static void test_ended_guest_does_not_leave(Fixture *f, gconstpointer data)
{
    g_autoptr(Error) err = NULL;

    if (is_skipped(f)) {
        return;
    }
    /* Its first instruction is where nothing is: it ends at once. */
    kvm_cpus_start(&f->src->cpus);
    while (!kvm_cpus_have_ended(&f->src->cpus)) {
        g_thread_yield();
    }
    kvm_cpus_stop(&f->src->cpus);
    g_assert_false(vmstate_kvm_machine.pre_save(&f->src->state, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "has ended"));
}

/* -- what nobody should send -----------------------------------------------*/

static void expect_bad_cpu(KvmCpuState *s, const char *part)
{
    g_autoptr(Error) err = NULL;

    g_assert_false(vmstate_kvm_cpu.validate(s, 1, &err) &&
                   vmstate_kvm_cpu.post_load(s, 1, &err));
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), part));
}

static void test_bad_cpu(Fixture *f, gconstpointer data)
{
    KvmCpuState good, s;

    if (is_skipped(f)) {
        return;
    }
    save(f->src);
    good = arrived(f);
    s = good;
    s.nr_msrs = KVM_STATE_MSRS + 1;
    expect_bad_cpu(&s, "65 model-specific registers");
    s = good;
    s.nr_msrs = UINT32_MAX;
    expect_bad_cpu(&s, "at most 64");
    s = good;
    s.msr_index[0] = 0xc0000080;
    expect_bad_cpu(&s, "MSR 0xc0000080");
    s = good;
    s.cr[0] = 0x80000000;
    expect_bad_cpu(&s, "refuses the segment and control registers");
    s = good;
    s.xcr0 = 1ull << 63;
    expect_bad_cpu(&s, "refuses the extended control registers");
    s = good;
    stq_le_p(s.xsave + XSAVE_BITS, UINT64_MAX);
    expect_bad_cpu(&s, "refuses the floating point");
    s = good;
    s.dr[5] = UINT64_MAX;
    expect_bad_cpu(&s, "refuses the debug registers");
    s = good;
    s.events.exception_injected = true;
    s.events.exception_nr = 255;
    expect_bad_cpu(&s, "refuses the pending events");
    s = good;
    s.mp_state = 77;
    expect_bad_cpu(&s, "refuses the run state");
}

static void expect_bad_machine(KvmState *s, const char *part)
{
    g_autoptr(Error) err = NULL;

    g_assert_false(vmstate_kvm_machine.validate(s, 1, &err) &&
                   vmstate_kvm_machine.post_load(s, 1, &err));
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), part));
}

static void test_bad_machine(Fixture *f, gconstpointer data)
{
    g_autofree KvmState *s = g_new0(KvmState, 1);

    if (is_skipped(f)) {
        return;
    }
    save(f->src);
    *s = f->src->state;
    s->cpus = &f->dst->cpus;
    s->cpuid.nr_entries = KVM_CPUID_MAX + 1;
    expect_bad_machine(s, "129 leaves");
    s->cpuid.nr_entries = f->src->state.cpuid.nr_entries;
    s->nr_cpus = 9;
    expect_bad_machine(s, "9 CPUs");
    s->nr_cpus = 1;
    s->tsc_khz = 0;
    expect_bad_machine(s, "0 kHz");
    if (!f->dst->vm.tsc_scaling) {
        s->tsc_khz = UINT32_MAX;
        expect_bad_machine(s, "4294967295 kHz");
    }
}

static void add(const char *path, void (*func)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, set_up, func, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/kvm-state/as-it-was", test_as_it_was);
    add("/kvm-state/each-register", test_each_register);
    add("/kvm-state/clock", test_clock);
    add("/kvm-state/wide-vectors", test_wide_vectors);
    add("/kvm-state/ended-guest-does-not-leave",
        test_ended_guest_does_not_leave);
    add("/kvm-state/bad-cpu", test_bad_cpu);
    add("/kvm-state/bad-machine", test_bad_machine);
    return g_test_run();
}
