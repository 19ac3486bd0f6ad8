# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of what the benchmarks count with: factors of pairs, targets, threads
# that end, memory that is not equal, tables in documents.  A benchmark that
# cannot miss a target or see a wrong byte would praise everything.

import argparse
import os
import struct
import sys
import tempfile
import threading
import unittest
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'lib'), HERE]
import backends  # noqa: E402
import figures  # noqa: E402
import guestload  # noqa: E402
import hotspots  # noqa: E402
import pages  # noqa: E402
import report  # noqa: E402
import run as bench  # noqa: E402
import targets  # noqa: E402
import threadtimes  # noqa: E402
from wherrytest import ram, tap  # noqa: E402

MIB = 1 << 20


def side(cpu, grown=0, allocated=0, threads=None):
    return {'cpu': cpu, 'resident': grown, 'allocated': allocated,
            'faults': 0, 'user': 0, 'system': cpu, 'delay': 0,
            'threads': threads or {}}


def one_run(wall, cpu, **more):
    found = {'wall': wall, 'setup': 0.001, 'cpu': cpu,
             'total-time-ms': wall * 1000, 'downtime-ms': 3, 'rounds': 2,
             'normal-pages': 1, 'zero-pages': 1,
             'source': side(cpu / 2), 'destination': side(cpu / 2)}
    found.update(more)
    return found


def summary(ours, stock):
    return report.summarize({'wherry': [one_run(*a) for a in ours],
                             'qemu': [one_run(*b) for b in stock]})


def setting(kind='holes', **more):
    return dict({'kind': kind, 'size': 2048, 'backend': 'shm',
                 'destination': 'same'}, **more)


class Factors(unittest.TestCase):
    def test_pairs_and_not_medians_are_divided(self):
        found = summary([(1, 1), (2, 1), (4, 1)], [(8, 1), (4, 1), (4, 1)])
        self.assertEqual(found['factor']['wall'],
                         {'median': 2, 'min': 1, 'max': 8})

    def test_more_time_is_a_factor_below_one(self):
        found = summary([(4, 2)], [(2, 1)])
        self.assertEqual(found['factor']['wall']['median'], 0.5)
        self.assertEqual(found['factor']['cpu']['median'], 0.5)

    def test_one_program_has_no_factor(self):
        found = report.summarize({'wherry': [one_run(1, 1)]})
        self.assertNotIn('factor', found)

    def test_growth_is_the_larger_of_mapped_and_held(self):
        one = one_run(1, 1, source=side(1, 5, 7), destination=side(1, 9, 2))
        found = report.summarize({'wherry': [one]})['wherry']
        self.assertEqual(found['source-growth']['median'], 7)
        self.assertEqual(found['destination-growth']['median'], 9)

    def test_a_thread_that_a_run_lacks_counts_as_nothing(self):
        entry = {'cpu': 3.0, 'faults': 1, 'switches': 2}
        one = one_run(1, 1, source=side(1, threads={'a': entry}))
        two = one_run(1, 1)
        found = report.threads([one, two, two])
        self.assertEqual(found['source']['a']['cpu'], 0)


