# SPDX-License-Identifier: GPL-2.0-or-later
#
# What benchmark runs cost, and how it is told: a table on stdout, and JSON with
# all that is needed to judge the figures later.  Programs are compared by
# pairs, one run of each after the other; a factor is how many times less
# Wherry took than the stock program of its pair.

import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time

from wherrytest import vm

SIDES = ('source', 'destination')
# In the order in which they are told; the stock program is the last.
PROGRAMS = tuple(vm.PROGRAMS)
# Of one run: name -> how to get it.
VALUES = {
    'wall': lambda run: run['wall'],
    'cpu': lambda run: run['cpu'],
    'source': lambda run: run['source']['cpu'],
    'destination': lambda run: run['destination']['cpu'],
    'setup': lambda run: run['setup'],
    'total-time': lambda run: run['total-time-ms'] / 1000,
    'downtime': lambda run: run.get('stood-still-ms', run['downtime-ms']),
    'rounds': lambda run: run['rounds'],
    'transferred': lambda run: run.get('transferred', 0),
    'pages-sent': lambda run: run['normal-pages'] + run['zero-pages'],
    'source-growth': lambda run: _growth(run['source']),
    'destination-growth': lambda run: _growth(run['destination']),
    'source-faults': lambda run: run['source']['faults'],
    'destination-faults': lambda run: run['destination']['faults'],
}
FACTORS = ('wall', 'cpu', 'source', 'destination')


def _growth(side):
    """Memory that a side has come to use, mapped or only held by its file."""
    return max(side['resident'], side['allocated'])


def ours(of_programs):
    """The program that the stock one is compared with, or None."""
    for program in PROGRAMS:
        if program in of_programs and program != vm.QEMU:
            return program
    return None


def spread(values):
    """Median, smallest, largest."""
    return {'median': statistics.median(values), 'min': min(values),
            'max': max(values)}


def factors(runs, stock, name):
    """One factor for each pair that has one."""
    pairs = [(VALUES[name](a), VALUES[name](b)) for a, b in zip(runs, stock)]
    return [b / a for a, b in pairs if a > 0]


def threads(runs):
    """side -> thread -> median seconds, figures of threads that a run did
    not have being 0."""
    found = {}
    for side in SIDES:
        names = sorted({name for run in runs for name in run[side]['threads']})
        found[side] = {
            name: {key: statistics.median(
                run[side]['threads'].get(name, {}).get(key, 0)
                for run in runs) for key in ('cpu', 'faults', 'switches')}
            for name in names}
    return found


def summarize(runs):
    """program -> figure -> spread, the threads, and the factors of pairs."""
    summary = {program: {name: spread([value(run) for run in of_program])
                         for name, value in VALUES.items()}
               for program, of_program in runs.items()}
    for program, of_program in runs.items():
        summary[program]['threads'] = threads(of_program)
    if ours(runs) and vm.QEMU in runs:
        found = {name: factors(runs[ours(runs)], runs[vm.QEMU], name)
                 for name in FACTORS}
        summary['factor'] = {name: spread(values)
                             for name, values in found.items() if values}
    return summary


# -- as text ------------------------------------------------------------------

def cell(item, factor=1000):
    """Median (min-max), with three digits that say something."""
    values = [item[key] * factor for key in ('median', 'min', 'max')]
    whole = all(value == int(value) for value in values)
    digits = 0 if whole or values[0] >= 100 else 1 if values[0] >= 10 else 2
    return '%.*f (%.*f-%.*f)' % (digits, values[0], digits, values[1],
                                 digits, values[2])


_FORM = '%-26s %-7s %23s %23s %17s %17s %13s'


def heading(text):
    print(text)
    print(_FORM % ('', '', 'wall ms (min-max)', 'CPU ms (min-max)',
                   'source CPU ms', 'dest. CPU ms', 'growth MiB'))


