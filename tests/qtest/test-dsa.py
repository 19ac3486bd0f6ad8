# SPDX-License-Identifier: GPL-2.0-or-later
#
# zero-page-detection=dsa-accel between two wherry processes: queues of every
# kind, both ways to wait, all packet sizes, and queues that fault, lose, stop
# and lie.  RAM is equal every time, and the counters say what was done.

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import dsa, migrate, qmp, ram, stopwatch, tap, vm  # noqa: E402

COMPLETIONS = ('thread', 'in-thread')
PACKETS = (4096, 512 * 1024, 4 * vm.MIB)
QUEUES = {
    'one': [dsa.soft(max_batch_size=1024)],
    'two': [dsa.soft(max_batch_size=1024, engines=1),
            dsa.soft(max_batch_size=1024, engines=1)],
    'default': [dsa.soft()],
    'batch-of-2': [dsa.soft(max_batch_size=2)],
    'small': [dsa.soft(max_batch_size=128, size=1)],
    'threshold': [dsa.soft(max_batch_size=128, threshold=2)],
    'dedicated': [dsa.soft(max_batch_size=1024, mode='dedicated')],
    'dedicated-small': [dsa.soft(max_batch_size=16, mode='dedicated',
                                 size=2)],
    'write': [dsa.soft(portal='off')],
    'write-dedicated': [dsa.soft(portal='off', mode='dedicated', size=16)],
    'shared-and-dedicated': [dsa.soft(max_batch_size=128),
                             dsa.soft(max_batch_size=64, mode='dedicated')],
    'shuffled': [dsa.soft(max_batch_size=128, shuffle=7, inexact=64)],
    'no-engine': [dsa.soft(max_batch_size=128, engines=0)],
    'dsa2': [dsa.soft(profile='dsa2')],
}
# Those have an entry for whatever two channels can have under way.
ROOMY = ('one', 'two', 'dedicated', 'shuffled', 'shared-and-dedicated',
         'no-engine')


class Queues(dsa.DsaCase):
    """Each kind of queue, each way to wait, each size of packet."""

    def check(self, name, completion, packet):
        src, found = self.run_dsa(
            QUEUES[name], dsa_completion=completion, dsa_adaptive=False,
            multifd_packet_size=packet)
        self.assertEqual(found['completion'], completion)
        self.assertEqual(len(found['queues']), len(QUEUES[name]))
        if name in ROOMY:
            self.check_healthy(src, found, faults=None)
        else:
            # Full at times, which the CPU makes up for.
            self.assertEqual(self.warnings(src), [])
        self.assertGreater(found['descriptors'], 0)
        for queue, path in zip(found['queues'], QUEUES[name]):
            self.assertIn('soft', queue['backend'])
            self.assertEqual(queue['mode'], 'dedicated'
                             if 'mode=dedicated' in path else 'shared')
            # Of two or three large packets one channel may get all.
            if packet <= dsa.PACKET:
                self.assertGreater(queue['descriptors'], 0)
        if packet == 4096 or 'write' in name:
            self.assertEqual(found['batches'], 0)
        else:
            self.assertGreater(found['batches'], 0)
            self.assertGreaterEqual(found['descriptors'],
                                    2 * found['batches'])


def add_queue_cases():
    for name in QUEUES:
        for completion in COMPLETIONS:
            for packet in PACKETS:
                def run(self, name=name, completion=completion,
                        packet=packet):
                    self.check(name, completion, packet)
                run.tap_name = '/Queues/%s/%s/%d' % (name, completion, packet)
                setattr(Queues, 'test_%s_%s_%d' % (name, completion, packet),
                        run)


add_queue_cases()


