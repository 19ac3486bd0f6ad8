/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading a program into guest memory: what is taken, and every way in which
 * the numbers of a hostile ELF file can lie.
 */
#include "qemu/osdep.h"

#include <elf.h>

#include "accel/kvm-loader.h"
#include "memory/backend.h"
#include "qapi/error.h"
#include "qemu/units.h"

#define RAM_BYTES (2 * MiB)
#define LOAD_AT 0x100000u
#define OLD 0xee

/* A file with two program headers and 64 bytes of code. */
typedef struct Image {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[2];
    uint8_t code[64];
} Image;

typedef struct Fixture {
    RamList *list;
    RAMBlock *block;
    KvmLayout layout;
    Image image;
} Fixture;

static void set_up(Fixture *f, gconstpointer data)
{
    ObjectOptions options = {
        .id = (char *)"ram",
        .qom_type = OBJECT_TYPE_MEMORY_BACKEND_RAM,
    };
    g_autoptr(HostMemoryBackend) backend = NULL;

    options.u.memory_backend_ram.size = RAM_BYTES;
    backend = host_memory_backend_new(&options, NULL);
    f->list = ram_list_new();
    f->block = ram_list_add_backend(f->list, "ram", backend, NULL);
    memset(f->block->host, OLD, RAM_BYTES);
    g_assert_true(kvm_layout_init(&f->layout, f->list, NULL));

    memcpy(f->image.eh.e_ident, ELFMAG, SELFMAG);
    f->image.eh.e_ident[EI_CLASS] = ELFCLASS64;
    f->image.eh.e_ident[EI_DATA] = ELFDATA2LSB;
    f->image.eh.e_type = ET_EXEC;
    f->image.eh.e_machine = EM_X86_64;
    f->image.eh.e_entry = LOAD_AT + 16;
    f->image.eh.e_phoff = offsetof(Image, ph);
    f->image.eh.e_phentsize = sizeof(Elf64_Phdr);
    f->image.eh.e_phnum = 2;
    f->image.ph[0].p_type = PT_NOTE;
    f->image.ph[1].p_type = PT_LOAD;
    f->image.ph[1].p_offset = offsetof(Image, code);
    f->image.ph[1].p_paddr = f->image.ph[1].p_vaddr = LOAD_AT;
    f->image.ph[1].p_filesz = sizeof(f->image.code);
    f->image.ph[1].p_memsz = 100;
    memset(f->image.code, 0x90, sizeof(f->image.code));
}

static void tear_down(Fixture *f, gconstpointer data)
{
    ram_list_free(f->list);
}

static void expect_bad_bytes(Fixture *f, size_t len, const char *part)
{
    g_autoptr(Error) err = NULL;
    uint64_t entry = 77;

    g_assert_false(kvm_loader_place(&f->layout, "k",
                                    (const uint8_t *)&f->image, len, &entry,
                                    &err));
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), "'k'"));
    g_assert_nonnull(strstr(error_get_pretty(err), part));
    g_assert_cmpuint(entry, ==, 77);
}

static void expect_bad(Fixture *f, const char *part)
{
    expect_bad_bytes(f, sizeof(f->image), part);
}

static void test_elf(Fixture *f, gconstpointer data)
{
    const uint8_t *host = f->block->host + LOAD_AT;
    uint64_t entry;

    g_assert_true(kvm_loader_place(&f->layout, "k",
                                   (const uint8_t *)&f->image,
                                   sizeof(f->image), &entry, NULL));
    g_assert_cmphex(entry, ==, LOAD_AT + 16);
    g_assert_cmphex(host[-1], ==, OLD);
    g_assert_cmphex(host[0], ==, 0x90);
    g_assert_cmphex(host[63], ==, 0x90);
    g_assert_cmphex(host[64], ==, 0);
    g_assert_cmphex(host[99], ==, 0);
    g_assert_cmphex(host[100], ==, OLD);
}

