/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The globalstate section: what is sent, and which names may arrive.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "system/globalstate.h"

static void accel_nothing(Accel *accel)
{
}

static const AccelOps accel_ops = {
    .name = "test",
    .start = accel_nothing,
    .stop = accel_nothing,
};

typedef struct Fixture {
    Accel accel;
    VmRunState *rs;
    GlobalState gs;
} Fixture;

static void fixture_init(Fixture *f)
{
    f->accel.ops = &accel_ops;
    f->rs = runstate_new(&f->accel, NULL, false, true);
    globalstate_init(&f->gs, f->rs);
}

static void fixture_clear(Fixture *f)
{
    runstate_free(f->rs);
}

static void expect_sent(Fixture *f, const char *name)
{
    g_assert_true(vmstate_globalstate.pre_save(&f->gs, NULL));
    g_assert_cmpstr((const char *)f->gs.runstate, ==, name);
    g_assert_cmpuint(f->gs.size, ==, strlen(name) + 1);
    g_assert_cmpuint(f->gs.has_vm_was_suspended, ==, 1);
    g_assert_cmpuint(f->gs.vm_was_suspended, ==, 0);
}

static void test_sent(void)
{
    Fixture f;

    fixture_init(&f);
    expect_sent(&f, "prelaunch");
    runstate_launch(f.rs);
    g_assert_true(runstate_finish_migrate(f.rs, NULL));
    /* no rest of the longer name stays */
    expect_sent(&f, "running");
    g_assert_cmpuint(f.gs.runstate[8], ==, 0);
    fixture_clear(&f);
}

static void test_store_off(void)
{
    Fixture f;

    fixture_init(&f);
    f.gs.store = false;
    g_assert_true(vmstate_globalstate.needed(&f.gs));
    runstate_launch(f.rs);
    g_assert_false(vmstate_globalstate.needed(&f.gs));
    f.gs.store = true;
    g_assert_true(vmstate_globalstate.needed(&f.gs));
    fixture_clear(&f);
}

static void test_received(void)
{
    Fixture f;

    fixture_init(&f);
    g_assert_cmpint(f.gs.received, ==, RUN_STATE__MAX);
    memset(f.gs.runstate, 0, sizeof(f.gs.runstate));
    memcpy(f.gs.runstate, "paused", 6);
    g_assert_true(vmstate_globalstate.validate(&f.gs, 1, NULL));
    g_assert_true(vmstate_globalstate.post_load(&f.gs, 1, NULL));
    g_assert_cmpint(f.gs.received, ==, RUN_STATE_PAUSED);
    fixture_clear(&f);
}

static void expect_refused(const char *name)
{
    g_autoptr(Error) err = NULL;
    GlobalState gs = { 0 };

    memcpy(gs.runstate, name, MIN(strlen(name), sizeof(gs.runstate)));
    g_assert_false(vmstate_globalstate.validate(&gs, 1, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "globalstate"));
}

static void test_unknown_name(void)
{
    expect_refused("walking");
}

static void test_no_name(void)
{
    expect_refused("");
}

static void test_passing_state(void)
{
    expect_refused("inmigrate");
}

static void test_name_without_end(void)
{
    expect_refused("running-running-running-running-running");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/globalstate/sent", test_sent);
    g_test_add_func("/globalstate/not stored", test_store_off);
    g_test_add_func("/globalstate/received", test_received);
    g_test_add_func("/globalstate/unknown name", test_unknown_name);
    g_test_add_func("/globalstate/no name", test_no_name);
    g_test_add_func("/globalstate/passing state", test_passing_state);
    g_test_add_func("/globalstate/name without end", test_name_without_end);
    return g_test_run();
}
