# SPDX-License-Identifier: GPL-2.0-or-later
#
# File descriptors handed over: with commands of QMP and of the human monitor,
# on the command line, and migrations through them.  After each test all that
# was handed over must be closed.

import contextlib
import json
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, hmp, migrate, qmp, tap, vm  # noqa: E402

NONE_CAME = 'No file descriptor supplied via SCM_RIGHTS'


@contextlib.contextmanager
def null(flags=os.O_RDWR):
    """A descriptor to hand over."""
    fd = os.open('/dev/null', flags)
    try:
        yield fd
    finally:
        os.close(fd)


class FdCase(case.MachineCase):
    """Machines whose descriptors are counted."""

    def refused(self, machine, command, arguments=None, fds=()):
        with self.assertRaises(qmp.QmpError) as caught:
            machine.qmp.cmd(command, arguments, fds=fds)
        self.assertEqual(caught.exception.cls, 'GenericError')
        return caught.exception.desc

    def check_count(self, machine, count):
        """What a process closes after a reply is closed soon."""
        deadline = time.monotonic() + qmp.DEFAULT_TIMEOUT
        while vm.count_fds(machine.pid) != count:
            self.assertLess(time.monotonic(), deadline, os.listdir(
                '/proc/%d/fd' % machine.pid))
            machine.qmp.cmd('query-status')

    def links(self, machine):
        """What the descriptors of a machine refer to."""
        base = '/proc/%d/fd/' % machine.pid
        return [os.readlink(base + fd) for fd in os.listdir(base)]

    def temporary(self, name):
        path = self.path(name)
        with open(path, 'wb'):
            pass
        return path


class Names(FdCase):
    def setUp(self):
        super().setUp()
        self.vm = self.machine(backend='none')
        self.count = vm.count_fds(self.vm.pid)

    def getfd(self, name, fd):
        return self.vm.qmp.cmd('getfd', {'fdname': name}, fds=[fd])

    def test_getfd_and_closefd(self):
        with null() as fd:
            self.assertEqual(self.getfd('x', fd), {})
        self.assertEqual(vm.count_fds(self.vm.pid), self.count + 1)
        self.assertEqual(self.vm.qmp.cmd('closefd', {'fdname': 'x'}), {})
        self.assertEqual(vm.count_fds(self.vm.pid), self.count)

    def test_none_came(self):
        self.assertEqual(self.refused(self.vm, 'getfd', {'fdname': 'x'}),
                         NONE_CAME)

    def test_name_with_a_digit(self):
        with null() as fd:
            desc = self.refused(self.vm, 'getfd', {'fdname': '1x'}, [fd])
        self.assertIn("'fdname' expects a name not starting with a digit",
                      desc)
        self.assertEqual(vm.count_fds(self.vm.pid), self.count)

    def test_closefd_of_nothing(self):
        self.assertEqual(self.refused(self.vm, 'closefd', {'fdname': 'x'}),
                         "File descriptor named 'x' not found")

    def test_same_name_again(self):
        for path in ('a', 'b'):
            with open(self.temporary(path), 'rb') as file:
                self.getfd('x', file.fileno())
        links = self.links(self.vm)
        self.assertNotIn(self.path('a'), links)
        self.assertIn(self.path('b'), links)

    def test_several_in_order(self):
        """One message with three, then three commands."""
        paths = [self.temporary(name) for name in 'abc']
        with contextlib.ExitStack() as stack:
            fds = [stack.enter_context(open(path, 'rb')).fileno()
                   for path in paths]
            self.vm.qmp.cmd('getfd', {'fdname': 'first'}, fds=fds)
        for name in ('second', 'third'):
            self.vm.qmp.cmd('getfd', {'fdname': name})
        self.assertEqual(self.refused(self.vm, 'getfd', {'fdname': 'x'}),
                         NONE_CAME)
        for gone, name in zip(paths, ('first', 'second', 'third')):
            self.assertIn(gone, self.links(self.vm))
            self.vm.qmp.cmd('closefd', {'fdname': name})
            self.assertNotIn(gone, self.links(self.vm))

    def test_new_ones_replace_those_left_over(self):
        with null() as fd, open(self.temporary('new'), 'rb') as new:
            self.vm.qmp.cmd('query-status', fds=[fd, fd, fd])
            self.assertEqual(vm.count_fds(self.vm.pid), self.count + 3)
            self.getfd('x', new.fileno())
        self.assertIn(self.path('new'), self.links(self.vm))
        self.assertEqual(vm.count_fds(self.vm.pid), self.count + 1)

    def test_those_left_over_end_with_the_session(self):
        with null() as fd:
            self.vm.qmp.cmd('query-status', fds=[fd] * 7)
        self.assertEqual(vm.count_fds(self.vm.pid), self.count + 7)
        self.vm.qmp.close()
        self.vm.connect()
        self.check_count(self.vm, self.count)

    def test_a_command_in_two_parts(self):
        """They come with the first byte."""
        text = json.dumps({'execute': 'getfd', 'arguments': {'fdname': 'x'}})
        with null() as fd:
            self.vm.qmp.send_fds(text[:1].encode(), [fd])
            self.vm.qmp.send_raw(text[1:].encode() + b'\n')
        self.assertEqual(self.vm.qmp.read_reply(), {'return': {}})
        self.vm.qmp.cmd('closefd', {'fdname': 'x'})

    def test_commands_without_a_pause(self):
        """Two messages at once: each command has its own."""
        paths = [self.temporary(name) for name in 'ab']
        for name, path in zip('ab', paths):
            text = json.dumps({'execute': 'getfd',
                               'arguments': {'fdname': name}})
            with open(path, 'rb') as file:
                self.vm.qmp.send_fds(text.encode(), [file.fileno()])
        for _ in paths:
            self.assertEqual(self.vm.qmp.read_reply(), {'return': {}})
        self.vm.qmp.cmd('closefd', {'fdname': 'a'})
        links = self.links(self.vm)
        self.assertNotIn(paths[0], links)
        self.assertIn(paths[1], links)

    def test_names_outlive_the_session(self):
        with null() as fd:
            self.getfd('x', fd)
        self.vm.qmp.close()
        self.vm.connect()
        self.vm.qmp.cmd('closefd', {'fdname': 'x'})
        self.check_count(self.vm, self.count)

    def test_before_negotiation(self):
        """A command that is refused uses up nothing."""
        self.vm.qmp.close()
        with qmp.QmpClient(self.vm.qmp_path, negotiate=False) as client, \
                null() as fd:
            message = {'execute': 'getfd', 'arguments': {'fdname': 'x'}}
            reply = client.request(message, fds=[fd])
            self.assertEqual(reply['error']['class'], 'CommandNotFound')
        self.vm.connect()
        self.check_count(self.vm, self.count)

    def test_quit_with_some_open(self):
        with null() as fd:
            self.getfd('x', fd)
            self.vm.qmp.cmd('add-fd', fds=[fd])


