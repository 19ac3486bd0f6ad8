# SPDX-License-Identifier: GPL-2.0-or-later
#
# The life of a migration between two wherry processes: transports, settings
# that change on the way, cancelling, peers that die, memory that must not
# grow.

import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import (case, migrate, peer, qmp, ram,  # noqa: E402
                        stopwatch, tap, vm)

SLOW = {'max_bandwidth': 2 * vm.MIB, 'downtime_limit': 1}
CANCEL_LIMIT = 0.2 * qmp.SCALE


class Transport(case.MachineCase):
    def check(self, transport, caps):
        src, dst = self.source(), self.target()
        result = self.migrate_and_check(src, dst, transport, caps=caps)
        if transport != 'unix':
            self.assertNotIn(':0', result.uri[-2:])

    def test_tcp(self):
        self.check('tcp', ())

    def test_tcp_multifd(self):
        self.check('tcp', ('multifd',))

    def test_tcp6(self):
        self.check('tcp6', ())

    def test_tcp6_multifd(self):
        self.check('tcp6', ('multifd', 'return-path'))

    def test_unix_multifd(self):
        self.check('unix', ('multifd', 'return-path'))

    def test_port_0_is_reported(self):
        dst = self.target()
        dst.listen('tcp:127.0.0.1:0')
        info = dst.info()
        self.assertEqual(info['status'], 'setup')
        address, = info['socket-address']
        self.assertEqual((address['type'], address['host']),
                         ('inet', '127.0.0.1'))
        self.assertIsInstance(address['port'], str)
        self.assertGreater(int(address['port']), 0)

    def test_unix_path_is_reported_and_removed(self):
        dst = self.target()
        src = self.source()
        path = self.path('m.sock')
        dst.listen('unix:' + path)
        self.assertEqual(dst.info()['socket-address'],
                         [{'type': 'unix', 'path': path}])
        migrate.configure(src, (), {})
        src.qmp.cmd('migrate', {'uri': 'unix:' + path})
        self.assertEqual(migrate.end_status(src), 'completed')
        dst.qmp.cmd('query-status')

    def test_channels_argument(self):
        """The structured form of an address."""
        src, dst = self.source(), self.target()
        address = {'transport': 'socket', 'type': 'unix',
                   'path': self.path('m.sock')}
        channels = {'channels': [{'channel-type': 'main', 'addr': address}]}
        migrate.configure(dst, (), {})
        migrate.configure(src, (), {})
        dst.qmp.cmd('migrate-incoming', channels)
        src.qmp.cmd('migrate', channels)
        self.assertEqual(migrate.end_status(dst), 'completed')
        self.check_ram(src, dst)

    def test_255_channels(self):
        src, dst = self.source(), self.target()
        self.migrate_and_check(src, dst, caps=('multifd',),
                               params={'multifd_channels': 255})

    def test_no_memory_at_all(self):
        src = self.machine(name='src', backend='none', size=8192 + 4096)
        dst = self.machine(name='dst', backend='none', size=8192 + 4096,
                           incoming='defer')
        result = migrate.migrate(src, dst, self.uri('unix'))
        self.check_completed(result)
        self.assertEqual(result.src['ram']['total'], 0)

    def test_memfd_and_anonymous_memory(self):
        for backend in ('memfd', 'ram'):
            with self.subTest(backend=backend):
                src = self.source(name='src-' + backend)
                mid = self.target(name='mid-' + backend, backend=backend)
                dst = self.target(name='dst-' + backend)
                for one, other in ((src, mid), (mid, dst)):
                    result = migrate.migrate(one, other, self.uri('unix'),
                                             caps=('multifd',))
                    self.check_completed(result)
                self.check_ram(src, dst)

    def test_file_without_share(self):
        """A private mapping takes the file's content along."""
        path = self.path('src.ram')
        ram.create(path, 8 * vm.MIB, 'mixed')
        src = self.machine(name='src', backend='none', options=[
            '-machine', 'none,memory-backend=mem0', '-object',
            'memory-backend-file,id=mem0,size=8M,share=off,mem-path=' + path])
        dst = self.target()
        src.ram_path = path
        self.migrate_and_check(src, dst)


