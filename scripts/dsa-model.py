#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What finding zero pages with DSA should cost: a model of a migration's source
# (the migration thread, channels, one or more devices, a link) that is fed with
# published figures and with assumptions, and says which is which.  Nothing here
# is a measurement of hardware.

import argparse
import heapq
import json
import sys

KIB = 1024
GUEST_KIB = 102400520           # published: the guest of both scenarios
PAGE = 4096

# name, default, unit, basis, meaning.  Bases: `published` was measured by the
# named others, `derived` is our arithmetic on published figures, `measured` is
# ours and repeatable here, `assumed` is neither.
PARAMETERS = (
    ('guest-kib', GUEST_KIB, 'KiB', 'published', 'guest memory (the series)'),
    ('channels', 8, '', 'published', 'multifd channels (the series)'),
    ('devices', 1, '', 'published', 'DSA devices (the series)'),
    ('engines', 4, '', 'published', 'engines of a device (specification)'),
    ('packet-pages', 1024, 'pages', 'published',
     'pages of a packet and a batch; the series was run with 1024'),
    ('depth', 3, 'batches', 'measured',
     'batches under way per channel: what Wherry does'),
    ('bandwidth', 30.0, 'GB/s', 'published',
     'a device reads this much, all engines together (29 to 34 seen)'),
    ('descriptor-ns', 180.0, 'ns', 'published',
     'engine time of a descriptor, beside its data (22.1 M/s a device)'),
    ('latency-ns', 1250.0, 'ns', 'assumed',
     'from acceptance to a visible record, without queueing'),
    ('batch-fetch-ns', 750.0, 'ns', 'assumed',
     "until a batch's first members are fetched"),
    ('batch-record-ns', 200.0, 'ns', 'assumed',
     "from the last member's record to the batch's"),
    ('enqcmd-ns', 690.0, 'ns', 'derived',
     'the CPU stands for an ENQCMD (800 ns a page seen, less polling)'),
    ('movdir64b-ns', 40.0, 'ns', 'assumed',
     'the CPU stands for a MOVDIR64B'),
    ('syscall-ns', 300.0, 'ns', 'assumed', 'a write() besides its ENQCMDS'),
    ('instructions', 25.0, '/page', 'measured',
     'of submit and wait, packets of 128 (scripts/dsa-instructions.py)'),
    ('ghz', 2.54, 'GHz', 'published', "the series' Xeon 8457C, as listed"),
    ('ipc', 2.0, '', 'assumed', 'instructions a cycle in submit and wait'),
    ('record-miss-ns', 10.0, 'ns', 'assumed',
     'cache miss on a record that a device wrote'),
    ('first-look-ns', 15.0, 'ns', 'assumed',
     'the adaptive step looks at a few words of a page'),
    ('cpu-check-ns', 226.0, 'ns', 'derived',
     "the CPU's scan of a zero page (246 in the series, less page-ns)"),
    ('page-ns', 20.0, 'ns', 'assumed',
     'a sender sorts a page and writes its offset'),
    ('main-page-ns', 144.5, 'ns', 'derived',
     'migration thread a page (series: 150 to 190 with all pages zero)'),
    ('main-packet-ns', 5800.0, 'ns', 'derived',
     'migration thread a packet; if the baseline had 128 pages a packet'),
    ('main-normal-ns', 62.0, 'ns', 'derived',
     'migration thread, a normal page more (series: 62 to 178)'),
    ('send-page-ns', 1482.0, 'ns', 'derived',
     'a sender sends a normal page (series: 1587 to 2325)'),
    ('send-packet-ns', 54000.0, 'ns', 'derived',
     'sending a packet that has normal pages; with the same proviso'),
    ('link-gbps', 46.55, 'Gbit/s', 'published',
     'what the series reached at most'),
    ('sleep-ns', 4000.0, 'ns', 'assumed',
     'a sender goes to sleep and wakes again, CPU time of both'),
    ('wake-ns', 1500.0, 'ns', 'assumed', 'dsa_completion wakes a sender'),
    ('wake-delay-ns', 5000.0, 'ns', 'assumed', 'until the sender runs'),
    ('umwait-exit-ns', 240.0, 'ns', 'published', 'leaving C0.1'),
    ('spin-ns', 1000.0, 'ns', 'assumed', 'polling before the first UMWAIT'),
    ('fault-ns', 300000.0, 'ns', 'published',
     'a device page fault with block-on-fault'),
)

