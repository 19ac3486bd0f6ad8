# SPDX-License-Identifier: GPL-2.0-or-later
#
# The program wherry-dsa: what it prints of queues, real ones and such in a
# made-up /sys, that it proves and measures software queues, that it notices
# what is wrong with one, and which command lines it refuses.

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import qmp, tap  # noqa: E402

WORDS = '00000000,' * 6 + '00000001,003f03ff'
DEVICE = {'state': 'enabled', 'version': '0x100', 'gen_cap': '0x40915f010f',
          'numa_node': '1', 'pasid_enabled': '1', 'op_cap': WORDS}
QUEUE = {'mode': 'shared', 'type': 'user', 'state': 'enabled',
         'name': 'ferry', 'size': '128', 'threshold': '100',
         'max_batch_size': '512', 'max_transfer_size': '2097152',
         'ats_disable': '0', 'clients': '3', 'op_config': WORDS}
# Fast: a few packets, one short measurement of each kind.
BENCH = ('bench', '--json', '--size', '1M', '--time', '1')


class Tool(unittest.TestCase):
    def run_tool(self, *words):
        """Run to the end: (exit status, stdout, stderr)."""
        program = os.environ.get('WHERRY_DSA', 'wherry-dsa')
        done = subprocess.run([program, *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False,
                              timeout=4 * qmp.DEFAULT_TIMEOUT)
        self.assertGreaterEqual(done.returncode, 0, done.stderr)
        for word in ('Sanitizer', 'runtime error:', 'CRITICAL'):
            self.assertNotIn(word, done.stderr)
        return done.returncode, done.stdout, done.stderr

    def run_json(self, *words, status=0):
        code, out, err = self.run_tool(*words)
        self.assertEqual(code, status, out + err)
        self.assertEqual(err, '')
        return json.loads(out)


class Printed(Tool):
    def test_help(self):
        for word in ('-h', '--help'):
            code, out, err = self.run_tool(word)
            self.assertEqual((code, err), (0, ''))
            for command in ('list', 'test', 'bench', 'options'):
                self.assertIn('\n  %s ' % command, out)

    def test_help_of_each_command(self):
        for command in ('list', 'test', 'bench', 'options'):
            code, out, err = self.run_tool(command, '--help')
            self.assertEqual((code, err), (0, ''))
            self.assertIn('wherry-dsa ' + command, out)
            self.assertIn('--json', out)

    def test_version(self):
        code, out, err = self.run_tool('--version')
        self.assertEqual((code, err), (0, ''))
        self.assertRegex(out, r'^wherry-dsa \d+\.\d+')

    def test_options_of_the_software_device(self):
        table = self.run_json('options', '--json')
        self.assertIn('max-batch-size', [row['name'] for row in table])
        code, out, _ = self.run_tool('options')
        self.assertEqual(code, 0)
        for row in table:
            self.assertIn('\n  %s=%s' % (row['name'], row['value']), out)
            self.assertTrue(row['help'])

    def test_each_option_has_a_default_that_is_accepted(self):
        """What the table says can be said, all at once."""
        table = self.run_json('options', '--json')
        given = ','.join('%s=%s' % (row['name'], row['default'])
                         for row in table if row['default'])
        result = self.run_json('test', '--json', '--completion', 'in-thread',
                               'dsa:soft?' + given)
        self.assertTrue(result['ok'])


REFUSED = {
    'no command': ([], 'command is missing'),
    'unknown command': (['fly'], "'fly'"),
    'unknown option': (['list', '--colour'], '--colour'),
    'option of another command': (['list', '--threads', '2'], '--threads'),
    'option without a value': (['bench', '--pages'], '--pages'),
    'word after list': (['list', 'dsa:auto'], "'dsa:auto'"),
    'word after options': (['options', 'dsa:soft'], "'dsa:soft'"),
    'test without path': (['test'], 'path is missing'),
    'test completion': (['test', '--completion', 'soon', 'dsa:soft'],
                        'soon'),
    'test pages': (['test', '--pages', '7', 'dsa:soft'], '--pages 7'),
    'test pages not a number': (['test', '--pages', 'x', 'dsa:soft'],
                                '--pages'),
    'test timeout': (['test', '--timeout', '0', 'dsa:soft'], '--timeout 0'),
    'bench without path': (['bench'], 'path is missing'),
    'bench of two paths': (['bench', 'dsa:soft', 'dsa:soft'], 'one path'),
    'bench null with a path': (['bench', '--null-only', 'dsa:soft'],
                               '--null-only'),
    'bench pages': (['bench', '--pages', '1025', 'dsa:soft'],
                    '--pages 1025'),
    'bench size': (['bench', '--size', 'big', 'dsa:soft'], '--size big'),
    'bench size below a page': (['bench', '--size', '100', 'dsa:soft'],
                                '--size 100'),
    'bench threads': (['bench', '--threads', '0', 'dsa:soft'],
                      '--threads 0'),
    'bench time': (['bench', '--time', '-1', 'dsa:soft'], '--time -1'),
    'bench completion': (['bench', '--completion', '', 'dsa:soft'],
                         '--completion'),
}


class Refused(Tool):
    """Exit status 2 and one sentence that names what was wrong."""


def refused_test(words, text):
    def run(self):
        code, out, err = self.run_tool(*words)
        self.assertEqual((code, out), (2, ''), err)
        self.assertTrue(err.startswith('wherry-dsa: '), err)
        self.assertEqual(err.count('\n'), 1, err)
        self.assertIn(text, err)
    return run


for _name, (_words, _text) in REFUSED.items():
    _run = refused_test(_words, _text)
    _run.tap_name = '/Refused/' + _name.replace(' ', '-')
    setattr(Refused, 'test_' + _name.replace(' ', '_'), _run)


class List(Tool):
    """Queues of a made-up /sys."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix='wherry-dsa-')
        self.addCleanup(shutil.rmtree, self.root, True)

    def write(self, name, files):
        folder = os.path.join(self.root, 'bus', 'dsa', 'devices', name)
        os.makedirs(folder, exist_ok=True)
        for key, value in files.items():
            with open(os.path.join(folder, key), 'w') as attribute:
                attribute.write(value + '\n')

    def list(self):
        result = self.run_json('list', '--json', '--sysfs', self.root)
        self.assertEqual(result['source'], 'sysfs')
        code, text, _ = self.run_tool('list', '--sysfs', self.root)
        self.assertEqual(code, 0)
        return result, text

    def test_usable_queue(self):
        self.write('dsa0', DEVICE)
        self.write('wq0.0', QUEUE)
        result, text = self.list()
        self.assertIsNone(result['missing'])
        queue, = result['queues']
        self.assertEqual(queue['remarks'], [])
        self.assertEqual(
            {key: queue[key] for key in
             ('name', 'path', 'usable', 'reason', 'mode', 'size', 'node',
              'max-batch-size', 'clients', 'label', 'version')},
            {'name': 'wq0.0', 'path': '/dev/dsa/wq0.0', 'usable': True,
             'reason': None, 'mode': 'shared', 'size': 128, 'node': 1,
             'max-batch-size': 512, 'clients': 3, 'label': 'ferry',
             'version': 0x100})
        self.assertIn('wq0.0: usable\n', text)
        self.assertIn('node 1', text)

    def test_unusable_queue_beside_a_usable_one(self):
        self.write('dsa0', DEVICE)
        self.write('wq0.0', dict(QUEUE, type='kernel'))
        self.write('wq0.1', QUEUE)
        result, text = self.list()
        self.assertEqual([q['usable'] for q in result['queues']],
                         [False, True])
        self.assertIn(self.root + '/bus/dsa/devices/wq0.0/type',
                      result['queues'][0]['reason'])
        self.assertIn('wq0.0: not usable\n', text)
        self.assertIn("'kernel'", text)

    def test_default_batch_size_is_remarked(self):
        self.write('dsa0', DEVICE)
        self.write('wq0.0', dict(QUEUE, max_batch_size='32'))
        result, text = self.list()
        self.assertTrue(result['queues'][0]['usable'])
        self.assertIn('config-wq -c', result['queues'][0]['remarks'][0])
        self.assertIn('note: ', text)

    def test_no_batches_is_remarked(self):
        self.write('dsa0', DEVICE)
        self.write('wq0.0', dict(QUEUE, max_batch_size='1'))
        result, _ = self.list()
        self.assertIn('says 1', result['queues'][0]['remarks'][0])

    def test_dedicated_queue_in_use_is_remarked(self):
        self.write('dsa0', DEVICE)
        self.write('wq0.0', dict(QUEUE, mode='dedicated', clients='1'))
        result, _ = self.list()
        self.assertIn('one user', result['queues'][0]['remarks'][0])

    def test_queues_of_iaa_are_left_out(self):
        self.write('iax1', DEVICE)
        self.write('wq1.0', QUEUE)
        result, _ = self.list()
        self.assertEqual(result['queues'], [])
        self.assertIn('no device', result['missing'])

    def test_no_driver(self):
        result, text = self.list()
        self.assertEqual(result['queues'], [])
        self.assertIn('modprobe idxd', result['missing'])
        self.assertIn('No queue: no driver', text)

    def test_no_device(self):
        os.makedirs(os.path.join(self.root, 'bus', 'dsa', 'devices'))
        result, text = self.list()
        self.assertIn('no device', result['missing'])
        self.assertIn('No queue: no device', text)

    def test_list_that_cannot_be_read(self):
        os.makedirs(os.path.join(self.root, 'bus', 'dsa'))
        path = os.path.join(self.root, 'bus', 'dsa', 'devices')
        with open(path, 'w'):
            pass
        code, out, err = self.run_tool('list', '--sysfs', self.root)
        self.assertEqual((code, out), (1, ''))
        self.assertIn(path, err)

    def test_list_of_this_machine(self):
        result = self.run_json('list', '--json')
        self.assertIn(result['source'], ('sysfs', 'libaccel-config'))
        if not result['queues']:
            self.assertRegex(result['missing'], 'no driver|no device')
        for queue in result['queues']:
            self.assertEqual(queue['usable'], queue['reason'] is None)


PROVEN = ('', '?mode=dedicated,size=4', '?threshold=2', '?portal=off',
          '?portal=off,mode=dedicated', '?engines=0', '?shuffle=7',
          '?inexact=64', '?max-batch-size=1024', '?profile=dsa2',
          '?block-on-fault=on', '?timing=on', '?fault-every=9',
          '?fault-every=5,fault-at=100', '?full=20')
# Options, and what the step that fails has to say.
BROKEN = {
    'stuck-after=500': 'used no more',
    'halt-after=500': 'used no more',
    'lose-every=50': 'used no more',
    'status-every=100': 'device error',
    'list-fault-every=2': 'batch ended before them',
    'full=forever': 'queue full',
}
CANNOT_BE_OPENED = {
    'state=disabled': '/state',
    'type=kernel': '/type',
    'opcodes=0x3f': '0x06',
    'max-transfer-size=100': '/max_transfer_size',
    'colour=red': 'colour',
}


class Test(Tool):
    def steps(self, result, failed):
        return [step for run in result['runs'] for step in run['steps']
                if step['ok'] != failed]

    def test_all_steps_pass(self):
        for options in PROVEN:
            with self.subTest(options=options):
                result = self.run_json('test', '--json', 'dsa:soft' + options)
                self.assertTrue(result['ok'])
                self.assertEqual([run['completion']
                                  for run in result['runs']],
                                 ['thread', 'in-thread'])
                self.assertEqual(self.steps(result, True), [])
                for run in result['runs']:
                    queue, = run['queues']
                    self.assertRegex(queue['backend'], '^soft')
                    self.assertGreater(queue['descriptors'], 0)
                    self.assertIsNone(queue['given-up'])

    def test_untouched_page_is_told(self):
        result = self.run_json('test', '--json', 'dsa:soft')
        for run in result['runs']:
            step, = [step for step in run['steps']
                     if 'untouched' in step['step']]
            self.assertIn('page fault', step['remark'])

    def test_broken_device_is_noticed(self):
        for options, why in BROKEN.items():
            with self.subTest(options=options):
                result = self.run_json('test', '--json', '--timeout', '200',
                                       'dsa:soft?' + options, status=1)
                self.assertFalse(result['ok'])
                self.assertIn(why, ' '.join(
                    step['remark'] for step in self.steps(result, True)))

    def test_queue_that_cannot_be_opened(self):
        for options, why in CANNOT_BE_OPENED.items():
            with self.subTest(options=options):
                result = self.run_json('test', '--json',
                                       'dsa:soft?' + options, status=1)
                for run in result['runs']:
                    step, = run['steps']
                    self.assertFalse(step['ok'])
                    self.assertIn(why, step['remark'])

    def test_paths_alone_and_together(self):
        first, second = 'dsa:soft', 'dsa:soft?mode=dedicated'
        result = self.run_json('test', '--json', '--completion', 'thread',
                               first, second)
        self.assertEqual([run['paths'] for run in result['runs']],
                         [[first], [second], [first, second]])
        self.assertEqual(len(result['runs'][2]['queues']), 2)

    def test_one_bad_path_of_two_fails(self):
        result = self.run_json('test', '--json', '--completion', 'thread',
                               'dsa:soft', 'dsa:soft?type=none', status=1)
        self.assertEqual([run['ok'] for run in result['runs']],
                         [True, False, False])

    def test_node_that_is_not_there(self):
        """A bare node is a path, too, and refused by name."""
        result = self.run_json('test', '--json', '/dev/dsa/wq999.0', status=1)
        self.assertIn('wq999.0', result['runs'][0]['steps'][0]['remark'])

    def test_text(self):
        code, out, err = self.run_tool('test', 'dsa:soft')
        self.assertEqual((code, err), (0, ''))
        self.assertIn('dsa:soft, completion in-thread:\n', out)
        self.assertNotIn('FAILED', out)
        self.assertTrue(out.endswith('All steps passed.\n'))
        code, out, err = self.run_tool('test', 'dsa:soft?type=none')
        self.assertEqual((code, err), (1, ''))
        self.assertIn('\n  FAILED  opened', out)

    def test_hardware(self):
        usable = [queue['path']
                  for queue in self.run_json('list', '--json')['queues']
                  if queue['usable']]
        if not usable:
            self.skipTest('no usable DSA work queue: wherry-dsa list tells why')
        code, out, _ = self.run_tool('test', usable[0])
        self.assertEqual(code, 0, out)


class Bench(Tool):
    def test_software_queue(self):
        for options in ((), ('--completion', 'in-thread'),
                        ('--threads', '3', '--pages', '7')):
            with self.subTest(options=options):
                result = self.run_json(*BENCH, *options,
                                       'dsa:soft?max-batch-size=64')
                self.assertTrue(result['software'])
                self.assertEqual({row['pattern']
                                  for row in result['results']},
                                 {'zero', 'half', 'random'})
                by = {row['by'] for row in result['results']}
                self.assertIn('dsa', by)
                self.assertIn('buffer_is_zero', by)
                for row in result['results']:
                    self.assertGreater(row['pages'], 0)
                    self.assertGreater(row['pages-per-second'], 0)
                self.assertGreater(result['queues'][0]['batches'], 0)
                self.assertGreater(result['library']['ns-per-page'], 0)

    def test_text_says_that_it_is_software(self):
        code, out, err = self.run_tool('bench', '--size', '1M', '--time', '1',
                                       'dsa:soft')
        self.assertEqual((code, err), (0, ''))
        self.assertIn('says nothing about hardware', out)
        self.assertIn('user instructions', out)

    def test_null_only(self):
        result = self.run_json('bench', '--null-only', '--json')
        self.assertEqual(list(result), ['library'])
        library = result['library']
        self.assertEqual(library['packet-pages'], 128)
        if library['instructions-per-page'] is None:
            self.assertIn('dsa-instructions.py',
                          library['instructions-hint'])

    def test_queue_that_cannot_be_opened(self):
        code, out, err = self.run_tool(*BENCH, 'dsa:soft?state=disabled')
        self.assertEqual((code, out), (1, ''))
        self.assertIn('/state', err)

    def test_device_that_ends_midway(self):
        """The CPU goes on, and what it did is told."""
        result = self.run_json(*BENCH, '--timeout', '100',
                               'dsa:soft?stuck-after=300')
        self.assertGreater(result['cpu-pages'], 0)
        self.assertIsNotNone(result['queues'][0]['given-up'])


if __name__ == '__main__':
    sys.exit(tap.main())
