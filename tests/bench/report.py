# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a benchmark run cost, and how it is told: a table on stdout and JSON
# with all that is needed to judge the figures later.

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


class Usage:
    """Wall clock and the CPU time of a process, at one moment."""

    def __init__(self, pid):
        self.wall = time.monotonic()
        self.cpu = vm.cpu_seconds(pid)
        self.rss = vm.peak_rss(pid)
        with open('/proc/%d/stat' % pid) as stat:
            fields = stat.read().rsplit(')', 1)[1].split()
        tick = os.sysconf('SC_CLK_TCK')
        self.user, self.system = (int(fields[n]) / tick for n in (11, 12))


def figures(before, after, info):
    """One run as numbers; times in seconds, sizes in bytes."""
    stats = info['ram']
    run = {
        'wall': after[1].wall - before[0].wall,
        'cpu': sum(a.cpu - b.cpu for a, b in zip(after, before)),
        'total-time-ms': info['total-time'],
        'downtime-ms': info['downtime'],
        'normal-pages': stats['normal'],
        'zero-pages': stats['duplicate'],
        'transferred': stats['transferred'],
    }
    for side, old, new in zip(SIDES, before, after):
        run[side] = {'cpu': new.cpu - old.cpu, 'user': new.user - old.user,
                     'system': new.system - old.system, 'peak-rss': new.rss}
    return run


def value(run, name):
    return run[name]['cpu'] if name in SIDES else run[name]


def spread(values):
    """Median, smallest, largest."""
    return {'median': statistics.median(values), 'min': min(values),
            'max': max(values)}


def summarize(runs):
    """program -> figure -> spread, and the ratios of paired runs."""
    names = ('wall', 'cpu') + SIDES
    summary = {program: {name: spread([value(r, name) for r in of_program])
                         for name in names}
               for program, of_program in runs.items()}
    if len(runs) == 2:
        summary['ratio'] = {
            name: spread([value(a, name) / value(b, name) for a, b
                          in zip(runs[vm.WHERRY], runs[vm.QEMU])])
            for name in names}
    return summary


def heading(options):
    print('%d MiB, %s memory, %s over %s, %d counted runs each' % (
        options.size, options.backend,
        'multifd with %d channels' % options.channels if options.channels
        else 'plain', options.transport, options.repeats))
    print('%-8s %-8s %21s %21s %12s %12s' % (
        '', '', 'wall ms (min-max)', 'CPU ms (min-max)', 'source CPU',
        'dest. CPU'))


def _cell(item, factor, digits):
    return '%.*f (%.*f-%.*f)' % (digits, item['median'] * factor,
                                 digits, item['min'] * factor,
                                 digits, item['max'] * factor)


def scenario(kind, runs):
    for program, item in summarize(runs).items():
        ratio = program == 'ratio'
        factor, digits = (1, 2) if ratio else (1000, 0)
        print('%-8s %-8s %21s %21s %12.*f %12.*f' % (
            kind, program, _cell(item['wall'], factor, digits),
            _cell(item['cpu'], factor, digits),
            digits, item['source']['median'] * factor,
            digits, item['destination']['median'] * factor), flush=True)


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
        'machine': platform.machine(),
    }


def write(options, programs, results):
    """All figures with commit, host, kernel, command and repeats."""
    document = {
        'commit': _output('git', 'rev-parse', 'HEAD'),
        'dirty': bool(_output('git', 'status', '--porcelain')),
        'date': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
        'host': host(),
        'kernel': platform.release(),
        'command': shlex.join(sys.argv),
        'options': vars(options),
        'versions': {program: _output(vm.binary(program),
                                      '--version').splitlines()[:1]
                     for program in programs},
        'repeats': options.repeats,
        'scenarios': {kind: {'summary': summarize(runs), 'runs': runs}
                      for kind, runs in results.items()},
    }
    with open(options.output, 'w') as out:
        json.dump(document, out, indent=1, sort_keys=True)
        out.write('\n')
