# SPDX-License-Identifier: GPL-2.0-or-later
#
# scripts/analyze-stream.py on multifd channels, each compression included:
# pages in the order of a destination, and each defect in a recording that has
# no other.

import glob
import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from recordings import (MAKERS, PAGE, QATZIP, QPL, STOCK,  # noqa: E402
                        ZLIB, QplMaker, RecordingCase, ZlibMaker,
                        multifd_main, packed, page, qpl_page, stream)
from analyze import payload  # noqa: E402
from wherrytest import tap  # noqa: E402

GREETING = stream.greeting(0)
SYNC = stream.sync()


def has_zstd():
    try:
        payload.decoder('zstd')
    except payload.Missing:
        return False
    return True


class Good(RecordingCase):
    def test_stock(self):
        found = self.check_good(
            os.path.join(STOCK, 'multifd.main'),
            [os.path.join(STOCK, 'multifd.channel')])
        self.assertEqual(found['ram']['sync-style'], 'FLUSH')
        self.assertEqual(found['ram']['flushes'], 3)
        one = found['channels'][0]
        self.assertEqual(
            {key: one[key] for key in one if key != 'file'},
            {'channel': 0, 'uuid': '00' * 16, 'packet-size': 524288,
             'packets': 4, 'syncs': 3, 'methods': ['none'],
             'pages': {'normal': 1, 'zero': 3, 'xbzrle': 0},
             'payload-bytes': 4096, 'unpacked-bytes': 4096,
             'device-states': 0})

    def test_stock_with_qpl(self):
        """Recorded of a QEMU with libqpl; the RAM is known."""
        for folder in ('one-channel', 'two-channels'):
            path = os.path.join(QPL, folder)
            channels = sorted(glob.glob(os.path.join(path, 'channel-*')))
            main = os.path.join(path, 'main')
            found = self.check_good(main, channels)
            self.assertEqual(found['channels'][0]['methods'], ['qpl'])
            arguments = [word for name in channels
                         for word in ('--channel', name)]
            self.script('extract', main, *arguments, '--ram',
                        'ram0=' + self.path('ram'))
            self.assertEqual(self.read('ram'), b''.join(
                qpl_page(number) for number in range(512)))

    def extract(self, main, channels):
        arguments = ['extract', self.write('main', main), '--ram',
                     'm=' + self.path('ram')]
        for number, data in enumerate(channels):
            arguments += ['--channel', self.write('c%d' % number, data)]
        self.script(*arguments)
        return self.read('ram')

    def test_two_channels(self):
        image = b''.join(page(number) for number in range(300)) \
            + bytes(300 * PAGE)
        main, channels = stream.multifd('m', len(image), image, 2)
        self.check_good(main, channels)
        self.assertEqual(self.extract(main, channels), image)

    def test_a_page_in_two_rounds(self):
        """The last round counts, whichever channel has it."""
        main = multifd_main(2, 3)
        one = GREETING + SYNC + SYNC + stream.packet(
            'm', [0], [PAGE], page(1)) + SYNC + SYNC
        two = stream.greeting(1) + SYNC + stream.packet(
            'm', [0, PAGE], (), page(8) + page(9)) + SYNC + SYNC + SYNC
        for channels in ([one, two], [two, one]):
            found = self.check_good(main, channels)
            self.assertEqual([(r['normal'], r['zero'])
                              for r in found['ram']['rounds']],
                             [(2, 0), (1, 1)])
            self.assertEqual(self.extract(main, channels),
                             page(1) + bytes(PAGE))

    def test_syncs_of_an_older_source(self):
        """One at each end of RAM, pages within sync packets."""
        main = stream.Stream().preamble().setup([('m', PAGE)])
        main.part().eos().footer().finish()
        channel = GREETING + SYNC + stream.packet(
            'm', [0], (), page(1), stream.SYNC) + SYNC
        found = self.check_good(main, [channel])
        self.assertEqual(found['ram']['sync-style'], 'EOS')
        self.assertEqual(self.extract(main, [channel]), page(1))

    def test_zero_pages_on_the_main_channel(self):
        main = stream.Stream().preamble().setup([('m', 2 * PAGE)], True)
        main.part().zero(PAGE, 'm').eos().footer().finish(True)
        channel = GREETING + SYNC + stream.packet('m', [0], (), page(1)) \
            + SYNC
        self.check_good(main, [channel])

    def test_packets_of_another_size(self):
        size = 16 * PAGE
        name = stream.str8('multifd-packet-size-%d' % size)
        main = stream.Stream().header().configuration(subsections=[(
            'configuration/capabilities', 1, struct.pack('>I', 1) + name)])
        main.setup([('m', PAGE)], True).finish(True)
        channel = stream.greeting(0, packet_size=size) + \
            stream.sync(room=16) + \
            stream.packet('m', [0], (), page(1), room=16) + \
            stream.sync(room=16)
        found = self.check_good(main, [channel])
        self.assertEqual(found['channels'][0]['packet-size'], size)
        main = multifd_main(1)
        self.check_defect('packets of 65536 bytes and the configuration '
                          'says 524288', main, [channel])

    def test_device_state(self):
        packet = struct.pack('>III', stream.MULTIFD_MAGIC, 1, 0x40) + \
            b'vfio'.ljust(256, b'\0') + struct.pack('>II', 0, 5) + b'state'
        channel = GREETING + SYNC + packet + stream.packet(
            'm', zero=[0]) + SYNC
        found = self.check_good(multifd_main(1), [channel])
        self.assertEqual(found['channels'][0]['device-states'], 1)

    def test_as_text(self):
        out = self.script(
            os.path.join(STOCK, 'multifd.main'), '--channel',
            os.path.join(STOCK, 'multifd.channel'))
        self.assertIn('1 multifd channel, none', out)
        self.assertIn('the main channel has 3 sync points (FLUSH)', out)

    def test_dump(self):
        out = self.script('dump', os.path.join(STOCK, 'multifd.channel'))
        self.assertIn('channel=0', out)
        self.assertIn('  normal 0x1000-0x1fff\n', out)
        self.assertIn('  zero   0x2000-0x3fff 0x0-0xfff\n', out)


