# SPDX-License-Identifier: GPL-2.0-or-later
#
# Machines with CPUs: a guest that writes its memory over and over runs, stops,
# ends, and moves from process to process while it does.

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, guest, migrate, qmp, ram, tap, vm  # noqa: E402

SIZE = 4 * vm.MIB
# Writes 0, 1, 2... to the serial port as fast as that takes them: nearly
# always in the middle of an access when it is stopped.
COUNTER = bytes.fromhex('31db bafd030000 ec a820 74f6 baf8030000 89d8 ee ffc3'
                        ' ebea')
SLOW = {'max_bandwidth': 512 * 1024, 'downtime_limit': 1}


class GuestCase(case.MachineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        guest.require_kvm()
        if vm.is_stand_in():
            raise unittest.SkipTest('a stock QEMU stands in for wherry')

    def guest(self, name='src', cpus=1, kernel='bin', size=SIZE, serial=None,
              options=(), **settings):
        """A machine with a serial port, stopped."""
        port = None
        if serial is None:
            port = guest.Serial(self.path(name + '.tty'))
            self.addCleanup(port.close)
            serial = port.option
        options = ['-accel', 'kvm', '-smp', str(cpus), '-serial', serial] + \
            list(options)
        if kernel in ('bin', 'elf'):
            kernel = guest.program(kernel)
        if kernel:
            options += ['-kernel', kernel]
        made = self.machine(name=name, size=size, machine='micro',
                            options=options, **settings)
        made.serial, made.cpus = port, cpus
        return made

    def guest_target(self, name='dst', old=None, **settings):
        """A machine for a guest to come to."""
        if old is not None:
            ram.fill(self.path(name + '.ram'), settings.get('size', SIZE),
                     old)
        return self.guest(name, kernel=None, incoming='defer', **settings)

    def run_guest(self, machine, count=2):
        """Start it and let it print."""
        machine.qmp.cmd('cont')
        machine.serial.wait(count)

    def check_stopped(self, machine):
        """Memory of a stopped guest is that of one moment."""
        return guest.check_ram(machine.ram_path, machine.cpus)

    def check_moved(self, src, dst):
        """The stopped guest at DST is the one of SRC, and goes on exactly
        where that stopped."""
        self.check_ram(src, dst)
        before = self.check_stopped(dst)
        self.assertEqual(src.qmp.cmd('query-status')['status'],
                         'postmigrate')
        src.quit()
        src.expect_exit = True
        self.run_guest(dst, 2 * dst.cpus)
        dst.qmp.cmd('stop')
        after = self.check_stopped(dst)
        self.assertGreater(sum(after), sum(before))
        output = src.serial.rest() + dst.serial.data
        guest.check_output(output, dst.cpus)
        dst.serial.data = output

    def move(self, src, dst, transport='unix', **settings):
        result = migrate.migrate(src, dst, self.uri(transport), **settings)
        self.check_completed(result)
        self.check_moved(src, dst)
        return result


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
        self.run_guest(machine, 6)
        machine.qmp.cmd('stop')
        self.assertNotIn(0, self.check_stopped(machine))
        guest.check_output(machine.serial.data, 2)

    def test_eight_cpus(self):
        machine = self.guest(cpus=8)
        self.run_guest(machine, 16)
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
        command = [vm.binary(vm.WHERRY), '-machine', 'micro', '-accel', 'kvm',
                   '-m', '4M', '-kernel', guest.program(), '-serial',
                   'unix:%s,server=on' % path]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        client = self.connect(path, process)
        self.assertEqual(client.recv(1), b'\1')
        client.sendall(b'q')
        self.assertEqual(process.wait(qmp.DEFAULT_TIMEOUT), 0)
        client.close()

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


class Move(GuestCase):
    def check(self, transport, caps, cpus=1, **settings):
        for detection in ('none', 'legacy', 'multifd'):
            with self.subTest(detection=detection):
                src = self.guest('src-' + detection, cpus=cpus)
                self.run_guest(src, 2)
                dst = self.guest_target('dst-' + detection, cpus=cpus,
                                        old=0xa5)
                self.move(src, dst, transport, caps=caps, params=dict(
                    {'zero_page_detection': detection}, **settings))

    def test_plain_unix(self):
        self.check('unix', ())

    def test_plain_tcp(self):
        self.check('tcp', ('return-path',))

    def test_multifd_unix(self):
        self.check('unix', ('multifd', 'return-path'), multifd_channels=4)

    def test_multifd_tcp(self):
        self.check('tcp', ('multifd',))

    def test_two_cpus(self):
        self.check('unix', ('multifd',), cpus=2)

    def test_many_rounds(self):
        """Memory changes under a slow migration, round after round."""
        src = self.guest()
        self.run_guest(src, 2)
        dst = self.guest_target()
        migrate.start(src, dst, self.uri('unix'), params=SLOW)
        src.serial.wait(4)
        while src.info().get('ram', {}).get('dirty-sync-count', 0) < 3:
            src.serial.wait(1)
        src.parameters(max_bandwidth=0, downtime_limit=500)
        self.check_completed(migrate.finish(src, dst))
        self.check_moved(src, dst)

    def test_from_process_to_process(self):
        """The log of writes is started anew in each."""
        machine = self.guest('first')
        self.run_guest(machine)
        for name in ('second', 'third', 'fourth'):
            dst = self.guest_target(name)
            self.move(machine, dst, caps=('multifd',))
            dst.qmp.cmd('cont')
            machine = dst

    def test_before_it_ever_ran(self):
        src, dst = self.guest(), self.guest_target()
        self.check_completed(migrate.migrate(src, dst, self.uri('unix')))
        self.check_ram(src, dst)
        self.run_guest(dst, 2)
        guest.check_output(dst.serial.data)

    def test_back_at_the_source(self):
        """A guest that was sent away and is wanted here after all."""
        src, dst = self.guest(), self.guest_target()
        self.run_guest(src)
        self.check_completed(migrate.migrate(src, dst, self.uri('unix')))
        self.discard(dst)
        self.run_guest(src)
        guest.check_output(src.serial.data)

    def test_in_the_middle_of_an_access(self):
        """It is finished here or begun there, never both or neither."""
        kernel = self.path('counter')
        with open(kernel, 'wb') as file:
            file.write(COUNTER)
        machine = self.guest('first', kernel=kernel,
                             serial='file:' + self.path('first.out'))
        output = b''
        for name in ('second', 'third', 'fourth', 'fifth'):
            machine.qmp.cmd('cont')
            path = self.path(machine.name + '.out')
            while os.path.getsize(path) < 100:
                machine.qmp.cmd('query-status')
            for command in ('stop', 'cont') * 5:
                machine.qmp.cmd(command)
            dst = self.guest_target(name, serial='file:' +
                                    self.path(name + '.out'))
            self.check_completed(migrate.migrate(machine, dst,
                                                 self.uri('unix')))
            machine.quit()
            machine.expect_exit = True
            with open(path, 'rb') as file:
                output += file.read()
            machine = dst
        expected = bytes(at % 256 for at in range(len(output)))
        self.assertEqual(output, expected)

    def test_larger_memory(self):
        src = self.guest(size=16 * vm.MIB, cpus=2)
        self.run_guest(src, 1)
        dst = self.guest_target(size=16 * vm.MIB, cpus=2, old=0xff)
        self.move(src, dst, caps=('multifd',))

    def test_auto_converge(self):
        """The guest writes faster than the link is, until it is slowed."""
        src, dst = self.guest(), self.guest_target()
        self.run_guest(src)
        migrate.start(src, dst, self.uri('unix'), caps=('auto-converge',),
                      dst_caps=(), src_params={
                          'max_bandwidth': vm.MIB,
                          'downtime_limit': 100,
                          'cpu_throttle_initial': 60,
                          'cpu_throttle_increment': 20})
        self.check_completed(migrate.finish(src, dst, 60 * qmp.SCALE))
        self.check_moved(src, dst)


class Failure(GuestCase):
    """The guest lives on at the source."""

    def check_goes_on(self, src):
        self.assertTrue(src.qmp.cmd('query-status')['running'])
        src.serial.wait(2)
        src.qmp.cmd('stop')
        self.check_stopped(src)
        guest.check_output(src.serial.data)
        src.qmp.cmd('cont')
        src.qmp.drop_events()
        dst = self.guest_target('next', cpus=src.cpus)
        result = migrate.migrate(src, dst, 'unix:' + self.path('next.sock'))
        self.check_completed(result)
        self.check_moved(src, dst)

    def test_cancelled(self):
        for caps in ((), ('multifd', 'return-path')):
            with self.subTest(caps=caps):
                name = '-'.join(('src',) + caps)
                src = self.guest(name)
                dst = self.guest_target('dst' + name)
                self.run_guest(src)
                migrate.start(src, dst, self.uri('unix'), caps=caps,
                              params=SLOW)
                src.qmp.wait_status('active')
                src.serial.wait(1)
                src.qmp.cmd('migrate_cancel')
                self.assertEqual(migrate.end_status(src), 'cancelled')
                self.discard(dst)
                self.check_goes_on(src)
                self.discard(*self.machines)
                for left in ('next.tty', 'next.ram', 'm.sock'):
                    if os.path.exists(self.path(left)):
                        os.unlink(self.path(left))

    def test_destination_killed(self):
        src, dst = self.guest(), self.guest_target()
        self.run_guest(src)
        migrate.start(src, dst, self.uri('unix'), caps=('multifd',),
                      params=SLOW)
        src.qmp.wait_status('active')
        src.serial.wait(1)
        self.discard(dst)
        self.assertEqual(migrate.end_status(src), 'failed')
        self.check_goes_on(src)

    def check_refused(self, dst, *words):
        src = self.guest()
        self.run_guest(src)
        migrate.start(src, dst, self.uri('unix'), caps=('return-path',))
        self.assertEqual(migrate.end_status(dst), 'failed')
        for word in words:
            self.assertIn(word, dst.info()['error-desc'])
        self.assertEqual(migrate.end_status(src), 'failed')
        self.discard(dst)
        self.check_goes_on(src)

    def test_fewer_cpus_there(self):
        self.check_refused(self.guest_target(cpus=2), 'the same -smp')

    def test_no_cpus_there(self):
        self.check_refused(self.target(size=SIZE), 'micro', 'none')


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
