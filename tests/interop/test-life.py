# SPDX-License-Identifier: GPL-2.0-or-later
#
# A migration's life against a stock QEMU: events and run states, bandwidth,
# cancelling from either side, a peer that dies, there and back again.

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import (case, migrate, peer, qmp, ram,  # noqa: E402
                        stopwatch, tap, vm)

SLOW = {'max_bandwidth': 2 * vm.MIB, 'downtime_limit': 1}


class Life(case.MachineCase):
    kinds = (vm.WHERRY, vm.QEMU)

    @staticmethod
    def settled(machine):
        """The run state in the end: a stock source says `completed` a
        moment before it is `postmigrate`, and no event tells when."""
        deadline = time.monotonic() + qmp.DEFAULT_TIMEOUT
        while True:
            found = machine.qmp.cmd('query-status')
            if found['status'] not in ('finish-migrate', 'inmigrate') or \
                    time.monotonic() > deadline:
                return found

    def told(self, machine):
        """Names and data of all events so far, in order, but for rounds behind
        the first: how many there are depends on what the host does else.  They
        are counted without a gap."""
        events = [(e['event'], e.get('data', {})) for e in machine.qmp.events]
        rounds = [data['pass'] for name, data in events
                  if name == 'MIGRATION_PASS']
        self.assertEqual(rounds, list(range(1, len(rounds) + 1)))
        return [(name, data) for name, data in events
                if data.get('pass', 1) == 1]

    def test_events_equal_stock(self):
        """Those of a source."""
        runs = []
        for kind in (vm.QEMU, vm.WHERRY):
            src = self.source(kind, name='src-' + kind)
            dst = self.target(vm.QEMU, name='dst-' + kind)
            migrate.start(src, dst, 'unix:' + self.path(kind + '.s'))
            end = migrate.end_status(src)
            runs.append((self.told(src), end, self.settled(src)))
        self.assertEqual(runs[1], runs[0])

    def test_destination_events_equal_stock(self):
        runs = []
        for kind in (vm.QEMU, vm.WHERRY):
            src = self.source(vm.QEMU, name='src-' + kind)
            dst = self.target(kind, name='dst-' + kind)
            migrate.start(src, dst, 'unix:' + self.path(kind + '.s'))
            end = migrate.end_status(dst)
            runs.append((self.told(dst), end, self.settled(dst)))
        self.assertEqual(runs[1], runs[0])

    def test_run_states_equal_stock(self):
        """Source and destination, for a guest that runs and one that does
        not, before and after."""
        found = []
        for kind in (vm.QEMU, vm.WHERRY):
            states = []
            for running in (False, True):
                name = '%s-%d' % (kind, running)
                src = self.source(kind, name='src-' + name)
                dst = self.target(kind, name='dst-' + name)
                if running:
                    src.qmp.cmd('cont')
                states += [src.qmp.cmd('query-status'),
                           dst.qmp.cmd('query-status')]
                migrate.migrate(src, dst, 'unix:' + self.path(name))
                states += [self.settled(src), self.settled(dst)]
                self.check_ram(src, dst)
            found.append(states)
        self.assertEqual(found[1], found[0])

    def paused(self, kind, target, caps):
        """What a source of that kind tells on its way through a pause."""
        name = '%s-%s-%d' % (kind, target, len(caps))
        src = self.source(kind, name='src-' + name)
        dst = self.target(target, name='dst-' + name)
        migrate.start(src, dst, 'unix:' + self.path(name), caps=caps,
                      src_caps=caps + ('pause-before-switchover',))
        src.qmp.wait_status('pre-switchover')
        info, state = src.info(), src.qmp.cmd('query-status')
        src.qmp.cmd('migrate-continue', {'state': 'pre-switchover'})
        result = migrate.finish(src, dst)
        self.check_completed(result)
        self.check_ram(src, dst)
        info.pop('zero-page-detector', None)
        return sorted(info), state, self.told(src), self.settled(src)

    def check_pause(self, caps):
        self.assertEqual(self.paused(vm.WHERRY, vm.QEMU, caps),
                         self.paused(vm.QEMU, vm.QEMU, caps))

    def test_pause_before_switchover_plain(self):
        self.check_pause(())

    def test_pause_before_switchover_multifd(self):
        self.check_pause(('multifd',))

    def test_pause_before_switchover_return_path(self):
        self.check_pause(('multifd', 'return-path'))

    def test_stock_source_pauses(self):
        self.paused(vm.QEMU, vm.WHERRY, ('return-path',))

    def check_bandwidth(self, source, target, caps):
        """8 MiB at 4 MiB/s: two seconds, less what bursts save a stock
        source with multifd; without the limit it is some 10 ms."""
        src = self.source(source, 'random')
        dst = self.target(target)
        result = self.migrate_and_check(
            src, dst, caps=caps,
            params={'max_bandwidth': 4 * vm.MIB, 'downtime_limit': 1})
        self.assertGreaterEqual(result.src['total-time'], 450)

    def test_bandwidth_is_honoured_plain(self):
        self.check_bandwidth(vm.WHERRY, vm.QEMU, ())

    def test_bandwidth_is_honoured_multifd(self):
        self.check_bandwidth(vm.WHERRY, vm.QEMU, ('multifd',))

    def test_slow_stock_source(self):
        self.check_bandwidth(vm.QEMU, vm.WHERRY, ('multifd',))

    def check_cancel_then_again(self, source, target, caps):
        """Cancel while active, then migrate to a fresh destination."""
        src = self.source(source, 'random')
        dst = self.target(target)
        migrate.start(src, dst, self.uri('unix'), caps=caps, params=SLOW)
        src.qmp.wait_status('active')
        watch = stopwatch.Stopwatch(src.pid)
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        took = watch.seconds()
        if source == vm.WHERRY and not vm.is_stand_in():
            self.assertLess(took, 0.2 * qmp.SCALE)
        self.assertEqual(migrate.end_status(dst), 'failed')
        if target == vm.WHERRY:
            self.assertTrue(dst.info()['error-desc'])
        self.assertEqual(self.settled(src)['status'], 'prelaunch')
        src.qmp.drop_events()
        dst2 = self.target(target, name='dst2')
        result = migrate.migrate(src, dst2, 'unix:' + self.path('again'),
                                 caps=caps)
        self.check_completed(result)
        self.check_ram(src, dst2)

    def test_cancel_to_stock_plain(self):
        self.check_cancel_then_again(vm.WHERRY, vm.QEMU, ())

    def test_cancel_to_stock_multifd(self):
        self.check_cancel_then_again(vm.WHERRY, vm.QEMU, ('multifd',))

    def test_cancel_from_stock_plain(self):
        self.check_cancel_then_again(vm.QEMU, vm.WHERRY, ())

    def test_cancel_from_stock_multifd(self):
        self.check_cancel_then_again(vm.QEMU, vm.WHERRY, ('multifd',))

    def test_cancel_with_return_path(self):
        self.check_cancel_then_again(vm.WHERRY, vm.QEMU,
                                     ('multifd', 'return-path'))

    def check_peer_dies(self, caps):
        src = self.source(ram_kind='random')
        src.qmp.cmd('cont')
        dst = self.target(vm.QEMU)
        migrate.start(src, dst, self.uri('unix'), caps=caps, params=SLOW)
        src.qmp.wait_status('active')
        dst.kill()
        self.assertEqual(migrate.end_status(src), 'failed')
        self.assertTrue(src.info()['error-desc'])
        self.assertEqual(self.settled(src)['status'], 'running')
        src.qmp.drop_events()
        dst2 = self.target(vm.QEMU, name='dst2')
        result = migrate.migrate(src, dst2, 'unix:' + self.path('again'),
                                 caps=caps)
        self.check_completed(result)
        self.check_ram(src, dst2)

    def test_stock_destination_dies_plain(self):
        self.check_peer_dies(())

    def test_stock_destination_dies_multifd(self):
        self.check_peer_dies(('multifd',))

    @case.needs_wherry()
    def test_stock_source_dies(self):
        src = self.source(vm.QEMU, 'random')
        dst = self.target()
        uri = migrate.start(src, dst, self.uri('unix'), caps=('multifd',),
                            params=SLOW)
        dst.qmp.wait_status('active')
        src.kill()
        self.assertEqual(migrate.end_status(dst), 'failed')
        self.assertTrue(dst.info()['error-desc'])
        src2 = self.source(vm.QEMU, name='src2')
        dst.qmp.drop_events()
        result = migrate.migrate(src2, dst, uri, caps=('multifd',))
        self.check_completed(result)
        self.check_ram(src2, dst)

    def test_there_and_back_again(self):
        """wherry to QEMU to wherry to QEMU, the same RAM at the end."""
        src = self.source()
        first = src
        for turn, kind in enumerate((vm.QEMU, vm.WHERRY, vm.QEMU)):
            dst = self.target(kind, name='stop%d' % turn)
            caps = ('multifd',) if turn % 2 else ()
            self.migrate_and_check(src, dst, caps=caps)
            src = dst
        self.assertIsNone(ram.first_difference(first.ram_path, src.ram_path))

    @case.needs_wherry()
    def test_fewer_channels_at_the_destination(self):
        """A stock source with more channels: the odd one is named."""
        src, dst = self.source(vm.QEMU), self.target()
        migrate.start(src, dst, self.uri('unix'), caps=('multifd',),
                      src_params={'multifd_channels': 4},
                      dst_params={'multifd_channels': 2})
        self.assertEqual(migrate.end_status(dst), 'failed')
        self.assertIn('channel', dst.info()['error-desc'])

    def test_recorded_stock_stream_in_small_pieces(self):
        """What a stock source wrote, replayed 7 bytes at a time."""
        src = self.source(vm.QEMU, size=64 << 10, ram_kind='half')
        migrate.configure(src, (), {})
        with peer.Sink(self.path('sink')) as sink:
            src.qmp.cmd('migrate', {'uri': sink.uri})
            self.assertEqual(migrate.end_status(src), 'completed')
            self.discard(src)
            sink.wait_end()
            data = bytes(sink.data[0])
        dst = self.target(size=64 << 10)
        migrate.configure(dst, (), {})
        with peer.Source(dst.listen(self.uri('unix'))) as replay:
            sock = replay.open()
            for at in range(0, len(data), 7):
                peer.send(sock, data[at:at + 7])
            self.assertEqual(migrate.end_status(dst), 'completed')
        self.check_ram(src, dst)


if __name__ == '__main__':
    sys.exit(tap.main())
