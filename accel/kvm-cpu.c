/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU threads; see kvm-cpu.h.
 *
 * How a CPU is got out of the guest: its thread has all signals blocked, the
 * kernel lets one through while the guest runs (KVM_SET_SIGNAL_MASK), and that
 * one ends the ioctl without any handler.  The wish is noted under the lock
 * before the signal is sent, and a CPU looks at it after it has eaten one, so
 * none gets lost.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "accel/kvm-cpu.h"
#include "accel/trace.h"
#include "qapi/error.h"

#define KVM_CPU_SIGNAL SIGUSR1

/* A signal mask as the kernel has it. */
#define KERNEL_SIGSET_BYTES 8

static void kvm_cpu_eat_signals(void)
{
    const struct timespec now = { 0 };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, KVM_CPU_SIGNAL);
    while (sigtimedwait(&set, NULL, &now) >= 0) {
        /* one more may be pending */
    }
}

static void kvm_cpus_kick_locked(KvmCpus *cpus)
{
    for (unsigned i = 0; i < cpus->nr_cpus; i++) {
        if (cpus->cpu[i].inside) {
            pthread_kill(cpus->cpu[i].thread.thread, KVM_CPU_SIGNAL);
        }
    }
}

/* Enters the guest once and deals with why it came out. */
static KvmExit kvm_cpu_enter(KvmCpu *cpu)
{
    KvmCpusHost *host = &cpu->cpus->host;

    if (ioctl(cpu->fd, KVM_RUN, 0) < 0) {
        if (errno == EINTR || errno == EAGAIN) {
            kvm_cpu_eat_signals();
            return KVM_CPU_GOES_ON;
        }
        cpu->run->exit_reason = KVM_EXIT_UNKNOWN;
        cpu->run->hw.hardware_exit_reason = errno;
    }
    return host->handle_exit(host->opaque, cpu);
}

/*
 * An instruction that spoke to a device is finished by the next entry only.
 * This one does that and comes straight back; until then registers are not
 * those of an instruction's end.
 */
static KvmExit kvm_cpu_settle(KvmCpu *cpu)
{
    KvmExit exit = KVM_CPU_GOES_ON;

    cpu->run->immediate_exit = 1;
    while (exit == KVM_CPU_GOES_ON && ioctl(cpu->fd, KVM_RUN, 0) == 0) {
        exit = cpu->cpus->host.handle_exit(cpu->cpus->host.opaque, cpu);
    }
    cpu->run->immediate_exit = 0;
    kvm_cpu_eat_signals();
    return exit;
}

static void kvm_cpu_note_exit_locked(KvmCpu *cpu, KvmExit exit)
{
    if (exit == KVM_CPU_HALTED) {
        cpu->halted = true;
    } else if (exit != KVM_CPU_GOES_ON) {
        cpu->cpus->ended |= exit == KVM_CPU_GUEST_ENDED;
        cpu->cpus->stuck |= exit == KVM_CPU_GUEST_STUCK;
        kvm_cpus_kick_locked(cpu->cpus);
    }
}

/* Does something without the lock; who holds the CPUs waits for it. */
static void kvm_cpu_do_locked(KvmCpus *cpus, KvmCpu *cpu,
                              KvmExit (*what)(KvmCpu *cpu))
    TSA_REQUIRES(&cpus->lock);

static void kvm_cpu_do_locked(KvmCpus *cpus, KvmCpu *cpu,
                              KvmExit (*what)(KvmCpu *cpu))
{
    KvmExit exit;

    cpu->inside = true;
    qemu_mutex_unlock(&cpus->lock);
    exit = what(cpu);
    qemu_mutex_lock(&cpus->lock);
    cpu->inside = false;
    kvm_cpu_note_exit_locked(cpu, exit);
    if (cpus->held) {
        qemu_cond_broadcast(&cpus->changed);
    }
}

