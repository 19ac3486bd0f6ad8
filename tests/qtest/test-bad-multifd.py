# SPDX-License-Identifier: GPL-2.0-or-later
#
# Multifd channels with one wrong thing each.  What freezes, kills or silently
# corrupts a stock destination must end here in a sentence that names it.

import os
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


def main_setup():
    """The main channel up to its first sync point."""
    return Stream().preamble().setup(BLOCKS, multifd=True)


def main_all():
    """A complete main channel."""
    return main_setup().part().eos().footer().finish(multifd=True,
                                                     state='prelaunch')


def all_pages(number=1):
    """A packet with the whole block, two pages zero."""
    return packet('mem0', [0, 2 * PAGE], [PAGE, 3 * PAGE], DATA * 2,
                  number=number)


class Multifd(incoming.IncomingCase):
    settings = {'caps': ('multifd',), 'params': {'multifd_channels': 2}}

    def expect_packet(self, bad, *patterns):
        """One wrong packet between good ones on channel 1."""
        self.expect((main_all(), greeting(0) + sync() + sync(),
                     greeting(1) + sync() + bad), *patterns)


class Greeting(Multifd):
    def test_bad_magic(self):
        self.expect((main_setup(), greeting(0, magic=0x22334455)),
                    '0x22334455')

    def test_bad_version(self):
        self.expect((main_setup(), greeting(0, version=2)), r'version 2')

    def test_other_uuid(self):
        self.expect((main_setup(), greeting(0, uuid=b'\x11' * 16)), 'uuid')

    def test_same_id_twice(self):
        self.expect((main_setup(), greeting(1), greeting(1)), 'channel',
                    r'\b1\b')

    def test_id_equal_to_the_channel_count(self):
        """Kills a stock destination."""
        self.expect((main_setup(), greeting(2)), 'channel', r'\b2\b')

    def test_id_255(self):
        self.expect((main_setup(), greeting(255)), 'channel', r'\b255\b')

    def test_second_main_channel(self):
        self.expect((main_setup(), main_setup()), 'main channel')

    def test_part_of_a_greeting_then_closed(self):
        self.expect((greeting(0)[:30],), r'\b30\b', keep_open=False)


class Packet(Multifd):
    def test_bad_magic(self):
        self.expect_packet(packet(magic=0xdeadbeef), '0xdeadbeef')

    def test_bad_version(self):
        self.expect_packet(packet(version=7), r'version 7')

    def test_too_much_room(self):
        self.expect_packet(packet('mem0', pages_alloc=129), r'\b129\b')

    def test_endless_room(self):
        self.expect_packet(packet('mem0', pages_alloc=0xffffffff),
                           '4294967295')

    def test_more_normal_pages_than_room(self):
        self.expect_packet(packet('mem0', pages_alloc=4, normal_pages=5),
                           r'\b5\b')

    def test_normal_pages_over_the_limit(self):
        self.expect_packet(packet('mem0', normal_pages=129), r'\b129\b')

    def test_endless_normal_pages(self):
        self.expect_packet(packet('mem0', normal_pages=0xffffffff),
                           '4294967295')

    def test_zero_pages_over_the_limit(self):
        self.expect_packet(packet('mem0', zero_pages=129), r'\b129\b')

    def test_counts_that_overflow_together(self):
        self.expect_packet(packet('mem0', normal_pages=100, zero_pages=29),
                           r'\b29\b', r'\b100\b')

    def test_counts_that_wrap_round(self):
        self.expect_packet(packet('mem0', normal_pages=1,
                                  zero_pages=0xffffffff), '4294967295')

    def test_unknown_block(self):
        self.expect_packet(packet('nobody', [0], payload=DATA), 'nobody')

    def test_name_without_end(self):
        self.expect_packet(packet(name=b'x' * 256, normal=[0],
                                  payload=DATA), 'name')

    def test_empty_name(self):
        self.expect_packet(packet('', [0], payload=DATA), 'block')

    def test_offset_at_the_end(self):
        self.expect_packet(packet('mem0', [SIZE], payload=DATA), 'mem0',
                           '0x%x' % SIZE)

    def test_offset_of_the_last_half_page(self):
        """Stock would write past the end of an unaligned offset."""
        self.expect_packet(packet('mem0', [SIZE - 2048], payload=DATA),
                           '0x%x' % (SIZE - 2048))

    def test_unaligned_offset(self):
        self.expect_packet(packet('mem0', [0x10], payload=DATA), '0x10')

    def test_largest_offset(self):
        self.expect_packet(packet('mem0', [(1 << 64) - PAGE], payload=DATA),
                           'mem0')

    def test_zero_page_past_the_end(self):
        self.expect_packet(packet('mem0', (), [SIZE + PAGE]), 'mem0')

    def test_compressed(self):
        self.expect_packet(packet('mem0', [0], payload=DATA, flags=0x02),
                           'compress')

    def test_unknown_compression(self):
        self.expect_packet(packet('mem0', [0], payload=DATA, flags=0x3e),
                           'compress')

    def test_device_state(self):
        self.expect_packet(packet(flags=stream.DEVICE_STATE), 'device')