static void test_flat(Fixture *f, gconstpointer data)
{
    const uint8_t code[] = { 0xf4, 0xeb, 0xfd };
    uint64_t entry;

    g_assert_true(kvm_loader_place(&f->layout, "k", code, sizeof(code),
                                   &entry, NULL));
    g_assert_cmphex(entry, ==, KVM_FLAT_ADDRESS);
    g_assert_cmpmem(f->block->host + KVM_FLAT_ADDRESS, 3, code, 3);
    g_assert_cmphex(f->block->host[KVM_FLAT_ADDRESS + 3], ==, OLD);
}

static void test_flat_too_large(Fixture *f, gconstpointer data)
{
    g_autofree uint8_t *code = g_malloc0(RAM_BYTES - LOAD_AT + 1);
    g_autoptr(Error) err = NULL;
    uint64_t entry;

    g_assert_true(kvm_loader_place(&f->layout, "k", code, RAM_BYTES - LOAD_AT,
                                   &entry, NULL));
    g_assert_false(kvm_loader_place(&f->layout, "k", code,
                                    RAM_BYTES - LOAD_AT + 1, &entry, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "use more memory"));
}

static void test_empty(Fixture *f, gconstpointer data)
{
    expect_bad_bytes(f, 0, "is empty");
}

static void test_short_header(Fixture *f, gconstpointer data)
{
    expect_bad_bytes(f, sizeof(Elf64_Ehdr) - 1, "only 63 bytes");
}

static void test_other_class(Fixture *f, gconstpointer data)
{
    f->image.eh.e_ident[EI_CLASS] = ELFCLASS32;
    expect_bad(f, "class 1");
}

static void test_other_machine(Fixture *f, gconstpointer data)
{
    f->image.eh.e_machine = EM_AARCH64;
    expect_bad(f, "machine 183");
}

static void test_position_independent(Fixture *f, gconstpointer data)
{
    f->image.eh.e_type = ET_DYN;
    expect_bad(f, "type 3");
}

static void test_phdrs_beyond_the_file(Fixture *f, gconstpointer data)
{
    f->image.eh.e_phoff = sizeof(f->image) - sizeof(Elf64_Phdr);
    expect_bad(f, "not in the file");
}

static void test_phdr_offset_overflow(Fixture *f, gconstpointer data)
{
    f->image.eh.e_phoff = UINT64_MAX - 16;
    expect_bad(f, "not in the file");
}

static void test_no_phdrs(Fixture *f, gconstpointer data)
{
    f->image.eh.e_phnum = 0;
    expect_bad(f, "0 program headers");
}

static void test_many_phdrs(Fixture *f, gconstpointer data)
{
    f->image.eh.e_phnum = 65535;
    expect_bad(f, "65535 program headers");
}

static void test_phdr_size(Fixture *f, gconstpointer data)
{
    f->image.eh.e_phentsize = 8;
    expect_bad(f, "of 8 bytes");
}

static void test_segment_beyond_the_file(Fixture *f, gconstpointer data)
{
    f->image.ph[1].p_filesz = sizeof(f->image.code) + 1;
    expect_bad(f, "segment 1");
}

static void test_segment_offset_overflow(Fixture *f, gconstpointer data)
{
    f->image.ph[1].p_offset = UINT64_MAX - 8;
    expect_bad(f, "segment 1");
}

static void test_segment_larger_than_its_memory(Fixture *f,
                                                gconstpointer data)
{
    f->image.ph[1].p_memsz = sizeof(f->image.code) - 1;
    expect_bad(f, "segment 1");
}

static void test_segment_beyond_memory(Fixture *f, gconstpointer data)
{
    f->image.ph[1].p_memsz = RAM_BYTES - LOAD_AT + 1;
    expect_bad(f, "a segment of 0x100001 bytes");
}

static void test_segment_address_overflow(Fixture *f, gconstpointer data)
{
    f->image.ph[1].p_paddr = UINT64_MAX - 50;
    expect_bad(f, "does not lie in memory");
}

