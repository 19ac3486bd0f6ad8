/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading a program; see kvm-loader.h.
 *
 * Main thread.  In which state the CPUs enter it: kvm-boot.c.
 */
#include "qemu/osdep.h"

#include <elf.h>

#include "accel/kvm-loader.h"
#include "qapi/error.h"

/* More program headers than a linker makes; the file says how many it has. */
#define LOADER_MAX_PHDRS 64

typedef struct Program {
    const KvmLayout *layout;
    const char *name;
    const uint8_t *data;
    size_t len_bytes;
} Program;

/* Where @len_bytes from @gpa on can be loaded to, or NULL. */
static uint8_t *loader_target(const Program *p, uint64_t gpa,
                              uint64_t len_bytes, const char *what,
                              Error **errp)
{
    uint8_t *host = NULL;

    if (gpa >= KVM_LOAD_MIN) {
        host = kvm_layout_host(p->layout, gpa, len_bytes);
    }
    if (!host) {
        error_setg(errp, "Kernel '%s': %s of 0x%" PRIx64 " bytes at guest"
                   " address 0x%" PRIx64 " does not lie in memory above"
                   " 0x%llx; use more memory (-m)", p->name, what, len_bytes,
                   gpa, KVM_LOAD_MIN);
    }
    return host;
}

static bool loader_place_flat(const Program *p, uint64_t *entry, Error **errp)
{
    uint8_t *host = loader_target(p, KVM_FLAT_ADDRESS, p->len_bytes,
                                  "a flat program", errp);

    if (!host) {
        return false;
    }
    memcpy(host, p->data, p->len_bytes);
    *entry = KVM_FLAT_ADDRESS;
    return true;
}

static bool loader_place_segment(const Program *p, const Elf64_Phdr *ph,
                                 unsigned index, Error **errp)
{
    uint8_t *host;

    if (ph->p_memsz < ph->p_filesz || ph->p_filesz > p->len_bytes ||
        ph->p_offset > p->len_bytes - ph->p_filesz) {
        error_setg(errp, "Kernel '%s': segment %u has 0x%" PRIx64 " bytes at"
                   " offset 0x%" PRIx64 " for 0x%" PRIx64 " bytes of memory,"
                   " but the file has 0x%zx bytes; it is damaged", p->name,
                   index, ph->p_filesz, ph->p_offset, ph->p_memsz,
                   p->len_bytes);
        return false;
    }
    host = loader_target(p, ph->p_paddr, ph->p_memsz, "a segment", errp);
    if (!host) {
        return false;
    }
    memcpy(host, p->data + ph->p_offset, ph->p_filesz);
    memset(host + ph->p_filesz, 0, ph->p_memsz - ph->p_filesz);
    return true;
}

static bool loader_check_header(const Program *p, const Elf64_Ehdr *eh,
                                Error **errp)
{
    if (eh->e_ident[EI_CLASS] != ELFCLASS64 ||
        eh->e_ident[EI_DATA] != ELFDATA2LSB ||
        eh->e_machine != EM_X86_64 || eh->e_type != ET_EXEC) {
        error_setg(errp, "Kernel '%s' is an ELF file, but no executable of"
                   " fixed address for x86-64 (class %u, machine %u, type"
                   " %u)", p->name, eh->e_ident[EI_CLASS], eh->e_machine,
                   eh->e_type);
        return false;
    }
    if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0 ||
        eh->e_phnum > LOADER_MAX_PHDRS || eh->e_phoff > p->len_bytes ||
        p->len_bytes - eh->e_phoff < eh->e_phnum * sizeof(Elf64_Phdr)) {
        error_setg(errp, "Kernel '%s': %u program headers of %u bytes at"
                   " offset 0x%" PRIx64 " are not in the file of 0x%zx bytes"
                   " (at most %d); it is damaged", p->name, eh->e_phnum,
                   eh->e_phentsize, eh->e_phoff, p->len_bytes,
                   LOADER_MAX_PHDRS);
        return false;
    }
    return true;
}

