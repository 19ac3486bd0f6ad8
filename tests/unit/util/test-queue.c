/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the three kinds of intrusive lists.
 */
#include "qemu/osdep.h"

#include "qemu/queue.h"

typedef struct Item {
    char name;
    QLIST_ENTRY(Item) list;
    QSIMPLEQ_ENTRY(Item) queue;
    QTAILQ_ENTRY(Item) tail;
} Item;

typedef QLIST_HEAD(ItemList, Item) ItemList;
typedef QSIMPLEQ_HEAD(ItemQueue, Item) ItemQueue;
typedef QTAILQ_HEAD(ItemTail, Item) ItemTail;

#define ITEMS { { 'a' }, { 'b' }, { 'c' }, { 'd' } }

/* The names in the order of the list. */
#define NAMES(kind, head, field) ({ \
        GString *names_ = g_string_new(NULL); \
        Item *var_; \
        kind##_FOREACH(var_, head, field) { \
            g_string_append_c(names_, var_->name); \
        } \
        g_string_free(names_, FALSE); })

#define CHECK(kind, head, field, expected) do { \
        g_autofree char *is_ = NAMES(kind, head, field); \
        g_assert_cmpstr(is_, ==, expected); \
    } while (0)

static void test_list(void)
{
    Item i[] = ITEMS;
    ItemList head = QLIST_HEAD_INITIALIZER(head);

    g_assert_true(QLIST_EMPTY(&head));
    QLIST_INSERT_HEAD(&head, &i[1], list);
    QLIST_INSERT_HEAD(&head, &i[0], list);
    QLIST_INSERT_AFTER(&i[1], &i[3], list);
    QLIST_INSERT_BEFORE(&i[3], &i[2], list);
    CHECK(QLIST, &head, list, "abcd");
    QLIST_REMOVE(&i[0], list);
    QLIST_REMOVE(&i[2], list);
    CHECK(QLIST, &head, list, "bd");
    g_assert_false(QLIST_IS_INSERTED(&i[2], list));
    QLIST_SAFE_REMOVE(&i[2], list);
    QLIST_SAFE_REMOVE(&i[3], list);
    CHECK(QLIST, &head, list, "b");
}

static void test_simple_queue(void)
{
    Item i[] = ITEMS;
    ItemQueue head = QSIMPLEQ_HEAD_INITIALIZER(head);
    ItemQueue other = QSIMPLEQ_HEAD_INITIALIZER(other);

    QSIMPLEQ_INSERT_TAIL(&head, &i[1], queue);
    QSIMPLEQ_INSERT_HEAD(&head, &i[0], queue);
    QSIMPLEQ_INSERT_TAIL(&other, &i[2], queue);
    QSIMPLEQ_INSERT_TAIL(&other, &i[3], queue);
    QSIMPLEQ_CONCAT(&head, &other);
    CHECK(QSIMPLEQ, &head, queue, "abcd");
    g_assert_true(QSIMPLEQ_EMPTY(&other));
    QSIMPLEQ_CONCAT(&head, &other);
    for (size_t n = 0; n < 4; n++) {
        g_assert_true(QSIMPLEQ_FIRST(&head) == &i[n]);
        QSIMPLEQ_REMOVE_HEAD(&head, queue);
    }
    /* An emptied queue appends at its front again. */
    QSIMPLEQ_INSERT_TAIL(&head, &i[2], queue);
    CHECK(QSIMPLEQ, &head, queue, "c");
}

static void test_tail_queue(void)
{
    Item i[] = ITEMS;
    ItemTail head = QTAILQ_HEAD_INITIALIZER(head);

    g_assert_null(QTAILQ_LAST_FIELD(&head, tail));
    QTAILQ_INSERT_TAIL(&head, &i[1], tail);
    QTAILQ_INSERT_HEAD(&head, &i[0], tail);
    QTAILQ_INSERT_AFTER(&head, &i[1], &i[3], tail);
    QTAILQ_INSERT_BEFORE(&head, &i[3], &i[2], tail);
    CHECK(QTAILQ, &head, tail, "abcd");
    g_assert_true(QTAILQ_LAST_FIELD(&head, tail) == &i[3]);
    g_assert_true(QTAILQ_PREV_FIELD(&head, &i[3], tail) == &i[2]);
    g_assert_null(QTAILQ_PREV_FIELD(&head, &i[0], tail));
    QTAILQ_REMOVE(&head, &i[3], tail);
    QTAILQ_REMOVE(&head, &i[0], tail);
    g_assert_true(QTAILQ_LAST_FIELD(&head, tail) == &i[2]);
    QTAILQ_INSERT_TAIL(&head, &i[0], tail);
    CHECK(QTAILQ, &head, tail, "bca");
    g_assert_false(QTAILQ_IN_USE(&i[3], tail));
}

static void test_safe_loops_may_remove(void)
{
    Item i[] = ITEMS;
    ItemTail head = QTAILQ_HEAD_INITIALIZER(head);
    Item *item, *next;

    for (size_t n = 0; n < 4; n++) {
        QTAILQ_INSERT_TAIL(&head, &i[n], tail);
    }
    QTAILQ_FOREACH_SAFE(item, &head, tail, next) {
        QTAILQ_REMOVE(&head, item, tail);
    }
    g_assert_true(QTAILQ_EMPTY(&head));
    g_assert_null(QTAILQ_LAST_FIELD(&head, tail));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/queue/list", test_list);
    g_test_add_func("/queue/simple-queue", test_simple_queue);
    g_test_add_func("/queue/tail-queue", test_tail_queue);
    g_test_add_func("/queue/safe-loops-may-remove",
                    test_safe_loops_may_remove);
    return g_test_run();
}
