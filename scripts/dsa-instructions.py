#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts the user instructions that submitting and waiting cost a page.

Runs `wherry-dsa bench --null-only` under callgrind, which counts only inside
dsa_batch_submit() and dsa_batch_wait(), and leaves out what the queue that does
nothing (the functions dsa_null_*) takes for itself.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

COUNTED = ('dsa_batch_submit', 'dsa_batch_wait')
LEFT_OUT = 'dsa_null_'


class Profile:
    """What a file of callgrind says: the sum of all that was counted, and the
    inclusive cost of calls by caller and callee."""

    def __init__(self, lines):
        self.total = 0
        self.calls = []
        self._names = {}
        self._function = self._callee = None
        self._call = False
        for line in lines:
            self._line(line.rstrip('\n'))

    def _name(self, text):
        """"(7) main" defines number 7, "(7)" refers to it."""
        match = re.match(r'\((\d+)\)(?: (.*))?$', text)
        if not match:
            return text
        if match.group(2):
            self._names[match.group(1)] = match.group(2)
        return self._names.get(match.group(1), '?')

    def _line(self, line):
        if line.startswith('fn='):
            self._function = self._name(line[3:])
        elif line.startswith('cfn='):
            self._callee = self._name(line[4:])
        elif line.startswith('calls='):
            self._call = True
        elif re.match(r'[+\-*\d]', line):
            words = line.split()
            cost = int(words[1]) if len(words) > 1 else 0
            if self._call:
                self.calls.append((self._function, self._callee, cost))
            else:
                self.total += cost
            self._call = False

    def left_out(self):
        """Inclusive cost of the outermost functions that do not count."""
        return sum(cost for caller, callee, cost in self.calls
                   if callee.startswith(LEFT_OUT)
                   and not caller.startswith(LEFT_OUT))


def die(message):
    print('dsa-instructions: ' + message, file=sys.stderr)
    sys.exit(2)


def run(args, folder):
    """Returns the profile and what the program says it did."""
    profile = os.path.join(folder, 'callgrind.out')
    command = [args.valgrind, '--quiet', '--tool=callgrind',
               '--callgrind-out-file=' + profile]
    command += ['--toggle-collect=' + name for name in COUNTED]
    command += [args.program, 'bench', '--null-only', '--json',
                '--pages', str(args.pages), '--completion', args.completion]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True)
    if done.returncode:
        die('%s: exit status %d\n%s' % (' '.join(command), done.returncode,
                                        done.stderr))
    with open(profile, encoding='utf-8', errors='replace') as lines:
        return Profile(lines), json.loads(done.stdout)['library']


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('program', help='wherry-dsa, a build with optimisation')
    parser.add_argument('--max', type=float, metavar='N',
                        help='fail above so many instructions a page')
    parser.add_argument('--pages', type=int, default=128,
                        help='pages of a packet (128)')
    parser.add_argument('--completion', default='thread',
                        choices=('thread', 'in-thread'),
                        help='way of waiting (thread)')
    parser.add_argument('--valgrind', default='valgrind', metavar='PROGRAM')
    args = parser.parse_args()
    if not shutil.which(args.valgrind):
        die('no %s; it is in the package of that name' % args.valgrind)
    with tempfile.TemporaryDirectory(prefix='dsa-instructions-') as folder:
        profile, library = run(args, folder)
    # One packet more than it says: the one before it begins to measure.
    pages = (library['packets'] + 1) * library['packet-pages']
    if not profile.total:
        die('callgrind counted nothing; are %s inlined?'
            % ' and '.join(COUNTED))
    cost = (profile.total - profile.left_out()) / pages
    print('%.1f instructions a page to submit and wait (packets of %d pages, '
          'completion %s; without %.1f of the queue that does nothing)'
          % (cost, library['packet-pages'], args.completion,
             profile.left_out() / pages))
    if args.max is not None and cost > args.max:
        print('more than %g' % args.max)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
