# SPDX-License-Identifier: GPL-2.0-or-later
#
# The human monitor says what a stock QEMU's says: the same commands go to both
# over human-monitor-command, and what both have has to be equal, line by line.

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, migrate, tap, vm  # noqa: E402

# What differs from run to run.
NUMBER = re.compile(r'\d+(\.\d+)?')


class Same(case.MachineCase):
    kinds = (vm.WHERRY, vm.QEMU)

    def both(self, **options):
        return [self.source(kind, name='src-' + kind, **options)
                for kind in (vm.WHERRY, vm.QEMU)]

    @staticmethod
    def hmc(machine, line):
        return machine.qmp.cmd('human-monitor-command',
                               {'command-line': line})

    def check(self, machines, lines):
        ours, stock = machines
        for line in lines:
            with self.subTest(line=line):
                self.assertEqual(self.hmc(ours, line), self.hmc(stock, line))

    def check_common(self, ours, stock, message):
        """Lines of names that both have: the same, in the same order."""
        def named(text):
            return {line.partition(':')[0]: line
                    for line in text.splitlines()}
        ours, stock = named(ours), named(stock)
        common = [name for name in stock if name in ours]
        self.assertGreater(len(common), 3, message)
        self.assertEqual([ours[name] for name in common],
                         [stock[name] for name in common], message)
        self.assertEqual([name for name in ours if name in stock], common,
                         message)

    def test_information(self):
        self.check(self.both(), (
            'info migrate', 'info status', 'info name', 'info uuid'))

    def test_uuid(self):
        self.check(self.both(uuid='12345678-1234-1234-1234-123456789abc'),
                   ['info uuid'])

    def test_run_state(self):
        machines = self.both()
        self.check(machines, ('cont', 'info status', 'stop', 'info status',
                              'c', 'info status', 's', 'info status'))

    def test_defaults(self):
        ours, stock = self.both()
        for what in ('parameters', 'capabilities'):
            with self.subTest(what=what):
                line = 'info migrate_' + what
                self.check_common(self.hmc(ours, line),
                                  self.hmc(stock, line), line)

    def test_setting(self):
        ours, stock = machines = self.both()
        self.check(machines, (
            'migrate_set_capability multifd on',
            'migrate_set_capability events on',
            'migrate_set_capability return-path off',
            'migrate_set_parameter multifd-channels 4',
            'migrate_set_parameter "multifd-channels" 5',
            'migrate_set_parameter max-bandwidth 10',
            'migrate_set_parameter avail-switchover-bandwidth 3',
            'migrate_set_parameter max-bandwidth 1.5',
            'migrate_set_parameter max-bandwidth 64k',
            'migrate_set_parameter downtime-limit 77',
            'migrate_set_parameter multifd-compression zlib',
            'migrate_set_parameter multifd-zlib-level 7',
            'migrate_set_parameter multifd-zstd-level 20',
            'migrate_set_parameter zero-page-detection legacy'))
        for what in ('parameters', 'capabilities'):
            line = 'info migrate_' + what
            self.check_common(self.hmc(ours, line), self.hmc(stock, line),
                              line)

    def test_errors(self):
        self.check(self.both(), (
            'foo', 'info foo', 'help foo', 'migrate_cancel x',
            'info status x',
            'migrate', 'migrate -d', 'migrate -x tcp:127.0.0.1:1',
            'migrate_set_capability', 'migrate_set_capability foo on',
            'migrate_set_capability multifd',
            'migrate_set_capability multifd maybe',
            'migrate_set_capability multifd on off',
            'migrate_set_parameter', 'migrate_set_parameter foo 1',
            'migrate_set_parameter multifd-channels',
            'migrate_set_parameter multifd-channels 0',
            'migrate_set_parameter multifd-channels 300',
            'migrate_set_parameter multifd-channels 4 5',
            'migrate_set_parameter multifd_channels 4',
            'migrate_set_parameter zero-page-detection foo',
            'migrate_set_parameter multifd-compression qatzip',
            'migrate_set_parameter multifd-zlib-level 10',
            'migrate_set_parameter multifd-zstd-level 21',
            'migrate_set_parameter downtime-limit 2000001',
            'migrate_continue', 'migrate_continue foo',
            'migrate_incoming', 'migrate_incoming tcp:127.0.0.1:0'))

    def test_nothing_to_say(self):
        self.check(self.both(), ('', '   ', 'migrate_cancel', 'stop'))

    def completed(self, kind, caps):
        src = self.source(kind, name='from-' + kind)
        dst = self.target(kind, name='to-' + kind)
        result = migrate.migrate(src, dst, self.uri('unix'), caps=caps)
        self.check_completed(result)
        return self.hmc(src, 'info migrate'), self.hmc(dst, 'info migrate')

    def test_completed(self):
        """The same lines with the same units; only numbers differ, and not
        those that tell of the guest's memory."""
        for caps in ((), ('multifd',)):
            with self.subTest(caps=caps):
                ours = self.completed(vm.WHERRY, caps)
                stock = self.completed(vm.QEMU, caps)
                for mine, theirs in zip(ours, stock):
                    self.assertEqual(NUMBER.sub('N', mine),
                                     NUMBER.sub('N', theirs))
                for name in ('remaining ram', 'total ram', 'duplicate',
                             'normal', 'normal bytes', 'page size'):
                    line = re.compile(r'(?m)^%s: .*$' % name)
                    self.assertEqual(line.findall(ours[0]),
                                     line.findall(stock[0]))
                self.discard(*self.machines)
                del self.machines[:]

    def test_failed(self):
        ours, stock = self.both()
        for machine in (ours, stock):
            machine.capabilities(events=True)
            self.hmc(machine, 'migrate -d unix:/no/such/socket')
            migrate.end_status(machine)
        pattern = re.compile(r'Migration status: failed \(.+\)\r\n'
                             r'total time: 0 ms\r\n$')
        for machine in (ours, stock):
            self.assertRegex(self.hmc(machine, 'info migrate'), pattern)

    def test_listening(self):
        texts = []
        for kind in (vm.WHERRY, vm.QEMU):
            machine = self.target(kind, name='dst-' + kind)
            machine.listen('tcp:127.0.0.1:0')
            texts.append(re.sub(r'1:\d+', '1:N',
                                self.hmc(machine, 'info migrate')))
        self.assertEqual(*texts)


if __name__ == '__main__':
    sys.exit(tap.main())