class TwoSessions(FdCase):
    def test_two_sessions(self):
        """Each takes what came with its own bytes; names are shared."""
        path = self.path('second.qmp')
        machine = self.machine(backend='none', options=[
            '-qmp', 'unix:%s,server=on,wait=off' % path])
        with qmp.QmpClient(path) as other, null() as fd:
            machine.qmp.cmd('query-status', fds=[fd])
            with self.assertRaises(qmp.QmpError) as caught:
                other.cmd('getfd', {'fdname': 'x'})
            self.assertEqual(caught.exception.desc, NONE_CAME)
            machine.qmp.cmd('getfd', {'fdname': 'x'})
            other.cmd('closefd', {'fdname': 'x'})

    def test_over_tcp_none_can_come(self):
        with socket.create_server(('127.0.0.1', 0)) as probe:
            port = probe.getsockname()[1]
        machine = self.machine(backend='none', options=[
            '-qmp', 'tcp:127.0.0.1:%d,server=on,wait=off' % port])
        with qmp.QmpClient(('127.0.0.1', port)) as client:
            with self.assertRaises(qmp.QmpError) as caught:
                client.cmd('getfd', {'fdname': 'x'})
        self.assertEqual(caught.exception.desc, NONE_CAME)
        self.assertTrue(machine.alive())


