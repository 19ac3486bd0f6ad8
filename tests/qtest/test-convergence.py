# SPDX-License-Identifier: GPL-2.0-or-later
#
# How a migration comes to its end over QMP, with real processes: the pause
# before switchover, and a guest that writes too fast for the link until one
# thing is changed.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import (case, migrate, qmp, stopwatch, tap,  # noqa: E402
                        vm)

PAUSE = 'pause-before-switchover'
VARIANTS = {
    'plain': (),
    'plain_return_path': ('return-path',),
    'multifd': ('multifd',),
    'multifd_return_path': ('multifd', 'return-path'),
}
DSA = {'zero_page_detection': 'dsa-accel', 'accel_path': ['dsa:soft']}


class Pause(case.MachineCase):
    def pause(self, caps=(), running=True, params=None):
        """Source and destination, the source paused."""
        src, dst = self.source(), self.target()
        if running:
            src.qmp.cmd('cont')
        self.again(src, dst, 'pause', caps, params)
        return src, dst

    def again(self, src, dst, name, caps=(), params=None):
        migrate.start(src, dst, 'unix:' + self.path(name), caps=caps,
                      src_caps=caps + (PAUSE,), src_params=params)
        src.qmp.wait_status('pre-switchover')

    def state(self, machine):
        return machine.qmp.cmd('query-status')['status']

    def go_on(self, src):
        src.qmp.cmd('migrate-continue', {'state': 'pre-switchover'})

    def check_arrives(self, src, dst):
        self.check_completed(migrate.finish(src, dst))
        self.check_ram(src, dst)
        self.assertEqual(self.state(src), 'postmigrate')

    def check_variant(self, caps, params=None):
        src, dst = self.pause(caps, params=params)
        self.assertEqual(self.state(src), 'finish-migrate')
        self.assertEqual(self.state(dst), 'inmigrate')
        sent = src.info()['ram']['transferred']
        with self.assertRaises(qmp.QmpError):
            src.qmp.cmd('cont')
        self.assertEqual(src.info()['ram']['transferred'], sent)
        self.go_on(src)
        self.check_arrives(src, dst)

    def test_multifd_dsa(self):
        self.check_variant(('multifd',), DSA)

    def test_go_on_twice(self):
        src, dst = self.pause(('return-path',))
        self.go_on(src)
        with self.assertRaises(qmp.QmpError):
            while True:
                self.go_on(src)
        self.check_arrives(src, dst)

    def test_the_guest_that_does_not_run(self):
        src, dst = self.pause(running=False)
        self.assertEqual(self.state(src), 'finish-migrate')
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.assertEqual(self.state(src), 'prelaunch')
        self.assertEqual(migrate.end_status(dst), 'failed')

    def test_cancel_and_again(self):
        src, dst = self.pause(('multifd', 'return-path'))
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.assertEqual(self.state(src), 'running')
        self.assertEqual(migrate.end_status(dst), 'failed')
        src.qmp.drop_events()
        dst.qmp.drop_events()
        self.again(src, dst, 'again')
        self.go_on(src)
        self.check_arrives(src, dst)

    def test_stop_while_paused_outlives_a_cancel(self):
        src, dst = self.pause()
        src.qmp.cmd('stop')
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.assertEqual(self.state(src), 'paused')
        self.assertEqual(migrate.end_status(dst), 'failed')

    def test_destination_killed(self):
        src, dst = self.pause(('return-path',))
        self.discard(dst)
        self.assertEqual(migrate.end_status(src), 'failed')
        self.assertIn('destination', src.info()['error-desc'])
        self.assertEqual(self.state(src), 'running')

    def test_quit_while_paused(self):
        src, dst = self.pause(('multifd',))
        self.assertEqual(src.quit(), 0)
        self.discard(src)
        self.assertEqual(migrate.end_status(dst), 'failed')


def add_pause_variants():
    for name, caps in VARIANTS.items():
        setattr(Pause, 'test_' + name,
                lambda self, caps=caps: self.check_variant(caps))


add_pause_variants()