def row(label, summary):
    """The lines of one setting."""
    for program in PROGRAMS:
        item = summary.get(program)
        if item:
            growth = '%.0f + %.0f' % tuple(
                item[side + '-growth']['median'] / (1 << 20)
                for side in SIDES)
            print(_FORM % (label, program, cell(item['wall']),
                           cell(item['cpu']), cell(item['source']).split()[0],
                           cell(item['destination']).split()[0], growth))
    if 'factor' in summary:
        item = summary['factor']
        texts = [cell(item[name], 1) if name in item else '-'
                 for name in FACTORS]
        print(_FORM % (label, 'factor', texts[0], texts[1],
                       texts[2].split()[0], texts[3].split()[0], ''))
    sys.stdout.flush()


def thread_lines(summary, least=0.02):
    """Lines with the CPU time of each thread that used some of it."""
    for program in PROGRAMS:
        for side in SIDES if program in summary else ():
            found = summary[program]['threads'][side]
            total = sum(entry['cpu'] for entry in found.values())
            parts = ['%s %.1f' % (name, 1000 * entry['cpu'])
                     for name, entry in sorted(
                         found.items(), key=lambda item: -item[1]['cpu'])
                     if total and entry['cpu'] >= least * total]
            yield '%s %s, ms by thread: %s' % (program, side,
                                               ', '.join(parts))


def verdicts(found):
    for verdict in found:
        print('    %s' % verdict)
    sys.stdout.flush()


# -- where it was measured ----------------------------------------------------

def _output(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              check=False,
                              cwd=os.path.dirname(os.path.abspath(__file__)))
        return done.stdout.strip()
    except OSError:
        return ''


def _first_line(path, start):
    try:
        with open(path) as lines:
            for line in lines:
                if line.startswith(start):
                    return line.split(':', 1)[-1].strip()
    except OSError:
        pass
    return None


def host():
    return {
        'cpu': _first_line('/proc/cpuinfo', 'model name'),
        'cpus': len(os.sched_getaffinity(0)),
        'memory': _first_line('/proc/meminfo', 'MemTotal'),
        'governor': _first_line('/sys/devices/system/cpu/cpu0/cpufreq/'
                                'scaling_governor', ''),
        'hypervisor': 'hypervisor' in (_first_line('/proc/cpuinfo', 'flags')
                                       or '').split(),
        'huge pages': {
            name: _first_line('/sys/kernel/mm/transparent_hugepage/' + name,
                              '')
            for name in ('enabled', 'shmem_enabled')},
        'machine': platform.machine(),
    }


class Others:
    """What of the processors went to neither side nor to this program."""

    def __init__(self):
        self.began = time.monotonic()
        self.before = self._read()

    @staticmethod
    def _read():
        tick = os.sysconf('SC_CLK_TCK')
        with open('/proc/stat') as stat:
            user, nice, system, _, _, irq, softirq, steal = (
                int(field) / tick for field in stat.readline().split()[1:9])
        return user + nice + system + irq + softirq - sum(os.times()[:4]), \
            steal

    def share(self):
        """(of other processes, of other guests of the host), 0 to 1."""
        room = max(1e-3, (time.monotonic() - self.began) * os.cpu_count())
        return tuple(round(max(0.0, (new - old) / room), 4)
                     for new, old in zip(self._read(), self.before))


def document(table, options, programs, rows):
    """All figures with commit, host, kernel and command."""
    return {
        'table': table,
        'commit': _output('git', 'rev-parse', 'HEAD'),
        'dirty': bool(_output('git', 'status', '--porcelain')),
        'date': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
        'host': host(),
        'kernel': platform.release(),
        'command': shlex.join(sys.argv),
        'options': vars(options),
        'versions': {program: (_output(vm.binary(program), '--version')
                               .splitlines() or [''])[0]
                     for program in programs},
        'repeats': options.repeats,
        'rows': rows,
    }


def _rounded(value):
    """Nobody measures less than a microsecond here."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value


def write(path, content):
    """Write a document or a text, making the folder."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, 'w') as out:
        if isinstance(content, str):
            out.write(content)
        else:
            json.dump(_rounded(content), out, indent=1, sort_keys=True)
            out.write('\n')
