#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The last part of scripts/demo.sh: a guest that runs moves from one wherry to
# another and goes on.  With KVM it is the program of tests/guest, which writes
# its memory over and over and prints a byte per pass; without, the stress
# accelerator, whose destination looks at each page before it goes on.

import argparse
import os
import re
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'tests', 'lib'))
from wherrytest import guest, migrate, qmp, vm  # noqa: E402

SIZE = 4 * vm.MIB
STRESS_SIZE = 64 * vm.MIB
STRESS_THREADS = 2
# What the guest writes over and over must fit into downtime-limit, 300 ms of
# this: then the migration ends however fast the guest is.
KVM_BANDWIDTH = 12 * vm.MIB
STRESS_BANDWIDTH = 256 * vm.MIB
SETTINGS = {'zero_page_detection': 'dsa-accel', 'accel_path': ['dsa:soft']}


class Demo:
    def __init__(self, program):
        self.program = program
        self.folder = vm.make_folder(need=2 * STRESS_SIZE)
        self.machines = []
        self.ports = []

    def close(self):
        for machine in self.machines:
            machine.kill()
        for port in self.ports:
            port.close()
        shutil.rmtree(self.folder, True)

    def machine(self, name, size, options, **more):
        made = vm.VM(vm.WHERRY, self.folder, name, size=size, start=False,
                     options=options, **more)
        self.machines.append(made)
        made.start()
        return made

    def move(self, src, dst, bandwidth):
        """Migrate; the information at the end."""
        for machine in (src, dst):
            migrate.configure(machine, ('multifd', 'return-path'),
                              {'max_bandwidth': bandwidth})
        src.parameters(**SETTINGS)
        uri = dst.listen('unix:' + os.path.join(self.folder, 'guest.sock'))
        src.qmp.cmd('migrate', {'uri': uri})
        outcome = [migrate.end_status(machine) for machine in (dst, src)]
        info = src.info()
        if outcome != ['completed', 'completed']:
            raise RuntimeError('the guest was not moved: %s'
                               % info.get('error-desc', outcome))
        return info

    @staticmethod
    def tell(info):
        print('  moved while it ran: %d ms, %d rounds, downtime %d ms'
              % (info['total-time'], info['ram']['dirty-sync-count'],
                 info['downtime']), flush=True)

    def kvm_machine(self, name, **more):
        port = guest.Serial(os.path.join(self.folder, name + '.tty'))
        self.ports.append(port)
        options = ['-accel', 'kvm', '-serial', port.option]
        if not more:
            options += ['-kernel', self.program]
        made = self.machine(name, SIZE, options, machine='micro', **more)
        made.serial = port
        return made

    def kvm(self):
        print('A guest on KVM that writes its memory over and over and prints '
              'a byte per pass:', flush=True)
        src = self.kvm_machine('source')
        src.qmp.cmd('cont')
        src.serial.wait(3)
        dst = self.kvm_machine('target', incoming='defer')
        self.tell(self.move(src, dst, KVM_BANDWIDTH))
        src.quit()
        before = src.serial.rest()
        passes = guest.passes(dst.ram_path)
        dst.qmp.cmd('cont')
        dst.serial.wait(3)
        dst.qmp.cmd('stop')
        after = dst.serial.data
        guest.check_output(before + after)
        now, = guest.check_ram(dst.ram_path)
        print('  passes printed at the source %d, at the destination %d, none '
              'lost and none twice;\n  there in pass %d, now in pass %d, every '
              'page of its pass\n  running guest moved: yes'
              % (len(before), len(after), passes, now))

    @staticmethod
    def traced(machine, pattern):
        """What stands in the log, once it does so for each thread."""
        while True:
            found = re.findall(pattern, machine.log())
            if len(found) >= STRESS_THREADS:
                return found
            # Fails when the process is gone; nothing tells of a trace line.
            machine.qmp.cmd('query-status')

    def stress(self, why):
        print('A guest that writes 128 MiB a second (-accel stress; %s):' % why,
              flush=True)
        options = ['-accel', 'stress,threads=%d,rate=128M,zero=25'
                   % STRESS_THREADS, '-trace', 'stress_*']
        src = self.machine('source', STRESS_SIZE, options)
        src.qmp.cmd('cont')
        self.traced(src, '(stress_pass) ')
        dst = self.machine('target', STRESS_SIZE, options, incoming='defer')
        self.tell(self.move(src, dst, STRESS_BANDWIDTH))
        dst.qmp.cmd('cont')
        checked = self.traced(dst, r'stress_checked .* wrong (\d+)')
        if any(wrong != '0' for wrong in checked):
            raise RuntimeError('pages are wrong: ' + dst.log())
        print('  every page was what it had to be, and it goes on\n'
              '  running guest moved: yes')

    def run(self, stress):
        if stress:
            self.stress('as asked')
            return
        try:
            os.close(os.open('/dev/kvm', os.O_RDWR))
        except OSError as err:
            self.stress('no KVM here: %s' % err.strerror)
            return
        self.kvm()


def main():
    parser = argparse.ArgumentParser(
        prog='demo', description='Migrate a running guest.')
    parser.add_argument('--wherry', metavar='PATH', required=True)
    parser.add_argument('--program', metavar='PATH', required=True,
                        help='the guest of tests/guest')
    parser.add_argument('--stress', action='store_true',
                        help='as if there were no KVM')
    options = parser.parse_args()
    os.environ['WHERRY'] = options.wherry
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    demo = Demo(options.program)
    try:
        demo.run(options.stress)
        return 0
    except (RuntimeError, AssertionError, OSError, qmp.QmpError,
            qmp.QmpTimeout, qmp.QmpClosed) as err:
        print('demo: %s' % err, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
        return 130
    finally:
        demo.close()


if __name__ == '__main__':
    sys.exit(main())
