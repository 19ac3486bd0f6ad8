/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes of the guest at the worst moments: between clearing the dirty log,
 * asking for holes and reading, with a packet handed over or gone already, and
 * the moment before the guest stands.  With each way to find writes, each kind
 * of memory, plain, multifd and dsa-accel: what it wrote last is what arrives.
 *
 * The guest writes from the pause points' hook, on the migration thread, so
 * that nothing here is left to chance.
 */
#include "qemu/osdep.h"
#include "memory/guest-access.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "ram-fixture.h"
#include "migration-pair.h"

/* pair_fill() makes runs of seven pages, in turn of these sorts. */
#define NORMAL_PAGE 3
#define ZERO_PAGE 10
#define HOLE_PAGE 17

/* At so many pause points a storm of writes goes on. */
#define STORM_HITS 40

typedef enum Way {
    WAY_PLAIN,
    WAY_MULTIFD,
    WAY_DSA,
} Way;

/* What the guest does when it comes to a point. */
typedef enum Deed {
    DEED_WRITE,             /* at once */
    DEED_WAIT_AND_WRITE,    /* when the page is at the destination */
    DEED_STORM,             /* anywhere, at each point */
    DEED_LAST_MOMENT,       /* while it is being stopped */
} Deed;

typedef struct WriteCase {
    const char *name;
    Deed deed;
    PausePoint point;
    unsigned nr_before;     /* how often the point was passed before */
    bool multifd;           /* has no such point without */
    uint64_t page;
    uint8_t value;
} WriteCase;

static const WriteCase write_cases[] = {
    { "a hole after the log was cleared", DEED_WRITE,
      PAUSE_POINT_AFTER_CLEAR, 0, false, HOLE_PAGE, 0x5a },
    { "a normal page after the log was cleared", DEED_WRITE,
      PAUSE_POINT_AFTER_CLEAR, 0, false, NORMAL_PAGE, 0x5a },
    { "a hole after holes were asked for", DEED_WRITE,
      PAUSE_POINT_AFTER_HOLE_QUERY, 0, false, HOLE_PAGE, 0x5a },
    { "a zero page after holes were asked for", DEED_WRITE,
      PAUSE_POINT_AFTER_HOLE_QUERY, 0, false, ZERO_PAGE, 0x5a },
    { "a page to zero after holes were asked for", DEED_WRITE,
      PAUSE_POINT_AFTER_HOLE_QUERY, 0, false, NORMAL_PAGE, 0 },
    { "a page of the chunk before", DEED_WRITE,
      PAUSE_POINT_AFTER_CLEAR, 1, false, NORMAL_PAGE, 0x5a },
    { "a hole of the chunk before", DEED_WRITE,
      PAUSE_POINT_AFTER_CLEAR, 1, false, HOLE_PAGE, 0x5a },
    { "a page of a packet that waits", DEED_WRITE,
      PAUSE_POINT_AFTER_SUBMIT, 0, true, NORMAL_PAGE, 0x5a },
    { "a page of a packet that is gone", DEED_WAIT_AND_WRITE,
      PAUSE_POINT_AFTER_SUBMIT, 0, true, NORMAL_PAGE, 0x5a },
    { "a page of a packet that is gone to zero", DEED_WAIT_AND_WRITE,
      PAUSE_POINT_AFTER_SUBMIT, 0, true, NORMAL_PAGE, 0 },
    { "a hole of a packet that waits", DEED_WRITE,
      PAUSE_POINT_AFTER_SUBMIT, 0, true, HOLE_PAGE, 0x5a },
    { "a page before the sync point", DEED_WRITE,
      PAUSE_POINT_BEFORE_SYNC, 1, true, NORMAL_PAGE, 0x5a },
    { "everywhere at every point", DEED_STORM, 0, 0, false, 0, 0 },
    { "the moment before it stands", DEED_LAST_MOMENT, 0, 0, false, 0, 0 },
};

static const struct {
    const char *name;
    RamFixtureKind kind;
} kinds[] = {
    { "ram", RAM_FIXTURE_ANON },
    { "memfd", RAM_FIXTURE_MEMFD },
    { "file shared", RAM_FIXTURE_FILE_SHARED },
    { "file private", RAM_FIXTURE_FILE_PRIVATE },
};

static const char *const way_names[] = { "plain", "multifd", "dsa-accel" };

