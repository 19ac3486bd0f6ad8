# SPDX-License-Identifier: GPL-2.0-or-later
#
# Guest memory of each kind, seen from outside: how an image gets into the
# source, what the destination holds afterwards, and how much memory either
# uses.  Reading never populates what the guest has not touched.

import contextlib
import mmap
import os
import random

from wherrytest import ram, vm

CHUNK = 4 << 20
HUGE = 2 << 20
HUGE_PAGES = '/sys/kernel/mm/hugepages/hugepages-2048kB/'
FEW = 50        # of the kind `few` every 50th page is zero
POOL = 1 << 20  # bytes of text that pages of the kind `text` are cut from


def create(path, size, kind):
    """An image of a kind of wherrytest.ram, or `few`: 2 % zero pages, or
    `text`: words in an order of their own on each page."""
    if kind == 'text':
        _create_text(path, size)
        return
    if kind != 'few':
        ram.create(path, size, kind)
        return
    ram.create(path, size, 'random')
    zero = bytes(ram.PAGE)
    ram.write_pages(path, {page: zero for page
                           in range(FEW // 2, size // ram.PAGE, FEW)})


def _create_text(path, size):
    rng = random.Random(1)
    words = [''.join(rng.choices('etaoinshrdlucmfwyp', k=rng.randint(2, 9)))
             for _ in range(2000)]
    pool = ''
    while len(pool) < POOL + ram.PAGE:
        pool += ' '.join(rng.choices(words, k=1000)) + '\n'
    pool = pool.encode()
    with open(path, 'wb') as out:
        for page in range(size // ram.PAGE):
            at = rng.randrange(POOL)
            # The number makes each page another one.
            out.write(b'%-16d' % page + pool[at:at + ram.PAGE - 16])


def difference(image, size, read):
    """None, or a sentence on the first page that is not the image's; read is
    a function of place and length."""
    with open(image, 'rb') as file:
        for at in range(0, size, CHUNK):
            length = min(CHUNK, size - at)
            want, found = os.pread(file.fileno(), length, at), read(at, length)
            if len(found) != length:
                return 'only %d bytes of memory at %d' % (len(found), at)
            if want != found:
                return _describe(want, found, at)
    return None


def _describe(want, found, start):
    bad = [at for at in range(0, len(want), ram.PAGE)
           if want[at:at + ram.PAGE] != found[at:at + ram.PAGE]]
    at = bad[0]
    byte = next(i for i in range(at, at + ram.PAGE) if want[i] != found[i])
    return ('page %d differs (%d pages in %d KiB): byte %d is %s, expected %s'
            % ((start + at) // ram.PAGE, len(bad), len(want) >> 10, byte - at,
               found[byte:byte + 8].hex(), want[byte:byte + 8].hex()))


class Shm:
    """A shared file on a RAM disk; the image is the memory itself."""

    backend, extra = 'file', ''
    copies = 0          # of guest memory beside the image, at the source

    def __init__(self, size):
        self.size = size

    def load(self, machine, image):
        """Bring the image into the memory of a machine that has started."""

    def _path(self, machine):
        return machine.ram_path

    def _area(self, machine):
        """Where the memory is in the address space of the machine."""
        wanted = os.stat(self._path(machine))
        with open('/proc/%d/maps' % machine.pid) as maps:
            for line in maps:
                fields = line.split()
                low, high = (int(x, 16) for x in fields[0].split('-'))
                if int(fields[4]) == wanted.st_ino and \
                        int(fields[2], 16) == 0 and high - low >= self.size:
                    return low
        raise RuntimeError('%s does not map its memory' % machine.name)

    def touch(self, machine, image):
        """Have a machine map what the image has, as a guest would that has
        written it; what reads the memory of a process maps it there."""
        base = self._area(machine)
        fd = os.open('/proc/%d/mem' % machine.pid, os.O_RDONLY)
        try:
            for start, end in ram.extents(image):
                for at in range(start, end, CHUNK):
                    os.pread(fd, min(CHUNK, end - at), base + at)
        finally:
            os.close(fd)

    def allocated(self, machine):
        """Bytes that the file of the memory holds."""
        return os.stat(self._path(machine)).st_blocks * 512

    @contextlib.contextmanager
    def reading(self, machine):
        """A function of place and length that reads guest memory."""
        fd = os.open(self._path(machine), os.O_RDONLY)
        try:
            yield lambda at, length: os.pread(fd, length, at)
        finally:
            os.close(fd)

    def difference(self, machine, image):
        """None, or how the memory of a machine is not the image."""
        with self.reading(machine) as read:
            return difference(image, self.size, read)


class Memfd(Shm):
    """A memory file without a name."""

    backend = 'memfd'
    copies = 1

    def _path(self, machine):
        base = '/proc/%d/fd/' % machine.pid
        for name in os.listdir(base):
            if os.readlink(base + name).startswith('/memfd:') and \
                    os.stat(base + name).st_size == self.size:
                return base + name
        raise RuntimeError('no memfd of %d bytes in %s'
                           % (self.size, machine.name))

    def load(self, machine, image):
        fd = os.open(self._path(machine), os.O_RDWR)
        try:
            with mmap.mmap(fd, self.size) as memory, \
                    open(image, 'rb') as file:
                for start, end in ram.extents(image):
                    for at in range(start, end, CHUNK):
                        length = min(CHUNK, end - at)
                        memory[at:at + length] = os.pread(file.fileno(),
                                                          length, at)
        finally:
            os.close(fd)


class Hugetlb(Memfd):
    """A memory file of huge pages, which have to be set aside before."""

    extra = ',hugetlb=on,hugetlbsize=2M,share=on'

    @staticmethod
    def missing(size):
        """Why there is not enough of them for two machines, or None."""
        try:
            with open(HUGE_PAGES + 'free_hugepages') as file:
                free = int(file.read())
        except OSError:
            return 'this kernel has no huge pages of 2 MiB'
        need = 2 * -(-size // HUGE)
        if free >= need:
            return None
        return ('%d huge pages of 2 MiB are needed and %d are set aside; '
                'sysctl vm.nr_hugepages=%d' % (need, free, need))


class Anonymous(Shm):
    """Private anonymous memory."""

    backend = 'ram'
    copies = 1

    def load(self, machine, image):
        ram.load_into(machine.pid, self.size, image)

    def allocated(self, machine):
        return 0                # there is no file; resident is all there is

    def touch(self, machine, image):
        """It is mapped by having been loaded."""

    @contextlib.contextmanager
    def reading(self, machine):
        base, _ = ram.anonymous_area(machine.pid, self.size)
        fd = os.open('/proc/%d/mem' % machine.pid, os.O_RDONLY)
        try:
            yield lambda at, length: os.pread(fd, length, base + at)
        finally:
            os.close(fd)


BACKENDS = {'shm': Shm, 'anon': Anonymous, 'memfd': Memfd, 'hugetlb': Hugetlb}


def missing(backend, size):
    """Why memory of that kind and size cannot be had, or None."""
    if backend == 'hugetlb':
        reason = Hugetlb.missing(size)
        if reason:
            return reason
    need = (2 + BACKENDS[backend].copies) * size + 256 * vm.MIB
    if backend == 'hugetlb':
        need = size + 256 * vm.MIB
    with open('/proc/meminfo') as info:
        free = next(int(line.split()[1]) * 1024 for line in info
                    if line.startswith('MemAvailable'))
    try:
        disk = os.statvfs('/dev/shm')
        free = min(free, disk.f_bavail * disk.f_frsize
                   if backend == 'shm' else free)
    except OSError:
        return 'there is no /dev/shm'
    if free < need:
        return '%d MiB of memory are needed and %d MiB are free' % (
            need >> 20, free >> 20)
    return None
