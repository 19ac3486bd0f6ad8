#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of scripts/dsa-model.py: it agrees with what is published, each input
moves the answer the way it must, and every number says where it is from.

usage: test_dsa_model.py DSA-MODEL
"""

import contextlib
import importlib.util
import io
import json
import os
import sys
import unittest

MODEL = sys.argv.pop(1) if len(sys.argv) > 1 else os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '..', '..', '..', 'scripts',
    'dsa-model.py')
sys.dont_write_bytecode = True
BASES = {'published', 'derived', 'measured', 'assumed'}


def load():
    spec = importlib.util.spec_from_file_location('dsa_model', MODEL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


model = load()


def run(*args):
    """(exit status, what was printed)."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = model.main(list(args))
    return status, out.getvalue()


def predict(mode, *args, zero=100):
    return model.predict(model.parse(list(args)), mode, zero)


class Published(unittest.TestCase):
    def test_the_figures_add_up(self):
        """Sums of the threads are the sums that were published, to 0.1 %."""
        for rows in model.PUBLISHED.values():
            for row in rows.values():
                total = row['main'] + sum(row['senders']) + row['completion']
                self.assertAlmostEqual(total / row['sum'], 1, delta=0.001)

    def test_the_model_agrees_with_them(self):
        status, text = run('--check')
        self.assertEqual(status, 0, text)

    def test_a_model_that_is_off_is_noticed(self):
        status, text = run('--check', '--bandwidth', '20')
        self.assertEqual(status, 1)
        self.assertIn('FAILED', text)

    def test_single_descriptors_are_bound_by_submission(self):
        options = model.parse(['--devices', '4'])
        slow = model.parse(['--devices', '4', '--enqcmd-ns', '1380'])
        self.assertGreater(model.stream(slow, 1, 32),
                           1.8 * model.stream(options, 1, 32))
        self.assertLess(model.stream(slow, 256, 8),
                        1.1 * model.stream(options, 256, 8))


class Moves(unittest.TestCase):
    def test_a_slower_device_takes_longer(self):
        fast = predict('thread')
        slow = predict('thread', '--bandwidth', '10')
        self.assertGreater(slow['total'], 2 * fast['total'])
        self.assertGreater(slow['completion'], 2 * fast['completion'])

    def test_two_devices_help_a_slow_one(self):
        one = predict('spin', '--bandwidth', '10')
        two = predict('spin', '--bandwidth', '10', '--devices', '2')
        self.assertLess(two['total'], 0.6 * one['total'])

    def test_small_batches_cost_more(self):
        for mode in ('thread', 'spin', 'umwait'):
            self.assertGreater(predict(mode, '--packet-pages', '32')['sum'],
                               predict(mode)['sum'])

    def test_only_the_completion_thread_has_one(self):
        self.assertGreater(predict('thread')['completion'], 0)
        self.assertEqual(predict('spin')['completion'], 0)
        self.assertEqual(predict('thread')['halted'], 0)
        self.assertEqual(predict('spin')['halted'], 0)
        halted = predict('umwait')
        self.assertGreater(halted['halted'], 0)
        self.assertLess(halted['halted'], halted['senders'])

    def test_the_write_path_loses(self):
        self.assertGreater(predict('spin', '--backend', 'write')['sum'],
                           predict('cpu')['sum'])

    def test_faults_fall_to_the_cpu(self):
        self.assertGreater(predict('spin', '--fault-share', '1')['senders'],
                           predict('spin')['senders'] +
                           0.5 * predict('cpu')['senders'])

    def test_waiting_for_faults_is_slow(self):
        args = ('--fault-share', '0.01')
        self.assertGreater(
            predict('spin', *args, '--block-on-fault')['total'],
            2 * predict('spin', *args)['total'])

    def test_the_link_bounds_normal_pages(self):
        slow = predict('spin', '--link-gbps', '10', zero=0)
        bits = model.GUEST_KIB * 1024 * 8
        self.assertAlmostEqual(slow['total'] / (bits / 10e6), 1, places=1)

    def test_a_stretch_stands_for_the_whole(self):
        short = predict('thread', '--sample-pages', str(1 << 19))
        longer = predict('thread', '--sample-pages', str(1 << 22))
        self.assertAlmostEqual(short['sum'] / longer['sum'], 1, places=1)


class Output(unittest.TestCase):
    def test_every_number_says_where_it_is_from(self):
        found = json.loads(run('--json')[1])
        for name, parameter in found['parameters'].items():
            self.assertIn(parameter['basis'], BASES, name)
            self.assertTrue(parameter['meaning'], name)
        self.assertEqual([s['zero-percent'] for s in found['scenarios']],
                         [50, 100])
        for scenario in found['scenarios']:
            self.assertEqual({row['basis'] for row in scenario['rows']},
                             {'published', 'model'})

    def test_a_value_that_is_given_says_so(self):
        found = json.loads(run('--json', '--ipc', '1')[1])['parameters']
        self.assertEqual(found['ipc']['basis'], 'given')
        self.assertEqual(found['ghz']['basis'], 'published')

    def test_another_guest_is_not_set_beside_the_published_one(self):
        text = run('--guest-kib', '1048576')[1]
        rows = [line for line in text.splitlines()
                if line.startswith(('CPU scan', 'DSA'))]
        self.assertTrue(rows)
        for row in rows:
            self.assertNotIn('published', row)

    def test_help_has_every_parameter(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), \
                self.assertRaises(SystemExit) as end:
            model.parse(['--help'])
        self.assertEqual(end.exception.code, 0)
        for name, _, _, basis, _ in model.PARAMETERS:
            self.assertIn('--' + name, out.getvalue())
            self.assertIn(basis, out.getvalue())

    def test_nonsense_is_refused(self):
        for args in (['--bandwidth', '0'], ['--zero', '101'],
                     ['--fault-share', '2'], ['--channels', 'many']):
            err = io.StringIO()
            with contextlib.redirect_stderr(err), \
                    self.assertRaises(SystemExit) as end:
                model.parse(args)
            self.assertEqual(end.exception.code, 2)
            self.assertIn(args[0], err.getvalue())


if __name__ == '__main__':
    unittest.main()
