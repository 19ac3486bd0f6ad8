# SPDX-License-Identifier: GPL-2.0-or-later
#
# QEMU with the changes of scripts/qemu-patchset.py (QEMU_PATCHED in the
# environment), with a stock one (QEMU) and with wherry (WHERRY) at the other
# end: RAM is equal, holes stay holes on both sides, dsa-accel finds what there
# is, and says what the standalone program says.

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import dsa, guest, migrate, qmp, qtest, ram  # noqa: E402
from wherrytest import tap, vm  # noqa: E402

SIZE = 5 * vm.MIB + 12 * 1024
DIRECTIONS = ((vm.PATCHED, vm.PATCHED), (vm.PATCHED, vm.QEMU),
              (vm.QEMU, vm.PATCHED), (vm.WHERRY, vm.PATCHED),
              (vm.PATCHED, vm.WHERRY))
# Name, multifd channels, zero-page-detection.
WAYS = (('plain', 0, 'multifd'), ('plain-legacy', 0, 'legacy'),
        ('plain-none', 0, 'none'),
        ('multifd-2', 2, 'multifd'), ('multifd-8', 8, 'multifd'),
        ('multifd-legacy', 2, 'legacy'), ('multifd-none', 2, 'none'),
        ('dsa', 2, 'dsa-accel'), ('dsa-8', 8, 'dsa-accel'))
PATHS = ('dsa:soft', 'dsa:soft?mode=dedicated,size=32')


def source_params(detection, paths=PATHS):
    params = {'zero_page_detection': detection}
    if detection == 'dsa-accel':
        params['accel_path'] = list(paths)
    return params


class PatchedCase(dsa.DsaCase):
    kinds = (vm.PATCHED,)

    def run_dsa_to(self, kind=vm.PATCHED, ram_kind='mixed', paths=PATHS,
                   channels=2):
        """A migration of a patched source that must succeed; the counters."""
        src = self.source(vm.PATCHED, ram_kind=ram_kind, size=SIZE)
        dst = self.target(kind, size=SIZE)
        self.result = self.migrate_and_check(
            src, dst, caps=('multifd',),
            params={'multifd_channels': channels},
            src_params=source_params('dsa-accel', paths))
        found = self.stats(src)
        self.check_sums(found)
        self.check_asked(found, dsa.asked_pages(ram_kind, SIZE))
        return src, found


def make_case(source, target, way, ram_kind):
    name, channels, detection = way

    def run(self):
        src = self.source(source, ram_kind, size=SIZE)
        dst = self.target(target, size=SIZE)
        before = ram.allocated(src.ram_path)
        result = self.migrate_and_check(
            src, dst, 'tcp' if channels == 8 else 'unix',
            caps=('multifd',) if channels else (),
            params={'multifd_channels': channels} if channels else {},
            src_params=source_params(detection))
        normal, zero = ram.count_pages(ram_kind, SIZE)
        if detection == 'none':
            normal, zero = normal + zero, 0
        if source != vm.WHERRY:
            self.assertEqual(result.src['ram']['normal'], normal)
            self.assertEqual(result.src['ram']['duplicate'], zero)
        if detection == 'dsa-accel':
            found = self.stats(src)
            self.check_sums(found)
            self.check_asked(found, dsa.asked_pages(ram_kind, SIZE))
        if source == vm.PATCHED and detection != 'none':
            self.assertEqual(ram.allocated(src.ram_path), before,
                             'the source touched its holes')
        if target == vm.PATCHED and detection != 'none':
            self.assertEqual(ram.allocated(dst.ram_path), normal * ram.PAGE,
                             'the destination touched its holes')

    run.tap_name = '/patched/%s-to-%s/%s/%s' % (source, target, name, ram_kind)
    return run


def make_class(source, target):
    methods = {'kinds': (source, target)}
    for way in WAYS:
        if source == vm.QEMU and way[2] == 'dsa-accel':
            continue
        for ram_kind in ram.KINDS:
            methods['test_%s_%s' % (way[0].replace('-', '_'), ram_kind)] = \
                make_case(source, target, way, ram_kind)
    return type('Matrix-%s-to-%s' % (source, target), (PatchedCase,), methods)


for _source, _target in DIRECTIONS:
    globals()['Matrix_%s_%s' % (_source, _target)] = make_class(_source,
                                                                _target)


