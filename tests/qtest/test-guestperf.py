# SPDX-License-Identifier: GPL-2.0-or-later
#
# scripts/guestperf.py: small runs with wherry and with a stock QEMU whose
# reports must tell what query-migrate tells, wrong scenario files and wrong
# reports, each with one wrong thing, and the figures that charts are made of.

import copy
import os
import re
import subprocess
import sys
import threading
import time
import unittest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(TOP, 'tests', 'lib'))
sys.path.insert(0, os.path.join(TOP, 'scripts'))
from wherrytest import case, chart, qmp, ram, tap, vm  # noqa: E402
import guestperf  # noqa: E402
from guestperf import (offer, plot, report, run, sample,  # noqa: E402
                       scenario)

SCRIPT = os.path.join(TOP, 'scripts', 'guestperf.py')
SMALL = ('ram.size=32M', 'load.warm-up=0.1')
# The guest writes a little, and more than is sent in a moment.
LOAD = SMALL + ('load.rate=8M', 'migration.max-bandwidth=32M')


class GuestperfCase(case.MachineCase):
    kinds = ()

    def script(self, *arguments, status=0, env=None):
        """What guestperf writes to stdout and stderr."""
        done = subprocess.run(
            [sys.executable, SCRIPT] + list(arguments), check=False,
            capture_output=True, text=True, timeout=120 * qmp.SCALE,
            env=dict(os.environ, **(env or {})))
        self.assertIn(done.returncode, status if isinstance(status, tuple)
                      else (status,), done.stdout + done.stderr)
        self.assertNotIn('Traceback', done.stderr)
        return done.stdout, done.stderr

    def run_script(self, name, *settings, program=vm.WHERRY, status=0,
                   more=()):
        """A run of the program in a process of its own; its report."""
        path = self.path('report.json')
        sets = [word for setting in settings for word in ('--set', setting)]
        out = self.script('run', '--scenario', name, '--binary', program,
                          '--output', path, *sets, *more, status=status)
        if not os.path.exists(path):
            return out[1]
        return report.load(path)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)
        return self.path(name)

    # -- what holds for each report -----------------------------------------

    def check_report(self, document, kind, threads):
        """A completed migration whose report is truthful and whole."""
        self.assertEqual(document['outcome'], {'source': 'completed',
                                               'destination': 'completed'})
        self.assertTrue(document['ram-check']['equal'],
                        document['ram-check'])
        program = document['programs']['source']
        self.assertEqual(program['kind'], kind)
        self.assertRegex(program['version'], r'\d+\.\d+')
        self.assertRegex(program['sha256'], '^[0-9a-f]{64}$')
        for name in ('cpu', 'cpus', 'memory', 'kernel'):
            self.assertTrue(document['host'][name], name)
        self.check_figures(document)
        for side, names in threads.items():
            found = document['samples'][-1]['cpu'][side]['threads']
            self.assertLessEqual(set(names), set(found))

    def check_figures(self, document):
        """The last sample is what query-migrate says at the end, and CPU
        time never goes back nor gets lost."""
        last = document['samples'][-1]
        final = document['final']['source']
        for name in ('transferred', 'remaining', 'normal', 'duplicate',
                     'dirty-sync-count', 'total'):
            self.assertEqual(last['ram'][name], final['ram'][name], name)
        for name in ('status', 'total-time', 'downtime'):
            self.assertEqual(last[name], final[name], name)
        self.assertEqual(final['ram']['remaining'], 0)
        self.assertGreaterEqual(final['ram']['total'],
                                document['scenario']['ram']['size'])
        before = {side: {} for side in report.SIDES}
        for one in document['samples']:
            for side, cpu in one['cpu'].items():
                self.assertEqual(sum(cpu['threads'].values()),
                                 cpu['process'])
                for name, spent in before[side].items():
                    if name != sample.ENDED:
                        self.assertGreaterEqual(cpu['threads'][name], spent)
                before[side] = cpu['threads']
        for side in report.SIDES:
            self.assertGreater(last['cpu'][side]['process'], 0)


# -- scenario files ---------------------------------------------------------

