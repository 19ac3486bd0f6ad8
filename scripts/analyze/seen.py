# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which pages of a block have arrived, and as what.  A block may claim to be of
# any size: what never arrives costs nothing.

import re

SHIFT = 16
CHUNK = 1 << SHIFT
_ZEROES = re.compile(rb'\x00+')


class Seen:
    """A byte per page, in chunks made when they are needed; 0 is never."""

    def __init__(self):
        self.chunks = {}

    def put(self, page, value):
        """Note a page; what it was before."""
        chunk = self.chunks.get(page >> SHIFT)
        if chunk is None:
            chunk = self.chunks[page >> SHIFT] = bytearray(CHUNK)
        before = chunk[page & CHUNK - 1]
        chunk[page & CHUNK - 1] = value
        return before

    def put_run(self, first, count, value):
        while count:
            self.put(first, value)
            at = first & CHUNK - 1
            part = min(count, CHUNK - at)
            self.chunks[first >> SHIFT][at:at + part] = bytes([value]) * part
            first, count = first + part, count - part

    def count(self, value):
        return sum(chunk.count(value) for chunk in self.chunks.values())

    def _unseen(self, nr_pages):
        """Runs of pages that never came; they may touch each other."""
        at = 0                  # all before is known
        for number in sorted(self.chunks):
            first = number << SHIFT
            if first >= nr_pages:
                break
            if at < first:
                yield at, first - at
            at = min(first + CHUNK, nr_pages)
            for match in _ZEROES.finditer(self.chunks[number], 0, at - first):
                yield first + match.start(), match.end() - match.start()
        if at < nr_pages:
            yield at, nr_pages - at

    def missing(self, nr_pages):
        """Yield (first, number) of pages below NR_PAGES that never came."""
        return joined(self._unseen(nr_pages))


def joined(runs):
    """The longest runs there are, of such as may touch each other."""
    start = length = 0
    for first, count in runs:
        if length and first == start + length:
            length += count
            continue
        if length:
            yield start, length
        start, length = first, count
    if length:
        yield start, length


def ranges(runs, page_size, most=8):
    """Runs of pages as text, addresses of first and last byte."""
    texts, more = [], 0
    for first, count in runs:
        if len(texts) < most:
            texts.append('0x%x-0x%x' % (first * page_size,
                                        (first + count) * page_size - 1))
        else:
            more += 1
    return ', '.join(texts) + (' and %d more ranges' % more if more else '')