typedef struct Setup {
    const WriteCase *c;
    RamFixtureKind kind;
    Way way;
    bool wp;
} Setup;

typedef struct Guest {
    const Setup *setup;
    MigrationPair *pair;
    DirtyWp *wp;            /* NULL: it marks what it writes */
    GRand *rand;
    unsigned nr_passed;     /* how often it came to the point of its case */
    unsigned nr_writes;
    RamList *at_switchover; /* its memory when it stood */
} Guest;

static void guest_write(Guest *g, unsigned block_index, uint64_t page,
                        uint8_t value)
{
    PairEnd *src = &g->pair->src;
    RAMBlock *block = ram_list_block(src->ram, block_index);
    uint64_t offset = page << TARGET_PAGE_BITS;

    guest_access_fill(block->host + offset, value, TARGET_PAGE_SIZE);
    if (!g->wp) {
        dirty_soft_mark(src->soft, block, offset, TARGET_PAGE_SIZE);
    }
    g->nr_writes++;
}

/* No channel is held while the hook is: the packet does arrive. */
static void guest_wait_for_arrival(Guest *g)
{
    uint64_t offset = g->setup->c->page << TARGET_PAGE_BITS;
    const uint8_t *here = ram_list_block(g->pair->src.ram, 0)->host + offset;
    const uint8_t *there = ram_list_block(g->pair->dst.ram, 0)->host + offset;
    uint64_t sent[TARGET_PAGE_SIZE / 8], arrived[TARGET_PAGE_SIZE / 8];

    guest_access_read(sent, here, sizeof(sent));
    do {
        g_thread_yield();
        guest_access_read(arrived, there, sizeof(arrived));
    } while (memcmp(sent, arrived, sizeof(sent)) != 0);
}

static void guest_storm(Guest *g)
{
    for (unsigned i = 0; i < 5; i++) {
        unsigned block = (unsigned)g_rand_int_range(g->rand, 0, 2);
        uint64_t nr_pages = ram_list_block(g->pair->src.ram, block)->nr_pages;
        gint32 value = g_rand_int_range(g->rand, -100, 256);

        guest_write(g, block,
                    (uint64_t)g_rand_int_range(g->rand, 0, (gint32)nr_pages),
                    (uint8_t)MAX(value, 0));
    }
}

static void guest_keep_memory(Guest *g)
{
    for (unsigned i = 0; i < 2; i++) {
        RAMBlock *block = ram_list_block(g->pair->src.ram, i);

        memcpy(ram_list_block(g->at_switchover, i)->host, block->host,
               block->used_length);
    }
}

static void guest_hit(void *opaque, PausePoint point)
{
    Guest *g = opaque;
    const WriteCase *c = g->setup->c;

    if (point == PAUSE_POINT_AT_SWITCHOVER) {
        g_assert_false(qatomic_read(&g->pair->src.running));
        guest_keep_memory(g);
    }
    /* The walk goes by more points when the guest stands. */
    if (!qatomic_read(&g->pair->src.running) ||
        c->deed == DEED_LAST_MOMENT) {
        return;
    }
    if (c->deed == DEED_STORM) {
        if (g->nr_passed++ < STORM_HITS) {
            guest_storm(g);
        }
    } else if (point == c->point && g->nr_passed++ == c->nr_before) {
        if (c->deed == DEED_WAIT_AND_WRITE) {
            guest_wait_for_arrival(g);
        }
        guest_write(g, 0, c->page, c->value);
    }
}

static bool guest_stop(void *opaque, Error **errp)
{
    PairEnd *end = opaque;
    MigrationPair *pair = container_of(end, MigrationPair, src);
    Guest *g = pair->pause_points.opaque;

    if (g->setup->c->deed == DEED_LAST_MOMENT) {
        guest_write(g, 0, NORMAL_PAGE, 0x5a);
        guest_write(g, 0, NORMAL_PAGE + 1, 0);
        guest_write(g, 0, ZERO_PAGE, 0x5b);
        guest_write(g, 0, HOLE_PAGE, 0x5c);
        guest_write(g, 0, HOLE_PAGE + 1, 0);
        guest_write(g, 1, PAIR_BLOCK_B_PAGES - 1, 0x5d);
    }
    qatomic_inc(&end->nr_stops);
    qatomic_set(&end->running, false);
    return true;
}