class Scenarios(GuestperfCase):
    def refused(self, text, name='x.ini', settings=()):
        with self.assertRaises(guestperf.Error) as caught:
            scenario.read(self.write(name, text), settings)
        return str(caught.exception)

    def check_refused(self, text, *words):
        found = self.refused(text)
        for word in ('x.ini',) + words:
            self.assertIn(word, found)

    def test_built_in_ones_are_right(self):
        self.assertIn('multifd-2', scenario.built_in())
        for name in scenario.built_in():
            self.assertTrue(scenario.read(name).values['scenario']['title'])

    def test_the_document_has_all_keys_and_defaults(self):
        with open(os.path.join(TOP, 'docs', 'user', 'guestperf.rst'),
                  encoding='utf-8') as file:
            block = re.search(r'(?m)^   \[scenario\]\n(   .*\n|\n)+',
                              file.read()).group(0)
        path = self.write('x.ini', re.sub(r'(?m)^   ', '', block))
        found = scenario.read(path).values
        self.assertEqual(found, scenario.read(self.write('y.ini', '')).values)
        for section, keys in scenario.KEYS.items():
            for key in keys:
                self.assertRegex(block, r'(?m)^   %s =' % key, section)

    def test_list(self):
        out, _ = self.script('list')
        self.assertEqual([line.split()[0] for line in out.splitlines()],
                         scenario.built_in())

    def test_an_empty_file_is_all_defaults(self):
        found = scenario.read(self.write('x.ini', ''))
        self.assertEqual(found['ram']['size'], 256 * vm.MIB)
        self.assertEqual(found['migration']['channels'], 2)
        self.assertEqual(found['load']['by'], 'none')

    def test_values(self):
        found = scenario.read(self.write('x.ini', (
            '# a comment\n[migration]\naccel-path = dsa:soft\n    dsa:auto\n'
            'zero-page-detection = dsa-accel\nauto-converge = on\n'
            'max-bandwidth = 3K\n[load]\nwarm-up = 0.5\n')))
        self.assertEqual(found['migration']['accel-path'],
                         ['dsa:soft', 'dsa:auto'])
        self.assertEqual(found['migration']['max-bandwidth'], 3072)
        self.assertTrue(found['migration']['auto-converge'])
        self.assertEqual(found['load']['warm-up'], 0.5)

    def test_set_overrides(self):
        found = scenario.read('multifd-2', ['migration.channels=7'])
        self.assertEqual(found['migration']['channels'], 7)

    def test_no_such_scenario(self):
        with self.assertRaisesRegex(guestperf.Error, 'nowhere.*multifd-2'):
            scenario.read('nowhere')

    def test_set_without_a_section(self):
        with self.assertRaisesRegex(guestperf.Error, 'SECTION.KEY=VALUE'):
            scenario.read('multifd-2', ['channels=7'])

    def test_no_ini_file(self):
        self.check_refused('size = 3\n', 'is no scenario')

    def test_key_twice(self):
        self.check_refused('[ram]\nsize = 1M\nsize = 2M\n', 'is no scenario',
                           'size')

    def test_unknown_section(self):
        self.check_refused('[rom]\n', '[rom]', 'ram, migration')

    def test_unknown_key(self):
        self.check_refused('[ram]\nsizes = 1M\n', 'no key sizes', 'content')

    def test_no_number(self):
        self.check_refused('[migration]\nchannels = two\n', 'channels=two',
                           'from 0 to 255')

    def test_number_out_of_range(self):
        self.check_refused('[migration]\nchannels = 256\n', 'channels=256')

    def test_no_size(self):
        self.check_refused('[ram]\nsize = 12Q\n', 'size=12Q', '256M')

    def test_size_in_halves_of_pages(self):
        self.check_refused('[ram]\nsize = 2097153\n', '8 KiB')

    def test_no_switch(self):
        self.check_refused('[migration]\nreturn-path = yes\n', 'on or off')

    def test_unknown_content(self):
        self.check_refused('[ram]\ncontent = full\n', 'content=full',
                           'holes, zero')

    def test_no_seconds(self):
        self.check_refused('[run]\ntime-limit = long\n', 'seconds')

    def test_dsa_without_a_queue(self):
        self.check_refused('[migration]\nzero-page-detection = dsa-accel\n',
                           'needs accel-path')

    def test_queue_without_dsa(self):
        self.check_refused('[migration]\naccel-path = dsa:auto\n',
                           'accel-path is for')

    def test_dsa_without_multifd(self):
        self.check_refused('[migration]\nchannels = 0\naccel-path = dsa:soft\n'
                           'zero-page-detection = dsa-accel\n',
                           'needs channels=1')

    def test_compression_without_multifd(self):
        self.check_refused('[migration]\nchannels = 0\ncompression = zstd\n',
                           'compression=zstd', 'channels')

    def test_xbzrle_with_multifd(self):
        self.check_refused('[migration]\ncompression = xbzrle\n', 'xbzrle',
                           'channels=0')

    def test_level_without_compression(self):
        self.check_refused('[migration]\ncompression-level = 3\n',
                           'compression-level=3', 'zlib or zstd')

    def test_mapped_ram_without_a_file(self):
        self.check_refused('[migration]\nmapped-ram = on\n',
                           'mapped-ram=on is for transport=file')

    def test_channels_into_a_plain_file(self):
        self.check_refused('[migration]\ntransport = file\n',
                           'mapped-ram=on', 'channels=0')

    def test_return_path_of_a_file(self):
        self.check_refused('[migration]\ntransport = file\nchannels = 0\n'
                           'return-path = on\n', 'return-path=on')

    def test_direct_io_without_channels(self):
        self.check_refused('[migration]\ntransport = file\nchannels = 0\n'
                           'mapped-ram = on\ndirect-io = on\n',
                           'direct-io=on needs')

    def test_mapped_ram_with_compression(self):
        self.check_refused('[migration]\ntransport = file\n'
                           'mapped-ram = on\ncompression = zstd\n',
                           'compression=zstd does not go with mapped-ram')

    def test_tls_into_a_file(self):
        self.check_refused('[migration]\ntransport = file\nchannels = 0\n'
                           'tls = psk\n', 'tls=psk needs a peer')

    def test_zero_copy_with_tls(self):
        self.check_refused('[migration]\ntransport = tcp\nzero-copy = on\n'
                           'tls = anon\n', 'tls=anon does not go with')

    def test_zero_copy_over_a_unix_socket(self):
        self.check_refused('[migration]\nzero-copy = on\n',
                           'zero-copy=on needs transport=tcp')

    def test_unknown_tls(self):
        self.check_refused('[migration]\ntls = on\n', 'off, psk, anon')

    def test_qtest_load_with_threads(self):
        self.check_refused('[load]\nby = qtest\nthreads = 2\n', 'threads=2')

    def test_qtest_load_with_auto_converge(self):
        self.check_refused('[load]\nby = qtest\n[migration]\n'
                           'auto-converge = on\n', 'auto-converge')

    def test_qtest_load_on_too_much_memory(self):
        self.check_refused('[load]\nby = qtest\n[ram]\nsize = 3G\n', '2 GiB')

    def test_the_script_says_so_too(self):
        _, err = self.script('run', '--scenario',
                             self.write('x.ini', '[rom]\n'), '--output',
                             self.path('x.json'), status=1)
        self.assertRegex(err, r'^guestperf: .*no section \[rom\]')


