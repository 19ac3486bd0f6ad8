# SPDX-License-Identifier: GPL-2.0-or-later
#
# How long a process took to answer, without the time that it, or the test,
# was ready to run and a busy host gave the processor to others, or the host
# of a virtual one did.  A wait for a lock, a peer or a timer counts in full.

import os
import time


def run_delay(pid):
    """Seconds the threads of a process have spent, all together, ready to
    run but without a processor."""
    delay = 0
    base = '/proc/%d/task' % pid
    try:
        for tid in os.listdir(base):
            with open('%s/%s/schedstat' % (base, tid)) as stat:
                delay += int(stat.read().split()[1])
    except (OSError, IndexError):
        pass                    # an old kernel, or a thread that has ended
    return delay / 1e9


def stolen():
    """Seconds, of all processors together, that the host of this machine gave
    to others; known in steps of some 10 ms."""
    with open('/proc/stat') as stat:
        fields = stat.readline().split()
    return int(fields[8]) / os.sysconf('SC_CLK_TCK') if len(fields) > 8 else 0


class Stopwatch:
    """Started when made; may be read more than once.

    All threads of both count: one that has to wait for a processor may hold
    what another one needs, in Python the interpreter.
    """

    def __init__(self, pid):
        self.pid = pid
        self.before = self._delay()
        self.began = time.monotonic()

    def _delay(self):
        return run_delay(self.pid) + run_delay(os.getpid()) + stolen()

    def seconds(self):
        wall = time.monotonic() - self.began
        return max(0.0, wall - max(0.0, self._delay() - self.before))
