# SPDX-License-Identifier: GPL-2.0-or-later
#
# File descriptors against a stock QEMU: the same answers to the commands about
# them, migrations through handed over descriptors in both directions, and
# zero-copy-send to and from stock.

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, migrate, tap, vm  # noqa: E402

BOTH = ((vm.WHERRY, vm.QEMU), (vm.QEMU, vm.WHERRY))


class SameAnswers(case.MachineCase):
    """One command after the other; numbers of descriptors are named by the
    order in which they were told."""

    kinds = (vm.WHERRY, vm.QEMU)

    def setUp(self):
        super().setUp()
        self.ends = [self.machine(kind, kind, backend='none')
                     for kind in (vm.QEMU, vm.WHERRY)]
        self.told = {end: [] for end in self.ends}

    def request(self, end, command, arguments, fds):
        arguments = {key.replace('_', '-'): value
                     for key, value in arguments.items()}
        if isinstance(arguments.get('fd'), str):
            arguments['fd'] = self.told[end][int(arguments['fd'][1:])]
        null = [os.open('/dev/null', os.O_RDWR) for _ in range(fds)]
        message = {'execute': command}
        if arguments:
            message['arguments'] = arguments
        try:
            return end.qmp.request(message, fds=null)
        finally:
            for fd in null:
                os.close(fd)

    def named(self, end, reply):
        """The reply with the numbers of descriptors replaced."""
        told = self.told[end]

        def name(number):
            if number not in told:
                told.append(number)
            return '#%d' % told.index(number)

        value = reply.get('return')
        if isinstance(value, dict) and 'fd' in value:
            value['fd'] = name(value['fd'])
        for one in value if isinstance(value, list) else ():
            for fd in one['fds']:
                fd['fd'] = name(fd['fd'])
        if 'error' in reply:
            for number in told:
                reply['error']['desc'] = reply['error']['desc'].replace(
                    'fd:%d' % number, 'fd:' + name(number))
        return reply

    def same(self, command, fds=0, **arguments):
        stock, ours = (self.named(end, self.request(end, command, arguments,
                                                    fds))
                       for end in self.ends)
        self.assertEqual(ours, stock, command)
        return stock

    def test_names(self):
        self.same('getfd', fdname='x')
        self.same('getfd', fds=1, fdname='x')
        self.same('getfd', fdname='y')
        self.same('getfd', fds=1, fdname='x')
        self.same('getfd', fds=1, fdname='1x')
        self.same('getfd', fds=1, fdname='')
        self.same('closefd', fdname='')
        self.same('closefd', fdname='x')
        self.same('closefd', fdname='x')
        self.same('getfd')
        self.same('getfd', fdname=5)
        self.same('closefd')
        self.same('closefd', fdname='x', more=1)

    def test_sets(self):
        self.same('query-fdsets')
        self.same('add-fd')
        self.same('add-fd', fds=1)
        self.same('add-fd', fds=1, fdset_id=3, opaque='a text')
        self.same('add-fd', fds=1, fdset_id=3)
        self.same('add-fd', fds=1)
        self.same('add-fd', fds=1, fdset_id=-1)
        self.same('add-fd', fds=1, fdset_id='x')
        self.same('query-fdsets')
        self.same('remove-fd', fdset_id=3, fd='#1')
        self.same('query-fdsets')
        self.same('remove-fd', fdset_id=3, fd='#1')
        self.same('remove-fd', fdset_id=3)
        self.same('remove-fd', fdset_id=3)
        self.same('remove-fd', fdset_id=9, fd=1)
        self.same('remove-fd', fdset_id=0, fd=-5)
        self.same('remove-fd')
        self.same('query-fdsets')
        self.same('add-fd', fds=1)
        self.same('query-fdsets')

    def test_sets_outlive_the_session(self):
        self.same('add-fd', fds=1, fdset_id=1, opaque='kept')
        for end in self.ends:
            end.qmp.close()
            end.connect()
        self.same('query-fdsets')

    def test_hmp(self):
        for line in ('getfd x', 'closefd x'):
            self.same('human-monitor-command', command_line=line)

    def test_zero_copy_rules(self):
        """What the capability goes together with, and in which words."""
        def caps(**states):
            self.same('migrate-set-capabilities', capabilities=[
                {'capability': name.replace('_', '-'), 'state': state}
                for name, state in states.items()])

        caps(zero_copy_send=True)
        caps(zero_copy_send=True, multifd=True)
        caps(multifd=False)
        self.same('migrate-set-parameters', multifd_compression='zlib')
        self.same('migrate-set-parameters', tls_creds='x')
        self.same('migrate-set-parameters', multifd_channels=3)
        caps(zero_copy_send=False)
        self.same('migrate-set-parameters', multifd_compression='zlib')
        caps(zero_copy_send=True)
        self.same('migrate-set-parameters', multifd_compression='none',
                  tls_creds='x')
        caps(zero_copy_send=True)


