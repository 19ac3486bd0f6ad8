# SPDX-License-Identifier: GPL-2.0-or-later
#
# RAM images of a known page mix, written to files that become the memory of
# a virtual machine, and the proof that two of them are equal.  The same kind,
# size and seed always give the same bytes.

import array
import os
import random

PAGE = 4096
CHUNK = 4 << 20
KINDS = ('holes', 'zero', 'half', 'random', 'mixed')


def page_runs(kind, nr_pages, seed=1):
    """Yield (first page, page count, what) that together cover the image.

    What is hole (never written), zero (written with zeroes), random, or
    speck (one byte of the page is not zero: the hard case of a zero test).
    """
    if kind in ('holes', 'zero', 'random'):
        yield 0, nr_pages, 'hole' if kind == 'holes' else kind
        return
    if kind == 'half':
        for page in range(0, nr_pages, 2):
            yield page, 1, 'random'
            if page + 1 < nr_pages:
                yield page + 1, 1, 'zero'
        return
    if kind != 'mixed':
        raise ValueError('unknown kind of RAM image: %s' % kind)
    rng = random.Random(seed)
    page = 0
    last = None
    while page < nr_pages:
        what = rng.choice([w for w in ('hole', 'zero', 'random', 'speck')
                           if w != last])
        longest = 24 if what == 'speck' else rng.choice((3, 40, 300))
        count = min(nr_pages - page, rng.randint(1, longest))
        yield page, count, what
        page += count
        last = what


class _Random:
    """Random pages, quickly: a pool read at random places, pages stamped."""

    def __init__(self, seed):
        self.rng = random.Random(seed ^ 0x5eed)
        self.pool = self.rng.randbytes(2 * CHUNK)

    def pages(self, first, count):
        start = self.rng.randrange(0, CHUNK, 8)
        data = bytearray(self.pool[start:start + count * PAGE])
        words = memoryview(data).cast('Q')
        stamps = array.array('Q', range(first + 1, first + count + 1))
        words[::PAGE // 8] = memoryview(stamps)
        return data

    def speck(self):
        data = bytearray(PAGE)
        place = self.rng.choice((0, PAGE - 1, self.rng.randrange(PAGE)))
        data[place] = self.rng.randint(1, 255)
        return data


def create(path, size, kind, seed=1):
    """Write an image of SIZE bytes; an existing file keeps no content."""
    if size % PAGE:
        raise ValueError('an image of %d bytes is not whole pages' % size)
    source = _Random(seed)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.ftruncate(fd, size)
        for first, count, what in page_runs(kind, size // PAGE, seed):
            if what != 'hole':
                _write_run(fd, source, first, count, what)
    finally:
        os.close(fd)


def _write_run(fd, source, first, count, what):
    step = CHUNK // PAGE
    for page in range(first, first + count, step):
        part = min(step, first + count - page)
        if what == 'zero':
            data = bytes(part * PAGE)
        elif what == 'random':
            data = source.pages(page, part)
        else:
            data = b''.join(source.speck() for _ in range(part))
        os.pwrite(fd, data, page * PAGE)


def fill(path, size, byte):
    """An image of SIZE bytes that all have the same value: old content."""
    with open(path, 'wb') as out:
        block = bytes([byte]) * min(size, CHUNK)
        left = size
        while left:
            left -= out.write(block[:left])


def write_pages(path, pages):
    """Put {page number: bytes} into an existing image."""
    fd = os.open(path, os.O_RDWR)
    try:
        for page, data in pages.items():
            os.pwrite(fd, data, page * PAGE)
    finally:
        os.close(fd)


def count_pages(kind, size, seed=1):
    """How many pages of the image are (normal, zero), holes being zero."""
    normal = sum(count for _, count, what
                 in page_runs(kind, size // PAGE, seed)
                 if what in ('random', 'speck'))
    return normal, size // PAGE - normal


def first_difference(path_a, path_b):
    """None when equal, else a sentence naming the first differing page."""
    size_a, size_b = os.path.getsize(path_a), os.path.getsize(path_b)
    if size_a != size_b:
        return 'sizes differ: %d and %d bytes' % (size_a, size_b)
    with open(path_a, 'rb') as file_a, open(path_b, 'rb') as file_b:
        for start in range(0, size_a, CHUNK):
            part_a = os.pread(file_a.fileno(), CHUNK, start)
            part_b = os.pread(file_b.fileno(), CHUNK, start)
            if part_a != part_b:
                return _describe_difference(part_a, part_b, start)
    return None


def _describe_difference(part_a, part_b, start):
    bad = [at for at in range(0, len(part_a), PAGE)
           if part_a[at:at + PAGE] != part_b[at:at + PAGE]]
    at = bad[0]
    page_a, page_b = part_a[at:at + PAGE], part_b[at:at + PAGE]
    byte = next(i for i in range(len(page_a)) if page_a[i] != page_b[i])
    return ('page %d differs (%d pages in this %d KiB): byte %d is '
            '%s, expected %s' % ((start + at) // PAGE, len(bad),
                                 len(part_a) >> 10, byte,
                                 page_b[byte:byte + 8].hex(),
                                 page_a[byte:byte + 8].hex()))


def allocated(path):
    """Bytes the file system holds for the image; holes cost nothing."""
    return os.stat(path).st_blocks * 512


def anonymous_area(pid, size):
    """(start, length) of the anonymous mapping that holds SIZE of RAM."""
    found = []
    with open('/proc/%d/maps' % pid) as maps:
        for line in maps:
            fields = line.split()
            low, high = (int(x, 16) for x in fields[0].split('-'))
            if fields[1] == 'rw-p' and fields[4] == '0' and \
                    high - low == size:
                found.append((low, high - low))
    if len(found) != 1:
        raise RuntimeError('%d anonymous mappings of %d bytes in process %d,'
                           ' expected one' % (len(found), size, pid))
    return found[0]


def extents(path):
    """Yield (start, end) of what an image has; the rest are holes."""
    with open(path, 'rb') as image:
        at = 0
        while True:
            try:
                at = os.lseek(image.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(image.fileno(), at, os.SEEK_HOLE)
            yield at, end
            at = end


def load_into(pid, size, path):
    """Copy an image into the anonymous RAM of a process, holes left out."""
    base, _ = anonymous_area(pid, size)
    with open(path, 'rb') as image, \
            open('/proc/%d/mem' % pid, 'r+b', buffering=0) as mem:
        for at, end in extents(path):
            while at < end:
                data = os.pread(image.fileno(), min(CHUNK, end - at), at)
                mem.seek(base + at)
                mem.write(data)
                at += len(data)


def save_from(pid, size, path):
    """Copy the anonymous RAM of a process into a file, to compare it."""
    base, _ = anonymous_area(pid, size)
    with open('/proc/%d/mem' % pid, 'rb', buffering=0) as mem, \
            open(path, 'wb') as out:
        for at in range(0, size, CHUNK):
            mem.seek(base + at)
            out.write(mem.read(min(CHUNK, size - at)))
