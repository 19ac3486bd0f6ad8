# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reports: one JSON file per run, with what is needed to judge its figures
# later: host, programs, scenario, every sample, what query-migrate said at the
# end, and whether the memory arrived.  A file that contradicts itself is not
# loaded.

import json
import os
import platform
import shlex
import subprocess
import sys
import time

from wherrytest import vm

from . import Error, sample

FORMAT = 'wherry-guestperf'
VERSION = 1
SIDES = ('source', 'destination')
MEMBERS = {'date': str, 'command': str, 'host': dict, 'tree': dict,
           'programs': dict, 'scenario': dict, 'outcome': dict,
           'samples': list, 'events': list, 'final': dict, 'ram-check': dict,
           'cpu-clock': dict, 'runner-cpu-seconds': (int, float)}


def _output(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              check=False,
                              cwd=os.path.dirname(os.path.abspath(__file__)))
        return done.stdout.strip() if done.returncode == 0 else None
    except OSError:
        return None


def _field(path, start):
    try:
        with open(path) as lines:
            for line in lines:
                if line.startswith(start):
                    return line.split(':', 1)[-1].strip()
    except OSError:
        pass
    return None


def host():
    return {'cpu': _field('/proc/cpuinfo', 'model name'),
            'cpus': len(os.sched_getaffinity(0)),
            'memory': _field('/proc/meminfo', 'MemTotal'),
            'kernel': platform.release(), 'machine': platform.machine(),
            'load-average': os.getloadavg()[0]}


def tree():
    """The checkout that this file is of, if it is in one."""
    status = _output('git', 'status', '--porcelain')
    return {'commit': _output('git', 'rev-parse', 'HEAD'),
            'dirty': None if status is None else bool(status)}


def build(run, sampler, outcome, final, verdict, runner_cpu):
    """The report of a run that has just ended."""
    peak = {side: vm.peak_rss(machine.pid) if machine.alive() else None
            for side, machine in zip(SIDES, run.machines)}
    return {
        'format': FORMAT, 'version': VERSION,
        'date': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
        'command': shlex.join(sys.argv), 'host': host(), 'tree': tree(),
        'programs': {side: program.describe()
                     for side, program in run.programs.items()},
        'scenario': dict(run.scenario.values, name=run.scenario.name),
        'outcome': outcome, 'samples': sampler.samples,
        'events': run.events, 'final': final, 'ram-check': verdict,
        'load-writes': run.load.nr_writes if run.load else None,
        'peak-rss': peak, 'cpu-clock': sampler.clocks,
        'runner-cpu-seconds': round(runner_cpu, 6)}


def write(path, document):
    try:
        with open(path, 'w', encoding='utf-8') as out:
            json.dump(document, out, indent=1, sort_keys=True)
            out.write('\n')
    except OSError as err:
        raise Error('%s cannot be written: %s' % (path, err)) from err


def check(path, document):
    """Error when it is no report, or one whose figures do not agree."""
    if not isinstance(document, dict) or document.get('format') != FORMAT:
        raise Error('%s is not a report of guestperf' % path)
    if document.get('version') != VERSION:
        raise Error('%s is a report of version %s; this program knows '
                    'version %d' % (path, document.get('version'), VERSION))
    for name, kind in MEMBERS.items():
        if not isinstance(document.get(name), kind):
            raise Error('%s is damaged: member %s is missing or wrong'
                        % (path, name))
    if not document['samples']:
        raise Error('%s is damaged: it has no samples' % path)
    last = document['samples'][-1]
    told = sample.brief(document['final'].get('source') or {})
    for name, value in told.items():
        if last.get(name) != value:
            raise Error('%s contradicts itself: %s is %s in the last sample '
                        'and %s in the final query-migrate'
                        % (path, name, last.get(name), value))
    times = [one['time'] for one in document['samples']]
    if times != sorted(times):
        raise Error('%s contradicts itself: its samples are not in the order '
                    'of their times' % path)


def load(path):
    try:
        with open(path, encoding='utf-8') as file:
            document = json.load(file)
    except (OSError, UnicodeDecodeError) as err:
        raise Error('%s cannot be read: %s' % (path, err)) from err
    except ValueError as err:
        raise Error('%s is not JSON: %s' % (path, err)) from err
    check(path, document)
    return document
