# SPDX-License-Identifier: GPL-2.0-or-later
#
# Figures over time: what query-migrate says at the source, and the CPU time of
# each thread of both processes.  All times are of the monotonic clock, in
# seconds since the migrate command; CPU times are cumulative from there.
#
# What a thread did between the last sample and its end is in no file of /proc.
# It is not lost: the CPU clock of the process has it, and the difference
# stands under ENDED.

import os
import time

from wherrytest import vm

ENDED = '(threads that ended)'
# Members of query-migrate that a sample keeps.
TOP = ('status', 'total-time', 'setup-time', 'downtime',
       'expected-downtime', 'cpu-throttle-percentage')
RAM = ('total', 'transferred', 'remaining', 'normal', 'normal-bytes',
       'duplicate', 'dirty-pages-rate', 'dirty-sync-count', 'mbps',
       'pages-per-second', 'multifd-bytes', 'precopy-bytes',
       'downtime-bytes', 'page-size')


def brief(info):
    """The members of query-migrate that tell the progress."""
    kept = {name: info[name] for name in TOP if name in info}
    stats = info.get('ram', {})
    kept['ram'] = {name: stats[name] for name in RAM if name in stats}
    return kept


def _read(path):
    with open(path) as file:
        return file.read()


class Threads:
    """CPU time of a process since this was made, by thread name."""

    def __init__(self, pid):
        self.pid = pid
        self.folder = '/proc/%d/task' % pid
        try:
            _read('%s/%d/schedstat' % (self.folder, pid))
            self.clock = 'schedstat'
        except OSError:
            self.clock = 'stat'
        self.seen = {}              # thread id: ns
        self.spent = {}             # name: ns since this was made
        self.process_ns = 0
        self.base_ns = self._process_ns()
        self._look(first=True)

    def _process_ns(self):
        return int(vm.cpu_seconds(self.pid) * 1e9)

    def _thread_ns(self, tid):
        text = _read('%s/%s/%s' % (self.folder, tid, self.clock))
        if self.clock == 'schedstat':
            return int(text.split()[0])
        fields = text.rsplit(')', 1)[1].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks * 1000000000 // os.sysconf('SC_CLK_TCK')

    def _look(self, first=False):
        """Add what each thread took since the last look to its name.  A new
        thread has its parent's for a moment, and that part stays there, so
        that no figure ever goes back."""
        seen = {}
        for tid in os.listdir(self.folder):
            try:
                name = _read('%s/%s/comm' % (self.folder, tid)).rstrip('\n')
                now = self._thread_ns(tid)
            except (FileNotFoundError, ProcessLookupError):
                continue            # ended since the folder was listed
            before = self.seen.get(tid, now if first else 0)
            if now < before:
                before = 0          # another thread with the same number
            self.spent[name] = self.spent.get(name, 0) + now - before
            seen[tid] = now
        self.seen = seen

    def read(self):
        """{name: ns} with the last figure of those that ended, and the
        process as a whole."""
        try:
            self._look()
            self.process_ns = self._process_ns() - self.base_ns
        except OSError:
            pass                    # the process is gone; as it was last
        threads = dict(self.spent)
        known = sum(threads.values())
        if self.process_ns > known:
            threads[ENDED] = self.process_ns - known
        return {'process': max(self.process_ns, known), 'threads': threads}


class Sampler:
    """Takes samples of a migration that begins when this is made."""

    def __init__(self, src, dst):
        self.src = src
        self.threads = {'source': Threads(src.pid),
                        'destination': Threads(dst.pid)}
        self.began = time.monotonic()
        self.began_at = time.time()
        self.own = time.process_time()
        self.samples = []

    @property
    def clocks(self):
        return {side: t.clock for side, t in self.threads.items()}

    def now(self):
        return time.monotonic() - self.began

    def take(self, info=None):
        """One more; INFO is query-migrate's answer if it was just asked."""
        if info is None:
            info = self.src.info()
        sample = brief(info)
        sample['time'] = round(self.now(), 6)
        sample['cpu'] = {side: t.read() for side, t in self.threads.items()}
        self.samples.append(sample)
        return sample

    def own_seconds(self):
        """CPU time of this program, which shares the host's CPUs."""
        return time.process_time() - self.own
