# SPDX-License-Identifier: GPL-2.0-or-later
#
# Walks the main channel and tells sinks what there is.  walk() is a generator
# that stops at each point where multifd channels are waited for, so that who
# also reads the channels can keep the order in which a destination loads.
#
# What cannot be gone on from is a StreamError; what is wrong but leaves the
# next element where it is, goes to the sinks as a defect.

from . import StreamError, description, wire
from .mapped import Mapped


class Sink:
    """What a walk tells; a sink takes what it wants."""

    wants_data = False          # page() with the bytes of a normal page

    def header(self, at, version):
        pass

    def configuration(self, at, machine):
        pass

    def subsection(self, at, name, version, value):
        pass

    def command(self, at, code, payload):
        pass

    def section(self, at, section):
        pass

    def footer(self, at, section, number):
        pass

    def block_list(self, at, total):
        pass

    def block(self, at, block):
        pass

    def page(self, at, block, offset, kind, data):
        pass

    def mark(self, at, kind):
        """'FLUSH' or 'EOS'."""

    def device(self, at, section, data):
        pass

    def eof(self, at):
        pass

    def description(self, at, text):
        pass

    def extra(self, at, data):
        pass

    def defect(self, at, text):
        pass


class Block:
    """A RAM block of the list; mapped is its place in a mapped-ram file."""

    def __init__(self, name, length):
        self.name, self.length = name, length
        self.page_size = None       # only where the stream says so
        self.address = None
        self.mapped = None


class Section:
    """START, PART, END or FULL; begin and end are those of the payload."""

    def __init__(self, kind, number, name='', instance=0, version=0):
        self.kind, self.number = kind, number
        self.name, self.instance, self.version = name, instance, version
        self.at = self.begin = self.end = 0

    @property
    def title(self):
        text = '%s section "%s"' % (wire.SECTIONS[self.kind], self.name)
        return text + (' %d' % self.instance if self.instance else '')


