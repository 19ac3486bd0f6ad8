#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of scripts/tracegen.py: what it makes, and the words it refuses in.

usage: test_tracegen.py TRACEGEN
"""

import os
import subprocess
import sys
import tempfile
import unittest

TRACEGEN = sys.argv.pop(1) if len(sys.argv) > 1 else os.path.join(
    os.path.dirname(__file__), '..', '..', '..', 'scripts', 'tracegen.py')


def generate(text):
    """Returns (exit code, stderr, header, source)."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name)
                 for name in ('trace-events', 'trace-my-io.h', 'trace-my-io.c')]
        with open(paths[0], 'w', encoding='utf-8') as file:
            file.write(text)
        result = subprocess.run(
            [sys.executable, TRACEGEN, '--group=my-io'] + paths,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False)
        made = []
        for path in paths[1:]:
            if not os.path.exists(path):
                made.append(None)
                continue
            with open(path, encoding='utf-8') as file:
                made.append(file.read())
        error = result.stderr.replace(folder + os.sep, '')
        return result.returncode, error, made[0], made[1]


class Makes(unittest.TestCase):
    def test_a_function_an_event_and_a_table(self):
        code, error, header, source = generate(
            '# comment\n\nsent(void *c, uint64_t n) "c %p n 0x%" PRIx64 " B"\n')
        self.assertEqual((code, error), (0, ''))
        self.assertIn('static inline void trace_sent(void *c, uint64_t n)',
                      header)
        self.assertIn('DTRACE_PROBE2(wherry, sent, c, n);', header)
        self.assertIn('"c %p n 0x%" PRIx64 " B", c, n);', header)
        self.assertIn('.name = "sent"', source)
        self.assertIn('const TraceEventTable trace_table_my_io', source)
        self.assertIn('.nr_events = 1,', source)

    def test_an_event_without_arguments(self):
        code, _, header, _ = generate('done(void) "done"\n')
        self.assertEqual(code, 0)
        self.assertIn('trace_done(void)', header)
        self.assertIn('DTRACE_PROBE(wherry, done);', header)

    def test_an_empty_list(self):
        code, _, _, source = generate('# nothing yet\n')
        self.assertEqual(code, 0)
        self.assertIn('.nr_events = 0,', source)

    def test_a_percent_sign_takes_no_value(self):
        self.assertEqual(generate('p(int n) "%d%% done"\n')[0], 0)

    def test_a_macro_at_the_end_of_the_format(self):
        code, error, _, _ = generate(
            'a(uint64_t x, uint64_t y) "%" PRIu64 "+%" PRIx64\n')
        self.assertEqual((code, error), (0, ''))


class Refuses(unittest.TestCase):
    def refused(self, line, words):
        code, error, header, source = generate('# first\nok(int a) "%d"\n'
                                               + line + '\n')
        self.assertEqual(code, 1)
        self.assertEqual(error, f'tracegen: trace-events:3: {words}\n')
        self.assertIsNone(header)
        self.assertIsNone(source)

    def test_a_line_of_another_form(self):
        self.refused('what is this',
                     'expected: name(type argument, ...) "format"')

    def test_a_line_without_a_format(self):
        self.refused('a(int b)',
                     'expected: name(type argument, ...) "format"')

    def test_a_name_with_capitals(self):
        self.refused('SendPage(int a) "%d"',
                     "name 'SendPage' is not in lower case with _ between")

    def test_a_type_that_a_probe_cannot_take(self):
        self.refused('a(struct iovec v) "%d"',
                     "type 'struct iovec' of argument 'v' is not one a probe "
                     'can take; pass a number, a string or void *')

    def test_an_argument_without_a_name(self):
        self.refused('a(int) "%d"', "argument 'int' needs a type and a name")

    def test_two_arguments_of_one_name(self):
        self.refused('a(int b, int b) "%d %d"',
                     "two arguments are called 'b'")

    def test_a_format_that_takes_less(self):
        self.refused('a(int b, int c) "%d"',
                     "'a' has 2 arguments but its format takes 1")

    def test_a_format_that_ends_open(self):
        self.refused('a(int b) "%d',
                     "cannot read the format from '\"%d' on")

    def test_a_format_with_a_newline(self):
        self.refused('a(int b) "%d\\n"',
                     "the format of 'a' ends in a newline, which is added "
                     'anyway')

    def test_an_event_that_is_there_already(self):
        self.refused('ok(int b) "%d"', "'ok' is there already, in line 2")

    def test_more_arguments_than_a_probe_has(self):
        args = ', '.join(f'int a{i}' for i in range(13))
        self.refused(f'a({args}) "' + '%d' * 13 + '"',
                     '13 arguments, at most 12 are possible')


if __name__ == '__main__':
    unittest.main()