# -- runs -------------------------------------------------------------------

@case.needs_wherry()
class Wherry(GuestperfCase):
    kinds = (vm.WHERRY,)
    THREADS = {'source': ('wherry', 'live_migration', 'multifdsend_0',
                          'multifdsend_1'),
               'destination': ('wherry', 'multifdrecv_0')}

    def test_stress(self):
        """Long enough for several samples and rounds."""
        document = self.run_script('stress', *LOAD)
        self.check_report(document, vm.WHERRY, dict(
            self.THREADS, source=self.THREADS['source'] + ('stress_0',)))
        self.assertGreaterEqual(len(document['samples']), 4)
        rounds = [event['data']['pass'] for event in document['events']
                  if event['event'] == 'MIGRATION_PASS']
        self.assertEqual(
            rounds[-1],
            document['final']['source']['ram']['dirty-sync-count'])
        spent = document['samples'][-1]['cpu']['source']['threads']
        self.assertGreater(spent['stress_0'], 0)

    def test_plain_return_path_tcp(self):
        self.check_report(self.run_script(
            'plain', *SMALL, 'migration.return-path=on',
            'migration.transport=tcp'), vm.WHERRY, {})

    def test_anonymous_memory(self):
        self.check_report(self.run_script(
            'multifd-2', *SMALL, 'ram.backend=anonymous'), vm.WHERRY, {})

    def test_dsa(self):
        document = self.run_script('zero-dsa', *SMALL)
        self.check_report(document, vm.WHERRY, {})
        detector = document['final']['source']['zero-page-detector']
        self.assertEqual(detector['detector'], 'dsa-accel')

    def test_qtest_load(self):
        document = self.run_script('load', *LOAD)
        self.check_report(document, vm.WHERRY, {})
        self.assertGreater(document['load-writes'], 0)

    def test_it_never_ends(self):
        """Cancelled at the time limit, which is no failure of the run."""
        document = self.run_script(
            'stress', *LOAD, 'load.rate=0', 'migration.downtime-limit=0',
            'migration.max-bandwidth=1M', 'run.time-limit=0.3')
        self.assertEqual(document['outcome']['source'], 'cancelled')
        self.assertIsNone(document['ram-check']['equal'])
        self.assertGreater(document['samples'][-1]['time'], 0.3)

    def test_memory_that_differs(self):
        """A byte is changed behind the program's back."""
        class Spoiled(run.Run):
            def verdict(self, src, dst, outcome):
                ram.write_pages(dst.ram_path, {77: b'x' * ram.PAGE})
                return super().verdict(src, dst, outcome)
        program = offer.Program(vm.WHERRY)
        one = Spoiled(scenario.read('multifd-2', SMALL), program, program)
        self.addCleanup(one.close)
        found = one.run()['ram-check']
        self.assertIs(found['equal'], False)
        self.assertIn('page 77', found['how'])

    def test_failure(self):
        """The destination goes away: told, with exit status 1."""
        class Lonely(run.Run):
            def watch(self, sampler, src):
                self.machines[1].process.kill()
                return super().watch(sampler, src)
        program = offer.Program(vm.WHERRY)
        one = Lonely(scenario.read('random', SMALL + (
            'migration.max-bandwidth=1M',)), program, program)
        self.addCleanup(one.close)
        document = one.run()
        report.check('it', document)
        self.assertEqual(document['outcome']['source'], 'failed')
        self.assertTrue(document['final']['source']['error-desc'])

    def test_compression_it_does_not_offer(self):
        err = self.run_script('zlib', *SMALL, 'migration.compression=lzma',
                              status=1)
        self.assertRegex(err, 'has no compression lzma; it has: none, zlib')

    def test_file(self):
        for name in ('file', 'mapped-ram'):
            document = self.run_script(name, *SMALL)
            self.check_report(document, vm.WHERRY, {})

    def test_compression(self):
        for name in ('zlib', 'zstd', 'qpl'):
            with self.subTest(name):
                document = self.run_script(name, *SMALL, status=(0, 1))
                if isinstance(document, str):
                    self.assertIn('was built without', document)
                    self.skipTest(document)
                self.check_report(document, vm.WHERRY, {})

    def test_tls(self):
        document = self.run_script('tls', *SMALL, status=(0, 1))
        if isinstance(document, str):
            self.assertIn('was built without', document)
            self.skipTest(document)
        self.check_report(document, vm.WHERRY, {})

    def test_zero_copy(self):
        document = self.run_script('zero-copy', *SMALL, status=(0, 1))
        if isinstance(document, str):
            self.assertIn('locked', document)
            self.skipTest(document)
        self.check_report(document, vm.WHERRY, {})

    def test_unknown_zero_page_detection(self):
        err = self.run_script('multifd-2', *SMALL,
                              'migration.zero-page-detection=guess',
                              status=1)
        self.assertRegex(err, 'no zero-page-detection guess; it has: none')

    def test_a_queue_that_is_not_there(self):
        err = self.run_script('zero-dsa', *SMALL,
                              'migration.accel-path=dsa:/nowhere', status=1)
        self.assertIn('nowhere', err)

    def test_progress_on_a_terminal_only(self):
        path = self.path('report.json')
        _, err = self.script('run', '--scenario', 'multifd-2', '--output',
                             path, '--set', SMALL[0])
        self.assertEqual(err, '')


