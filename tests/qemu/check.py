#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks a QEMU that scripts/qemu-build.sh has made.

Each step writes its log to DIR/logs/STEP.log and ends with one line of what
came of it.  Without names of steps all are run but migration-all.
"""

import argparse
import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROGRAM = 'qemu-system-x86_64'
# Sources of our unit tests, as the changes bring them along.
OURS = ('test-dsa*.c', 'test-hole-map*.c')
# Way and what run.py is told; guest memory as it lies in most hosts' files.
WAYS = (('plain', '0'), ('multifd', '2'))
BENCH_MIB = '1024'
# Fewer leave medians that say more of the host than of the programs.
BENCH_PAIRS = '9'


class Missing(Exception):
    """Why a step cannot be run here; one sentence."""


class Built:
    """The folder of qemu-build.sh, and how commands are run and logged."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.log = None

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def program(self, name):
        found = self.path(name, PROGRAM)
        if not os.path.exists(found):
            raise Missing('there is no %s; build it with qemu-build.sh%s' % (
                found, ' --stock' if name == 'stock' else ''))
        return found

    def wherry(self):
        found = os.environ.get('WHERRY') or self.path('wherry', 'system',
                                                      'wherry')
        if not os.path.exists(found):
            raise Missing('there is no %s; set WHERRY, or give qemu-build.sh '
                          '--evidence' % found)
        return found

    def run(self, *command, cwd=None, show=False, **env):
        """(exit status, stdout); all of it goes to the log, and with show to
        the terminal, too."""
        text = []
        with open(self.log, 'a', encoding='utf-8') as log:
            log.write('$ %s\n' % ' '.join(command))
            log.flush()
            with subprocess.Popen(
                    command, cwd=cwd, env=dict(os.environ, **env), text=True,
                    stdout=subprocess.PIPE, stderr=log) as process:
                for line in process.stdout:
                    text.append(line)
                    log.write(line)
                    if show:
                        print(line, end='', flush=True)
        return process.returncode, ''.join(text)

    def tap(self, *command, **more):
        """(passed, failed, skipped) of a program that speaks TAP; one that
        does not end well counts as a failure."""
        status, text = self.run(*command, **more)
        lines = re.findall(r'(?m)^ *(not ok|ok) \d+(.*)$', text)
        skipped = sum('# SKIP' in rest for _, rest in lines)
        failed = sum(word == 'not ok' for word, _ in lines)
        passed = len(lines) - skipped - failed
        if status != 0 and failed == 0:
            failed = 1
        return passed, failed, skipped


def counted(counts):
    """What a step says, and whether it is good."""
    passed, failed, skipped = counts
    return '%d passed, %d failed, %d skipped' % counts, \
        failed == 0 and passed > 0


def series(built):
    """The changes as patches, before QEMU's checkpatch."""
    folder = built.path('series')
    status, text = built.run(os.path.join(ROOT, 'scripts',
                                          'qemu-patchset.py'),
                             '--series', folder, built.path('source'))
    if status != 0:
        return 'cannot be written', False
    patches = text.split()
    found = {'errors': 0, 'warnings': 0}
    for patch in patches:
        _, text = built.run('scripts/checkpatch.pl', '--no-signoff', patch,
                            cwd=built.path('source'))
        for count, what in re.findall(r'total: (\d+) errors, (\d+) warnings',
                                      text):
            found['errors'] += int(count)
            found['warnings'] += int(what)
    return '%d patches: %d errors, %d warnings' % (
        len(patches), found['errors'], found['warnings']), \
        found['errors'] == 0 and bool(patches)


def ours(built):
    """Our unit tests inside QEMU's list."""
    tests = ['tests/unit/' + os.path.basename(path)[:-len('.c')]
             for pattern in OURS for path in sorted(glob.glob(built.path(
                 'source-patched', 'tests', 'unit', pattern)))]
    if not tests:
        raise Missing('%s has none of our tests' % built.path(
            'source-patched'))
    built.run('ninja', *tests, cwd=built.path('patched'))
    counts = [built.tap(test, '--tap', cwd=built.path('patched'))
              for test in tests]
    return counted(tuple(map(sum, zip(*counts))))


