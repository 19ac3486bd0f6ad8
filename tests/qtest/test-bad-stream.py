# SPDX-License-Identifier: GPL-2.0-or-later
#
# Main channels with one wrong thing each.  The destination must fail with a
# sentence that names it, live on, answer its monitor all the while and take
# the next migration; the peer keeps the connection open and waits.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import incoming, stream, tap  # noqa: E402
from wherrytest.stream import Stream  # noqa: E402

SIZE = incoming.SIZE
PAGE = stream.PAGE
DATA = b'\x5a' * PAGE
BLOCKS = [('mem0', SIZE)]


def ready():
    """Up to the first record of a PART."""
    return Stream().preamble().setup(BLOCKS).part()


def begun():
    """Up to the START section's block list."""
    return Stream().preamble().start()


class Header(incoming.IncomingCase):
    def test_bad_magic(self):
        self.expect(Stream().header(magic=0x12345678), '0x12345678')

    def test_http_request(self):
        self.expect(b'GET / HTTP/1.1\r\n\r\n', '0x47455420')

    def test_version_2(self):
        self.expect(Stream().header(version=2).configuration(),
                    r'version.*\b2\b')

    def test_version_4(self):
        self.expect(Stream().header(version=4).configuration(),
                    r'version.*\b4\b')

    def test_multifd_channel_while_multifd_is_off(self):
        self.expect(stream.greeting(0), 'multifd')

    def test_peer_closes_at_once_then_a_real_source(self):
        """A silent visitor is no reason to fail: then comes a bad one."""
        self.expect((b'', Stream().header(version=9)), r'\b9\b',
                    keep_open=False)


class Configuration(incoming.IncomingCase):
    def test_missing(self):
        self.expect(Stream().header().start().blocks(BLOCKS).eos().footer(),
                    'configuration')

    def test_other_machine(self):
        self.expect(Stream().header().configuration('pc-q35-10.0').eof(),
                    'pc-q35-10.0', 'none')

    def test_longer_name(self):
        self.expect(Stream().header().configuration('none-such').eof(),
                    'none-such')

    def test_huge_name(self):
        self.expect(Stream().header().configuration('none',
                                                    length=0xffffffff),
                    '4294967295')

    def test_empty_name(self):
        self.expect(Stream().header().configuration('').eof(), 'machine')

    def test_unknown_subsection(self):
        self.expect(Stream().header().configuration(subsections=[
            ('configuration/flavour', 1, b'')]).eof(), 'configuration/flavour')

    def test_subsection_of_another_parent(self):
        self.expect(Stream().header().configuration(subsections=[
            ('timer/flavour', 1, b'')]).eof(), '0x05')

    def test_other_page_size(self):
        self.expect(Stream().header().configuration(subsections=[
            ('configuration/target-page-bits', 1, b'\0\0\0\x0e')]).eof(),
            r'\b14\b', r'\b12\b')

    def test_capability_not_offered(self):
        self.expect(Stream().header().configuration(subsections=[
            ('configuration/capabilities', 1,
             b'\0\0\0\1' + stream.str8('mapped-ram'))]).eof(), 'mapped-ram')

    def test_unknown_capability(self):
        self.expect(Stream().header().configuration(subsections=[
            ('configuration/capabilities', 1,
             b'\0\0\0\1' + stream.str8('telepathy'))]).eof(), 'telepathy')

    def test_huge_capability_count(self):
        self.expect(Stream().header().configuration(subsections=[
            ('configuration/capabilities', 1, b'\xff' * 4)]).eof(),
            '4294967295')


class Section(incoming.IncomingCase):
    def test_unknown_device(self):
        self.expect(Stream().preamble().full(idstr='slirp', section_id=9),
                    'slirp')

    def test_other_instance(self):
        self.expect(Stream().preamble().start(instance=7), r'instance 7')

    def test_ram_version_3(self):
        self.expect(Stream().preamble().start(version=3), 'ram', r'\b3\b')

    def test_ram_version_5(self):
        self.expect(Stream().preamble().start(version=5), 'ram', r'\b5\b')

    def test_timer_version_9(self):
        self.expect(Stream().preamble().full(idstr='timer', version=9),
                    'timer', r'\b9\b')

    def test_ram_as_a_full_section(self):
        self.expect(Stream().preamble().full(), 'ram')

    def test_timer_as_an_iterable_section(self):
        self.expect(Stream().preamble().start(idstr='timer', version=2),
                    'timer')

    def test_empty_name(self):
        self.expect(Stream().preamble().start(idstr=''), 'name')

    def test_unprintable_name(self):
        self.expect(Stream().preamble().start(idstr=b'\xff\x01\x02'),
                    'printable')

    def test_part_never_introduced(self):
        self.expect(Stream().preamble().part(77), r'\b77\b')

    def test_part_with_id_0(self):
        self.expect(Stream().preamble().part(0), r'id 0\b')

    def test_end_never_introduced(self):
        self.expect(Stream().preamble().end(78), r'\b78\b')

    def test_footer_of_another_section(self):
        self.expect(begun().blocks(BLOCKS).eos().footer(5), 'ram', r'\b5\b')

    def test_no_footer(self):
        self.expect(begun().blocks(BLOCKS).eos().part(), 'ram', 'footer')

    def test_unknown_type(self):
        self.expect(Stream().preamble().raw(b'\x55'), '0x55')

    def test_second_configuration(self):
        self.expect(Stream().preamble().configuration(), '0x07')

    def test_bad_run_state(self):
        # Only what has all of its memory comes as far as the run state.
        self.expect(Stream().preamble().setup(BLOCKS).part()
                    .zero(0, 'mem0').zero(PAGE).zero(2 * PAGE)
                    .zero(3 * PAGE).eos().footer()
                    .finish(state='levitating'), 'levitating')

    def test_huge_description(self):
        self.expect(Stream().preamble().setup(BLOCKS).end().eos().footer()
                    .eof().be('BI', stream.VMDESC, 0xffffffff),
                    '4294967295')


