# SPDX-License-Identifier: GPL-2.0-or-later
#
# The base of all test cases that run processes: a folder and machines per
# test, both gone afterwards, and the checks every test makes at its end: no
# process died of a signal and no sanitizer had anything to say.

import os
import shutil
import socket
import unittest

from . import migrate, ram, vm

REPORTS = ('Sanitizer', 'runtime error:', 'Assertion', 'assertion',
           'ERROR:', 'CRITICAL')


def require(*kinds):
    """Skip a case without its programs; a missing wherry is a failure.

    With WHERRY_REQUIRE_INTEROP=1 a missing QEMU is a failure, too.
    """
    if vm.WHERRY in kinds and vm.binary(vm.WHERRY) is None:
        raise FileNotFoundError('no wherry program; set WHERRY to its path')
    if vm.QEMU in kinds and vm.binary(vm.QEMU) is None:
        if os.environ.get('WHERRY_REQUIRE_INTEROP') == '1':
            raise FileNotFoundError('qemu-system-x86_64 is not installed')
        raise unittest.SkipTest('qemu-system-x86_64 is not installed')
    if vm.PATCHED in kinds and vm.binary(vm.PATCHED) is None:
        raise FileNotFoundError('no patched QEMU; set QEMU_PATCHED to its path')


def needs_wherry():
    """For cases that a stock program in wherry's place cannot pass."""
    return unittest.skipIf(vm.is_stand_in(),
                           'a stock QEMU stands in for wherry')


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(('::1', 0))
        return True
    except OSError:
        return False


class MachineCase(unittest.TestCase):
    """A test with machines in a folder of its own."""

    kinds = (vm.WHERRY,)

    @classmethod
    def setUpClass(cls):
        require(*cls.kinds)

    def setUp(self):
        self.machines = []
        self.folder = vm.make_folder()
        self.addCleanup(shutil.rmtree, self.folder, True)

    def tearDown(self):
        """End wherry properly and hold it to a clean log and exit."""
        for machine in self.machines:
            if machine.kind != vm.WHERRY or vm.is_stand_in():
                machine.kill()
                continue
            if not machine.expect_exit:
                # Taken before quit: a process that died on its own counts.
                early = machine.process.poll() if machine.process else 0
                code = machine.quit()
                self.assertIsNone(early, '%s ended by itself, status %s\n%s'
                                  % (machine.name, early, machine.log()))
                self.assertEqual(code, 0, '%s: exit status after quit\n%s'
                                 % (machine.name, machine.log()))
            else:
                machine.kill()
            for word in REPORTS:
                self.assertNotIn(word, machine.log(),
                                 'in the log of ' + machine.name)

    def doCleanups(self):
        for machine in self.machines:
            machine.kill()
        return super().doCleanups()

    def diagnostics(self):
        """Comment lines below a failure: what the machines wrote."""
        for machine in self.machines:
            yield '%s (%s): %s' % (machine.name, machine.kind,
                                   machine.exit_text())
            for line in machine.log().splitlines()[-40:]:
                yield '  ' + line

    def discard(self, *machines):
        """Kill machines that have done their part of the test."""
        for machine in machines:
            machine.expect_exit = True
            machine.kill()

    # -- building -----------------------------------------------------------

    def path(self, name):
        return os.path.join(self.folder, name)

    def machine(self, kind=vm.WHERRY, name='vm', **options):
        made = vm.VM(kind, self.folder, name, start=False, **options)
        self.machines.append(made)
        made.start()
        return made

    def source(self, kind=vm.WHERRY, ram_kind='mixed', name='src', seed=1,
               size=8 * vm.MIB, **options):
        """A source whose RAM holds an image."""
        path = self.path(name + '.ram')
        ram.create(path, size, ram_kind, seed)
        return self.machine(kind, name, size=size, image=path, **options)

    def target(self, kind=vm.WHERRY, name='dst', old=None, size=8 * vm.MIB,
               **options):
        """A destination; its RAM is fresh or has OLD in every byte."""
        path = self.path(name + '.ram')
        if old is not None:
            ram.fill(path, size, old)
        options.setdefault('incoming', 'defer')
        return self.machine(kind, name, size=size, image=path, **options)

    def uri(self, transport):
        if transport == 'tcp6' and not has_ipv6():
            self.skipTest('this host has no IPv6 loopback')
        if transport == 'unix':
            return 'unix:' + self.path('m.sock')
        return {'tcp': 'tcp:127.0.0.1:0', 'tcp6': 'tcp:[::1]:0'}[transport]

    # -- checking -----------------------------------------------------------

    def check_completed(self, result):
        self.assertEqual((result.src_status, result.dst_status),
                         ('completed', 'completed'), str(result))

    def check_ram(self, src, dst):
        difference = ram.first_difference(src.ram_path, dst.ram_path)
        self.assertIsNone(difference, 'RAM: %s' % difference)

    def migrate_and_check(self, src, dst, transport='unix', **settings):
        """A migration that must succeed with equal RAM; its result."""
        result = migrate.migrate(src, dst, self.uri(transport), **settings)
        self.check_completed(result)
        self.check_ram(src, dst)
        return result
