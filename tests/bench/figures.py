#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Puts the figures of run.py into documents.  In a document

    .. figures: NAME.json

    .. end of figures

is filled with the table of docs/benchmarks/results/NAME.json and, given
again, filled anew.
"""

import argparse
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
import report  # noqa: E402
from wherrytest import vm  # noqa: E402

DOCUMENTS = os.path.join(HERE, '..', '..', 'docs', 'benchmarks')
BLOCK = re.compile(r'(?ms)^\.\. figures: (\S+)\n.*?^\.\. end of figures\n')


def _cell(summary, program, name, factor=1000):
    item = summary.get(program, {}).get(name)
    return report.cell(item, factor) if item else ''


def _columns(table):
    """(head, figure, factor of the unit) of each pair of columns."""
    if table == 'stress':
        return (('rounds', 'rounds', 1), ('pages sent', 'pages-sent', 1),
                ('downtime ms', 'downtime', 1), ('CPU ms', 'cpu', 1000))
    first = ('total-time ms', 'total-time', 1000) if table == 'detection' \
        else ('wall ms', 'wall', 1000)
    return first, ('CPU ms', 'cpu', 1000)


def _targets(row):
    if not row['targets']:
        return ''
    missed = sum(not target['met'] for target in row['targets'])
    return 'missed: %d of %d' % (missed, len(row['targets'])) if missed \
        else 'all met'


def _limit_cells(document):
    return [['Limit', 'here']] + [
        [row['label'], '%.1f %s' % (row['value'], row['unit'])]
        for row in document['rows']]


def _causes(row, side, least=0.03):
    """What one side spends its time on, in milliseconds."""
    causes = row['sides'].get(side, [])
    total = sum(seconds for _, seconds, _ in causes)
    return ', '.join('%s %.1f' % (text, 1000 * seconds)
                     for text, seconds, _ in causes
                     if seconds >= least * total)


def _hotspot_cells(document):
    lines = [['Memory', 'side', 'Wherry, ms', 'stock, ms']]
    kinds = {}
    for row in document['rows']:
        kinds.setdefault(row['label'], {})[row['program']] = row
    for kind, rows in kinds.items():
        for side in report.SIDES:
            lines.append([kind, side] + [
                _causes(rows[program], side) if program in rows else ''
                for program in (vm.WHERRY, vm.QEMU)])
    return lines


def cells(document):
    """The table, head first."""
    special = {'limits': _limit_cells, 'hotspots': _hotspot_cells}
    return special.get(document['table'], _run_cells)(document)


def _run_cells(document):
    """Without columns that say nothing."""
    columns = _columns(document['table'])
    patched = any(vm.PATCHED in row['summary'] for row in document['rows'])
    ours = vm.PATCHED if patched else vm.WHERRY
    head = ['Memory']
    for text, name, _ in columns:
        head += ['%s, %s' % ('patched' if patched else 'Wherry', text),
                 'stock, ' + text]
        if name in report.FACTORS:
            head.append('factor')
    lines = [head + ['targets']]
    for row in document['rows']:
        line = [row['label']]
        for _, name, unit in columns:
            line += [_cell(row['summary'], program, name, unit)
                     for program in (ours, vm.QEMU)]
            if name in report.FACTORS:
                line.append(_cell(row['summary'], 'factor', name, 1))
        lines.append(line + [_targets(row)])
    full = [any(line[at] for line in lines[1:]) for at in range(len(lines[0]))]
    return [[cell for cell, keep in zip(line, full) if keep]
            for line in lines]


def table(document):
    """The lines of a table in reStructuredText, and what it is of."""
    host = document['host']
    yield 'Runs: %d; commit %s%s, %s; %s, %d CPUs, Linux %s::' % (
        document['repeats'], document['commit'][:12],
        ' and changes to it' if document['dirty'] else '',
        document['date'][:10], host['cpu'], host['cpus'], document['kernel'])
    yield ''
    yield '    ' + document['command']
    yield ''
    yield '.. list-table::'
    yield '   :header-rows: 1'
    yield ''
    for line in cells(document):
        for at, cell in enumerate(line):
            yield ('   %s - %s' % ('  *'[0 if at else 2], cell)).rstrip()
    yield ''


def fill(text, load):
    """The text with each block filled; load gives the document of a name, or
    None, and then the block stays."""
    def block(match):
        name = match.group(1)
        document = load(name)
        if document is None:
            return match.group(0)
        return '.. figures: %s\n\n%s\n.. end of figures\n' % (
            name, '\n'.join(table(document)))
    return BLOCK.sub(block, text)


def load_result(name):
    path = os.path.join(DOCUMENTS, 'results', name)
    if not os.path.exists(path):
        print('figures.py: no results/%s yet' % name, file=sys.stderr)
        return None
    with open(path) as file:
        return json.load(file)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('document', nargs='*', help='default: all in '
                        'docs/benchmarks')
    options = parser.parse_args()
    names = options.document or [
        os.path.join(DOCUMENTS, name) for name in sorted(os.listdir(DOCUMENTS))
        if name.endswith('.rst')]
    for name in names:
        with open(name) as file:
            old = file.read()
        new = fill(old, load_result)
        if new != old:
            report.write(name, new)
            print('%s: figures filled in' % os.path.normpath(name))
    return 0


if __name__ == '__main__':
    sys.exit(main())
