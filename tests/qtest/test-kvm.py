# SPDX-License-Identifier: GPL-2.0-or-later
#
# Machines with CPUs: a guest that writes its memory over and over runs, stops
# and ends.  That it moves: test-kvm-migration.py.

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, guest, migrate, qmp, tap, vm  # noqa: E402
from wherrytest.kvm import GuestCase  # noqa: E402


class Run(GuestCase):
    def test_runs_and_prints(self):
        for kernel in ('bin', 'elf'):
            with self.subTest(kernel=kernel):
                machine = self.guest(name=kernel, kernel=kernel)
                self.run_guest(machine, 3)
                machine.qmp.cmd('stop')
                passes, = self.check_stopped(machine)
                count, = guest.check_output(machine.serial.data)
                self.assertGreaterEqual(passes, count)
                self.assertGreaterEqual(count, 3)

    def test_two_cpus(self):
        machine = self.guest(cpus=2)
        self.run_each_cpu(machine)
        machine.qmp.cmd('stop')
        self.assertNotIn(0, self.check_stopped(machine))
        guest.check_output(machine.serial.data, 2)

    def test_eight_cpus(self):
        machine = self.guest(cpus=8)
        self.run_each_cpu(machine)
        machine.qmp.cmd('stop')
        self.assertNotIn(0, self.check_stopped(machine))
        guest.check_output(machine.serial.data, 8)

    def test_stop_and_cont(self):
        machine = self.guest()
        self.run_guest(machine, 1)
        for _ in range(20):
            machine.qmp.cmd('stop')
            with open(machine.ram_path, 'rb') as file:
                first = file.read()
            self.check_stopped(machine)
            with open(machine.ram_path, 'rb') as file:
                self.assertEqual(file.read(), first)
            machine.qmp.cmd('cont')
        machine.serial.wait(2)
        guest.check_output(machine.serial.data)

    def test_not_before_cont(self):
        machine = self.guest()
        self.assertEqual(machine.qmp.cmd('query-status')['status'],
                         'prelaunch')
        self.assertEqual(self.check_stopped(machine), [0])

    def test_no_input_while_stopped(self):
        """What is typed then is there when it goes on."""
        machine = self.guest()
        machine.serial.send(b'uuuq')
        self.run_guest(machine, 1)
        machine.expect_exit = True
        self.assertEqual(machine.wait_exit(), 0)

    def check_end(self, command, status, words=()):
        machine = self.guest(options=['-trace', 'kvm_*'])
        machine.expect_exit = True
        self.run_guest(machine, 1)
        machine.serial.send(command)
        self.assertEqual(machine.wait_exit(), status)
        for word in words:
            self.assertIn(word, machine.log())
        return machine

    def test_ends_in_order(self):
        machine = self.check_end(b'q', 0)
        event = machine.qmp.wait_event('SHUTDOWN')
        self.assertEqual(event, {'guest': True,
                                         'reason': 'guest-shutdown'})

    def test_ends_as_a_failure(self):
        self.check_end(b'x', 1, ['wrote 3 to its debug-exit port'])

    def test_triple_fault(self):
        self.check_end(b't', 1, ['CPU 0 had a triple fault'])

    def test_ports_and_addresses_of_nobody(self):
        self.check_end(b'uq', 0, ['kvm_unknown_port CPU 0 port 0x80',
                                  'kvm_unknown_memory CPU 0 address'
                                  ' 0xd0000000'])

    def test_halted_cpu(self):
        """It can be stopped, moved, and stays halted."""
        src = self.guest(cpus=2)
        self.run_guest(src, 2)
        src.serial.send(b'h')
        while src.serial.data[-6:] and \
                not all(byte & 0x20 for byte in src.serial.data[-6:]):
            src.serial.wait(1)
        dst = self.guest_target(cpus=2)
        result = migrate.migrate(src, dst, self.uri('unix'))
        self.check_completed(result)
        self.check_ram(src, dst)
        self.run_guest(dst, 3)
        self.assertTrue(all(b & 0x20 for b in dst.serial.data))


