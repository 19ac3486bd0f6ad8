#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What this host can do at best: the limits that a migration is near.  One
thread each, but for the socket, where one sends and one receives.  The best of
some runs counts, since whatever disturbs only adds.
"""

import argparse
import mmap
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
import report  # noqa: E402
from wherrytest import vm  # noqa: E402

PAGE = 4096
STEP = 1 << 20
MADV_HUGEPAGE, MADV_NOHUGEPAGE = 14, 15
MADV_POPULATE_READ, MADV_POPULATE_WRITE = 22, 23


class Host:
    """Each method is one limit and yields (name, value, unit)."""

    def __init__(self, size, repeats):
        self.size, self.repeats = size, repeats
        self.nr_pages = size // PAGE
        self.block = os.urandom(STEP)

    def best(self, function):
        """Least seconds of CPU and of wall that a function took; what it
        returns is closed outside of the clock."""
        times = []
        for _ in range(self.repeats):
            wall, cpu = time.perf_counter(), time.thread_time()
            made = function()
            times.append((time.thread_time() - cpu,
                          time.perf_counter() - wall))
            for thing in made or ():
                thing.close()
        return tuple(min(column) for column in zip(*times))

    def per_page(self, function):
        return self.best(function)[0] / self.nr_pages * 1e9

    def shm(self, populated=True):
        fd = os.memfd_create('limits')
        os.ftruncate(fd, self.size)
        file = os.fdopen(fd, 'r+b', 0)
        if populated:
            for at in range(0, self.size, STEP):
                os.pwrite(fd, self.block, at)
        return file

    def reading(self):
        """Memory read by one core, which is what a zero test can do."""
        zeroes = bytearray(self.size)
        seconds, _ = self.best(lambda: zeroes.find(b'\1') and None)
        yield 'memory read by one core (memchr)', \
            self.size / seconds / 1e9, 'GB/s'

    def copying(self):
        data, other = bytearray(self.size), bytearray(self.size)

        def copy():
            memoryview(other)[:] = data
        seconds, _ = self.best(copy)
        yield 'memory copied by one core', self.size / seconds / 1e9, 'GB/s'

    def mapping(self):
        with self.shm() as file:
            def populate():
                area = mmap.mmap(file.fileno(), self.size)
                area.madvise(MADV_POPULATE_READ)
                return (area,)
            yield 'present pages of shared memory mapped', \
                self.per_page(populate), 'ns/page'

    def fresh_shared(self):
        def write():
            file = self.shm(populated=True)
            return (file,)
        yield 'fresh pages of shared memory written by system call', \
            self.per_page(write), 'ns/page'

        def populate():
            file = self.shm(populated=False)
            area = mmap.mmap(file.fileno(), self.size)
            area.madvise(MADV_POPULATE_WRITE)
            return area, file
        yield 'fresh pages of shared memory populated', \
            self.per_page(populate), 'ns/page'

    def fresh_anonymous(self):
        for text, advice in (('4 KiB', MADV_NOHUGEPAGE),
                             ('2 MiB', MADV_HUGEPAGE)):
            def populate(advice=advice):
                area = mmap.mmap(-1, self.size,
                                 flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
                area.madvise(advice)
                area.madvise(MADV_POPULATE_WRITE)
                return (area,)
            yield 'fresh anonymous memory, pages of ' + text, \
                self.per_page(populate), 'ns/page'

    def unix_socket(self):
        """Populated memory to populated memory, in megabytes at a time."""
        into = bytearray(STEP)
        used = []

        def receive(end):
            began = time.thread_time()
            left = self.size
            while left:
                left -= end.recv_into(into)
            used.append(time.thread_time() - began)

        def send():
            ends = socket.socketpair()
            thread = threading.Thread(target=receive, args=(ends[1],))
            thread.start()
            for _ in range(self.size // STEP):
                ends[0].sendall(self.block)
            thread.join()
            return ends
        cpu, wall = self.best(send)
        yield 'unix socket, sender', cpu / self.nr_pages * 1e9, 'ns/page'
        yield 'unix socket, receiver', min(used) / self.nr_pages * 1e9, \
            'ns/page'
        yield 'unix socket, both at once', self.size / wall / 1e9, 'GB/s'

    def spliced(self):
        """From a socket through a pipe into a fresh memory file."""
        def run():
            file = self.shm(populated=False)
            ends = socket.socketpair()
            thread = threading.Thread(
                target=lambda: [ends[0].sendall(self.block)
                                for _ in range(self.size // STEP)])
            thread.start()
            out, into = os.pipe()
            left = self.size
            while left:
                count = os.splice(ends[1].fileno(), into, STEP)
                while count:
                    moved = os.splice(out, file.fileno(), count)
                    count -= moved
                    left -= moved
            thread.join()
            os.close(out)
            os.close(into)
            return (file,) + ends
        yield 'unix socket spliced into fresh shared memory, receiver', \
            self.per_page(run), 'ns/page'

    def holes(self):
        with self.shm(populated=False) as file:
            def seek():
                try:
                    os.lseek(file.fileno(), 0, os.SEEK_DATA)
                except OSError:
                    pass
            yield 'holes of an empty memory file asked for', \
                self.best(seek)[1] * 1e9, 'ns'

    def wakeup(self):
        """Two threads that wake each other in turn."""
        count = 2000
        ends = socket.socketpair()

        def answer():
            for _ in range(count):
                ends[1].send(ends[1].recv(1))

        thread = threading.Thread(target=answer)
        thread.start()
        began = time.perf_counter()
        for _ in range(count):
            ends[0].send(b'x')
            ends[0].recv(1)
        took = time.perf_counter() - began
        thread.join()
        for end in ends:
            end.close()
        yield 'a thread woken through a socket (Python included)', \
            took / count / 2 * 1e9, 'ns'


LIMITS = (Host.reading, Host.copying, Host.mapping, Host.fresh_shared,
          Host.fresh_anonymous, Host.unix_socket, Host.spliced, Host.holes,
          Host.wakeup)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, default=256, metavar='MIB')
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--output', metavar='NAME', help='write NAME.json')
    options = parser.parse_args()
    host = Host(options.size * vm.MIB, options.repeats)
    rows = []
    for limit in LIMITS:
        try:
            for name, value, unit in limit(host):
                print('%-58s %8.1f %s' % (name, value, unit), flush=True)
                rows.append({'label': name, 'value': value, 'unit': unit})
        except (OSError, AttributeError) as err:
            print('%s: %s' % (limit.__name__, err), file=sys.stderr)
    if options.output:
        report.write(options.output + '.json', report.document(
            'limits', options, [], rows))
    return 0


if __name__ == '__main__':
    sys.exit(main())