/* Runs the guest until it is to stop; lets go of the lock meanwhile. */
static void kvm_cpu_run_locked(KvmCpus *cpus, KvmCpu *cpu)
    TSA_REQUIRES(&cpus->lock);

static void kvm_cpu_run_locked(KvmCpus *cpus, KvmCpu *cpu)
{
    while (cpus->run) {
        if (cpu->halted || cpus->ended || cpus->stuck || cpus->held ||
            cpus->napping) {
            qemu_cond_wait(&cpus->wake, &cpus->lock);
        } else {
            kvm_cpu_do_locked(cpus, cpu, kvm_cpu_enter);
        }
    }
    /* What is settled may be a write to memory. */
    while (cpus->held) {
        qemu_cond_wait(&cpus->wake, &cpus->lock);
    }
    kvm_cpu_do_locked(cpus, cpu, kvm_cpu_settle);
}

static bool kvm_cpu_set_signal_mask(KvmCpu *cpu)
{
    g_autofree struct kvm_signal_mask *mask =
        g_malloc0(sizeof(*mask) + KERNEL_SIGSET_BYTES);
    sigset_t set;

    pthread_sigmask(SIG_BLOCK, NULL, &set);
    sigdelset(&set, KVM_CPU_SIGNAL);
    mask->len = KERNEL_SIGSET_BYTES;
    memcpy(mask->sigset, &set, KERNEL_SIGSET_BYTES);
    return ioctl(cpu->fd, KVM_SET_SIGNAL_MASK, mask) == 0;
}

static void *kvm_cpu_thread(void *opaque)
{
    KvmCpu *cpu = opaque;
    KvmCpus *cpus = cpu->cpus;
    bool masked = kvm_cpu_set_signal_mask(cpu);

    /* Cannot fail for a mask of the right size. */
    g_assert(masked);
    qemu_mutex_lock(&cpus->lock);
    while (!cpus->quit) {
        if (cpu->running) {
            kvm_cpu_run_locked(cpus, cpu);
            cpu->running = false;
            qemu_cond_broadcast(&cpus->changed);
        } else {
            qemu_cond_wait(&cpus->wake, &cpus->lock);
        }
    }
    qemu_mutex_unlock(&cpus->lock);
    return NULL;
}

static bool kvm_cpu_create(KvmCpus *cpus, KvmCpu *cpu, Error **errp)
{
    void *run;

    cpu->fd = ioctl(cpus->host.vm->fd, KVM_CREATE_VCPU, cpu->index);
    if (cpu->fd < 0) {
        error_setg_errno(errp, errno, "KVM makes no CPU %u", cpu->index);
        return false;
    }
    run = mmap(NULL, cpus->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
               cpu->fd, 0);
    if (run == MAP_FAILED) {
        error_setg_errno(errp, errno, "Cannot map the shared page of CPU %u",
                         cpu->index);
        return false;
    }
    cpu->run = run;
    return true;
}

static bool kvm_cpus_create_threads(KvmCpus *cpus, Error **errp)
{
    for (unsigned i = 0; i < cpus->nr_cpus; i++) {
        g_autofree char *name = g_strdup_printf("CPU %u/KVM", i);

        if (!qemu_thread_try_create(&cpus->cpu[i].thread, name,
                                    kvm_cpu_thread, &cpus->cpu[i],
                                    QEMU_THREAD_JOINABLE, errp)) {
            return false;
        }
        cpus->nr_threads++;
    }
    return true;
}