static void test_segment_over_the_boot_state(Fixture *f, gconstpointer data)
{
    f->image.ph[1].p_paddr = 0x7f000;
    expect_bad(f, "above 0x80000");
}

static void test_entry_outside(Fixture *f, gconstpointer data)
{
    f->image.eh.e_entry = LOAD_AT + 100;
    expect_bad(f, "entry 0x100064");
}

static void test_no_segment(Fixture *f, gconstpointer data)
{
    f->image.ph[1].p_type = PT_NULL;
    expect_bad(f, "in none of its segments");
}

static void test_overlapping_segments(Fixture *f, gconstpointer data)
{
    f->image.ph[0] = f->image.ph[1];
    f->image.ph[0].p_paddr = LOAD_AT + 99;
    expect_bad(f, "segments 0 and 1 overlap at guest address 0x100063");
}

static void test_adjacent_segments(Fixture *f, gconstpointer data)
{
    uint64_t entry;

    f->image.ph[0] = f->image.ph[1];
    f->image.ph[0].p_paddr = LOAD_AT + 100;
    g_assert_true(kvm_loader_place(&f->layout, "k",
                                   (const uint8_t *)&f->image,
                                   sizeof(f->image), &entry, NULL));
}

/* There is memory, and the program gets there, but cannot begin there. */
static void test_entry_above_4_gib(Fixture *f, gconstpointer data)
{
    f->layout.slots[0].gpa = KVM_HOLE_END;
    f->image.eh.e_entry = KVM_HOLE_END + LOAD_AT + 16;
    f->image.ph[1].p_paddr = KVM_HOLE_END + LOAD_AT;
    expect_bad(f, "above 4 GiB");
}

static void test_no_file(Fixture *f, gconstpointer data)
{
    g_autoptr(Error) err = NULL;
    uint64_t entry;

    g_assert_false(kvm_loader_load(&f->layout, "/nonexistent/k", &entry,
                                   &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "/nonexistent/k"));
}

static void add(const char *path, void (*func)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, set_up, func, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/kvm-loader/elf", test_elf);
    add("/kvm-loader/flat", test_flat);
    add("/kvm-loader/flat-too-large", test_flat_too_large);
    add("/kvm-loader/empty", test_empty);
    add("/kvm-loader/short-header", test_short_header);
    add("/kvm-loader/other-class", test_other_class);
    add("/kvm-loader/other-machine", test_other_machine);
    add("/kvm-loader/position-independent", test_position_independent);
    add("/kvm-loader/phdrs-beyond-the-file", test_phdrs_beyond_the_file);
    add("/kvm-loader/phdr-offset-overflow", test_phdr_offset_overflow);
    add("/kvm-loader/no-phdrs", test_no_phdrs);
    add("/kvm-loader/many-phdrs", test_many_phdrs);
    add("/kvm-loader/phdr-size", test_phdr_size);
    add("/kvm-loader/segment-beyond-the-file", test_segment_beyond_the_file);
    add("/kvm-loader/segment-offset-overflow", test_segment_offset_overflow);
    add("/kvm-loader/segment-larger-than-its-memory",
        test_segment_larger_than_its_memory);
    add("/kvm-loader/segment-beyond-memory", test_segment_beyond_memory);
    add("/kvm-loader/segment-address-overflow",
        test_segment_address_overflow);
    add("/kvm-loader/segment-over-the-boot-state",
        test_segment_over_the_boot_state);
    add("/kvm-loader/entry-outside", test_entry_outside);
    add("/kvm-loader/no-segment", test_no_segment);
    add("/kvm-loader/overlapping-segments", test_overlapping_segments);
    add("/kvm-loader/adjacent-segments", test_adjacent_segments);
    add("/kvm-loader/entry-above-4-gib", test_entry_above_4_gib);
    add("/kvm-loader/no-file", test_no_file);
    return g_test_run();
}
