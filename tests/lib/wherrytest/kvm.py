# SPDX-License-Identifier: GPL-2.0-or-later
#
# The base of test cases with CPUs: machines that run the guest of
# tests/guest/pattern.c, and what must hold after one has moved.

import unittest

from . import case, guest, migrate, ram, vm

SIZE = 3 * vm.MIB


class GuestCase(case.MachineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        guest.require_kvm()
        if vm.is_stand_in():
            raise unittest.SkipTest('a stock QEMU stands in for wherry')

    def guest(self, name='src', cpus=1, kernel='bin', size=SIZE, serial=None,
              accel='kvm', options=(), **settings):
        """A machine with a serial port, stopped."""
        port = None
        if serial is None:
            port = guest.Serial(self.path(name + '.tty'))
            self.addCleanup(port.close)
            serial = port.option
        options = ['-accel', accel, '-smp', str(cpus), '-serial', serial] + \
            list(options)
        if kernel in ('bin', 'elf', 'probe'):
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

    def run_each_cpu(self, machine):
        """Start it and let each of its CPUs print, however unfairly the host
        deals out its own."""
        self.run_guest(machine, machine.cpus)
        while 0 in guest.check_output(machine.serial.data, machine.cpus):
            machine.serial.wait(1)

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
