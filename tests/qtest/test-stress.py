# SPDX-License-Identifier: GPL-2.0-or-later
#
# Migration of a guest that writes all the time: the stress accelerator runs
# on at the destination, which ends with a sentence when a page is not as the
# guest's state says.  The tests compare both ends' memory themselves, too.

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import (case, compression, dsa, migrate, qmp, ram,  # noqa: E402
                        tap, vm)

SIZE = 16 * vm.MIB
LOADS = {
    'seq': 'threads=2,rate=128M,pattern=seq,zero=10',
    'random': 'threads=3,rate=128M,pattern=random,zero=50',
    'hot': 'threads=1,rate=128M,pattern=hot,zero=0',
    # Writes at any moment, also at the last one before it is stopped.
    'restless': 'threads=2,rate=0,pattern=random,zero=50',
}
# The guest writes much faster than that: round follows round.
ROUNDS = {'max_bandwidth': 24 * vm.MIB, 'downtime_limit': 1}
# And that is enough for any guest, on a slow machine, too.
SPEED = {'max_bandwidth': 0, 'downtime_limit': 500}


class StressCase(case.MachineCase):
    """A machine whose guest is a load, with the accelerator's trace."""

    def stress(self, name, load='seq', backend='ram', size=SIZE, dirty='auto',
               extra='', **options):
        accel = 'stress,%s,dirty=%s%s' % (LOADS.get(load, load), dirty, extra)
        return self.machine(name=name, backend=backend, size=size, options=[
            '-accel', accel, '-trace', 'stress_*'], **options)

    def pair(self, **options):
        return (self.stress('src', **options),
                self.stress('dst', incoming='defer', **options))

    def traced(self, machine, point):
        """Numbers of each line of a trace point, in order."""
        return [[int(n) for n in re.findall(r'\b\d+\b', line.split(
            point, 1)[1])] for line in machine.log().splitlines()
            if point + ' ' in line]

    def writes(self, machine):
        """How far each thread has come at its last stop."""
        return {thread: nr for thread, nr in self.traced(machine,
                                                         'stress_stop')}

    def wait_passes(self, machine, nr=1):
        """Until each thread has written as much as its slice NR times more,
        or less by what it had when it was asked to."""
        before = len(self.traced(machine, 'stress_pass'))
        threads = int(re.search(r'threads=(\d+)',
                                ' '.join(machine.command)).group(1))
        while True:
            seen = {}
            for thread, _ in self.traced(machine, 'stress_pass')[before:]:
                seen[thread] = seen.get(thread, 0) + 1
            if len(seen) == threads and min(seen.values()) >= nr:
                return
            # Fails when the process is gone; nothing tells of a trace line.
            machine.qmp.cmd('query-status')
            if not machine.alive():
                self.fail(machine.log())

    def is_running(self, machine):
        return machine.qmp.cmd('query-status')['running']

    def warm_up(self, src):
        """A guest that has written to all its memory runs."""
        src.qmp.cmd('cont')
        self.wait_passes(src)

    def ram_file(self, machine):
        """A file with the RAM of a machine whose guest stands."""
        if machine.backend == 'file':
            return machine.ram_path
        if machine.backend == 'memfd':
            fds = '/proc/%d/fd/' % machine.pid
            return next(fds + fd for fd in os.listdir(fds) if os.readlink(
                fds + fd).startswith('/memfd:' + machine.block))
        path = self.path(machine.name + '.copy')
        ram.save_from(machine.pid, machine.size, path)
        return path

    def check_same_ram(self, src, dst):
        """Neither guest has run since the source's was stopped."""
        self.assertIsNone(ram.first_difference(self.ram_file(src),
                                               self.ram_file(dst)))

    def check_went_on(self, src, dst):
        """It stands at the source, goes on at the destination with the same
        memory, which has looked at every page and has nothing to complain
        of."""
        self.assertEqual(src.qmp.cmd('query-status')['status'], 'postmigrate')
        self.assertFalse(self.is_running(src))
        self.assertFalse(self.is_running(dst))
        self.check_same_ram(src, dst)
        before = self.writes(src)
        dst.qmp.cmd('cont')
        self.wait_passes(dst, 2)
        dst.qmp.cmd('stop')
        begun = dict(self.traced(dst, 'stress_start')[:len(before)])
        self.assertEqual(begun, before)
        after = self.writes(dst)
        for thread, nr in before.items():
            self.assertGreater(after[thread], nr)
        checked = self.traced(dst, 'stress_checked')
        self.assertEqual(sum(pages for _, pages, _, _ in checked),
                         dst.size // ram.PAGE)
        self.assertEqual([wrong for _, _, _, wrong in checked],
                         [0] * len(before))

    def check(self, uri='unix', caps=(), params=None, src_params=None,
              **options):
        src, dst = self.pair(**options)
        self.warm_up(src)
        migrate.start(src, dst, self.uri(uri), caps=caps,
                      params=dict(ROUNDS, **(params or {})),
                      src_params=src_params)
        src.qmp.wait_status('active')
        while src.info()['ram']['dirty-sync-count'] < 3:
            self.assertEqual(src.info()['status'], 'active')
        src.parameters(**SPEED)
        result = migrate.finish(src, dst)
        self.check_completed(result)
        self.assertGreaterEqual(result.src['ram']['dirty-sync-count'], 4)
        self.check_went_on(src, dst)
        return src, dst


class Plain(StressCase):
    def test_unix_seq(self):
        self.check()

    def test_tcp_random(self):
        self.check('tcp', load='random')

    def test_unix_hot_return_path(self):
        self.check(load='hot', caps=('return-path',))

    def test_detection_none(self):
        self.check(load='random', params={'zero_page_detection': 'none'})

    def test_detection_legacy(self):
        self.check(load='random', params={'zero_page_detection': 'legacy'})


class Multifd(StressCase):
    def check_multifd(self, uri, detection, **options):
        self.check(uri, caps=('multifd',), params={
            'multifd_channels': 3, 'zero_page_detection': detection},
            **options)

    def test_unix_none(self):
        self.check_multifd('unix', 'none', load='random')

    def test_tcp_legacy(self):
        self.check_multifd('tcp', 'legacy', load='random')

    def test_tcp_multifd(self):
        self.check_multifd('tcp', 'multifd', load='random')

    def test_zero_copy(self):
        """Pages that the guest writes to while the kernel refers to them."""
        src, _ = self.check('tcp', load='restless',
                            caps=('multifd', 'zero-copy-send'),
                            params={'multifd_channels': 3})
        self.assertGreater(
            src.info()['ram']['dirty-sync-missed-zero-copy'], 0)

    def test_unix_multifd_hot(self):
        self.check_multifd('unix', 'multifd', load='hot')

    def check_dsa(self, uri, **options):
        self.check(uri, caps=('multifd',), params={'multifd_channels': 2},
                   src_params={'zero_page_detection': 'dsa-accel',
                               'accel_path': [dsa.soft()],
                               'dsa_timeout': dsa.PATIENCE_MS}, **options)

    def test_unix_dsa_accel(self):
        self.check_dsa('unix', load='random')

    def test_tcp_dsa_accel_soft_marks(self):
        self.check_dsa('tcp', load='seq', dirty='soft')


class Compression(StressCase):
    """A guest that writes into a page while it is compressed."""

    def check_method(self, method, load='random', uri='unix', **params):
        compression.require(self.machine(name='probe'), method)
        self.check(uri, caps=('multifd',), load=load, params=dict(
            params, multifd_compression=method))

    def test_zlib(self):
        self.check_method('zlib')

    def test_zlib_that_stores(self):
        """Level 0 reads its input twice, and more of it is there to read."""
        self.check_method('zlib', 'restless', multifd_zlib_level=0)

    def test_zstd(self):
        self.check_method('zstd', uri='tcp')

    def test_zstd_restless(self):
        self.check_method('zstd', 'restless', multifd_zstd_level=6)

    def test_qpl(self):
        self.check_method('qpl')

    def test_qpl_restless(self):
        self.check_method('qpl', 'restless')


class DirtyLog(StressCase):
    """Both ways to find writes, with each sort of memory."""

    def need_wp(self, machine):
        for line in machine.log().splitlines():
            if 'stress_dirty' in line and 'soft' in line:
                raise unittest.SkipTest(
                    'the kernel does not write-protect: %s' % line)

    def check_wp(self, backend):
        src, _ = self.check(backend=backend, load='random',
                            caps=('multifd',))
        self.need_wp(src)

    def test_wp_anonymous(self):
        self.check_wp('ram')

    def test_wp_memfd(self):
        self.check_wp('memfd')

    def test_wp_file(self):
        self.check_wp('file')

    def test_wp_restless(self):
        src, _ = self.check(load='restless', caps=('multifd',))
        self.need_wp(src)

    def test_soft_restless(self):
        self.check(load='restless', dirty='soft', caps=('multifd',))

    def test_soft_anonymous(self):
        src, _ = self.check(dirty='soft', load='random')
        self.assertIn('stress_dirty writes are found by soft',
                      re.sub(r'stress_dirty\W+', 'stress_dirty ', src.log()))

    def test_soft_memfd_multifd(self):
        self.check(dirty='soft', backend='memfd', caps=('multifd',))

    def test_wp_leaves_holes_alone(self):
        """A large guest that uses little stays small."""
        size = 512 * vm.MIB
        src, dst = self.pair(size=size, extra=',size=4M')
        self.warm_up(src)
        src.qmp.cmd('stop')
        self.check_completed(migrate.migrate(src, dst, self.uri('unix')))
        for machine in (src, dst):
            self.assertLess(vm.peak_rss(machine.pid), size // 4)


class Failure(StressCase):
    def test_cancelled_source_goes_on(self):
        src, dst = self.pair(load='random')
        self.warm_up(src)
        migrate.start(src, dst, self.uri('unix'), params=ROUNDS)
        src.qmp.wait_status('active')
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.assertTrue(self.is_running(src))
        self.wait_passes(src)
        src.qmp.drop_events()
        new = self.stress('new', load='random', incoming='defer')
        self.check_completed(migrate.migrate(
            src, new, 'unix:' + self.path('new.sock'), params=SPEED))
        self.check_went_on(src, new)

    def test_destination_with_other_parameters(self):
        """Refused with a sentence; the source goes on."""
        src = self.stress('src', load='seq')
        dst = self.stress('dst', load='hot', incoming='defer')
        self.warm_up(src)
        result = migrate.migrate(src, dst, self.uri('unix'),
                                 caps=('return-path',), params=SPEED)
        self.assertEqual((result.src_status, result.dst_status),
                         ('failed', 'failed'), str(result))
        self.assertIn('the guest comes with threads=2,pattern=seq',
                      result.dst['error-desc'])
        self.assertTrue(self.is_running(src))
        self.wait_passes(src)

    def test_destination_without_stress(self):
        src = self.stress('src')
        dst = self.machine(name='dst', backend='ram', size=SIZE,
                           incoming='defer')
        self.warm_up(src)
        result = migrate.migrate(src, dst, self.uri('unix'),
                                 caps=('return-path',), params=SPEED)
        self.assertEqual(result.dst_status, 'failed')
        self.assertIn('stress', result.dst['error-desc'])
        self.assertTrue(self.is_running(src))

    def test_memory_that_others_spoil(self):
        """A page that is not as it was written ends the guest."""
        vm_ = self.stress('vm', load='seq', backend='file')
        vm_.expect_exit = True
        self.warm_up(vm_)
        vm_.qmp.cmd('stop')
        ram.write_pages(vm_.ram_path, {
            page: b'\xa5' * ram.PAGE for page in range(SIZE // ram.PAGE)})
        vm_.qmp.cmd('cont')
        self.assertEqual(vm_.wait_exit(), 1)
        self.assertRegex(vm_.log(), r"the guest cannot go on: stress: page "
                         r"\d+ \(RAM block 'mem0'.* but begins with "
                         r"0xa5a5a5a5a5a5a5a5, which no stress thread wrote")


class CommandLine(StressCase):
    def refused(self, accel, size=SIZE):
        machine = vm.VM(vm.WHERRY, self.folder, 'bad', size=size,
                        backend='none', options=['-accel', accel],
                        start=False)
        with self.assertRaises(RuntimeError):
            machine.start()
        self.assertEqual(machine.process.poll(), 1)
        return machine.log()

    def test_bad_options(self):
        for accel, text in (
                ('stress,threads=0', 'threads=0 is not a number from 1 to 64'),
                ('stress,speed=5', 'speed'),
                ('stress,size=1G', 'size=1G is more than')):
            with self.subTest(accel=accel):
                self.assertIn(text, self.refused(accel))

    def test_ten_starts_and_stops(self):
        machine = self.stress('vm', load='threads=8,rate=0')
        for _ in range(10):
            machine.qmp.cmd('cont')
            self.assertTrue(self.is_running(machine))
            machine.qmp.cmd('stop')
            self.assertFalse(self.is_running(machine))
            now = self.writes(machine)
            self.assertEqual(machine.qmp.cmd('query-status')['status'],
                             'paused')
            self.assertEqual(self.writes(machine), now)


if __name__ == '__main__':
    sys.exit(tap.main())