# The series' own figures, milliseconds, of its cover letter.
PUBLISHED = {
    50: {'baseline': {'main': 5657.58, 'senders': [
             3931.563, 4405.273, 3941.968, 5032.975, 4533.865, 4530.461,
             5171.916, 4722.769], 'completion': 0.0, 'sum': 41922,
             'total': 10343},
         'dsa': {'main': 6129.168, 'senders': [
             2954.717, 2766.359, 2853.519, 2740.717, 2824.169, 2966.908,
             2611.137, 3114.732], 'completion': 3612.564, 'sum': 32568,
             'total': 9535}},
    100: {'baseline': {'main': 4860.718, 'senders': [
              748.875, 898.498, 787.456, 764.537, 785.687, 756.941, 774.084,
              782.900], 'completion': 0.0, 'sum': 11154, 'total': 4867},
          'dsa': {'main': 3846.976, 'senders': [
              191.880, 166.331, 168.528, 197.831, 169.580, 167.984, 198.042,
              170.624], 'completion': 3428.669, 'sum': 8700,
              'total': 3888}},
}

MODES = ('cpu', 'thread', 'spin', 'umwait')
MODE_TEXT = {'cpu': 'CPU scan', 'thread': 'DSA, completion thread',
             'spin': 'DSA, in-thread, spin',
             'umwait': 'DSA, in-thread, UMWAIT'}


class Device:
    """Takes batches in order; knows when each one's record is visible."""

    def __init__(self, o):
        self.o = o
        self.page_ns = max(o.descriptor_ns / o.engines,
                           PAGE / o.bandwidth) \
            + self.fault_ns()
        self.free = 0.0

    def fault_ns(self):
        """A fault holds up one engine of them."""
        if not self.o.block_on_fault:
            return 0.0
        return self.o.fault_share * self.o.fault_ns / self.o.engines

    def run(self, when, pages):
        start = max(when, self.free)
        self.free = start + pages * self.page_ns
        extra = self.o.latency_ns
        if pages > 1:
            extra += self.o.batch_fetch_ns + self.o.batch_record_ns
        return self.free + extra


class Costs:
    """What a sender spends, by the settings; nanoseconds."""

    def __init__(self, o, mode):
        self.o, self.mode = o, mode
        self.submit_page = o.instructions / (o.ipc * o.ghz) / 2
        self.wait_page = self.submit_page + o.record_miss_ns
        self.cpu_page = o.cpu_check_ns

    def submit(self, pages):
        o = self.o
        if self.mode == 'cpu':
            return pages * o.cpu_check_ns
        look = pages * o.first_look_ns if o.adaptive else 0
        own = pages * self.submit_page + look
        if o.backend == 'enqcmd':
            return own + o.enqcmd_ns
        if o.backend == 'movdir64b':
            return own + o.movdir64b_ns
        return own + o.syscall_ns + pages * o.enqcmd_ns

    def finish(self, pages):
        if self.mode == 'cpu':
            return 0
        faults = 0 if self.o.block_on_fault else self.o.fault_share
        return pages * (self.wait_page + faults * self.o.cpu_check_ns)

    def send(self, pages, normal_share):
        normal = pages * normal_share
        return pages * self.o.page_ns + normal * self.o.send_page_ns + \
            (self.o.send_packet_ns if normal else 0)


class Channel:
    def __init__(self):
        self.now = 0.0
        self.flight = []        # visible record times, in order
        self.cpu = 0.0
        self.halted = 0.0       # of cpu: in UMWAIT


class Polling:
    """How long something was outstanding: what a polling thread costs."""

    def __init__(self):
        self.total = 0.0
        self.until = 0.0

    def add(self, start, end):
        start = max(start, self.until)
        if end > start:
            self.total += end - start
            self.until = end


