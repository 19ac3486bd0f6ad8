/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of vectors of buffers, against one flat buffer.
 */
#include "qemu/osdep.h"

#include "qemu/iov.h"

#define TOTAL 10

/* "0123456789" in pieces, an empty one among them. */
typedef struct Pieces {
    char text[TOTAL + 1];
    struct iovec iov[5];
} Pieces;

static void pieces_init(Pieces *p)
{
    static const size_t lens[] = { 1, 4, 0, 3, 2 };
    char *pos = p->text;

    memcpy(p->text, "0123456789", TOTAL + 1);
    for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
        p->iov[i] = (struct iovec) { pos, lens[i] };
        pos += lens[i];
    }
}

static void test_size(void)
{
    Pieces p;

    pieces_init(&p);
    g_assert_cmpuint(iov_size(p.iov, 5), ==, TOTAL);
    g_assert_cmpuint(iov_size(NULL, 0), ==, 0);
}

static void test_to_buf_at_every_offset_and_length(void)
{
    Pieces p;

    pieces_init(&p);
    for (size_t off = 0; off <= TOTAL + 1; off++) {
        for (size_t len = 0; len <= TOTAL + 1; len++) {
            char buf[TOTAL + 2] = { 0 };
            size_t expected = off > TOTAL ? 0 : MIN(len, TOTAL - off);

            g_assert_cmpuint(iov_to_buf(p.iov, 5, off, buf, len), ==,
                             expected);
            g_assert_cmpmem(buf, expected, &p.text[MIN(off, TOTAL)],
                            expected);
        }
    }
}

static void test_from_buf_changes_only_its_part(void)
{
    Pieces p;

    pieces_init(&p);
    g_assert_cmpuint(iov_from_buf(p.iov, 5, 3, "abcd", 4), ==, 4);
    g_assert_cmpstr(p.text, ==, "012abcd789");
}

static void test_memset_changes_only_its_part(void)
{
    Pieces p;

    pieces_init(&p);
    g_assert_cmpuint(iov_memset(p.iov, 5, 4, 'x', 100), ==, 6);
    g_assert_cmpstr(p.text, ==, "0123xxxxxx");
}

static void test_copy_shares_memory(void)
{
    struct iovec part[5];
    Pieces p;
    unsigned int nr;

    pieces_init(&p);
    nr = iov_copy(part, 5, p.iov, 5, 2, 5);
    g_assert_cmpuint(nr, ==, 2);
    g_assert_true(part[0].iov_base == &p.text[2]);
    g_assert_cmpuint(part[0].iov_len, ==, 3);
    g_assert_cmpuint(part[1].iov_len, ==, 2);
    g_assert_cmpuint(iov_copy(part, 1, p.iov, 5, 2, 5), ==, 1);
}

static void test_discard_front(void)
{
    for (size_t cut = 0; cut <= TOTAL + 1; cut++) {
        char buf[TOTAL] = { 0 };
        struct iovec *iov;
        unsigned int cnt = 5;
        Pieces p;
        size_t left = TOTAL - MIN(cut, TOTAL);

        pieces_init(&p);
        iov = p.iov;
        g_assert_cmpuint(iov_discard_front(&iov, &cnt, cut), ==,
                         MIN(cut, TOTAL));
        g_assert_cmpuint(iov_size(iov, cnt), ==, left);
        iov_to_buf(iov, cnt, 0, buf, left);
        g_assert_cmpmem(buf, left, p.text + TOTAL - left, left);
    }
}

static void test_discard_back(void)
{
    for (size_t cut = 0; cut <= TOTAL + 1; cut++) {
        char buf[TOTAL] = { 0 };
        unsigned int cnt = 5;
        Pieces p;
        size_t left = TOTAL - MIN(cut, TOTAL);

        pieces_init(&p);
        g_assert_cmpuint(iov_discard_back(p.iov, &cnt, cut), ==,
                         MIN(cut, TOTAL));
        g_assert_cmpuint(iov_size(p.iov, cnt), ==, left);
        iov_to_buf(p.iov, cnt, 0, buf, left);
        g_assert_cmpmem(buf, left, p.text, left);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/iov/size", test_size);
    g_test_add_func("/iov/to-buf-at-every-offset-and-length",
                    test_to_buf_at_every_offset_and_length);
    g_test_add_func("/iov/from-buf-changes-only-its-part",
                    test_from_buf_changes_only_its_part);
    g_test_add_func("/iov/memset-changes-only-its-part",
                    test_memset_changes_only_its_part);
    g_test_add_func("/iov/copy-shares-memory", test_copy_shares_memory);
    g_test_add_func("/iov/discard-front", test_discard_front);
    g_test_add_func("/iov/discard-back", test_discard_back);
    return g_test_run();
}