class Sets(FdCase):
    def setUp(self):
        super().setUp()
        self.vm = self.machine(backend='none')
        self.count = vm.count_fds(self.vm.pid)

    def add(self, **arguments):
        arguments = {key.replace('_', '-'): value
                     for key, value in arguments.items()}
        with null() as fd:
            return self.vm.qmp.cmd('add-fd', arguments, fds=[fd])

    def sets(self):
        return self.vm.qmp.cmd('query-fdsets')

    def test_none(self):
        self.assertEqual(self.sets(), [])

    def test_add_and_query(self):
        first = self.add(fdset_id=5, opaque='rdwr:/dev/null')
        second = self.add(fdset_id=5)
        third = self.add(fdset_id=2)
        self.assertEqual([first['fdset-id'], third['fdset-id']], [5, 2])
        self.assertEqual(self.sets(), [
            {'fdset-id': 5, 'fds': [
                {'fd': first['fd'], 'opaque': 'rdwr:/dev/null'},
                {'fd': second['fd']}]},
            {'fdset-id': 2, 'fds': [{'fd': third['fd']}]}])
        self.assertEqual(vm.count_fds(self.vm.pid), self.count + 3)

    def test_sets_without_a_number(self):
        self.add(fdset_id=1)
        self.assertEqual([self.add()['fdset-id'] for _ in range(3)],
                         [0, 2, 3])

    def test_none_came(self):
        self.assertEqual(self.refused(self.vm, 'add-fd'), NONE_CAME)
        self.assertEqual(self.sets(), [])

    def test_negative_number(self):
        with null() as fd:
            desc = self.refused(self.vm, 'add-fd', {'fdset-id': -1}, [fd])
        self.assertIn("'fdset-id' expects a non-negative value", desc)
        self.assertEqual(vm.count_fds(self.vm.pid), self.count)

    def test_remove_one(self):
        first, second = self.add(fdset_id=1), self.add(fdset_id=1)
        self.vm.qmp.cmd('remove-fd', first)
        self.assertEqual(self.sets(), [
            {'fdset-id': 1, 'fds': [{'fd': second['fd']}]}])
        self.assertEqual(vm.count_fds(self.vm.pid), self.count + 1)

    def test_remove_all(self):
        for number in (1, 1, 2):
            self.add(fdset_id=number)
        self.vm.qmp.cmd('remove-fd', {'fdset-id': 1})
        self.assertEqual([s['fdset-id'] for s in self.sets()], [2])
        self.assertEqual(vm.count_fds(self.vm.pid), self.count + 1)

    def test_remove_what_is_not_there(self):
        self.add(fdset_id=1)
        for arguments, name in (({'fdset-id': 3}, 'fdset-id:3'),
                                ({'fdset-id': 3, 'fd': 1},
                                 'fdset-id:3, fd:1'),
                                ({'fdset-id': 1, 'fd': 1},
                                 'fdset-id:1, fd:1'),
                                ({'fdset-id': 1, 'fd': -1},
                                 'fdset-id:1, fd:-1')):
            self.assertEqual(self.refused(self.vm, 'remove-fd', arguments),
                             "File descriptor named '%s' not found" % name)
        self.assertEqual(len(self.sets()), 1)

    def test_sets_outlive_the_session(self):
        self.add(fdset_id=1)
        before = self.sets()
        self.vm.qmp.close()
        self.vm.connect()
        self.assertEqual(self.sets(), before)


class Hmp(FdCase):
    def test_over_a_socket(self):
        path = self.path('hmp')
        machine = self.machine(backend='none', options=[
            '-monitor', 'unix:%s,server=on,wait=off' % path])
        client = hmp.HmpClient(path)
        self.addCleanup(client.close)
        count = vm.count_fds(machine.pid)
        self.assertIn(NONE_CAME, client.cmd('getfd x'))
        with null() as fd:
            socket.send_fds(client.sock, [b'getfd x\n'], [fd])
            self.assertNotIn('Error', client.until(hmp.PROMPT))
        self.assertEqual(vm.count_fds(machine.pid), count + 1)
        self.assertNotIn('Error', client.cmd('closefd x'))
        self.assertEqual(vm.count_fds(machine.pid), count)
        self.assertIn("Error: File descriptor named 'x' not found",
                      client.cmd('closefd x'))

    def test_over_qmp(self):
        """The words of a person have no descriptors with them."""
        machine = self.machine(backend='none')
        with null() as fd:
            text = machine.qmp.cmd('human-monitor-command',
                                   {'command-line': 'getfd x'}, fds=[fd])
        self.assertIn(NONE_CAME, text)


