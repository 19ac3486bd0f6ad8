# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest with CPUs moves from process to process while it writes its memory.
# One guest goes through as many migrations as fit: each begins where the last
# one ended, and its output is checked from the first byte on.

import os
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import dsa, guest, migrate, qmp, tap, vm  # noqa: E402
from wherrytest.kvm import GuestCase, SIZE  # noqa: E402

# Writes 0, 1, 2... to the serial port as fast as that takes them: nearly
# always in the middle of an access when it is stopped.
COUNTER = bytes.fromhex('31db bafd030000 ec a820 74f6 baf8030000 89d8 ee ffc3'
                        ' ebea')

# Enough for any guest.
SPEED = {'max_bandwidth': 0, 'downtime_limit': 500}

PAUSE = 'pause-before-switchover'


class LiveCase(GuestCase):
    """Migrations that the guest writes under."""

    def bandwidth(self, src, share):
        """So much of what the guest that runs writes, bytes a second."""
        # Old output, then the end of a pass: from there on it counts.
        src.serial.wait(1)
        src.serial.wait(1)
        began = time.monotonic()
        src.serial.wait(src.cpus)
        taken = time.monotonic() - began
        return int((src.size - guest.SLICES) / taken * share)

    def wait_pass(self, src, nr):
        """Until round NR has begun; the guest is slow where CPUs are."""
        src.qmp.wait_event('MIGRATION_PASS', lambda d: d['pass'] >= nr,
                           3 * qmp.DEFAULT_TIMEOUT)

    def start_rounds(self, src, dst, transport='unix', caps=(), rounds=3,
                     share=1 / 2, src_params=None, **settings):
        """A migration over a link that has a share of what the guest needs.
        The guest writes all of its pages again in each round."""
        migrate.start(src, dst, self.uri(transport), caps=caps,
                      src_params=dict({
                          'max_bandwidth': self.bandwidth(src, share),
                          'downtime_limit': 1}, **(src_params or {})),
                      **settings)
        self.wait_pass(src, rounds)

    def finish_rounds(self, src, dst):
        src.parameters(**SPEED)
        result = migrate.finish(src, dst)
        self.check_completed(result)
        self.check_moved(src, dst)
        self.check_found(src)
        return result

    def check_found(self, src):
        """For who knows more of how writes are found."""

    def next_target(self, src, name, **settings):
        # Bytes that are wrong wherever they are left.
        return self.guest_target(name, cpus=src.cpus, old=0xa5, **settings)

    def live_move(self, src, name, transport='unix', caps=(), **settings):
        """Moves the guest, and it runs on; the machine that it is on then."""
        options = settings.pop('options', ())
        dst = self.next_target(src, name, options=options)
        self.start_rounds(src, dst, transport, caps, **settings)
        self.finish_rounds(src, dst)
        dst.qmp.cmd('cont')
        return dst


class Matrix(LiveCase):
    """Pages of any content, told apart in any way, over any channel."""

    def check(self, transport, caps, detections, **params):
        machine = self.guest()
        self.run_guest(machine, 1)
        for detection in detections:
            with self.subTest(detection=detection):
                settings = {'params': dict({'zero_page_detection': detection},
                                           **params)}
                if detection == 'dsa-accel':
                    settings = {'params': params, 'src_params': {
                        'zero_page_detection': 'dsa-accel',
                        'accel_path': [dsa.soft()],
                        'dsa_timeout': dsa.PATIENCE_MS}}
                machine = self.live_move(machine, 'to-' + detection,
                                         transport, caps, **settings)

    def test_plain_unix(self):
        self.check('unix', (), ('none', 'legacy', 'multifd'))

    def test_plain_tcp(self):
        self.check('tcp', ('return-path',), ('none', 'legacy', 'multifd'))

    def test_multifd_unix(self):
        self.check('unix', ('multifd', 'return-path'),
                   ('none', 'legacy', 'multifd', 'dsa-accel'),
                   multifd_channels=4)

    def test_multifd_tcp(self):
        self.check('tcp', ('multifd',),
                   ('none', 'legacy', 'multifd', 'dsa-accel'))