class Compressed(RecordingCase):
    def channel(self, maker):
        """Two packets: a stream goes on from one to the next."""
        first = {number * PAGE: page(number) for number in range(5)}
        second = {number * PAGE: page(number) for number in range(5, 9)}
        return GREETING + SYNC + packed(maker, first, [9 * PAGE]) + \
            packed(maker, second, number=1) + SYNC

    WANT = b''.join(page(number) for number in range(9)) + bytes(PAGE)

    def check_method(self, name):
        main = self.write('main', multifd_main(10))
        channel = self.write('channel', self.channel(MAKERS[name]()))
        found = self.check_good(main, [channel])
        self.assertEqual(found['channels'][0]['methods'], [name])
        self.assertEqual(found['notes'], [])
        self.script('extract', main, '--channel', channel, '--ram',
                    'm=' + self.path('ram'))
        self.assertEqual(self.read('ram'), self.WANT)

    def test_zlib(self):
        self.check_method('zlib')

    @unittest.skipUnless(has_zstd(), 'libzstd is not installed')
    def test_zstd(self):
        self.check_method('zstd')

    def test_qpl(self):
        self.check_method('qpl')

    def test_a_method_that_this_cannot_decode(self):
        channel = GREETING + SYNC + stream.packet(
            'm', [0], (), b'xyz', QATZIP) + SYNC
        found = self.check_good(multifd_main(1), [channel])
        self.assertIn('this does not decode qatzip', found['notes'][0])
        self.script('extract', self.write('m', multifd_main(1)),
                    '--channel', self.write('c', channel), '--ram',
                    'm=' + self.path('ram'), status=1)

    def corrupt(self, name, text, change):
        """A payload with one wrong thing."""
        maker = MAKERS[name]()
        data = change(maker.pack([page(1), page(2)]))
        channel = GREETING + SYNC + stream.packet(
            'm', [0, PAGE], (), data, maker.flag, 7) + SYNC
        found = self.check_defect(text, multifd_main(2), [channel])
        self.assertIn('packet 7', found['text'])

    def test_zlib_corrupt(self):
        self.corrupt('zlib', 'zlib says', lambda data: b'\0' + data[1:])

    def test_zlib_too_short(self):
        def one_page(_):
            return ZlibMaker().pack([page(1)])
        self.corrupt('zlib', 'gives 4096 bytes; the pages have 8192',
                     one_page)

    def test_zlib_too_long(self):
        def three_pages(_):
            return ZlibMaker().pack([page(1)] * 3)
        self.corrupt('zlib', 'goes on behind 8192|gives 8193', three_pages)

    @unittest.skipUnless(has_zstd(), 'libzstd is not installed')
    def test_zstd_corrupt(self):
        self.corrupt('zstd', 'zstd says', lambda data: b'\0' + data[1:])

    @unittest.skipUnless(has_zstd(), 'libzstd is not installed')
    def test_zstd_too_long(self):
        def more(data):
            return data + data[-PAGE - 3:]
        self.corrupt('zstd', 'goes on behind 8192', more)

    @unittest.skipUnless(has_zstd(), 'libzstd is not installed')
    def test_zstd_too_short(self):
        self.corrupt('zstd', 'gives 4096', lambda data: data[:-PAGE - 3])

    def test_qpl_without_room_for_lengths(self):
        self.corrupt('qpl', 'no room for 2 lengths', lambda data: data[:7])

    def test_qpl_length_of_more_than_a_page(self):
        self.corrupt('qpl', 'page 0 of the packet has 4097', lambda data:
                     struct.pack('>I', 4097) + data[4:])

    def test_qpl_length_of_nothing(self):
        self.corrupt('qpl', 'page 0 of the packet has 0 bytes',
                     lambda data: bytes(4) + data[4:])

    def test_qpl_bytes_behind(self):
        self.corrupt('qpl', '1 bytes are left', lambda data: data + b'x')

    def test_qpl_corrupt(self):
        def change(data):
            return data[:8] + b'\xff' + data[9:]
        self.corrupt('qpl', 'page 0 of the packet', change)

    def test_qpl_page_that_is_no_page(self):
        def short(_):
            part = QplMaker.deflate(b'short')
            return struct.pack('>II', len(part), PAGE) + part + page(2)
        self.corrupt('qpl', 'inflates to 5 bytes', short)


