# SPDX-License-Identifier: GPL-2.0-or-later
#
# scripts/analyze-stream.py on mapped-ram files: what they hold, and each
# defect in a file that has no other.

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from recordings import (MIB, PAGE, RecordingCase,  # noqa: E402
                        mapped_file, mapped_main, page, stream)
from wherrytest import tap  # noqa: E402

THERE = {0, 1, 2, 64, 99}


class Good(RecordingCase):
    def extract(self, path, *more):
        self.script('extract', path, '--ram', 'm=' + self.path('ram'), *more)
        return self.read('ram')

    def want(self, count, there):
        return b''.join(page(number) if number in there else bytes(PAGE)
                        for number in range(count))

    def test_figures(self):
        found = self.check_good(mapped_file([('m', 100, THERE)]))
        block, = found['ram']['blocks']
        self.assertEqual(block['pages'], {'normal': 5, 'zero': 0,
                                          'xbzrle': 0})
        self.assertEqual(block['missing'], 0)
        places = block['mapped']
        self.assertEqual(
            (places['version'], places['bitmap-bytes'], places['pages'],
             places['extents'], places['absent']), (1, 16, MIB, 3, 95))
        self.assertEqual(places['bitmap'], places['header'] + 28)
        self.assertEqual(found['configuration']['capabilities'],
                         ['mapped-ram'])

    def test_extract(self):
        path = self.write('f', mapped_file([('m', 100, THERE)]))
        self.assertEqual(self.extract(path), self.want(100, THERE))

    def test_all_pages(self):
        found = self.check_good(mapped_file([('m', 100, range(100))]))
        block, = found['ram']['blocks']
        self.assertEqual((block['pages']['normal'],
                          block['mapped']['extents']), (100, 1))

    def test_two_blocks_at_an_offset(self):
        data = mapped_file([('x', 3, {1}), ('m', 70, THERE - {99})], 4096)
        path = self.write('f', data)
        self.check_good(path, more=('--offset', '0x1000'))
        self.assertEqual(self.extract(path, '--offset', '4k'),
                         self.want(70, THERE))

    def test_stale_bytes_of_absent_pages_mean_nothing(self):
        data = bytearray(mapped_file([('m', 4, {1})]))
        at = data.index(page(1))
        data[at - PAGE:at] = b'o' * PAGE
        path = self.write('f', data)
        self.assertEqual(self.extract(path), self.want(4, {1}))

    def test_as_text(self):
        out = self.script(self.write('f', mapped_file([('m', 9, {1, 2})])))
        self.assertIn('mapped-ram file', out)
        self.assertIn('Places in the file', out)

    def test_dump(self):
        out = self.script('dump', self.write('f', mapped_file([
            ('m', 9, {1, 2})])))
        self.assertIn('length 0x9000 bitmap 0x', out)

    def test_much_memory_is_not_read(self):
        """4 GiB of which nothing is there but the last page."""
        count = (4 << 30) // PAGE
        head = stream.Stream().header().configuration(subsections=[(
            'configuration/capabilities', 1,
            b'\0\0\0\1' + stream.str8('mapped-ram'))])
        head.start().word(count * PAGE | stream.MEM_SIZE)
        head.raw(stream.str8('m')).be('Q', count * PAGE)
        bitmap = len(head.data) + 28
        head.be('IQQQ', 1, PAGE, bitmap, MIB)
        tail = stream.Stream().eos().footer().finish()
        with open(self.path('f'), 'wb') as file:
            file.write(head.data)
            file.seek(bitmap + count // 8 - 1)
            file.write(b'\x80')
            file.seek(MIB + count * PAGE - PAGE)
            file.write(page(5) + tail.data)
        found = self.check_good(self.path('f'))
        self.assertEqual(found['ram']['blocks'][0]['mapped']['absent'],
                         count - 1)
        self.assertLess(found['allocated'], MIB)
        self.script('extract', self.path('f'), '--ram',
                    'm=' + self.path('ram'))
        status = os.stat(self.path('ram'))
        self.assertEqual(status.st_size, 4 << 30)
        self.assertLess(status.st_blocks * 512, MIB)

    def test_equal_to_a_stream(self):
        image = self.want(9, {1, 5})
        out = self.script('diff', self.write('a', mapped_file([
            ('m', 9, {1, 5})])), self.write('b', stream.plain(
                'm', len(image), image)))
        self.assertIn('equal', out)


class Defects(RecordingCase):
    BLOCKS = [('m', 100, THERE)]

    def check(self, text, **wrong):
        return self.check_defect(text, mapped_file(self.BLOCKS, **wrong))

    def test_version(self):
        self.check('mapped-ram version 2; version 1 is known', version=2)

    def test_page_size(self):
        for size in (0, 8192):
            self.check('mapped-ram pages of %d bytes' % size, page_size=size)

    def test_pages_between_pages(self):
        self.check('0x100001; that is not a multiple of 4096', shift=1)

    def test_pages_before_the_header(self):
        self.check('before its header ends', pages=-MIB)

    def test_pages_behind_the_file(self):
        self.check('pages of block "m" end at .* and the file', pages=MIB)

    def test_bitmap_behind_the_file(self):
        self.check('bitmap of block "m" ends at', bitmap=3 * MIB)

    def test_bitmap_over_the_pages(self):
        self.check('the pages of block "m" and the bitmap of block "m" lie '
                   'over each other', bitmap=MIB + 50 * PAGE)

    def test_bits_behind_the_last_page(self):
        self.check('has 2 bits set behind its 100 pages', bits=(100, 127))

    def test_a_short_file(self):
        data, places = mapped_main(self.BLOCKS)
        self.check_defect('pages of block "m" end at',
                          data[:places['m'] + 99 * PAGE])

    def test_nothing_behind_the_pages(self):
        data, places = mapped_main(self.BLOCKS)
        self.check_defect('ends at', data[:places['m'] + 100 * PAGE])

    def test_a_page_in_the_stream(self):
        data, places = mapped_main(self.BLOCKS)
        tail = stream.Stream().eos().footer().part().page(
            0, page(1), 'm').eos().footer().finish()
        data[places['m'] + 100 * PAGE:] = tail.data
        self.check_defect('is in the stream and not in its place', data)

    def test_a_pipe(self):
        self.script('verify', '-', stdin=mapped_file(self.BLOCKS), status=1)


if __name__ == '__main__':
    sys.exit(tap.main())
