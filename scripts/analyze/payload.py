# SPDX-License-Identifier: GPL-2.0-or-later
#
# Payloads of multifd packets, one decoder per method.  zlib is one stream for
# all packets of a channel, and so is zstd; qpl has a stream per page.  zstd is
# libzstd, called directly, as this Python has no module of its own for it.

import ctypes
import ctypes.util
import struct
import zlib

from . import wire

MAX = 4 << 20                   # bytes of the pages of a packet, at most


class PayloadError(Exception):
    """A payload that does not give the pages it should."""


class Missing(Exception):
    """There is nothing here to decode this method with."""


class Plain:
    """Pages as they are; their number tells the length."""

    def decode(self, data, nr_pages):
        return data


class Zlib:
    """One zlib stream for all packets of a channel."""

    def __init__(self):
        self.stream = zlib.decompressobj()

    def decode(self, data, nr_pages):
        want = nr_pages * wire.PAGE
        try:
            pages = self.stream.decompress(data, want + 1)
        except zlib.error as err:
            raise PayloadError('zlib says: %s' % err) from err
        if self.stream.unconsumed_tail or self.stream.unused_data:
            raise PayloadError('zlib data goes on behind %d bytes of pages'
                               % want)
        return pages


class Qpl:
    """be32 lengths, then the pages; one of a page's length is as it is."""

    def decode(self, data, nr_pages):
        if len(data) < 4 * nr_pages:
            raise PayloadError('%d bytes have no room for %d lengths'
                               % (len(data), nr_pages))
        lengths = struct.unpack_from('>%dI' % nr_pages, data)
        at, pages = 4 * nr_pages, []
        for number, length in enumerate(lengths):
            part = data[at:at + length]
            if not length or length > wire.PAGE or len(part) != length:
                raise PayloadError('page %d of the packet has %d bytes, and '
                                   '%d are left' % (number, length,
                                                    len(data) - at))
            pages.append(part if length == wire.PAGE
                         else self._inflate(part, number))
            at += length
        if at != len(data):
            raise PayloadError('%d bytes are left behind the pages'
                               % (len(data) - at))
        return b''.join(pages)

    @staticmethod
    def _inflate(part, number):
        stream = zlib.decompressobj(-15)
        try:
            page = stream.decompress(part, wire.PAGE + 1)
        except zlib.error as err:
            raise PayloadError('page %d of the packet: %s'
                               % (number, err)) from err
        if len(page) != wire.PAGE or stream.unused_data or not stream.eof:
            raise PayloadError('page %d of the packet inflates to %d bytes'
                               % (number, len(page)))
        return page


class _Buffer(ctypes.Structure):
    """ZSTD_inBuffer and ZSTD_outBuffer have the same shape."""

    _fields_ = [('data', ctypes.c_void_p), ('size', ctypes.c_size_t),
                ('at', ctypes.c_size_t)]


def _libzstd():
    """The library with its prototypes; Missing without one."""
    name = ctypes.util.find_library('zstd')
    if name is None:
        raise Missing('libzstd is not installed')
    library = ctypes.CDLL(name)
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    for function, result, arguments in (
            ('ZSTD_createDStream', pointer, ()),
            ('ZSTD_initDStream', size, (pointer,)),
            ('ZSTD_freeDStream', size, (pointer,)),
            ('ZSTD_decompressStream', size, (
                pointer, ctypes.POINTER(_Buffer), ctypes.POINTER(_Buffer))),
            ('ZSTD_isError', ctypes.c_uint, (size,)),
            ('ZSTD_getErrorName', ctypes.c_char_p, (size,))):
        function = getattr(library, function)
        function.restype, function.argtypes = result, arguments
    return library


class Zstd:
    """One zstd stream for all packets of a channel; it never ends."""

    def __init__(self):
        self.stream = None
        self.library = _libzstd()
        self.stream = self.library.ZSTD_createDStream()
        self.library.ZSTD_initDStream(self.stream)
        # A byte more than pages can have, to see what is too much.
        self.room = ctypes.create_string_buffer(MAX + 1)

    def __del__(self):
        if self.stream:
            self.library.ZSTD_freeDStream(self.stream)

    def decode(self, data, nr_pages):
        want = nr_pages * wire.PAGE
        held = ctypes.create_string_buffer(data, len(data))
        source = _Buffer(ctypes.addressof(held), len(data), 0)
        target = _Buffer(ctypes.addressof(self.room),
                         min(want, MAX) + 1, 0)
        while True:
            before = source.at, target.at
            status = self.library.ZSTD_decompressStream(
                self.stream, ctypes.byref(target), ctypes.byref(source))
            if self.library.ZSTD_isError(status):
                raise PayloadError('zstd says: %s' % (
                    self.library.ZSTD_getErrorName(status).decode()))
            if target.at > want:
                raise PayloadError('zstd data goes on behind %d bytes of '
                                   'pages' % want)
            if (source.at, target.at) == before:
                break
        if source.at != source.size:
            raise PayloadError('zstd leaves %d bytes of the payload'
                               % (source.size - source.at))
        return self.room.raw[:target.at] if target.at > MAX \
            else ctypes.string_at(self.room, target.at)


_DECODERS = {'none': Plain, 'zlib': Zlib, 'zstd': Zstd, 'qpl': Qpl}


def decoder(method):
    """A fresh decoder, for one channel; Missing says why there is none."""
    if method not in _DECODERS:
        raise Missing('this does not decode %s' % method)
    return _DECODERS[method]()
