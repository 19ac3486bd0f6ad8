#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts the cases in a log of `meson test` and shows what failed.

A program that speaks TAP counts with each of its cases, any other as one.
The last line of the output is three numbers: passed, failed, skipped.
"""

import argparse
import json
import re
import sys

TAP_LINE = re.compile(r'(?m)^(not )?ok\b(?:\s+\d+)?([^\n]*)$')
TAP_PLAN = re.compile(r'(?m)^1\.\.(\d+)')
DIRECTIVE = re.compile(r'#\s*(SKIP|TO' r'DO)\S*\s*(.*)$', re.I)


class Counts:
    """Passed, failed and skipped cases, with the reasons of the skips."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.reasons = []

    def skip(self, name, reason):
        self.skipped += 1
        self.reasons.append('%s: %s' % (name.strip(' -'),
                                        reason or 'no reason given'))


def count_tap(counts, name, output):
    """Adds the cases of one program; returns how many of them failed."""
    failed = 0
    for match in TAP_LINE.finditer(output):
        directive = DIRECTIVE.search(match.group(2))
        kind = directive.group(1).upper() if directive else ''
        if kind == 'SKIP':
            case = match.group(2)[:directive.start()]
            counts.skip('%s %s' % (name, case.strip(' -')),
                        directive.group(2))
        elif match.group(1) and not kind:
            counts.failed += 1
            failed += 1
        else:
            counts.passed += 1
    return failed


def count_test(counts, test):
    """Adds one program of the log; returns whether it failed."""
    output, result = test.get('stdout') or '', test['result']
    bad = result not in ('OK', 'SKIP', 'EXPECTEDFAIL')
    plan = TAP_PLAN.search(output)
    failed = 0
    if plan and TAP_LINE.search(output):
        failed = count_tap(counts, test['name'], output)
        if bad and not failed:
            counts.failed += 1
        return bad or failed > 0
    if bad:
        counts.failed += 1
    elif result == 'SKIP':
        reason = re.search(r'#\s*SKIP\S*\s*(.*)', output, re.I)
        last = output.strip().splitlines()[-1:] or ['']
        counts.skip(test['name'], reason.group(1) if reason else last[0])
    else:
        counts.passed += 1
    return bad


def show(test, lines):
    print('---- %s: %s, exit status %s, %.1f s' % (
        test['name'], test['result'], test.get('returncode'),
        test['duration']))
    output = (test.get('stdout') or '').rstrip().splitlines()
    errors = (test.get('stderr') or '').rstrip().splitlines()
    bad = [number for number, line in enumerate(output)
           if line.startswith('not ok')]
    for number in bad:
        print('     ' + output[number])
    # The comments of the first say more than the end of a long log.
    if bad and bad[0] < len(output) - lines:
        for line in output[bad[0] + 1:bad[0] + lines]:
            if not line.startswith('#'):
                break
            print('     ' + line)
    else:
        for line in output[-lines:]:
            print('     ' + line)
    for line in errors[-lines:]:
        print('     ' + line)


def is_of(test, suite):
    """The log names a test "project:suite+suite / name"."""
    suites = test['name'].partition(' / ')[0].partition(':')[2]
    return suite in suites.split('+')


def read_log(path, counts, no_skip, lines):
    try:
        with open(path, encoding='utf-8') as log:
            tests = [json.loads(line) for line in log if line.strip()]
    except OSError as error:
        print('---- %s: %s; did the suite run no test?'
              % (path, error.strerror))
        counts.failed += 1
        return
    for test in tests:
        skipped = counts.skipped
        bad = count_test(counts, test)
        if counts.skipped > skipped and any(is_of(test, suite)
                                            for suite in no_skip):
            counts.failed += counts.skipped - skipped
            counts.skipped = skipped
            print('---- %s: skipped, which is a failure here: %s'
                  % (test['name'], '; '.join(counts.reasons[skipped:])))
            del counts.reasons[skipped:]
        if bad:
            show(test, lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('log', nargs='+', help='meson-logs/NAME.json')
    parser.add_argument('--no-skip', action='append', default=[],
                        metavar='SUITE', help='a skip there is a failure')
    parser.add_argument('--lines', type=int, default=40,
                        help='lines shown of a failed test')
    args = parser.parse_args()
    counts = Counts()
    for path in args.log:
        read_log(path, counts, args.no_skip, args.lines)
    for reason in counts.reasons:
        print('skipped: ' + reason)
    print(counts.passed, counts.failed, counts.skipped)
    return 0


if __name__ == '__main__':
    sys.exit(main())
