# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is wrong with a recording, beyond what its walk has found: pages that
# never came, channels out of step, a description that does not fit, places of
# mapped-ram that cannot be.  A defect is something a source should not have
# sent; a note is something that a reader should know.

from . import description, wire
from .seen import ranges


def verify(facts):
    """Add defects and notes to facts."""
    _main(facts)
    _pages(facts)
    _channels(facts)
    _description(facts)
    _mapped(facts)


def _main(facts):
    if facts.machine is None and facts.version is not None:
        facts.notes.append('there is no configuration; only a destination '
                           'with send-configuration=off takes this')
    if not facts.whole:
        return
    ram = [section.kind for section in facts.sections
           if section.name == 'ram']
    if not ram:
        facts.notes.append('there is no RAM in this')
    elif wire.END not in ram:
        facts.notes.append('RAM has no END section, as in a background '
                           'snapshot')
    if facts.text is None:
        facts.notes.append('there is no description of devices at the end; '
                           'over a socket a destination waits for one')
    if facts.surplus is not None:
        facts.notes.append('bytes behind the end, from 0x%x on, mean nothing'
                           % facts.surplus)


def _pages_known(facts):
    """Whether all that was sent of pages is here."""
    if facts.channels:
        return not any(found.broken for found in facts.channels)
    if facts.marks['FLUSH']:
        facts.notes.append('this is the main channel of multifd; without its '
                           'channels nobody knows which pages came')
        return False
    return True


def _pages(facts):
    if not facts.whole or not _pages_known(facts):
        return
    shared = wire.CAPABILITY_SHARED in (facts.value('capabilities') or ())
    for found in facts.blocks:
        runs = list(found.missing())
        missing = sum(count for _, count in runs)
        if not missing or (shared and missing == found.nr_pages):
            continue
        text = '%d of %d pages of block "%s" never came: %s' % (
            missing, found.nr_pages, found.block.name,
            ranges(runs, wire.PAGE))
        if missing == found.nr_pages and not facts.channels:
            text += '; if this is the main channel of multifd, give its ' \
                'channels, too'
        facts.defect(facts.sections[0].at if facts.sections else 0, text)


# -- channels -----------------------------------------------------------------

def _channels(facts):
    if not facts.channels:
        return
    good = [found for found in facts.channels
            if found.channel.number is not None]
    numbers = sorted(found.channel.number for found in good)
    if numbers != list(range(len(numbers))):
        facts.defect(0, 'the channels have the ids %s; %d channels have 0 to '
                     '%d, each once' % (', '.join(map(str, numbers)),
                                        len(numbers), len(numbers) - 1))
    for what, values in (
            ('UUIDs', {found.channel.uuid for found in good}),
            ('packet sizes', {str(found.channel.packet_size)
                              for found in good}),
            ('compressions', set().union(*(found.methods
                                           for found in good)))):
        if len(values) > 1:
            facts.defect(0, 'the channels have different %s: %s'
                         % (what, ', '.join(sorted(values))))
    for found in good:
        _channel(facts, found)
    _packet_size(facts, good)


def _channel(facts, found):
    if found.channel.why:
        facts.notes.append('%s: payloads were not unpacked: %s'
                           % (found.name, found.channel.why))
    if found.broken or not facts.whole:
        return
    if found.syncs != facts.marks[facts.style]:
        facts.defect(0, 'channel %d has %d syncs and the main channel %d (%s)'
                     % (found.channel.number, found.syncs,
                        facts.marks[facts.style], facts.style), found.name)
    if found.behind:
        facts.defect(0, 'channel %d has %d pages behind its last sync; '
                     'nobody waits for them'
                     % (found.channel.number, found.behind), found.name)


def _packet_size(facts, good):
    """Both ends learn of another size in the configuration."""
    told = wire.PACKET_SIZE
    for name in facts.value('capabilities') or ():
        size = name[len(wire.CAPABILITY_PACKET):]
        if name.startswith(wire.CAPABILITY_PACKET) and size.isdigit():
            told = int(size)
    for found in good:
        if found.channel.packet_size != told:
            facts.defect(0, 'channel %d has packets of %d bytes and the '
                         'configuration says %d'
                         % (found.channel.number, found.channel.packet_size,
                            told), found.name)


# -- the description ----------------------------------------------------------

def _description(facts):
    if facts.document is None:
        return
    if not isinstance(facts.document, dict):
        facts.defect(facts.ended, 'the description is no JSON object')
        return
    for section, _, _, defects in facts.described():
        for where, text in defects:
            facts.defect(section.begin + where, '%s: %s'
                         % (section.title, text))
    _versions(facts)
    listed = facts.document.get('devices')
    if not isinstance(listed, list) or not facts.whole:
        return
    wanted = [(node.get('name'), node.get('instance_id', 0))
              for node in listed if isinstance(node, dict)]
    found = [(section.name, section.instance)
             for section, _ in facts.devices]
    for name, instance in wanted:
        if (name, instance) not in found:
            facts.defect(facts.ended, 'the description has a device "%s" %s '
                         'and the stream has no such section'
                         % (name, instance))
    both = [key for key in found if key in wanted]
    if both != [key for key in wanted if key in found]:
        facts.defect(facts.ended, 'the description lists devices in another '
                     'order than the stream')


def _versions(facts):
    """Sections are of the version that is described."""
    nodes = description.devices(facts.document)
    for section, _ in facts.devices:
        node = nodes.get((section.name, section.instance), {})
        told = node.get('version', section.version)
        if told != section.version:
            facts.defect(section.at, 'the %s has version %d and the '
                         'description says %s'
                         % (section.title, section.version, told))


# -- mapped-ram ---------------------------------------------------------------

def _regions(facts):
    """(begin, end, what) of all that mapped-ram puts into the file."""
    for found in facts.blocks:
        mapped, name = found.block.mapped, found.block.name
        if mapped:
            yield mapped.at, mapped.at + 28, 'the header of block "%s"' % name
            yield (mapped.bitmap, mapped.bitmap + mapped.bitmap_bytes,
                   'the bitmap of block "%s"' % name)
            yield mapped.pages, mapped.end, 'the pages of block "%s"' % name


def _mapped(facts):
    for found in facts.blocks:
        mapped, name = found.block.mapped, found.block.name
        if not mapped:
            continue
        if mapped.pages % wire.PAGE:
            facts.defect(mapped.at, 'the pages of block "%s" begin at 0x%x; '
                         'that is not a multiple of %d'
                         % (name, mapped.pages, wire.PAGE))
        surplus = mapped.surplus_bits()
        if surplus:
            facts.defect(mapped.bitmap, 'the bitmap of block "%s" has %d '
                         'bits set behind its %d pages'
                         % (name, surplus, mapped.nr_pages))
    regions = sorted(_regions(facts))
    for (_, end, first), (begin, _, second) in zip(regions, regions[1:]):
        if begin < end:
            facts.defect(begin, '%s and %s lie over each other at 0x%x'
                         % (first, second, begin))
