# SPDX-License-Identifier: GPL-2.0-or-later
#
# One line for each element of a recording, with its place: what there is, in
# the order in which it is there.  Main channel or multifd channel, told apart
# by the first word.

from . import StreamError, wire
from .channel import Channel, ChannelSink
from .mainstream import MainWalker, Sink
from .seen import joined

_KINDS = {wire.ZERO: 'zero  ', wire.PAGE_DATA: 'normal',
          wire.XBZRLE: 'xbzrle'}


class Dump(Sink, ChannelSink):
    """A sink that gives each line to emit(place, text)."""

    def __init__(self, emit, pages=True):
        self.emit, self.pages = emit, pages
        self.wants_data = pages

    def header(self, at, version):
        self.emit(at, 'header magic=0x%08x version=%d' % (wire.MAGIC,
                                                          version))

    def configuration(self, at, machine):
        self.emit(at, 'configuration "%s"' % machine)

    def subsection(self, at, name, version, value):
        if isinstance(value, list):
            value = ' '.join(value)
        self.emit(at, '  subsection %s version=%d %s' % (name, version,
                                                         value))

    def command(self, at, code, payload):
        self.emit(at, 'command %s length=%d %s' % (
            wire.COMMANDS.get(code, code), len(payload), payload.hex()))

    def section(self, at, section):
        text = '%s id=%d' % (wire.SECTIONS[section.kind], section.number)
        if section.kind in (wire.START, wire.FULL):
            text += ' "%s" instance=%d version=%d' % (
                section.name, section.instance, section.version)
        self.emit(at, text)

    def footer(self, at, section, number):
        self.emit(at, 'footer id=%d' % number)

    def block_list(self, at, total):
        self.emit(at, '  block list, total 0x%x' % total)

    def block(self, at, block):
        text = '    block "%s" length 0x%x' % (block.name, block.length)
        if block.mapped:
            text += ' bitmap 0x%x pages 0x%x' % (block.mapped.bitmap,
                                                 block.mapped.pages)
        self.emit(at, text)

    def page(self, at, block, offset, kind, data):
        if not self.pages:
            return
        text = '  %s "%s" 0x%x' % (_KINDS[kind], block.name, offset)
        if kind == wire.ZERO:
            text += ' fill=%d' % data
        elif kind == wire.XBZRLE:
            text += ' length=%d' % len(data)
        elif data is not None:
            text += ' %s…' % data[:8].hex()
        self.emit(at, text)

    def mark(self, at, kind):
        self.emit(at, '  ' + kind)

    def device(self, at, section, data):
        shown = data.rstrip(b'\0')
        self.emit(at, '  %d bytes %s%s' % (
            len(data), shown[:64].hex(),
            '' if len(shown) == len(data) else '…'))

    def eof(self, at):
        self.emit(at, 'EOF')

    def description(self, at, text):
        self.emit(at, 'description %d bytes: %s' % (
            len(text), text.decode('utf-8', 'replace')))

    def extra(self, at, data):
        self.emit(at, 'more bytes: %s…' % data.hex())

    def defect(self, at, text):
        self.emit(at, 'DEFECT ' + text)

    # -- channels -----------------------------------------------------------

    def greeting(self, channel):
        self.emit(0, 'greeting magic=0x%08x version=%d uuid=%s channel=%d' % (
            wire.MULTIFD_MAGIC, wire.MULTIFD_VERSION, channel.uuid,
            channel.number))

    def packet(self, channel, packet, size):
        self.emit(packet.at, 'packet %d version=%d flags=0x%x alloc=%d '
                  'normal=%d zero=%d next=%d "%s"' % (
                      packet.number, packet.version, packet.flags,
                      packet.alloc, packet.nr_normal, packet.nr_zero,
                      packet.next_size, packet.name))
        if self.pages and packet.nr_normal:
            self.emit(packet.at, '  normal ' + _ranges(packet.normal))
        if self.pages and packet.nr_zero:
            self.emit(packet.at, '  zero   ' + _ranges(packet.zero))

    def device_state(self, channel, at, name, instance, size):
        self.emit(at, 'device state "%s" instance=%d %d bytes' % (
            name, instance, size))

    def channel_defect(self, channel, at, text):
        self.emit(at, 'DEFECT ' + text)


def _ranges(offsets):
    """Offsets as text, runs of neighbouring pages joined."""
    if any(offset % wire.PAGE for offset in offsets):
        return ' '.join('0x%x' % offset for offset in offsets)
    return ' '.join('0x%x-0x%x' % (first * wire.PAGE,
                                   (first + count) * wire.PAGE - 1)
                    for first, count in joined(
                        (offset // wire.PAGE, 1) for offset in offsets))


def is_channel(source):
    return source.peek(4) == wire.MULTIFD_MAGIC.to_bytes(4, 'big')


def run(source, emit, pages=True):
    """All lines of a recording; StreamError where they end too soon."""
    sink = Dump(emit, pages)
    if not is_channel(source):
        for _ in MainWalker(source, [sink]).walk():
            pass
        return
    channel = Channel(source, [sink])
    channel.greet()
    while channel.advance():
        pass


def lines(source):
    """The same as a list of (place, text) and the StreamError, or None."""
    found = []
    try:
        run(source, lambda at, text: found.append((at, text)))
    except StreamError as err:
        return found, err
    return found, None