class Stock(GuestperfCase):
    kinds = (vm.QEMU,)
    THREADS = {'source': ('mig/src/main', 'mig/src/send_0'),
               'destination': ('mig/dst/recv_0',)}

    def test_multifd(self):
        # Slow enough for its threads to be seen.
        self.check_report(self.run_script(
            'multifd-2', *SMALL, 'migration.max-bandwidth=16M',
            program=vm.QEMU), vm.QEMU, self.THREADS)

    def test_qtest_load(self):
        document = self.run_script('load', *LOAD, program=vm.QEMU)
        self.check_report(document, vm.QEMU, {})
        self.assertGreater(document['load-writes'], 0)

    def test_it_has_no_stress(self):
        err = self.run_script('stress', *SMALL, program=vm.QEMU, status=1)
        self.assertIn('no stress accelerator', err)
        self.assertIn('by=qtest', err)

    def test_carriers(self):
        for name in ('mapped-ram', 'zstd', 'tls'):
            with self.subTest(name):
                self.check_report(self.run_script(name, *SMALL,
                                                  program=vm.QEMU),
                                  vm.QEMU, {})

    def test_it_has_no_dsa(self):
        err = self.run_script('zero-dsa', *SMALL, program=vm.QEMU, status=1)
        self.assertIn('no zero-page-detection dsa-accel', err)

    @case.needs_wherry()
    def test_wherry_to_qemu(self):
        case.require(vm.WHERRY)
        document = self.run_script('multifd-2', *SMALL,
                                   more=('--destination', vm.QEMU))
        self.check_report(document, vm.WHERRY, {})
        self.assertEqual(document['programs']['destination']['kind'],
                         vm.QEMU)

    @case.needs_wherry()
    def test_qtest_load_from_qemu_to_wherry(self):
        case.require(vm.WHERRY)
        err = self.run_script('load', *SMALL, program=vm.QEMU, status=1,
                              more=('--destination', vm.WHERRY))
        self.assertIn('only as a PC', err)


