/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two machines in one process.
 */
#include "qemu/osdep.h"
#include <glib/gstdio.h>
#include <json-c/json.h>
#include "migration/stream/wire.h"
#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-migration.h"
#include "qapi/util.h"
#include "qemu/atomic.h"
#include "tests/lib/ram-fixture.h"
#include "tests/unit/qapi/json-text.h"
#include "migration-pair.h"

static const VMStateDescription vmstate_pair_device = {
    .name = "pair-device",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(uint64_t),
    .fields = (const VMStateField[]) {
        { .name = "value", .kind = VMS_SINGLE, .size = sizeof(uint64_t),
          .num = 1, .info = &vmstate_info_uint64 },
        VMSTATE_END_OF_LIST()
    },
};

static bool ops_can_migrate(void *opaque, Error **errp)
{
    return true;
}

static bool ops_running(void *opaque)
{
    PairEnd *end = opaque;

    return qatomic_read(&end->running);
}

static bool ops_stop(void *opaque, Error **errp)
{
    PairEnd *end = opaque;

    qatomic_inc(&end->nr_stops);
    qatomic_set(&end->running, false);
    return true;
}

static void ops_resume(void *opaque)
{
    PairEnd *end = opaque;

    qatomic_inc(&end->nr_resumes);
    qatomic_set(&end->throttle_at_resume, qatomic_read(&end->throttle));
    qatomic_set(&end->running, true);
}

static void ops_migrated(void *opaque)
{
    PairEnd *end = opaque;

    qatomic_inc(&end->nr_migrated);
}

static bool ops_incoming_done(void *opaque, Error **errp)
{
    PairEnd *end = opaque;

    qatomic_inc(&end->nr_done);
    return true;
}

static void ops_incoming_failed(void *opaque, const char *message,
                                bool exit_on_error)
{
    PairEnd *end = opaque;

    qatomic_inc(&end->nr_failed);
    g_free(end->failure);
    end->failure = g_strdup(message);
}

static void ops_throttle(void *opaque, unsigned percent)
{
    PairEnd *end = opaque;

    qatomic_inc(&end->nr_throttles);
    qatomic_set(&end->throttle, percent);
}

static void ops_warn(void *opaque, const char *message)
{
    PairEnd *end = opaque;

    qatomic_inc(&end->nr_warnings);
}

static const MachineOps pair_ops = {
    .can_migrate = ops_can_migrate,
    .running = ops_running,
    .stop = ops_stop,
    .resume = ops_resume,
    .migrated = ops_migrated,
    .incoming_done = ops_incoming_done,
    .incoming_failed = ops_incoming_failed,
    .throttle = ops_throttle,
    .warn = ops_warn,
};

static void pair_wake(void *opaque)
{
}

/* The status may have changed: let the waiting test look again. */
static void pair_event(void *opaque, unsigned event_enum, const char *name,
                       struct json_object *event)
{
    PairEnd *end = opaque;

    json_object_put(event);
    main_loop_schedule(end->loop, pair_wake, end);
}

static const RamFixtureBlock pair_blocks[] = {
    { "a", PAIR_BLOCK_A_PAGES << TARGET_PAGE_BITS, RAM_FIXTURE_MEMFD },
    { "b", PAIR_BLOCK_B_PAGES << TARGET_PAGE_BITS, RAM_FIXTURE_MEMFD },
};