class Destination(PatchedCase):
    """Holes are left alone only where nobody misses the page."""

    def test_old_content_is_cleared(self):
        src = self.source(vm.PATCHED, size=SIZE)
        path = self.path('dst.ram')
        ram.create(path, SIZE, 'mixed', seed=7)
        dst = self.machine(vm.PATCHED, 'dst', size=SIZE, image=path,
                           incoming='defer')
        self.migrate_and_check(src, dst)

    def test_postcopy_finds_every_page(self):
        """One that was received must be there, or a guest waits for it."""
        src = self.source(vm.PATCHED, 'holes', size=SIZE)
        dst = self.target(vm.PATCHED, size=SIZE)
        self.migrate_and_check(src, dst, caps=('postcopy-ram',))
        self.assertEqual(ram.allocated(dst.ram_path), SIZE)


class Faults(PatchedCase):
    """What a queue does not do, the CPU does."""

    def test_page_faults(self):
        _, found = self.run_dsa_to(paths=[dsa.soft(fault_every=3,
                                                   fault_at=2048)])
        self.assertGreater(found['page-faults'], 0)

    def test_full_queue(self):
        self.run_dsa_to(paths=[dsa.soft(full='forever')], ram_kind='zero')

    def test_stuck_queue_is_given_up(self):
        src, found = self.run_dsa_to(paths=[dsa.soft(stuck_after=100)],
                                     ram_kind='zero')
        self.check_given_up(src, found)

    def test_a_second_queue_goes_on(self):
        _, found = self.run_dsa_to(paths=[dsa.soft(stuck_after=100),
                                          dsa.soft()], ram_kind='zero')
        self.assertIn('given-up', found['queues'][0])
        self.assertNotIn('given-up', found['queues'][1])


class Errors(PatchedCase):
    """Sentences are those of the standalone program."""

    def refused(self, command, arguments, *words):
        machine = self.machines[-1]
        with self.assertRaises(qmp.QmpError) as caught:
            machine.qmp.cmd(command, arguments)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_a_path_that_means_nothing(self):
        self.machine(vm.PATCHED)
        self.refused('migrate-set-parameters', {'accel-path': ['qat:0']},
                     'qat:0', 'dsa:auto')

    def test_without_multifd(self):
        src = self.machine(vm.PATCHED)
        src.parameters(**source_params('dsa-accel'))
        self.refused('migrate', {'uri': self.uri('unix')}, 'multifd channels')

    def test_without_a_path(self):
        src = self.machine(vm.PATCHED)
        src.capabilities(multifd=True)
        src.parameters(zero_page_detection='dsa-accel')
        self.refused('migrate', {'uri': self.uri('unix')}, "'accel-path' is "
                     'empty')

    def test_a_queue_that_is_not_there(self):
        src = self.source(vm.PATCHED)
        dst = self.target(vm.PATCHED)
        migrate.start(src, dst, self.uri('unix'), caps=('multifd',),
                      src_params=source_params('dsa-accel',
                                               ['dsa:/dev/dsa/wq77.0']))
        self.assertEqual(migrate.end_status(src), 'failed')
        self.assertIn('wq77.0', src.info()['error-desc'])
        # The guest is none the worse, and the next migration works.
        self.discard(dst)
        dst = self.target(vm.PATCHED, name='dst2')
        self.migrate_and_check(src, dst, caps=('multifd',),
                               src_params=source_params('dsa-accel'))

    def test_the_list_is_told_and_emptied(self):
        src = self.machine(vm.PATCHED)
        src.parameters(accel_path=list(PATHS))
        asked = src.qmp.cmd('query-migrate-parameters')
        self.assertEqual(asked['accel-path'], list(PATHS))
        src.parameters(accel_path=[])
        asked = src.qmp.cmd('query-migrate-parameters')
        self.assertEqual(asked['accel-path'], [])


