# SPDX-License-Identifier: GPL-2.0-or-later
#
# Peers that stall, close, knock without reason or fill the backlog, in each
# phase and on both sides.  A stock QEMU freezes in several of these.

import os
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import (case, incoming, migrate, peer, qmp,  # noqa: E402
                        stream, tap, vm)
from wherrytest.stream import Stream, greeting, packet, sync  # noqa: E402

SIZE = incoming.SIZE
BLOCKS = [('mem0', SIZE)]
SLOW = {'max_bandwidth': 2 * vm.MIB, 'downtime_limit': 1}


class ProbedCase(case.MachineCase):
    """Machines whose second monitor is asked all the time."""

    def setUp(self):
        super().setUp()
        self.probers = []

    def tearDown(self):
        for prober in self.probers:
            prober.stop()
        super().tearDown()
        for prober in self.probers:
            self.assertIsNone(prober.error)
            self.assertGreater(prober.count, 0)
            self.assertLess(prober.slowest, incoming.ANSWER_LIMIT,
                            'a monitor answer took too long')

    def probed(self, make, **options):
        name = options.setdefault('name', make.__name__)
        path = self.path(name + '.probe')
        machine = make(options=incoming.second_monitor(path), **options)
        self.probers.append(incoming.Prober(path, machine.pid))
        return machine

    def target_multifd(self, channels=2, **options):
        dst = self.probed(self.target, **options)
        migrate.configure(dst, ('multifd',), {'multifd_channels': channels})
        return dst

    def still_serves(self, dst, uri='unix', **settings):
        """The destination takes a real migration after all that."""
        dst.qmp.drop_events()
        src = self.source(name='real', size=dst.size)
        result = migrate.migrate(src, dst, self.uri(uri), **settings)
        self.check_completed(result)
        self.check_ram(src, dst)


class Strangers(ProbedCase):
    """Connections that are no part of any migration."""

    def check_silent(self, caps, count, transport):
        src, dst = self.source(), self.probed(self.target)
        migrate.configure(dst, caps, {})
        migrate.configure(src, caps, {'max_bandwidth': 0})
        uri = dst.listen(self.uri(transport))
        with peer.Source(uri) as strangers:
            for _ in range(count):
                strangers.open()
            src.qmp.cmd('migrate', {'uri': uri})
            self.check_completed(migrate.finish(src, dst))
            self.check_ram(src, dst)
            for sock in strangers.sockets:
                self.assertEqual(peer.read_end(sock), b'')

    def test_one_silent_plain(self):
        self.check_silent((), 1, 'tcp')

    def test_one_silent_multifd(self):
        """Freezes a stock destination, its monitor included."""
        self.check_silent(('multifd',), 1, 'tcp')

    def test_ten_silent_multifd(self):
        self.check_silent(('multifd',), 10, 'unix')

    def test_health_check_that_closes(self):
        src, dst = self.source(), self.target_multifd()
        uri = dst.listen(self.uri('tcp'))
        for _ in range(5):
            peer.connect(uri).close()
        migrate.configure(src, ('multifd',), {})
        src.qmp.cmd('migrate', {'uri': uri})
        self.check_completed(migrate.finish(src, dst))
        self.check_ram(src, dst)

    def test_silent_one_while_it_runs(self):
        """Knocks in the middle; the migration goes on."""
        src, dst = self.source(ram_kind='random'), self.target_multifd()
        uri = migrate.start(src, dst, self.uri('tcp'), caps=('multifd',),
                            params=SLOW)
        src.qmp.wait_status('active')
        dst.qmp.wait_status('active')
        try:
            sock = peer.connect(uri)
            sock.close()
        except OSError:
            pass
        src.parameters(max_bandwidth=0)
        self.check_completed(migrate.finish(src, dst))
        self.check_ram(src, dst)

    def test_slow_greeting(self):
        """Channels that come byte by byte, main last."""
        dst = self.target_multifd(channels=1, size=SIZE)
        image = b'\x11' * SIZE
        main, (channel,) = stream.multifd('mem0', SIZE, image, 1)
        with peer.Source(dst.listen(self.uri('unix'))) as source:
            sock = source.open()
            for at in range(64):
                peer.send(sock, channel[at:at + 1])
                dst.qmp.cmd('query-migrate')
            peer.send(sock, channel[64:])
            other = source.open(main[:3])
            dst.qmp.cmd('query-migrate')
            peer.send(other, main[3:])
            self.assertEqual(migrate.end_status(dst), 'completed')
        with open(dst.ram_path, 'rb') as found:
            self.assertEqual(found.read(), image)