static void pair_end_init(MigrationPair *pair, PairEnd *end, bool incoming)
{
    MigrationHost host = {
        .machine_opaque = end,
        .loop = pair->loop,
        .machine_name = "none",
        .missing_pages_fatal = true,
        .incoming_expected = incoming,
        .pause_points = &pair->pause_points,
    };
    Error *err = NULL;

    end->loop = pair->loop;
    end->ops = pair_ops;
    end->events = (QapiEventSink) { .emit = pair_event, .opaque = end };
    end->ram = ram_fixture_new(pair_blocks, ARRAY_SIZE(pair_blocks));
    end->soft = dirty_soft_new(end->ram);
    end->vmstate = vmstate_registry_new();
    vmstate_register_iterable(end->vmstate, RAM_SAVE_IDSTR, 0,
                              RAM_SAVE_VERSION, &err);
    g_assert_null(err);
    vmstate_register(end->vmstate, "pair-device", 0, &vmstate_pair_device,
                     &end->device, &err);
    g_assert_null(err);
    host.ram = end->ram;
    host.dirty = dirty_soft_provider(end->soft);
    host.vmstate = end->vmstate;
    host.machine = &end->ops;
    host.events = &end->events;
    end->host = host;
    end->migration = migration_new(&host);
}

bool pair_needs_pause_points(void)
{
#ifdef CONFIG_PAUSE_POINTS
    return false;
#else
    g_test_skip("built without pause points");
    return true;
#endif
}

static void pair_no_pause(void *opaque, PausePoint point)
{
}

MigrationPair *pair_new(void)
{
    MigrationPair *pair = g_new0(MigrationPair, 1);
    Error *err = NULL;

    pair->loop = main_loop_new(NULL, &err);
    g_assert_null(err);
    pair->pause_points.hit = pair_no_pause;
    pair->dir = g_dir_make_tmp("wherry-pair-XXXXXX", NULL);
    pair->uri = g_strdup_printf("unix:%s/s", pair->dir);
    pair_end_init(pair, &pair->src, false);
    pair_end_init(pair, &pair->dst, true);
    pair_cap(pair, MIGRATION_CAPABILITY_EVENTS);
    return pair;
}

static void pair_end_clear(PairEnd *end)
{
    migration_free(end->migration);
    vmstate_registry_free(end->vmstate);
    dirty_soft_free(end->soft);
    ram_list_free(end->ram);
    g_free(end->failure);
}

void pair_free(MigrationPair *pair)
{
    if (!pair) {
        return;
    }
    pair_end_clear(&pair->src);
    pair_end_clear(&pair->dst);
    main_loop_free(pair->loop);
    g_assert_cmpint(g_rmdir(pair->dir), ==, 0);
    g_free(pair->dir);
    g_free(pair->uri);
    g_free(pair);
}

void pair_end_cap(PairEnd *end, MigrationCapability cap)
{
    MigrationCapabilityStatus status = { .capability = cap, .state = true };
    MigrationCapabilityStatusList list = { .value = &status };
    Error *err = NULL;

    migration_set_capabilities(end->migration, &list, &err);
    g_assert_null(err);
}

void pair_remake(PairEnd *end)
{
    migration_free(end->migration);
    end->migration = migration_new(&end->host);
    pair_end_cap(end, MIGRATION_CAPABILITY_EVENTS);
}

void pair_cap(MigrationPair *pair, MigrationCapability cap)
{
    pair_end_cap(&pair->src, cap);
    pair_end_cap(&pair->dst, cap);
}

bool pair_end_set(PairEnd *end, const char *text, Error **errp)
{
    struct json_object *json = json_from_text(text);
    g_autoptr(Visitor) v = json_input_visitor_new(json);
    g_autoptr(MigrationParameters) params = NULL;

    json_object_put(json);
    return visit_type_MigrationParameters(v, NULL, &params, errp) &&
           migration_set_parameters(end->migration, params, errp);
}

void pair_multifd(MigrationPair *pair, unsigned channels)
{
    MigrationParameters params = {
        .has_multifd_channels = true,
        .multifd_channels = (uint8_t)channels,
    };
    Error *err = NULL;

    pair_cap(pair, MIGRATION_CAPABILITY_MULTIFD);
    migration_set_parameters(pair->src.migration, &params, &err);
    g_assert_null(err);
    migration_set_parameters(pair->dst.migration, &params, &err);
    g_assert_null(err);
}