class Run:
    """A stretch of a migration, packet by packet, and its sums."""

    def __init__(self, o, mode, normal_share, packets):
        self.o, self.mode, self.normal = o, mode, normal_share
        self.packets = packets
        self.costs = Costs(o, mode)
        self.devices = [Device(o) for _ in range(o.devices)]
        self.polling = Polling()
        self.handed = 0.0       # when the last packet was handed over
        self.link_free = 0.0
        self.main_cpu = self.completion_cpu = 0.0
        self.room = []          # times when packets were taken
        self.channels = [Channel() for _ in range(o.channels)]

    def packet_wire_ns(self):
        payload = self.o.packet_pages * (self.normal * PAGE + 8) + 320
        return payload * 8 / self.o.link_gbps

    def next_ready(self, number):
        """The migration thread fills a packet; its queue has a bound."""
        page_ns = self.o.main_page_ns + self.normal * self.o.main_normal_ns
        cost = self.o.packet_pages * page_ns + self.o.main_packet_ns
        self.main_cpu += cost
        bound = 2 * self.o.channels
        wait = self.room[number - bound] if number >= bound else 0.0
        self.handed = max(self.handed + cost, wait)
        return self.handed

    def submit(self, channel, number):
        o = self.o
        cost = self.costs.submit(o.packet_pages)
        channel.now += cost
        channel.cpu += cost
        if self.mode == 'cpu':
            channel.flight.append(channel.now)
            return
        device = self.devices[number % len(self.devices)]
        done = device.run(channel.now, o.packet_pages)
        self.polling.add(channel.now, done)
        channel.flight.append(done)

    def wait(self, channel, done):
        o = self.o
        stand = done - channel.now
        if stand <= 0:
            return
        if self.mode == 'thread':
            channel.now = done + o.wake_delay_ns
            channel.cpu += o.sleep_ns
            self.completion_cpu += o.wake_ns
        else:
            channel.now = done
            if self.mode == 'umwait' and stand > o.spin_ns:
                channel.now += o.umwait_exit_ns
                channel.halted += stand - o.spin_ns
                stand += o.umwait_exit_ns
            channel.cpu += stand

    def complete(self, channel):
        """Wait for the oldest batch and send its packet."""
        self.wait(channel, channel.flight.pop(0))
        cost = self.costs.finish(self.o.packet_pages) \
            + self.costs.send(self.o.packet_pages, self.normal)
        channel.cpu += cost
        channel.now += cost
        self.link_free = max(self.link_free, channel.now
                             - self.packet_wire_ns()) + self.packet_wire_ns()
        # A full socket buffer holds the sender up, at no cost to the CPU.
        channel.now = max(channel.now, self.link_free)

    def run(self):
        """Whichever channel is first in time takes the next step."""
        depth = 1 if self.mode == 'cpu' else self.o.depth
        heap = [(0.0, index) for index in range(len(self.channels))]
        ready, number = self.next_ready(0), 0
        while heap:
            _, index = heapq.heappop(heap)
            channel = self.channels[index]
            more = number < self.packets
            if more and len(channel.flight) < depth and \
                    (not channel.flight or ready <= channel.now):
                channel.now = max(channel.now, ready)
                self.room.append(channel.now)
                self.submit(channel, number)
                number += 1
                if number < self.packets:
                    ready = self.next_ready(number)
            elif channel.flight:
                self.complete(channel)
            elif not more:
                continue
            heapq.heappush(heap, (channel.now, index))
        return self.result()

    def result(self):
        pages = self.packets * self.o.packet_pages
        scale = self.o.guest_kib * KIB / PAGE / pages / 1e6
        senders = sum(c.cpu for c in self.channels)
        completion = self.completion_cpu + self.polling.total \
            if self.mode == 'thread' else 0.0
        total = max([c.now for c in self.channels] + [self.handed])
        return {'main': self.main_cpu * scale, 'senders': senders * scale,
                'completion': completion * scale,
                'halted': sum(c.halted for c in self.channels) * scale,
                'sum': (self.main_cpu + senders + completion) * scale,
                'total': total * scale}