class MainWalker:
    """One pass over a main channel."""

    def __init__(self, source, sinks):
        self.source, self.sinks = source, sinks
        self.wants_data = any(sink.wants_data for sink in sinks)
        self.sections = {}          # id -> the section that introduced it
        self.blocks = {}
        self.block = None           # of the page before
        self.capabilities = []
        self.huge = 0               # sizes of pages that ADVISE has told
        self.described = None       # (name, instance) -> node
        self.footers = None         # whether this stream has them
        self.section = None         # whose payload has just ended

    def tell(self, what, *arguments):
        for sink in self.sinks:
            getattr(sink, what)(*arguments)

    def walk(self):
        """Yield (mark, place) for each FLUSH and each end of RAM."""
        source = self.source
        magic, version = source.be('II')
        if magic != wire.MAGIC:
            raise StreamError(0, 'the stream begins with 0x%08x and not with '
                              '0x%08x, "QEVM"' % (magic, wire.MAGIC))
        self.tell('header', source.at - 8, version)
        if version != wire.VERSION:
            raise StreamError(4, 'the stream has version %d; version %d is '
                              'known' % (version, wire.VERSION))
        while True:
            at = source.at
            if source.ended():
                raise StreamError(at, 'the stream ends at 0x%x, before the '
                                  'byte that says so' % at)
            kind = source.be('B')
            self._check_footer(at, kind)
            if kind == wire.EOF:
                break
            yield from self._element(at, kind)
        self.tell('eof', at)
        self._end()

    def _element(self, at, kind):
        source = self.source
        if kind == wire.CONFIGURATION:
            self._configuration(at)
        elif kind == wire.COMMAND:
            self._command(at)
        elif kind in wire.SECTIONS:
            yield from self._section(at, kind)
        elif kind == wire.FOOTER:
            self._footer(at)
        else:
            raise StreamError(at, 'unknown type byte 0x%02x at 0x%x%s' % (
                kind, at, self._behind()))

    def _end(self):
        """What comes behind the byte of the end."""
        source = self.source
        if source.peek(1) == bytes([wire.DESCRIPTION]):
            at = source.at
            source.skip(1)
            self.tell('description', at, source.take(source.be('I')))
        if not source.ended():
            self.tell('extra', source.at, source.peek(16))

    # -- small elements -----------------------------------------------------

    def _configuration(self, at):
        source = self.source
        name = source.take(source.be('I')).decode('utf-8', 'replace')
        self.tell('configuration', at, name)
        while source.peek(1) == bytes([wire.SUBSECTION]):
            at = source.at
            source.skip(1)
            sub, version = source.str8(), source.be('I')
            if version != 1:
                self.tell('defect', at, 'sub-section "%s" has version %d; '
                          'version 1 is known' % (sub, version))
            self.tell('subsection', at, sub, version, self._value(at, sub))

    def _value(self, at, name):
        source = self.source
        if name.endswith('/uuid'):
            return source.take(16).hex()
        if name.endswith('/target-page-bits'):
            return source.be('I')
        if name.endswith('/capabilities'):
            self.capabilities = [source.str8()
                                 for _ in range(source.be('I'))]
            return self.capabilities
        raise StreamError(at, 'unknown sub-section "%s" of the configuration '
                          'at 0x%x' % (name, at))

    def _command(self, at):
        source = self.source
        code, length = source.be('HH')
        payload = source.take(length)
        name = wire.COMMANDS.get(code)
        wanted = wire.COMMAND_LENGTHS.get(code)
        if name is None:
            self.tell('defect', at, 'unknown command %d' % code)
        elif wanted and length not in wanted:
            self.tell('defect', at, 'command %s has %d bytes; it has %s' % (
                name, length, ' or '.join(map(str, wanted))))
        elif code == wire.POSTCOPY_ADVISE and length == 16:
            self.huge = int.from_bytes(payload[:8], 'big') & ~wire.PAGE
        self.tell('command', at, code, payload)
        if code == wire.PACKAGED and length == 4:
            source.skip(int.from_bytes(payload, 'big'))

    def _behind(self):
        return ', behind the %s' % self.section.title if self.section else ''

    def _check_footer(self, at, kind):
        """Sections end with footers, or none in this stream does."""
        if self.section is None or kind == wire.FOOTER:
            return
        if self.footers and self.section.kind == wire.FULL:
            raise StreamError(at, 'no footer follows the %s at 0x%x, which '
                              'has %d bytes by the description' % (
                                  self.section.title, at,
                                  self.section.end - self.section.begin))
        if self.footers:
            self.tell('defect', at, 'no footer follows the %s'
                      % self.section.title)
        elif self.footers is None and kind not in wire.SECTIONS and \
                kind not in (wire.EOF, wire.COMMAND):
            raise StreamError(at, 'neither a footer nor an element follows '
                              'the %s at 0x%x: 0x%02x'
                              % (self.section.title, at, kind))
        self.footers = bool(self.footers)
        self.section = None

    def _footer(self, at):
        number = self.source.be('I')
        self.tell('footer', at, self.section, number)
        if self.section is None:
            self.tell('defect', at, 'a footer without a section')
        elif self.section.number != number:
            self.tell('defect', at, 'the footer of the %s has id %d; the '
                      'section has %d' % (self.section.title, number,
                                          self.section.number))
        self.footers, self.section = True, None

    # -- sections -----------------------------------------------------------

    def _section(self, at, kind):
        source = self.source
        number = source.be('I')
        if kind in (wire.START, wire.FULL):
            name = source.str8()
            section = Section(kind, number, name, *source.be('II'))
            self.sections[number] = section
        else:
            known = self.sections.get(number)
            if known is None:
                raise StreamError(at, 'section id %d at 0x%x was never '
                                  'introduced' % (number, at))
            section = Section(kind, number, known.name, known.instance,
                              known.version)
        section.at, section.begin = at, source.at
        self.tell('section', at, section)
        if kind == wire.FULL:
            self._device(section)
        elif section.name == 'ram':
            if section.version != 4:
                raise StreamError(at, 'RAM has version %d; version 4 is '
                                  'known' % section.version)
            if section.instance != 0:
                raise StreamError(at, 'RAM has instance %d; there is only 0'
                                  % section.instance)
            yield from self._ram()
        elif section.name == 'dirty-bitmap' and source.peek(1) == b'\x01':
            source.skip(1)      # there are none
        else:
            raise StreamError(at, 'the %s at 0x%x is of a kind that cannot '
                              'be decoded' % (section.title, at))
        section.end = source.at
        self.section = section

    def _describe(self):
        if self.described is None:
            self.source.make_seekable()
            _, document = description.find_in(self.source)
            self.described = description.devices(document or {})
        return self.described

    def _device(self, section):
        key = (section.name, section.instance)
        node = self._describe().get(key)
        size = wire.KNOWN_SIZES.get(key) if node is None else \
            description.size_of(node)
        if size is None:
            raise StreamError(section.begin, 'the description says nothing '
                              'of the %s, so it cannot be cut off at 0x%x'
                              % (section.title, section.begin))
        self.tell('device', section.begin, section, self.source.take(size))

    # -- RAM ----------------------------------------------------------------

    def _ram(self):
        source = self.source
        while True:
            at = source.at
            word = source.be('Q')
            flags, value = word & wire.FLAGS, word & ~wire.FLAGS
            kind = flags & ~wire.CONTINUE
            if kind in (wire.ZERO, wire.PAGE_DATA, wire.XBZRLE):
                self._page(at, flags, kind, value)
            elif word == wire.EOS:
                self.tell('mark', at, 'EOS')
                yield 'EOS', at
                return
            elif word == wire.FLUSH:
                self.tell('mark', at, 'FLUSH')
                yield 'FLUSH', at
            elif flags == wire.MEM_SIZE:
                self._block_list(at, value)
            else:
                raise StreamError(at, 'unknown RAM record 0x%x at 0x%x'
                                  % (word, at))

    def _page(self, at, flags, kind, offset):
        source = self.source
        if not flags & wire.CONTINUE:
            name = source.str8()
            self.block = self.blocks.get(name)
            if self.block is None:
                raise StreamError(at, 'page of block "%s" at 0x%x, which is '
                                  'not in the list' % (name, at))
        block = self.block
        if block is None:
            raise StreamError(at, 'the first page at 0x%x has no block' % at)
        if offset >= block.length:
            self.tell('defect', at, 'page 0x%x of block "%s" is behind its '
                      'end, 0x%x' % (offset, block.name, block.length))
        data = None
        if kind == wire.PAGE_DATA:
            if self.wants_data:
                data = source.take(wire.PAGE)
            else:
                source.skip(wire.PAGE)
        elif kind == wire.ZERO:
            data = source.be('B')
            if data:
                self.tell('defect', at, 'zero page 0x%x of block "%s" has '
                          'the fill byte 0x%02x' % (offset, block.name, data))
        else:
            method, length = source.be('BH')
            if method != 1:
                self.tell('defect', at, 'page 0x%x of block "%s" has the '
                          'delta method %d; 1 is known'
                          % (offset, block.name, method))
            data = source.take(length)
        for sink in self.sinks:
            sink.page(at, block, offset, kind, data)

    def _block_list(self, at, total):
        source = self.source
        self.tell('block_list', at, total)
        left = total
        while left > 0:
            at = source.at
            name, length = source.str8(), source.be('Q')
            block = Block(name, length)
            if length == 0 or length > left:
                raise StreamError(at, 'block "%s" at 0x%x has 0x%x bytes, '
                                  'and 0x%x of the total 0x%x are left'
                                  % (name, at, length, left, total))
            left -= length
            if name in self.blocks:
                raise StreamError(at, 'block "%s" is listed twice' % name)
            self.blocks[name] = block
            self._block_more(block)
            self.tell('block', at, block)

    def _block_more(self, block):
        """What some capabilities add to each block."""
        source = self.source
        if self.huge:
            size = int.from_bytes(source.peek(8), 'big')
            if size and size & self.huge == size and not size & (size - 1):
                source.skip(8)
                block.page_size = size
        if wire.CAPABILITY_SHARED in self.capabilities:
            block.address = source.be('Q')
        if wire.CAPABILITY_MAPPED in self.capabilities:
            if not source.seekable:
                raise StreamError(source.at, 'a mapped-ram file cannot be '
                                  'read from a pipe; give its name')
            block.mapped = Mapped(source, block)
            source.seek(block.mapped.end)
