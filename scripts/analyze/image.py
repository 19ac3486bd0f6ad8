# SPDX-License-Identifier: GPL-2.0-or-later
#
# RAM as a destination would have it that began with zeroes: a file per block,
# sparse where nothing came.  And the comparison of two recordings by that.

import os
import tempfile

from . import StreamError, wire
from .channel import ChannelSink
from .mainstream import Sink
from .seen import joined

CHUNK = 1 << 20


def undo_xbzrle(old, delta, at):
    """A page from its old content and what has changed since."""
    page, place, index = bytearray(old), 0, 0

    def number():
        nonlocal index
        if index >= len(delta):
            raise StreamError(at, 'a difference at 0x%x ends inside a length'
                              % at)
        value = delta[index]
        index += 1
        if value & 0x80:
            if index >= len(delta):
                raise StreamError(at, 'a difference at 0x%x ends inside a '
                                  'length' % at)
            value = value & 0x7f | delta[index] << 7
            index += 1
        return value

    while index < len(delta):
        place += number()
        count = number()
        if not count or place + count > len(page) or \
                index + count > len(delta):
            raise StreamError(at, 'a difference at 0x%x does not fit a page'
                              % at)
        page[place:place + count] = delta[index:index + count]
        place, index = place + count, index + count
    return bytes(page)


class Image:
    """The file of one block."""

    def __init__(self, file, block):
        self.fd, self.block = file.fileno(), block
        self.file = file
        os.ftruncate(self.fd, block.length)

    def copy_mapped(self, mapped):
        for first, count in mapped.page_runs():
            at, left = first * wire.PAGE, count * wire.PAGE
            while left:
                data = mapped.source.pread(mapped.pages + at,
                                           min(left, CHUNK))
                if not data:
                    raise StreamError(mapped.pages + at, 'the file ends '
                                      'inside the pages of block "%s"'
                                      % self.block.name)
                os.pwrite(self.fd, data, at)
                at, left = at + len(data), left - len(data)


class Images(Sink, ChannelSink):
    """A sink that writes images; open_image is asked for the file of each
    block and may say None."""

    wants_data = True

    def __init__(self, open_image):
        self.open_image, self.images = open_image, {}
        self.written = {}           # block -> pages that are not zero

    def block(self, at, block):
        if block.name in self.images:
            return
        file = self.open_image(block)
        if file is None:
            return
        image = self.images[block.name] = Image(file, block)
        self.written[block.name] = set()
        if block.mapped:
            image.copy_mapped(block.mapped)

    def page(self, at, block, offset, kind, data):
        image = self.images.get(block.name)
        if image is None or offset >= block.length:
            return
        written = self.written[block.name]
        if kind == wire.PAGE_DATA:
            if data is None:
                # Its payload was not unpacked; verify() says why.
                return
            os.pwrite(image.fd, data, offset)
            written.add(offset)
        elif kind == wire.ZERO:
            if offset in written:
                os.pwrite(image.fd, bytes(wire.PAGE), offset)
                written.discard(offset)
        else:
            old = os.pread(image.fd, wire.PAGE, offset)
            os.pwrite(image.fd, undo_xbzrle(old, data, at), offset)
            written.add(offset)

    def close(self):
        for image in self.images.values():
            image.file.close()


def temporary():
    """Images in files that nobody sees, for a comparison."""
    return Images(lambda block: tempfile.TemporaryFile(buffering=0))


# -- two recordings -----------------------------------------------------------

def _differing(one, two, length):
    """Yield (page, 1) of each page that differs."""
    for at in range(0, length, CHUNK):
        a, b = (os.pread(image.fd, CHUNK, at) for image in (one, two))
        if a == b:
            continue
        for place in range(0, len(a), wire.PAGE):
            if a[place:place + wire.PAGE] != b[place:place + wire.PAGE]:
                yield (at + place) // wire.PAGE, 1


def compare(one, two):
    """{block: [(first, number) of differing pages], or a sentence}."""
    result = {}
    for name in list(one.images) + [name for name in two.images
                                    if name not in one.images]:
        a, b = one.images.get(name), two.images.get(name)
        if a is None or b is None:
            result[name] = 'is in the %s recording only' % (
                'first' if b is None else 'second')
        elif a.block.length != b.block.length:
            result[name] = 'has 0x%x bytes in the first and 0x%x in the ' \
                'second recording' % (a.block.length, b.block.length)
        else:
            result[name] = list(joined(_differing(a, b, a.block.length)))
    return result


def compare_devices(one, two):
    """Sentences on device sections that differ."""
    both = [{(section.name, section.instance): data
             for section, data in facts.devices} for facts in (one, two)]
    for key in list(both[0]) + [key for key in both[1]
                                if key not in both[0]]:
        a, b = (sections.get(key) for sections in both)
        name = 'device "%s" %d' % key
        if a is None or b is None:
            yield name + ' is in the %s recording only' % (
                'first' if b is None else 'second')
        elif a != b:
            yield '%s differs from byte %d on' % (name, next(
                (i for i, (x, y) in enumerate(zip(a, b)) if x != y),
                min(len(a), len(b))))
