#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The migrations of scripts/demo.sh: from wherry to wherry and on to a stock
# QEMU, with the progress shown and the memory compared byte for byte.  Zero
# pages are found by DSA work queues, in software unless others are named, and
# what those did is shown.

import argparse
import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'tests', 'lib'))
from wherrytest import migrate, qmp, ram, vm  # noqa: E402

# Two kinds of queue; batches as large as a packet, as an administrator sets it.
SOFT_QUEUES = ['dsa:soft?mode=shared,max-batch-size=128',
               'dsa:soft?mode=dedicated,max-batch-size=128']
# Members of cpu-pages, and what they mean to somebody who watches.
CPU_REASONS = (('looked', 'normal at first sight'),
               ('stepped-back', 'while stepped back from the queues'),
               ('page-fault', 'after a page fault'),
               ('not-done', 'left out by a batch'),
               ('queue-full', 'with all queues full'),
               ('timeout', 'without an answer'),
               ('device-error', 'with a wrong answer'),
               ('no-queue', 'with no queue left'))
COLUMNS = '%-18s %8s %9s %9s %9s %10s %11s %11s  %s'


class Progress:
    """One line that changes on a terminal, a few lines elsewhere."""

    def __init__(self, title):
        self.title = title
        self.terminal = sys.stdout.isatty()
        self.last = (time.monotonic(), 0)
        self.shown = -25

    def show(self, stats):
        total = stats['total'] or 1
        percent = 100 * (total - stats['remaining']) // total
        now, sent = time.monotonic(), stats['transferred']
        rate = (sent - self.last[1]) / max(now - self.last[0], 1e-3)
        self.last = (now, sent)
        line = '  %-18s %3d %%  %6.0f MiB/s' % (self.title, percent,
                                               rate / vm.MIB)
        if self.terminal:
            print('\r' + line, end='', flush=True)
        elif percent >= self.shown + 25:
            self.shown = percent
            print(line, flush=True)

    def end(self, status):
        line = '  %-18s %s' % (self.title, status)
        print('\r%-60s' % line if self.terminal else line, flush=True)


def grouped(number):
    return '{:,}'.format(number).replace(',', ' ')


def detector_lines(info):
    """What found the zero pages of a migration, for people to read."""
    found = info.get('zero-page-detector') or {}
    dsa = found.get('dsa')
    if not dsa:
        return
    yield '  zero-page-detection %s, dsa-completion %s:' % (
        found['detector'], dsa['completion'])
    for number, queue in enumerate(dsa['queues']):
        yield '    queue %d: %-10s %-9s %9s pages in %s batches, %s retries' \
            % (number, queue['backend'], queue['mode'],
               grouped(queue['descriptors']), grouped(queue['batches']),
               grouped(queue['retries']))
        if 'given-up' in queue:
            yield '      given up: ' + queue['given-up']
    told = [(dsa['cpu-pages'][name], text) for name, text in CPU_REASONS]
    yield '    by the CPU:                  %9s pages%s' % (
        grouped(sum(count for count, _ in told)),
        ''.join(', %s %s' % (grouped(count), text)
                for count, text in told if count))
    yield '    page faults: %s, steps back: %s, waits: %s, in all %.1f ms' % (
        grouped(dsa['page-faults']), grouped(dsa['steps-back']),
        grouped(dsa['waits']), dsa['wait-time'] / 1e6)


