/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's CPUs: one thread each, which is inside the kernel while the guest
 * runs and parked while it does not.
 *
 * Threads: made and freed in the main thread; started, stopped, saved and
 * loaded by any one thread at a time; throttled by any.
 * Lock: KvmCpus.lock, a leaf.  No CPU is handled while it is held.
 */
#ifndef ACCEL_KVM_CPU_H
#define ACCEL_KVM_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accel/guest.h"
#include "accel/kvm-vm.h"
#include "qemu/thread.h"

typedef struct Error Error;
typedef struct KvmCpu KvmCpu;
typedef struct KvmCpus KvmCpus;
struct kvm_run;

/* What becomes of a CPU after an exit to here. */
typedef enum KvmExit {
    KVM_CPU_GOES_ON,
    KVM_CPU_HALTED,    /* until an interrupt, of which there are none */
    /* all CPUs stay out from now on: */
    KVM_CPU_GUEST_ENDED,    /* it has switched itself off */
    KVM_CPU_GUEST_STUCK,    /* it would go on if it could */
} KvmExit;

typedef struct KvmCpusHost {
    KvmVm *vm;
    /* Deals with what @cpu->run says; called in the CPU's thread. */
    KvmExit (*handle_exit)(void *opaque, KvmCpu *cpu);
    void *opaque;
} KvmCpusHost;

struct KvmCpu {
    /* set once */
    KvmCpus *cpus;
    unsigned index;
    int fd;
    struct kvm_run *run;    /* shared with the kernel */
    QemuThread thread;

    /* its thread's while it runs, else who saves or loads it */
    bool halted;

    /* guarded by the lock of @cpus */
    bool running;           /* its thread has not parked */
    bool inside;            /* the guest, or doing something for it */
};

struct KvmCpus {
    /* set once */
    KvmCpusHost host;
    size_t run_bytes;       /* of each KvmCpu.run */
    unsigned nr_cpus;
    KvmCpu cpu[GUEST_MAX_CPUS];
    unsigned nr_threads;    /* of @cpu that have one */

    QemuMutex lock;
    QemuCond changed;       /* a CPU has parked, or come out of the guest */
    QemuCond wake;          /* for CPUs: look again */
    bool run;               /* guarded by @lock, as all that follows */
    bool ended;
    bool stuck;
    bool quit;
    bool held;              /* by kvm_cpus_hold() */
    bool napping;           /* by kvm_cpus_nap() */
};

/**
 * kvm_cpus_init:
 * @cpus: zeroed memory
 * @host: what they belong to; copied
 * @nr_cpus: 1 to GUEST_MAX_CPUS
 * @errp: receives the reason on failure, or NULL
 *
 * Makes CPUs with their threads, parked, in the state of a reset.
 *
 * Context: the main thread.  End them with kvm_cpus_destroy(), also after a
 * failure.
 * Returns: false when the kernel refuses.
 */
bool kvm_cpus_init(KvmCpus *cpus, const KvmCpusHost *host, unsigned nr_cpus,
                   Error **errp);

/**
 * kvm_cpus_destroy:
 * @cpus: stopped CPUs
 *
 * Ends and joins their threads and lets go of the kernel's part.
 *
 * Context: the main thread.
 */
void kvm_cpus_destroy(KvmCpus *cpus);

/**
 * kvm_cpus_start:
 * @cpus: stopped CPUs
 *
 * Context: any thread.
 */
void kvm_cpus_start(KvmCpus *cpus);

/**
 * kvm_cpus_stop:
 * @cpus: CPUs, running or not
 *
 * When it returns, all are out of the guest and what they had begun to say to a
 * device is finished.
 *
 * Context: any thread but those of CPUs.
 */
void kvm_cpus_stop(KvmCpus *cpus);

/**
 * kvm_cpus_have_ended:
 * @cpus: CPUs, running or not
 *
 * Context: any thread.
 * Returns: whether the guest has switched itself off.
 */
bool kvm_cpus_have_ended(KvmCpus *cpus);

/**
 * kvm_cpus_hold:
 * @cpus: CPUs, running or not, that nobody holds
 *
 * When it returns, all are out of the guest, in whatever they are, and stay
 * there until kvm_cpus_release().
 *
 * Context: any one thread but those of CPUs.
 */
void kvm_cpus_hold(KvmCpus *cpus);

/**
 * kvm_cpus_release:
 * @cpus: CPUs that are held
 *
 * Context: the thread that holds them.
 */
void kvm_cpus_release(KvmCpus *cpus);

/**
 * kvm_cpus_nap:
 * @cpus: CPUs, running or not
 * @napping: whether they stay out of the guest for now
 *
 * Unlike held ones, CPUs that nap can be stopped.
 *
 * Context: any thread; does not wait for them.
 */
void kvm_cpus_nap(KvmCpus *cpus, bool napping);

#endif /* ACCEL_KVM_CPU_H */