class Memory(dsa.DsaCase):
    """Every mix of pages."""

    def check(self, ram_kind, **params):
        src, found = self.run_dsa(dsa.soft(max_batch_size=128), ram_kind,
                                  **params)
        self.check_healthy(src, found)
        return src, found

    def test_zero(self):
        _, found = self.check('zero')
        self.assertEqual(found['cpu-pages']['looked'], 0)
        self.assertEqual(found['steps-back'], 0)

    def test_half(self):
        self.check('half')

    def test_random(self):
        """The look answers all; the queue is asked for nothing."""
        _, found = self.check('random')
        self.assertEqual(found['descriptors'], 0)
        self.assertEqual(found['cpu-pages']['looked'], 8 * vm.MIB // ram.PAGE)

    def test_holes_are_not_asked_for(self):
        src, found = self.check('holes')
        self.assertEqual(found['descriptors'], 0)
        self.assertEqual(sum(found['cpu-pages'].values()), 0)
        self.assertEqual(ram.allocated(src.ram_path), 0)

    def test_eight_channels_two_queues(self):
        src, found = self.run_dsa(QUEUES['two'], size=32 * vm.MIB,
                                  channels=8, dsa_adaptive=False)
        self.check_healthy(src, found, faults=None)

    def test_not_a_whole_packet(self):
        self.check('mixed', size=5 * vm.MIB + 12 * 1024,
                   multifd_packet_size=4 * vm.MIB)

    def test_anonymous_memory(self):
        size = 9 * vm.MIB
        path = self.path('image')
        ram.create(path, size, 'mixed')
        src = self.machine(name='src', backend='ram', size=size)
        ram.load_into(src.pid, size, path)
        src.ram_path = path
        dst = self.target(size=size)
        found = self.migrate_dsa(src, dst, dsa.soft(max_batch_size=128),
                                 dsa_adaptive=False)
        self.check_healthy(src, found, faults=0)
        # Where the host gives huge pages, each brings more than was written.
        told = self.told_pages(found)
        self.assertGreaterEqual(told, dsa.asked_pages('mixed', size), found)
        self.assertLessEqual(told, size // ram.PAGE, found)

    def test_return_path_and_tcp(self):
        src, dst = self.source(), self.target()
        self.migrate_and_check(src, dst, 'tcp', caps=('multifd',
                                                      'return-path'),
                               src_params=self.dsa_params(dsa.soft()))

    def test_there_and_back_again(self):
        """Both in one process, one after the other."""
        src, mid = self.source(), self.target(name='mid')
        self.migrate_dsa(src, mid, dsa.soft())
        dst = self.target(name='dst')
        mid.qmp.drop_events()
        result = migrate.migrate(
            mid, dst, 'unix:' + self.path('2'), caps=('multifd',),
            params={'multifd_channels': 2},
            src_params=self.dsa_params(dsa.soft()))
        self.check_completed(result)
        self.check_ram(src, dst)

    def test_path_as_an_object(self):
        src, dst = self.source(), self.target()
        found = self.migrate_dsa(src, dst, [
            {'kind': 'dsa-soft', 'mode': 'dedicated', 'max-batch-size': 64,
             'size': 32, 'shuffle': 3, 'inexact': 32}, 'dsa:soft'])
        self.check_healthy(src, found)
        self.assertEqual([queue['mode'] for queue in found['queues']],
                         ['dedicated', 'shared'])
        self.assertEqual(found['queues'][0]['max-batch-size'], 64)
        told = src.qmp.cmd('query-migrate-parameters')['accel-path']
        self.assertEqual(told[1], 'dsa:soft')
        self.assertIn('max-batch-size=64', told[0])

    def test_background_process(self):
        """The queues are opened by the process that is left."""
        size = 8 * vm.MIB
        path, sock = self.path('src.ram'), self.path('daemon.qmp')
        ram.create(path, size, 'mixed')
        done = subprocess.run(
            [vm.binary(vm.WHERRY), '-daemonize', '-S',
             '-machine', 'none,memory-backend=mem0', '-object',
             'memory-backend-file,id=mem0,size=%d,share=on,mem-path=%s'
             % (size, path), '-m', '%dk' % (size >> 10),
             '-qmp', 'unix:%s,server=on,wait=off' % sock],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            timeout=qmp.DEFAULT_TIMEOUT, check=False)
        self.assertEqual(done.returncode, 0)
        dst = self.target()
        migrate.configure(dst, ('multifd',), {})
        with qmp.QmpClient(sock) as monitor:
            try:
                monitor.cmd('migrate-set-capabilities', {'capabilities': [
                    {'capability': name, 'state': True}
                    for name in ('multifd', 'events')]})
                monitor.cmd('migrate-set-parameters', {
                    'zero-page-detection': 'dsa-accel',
                    'accel-path': ['dsa:soft'], 'max-bandwidth': 0})
                monitor.cmd('migrate', {'uri': dst.listen(self.uri('unix'))})
                self.assertEqual(monitor.wait_status(migrate.ENDED),
                                 'completed')
            finally:
                monitor.cmd('quit')
        self.assertEqual(migrate.end_status(dst), 'completed')
        self.assertIsNone(ram.first_difference(path, dst.ram_path))


class Faults(dsa.DsaCase):
    """Queues that do what hardware does rarely."""

    def run_bad(self, completion='thread', **options):
        options.setdefault('max_batch_size', 128)
        return self.run_dsa(dsa.soft(**options), dsa_adaptive=False,
                            dsa_completion=completion,
                            dsa_timeout=dsa.IMPATIENCE_MS)

    def for_both(self, check):
        """The same with either way to wait; a machine of each in a test."""
        for completion in COMPLETIONS:
            with self.subTest(completion=completion):
                try:
                    check(completion)
                except AssertionError:
                    # Or the next one would meet these machines.
                    self.discard(*self.machines)
                    raise
                finally:
                    self.retire()

    def check_faults(self, counter, **options):
        def check(completion):
            src, found = self.run_bad(completion, **options)
            self.assertGreater(found[counter], 0)
            self.assertEqual(found['cpu-pages']['page-fault'], found[counter])
            self.assertEqual(self.warnings(src), [])
            self.assertNotIn('given-up', found['queues'][0])
        self.for_both(check)

    def test_pages_that_are_not_there(self):
        """Memory of a file that this process has never touched."""
        self.check_faults('page-faults')

    def test_page_fault_at_the_start(self):
        self.check_faults('page-faults', fault_every=3)

    def test_page_fault_in_the_middle(self):
        self.check_faults('page-faults', fault_every=3, fault_at=2048)

    def test_page_fault_in_the_last_byte(self):
        self.check_faults('page-faults', fault_every=1, fault_at=4095)

    def test_page_fault_called_a_write(self):
        self.check_faults('page-faults', fault_every=5, fault_write='on')

    def test_page_fault_of_single_descriptors(self):
        self.check_faults('page-faults', fault_every=2, portal='off')

    def test_page_fault_that_the_kernel_refuses(self):
        src, found = self.run_bad(block_on_fault='on', fault_every=4,
                                  fault_refused='on')
        self.assertGreater(found['page-faults-unresolved'], 0)
        self.assertEqual(self.warnings(src), [])

    def test_fault_on_the_list(self):
        def check(completion):
            src, found = self.run_bad(completion, list_fault_every=3)
            self.assertGreater(found['list-faults'], 0)
            self.assertGreater(found['cpu-pages']['not-done'], 0)
            self.assertEqual(self.warnings(src), [])
        self.for_both(check)

    def test_batch_that_says_it_failed_and_did_not(self):
        src, found = self.run_bad(batch_flag_every=1)
        self.assertEqual(found['cpu-pages']['device-error'], 0)
        self.assertEqual(found['cpu-pages']['not-done'], 0)
        self.assertEqual(self.warnings(src), [])

    def check_dead(self, reason, *words, **options):
        """The queue is given up, the CPU goes on, one warning tells."""
        def check(completion):
            src, found = self.run_bad(completion, **options)
            if reason:
                self.assertGreater(found['cpu-pages'][reason], 0, found)
            self.check_given_up(src, found, *words)
        self.for_both(check)

    def test_unknown_status(self):
        self.check_dead('device-error', '0x3e', status_every=50)

    def test_unknown_status_of_a_batch(self):
        """Its members have answered all the same."""
        self.check_dead(None, '0x3e', batch_status_every=2)

    def test_lost_record_of_a_batch(self):
        """Its members have answered all the same."""
        self.check_dead(None, 'not answered', lose_every=3)

    def test_lost_record_of_single_descriptors(self):
        self.check_dead('timeout', 'not answered', lose_every=40,
                        portal='off')

    def test_stuck(self):
        self.check_dead('timeout', 'not answered', stuck_after=300)

    def test_stuck_at_once(self):
        self.check_dead('timeout', 'not answered', stuck_after=0)

    def test_full_for_ever(self):
        def check(completion):
            src, found = self.run_bad(completion, full='forever')
            self.assertEqual(found['descriptors'], 0)
            self.assertGreater(found['queues'][0]['retries'], 0)
            self.assertGreater(found['queues'][0]['full'], 0)
            cpu = found['cpu-pages']
            self.assertGreater(cpu['queue-full'] + cpu['no-queue'], 0)
            self.assertEqual(cpu['timeout'], 0)
        self.for_both(check)

    def test_full_for_a_while(self):
        _, found = self.run_bad(full=100)
        self.assertGreater(found['retries'], 0)
        self.assertGreater(found['descriptors'], 0)

    def test_halted_in_the_middle(self):
        """A halted device takes nothing; whatever it had is the CPU's."""
        def check(completion):
            _, found = self.run_bad(completion, halt_after=300)
            cpu = found['cpu-pages']
            self.assertGreater(found['descriptors'], 0)
            self.assertGreater(sum(cpu.values()), 0)
        self.for_both(check)

    def test_halted_dedicated(self):
        def check(completion):
            src, found = self.run_bad(completion, halt_after=300,
                                      mode='dedicated')
            self.assertGreater(sum(found['cpu-pages'].values()), 0)
            self.check_given_up(src, found)
        self.for_both(check)

    def test_slow(self):
        """Slow is not stuck."""
        src, found = self.run_dsa(
            dsa.soft(max_batch_size=128, slow_us=2000), dsa_adaptive=False)
        self.assertGreater(found['waits'], 0)
        self.assertGreater(found['wait-time'], 1000000)
        self.assertEqual(self.warnings(src), [])

    def test_one_queue_of_two_dies(self):
        """The other goes on, and does the rest."""
        def check(completion):
            src, found = self.run_dsa(
                [dsa.soft(max_batch_size=128, stuck_after=200),
                 dsa.soft(max_batch_size=128)], size=32 * vm.MIB,
                dsa_adaptive=False, dsa_completion=completion,
                dsa_timeout=dsa.IMPATIENCE_MS)
            dead, well = found['queues']
            self.assertIn('not answered', dead['given-up'])
            self.assertNotIn('given-up', well)
            self.assertGreater(well['descriptors'], dead['descriptors'])
            self.assertEqual(found['cpu-pages']['no-queue'], 0)
            self.assertEqual(len(self.warnings(src)), 1)
        self.for_both(check)

    def test_both_queues_die(self):
        src, found = self.run_dsa(
            [dsa.soft(max_batch_size=128, stuck_after=200),
             dsa.soft(max_batch_size=128, status_every=200)],
            size=32 * vm.MIB, dsa_adaptive=False,
            dsa_timeout=dsa.IMPATIENCE_MS)
        self.check_given_up(src, found)
        self.assertGreater(found['cpu-pages']['no-queue'], 0)

    def test_everything_at_once(self):
        src, found = self.run_dsa(
            [dsa.soft(max_batch_size=32, shuffle=5, fault_every=7,
                      fault_at=100, list_fault_every=9, batch_flag_every=4,
                      full=20),
             dsa.soft(max_batch_size=16, mode='dedicated', size=2,
                      fault_every=3, fault_at=4000)],
            size=32 * vm.MIB, dsa_adaptive=False, channels=4)
        self.assertGreater(found['page-faults'], 0)
        self.assertGreater(found['list-faults'], 0)
        self.assertEqual(self.warnings(src), [])


class Adaptive(dsa.DsaCase):
    def specks(self, size=8 * vm.MIB):
        """Pages with one byte where no look falls: none of them is zero."""
        path = self.path('src.ram')
        ram.create(path, size, 'zero')
        fd = os.open(path, os.O_WRONLY)
        for at in range(0, size, ram.PAGE):
            os.pwrite(fd, b'\1', at + 101)
        os.close(fd)
        return self.machine(name='src', image=path, size=size)

    def run_specks(self, faults, **params):
        src, dst = self.specks(), self.target()
        found = self.migrate_dsa(src, dst, dsa.soft(max_batch_size=128),
                                 channels=1, **params)
        self.check_healthy(src, found, faults)
        self.check_asked(found, src.size // ram.PAGE)
        self.assertEqual(self.result.src['ram']['normal'],
                         src.size // ram.PAGE)
        return found

    def test_steps_back_where_zero_pages_are_rare(self):
        found = self.run_specks(0, dsa_adaptive=True)
        self.assertEqual(found['steps-back'], 1)
        self.assertGreater(found['cpu-pages']['stepped-back'], 0)
        self.assertGreater(found['descriptors'], 0)

    def test_off(self):
        found = self.run_specks(None, dsa_adaptive=False)
        self.assertEqual(found['steps-back'], 0)
        self.assertEqual(found['cpu-pages']['looked'], 0)
        self.assertEqual(found['descriptors'], 8 * vm.MIB // ram.PAGE)

    def test_comes_back_where_they_are_not(self):
        """8 MiB without a zero page, then 24 MiB with nothing else."""
        size = 32 * vm.MIB
        path = self.path('src.ram')
        ram.create(path, size, 'zero')
        fd = os.open(path, os.O_WRONLY)
        for at in range(0, 8 * vm.MIB, ram.PAGE):
            os.pwrite(fd, b'\1', at + 101)
        os.close(fd)
        src = self.machine(name='src', image=path, size=size)
        dst = self.target(size=size)
        found = self.migrate_dsa(src, dst, dsa.soft(max_batch_size=128),
                                 channels=1)
        self.check_asked(found, size // ram.PAGE)
        self.assertEqual(found['steps-back'], 1)
        self.assertGreater(found['descriptors'], 4096)

    def test_the_look_makes_pages_present(self):
        """Memory that was never touched meets no fault behind a look."""
        _, found = self.run_dsa(dsa.soft(max_batch_size=128), 'zero')
        self.assertEqual(found['page-faults'], 0)


class Ratio(dsa.DsaCase):
    """multifd-normal-page-ratio: zero pages that are sent all the same."""

    def check(self, ratio, ram_kind, detection='dsa-accel'):
        size = 8 * vm.MIB
        src, dst = self.source(ram_kind=ram_kind), self.target()
        result = self.migrate_and_check(
            src, dst, caps=('multifd',), params={'multifd_channels': 2},
            src_params=self.dsa_params(
                dsa.soft(), multifd_normal_page_ratio=ratio,
                zero_page_detection=detection))
        normal, zero = ram.count_pages(ram_kind, size)
        stats = result.src['ram']
        # Each of two channels may be one page short.
        self.assertAlmostEqual(stats['duplicate'], zero * (100 - ratio) // 100,
                               delta=2)
        self.assertEqual(stats['normal'] + stats['duplicate'], normal + zero)
        if ram_kind == 'holes':
            self.assertEqual(ram.allocated(src.ram_path), 0,
                             'the source touched its holes')

    def test_0(self):
        self.check(0, 'zero')

    def test_50(self):
        self.check(50, 'zero')

    def test_33_of_mixed_memory(self):
        self.check(33, 'mixed')

    def test_100(self):
        self.check(100, 'zero')

    def test_100_of_holes(self):
        self.check(100, 'holes')

    def test_50_with_the_cpu(self):
        self.check(50, 'zero', 'multifd')


class Refused(dsa.DsaCase):
    """A queue that cannot be used: failed, why, and the guest goes on."""

    def check(self, paths, *words):
        src, dst = self.source(), self.target()
        src.qmp.cmd('cont')
        migrate.start(src, dst, self.uri('unix'), caps=('multifd',),
                      src_params=self.dsa_params(paths))
        self.assertEqual(migrate.end_status(src), 'failed')
        desc = src.info()['error-desc']
        for word in words:
            self.assertIn(word, desc)
        self.assertNotIn('\n', desc)
        self.assertTrue(src.qmp.cmd('query-status')['running'])
        # The next one works, over another queue.
        src.qmp.drop_events()
        other = self.target(name='other')
        result = migrate.migrate(src, other, 'unix:' + self.path('2'),
                                 caps=('multifd',),
                                 src_params=self.dsa_params('dsa:soft'))
        self.check_completed(result)
        self.check_ram(src, other)

    def test_disabled(self):
        self.check(dsa.soft(state='disabled'), 'state', 'disabled',
                   'enable')

    def test_type_kernel(self):
        self.check(dsa.soft(type='kernel'), 'type', "'kernel'", 'user')

    def test_no_compare_pattern(self):
        self.check(dsa.soft(opcodes='0x3f'), 'Compare Pattern')

    def test_batches_too_small(self):
        self.check(dsa.soft(max_batch_size=1), 'max_batch_size', '1')

    def test_transfers_too_small(self):
        self.check(dsa.soft(max_transfer_size=2048), 'max_transfer_size',
                   '2048')

    def test_full_when_it_is_proven(self):
        self.check_quick(dsa.soft(full='forever', faults_from='open'), 'full')

    def test_stuck_when_it_is_proven(self):
        self.check_quick(dsa.soft(stuck_after=0, faults_from='open'),
                         'did not answer')

    def check_quick(self, path, *words):
        src, dst = self.source(), self.target()
        migrate.start(src, dst, self.uri('unix'), caps=('multifd',),
                      src_params=self.dsa_params(
                          path, dsa_timeout=dsa.IMPATIENCE_MS))
        self.assertEqual(migrate.end_status(src), 'failed')
        for word in words:
            self.assertIn(word, src.info()['error-desc'])

    def test_no_such_queue(self):
        self.check('dsa:/dev/dsa/wq4095.7', 'wq4095.7')

    def test_second_of_two(self):
        self.check([dsa.soft(), dsa.soft(state='disabled')], 'disabled')

    def check_at_once(self, caps, params, *words):
        """Refused by the command, before anything has begun."""
        src = self.source()
        migrate.configure(src, caps, params)
        with self.assertRaises(qmp.QmpError) as caught:
            src.qmp.cmd('migrate', {'uri': self.uri('unix')})
        for word in words:
            self.assertIn(word, caught.exception.desc)
        self.assertEqual(src.info().get('status', 'none'), 'none')

    def test_without_multifd(self):
        self.check_at_once((), self.dsa_params('dsa:soft'), 'dsa-accel',
                           'multifd')

    def test_without_a_path(self):
        self.check_at_once(('multifd',), self.dsa_params([]), 'accel-path')

    def test_packet_size_without_multifd(self):
        self.check_at_once((), {'multifd_packet_size': 4096},
                           'multifd-packet-size')

    def test_path_that_means_nothing(self):
        src = self.source()
        for path in ('soft', 'dsa:', 'dsa:hard', 'dsa:soft?fast=on',
                     'dsa:/dev/dsa/engine0.0', 'dsa:auto?node=x'):
            with self.assertRaises(qmp.QmpError):
                src.parameters(accel_path=[path])
        self.assertEqual(src.qmp.cmd('query-migrate-parameters')['accel-path'],
                         [])


class Cancel(dsa.DsaCase):
    def check_cancel(self, src, dst, **params):
        watch = stopwatch.Stopwatch(src.pid)
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.assertLess(watch.seconds(), 0.2 * qmp.SCALE)
        src.qmp.drop_events()
        other = self.target(name='other')
        result = migrate.migrate(
            src, other, 'unix:' + self.path('2'), caps=('multifd',),
            src_params=self.dsa_params(dsa.soft(), **params))
        self.check_completed(result)
        self.check_ram(src, other)

    def test_in_the_middle(self):
        for completion in COMPLETIONS:
            with self.subTest(completion=completion):
                src, dst = self.source(ram_kind='random'), self.target()
                self.start_slow(src, dst, dsa.soft(), dsa_adaptive=False,
                                dsa_completion=completion)
                self.check_cancel(src, dst, dsa_completion=completion)
                self.retire()

    def test_when_the_queue_is_stuck(self):
        """Nobody waits for what will not come."""
        src, dst = self.source(ram_kind='zero'), self.target()
        self.start_slow(src, dst, dsa.soft(stuck_after=0),
                        dsa_adaptive=False, dsa_timeout=60000)
        while self.stats(src)['descriptors'] == 0:
            pass
        self.check_cancel(src, dst)

    def test_when_a_queue_is_being_proven(self):
        src, dst = self.source(), self.target()
        migrate.start(src, dst, self.uri('unix'), caps=('multifd',),
                      src_params=self.dsa_params(
                          dsa.soft(stuck_after=0, faults_from='open'),
                          dsa_timeout=60000))
        src.qmp.wait_status('setup')
        self.check_cancel(src, dst)

    def test_quit_when_the_queue_is_stuck(self):
        """The process ends as after any other migration."""
        src, dst = self.source(ram_kind='zero'), self.target()
        self.start_slow(src, dst, dsa.soft(stuck_after=0),
                        dsa_adaptive=False, dsa_timeout=60000)
        while self.stats(src)['descriptors'] == 0:
            pass
        self.retire()

    def test_when_the_peer_has_gone(self):
        """A source whose destination dies has its queues to give back."""
        src, dst = self.source(ram_kind='random'), self.target()
        self.start_slow(src, dst, [dsa.soft(), dsa.soft()],
                        dsa_adaptive=False)
        self.discard(dst)
        self.assertEqual(migrate.end_status(src), 'failed')
        src.qmp.drop_events()
        other = self.target(name='other')
        result = migrate.migrate(
            src, other, 'unix:' + self.path('2'), caps=('multifd',),
            src_params=self.dsa_params([dsa.soft(), dsa.soft()]))
        self.check_completed(result)
        self.check_ram(src, other)

    def test_counters_while_it_runs(self):
        src, dst = self.source(ram_kind='random'), self.target()
        self.start_slow(src, dst, dsa.soft(), dsa_adaptive=False)
        while self.stats(src)['descriptors'] == 0:
            pass
        found = self.stats(src)
        self.assertLessEqual(found['descriptors'], 8 * vm.MIB // ram.PAGE)
        src.parameters(max_bandwidth=0)
        self.check_completed(migrate.finish(src, dst))
        self.check_ram(src, dst)
        self.check_asked(self.stats(src), 8 * vm.MIB // ram.PAGE)

    def test_parameters_are_for_the_next(self):
        src, dst = self.source(ram_kind='random'), self.target()
        self.start_slow(src, dst, dsa.soft())
        src.parameters(accel_path=[dsa.soft(state='disabled')],
                       dsa_completion='in-thread', max_bandwidth=0)
        self.check_completed(migrate.finish(src, dst))
        self.assertEqual(self.stats(src)['completion'], 'thread')


class OtherDetectors(dsa.DsaCase):
    """What query-migrate says of them."""

    def test_detector_is_named(self):
        for detection in ('none', 'legacy', 'multifd'):
            with self.subTest(detection=detection):
                src, dst = self.source(), self.target()
                self.migrate_and_check(
                    src, dst, caps=('multifd',),
                    src_params={'zero_page_detection': detection})
                self.assertEqual(src.info()['zero-page-detector'],
                                 {'detector': detection})
                self.retire()

    def test_packet_size_with_the_cpu(self):
        for size in PACKETS:
            with self.subTest(size=size):
                src, dst = self.source(), self.target()
                self.migrate_and_check(
                    src, dst, caps=('multifd',),
                    params={'multifd_channels': 2},
                    src_params={'multifd_packet_size': size})
                self.retire()


class Hardware(dsa.DsaCase):
    """The same on a queue of the machine, where there is one."""

    def setUp(self):
        super().setUp()
        self.queue = dsa.need_hardware()

    def check(self, **params):
        src, found = self.run_dsa(self.queue, size=64 * vm.MIB, **params)
        self.assertNotIn('soft', found['queues'][0]['backend'])
        self.assertEqual(self.warnings(src), [])

    def test_completion_thread(self):
        self.check(dsa_completion='thread', dsa_adaptive=False)

    def test_in_thread(self):
        self.check(dsa_completion='in-thread', dsa_adaptive=False)

    def test_large_packets(self):
        self.check(multifd_packet_size=4 * vm.MIB, dsa_adaptive=False)

    def test_adaptive(self):
        self.check()

    def test_auto(self):
        self.queue = 'dsa:auto'
        self.check()


if __name__ == '__main__':
    sys.exit(tap.main())
