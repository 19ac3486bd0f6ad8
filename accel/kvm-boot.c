/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot state; see kvm-boot.h.
 *
 * Main thread.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "accel/kvm-boot.h"
#include "accel/kvm-loader.h"
#include "accel/trace.h"
#include "qapi/error.h"
#include "qemu/units.h"

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define GDT_CODE 0x00af9b000000ffffull
#define GDT_DATA 0x00cf93000000ffffull
#define GDT_ENTRIES 3

#define PTE_PRESENT_WRITABLE 0x03ull
#define PTE_LARGE 0x80ull
#define PAGE_TABLE_ENTRIES 512
#define MAPPED_GIB 4

/* PE, MP, ET, NE, WP, AM, PG */
#define BOOT_CR0 0x80050033ull
/* PAE, OSFXSR, OSXMMEXCPT */
#define BOOT_CR4 0x620ull
/* LME, LMA */
#define BOOT_EFER 0x500ull
/* the bit that is always set */
#define BOOT_RFLAGS 0x2ull

bool kvm_boot_tables(const KvmLayout *layout, Error **errp)
{
    uint64_t *gdt = (uint64_t *)kvm_layout_host(
        layout, KVM_BOOT_GDT, KVM_BOOT_STACK_TOP - KVM_BOOT_GDT);
    uint64_t *pml4, *pdpt, *pd;

    if (!gdt) {
        error_setg(errp, "A guest with CPUs needs at least 1 MiB of memory"
                   " (-m) in its first RAM block");
        return false;
    }
    pml4 = gdt + (KVM_BOOT_PML4 - KVM_BOOT_GDT) / sizeof(*gdt);
    pdpt = gdt + (KVM_BOOT_PDPT - KVM_BOOT_GDT) / sizeof(*gdt);
    pd = gdt + (KVM_BOOT_PD - KVM_BOOT_GDT) / sizeof(*gdt);
    memset(gdt, 0, KVM_BOOT_END - KVM_BOOT_GDT);
    gdt[SELECTOR_CODE / sizeof(*gdt)] = GDT_CODE;
    gdt[SELECTOR_DATA / sizeof(*gdt)] = GDT_DATA;
    pml4[0] = KVM_BOOT_PDPT | PTE_PRESENT_WRITABLE;
    for (unsigned i = 0; i < MAPPED_GIB; i++) {
        pdpt[i] = (KVM_BOOT_PD + i * TARGET_PAGE_SIZE) | PTE_PRESENT_WRITABLE;
    }
    for (unsigned i = 0; i < MAPPED_GIB * PAGE_TABLE_ENTRIES; i++) {
        pd[i] = i * 2 * MiB | PTE_PRESENT_WRITABLE | PTE_LARGE;
    }
    return true;
}

static void boot_segments(struct kvm_sregs *sregs)
{
    const struct kvm_segment code = {
        .limit = UINT32_MAX, .selector = SELECTOR_CODE, .type = 11,
        .present = 1, .s = 1, .l = 1, .g = 1,
    };
    const struct kvm_segment data = {
        .limit = UINT32_MAX, .selector = SELECTOR_DATA, .type = 3,
        .present = 1, .s = 1, .db = 1, .g = 1,
    };

    sregs->cs = code;
    sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
    sregs->gdt.base = KVM_BOOT_GDT;
    sregs->gdt.limit = GDT_ENTRIES * sizeof(uint64_t) - 1;
    sregs->idt.base = 0;
    sregs->idt.limit = 0;
}

static bool boot_cpu(KvmCpu *cpu, uint64_t entry, uint64_t ram_bytes,
                     Error **errp)
{
    struct kvm_regs regs = {
        .rip = entry,
        .rsp = KVM_BOOT_STACK_TOP - cpu->index * KVM_BOOT_STACK_BYTES,
        .rdi = cpu->index,
        .rsi = ram_bytes,
        .rdx = cpu->cpus->nr_cpus,
        .rflags = BOOT_RFLAGS,
    };
    struct kvm_sregs sregs;

    if (ioctl(cpu->fd, KVM_GET_SREGS, &sregs) < 0) {
        error_setg_errno(errp, errno, "Cannot read the state of CPU %u",
                         cpu->index);
        return false;
    }
    boot_segments(&sregs);
    sregs.cr0 = BOOT_CR0;
    sregs.cr3 = KVM_BOOT_PML4;
    sregs.cr4 = BOOT_CR4;
    sregs.efer = BOOT_EFER;
    if (ioctl(cpu->fd, KVM_SET_SREGS, &sregs) < 0 ||
        ioctl(cpu->fd, KVM_SET_REGS, &regs) < 0) {
        error_setg_errno(errp, errno, "KVM refuses the first state of CPU %u",
                         cpu->index);
        return false;
    }
    return true;
}

bool kvm_boot(KvmCpus *cpus, const char *kernel, Error **errp)
{
    const KvmLayout *layout = &cpus->host.vm->layout;
    uint64_t ram_bytes = 0;
    uint64_t entry;

    for (unsigned i = 0; i < layout->nr_slots; i++) {
        ram_bytes += layout->slots[i].len_bytes;
    }
    if (!kvm_boot_tables(layout, errp) ||
        !kvm_loader_load(layout, kernel, &entry, errp)) {
        return false;
    }
    trace_kvm_boot(kernel, entry);
    for (unsigned i = 0; i < cpus->nr_cpus; i++) {
        if (!boot_cpu(&cpus->cpu[i], entry, ram_bytes, errp)) {
            return false;
        }
    }
    return true;
}
