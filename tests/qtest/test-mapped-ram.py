# SPDX-License-Identifier: GPL-2.0-or-later
#
# Snapshots to a file with mapped-ram between two wherry processes: stopped and
# running guests, plain and multifd, through the page cache and past it, and
# all that can be wrong with a file or its disk.

import importlib
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from wherrytest import (case, dsa, migrate, qmp, ram, snapshot,  # noqa: E402
                        tap, vm)

stress = importlib.import_module('test-stress')

SIZE = 5 * vm.MIB + 12 * 1024
MAPPED = ('mapped-ram',)
MULTIFD = ('mapped-ram', 'multifd')
DETECTIONS = ('none', 'legacy', 'multifd')
# Channels of the source and of the destination; 0 is plain.
WAYS = ((0, 0), (0, 3), (1, 1), (2, 0), (2, 8), (8, 2))


def caps_of(channels):
    return MULTIFD if channels else MAPPED


def params_of(channels, **others):
    return dict({'multifd_channels': channels} if channels else {}, **others)


class FileCase(case.MachineCase):
    """A stopped guest, a file, and a fresh process."""

    def uri_of(self, path, offset=None):
        return 'file:' + path + ('' if offset is None
                                 else ',offset=%d' % offset)

    def snapshot(self, src, dst, path, send=0, recv=0, offset=None, **params):
        uri = self.uri_of(path, offset)
        status = snapshot.save(src, uri, caps_of(send),
                               params_of(send, **params))
        self.assertEqual(status, 'completed', src.info())
        status = snapshot.load(dst, uri, caps_of(recv),
                               params_of(recv, **params))
        self.assertEqual(status, 'completed', dst.info())
        self.check_ram(src, dst)
        return src.info()['ram']

    def check_counters(self, stats, path, ram_kind, detection, size=SIZE):
        normal, zero = ram.count_pages(ram_kind, size)
        if detection == 'none':
            normal, zero = normal + zero, 0
        self.assertEqual((stats['normal'], stats['duplicate']), (normal, zero))
        self.assertEqual(stats['remaining'], 0)
        self.assertEqual(stats['total'], size)
        self.assertLessEqual(snapshot.allocated(path),
                             normal * ram.PAGE + snapshot.OVERHEAD)
        return normal * ram.PAGE


class Stopped(FileCase):
    def check(self, send, recv, detection, ram_kind):
        src = self.source(ram_kind=ram_kind, size=SIZE)
        dst = self.target(size=SIZE)
        path = self.path('state')
        stats = self.snapshot(src, dst, path, send, recv,
                              zero_page_detection=detection)
        content = self.check_counters(stats, path, ram_kind, detection)
        if detection != 'none':
            self.assertGreaterEqual(stats['transferred'], content)
            self.assertEqual(stats['multifd-bytes'], content if send else 0)
        if ram_kind == 'holes':
            self.assertEqual(ram.allocated(src.ram_path), 0)
        if ram_kind in ('holes', 'zero') and detection != 'none':
            self.assertEqual(ram.allocated(dst.ram_path), 0)


def add_stopped_cases():
    for send, recv in WAYS:
        for detection in DETECTIONS:
            for kind in ('holes', 'zero', 'mixed'):
                def run(self, send=send, recv=recv, detection=detection,
                        kind=kind):
                    self.check(send, recv, detection, kind)
                run.tap_name = '/Stopped/%d-to-%d/%s/%s' % (send, recv,
                                                            detection, kind)
                setattr(Stopped, 'test_%d_%d_%s_%s' % (send, recv, detection,
                                                       kind), run)


add_stopped_cases()


