# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tables of run.py on ways to carry a migration: a snapshot into a file and
# back, compression, zero-copy.  Nothing is judged but the memory, which has to
# be equal: what is gained depends on the link and the disk.

import filerig
import report
import rig
from rows import Progress, Row, check_memory, print_missing, run_rows
from wherrytest import vm

FORMS = (
    ('plain', {'channels': 0}),
    ('mapped-ram', {'channels': 0, 'mapped': True}),
    ('mapped-ram, 2', {'channels': 2, 'mapped': True}),
    ('mapped-ram, 4', {'channels': 4, 'mapped': True}),
    ('direct-io, 2', {'channels': 2, 'mapped': True, 'direct': True}),
    ('direct-io, 4', {'channels': 4, 'mapped': True, 'direct': True}),
)
METHODS = ('none', 'zlib', 'zstd', 'qpl')


def programs_of(options):
    both = [vm.PATCHED if options.patched else vm.WHERRY, vm.QEMU]
    return [options.only] if options.only else both


def settings(options, **more):
    """A Setting with what the command line says."""
    common = {'size': options.size, 'backend': options.backend,
              'channels': options.channels, 'transport': options.transport,
              'detection': options.zero_page_detection,
              'return_path': options.return_path,
              'destination': options.destination,
              'touched': options.touched}
    return rig.Setting(**dict(common, **more))


# -- files --------------------------------------------------------------------

def file(bench, options):
    """Into a file and out of it: plain, mapped-ram, channels, direct-io."""
    rows = []
    for kind in options.kind or ('holes', 'half', 'random'):
        for label, more in FORMS:
            if options.form and not any(word in label
                                        for word in options.form):
                continue
            rows.append(Row('%s, %s' % (kind, label), settings(
                options, kind=kind, transport='file', **more),
                programs_of(options), x=label))
    # The file on the RAM disk is as large as a machine.
    check_memory(rows, 1 if options.folder else 1.5)
    limit = filerig.limit(options.folder or bench.folder,
                          options.size * vm.MIB)
    print(filerig.limit_line(limit))
    for row in rows:
        row.ask(bench)
    progress = Progress([row.setting.size for row in rows
                         for _ in row.turns(options)])
    done = []
    for row in rows:
        done += _file_row(bench, row, options, progress)
        for found in done[-2:]:
            found['limit'] = limit
    return done


def _file_row(bench, row, options, progress):
    """Two rows, saved and loaded, of the same runs."""
    print_missing(row)
    runs = {word: {program: [] for program in row.programs}
            for word in ('save', 'load')}
    others = report.Others()
    for program, counts in row.turns(options):
        both = bench.measure(program, row.setting)
        for word, run in both.items():
            if counts:
                runs[word][program].append(run)
        progress.step(row.setting.size, '%s %s: %s' % (
            row.label, program, ', '.join(
                '%s %.1f ms' % (word, 1000 * run['wall'])
                for word, run in both.items())))
    share = others.share()
    done = []
    for word, found in runs.items():
        label = '%s %s' % (row.label, word)
        done.append({'label': label, 'x': row.x, 'runs': found,
                     'setting': dict(vars(row.setting)), 'targets': [],
                     'summary': report.summarize(found),
                     'missing': row.missing, 'others': share})
        report.row(label, done[-1]['summary'])
    for program, found in runs['save'].items():
        for line in filerig.file_lines(program, found):
            print('    ' + line)
    return done


# -- compression --------------------------------------------------------------

def compression(bench, options):
    """Methods of multifd-compression, with memory of the destination that is
    there before, or not."""
    rows = []
    for kind in options.kind or ('text', 'half', 'zero'):
        for method in options.methods:
            for prealloc in (False, True):
                if prealloc and method in ('zlib', 'zstd'):
                    continue
                rows.append(Row(
                    '%s %s%s' % (kind, method,
                                 ', prealloc' if prealloc else ''),
                    settings(options, kind=kind, compression=method,
                             channels=options.channels or 2,
                             level=options.level
                             if method in ('zlib', 'zstd') else None,
                             prealloc=prealloc, bandwidth=options.bandwidth),
                    programs_of(options), x=method))
    return run_rows(bench, options, rows, _tell_bytes, ask=True)


def _tell_bytes(found):
    """No verdicts; how much went over."""
    for program, item in sorted(found['summary'].items()):
        if program in report.PROGRAMS:
            sent = item['transferred']['median']
            print('    %s: %.1f MiB sent, 1 byte for %.2f of memory; %d page'
                  ' faults of the destination' % (
                      program, sent / vm.MIB,
                      found['setting']['size'] * vm.MIB / max(1, sent),
                      item['destination-faults']['median']))
    return []


# -- zero-copy ----------------------------------------------------------------

def zero_copy(bench, options):
    """zero-copy-send off and on, over TCP."""
    rows = []
    for kind in options.kind or ('random', 'half'):
        for on in (False, True):
            rows.append(Row(
                '%s zero-copy %s' % (kind, 'on' if on else 'off'),
                settings(options, kind=kind, transport='tcp', zero_copy=on,
                         channels=options.channels or 2),
                programs_of(options), x='on' if on else 'off'))
    return run_rows(bench, options, rows, lambda found: [], ask=True)


# -- the command line ---------------------------------------------------------

def methods(text):
    found = text.split(',')
    for name in found:
        if name not in METHODS:
            raise ValueError(name)
    return found


def add_options(name, parser):
    """Options of the table of that name."""
    if name == 'file':
        parser.add_argument('--folder', metavar='DIR', help='where the file '
                            'is written (default: on a RAM disk)')
        parser.add_argument('--form', action='append', default=[],
                            metavar='WORD', help='only forms that have this '
                            'word: %s' % '; '.join(name for name, _
                                                   in FORMS))
    if name == 'compression':
        parser.add_argument('--methods', type=methods, default=METHODS,
                            metavar='NAME,...', help='(default %s)'
                            % ','.join(METHODS))
        parser.add_argument('--level', type=int, metavar='N',
                            help='of zlib and zstd (default: theirs, 1)')
        parser.add_argument('--bandwidth', type=int, default=0,
                            metavar='MIB', help='max-bandwidth, MiB a second '
                            '(default: what the socket carries)')
