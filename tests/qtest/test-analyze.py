# SPDX-License-Identifier: GPL-2.0-or-later
#
# What real programs write, read by scripts/analyze-stream.py: nothing is found
# to be wrong with it, and the RAM that it brings is that of the guest.  Wherry
# and a stock QEMU; each carrier whose bytes can be had.

import contextlib
import os
import sys
import threading

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(TOP, 'tests', 'lib'))
sys.path.insert(0, os.path.join(TOP, 'scripts'))
from wherrytest import case, migrate, qmp, ram, tap, vm  # noqa: E402
from analyze import facts, image, record, verify  # noqa: E402
from analyze.source import Source  # noqa: E402

BLOCK = 'mem0'


class AnalyzeCase(case.MachineCase):
    kind = vm.WHERRY

    def read(self, main, channels=(), offset=0):
        """Facts of a recording, verified; its RAM is in file `ram`."""
        with contextlib.ExitStack() as stack:
            sources = [Source.open(path, start) for path, start in
                       [(main, offset)] + [(path, 0) for path in channels]]
            for source in sources:
                stack.callback(source.close)
            images = image.Images(
                lambda block: open(self.path('ram'), 'w+b', buffering=0)
                if block.name == BLOCK else None)
            stack.callback(images.close)
            found = facts.analyze(sources[0], sources[1:], [images], True)
            verify.verify(found)
            return found.to_json()

    def check(self, src, main, channels=(), offset=0):
        """Facts of a recording without defects, whose RAM is right."""
        found = self.read(main, channels, offset)
        self.assertEqual(found['defects'], [])
        difference = ram.first_difference(src.ram_path, self.path('ram'))
        self.assertIsNone(difference, difference)
        for device in found['devices']:
            self.assertIsNotNone(device['fields'], device['name'])
        return found

    def save(self, uri, caps=(), params=None, **more):
        """A source that has migrated to where nobody answers."""
        src = self.source(self.kind, **more)
        self.configure(src, caps, params)
        src.qmp.cmd('migrate', {'uri': uri})
        self.assertEqual(src.qmp.wait_status(migrate.ENDED), 'completed',
                         src.info())
        return src

    def configure(self, machine, caps, params):
        try:
            migrate.configure(machine, caps, dict({'max_bandwidth': 0},
                                                  **(params or {})))
        except qmp.QmpError as err:
            if 'was built without' in err.desc or \
                    'does not accept value' in err.desc:
                self.skipTest(err.desc)
            raise

    def recorded(self, caps=(), params=None, **more):
        """(source, facts) of what went over sockets to a recorder."""
        recorder = record.Recorder('unix:' + self.path('rec'),
                                   self.path('r'), None)
        files = []
        thread = threading.Thread(target=lambda: files.extend(
            recorder.run()), daemon=True)
        thread.start()
        src = self.save('unix:' + self.path('rec'), caps, params, **more)
        thread.join(qmp.DEFAULT_TIMEOUT)
        self.assertFalse(thread.is_alive())
        names = [path for path, _ in files]
        return src, self.check(src, self.path('r.main'),
                               [name for name in names if 'channel' in name])


