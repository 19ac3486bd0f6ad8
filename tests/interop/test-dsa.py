# SPDX-License-Identifier: GPL-2.0-or-later
#
# zero-page-detection=dsa-accel with a stock QEMU as the destination, which need
# not know of it, and packets of a size that it does not know, which it refuses
# by name.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, dsa, migrate, ram, tap, vm  # noqa: E402

SIZE = 5 * vm.MIB + 12 * 1024


class ToStock(dsa.DsaCase):
    kinds = (vm.WHERRY, vm.QEMU)

    @case.needs_wherry()
    def setUp(self):
        super().setUp()

    def check(self, ram_kind='mixed', paths='dsa:soft', transport='unix',
              channels=2, caps=('multifd',), **params):
        src = self.source(ram_kind=ram_kind, size=SIZE)
        dst = self.target(vm.QEMU, size=SIZE)
        self.result = self.migrate_and_check(
            src, dst, transport, caps=caps,
            params={'multifd_channels': channels},
            src_params=self.dsa_params(paths, **params))
        found = self.stats(src)
        self.check_sums(found)
        self.check_asked(found, dsa.asked_pages(ram_kind, SIZE))
        normal, zero = ram.count_pages(ram_kind, SIZE)
        if 'multifd_normal_page_ratio' not in params:
            self.assertEqual(self.result.src['ram']['normal'], normal)
            self.assertEqual(self.result.src['ram']['duplicate'], zero)
        return src, found

    def test_every_mix(self):
        for ram_kind in ram.KINDS:
            for adaptive in (True, False):
                with self.subTest(ram=ram_kind, adaptive=adaptive):
                    self.check(ram_kind, dsa_adaptive=adaptive)
                    self.retire()

    def test_completions(self):
        for completion in ('thread', 'in-thread'):
            with self.subTest(completion=completion):
                self.check(dsa_completion=completion, dsa_adaptive=False)
                self.retire()

    def test_two_queues_eight_channels(self):
        self.check(paths=[dsa.soft(max_batch_size=128),
                          dsa.soft(mode='dedicated', size=32)], channels=8,
                   dsa_adaptive=False)

    def test_write_path(self):
        self.check(paths=dsa.soft(portal='off'), dsa_adaptive=False)

    def test_tcp_and_return_path(self):
        self.check(transport='tcp', caps=('multifd', 'return-path'))

    def test_page_faults(self):
        _, found = self.check(paths=dsa.soft(fault_every=3, fault_at=2048),
                              dsa_adaptive=False)
        self.assertGreater(found['page-faults'], 0)

    def test_queue_dies(self):
        src, found = self.check(paths=dsa.soft(stuck_after=100),
                                dsa_adaptive=False,
                                dsa_timeout=dsa.IMPATIENCE_MS)
        self.check_given_up(src, found)

    def test_normal_page_ratio(self):
        self.check('zero', multifd_normal_page_ratio=50)
        stats = self.result.src['ram']
        self.assertAlmostEqual(stats['normal'], SIZE // ram.PAGE // 2,
                               delta=2)

    def test_legacy_sync_style(self):
        props = {'multifd-flush-after-each-section': 'on'}
        src = self.source(properties=props)
        dst = self.target(vm.QEMU, properties=props)
        self.migrate_dsa(src, dst, 'dsa:soft')


class PacketSize(dsa.DsaCase):
    """Another size than the default, at a stock destination."""

    kinds = (vm.WHERRY, vm.QEMU)

    @case.needs_wherry()
    def setUp(self):
        super().setUp()

    def check(self, size, detection):
        src = self.source()
        src.qmp.cmd('cont')
        dst = self.target(vm.QEMU)
        params = self.dsa_params('dsa:soft', zero_page_detection=detection)
        migrate.start(src, dst, self.uri('unix'), caps=('multifd',),
                      src_params=dict(params, multifd_packet_size=size))
        self.assertEqual(migrate.end_status(dst), 'failed')
        self.assertIn('multifd-packet-size-%d' % size,
                      dst.log() + str(dst.info().get('error-desc')))
        self.assertEqual(migrate.end_status(src), 'failed')
        self.assertIn('multifd-packet-size is %d' % size,
                      src.info()['error-desc'])
        self.assertTrue(src.qmp.cmd('query-status')['running'])
        # Nothing but the default, and it works.
        src.qmp.drop_events()
        other = self.target(vm.QEMU, name='other')
        result = migrate.migrate(
            src, other, 'unix:' + self.path('2'), caps=('multifd',),
            src_params=dict(params, multifd_packet_size=dsa.PACKET))
        self.check_completed(result)
        self.check_ram(src, other)

    def test_smallest(self):
        self.check(4096, 'dsa-accel')

    def test_largest(self):
        self.check(4 * vm.MIB, 'dsa-accel')

    def test_with_the_cpu(self):
        self.check(vm.MIB, 'multifd')


if __name__ == '__main__':
    sys.exit(tap.main())