class Demo:
    def __init__(self, options):
        self.options = options
        self.size = options.size * vm.MIB
        self.folder = vm.make_folder(need=3 * self.size + 64 * vm.MIB)
        self.machines = []
        self.rows = []          # verified or not, per hop
        self.table = []
        self.queues = options.accel_path or SOFT_QUEUES

    def close(self):
        for machine in self.machines:
            machine.kill()
        shutil.rmtree(self.folder, True)

    def machine(self, kind, name, **more):
        made = vm.VM(kind, self.folder, name, size=self.size, start=False,
                     **more)
        self.machines.append(made)
        made.start()
        return made

    def source(self):
        print('Making %d MiB of guest memory: holes, zeroes, data in turn ...'
              % self.options.size, flush=True)
        path = os.path.join(self.folder, 'first.ram')
        ram.create(path, self.size, 'mixed')
        return self.machine(vm.WHERRY, 'first', image=path)

    def hop(self, title, src, kind, name):
        """Migrate on to a new machine and add a row; the machine."""
        dst = self.machine(kind, name, incoming='defer')
        for machine in (src, dst):
            migrate.configure(machine, ('multifd',), {
                'multifd_channels': self.options.channels,
                'max_bandwidth': self.options.bandwidth * vm.MIB})
        src.parameters(zero_page_detection='dsa-accel',
                       accel_path=self.queues)
        uri = dst.listen('unix:' + os.path.join(self.folder, name + '.sock'))
        before = [vm.cpu_seconds(m.pid) for m in (src, dst)]
        src.qmp.cmd('migrate', {'uri': uri})
        self.watch(Progress(title), src)
        outcome = migrate.end_status(dst)
        print('\n'.join(detector_lines(src.info())), flush=True)
        cpu = [vm.cpu_seconds(m.pid) - was if m.alive() else 0
               for m, was in zip((src, dst), before)]
        self.add_row(title, src, dst, outcome, cpu)
        return dst

    @staticmethod
    def watch(progress, src):
        """Show figures until the source says that it has ended."""
        while True:
            try:
                status = src.qmp.wait_status(migrate.ENDED, 0.2)
                break
            except qmp.QmpTimeout:
                stats = src.info().get('ram')
                if stats:
                    progress.show(stats)
        progress.end(status)

    def add_row(self, title, src, dst, outcome, cpu):
        info = src.info()
        verified = outcome == 'completed' and \
            info['status'] == 'completed' and \
            ram.first_difference(self.machines[0].ram_path,
                                 dst.ram_path) is None
        stats = info.get('ram', {})
        self.rows.append(verified)
        self.table.append(COLUMNS % (
            title, '%.2f s' % (info.get('total-time', 0) / 1000),
            '%d ms' % info.get('downtime', 0), stats.get('normal', 0),
            stats.get('duplicate', 0),
            '%d MiB' % (stats.get('transferred', 0) // vm.MIB),
            '%.2f s' % cpu[0], '%.2f s' % cpu[1],
            'verified: ' + ('yes' if verified else 'no')))
        if not verified:
            reason = info.get('error-desc') or dst.log().strip()
            self.table.append('  %s' % (reason or 'the memory differs'))

    def run(self):
        """All hops; True when all memory has arrived."""
        first = self.source()
        limit = 'at most %d MiB/s' % self.options.bandwidth \
            if self.options.bandwidth else 'as fast as it goes'
        print('Migrating with %d multifd channels, %s, zero pages found by %s:'
              % (self.options.channels, limit, ' and '.join(self.queues)),
              flush=True)
        second = self.hop('wherry to wherry', first, vm.WHERRY, 'second')
        stock = vm.binary(vm.QEMU)
        if stock and self.rows[-1]:
            self.hop('on to stock QEMU', second, vm.QEMU, 'third')
        print()
        print((COLUMNS % ('', 'time', 'downtime', 'normal', 'zero', 'bytes',
                          'CPU source', 'CPU dest.', '')).rstrip())
        print('\n'.join(self.table))
        if not stock:
            print('No qemu-system-x86_64 here, so no migration to a stock '
                  'QEMU; scripts/install-deps.sh --interop installs one.')
        return all(self.rows)


def main():
    parser = argparse.ArgumentParser(
        prog='demo', description='Migrate guest memory between two wherry '
        'processes, and on to a stock QEMU if there is one.')
    parser.add_argument('--wherry', metavar='PATH', help=argparse.SUPPRESS)
    parser.add_argument('--size', type=int, default=1024, metavar='MIB',
                        help='guest memory in MiB (default 1024)')
    parser.add_argument('--channels', type=int, default=2, metavar='N',
                        help='multifd channels (default 2)')
    parser.add_argument('--bandwidth', type=int, default=128, metavar='MIB',
                        help='max-bandwidth in MiB/s, 0 for none '
                        '(default 128)')
    parser.add_argument('--accel-path', action='append', metavar='PATH',
                        help='DSA work queue that finds zero pages, such as '
                        'dsa:auto; may be given several times (default: two '
                        'in software)')
    options = parser.parse_args()
    if options.wherry:
        os.environ['WHERRY'] = options.wherry
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    demo = Demo(options)
    try:
        return 0 if demo.run() else 1
    except (RuntimeError, OSError, qmp.QmpError, qmp.QmpTimeout,
            qmp.QmpClosed) as err:
        print('demo: %s' % err, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
        return 130
    finally:
        demo.close()


if __name__ == '__main__':
    sys.exit(main())