def predict(o, mode, zero_percent):
    """Milliseconds of a whole migration, from a stretch of it."""
    sample = max(200, o.sample_pages // o.packet_pages)
    return Run(o, mode, 1 - zero_percent / 100, sample).run()


def published(zero_percent, which):
    found = PUBLISHED[zero_percent][which]
    return dict(found, senders=sum(found['senders']), halted=0.0)


def scenario(o, zero_percent):
    """Rows of (name, basis, figures)."""
    comparable = zero_percent in PUBLISHED and o.guest_kib == GUEST_KIB
    rows = []
    if comparable:
        rows.append(('CPU scan', 'published',
                     published(zero_percent, 'baseline')))
    base = argparse.Namespace(**vars(o))
    base.packet_pages = o.baseline_packet_pages
    rows.append(('CPU scan, %d pages a packet' % base.packet_pages, 'model',
                 predict(base, 'cpu', zero_percent)))
    if o.packet_pages != base.packet_pages:
        rows.append(('CPU scan, %d pages a packet' % o.packet_pages, 'model',
                     predict(o, 'cpu', zero_percent)))
    if comparable:
        rows.append(('DSA', 'published', published(zero_percent, 'dsa')))
    rows += [(MODE_TEXT[mode], 'model', predict(o, mode, zero_percent))
             for mode in MODES[1:]]
    return rows


def stream(o, pages, in_flight, count=2000):
    """One thread that does nothing but keep batches under way: ns a page."""
    o = argparse.Namespace(**vars(o))
    o.packet_pages, o.adaptive, o.fault_share = pages, False, 0.0
    costs = Costs(o, 'spin')
    devices = [Device(o) for _ in range(o.devices)]
    now, flight = 0.0, []
    for number in range(count):
        if len(flight) == in_flight:
            now = max(now, flight.pop(0)) + costs.finish(pages)
        now += costs.submit(pages)
        flight.append(devices[number % o.devices].run(now, pages))
    return max(flight) / (count * pages)


def checks(o):
    """(name, value, lowest, highest, unit, where the range comes from)."""
    four = argparse.Namespace(**vars(o))
    four.devices, four.backend = 4, 'enqcmd'
    yield ('4 devices, batches of 256, 8 under way', stream(four, 256, 8),
           34, 40, 'ns/page', 'published')
    yield ('single descriptors, 32 under way, one thread',
           stream(four, 1, 32, 50000), 700, 800, 'ns/page', 'published')
    one = argparse.Namespace(**vars(o))
    one.packet_pages, one.devices, one.backend = 1024, 1, 'enqcmd'
    for zero in sorted(PUBLISHED):
        for name, which, mode in (('CPU scan', 'baseline', 'cpu'),
                                  ('DSA', 'dsa', 'thread')):
            want = published(zero, which)['sum']
            settings = argparse.Namespace(**vars(one))
            if mode == 'cpu':
                settings.packet_pages = o.baseline_packet_pages
            yield ('%s, %d %% zero: CPU time' % (name, zero),
                   predict(settings, mode, zero)['sum'], 0.9 * want,
                   1.1 * want, 'ms', 'published, 10 % either way')
        want = published(zero, 'dsa')['completion']
        yield ('dsa_completion, %d %% zero' % zero,
               predict(one, 'thread', zero)['completion'], 0.93 * want,
               1.07 * want, 'ms', 'published, 7 % either way')


def run_checks(o):
    good = True
    for name, value, low, high, unit, basis in checks(o):
        inside = low <= value <= high
        good = good and inside
        print('%-6s %-46s %9.1f %s, %g to %g (%s)'
              % ('ok' if inside else 'FAILED', name, value, unit,
                 round(low, 1), round(high, 1), basis))
    return good


COLUMNS = '%-32s %-9s %10s %10s %10s %10s %7s %10s %10s'


def print_scenario(zero_percent, rows, o):
    print('\n%d %% zero pages; %d channels, %d device%s, %s, batches of %d'
          % (zero_percent, o.channels, o.devices,
             '' if o.devices == 1 else 's', o.backend, o.packet_pages))
    print(COLUMNS % ('milliseconds', 'basis', 'live_migr.', 'senders',
                     'dsa_compl.', 'CPU sum', 'saved', 'in UMWAIT',
                     'total time'))
    base = {}
    for name, basis, row in rows:
        base.setdefault(basis, row['sum'])
        saved = '%.0f %%' % (100 - 100 * row['sum'] / base[basis])
        print(COLUMNS % ((name, basis) + tuple(
            '%.0f' % row[key]
            for key in ('main', 'senders', 'completion', 'sum')) + (
                saved, '%.0f' % row['halted'], '%.0f' % row['total'])))


def print_text(o):
    print('Parameters:')
    for name, default, unit, basis, text in PARAMETERS:
        value = getattr(o, name.replace('-', '_'))
        print('  %-16s %12g %-8s %-10s %s'
              % (name, value, unit, basis if value == default else 'given',
                 text))
    for zero_percent in o.zero:
        print_scenario(zero_percent, scenario(o, zero_percent), o)
    print('\n`saved` compares rows of one basis with the first of it.  A '
          'thread in UMWAIT counts as\nrunning, but leaves the core to its '
          'sibling.  `model` is no measurement; its inputs are above.')


def print_json(o):
    parameters = {
        name: {'value': getattr(o, name.replace('-', '_')), 'unit': unit,
               'basis': basis if getattr(o, name.replace('-', '_')) == default
               else 'given', 'meaning': text}
        for name, default, unit, basis, text in PARAMETERS}
    found = [{'zero-percent': zero, 'rows': [
        dict({'name': name, 'basis': basis}, **{
            key: round(value, 1) for key, value in row.items()})
        for name, basis, row in scenario(o, zero)]} for zero in o.zero]
    json.dump({'unit': 'ms', 'backend': o.backend, 'adaptive': o.adaptive,
               'parameters': parameters, 'scenarios': found},
              sys.stdout, indent=2)
    print()


def parse(argv=None):
    parser = argparse.ArgumentParser(
        prog='dsa-model',
        description='Predict what a migration costs with zero pages found by '
        'DSA, beside the figures that the original patch series published.')
    for name, default, unit, basis, text in PARAMETERS:
        parser.add_argument('--' + name, type=type(default), default=default,
                            metavar='N', help='%s (default %g%s, %s)' % (
                                text.replace('%', '%%'), default,
                                ' ' + unit if unit else '', basis))
    parser.add_argument('--zero', type=int, action='append', metavar='PERCENT',
                        help='share of zero pages; several times for several '
                        '(default 50 and 100)')
    parser.add_argument('--backend', default='enqcmd',
                        choices=('enqcmd', 'movdir64b', 'write'))
    parser.add_argument('--no-adaptive', dest='adaptive',
                        action='store_false', help='dsa-adaptive=off')
    parser.add_argument('--fault-share', type=float, default=0.0, metavar='X',
                        help='share of pages that fault, 0 to 1')
    parser.add_argument('--block-on-fault', action='store_true',
                        help='the device waits for faults; otherwise the CPU '
                        'finishes those pages')
    parser.add_argument('--baseline-packet-pages', type=int, default=128,
                        metavar='N', help='pages of a packet of the CPU '
                        'baseline (default 128, assumed: not published)')
    parser.add_argument('--sample-pages', type=int, default=1 << 21,
                        metavar='N', help='pages that are modelled one packet '
                        'after another, then scaled up')
    parser.add_argument('--check', action='store_true',
                        help='compare the model with what is published; exit '
                        'status 1 when it is off')
    parser.add_argument('--json', action='store_true')
    options = parser.parse_args(argv)
    options.zero = options.zero or [50, 100]
    for name in ('guest_kib', 'channels', 'devices', 'engines', 'depth',
                 'packet_pages', 'baseline_packet_pages', 'bandwidth', 'ghz',
                 'ipc', 'link_gbps', 'sample_pages'):
        if getattr(options, name) <= 0:
            parser.error('--%s must be greater than 0'
                         % name.replace('_', '-'))
    if not all(0 <= zero <= 100 for zero in options.zero):
        parser.error('--zero is a share, 0 to 100')
    if not 0 <= options.fault_share <= 1:
        parser.error('--fault-share is a share, 0 to 1')
    return options


def main(argv=None):
    options = parse(argv)
    if options.check:
        return 0 if run_checks(options) else 1
    if options.json:
        print_json(options)
    else:
        print_text(options)
    return 0


if __name__ == '__main__':
    sys.exit(main())
