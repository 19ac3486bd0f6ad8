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
#include "qapi/error.h"

typedef struct AccelKvm {
    Accel parent;

    /* set once, in this order */
    KvmVm vm;
    KvmDirty *dirty;
    KvmBoard board;
    KvmChardev *chardev;
    bool has_cpus;
    KvmCpus cpus;
    KvmState state;
} AccelKvm;

static AccelKvm *accel_kvm_from(Accel *accel)
{
    return container_of(accel, AccelKvm, parent);
}

static void accel_kvm_destroy(Accel *accel)
{
    AccelKvm *kvm = accel_kvm_from(accel);

    if (kvm->has_cpus) {
        kvm_cpus_destroy(&kvm->cpus);
    }
    kvm_chardev_free(kvm->chardev);
    kvm_serial_free(kvm->board.serial);
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
    kvm->board.opaque = host->opaque;
    kvm->has_cpus = true;
    return kvm_cpus_init(&kvm->cpus, &cpus_host, host->guest->nr_cpus,
                         errp) &&
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

static Accel *accel_kvm_create(const AccelHost *host, Error **errp)
{
    AccelKvm *kvm;
    const char *device = NULL;

    if (!host->guest) {
        error_setg(errp, "Machine 'none' has no CPUs that -accel kvm could"
                   " run; use -machine micro");
        return NULL;
    }
    kvm = g_new0(AccelKvm, 1);
    kvm->parent.ops = &accel_kvm;
    if (host->options) {
        device = keyval_get(host->options, "device");
    }
    if (!kvm_vm_init(&kvm->vm, device ? device : KVM_DEFAULT_DEVICE,
                     host->ram, errp)) {
        goto fail;
    }
    kvm->dirty = kvm_dirty_new(&kvm->vm);
    if (accel_kvm_make_serial(kvm, host, errp) &&
        accel_kvm_make_cpus(kvm, host, errp) &&
        accel_kvm_load(kvm, host->guest, errp)) {
        return &kvm->parent;
    }
fail:
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
    return kvm_dirty_provider(accel_kvm_from(accel)->dirty);
}

static void accel_kvm_throttle(Accel *accel, unsigned percent)
{
    kvm_cpus_throttle(&accel_kvm_from(accel)->cpus, percent);
}

static const AccelOption accel_kvm_options[] = {
    { "device", "PATH", "the device node, " KVM_DEFAULT_DEVICE },
    { NULL }
};

const AccelOps accel_kvm = {
    .name = "kvm",
    .summary = "the CPUs of -machine micro, by Linux KVM",
    .options = accel_kvm_options,
    .create = accel_kvm_create,
    .register_sections = accel_kvm_register_sections,
    .start = accel_kvm_start,
    .stop = accel_kvm_stop,
    .dirty = accel_kvm_dirty,
    .throttle = accel_kvm_throttle,
    .destroy = accel_kvm_destroy,
};
