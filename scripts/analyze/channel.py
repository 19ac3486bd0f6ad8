# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads one multifd channel: the greeting, then packets up to the next SYNC
# each time advance() is called.  Pages go to the same sinks as those of the
# main channel; what is wrong with a packet that has another one behind it is
# a defect, the rest is a StreamError.

import struct

from . import StreamError, payload, wire


class Packet:
    """The header of a packet of pages."""

    def __init__(self, at, fields, offsets):
        self.at = at
        (_, self.version, self.flags, self.alloc, self.nr_normal,
         self.next_size, self.number, self.nr_zero, name) = fields
        self.name = name.split(b'\0')[0].decode('utf-8', 'replace')
        self.normal = offsets[:self.nr_normal]
        self.zero = offsets[self.nr_normal:self.nr_normal + self.nr_zero]

    @property
    def method(self):
        return wire.METHODS.get(self.flags & wire.METHOD, 'unknown')


class ChannelSink:
    """What a channel tells beside pages."""

    def greeting(self, channel):
        pass

    def packet(self, channel, packet, size):
        """size: bytes of the payload."""

    def channel_sync(self, channel, packet):
        pass

    def device_state(self, channel, at, name, instance, size):
        pass

    def channel_defect(self, channel, at, text):
        pass


class Channel:
    """One recorded channel; decode is whether payloads are unpacked."""

    def __init__(self, source, sinks, decode=False):
        self.source, self.sinks, self.decode = source, sinks, decode
        self.wants_data = any(sink.wants_data for sink in sinks)
        self.number = self.uuid = self.packet_size = None
        self.ended = False
        self.decoders = {}
        self.blocks = None          # name -> Block; None: take any name
        self.why = None             # why payloads are not unpacked

    def tell(self, what, *arguments):
        for sink in self.sinks:
            function = getattr(sink, what, None)
            if function:
                function(self, *arguments)

    def greet(self):
        source = self.source
        at = source.at
        magic, version, uuid, number, size = struct.unpack(
            wire.GREETING, source.take(64))
        size = size or wire.PACKET_SIZE
        if magic != wire.MULTIFD_MAGIC:
            raise StreamError(at, 'the channel begins with 0x%08x and not '
                              'with 0x%08x' % (magic, wire.MULTIFD_MAGIC))
        if version != wire.MULTIFD_VERSION:
            raise StreamError(at + 4, 'the channel has version %d; version '
                              '%d is known' % (version,
                                               wire.MULTIFD_VERSION))
        if size % wire.PAGE or size > payload.MAX:
            raise StreamError(at + 32, 'the channel has packets of %d bytes;'
                              ' they have whole pages, and at most %d bytes'
                              % (size, payload.MAX))
        self.number, self.uuid, self.packet_size = number, uuid.hex(), size
        self.tell('greeting')

    @property
    def room(self):
        """Offsets in each packet, used or not."""
        return self.packet_size // wire.PAGE

    def advance(self):
        """Read up to and with the next SYNC; False at the end instead."""
        while not self.source.ended():
            at = self.source.at
            magic, version, flags = struct.unpack('>III',
                                                  self._peek_exactly(12))
            if magic != wire.MULTIFD_MAGIC or \
                    version != wire.MULTIFD_VERSION:
                raise StreamError(at, 'no packet at 0x%x: magic 0x%08x, '
                                  'version %d' % (at, magic, version))
            if flags & wire.DEVICE_STATE:
                self._device_state(at)
                continue
            packet = self._packet(at)
            if flags & wire.SYNC:
                self.tell('channel_sync', packet)
                return True
        self.ended = True
        return False

    def _peek_exactly(self, count):
        data = self.source.peek(count)
        if len(data) < count:
            raise StreamError(self.source.at, 'the channel ends at 0x%x, '
                              'inside a packet' % (self.source.at
                                                   + len(data)))
        return data[:count]

    def _device_state(self, at):
        source = self.source
        source.skip(12)
        name = source.take(256).split(b'\0')[0].decode('utf-8', 'replace')
        instance, size = source.be('II')
        source.skip(size)
        self.tell('device_state', at, name, instance, size)

    def _packet(self, at):
        source = self.source
        fields = struct.unpack(wire.PACKET, source.take(320))
        offsets = source.be('%dQ' % self.room) if self.room > 1 \
            else (source.be('Q'),)
        packet = Packet(at, fields, offsets)
        if packet.nr_normal + packet.nr_zero > self.room:
            raise StreamError(at, 'packet %d has %d normal and %d zero '
                              'pages; it has room for %d'
                              % (packet.number, packet.nr_normal,
                                 packet.nr_zero, self.room))
        used = packet.nr_normal + packet.nr_zero
        if packet.alloc > self.room:
            self.tell('channel_defect', at, 'packet %d says that it has room '
                      'for %d pages; it has %d' % (packet.number,
                                                   packet.alloc, self.room))
        elif used > packet.alloc:
            self.tell('channel_defect', at, 'packet %d has %d pages of %d '
                      'allocated ones' % (packet.number, used, packet.alloc))
        size = 0
        if packet.nr_normal:
            size = packet.nr_normal * wire.PAGE \
                if packet.method == 'none' else packet.next_size
        elif used and packet.next_size and packet.method != 'none':
            self.tell('channel_defect', at, 'packet %d has only zero pages '
                      'and %d bytes of payload; a stock destination dies of '
                      'that' % (packet.number, packet.next_size))
        self.tell('packet', packet, size)
        pages = self._pages(packet, size)
        if used:
            self._tell_pages(packet, pages)
        return packet

    def _pages(self, packet, size):
        """The pages of a packet as bytes; None when they are not wanted."""
        source, want = self.source, packet.nr_normal * wire.PAGE
        compressed = packet.method != 'none'
        if not size or self.why or not (
                self.wants_data or self.decode and compressed):
            source.skip(size)
            return None
        try:
            if packet.method not in self.decoders:
                self.decoders[packet.method] = payload.decoder(packet.method)
        except payload.Missing as err:
            self.why = str(err)
            source.skip(size)
            return None
        try:
            pages = self.decoders[packet.method].decode(source.take(size),
                                                        packet.nr_normal)
            if len(pages) != want:
                raise payload.PayloadError('%s gives %d bytes; the pages '
                                           'have %d' % (packet.method,
                                                        len(pages), want))
        except payload.PayloadError as err:
            # What follows in a stream of all packets means nothing now.
            self.why = 'a payload before is corrupt'
            self.tell('channel_defect', packet.at, 'packet %d: %s'
                      % (packet.number, err))
            return None
        return pages

    def _block(self, packet):
        if self.blocks is None:
            return None
        block = self.blocks.get(packet.name)
        if block is None:
            self.tell('channel_defect', packet.at, 'packet %d is of block '
                      '"%s", which is not in the list'
                      % (packet.number, packet.name))
            return None
        return block

    def _tell_pages(self, packet, pages):
        block = self._block(packet)
        if block is None:
            return
        for number, offset in enumerate(packet.normal + packet.zero):
            if offset % wire.PAGE or offset + wire.PAGE > block.length:
                self.tell('channel_defect', packet.at, 'packet %d has page '
                          '0x%x of block "%s", which has 0x%x bytes'
                          % (packet.number, offset, block.name,
                             block.length))
                continue
            kind, data = wire.ZERO, 0
            if number < packet.nr_normal:
                kind, data = wire.PAGE_DATA, None
                if pages is not None:
                    data = pages[number * wire.PAGE:(number + 1) * wire.PAGE]
            for sink in self.sinks:
                sink.page(packet.at, block, offset, kind, data)