class Migration(case.MachineCase):
    kinds = (vm.WHERRY, vm.QEMU)

    def in_both_directions(self, check):
        for source, target in BOTH:
            with self.subTest(source=source, target=target):
                src = self.source(source, name='src-' + source)
                dst = self.target(target, name='dst-' + target)
                check(src, dst)
                self.check_ram(src, dst)

    def give(self, machine, fd):
        machine.qmp.cmd('getfd', {'fdname': 'mig'}, fds=[fd])
        os.close(fd)

    def through_socket_pair(self, src, dst):
        a, b = socket.socketpair()
        self.give(src, a.detach())
        self.give(dst, b.detach())
        self.check_completed(migrate.migrate(src, dst, 'fd:mig'))

    def test_socket_pair(self):
        self.in_both_directions(self.through_socket_pair)

    def through_pipe(self, src, dst):
        reading, writing = os.pipe()
        self.give(src, writing)
        self.give(dst, reading)
        self.check_completed(migrate.migrate(src, dst, 'fd:mig'))

    def test_pipe(self):
        self.in_both_directions(self.through_pipe)

    def by_turns(self, src, dst, uri, caps=()):
        """The source first: what it writes is a file."""
        for machine, command in ((src, 'migrate'),
                                 (dst, 'migrate-incoming')):
            migrate.configure(machine, caps, {})
            machine.qmp.cmd(command, {'uri': uri})
            self.assertEqual(migrate.end_status(machine), 'completed')

    def through_file(self, src, dst):
        path = self.path('snapshot-' + src.kind)
        self.give(src, os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        self.give(dst, os.open(path, os.O_RDONLY))
        self.by_turns(src, dst, 'fd:mig')

    def test_file(self):
        self.in_both_directions(self.through_file)

    def through_set(self, src, dst, caps=()):
        path = self.path('snapshot-' + src.kind)
        for machine, flags in ((src, os.O_WRONLY | os.O_CREAT),
                               (dst, os.O_RDONLY)):
            fd = os.open(path, flags, 0o600)
            machine.qmp.cmd('add-fd', {'fdset-id': 1}, fds=[fd])
            os.close(fd)
        self.by_turns(src, dst, 'file:/dev/fdset/1', caps)

    def test_set(self):
        self.in_both_directions(self.through_set)

    def test_set_mapped_ram_multifd(self):
        self.in_both_directions(lambda src, dst: self.through_set(
            src, dst, ('mapped-ram', 'multifd')))

    def test_zero_copy(self):
        def check(src, dst):
            result = migrate.migrate(src, dst, self.uri('tcp'),
                                     src_caps=('multifd', 'zero-copy-send'),
                                     dst_caps=('multifd',))
            self.check_completed(result)
            self.assertGreater(
                result.src['ram']['dirty-sync-missed-zero-copy'], 0)

        self.in_both_directions(check)


if __name__ == '__main__':
    sys.exit(tap.main())
