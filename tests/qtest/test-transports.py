# SPDX-License-Identifier: GPL-2.0-or-later
#
# Carriers other than tcp and unix: files, programs, descriptors that were
# handed over, vsock.  Each there and back, each way it can go wrong; and after
# each failure the guest is still there, and may migrate again.

import os
import re
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import (carrier, case, kvm, migrate, peer, qmp,  # noqa: E402
                        ram, stopwatch, tap, vm)

CANCEL_LIMIT = 0.2 * qmp.SCALE
# Sent in one part, mostly: where a part ends is a matter of time.
FEW_PAGES = 16 * ram.PAGE
# So many streams are compared until one is cut the same way.
RECORDINGS = 5
SLOW = {'max_bandwidth': 2 * vm.MIB, 'downtime_limit': 1}


class CarrierCase(case.MachineCase):
    """There and back, and what is to be so after a failure."""

    def check_there_and_back(self, there, back=None, caps=(), **options):
        src, dst = self.source(**options), self.target()
        self.assertEqual(carrier.save(src, there, caps), 'completed',
                         src.info())
        self.assertEqual(carrier.load(dst, back or there), 'completed',
                         dst.info())
        self.check_ram(src, dst)
        return src, dst

    def check_lives_on(self, src):
        """It may go somewhere else at once."""
        path = self.path('next')
        dst = self.target(name='next-dst')
        self.assertEqual(carrier.save(src, 'file:' + path), 'completed',
                         src.info())
        self.assertEqual(carrier.load(dst, 'file:' + path), 'completed')
        self.check_ram(src, dst)

    def check_refused(self, machine, where, sentence, command='migrate'):
        """The reply has the sentence, all of it."""
        with self.assertRaises(qmp.QmpError) as caught:
            machine.qmp.cmd(command, carrier.place(where))
        self.assertEqual(caught.exception.desc, sentence)

    def check_fails_at_once(self, src, where, sentence):
        """As above, and the status says so, too."""
        migrate.configure(src, (), {})
        self.check_refused(src, where, sentence)
        info = src.info()
        self.assertEqual(info['status'], 'failed')
        self.assertEqual(info['error-desc'], sentence)
        self.assertEqual(src.qmp.cmd('query-status')['status'], 'prelaunch')

    def check_fails(self, src, where, sentence):
        """Later, for a reason that the program or file has."""
        self.assertEqual(carrier.save(src, where), 'failed')
        desc = src.info()['error-desc']
        self.assertRegex(desc, sentence)
        self.assertEqual(desc.count('\n'), 0)
        self.assertEqual(src.qmp.cmd('query-status')['status'], 'prelaunch')

    def check_load_fails(self, where, sentence):
        dst = self.target()
        self.assertEqual(carrier.load(dst, where), 'failed')
        self.assertRegex(dst.info()['error-desc'], sentence)
        return dst

    def cancel(self, src):
        watch = stopwatch.Stopwatch(src.pid)
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.assertLess(watch.seconds(), CANCEL_LIMIT)
        self.assertEqual(src.qmp.cmd('query-status')['status'], 'prelaunch')