class DirectIO(FileCase):
    """O_DIRECT for the pages; the file holds the same."""

    def check(self, send, recv, detection='multifd'):
        src = self.source(size=SIZE)
        dst = self.target(size=SIZE)
        path = os.path.join(snapshot.disk_folder(self), 'state')
        stats = self.snapshot(src, dst, path, send, recv, direct_io=True,
                              zero_page_detection=detection)
        self.check_counters(stats, path, 'mixed', detection)

    def test_both_sides(self):
        self.check(2, 3)

    def test_both_sides_none(self):
        self.check(2, 2, 'none')

    def test_both_sides_legacy(self):
        self.check(2, 2, 'legacy')

    def test_source_alone(self):
        self.check(2, 0)

    def test_destination_alone(self):
        self.check(0, 2)

    def test_without_multifd_it_has_no_effect(self):
        self.check(0, 0)

    def test_anonymous_memory(self):
        src = self.source(size=SIZE)
        mid = self.target(name='mid', size=SIZE, backend='ram')
        dst = self.target(size=SIZE)
        folder = snapshot.disk_folder(self)
        for one, other, name in ((src, mid, 'a'), (mid, dst, 'b')):
            uri = self.uri_of(os.path.join(folder, name))
            params = params_of(2, direct_io=True)
            for step, machine in ((snapshot.save, one),
                                  (snapshot.load, other)):
                self.assertEqual(step(machine, uri, MULTIFD, params),
                                 'completed', machine.info())
        self.check_ram(src, dst)

    def test_descriptor_without_o_direct(self):
        """A set that has only a descriptor for the stream."""
        path = os.path.join(snapshot.disk_folder(self), 'state')
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        self.addCleanup(os.close, fd)
        src = self.source(size=SIZE, pass_fds=[fd],
                          options=['-add-fd', 'fd=%d,set=1' % fd])
        status = snapshot.save(src, 'file:/dev/fdset/1', MULTIFD,
                               {'direct_io': True})
        self.assertEqual(status, 'failed')
        self.assertIn('direct-io', src.info()['error-desc'])
        self.assertIn('/dev/fdset/1', src.info()['error-desc'])

    def test_both_kinds_of_descriptors(self):
        path = os.path.join(snapshot.disk_folder(self), 'state')
        fds = [os.open(path, flags | os.O_CREAT, 0o600)
               for access in (os.O_WRONLY, os.O_RDONLY)
               for flags in (access, access | os.O_DIRECT)]
        for fd in fds:
            self.addCleanup(os.close, fd)
        src = self.source(size=SIZE, pass_fds=fds[:2], options=[
            '-add-fd', 'fd=%d,set=1' % fds[0],
            '-add-fd', 'fd=%d,set=1' % fds[1]])
        dst = self.target(size=SIZE, pass_fds=fds[2:], options=[
            '-add-fd', 'fd=%d,set=1' % fds[2],
            '-add-fd', 'fd=%d,set=1' % fds[3]])
        self.snapshot(src, dst, '/dev/fdset/1', 2, 2, direct_io=True)


class File(FileCase):
    def test_old_memory_is_cleared(self):
        for recv in (0, 2):
            with self.subTest(recv=recv):
                src = self.source(name='src%d' % recv, size=SIZE)
                dst = self.target(name='dst%d' % recv, size=SIZE, old=0xaa)
                self.snapshot(src, dst, self.path('state'), 0, recv)

    def test_offset(self):
        """What stands before the offset stays."""
        path = self.path('state')
        with open(path, 'wb') as file:
            file.write(b'mine' * 2000)
        src, dst = self.source(size=SIZE), self.target(size=SIZE)
        self.snapshot(src, dst, path, 2, 2, offset=4097)
        with open(path, 'rb') as file:
            self.assertEqual(file.read(4097), (b'mine' * 2000)[:4097])

    def test_larger_file_is_cut_off(self):
        path = self.path('state')
        with open(path, 'wb') as file:
            file.write(b'x' * (SIZE + 8 * vm.MIB))
        src, dst = self.source(size=SIZE), self.target(size=SIZE)
        self.snapshot(src, dst, path)
        self.assertLess(os.path.getsize(path), SIZE + 2 * vm.MIB)

    def test_memory_of_every_kind(self):
        for backend in ('memfd', 'ram'):
            for channels in (0, 2):
                with self.subTest(backend=backend, channels=channels):
                    name = '%s-%d' % (backend, channels)
                    src = self.source(name='src-' + name, size=SIZE)
                    mid = self.target(name='mid-' + name, size=SIZE,
                                      backend=backend)
                    dst = self.target(name='dst-' + name, size=SIZE)
                    for one, other, file in ((src, mid, 'a'), (mid, dst, 'b')):
                        uri = self.uri_of(self.path(file))
                        for step, machine in ((snapshot.save, one),
                                              (snapshot.load, other)):
                            self.assertEqual(
                                step(machine, uri, caps_of(channels),
                                     params_of(channels)),
                                'completed', machine.info())
                    self.check_ram(src, dst)

    def test_bandwidth_limit(self):
        """Pages count when they are written, zero ones do not."""
        src = self.source(ram_kind='random', size=4 * vm.MIB)
        uri = self.uri_of(self.path('state'))
        for caps in (MAPPED, MULTIFD):
            status = snapshot.save(src, uri, caps,
                                   {'max_bandwidth': 8 * vm.MIB,
                                    'downtime_limit': 1})
            self.assertEqual(status, 'completed')
            info = src.info()
            self.assertGreaterEqual(info['total-time'], 300)
            src.qmp.cmd('cont')
            src.qmp.cmd('stop')

    def test_cancel_and_again(self):
        src = self.source(ram_kind='random', size=SIZE)
        src.qmp.cmd('cont')
        for caps in (MAPPED, MULTIFD):
            uri = self.uri_of(self.path('state'))
            snapshot.begin_save(src, uri, caps, {'max_bandwidth': 100 * 1024})
            src.qmp.wait_status('active')
            src.qmp.cmd('migrate_cancel')
            self.assertEqual(migrate.end_status(src), 'cancelled')
            self.assertTrue(src.qmp.cmd('query-status')['running'])
            dst = self.target(name='dst-%d' % len(caps), size=SIZE)
            self.assertEqual(snapshot.load(dst, uri, caps), 'failed')
            src.qmp.drop_events()
        dst = self.target(size=SIZE)
        self.snapshot(src, dst, self.path('state'), 2, 2)


