# SPDX-License-Identifier: GPL-2.0-or-later
#
# Streams cut at every byte.  One destination process takes them all, one
# migrate-incoming after the other, and must fail each time with a sentence.

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


def plain_stream():
    """Every kind of element once, the last bytes not: (up to EOF, rest)."""
    out = Stream().header().configuration(subsections=[
        ('configuration/uuid', 1, bytes(16))])
    out.command(stream.OPEN_RETURN_PATH)
    out.command(stream.PING, b'\0\0\0\1')
    out.setup(BLOCKS).part()
    out.page(0, DATA, 'mem0').zero(PAGE).zero(2 * PAGE).zero(3 * PAGE)
    out.eos().footer().command(stream.SWITCHOVER_START)
    out.end().eos().footer().timer().globalstate('prelaunch')
    return bytes(out.data), bytes(Stream().eof().vmdesc().data)


def multifd_streams():
    """(main, channel) of a complete migration with one channel."""
    main = Stream().preamble().setup(BLOCKS, multifd=True)
    main.part().eos().footer().finish(multifd=True, state='prelaunch')
    channel = greeting(0) + sync() + packet(
        'mem0', [0], [PAGE, 2 * PAGE, 3 * PAGE], DATA) + sync()
    return bytes(main.data), channel


class Sweep(incoming.IncomingCase):
    def cut(self, *connections):
        """All bytes, then the end, on each connection; a failure."""
        desc = self.play(*connections, keep_open=False)
        self.check_sentence(desc, r'\w+ \w+')

    def resources(self):
        """Open descriptors and threads of the destination."""
        return sum(len(os.listdir('/proc/%d/%s' % (self.dst.pid, what)))
                   for what in ('fd', 'task'))

    def sweep(self, data, others=(), first=0):
        self.cut(*others, data[:first])
        before = self.resources()
        for at in range(first, len(data)):
            try:
                self.cut(*others, data[:at])
            except AssertionError as err:
                raise AssertionError('cut at byte %d of %d: %s'
                                     % (at, len(data), err)) from err
        # Thousands of failures: a leak of one each would stand out.
        self.assertLess(self.resources(), before + 10)


class Main(Sweep):
    def test_every_byte_of_a_plain_stream(self):
        """From byte 1: a connection that says nothing is no migration."""
        self.sweep(plain_stream()[0], first=1)


class Multifd(Sweep):
    settings = {'caps': ('multifd',), 'params': {'multifd_channels': 1}}

    def test_every_byte_of_the_main_channel(self):
        main, channel = multifd_streams()
        end = len(main) - len(Stream().eof().vmdesc().data)
        self.sweep(main[:end], (channel,), first=1)

    def test_every_byte_of_a_channel(self):
        main, channel = multifd_streams()
        self.sweep(channel, (main,), first=1)

    def test_main_channel_alone(self):
        """The source goes before its channels have connected."""
        self.cut(multifd_streams()[0])


class Tail(case.MachineCase):
    """After the last section all is there: completed, or failed, or still
    waiting for nothing; never a hang."""

    def test_cuts_inside_the_description(self):
        body, tail = plain_stream()
        for at in range(1, len(tail) + 1):
            with self.subTest(cut=at):
                dst = self.target(name='dst%d' % at, size=SIZE)
                migrate.configure(dst, (), {})
                uri = dst.listen('unix:' + self.path('m%d' % at))
                with peer.Source(uri) as source:
                    source.open(body + tail[:at])
                    source.sockets.pop().close()
                    status = migrate.end_status(dst)
                self.assertIn(status, ('completed', 'failed'))
                self.assertTrue(dst.alive())
                self.discard(dst)

    def test_no_description_and_the_connection_stays(self):
        """A stock destination waits here for ever."""
        body, tail = plain_stream()
        dst = self.target(size=SIZE)
        migrate.configure(dst, (), {})
        with peer.Source(dst.listen(self.uri('unix'))) as source:
            source.open(body + tail[:1])
            self.assertEqual(migrate.end_status(dst), 'completed')

    def test_bytes_after_the_description(self):
        body, tail = plain_stream()
        dst = self.target(size=SIZE)
        migrate.configure(dst, (), {})
        with peer.Source(dst.listen(self.uri('unix'))) as source:
            source.open(body + tail + b'and more')
            self.assertEqual(migrate.end_status(dst), 'completed')


if __name__ == '__main__':
    sys.exit(tap.main())
