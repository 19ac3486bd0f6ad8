/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual machine; see kvm-vm.h.
 *
 * Main thread, but kvm_vm_set_slot().  CPUs are made in kvm-cpu.c.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "accel/kvm-vm.h"
#include "qapi/error.h"

/* What the kernel needs of the guest's addresses on some CPUs of Intel. */
#define KVM_IDENTITY_MAP_ADDRESS 0xfeffc000ull
#define KVM_TSS_ADDRESS 0xfeffd000ul

static const struct {
    int cap;
    const char *name;
} kvm_needed_caps[] = {
    { KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
    { KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
    { KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE" },
    { KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS" },
    { KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS" },
    { KVM_CAP_XSAVE, "KVM_CAP_XSAVE" },
    { KVM_CAP_XCRS, "KVM_CAP_XCRS" },
    { KVM_CAP_GET_TSC_KHZ, "KVM_CAP_GET_TSC_KHZ" },
    { KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
};

void kvm_vm_explain_open(const char *device, int errnum, Error **errp)
{
    switch (errnum) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        error_setg(errp, "There is no KVM: '%s' does not exist; load the"
                   " module kvm_intel or kvm_amd, turn virtualization on in"
                   " the firmware, or use another -accel", device);
        break;
    case EACCES:
    case EPERM:
        error_setg(errp, "No permission to use '%s'; become a member of the"
                   " group that owns it (kvm), or use another -accel",
                   device);
        break;
    case EBUSY:
        error_setg(errp, "KVM ('%s') is busy: another hypervisor uses this"
                   " machine's virtualization; end it, or use another -accel",
                   device);
        break;
    default:
        error_setg_errno(errp, errnum, "Cannot use KVM ('%s')", device);
        break;
    }
}

static bool kvm_vm_check_device(KvmVm *vm, const char *device, Error **errp)
{
    int version = ioctl(vm->device_fd, KVM_GET_API_VERSION, 0);

    if (version < 0) {
        error_setg(errp, "'%s' is no KVM device; leave device= out", device);
        return false;
    }
    if (version != KVM_API_VERSION) {
        error_setg(errp, "KVM of this kernel speaks version %d of its"
                   " interface, not %d; use another kernel", version,
                   KVM_API_VERSION);
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(kvm_needed_caps); i++) {
        if (ioctl(vm->device_fd, KVM_CHECK_EXTENSION,
                  kvm_needed_caps[i].cap) <= 0) {
            error_setg(errp, "KVM of this kernel lacks %s; use a newer one",
                       kvm_needed_caps[i].name);
            return false;
        }
    }
    return true;
}

static bool kvm_vm_create(KvmVm *vm, const char *device, Error **errp)
{
    do {
        vm->fd = ioctl(vm->device_fd, KVM_CREATE_VM, 0);
    } while (vm->fd < 0 && errno == EINTR);
    if (vm->fd < 0) {
        kvm_vm_explain_open(device, errno, errp);
        return false;
    }
    return true;
}

/* Both are hints for CPUs that need them; where they fail nobody does. */
static void kvm_vm_set_addresses(KvmVm *vm)
{
    uint64_t identity = KVM_IDENTITY_MAP_ADDRESS;

    (void)ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
    (void)ioctl(vm->fd, KVM_SET_TSS_ADDR, KVM_TSS_ADDRESS);
}

int kvm_vm_set_slot(KvmVm *vm, unsigned index, bool log_dirty)
{
    const KvmSlot *slot = &vm->layout.slots[index];
    struct kvm_userspace_memory_region region = {
        .slot = index,
        .flags = log_dirty ? KVM_MEM_LOG_DIRTY_PAGES : 0,
        .guest_phys_addr = slot->gpa,
        .memory_size = slot->len_bytes,
        .userspace_addr =
            (uintptr_t)(slot->block->host + slot->offset_bytes),
    };

    return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -errno : 0;
}

static bool kvm_vm_set_memory(KvmVm *vm, Error **errp)
{
    for (unsigned i = 0; i < vm->layout.nr_slots; i++) {
        const KvmSlot *slot = &vm->layout.slots[i];
        int ret = kvm_vm_set_slot(vm, i, false);

        if (ret < 0) {
            error_setg_errno(errp, -ret, "KVM does not take 0x%" PRIx64
                             " bytes of RAM block '%s' as memory at 0x%"
                             PRIx64, slot->len_bytes, slot->block->idstr,
                             slot->gpa);
            return false;
        }
    }
    return true;
}

bool kvm_vm_init(KvmVm *vm, const char *device, const RamList *ram,
                 Error **errp)
{
    *vm = (KvmVm) { .device_fd = -1, .fd = -1 };
    if (!kvm_layout_init(&vm->layout, ram, errp)) {
        return false;
    }
    vm->device_fd = open(device, O_RDWR | O_CLOEXEC);
    if (vm->device_fd < 0) {
        kvm_vm_explain_open(device, errno, errp);
        return false;
    }
    if (!kvm_vm_check_device(vm, device, errp) ||
        !kvm_vm_create(vm, device, errp)) {
        return false;
    }
    kvm_vm_set_addresses(vm);
    vm->tsc_scaling =
        ioctl(vm->device_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL) > 0;
    return kvm_vm_set_memory(vm, errp);
}

void kvm_vm_destroy(KvmVm *vm)
{
    if (vm->fd >= 0) {
        close(vm->fd);
    }
    if (vm->device_fd >= 0) {
        close(vm->device_fd);
    }
}