/* The file need not be aligned in memory, so headers are copied out. */
static Elf64_Phdr loader_header(const Program *p, const Elf64_Ehdr *eh,
                                unsigned index)
{
    Elf64_Phdr ph;

    memcpy(&ph, p->data + eh->e_phoff + index * sizeof(ph), sizeof(ph));
    return ph;
}

static bool loader_is_loaded(const Elf64_Phdr *ph)
{
    return ph->p_type == PT_LOAD && ph->p_memsz > 0;
}

/* Of what an earlier segment has loaded, none may be written over. */
static bool loader_check_overlap(const Program *p, const Elf64_Ehdr *eh,
                                 const Elf64_Phdr *ph, unsigned index,
                                 Error **errp)
{
    for (unsigned i = 0; i < index; i++) {
        Elf64_Phdr other = loader_header(p, eh, i);

        if (loader_is_loaded(&other) &&
            ph->p_paddr < other.p_paddr + other.p_memsz &&
            other.p_paddr < ph->p_paddr + ph->p_memsz) {
            error_setg(errp, "Kernel '%s': segments %u and %u overlap at guest"
                       " address 0x%" PRIx64 "; it is damaged", p->name, i,
                       index, (uint64_t)MAX(ph->p_paddr, other.p_paddr));
            return false;
        }
    }
    return true;
}

static bool loader_place_elf(const Program *p, uint64_t *entry, Error **errp)
{
    bool entered = false;
    Elf64_Ehdr eh;

    if (p->len_bytes < sizeof(eh)) {
        error_setg(errp, "Kernel '%s' begins as an ELF file, but has only %zu"
                   " bytes; it is damaged", p->name, p->len_bytes);
        return false;
    }
    memcpy(&eh, p->data, sizeof(eh));
    if (!loader_check_header(p, &eh, errp)) {
        return false;
    }
    for (unsigned i = 0; i < eh.e_phnum; i++) {
        Elf64_Phdr ph = loader_header(p, &eh, i);

        if (!loader_is_loaded(&ph)) {
            continue;
        }
        if (!loader_place_segment(p, &ph, i, errp) ||
            !loader_check_overlap(p, &eh, &ph, i, errp)) {
            return false;
        }
        entered |= eh.e_entry >= ph.p_paddr &&
                   eh.e_entry - ph.p_paddr < ph.p_memsz;
    }
    if (!entered) {
        error_setg(errp, "Kernel '%s': its entry 0x%" PRIx64 " lies in none"
                   " of its segments; link it to run at the addresses it is"
                   " loaded to", p->name, (uint64_t)eh.e_entry);
        return false;
    }
    if (eh.e_entry >= KVM_ENTRY_END) {
        error_setg(errp, "Kernel '%s': its entry 0x%" PRIx64 " lies above"
                   " 4 GiB, where nothing is mapped yet; link it lower",
                   p->name, (uint64_t)eh.e_entry);
        return false;
    }
    *entry = eh.e_entry;
    return true;
}

bool kvm_loader_place(const KvmLayout *layout, const char *name,
                      const uint8_t *data, size_t len_bytes, uint64_t *entry,
                      Error **errp)
{
    Program p = {
        .layout = layout, .name = name, .data = data, .len_bytes = len_bytes,
    };

    if (len_bytes == 0) {
        error_setg(errp, "Kernel '%s' is empty", name);
        return false;
    }
    if (len_bytes >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0) {
        return loader_place_elf(&p, entry, errp);
    }
    return loader_place_flat(&p, entry, errp);
}

bool kvm_loader_load(const KvmLayout *layout, const char *path,
                     uint64_t *entry, Error **errp)
{
    g_autoptr(GMappedFile) file = NULL;
    g_autoptr(GError) gerr = NULL;

    file = g_mapped_file_new(path, false, &gerr);
    if (!file) {
        error_setg(errp, "Cannot read kernel '%s': %s", path, gerr->message);
        return false;
    }
    return kvm_loader_place(layout, path,
                            (const uint8_t *)g_mapped_file_get_contents(file),
                            g_mapped_file_get_length(file), entry, errp);
}
