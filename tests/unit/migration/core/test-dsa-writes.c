/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migrations with zero-page-detection `dsa-accel` of a guest that writes all the
 * time: pages turn zero and back while a queue looks at them, while other
 * packets of the same channel are under way, and while they are being sent.
 * What the guest wrote last must be what arrives.
 *
 * Threads: the test's, and one that is the guest.  Guest::lock lets the guest
 * be stopped between two writes, as vCPUs are.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "migration-pair.h"

/* Rounds in which the guest writes everywhere; then it lets itself be caught. */
#define WILD_ROUNDS 12
/* Pages that it writes from then on, fewer than what may be left. */
#define TAME_PAGES 8

typedef struct Guest {
    PairEnd *end;
    MachineOps ops;             /* the pair's, but for stop and resume */
    QemuThread thread;
    QemuMutex lock;
    bool stopped;               /* guarded by lock */
    bool quit;                  /* guarded by lock */
    /* an atomic */
    bool tame;
} Guest;

static bool guest_can_migrate(void *opaque, Error **errp)
{
    return true;
}

static bool guest_running(void *opaque)
{
    Guest *g = opaque;

    QEMU_LOCK_GUARD(&g->lock);
    return !g->stopped;
}

static bool guest_stop(void *opaque, Error **errp)
{
    Guest *g = opaque;

    QEMU_LOCK_GUARD(&g->lock);
    g->stopped = true;
    return true;
}

static void guest_resume(void *opaque)
{
    Guest *g = opaque;

    QEMU_LOCK_GUARD(&g->lock);
    g->stopped = false;
}

static void guest_migrated(void *opaque)
{
    Guest *g = opaque;

    qatomic_inc(&g->end->nr_migrated);
}

static void guest_warn(void *opaque, const char *message)
{
    Guest *g = opaque;

    qatomic_inc(&g->end->nr_warnings);
}

/*
 * Memory that a guest writes is read without asking it; that is what marks are
 * there for.  A sanitizer of threads is not to see the one side of it.
 */
__attribute__((no_sanitize("thread")))
static void guest_write_page(uint8_t *host, uint32_t value, unsigned at)
{
    volatile uint32_t *word = (volatile uint32_t *)host;

    for (unsigned i = 0; i < TARGET_PAGE_SIZE / sizeof(*word); i++) {
        word[i] = 0;
    }
    word[at % (TARGET_PAGE_SIZE / sizeof(*word))] = value;
}

/* Each second write makes a page zero, the others leave one word in it. */
static void *guest_thread(void *opaque)
{
    Guest *g = opaque;
    GRand *rand = g_rand_new_with_seed(11);
    bool quit = false;

    while (!quit) {
        uint32_t value = g_rand_int(rand);
        RAMBlock *block = ram_list_block(g->end->ram, value >> 8 & 1);
        uint64_t nr_pages = qatomic_read(&g->tame) ? TAME_PAGES / 2
                                                   : block->nr_pages;
        uint64_t offset = (uint64_t)(value >> 9) % nr_pages
                          << TARGET_PAGE_BITS;

        WITH_QEMU_LOCK_GUARD(&g->lock) {
            quit = g->quit;
            if (!g->stopped && !quit) {
                guest_write_page(block->host + offset,
                                 value & 1 ? value : 0, value >> 20);
                dirty_soft_mark(g->end->soft, block, offset,
                                TARGET_PAGE_SIZE);
            }
        }
    }
    g_rand_free(rand);
    return NULL;
}

static void guest_init(Guest *g, PairEnd *end)
{
    *g = (Guest) {
        .end = end,
        .ops = {
            .can_migrate = guest_can_migrate,
            .running = guest_running,
            .stop = guest_stop,
            .resume = guest_resume,
            .migrated = guest_migrated,
            .warn = guest_warn,
        },
    };
    qemu_mutex_init(&g->lock);
    end->host.machine = &g->ops;
    end->host.machine_opaque = g;
}

