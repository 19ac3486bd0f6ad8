# SPDX-License-Identifier: GPL-2.0-or-later
#
# Figures of a recording: a sink that counts.  to_json() is the form for tools;
# its members are in docs/user/analyze-stream.rst and do not change their
# meaning within a version.

import json

from . import StreamError, description, wire
from .channel import Channel, ChannelSink
from .mainstream import MainWalker, Sink
from .seen import Seen

FORMAT, VERSION = 'wherry-stream-analysis', 1
KINDS = {wire.PAGE_DATA: 'normal', wire.ZERO: 'zero', wire.XBZRLE: 'xbzrle'}
CODES = {wire.PAGE_DATA: 1, wire.ZERO: 2, wire.XBZRLE: 3}


def no_pages():
    return dict.fromkeys(KINDS.values(), 0)


class BlockFacts:
    """What came of one block."""

    def __init__(self, number, block):
        self.number, self.block = number, block
        self.pages, self.seen = no_pages(), Seen()
        self.extents = 0            # of mapped-ram
        mapped = block.mapped
        if mapped:
            for first, count in mapped.page_runs():
                self.seen.put_run(first, count, CODES[wire.PAGE_DATA])
                self.pages['normal'] += count
                self.extents += 1

    @property
    def nr_pages(self):
        return -(-self.block.length // wire.PAGE)

    def missing(self):
        """Runs of pages that never came; a clear bit is a zero page."""
        return () if self.block.mapped else self.seen.missing(self.nr_pages)

    def to_json(self):
        found = {'name': self.block.name, 'size': self.block.length,
                 'page-size': self.block.page_size or wire.PAGE,
                 'pages': self.pages,
                 'missing': sum(count for _, count in self.missing())}
        if self.block.address is not None:
            found['address'] = self.block.address
        mapped = self.block.mapped
        if mapped:
            found['mapped'] = {
                'version': mapped.version, 'header': mapped.at,
                'bitmap': mapped.bitmap, 'bitmap-bytes': mapped.bitmap_bytes,
                'pages': mapped.pages, 'extents': self.extents,
                'absent': self.nr_pages - self.pages['normal']}
        return found


class ChannelFacts:
    """What came over one channel."""

    def __init__(self, channel):
        self.channel = channel
        self.pages = no_pages()
        self.packets = self.syncs = self.payload = self.unpacked = 0
        self.device_states = 0
        self.methods = set()
        self.behind = 0             # pages since the last SYNC
        self.broken = False         # it could not be read to its end

    @property
    def name(self):
        return self.channel.source.name

    def to_json(self):
        channel = self.channel
        return {'file': self.name, 'channel': channel.number,
                'uuid': channel.uuid, 'packet-size': channel.packet_size,
                'packets': self.packets, 'syncs': self.syncs,
                'methods': sorted(self.methods), 'pages': self.pages,
                'payload-bytes': self.payload,
                'unpacked-bytes': self.unpacked,
                'device-states': self.device_states}


class Facts(Sink, ChannelSink):
    """All figures of a main channel and its multifd channels."""

    def __init__(self, name):
        self.name, self.file_size, self.allocated = name, None, None
        self.version = self.machine = self.text = self.document = None
        self.subsections, self.commands, self.sections = [], [], []
        self.blocks, self.by_name, self.total = [], {}, 0
        self.rounds, self.last = [], None
        self.marks = {'FLUSH': 0, 'EOS': 0}
        self.devices, self.channels, self.by_channel = [], [], {}
        self.by_section = {}
        self.ended = None           # place of the byte that ends the stream
        self.surplus = None         # place of bytes behind everything
        self.defects, self.notes = [], []
        self.whole = False          # the walk came to its end
        self.style = None

    # -- of the main channel ------------------------------------------------

    def header(self, at, version):
        self.version = version

    def configuration(self, at, machine):
        self.machine = machine

    def subsection(self, at, name, version, value):
        self.subsections.append({'name': name, 'version': version,
                                 'value': value})

    def value(self, name):
        for sub in self.subsections:
            if sub['name'] == 'configuration/' + name:
                return sub['value']
        return None

    def command(self, at, code, payload):
        self.commands.append({
            'offset': at, 'code': code, 'payload': payload.hex(),
            'name': wire.COMMANDS.get(code, str(code))})

    def section(self, at, section):
        self.sections.append(section)

    def blocks_total(self):
        return sum(block.block.length for block in self.blocks)

    def block(self, at, block):
        found = BlockFacts(len(self.blocks), block)
        self.blocks.append(found)
        self.by_name[block.name] = found

    def page(self, at, block, offset, kind, data):
        found = self.by_name[block.name]
        name = KINDS[kind]
        found.pages[name] += 1
        if not self.channels:
            # A source goes through memory in order, once a round.
            place = found.number, offset
            if self.last is None or place <= self.last:
                self.rounds.append(no_pages())
            self.last = place
        elif self.last is None:
            self.rounds.append(no_pages())
            self.last = True
        self.rounds[-1][name] += 1
        if block.mapped:
            self.defect(at, 'page 0x%x of block "%s" is in the stream and '
                        'not in its place of the file' % (offset, block.name))
        if offset < block.length:
            before = found.seen.put(offset // wire.PAGE, CODES[kind])
            if kind == wire.XBZRLE and not before:
                self.defect(at, 'page 0x%x of block "%s" comes as a '
                            'difference before it has come'
                            % (offset, block.name))

    def next_round(self):
        """Channels were waited for."""
        self.last = None

    def mark(self, at, kind):
        self.marks[kind] += 1

    def device(self, at, section, data):
        self.devices.append((section, data))

    def eof(self, at):
        self.ended = at

    def description(self, at, text):
        self.text = text
        try:
            self.document = json.loads(text)
        except (ValueError, RecursionError) as err:
            self.defect(at, 'the description is not JSON: %s' % err)

    def extra(self, at, data):
        self.surplus = at

    def defect(self, at, text, file=None):
        self.defects.append({'file': file or self.name, 'offset': at,
                             'text': text})

    # -- of channels --------------------------------------------------------

    def packet(self, channel, packet, size):
        found = self.by_channel[channel]
        found.packets += 1
        found.payload += size
        found.unpacked += packet.nr_normal * wire.PAGE
        found.pages['normal'] += packet.nr_normal
        found.pages['zero'] += packet.nr_zero
        found.behind += packet.nr_normal + packet.nr_zero
        if packet.nr_normal or packet.nr_zero:
            found.methods.add(packet.method)

    def channel_sync(self, channel, packet):
        found = self.by_channel[channel]
        found.syncs += 1
        found.behind = 0

    def device_state(self, channel, at, name, instance, size):
        self.by_channel[channel].device_states += 1

    def channel_defect(self, channel, at, text):
        self.defect(at, text, channel.source.name)

    # -- as JSON ------------------------------------------------------------

    def described(self):
        """(section, data, fields by name, defects) of each device."""
        nodes = description.devices(self.document or {})
        for section, data in self.devices:
            node = nodes.get((section.name, section.instance))
            fields, defects = (None, []) if node is None else \
                description.decode(node, data)
            yield section, data, fields, defects

    def to_json(self):
        return {
            'format': FORMAT, 'version': VERSION,
            'file': self.name, 'size': self.file_size,
            'allocated': self.allocated, 'complete': self.whole,
            'stream-version': self.version,
            'configuration': {'machine': self.machine,
                              'capabilities': self.value('capabilities')
                              or [],
                              'uuid': self.value('uuid'),
                              'subsections': self.subsections},
            'commands': self.commands,
            'sections': [{
                'kind': wire.SECTIONS[section.kind], 'id': section.number,
                'name': section.name, 'instance': section.instance,
                'version': section.version, 'offset': section.at,
                'length': max(0, section.end - section.begin),
            } for section in self.sections],
            'ram': {'size': self.blocks_total(),
                    'blocks': [block.to_json() for block in self.blocks],
                    'rounds': self.rounds,
                    'flushes': self.marks['FLUSH'],
                    'section-ends': self.marks['EOS'],
                    'sync-style': self.style},
            'devices': [{
                'name': section.name, 'instance': section.instance,
                'version': section.version, 'offset': section.begin,
                'size': len(data), 'fields': fields,
            } for section, data, fields, _ in self.described()],
            'description': self.document,
            'channels': [found.to_json() for found in self.channels],
            'notes': self.notes,
            'defects': self.defects,
        }


# -- one pass over everything -------------------------------------------------

class _Counter(Sink):
    flushes = 0

    def mark(self, at, kind):
        self.flushes += kind == 'FLUSH'


def sync_style(source):
    """Which mark of the main channel the channels wait for: with FLUSH
    records those, else each end of RAM, as older sources do it."""
    source.make_seekable()
    at, counter = source.at, _Counter()
    try:
        for _ in MainWalker(source, [counter]).walk():
            pass
    except StreamError:
        pass
    source.seek(at)
    return 'FLUSH' if counter.flushes else 'EOS'


def _advance(facts, found):
    """To the next SYNC of a channel, or to its end."""
    if found.channel.ended:
        return
    try:
        found.channel.advance()
    except StreamError as err:
        found.channel.ended = found.broken = True
        facts.defect(err.at, str(err), found.name)


def analyze(source, channels=(), sinks=(), decode=False):
    """Facts of a main channel and its multifd channels, in the order in which
    a destination loads them; other sinks see the same."""
    facts = Facts(source.name)
    sinks = [facts] + list(sinks)
    walker = MainWalker(source, sinks)
    for one in channels:
        found = ChannelFacts(Channel(one, sinks, decode))
        found.channel.blocks = walker.blocks
        facts.channels.append(found)
        facts.by_channel[found.channel] = found
        try:
            found.channel.greet()
        except StreamError as err:
            found.channel.ended = found.broken = True
            facts.defect(err.at, str(err), found.name)
    if channels:
        facts.style = sync_style(source)
    try:
        for mark, _ in walker.walk():
            if mark == facts.style:
                for found in facts.channels:
                    _advance(facts, found)
                facts.next_round()
        facts.whole = True
    except StreamError as err:
        facts.defect(err.at, str(err))
    for found in facts.channels:
        while not found.channel.ended:
            _advance(facts, found)
    facts.file_size = source.size if source.seekable else source.at
    facts.allocated = source.allocated() if source.seekable else None
    return facts
