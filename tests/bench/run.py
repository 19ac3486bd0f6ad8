#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares migrations by wherry and by a stock QEMU, of the same memory, in
turn, and prints medians, spread and ratios.  Every run first proves that the
destination's memory is right.  A ratio of one run on one host says something;
figures of two hosts do not compare, and one host tells nothing of a network.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
import backends  # noqa: E402
import carriers  # noqa: E402
from carriers import programs_of, settings  # noqa: E402
import filerig  # noqa: E402
import guestload  # noqa: E402
import pages  # noqa: E402
import report  # noqa: E402
import rig  # noqa: E402
from rows import Row, run_rows  # noqa: E402
import targets  # noqa: E402
from wherrytest import vm  # noqa: E402

KINDS = {
    'holes': 'memory the guest has never touched',
    'zero': 'memory written with zeroes',
    'half': 'normal and zero pages in turn',
    'random': 'only normal pages',
    'few': 'random, but 2 % of it zero pages: a guest that has run for long',
    'mixed': 'runs of holes, zeroes, data and nearly zero pages',
    'text': 'words; what compression can make smaller',
}
TABLE = ('holes', 'zero', 'half', 'random')
FOUND_BY = (('main thread', 'legacy', 4), ('multifd 1', 'multifd', 1),
            ('multifd 2', 'multifd', 2), ('multifd 4', 'multifd', 4))
SOFT = 'dsa:soft'
SOFT_LABEL = 'dsa:soft 4, software'


def judge_table(found):
    return targets.judge(found['setting'], found['summary'])


# -- the tables ---------------------------------------------------------------

def table(bench, options):
    """Each kind of memory, against the targets."""
    return run_rows(bench, options, [
        Row(kind, settings(options, kind=kind), programs_of(options))
        for kind in options.kind or TABLE], judge_table)


def scaling(bench, options):
    """The same with growing memory, or with more channels."""
    rows = []
    for kind in options.kind or ('zero', 'random'):
        for number in options.numbers:
            more = {'size': number * 1024} if options.axis == 'size' else \
                {'channels': number}
            unit = 'GiB' if options.axis == 'size' else 'channels'
            rows.append(Row('%s %d %s' % (kind, number, unit),
                            settings(options, kind=kind, **more),
                            programs_of(options), x=number))
    return run_rows(bench, options, rows, lambda found: [])


def detection(bench, options):
    """Who looks for zero pages: the main thread or 1, 2, 4 channels."""
    rows = []
    for kind in options.kind or ('random', 'few', 'half', 'zero'):
        for label, how, channels in FOUND_BY:
            rows.append(Row('%s %s' % (kind, label), settings(
                options, kind=kind, detection=how, channels=channels),
                programs_of(options), x=label))
        ours = report.ours(programs_of(options))
        if ours:
            rows.append(Row('%s %s' % (kind, SOFT_LABEL), settings(
                options, kind=kind, detection='dsa-accel', channels=4,
                accel_path=SOFT), [ours], x=SOFT_LABEL))
    return run_rows(bench, options, rows, lambda found: [])


def stress(bench, options):
    """A guest that writes at a rate that the link can carry."""
    def judge(found):
        item = found['summary']
        for program, runs in found['runs'].items():
            print('    %s: rounds %s, pages sent %s, downtime ms %s, told %s;'
                  ' written %.0f MiB/s' % (
                      program, report.cell(item[program]['rounds'], 1),
                      report.cell(item[program]['pages-sent'], 1),
                      report.cell(item[program]['downtime'], 1),
                      report.cell(report.spread([run['downtime-ms']
                                                 for run in runs]), 1),
                      report.spread([run['written-rate'] for run in runs])
                      ['median'] / vm.MIB))
        return targets.judge_stress(item) if 'factor' in item else []

    rows = [Row('%s, %d MiB/s' % (kind, options.rate),
                settings(options, kind=kind), programs_of(options))
            for kind in options.kind or ('random',)]
    return run_rows(bench, options, rows, judge)


# -- the command line ---------------------------------------------------------

def numbers(text):
    """"1,2,4" as [1, 2, 4]."""
    found = [int(part) for part in text.split(',')]
    if not found or min(found) < 1:
        raise ValueError(text)
    return found


def common_options(parser, size):
    parser.add_argument('kind', nargs='*', metavar='KIND',
                        help='what the memory holds; ' + '; '.join(
                            '%s: %s' % (name, text.replace('%', '%%'))
                            for name, text in KINDS.items()))
    parser.add_argument('--size', type=int, default=size, metavar='MIB',
                        help='guest memory in MiB (default %d)' % size)
    parser.add_argument('--backend', choices=sorted(backends.BACKENDS),
                        default='shm', help='where guest memory lies: a '
                        'shared file on a RAM disk, anonymous, a memfd, a '
                        'memfd of huge pages (default shm)')
    parser.add_argument('--channels', type=int, default=2, metavar='N',
                        help='multifd channels, 0 for plain (default 2)')
    parser.add_argument('--transport', choices=('unix', 'tcp'),
                        default='unix')
    parser.add_argument('--destination', choices=('same', 'qemu'),
                        default='same', help='qemu: both migrate to a stock '
                        'QEMU, only the source is compared')
    parser.add_argument('--touched', action='store_true',
                        help='the source has its memory mapped, as after a '
                        'guest has written it; without this a file is '
                        'mapped by the migration')
    parser.add_argument('--zero-page-detection',
                        choices=('none', 'legacy', 'multifd'))
    parser.add_argument('--return-path', action='store_true')
    parser.add_argument('--repeats', type=int, default=5, metavar='N',
                        help='counted pairs (default 5)')
    parser.add_argument('--threads', action='store_true',
                        help='print CPU time by thread; JSON always has it')
    parser.add_argument('--only', choices=report.PROGRAMS,
                        help='measure one program alone')
    parser.add_argument('--wherry', metavar='PATH',
                        help='the program (default: $WHERRY or in $PATH)')
    parser.add_argument('--patched', metavar='PATH',
                        help='a QEMU with our changes, to be measured in the '
                        'place of wherry (docs/devel/qemu-patchset.rst)')
    parser.add_argument('--qemu', metavar='PATH',
                        help='the stock program (default: $QEMU or '
                        'qemu-system-x86_64)')
    parser.add_argument('--output', metavar='NAME',
                        help='write NAME.json and NAME.html')