static void guest_quit(Guest *g)
{
    WITH_QEMU_LOCK_GUARD(&g->lock) {
        g->quit = true;
    }
    qemu_thread_join(&g->thread);
    qemu_mutex_destroy(&g->lock);
}

typedef struct Variant {
    const char *name;
    unsigned channels;
    const char *params;
    bool dies;                  /* its only queue does */
} Variant;

static const Variant variants[] = {
    { "thread", 2, "{'accel-path':['dsa:soft']}" },
    { "in-thread", 2,
      "{'accel-path':['dsa:soft'],'dsa-completion':'in-thread'}" },
    { "one-channel", 1,
      "{'accel-path':['dsa:soft?slow-us=20'],'dsa-adaptive':false,"
      "'multifd-packet-size':16384}" },
    { "eight-channels-two-queues", 8,
      "{'accel-path':['dsa:soft','dsa:soft?mode=dedicated,size=4'],"
      "'dsa-adaptive':false,'multifd-packet-size':32768}" },
    { "packets-of-one-page", 4,
      "{'accel-path':['dsa:soft'],'dsa-adaptive':false,"
      "'multifd-packet-size':4096,'dsa-completion':'in-thread'}" },
    { "largest-packets", 2,
      "{'accel-path':['dsa:soft?shuffle=3'],'dsa-adaptive':false,"
      "'multifd-packet-size':4194304}" },
    { "faults", 4,
      "{'accel-path':['dsa:soft?fault-every=5,fault-at=2048,slow-us=20'],"
      "'dsa-adaptive':false,'multifd-packet-size':65536}" },
    { "every-second-zero-page-as-normal", 4,
      "{'accel-path':['dsa:soft'],'multifd-normal-page-ratio':50,"
      "'multifd-packet-size':65536}" },
    { "device-dies", 4,
      /* No engine whose thread could be late when the queue is proven. */
      "{'accel-path':['dsa:soft?engines=0,stuck-after=100'],'dsa-adaptive':false,"
      "'dsa-timeout':20,'multifd-packet-size':65536}", true },
};

/* A source that may leave ten pages for the time when the guest stands. */
static MigrationPair *writing_pair(const Variant *v, Guest *g)
{
    MigrationPair *pair = pair_new();
    Error *err = NULL;

    guest_init(g, &pair->src);
    pair_remake(&pair->src);
    pair_cap(pair, MIGRATION_CAPABILITY_RETURN_PATH);
    pair_multifd(pair, v->channels);
    pair_end_set(&pair->src,
                 "{'zero-page-detection':'dsa-accel','dsa-timeout':60000,"
                 "'max-bandwidth':0,'downtime-limit':10,"
                 "'avail-switchover-bandwidth':4096000}", &err);
    g_assert_null(err);
    pair_end_set(&pair->src, v->params, &err);
    g_assert_null(err);
    pair_fill(pair->src.ram, 3);
    return pair;
}

static void test_writes_arrive(const void *opaque)
{
    const Variant *v = opaque;
    Guest g;
    MigrationPair *pair = writing_pair(v, &g);
    bool over = false;

    pair_listen(pair);
    qemu_thread_create(&g.thread, "guest", guest_thread, &g,
                       QEMU_THREAD_JOINABLE);
    pair_start(pair);
    while (!over) {
        MigrationInfo *info = migration_query(pair->src.migration);

        over = info->ram && info->ram->dirty_sync_count >= WILD_ROUNDS;
        over = over || !migration_is_running(pair->src.migration);
        qapi_free_MigrationInfo(info);
        g_main_context_iteration(main_loop_context(pair->loop), !over);
    }
    qatomic_set(&g.tame, true);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    guest_quit(&g);
    pair_assert_equal(pair);
    g_assert_cmpuint(pair->src.nr_warnings, ==, v->dies);
    pair_free(pair);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
        g_autofree char *path = g_strdup_printf("/dsa-writes/%s",
                                                variants[i].name);

        g_test_add_data_func(path, &variants[i], test_writes_arrive);
    }
    return g_test_run();
}