class Busy(case.MachineCase):
    """A guest that writes more than the link carries.  All cases have the same
    settings, but for the one thing that each is about."""

    LIMIT = 16 * vm.MIB
    SETTINGS = {'max_bandwidth': LIMIT, 'downtime_limit': 20,
                'cpu_throttle_initial': 99}

    def busy(self, name, **options):
        return self.machine(
            name=name, backend='ram', size=4 * vm.MIB, options=[
                '-accel', 'stress,threads=1,rate=64M,pattern=seq,zero=0',
                '-trace', 'stress_pass'],
            **options)

    def warm_up(self, src):
        """A guest that has written to all of its memory runs: before that it
        has nothing but holes to send."""
        src.qmp.cmd('cont')
        while 'stress_pass' not in src.log():
            # Fails when the process is gone; nothing tells of a trace line.
            src.qmp.cmd('query-status')

    def start(self, caps=(), src_caps=(), **params):
        src, dst = self.busy('src'), self.busy('dst', incoming='defer')
        self.warm_up(src)
        dst.qmp.cmd('cont')
        migrate.start(src, dst, self.uri('unix'), caps=caps,
                      src_caps=caps + src_caps,
                      src_params=dict(self.SETTINGS, **params))
        src.qmp.wait_status('active')
        return src, dst

    def wait_pass(self, src, nr):
        src.qmp.wait_event('MIGRATION_PASS', lambda d: d['pass'] >= nr)

    def check_goes_on(self, src, dst):
        self.check_completed(migrate.finish(src, dst))
        self.assertNotIn('cpu-throttle-percentage', src.info())
        dst.qmp.wait_event('RESUME')
        self.assertEqual(src.qmp.cmd('query-status')['status'],
                         'postmigrate')

    def check_cancels(self, src, dst):
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.assertEqual(src.qmp.cmd('query-status')['status'], 'running')
        self.assertEqual(migrate.end_status(dst), 'failed')

    def wait_rate(self, src):
        """What is told once the guest's speed is known, which takes a second;
        it becomes known between two members of an answer, too."""
        known = False
        while True:
            info = src.info()
            self.assertEqual(info['status'], 'active')
            if known:
                return info
            known = info['ram']['dirty-pages-rate'] > 0

    def check_never_ends(self, caps):
        src, dst = self.start(caps)
        info = self.wait_rate(src)
        self.assertGreaterEqual(info['ram']['dirty-sync-count'], 3)
        self.assertNotIn('cpu-throttle-percentage', info)
        # All of it is written again in each round: 250 ms at this limit.
        self.assertGreater(info['expected-downtime'], 20)
        self.assertGreater(info['ram']['dirty-pages-rate'],
                           self.LIMIT // 4096 // 2)
        self.check_cancels(src, dst)

    def test_never_ends_plain(self):
        self.check_never_ends(())

    def test_never_ends_multifd(self):
        self.check_never_ends(('multifd',))

    def check_auto_converge(self, caps):
        src, dst = self.start(caps, ('auto-converge',))
        while 'cpu-throttle-percentage' not in src.info():
            self.assertEqual(src.info()['status'], 'active')
            self.wait_pass(src, 2)
        self.assertEqual(src.info()['cpu-throttle-percentage'], 99)
        self.check_goes_on(src, dst)

    def test_auto_converge_plain(self):
        self.check_auto_converge(())

    def test_auto_converge_multifd(self):
        self.check_auto_converge(('multifd', 'return-path'))

    def check_bandwidth(self, caps):
        """Too slow, much too slow, and as fast as can be."""
        src, dst = self.start(caps)
        self.wait_pass(src, 3)
        src.parameters(max_bandwidth=4 * vm.MIB)
        while src.info()['ram']['mbps'] > 6 * vm.MIB * 8 / 1e6:
            self.assertEqual(src.info()['status'], 'active')
        # The guest has written to all of its memory by now, or does soon.
        while src.info()['expected-downtime'] < 500:
            self.assertEqual(src.info()['status'], 'active')
        src.parameters(max_bandwidth=0)
        self.check_goes_on(src, dst)

    def test_bandwidth_plain(self):
        self.check_bandwidth(())

    def test_bandwidth_multifd(self):
        self.check_bandwidth(('multifd', 'return-path'))

    def test_downtime_limit(self):
        """A guest that may stop for that long."""
        src, dst = self.start()
        self.wait_pass(src, 3)
        src.parameters(downtime_limit=10000)
        self.check_goes_on(src, dst)

    def test_next_to_no_bandwidth(self):
        """A few bytes a second; cancelling waits for none of them."""
        src, dst = self.start(max_bandwidth=7)
        src.qmp.cmd('migrate-set-parameters', {'downtime-limit': 30})
        watch = stopwatch.Stopwatch(src.pid)
        self.check_cancels(src, dst)
        self.assertLess(watch.seconds(), 0.2 * qmp.SCALE)


if __name__ == '__main__':
    sys.exit(tap.main())
