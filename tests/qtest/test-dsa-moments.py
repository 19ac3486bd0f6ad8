# SPDX-License-Identifier: GPL-2.0-or-later
#
# zero-page-detection=dsa-accel ended at any moment: cancelled and quit while
# queues are opened, proven, in use, full or silent.  And with as many channels
# as there can be, in packets of every extreme.

import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, dsa, migrate, tap, vm  # noqa: E402

PATHS = ('dsa:soft', ['dsa:soft', 'dsa:soft?engines=0'],
         'dsa:soft?stuck-after=50', 'dsa:soft?slow-us=500',
         'dsa:soft?full=forever', 'dsa:soft?lose-every=9',
         'dsa:soft?stuck-after=1,faults-from=open', ['dsa:soft'] * 20)
COMPLETIONS = ('thread', 'in-thread')
# Longer than a test may take: who waits for a silent queue is seen.
FOR_EVER_MS = 60000


class Moments(dsa.DsaCase):
    """Each case has a seed of its own and so fails again when it failed."""

    def start_any(self, src, dst, rand, number):
        migrate.start(
            src, dst, 'unix:' + self.path('s%d' % number),
            caps=('multifd', 'return-path')[:rand.randint(1, 2)],
            params={'multifd_channels': rand.choice((1, 2, 8, 64))},
            src_params=self.dsa_params(
                rand.choice(PATHS), dsa_timeout=FOR_EVER_MS,
                dsa_completion=rand.choice(COMPLETIONS),
                dsa_adaptive=rand.random() < 0.3,
                multifd_packet_size=4096 * rand.choice((1, 128, 1024)),
                max_bandwidth=rand.choice((0, 64 * vm.MIB))))
        # A moment is a number of answers, not a time.
        for _ in range(rand.choice((0, 0, 1, 2, 4, 8, 16, 32))):
            src.info()

    def remove(self, *machines):
        self.discard(*machines)
        for machine in machines:
            os.unlink(machine.ram_path)

    def check_ended(self, src):
        """The end, and counters that are there as far as it has come."""
        status = src.qmp.wait_status(migrate.ENDED)
        self.assertIn(status, ('cancelled', 'completed'), src.info())
        found = src.info()['zero-page-detector']
        self.assertEqual(found['detector'], 'dsa-accel')
        if 'dsa' in found:
            self.check_sums(found['dsa'])
        return status

    def test_cancel(self):
        """One source that goes on and on; nobody waits for a queue."""
        rand = random.Random(5)
        src = self.source(size=16 * vm.MIB)
        for number in range(24):
            dst = self.target(name='dst%d' % number, size=16 * vm.MIB)
            self.start_any(src, dst, rand, number)
            src.qmp.cmd('migrate_cancel')
            if self.check_ended(src) == 'completed':
                src.qmp.cmd('cont')
            self.remove(dst)
        self.assertEqual(self.warnings(src), [])
        dst = self.target(size=16 * vm.MIB)
        self.migrate_dsa(src, dst, 'dsa:soft')

    def test_quit(self):
        rand = random.Random(9)
        for number in range(16):
            src = self.source(name='src%d' % number)
            dst = self.target(name='dst%d' % number)
            self.start_any(src, dst, rand, number)
            self.assertEqual(src.quit(), 0, src.log())
            for word in case.REPORTS:
                self.assertNotIn(word, src.log())
            self.remove(src, dst)

    def test_terminated_when_the_queue_is_silent(self):
        src, dst = self.source(), self.target()
        migrate.start(src, dst, self.uri('unix'), caps=('multifd',),
                      src_params=self.dsa_params(
                          'dsa:soft?stuck-after=50', dsa_adaptive=False,
                          dsa_timeout=FOR_EVER_MS))
        src.qmp.wait_status('active')
        src.expect_exit = True
        src.process.terminate()
        self.assertEqual(src.wait_exit(), 0, src.log())
        self.discard(dst)


class Channels(dsa.DsaCase):
    def check(self, channels, pages, paths='dsa:soft', **params):
        for completion in COMPLETIONS:
            with self.subTest(pages=pages, paths=paths,
                              completion=completion):
                src = self.source(size=16 * vm.MIB)
                dst = self.target(size=16 * vm.MIB, old=0xa5)
                found = self.migrate_dsa(
                    src, dst, paths, channels=channels,
                    multifd_packet_size=4096 * pages,
                    dsa_completion=completion, **params)
                self.check_asked(found, dsa.asked_pages('mixed',
                                                        16 * vm.MIB))
            self.retire()

    def test_255_with_the_smallest_packets(self):
        self.check(255, 1)

    def test_255_with_the_largest_packets(self):
        self.check(255, 1024)

    def test_255_and_a_queue_of_four(self):
        self.check(255, 128, 'dsa:soft?mode=dedicated,size=4',
                   dsa_adaptive=False)

    def test_255_and_page_faults(self):
        self.check(255, 128, 'dsa:soft?fault-every=3', dsa_adaptive=False)

    def test_one_with_the_smallest_packets(self):
        self.check(1, 1, dsa_adaptive=False)

    def test_one_with_the_largest_packets(self):
        self.check(1, 1024, dsa_adaptive=False)


if __name__ == '__main__':
    sys.exit(tap.main())
