# SPDX-License-Identifier: GPL-2.0-or-later
"""What all C generators share: files, parameters, the walk over modules."""

import os
import re

from .names import c_name


class Options:
    """Where and how to generate."""

    def __init__(self, output, include_dir='', prefix='', builtins=False,
                 contexts=None):
        self.output = output
        self.include_dir = include_dir
        self.prefix = prefix
        self.builtins = builtins
        self.contexts = contexts or {}

    def context_of(self, module):
        """C type of the context of a module's handlers, or None."""
        return self.contexts.get(module)

    def symbol(self, name):
        return c_name(self.prefix) + name

    def include(self, kind, module):
        """The line that includes a generated header."""
        return '#include "%s%s.h"\n' % (self.include_dir,
                                        file_stem(kind, module))


def file_stem(kind, module):
    return 'qapi-' + kind + ('-' + module.replace('/', '-') if module else '')


def builtin_include(kind):
    """Built-in types are generated once, beside the real schema."""
    return '#include "qapi/qapi-builtin-%s.h"\n' % kind


def write_file(folder, name, text):
    """Writes only what changed, so that a build does not go further."""
    path = os.path.join(folder, name)
    try:
        with open(path, encoding='utf-8') as handle:
            if handle.read() == text:
                return
    except OSError:
        pass
    with open(path, 'w', encoding='utf-8') as handle:
        handle.write(text)


def head(what):
    return ('/* SPDX-License-Identifier: GPL-2.0-or-later */\n'
            '/*\n * %s\n *\n * Made by qapi-gen.py from the schema; a change '
            'belongs there.\n */\n' % what)


def header_file(name, what, includes, body):
    guard = re.sub(r'\W', '_', name).upper()
    return (head(what) + '#ifndef %s\n#define %s\n\n' % (guard, guard)
            + includes + '\n' + body + '\n#endif /* %s */\n' % guard)


def source_file(what, includes, body):
    return head(what) + '\n#include "qemu/osdep.h"\n\n' + includes + '\n' \
        + body


def write_pair(options, stem, what, header, source):
    """header and source: (includes, body)."""
    write_file(options.output, stem + '.h',
               header_file(stem + '.h', what, squeeze(header[0]),
                           squeeze(header[1])))
    write_file(options.output, stem + '.c',
               source_file(what, squeeze(source[0]), squeeze(source[1])))


def squeeze(text):
    """No more than one empty line in a row, none at the ends."""
    text = re.sub(r'\n{3,}', '\n\n', text).strip('\n')
    return text + '\n' if text else ''


def declare(c_type, name):
    return c_type + ('' if c_type.endswith('*') else ' ') + name


def parameters(entity):
    """C parameters for the data of a command or event."""
    if entity.arg is None:
        return []
    if entity.boxed:
        return [declare(entity.arg.c_type, 'arg')]
    result = []
    for member in entity.arg.all_members():
        if member.needs_has:
            result.append('bool has_' + c_name(member.name, False))
        result.append(declare(member.type.c_param, member.c_name))
    return result


def signature(start, params):
    """A function's head, broken into lines of at most 79 characters."""
    text = start + '('
    indent = ' ' * len(text)
    if len(indent) > 50:
        text, indent = text + '\n    ', '    '
    line = len(text.split('\n')[-1])
    for index, param in enumerate(params or ['void']):
        more = param + (',' if index + 1 < len(params) else ')')
        if index and line + 1 + len(more) > 78:
            text += '\n' + indent + more
            line = len(indent) + len(more)
        else:
            text += (' ' if index else '') + more
            line += len(more) + (1 if index else 0)
    return text
