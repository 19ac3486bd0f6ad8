/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of capabilities, parameters and compatibility properties: QEMU 10.0's
 * defaults and ranges, all or nothing.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration-pair.h"

static void test_defaults(void)
{
    MigrationPair *pair = pair_new();
    MigrationParameters *p = migration_query_parameters(pair->src.migration);

    g_assert_cmpuint(p->max_bandwidth, ==, 134217728);
    g_assert_cmpuint(p->avail_switchover_bandwidth, ==, 0);
    g_assert_cmpuint(p->downtime_limit, ==, 300);
    g_assert_cmpuint(p->multifd_channels, ==, 2);
    g_assert_cmpint(p->zero_page_detection, ==, ZERO_PAGE_DETECTION_MULTIFD);
    qapi_free_MigrationParameters(p);
    pair_free(pair);
}

static void test_capabilities_keep_their_order(void)
{
    static const MigrationCapability order[] = {
        MIGRATION_CAPABILITY_AUTO_CONVERGE,
        MIGRATION_CAPABILITY_EVENTS,
        MIGRATION_CAPABILITY_RETURN_PATH,
        MIGRATION_CAPABILITY_PAUSE_BEFORE_SWITCHOVER,
        MIGRATION_CAPABILITY_MULTIFD,
        MIGRATION_CAPABILITY_ZERO_COPY_SEND,
        MIGRATION_CAPABILITY_MAPPED_RAM,
    };
    MigrationPair *pair = pair_new();
    MigrationCapabilityStatusList *list =
        migration_query_capabilities(pair->src.migration);
    size_t i = 0;

    for (MigrationCapabilityStatusList *l = list; l; l = l->next) {
        g_assert_cmpuint(i, <, ARRAY_SIZE(order));
        g_assert_cmpint(l->value->capability, ==, order[i++]);
    }
    g_assert_cmpuint(i, ==, ARRAY_SIZE(order));
    qapi_free_MigrationCapabilityStatusList(list);
    pair_free(pair);
}

/* One parameter out of range: the other one is not set either. */
static void check_refused(MigrationParameters params, const char *part)
{
    MigrationPair *pair = pair_new();
    MigrationParameters *p;
    g_autoptr(Error) err = NULL;

    params.has_max_bandwidth = true;
    params.max_bandwidth = 1;
    g_assert_false(migration_set_parameters(pair->src.migration, &params,
                                            &err));
    g_assert_nonnull(strstr(error_get_pretty(err), part));
    p = migration_query_parameters(pair->src.migration);
    g_assert_cmpuint(p->max_bandwidth, ==, 134217728);
    qapi_free_MigrationParameters(p);
    pair_free(pair);
}

static void test_no_channel_is_refused(void)
{
    check_refused((MigrationParameters) { .has_multifd_channels = true },
                  "'multifd_channels'");
}

static void test_a_downtime_over_2000_s_is_refused(void)
{
    check_refused((MigrationParameters) { .has_downtime_limit = true,
                                          .downtime_limit = 2000001 },
                  "'downtime_limit'");
}

static void test_multifd_cannot_change_while_listening(void)
{
    MigrationCapabilityStatus status = {
        .capability = MIGRATION_CAPABILITY_MULTIFD,
        .state = true,
    };
    MigrationCapabilityStatusList list = { .value = &status };
    MigrationPair *pair = pair_new();
    g_autoptr(Error) err = NULL;

    pair_listen(pair);
    g_assert_false(migration_set_capabilities(pair->dst.migration, &list,
                                              &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "before incoming"));
    pair_free(pair);
}

static void test_properties(void)
{
    MigrationPair *pair = pair_new();
    g_autoptr(Error) err = NULL;

    g_assert_true(migration_stores_global_state(pair->src.migration));
    g_assert_true(migration_set_property(pair->src.migration,
                                         "store-global-state", "off", &err));
    g_assert_false(migration_stores_global_state(pair->src.migration));
    pair_free(pair);
}

static void check_property_refused(const char *name, const char *value)
{
    MigrationPair *pair = pair_new();
    g_autoptr(Error) err = NULL;

    g_assert_false(migration_set_property(pair->src.migration, name, value,
                                          &err));
    g_assert_nonnull(err);
    pair_free(pair);
}

static void test_unknown_property_is_refused(void)
{
    check_property_refused("no-such", "on");
}

static void test_property_value_is_checked(void)
{
    check_property_refused("send-configuration", "perhaps");
    check_property_refused("zero-page-detection", "dsa");
}

static void test_incoming_needs_its_option(void)
{
    MigrationPair *pair = pair_new();
    g_autoptr(Error) err = NULL;

    g_assert_false(migration_incoming_start(pair->src.migration, pair->uri,
                                            NULL, false, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "-incoming"));
    pair_free(pair);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings/defaults", test_defaults);
    g_test_add_func("/settings/capabilities-keep-their-order",
                    test_capabilities_keep_their_order);
    g_test_add_func("/settings/no-channel-is-refused",
                    test_no_channel_is_refused);
    g_test_add_func("/settings/a-downtime-over-2000-s-is-refused",
                    test_a_downtime_over_2000_s_is_refused);
    g_test_add_func("/settings/multifd-cannot-change-while-listening",
                    test_multifd_cannot_change_while_listening);
    g_test_add_func("/settings/properties", test_properties);
    g_test_add_func("/settings/unknown-property-is-refused",
                    test_unknown_property_is_refused);
    g_test_add_func("/settings/property-value-is-checked",
                    test_property_value_is_checked);
    g_test_add_func("/settings/incoming-needs-its-option",
                    test_incoming_needs_its_option);
    return g_test_run();
}