class Move(LiveCase):
    def test_two_cpus(self):
        src = self.guest(cpus=2)
        self.run_guest(src, 2)
        self.live_move(src, 'dst', caps=('multifd',))

    def test_many_rounds(self):
        """Memory changes under a slow migration, round after round."""
        src, dst = self.guest(), self.guest_target()
        self.run_guest(src, 1)
        self.start_rounds(src, dst, rounds=8, share=1 / 3)
        self.assertEqual(src.info()['status'], 'active')
        self.finish_rounds(src, dst)

    def test_from_process_to_process(self):
        """At full speed; the log of writes is started anew in each."""
        machine = self.guest('first')
        self.run_guest(machine)
        for name in ('second', 'third', 'fourth'):
            dst = self.guest_target(name)
            self.move(machine, dst, caps=('multifd',))
            dst.qmp.cmd('cont')
            machine = dst

    def test_before_it_ever_ran(self):
        src, dst = self.guest(), self.guest_target()
        self.check_completed(migrate.migrate(src, dst, self.uri('unix')))
        self.check_ram(src, dst)
        self.run_guest(dst, 2)
        guest.check_output(dst.serial.data)

    def test_back_at_the_source(self):
        """A guest that was sent away and is wanted here after all."""
        src, dst = self.guest(), self.guest_target()
        self.run_guest(src)
        self.check_completed(migrate.migrate(src, dst, self.uri('unix')))
        self.discard(dst)
        self.run_guest(src)
        guest.check_output(src.serial.data)

    def test_in_the_middle_of_an_access(self):
        """It is finished here or begun there, never both or neither."""
        kernel = self.path('counter')
        with open(kernel, 'wb') as file:
            file.write(COUNTER)
        machine = self.guest('first', kernel=kernel,
                             serial='file:' + self.path('first.out'))
        output = b''
        for name in ('second', 'third', 'fourth', 'fifth'):
            machine.qmp.cmd('cont')
            path = self.path(machine.name + '.out')
            while os.path.getsize(path) < 100:
                machine.qmp.cmd('query-status')
            for command in ('stop', 'cont') * 5:
                machine.qmp.cmd(command)
            dst = self.guest_target(name, serial='file:' +
                                    self.path(name + '.out'))
            self.check_completed(migrate.migrate(machine, dst,
                                                 self.uri('unix')))
            machine.quit()
            machine.expect_exit = True
            with open(path, 'rb') as file:
                output += file.read()
            machine = dst
        expected = bytes(at % 256 for at in range(len(output)))
        self.assertEqual(output, expected)

    def test_larger_memory(self):
        src = self.guest(size=8 * vm.MIB, cpus=2)
        self.run_guest(src, 1)
        dst = self.guest_target(size=8 * vm.MIB, cpus=2, old=0xff)
        self.move(src, dst, caps=('multifd',))

    def test_pause_before_switchover(self):
        src, dst = self.guest(), self.guest_target()
        self.run_guest(src)
        migrate.start(src, dst, self.uri('unix'), caps=('return-path',),
                      src_caps=('return-path', PAUSE))
        src.qmp.wait_status('pre-switchover')
        before = self.check_stopped(src)
        src.qmp.cmd('migrate-continue', {'state': 'pre-switchover'})
        self.check_completed(migrate.finish(src, dst))
        self.assertEqual(self.check_stopped(dst), before)
        self.check_moved(src, dst)