class Both:
    """For either program."""

    def test_file(self):
        src = self.save('file:' + self.path('f'))
        found = self.check(src, self.path('f'))
        self.assertEqual(found['configuration']['machine'], 'none')

    def test_file_at_an_offset(self):
        src = self.save('file:%s,offset=0x3000' % self.path('f'))
        self.check(src, self.path('f'), offset=0x3000)

    def test_exec(self):
        src = self.save('exec:cat >' + self.path('f'))
        self.check(src, self.path('f'))

    def test_multifd(self):
        _, found = self.recorded(['multifd', 'return-path'],
                                 {'multifd_channels': 3})
        self.assertEqual(len(found['channels']), 3)
        self.assertEqual(found['ram']['sync-style'], 'FLUSH')

    def test_multifd_older_syncs(self):
        _, found = self.recorded(
            ['multifd'], {'zero_page_detection': 'legacy'},
            properties={'multifd-flush-after-each-section': 'on'})
        self.assertEqual(found['ram']['sync-style'], 'EOS')

    def check_method(self, name):
        _, found = self.recorded(['multifd'], {'multifd_compression': name})
        methods = {method for channel in found['channels']
                   for method in channel['methods']}
        self.assertEqual(methods, {name})
        self.assertEqual([note for note in found['notes']
                          if 'unpacked' in note], [])

    def test_zlib(self):
        self.check_method('zlib')

    def test_zstd(self):
        self.check_method('zstd')

    def test_qpl(self):
        self.check_method('qpl')

    def check_mapped(self, caps=(), params=None):
        src = self.save('file:' + self.path('f'), ['mapped-ram'] + list(caps),
                        params)
        found = self.check(src, self.path('f'))
        block = found['ram']['blocks'][0]
        normal, zero = ram.count_pages('mixed', src.size)
        self.assertEqual((block['pages']['normal'],
                          block['mapped']['absent']), (normal, zero))
        # The pages that are not there take no room; nor do holes.
        self.assertLess(found['allocated'], found['size'])

    def test_mapped_ram(self):
        self.check_mapped()

    def test_mapped_ram_with_channels(self):
        self.check_mapped(['multifd'], {'multifd_channels': 3})

    def test_mapped_ram_with_all_pages(self):
        src = self.save('file:' + self.path('f'), ['mapped-ram'],
                        {'zero_page_detection': 'none'})
        found = self.check(src, self.path('f'))
        self.assertEqual(found['ram']['blocks'][0]['mapped']['absent'], 0)


@case.needs_wherry()
class Wherry(AnalyzeCase, Both):
    kinds = (vm.WHERRY,)

    def test_packets_of_another_size(self):
        _, found = self.recorded(['multifd'],
                                 {'multifd_packet_size': 4 << 20})
        self.assertEqual(found['channels'][0]['packet-size'], 4 << 20)

    def test_normal_pages_of_zeroes(self):
        self.recorded(['multifd'], {'multifd_normal_page_ratio': 50})

    def test_between_two_ends(self):
        """The recorder passes on; both ends complete."""
        src, dst = self.source(), self.target()
        migrate.configure(src, ['multifd', 'return-path'],
                          {'max_bandwidth': 0})
        migrate.configure(dst, ['multifd', 'return-path'], {})
        target = dst.listen('unix:' + self.path('dst'))
        recorder = record.Recorder('unix:' + self.path('rec'),
                                   self.path('r'), target)
        thread = threading.Thread(target=recorder.run, daemon=True)
        thread.start()
        src.qmp.cmd('migrate', {'uri': 'unix:' + self.path('rec')})
        self.check_completed(migrate.finish(src, dst))
        thread.join(qmp.DEFAULT_TIMEOUT)
        self.check_ram(src, dst)
        self.check(src, self.path('r.main'), [
            self.path('r.channel-0'), self.path('r.channel-1')])

    def test_a_guest_that_writes(self):
        """Rounds, the last of which counts."""
        src = self.source(size=16 * vm.MIB, options=[
            '-accel', 'stress,threads=1,rate=%d' % (64 * vm.MIB)])
        migrate.configure(src, [], {'max_bandwidth': 32 * vm.MIB,
                                    'downtime_limit': 100})
        src.qmp.cmd('cont')
        src.qmp.cmd('migrate', {'uri': 'file:' + self.path('f')})
        src.qmp.wait_event('MIGRATION_PASS', lambda d: d['pass'] >= 3)
        src.parameters(max_bandwidth=0)
        self.assertEqual(src.qmp.wait_status(migrate.ENDED), 'completed')
        found = self.check(src, self.path('f'))
        self.assertGreaterEqual(len(found['ram']['rounds']), 3)


class Stock(AnalyzeCase, Both):
    kind = vm.QEMU
    kinds = (vm.QEMU,)

    def test_a_pc_with_devices(self):
        """Each section is as long as described, and every field has a
        name."""
        src = self.save('file:' + self.path('f'), machine='q35',
                        ram_kind='zero')
        found = self.check(src, self.path('f'))
        devices = {device['name']: device['fields']
                   for device in found['devices']}
        self.assertGreater(len(devices), 20)
        self.assertEqual(devices['globalstate']['runstate'][:18],
                         b'prelaunch'.hex())
        self.assertIn('env.regs', devices['cpu'])

    def test_differences(self):
        """A PAGE that comes again comes as what has changed."""
        _, found = self.recorded(['xbzrle'], machine='none')
        self.assertEqual(found['ram']['blocks'][0]['missing'], 0)


if __name__ == '__main__':
    sys.exit(tap.main())
