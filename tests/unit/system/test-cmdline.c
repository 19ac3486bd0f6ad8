/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: what is understood, what is refused and how that is said.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "system/cmdline-options.h"
#include "system/cmdline.h"
#include "system/monitor-options.h"

/* @words: separated by single spaces. */
static CommandLine *parse(const char *words, Error **errp)
{
    g_autofree char *line = g_strconcat("wherry ", words, NULL);
    g_auto(GStrv) argv = g_strsplit(line, " ", -1);

    return cmdline_parse(*words ? g_strv_length(argv) : 1, argv, errp);
}

static CommandLine *parse_good(const char *words)
{
    Error *err = NULL;
    CommandLine *cl = parse(words, &err);

    if (err) {
        g_test_message("%s: %s", words, error_get_pretty(err));
    }
    g_assert_nonnull(cl);
    return cl;
}

static void expect_bad(const char *words, const char *part)
{
    g_autoptr(Error) err = NULL;
    CommandLine *cl = parse(words, &err);

    g_assert_null(cl);
    g_assert_nonnull(err);
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), part));
}

static void test_defaults(void)
{
    g_autoptr(CommandLine) cl = parse_good("");

    g_assert_cmpint(cl->action, ==, CMDLINE_RUN);
    g_assert_cmpstr(cl->machine_type, ==, "none");
    g_assert_cmpstr(cl->accel, ==, "none");
    g_assert_false(cl->has_ram_size);
    g_assert_false(cl->stopped);
    g_assert_null(cl->incoming);
    g_assert_null(cl->name);
    g_assert_cmpint(cl->monitors->len, ==, 0);
}

static void test_everything(void)
{
    g_autoptr(CommandLine) cl = parse_good(
        "-machine none,memory-backend=m -m 64M --S -name guest=g -accel none"
        " -uuid 01234567-89ab-cdef-0123-456789abcdef -incoming defer"
        " -object memory-backend-memfd,id=m,size=64M,share=on"
        " -qmp unix:/q,server=on,wait=off -qmp tcp:127.0.0.1:0,server,nowait"
        " -global migration.store-global-state=off -nodefaults"
        " -display none -trace mig*,file=/t -daemonize -pidfile /p");
    CommandLineObject *object = g_ptr_array_index(cl->objects, 0);
    CommandLineGlobal *global = g_ptr_array_index(cl->globals, 0);
    CommandLineTrace *trace = g_ptr_array_index(cl->traces, 0);

    g_assert_cmpstr(cl->memory_backend, ==, "m");
    g_assert_true(cl->has_ram_size);
    g_assert_cmpuint(cl->ram_size, ==, 64 << 20);
    g_assert_true(cl->stopped);
    g_assert_cmpstr(cl->name, ==, "g");
    g_assert_true(cl->has_uuid);
    g_assert_cmphex(cl->uuid.data[1], ==, 0x23);
    g_assert_cmpstr(cl->incoming, ==, "defer");
    g_assert_cmpint(object->options->qom_type, ==,
                    OBJECT_TYPE_MEMORY_BACKEND_MEMFD);
    g_assert_cmpuint(object->options->u.memory_backend_memfd.size, ==,
                     64 << 20);
    g_assert_cmpint(cl->monitors->len, ==, 2);
    g_assert_cmpstr(global->property, ==, "store-global-state");
    g_assert_cmpstr(global->value, ==, "off");
    g_assert_cmpstr(trace->pattern, ==, "mig*");
    g_assert_cmpstr(trace->file, ==, "/t");
    g_assert_true(cl->daemonize);
    g_assert_cmpstr(cl->pidfile, ==, "/p");
}

