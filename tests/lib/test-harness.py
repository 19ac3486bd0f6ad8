# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of what the tests lean on: RAM images and their comparison, the
# encoder against the decoder, the TAP report.  A harness that cannot see a
# difference would pass everything.

import io
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from wherrytest import decode, lifetime, ram, stream, tap  # noqa: E402

SIZE = 512 * ram.PAGE


class Images(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.one = os.path.join(folder.name, 'one')
        self.two = os.path.join(folder.name, 'two')

    def create(self, kind='mixed', seed=1):
        for path in (self.one, self.two):
            ram.create(path, SIZE, kind, seed)

    def test_same_seed_same_bytes(self):
        for kind in ram.KINDS:
            self.create(kind)
            self.assertIsNone(ram.first_difference(self.one, self.two))

    def test_other_seed_other_bytes(self):
        ram.create(self.one, SIZE, 'mixed', 1)
        ram.create(self.two, SIZE, 'mixed', 2)
        self.assertIn('page', ram.first_difference(self.one, self.two))

    def test_last_byte_differs(self):
        self.create()
        with open(self.two, 'r+b') as image:
            image.seek(SIZE - 1)
            last = image.read(1)[0]
            image.seek(SIZE - 1)
            image.write(bytes([last ^ 1]))
        text = ram.first_difference(self.one, self.two)
        self.assertIn('page 511', text)
        self.assertIn('byte 4095', text)

    def test_two_pages_swapped(self):
        self.create('random')
        with open(self.two, 'rb') as image:
            data = image.read()
        ram.write_pages(self.two, {3: data[7 * ram.PAGE:8 * ram.PAGE],
                                   7: data[3 * ram.PAGE:4 * ram.PAGE]})
        self.assertIn('page 3', ram.first_difference(self.one, self.two))

    def test_shorter_file(self):
        self.create()
        os.truncate(self.two, SIZE - ram.PAGE)
        self.assertIn('sizes', ram.first_difference(self.one, self.two))

    def test_counts_are_those_of_the_bytes(self):
        for kind in ram.KINDS:
            ram.create(self.one, SIZE, kind, 3)
            with open(self.one, 'rb') as image:
                pages = [image.read(ram.PAGE) for _ in range(SIZE
                                                             // ram.PAGE)]
            zero = pages.count(bytes(ram.PAGE))
            self.assertEqual(ram.count_pages(kind, SIZE, 3),
                             (len(pages) - zero, zero))

    def test_holes_are_holes(self):
        ram.create(self.one, SIZE, 'holes')
        self.assertEqual(ram.allocated(self.one), 0)
        ram.create(self.one, SIZE, 'zero')
        self.assertGreaterEqual(ram.allocated(self.one), SIZE)


class Streams(unittest.TestCase):
    IMAGE = (b'\x01' * ram.PAGE + bytes(ram.PAGE)) * 4

    def text(self, data):
        return '\n'.join(line for _, line in decode.decode(data))

    def test_plain(self):
        text = self.text(stream.plain('m', len(self.IMAGE), self.IMAGE[:]))
        self.assertEqual(text.count('normal "m"'), 4)
        self.assertEqual(text.count('zero   "m"'), 4)
        self.assertTrue(text.endswith('description 2 bytes: {}'), text)

    def test_multifd(self):
        main, channels = stream.multifd('m', len(self.IMAGE), self.IMAGE, 2)
        self.assertEqual(self.text(main).count('FLUSH'), 2)
        for number, data in enumerate(channels):
            text = self.text(data)
            self.assertIn('channel=%d' % number, text)
            self.assertEqual(text.count('flags=0x1 '), 2)
        self.assertIn('normal=4 zero=4', self.text(channels[0]))

    def test_truncated(self):
        data = stream.plain('m', len(self.IMAGE), self.IMAGE)
        with self.assertRaises(decode.DecodeError):
            self.text(data[:5000])

    def test_garbage(self):
        with self.assertRaises(decode.DecodeError):
            self.text(b'not a stream at all')


class Report(unittest.TestCase):
    class Sample(unittest.TestCase):
        def test_good(self):
            pass

        def test_bad(self):
            self.fail('because # of this')

        def test_skipped(self):
            self.skipTest('no machine')

        def test_parts(self):
            for part in (1, 2):
                with self.subTest(part=part):
                    self.assertEqual(part, 1)

    def test_lines(self):
        out = io.StringIO()
        result = tap.TapResult(out)
        unittest.defaultTestLoader.loadTestsFromTestCase(self.Sample).run(
            result)
        lines = [line for line in out.getvalue().splitlines()
                 if not line.startswith('#')]
        self.assertEqual(lines, [
            'not ok 1 - /Sample/bad',
            'ok 2 - /Sample/good',
            'ok 3 - /Sample/parts (part=1)',
            'not ok 4 - /Sample/parts (part=2)',
            'ok 5 - /Sample/skipped # SKIP no machine'])
        self.assertFalse(result.wasSuccessful())


class FakeMachine:
    """The log of a machine whose guest ran in these seconds."""

    def __init__(self, name, *spans):
        self.name, self.lines = name, []
        for begin, end in spans:
            self.lines.append('w: 1@%f:runstate_set paused -> running' % begin)
            if end:
                self.lines.append('w: 1@%f:runstate_set running -> paused'
                                  % end)

    def log(self):
        return '\n'.join(self.lines)


class Lifetimes(unittest.TestCase):
    def test_one_after_the_other(self):
        lifetime.check_one_at_a_time(FakeMachine('a', (1, 2), (5, None)),
                                     FakeMachine('b', (2.5, 4)))

    def test_both_at_once(self):
        for spans in ([(1, 3)], [(1, None)]):
            with self.assertRaises(AssertionError):
                lifetime.check_one_at_a_time(FakeMachine('a', *spans),
                                             FakeMachine('b', (2, 4)))

    def test_dead_by_then(self):
        dead = FakeMachine('a', (1, None))
        dead.died = 1.5
        lifetime.check_one_at_a_time(dead, FakeMachine('b', (2, None)))


if __name__ == '__main__':
    sys.exit(tap.main())