class Converge(LiveCase):
    """A guest that writes faster than the link carries, and one that is
    slowed down, which is the same in all else."""

    def cpu_seconds(self, machine):
        """What CPU 0 has run so far."""
        folder = '/proc/%d/task' % machine.pid
        for task in os.listdir(folder):
            with open('%s/%s/comm' % (folder, task)) as file:
                if not file.read().startswith('CPU 0'):
                    continue
            with open('%s/%s/schedstat' % (folder, task)) as file:
                return int(file.read().split()[0]) / 1e9
        raise AssertionError('no thread of a CPU')

    def test_auto_converge(self):
        src = self.guest()
        self.run_guest(src, 1)
        limits = {'downtime_limit': 20,
                  'max_bandwidth': self.bandwidth(src, 1 / 3)}
        dst = self.next_target(src, 'never')
        self.start_rounds(src, dst, rounds=5, src_params=limits)
        info = src.info()
        self.assertEqual(info['status'], 'active')
        self.assertNotIn('cpu-throttle-percentage', info)
        # Not by luck: what a round has to send is far too much.
        self.assertGreater(info['ram']['transferred'] / 5,
                           2 * limits['max_bandwidth'] * 0.02)
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.discard(dst)
        src.qmp.drop_events()

        dst = self.next_target(src, 'dst')
        migrate.start(src, dst, 'unix:' + self.path('again.sock'),
                      src_caps=('auto-converge',),
                      src_params=dict(limits, cpu_throttle_initial=99))
        result = migrate.finish(src, dst)
        self.check_completed(result)
        self.assertNotIn('cpu-throttle-percentage', result.src)
        # And all of its time is given back at the destination.
        self.check_moved(src, dst)

    def throttled(self):
        """A guest that is slowed down, and does not get away for long."""
        src = self.guest()
        self.run_guest(src, 1)
        dst = self.next_target(src, 'dst')
        self.start_rounds(src, dst, share=1 / 10, src_caps=('auto-converge',),
                          src_params={'cpu_throttle_initial': 60,
                                      'max_cpu_throttle': 60})
        while src.info().get('cpu-throttle-percentage') != 60:
            src.qmp.wait_event('MIGRATION_PASS')
        # A busy host slows it down further, to where it would converge.
        src.parameters(max_bandwidth=64 << 10)
        return src, dst

    def test_throttled_guest(self):
        """It gets the share it is said to get, stops at once, and has all of
        its time when the migration is cancelled."""
        src, _ = self.throttled()
        began = src.info()['total-time'], self.cpu_seconds(src)
        while src.info()['total-time'] < began[0] + 500:
            src.serial.wait(1)
        wall = (src.info()['total-time'] - began[0]) / 1000
        self.assertLess((self.cpu_seconds(src) - began[1]) / wall, 0.5)
        for _ in range(10):
            src.qmp.cmd('stop')
            self.check_stopped(src)
            src.qmp.cmd('cont')
        self.assertEqual(src.info()['status'], 'active')
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        src.serial.wait(3)
        src.qmp.cmd('stop')
        self.check_stopped(src)
        guest.check_output(src.serial.data)


class Ring(LiveCase):
    """Writes are found by the dirty rings.  Some kernels emulate a guest's
    instructions, and overwrite what is in a ring then: nothing may be missed
    nevertheless."""

    accel = 'kvm,dirty-ring-size=1024'

    def guest(self, name='src', options=(), **settings):
        options = list(options) + ['-trace', 'kvm_dirty_*']
        return super().guest(name, options=options, accel=self.accel,
                             **settings)

    @staticmethod
    def refusal(accel):
        """What is said of a machine that has nothing to run in any case."""
        return subprocess.run(
            [vm.binary(vm.WHERRY), '-nodefaults', '-machine', 'micro', '-m',
             '4M', '-accel', accel], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False, timeout=qmp.DEFAULT_TIMEOUT).stdout

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        said = cls.refusal(cls.accel)
        if 'no dirty rings' in said:
            raise unittest.SkipTest(said.strip())

    def test_more_than_the_kernel_allows(self):
        said = self.refusal('kvm,dirty-ring-size=1073741824')
        self.assertIn('1073741824 is more than KVM of this kernel allows',
                      said)
        self.assertEqual(said.count('\n'), 1)

    def check_found(self, src):
        self.assertIn('kvm_dirty_start rings', src.log())

    def test_plain(self):
        """A pass writes more pages than a ring holds, on any kernel."""
        size = 7 * vm.MIB
        src = self.guest(size=size)
        self.run_guest(src, 1)
        dst = self.next_target(src, 'dst', size=size)
        self.start_rounds(src, dst)
        self.finish_rounds(src, dst)
        self.assertIn('kvm_dirty_ring_full', src.log())

    def test_two_cpus_multifd(self):
        src = self.guest(cpus=2)
        self.run_guest(src, 2)
        self.live_move(self.live_move(src, 'first', caps=('multifd',)),
                       'second', caps=('multifd',))

    def test_cancelled_and_again(self):
        src = self.guest()
        self.run_guest(src, 1)
        dst = self.next_target(src, 'never')
        self.start_rounds(src, dst)
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.discard(dst)
        src.qmp.drop_events()
        # What the rings still held must not stop it.
        src.serial.wait(2)
        self.live_move(src, 'dst')

    def test_to_a_machine_without(self):
        src = self.guest()
        self.run_guest(src, 1)
        dst = super().guest('dst', kernel=None, incoming='defer')
        self.start_rounds(src, dst)
        self.finish_rounds(src, dst)


