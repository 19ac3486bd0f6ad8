# SPDX-License-Identifier: GPL-2.0-or-later
#
# The qtest server as a socket: lines however they are cut, clients that do
# not read, leave in the middle or send what is no line, and its options.

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, qmp, qtest, tap, vm  # noqa: E402

LINE_MAX = 2 * (4 << 20) + 256


class QtestCase(case.MachineCase):
    def guest(self, name='vm', log='none', **options):
        """A machine, and a client of its qtest server."""
        path = self.path(name + '.qtest')
        made = self.machine(name=name, options=[
            '-accel', 'qtest', '-qtest', 'unix:%s,server=on,wait=off' % path,
            '-qtest-log', log], **options)
        return made, path

    def client(self, path):
        made = qtest.QtestClient(path)
        self.addCleanup(made.close)
        return made


class Lines(QtestCase):
    def test_byte_by_byte(self):
        _, path = self.guest()
        client = self.client(path)
        for byte in b'writeq 0x10 0x1234\nreadq 0x10\n':
            client.send(bytes([byte]))
        self.assertEqual(client.answer(), 'OK')
        self.assertEqual(client.answer(), 'OK 0x0000000000001234')

    def test_many_at_once_are_answered_in_order(self):
        _, path = self.guest()
        client = self.client(path)
        client.send(b''.join(b'writeb %d %d\nreadb %d\n' % (i, i % 256, i)
                             for i in range(1000)))
        for i in range(1000):
            self.assertEqual(client.answer(), 'OK')
            self.assertEqual(client.answer(), 'OK 0x%016x' % (i % 256))

    def test_data_arrive_whole(self):
        _, path = self.guest(size=8 * vm.MIB)
        client = self.client(path)
        data = os.urandom(3 * vm.MIB + 5)
        client.write(vm.MIB - 1, data)
        self.assertEqual(client.read(vm.MIB - 1, len(data)), data)
        self.assertEqual(client.command('read %d 4' % (vm.MIB - 1)),
                         '0x' + data[:4].hex())

    def test_longest_write(self):
        _, path = self.guest(size=8 * vm.MIB)
        client = self.client(path)
        data = os.urandom(4 * vm.MIB)
        line = 'write 0x1 0x400000 0x' + data.hex()
        self.assertLess(len(line), LINE_MAX)
        self.assertEqual(client.ask(line), 'OK')
        self.assertEqual(client.read(1, len(data)), data)


class Hostile(QtestCase):
    def check_lives(self, client):
        self.assertEqual(client.ask('readb 0'), 'OK 0x' + 16 * '0')

    def test_bad_lines_are_answered_one_by_one(self):
        _, path = self.guest()
        client = self.client(path)
        for line in ('', ' ', 'x', 'readb', 'readb 0x%x' % (8 << 20),
                     'writeq 0xffffffffffffffff 1', 'write 0 1 0x1',
                     'memset 0 0xffffffffffffffff 0', 'read 0 0x800000'):
            answer = client.ask(line)
            self.assertTrue(answer.startswith('FAIL '), (line, answer))
        self.check_lives(client)

    def test_bytes_that_are_no_text(self):
        _, path = self.guest()
        client = self.client(path)
        client.send(bytes(range(10)) + b'\n' + bytes(range(11, 256)) + b'\n')
        for _ in range(2):
            self.assertRegex(client.answer(), '^FAIL Byte 0 ')
        self.check_lives(client)

    def test_line_too_long_is_answered_once(self):
        for extra in (1, 65536, LINE_MAX):
            with self.subTest(extra=extra):
                _, path = self.guest(name='vm%d' % extra)
                client = self.client(path)
                client.send(b'a' * (LINE_MAX + extra))
                client.send(b'\nreadb 0\n')
                self.assertRegex(client.answer(), '^FAIL .* longer ')
                self.assertEqual(client.answer(), 'OK 0x' + 16 * '0')
                client.send(b'a' * LINE_MAX + b'\n')
                self.assertRegex(client.answer(), '^FAIL Unknown ')
                client.close()

    def test_line_without_end_costs_no_memory(self):
        made, path = self.guest()
        client = self.client(path)
        client.send(b'a' * (2 * LINE_MAX))
        client.answer()
        before = vm.peak_rss(made.pid)
        for _ in range(8):
            client.send(b'a' * LINE_MAX)
        client.send(b'\n')
        self.check_lives(client)
        self.assertLess(vm.peak_rss(made.pid) - before, LINE_MAX)

    def test_client_that_does_not_read(self):
        """It waits for itself; QMP and then its answers are served."""
        made, path = self.guest()
        client = self.client(path)
        client.sock.settimeout(0.2)
        line = b'b64read 0 0x100000\n' * 100
        nr_lines = 0
        try:
            while nr_lines < 1000000:
                client.send(line)
                nr_lines += 100
        except TimeoutError:
            pass
        self.assertLess(nr_lines, 1000000)
        made.qmp.cmd('query-status')
        self.assertLess(vm.peak_rss(made.pid), 128 * vm.MIB * qmp.SCALE)
        client.sock.settimeout(qmp.DEFAULT_TIMEOUT)
        for _ in range(3):
            self.assertTrue(client.answer().startswith('OK AAAA'))

    def test_client_that_leaves_in_the_middle(self):
        _, path = self.guest()
        for end in (b'', b'writeb 0 1', b'b64read 0 0x100000\n' * 50):
            client = self.client(path)
            client.send(end)
            client.close()
        self.check_lives(self.client(path))

    def test_next_client_waits_for_its_turn(self):
        _, path = self.guest()
        first, second = self.client(path), self.client(path)
        first.writeq(0, 1)
        second.send(b'writeq 0 2\nreadq 0\n')
        self.assertEqual(first.readq(0), 1)
        first.close()
        self.assertEqual(second.answer(), 'OK')
        self.assertEqual(second.answer(), 'OK 0x%016x' % 2)