class CommandLine(FdCase):
    def add_fd(self, fd, text):
        return self.machine(backend='none', pass_fds=[fd], options=[
            '-add-fd', 'fd=%d,%s' % (fd, text)])

    def test_add_fd(self):
        path = self.temporary('f')
        with open(path, 'rb') as file:
            machine = self.add_fd(file.fileno(), 'set=7,opaque=a note')
        found, = machine.qmp.cmd('query-fdsets')
        self.assertEqual(found['fdset-id'], 7)
        self.assertEqual(found['fds'][0]['opaque'], 'a note')
        # Once: the original is closed.
        self.assertEqual(self.links(machine).count(path), 1)

    def test_one_in_two_sets(self):
        path = self.temporary('f')
        with open(path, 'rb') as file:
            fd = file.fileno()
            machine = self.machine(backend='none', pass_fds=[fd], options=[
                '-add-fd', 'fd=%d,set=1' % fd, '-add-fd', 'fd=%d,set=2' % fd])
        self.assertEqual([s['fdset-id'] for s in machine.qmp.cmd(
            'query-fdsets')], [2, 1])
        self.assertEqual(self.links(machine).count(path), 2)

    def check_refused(self, argument, *words):
        done = subprocess.run(
            [vm.binary(vm.WHERRY), '-add-fd', argument], text=True,
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=qmp.DEFAULT_TIMEOUT)
        self.assertEqual(done.returncode, 1)
        for word in ('-add-fd',) + words:
            self.assertIn(word, done.stderr)

    def test_refused(self):
        self.check_refused('set=1', "'fd' is missing")
        self.check_refused('fd=9', "'set' is missing")
        self.check_refused('fd=0,set=1', "'fd' expects a number from 3")
        self.check_refused('fd=x,set=1', "'fd' expects a number", "'x'")
        self.check_refused('fd=9,set=-1', "'set' expects a number from 0")
        self.check_refused('fd=9,set=1,mode=r', "'mode'")
        self.check_refused('fd=999,set=1', 'File descriptor 999 is not one')