class Programs(GuestperfCase):
    def test_no_such_program(self):
        with self.assertRaisesRegex(guestperf.Error, 'no program /nowhere'):
            offer.Program('/nowhere')

    def test_another_program(self):
        with self.assertRaisesRegex(guestperf.Error, 'neither wherry nor'):
            offer.Program('/bin/true')

    def test_report_that_cannot_be_written(self):
        _, err = self.script('run', '--scenario', 'plain', '--output',
                             '/nowhere/x.json', status=1)
        self.assertIn('/nowhere/x.json cannot be written', err)


# -- CPU time of threads ----------------------------------------------------

class Threads(unittest.TestCase):
    """This process, with a thread that comes and goes."""

    def burn(self):
        while time.thread_time() < 0.03:
            pass
        self.burnt.set()
        self.leave.wait()

    def test_an_ended_thread_keeps_its_time(self):
        self.burnt, self.leave = threading.Event(), threading.Event()
        threads = sample.Threads(os.getpid())
        thread = threading.Thread(target=self.burn)
        thread.start()
        self.burnt.wait()
        alive = threads.read()
        self.leave.set()
        thread.join()
        # The number is gone from /proc a moment after the thread is joined.
        tid = str(thread.native_id)
        while tid in os.listdir(threads.folder):
            pass
        ended = threads.read()
        known = sum(ns for name, ns in alive['threads'].items()
                    if name != sample.ENDED)
        self.assertGreater(known, 25e6)
        kept = sum(ns for name, ns in ended['threads'].items()
                   if name != sample.ENDED)
        self.assertGreaterEqual(kept, known)

    def test_a_thread_gets_another_name(self):
        """As those of both programs do when they have just begun."""
        self.burnt, self.leave = threading.Event(), threading.Event()
        threads = sample.Threads(os.getpid())
        thread = threading.Thread(target=self.burn)
        thread.start()
        self.burnt.wait()
        before = threads.read()['threads']
        with open('%s/%d/comm' % (threads.folder, thread.native_id),
                  'w') as comm:
            comm.write('renamed')
        after = threads.read()['threads']
        self.leave.set()
        thread.join()
        self.assertIn('renamed', after)
        for name, spent in before.items():
            if name != sample.ENDED:
                self.assertGreaterEqual(after[name], spent)

    def test_a_thread_nobody_saw_is_not_lost(self):
        self.burnt, self.leave = threading.Event(), threading.Event()
        self.leave.set()
        threads = sample.Threads(os.getpid())
        thread = threading.Thread(target=self.burn)
        thread.start()
        thread.join()
        tid = str(thread.native_id)
        while tid in os.listdir(threads.folder):
            pass
        found = threads.read()
        self.assertGreater(found['threads'][sample.ENDED], 20e6)
        self.assertEqual(sum(found['threads'].values()), found['process'])


