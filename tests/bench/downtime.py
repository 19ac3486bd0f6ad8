#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How long an idle guest stands still when it moves over loopback: from the
# event STOP of the source to the event RESUME of the destination, and what the
# source says of it.  Median, least and most of some runs, as JSON.  One host's
# clock only; a network adds its round trip.

import argparse
import json
import os
import shutil
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import migrate, ram, vm  # noqa: E402

VARIANTS = {
    'plain': (),
    'plain-return-path': ('return-path',),
    'multifd': ('multifd',),
    'multifd-return-path': ('multifd', 'return-path'),
}


def event_time(machine, name):
    """When the first event of that name was sent, microseconds."""
    for event in machine.qmp.events:
        if event['event'] == name:
            stamp = event['timestamp']
            return stamp['seconds'] * 1000000 + stamp['microseconds']
    machine.qmp.wait_event(name)
    raise AssertionError('%s: event %s not kept' % (machine.name, name))


def wait_for(machine, name):
    """As event_time(), once it has come."""
    while not any(e['event'] == name for e in machine.qmp.events):
        machine.qmp.events.append(
            machine.qmp.read_message(deadline=float('inf')))
    return event_time(machine, name)


class Bench:
    def __init__(self, options):
        self.options = options
        self.size = options.size * vm.MIB
        self.folder = vm.make_folder(need=3 * self.size)
        self.image = os.path.join(self.folder, 'image')
        self.result = os.path.join(self.folder, 'result')
        ram.create(self.image, self.size, options.ram)

    def close(self):
        shutil.rmtree(self.folder, True)

    def run(self, caps):
        """One migration: microseconds by events, milliseconds as told."""
        if os.path.exists(self.result):
            os.unlink(self.result)
        program = self.options.program
        with vm.VM(program, self.folder, 'src', size=self.size,
                   image=self.image) as src, \
                vm.VM(program, self.folder, 'dst', size=self.size,
                      image=self.result, incoming='defer') as dst:
            src.qmp.cmd('cont')
            dst.qmp.cmd('cont')
            uri = 'unix:' + os.path.join(self.folder, 'm')
            if self.options.transport == 'tcp':
                uri = 'tcp:127.0.0.1:0'
            migrate.start(src, dst, uri, caps=caps)
            result = migrate.finish(src, dst)
            if (result.src_status, result.dst_status) != \
                    ('completed', 'completed'):
                raise AssertionError(str(result))
            took = wait_for(dst, 'RESUME') - wait_for(src, 'STOP')
            if self.options.check:
                difference = ram.first_difference(self.image, self.result)
                if difference:
                    raise AssertionError('RAM: %s' % difference)
            return took, result.src['downtime']


def summary(values):
    return {'median': statistics.median(values), 'least': min(values),
            'most': max(values)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, default=1024, metavar='MIB')
    parser.add_argument('--repeats', type=int, default=20)
    parser.add_argument('--ram', default='mixed',
                        help='what the guest holds (default: mixed)')
    parser.add_argument('--transport', choices=('unix', 'tcp'),
                        default='tcp')
    parser.add_argument('--program', choices=(vm.WHERRY, vm.QEMU),
                        default=vm.WHERRY)
    parser.add_argument('--variant', choices=sorted(VARIANTS), action='append')
    parser.add_argument('--check', action='store_true',
                        help='compare the RAM of both ends after each run')
    options = parser.parse_args()
    bench = Bench(options)
    found = {}
    try:
        for name in options.variant or VARIANTS:
            runs = [bench.run(VARIANTS[name])
                    for _ in range(options.repeats)]
            found[name] = {
                'stop-to-resume-ms': summary([us / 1000 for us, _ in runs]),
                'downtime-ms': summary([ms for _, ms in runs]),
            }
    finally:
        bench.close()
    json.dump({'size-mib': options.size, 'ram': options.ram,
               'repeats': options.repeats, 'program': options.program,
               'transport': options.transport, 'variants': found},
              sys.stdout, indent=2)
    print()


if __name__ == '__main__':
    main()