class Sync(Multifd):
    """Sync points that do not fit: stock freezes, dies or loses pages."""

    def test_no_sync_in_setup(self):
        """Crashes a stock destination about every second time."""
        main = Stream().preamble().setup(BLOCKS).part().eos().footer() \
            .end().eos().footer().eof().vmdesc()
        self.expect((main, greeting(0) + all_pages(), greeting(1)),
                    'sync|never arrived')

    def test_no_sync_at_the_end(self):
        """Loses pages on a stock destination."""
        main = main_setup().part().eos().footer().end().eos().footer() \
            .eof().vmdesc()
        self.expect((main, greeting(0) + sync(), greeting(1) + sync()),
                    'sync point|never arrived')

    def test_per_section_stream_to_a_per_flush_destination(self):
        """A 7.2 source: SYNCs on the channels, no FLUSH on main."""
        main = Stream().preamble().setup(BLOCKS).part().eos().footer() \
            .finish()
        data = sync() + all_pages() + sync() + sync()
        self.expect((main, greeting(0) + data,
                     greeting(1) + sync() + sync() + sync()),
                    'multifd-flush-after-each-section')

    def test_channel_closes_before_the_last_sync(self):
        uri = self.dst.listen(self.uri_now)
        self.dst.qmp.drop_events()
        with peer.Source(uri) as source:
            source.open(bytes(main_all().data))
            source.open(greeting(0) + sync() + all_pages() + sync())
            source.open(greeting(1) + sync()).close()
            self.assertEqual(migrate.end_status(self.dst), 'failed')
        self.check_sentence(self.dst.info()['error-desc'], 'channel',
                            r'\b1\b')

    def test_main_closes_while_channels_wait(self):
        uri = self.dst.listen(self.uri_now)
        self.dst.qmp.drop_events()
        with peer.Source(uri) as source:
            main = source.open(bytes(main_setup().data))
            source.open(greeting(0) + sync())
            source.open(greeting(1) + sync())
            main.close()
            self.assertEqual(migrate.end_status(self.dst), 'failed')
        self.check_sentence(self.dst.info()['error-desc'], 'main channel')

    def test_flush_without_sync_then_closed(self):
        uri = self.dst.listen(self.uri_now)
        self.dst.qmp.drop_events()
        with peer.Source(uri) as source:
            source.open(bytes(main_all().data))
            source.open(greeting(0) + sync())
            last = source.open(greeting(1))
            last.close()
            self.assertEqual(migrate.end_status(self.dst), 'failed')
        self.check_sentence(self.dst.info()['error-desc'], 'channel')


class SyncPerSection(incoming.IncomingCase):
    """A destination set to the old style."""

    settings = {'caps': ('multifd',), 'params': {'multifd_channels': 1}}

    properties = {'multifd-flush-after-each-section': 'on'}

    def test_per_flush_stream(self):
        """Stock waits for ever."""
        main = main_all()
        self.expect((main, greeting(0) + sync() + all_pages() + sync()),
                    'multifd-flush-after-each-section')


class Good(case.MachineCase):
    """What looks odd and is right must pass."""

    def check_passes(self, *connections, channels=2):
        dst = self.target(size=SIZE)
        migrate.configure(dst, ('multifd',), {'multifd_channels': channels})
        with peer.Source(dst.listen(self.uri('unix'))) as source:
            for data in connections:
                source.open(bytes(data))
            self.assertEqual(migrate.end_status(dst), 'completed',
                             dst.info())
        with open(dst.ram_path, 'rb') as found:
            self.assertEqual(found.read(), (DATA + bytes(PAGE)) * 2)

    def test_channels_before_main(self):
        self.check_passes(greeting(1) + sync() + sync(),
                          greeting(0) + sync() + all_pages() + sync(),
                          main_all().data)

    def test_extra_syncs_at_the_end(self):
        self.check_passes(
            main_all().data,
            greeting(0) + sync() + all_pages() + sync() + sync() + sync(),
            greeting(1) + sync() + sync() + sync())

    def test_stale_fields_of_an_empty_packet(self):
        """A 7.2 source leaves old values in its SYNC packets."""
        stale = packet('nobody', flags=stream.SYNC, next_size=4096)
        self.check_passes(main_all().data,
                          greeting(0) + stale + all_pages() + stale,
                          greeting(1) + stale + stale)

    def test_next_size_of_an_empty_packet(self):
        """Ignored without compression, n = 0 with a size means nothing."""
        zeroes = packet('mem0', (), [PAGE], next_size=4096)
        self.check_passes(main_all().data,
                          greeting(0) + sync() + all_pages() + sync(),
                          greeting(1) + sync() + zeroes + sync())

    def test_unknown_flag_bits(self):
        odd = packet('mem0', [0, 2 * PAGE], [PAGE, 3 * PAGE], DATA * 2,
                     flags=0x80000080)
        self.check_passes(main_all().data,
                          greeting(0) + sync() + odd + sync(),
                          greeting(1) + sync() + sync())

    def test_page_sent_again_as_zero(self):
        """Zero after data must be zero, on any channel sync after."""
        first = packet('mem0', [0, PAGE, 2 * PAGE, 3 * PAGE],
                       payload=DATA * 4)
        again = packet('mem0', (), [PAGE, 3 * PAGE])
        self.check_passes(main_all().data,
                          greeting(0) + sync() + first + again + sync(),
                          greeting(1) + sync() + sync())

    def test_pages_on_the_main_channel(self):
        main = main_setup().part().page(0, DATA, 'mem0').zero(PAGE) \
            .page(2 * PAGE, DATA).eos().footer() \
            .finish(multifd=True, state='prelaunch')
        self.check_passes(main.data,
                          greeting(0) + sync() + sync(),
                          greeting(1) + sync() +
                          packet('mem0', (), [3 * PAGE]) + sync())


if __name__ == '__main__':
    sys.exit(tap.main())
