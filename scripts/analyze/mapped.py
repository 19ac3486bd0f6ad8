# SPDX-License-Identifier: GPL-2.0-or-later
#
# mapped-ram: what a block says of its places in the file, and its bitmap, in
# runs.  The bitmap decides which pages there are, not the bytes of the pages.

import re
import struct

from . import StreamError, wire
from .seen import joined

HEADER = struct.calcsize(wire.MAPPED_HEADER)
WINDOW = 1 << 18
_PIECES = re.compile(rb'\x00+|\xff+|[^\x00\xff]')


class Mapped:
    """The places of one block; all are absolute."""

    def __init__(self, source, block):
        self.source, self.block = source, block
        self.at = source.at
        self.version, self.page_size, self.bitmap, self.pages = \
            struct.unpack(wire.MAPPED_HEADER, source.take(HEADER))
        if self.version > wire.MAPPED_VERSION:
            raise StreamError(self.at, 'block "%s" has mapped-ram version %d;'
                              ' version %d is known'
                              % (block.name, self.version,
                                 wire.MAPPED_VERSION))
        if self.page_size != wire.PAGE:
            raise StreamError(self.at, 'block "%s" has mapped-ram pages of '
                              '%d bytes; they have %d'
                              % (block.name, self.page_size, wire.PAGE))
        if self.pages < source.at:
            # The walk goes on behind the pages; it must not come back here.
            raise StreamError(self.at, 'the pages of block "%s" begin at '
                              '0x%x, before its header ends at 0x%x'
                              % (block.name, self.pages, source.at))
        if self.end > source.size:
            # Where the last pages are zero, the file still ends behind them:
            # the rest of the stream follows.
            raise StreamError(self.at, 'the pages of block "%s" end at 0x%x, '
                              'and the file at 0x%x'
                              % (block.name, self.end, source.size))
        if self.bitmap + self.bitmap_bytes > source.size:
            raise StreamError(self.at, 'the bitmap of block "%s" ends at '
                              '0x%x, and the file at 0x%x'
                              % (block.name, self.bitmap + self.bitmap_bytes,
                                 source.size))

    @property
    def nr_pages(self):
        return -(-self.block.length // wire.PAGE)

    @property
    def bitmap_bytes(self):
        """Whole words of 64 bits."""
        return -(-self.nr_pages // 64) * 8

    @property
    def end(self):
        return self.pages + self.block.length

    def bit_runs(self):
        """Runs of the bits that are set, those behind the last page
        included."""
        return joined(self._pieces())

    def _pieces(self):
        """Runs of set bits that may touch each other."""
        for begin in range(0, self.bitmap_bytes, WINDOW):
            data = self.source.pread(self.bitmap + begin,
                                     min(WINDOW, self.bitmap_bytes - begin))
            for match in _PIECES.finditer(data):
                first = 8 * (begin + match.start())
                byte = data[match.start()]
                if byte == 0xff:
                    yield first, 8 * (match.end() - match.start())
                elif byte:
                    yield from self._bits(first, byte)

    @staticmethod
    def _bits(first, byte):
        for bit in range(8):
            if byte >> bit & 1:
                yield first + bit, 1

    def page_runs(self):
        """The same, within the block."""
        for first, count in self.bit_runs():
            if first < self.nr_pages:
                yield first, min(count, self.nr_pages - first)

    def surplus_bits(self):
        """Bits set behind the last page."""
        return sum(first + count - max(first, self.nr_pages)
                   for first, count in self.bit_runs()
                   if first + count > self.nr_pages)
