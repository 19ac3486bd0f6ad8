# SPDX-License-Identifier: GPL-2.0-or-later
#
# Facts for people: what matters most first, sizes that can be read, columns
# that line up.

import json

from . import wire

_UNITS = ('bytes', 'KiB', 'MiB', 'GiB', 'TiB')


def size(count):
    """4096 as "4 KiB"; three digits that say something."""
    if count is None:
        return '?'
    unit = 0
    value = float(count)
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    digits = 0 if value == int(value) or value >= 100 else \
        1 if value >= 10 else 2
    return '%.*f %s' % (digits, value, _UNITS[unit])


def columns(rows, head):
    """Lines of a table; columns of numbers to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    right = [all(row[i][:1].isdigit() or row[i] == '-' for row in rows)
             for i in range(len(head))]
    widths = [max(len(row[i]) for row in rows + [list(head)])
              for i in range(len(head))]
    for row in [list(head)] + rows:
        yield '  ' + '  '.join(
            cell.rjust(width) if aligned else cell.ljust(width)
            for cell, width, aligned in zip(row, widths, right)).rstrip()


def _pages(blocks):
    return {kind: sum(block.pages[kind] for block in blocks)
            for kind in ('normal', 'zero', 'xbzrle')}


def _count(number, noun):
    return '%d %s%s' % (number, noun, '' if number == 1 else 's')


def summary(facts):
    """The lines that stand before everything."""
    kind = 'mapped-ram file' if any(
        found.block.mapped for found in facts.blocks) else 'main channel'
    yield '%s: %s of %s, machine %s, %s' % (
        facts.name, kind, size(facts.file_size), facts.machine,
        'complete' if facts.whole else 'NOT COMPLETE')
    pages = _pages(facts.blocks)
    text = '%s of RAM in %s; pages: %d normal, %d zero' % (
        size(facts.blocks_total()), _count(len(facts.blocks), 'block'),
        pages['normal'], pages['zero'])
    if pages['xbzrle']:
        text += ', %d as differences' % pages['xbzrle']
    yield text
    if facts.channels:
        yield '%s, %s' % (
            _count(len(facts.channels), 'multifd channel'),
            ', '.join(sorted(set().union(*(
                found.methods for found in facts.channels)))) or 'no pages')
    elif facts.marks['FLUSH']:
        yield 'multifd: the pages are in the channels; give them with ' \
            '--channel'


def _blocks(facts):
    yield ''
    yield 'RAM blocks'
    yield from columns(
        [(found.block.name, size(found.block.length),
          size(found.block.page_size or wire.PAGE), found.pages['normal'],
          found.pages['zero'], found.pages['xbzrle'],
          sum(count for _, count in found.missing()))
         for found in facts.blocks],
        ('name', 'size', 'page size', 'normal', 'zero', 'xbzrle', 'missing'))


def _mapped(facts):
    mapped = [found for found in facts.blocks if found.block.mapped]
    if not mapped:
        return
    yield ''
    yield 'Places in the file'
    yield from columns(
        [(found.block.name, '0x%x' % found.block.mapped.at,
          '0x%x' % found.block.mapped.bitmap,
          '0x%x' % found.block.mapped.pages, found.pages['normal'],
          found.extents, found.nr_pages - found.pages['normal'])
         for found in mapped],
        ('name', 'header', 'bitmap', 'pages', 'present', 'in runs',
         'absent'))
    yield '  the file system holds %s of %s' % (size(facts.allocated),
                                                size(facts.file_size))


def _rounds(facts):
    if not facts.rounds:
        return
    yield ''
    yield 'Rounds'
    yield from columns(
        [(number, one['normal'], one['zero'], one['xbzrle'],
          size(wire.PAGE * one['normal']))
         for number, one in enumerate(facts.rounds, 1)],
        ('round', 'normal', 'zero', 'xbzrle', 'bytes of pages'))


def _channels(facts):
    if not facts.channels:
        return
    yield ''
    yield 'Multifd channels'
    yield from columns(
        [('-' if found.channel.number is None else found.channel.number,
          found.name, found.packets, found.syncs, found.pages['normal'],
          found.pages['zero'], size(found.payload),
          '-' if not found.payload else
          '%.2f' % (found.unpacked / found.payload))
         for found in facts.channels],
        ('id', 'file', 'packets', 'syncs', 'normal', 'zero', 'payload',
         'ratio'))
    yield '  the main channel has %d sync points (%s)' % (
        facts.marks[facts.style], facts.style)


def _elements(facts):
    """Sections and commands in their order, parts in a row as one."""
    rows = []
    things = [(section.at, section) for section in facts.sections] + \
        [(one['offset'], one) for one in facts.commands]
    for at, one in sorted(things, key=lambda thing: thing[0]):
        if isinstance(one, dict):
            rows.append(['0x%x' % at, 'COMMAND', '-', one['name'], '-', '-',
                         len(one['payload']) // 2])
            continue
        length = max(0, one.end - one.begin)
        if one.kind == wire.PART and rows and rows[-1][1].startswith('PART') \
                and rows[-1][2] == one.number:
            times = int(rows[-1][1].partition(' x ')[2] or 1) + 1
            rows[-1][1] = 'PART x %d' % times
            rows[-1][6] += length
            continue
        rows.append(['0x%x' % at, wire.SECTIONS[one.kind], one.number,
                     one.name, one.instance, one.version, length])
    yield ''
    yield 'Sections and commands'
    yield from columns(rows, ('at', 'kind', 'id', 'name', 'instance',
                              'version', 'bytes'))


def _bytes(digits):
    """Hexadecimal digits; what reads as text, as text."""
    data = bytes.fromhex(digits)
    shown = data.rstrip(b'\0')
    if not shown:
        return '%s, all 0' % _count(len(data), 'byte')
    if len(shown) > 2 and all(32 <= byte < 127 for byte in shown):
        return '"%s", %s' % (shown.decode(), _count(len(data), 'byte'))
    return digits if len(digits) <= 60 else digits[:57] + '...'


def _value(value):
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, str):
        return _bytes(value)
    text = str(value)
    return text if len(text) <= 60 else text[:57] + '...'


def _fields(fields, indent):
    for name, value in fields.items():
        if isinstance(value, dict):
            yield '%s%s' % (indent, name)
            yield from _fields(value, indent + '  ')
        elif isinstance(value, list) and value and \
                isinstance(value[0], dict):
            for number, one in enumerate(value):
                yield '%s%s[%d]' % (indent, name, number)
                yield from _fields(one, indent + '  ')
        else:
            yield '%s%s = %s' % (indent, name, _value(value))


def _devices(facts):
    yield ''
    yield 'Devices'
    for section, data, fields, _ in facts.described():
        yield '  %s %d, version %d, %s' % (
            section.name, section.instance, section.version,
            _count(len(data), 'byte'))
        if fields is None:
            yield '    not described: %s' % data.hex()[:60]
        else:
            yield from _fields(fields, '    ')


def _configuration(facts):
    if not facts.subsections:
        return
    yield ''
    yield 'Configuration'
    for sub in facts.subsections:
        value = sub['value']
        yield '  %s: %s' % (sub['name'], ' '.join(value)
                            if isinstance(value, list) else value)


def problems(facts, most=100):
    """Notes and defects, one sentence a line."""
    for note in facts.notes:
        yield 'note: ' + note
    for defect in facts.defects[:most]:
        yield 'defect: %s: 0x%x: %s' % (defect['file'], defect['offset'],
                                        defect['text'])
    if len(facts.defects) > most:
        yield 'and %d defects more' % (len(facts.defects) - most)


def page(facts, devices=False, described=False):
    """All lines."""
    yield from summary(facts)
    yield from _configuration(facts)
    if facts.blocks:
        yield from _blocks(facts)
    yield from _mapped(facts)
    yield from _rounds(facts)
    yield from _channels(facts)
    yield from _elements(facts)
    if devices:
        yield from _devices(facts)
    if described:
        yield ''
        yield 'Description'
        yield from ('  ' + line for line in json.dumps(
            facts.document, indent=1).splitlines())
    found = list(problems(facts))
    if found:
        yield ''
        yield from found