class Backlog(ProbedCase):
    def test_full_backlog_of_silent_ones(self):
        """More strangers than there is room for, then a real source."""
        src, dst = self.source(), self.target_multifd()
        uri = dst.listen(self.uri('tcp'))
        with peer.Source(uri) as strangers:
            for _ in range(200):
                strangers.open()
            migrate.configure(src, ('multifd',), {'max_bandwidth': 0})
            src.qmp.cmd('migrate', {'uri': uri})
            self.check_completed(migrate.finish(src, dst))
            self.check_ram(src, dst)

    def test_all_channels_at_once(self):
        """255 channels, main last, no pause between them."""
        dst = self.target_multifd(channels=255, size=SIZE)
        image = b'\x22' * SIZE
        main, channels = stream.multifd('mem0', SIZE, image, 255)
        with peer.Source(dst.listen(self.uri('unix'))) as source:
            for data in channels:
                source.open(data)
            source.open(main)
            self.assertEqual(migrate.end_status(dst), 'completed')
        with open(dst.ram_path, 'rb') as found:
            self.assertEqual(found.read(), image)

    def test_source_is_done_before_channels_are_accepted(self):
        """All is written and closed while the destination does not run: it
        finds main at its end and the channels still in the backlog."""
        dst = self.target(size=SIZE)
        migrate.configure(dst, ('multifd',), {'multifd_channels': 8})
        image = b'\x33' * SIZE
        main, channels = stream.multifd('mem0', SIZE, image, 8)
        uri = dst.listen(self.uri('unix'))
        dst.process.send_signal(signal.SIGSTOP)
        with peer.Source(uri) as source:
            for data in (main, *channels):
                source.open(data)
        dst.process.send_signal(signal.SIGCONT)
        self.assertEqual(migrate.end_status(dst), 'completed', dst.log())
        with open(dst.ram_path, 'rb') as found:
            self.assertEqual(found.read(), image)

    def test_more_channels_at_the_source(self):
        """Deadlocks a stock pair; here both fail in words.  Which channels
        come first is open, so the words may be those of either end."""
        src, dst = self.source(), self.probed(self.target)
        migrate.start(src, dst, self.uri('tcp'), caps=('multifd',),
                      src_params={'multifd_channels': 8},
                      dst_params={'multifd_channels': 2})
        self.assertEqual(migrate.end_status(dst), 'failed')
        self.assertIn('channel', dst.info()['error-desc'])
        self.assertEqual(migrate.end_status(src), 'failed')
        self.assertTrue(src.info()['error-desc'])


def stall_data():
    """name -> connections after which a multifd peer falls silent."""
    main = bytes(Stream().preamble().setup(BLOCKS, multifd=True).data)
    data = packet('mem0', [0], payload=bytes([5]) * stream.PAGE)
    two = [greeting(0) + sync(), greeting(1) + sync()]
    return {
        'nothing': [b''],
        'half-a-header': [main[:6]],
        'header': [main[:8]],
        'main-only': [main],
        'one-channel-missing': [main, two[0]],
        'half-a-greeting': [main, two[0], two[1][:30]],
        'before-the-block-list': [main[:30], *two],
        'before-sync': [main, two[0], greeting(1)],
        'inside-a-packet-header': [main, two[0] + data[:700], two[1]],
        'inside-a-page': [main, two[0] + data[:3000], two[1]],
        'all-idle': [main, *two],
    }


class Stalled(ProbedCase):
    """A source falls silent.  The monitor answers, cancelling ends it, and
    the next migration works."""


def stalled_test(name):
    def run(self):
        dst = self.target_multifd(size=SIZE)
        with peer.Source(dst.listen(self.uri('unix'))) as source:
            for data in stall_data()[name]:
                source.open(data)
            # Whatever it has read by then, nothing must have failed.
            for _ in range(20):
                self.assertIn(dst.info()['status'], ('setup', 'active'))
            for sock in source.sockets:
                sock.close()
            if name != 'nothing':
                self.assertEqual(migrate.end_status(dst), 'failed')
        if name != 'nothing':
            self.assertTrue(dst.info()['error-desc'])
            self.still_serves(dst, caps=('multifd',))
    run.tap_name = '/Stalled/' + name
    return run


for _name in stall_data():
    setattr(Stalled, 'test_' + _name.replace('-', '_'), stalled_test(_name))