class State(GuestCase):
    """What a program has in its CPU and in the serial port goes with it."""

    def probe(self, name='src', **settings):
        machine = self.guest(name, kernel='probe', **settings)
        machine.qmp.cmd('cont')
        self.assertEqual(self.ask(machine), b'!')
        return machine

    def ask(self, machine, command=b''):
        """One command, one byte for an answer."""
        if command:
            machine.serial.send(command)
        machine.serial.wait(1)
        return machine.serial.data[-1:]

    def move_probe(self, src, name='dst', **settings):
        dst = self.guest_target(name, **settings)
        self.check_completed(migrate.migrate(src, dst, self.uri('unix')))
        dst.qmp.cmd('cont')
        src.quit()
        src.expect_exit = True
        return dst

    def test_registers(self):
        machine = self.probe()
        self.assertEqual(self.ask(machine, b'S'), b's')
        self.assertEqual(self.ask(machine, b'C'), b'c')
        for name in ('second', 'third'):
            machine = self.move_probe(machine, name)
            self.assertEqual(self.ask(machine, b'C'), b'c')

    def test_memory_above_4_gib(self):
        settings = {'size': 4 << 30, 'backend': 'ram'}
        machine = self.probe(**settings)
        self.assertEqual(self.ask(machine, b'F'), b'f')
        self.assertEqual(self.ask(machine, b'G'), b'g')
        machine = self.move_probe(machine, **settings)
        self.assertEqual(self.ask(machine, b'G'), b'g')

    def test_each_input_byte_once(self):
        """Stopped again and again while it reads: a read takes a byte from
        the port, so that one that is done twice loses one, and an answer that
        is written twice is there twice."""
        machine = self.probe('first')
        output = b''
        for name in ('second', 'third', 'fourth', 'fifth', 'sixth', None):
            machine.serial.send(b'\xff' + bytes(
                0x80 + at % 127 for at in range(6000)))
            machine.serial.wait(40)
            for command in ('stop', 'cont') * 5:
                machine.qmp.cmd(command)
            if name is None:
                break
            dst = self.guest_target(name)
            self.check_completed(migrate.migrate(machine, dst,
                                                 self.uri('unix')))
            machine.expect_exit = True
            machine.qmp.cmd('quit')
            output += machine.serial.rest()
            dst.qmp.cmd('cont')
            machine = dst
        output += machine.serial.data
        # What a machine was sent begins with 0xff and then counts.
        for part in output[1:].split(b'\xff')[1:]:
            self.assertEqual(part, bytes(0x80 + at % 127
                                         for at in range(len(part))))

    def test_ends_while_it_moves(self):
        """It is at its end here, and does not begin there."""
        src, dst = self.probe(), self.guest_target()
        migrate.start(src, dst, self.uri('unix'),
                      params={'max_bandwidth': 64 * 1024,
                              'downtime_limit': 1})
        src.qmp.wait_status('active')
        src.expect_exit = True
        src.serial.send(b'Q')
        self.assertEqual(src.wait_exit(), 0)
        self.assertEqual(migrate.end_status(dst), 'failed')
        self.assertEqual(dst.qmp.cmd('query-status')['status'], 'inmigrate')

    def test_kvm_cannot_go_on(self):
        """Stopped, told, and still there to be looked at, as in QEMU."""
        machine = self.probe()
        machine.serial.send(b'I')
        machine.qmp.wait_event('STOP')
        self.assertEqual(machine.qmp.cmd('query-status')['status'],
                         'internal-error')
        self.assertIn('KVM cannot go on with CPU 0', machine.log())
        with self.assertRaises(qmp.QmpError):
            machine.qmp.cmd('cont')
        machine.expect_exit = True
        self.assertEqual(machine.quit(), 0)