class Command(incoming.IncomingCase):
    def test_unknown(self):
        self.expect(Stream().preamble().command(99), r'\b99\b')

    def test_code_0(self):
        self.expect(Stream().preamble().command(0), r'\b0\b')

    def test_ping_of_3_bytes(self):
        self.expect(Stream().preamble().command(stream.OPEN_RETURN_PATH)
                    .command(stream.PING, b'abc'), 'ping', r'\b3\b')

    def test_ping_before_the_return_path(self):
        self.expect(Stream().preamble().command(stream.PING, b'\0\0\0\1'),
                    'ping')

    def test_return_path_with_payload(self):
        self.expect(Stream().preamble().command(stream.OPEN_RETURN_PATH,
                                                b'x'), 'return.path')

    def test_postcopy(self):
        self.expect(Stream().preamble().command(stream.POSTCOPY_ADVISE,
                                                bytes(16)), 'postcopy')

    def test_package(self):
        self.expect(Stream().preamble().command(stream.PACKAGED,
                                                b'\xff' * 4), 'package')


class BlockList(incoming.IncomingCase):
    def test_unknown_block(self):
        self.expect(begun().blocks([('nobody', SIZE)]), 'nobody')

    def test_other_length(self):
        self.expect(begun().blocks([('mem0', SIZE * 2)]), 'mem0',
                    str(SIZE * 2), str(SIZE))

    def test_total_larger_than_the_list(self):
        self.expect(begun().blocks(BLOCKS, total=SIZE * 3).eos().footer(),
                    '.')

    def test_total_smaller_than_the_list(self):
        self.expect(begun().blocks(BLOCKS, total=PAGE), 'mem0')

    def test_same_block_twice(self):
        self.expect(begun().blocks(BLOCKS + BLOCKS).eos().footer(), 'mem0')

    def test_second_list(self):
        self.expect(begun().blocks(BLOCKS).blocks(BLOCKS), 'block list')

    def test_empty_name(self):
        self.expect(begun().blocks([('', SIZE)]), 'name|block')

    def test_endless_total(self):
        self.expect(begun().blocks([('mem0', SIZE)], total=(1 << 63)).raw(
            b'\x00' * 64), '.')


class Record(incoming.IncomingCase):
    def test_offset_at_the_end(self):
        self.expect(ready().page(SIZE, DATA, 'mem0'), 'mem0',
                    '%x|%d' % (SIZE, SIZE))

    def test_zero_page_past_the_end(self):
        self.expect(ready().zero(1 << 40, 'mem0'), 'mem0', '0x10000000000')

    def test_largest_offset(self):
        self.expect(ready().page((1 << 64) - PAGE, DATA, 'mem0'), 'mem0')

    def test_unknown_block(self):
        self.expect(ready().page(0, DATA, 'stranger'), 'stranger')

    def test_page_before_the_block_list(self):
        self.expect(begun().page(0, DATA, 'mem0'), 'block list')

    def test_continue_first(self):
        self.expect(ready().page(PAGE, DATA), r'names no RAM block')

    def test_fill_byte(self):
        self.expect(ready().zero(0, 'mem0', fill=7), '0x07')

    def test_xbzrle(self):
        self.expect(ready().record(0, stream.XBZRLE, 'mem0')
                    .raw(b'\x01\x00\x02\x00\x01'), 'xbzrle')

    def test_hook(self):
        self.expect(ready().word(stream.HOOK), 'rdma')


def flag_test(flags):
    def run(self):
        self.expect(ready().word(flags).raw(b'\x04mem0'),
                    '0x0*%x' % flags)
    run.tap_name = '/Record/flags-0x%03x' % flags
    return run


for _flags in (0x000, 0x001, 0x00a, 0x012, 0x018, 0x100, 0x210, 0x400, 0x800,
               0xfff):
    setattr(Record, 'test_flags_%03x' % _flags, flag_test(_flags))


class Missing(incoming.IncomingCase):
    """Pages that never arrived are counted, and fail the load."""

    def test_no_page_at_all(self):
        self.expect(Stream().preamble().setup(BLOCKS).finish(),
                    r'\b4 of 4 pages', '0x0', 'mem0')
        self.assertIn('4 of 4 pages', self.dst.log())

    def test_one_page(self):
        self.expect(ready().zero(0, 'mem0').zero(PAGE).page(3 * PAGE, DATA)
                    .eos().footer().finish(), r'\b1 of 4 pages', '0x2000')

    def test_no_ram_section(self):
        self.expect(Stream().preamble().eof().vmdesc(), r'\b4 of 4 pages')


if __name__ == '__main__':
    sys.exit(tap.main())
