# SPDX-License-Identifier: GPL-2.0-or-later
#
# What reports say, side by side: a table of how they ended, and charts over
# time.  The functions that choose figures know nothing of drawing.

from wherrytest import chart, vm

from . import Error
from .report import SIDES

TOP_THREADS = 12
PAGE = 4096


def names(reports):
    """A short name for each, told apart: scenario, programs, number."""
    made = []
    for document in reports:
        kinds = [document['programs'][side]['kind'] for side in SIDES]
        programs = kinds[0] if kinds[0] == kinds[1] else ' to '.join(kinds)
        made.append('%s, %s' % (document['scenario']['name'], programs))
    return [name if made.count(name) == 1
            else '%s (%d)' % (name, made[:at + 1].count(name))
            for at, name in enumerate(made)]


# -- figures over time ------------------------------------------------------

def _ram(name, factor=1.0):
    def value(one):
        found = one['ram'].get(name)
        return None if found is None else found * factor
    return value


def _handled(one):
    stats = one['ram']
    if 'normal' not in stats:
        return None
    pages = stats['normal'] + stats.get('duplicate', 0)
    return pages * stats.get('page-size', PAGE) / vm.MIB


def _cpu(side):
    return lambda one: one['cpu'][side]['process'] / 1e6


# Title, unit, figure of a sample.
PROGRESS = (
    ('Total: normal and zero pages, all rounds', 'MiB', _handled),
    ('Transferred', 'MiB', _ram('transferred', 1 / vm.MIB)),
    ('Remaining', 'MiB', _ram('remaining', 1 / vm.MIB)),
    ('Dirty rate, as the source measures it', 'MiB/s',
     _ram('dirty-pages-rate', PAGE / vm.MIB)),
    ('Rounds', 'dirty-sync-count', _ram('dirty-sync-count')),
    ('Throttle of the guest', '%',
     lambda one: one.get('cpu-throttle-percentage')),
    ('CPU of the source, all threads', 'ms', _cpu('source')),
    ('CPU of the destination, all threads', 'ms', _cpu('destination')),
)


def over_time(reports, labels, value):
    """[(label, [(seconds, figure), ...]), ...], without empty ones."""
    series = []
    for label, document in zip(labels, reports):
        points = [(one['time'], value(one)) for one in document['samples']]
        points = [point for point in points if point[1] is not None]
        if points:
            series.append((label, points))
    return series


def threads_over_time(document):
    """CPU milliseconds of each thread name at each time, largest first."""
    last = document['samples'][-1]['cpu']
    ranked = sorted(((ns, side, name) for side in SIDES
                     for name, ns in last[side]['threads'].items() if ns),
                    key=lambda item: (-item[0], item[1:]))
    return [('%s %s' % (side, name),
             [(one['time'], one['cpu'][side]['threads'].get(name, 0) / 1e6)
              for one in document['samples']])
            for _, side, name in ranked[:TOP_THREADS]]


def threads_at_end(reports, labels, side):
    """(thread names, [(label, [milliseconds or None, ...]), ...])."""
    ends = [document['samples'][-1]['cpu'][side]['threads']
            for document in reports]
    total = {}
    for end in ends:
        for name, ns in end.items():
            total[name] = total.get(name, 0) + ns
    ranked = sorted((name for name in total if total[name]),
                    key=lambda name: (-total[name], name))[:TOP_THREADS]
    return ranked, [(label, [end[name] / 1e6 if name in end else None
                             for name in ranked])
                    for label, end in zip(labels, ends)]


# -- how they ended ---------------------------------------------------------

FINAL = (
    ('outcome', lambda d: d['outcome']['source']),
    ('RAM equal', lambda d: {True: 'yes', False: 'NO', None: 'not compared'}
     [d['ram-check']['equal']]),
    ('total ms', lambda d: d['final']['source'].get('total-time')),
    ('downtime ms', lambda d: d['final']['source'].get('downtime')),
    ('rounds', lambda d: _stat(d, 'dirty-sync-count')),
    ('normal pages', lambda d: _stat(d, 'normal')),
    ('zero pages', lambda d: _stat(d, 'duplicate')),
    ('sent MiB', lambda d: _stat(d, 'transferred', 1 / vm.MIB)),
    ('CPU source ms', lambda d: _end_cpu(d, 'source')),
    ('CPU destination ms', lambda d: _end_cpu(d, 'destination')),
)


def _stat(document, name, factor=None):
    found = document['final']['source'].get('ram', {}).get(name)
    if found is None or factor is None:
        return found
    return found * factor


def _end_cpu(document, side):
    return document['samples'][-1]['cpu'][side]['process'] / 1e6


def final_table(reports, labels):
    """(head, rows): a row for each report."""
    return (['run'] + [name for name, _ in FINAL],
            [[label] + [value(document) for _, value in FINAL]
             for label, document in zip(labels, reports)])


def text_table(head, rows):
    """The same for a terminal: a line for each figure."""
    cells = [[head[at]] + [row[at] if isinstance(row[at], str)
                           else chart.number(row[at]) for row in rows]
             for at in range(len(head))]
    widths = [max(len(line[at]) for line in cells)
              for at in range(len(rows) + 1)]
    return '\n'.join('  '.join(
        [line[0].ljust(widths[0])]
        + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])])
        for line in cells)


# -- the page ---------------------------------------------------------------

def _about(label, document):
    host = document['host']
    text = '%s: %s; %s; %s CPUs (%s), Linux %s, %s' % (
        label, document['date'],
        ' to '.join(document['programs'][side]['version'] for side in SIDES),
        host['cpus'], host['cpu'], host['kernel'],
        document['ram-check']['how'])
    load = document['scenario']['load']
    if load['by'] != 'none':
        text += '; the guest is a load by %s' % load['by']
    return chart.paragraph(text)


def charts(reports, labels):
    """The SVG texts; ChartMissing without pygal."""
    made = []
    for title, unit, value in PROGRESS:
        series = over_time(reports, labels, value)
        if any(y for _, points in series for _, y in points):
            made.append(chart.lines(title, series, 'seconds', unit))
    for side in SIDES:
        found, series = threads_at_end(reports, labels, side)
        if found:
            made.append(chart.bars('CPU of the %s by thread name' % side,
                                   found, series, 'ms'))
    for label, document in zip(labels, reports):
        made.append(chart.lines('CPU by thread name: ' + label,
                                threads_over_time(document), 'seconds',
                                'ms'))
    return made


def page(title, reports, labels):
    """(HTML, None), or (HTML without charts, why there are none)."""
    parts = [chart.table(*final_table(reports, labels))]
    parts += [_about(*pair) for pair in zip(labels, reports)]
    missing = None
    try:
        parts += charts(reports, labels)
    except chart.ChartMissing as err:
        missing = str(err)
        parts.append(chart.paragraph(missing))
    return chart.page(title, parts), missing


def write(path, text):
    try:
        with open(path, 'w', encoding='utf-8') as out:
            out.write(text)
    except OSError as err:
        raise Error('%s cannot be written: %s' % (path, err)) from err