class SerialPort(GuestCase):
    def test_file(self):
        path = self.path('out')
        machine = self.guest(serial='file:' + path)
        machine.expect_exit = True
        machine.qmp.cmd('cont')
        # Passes show in memory, too; all printed ones reach the file.
        while guest.passes(machine.ram_path) < 3:
            machine.qmp.cmd('query-status')
        self.assertEqual(machine.quit(), 0)
        with open(path, 'rb') as file:
            count, = guest.check_output(file.read())
        self.assertGreaterEqual(count, 2)

    def test_server_waits_for_its_client(self):
        path = self.path('tty')
        process = self.waiting(path, stderr=subprocess.DEVNULL)
        client = self.connect(path, process)
        self.assertEqual(client.recv(1), b'\1')
        client.sendall(b'q')
        self.assertEqual(process.wait(qmp.DEFAULT_TIMEOUT), 0)
        client.close()

    def waiting(self, path, **settings):
        """A process that does not begin before a client has come to PATH."""
        process = subprocess.Popen(
            [vm.binary(vm.WHERRY), '-machine', 'micro', '-accel', 'kvm', '-m',
             '4M', '-kernel', guest.program(), '-serial',
             'unix:%s,server=on' % path], stdin=subprocess.DEVNULL,
            **settings)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_wait_is_told_and_can_be_ended(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number.name):
                path = self.path('tty')
                process = self.waiting(path, stderr=subprocess.PIPE,
                                       text=True)
                self.assertTrue(select.select([process.stderr], [], [],
                                              qmp.DEFAULT_TIMEOUT)[0])
                self.assertIn('waiting for a client: -serial unix:' + path,
                              process.stderr.readline())
                process.send_signal(number)
                process.stderr.read()
                self.assertEqual(process.wait(qmp.DEFAULT_TIMEOUT), 0)
                self.assertFalse(os.path.exists(path))
                process.stderr.close()

    def connect(self, path, process):
        while True:
            try:
                return qmp.open_socket(path, qmp.DEFAULT_TIMEOUT)
            except (FileNotFoundError, ConnectionRefusedError):
                self.assertIsNone(process.poll())

    def test_clients_come_and_go(self):
        path = self.path('tty')
        machine = self.guest(serial='unix:%s,server=on,wait=off' % path)
        machine.qmp.cmd('cont')
        for _ in range(3):
            client = qmp.open_socket(path, qmp.DEFAULT_TIMEOUT)
            self.assertEqual(len(client.recv(1)), 1)
            client.close()

    def test_next_client_while_stopped(self):
        """It is not made to wait for what the one before it left unread."""
        path = self.path('tty')
        machine = self.guest(kernel='probe',
                             serial='unix:%s,server=on,wait=off' % path)
        first = qmp.open_socket(path, qmp.DEFAULT_TIMEOUT)
        first.sendall(b'Q')
        # An answer means that the loop has seen what was there before.
        machine.qmp.cmd('query-status')
        first.close()
        machine.qmp.cmd('query-status')
        second = qmp.open_socket(path, qmp.DEFAULT_TIMEOUT)
        machine.qmp.cmd('query-status')
        machine.qmp.cmd('cont')
        self.assertEqual(second.recv(1), b'!')
        second.sendall(b'z')
        self.assertEqual(second.recv(1), b'?')
        second.close()

    def test_nobody_reads(self):
        """Not the guest, nor stop, nor the end waits for who does not read;
        and no byte is lost while there is a place for it."""
        machine = self.guest(kernel='probe')
        machine.qmp.cmd('cont')
        machine.serial.wait(1)
        machine.serial.data = b''
        machine.serial.send(bytes(0x80 + at % 128 for at in range(2000)))
        # Each byte takes a buffer of the socket: some hundred fill it.
        machine.qmp.cmd('stop')
        machine.qmp.cmd('cont')
        machine.serial.wait(2000)
        self.assertEqual(machine.serial.data,
                         bytes(0x80 + at % 128 for at in range(2000)))
        machine.qmp.cmd('stop')
        machine.expect_exit = True
        self.assertEqual(machine.quit(), 0)

    def test_terminal(self):
        """Keys come one by one, and the terminal is given back."""
        for number in (signal.SIGTERM, signal.SIGINT, None):
            with self.subTest(signal=number):
                self.check_terminal(number)

    def check_terminal(self, number):
        near, far = pty.openpty()
        self.addCleanup(os.close, near)
        self.addCleanup(os.close, far)
        before = termios.tcgetattr(far)
        process = subprocess.Popen(
            [vm.binary(vm.WHERRY), '-machine', 'micro', '-accel', 'kvm', '-m',
             '4M', '-kernel', guest.program('probe'), '-serial', 'stdio'],
            stdin=far, stdout=far, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(os.read(near, 1), b'!')
        self.assertFalse(termios.tcgetattr(far)[3] &
                         (termios.ICANON | termios.ECHO))
        os.write(near, b'z')
        self.assertEqual(os.read(near, 1), b'?')
        if number:
            process.send_signal(number)
        else:
            os.write(near, b'Q')
        self.assertEqual(process.wait(qmp.DEFAULT_TIMEOUT), 0)
        self.assertEqual(termios.tcgetattr(far), before)

    def test_stdio(self):
        process = subprocess.Popen(
            [vm.binary(vm.WHERRY), '-machine', 'micro', '-accel', 'kvm', '-m',
             '4M', '-kernel', guest.program(), '-serial', 'stdio'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.read(1), b'\1')
        process.stdin.write(b'q')
        process.stdin.flush()
        rest = process.stdout.read()
        guest.check_output(b'\1' + rest)
        self.assertEqual(process.wait(qmp.DEFAULT_TIMEOUT), 0)
        process.stdin.close()
        process.stdout.close()


class Refused(case.MachineCase):
    """One sentence that says what to do; needs no KVM."""

    def check(self, words, *options):
        run = subprocess.run(
            [vm.binary(vm.WHERRY), '-nodefaults', *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
            timeout=qmp.DEFAULT_TIMEOUT)
        self.assertEqual(run.returncode, 1)
        self.assertEqual(run.stdout.count('\n'), 1, run.stdout)
        for word in words:
            self.assertIn(word, run.stdout)

    def micro(self, words, *options, accel='kvm', memory='4M'):
        self.check(words, '-machine', 'micro', '-accel', accel, '-m', memory,
                   *options)

    def test_machine_none_has_no_cpus(self):
        self.check(['-machine micro'], '-accel', 'kvm', '-m', '4M')

    def test_machine_micro_needs_kvm(self):
        self.check(['-accel kvm'], '-machine', 'micro', '-m', '4M')

    def test_machine_none_has_no_kernel(self):
        self.check(['-machine micro'], '-kernel', '/dev/null')

    def test_no_device(self):
        self.micro(['no KVM', self.path('kvm'), '-accel'],
                   accel='kvm,device=' + self.path('kvm'))

    def test_other_device(self):
        self.micro(['is no KVM device'], accel='kvm,device=/dev/null')

    def test_no_permission(self):
        path = self.path('kvm')
        os.close(os.open(path, os.O_CREAT, 0))
        if os.access(path, os.W_OK):
            self.skipTest('this user may open any file')
        self.micro(['No permission', path], accel='kvm,device=' + path)

    def test_stdio_in_the_background(self):
        self.micro(['-daemonize', 'file:PATH'], '-serial', 'stdio',
                   '-daemonize')

    def test_one_terminal_for_two(self):
        self.micro(['-monitor stdio and -serial stdio'], '-serial', 'stdio',
                   '-monitor', 'stdio')

    def test_no_memory(self):
        self.check(['use -m'], '-machine', 'micro', '-accel', 'kvm')

    def test_nothing_to_run(self):
        guest.require_kvm()
        self.micro(['-kernel', '-incoming'])

    def test_kernel_that_is_not_there(self):
        guest.require_kvm()
        self.micro([self.path('k')], '-kernel', self.path('k'))

    def test_little_memory(self):
        guest.require_kvm()
        self.micro(['use more memory'], '-kernel', guest.program(),
                   memory='1M')

    def test_damaged_kernel(self):
        guest.require_kvm()
        path = self.path('k')
        with open(guest.program('elf'), 'rb') as file:
            data = file.read()
        with open(path, 'wb') as file:
            file.write(data[:0x1010])
        self.micro([path, 'damaged'], '-kernel', path)


if __name__ == '__main__':
    sys.exit(tap.main())