class Disk(FileCase):
    """A disk that is full, a file that is not what it should be."""

    def check_full(self, caps):
        folder = snapshot.small_disk(self, 2 * vm.MIB)
        path = os.path.join(folder, 'state')
        src = self.source(ram_kind='random', size=SIZE)
        src.qmp.cmd('cont')
        self.assertEqual(snapshot.save(src, self.uri_of(path), caps), 'failed')
        desc = src.info()['error-desc']
        self.assertIn(path, desc)
        self.assertIn('has no room for ', desc)
        self.assertIn(' bytes at offset ', desc)
        self.assertNotIn('\n', desc)
        self.assertTrue(src.qmp.cmd('query-status')['running'])
        src.qmp.drop_events()
        dst = self.target(size=SIZE)
        self.snapshot(src, dst, self.path('state'))

    def test_full_plain(self):
        self.check_full(MAPPED)

    def test_full_multifd(self):
        self.check_full(MULTIFD)

    def check_load_fails(self, path, *words, caps=MAPPED):
        dst = self.target(size=SIZE)
        self.assertEqual(snapshot.load(dst, self.uri_of(path), caps), 'failed')
        desc = dst.info()['error-desc']
        for word in words:
            self.assertIn(word, desc)
        self.assertNotIn('\n', desc)

    def saved(self):
        src = self.source(size=SIZE)
        path = self.path('state')
        self.assertEqual(snapshot.save(src, self.uri_of(path)), 'completed')
        return path

    def test_short_file(self):
        path = self.saved()
        os.truncate(path, 3 * vm.MIB)
        self.check_load_fails(path, path, 'would end at byte')

    def test_short_file_multifd(self):
        path = self.saved()
        os.truncate(path, 3 * vm.MIB)
        self.check_load_fails(path, path, 'would end at byte', caps=MULTIFD)

    def test_corrupt_header(self):
        path = self.saved()
        with open(path, 'r+b') as file:
            data = file.read(4096)
            at = data.index(bytes((0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x10, 0)))
            file.seek(at + 4)
            file.write(bytes(8))
        self.check_load_fails(path, "RAM block 'mem0'", 'have 0 bytes')

    def test_empty_file(self):
        path = self.path('state')
        open(path, 'wb').close()
        self.check_load_fails(path, path)