class Hmp(PatchedCase):
    def hmp(self, machine, line):
        return machine.qmp.cmd('human-monitor-command',
                               {'command-line': line})

    def test_parameters(self):
        src = self.machine(vm.PATCHED)
        self.assertEqual(self.hmp(
            src, 'migrate_set_parameter zero-page-detection dsa-accel'), '')
        self.assertEqual(self.hmp(
            src, 'migrate_set_parameter accel-path ' + ' '.join(PATHS)), '')
        told = self.hmp(src, 'info migrate_parameters')
        self.assertIn('zero-page-detection: dsa-accel\r\n', told)
        self.assertIn('accel-path: %s\r\n' % ' '.join(PATHS), told)
        self.assertEqual(self.hmp(
            src, 'migrate_set_parameter accel-path ""'), '')
        self.assertIn('accel-path:\r\n',
                      self.hmp(src, 'info migrate_parameters'))
        self.assertNotEqual(self.hmp(
            src, 'migrate_set_parameter multifd-channels 4 5'), '')

    def test_counters(self):
        src, found = self.run_dsa_to(ram_kind='zero')
        told = self.hmp(src, 'info migrate')
        self.assertIn('zero page detector: dsa-accel\r\n', told)
        for queue in found['queues']:
            self.assertIn('dsa queue %s: backend ' % queue['path'], told)
        self.assertIn('dsa descriptors: %d\r\n' % found['descriptors'], told)
        self.assertIn('dsa cpu-pages looked: %d\r\n'
                      % found['cpu-pages']['looked'], told)


class Files(PatchedCase):
    """Holes in a file of mapped-ram, and in plain streams with xbzrle."""

    def test_mapped_ram(self):
        for channels in (0, 2):
            with self.subTest(channels=channels):
                caps = ('mapped-ram',) + (('multifd',) if channels else ())
                src = self.source(vm.PATCHED, size=SIZE)
                before = ram.allocated(src.ram_path)
                migrate.configure(src, caps, {})
                src.qmp.cmd('migrate', {'uri': 'file:' + self.path('m')})
                self.assertEqual(migrate.end_status(src), 'completed')
                self.assertEqual(ram.allocated(src.ram_path), before)
                dst = self.target(vm.QEMU, size=SIZE)
                migrate.configure(dst, caps, {})
                dst.qmp.cmd('migrate-incoming',
                            {'uri': 'file:' + self.path('m')})
                self.assertEqual(migrate.end_status(dst), 'completed')
                self.check_ram(src, dst)
                self.retire()

    def test_xbzrle(self):
        src = self.source(vm.PATCHED, size=SIZE)
        dst = self.target(vm.QEMU, size=SIZE)
        self.migrate_and_check(src, dst, caps=('xbzrle',))


class Moments(PatchedCase):
    """Pages that change between the rounds, by a guest that is this test."""

    kinds = (vm.PATCHED, vm.QEMU)
    size = 48 * vm.MIB
    PLACE = 40 * vm.MIB
    # So many dirty neighbours make a source ask for holes after round one.
    STRETCH = 400 * ram.PAGE

    def idle(self, kind, name, more=(), **options):
        """Its CPU, which the qtest protocol wants, never runs."""
        return self.machine(kind, name, size=self.size, machine='q35',
                            options=('-accel', 'tcg', '-L',
                                     '/usr/share/seabios') + more, **options)

    def start(self, source, target, caps, detection, **params):
        """Both machines, with the migration under way, and guest memory."""
        path = self.path('qtest')
        src = self.idle(source, 'src', more=(
            '-qtest', 'unix:%s,server=on,wait=off' % path, '-qtest-log',
            'none'))
        dst = self.idle(target, 'dst', incoming='defer')
        guest_memory = qtest.QtestClient(path)
        self.addCleanup(guest_memory.close)
        guest_memory.memset(self.PLACE, self.STRETCH, 0x5a)
        migrate.start(src, dst, self.uri('unix'),
                      caps=caps + ('pause-before-switchover',),
                      src_params=dict(source_params(detection), **params))
        return src, dst, guest_memory

    def finish(self, src, dst):
        src.qmp.cmd('migrate-continue', {'state': 'pre-switchover'})
        self.assertEqual(migrate.end_status(src), 'completed')
        self.assertEqual(migrate.end_status(dst), 'completed')
        self.check_ram(src, dst)
        self.retire()
        os.unlink(self.path('qtest'))

    def test_data_becomes_zero_and_a_hole_data(self):
        for source, target in ((vm.PATCHED, vm.PATCHED),
                               (vm.PATCHED, vm.QEMU),
                               (vm.QEMU, vm.PATCHED)):
            for caps, detection in (((), 'legacy'),
                                    (('multifd',), 'legacy'),
                                    (('multifd',), 'multifd'),
                                    (('multifd',), 'dsa-accel')):
                if source == vm.QEMU and detection == 'dsa-accel':
                    continue
                with self.subTest(source=source, target=target, caps=caps,
                                  detection=detection):
                    src, dst, guest_memory = self.start(source, target, caps,
                                                        detection)
                    src.qmp.wait_status('pre-switchover')
                    guest_memory.memset(self.PLACE, ram.PAGE, 0)
                    guest_memory.memset(self.PLACE + self.STRETCH, ram.PAGE,
                                        0xa5)
                    self.finish(src, dst)

    def next_round(self, src):
        rounds = src.info()['ram']['dirty-sync-count']
        while src.info()['ram']['dirty-sync-count'] == rounds:
            self.assertEqual(src.info()['status'], 'active')

    def test_holes_that_are_written_after_they_were_asked_for(self):
        for caps, detection in (((), 'legacy'), (('multifd',), 'multifd')):
            with self.subTest(caps=caps):
                src, dst, guest_memory = self.start(
                    vm.PATCHED, vm.PATCHED, caps, detection,
                    max_bandwidth=vm.MIB, downtime_limit=1)
                src.qmp.wait_status('active')
                for turn in range(1, 5):
                    guest_memory.memset(self.PLACE, self.STRETCH, turn)
                    self.next_round(src)
                    guest_memory.memset(self.PLACE + self.STRETCH
                                        + turn * ram.PAGE, ram.PAGE, turn)
                src.parameters(max_bandwidth=0, downtime_limit=300)
                src.qmp.wait_status('pre-switchover')
                self.finish(src, dst)