/* One of three kinds, in runs of seven pages. */
static void pair_fill_page(uint8_t *host, uint64_t page, GRand *rand)
{
    switch (page / 7 % 3) {
    case 0:
        for (unsigned i = 0; i < TARGET_PAGE_SIZE; i += 4) {
            uint32_t v = g_rand_int(rand) | 1;

            memcpy(host + i, &v, sizeof(v));
        }
        break;
    case 1:
        memset(host, 0, TARGET_PAGE_SIZE);
        break;
    default:
        break;                  /* stays a hole */
    }
}

void pair_fill(RamList *list, uint32_t seed)
{
    GRand *rand = g_rand_new_with_seed(seed);

    for (unsigned b = 0; b < ram_list_nr_blocks(list); b++) {
        RAMBlock *block = ram_list_block(list, b);

        for (uint64_t page = 0; page < block->nr_pages; page++) {
            pair_fill_page(block->host + (page << TARGET_PAGE_BITS), page,
                           rand);
        }
    }
    g_rand_free(rand);
}

void pair_write(PairEnd *end, RAMBlock *block, uint64_t page, uint8_t value)
{
    uint64_t offset = page << TARGET_PAGE_BITS;

    memset(block->host + offset, value, TARGET_PAGE_SIZE);
    dirty_soft_mark(end->soft, block, offset, TARGET_PAGE_SIZE);
}

void pair_listen(MigrationPair *pair)
{
    Error *err = NULL;

    migration_incoming_start(pair->dst.migration, pair->uri, NULL, false,
                             &err);
    g_assert_null(err);
}

void pair_start(MigrationPair *pair)
{
    Error *err = NULL;

    migration_start(pair->src.migration, pair->uri, NULL, &err);
    g_assert_null(err);
}

static MigrationStatus end_status(PairEnd *end)
{
    MigrationInfo *info = migration_query(end->migration);
    MigrationStatus status = info->has_status ? info->status
                                              : MIGRATION_STATUS_NONE;

    qapi_free_MigrationInfo(info);
    return status;
}

void pair_wait_status(PairEnd *end, MigrationStatus status)
{
    while (end_status(end) != status) {
        g_main_context_iteration(main_loop_context(end->loop), TRUE);
    }
}

MigrationStatus pair_wait(PairEnd *end)
{
    while (migration_is_running(end->migration)) {
        g_main_context_iteration(main_loop_context(end->loop), TRUE);
    }
    if (end_status(end) == MIGRATION_STATUS_FAILED) {
        g_autofree char *error = pair_error(end);

        g_test_message("failed: %s", error);
    }
    return end_status(end);
}

char *pair_error(PairEnd *end)
{
    MigrationInfo *info = migration_query(end->migration);
    char *error = g_strdup(info->error_desc);

    qapi_free_MigrationInfo(info);
    return error;
}

void pair_assert_equal(MigrationPair *pair)
{
    ram_fixture_assert_equal(pair->src.ram, pair->dst.ram);
}

const PairVariant pair_variants[PAIR_NR_VARIANTS] = {
    { "plain", 0, false },
    { "plain-return-path", 0, true },
    { "multifd", 2, false },
    { "multifd-return-path", 2, true },
};

MigrationPair *pair_new_variant(const PairVariant *v)
{
    MigrationPair *pair = pair_new();

    if (v->channels) {
        pair_multifd(pair, v->channels);
    }
    if (v->return_path) {
        pair_cap(pair, MIGRATION_CAPABILITY_RETURN_PATH);
    }
    pair_fill(pair->src.ram, 6);
    pair->src.running = true;
    return pair;
}

void pair_add_variants(const char *what, void (*func)(const void *))
{
    for (size_t i = 0; i < ARRAY_SIZE(pair_variants); i++) {
        g_autofree char *path = g_strdup_printf("%s/%s", what,
                                                pair_variants[i].name);

        g_test_add_data_func(path, &pair_variants[i], func);
    }
}