class Defects(RecordingCase):
    PACKET = stream.packet('m', [0], (), page(1))

    def check(self, text, *channels, main=None):
        self.check_defect(text, main or multifd_main(1), channels)

    def good(self, number=0, **more):
        return stream.greeting(number, **more) + SYNC + self.PACKET + SYNC

    def test_good_has_none(self):
        self.check_good(multifd_main(1), [self.good()])

    def test_greeting_magic(self):
        self.check('begins with 0x00000007', struct.pack('>I', 7)
                   + self.good()[4:])

    def test_greeting_version(self):
        self.check('has version 2', self.good(version=2))

    def test_packet_size_that_cannot_be(self):
        self.check('has packets of 4097 bytes', self.good(packet_size=4097))

    def test_packet_size_that_is_too_much(self):
        self.check('has packets of 8388608 bytes',
                   self.good(packet_size=8 << 20))

    def test_same_id_twice(self):
        self.check('have the ids 0, 0; 2 channels have 0 to 1', self.good(),
                   GREETING + SYNC + SYNC)

    def test_id_that_is_missing(self):
        self.check('have the ids 0, 2', self.good(),
                   stream.greeting(2) + SYNC + SYNC)

    def test_other_uuid(self):
        self.check('different UUIDs', self.good(),
                   stream.greeting(1, uuid=b'x' * 16) + SYNC + SYNC)

    def test_two_compressions(self):
        two = stream.greeting(1) + SYNC + packed(
            ZlibMaker(), {0: page(2)}) + SYNC
        self.check('different compressions: none, zlib', self.good(), two)

    def test_sync_missing(self):
        self.check('has 1 syncs and the main channel 2', self.good(),
                   stream.greeting(1) + SYNC)

    def test_sync_too_many(self):
        self.check('has 3 syncs and the main channel 2', self.good() + SYNC)

    def test_pages_behind_the_last_sync(self):
        self.check('has 1 pages behind its last sync',
                   self.good() + stream.packet('m', zero=[0]))

    def test_packet_magic(self):
        self.check('no packet at 0x580: magic 0x00000005',
                   GREETING + SYNC + struct.pack('>I', 5) + SYNC[4:])

    def test_packet_version(self):
        self.check('no packet at .* version 9', GREETING + SYNC
                   + stream.packet('m', zero=[0], version=9) + SYNC)

    def test_more_pages_than_room(self):
        self.check('129 normal and 0 zero pages; it has room for 128',
                   GREETING + SYNC + stream.packet('m', normal_pages=129))

    def test_more_pages_than_allocated(self):
        self.check('packet 0 has 2 pages of 1 allocated', GREETING + SYNC
                   + stream.packet('m', zero=[0, 0], pages_alloc=1) + SYNC)

    def test_more_pages_allocated_than_room(self):
        self.check('says that it has room for 129 pages; it has 128', GREETING
                   + SYNC + stream.packet('m', zero=[0], pages_alloc=129)
                   + SYNC)

    def test_unknown_block(self):
        self.check('is of block "x", which is not in', self.good()[:-len(
            SYNC)] + stream.packet('x', zero=[0]) + SYNC)

    def test_page_behind_the_block(self):
        self.check('has page 0x1000 of block "m", which has 0x1000',
                   self.good()[:-len(SYNC)]
                   + stream.packet('m', zero=[PAGE]) + SYNC)

    def test_page_between_pages(self):
        self.check('has page 0x10 of', self.good()[:-len(SYNC)]
                   + stream.packet('m', zero=[PAGE, 0x10]) + SYNC,
                   main=multifd_main(2))

    def test_payload_without_pages(self):
        self.check('only zero pages and 9 bytes', GREETING + SYNC
                   + stream.packet('m', zero=[0], flags=ZLIB, next_size=9)
                   + SYNC)

    def test_cut(self):
        good = self.good()
        for at in (len(good) - 1, 64 + len(SYNC) + 1344 + 5, 64 + 7):
            self.check('ends at', good[:at])
        self.check('ends at', good[:63])

    def test_page_that_never_came(self):
        self.check('1 of 2 pages of block "m" never came: 0x1000-0x1fff$',
                   self.good(), main=multifd_main(2))


if __name__ == '__main__':
    sys.exit(tap.main())