# A guest for -kernel: adds to a word of each page of a stretch of memory, lap
# after lap, and prints a dot a lap.  Multiboot, so that it begins in protected
# mode; a flat program behind the header.
LOAD = 0x100000
FIRST, LAST = 0x200000, 0x1800000
PROGRAM = bytes.fromhex(
    'bf' + struct.pack('<I', FIRST).hex() +     # mov edi, FIRST
    'ff07'                                      # inc dword [edi]
    '81c700100000'                              # add edi, 4096
    '81ff' + struct.pack('<I', LAST).hex() +    # cmp edi, LAST
    '72f0'                                      # jb the inc
    '66baf803' 'b02e' 'ee'                      # out 0x3f8, '.'
    'ebe2')                                     # jmp the mov


def write_kernel(path):
    magic, flags = 0x1badb002, 0x10000
    header = struct.pack('<8I', magic, flags, -(magic + flags) & 0xffffffff,
                         LOAD, LOAD, 0, 0, LOAD + 32)
    with open(path, 'wb') as file:
        file.write(header + PROGRAM)


class Running(PatchedCase):
    """A q35 guest under TCG that writes all the time."""

    kinds = (vm.PATCHED, vm.QEMU)
    size = 48 * vm.MIB

    def q35(self, kind, name, **options):
        kernel = self.path('kernel')
        write_kernel(kernel)
        serial = guest.Serial(self.path(name + '.serial'))
        self.addCleanup(serial.close)
        machine = self.machine(
            kind, name, size=self.size, machine='pc-q35-10.0',
            options=('-accel', 'tcg', '-L', '/usr/share/qemu', '-L',
                     '/usr/share/seabios', '-kernel', kernel, '-serial',
                     serial.option), **options)
        return machine, serial

    def go(self, source, target, detection, channels=2):
        src, src_serial = self.q35(source, 'src')
        dst, dst_serial = self.q35(target, 'dst', incoming='defer')
        src.qmp.cmd('cont')
        src_serial.wait(3)
        before = ram.allocated(src.ram_path)
        result = migrate.migrate(
            src, dst, self.uri('unix'), caps=('multifd',),
            params={'multifd_channels': channels},
            src_params=source_params(detection))
        self.check_completed(result)
        # Neither runs: the destination was started with -S.
        self.check_ram(src, dst)
        self.assertGreater(result.src['ram']['dirty-sync-count'], 1)
        if source == vm.PATCHED:
            self.assertLess(ram.allocated(src.ram_path),
                            before + vm.MIB)
        dst.qmp.cmd('cont')
        dst_serial.wait(2)

    def test_running(self):
        for source, target in ((vm.PATCHED, vm.PATCHED),
                               (vm.PATCHED, vm.QEMU),
                               (vm.QEMU, vm.PATCHED)):
            for detection in ('multifd', 'dsa-accel'):
                if source == vm.QEMU and detection == 'dsa-accel':
                    continue
                with self.subTest(source=source, target=target,
                                  detection=detection):
                    self.go(source, target, detection)
                    self.retire()
                    for name in ('src', 'dst'):
                        os.unlink(self.path(name + '.serial'))


if __name__ == '__main__':
    sys.exit(tap.main())
