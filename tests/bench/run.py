#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Migrates the same RAM image through two wherry processes and through two
# stock QEMU processes, in alternation, and prints the ratios of wall and CPU
# time.  Every run first proves that the destination's RAM equals the image.
# One ratio on one host says something; the figures of two hosts do not
# compare, and loopback tells nothing about a network.

import argparse
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
import report  # noqa: E402
from wherrytest import migrate, ram, vm  # noqa: E402

SCENARIOS = {
    'holes': 'memory the guest has never touched',
    'zero': 'memory written with zeroes',
    'half': 'normal and zero pages in turn',
    'random': 'only normal pages',
    'mixed': 'runs of holes, zeroes, data and nearly zero pages',
}


class Bench:
    """One set of options; the image of one scenario at a time."""

    def __init__(self, options):
        self.options = options
        self.size = options.size * vm.MIB
        self.folder = vm.make_folder(need=4 * self.size)
        self.image = os.path.join(self.folder, 'image')
        self.result = os.path.join(self.folder, 'result')
        self.kind = None
        self.allocated = 0

    def close(self):
        shutil.rmtree(self.folder, True)

    def prepare(self, kind):
        ram.create(self.image, self.size, kind)
        self.kind = kind
        self.allocated = ram.allocated(self.image)

    def machines(self, program):
        """Source and destination, the image loaded."""
        anonymous = self.options.backend == 'anon'
        common = {'size': self.size,
                  'backend': 'ram' if anonymous else 'file'}
        src = vm.VM(program, self.folder, 'src', image=self.image, **common)
        if os.path.exists(self.result):
            os.unlink(self.result)
        dst = vm.VM(program, self.folder, 'dst', image=self.result,
                    incoming='defer', **common)
        if anonymous:
            ram.load_into(src.pid, self.size, self.image)
        return src, dst

    def settings(self):
        options = self.options
        params = {'multifd_channels': options.channels or 2,
                  'max_bandwidth': 0}
        if options.zero_page_detection:
            params['zero_page_detection'] = options.zero_page_detection
        caps = ('multifd',) if options.channels else ()
        return caps + (('return-path',) if options.return_path else ()), params

    def uri(self):
        if self.options.transport == 'tcp':
            return 'tcp:127.0.0.1:0'
        return 'unix:' + os.path.join(self.folder, 'm')

    def measure(self, program):
        """One migration: a dict of figures, RAM proven equal."""
        src, dst = self.machines(program)
        try:
            caps, params = self.settings()
            migrate.configure(src, caps, params)
            migrate.configure(dst, caps, params)
            uri = dst.listen(self.uri())
            before = [report.Usage(m.pid) for m in (src, dst)]
            src.qmp.cmd('migrate', {'uri': uri})
            outcome = migrate.finish(src, dst, 600)
            after = [report.Usage(m.pid) for m in (src, dst)]
            self.check(src, dst, outcome)
        finally:
            src.kill()
            dst.kill()
        if ram.allocated(self.image) != self.allocated:
            # A source that reads holes fills them; the next run needs them.
            self.prepare(self.kind)
        return report.figures(before, after, outcome.src)

    def check(self, src, dst, outcome):
        if (outcome.src_status, outcome.dst_status) != ('completed',) * 2:
            raise RuntimeError('migration failed: %s' % outcome)
        if self.options.backend == 'anon':
            ram.save_from(dst.pid, self.size, self.result)
        difference = ram.first_difference(self.image, self.result)
        if difference:
            raise RuntimeError('RAM is not equal after the migration by %s: '
                               '%s' % (src.kind, difference))

    def run(self, kind, programs):
        """program -> list of figures; the order turns with each repeat."""
        self.prepare(kind)
        runs = {program: [] for program in programs}
        # The first of each warms caches and proves equality; not counted.
        for program in programs:
            self.measure(program)
        for turn in range(self.options.repeats):
            order = programs if turn % 2 == 0 else programs[::-1]
            for program in order:
                runs[program].append(self.measure(program))
        return runs


def parse():
    parser = argparse.ArgumentParser(
        description='Compare migrations by wherry and by a stock QEMU.',
        epilog='scenarios: ' + '; '.join('%s: %s' % item
                                         for item in SCENARIOS.items()))
    parser.add_argument('scenario', nargs='*', metavar='SCENARIO',
                        help='what the RAM holds (default: holes zero half '
                        'random)')
    parser.add_argument('--size', type=int, default=512, metavar='MIB',
                        help='RAM in MiB (default 512)')
    parser.add_argument('--backend', choices=('shm', 'anon'), default='shm',
                        help='shared file on a RAM disk, or anonymous memory')
    parser.add_argument('--channels', type=int, default=2, metavar='N',
                        help='multifd channels, 0 for plain (default 2)')
    parser.add_argument('--transport', choices=('unix', 'tcp'),
                        default='unix')
    parser.add_argument('--zero-page-detection',
                        choices=('none', 'legacy', 'multifd'))
    parser.add_argument('--return-path', action='store_true')
    parser.add_argument('--repeats', type=int, default=5, metavar='N',
                        help='counted runs of each program (default 5)')
    parser.add_argument('--only', choices=(vm.WHERRY, vm.QEMU),
                        help='measure one program alone')
    parser.add_argument('--wherry', metavar='PATH',
                        help='the program (default: $WHERRY or in $PATH)')
    parser.add_argument('--qemu', metavar='PATH',
                        help='the stock program (default: $QEMU or '
                        'qemu-system-x86_64)')
    parser.add_argument('--output', metavar='FILE',
                        help='write all figures there as JSON')
    options = parser.parse_args()
    options.scenario = options.scenario or ['holes', 'zero', 'half',
                                            'random']
    for name in options.scenario:
        if name not in SCENARIOS:
            parser.error('no scenario %s; there are: %s'
                         % (name, ', '.join(SCENARIOS)))
    if options.repeats < 1 or options.size < 1 or \
            not 0 <= options.channels <= 255:
        parser.error('a number is out of range')
    return options


def main():
    options = parse()
    for name in ('wherry', 'qemu'):
        if getattr(options, name):
            os.environ[name.upper()] = getattr(options, name)
    programs = [options.only] if options.only else [vm.WHERRY, vm.QEMU]
    for program in programs:
        if vm.binary(program) is None:
            print('run.py: no %s program; give --%s' % (program, program),
                  file=sys.stderr)
            return 1
    bench = Bench(options)
    results = {}
    try:
        report.heading(options)
        for kind in options.scenario:
            results[kind] = bench.run(kind, programs)
            report.scenario(kind, results[kind])
    except RuntimeError as err:
        print('run.py: %s' % err, file=sys.stderr)
        return 1
    finally:
        bench.close()
    if options.output:
        report.write(options, programs, results)
    return 0


if __name__ == '__main__':
    sys.exit(main())
