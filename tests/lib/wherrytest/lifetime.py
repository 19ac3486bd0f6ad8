# SPDX-License-Identifier: GPL-2.0-or-later
#
# When which guest ran, from the machines' own logs: what stands there was
# written before the guest started, and after it was stopped, and outlives a
# kill -9.  The proof that no guest ever ran in two places.

import glob
import math
import re
import signal
import time

# The option that a machine needs.
OPTIONS = ['-trace', 'runstate_set']

# Numbers of write, sendto, sendmsg, writev, splice and vmsplice on x86-64.
SENDING = ('1', '44', '46', '20', '275', '278')
_LINE = re.compile(r'\d+@(\d+\.\d+):runstate_set (\S+) -> (\S+)')


def kill(machine):
    """kill -9, noted; the machine's monitor stays open for its last words."""
    machine.expect_exit = True
    machine.died = time.time()
    machine.process.send_signal(signal.SIGKILL)
    machine.process.wait()


def runs(machine):
    """(from, to) of each time that the guest may have run."""
    found = []
    begin = None
    for line in machine.log().splitlines():
        match = _LINE.search(line)
        if not match:
            continue
        at, old, new = float(match[1]), match[2], match[3]
        if new == 'running':
            begin = at
        elif old == 'running':
            found.append((begin, at))
            begin = None
    if begin is not None:
        # Nobody hears of its death before it has died; the kill came first.
        found.append((begin, getattr(machine, 'died', math.inf)))
    return found


def check_one_at_a_time(*machines):
    """The guest has not run in two of them at the same time."""
    spans = sorted((begin, end, machine.name) for machine in machines
                   for begin, end in runs(machine))
    for (b1, e1, one), (b2, e2, two) in zip(spans, spans[1:]):
        if b2 < e1:
            raise AssertionError(
                'the guest ran in %s from %.6f to %.6f and in %s from %.6f '
                'to %.6f' % (one, b1, e1, two, b2, e2))


def waits_for_room(machine):
    """Does a thread of it sleep in a call that sends to a full socket?"""
    for path in glob.glob('/proc/%d/task/*/syscall' % machine.pid):
        try:
            with open(path) as file:
                words = file.read().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[0] in SENDING:
            return True
    return False