class Failure(LiveCase):
    """The guest lives on at the source."""

    def check_goes_on(self, src):
        self.assertTrue(src.qmp.cmd('query-status')['running'])
        src.serial.wait(1)
        src.qmp.cmd('stop')
        self.check_stopped(src)
        guest.check_output(src.serial.data)
        src.qmp.cmd('cont')
        src.qmp.drop_events()
        src.capabilities(**{PAUSE: False})
        dst = self.guest_target('next', cpus=src.cpus)
        result = migrate.migrate(src, dst, 'unix:' + self.path('next.sock'),
                                 params=SPEED)
        self.check_completed(result)
        self.check_moved(src, dst)

    def cancel(self, src, *others):
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.discard(*others)
        self.check_goes_on(src)

    def check_cancelled(self, caps, rounds, **params):
        src, dst = self.guest(), self.guest_target()
        self.run_guest(src)
        self.start_rounds(src, dst, caps=caps, rounds=rounds, share=1 / 3,
                          src_params=params)
        self.cancel(src, dst)

    def test_cancelled_in_the_first_round(self):
        self.check_cancelled((), 1, max_bandwidth=128 * 1024)

    def test_cancelled_in_a_later_round(self):
        self.check_cancelled(('multifd', 'return-path'), 3)

    def test_cancelled_while_it_pauses(self):
        src, dst = self.guest(), self.guest_target()
        self.run_guest(src)
        migrate.start(src, dst, self.uri('unix'), src_caps=(PAUSE,))
        src.qmp.wait_status('pre-switchover')
        self.cancel(src, dst)

    def test_cancelled_while_nobody_reads(self):
        """The destination is a socket with full buffers."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as deaf:
            deaf.bind(self.path('deaf'))
            deaf.listen(1)
            src = self.guest()
            self.run_guest(src)
            migrate.configure(src, (), dict(SPEED))
            src.qmp.cmd('migrate', {'uri': 'unix:' + self.path('deaf')})
            src.qmp.wait_status('active')
            src.serial.wait(1)
            self.cancel(src)

    def test_destination_killed(self):
        src, dst = self.guest(), self.guest_target()
        self.run_guest(src)
        self.start_rounds(src, dst, caps=('multifd',))
        self.discard(dst)
        self.assertEqual(migrate.end_status(src), 'failed')
        self.check_goes_on(src)

    def check_refused(self, dst, *words):
        src = self.guest()
        self.run_guest(src)
        migrate.start(src, dst, self.uri('unix'), caps=('return-path',))
        self.assertEqual(migrate.end_status(dst), 'failed')
        for word in words:
            self.assertIn(word, dst.info()['error-desc'])
        self.assertEqual(migrate.end_status(src), 'failed')
        self.discard(dst)
        self.check_goes_on(src)

    def test_fewer_cpus_there(self):
        self.check_refused(self.guest_target(cpus=2), 'the same -smp')

    def test_no_cpus_there(self):
        self.check_refused(self.target(size=SIZE), 'micro', 'none')


if __name__ == '__main__':
    sys.exit(tap.main())