static void test_memory(void)
{
    static const struct {
        const char *words;
        uint64_t bytes;
    } cases[] = {
        { "-m 64", 64 << 20 },
        { "-m size=64", 64 << 20 },
        { "-m 1G", 1 << 30 },
        { "-m 1.5G", 3 << 29 },
        { "-m 1k", 8192 },
        { "-m 64 -m 32", 32 << 20 },
        { "-m 12289B", 16384 },
        { "-m 0", 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        g_autoptr(CommandLine) cl = parse_good(cases[i].words);

        g_assert_cmpuint(cl->ram_size, ==, cases[i].bytes);
        g_assert_cmpint(cl->has_ram_size, ==, cases[i].bytes != 0);
    }
}

static void test_object_json(void)
{
    g_autoptr(CommandLine) cl = parse_good(
        "-object {\"qom-type\":\"memory-backend-ram\",\"id\":\"m\","
        "\"size\":4096}");
    CommandLineObject *object = g_ptr_array_index(cl->objects, 0);

    g_assert_cmpstr(object->options->id, ==, "m");
    g_assert_cmpuint(object->options->u.memory_backend_ram.size, ==, 4096);
}

static void test_micro(void)
{
    g_autoptr(CommandLine) cl = parse_good(
        "-machine micro -m 8M -smp cpus=4 -kernel /k -serial stdio"
        " -serial unix:/a,,b,server=on,wait=off");

    g_assert_cmpstr(cl->machine_type, ==, "micro");
    g_assert_cmpuint(cl->nr_cpus, ==, 4);
    g_assert_cmpstr(cl->kernel, ==, "/k");
    g_assert_cmpint(cl->serial.kind, ==, GUEST_SERIAL_UNIX);
    g_assert_cmpstr(cl->serial.path, ==, "/a,b");
    g_assert_true(cl->serial.server);
    g_assert_false(cl->serial.wait);
}

static void test_refused(void)
{
    static const struct {
        const char *words;
        const char *part;
    } cases[] = {
        { "-foo", "-foo: invalid option" },
        { "foo", "foo: invalid option" },
        { "---m 1", "---m: invalid option" },
        { "-m", "-m: requires an argument" },
        { "-m xyz", "-m xyz: Parameter 'size'" },
        { "-m -1", "-m -1: Parameter 'size'" },
        { "-m 16E", "-m 16E: Parameter 'size'" },
        { "-m 64,slots=2", "'slots'" },
        { "-machine pc", "'pc' is not supported" },
        { "-machine none,usb=on", "'usb'" },
        { "-accel hvf", "'hvf' is not supported" },
        { "-smp 0", "from 1 to 8" },
        { "-smp 9", "from 1 to 8" },
        { "-smp two", "'two' is no number" },
        { "-smp 2,threads=2", "'threads'" },
        { "-serial vc", "'vc' is no place" },
        { "-serial file:", "'file:' is no place" },
        { "-serial unix:/s,server=maybe", "'server'" },
        { "-serial stdio,server=on", "'server'" },
        { "-serial unix:/s,telnet=on", "'telnet'" },
        { "-display gtk", "'gtk' is not supported" },
        { "-name a,process=b", "'process'" },
        { "-name a,debug-threads=off", "debug-threads=off" },
        { "-uuid 1", "'1' is no UUID" },
        { "-global pc.a=b", "Only migration." },
        { "-global migration.a", "Only migration." },
        { "-global migration.=a", "Only migration." },
        { "-object memory-backend-foo,id=m,size=1M", "memory-backend-foo" },
        { "-object memory-backend-ram,size=1M", "'id'" },
        { "-object memory-backend-ram,id=m", "'size'" },
        { "-object memory-backend-ram,id=m,size=1M,foo=1", "'foo'" },
        { "-object memory-backend-ram,id=m,size=1M,share=maybe", "'share'" },
        { "-qmp stdio", "'stdio'" },
        { "-qmp unix:/q", "server=on" },
        { "-qmp unix:/q,server=on,wait=perhaps", "'wait'" },
        { "-qmp unix:/q,server=on,telnet=on", "'telnet=on'" },
        { "-qmp tcp:host:99999,server=on", "99999" },
        { "-trace enable=a,events=f", "'events'" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        expect_bad(cases[i].words, cases[i].part);
    }
}

static void test_monitor_options(void)
{
    static const struct {
        const char *text;
        bool wait;
    } cases[] = {
        { "unix:/a,,b,server=on,wait=off", false },
        { "unix:/a,,b,server", true },
        { "unix:/a,,b,server,wait", true },
        { "unix:/a,,b,server,nowait", false },
        { "unix:/a,,b,nowait,server=on", false },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        g_autoptr(MonitorOptions) options =
            monitor_options_parse(cases[i].text, NULL);

        g_assert_nonnull(options);
        g_assert_cmpint(options->wait, ==, cases[i].wait);
        g_assert_cmpstr(options->addr->u.q_unix.path, ==, "/a,b");
    }
}

static void test_help(void)
{
    static const char *const words[] = { "-h", "-help", "--help" };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        g_autoptr(CommandLine) cl = parse_good(words[i]);
        g_autofree char *text = cmdline_info(cl);

        for (const CommandLineOption *o = cmdline_options; o->name; o++) {
            g_autofree char *spelling = g_strconcat("-", o->name, NULL);

            g_assert_true(!o->help || strstr(text, spelling));
        }
    }
}

static void test_lists(void)
{
    static const struct {
        const char *words;
        const char *part;
    } cases[] = {
        { "--version", "wherry " WHERRY_VERSION "\n" },
        { "-accel help", "none" },
        { "-machine help", "none" },
        { "-trace help", "migration_status\n" },
        /* what follows is not looked at */
        { "--help -foo", "Usage: wherry" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        g_autoptr(CommandLine) cl = parse_good(cases[i].words);
        g_autofree char *text = cmdline_info(cl);

        g_assert_nonnull(strstr(text, cases[i].part));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cmdline/defaults", test_defaults);
    g_test_add_func("/cmdline/every option", test_everything);
    g_test_add_func("/cmdline/memory size", test_memory);
    g_test_add_func("/cmdline/object as JSON", test_object_json);
    g_test_add_func("/cmdline/micro", test_micro);
    g_test_add_func("/cmdline/refused", test_refused);
    g_test_add_func("/cmdline/monitor address", test_monitor_options);
    g_test_add_func("/cmdline/help names every option", test_help);
    g_test_add_func("/cmdline/version and lists", test_lists);
    return g_test_run();
}