def unit(built):
    """QEMU's own list of unit tests, ours among them."""
    folder = built.path('patched')
    built.run('ninja', 'all', cwd=folder)
    status, text = built.run('pyvenv/bin/meson', 'test', '--suite', 'unit',
                             '--timeout-multiplier', '3', cwd=folder)
    counts = tuple(int(found.group(1)) if found else 0 for found in (
        re.search(r'(?m)^%s:\s+(\d+)' % word, text)
        for word in ('Ok', 'Fail', 'Skipped')))
    said, good = counted(counts)
    return said + ' (programs)', good and status == 0


def migration_part(built, part):
    """Cases of migration-test whose names hold PART, each by itself."""
    folder = built.path('patched')
    built.run('ninja', 'tests/qtest/migration-test', PROGRAM, cwd=folder)
    env = {'cwd': folder, 'QTEST_QEMU_BINARY': './' + PROGRAM}
    test = ('tests/qtest/migration-test', '--full')
    _, text = built.run(*test, '-l', **env)
    # What -p takes for a prefix depends on GLib; nothing may be run twice.
    done = {}
    for path in text.split():
        if part in path and path not in done:
            done[path] = 'not ok'
            _, text = built.run(*test, '--tap', '-p', path, **env)
            done.update((name, 'SKIP' if 'SKIP' in more else word)
                        for word, name, more in re.findall(
                            r'(?m)^(not ok|ok) \d+ (/\S+)(.*)$', text))
    return counted(tuple(list(done.values()).count(word)
                         for word in ('ok', 'not ok', 'SKIP')))


def migration(built):
    """The multifd part of QEMU's own migration-test."""
    return migration_part(built, '/migration/multifd/')


def migration_all(built):
    """All of QEMU's own migration-test."""
    return migration_part(built, '/migration/')


def peers(built):
    """Patched, stock and wherry with each other; RAM is equal."""
    return counted(built.tap(
        sys.executable, os.path.join(HERE, 'test-patched.py'),
        QEMU_PATCHED=built.program('patched'), QEMU=built.program('stock'),
        WHERRY=built.wherry()))


def bench(built):
    """Patched and stock in turn, from the same source and configuration."""
    missed = []
    # Results keep the command; nobody else has our folders.
    patched, stock = (os.path.relpath(built.program(name), ROOT)
                      for name in ('patched', 'stock'))
    for name, channels in WAYS:
        output = os.path.relpath(
            built.path('logs', 'qemu-patchset-' + name), ROOT)
        status, text = built.run(
            sys.executable, 'tests/bench/run.py', 'table',
            '--channels', channels, '--size', BENCH_MIB,
            '--repeats', BENCH_PAIRS, '--patched', patched,
            '--qemu', stock, '--output', output, cwd=ROOT, show=True)
        if status != 0:
            return name + ' failed', False
        missed += re.findall(r'MISSED: .*', text)
    return '%d targets missed' % len(missed), not missed


STEPS = {'series': series, 'ours': ours, 'unit': unit,
         'migration-test': migration, 'migration-all': migration_all,
         'peers': peers, 'bench': bench}
# Not asked for by name, these are run.
USUAL = tuple(name for name in STEPS if name != 'migration-all')


def run_step(built, name):
    """Prints a line; whether it is good."""
    os.makedirs(built.path('logs'), exist_ok=True)
    built.log = built.path('logs', name + '.log')
    open(built.log, 'w', encoding='utf-8').close()
    print('%s: %s' % (name, STEPS[name].__doc__), flush=True)
    try:
        said, good = STEPS[name](built)
    except (Missing, OSError) as err:
        said, good = str(err), False
    print('%s %s: %s (%s)' % ('ok' if good else 'FAILED', name, said,
                              built.log), flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter,
        epilog='steps:\n' + '\n'.join(
            '  %-15s %s' % (name, step.__doc__)
            for name, step in STEPS.items()))
    parser.add_argument('folder', metavar='DIR',
                        help='what qemu-build.sh was given as --dir')
    parser.add_argument('step', metavar='STEP', nargs='*',
                        help='what to check')
    args = parser.parse_args()
    for name in args.step:
        if name not in STEPS:
            parser.error('no step %s; there are: %s'
                         % (name, ', '.join(STEPS)))
    built = Built(args.folder)
    good = [run_step(built, name) for name in args.step or USUAL]
    return 0 if all(good) else 1


if __name__ == '__main__':
    sys.exit(main())
