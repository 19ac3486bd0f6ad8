# SPDX-License-Identifier: GPL-2.0-or-later
#
# How a migration comes to its end over QMP, with real processes: the pause
# before switchover, and a guest that writes too fast for the link.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, migrate, qmp, tap, vm  # noqa: E402

PAUSE = 'pause-before-switchover'
VARIANTS = {
    'plain': (),
    'plain_return_path': ('return-path',),
    'multifd': ('multifd',),
    'multifd_return_path': ('multifd', 'return-path'),
}


class Pause(case.MachineCase):
    def pause(self, caps=(), running=True):
        """Source and destination, the source paused."""
        src, dst = self.source(), self.target()
        if running:
            src.qmp.cmd('cont')
        self.again(src, dst, 'pause', caps)
        return src, dst

    def again(self, src, dst, name, caps=()):
        migrate.start(src, dst, 'unix:' + self.path(name), caps=caps,
                      src_caps=caps + (PAUSE,))
        src.qmp.wait_status('pre-switchover')

    def state(self, machine):
        return machine.qmp.cmd('query-status')['status']

    def go_on(self, src):
        src.qmp.cmd('migrate-continue', {'state': 'pre-switchover'})

    def check_arrives(self, src, dst):
        self.check_completed(migrate.finish(src, dst))
        self.check_ram(src, dst)
        self.assertEqual(self.state(src), 'postmigrate')

    def check_variant(self, caps):
        src, dst = self.pause(caps)
        self.assertEqual(self.state(src), 'finish-migrate')
        self.assertEqual(self.state(dst), 'inmigrate')
        sent = src.info()['ram']['transferred']
        with self.assertRaises(qmp.QmpError):
            src.qmp.cmd('cont')
        self.assertEqual(src.info()['ram']['transferred'], sent)
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
    """A guest that writes more than the link carries."""

    SLOW = {'max_bandwidth': 16 * vm.MIB, 'downtime_limit': 20}

    def busy(self, name, **options):
        return self.machine(
            name=name, backend='ram', size=8 * vm.MIB, options=[
                '-accel', 'stress,threads=1,rate=256M,pattern=seq,zero=0',
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
                      src_params=dict(self.SLOW, **params))
        src.qmp.wait_status('active')
        return src, dst

    def wait_pass(self, src, nr):
        src.qmp.wait_event('MIGRATION_PASS', lambda d: d['pass'] >= nr)

    def check_never_ends(self, caps):
        src, dst = self.start(caps)
        self.wait_pass(src, 5)
        info = src.info()
        self.assertEqual(info['status'], 'active')
        self.assertNotIn('cpu-throttle-percentage', info)
        self.assertGreater(info['expected-downtime'], 20)
        self.assertGreater(info['ram']['dirty-pages-rate'], 1000)
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.assertEqual(src.qmp.cmd('query-status')['status'], 'running')
        self.assertEqual(migrate.end_status(dst), 'failed')

    def test_never_ends_plain(self):
        self.check_never_ends(())

    def test_never_ends_multifd(self):
        self.check_never_ends(('multifd',))

    def check_auto_converge(self, caps):
        src, dst = self.start(caps, ('auto-converge',),
                              cpu_throttle_initial=99)
        while 'cpu-throttle-percentage' not in src.info():
            self.assertEqual(src.info()['status'], 'active')
            self.wait_pass(src, 2)
        self.assertEqual(src.info()['cpu-throttle-percentage'], 99)
        self.check_completed(migrate.finish(src, dst))
        self.assertNotIn('cpu-throttle-percentage', src.info())
        dst.qmp.wait_event('RESUME')

    def test_auto_converge_plain(self):
        self.check_auto_converge(())

    def test_auto_converge_multifd(self):
        self.check_auto_converge(('multifd', 'return-path'))


if __name__ == '__main__':
    sys.exit(tap.main())
