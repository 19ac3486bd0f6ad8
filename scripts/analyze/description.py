# SPDX-License-Identifier: GPL-2.0-or-later
#
# The description at the end of a stream: where it is, how long the sections
# of devices are by it, and what their bytes mean, field by field.

import json
import struct

# Behind the byte of the end: type, length, text.
HEAD = 6
# Descriptions of a PC have some 100 KiB.
TAILS = (1 << 16, 1 << 20, 1 << 24)


def find(data):
    """(place of the byte that ends the stream, the JSON), or (None, None)."""
    at = len(data)
    while True:
        at = data.rfind(b'\x00\x06', 0, at)
        if at < 0:
            return None, None
        if at + HEAD > len(data):
            continue
        length = struct.unpack_from('>I', data, at + 2)[0]
        text = data[at + HEAD:at + HEAD + length]
        if len(text) == length and text[:1] == b'{':
            try:
                return at, json.loads(text)
            except (ValueError, RecursionError):
                continue


def find_in(source):
    """The same in what can be read out of order."""
    size = source.size
    for tail in TAILS:
        start = max(source.at, size - tail)
        at, found = find(source.pread(start, size - start))
        if at is not None:
            return start + at, found
        if start == source.at:
            break
    return None, None


def _count(field):
    return field.get('array_len', 1)


def size_of(node):
    """Bytes of what a node describes: fields, then sub-sections."""
    total = sum(field['size'] * _count(field)
                for field in node.get('fields', ()))
    for sub in node.get('subsections', ()):
        total += HEAD + len(sub['vmsd_name']) + size_of(sub)
    return total


def _well_formed(node):
    fields = node.get('fields', [])
    subs = node.get('subsections', [])
    return isinstance(fields, list) and isinstance(subs, list) and all(
        isinstance(field, dict) and isinstance(field.get('name'), str) and
        isinstance(field.get('size'), int) and field['size'] >= 0 and
        isinstance(_count(field), int) and _count(field) >= 0 and
        _well_formed(field.get('struct', {})) for field in fields) and all(
            isinstance(sub, dict) and isinstance(sub.get('vmsd_name'), str)
            and _well_formed(sub) for sub in subs)


def devices(document):
    """(name, instance) -> node, of the devices that are described well."""
    listed = document.get('devices', []) if isinstance(document, dict) else []
    return {(node['name'], node.get('instance_id', 0)): node
            for node in listed if isinstance(node, dict) and
            isinstance(node.get('name'), str) and _well_formed(node)}


# -- fields by name -----------------------------------------------------------

_FORMS = {1: 'b', 2: 'h', 4: 'i', 8: 'q'}


def value_of(kind, data):
    """What one value says: a number, a boolean, or hexadecimal digits."""
    if kind == 'bool':
        return data != bytes(len(data))
    if kind.startswith(('int', 'uint', 'timer')) and len(data) in _FORMS:
        form = _FORMS[len(data)]
        return struct.unpack('>' + (form.upper() if kind.startswith('uint')
                                    else form), data)[0]
    return data.hex()


def _field(field, data):
    """The value of a field, or the list of an array."""
    size, nested = field['size'], field.get('struct')
    values = []
    for number in range(_count(field)):
        part = data[number * size:(number + 1) * size]
        if nested is not None and size_of(nested) == size:
            values.append(decode(nested, part)[0])
        else:
            values.append(value_of(field.get('type', ''), part))
    return values if 'array_len' in field else values[0]


def decode(node, data):
    """(fields by name, defects): defects are (offset, sentence)."""
    result, defects, at = {}, [], 0
    for field in node.get('fields', ()):
        length = field['size'] * _count(field)
        name = field['name']
        if 'index' in field:
            name += '[%d]' % field['index']
        while name in result:
            name += "'"
        result[name] = _field(field, data[at:at + length])
        at += length
    for sub in node.get('subsections', ()):
        name = sub['vmsd_name']
        head = b'\x05' + bytes([len(name) & 0xff]) + name.encode()
        if data[at:at + len(head)] != head:
            defects.append((at, 'sub-section "%s" of the description is not '
                            'in the section' % name))
            return result, defects
        body = at + len(head) + 4
        at = body + size_of(sub)
        result[name], more = decode(sub, data[body:at])
        defects += [(body + where, text) for where, text in more]
    return result, defects