class Migration(FdCase):
    """The addresses fd: and file:/dev/fdset/N."""

    def setUp(self):
        super().setUp()
        self.src, self.dst = self.source(), self.target()
        self.counts = [vm.count_fds(m.pid) for m in (self.src, self.dst)]

    def give(self, machine, fd, name='mig'):
        machine.qmp.cmd('getfd', {'fdname': name}, fds=[fd])

    def check_closed(self):
        for machine, count in zip((self.src, self.dst), self.counts):
            self.check_count(machine, count)

    def check_through(self, src_fd, dst_fd, **settings):
        self.give(self.src, src_fd)
        self.give(self.dst, dst_fd)
        os.close(src_fd)
        os.close(dst_fd)
        result = migrate.migrate(self.src, self.dst, 'fd:mig', **settings)
        self.check_completed(result)
        self.check_ram(self.src, self.dst)
        self.check_closed()

    def test_socket_pair(self):
        a, b = socket.socketpair()
        self.check_through(a.detach(), b.detach(), caps=('return-path',))

    def test_pipe(self):
        reading, writing = os.pipe()
        self.check_through(writing, reading)

    def test_unknown_name(self):
        migrate.configure(self.src, (), {})
        desc = self.refused(self.src, 'migrate', {'uri': 'fd:mig'})
        self.assertIn("'mig' has not been found", desc)
        desc = self.refused(self.dst, 'migrate-incoming', {'uri': 'fd:mig'})
        self.assertIn("'mig' has not been found", desc)

    def test_a_name_serves_once(self):
        a, b = socket.socketpair()
        self.check_through(a.detach(), b.detach())
        self.src.qmp.cmd('cont')
        desc = self.refused(self.src, 'migrate', {'uri': 'fd:mig'})
        self.assertIn("'mig' has not been found", desc)

    def test_multifd_is_refused(self):
        a, b = socket.socketpair()
        with a, b:
            self.give(self.src, a.fileno())
        self.src.capabilities(multifd=True)
        self.refused(self.src, 'migrate', {'uri': 'fd:mig'})

    def test_file(self):
        """Written through one descriptor, read through another."""
        path = self.temporary('snapshot')
        with open(path, 'wb') as file:
            self.give(self.src, file.fileno())
        migrate.configure(self.src, (), {'max_bandwidth': 0})
        self.src.qmp.cmd('migrate', {'uri': 'fd:mig'})
        self.assertEqual(migrate.end_status(self.src), 'completed')
        with open(path, 'rb') as file:
            self.give(self.dst, file.fileno())
        migrate.configure(self.dst, (), {})
        self.dst.listen('fd:mig')
        self.assertEqual(migrate.end_status(self.dst), 'completed')
        self.check_ram(self.src, self.dst)
        self.check_closed()

    def add_to_set(self, machine, path, flags):
        fd = os.open(path, flags)
        try:
            machine.qmp.cmd('add-fd', {'fdset-id': 3}, fds=[fd])
        finally:
            os.close(fd)

    def through_set(self, caps=(), params=None, more_flags=()):
        path = self.temporary('snapshot')
        for machine, access, uri in (
                (self.src, os.O_WRONLY, 'migrate'),
                (self.dst, os.O_RDONLY, 'migrate-incoming')):
            for flags in (0,) + tuple(more_flags):
                self.add_to_set(machine, path, access | flags)
            migrate.configure(machine, caps, params)
            machine.qmp.cmd(uri, {'uri': 'file:/dev/fdset/3'})
            self.assertEqual(migrate.end_status(machine), 'completed')
        self.check_ram(self.src, self.dst)
        for machine in (self.src, self.dst):
            machine.qmp.cmd('remove-fd', {'fdset-id': 3})
        self.check_closed()

    def test_set(self):
        self.through_set()

    def test_set_mapped_ram_multifd(self):
        self.through_set(('mapped-ram', 'multifd'))

    def test_set_with_o_direct(self):
        path = self.temporary('probe')
        try:
            os.close(os.open(path, os.O_RDWR | os.O_DIRECT))
        except OSError:
            self.skipTest('no O_DIRECT in ' + self.folder)
        self.through_set(('mapped-ram', 'multifd'), {'direct-io': True},
                         (os.O_DIRECT,))

    def test_set_that_does_not_fit(self):
        path = self.temporary('snapshot')
        self.add_to_set(self.src, path, os.O_RDWR)
        migrate.configure(self.src, (), {})
        desc = self.refused(self.src, 'migrate',
                            {'uri': 'file:/dev/fdset/3'})
        self.assertIn('open for writing only', desc)

    def test_set_that_is_not_there(self):
        migrate.configure(self.src, (), {})
        desc = self.refused(self.src, 'migrate',
                            {'uri': 'file:/dev/fdset/9'})
        self.assertIn('There is no /dev/fdset/9', desc)


class Inherited(FdCase):
    """Numbers of descriptors that the program was started with."""

    def test_incoming(self):
        a, b = socket.socketpair()
        src = self.source()
        with a, b:
            dst = self.target(incoming='fd:%d' % b.fileno(),
                              pass_fds=[b.fileno()])
            src.qmp.cmd('getfd', {'fdname': 'mig'}, fds=[a.fileno()])
        dst.capabilities(events=True)
        migrate.configure(src, (), {'max_bandwidth': 0})
        src.qmp.cmd('migrate', {'uri': 'fd:mig'})
        self.assertEqual(migrate.end_status(src), 'completed')
        self.assertEqual(migrate.end_status(dst), 'completed')
        self.check_ram(src, dst)

    def test_outgoing(self):
        a, b = socket.socketpair()
        with a, b:
            src = self.source(pass_fds=[a.fileno()])
            dst = self.target()
            dst.qmp.cmd('getfd', {'fdname': 'mig'}, fds=[b.fileno()])
            number = a.fileno()
        migrate.configure(src, (), {'max_bandwidth': 0})
        migrate.configure(dst, (), {})
        dst.listen('fd:mig')
        src.qmp.cmd('migrate', {'uri': 'fd:%d' % number})
        result = migrate.finish(src, dst)
        self.check_completed(result)
        self.check_ram(src, dst)

    def test_one_of_its_own(self):
        """The number of, say, the monitor's socket."""
        src = self.source()
        migrate.configure(src, (), {})
        for number in sorted(int(n) for n in os.listdir(
                '/proc/%d/fd' % src.pid)):
            if number > 2:
                desc = self.refused(src, 'migrate', {'uri': 'fd:%d' % number})
                self.assertIn('was started with', desc)


if __name__ == '__main__':
    sys.exit(tap.main())
