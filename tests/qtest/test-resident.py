# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest that never touched its memory: a migration makes next to nothing of it
# resident, on either side, with each kind of memory, plain and multifd.

import ctypes
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, migrate, tap, vm  # noqa: E402

SIZE = 2048 * vm.MIB
HUGE_SIZE = 64 * vm.MIB
LIMIT = SIZE // 50
SYS_USERFAULTFD = 323       # x86-64
UFFD_USER_MODE_ONLY = 1
WAYS = {'plain': (), 'multifd': ('multifd',)}


def fields(path):
    """Lines `Name: value kB` of a file as a dict, in bytes where it says kB."""
    with open(path) as lines:
        found = re.findall(r'(?m)^(\w+):\s+(\d+)( kB)?$', lines.read())
    return {name: int(value) * (1024 if unit else 1)
            for name, value, unit in found}


def memory(machine):
    """What the process holds, and what the files behind its RAM do."""
    status = fields('/proc/%d/status' % machine.pid)
    held = {name: status[name] for name in ('VmRSS', 'RssAnon', 'RssShmem')}
    held['file'] = 0
    folder = '/proc/%d/fd' % machine.pid
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        target = os.readlink(path)
        if target.startswith('/memfd:') or target == machine.ram_path:
            held['file'] += os.stat(path).st_blocks * 512
    return held


class Resident(case.MachineCase):
    """An untouched guest of 2 GiB grows both sides by less than 2 %."""

    def check_growth(self, before, machine, limit):
        after = memory(machine)
        for name, held in after.items():
            grown = held - before[name]
            self.assertLess(grown, limit, '%s of the %s grew from %d to %d '
                            'bytes' % (name, machine.name, before[name],
                                       held))

    def check(self, way, **options):
        src = self.machine(name='src', **options)
        dst = self.machine(name='dst', incoming='defer', **options)
        before = memory(src), memory(dst)
        result = migrate.migrate(src, dst, self.uri('unix'), caps=WAYS[way])
        self.check_completed(result)
        pages = src.size // 4096
        self.assertEqual((result.src['ram']['duplicate'],
                          result.src['ram']['normal']), (pages, 0))
        for machine, held in zip((src, dst), before):
            self.check_growth(held, machine, LIMIT)

    def test_file_plain(self):
        self.check('plain', size=SIZE)

    def test_file_multifd(self):
        self.check('multifd', size=SIZE)

    def test_memfd_plain(self):
        self.check('plain', backend='memfd', size=SIZE)

    def test_memfd_multifd(self):
        self.check('multifd', backend='memfd', size=SIZE)

    def test_anonymous_plain(self):
        self.check('plain', backend='ram', size=SIZE)

    def test_anonymous_multifd(self):
        self.check('multifd', backend='ram', size=SIZE)


class HugePages(case.MachineCase):
    """The same with shared huge pages: the files stay empty."""

    def require(self):
        """Enough pages, and the kernel's word on which of them are there."""
        info = fields('/proc/meminfo')
        nr = 2 * HUGE_SIZE // (2 * vm.MIB)
        if info['Hugepagesize'] != 2 * vm.MIB or info['HugePages_Free'] < nr:
            self.skipTest('this host has no %d free huge pages of 2 MiB '
                          '(/proc/sys/vm/nr_hugepages)' % nr)
        libc = ctypes.CDLL(None, use_errno=True)
        fd = libc.syscall(SYS_USERFAULTFD, UFFD_USER_MODE_ONLY)
        if fd < 0:
            self.skipTest('no userfaultfd: %s'
                          % os.strerror(ctypes.get_errno()))
        os.close(fd)

    def check(self, way):
        self.require()
        backend = ('memory-backend-memfd,id=mem0,size=%d,hugetlb=on,'
                   'hugetlbsize=2M' % HUGE_SIZE)
        src, dst = (self.machine(
            name=name, backend='none', size=HUGE_SIZE, incoming=incoming,
            machine='none,memory-backend=mem0', options=['-object', backend])
            for name, incoming in (('src', None), ('dst', 'defer')))
        result = migrate.migrate(src, dst, self.uri('unix'), caps=WAYS[way])
        self.check_completed(result)
        self.assertEqual(result.src['ram']['normal'], 0)
        for machine in (src, dst):
            self.assertEqual(memory(machine)['file'], 0, machine.name)

    def test_plain(self):
        self.check('plain')

    def test_multifd(self):
        self.check('multifd')


if __name__ == '__main__':
    sys.exit(tap.main())
