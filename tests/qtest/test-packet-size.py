# SPDX-License-Identifier: GPL-2.0-or-later
#
# Multifd packets of other sizes than the default, as a destination sees them:
# what the main channel announces and what each channel's greeting says must be
# one and the same size, and one that can be.

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import (case, incoming, migrate, peer, stream,  # noqa: E402
                        tap)
from wherrytest.stream import Stream, greeting, packet, sync  # noqa: E402

SIZE = incoming.SIZE
PAGE = stream.PAGE
DATA = b'\x5a' * PAGE
BLOCKS = [('mem0', SIZE)]
DEFAULT = 128 * PAGE
LARGEST = 1024 * PAGE


def capabilities(*names, count=None):
    """Subsection of a configuration that lists these."""
    payload = struct.pack('>I', len(names) if count is None else count)
    return ('configuration/capabilities', 1,
            payload + b''.join(stream.str8(name) for name in names))


def size_name(size):
    return 'multifd-packet-size-%s' % size


def main_all(*names, **options):
    """A complete main channel whose source has these capabilities."""
    subsections = [capabilities(*names, **options)] if names else []
    return Stream().header().configuration(subsections=subsections) \
        .setup(BLOCKS, multifd=True).part().eos().footer() \
        .finish(multifd=True, state='prelaunch')


def channel(number, size, said=None, *packets):
    """A channel of packets of SIZE whose greeting SAID one."""
    room = size // PAGE
    return greeting(number, packet_size=size if said is None else said) + \
        sync(room=room) + b''.join(packets) + sync(room=room)


class Refused(incoming.IncomingCase):
    settings = {'caps': ('multifd',), 'params': {'multifd_channels': 2}}

    def expect_greeting(self, size, *patterns):
        self.expect((main_all().data, greeting(0, packet_size=size)),
                    'greeting', r'\b%d\b' % size, r'\b%d\b' % LARGEST,
                    *patterns)

    def test_greeting_with_part_of_a_page(self):
        for size in (1, PAGE - 1, PAGE + 1, LARGEST - 1):
            self.expect_greeting(size)

    def test_greeting_above_the_largest(self):
        for size in (LARGEST + PAGE, 1 << 32, (1 << 64) - PAGE,
                     (1 << 44) + PAGE):
            self.expect_greeting(size)

    def expect_name(self, *names, **options):
        """Refused when the main channel is read, all channels being there."""
        patterns = options.pop('patterns')
        self.expect((main_all(*names, **options).data, channel(0, DEFAULT, 0),
                     channel(1, DEFAULT, 0)), *patterns)

    def test_announcement_that_is_no_size(self):
        for number in ('', '0', '-4096', '+4096', ' 4096', '4096 ', '04096',
                       '0x1000', '4095', '6144', '4k', '4198400',
                       '18446744073709555712', '9' * 200):
            with self.subTest(number=number):
                self.expect_name(size_name(number),
                                 patterns=['packet size', r'\b4194304\b'])

    def test_two_announcements(self):
        self.expect_name(size_name(PAGE), size_name(PAGE),
                         patterns=['two packet sizes', r'\b4096\b'])

    def test_more_announcements_than_there_can_be(self):
        self.expect_name(size_name(PAGE), count=65,
                         patterns=[r'\b65\b', 'capabilities'])

    def test_capability_that_nobody_has(self):
        self.expect_name('multifd-packet-sizes',
                         patterns=['"multifd-packet-sizes"'])

    def check_sizes(self, announced, said, patterns):
        names = [size_name(announced)] if announced else []
        self.expect((main_all(*names).data,
                     channel(0, announced or DEFAULT, said[0]),
                     channel(1, announced or DEFAULT, said[1])), *patterns)

    def test_announced_and_not_said(self):
        self.check_sizes(LARGEST, (0, 0),
                         ['channel 0', r'\b524288\b', r'\b4194304\b'])

    def test_said_and_not_announced(self):
        self.check_sizes(None, (LARGEST, LARGEST),
                         ['channel 0', r'\b4194304\b', r'\b524288\b'])

    def test_one_channel_says_another(self):
        self.check_sizes(LARGEST, (LARGEST, LARGEST // 2),
                         ['channel 1', r'\b2097152\b', r'\b4194304\b'])

    def test_more_pages_than_said(self):
        """The room in a packet is what the greeting said, not the default."""
        bad = packet('mem0', (), [0], room=1, pages_alloc=2, zero_pages=2)
        self.expect((main_all(size_name(PAGE)).data,
                     channel(0, PAGE, None, bad), channel(1, PAGE)),
                    'channel 0', 'packet 1', 'room for 2 pages')


class Good(case.MachineCase):
    def check_passes(self, size, announce, said):
        """SAID of each channel may be 0 where SIZE is the default."""
        dst = self.target(size=SIZE, name='dst%d' % len(self.machines))
        migrate.configure(dst, ('multifd',), {'multifd_channels': 2})
        room = size // PAGE
        pages = [packet('mem0', [page * PAGE], (), DATA, room=room)
                 for page in range(SIZE // PAGE)]
        names = [size_name(size)] if announce else []
        with peer.Source(dst.listen(self.uri('unix'))) as source:
            source.open(main_all(*names).data)
            source.open(channel(0, size, said, *pages[:2]))
            source.open(channel(1, size, said, *pages[2:]))
            self.assertEqual(migrate.end_status(dst), 'completed',
                             dst.info())
        with open(dst.ram_path, 'rb') as found:
            self.assertEqual(found.read(), DATA * (SIZE // PAGE))

    def test_smallest(self):
        self.check_passes(PAGE, True, None)

    def test_largest(self):
        self.check_passes(LARGEST, True, None)

    def test_default_said_in_any_way(self):
        for announce in (False, True):
            for said in (0, None):
                self.check_passes(DEFAULT, announce, said)


if __name__ == '__main__':
    sys.exit(tap.main())