class Targets(unittest.TestCase):
    def judge(self, found, **more):
        return [verdict.met for verdict in
                targets.judge(setting(**more), found)]

    def test_met(self):
        found = summary([(1, 1)], [(50, 50)])
        self.assertEqual(self.judge(found), [True] * 4)

    def test_wall_is_missed(self):
        found = summary([(1, 1)], [(49.9, 50)])
        self.assertEqual(self.judge(found), [False, True, True, True])

    def test_cpu_is_missed(self):
        found = summary([(1, 1)], [(50, 49.9)])
        self.assertEqual(self.judge(found), [True, False, True, True])

    def test_growth_is_missed(self):
        run = one_run(1, 1, destination=side(.5, grown=41 * MIB))
        found = report.summarize({'wherry': [run], 'qemu': [one_run(50, 50)]})
        self.assertEqual(self.judge(found), [True, True, True, False])

    def test_stock_destination_has_targets_of_its_own(self):
        found = summary([(1, 1)], [(5, 5)])
        self.assertEqual(self.judge(found, destination='qemu'), [True, True])
        self.assertEqual(self.judge(found, destination='qemu', kind='random'),
                         [])

    def judge_patched(self, ours, **more):
        found = report.summarize({'patched': [ours],
                                  'qemu': [one_run(10, 10)]})
        return self.judge(found, **more)

    def test_a_patched_qemu_has_targets_of_its_own(self):
        self.assertEqual(self.judge_patched(one_run(1, 10)), [True] * 3)
        self.assertEqual(self.judge_patched(one_run(1.1, 10)),
                         [False, True, True])
        grown = one_run(1, 1, source=side(.5, grown=41 * MIB))
        self.assertEqual(self.judge_patched(grown), [True, False, True])

    def test_a_patched_qemu_is_no_slower(self):
        self.assertEqual(self.judge_patched(one_run(10, 10), kind='half'),
                         [True])
        self.assertEqual(self.judge_patched(one_run(11.2, 10), kind='half'),
                         [False])

    def test_huge_pages_are_reported_only(self):
        found = summary([(1, 1)], [(1, 1)])
        self.assertEqual(self.judge(found, backend='hugetlb'), [])

    def test_stress(self):
        found = summary([(1, 1)], [(1, 1)])
        self.assertTrue(all(v.met for v in targets.judge_stress(found)))
        found['wherry']['rounds'] = report.spread([3])
        self.assertEqual([v.met for v in targets.judge_stress(found)],
                         [False, True])
        found['wherry']['downtime'] = report.spread([3.5])
        self.assertEqual([v.met for v in targets.judge_stress(found)],
                         [False, False])


class Threads(unittest.TestCase):
    def test_roles_of_the_stock_program(self):
        self.assertEqual(threadtimes.role('mig/src/main'), 'live_migration')
        self.assertEqual(threadtimes.role('mig/src/send_3'),
                         'multifdsend_3')
        self.assertEqual(threadtimes.role('mig/dst/recv_0'),
                         'multifdrecv_0')
        self.assertEqual(threadtimes.role('other'), 'other')

    def test_ended_and_living_and_unknown(self):
        def figures_of(cpu):
            return {'cpu': cpu, 'faults': 0, 'switches': 0}
        before = {7: ('wherry', figures_of(1.0))}
        after = {7: ('wherry', figures_of(1.5)),
                 8: ('new', figures_of(0.25))}
        ended = [(7, 9, 'multifdsend_0', figures_of(2.0)),
                 (6, 5, 'another process', figures_of(9.0))]
        found = threadtimes.by_role(7, before, after, ended, 3.0)
        self.assertEqual({name: entry['cpu']
                          for name, entry in found.items()},
                         {'main': 0.5, 'new': 0.25, 'multifdsend_0': 2.0,
                          threadtimes.OTHER: 0.25})

    def test_message_of_the_kernel(self):
        stats = bytearray(400)
        struct.pack_into('=H', stats, 0, 13)
        struct.pack_into('=Q', stats, 72, 1500000000)
        stats[80:87] = b'worker\0'
        struct.pack_into('=Q', stats, 168, 11)
        struct.pack_into('=QQ', stats, 272, 20, 3)
        struct.pack_into('=I', stats, 368, 77)
        inner = struct.pack('=HHI', 8, 1, 78) + \
            struct.pack('=HH', 4 + len(stats), 3) + bytes(stats)
        message = struct.pack('=HH', 4 + len(inner), 4 | 0x8000) + inner
        self.assertEqual(list(threadtimes.decode_message(message)), [
            (77, 78, 'worker', {'cpu': 1.5, 'faults': 11, 'switches': 23})])
        struct.pack_into('=H', stats, 0, 11)
        self.assertIsNone(threadtimes.decode_stats(78, bytes(stats)))

    def test_a_thread_that_ends_is_told(self):
        endings = threadtimes.Endings()
        self.addCleanup(endings.close)
        if endings.why:
            self.skipTest(endings.why)
        tids = []
        thread = threading.Thread(
            target=lambda: tids.append(threading.get_native_id()))
        thread.start()
        thread.join()
        # join() comes back before the kernel is done with the thread.
        while os.path.exists('/proc/self/task/%d' % tids[0]):
            pass
        told = [(pid, tid) for pid, tid, _, _ in endings.take()]
        self.assertIn((os.getpid(), tids[0]), told)