class Options(QtestCase):
    def refused(self, *options):
        done = subprocess.run([vm.binary(vm.WHERRY), '-m', '1M'] +
                              list(options), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False,
                              timeout=qmp.DEFAULT_TIMEOUT)
        self.assertEqual(done.returncode, 1)
        return done.stdout.decode()

    def test_needs_the_accelerator(self):
        text = self.refused('-qtest', 'unix:%s,server=on,wait=off'
                            % self.path('q'), '-qtest-log', 'none')
        self.assertIn('-accel qtest', text)

    def test_bad_address(self):
        self.assertIn('-qtest x', self.refused('-accel', 'qtest',
                                               '-qtest', 'x'))

    def test_bad_log(self):
        path = self.path('no/such/folder')
        text = self.refused('-accel', 'qtest', '-qtest-log', path, '-qtest',
                            'unix:%s,server=on,wait=off' % self.path('q'))
        self.assertIn('-qtest-log ' + path, text)

    def test_log_has_what_was_said(self):
        log = self.path('said')
        made, path = self.guest(log=log)
        client = self.client(path)
        client.writeq(8, 5)
        client.ask('nonsense')
        client.close()
        self.assertEqual(made.quit(), 0)
        made.expect_exit = True
        with open(log) as said:
            words = [line.split('] ', 1)[1].rstrip('\n') for line in said]
        self.assertEqual(words, [
            'OPENED', 'writeq 0x8 0x5', 'OK', 'nonsense',
            "FAIL Unknown command 'nonsense'", 'CLOSED'])

    def test_first_client_is_waited_for(self):
        path = self.path('q')
        made = vm.VM(vm.WHERRY, self.folder, 'waits', start=False)
        made.command = [vm.binary(vm.WHERRY), '-accel', 'qtest', '-qtest',
                        'unix:%s,server=on' % path, '-qtest-log', 'none',
                        '-qmp', 'unix:%s,server=on,wait=off' % made.qmp_path]
        self.machines.append(made)
        made.start()
        self.assertEqual(made.qmp.cmd('query-status')['status'], 'prelaunch')
        self.client(path)
        made.qmp.wait_event('RESUME')

    def test_tcp(self):
        made = self.machine(options=[
            '-accel', 'qtest', '-qtest-log', 'none', '-qtest',
            'tcp:127.0.0.1:0,server=on,wait=off'])
        self.assertEqual(made.qmp.cmd('query-status')['status'], 'prelaunch')


if __name__ == '__main__':
    sys.exit(tap.main())