bool kvm_cpus_init(KvmCpus *cpus, const KvmCpusHost *host, unsigned nr_cpus,
                   Error **errp)
{
    int run_bytes = ioctl(host->vm->device_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

    qemu_mutex_init(&cpus->lock);
    qemu_cond_init(&cpus->changed);
    qemu_cond_init(&cpus->wake);
    cpus->host = *host;
    cpus->nr_cpus = nr_cpus;
    for (unsigned i = 0; i < nr_cpus; i++) {
        cpus->cpu[i].cpus = cpus;
        cpus->cpu[i].index = i;
        cpus->cpu[i].fd = -1;
    }
    if (run_bytes < (int)sizeof(struct kvm_run)) {
        error_setg(errp, "KVM does not tell the size of a CPU's shared page");
        return false;
    }
    cpus->run_bytes = run_bytes;
    for (unsigned i = 0; i < nr_cpus; i++) {
        if (!kvm_cpu_create(cpus, &cpus->cpu[i], errp)) {
            return false;
        }
    }
    return kvm_cpus_create_threads(cpus, errp);
}

void kvm_cpus_destroy(KvmCpus *cpus)
{
    WITH_QEMU_LOCK_GUARD(&cpus->lock) {
        cpus->quit = true;
        qemu_cond_broadcast(&cpus->wake);
    }
    for (unsigned i = 0; i < cpus->nr_threads; i++) {
        qemu_thread_join(&cpus->cpu[i].thread);
    }
    for (unsigned i = 0; i < cpus->nr_cpus; i++) {
        if (cpus->cpu[i].run) {
            munmap(cpus->cpu[i].run, cpus->run_bytes);
        }
        if (cpus->cpu[i].fd >= 0) {
            close(cpus->cpu[i].fd);
        }
    }
    qemu_cond_destroy(&cpus->wake);
    qemu_cond_destroy(&cpus->changed);
    qemu_mutex_destroy(&cpus->lock);
}

void kvm_cpus_start(KvmCpus *cpus)
{
    QEMU_LOCK_GUARD(&cpus->lock);

    trace_kvm_start(cpus->nr_cpus);
    cpus->run = true;
    for (unsigned i = 0; i < cpus->nr_cpus; i++) {
        cpus->cpu[i].running = true;
    }
    qemu_cond_broadcast(&cpus->wake);
}

static bool kvm_cpus_any_running_locked(const KvmCpus *cpus)
{
    for (unsigned i = 0; i < cpus->nr_cpus; i++) {
        if (cpus->cpu[i].running) {
            return true;
        }
    }
    return false;
}

void kvm_cpus_stop(KvmCpus *cpus)
{
    QEMU_LOCK_GUARD(&cpus->lock);

    cpus->run = false;
    kvm_cpus_kick_locked(cpus);
    qemu_cond_broadcast(&cpus->wake);
    while (kvm_cpus_any_running_locked(cpus)) {
        qemu_cond_wait(&cpus->changed, &cpus->lock);
    }
    trace_kvm_stop(cpus->nr_cpus);
}

bool kvm_cpus_have_ended(KvmCpus *cpus)
{
    QEMU_LOCK_GUARD(&cpus->lock);

    return cpus->ended;
}

static bool kvm_cpus_any_inside_locked(const KvmCpus *cpus)
{
    for (unsigned i = 0; i < cpus->nr_cpus; i++) {
        if (cpus->cpu[i].inside) {
            return true;
        }
    }
    return false;
}

void kvm_cpus_hold(KvmCpus *cpus)
{
    QEMU_LOCK_GUARD(&cpus->lock);

    cpus->held = true;
    kvm_cpus_kick_locked(cpus);
    while (kvm_cpus_any_inside_locked(cpus)) {
        qemu_cond_wait(&cpus->changed, &cpus->lock);
    }
}

void kvm_cpus_release(KvmCpus *cpus)
{
    QEMU_LOCK_GUARD(&cpus->lock);

    cpus->held = false;
    qemu_cond_broadcast(&cpus->wake);
}

void kvm_cpus_nap(KvmCpus *cpus, bool napping)
{
    QEMU_LOCK_GUARD(&cpus->lock);

    cpus->napping = napping;
    if (napping) {
        kvm_cpus_kick_locked(cpus);
    } else {
        qemu_cond_broadcast(&cpus->wake);
    }
}
