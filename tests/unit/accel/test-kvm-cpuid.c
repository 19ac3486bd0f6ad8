/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which guests a host may take, by their CPUID tables; and what is said when
 * KVM itself cannot be used.
 */
#include "qemu/osdep.h"

#include "accel/kvm-cpuid.h"
#include "accel/kvm-vm.h"
#include "qapi/error.h"

enum { EAX = 3, EBX, ECX, EDX };

/* Sets a register of a leaf, which is added when it is not there. */
static void set(KvmCpuid *cpuid, uint32_t function, uint32_t index,
                unsigned word, uint32_t value)
{
    uint32_t *entry = cpuid->words;
    uint32_t i;

    for (i = 0; i < cpuid->nr_entries; i++, entry += KVM_CPUID_WORDS) {
        if (entry[0] == function && entry[1] == index) {
            break;
        }
    }
    if (i == cpuid->nr_entries) {
        cpuid->nr_entries++;
        entry[0] = function;
        entry[1] = index;
    }
    entry[word] = value;
}

static KvmCpuid a_host(void)
{
    KvmCpuid cpuid = { 0 };

    set(&cpuid, 0x0, 0, EAX, 0xd);
    set(&cpuid, 0x1, 0, ECX, 0x1000);
    set(&cpuid, 0x1, 0, EDX, 0x0f00);
    set(&cpuid, 0x7, 0, EBX, 0x00f0);
    set(&cpuid, 0x7, 1, EAX, 0x0001);
    set(&cpuid, 0x80000001, 0, EDX, 0x2000);
    return cpuid;
}

static void test_equal(void)
{
    KvmCpuid host = a_host();

    g_assert_true(kvm_cpuid_check(&host, &host, NULL));
}

static void test_fewer_features(void)
{
    KvmCpuid host = a_host(), guest = a_host();

    set(&guest, 0x7, 0, EBX, 0x0010);
    g_assert_true(kvm_cpuid_check(&host, &guest, NULL));
}

static void expect_bad(const KvmCpuid *host, const KvmCpuid *guest,
                       const char *part)
{
    g_autoptr(Error) err = NULL;

    g_assert_false(kvm_cpuid_check(host, guest, &err));
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), part));
}

static void test_one_more(void)
{
    KvmCpuid host = a_host(), guest = a_host();

    set(&guest, 0x7, 0, EBX, 0x01f0);
    expect_bad(&host, &guest, "bits 0x100 of EBX in CPUID leaf 0x7.0");
}

static void test_one_more_in_a_second_part(void)
{
    KvmCpuid host = a_host(), guest = a_host();

    set(&guest, 0x7, 1, EAX, 0x0003);
    expect_bad(&host, &guest, "bits 0x2 of EAX in CPUID leaf 0x7.1");
}

static void test_leaf_that_the_host_lacks(void)
{
    KvmCpuid host = a_host(), guest = a_host();

    set(&guest, 0xd, 1, EAX, 0x1);
    expect_bad(&host, &guest, "leaf 0xd.1");
}

static void test_what_a_guest_turns_on_is_no_feature(void)
{
    KvmCpuid host = a_host(), guest = a_host();

    set(&guest, 0x1, 0, ECX, 0x1000 | 1u << 27);
    g_assert_true(kvm_cpuid_check(&host, &guest, NULL));
}

static void test_other_leaves_may_differ(void)
{
    KvmCpuid host = a_host(), guest = a_host();

    set(&guest, 0x1, 0, EAX, 0xffffffff);
    set(&guest, 0x80000002, 0, EAX, 0x12345678);
    g_assert_true(kvm_cpuid_check(&host, &guest, NULL));
}

static void test_another_maker(void)
{
    KvmCpuid host = a_host(), guest = a_host();

    set(&guest, 0x0, 0, ECX, 0x444d4163);
    expect_bad(&host, &guest, "another maker");
}

/* A guest would have state there that stays behind. */
static void test_what_is_left_out(void)
{
    KvmCpuid cpuid = { 0 };

    set(&cpuid, 0x1, 0, ECX, 1u << 5 | 1u << 13);
    set(&cpuid, 0xa, 0, EAX, 0x07300404);
    set(&cpuid, 0xd, 1, ECX, 0x1800);
    set(&cpuid, 0x80000001, 0, ECX, 1u << 2 | 1u << 5);
    kvm_cpuid_leave_out(&cpuid);
    g_assert_cmphex(cpuid.words[ECX], ==, 1u << 13);
    g_assert_cmphex(cpuid.words[KVM_CPUID_WORDS + EAX], ==, 0);
    g_assert_cmphex(cpuid.words[2 * KVM_CPUID_WORDS + ECX], ==, 0);
    g_assert_cmphex(cpuid.words[3 * KVM_CPUID_WORDS + ECX], ==, 1u << 5);
    g_assert_cmpuint(cpuid.nr_entries, ==, 4);
}

static void expect_sentence(int errnum, const char *part)
{
    g_autoptr(Error) err = NULL;

    kvm_vm_explain_open("/dev/kvm", errnum, &err);
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), "'/dev/kvm'"));
    g_assert_nonnull(strstr(error_get_pretty(err), part));
    g_assert_null(strchr(error_get_pretty(err), '\n'));
}

static void test_open_errors(void)
{
    expect_sentence(ENOENT, "load the module");
    expect_sentence(ENODEV, "load the module");
    expect_sentence(EACCES, "become a member");
    expect_sentence(EPERM, "become a member");
    expect_sentence(EBUSY, "another hypervisor");
    expect_sentence(ENOMEM, g_strerror(ENOMEM));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm-cpuid/equal", test_equal);
    g_test_add_func("/kvm-cpuid/fewer-features", test_fewer_features);
    g_test_add_func("/kvm-cpuid/one-more", test_one_more);
    g_test_add_func("/kvm-cpuid/one-more-in-a-second-part",
                    test_one_more_in_a_second_part);
    g_test_add_func("/kvm-cpuid/leaf-that-the-host-lacks",
                    test_leaf_that_the_host_lacks);
    g_test_add_func("/kvm-cpuid/what-a-guest-turns-on-is-no-feature",
                    test_what_a_guest_turns_on_is_no_feature);
    g_test_add_func("/kvm-cpuid/other-leaves-may-differ",
                    test_other_leaves_may_differ);
    g_test_add_func("/kvm-cpuid/another-maker", test_another_maker);
    g_test_add_func("/kvm-cpuid/what-is-left-out", test_what_is_left_out);
    g_test_add_func("/kvm-vm/open-errors", test_open_errors);
    return g_test_run();
}
