# SPDX-License-Identifier: GPL-2.0-or-later
#
# Files, programs and descriptors between wherry and a stock QEMU, in each
# direction, and what both say of those that they do not take.

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import carrier, case, migrate, qmp, tap, vm  # noqa: E402

DIRECTIONS = ((vm.WHERRY, vm.QEMU), (vm.QEMU, vm.WHERRY))


class TransportCase(case.MachineCase):
    """One direction; `kinds` is source and destination."""

    def check_there_and_back(self, there, back=None):
        src = self.source(self.kinds[0])
        self.assertEqual(carrier.save(src, there), 'completed', src.info())
        dst = self.target(self.kinds[1])
        self.assertEqual(carrier.load(dst, back or there), 'completed',
                         dst.info())
        self.check_ram(src, dst)

    def pair(self):
        one, other = socket.socketpair()
        self.addCleanup(one.close)
        self.addCleanup(other.close)
        return one, other

    def do_file(self):
        self.check_there_and_back('file:' + self.path('saved'))

    def do_file_offset(self):
        path = self.path('saved')
        with open(path, 'wb') as saved:
            saved.write(b'\x5a' * (16 << 20))
        self.check_there_and_back('file:%s,offset=0x3000' % path,
                                  carrier.file_address(path, 0x3000))
        with open(path, 'rb') as saved:
            self.assertEqual(saved.read(0x3000), b'\x5a' * 0x3000)
        self.assertLess(os.path.getsize(path), 16 << 20)

    def do_file_structured(self):
        self.check_there_and_back(
            carrier.file_address(self.path('a,offset=1'), 4096))

    def do_file_incoming(self):
        uri = 'file:%s,offset=1M' % self.path('saved')
        src = self.source(self.kinds[0])
        self.assertEqual(carrier.save(src, uri), 'completed')
        dst = self.target(self.kinds[1], incoming=uri)
        self.assertEqual(carrier.asked_status(dst), 'completed')
        self.check_ram(src, dst)

    def do_exec(self):
        path = self.path('saved')
        self.check_there_and_back('exec:cat > ' + path, 'exec:cat ' + path)

    def do_exec_structured(self):
        path = self.path('saved')
        self.check_there_and_back(
            carrier.exec_address('/bin/dd', 'of=' + path, 'status=none'),
            carrier.exec_address('/bin/cat', path))

    def do_exec_to_file(self):
        path = self.path('saved')
        self.check_there_and_back('exec:cat > ' + path, 'file:' + path)

    def do_fd_socket(self):
        for caps in ((), ('return-path',)):
            with self.subTest(caps=caps):
                src = self.source(self.kinds[0])
                dst = self.target(self.kinds[1])
                one, other = self.pair()
                src.qmp.cmd('getfd', {'fdname': 'out'}, fds=(one.fileno(),))
                dst.qmp.cmd('getfd', {'fdname': 'in'}, fds=(other.fileno(),))
                one.close()
                other.close()
                migrate.configure(dst, caps, {})
                migrate.configure(src, caps, {'max_bandwidth': 0})
                dst.qmp.cmd('migrate-incoming', {'uri': 'fd:in',
                                                 'exit-on-error': False})
                src.qmp.cmd('migrate', {'uri': 'fd:out'})
                self.check_completed(migrate.finish(src, dst))
                self.check_ram(src, dst)
                self.discard(src, dst)

    def do_fd_inherited(self):
        """A number, at the destination; with a monitor a stock source wants
        names."""
        one, other = self.pair()
        src = self.source(self.kinds[0])
        dst = self.target(self.kinds[1], pass_fds=(other.fileno(),),
                          incoming='fd:%d' % other.fileno())
        src.qmp.cmd('getfd', {'fdname': 'out'}, fds=(one.fileno(),))
        one.close()
        other.close()
        migrate.configure(src, (), {'max_bandwidth': 0})
        src.qmp.cmd('migrate', {'uri': 'fd:out'})
        self.assertEqual(migrate.end_status(src), 'completed')
        self.assertEqual(carrier.asked_status(dst), 'completed')
        self.check_ram(src, dst)

    def do_fd_file(self):
        src, dst = self.source(self.kinds[0]), self.target(self.kinds[1])
        path = self.path('saved')
        with open(path, 'wb') as saved:
            src.qmp.cmd('getfd', {'fdname': 'out'}, fds=(saved.fileno(),))
        self.assertEqual(carrier.save(src, 'fd:out'), 'completed',
                         src.info())
        with open(path, 'rb') as saved:
            dst.qmp.cmd('getfd', {'fdname': 'in'}, fds=(saved.fileno(),))
        self.assertEqual(carrier.load(dst, 'fd:in'), 'completed', dst.info())
        self.check_ram(src, dst)


def make_case(name, source, target):
    def run(self):
        getattr(self, 'do_' + name)()

    run.tap_name = '/interop/transport/%s-to-%s/%s' % (
        source, target, name.replace('_', '-'))
    return run


for _source, _target in DIRECTIONS:
    globals()['Transport_%s_%s' % (_source, _target)] = type(
        'Transport-%s-%s' % (_source, _target), (TransportCase,),
        dict({'kinds': (_source, _target)},
             **{'test_' + _name[3:]: make_case(_name[3:], _source, _target)
                for _name in dir(TransportCase) if _name.startswith('do_')}))


class Same(case.MachineCase):
    """The same bytes, and the same words where both have some."""

    kinds = (vm.WHERRY, vm.QEMU)

    def test_words(self):
        """Requests that both refuse with one sentence."""
        folder = self.path('absent')
        requests = (
            ('migrate', carrier.place('ftp:x')),
            ('migrate', carrier.place('file:x,offset=y')),
            ('migrate', carrier.place('file:x,offset=')),
            ('migrate', carrier.place('file:%s/x' % folder)),
            ('migrate', carrier.place('fd:absent')),
            ('migrate', carrier.place('fd:')),
            ('migrate', {}),
            ('migrate-incoming', carrier.place('ftp:x')),
            ('migrate-incoming', carrier.place('file:x,offset=y')),
            ('migrate-incoming', carrier.place('file:%s/x' % folder)),
            ('migrate-incoming', carrier.place('fd:absent')),
            ('migrate-incoming', {}),
        )
        for command, arguments in requests:
            with self.subTest(command=command, arguments=arguments):
                self.assertEqual(*[self.refusal(kind, command, arguments)
                                   for kind in self.kinds])

    def test_words_for_multifd(self):
        for command in ('migrate', 'migrate-incoming'):
            for uri in ('file:x', 'exec:cat', 'fd:x'):
                with self.subTest(command=command, uri=uri):
                    self.assertEqual(*[
                        self.refusal(kind, command, carrier.place(uri),
                                     ('multifd',)) for kind in self.kinds])

    def refusal(self, kind, command, arguments, caps=()):
        """What a fresh machine answers, and its status then; a stock one
        that could not begin to wait is left in `setup`."""
        incoming = 'defer' if command == 'migrate-incoming' else None
        machine = self.machine(kind, 'vm-' + kind, size=vm.MIB,
                               incoming=incoming)
        try:
            migrate.configure(machine, caps, {})
            try:
                machine.qmp.cmd(command, arguments)
            except qmp.QmpError as err:
                status = None if incoming else machine.info().get('status')
                return err.desc, status
            return None
        finally:
            self.discard(machine)


if __name__ == '__main__':
    sys.exit(tap.main())