# -- reports and charts -----------------------------------------------------

def made_up(kind=vm.WHERRY, scale=1):
    """A small report of two samples."""
    def one(at, sent, status):
        return {'time': at, 'status': status,
                'ram': {'total': 4 << 20, 'transferred': sent,
                        'remaining': (4 << 20) - sent, 'normal': sent // 4096,
                        'duplicate': 0, 'dirty-pages-rate': 512,
                        'page-size': 4096},
                'cpu': {side: {'process': 3000000 * at * scale,
                               'threads': {'main': 1000000 * at * scale,
                                           'sender': 2000000 * at * scale}}
                        for side in report.SIDES}}
    samples = [one(0, 0, 'active'), one(1, 4 << 20, 'completed')]
    final = {'status': 'completed', 'ram': dict(samples[1]['ram'])}
    program = {'kind': kind, 'version': kind + ' 1.0', 'path': '/x',
               'sha256': ''}
    return {'format': report.FORMAT, 'version': report.VERSION,
            'date': '2026-01-01T00:00:00Z', 'command': 'x',
            'host': report.host(), 'tree': {},
            'programs': {side: program for side in report.SIDES},
            'scenario': dict(scenario.read('plain').values, name='plain'),
            'outcome': {'source': 'completed', 'destination': 'completed'},
            'samples': samples, 'events': [], 'cpu-clock': {},
            'final': {'source': final, 'destination': None},
            'ram-check': {'equal': True, 'how': 'compared'},
            'runner-cpu-seconds': 0}


class Reports(GuestperfCase):
    def check_refused(self, sentence, change):
        document = made_up()
        report.check('it', document)
        change(document)
        path = self.path('x.json')
        report.write(path, document)
        with self.assertRaisesRegex(guestperf.Error, sentence):
            report.load(path)

    def test_written_and_read(self):
        report.write(self.path('x.json'), made_up())
        self.assertEqual(report.load(self.path('x.json')), made_up())

    def test_no_file(self):
        with self.assertRaisesRegex(guestperf.Error, 'cannot be read'):
            report.load(self.path('none.json'))

    def test_no_json(self):
        with self.assertRaisesRegex(guestperf.Error, 'is not JSON'):
            report.load(self.write('x.json', '{'))

    def test_another_format(self):
        self.check_refused('not a report',
                           lambda d: d.update(format='fio'))

    def test_another_version(self):
        self.check_refused('version 2', lambda d: d.update(version=2))

    def test_a_member_is_missing(self):
        self.check_refused('member events', lambda d: d.pop('events'))

    def test_a_member_is_of_another_type(self):
        self.check_refused('member host', lambda d: d.update(host=3))

    def test_no_samples(self):
        self.check_refused('no samples', lambda d: d.update(samples=[]))

    def test_the_last_sample_is_not_the_end(self):
        self.check_refused(
            'contradicts itself: ram',
            lambda d: d['samples'][-1]['ram'].update(transferred=7))

    def test_time_goes_back(self):
        self.check_refused('order of their times',
                           lambda d: d['samples'][0].update(time=2))


