# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds migration streams by hand, right or wrong: each value that a field
# can carry may be overridden.  The formats are in docs/devel/migration.

import struct

PAGE = 4096
MAGIC, VERSION = 0x5145564d, 3
MULTIFD_MAGIC, MULTIFD_VERSION = 0x11223344, 1
PAGES_PER_PACKET = 128

EOF, START, PART, END, FULL, SUBSECTION, VMDESC, CONFIGURATION, COMMAND = \
    range(9)
FOOTER = 0x7e

ZERO, MEM_SIZE, PAGE_FLAG, EOS, CONTINUE, XBZRLE, HOOK = \
    0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80
FLUSH = 0x200

SYNC = 0x01
DEVICE_STATE = 0x40

OPEN_RETURN_PATH, PING, POSTCOPY_ADVISE, POSTCOPY_LISTEN, POSTCOPY_RUN, \
    POSTCOPY_DISCARD, PACKAGED, ENABLE_COLO, POSTCOPY_RESUME, RECV_BITMAP, \
    SWITCHOVER_START = range(1, 12)

RAM_ID = 1


def str8(text):
    data = text.encode() if isinstance(text, str) else text
    return bytes([len(data)]) + data


class Stream:
    """The main channel, element by element; each call returns self."""

    def __init__(self):
        self.data = bytearray()

    def raw(self, data):
        self.data += data
        return self

    def be(self, fmt, *values):
        return self.raw(struct.pack('>' + fmt, *values))

    def header(self, magic=MAGIC, version=VERSION):
        return self.be('II', magic, version)

    def configuration(self, name='none', length=None, subsections=()):
        data = name.encode()
        self.be('BI', CONFIGURATION, len(data) if length is None else length)
        self.raw(data)
        for sub_name, sub_version, payload in subsections:
            self.be('B', SUBSECTION).raw(str8(sub_name))
            self.be('I', sub_version).raw(payload)
        return self

    def section(self, kind, idstr='ram', section_id=RAM_ID, instance=0,
                version=4):
        self.be('BI', kind, section_id).raw(str8(idstr))
        return self.be('II', instance, version)

    def start(self, **fields):
        return self.section(START, **fields)

    def full(self, **fields):
        return self.section(FULL, **fields)

    def part(self, section_id=RAM_ID):
        return self.be('BI', PART, section_id)

    def end(self, section_id=RAM_ID):
        return self.be('BI', END, section_id)

    def footer(self, section_id=RAM_ID):
        return self.be('BI', FOOTER, section_id)

    def command(self, code, payload=b'', length=None):
        self.be('BHH', COMMAND, code,
                len(payload) if length is None else length)
        return self.raw(payload)

    # -- RAM records --------------------------------------------------------

    def blocks(self, blocks, total=None):
        """The block list: [(name, length)]."""
        if total is None:
            total = sum(length for _, length in blocks)
        self.be('Q', total | MEM_SIZE)
        for name, length in blocks:
            self.raw(str8(name)).be('Q', length)
        return self

    def record(self, offset, flags, block=None):
        """A record word, and the block's name where one is given."""
        if block is None:
            return self.be('Q', offset | flags | CONTINUE)
        return self.be('Q', offset | flags).raw(str8(block))

    def zero(self, offset, block=None, fill=0):
        return self.record(offset, ZERO, block).be('B', fill)

    def page(self, offset, data, block=None):
        return self.record(offset, PAGE_FLAG, block).raw(data)

    def word(self, value):
        return self.be('Q', value)

    def flush(self):
        return self.word(FLUSH)

    def eos(self):
        return self.word(EOS)

    # -- whole parts --------------------------------------------------------

    def preamble(self):
        return self.header().configuration()

    def setup(self, blocks, multifd=False):
        """START of RAM with its block list and, for multifd, its FLUSH."""
        self.start().blocks(blocks)
        if multifd:
            self.flush()
        return self.eos().footer()

    def finish(self, multifd=False, state=None):
        """END of RAM, the run state if one is wanted, EOF, description."""
        self.end()
        if multifd:
            self.flush()
        self.eos().footer()
        if state is not None:
            self.globalstate(state)
        return self.eof().vmdesc()

    def timer(self, section_id=0):
        return self.full(idstr='timer', section_id=section_id, version=2) \
            .raw(bytes(24)).footer(section_id)

    def globalstate(self, state, section_id=3):
        name = state.encode()
        self.full(idstr='globalstate', section_id=section_id, version=1)
        self.be('I', len(name) + 1).raw(name.ljust(32, b'\0'))
        return self.raw(bytes(68)).footer(section_id)

    def eof(self):
        return self.be('B', EOF)

    def vmdesc(self, text='{}'):
        data = text.encode()
        return self.be('BI', VMDESC, len(data)).raw(data)


def plain(block, size, image, state='prelaunch'):
    """A complete plain stream of an image given as bytes."""
    out = Stream().preamble().setup([(block, size)]).part()
    for offset in range(0, size, PAGE):
        data = image[offset:offset + PAGE]
        name = block if offset == 0 else None
        if data.count(0) == len(data):
            out.zero(offset, name)
        else:
            out.page(offset, data, name)
    return bytes(out.eos().footer().finish(state=state).data)


# -- multifd channels -------------------------------------------------------

def greeting(channel, magic=MULTIFD_MAGIC, version=MULTIFD_VERSION,
             uuid=bytes(16), packet_size=0):
    return struct.pack('>II16sB7xQ24x', magic, version, uuid, channel,
                       packet_size)


def packet(block='', normal=(), zero=(), payload=b'', flags=0, number=0,
           magic=MULTIFD_MAGIC, version=MULTIFD_VERSION,
           pages_alloc=None, normal_pages=None, zero_pages=None,
           next_size=None, name=None, room=PAGES_PER_PACKET):
    """A packet header with ROOM offsets and its payload; counts may lie."""
    offsets = list(normal) + list(zero)
    offsets += [0] * (room - len(offsets))
    head = struct.pack(
        '>IIIIIIQI28x', magic, version, flags,
        room if pages_alloc is None else pages_alloc,
        len(normal) if normal_pages is None else normal_pages,
        len(payload) if next_size is None else next_size, number,
        len(zero) if zero_pages is None else zero_pages)
    if name is None:
        name = block.encode()
    return head + name.ljust(256, b'\0') + \
        struct.pack('>%dQ' % room, *offsets) + payload


def sync(number=0, room=PAGES_PER_PACKET):
    return packet(flags=SYNC, number=number, pages_alloc=0, room=room)


def multifd(block, size, image, channels):
    """(main, [one bytes per channel]) of a complete multifd migration."""
    main = Stream().preamble().setup([(block, size)], multifd=True)
    main.part().eos().footer().finish(multifd=True, state='prelaunch')
    data = [greeting(i) + sync() for i in range(channels)]
    step = PAGES_PER_PACKET * PAGE
    for turn, start in enumerate(range(0, size, step)):
        offsets = range(start, min(size, start + step), PAGE)
        pages = [(at, image[at:at + PAGE]) for at in offsets]
        normal = [(at, page) for at, page in pages
                  if page.count(0) != len(page)]
        data[turn % channels] += packet(
            block, [at for at, _ in normal],
            [at for at, page in pages if page.count(0) == len(page)],
            b''.join(page for _, page in normal))
    return bytes(main.data), [part + sync() for part in data]