class Unreachable(case.MachineCase):
    """The connection fails: status failed, the guest goes on."""

    def check(self, uri, *words):
        src = self.source()
        src.qmp.cmd('cont')
        migrate.configure(src, (), {})
        src.qmp.cmd('migrate', {'uri': uri})
        self.assertEqual(migrate.end_status(src), 'failed')
        desc = src.info()['error-desc']
        for word in words:
            self.assertIn(word, desc)
        self.assertTrue(src.qmp.cmd('query-status')['running'])
        dst = self.target()
        src.qmp.drop_events()
        self.migrate_and_check(src, dst)

    def test_nobody_listens_on_the_path(self):
        path = self.path('nobody')
        self.check('unix:' + path, path)

    def test_nobody_listens_on_the_port(self):
        self.check('tcp:127.0.0.1:1', '127.0.0.1', '1')


class Settings(case.MachineCase):
    def test_bandwidth_can_be_raised_on_the_way(self):
        src, dst = self.source(ram_kind='random'), self.target()
        migrate.start(src, dst, self.uri('unix'), params={
            'max_bandwidth': 100 * 1024, 'downtime_limit': 1})
        src.qmp.wait_status('active')
        src.parameters(max_bandwidth=0)
        self.check_completed(migrate.finish(src, dst))
        self.check_ram(src, dst)

    def test_downtime_can_be_raised_on_the_way(self):
        src, dst = self.source(ram_kind='random'), self.target()
        migrate.start(src, dst, self.uri('unix'), params={
            'max_bandwidth': 2 * vm.MIB, 'downtime_limit': 1})
        src.qmp.wait_status('active')
        src.parameters(downtime_limit=60000)
        self.check_completed(migrate.finish(src, dst))
        self.check_ram(src, dst)

    def test_other_parameters_wait_for_the_next(self):
        src, dst = self.source(ram_kind='random'), self.target()
        migrate.start(src, dst, self.uri('unix'), caps=('multifd',),
                      params=dict(SLOW, multifd_channels=2))
        src.qmp.wait_status('active')
        src.parameters(multifd_channels=7, zero_page_detection='none')
        src.parameters(max_bandwidth=0)
        self.check_completed(migrate.finish(src, dst))
        self.check_ram(src, dst)
        found = src.qmp.cmd('query-migrate-parameters')
        self.assertEqual(found['multifd-channels'], 7)

    def test_capabilities_are_refused_on_the_way(self):
        src, dst = self.source(ram_kind='random'), self.target()
        migrate.start(src, dst, self.uri('unix'), params=SLOW)
        src.qmp.wait_status('active')
        with self.assertRaises(qmp.QmpError):
            src.capabilities(multifd=True)
        with self.assertRaises(qmp.QmpError):
            src.qmp.cmd('migrate', {'uri': self.uri('unix')})
        src.parameters(max_bandwidth=0)
        self.check_completed(migrate.finish(src, dst))

    def test_progress_is_reported(self):
        src, dst = self.source(ram_kind='random'), self.target()
        migrate.start(src, dst, self.uri('unix'), caps=('multifd',),
                      params=SLOW)
        src.qmp.wait_status('active')
        info = src.info()
        self.assertEqual(info['status'], 'active')
        self.assertIn('expected-downtime', info)
        stats = info['ram']
        self.assertEqual(stats['total'], 8 * vm.MIB)
        self.assertGreater(stats['remaining'], 0)
        self.assertGreaterEqual(stats['dirty-sync-count'], 1)
        dst.qmp.wait_status('active')
        src.parameters(max_bandwidth=0)
        self.check_completed(migrate.finish(src, dst))
        info = src.info()
        for name in ('total-time', 'setup-time', 'downtime'):
            self.assertIn(name, info)
        self.assertEqual(info['ram']['remaining'], 0)

    def test_no_second_migration_before_cont(self):
        src, dst = self.source(), self.target()
        self.migrate_and_check(src, dst)
        self.assertEqual(src.qmp.cmd('query-status')['status'],
                         'postmigrate')
        with self.assertRaises(qmp.QmpError):
            src.qmp.cmd('migrate', {'uri': self.uri('unix')})
        src.qmp.cmd('cont')
        src.qmp.drop_events()
        dst2 = self.target(name='dst2')
        self.check_completed(migrate.migrate(src, dst2,
                                             'unix:' + self.path('2')))
        self.check_ram(src, dst2)

    def test_events_only_when_wanted(self):
        src, dst = self.source(), self.target()
        migrate.configure(dst, (), {})
        src.qmp.cmd('migrate', {'uri': dst.listen(self.uri('unix'))})
        self.assertEqual(migrate.end_status(dst), 'completed')
        while src.info()['status'] != 'completed':
            pass
        names = {e['event'] for e in src.qmp.events}
        self.assertFalse(names & {'MIGRATION', 'MIGRATION_PASS'})


