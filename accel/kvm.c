/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator `kvm`: puts CPUs, serial port and dirty log together.
 *
 * Made and freed in the main thread; start and stop are called as accel.h says.
 * Each part's work is in the file of its name.
 */
#include "qemu/osdep.h"

#include "accel/accel.h"
#include "accel/kvm-boot.h"
#include "accel/kvm-chardev.h"
#include "accel/kvm-dirty.h"
#include "accel/kvm-exit.h"
#include "accel/kvm-state.h"
#include "accel/kvm-throttle.h"
#include "qapi/error.h"

typedef struct AccelKvm {
    Accel parent;

    /* set once, in this order */
    KvmVm vm;
    KvmDirty *dirty;        /* one of these two is NULL */
    KvmDirtyRing *ring;
    KvmBoard board;
    KvmChardev *chardev;
    bool has_cpus;
    KvmCpus cpus;
    KvmThrottle *throttle;
    KvmState state;
} AccelKvm;

static AccelKvm *accel_kvm_from(Accel *accel)
{
    return container_of(accel, AccelKvm, parent);
}

static void accel_kvm_destroy(Accel *accel)
{
    AccelKvm *kvm = accel_kvm_from(accel);

    kvm_throttle_free(kvm->throttle);
    if (kvm->has_cpus) {
        kvm_cpus_destroy(&kvm->cpus);
    }
    kvm_chardev_free(kvm->chardev);
    kvm_serial_free(kvm->board.serial);
    kvm_dirty_ring_free(kvm->ring);
    kvm_dirty_free(kvm->dirty);
    kvm_vm_destroy(&kvm->vm);
    g_free(kvm);
}

static bool accel_kvm_make_serial(AccelKvm *kvm, const AccelHost *host,
                                  Error **errp)
{
    const GuestSerial *config = &host->guest->serial;

    kvm->board.serial = kvm_serial_new();
    if (config->kind == GUEST_SERIAL_NONE) {
        return true;
    }
    kvm->chardev = kvm_chardev_new(config, kvm->board.serial, host->loop,
                                   errp);
    return kvm->chardev != NULL;
}

static bool accel_kvm_make_cpus(AccelKvm *kvm, const AccelHost *host,
                                Error **errp)
{
    const KvmCpusHost cpus_host = {
        .vm = &kvm->vm,
        .handle_exit = kvm_board_handle_exit,
        .opaque = &kvm->board,
    };

    kvm->board.ended = host->ended;
    kvm->board.stuck = host->stuck;
    kvm->board.opaque = host->opaque;
    kvm->has_cpus = true;
    if (!kvm_cpus_init(&kvm->cpus, &cpus_host, host->guest->nr_cpus, errp)) {
        return false;
    }
    if (kvm->ring && !kvm_dirty_ring_attach(kvm->ring, &kvm->cpus, errp)) {
        return false;
    }
    kvm->throttle = kvm_throttle_new(&kvm->cpus, errp);
    return kvm->throttle &&
           kvm_state_init(&kvm->state, &kvm->cpus, errp);
}

/* A guest that comes by migration brings its program along. */
static bool accel_kvm_load(AccelKvm *kvm, const GuestConfig *guest,
                           Error **errp)
{
    if (guest->incoming) {
        return true;
    }
    if (!guest->kernel) {
        error_setg(errp, "There is nothing for the CPUs to run; give the guest"
                   " a program with -kernel, or wait for one with -incoming");
        return false;
    }
    return kvm_boot(&kvm->cpus, guest->kernel, errp);
}

static bool accel_kvm_make_dirty(AccelKvm *kvm, unsigned ring_entries,
                                 Error **errp)
{
    if (ring_entries == 0) {
        kvm->dirty = kvm_dirty_new(&kvm->vm);
        return true;
    }
    kvm->ring = kvm_dirty_ring_new(&kvm->vm, ring_entries, errp);
    kvm->board.ring = kvm->ring;
    return kvm->ring != NULL;
}