class Memory(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.image = os.path.join(folder.name, 'image')

    def difference(self, data):
        return backends.difference(
            self.image, len(data), lambda at, length: data[at:at + length])

    def test_few_zero_pages(self):
        backends.create(self.image, 1000 * ram.PAGE, 'few')
        with open(self.image, 'rb') as image:
            zero = sum(image.read(ram.PAGE) == bytes(ram.PAGE)
                       for _ in range(1000))
        self.assertEqual(zero, 20)

    def test_one_byte_is_seen(self):
        ram.create(self.image, 64 * ram.PAGE, 'mixed')
        with open(self.image, 'rb') as image:
            data = bytearray(image.read())
        self.assertIsNone(self.difference(data))
        data[63 * ram.PAGE + 5] ^= 1
        text = self.difference(data)
        self.assertIn('page 63 differs', text)
        self.assertIn('byte 5 ', text)

    def test_memory_that_ends_early_is_seen(self):
        ram.create(self.image, 64 * ram.PAGE, 'zero')
        self.assertIn('only', backends.difference(
            self.image, 64 * ram.PAGE, lambda at, length: b''))

    def test_extents_leave_holes_out(self):
        with open(self.image, 'wb') as image:
            image.truncate(64 * MIB)
            image.seek(32 * MIB)
            image.write(b'x')
        for start, end in ram.extents(self.image):
            self.assertLessEqual(start, 32 * MIB)
            self.assertGreater(end, 32 * MIB)
            self.assertLess(end - start, 32 * MIB)

    def test_text_is_compressible_and_no_page_is_another(self):
        backends.create(self.image, 300 * ram.PAGE, 'text')
        with open(self.image, 'rb') as image:
            found = [image.read(ram.PAGE) for _ in range(300)]
        self.assertEqual(len(set(found)), 300)
        size = len(zlib.compress(b''.join(found), 1))
        self.assertLess(2 * size, 300 * ram.PAGE)

    def test_late_writes(self):
        writer = guestload.Writer.__new__(guestload.Writer)
        writer.answered = [(1.0, 0), (2.0, 65536), (3.0, 0)]
        self.assertEqual(writer.late(2.5), {0})
        self.assertEqual(writer.late(2.0), {0, 65536})


class Options(unittest.TestCase):
    def test_table_is_the_default(self):
        options = bench.parse(['zero', '--size', '64'])
        self.assertEqual((options.command, options.kind, options.size),
                         ('table', ['zero'], 64))

    def test_a_patched_qemu_takes_the_place_of_wherry(self):
        options = bench.parse(['zero', '--patched', 'qemu-patched'])
        self.assertEqual(bench.programs_of(options), ['patched', 'qemu'])
        options = bench.parse(['zero', '--only', 'qemu'])
        self.assertEqual(bench.programs_of(options), ['qemu'])

    def test_numbers(self):
        self.assertEqual(bench.numbers('1,2,8'), [1, 2, 8])
        for text in ('', '0', '1,,2', 'x'):
            with self.assertRaises(ValueError):
                bench.numbers(text)

    def test_the_order_turns(self):
        row = bench.Row('zero', None, ['wherry', 'qemu'])
        turns = list(row.turns(argparse.Namespace(repeats=2)))
        self.assertEqual(turns, [
            ('wherry', False), ('qemu', False), ('wherry', True),
            ('qemu', True), ('qemu', True), ('wherry', True)])


class Documents(unittest.TestCase):
    def document(self, table='table'):
        runs = {'wherry': [one_run(1, 1)], 'qemu': [one_run(50, 40)]}
        found = report.summarize(runs)
        return {'table': table, 'commit': '0' * 40, 'dirty': False,
                'date': 'then', 'kernel': '6', 'command': 'run.py',
                'host': {'cpu': 'A', 'cpus': 2, 'memory': '1 kB'},
                'versions': {'qemu': '10'}, 'repeats': 1,
                'options': {'axis': 'size'},
                'rows': [{'label': 'holes', 'x': 1, 'setting': setting(),
                          'summary': found, 'runs': runs,
                          'targets': [{'text': 'CPU', 'met': False}]}]}

    def test_a_page_of_each_table(self):
        for table in bench.COMMANDS:
            text, _ = pages.page(self.document(table))
            self.assertIn('missed', text)
            self.assertIn('50 (50-50)', text)

    def test_a_block_without_a_result_stays(self):
        text = '.. figures: one.json\n\nold\n\n.. end of figures\n'
        self.assertEqual(figures.fill(text, lambda name: None), text)

    def test_where_time_goes_as_a_table(self):
        document = dict(self.document('hotspots'), rows=[
            {'label': 'zero', 'program': 'wherry', 'sides': {
                'source': [['zero test', 0.099, {}],
                           ['page faults', 0.001, {}]]}}])
        self.assertEqual(figures.cells(document)[1],
                         ['zero', 'source', 'zero test 99.0', ''])

    def test_limits_as_a_table(self):
        document = dict(self.document('limits'), rows=[
            {'label': 'memory read', 'value': 24.04, 'unit': 'GB/s'}])
        self.assertEqual(figures.cells(document)[1],
                         ['memory read', '24.0 GB/s'])

    def test_a_block_is_filled_and_stays(self):
        text = 'a\n\n.. figures: one.json\n\nold\n\n.. end of figures\n\nb\n'
        found = figures.fill(text, lambda name: self.document())
        self.assertIn('50', found)
        self.assertNotIn('old', found)
        self.assertTrue(found.startswith('a\n\n.. figures: one.json\n'))
        self.assertTrue(found.endswith('.. end of figures\n\nb\n'))
        self.assertEqual(figures.fill(found, lambda name: self.document()),
                         found)


class Samples(unittest.TestCase):
    def test_the_nearest_cause_counts(self):
        self.assertEqual(hotspots.cause(
            ['clear_page_erms', 'shmem_fault', 'asm_exc_page_fault'], 'kernel'),
            'pages cleared')
        self.assertEqual(hotspots.cause(
            ['rep_movs_alternative', 'unix_stream_read_generic', 'read'],
            'kernel'), 'copied out of the socket')
        self.assertEqual(hotspots.cause(['never_heard_of'], 'kernel'),
                         'kernel, other')
        self.assertEqual(hotspots.cause(['never_heard_of'], 'wherry'),
                         'program, other')

    def test_samples_are_read(self):
        text = ('multifdsend_0  10/12  5.000: 200000 cpu-clock:\n'
                '\tffffffff81 clear_page_erms ([kernel.kallsyms])\n'
                '\tffffffff82 shmem_fault ([kernel.kallsyms])\n'
                '\n'
                'mig/src/main  10/13  5.001: 200000 cpu-clock:\n'
                '\t55 something+0x12 (/usr/bin/program)\n\n')
        self.assertEqual(list(hotspots.samples(text.splitlines())), [
            (10, 'multifdsend_0', ['clear_page_erms', 'shmem_fault'],
             'kernel'),
            (10, 'mig/src/main', ['something'], 'program')])


if __name__ == '__main__':
    sys.exit(tap.main())