class Cancel(case.MachineCase):
    """Cancelled within 200 ms in each phase, as seen from QMP."""

    def check_cancel(self, src):
        watch = stopwatch.Stopwatch(src.pid)
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(src.qmp.wait_status(('cancelled', 'completed',
                                              'failed')), 'cancelled')
        self.assertLess(watch.seconds(), CANCEL_LIMIT)
        self.assertEqual(src.qmp.cmd('query-status')['status'], 'prelaunch')
        src.qmp.drop_events()
        dst = self.target(name='next')
        result = migrate.migrate(src, dst, 'unix:' + self.path('next.sock'))
        self.check_completed(result)
        self.check_ram(src, dst)

    def check_active(self, caps):
        src, dst = self.source(ram_kind='random'), self.target()
        migrate.start(src, dst, self.uri('unix'), caps=caps, params=SLOW)
        src.qmp.wait_status('active')
        self.check_cancel(src)
        self.assertEqual(migrate.end_status(dst), 'failed')
        self.assertTrue(dst.info()['error-desc'])

    def test_active_plain(self):
        self.check_active(())

    def test_active_multifd(self):
        self.check_active(('multifd',))

    def test_active_return_path(self):
        self.check_active(('multifd', 'return-path'))

    def check_stalled(self, caps, bandwidth=0):
        """The peer accepts and reads nothing: all writes stand."""
        src = self.source(ram_kind='random', size=32 * vm.MIB)
        migrate.configure(src, caps, {'max_bandwidth': bandwidth})
        with peer.Sink(self.path('stall'), 'stall') as sink:
            src.qmp.cmd('migrate', {'uri': sink.uri})
            src.qmp.wait_status('active')
            # Full buffers: the byte counter of two looks is the same.
            last, now = -1, src.info()['ram']['transferred']
            while now != last:
                last, now = now, src.info()['ram']['transferred']
            watch = stopwatch.Stopwatch(src.pid)
            src.qmp.cmd('migrate_cancel')
            self.assertEqual(migrate.end_status(src), 'cancelled')
            self.assertLess(watch.seconds(), CANCEL_LIMIT)
        self.assertEqual(src.qmp.cmd('query-status')['status'], 'prelaunch')

    def test_stalled_plain(self):
        self.check_stalled(())

    def test_stalled_multifd(self):
        self.check_stalled(('multifd',))

    def test_stalled_return_path(self):
        self.check_stalled(('multifd', 'return-path'))

    def test_no_answer_on_the_return_path(self):
        """All is sent, SHUT never comes.  The guest may have started over
        there: a source that is told to cancel lets its own go on only when
        the peer has gone, or has been silent for some seconds."""
        src = self.source()
        src.qmp.cmd('cont')
        migrate.configure(src, ('return-path',), {'max_bandwidth': 0})
        with peer.Sink(self.path('mute'), 'read') as sink:
            src.qmp.cmd('migrate', {'uri': sink.uri})
            # All but the end of the description, if the peer is slow.
            while not (sink.data and b'vmsd_name' in sink.data[0]):
                self.assertNotIn(src.info()['status'], migrate.ENDED)
            src.qmp.cmd('migrate_cancel')
            src.qmp.cmd('migrate_cancel')
            src.qmp.wait_status('cancelling')
            self.assertEqual(src.info()['status'], 'cancelling')
            self.assertEqual(src.qmp.cmd('query-status')['status'],
                             'finish-migrate')
            sink.close()
            watch = stopwatch.Stopwatch(src.pid)
            self.assertEqual(migrate.end_status(src), 'cancelled')
            self.assertLess(watch.seconds(), CANCEL_LIMIT)
        self.assertEqual(src.qmp.cmd('query-status')['status'], 'running')

    def test_quit_without_an_answer(self):
        src = self.source()
        src.qmp.cmd('cont')
        migrate.configure(src, ('return-path',), {'max_bandwidth': 0})
        with peer.Sink(self.path('mute'), 'read') as sink:
            src.qmp.cmd('migrate', {'uri': sink.uri})
            src.qmp.wait_status('device')
            watch = stopwatch.Stopwatch(src.pid)
            src.expect_exit = True
            self.assertEqual(src.quit(), 0)
            self.assertLess(watch.seconds(), CANCEL_LIMIT)

    @staticmethod
    def wait_tcp(sock, state):
        """Until the other end is in a state (as in /proc/net/tcp), and nothing
        is under way between the two."""
        near, far = ('0100007F:%04X' % name[1] for name in (
            sock.getsockname(), sock.getpeername()))
        deadline = time.monotonic() + qmp.DEFAULT_TIMEOUT
        while time.monotonic() < deadline:
            with open('/proc/net/tcp') as table:
                rows = {tuple(row[1:3]): (row[3], *row[4].split(':'))
                        for row in map(str.split, table)
                        if ':' in row[4]}
            now, unsent, _ = rows.get((far, near), ('gone', '', ''))
            _, _, unread = rows[near, far]
            if now == state and not int(unsent, 16) + int(unread, 16):
                return
        raise AssertionError('%s is in state %s' % (far, now))

    def paused_and_left(self, how):
        """A destination without a return path, over tcp, that closes its
        connection, or just its own half of it, while the source pauses."""
        src = self.source(size=vm.MIB)
        src.qmp.cmd('cont')
        migrate.configure(src, ('pause-before-switchover',),
                          {'max_bandwidth': 0})
        with socket.create_server(('127.0.0.1', 0)) as listener:
            src.qmp.cmd('migrate', {'uri': 'tcp:127.0.0.1:%d'
                                    % listener.getsockname()[1]})
            with listener.accept()[0] as sock:
                # What nobody has read would make a close tell of itself.
                reader = threading.Thread(target=peer.read_end, args=(sock,))
                reader.start()
                src.qmp.wait_status('pre-switchover')
                # Else the kernel may keep silent about the close.
                self.wait_tcp(sock, '01')
                sock.shutdown(how)
                self.wait_tcp(sock, '08')
                if how == socket.SHUT_RDWR:
                    reader.join()
                    sock.close()
                src.qmp.cmd('migrate-continue', {'state': 'pre-switchover'})
                status = migrate.end_status(src)
                reader.join()
        return status, src.qmp.cmd('query-status')['status']

    def test_destination_gone_while_paused(self):
        """tcp takes what is sent to it without a word."""
        self.assertEqual(self.paused_and_left(socket.SHUT_RDWR),
                         ('failed', 'running'))

    def test_destination_that_only_reads(self):
        self.assertEqual(self.paused_and_left(socket.SHUT_WR),
                         ('completed', 'postmigrate'))

    def check_setup(self, caps):
        """A listener that never accepts and has no room left."""
        src = self.source()
        migrate.configure(src, caps, {})
        with peer.Sink(self.path('deaf'), 'deaf') as sink:
            # Fill the backlog, so that a connect has to wait.
            fill = []
            try:
                while len(fill) < 64:
                    fill.append(qmp.open_socket(self.path('deaf'), 0.05))
            except OSError:
                pass
            src.qmp.cmd('migrate', {'uri': sink.uri})
            src.qmp.wait_status('setup')
            watch = stopwatch.Stopwatch(src.pid)
            src.qmp.cmd('migrate_cancel')
            self.assertEqual(migrate.end_status(src), 'cancelled')
            self.assertLess(watch.seconds(), CANCEL_LIMIT)
            for sock in fill:
                sock.close()
        src.qmp.drop_events()
        dst = self.target()
        self.migrate_and_check(src, dst)

    def test_setup_plain(self):
        self.check_setup(())

    def test_setup_multifd(self):
        self.check_setup(('multifd',))

    def test_idle(self):
        src = self.source()
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(src.info(), {})

    def test_after_the_end(self):
        src, dst = self.source(), self.target()
        self.migrate_and_check(src, dst)
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(src.info()['status'], 'completed')

    def test_twice(self):
        src, dst = self.source(ram_kind='random'), self.target()
        migrate.start(src, dst, self.uri('unix'), params=SLOW)
        src.qmp.wait_status('active')
        src.qmp.cmd('migrate_cancel')
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')


if __name__ == '__main__':
    sys.exit(tap.main())