class Settings(FileCase):
    def refused(self, machine, command, arguments, message):
        with self.assertRaises(qmp.QmpError) as caught:
            machine.qmp.cmd(command, arguments)
        self.assertIn(message, str(caught.exception))

    def test_socket(self):
        message = 'Migration requires seekable transport (e.g. file)'
        src, dst = self.source(), self.target()
        for machine, command in ((src, 'migrate'), (dst, 'migrate-incoming')):
            machine.capabilities(mapped_ram=True)
            self.refused(machine, command, {'uri': self.uri('unix')}, message)

    def test_multifd_to_a_file_needs_mapped_ram(self):
        src = self.source()
        src.capabilities(multifd=True)
        self.refused(src, 'migrate', {'uri': self.uri_of(self.path('state'))},
                     'Migration requires multi-channel URIs (e.g. tcp)')

    def test_compression(self):
        src, dst = self.source(), self.target()
        uri = self.uri_of(self.path('state'))
        for machine, command in ((src, 'migrate'), (dst, 'migrate-incoming')):
            machine.parameters(multifd_compression='zlib')
            machine.capabilities(mapped_ram=True, multifd=True)
            self.refused(machine, command, {'uri': uri},
                         'Mapped-ram only available for non-compressed '
                         'non-TLS multifd migration')

    def check_one_side(self, saving, loading, message):
        src, dst = self.source(), self.target()
        uri = self.uri_of(self.path('state'))
        self.assertEqual(snapshot.save(src, uri, saving), 'completed')
        self.assertEqual(snapshot.load(dst, uri, loading), 'failed')
        self.assertIn(message, dst.info()['error-desc'])

    def test_source_alone(self):
        self.check_one_side(MAPPED, (), 'the source has capability '
                            '"mapped-ram" on, here it is off')

    def test_destination_alone(self):
        self.check_one_side((), MAPPED, 'the source has capability '
                            '"mapped-ram" off, here it is on')

    def test_direct_io_is_told(self):
        src = self.source()
        parameters = src.qmp.cmd('query-migrate-parameters')
        self.assertIs(parameters['direct-io'], False)
        src.parameters(direct_io=True)
        parameters = src.qmp.cmd('query-migrate-parameters')
        self.assertIs(parameters['direct-io'], True)


@unittest.skipIf(vm.is_stand_in(), 'a stock program has no stress guest')
class Running(stress.StressCase):
    """A guest that writes all the time, stopped only for the last round."""

    def check(self, caps, params=None, backend='ram', detection='multifd',
              folder=None):
        params = dict(params or {}, zero_page_detection=detection)
        src, dst = self.pair(backend=backend)
        uri = 'file:' + os.path.join(folder or self.folder, 'state')
        self.warm_up(src)
        status = snapshot.save(src, uri, caps,
                               dict(params, **stress.SPEED))
        self.assertEqual(status, 'completed', src.info())
        status = snapshot.load(dst, uri, caps, params)
        self.assertEqual(status, 'completed', dst.info())
        self.check_went_on(src, dst)

    def test_plain(self):
        self.check(MAPPED)

    def test_plain_none(self):
        self.check(MAPPED, detection='none')

    def test_plain_memfd(self):
        self.check(MAPPED, backend='memfd')

    def test_multifd(self):
        self.check(MULTIFD, {'multifd_channels': 4})

    def test_multifd_legacy(self):
        self.check(MULTIFD, detection='legacy')

    def test_multifd_none(self):
        self.check(MULTIFD, detection='none')

    def test_multifd_dsa(self):
        self.check(MULTIFD, {'accel_path': [dsa.soft()],
                             'dsa_timeout': dsa.PATIENCE_MS},
                   detection='dsa-accel')

    def test_multifd_file(self):
        self.check(MULTIFD, backend='file')

    def test_direct_io(self):
        self.check(MULTIFD, {'direct_io': True},
                   folder=snapshot.disk_folder(self))

    def test_many_rounds(self):
        """Pages are written many times, by whichever channel comes first."""
        src, dst = self.pair()
        uri = 'file:' + self.path('state')
        self.warm_up(src)
        snapshot.begin_save(src, uri, MULTIFD, dict(
            stress.ROUNDS, multifd_channels=4))
        while src.info().get('ram', {}).get('dirty-sync-count', 0) < 5:
            self.assertTrue(src.alive())
        src.parameters(**stress.SPEED)
        self.assertEqual(migrate.end_status(src), 'completed')
        self.assertEqual(snapshot.load(dst, uri, MULTIFD), 'completed')
        self.check_went_on(src, dst)


if __name__ == '__main__':
    sys.exit(tap.main())