class StalledSource(ProbedCase):
    """The destination reads nothing: the source's monitor answers."""

    def check(self, caps):
        src = self.probed(self.source, ram_kind='random',
                          size=32 * vm.MIB)
        migrate.configure(src, caps, {'max_bandwidth': 0})
        with peer.Sink(self.path('stall'), 'stall') as sink:
            src.qmp.cmd('migrate', {'uri': sink.uri})
            src.qmp.wait_status('active')
            for _ in range(200):
                src.info()
            sink.close()
            self.assertEqual(migrate.end_status(src), 'failed')
        self.assertTrue(src.info()['error-desc'])
        src.qmp.drop_events()
        self.migrate_and_check(src, self.target(size=src.size), caps=caps)

    def test_plain(self):
        self.check(())

    def test_multifd(self):
        self.check(('multifd', 'return-path'))


class PeerCloses(ProbedCase):
    """A destination that goes away after so many bytes."""

    def check(self, caps, close_after):
        src = self.probed(self.source, ram_kind='random')
        src.qmp.cmd('cont')
        migrate.configure(src, caps, {'max_bandwidth': 0})
        with peer.Sink(self.path('cut'), 'read', close_after) as sink:
            src.qmp.cmd('migrate', {'uri': sink.uri})
            self.assertEqual(migrate.end_status(src), 'failed')
        desc = src.info()['error-desc']
        self.assertTrue(desc)
        self.assertNotIn('\n', desc)
        self.assertTrue(src.qmp.cmd('query-status')['running'])
        src.qmp.drop_events()
        self.migrate_and_check(src, self.target(), caps=caps)

    def test_at_once(self):
        self.check((), 1)

    def test_in_the_middle(self):
        self.check((), vm.MIB)

    def test_at_once_multifd(self):
        self.check(('multifd',), 1)

    def test_in_the_middle_multifd(self):
        self.check(('multifd',), vm.MIB)

    def test_in_the_middle_return_path(self):
        self.check(('multifd', 'return-path'), vm.MIB)

    def check_answer(self, answer):
        """A destination that writes this on the return path."""
        src = self.probed(self.source, size=SIZE)
        migrate.configure(src, ('return-path',), {'max_bandwidth': 0})
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.path('answer'))
        listener.listen(4)

        def serve():
            sock, _ = listener.accept()
            sock.settimeout(qmp.DEFAULT_TIMEOUT)
            sock.recv(1)
            sock.sendall(answer)
            peer.read_end(sock)
            sock.close()

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        src.qmp.cmd('migrate', {'uri': 'unix:' + self.path('answer')})
        status = migrate.end_status(src)
        server.join()
        listener.close()
        self.assertEqual(status, 'failed')
        return src.info()['error-desc']

    def test_answer_of_unknown_type(self):
        self.assertIn('77', self.check_answer(b'\x00\x4d\x00\x00'))

    def test_answer_shut_with_an_error(self):
        self.assertTrue(self.check_answer(b'\0\1\0\4\0\0\0\1'))

    def test_answer_of_wrong_length(self):
        self.assertTrue(self.check_answer(b'\0\1\0\2\0\0'))

    def test_answer_too_long(self):
        self.assertTrue(self.check_answer(b'\0\2\xff\xff' + bytes(100)))

    def test_page_request_in_precopy(self):
        self.assertTrue(self.check_answer(
            b'\0\4\0\x0c' + bytes(8) + b'\0\0\x10\0'))


class ExitOnError(case.MachineCase):
    """The default: the process ends with status 1 and the sentence."""

    def check_exit(self, dst, uri):
        dst.expect_exit = True
        with peer.Source(uri) as source:
            source.open(bytes(Stream().header(version=9).data))
            self.assertEqual(dst.wait_exit(), 1)
        self.assertRegex(dst.log(), r'wherry: .*version.*9')

    def test_incoming_on_the_command_line(self):
        uri = 'unix:' + self.path('in')
        self.check_exit(self.target(incoming=uri), uri)

    def test_migrate_incoming(self):
        dst = self.target()
        self.check_exit(dst, dst.listen(self.uri('unix'),
                                        exit_on_error=True))

    def test_multifd(self):
        dst = self.target()
        dst.expect_exit = True
        migrate.configure(dst, ('multifd',), {})
        uri = dst.listen(self.uri('unix'), exit_on_error=True)
        with peer.Source(uri) as source:
            source.open(greeting(200))
            self.assertEqual(dst.wait_exit(), 1)
        self.assertRegex(dst.log(), r'wherry: .*200')

    def test_missing_pages(self):
        dst = self.target()
        dst.expect_exit = True
        migrate.configure(dst, (), {})
        uri = dst.listen(self.uri('unix'), exit_on_error=True)
        with peer.Source(uri) as source:
            source.open(bytes(Stream().preamble().setup(
                [('mem0', dst.size)]).finish().data))
            self.assertEqual(dst.wait_exit(), 1)
        self.assertIn('2048 of 2048 pages', dst.log())


if __name__ == '__main__':
    sys.exit(tap.main())
