# SPDX-License-Identifier: GPL-2.0-or-later
#
# The rows of a table of run.py: which programs take turns at which setting,
# how far all is, and what came of it.  A program that cannot do a row is not
# measured, and its own sentence says why.

import sys
import time

import backends
import report


class Progress:
    """Says on stderr how far a table is and how long it will take."""

    def __init__(self, weights):
        self.total, self.done = sum(weights), 0.0
        self.count, self.number = len(weights), 0
        self.began = time.monotonic()

    def step(self, weight, text):
        self.done += weight
        self.number += 1
        left = (time.monotonic() - self.began) * (self.total - self.done) \
            / self.done
        print('[%d/%d] %s; about %d:%02d left' % (
            self.number, self.count, text, left // 60, left % 60),
            file=sys.stderr, flush=True)


class Row:
    """A setting and the programs that it is measured with; missing has what
    others said that cannot do it."""

    def __init__(self, label, setting, programs, x=None):
        self.label, self.setting = label, setting
        self.programs, self.x = list(programs), x
        self.missing = {}

    def ask(self, bench):
        """Leave programs out that cannot do it, with their own words."""
        for program in list(self.programs):
            reason = bench.missing(program, self.setting)
            if reason:
                self.programs.remove(program)
                self.missing[program] = reason

    def turns(self, options):
        """The order of programs, turned with each repeat.  The first of each
        warms caches; it has to be right, but does not count."""
        yield from ((program, False) for program in self.programs)
        for turn in range(options.repeats):
            order = self.programs if turn % 2 == 0 else self.programs[::-1]
            yield from ((program, True) for program in order)


def measure(bench, row, options, progress):
    """One row of a table, as JSON has it."""
    runs = {program: [] for program in row.programs}
    others = report.Others()
    for program, counts in row.turns(options):
        run = bench.measure(program, row.setting)
        if counts:
            runs[program].append(run)
        progress.step(row.setting.size, '%s %s: %.1f ms' % (
            row.label, program, 1000 * run['wall']))
    return {'label': row.label, 'x': row.x,
            'setting': vars(row.setting).copy(),
            'summary': report.summarize(runs), 'runs': runs,
            'missing': row.missing, 'others': others.share()}


def check_memory(rows, times=1):
    """RuntimeError where a row needs more memory than there is; times is how
    many times more than two machines have."""
    for row in rows:
        reason = backends.missing(row.setting.backend,
                                  int(times * row.setting.bytes))
        if reason:
            raise RuntimeError('%s: %s' % (row.label, reason))


def print_missing(row):
    for program, reason in row.missing.items():
        print('%-26s %-7s not available: %s' % (row.label, program, reason))


def run_rows(bench, options, rows, judge, ask=False):
    """Measure and print; the rows as JSON has them, verdicts included.  With
    ask, a small migration first tells whether a program can do it."""
    check_memory(rows)
    for row in rows if ask else ():
        row.ask(bench)
    progress = Progress([row.setting.size for row in rows
                         for _ in row.turns(options)])
    done = []
    for row in rows:
        print_missing(row)
        found = measure(bench, row, options, progress)
        report.row(row.label, found['summary'])
        if options.threads:
            for line in report.thread_lines(found['summary']):
                print('    ' + line)
        verdicts = judge(found)
        found['targets'] = [verdict.as_dict() for verdict in verdicts]
        report.verdicts(verdicts)
        done.append(found)
    return done
