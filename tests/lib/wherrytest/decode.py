# SPDX-License-Identifier: GPL-2.0-or-later
#
# Decodes a recorded migration stream: the main channel or one multifd
# channel, as (offset, text) pairs.  Device sections are sized by the
# description at the end of the stream, as their length is nowhere else.

import json
import struct

from . import stream as s

COMMANDS = {
    1: 'OPEN_RETURN_PATH', 2: 'PING', 3: 'POSTCOPY_ADVISE',
    4: 'POSTCOPY_LISTEN', 5: 'POSTCOPY_RUN', 6: 'POSTCOPY_RAM_DISCARD',
    7: 'PACKAGED', 8: 'ENABLE_COLO', 9: 'POSTCOPY_RESUME',
    10: 'RECV_BITMAP', 11: 'SWITCHOVER_START',
}
# Sections of machine `none`, for streams whose description is empty.
KNOWN_SIZES = {('timer', 0): 24, ('globalstate', 0): 104}
SECTIONS = {s.START: 'START', s.PART: 'PART', s.END: 'END', s.FULL: 'FULL'}


class DecodeError(Exception):
    """The bytes do not make sense at that offset."""


class Reader:
    """A position in bytes; reading past the end is a DecodeError."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise DecodeError('stream ends at 0x%x, inside a field that '
                              'begins at 0x%x' % (len(self.data), self.at))
        self.at += count
        return bytes(self.data[self.at - count:self.at])

    def be(self, fmt):
        values = struct.unpack('>' + fmt,
                               self.take(struct.calcsize('>' + fmt)))
        return values[0] if len(values) == 1 else values

    def str8(self):
        return self.take(self.be('B')).decode('utf-8', 'replace')

    def ended(self):
        return self.at >= len(self.data)


def _fields_size(node):
    total = sum(f['size'] * f.get('array_len', 1) for f in node['fields'])
    for sub in node.get('subsections', ()):
        total += 6 + len(sub['vmsd_name']) + _fields_size(sub)
    return total


def find_description(data):
    """(offset of the EOF byte, parsed JSON), or (None, None)."""
    at = len(data)
    while True:
        at = data.rfind(b'\x00\x06', 0, at)
        if at < 0:
            return None, None
        if at + 6 > len(data):
            continue
        length = struct.unpack_from('>I', data, at + 2)[0]
        text = data[at + 6:at + 6 + length]
        if len(text) == length and text[:1] == b'{':
            try:
                return at, json.loads(text)
            except ValueError:
                continue


class MainDecoder:
    """Walks the main channel."""

    def __init__(self, data):
        self.data = data
        self.r = Reader(data)
        self.names = {}
        self.block = None
        _, description = find_description(data)
        self.sizes = dict(KNOWN_SIZES)
        self.sizes.update(
            {(d['name'], d['instance_id']): _fields_size(d)
             for d in (description or {}).get('devices', ())})

    def run(self):
        """Yield (offset, text) until the end of the stream."""
        magic, version = self.r.be('II')
        yield 0, 'header magic=0x%08x version=%d' % (magic, version)
        if magic != s.MAGIC:
            raise DecodeError('not a migration stream')
        while not self.r.ended():
            at = self.r.at
            kind = self.r.be('B')
            if kind == s.EOF:
                yield at, 'EOF'
            elif kind == s.VMDESC:
                length = self.r.be('I')
                yield at, 'description %d bytes: %s' % (
                    length, self.r.take(length).decode('utf-8', 'replace'))
                break
            elif kind == s.CONFIGURATION:
                yield from self._configuration(at)
            elif kind == s.COMMAND:
                code, length = self.r.be('HH')
                yield at, 'command %s length=%d %s' % (
                    COMMANDS.get(code, code), length,
                    self.r.take(length).hex())
            elif kind in SECTIONS:
                yield from self._section(at, kind)
            elif kind == s.FOOTER:
                yield at, 'footer id=%d' % self.r.be('I')
            else:
                raise DecodeError('unknown type byte 0x%02x at 0x%x'
                                  % (kind, at))
        if not self.r.ended():
            yield self.r.at, '%d bytes more' % (len(self.data) - self.r.at)

    def _configuration(self, at):
        name = self.r.take(self.r.be('I'))
        yield at, 'configuration "%s"' % name.decode('utf-8', 'replace')
        while not self.r.ended() and self.data[self.r.at] == s.SUBSECTION:
            at = self.r.at
            self.r.be('B')
            sub, version = self.r.str8(), self.r.be('I')
            yield at, '  subsection %s version=%d %s' % (
                sub, version, self._subsection_payload(sub))

    def _subsection_payload(self, name):
        if name.endswith('/uuid'):
            return self.r.take(16).hex()
        if name.endswith('/target-page-bits'):
            return str(self.r.be('I'))
        if name.endswith('/capabilities'):
            return ' '.join(self.r.str8() for _ in range(self.r.be('I')))
        raise DecodeError('unknown subsection %s' % name)

    def _section(self, at, kind):
        number = self.r.be('I')
        text = '%s id=%d' % (SECTIONS[kind], number)
        if kind in (s.START, s.FULL):
            idstr = self.r.str8()
            instance, version = self.r.be('II')
            self.names[number] = idstr
            text += ' "%s" instance=%d version=%d' % (idstr, instance,
                                                      version)
        yield at, text
        if number not in self.names:
            raise DecodeError('section id %d was never introduced' % number)
        if kind == s.FULL:
            yield from self._device(self.names[number], instance)
        elif self.names[number] == 'ram':
            yield from self._ram()
        else:
            raise DecodeError('cannot decode section "%s"'
                              % self.names[number])

    def _device(self, idstr, instance):
        size = self.sizes.get((idstr, instance))
        if size is None:
            raise DecodeError('no size known for section "%s" at 0x%x'
                              % (idstr, self.r.at))
        at = self.r.at
        payload = self.r.take(size)
        shown = payload.rstrip(b'\0')
        yield at, '  %d bytes %s%s' % (
            size, shown[:64].hex(), '' if len(shown) == size else '…')

    def _ram(self):
        while True:
            at = self.r.at
            word = self.r.be('Q')
            flags, value = word & 0xfff, word & ~0xfff
            if flags == s.EOS:
                yield at, '  EOS'
                return
            if flags == s.FLUSH:
                yield at, '  FLUSH'
            elif flags == s.MEM_SIZE:
                yield from self._block_list(at, value)
            else:
                yield at, '  ' + self._page(flags, value, at)

    def _block_list(self, at, total):
        yield at, '  block list, total 0x%x' % total
        while total > 0:
            at = self.r.at
            name, length = self.r.str8(), self.r.be('Q')
            yield at, '    block "%s" length 0x%x' % (name, length)
            total -= length

    def _page(self, flags, offset, at):
        if not flags & s.CONTINUE:
            self.block = self.r.str8()
        where = '"%s" 0x%x' % (self.block, offset)
        kind = flags & ~s.CONTINUE
        if kind == s.ZERO:
            return 'zero   %s fill=%d' % (where, self.r.be('B'))
        if kind == s.PAGE_FLAG:
            data = self.r.take(s.PAGE)
            return 'normal %s %s…' % (where, data[:8].hex())
        if kind == s.XBZRLE:
            method, length = self.r.be('BH')
            self.r.take(length)
            return 'xbzrle %s method=%d length=%d' % (where, method, length)
        raise DecodeError('unknown RAM record 0x%03x at 0x%x' % (flags, at))


def channel(data):
    """Yield (offset, text) for one multifd channel."""
    r = Reader(data)
    magic, version, uuid, number = struct.unpack('>II16sB39x', r.take(64))
    yield 0, 'greeting magic=0x%08x version=%d uuid=%s channel=%d' % (
        magic, version, uuid.hex(), number)
    while not r.ended():
        at = r.at
        magic, version, flags, alloc, normal, size, number, zero = \
            r.be('IIIIIIQI')
        r.take(28)
        name = r.take(256).split(b'\0')[0].decode('utf-8', 'replace')
        offsets = r.be('%dQ' % s.PAGES_PER_PACKET)
        if magic != s.MULTIFD_MAGIC:
            raise DecodeError('no packet at 0x%x' % at)
        yield at, ('packet %d version=%d flags=0x%x alloc=%d normal=%d '
                   'zero=%d next=%d "%s"' % (number, version, flags, alloc,
                                             normal, zero, size, name))
        if normal:
            yield at, '  normal ' + _ranges(offsets[:normal])
        if zero:
            yield at, '  zero   ' + _ranges(offsets[normal:normal + zero])
        compressed = flags & 0x3e
        if normal:
            r.take(size if compressed else normal * s.PAGE)


def _ranges(offsets):
    """Offsets as text, runs of neighbouring pages joined."""
    runs = []
    for offset in offsets:
        if runs and runs[-1][1] == offset:
            runs[-1][1] += s.PAGE
        else:
            runs.append([offset, offset + s.PAGE])
    return ' '.join('0x%x-0x%x' % (low, high - 1) for low, high in runs)


def decode(data):
    """Main channel or multifd channel, by the first word."""
    if data[:4] == struct.pack('>I', s.MULTIFD_MAGIC):
        return channel(data)
    return MainDecoder(data).run()
