# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every way of sending RAM, times every mix of pages, times every transport,
# in each direction, compared byte for byte.  The block is no whole number of
# packets, nor of 8 KiB.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, ram, tap, vm  # noqa: E402

SIZE = 5 * vm.MIB + 12 * 1024
DIRECTIONS = ((vm.WHERRY, vm.QEMU), (vm.QEMU, vm.WHERRY),
              (vm.WHERRY, vm.WHERRY))
WAYS = (0, 1, 2, 8)
TRANSPORTS = ('tcp', 'unix')


def make_case(source, target, channels, ram_kind, transport):
    def run(self):
        caps = ('multifd',) if channels else ()
        params = {'multifd_channels': channels} if channels else {}
        src = self.source(source, ram_kind, size=SIZE)
        dst = self.target(target, size=SIZE)
        result = self.migrate_and_check(src, dst, transport, caps=caps,
                                        params=params)
        self.check_counters(src, result, ram_kind, channels)
        if vm.is_stand_in():
            return
        if source == vm.WHERRY and ram_kind == 'holes':
            self.assertEqual(ram.allocated(src.ram_path), 0,
                             'the source touched its holes')
        if target == vm.WHERRY and ram_kind in ('holes', 'zero'):
            self.assertLess(ram.allocated(dst.ram_path), SIZE // 2,
                            'zero pages took memory on the destination')

    way = 'multifd-%d' % channels if channels else 'plain'
    run.tap_name = '/interop/%s-to-%s/%s/%s/%s' % (source, target, way,
                                                   ram_kind, transport)
    return run


class MatrixCase(case.MachineCase):
    """The base of one direction."""

    def check_counters(self, src, result, ram_kind, channels):
        stats = result.src['ram']
        normal, zero = ram.count_pages(ram_kind, SIZE)
        self.assertEqual(stats['normal'], normal)
        self.assertEqual(stats['duplicate'], zero)
        self.assertEqual(stats['normal-bytes'], normal * ram.PAGE)
        self.assertEqual(stats['total'], SIZE)
        self.assertEqual(stats['remaining'], 0)
        self.assertEqual(stats['page-size'], ram.PAGE)
        self.assertGreaterEqual(stats['transferred'], normal * ram.PAGE)
        if channels:
            self.assertGreaterEqual(stats['multifd-bytes'],
                                    normal * ram.PAGE + channels * 64)
        else:
            self.assertEqual(stats['multifd-bytes'], 0)
        if src.kind == vm.WHERRY and not vm.is_stand_in():
            self.assertEqual(stats['zero-pages'], zero)
            self.assertEqual(stats['zero-bytes'], zero * ram.PAGE)


def make_class(source, target):
    methods = {'kinds': (source, target)}
    for channels in WAYS:
        for ram_kind in ram.KINDS:
            for transport in TRANSPORTS:
                name = 'test_%d_%s_%s' % (channels, ram_kind, transport)
                methods[name] = make_case(source, target, channels, ram_kind,
                                          transport)
    return type('%s-to-%s' % (source, target), (MatrixCase,), methods)


for _source, _target in DIRECTIONS:
    globals()['Matrix_%s_%s' % (_source, _target)] = make_class(_source,
                                                                _target)

if __name__ == '__main__':
    sys.exit(tap.main())
