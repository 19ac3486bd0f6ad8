# SPDX-License-Identifier: GPL-2.0-or-later
#
# Files with mapped-ram by a stock QEMU load here, and ours load there: every
# number of channels on either side, every mix of pages, with and without
# O_DIRECT, RAM compared byte for byte.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, ram, snapshot, tap, vm  # noqa: E402

SIZE = 5 * vm.MIB + 12 * 1024
DIRECTIONS = ((vm.WHERRY, vm.QEMU), (vm.QEMU, vm.WHERRY))
WAYS = ((0, 0), (0, 2), (2, 0), (1, 1), (2, 8), (8, 2))


class MappedCase(case.MachineCase):
    """The base of one direction."""

    def check(self, source, target, send, recv, ram_kind='mixed', offset=None,
              detection='multifd', direct=False, **options):
        src = self.source(source, ram_kind, size=SIZE, **options)
        dst = self.target(target, size=SIZE, **options)
        folder = snapshot.disk_folder(self) if direct else self.folder
        path = os.path.join(folder, 'state')
        uri = 'file:' + path + ('' if offset is None
                                else ',offset=%d' % offset)
        for step, machine, channels in ((snapshot.save, src, send),
                                        (snapshot.load, dst, recv)):
            params = {'zero_page_detection': detection}
            if channels:
                params.update(multifd_channels=channels, direct_io=direct)
            status = step(machine, uri, ('mapped-ram', 'multifd') if channels
                          else ('mapped-ram',), params)
            self.assertEqual(status, 'completed',
                             '%s\n%s' % (machine.name, machine.log()))
        self.check_ram(src, dst)
        normal, zero = ram.count_pages(ram_kind, SIZE)
        if detection == 'none':
            normal, zero = normal + zero, 0
        stats = src.info()['ram']
        self.assertEqual((stats['normal'], stats['duplicate']), (normal, zero))
        self.assertLessEqual(snapshot.allocated(path),
                             normal * ram.PAGE + snapshot.OVERHEAD)
        if target == vm.WHERRY and ram_kind in ('holes', 'zero') and \
                detection != 'none':
            self.assertEqual(ram.allocated(dst.ram_path), 0)


def add(methods, name, source, target, *args, **settings):
    def run(self):
        self.check(source, target, *args, **settings)

    run.tap_name = '/mapped-ram/%s-to-%s/%s' % (source, target, name)
    methods['test_' + name.replace('/', '_')] = run


def make_class(source, target):
    methods = {'kinds': (source, target)}
    for send, recv in WAYS:
        for kind in ram.KINDS:
            add(methods, '%d-to-%d/%s' % (send, recv, kind), source, target,
                send, recv, kind)
        add(methods, '%d-to-%d/offset' % (send, recv), source, target, send,
            recv, offset=0x1000)
        for detection in ('none', 'legacy'):
            add(methods, '%d-to-%d/%s' % (send, recv, detection), source,
                target, send, recv, detection=detection)
    for send, recv in ((2, 2), (2, 0), (0, 2)):
        add(methods, '%d-to-%d/direct-io' % (send, recv), source, target,
            send, recv, direct=True)
    return type('%s-to-%s' % (source, target), (MappedCase,), methods)


for _source, _target in DIRECTIONS:
    globals()['Mapped_%s_%s' % (_source, _target)] = make_class(_source,
                                                                _target)

class Sentences(case.MachineCase):
    """What is refused is refused in the same words."""

    kinds = (vm.WHERRY, vm.QEMU)

    def check(self, caps, params, requests, incoming=None):
        ends = [self.machine(kind, kind, incoming=incoming)
                for kind in (vm.QEMU, vm.WHERRY)]
        for end in ends:
            if params:
                end.parameters(**params)
            end.capabilities(**dict.fromkeys(caps, True))
        for command, uri in requests:
            stock, ours = (end.qmp.request({
                'execute': command, 'arguments': {'uri': uri}})
                for end in ends)
            self.assertEqual(ours, stock, (command, uri))

    def test_mapped_ram_needs_a_file(self):
        self.check(('mapped_ram',), None, [
            ('migrate', 'tcp:127.0.0.1:1'), ('migrate', 'unix:/nowhere'),
            ('migrate', 'exec:cat')])

    def test_mapped_ram_needs_a_file_to_read(self):
        self.check(('mapped_ram',), None, [
            ('migrate-incoming', 'tcp:127.0.0.1:0'),
            ('migrate-incoming', 'exec:cat')], incoming='defer')

    def test_multifd_to_a_file_needs_mapped_ram(self):
        self.check(('multifd',), None, [('migrate', 'file:/tmp/x')])

    def test_compression(self):
        self.check(('mapped_ram', 'multifd'), {'multifd_compression': 'zlib'},
                   [('migrate', 'tcp:127.0.0.1:1')])


if __name__ == '__main__':
    sys.exit(tap.main())