COMMANDS = {'table': (table, 2048), 'scaling': (scaling, 2048),
            'detection': (detection, 1024), 'stress': (stress, 2048),
            'file': (carriers.file, 1024),
            'compression': (carriers.compression, 1024),
            'zero-copy': (carriers.zero_copy, 1024)}


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest='command', metavar='TABLE')
    for name, (function, size) in COMMANDS.items():
        sub = commands.add_parser(name, help=function.__doc__.rstrip('.'),
                                  description=function.__doc__)
        if name == 'scaling':
            sub.add_argument('axis', choices=('size', 'channels'))
            sub.add_argument('--numbers', type=numbers, default=[1, 2, 4, 8],
                             metavar='N,N,...',
                             help='GiB or channels (default 1,2,4,8)')
        if name == 'stress':
            sub.add_argument('--rate', type=int, default=100, metavar='MIB',
                             help='what the guest writes a second '
                             '(default 100)')
            sub.add_argument('--bandwidth', type=int, default=0,
                             metavar='MIB', help='max-bandwidth (default: '
                             'what the socket carries)')
            sub.add_argument('--downtime-limit', type=int, default=30,
                             metavar='MS', help='(default 30)')
        carriers.add_options(name, sub)
        common_options(sub, size)
    # Without the name of a table: the table of targets.
    if not arguments or arguments[0] not in list(COMMANDS) + ['-h', '--help']:
        arguments = ['table'] + arguments
    options = parser.parse_args(arguments)
    check(parser, options)
    return options


def check(parser, options):
    for name in options.kind:
        if name not in KINDS:
            parser.error('no kind of memory %s; there are: %s'
                         % (name, ', '.join(KINDS)))
    if options.repeats < 1 or options.size < 2 or \
            not 0 <= options.channels <= 255:
        parser.error('a number is out of range')
    if options.backend == 'hugetlb' and options.size % 2:
        parser.error('huge pages have 2 MiB; --size %d is not whole ones'
                     % options.size)
    if options.destination == 'qemu' and \
            options.command in ('detection', 'stress', 'file'):
        parser.error('--destination qemu is for the other tables')
    if options.output and options.output.endswith('.json'):
        options.output = options.output[:-len('.json')]


def heading(options):
    text = '%s: %s memory, %s over %s, %d pairs' % (
        options.command, options.backend,
        'multifd with %d channels' % options.channels if options.channels
        else 'plain', options.transport, options.repeats)
    if options.command == 'file':
        text = 'file: %s memory, in %s, %d pairs' % (
            options.backend, options.folder or 'the RAM disk',
            options.repeats)
    if options.command != 'scaling' or options.axis != 'size':
        text += ', %d MiB' % options.size
    if options.touched:
        text += ', mapped at the source'
    if options.destination == 'qemu':
        text += ', to a stock QEMU'
    report.heading(text)


def run(options, programs):
    bench = guestload.LoadRig(options) if options.command == 'stress' \
        else filerig.FileRig(options.folder) if options.command == 'file' \
        else rig.Rig()
    if bench.endings.why:
        print('run.py: %s; their CPU time is told as one'
              % bench.endings.why, file=sys.stderr)
    others = report.Others()
    try:
        heading(options)
        rows = COMMANDS[options.command][0](bench, options)
    finally:
        bench.close()
    busy, stolen = others.share()
    print('other processes took %.1f %% of the processors meanwhile, other '
          'guests of this host %.1f %%' % (100 * busy, 100 * stolen))
    if options.output:
        document = report.document(options.command, options, programs, rows)
        report.write(options.output + '.json', document)
        page, reason = pages.page(document)
        report.write(options.output + '.html', page)
        if reason:
            print('run.py: ' + reason, file=sys.stderr)
    return rows


def name_programs(options):
    """The programs that the command line names, for all that starts them."""
    for kind, (variable, _) in vm.PROGRAMS.items():
        if getattr(options, kind):
            os.environ[variable] = getattr(options, kind)


def main():
    options = parse(sys.argv[1:])
    name_programs(options)
    programs = programs_of(options)
    if options.destination == 'qemu' and vm.QEMU not in programs:
        programs = programs + [vm.QEMU]
    for program in programs:
        if vm.binary(program) is None:
            print('run.py: no %s program; give --%s' % (program, program),
                  file=sys.stderr)
            return 1
    try:
        run(options, programs)
    except RuntimeError as err:
        print('run.py: %s' % err, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
