/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capability zero-copy-send: what it goes together with.  Migrations with it are
 * the qtests' matter: they need tcp.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration-pair.h"

#define RULE \
    "Zero copy only available for non-compressed non-TLS multifd migration"

/* Switches one capability at the source; the reason when that is refused. */
static char *set_cap(MigrationPair *pair, MigrationCapability cap, bool on)
{
    MigrationCapabilityStatus status = { .capability = cap, .state = on };
    MigrationCapabilityStatusList list = { .value = &status };
    g_autoptr(Error) err = NULL;

    return migration_set_capabilities(pair->src.migration, &list, &err)
           ? NULL : g_strdup(error_get_pretty(err));
}

static bool has_zero_copy(MigrationPair *pair)
{
    MigrationCapabilityStatusList *list =
        migration_query_capabilities(pair->src.migration);
    bool on = false;

    for (MigrationCapabilityStatusList *l = list; l; l = l->next) {
        if (l->value->capability == MIGRATION_CAPABILITY_ZERO_COPY_SEND) {
            on = l->value->state;
        }
    }
    qapi_free_MigrationCapabilityStatusList(list);
    return on;
}

/* A source with multifd and zero-copy-send. */
static MigrationPair *pair_new_zero_copy(void)
{
    MigrationPair *pair = pair_new();

    pair_multifd(pair, 2);
    g_assert_null(set_cap(pair, MIGRATION_CAPABILITY_ZERO_COPY_SEND, true));
    g_assert_true(has_zero_copy(pair));
    return pair;
}

static void test_off_by_default(void)
{
    MigrationPair *pair = pair_new();

    g_assert_false(has_zero_copy(pair));
    pair_free(pair);
}

static void test_not_without_multifd(void)
{
    MigrationPair *pair = pair_new();
    g_autofree char *reason = NULL;

    reason = set_cap(pair, MIGRATION_CAPABILITY_ZERO_COPY_SEND, true);
    g_assert_cmpstr(reason, ==, RULE);
    g_assert_false(has_zero_copy(pair));
    pair_free(pair);
}

static void test_multifd_stays_on(void)
{
    MigrationPair *pair = pair_new_zero_copy();
    g_autofree char *reason = NULL;

    reason = set_cap(pair, MIGRATION_CAPABILITY_MULTIFD, false);
    g_assert_cmpstr(reason, ==, RULE);
    g_assert_null(set_cap(pair, MIGRATION_CAPABILITY_ZERO_COPY_SEND, false));
    g_assert_null(set_cap(pair, MIGRATION_CAPABILITY_MULTIFD, false));
    pair_free(pair);
}

#ifdef CONFIG_ZLIB
static void test_not_with_compression(void)
{
    MigrationPair *pair = pair_new();
    g_autofree char *reason = NULL;

    pair_multifd(pair, 2);
    g_assert_true(pair_end_set(&pair->src, "{'multifd-compression':'zlib'}",
                               NULL));
    reason = set_cap(pair, MIGRATION_CAPABILITY_ZERO_COPY_SEND, true);
    g_assert_cmpstr(reason, ==, RULE);
    pair_free(pair);
}

static void test_no_compression_meanwhile(void)
{
    MigrationPair *pair = pair_new_zero_copy();
    g_autoptr(Error) err = NULL;

    g_assert_false(pair_end_set(&pair->src,
                                "{'multifd-compression':'zlib'}", &err));
    g_assert_cmpstr(error_get_pretty(err), ==, RULE);
    /* Others can be set all the same. */
    g_assert_true(pair_end_set(&pair->src, "{'multifd-channels':3}", NULL));
    pair_free(pair);
}
#endif

static void test_not_with_mapped_ram(void)
{
    MigrationPair *pair = pair_new_zero_copy();
    g_autoptr(Error) err = NULL;

    g_assert_null(set_cap(pair, MIGRATION_CAPABILITY_MAPPED_RAM, true));
    g_assert_false(migration_start(pair->src.migration, "file:/nowhere", NULL,
                                   &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "'zero-copy-send'"));
    pair_free(pair);
}

/* The destination is not told, and a unix socket cannot. */
static void test_over_unix_it_fails(void)
{
    MigrationPair *pair = pair_new_zero_copy();
    g_autofree char *reason = NULL;

    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_FAILED);
    reason = pair_error(&pair->src);
    g_assert_nonnull(strstr(reason, "multifd channel 0: a unix socket has no"
                            " zero-copy-send; use tcp, or do without it"));
    pair_free(pair);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/zero-copy/off-by-default", test_off_by_default);
    g_test_add_func("/zero-copy/rule/multifd", test_not_without_multifd);
    g_test_add_func("/zero-copy/rule/multifd-stays", test_multifd_stays_on);
#ifdef CONFIG_ZLIB
    g_test_add_func("/zero-copy/rule/compression", test_not_with_compression);
    g_test_add_func("/zero-copy/rule/no-compression-meanwhile",
                    test_no_compression_meanwhile);
#endif
    g_test_add_func("/zero-copy/rule/mapped-ram", test_not_with_mapped_ram);
    g_test_add_func("/zero-copy/over-unix", test_over_unix_it_fails);
    return g_test_run();
}