static RamList *make_ram(RamFixtureKind kind)
{
    const RamFixtureBlock blocks[] = {
        { "a", PAIR_BLOCK_A_PAGES << TARGET_PAGE_BITS, kind },
        { "b", PAIR_BLOCK_B_PAGES << TARGET_PAGE_BITS, kind },
    };

    return ram_fixture_new(blocks, ARRAY_SIZE(blocks));
}

/* Other memory in place of the pair's. */
static void end_set_ram(PairEnd *end, RamFixtureKind kind)
{
    dirty_soft_free(end->soft);
    end->soft = NULL;
    ram_list_free(end->ram);
    end->ram = make_ram(kind);
    end->soft = dirty_soft_new(end->ram);
    end->host.ram = end->ram;
    end->host.dirty = dirty_soft_provider(end->soft);
}

static void pair_set_way(MigrationPair *pair, Way way)
{
    Error *err = NULL;

    pair_cap(pair, MIGRATION_CAPABILITY_RETURN_PATH);
    if (way != WAY_PLAIN) {
        pair_multifd(pair, 2);
    }
    if (way == WAY_DSA) {
        pair_end_set(&pair->src,
                     "{'zero-page-detection':'dsa-accel','accel-path':"
                     "['dsa:soft'],'dsa-timeout':60000}", &err);
    }
    g_assert_null(err);
}

/* False, with the test skipped, where the kernel does not write-protect. */
static bool guest_init(Guest *g, const Setup *setup)
{
    Error *err = NULL;
    PairEnd *src, *dst;

    *g = (Guest) {
        .setup = setup,
        .pair = pair_new(),
        .rand = g_rand_new_with_seed(5),
        .at_switchover = make_ram(RAM_FIXTURE_ANON),
    };
    src = &g->pair->src;
    dst = &g->pair->dst;
    end_set_ram(src, setup->kind);
    end_set_ram(dst, setup->kind);
    src->ops.stop = guest_stop;
    if (setup->wp) {
        g->wp = dirty_wp_new(src->ram, &err);
        if (err) {
            g_test_skip(error_get_pretty(err));
            error_free(err);
        } else {
            src->host.dirty = dirty_wp_provider(g->wp);
        }
    }
    pair_remake(src);
    pair_remake(dst);
    pair_set_way(g->pair, setup->way);
    g->pair->pause_points = (PausePoints) { .hit = guest_hit, .opaque = g };
    return !setup->wp || g->wp;
}

static void guest_clear(Guest *g)
{
    migration_free(g->pair->src.migration);
    g->pair->src.migration = NULL;
    dirty_wp_free(g->wp);
    pair_free(g->pair);
    ram_list_free(g->at_switchover);
    g_rand_free(g->rand);
}

static void test_write_arrives(gconstpointer opaque)
{
    Guest g;

    if (pair_needs_pause_points()) {
        return;
    }
    if (guest_init(&g, opaque)) {
        pair_fill(g.pair->src.ram, 2);
        g.pair->src.running = true;
        pair_listen(g.pair);
        pair_start(g.pair);
        g_assert_cmpint(pair_wait(&g.pair->src), ==,
                        MIGRATION_STATUS_COMPLETED);
        g_assert_cmpint(pair_wait(&g.pair->dst), ==,
                        MIGRATION_STATUS_COMPLETED);
        g_assert_cmpuint(g.nr_writes, >, 0);
        pair_assert_equal(g.pair);
        ram_fixture_assert_equal(g.pair->dst.ram, g.at_switchover);
    }
    guest_clear(&g);
}

static void add_tests(RamFixtureKind kind, const char *memory, bool wp,
                      Way way)
{
    for (size_t i = 0; i < ARRAY_SIZE(write_cases); i++) {
        const WriteCase *c = &write_cases[i];
        g_autofree char *path = g_strdup_printf(
            "/writes/%s/%s/%s/%s", wp ? "wp" : "soft", memory, way_names[way],
            c->name);
        Setup *setup = g_new(Setup, 1);

        if (c->multifd && way == WAY_PLAIN) {
            g_free(setup);
            continue;
        }
        *setup = (Setup) { .c = c, .kind = kind, .way = way, .wp = wp };
        g_test_add_data_func_full(path, setup, test_write_arrives, g_free);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        for (Way way = WAY_PLAIN; way <= WAY_DSA; way++) {
            add_tests(kinds[i].kind, kinds[i].name, false, way);
            add_tests(kinds[i].kind, kinds[i].name, true, way);
        }
    }
    return g_test_run();
}
