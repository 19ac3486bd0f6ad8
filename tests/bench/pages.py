# SPDX-License-Identifier: GPL-2.0-or-later
#
# A page with charts of a document of run.py, in one file; where charts cannot
# be drawn, a page with tables and the reason.

import report
from wherrytest import chart


def _spread(row, program, name, factor):
    item = row['summary'].get(program, {}).get(name)
    return item and tuple(item[key] * factor
                          for key in ('median', 'min', 'max'))


def _bars(title, labels, rows, name, y_title, factor=1000, log=False):
    """Bars of one figure for rows, by program."""
    series = []
    for program in report.PROGRAMS:
        values = [_spread(row, program, name, factor) for row in rows]
        if log:
            values = [value if value and value[0] > 0 else None
                      for value in values]
        if any(values):
            series.append((program, values))
    return chart.bars(title, labels, series, y_title, log=log)


def _table_charts(document):
    labels = [row['label'] for row in document['rows']]
    for name, title in (('wall', 'Wall time'),
                        ('cpu', 'CPU time, both sides together')):
        yield _bars(title, labels, document['rows'], name, 'ms', log=True)
    rows = [row for row in document['rows'] if 'factor' in row['summary']]
    if rows:
        yield chart.bars(
            'How many times less than the stock program',
            [row['label'] for row in rows],
            [(title, [_spread(row, 'factor', name, 1) for row in rows])
             for name, title in (('wall', 'wall time'),
                                 ('cpu', 'CPU time'))], 'times', log=True)


def _kinds(document):
    found = []
    for row in document['rows']:
        if row['setting']['kind'] not in found:
            found.append(row['setting']['kind'])
    return found


def _scaling_charts(document):
    unit = 'GiB' if document['options']['axis'] == 'size' else 'channels'
    for name, title in (('wall', 'Wall time'), ('cpu', 'CPU time')):
        series = []
        for kind in _kinds(document):
            for program in report.PROGRAMS:
                points = [(row['x'], row['summary'][program][name]['median']
                           * 1000) for row in document['rows']
                          if row['setting']['kind'] == kind
                          and program in row['summary']]
                if points:
                    series.append(('%s %s' % (kind, program), points))
        yield chart.lines('%s by %s' % (title, unit), series, unit, 'ms')


def _detection_charts(document):
    for kind in _kinds(document):
        rows = [row for row in document['rows']
                if row['setting']['kind'] == kind]
        labels = [str(row['x']) for row in rows]
        yield _bars('Total time, memory: ' + kind, labels, rows, 'total-time',
                    'ms')
        yield _bars('CPU time, memory: ' + kind, labels, rows, 'cpu', 'ms')


def _stress_charts(document):
    labels = [row['label'] for row in document['rows']]
    yield _bars('Rounds', labels, document['rows'], 'rounds', None, 1)
    yield _bars('Downtime', labels, document['rows'], 'downtime', 'ms', 1)


CHARTS = {'table': _table_charts, 'scaling': _scaling_charts,
          'detection': _detection_charts, 'stress': _stress_charts,
          'file': _table_charts, 'compression': _table_charts,
          'zero-copy': _table_charts}


def _figures(document):
    rows = []
    for row in document['rows']:
        for program in report.PROGRAMS:
            item = row['summary'].get(program)
            if item:
                rows.append([row['label'], program] + [
                    report.cell(item[name]) for name in
                    ('wall', 'cpu', 'source', 'destination', 'total-time')])
        if 'factor' in row['summary']:
            item = row['summary']['factor']
            rows.append([row['label'], 'factor'] + [
                report.cell(item[name], 1) if name in item else ''
                for name in ('wall', 'cpu', 'source', 'destination')] + [''])
    return chart.table(['memory', 'program', 'wall ms', 'CPU ms',
                        'source CPU ms', 'destination CPU ms',
                        'total-time ms'], rows)


def _threads(document):
    for row in document['rows']:
        yield chart.paragraph(row['label'])
        yield chart.table(
            ['program and side', 'thread', 'CPU ms', 'page faults',
             'context switches'],
            [['%s %s' % (program, side), name, 1000 * entry['cpu'],
              entry['faults'], entry['switches']]
             for program in report.PROGRAMS if program in row['summary']
             for side in report.SIDES
             for name, entry in
             row['summary'][program]['threads'][side].items()])


def page(document):
    """(HTML, None) or, without charts, (HTML, why there are none)."""
    host = document['host']
    parts = [chart.paragraph(
        'Commit %s%s, %s. %s, %d CPUs, %s, Linux %s. %s. Medians of %d pairs;'
        ' in brackets least and most. Figures of this host and hour.'
        % (document['commit'][:12],
           ' and changes to it' if document['dirty'] else '',
           document['date'], host['cpu'], host['cpus'], host['memory'],
           document['kernel'], ', '.join(document['versions'].values()),
           document['repeats'])),
        chart.paragraph(document['command'])]
    reason = None
    try:
        parts += CHARTS[document['table']](document)
    except chart.ChartMissing as err:
        reason = str(err)
        parts.append(chart.paragraph(reason))
    found = [verdict for row in document['rows']
             for verdict in ([row['label'], target['text'],
                              'met' if target['met'] else 'missed']
                             for target in row['targets'])]
    if found:
        parts += [chart.heading('Targets'),
                  chart.table(['memory', 'target', ''], found)]
    parts += [chart.heading('Figures'), _figures(document),
              chart.heading('Threads')]
    parts += _threads(document)
    return chart.page('Migration benchmark: ' + document['table'],
                      parts), reason