class File(CarrierCase):
    def setUp(self):
        super().setUp()
        self.file = self.path('saved')
        self.uri_file = 'file:' + self.file

    def recorded(self, name='recorded'):
        """What a source with the same guest sends over a socket."""
        src = self.source(name=name, size=FEW_PAGES)
        with peer.Sink(self.path(name + '-sink')) as sink:
            self.assertEqual(carrier.save(src, sink.uri), 'completed')
            sink.wait_end()
            return bytes(sink.data[0])

    def read(self):
        with open(self.file, 'rb') as saved:
            return saved.read()

    def write(self, data):
        with open(self.file, 'wb') as saved:
            saved.write(data)

    def test_there_and_back(self):
        self.check_there_and_back(self.uri_file)

    def test_each_kind_of_memory(self):
        for kind in ram.KINDS:
            with self.subTest(kind=kind):
                src = self.source(ram_kind=kind, name='src-' + kind)
                dst = self.target(name='dst-' + kind)
                self.assertEqual(carrier.save(src, self.uri_file),
                                 'completed')
                self.assertEqual(carrier.load(dst, self.uri_file),
                                 'completed')
                self.check_ram(src, dst)
                self.discard(src, dst)

    def test_it_is_the_plain_stream(self):
        src = self.source(size=FEW_PAGES)
        self.assertEqual(carrier.save(src, self.uri_file), 'completed')
        for attempt in range(RECORDINGS):
            if self.read() == self.recorded('recorded-%d' % attempt):
                break
        else:
            self.fail('the file is none of %d streams' % RECORDINGS)
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        self.assertEqual(src.info()['ram']['transferred'],
                         os.path.getsize(self.file))

    def test_offset_keeps_what_is_before_it(self):
        for text, number in (('5000', 5000), ('0x2000', 0x2000),
                             ('12k', 12 << 10), ('1M', 1 << 20)):
            with self.subTest(offset=text):
                self.write(b'\x5a' * (16 << 20))
                src = self.source(name='src-' + text)
                dst = self.target(name='dst-' + text)
                uri = '%s,offset=%s' % (self.uri_file, text)
                self.assertEqual(carrier.save(src, uri), 'completed')
                data = self.read()
                self.assertEqual(data[:number], b'\x5a' * number)
                self.assertEqual(len(data), number +
                                 src.info()['ram']['transferred'])
                where = carrier.file_address(self.file, number)
                self.assertEqual(carrier.load(dst, where), 'completed')
                self.check_ram(src, dst)
                self.discard(src, dst)

    def test_odd_path(self):
        for name in ("a b,c=d:'\"*", 'äöü', ',offse=1'):
            with self.subTest(name=name):
                src = self.source(name='src')
                dst = self.target(name='dst')
                uri = 'file:' + self.path(name)
                self.assertEqual(carrier.save(src, uri), 'completed')
                self.assertTrue(os.path.exists(self.path(name)))
                self.assertEqual(carrier.load(dst, uri), 'completed')
                self.check_ram(src, dst)
                self.discard(src, dst)

    def test_structured_path_is_taken_as_it_is(self):
        path = self.file + ',offset=9'
        self.check_there_and_back(carrier.file_address(path))
        self.assertTrue(os.path.exists(path))

    def test_structured_offset_is_mandatory(self):
        src = self.source()
        address = carrier.file_address(self.file)
        del address['offset']
        with self.assertRaisesRegex(qmp.QmpError, 'offset'):
            src.qmp.cmd('migrate', carrier.place(address))

    def test_relative_path(self):
        path = os.path.relpath(self.file)
        self.check_there_and_back('file:' + path, self.uri_file)

    def check_command_line(self, text):
        src = self.source()
        self.assertEqual(carrier.save(src, self.uri_file + ',offset=4k'),
                         'completed')
        dst = self.target(incoming=text)
        self.assertEqual(carrier.asked_status(dst), 'completed')
        self.check_ram(src, dst)

    def test_incoming_uri(self):
        self.check_command_line(self.uri_file + ',offset=4k')

    def test_incoming_json(self):
        self.check_command_line(
            '{"channel-type": "main", "addr": {"transport": "file", '
            '"filename": "%s", "offset": 4096}}' % self.file)

    def start_fails(self, incoming):
        """What the program says that does not begin to wait."""
        with self.assertRaises(RuntimeError) as caught:
            self.target(incoming=incoming)
        self.machines[-1].expect_exit = True
        self.assertEqual(self.machines[-1].wait_exit(), 1)
        return str(caught.exception)

    def test_incoming_of_an_absent_file(self):
        self.assertIn("Could not open '%s': No such file or directory"
                      % self.file, self.start_fails(self.uri_file))

    def test_incoming_of_a_bad_file(self):
        """The program ends, and says why."""
        self.write(b'')
        dst = self.machine(name='dst', incoming='defer')
        dst.expect_exit = True
        dst.qmp.cmd('migrate-incoming', {'uri': self.uri_file})
        self.assertEqual(dst.wait_exit(), 1)
        self.assertIn('incoming migration failed: %s: The stream ended before '
                      'its first byte' % self.uri_file, dst.log())

    def test_incoming_of_bad_json(self):
        for text in ('{', '{}', '{"channel-type": "main"}',
                     '{"channel-type": "main", "addr": {"transport": "x"}}'):
            with self.subTest(text=text):
                self.assertIn('-incoming %s: ' % text, self.start_fails(text))

    def test_hmp(self):
        src, dst = self.source(), self.target()
        migrate.configure(src, (), {'max_bandwidth': 0})
        self.assertEqual(self.hmp(src, 'migrate -d "%s"' % self.uri_file), '')
        self.assertEqual(migrate.end_status(src), 'completed')
        migrate.configure(dst, (), {})
        self.assertEqual(self.hmp(dst, 'migrate_incoming "exec:cat %s"'
                                  % self.file), '')
        self.assertEqual(migrate.end_status(dst), 'completed')
        self.check_ram(src, dst)

    @staticmethod
    def hmp(machine, line):
        return machine.qmp.cmd('human-monitor-command',
                               {'command-line': line})

    def test_no_address_to_connect_to(self):
        """There is no socket-address where there is no socket."""
        dst = self.target()
        dst.qmp.cmd('migrate-incoming', {'uri': 'exec:sleep 1000'})
        info = dst.info()
        self.assertEqual(info['status'], 'setup')
        self.assertNotIn('socket-address', info)

    def test_cannot_be_made(self):
        src = self.source()
        path = self.path('absent/file')
        self.check_fails_at_once(src, 'file:' + path, "Could not create '%s': "
                                 "No such file or directory" % path)
        self.check_lives_on(src)

    def test_what_is_no_file(self):
        src = self.source()
        self.check_fails_at_once(
            src, 'file:' + self.folder,
            "Could not create '%s': Is a directory" % self.folder)
        self.check_fails_at_once(
            src, 'file:/dev/null',
            "'/dev/null' is neither a file nor a block device")
        os.mkfifo(self.file)
        self.check_fails_at_once(
            src, self.uri_file, "Could not create '%s': No such device or "
            "address" % self.file)
        dst = self.target()
        self.check_refused(
            dst, self.uri_file, "'%s' is neither a file nor a block device"
            % self.file, 'migrate-incoming')

    def test_nothing_is_touched_when_refused(self):
        self.write(b'precious')
        src = self.source()
        migrate.configure(src, ('multifd',), {})
        self.check_refused(src, self.uri_file, 'Migration requires '
                           'multi-channel URIs (e.g. tcp)')
        self.assertEqual(self.read(), b'precious')
        dst = self.target()
        migrate.configure(dst, (), {})
        with self.assertRaises(qmp.QmpError):
            dst.qmp.cmd('migrate', {'uri': self.uri_file})
        self.assertEqual(self.read(), b'precious')

    def test_bad_addresses(self):
        src, dst = self.source(), self.target()
        for uri, sentence in (
                ('file:x,offset=y',
                 'file URI has bad offset y: Invalid argument'),
                ('ftp:x', 'unknown migration protocol: ftp:x'),
                ('vsock:a:1', "'a:1' is not an address: 'a' is no CID of a "
                 'vsock address; give a number from 0 to 4294967295'),
                ('exec:', "'exec:' has no command: expected exec:COMMAND")):
            self.check_refused(src, uri, sentence)
            self.check_refused(dst, uri, sentence, 'migrate-incoming')
        self.assertNotIn('status', src.info())
        self.check_lives_on(src)

    def test_absent_file_and_another_one(self):
        src = self.source()
        self.assertEqual(carrier.save(src, self.uri_file), 'completed')
        dst = self.target()
        path = self.path('absent')
        self.check_refused(dst, 'file:' + path, "Could not open '%s': No such "
                           "file or directory" % path, 'migrate-incoming')
        self.assertEqual(carrier.load(dst, self.uri_file), 'completed')
        self.check_ram(src, dst)

    def test_empty_file(self):
        self.write(b'')
        self.check_load_fails(self.uri_file, '^%s: The stream ended before '
                              'its first byte$' % re.escape(self.uri_file))

    def test_no_stream(self):
        self.write(b'#!/bin/sh\n')
        self.check_load_fails(self.uri_file, '^%s: A connection begins with '
                              % re.escape(self.uri_file))

    def test_no_answers_from_a_file(self):
        src = self.source()
        migrate.configure(src, ('return-path',), {})
        self.check_refused(src, self.uri_file, 'A file gives no answers: set '
                           "capability 'return-path' off")
        self.assertFalse(os.path.exists(self.file))

    def test_cut_short(self):
        src = self.source()
        self.assertEqual(carrier.save(src, self.uri_file), 'completed')
        data = self.read()
        dst = self.target()
        for length in (1, 4, 7, 100, 5000, len(data) // 2, len(data) - 5000):
            with self.subTest(length=length):
                self.write(data[:length])
                self.assertEqual(carrier.load(dst, self.uri_file), 'failed')
                desc = dst.info()['error-desc']
                self.assertRegex(desc, '^%s: .*(ended|closed)'
                                 % re.escape(self.uri_file))
        self.write(data)
        self.assertEqual(carrier.load(dst, self.uri_file), 'completed')
        self.check_ram(src, dst)

    def test_full_disk(self):
        fd = carrier.small_file(vm.MIB)
        if fd is None:
            self.skipTest('this process may not make a file system')
        self.addCleanup(os.close, fd)
        path = '/proc/%d/fd/%d' % (os.getpid(), fd)
        src = self.source(ram_kind='random')
        self.check_fails(src, 'file:' + path, "cannot write to '%s' at offset "
                         "[0-9]+: No space left on device$" % path)
        self.check_lives_on(src)

    def test_cancel(self):
        src = self.source(ram_kind='random')
        migrate.configure(src, (), SLOW)
        src.qmp.cmd('migrate', {'uri': self.uri_file})
        src.qmp.wait_status('active')
        self.cancel(src)
        self.check_lives_on(src)

    def test_pause_before_switchover(self):
        src = self.source()
        src.capabilities(pause_before_switchover=True)
        migrate.configure(src, (), {'max_bandwidth': 0})
        src.qmp.cmd('migrate', {'uri': self.uri_file})
        src.qmp.wait_status('pre-switchover')
        src.qmp.cmd('migrate-continue', {'state': 'pre-switchover'})
        self.assertEqual(migrate.end_status(src), 'completed')
        dst = self.target()
        self.assertEqual(carrier.load(dst, self.uri_file), 'completed')
        self.check_ram(src, dst)

    def test_guest_that_writes(self):
        accel = ['-accel', 'stress,threads=2,rate=64M,pattern=seq,zero=10']
        src = self.machine(name='src', backend='file', options=accel)
        dst = self.machine(name='dst', backend='file', options=accel,
                           incoming='defer')
        src.qmp.cmd('cont')
        self.assertEqual(carrier.save(src, self.uri_file), 'completed')
        self.assertEqual(src.qmp.cmd('query-status')['status'],
                         'postmigrate')
        self.assertEqual(carrier.load(dst, self.uri_file), 'completed')
        dst.qmp.cmd('stop')
        # It looks at every page as it writes, and ends if one is wrong.
        self.assertTrue(dst.alive())


class Exec(CarrierCase):
    def pid_of(self, command):
        """A command that first says which process it is, and where."""
        path = self.path('pid')
        os.mkfifo(path)
        return 'exec:echo $$ > %s; %s' % (path, command)

    def read_pid(self):
        with open(self.path('pid')) as pid:
            return int(pid.read())

    def assert_gone(self, pid):
        """Waited for, too."""
        self.assertFalse(os.path.exists('/proc/%d' % pid))

    def test_there_and_back(self):
        path = self.path('saved')
        self.check_there_and_back('exec:cat > ' + path, 'exec:cat ' + path)

    def test_compressed(self):
        path = self.path('saved.gz')
        self.check_there_and_back('exec:gzip -1 > ' + path,
                                  'exec:gzip -dc < ' + path)

    def test_structured(self):
        path = self.path('a b')
        self.check_there_and_back(
            carrier.exec_address('dd', 'of=' + path, 'bs=64k',
                                 'status=none'),
            carrier.exec_address('cat', path))

    def test_same_bytes_as_a_file(self):
        for uri, name in (('file:' + self.path('file'), 'file'),
                          ('exec:cat > ' + self.path('exec'), 'exec')):
            src = self.source(name=name + '-src', size=FEW_PAGES)
            self.assertEqual(carrier.save(src, uri), 'completed')
        with open(self.path('file'), 'rb') as one, \
                open(self.path('exec'), 'rb') as other:
            self.assertEqual(one.read(), other.read())

    def test_incoming_on_the_command_line(self):
        path = self.path('saved')
        src = self.source()
        self.assertEqual(carrier.save(src, 'file:' + path), 'completed')
        dst = self.target(incoming='exec:cat ' + path)
        self.assertEqual(carrier.asked_status(dst), 'completed')
        self.check_ram(src, dst)

    def test_both_ways(self):
        """A relay to a destination that answers: with a return path."""
        src, dst = self.source(), self.target()
        path = self.path('m.sock')
        relay = self.path('relay.py')
        with open(relay, 'w') as script:
            script.write(
                'import os, socket, sys, threading\n'
                'peer = socket.socket(socket.AF_UNIX)\n'
                'peer.connect(sys.argv[1])\n'
                'def copy(read, write):\n'
                '    data = read(65536)\n'
                '    while data:\n'
                '        write(data)\n'
                '        data = read(65536)\n'
                'def back():\n'
                '    copy(peer.recv, lambda data: os.write(1, data))\n'
                '    os.close(1)\n'
                'answers = threading.Thread(target=back)\n'
                'answers.start()\n'
                'copy(lambda size: os.read(0, size), peer.sendall)\n'
                'peer.shutdown(socket.SHUT_WR)\n'
                'answers.join()\n')
        migrate.configure(dst, ('return-path',), {})
        dst.listen('unix:' + path)
        where = carrier.exec_address(sys.executable, relay, path)
        self.assertEqual(carrier.save(src, where, ('return-path',)),
                         'completed', src.info())
        self.assertEqual(migrate.end_status(dst), 'completed')
        self.check_ram(src, dst)

    def test_fails_at_the_end(self):
        src = self.source()
        command = 'cat > /dev/null; exit 3'
        self.check_fails(src, 'exec:' + command, "^Migration to exec:%s "
                         "failed: exec command '%s' ended with status 3$"
                         % (re.escape(command), re.escape(command)))
        self.check_lives_on(src)

    def test_fails_at_once(self):
        src = self.source(ram_kind='random')
        self.check_fails(src, 'exec:exit 4', "exec command 'exit 4' ended "
                         "with status 4$")
        self.check_lives_on(src)

    def test_full_disk(self):
        src = self.source(ram_kind='random')
        self.check_fails(src, 'exec:cat > /dev/full', "exec command 'cat > "
                         "/dev/full' ended with status 1$")
        self.check_lives_on(src)

    def test_reads_too_little(self):
        src = self.source(ram_kind='random')
        self.check_fails(src, 'exec:head -c 100000 > /dev/null',
                         'ended with status 0 before all was written$')

    def test_absent_program(self):
        src = self.source()
        self.check_fails_at_once(
            src, carrier.exec_address('/absent/program', 'x'),
            "cannot run exec command '/absent/program x': No such file or "
            "directory")
        self.check_lives_on(src)

    def test_killed_half_way(self):
        src = self.source(ram_kind='random')
        migrate.configure(src, (), SLOW)
        uri = self.pid_of('exec cat > /dev/null')
        src.qmp.cmd('migrate', {'uri': uri})
        pid = self.read_pid()
        src.qmp.wait_status('active')
        os.kill(pid, 9)
        self.assertEqual(migrate.end_status(src), 'failed')
        self.assertRegex(src.info()['error-desc'],
                         'was ended by signal 9$')
        self.assert_gone(pid)
        self.check_lives_on(src)

    def start_stuck(self, command):
        """A migration to a program that reads nothing (more)."""
        src = self.source(ram_kind='random')
        migrate.configure(src, (), {'max_bandwidth': 0})
        src.qmp.cmd('migrate', {'uri': self.pid_of(command)})
        return src, self.read_pid()

    def test_cancel_a_stuck_program(self):
        src, pid = self.start_stuck('exec sleep 1000')
        src.qmp.wait_status('active')
        last, now = -1, src.info()['ram']['transferred']
        while now != last:
            last, now = now, src.info()['ram']['transferred']
        self.cancel(src)
        self.assert_gone(pid)
        self.check_lives_on(src)

    def test_cancel_a_program_that_does_not_end(self):
        """It has everything, but does not say so: the guest stays here."""
        src, pid = self.start_stuck('cat > /dev/null; exec sleep 1000')
        src.qmp.wait_status('device')
        self.cancel(src)
        self.assert_gone(pid)
        self.check_lives_on(src)

    def test_cancel_a_program_that_ignores_signals(self):
        src, pid = self.start_stuck("trap '' TERM; sleep 1000; sleep 1000")
        src.qmp.wait_status('active')
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.assert_gone(pid)

    def test_quit_with_a_stuck_program(self):
        src, pid = self.start_stuck('exec sleep 1000')
        src.qmp.wait_status('active')
        src.expect_exit = True
        self.assertEqual(src.quit(), 0)
        self.assert_gone(pid)

    def test_quit_while_waiting_for_a_program(self):
        dst = self.target()
        dst.qmp.cmd('migrate-incoming',
                    {'uri': self.pid_of('exec sleep 1000')})
        pid = self.read_pid()
        dst.expect_exit = True
        self.assertEqual(dst.quit(), 0)
        self.assert_gone(pid)

    def test_cancel_a_program_that_says_nothing(self):
        """Not one that nobody has connected to yet: it would stay for ever."""
        dst = self.target()
        dst.qmp.cmd('migrate-incoming', dict(
            carrier.place(self.pid_of('exec sleep 1000')),
            **{'exit-on-error': False}))
        pid = self.read_pid()
        dst.qmp.cmd('migrate_cancel')
        self.assertEqual(dst.info()['status'], 'failed')
        path = self.path('saved')
        src = self.source()
        self.assertEqual(carrier.save(src, 'file:' + path), 'completed')
        self.assertEqual(carrier.load(dst, 'file:' + path), 'completed')
        self.check_ram(src, dst)
        self.assert_gone(pid)

    def test_incoming_fails(self):
        self.check_load_fails('exec:exit 7', "^exec:exit 7: exec command "
                              "'exit 7' ended with status 7$")

    def test_incoming_fails_half_way(self):
        src = self.source()
        path = self.path('saved')
        self.assertEqual(carrier.save(src, 'file:' + path), 'completed')
        dst = self.check_load_fails('exec:head -c 9999 %s; exit 5' % path,
                                    'ended with status 5$')
        self.assertEqual(carrier.load(dst, 'exec:cat ' + path), 'completed')
        self.check_ram(src, dst)

    def test_incoming_says_nothing(self):
        self.check_load_fails('exec:true', '^exec:true: The stream ended '
                              'before its first byte$')

    def test_program_is_not_left_behind(self):
        """Not even as one that nobody has waited for."""
        path = self.path('saved')
        src, dst = self.source(), self.target()
        self.assertEqual(carrier.save(src, 'exec:cat > ' + path), 'completed')
        self.assertEqual(carrier.load(dst, 'exec:cat ' + path), 'completed')
        self.wait_no_children(src)
        # The main thread is told when the load is over.
        self.wait_no_children(dst)

    @staticmethod
    def wait_no_children(machine):
        """Each answer is a turn of the loop or more."""
        tasks = '/proc/%d/task' % machine.pid
        for _ in range(10000):
            found = ''
            for task in os.listdir(tasks):
                try:
                    with open('%s/%s/children' % (tasks, task)) as children:
                        found += children.read()
                except FileNotFoundError:
                    pass    # a thread that has ended
            if not found:
                return
            machine.qmp.cmd('query-status')
        raise AssertionError('children of %s: %s' % (machine.name, found))

    def test_multifd_is_refused(self):
        for where in ('exec:cat', 'fd:x', 'file:x'):
            src = self.source(name='src-' + where[:2])
            dst = self.target(name='dst-' + where[:2])
            for machine, command in ((src, 'migrate'),
                                     (dst, 'migrate-incoming')):
                migrate.configure(machine, ('multifd',), {})
                self.check_refused(machine, where, 'Migration requires '
                                   'multi-channel URIs (e.g. tcp)', command)


class Descriptor(CarrierCase):
    def give(self, machine, name, fd):
        machine.qmp.cmd('getfd', {'fdname': name}, fds=(fd,))

    def pair(self):
        """Descriptors of a socket pair, closed at the end."""
        one, other = socket.socketpair()
        self.addCleanup(one.close)
        self.addCleanup(other.close)
        return one, other

    def pipe(self):
        """The reading and the writing end, closed at the end."""
        ends = [open(fd, mode, buffering=0)
                for fd, mode in zip(os.pipe(), ('rb', 'wb'))]
        for end in ends:
            self.addCleanup(end.close)
        return ends

    def check_both(self, src, dst):
        """Both were told where."""
        result = migrate.finish(src, dst)
        self.check_completed(result)
        self.check_ram(src, dst)

    def start(self, src, dst, out, in_, caps=()):
        migrate.configure(dst, caps, {})
        migrate.configure(src, caps, {'max_bandwidth': 0})
        dst.qmp.cmd('migrate-incoming', dict(carrier.place(in_),
                                             **{'exit-on-error': False}))
        src.qmp.cmd('migrate', carrier.place(out))

    def test_socket_by_name(self):
        for caps in ((), ('return-path',)):
            with self.subTest(caps=caps):
                src, dst = self.source(), self.target()
                one, other = self.pair()
                self.give(src, 'out', one.fileno())
                self.give(dst, 'in', other.fileno())
                one.close()
                other.close()
                self.start(src, dst, 'fd:out', 'fd:in', caps)
                self.check_both(src, dst)
                self.discard(src, dst)

    def test_pipe_by_name(self):
        src, dst = self.source(), self.target()
        read, write = self.pipe()
        self.give(src, 'out', write.fileno())
        self.give(dst, 'in', read.fileno())
        write.close()
        read.close()
        self.start(src, dst, carrier.fd_address('out'), 'fd:in')
        self.check_both(src, dst)

    def test_file_by_name(self):
        """It begins where the descriptor is, and ends where that is then."""
        path = self.path('saved')
        src, dst = self.source(), self.target()
        with open(path, 'wb', buffering=0) as saved:
            saved.write(b'front')
            self.give(src, 'out', saved.fileno())
            self.assertEqual(carrier.save(src, 'fd:out'), 'completed')
            src.qmp.cmd('query-status')
            self.assertEqual(saved.tell(),
                             5 + src.info()['ram']['transferred'])
            saved.write(b'back')
        with open(path, 'rb', buffering=0) as saved:
            self.assertEqual(saved.read(5), b'front')
            self.give(dst, 'in', saved.fileno())
            self.assertEqual(carrier.load(dst, 'fd:in'), 'completed')
        self.check_ram(src, dst)

    def test_inherited_socket(self):
        self.check_inherited(*self.pair())

    def check_inherited(self, read, write):
        """Numbers that both programs were started with."""
        number = write.fileno()
        src = self.source(pass_fds=(number,))
        dst = self.target(pass_fds=(read.fileno(),),
                          incoming='fd:%d' % read.fileno())
        read.close()
        write.close()
        migrate.configure(src, (), {'max_bandwidth': 0})
        src.qmp.cmd('migrate', {'uri': 'fd:%d' % number})
        self.assertEqual(migrate.end_status(src), 'completed')
        self.assertEqual(carrier.asked_status(dst), 'completed')
        self.check_ram(src, dst)

    def test_inherited_pipe(self):
        self.check_inherited(*self.pipe())

    def test_inherited_file_of_a_shell(self):
        path = self.path('saved')
        src = self.source()
        self.assertEqual(carrier.save(src, 'file:' + path), 'completed')
        with open(path, 'rb') as saved:
            dst = self.target(pass_fds=(saved.fileno(),),
                              incoming='fd:%d' % saved.fileno())
        self.assertEqual(carrier.asked_status(dst), 'completed')
        self.check_ram(src, dst)

    def test_inherited_socket_that_listens(self):
        with socket.socket(socket.AF_UNIX) as server:
            path = self.path('listening')
            server.bind(path)
            server.listen(1)
            dst = self.target(pass_fds=(server.fileno(),),
                              incoming='fd:%d' % server.fileno())
        self.assertEqual(dst.info()['socket-address'],
                         [{'type': 'unix', 'path': path}])
        src = self.source()
        self.assertEqual(carrier.save(src, 'unix:' + path), 'completed')
        self.assertEqual(carrier.asked_status(dst), 'completed')
        self.check_ram(src, dst)

    def test_a_name_is_used_up(self):
        src = self.source()
        _, write = self.pipe()
        self.give(src, 'out', write.fileno())
        write.close()
        migrate.configure(src, (), SLOW)
        src.qmp.cmd('migrate', {'uri': 'fd:out'})
        src.qmp.wait_status('active')
        self.cancel(src)
        self.check_fails_at_once(src, 'fd:out', "File descriptor named 'out' "
                                 "has not been found")
        self.check_lives_on(src)

    def test_unknown_names_and_numbers(self):
        src, dst = self.source(), self.target()
        for uri in ('fd:absent', 'fd:999', 'fd:12x'):
            for machine, command in ((src, 'migrate'),
                                     (dst, 'migrate-incoming')):
                with self.assertRaises(qmp.QmpError):
                    machine.qmp.cmd(command, {'uri': uri})
        self.assertEqual(src.info()['status'], 'failed')
        self.check_lives_on(src)

    def test_wrong_direction(self):
        src = self.source()
        read, _ = self.pipe()
        self.give(src, 'out', read.fileno())
        self.check_fails_at_once(src, 'fd:out', "descriptor 'fd:out' is not "
                                 'open for writing')

    def test_cancel_a_full_pipe(self):
        src = self.source(ram_kind='random')
        _, write = self.pipe()
        self.give(src, 'out', write.fileno())
        migrate.configure(src, (), {'max_bandwidth': 0})
        src.qmp.cmd('migrate', {'uri': 'fd:out'})
        src.qmp.wait_status('active')
        last, now = -1, src.info()['ram']['transferred']
        while now != last:
            last, now = now, src.info()['ram']['transferred']
        self.cancel(src)
        self.check_lives_on(src)

    def test_reader_of_a_pipe_leaves(self):
        src = self.source(ram_kind='random')
        read, write = self.pipe()
        self.give(src, 'out', write.fileno())
        write.close()
        reader = threading.Thread(
            target=lambda: (read.read(1), read.close()))
        reader.start()
        self.check_fails(src, 'fd:out', 'cannot write to the pipe: Broken '
                         'pipe$')
        reader.join()
        self.check_lives_on(src)

    def test_nothing_comes(self):
        dst = self.target()
        read, write = self.pipe()
        self.give(dst, 'in', read.fileno())
        write.close()
        self.assertEqual(carrier.load(dst, 'fd:in'), 'failed')
        self.assertEqual(dst.info()['error-desc'],
                         'fd:in: The stream ended before its first byte')


class Guest(kvm.GuestCase):
    """One that runs, under KVM."""

    def check(self, there, back):
        src = self.guest(cpus=2)
        dst = self.guest_target(cpus=2, old=0xa5)
        self.run_each_cpu(src)
        self.assertEqual(carrier.save(src, there), 'completed', src.info())
        self.assertEqual(carrier.load(dst, back), 'completed', dst.info())
        dst.qmp.cmd('stop')
        self.assertEqual(src.qmp.cmd('query-status')['status'],
                         'postmigrate')
        self.assertGreater(sum(self.check_stopped(dst)), 0)

    def test_file(self):
        uri = 'file:' + self.path('saved')
        self.check(uri, uri)

    def test_exec(self):
        self.check('exec:gzip -1 > ' + self.path('saved'),
                   'exec:gzip -dc ' + self.path('saved'))

    def test_goes_on_after_a_failure(self):
        """A program that has everything and then fails: the guest was
        stopped, and runs again."""
        src = self.guest(cpus=2)
        self.run_each_cpu(src)
        self.assertEqual(carrier.save(src, 'exec:cat > /dev/null; exit 3'),
                         'failed')
        self.assertTrue(src.qmp.cmd('query-status')['running'])
        src.serial.wait(2 * src.cpus)
        uri = 'file:' + self.path('saved')
        dst = self.guest_target(cpus=2, old=0xa5)
        self.assertEqual(carrier.save(src, uri), 'completed')
        self.assertEqual(carrier.load(dst, uri), 'completed')
        dst.qmp.cmd('stop')
        self.check_stopped(dst)


def vsock_trouble():
    """Why this host cannot connect to itself over vsock, or None."""
    try:
        with socket.socket(socket.AF_VSOCK) as server, \
                socket.socket(socket.AF_VSOCK) as client:
            server.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
            server.listen(1)
            client.settimeout(3)
            client.connect((1, server.getsockname()[1]))
        return None
    except OSError as err:
        return 'no vsock connection of this host to itself: %s' % err


class Vsock(CarrierCase):
    any_address = 'vsock:%d:%d' % (0xffffffff, 0xffffffff)

    def listen(self, dst):
        try:
            dst.qmp.cmd('migrate-incoming', {'uri': self.any_address,
                                             'exit-on-error': False})
        except qmp.QmpError as err:
            raise unittest.SkipTest('no vsock here: %s' % err) from err
        address, = dst.info()['socket-address']
        return address

    def test_address_is_reported(self):
        address = self.listen(self.target())
        self.assertEqual(address['type'], 'vsock')
        self.assertEqual(address['cid'], str(0xffffffff))
        self.assertRegex(address['port'], '^[0-9]+$')
        self.assertNotEqual(address['port'], str(0xffffffff))

    def test_migration(self):
        trouble = vsock_trouble()
        if trouble:
            self.skipTest(trouble)
        for caps in ((), ('multifd', 'return-path')):
            with self.subTest(caps=caps):
                src, dst = self.source(), self.target()
                migrate.configure(dst, caps, {})
                address = self.listen(dst)
                uri = 'vsock:1:' + address['port']
                self.assertEqual(carrier.save(src, uri, caps), 'completed')
                self.assertEqual(migrate.end_status(dst), 'completed')
                self.check_ram(src, dst)
                self.discard(src, dst)

    def test_nobody_listens(self):
        src = self.source()
        migrate.configure(src, (), {})
        src.qmp.cmd('migrate', {'uri': 'vsock:1:1'})
        self.assertEqual(migrate.end_status(src), 'failed')
        self.assertIn("cannot connect to 'vsock:1:1': ",
                      src.info()['error-desc'])
        self.check_lives_on(src)


if __name__ == '__main__':
    sys.exit(tap.main())