static Accel *accel_kvm_create(const AccelHost *host, Error **errp)
{
    AccelKvm *kvm;
    const char *device = NULL;
    const char *ring_size = NULL;
    unsigned ring_entries;

    if (!host->guest) {
        error_setg(errp, "Machine 'none' has no CPUs that -accel kvm could"
                   " run; use -machine micro");
        return NULL;
    }
    if (host->options) {
        device = keyval_get(host->options, "device");
        ring_size = keyval_get(host->options, "dirty-ring-size");
    }
    if (!kvm_dirty_ring_parse(ring_size, &ring_entries, errp)) {
        return NULL;
    }
    kvm = g_new0(AccelKvm, 1);
    kvm->parent.ops = &accel_kvm;
    if (kvm_vm_init(&kvm->vm, device ? device : KVM_DEFAULT_DEVICE, host->ram,
                    errp) &&
        accel_kvm_make_dirty(kvm, ring_entries, errp) &&
        accel_kvm_make_serial(kvm, host, errp) &&
        accel_kvm_make_cpus(kvm, host, errp) &&
        accel_kvm_load(kvm, host->guest, errp)) {
        return &kvm->parent;
    }
    accel_kvm_destroy(&kvm->parent);
    return NULL;
}

static bool accel_kvm_register_sections(Accel *accel, VMStateRegistry *reg,
                                        Error **errp)
{
    AccelKvm *kvm = accel_kvm_from(accel);

    if (!vmstate_register(reg, "micro", 0, &vmstate_kvm_machine, &kvm->state,
                          errp)) {
        return false;
    }
    for (unsigned i = 0; i < kvm->cpus.nr_cpus; i++) {
        if (!vmstate_register(reg, "cpu", i, &vmstate_kvm_cpu,
                              &kvm->state.cpu[i], errp)) {
            return false;
        }
    }
    return vmstate_register(reg, "serial", 0, &vmstate_kvm_serial,
                            kvm_serial_state(kvm->board.serial), errp);
}

static bool accel_kvm_awaits_client(Accel *accel)
{
    return kvm_chardev_awaits_client(accel_kvm_from(accel)->chardev);
}

static void accel_kvm_start(Accel *accel)
{
    AccelKvm *kvm = accel_kvm_from(accel);

    kvm_serial_set_running(kvm->board.serial, true);
    kvm_cpus_start(&kvm->cpus);
}

static void accel_kvm_stop(Accel *accel)
{
    AccelKvm *kvm = accel_kvm_from(accel);

    kvm_cpus_stop(&kvm->cpus);
    kvm_serial_set_running(kvm->board.serial, false);
}

static DirtyProvider *accel_kvm_dirty(Accel *accel)
{
    AccelKvm *kvm = accel_kvm_from(accel);

    return kvm->ring ? kvm_dirty_ring_provider(kvm->ring)
                     : kvm_dirty_provider(kvm->dirty);
}

static void accel_kvm_throttle(Accel *accel, unsigned percent)
{
    kvm_throttle_set(accel_kvm_from(accel)->throttle, percent);
}

static const AccelOption accel_kvm_options[] = {
    { "device", "PATH", "the device node, " KVM_DEFAULT_DEVICE },
    { "dirty-ring-size", "N", "find writes by a ring of N entries a CPU" },
    { NULL }
};

const AccelOps accel_kvm = {
    .name = "kvm",
    .summary = "the CPUs of -machine micro, by Linux KVM",
    .options = accel_kvm_options,
    .create = accel_kvm_create,
    .register_sections = accel_kvm_register_sections,
    .awaits_client = accel_kvm_awaits_client,
    .start = accel_kvm_start,
    .stop = accel_kvm_stop,
    .dirty = accel_kvm_dirty,
    .throttle = accel_kvm_throttle,
    .destroy = accel_kvm_destroy,
};
