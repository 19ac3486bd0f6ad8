# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest that writes, from outside: a client of the qtest protocol fills page
# after page with one byte, in a thread of its own.  It works the same way with
# wherry and with a stock QEMU, which is its only merit: each write costs the
# program a line of text, so the rates are small, and there are no CPUs that
# auto-converge could slow down.
#
# Nobody stops such a guest: a stock QEMU takes its writes while the last pages
# are sent, and loses them.  So the migration pauses before the switchover, and
# goes on when close() has returned.  Wherry refuses writes from the pause on.

import random
import threading
import time

from wherrytest import qmp, qtest, ram

# A PC has other things below this page, and at 2 GiB and above.
FIRST = 256
SIZE_MIN, SIZE_MAX = 2 << 20, 2 << 30
BATCH = 32                      # writes that are under way at a time
LINE = b'memset 0x%x 0x1000 0x%02x\n'


def pages_in_order(pattern, nr_pages, rng):
    """Page numbers without end, as the load's patterns have them."""
    hot = FIRST + max(1, (nr_pages - FIRST) // 10)
    while True:
        if pattern == 'seq':
            yield from range(FIRST, nr_pages)
        elif pattern == 'random':
            yield from rng.sample(range(FIRST, nr_pages), nr_pages - FIRST)
        else:
            for _ in range(nr_pages):
                yield rng.randrange(FIRST, hot if rng.random() < 0.9
                                    else nr_pages)


class QtestLoad:
    """Writes from start() to close()."""

    def __init__(self, path, scenario):
        load = scenario['load']
        self.rate, self.zero = load['rate'], load['zero']
        self.rng = random.Random(scenario['ram']['seed'])
        self.order = pages_in_order(load['pattern'],
                                    scenario['ram']['size'] // ram.PAGE,
                                    self.rng)
        self.nr_writes = 0
        self.error = None           # why it ended by itself
        self.refused = False        # and that is an answer of the program
        self.client = qtest.QtestClient(path)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name='load',
                                       daemon=True)

    def start(self):
        self.thread.start()

    def close(self):
        """After this all writes are done, and no more come; the machine
        must be alive or dead, but not frozen."""
        self.stopping.set()
        if self.thread.is_alive():
            self.thread.join(qmp.DEFAULT_TIMEOUT)
        self.client.close()

    def _batch(self):
        """The next writes as text."""
        lines = []
        for number in range(self.nr_writes, self.nr_writes + BATCH):
            zero = self.rng.random() * 100 < self.zero
            lines.append(LINE % (next(self.order) * ram.PAGE,
                                 0 if zero else number // BATCH % 255 + 1))
        return b''.join(lines)

    def _run(self):
        begun = time.monotonic()
        try:
            while not self.stopping.is_set():
                self.client.send(self._batch())
                for _ in range(BATCH):
                    answer = self.client.answer()
                    if answer != 'OK':
                        raise qtest.QtestError('a write was answered by %s'
                                               % answer)
                self.nr_writes += BATCH
                self._pace(begun + self.nr_writes * ram.PAGE
                           / (self.rate or float('inf')))
        except qtest.QtestError as err:
            self.error, self.refused = str(err), True
        except OSError as err:
            self.error = str(err)

    def _pace(self, due):
        ahead = due - time.monotonic()
        if ahead > 0:
            self.stopping.wait(ahead)