class Charts(GuestperfCase):
    def setUp(self):
        super().setUp()
        self.reports = [made_up(), made_up(vm.QEMU, 2), made_up()]
        self.labels = plot.names(self.reports)

    def test_names_are_told_apart(self):
        self.assertEqual(self.labels, ['plain, wherry (1)', 'plain, qemu',
                                       'plain, wherry (2)'])

    def test_progress_over_time(self):
        figures = {title: value for title, _, value in plot.PROGRESS}
        for title, points in (
                ('Total: normal and zero pages, all rounds',
                 [(0, 0), (1, 4)]),
                ('Transferred', [(0, 0), (1, 4)]),
                ('Remaining', [(0, 4), (1, 0)]),
                ('Dirty rate, as the source measures it', [(0, 2), (1, 2)]),
                ('CPU of the source, all threads', [(0, 0), (1, 3)])):
            with self.subTest(title):
                self.assertEqual(
                    plot.over_time(self.reports, self.labels,
                                   figures[title])[0],
                    (self.labels[0], points))

    def test_a_figure_that_nobody_has(self):
        value = next(value for title, _, value in plot.PROGRESS
                     if title.startswith('Throttle'))
        self.assertEqual(plot.over_time(self.reports, self.labels, value),
                         [])

    def test_threads_over_time(self):
        self.assertEqual(plot.threads_over_time(self.reports[1])[:2],
                         [('destination sender', [(0, 0), (1, 4)]),
                          ('source sender', [(0, 0), (1, 4)])])

    def test_threads_at_the_end(self):
        names, series = plot.threads_at_end(self.reports, self.labels,
                                            'source')
        self.assertEqual(names, ['sender', 'main'])
        self.assertEqual(series[1], ('plain, qemu', [4, 2]))

    def test_a_thread_that_only_one_has(self):
        other = copy.deepcopy(self.reports[1])
        other['samples'][-1]['cpu']['source']['threads'] = {'x': 9000000}
        names, series = plot.threads_at_end(
            [self.reports[0], other], ['a', 'b'], 'source')
        self.assertEqual(names, ['x', 'sender', 'main'])
        self.assertEqual(series[1], ('b', [9, None, None]))

    def test_final_table(self):
        head, rows = plot.final_table(self.reports, self.labels)
        row = dict(zip(head, rows[1]))
        self.assertEqual(row['RAM equal'], 'yes')
        self.assertEqual(row['sent MiB'], 4)
        self.assertEqual(row['CPU source ms'], 6)
        self.assertEqual(row['normal pages'], 1024)

    def compare(self, status=0, env=None):
        paths = []
        for number, document in enumerate(self.reports):
            paths.append(self.path('%d.json' % number))
            report.write(paths[-1], document)
        out = self.script('compare', *paths, '--output', self.path('x.html'),
                          status=status, env=env)
        with open(self.path('x.html'), encoding='utf-8') as file:
            return out, file.read()

    @unittest.skipUnless(chart.available(), chart.MISSING)
    def test_page(self):
        (out, err), page = self.compare()
        self.assertIn('plain, wherry (2)', out)
        self.assertEqual(err, '')
        # Five of progress, two of threads at the end, one of each report's.
        self.assertEqual(page.count('<svg'), 6 + 2 + 3)
        self.assertEqual(page.count('<tr>'), 1 + 3)
        # Nothing is fetched from anywhere.
        self.assertEqual(set(re.findall(r'https?://[^ "<]*', page)),
                         {'http://www.w3.org/2000/svg'})
        self.assertNotIn('<script', page)

    @unittest.skipUnless(chart.available(), chart.MISSING)
    def test_the_same_reports_make_the_same_page(self):
        self.assertEqual(self.compare()[1], self.compare()[1])

    @unittest.skipUnless(chart.available(), chart.MISSING)
    def test_markup_in_names(self):
        svg = chart.lines('a <b> & c', [('<script>', [(0, 1), (1, 2)])])
        self.assertNotIn('<script', svg)
        self.assertIn('a &lt;b&gt; &amp; c', svg)

    def test_without_pygal(self):
        (out, err), page = self.compare(1, {'WHERRY_TEST_NO_PYGAL': '1'})
        self.assertIn('plain, wherry (2)', out)
        self.assertRegex(err, 'python3-pygal')
        self.assertNotIn('<svg', page)
        self.assertEqual(page.count('<tr>'), 1 + 3)
        self.assertIn('python3-pygal', page)

    def test_plot_of_a_wrong_file(self):
        _, err = self.script('plot', self.write('x.json', '[]'), '--output',
                             self.path('x.html'), status=1)
        self.assertRegex(err, '^guestperf: .*x.json is not a report')


if __name__ == '__main__':
    sys.exit(tap.main())
