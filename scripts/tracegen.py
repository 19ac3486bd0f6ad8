#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a folder's trace functions from its trace-events list.

usage: tracegen.py --group=GROUP LIST HEADER SOURCE

The list has one trace point a line, in QEMU's form:

    name(type argument, type argument) "format"

Lines that are empty or begin with # are skipped.  A format is a printf
format: pieces in quotes and PRI macros.  HEADER gets a static inline
trace_NAME() for each; SOURCE gets the events and the table trace_table_GROUP
(with _ for -), which system/ lists.  A line that is wrong ends the run with
its file and number.
"""

import argparse
import re
import sys

INTEGERS = {
    'bool', 'char', 'int', 'unsigned', 'unsigned int', 'long',
    'unsigned long', 'long long', 'unsigned long long', 'size_t', 'ssize_t',
    'off_t', 'uintptr_t',
} | {f'{sign}int{bits}_t' for sign in ('', 'u') for bits in (8, 16, 32, 64)}
POINTERS = {'void *', 'const void *', 'const char *', 'char *'}

LINE = re.compile(r'(?P<name>\w+)\s*\((?P<args>[^)]*)\)\s*(?P<fmt>".*)$')
NAME = re.compile(r'[a-z][a-z0-9_]*$')
FORMAT = re.compile(r'\s*(?:"(?:[^"\\]|\\.)*"|PRI[a-zA-Z]*\d+|PRI[a-z]PTR)')
CONVERSION = re.compile(r'%[-+ #0]*\d*(?:\.\d+)?(?:hh|h|ll|l|z|j|t)?'
                        r'(?P<kind>[diouxXcsp%]?)')
# What sys/sdt.h can take.
MAX_ARGS = 12


class ListError(Exception):
    """A line of the list is wrong; the text says why."""


class Event:
    def __init__(self, name, args, fmt):
        self.name = name
        self.args = args        # list of (type, name)
        self.fmt = fmt

    def parameters(self):
        return ', '.join(kind + ('' if kind.endswith('*') else ' ') + name
                         for kind, name in self.args) or 'void'

    def values(self):
        return ''.join(f', {name}' for _, name in self.args)


def parse_argument(text):
    text = ' '.join(text.replace('*', ' * ').split())
    match = re.match(r'(.*?)\s*\b([a-zA-Z_]\w*)$', text)
    kind, name = match.groups() if match else (text, '')
    if not kind:
        raise ListError(f"argument '{text}' needs a type and a name")
    if kind not in INTEGERS | POINTERS:
        raise ListError(f"type '{kind}' of argument '{name}' is not one a "
                        "probe can take; pass a number, a string or void *")
    return kind, name


def parse_arguments(text):
    if text.strip() in ('', 'void'):
        return []
    args = [parse_argument(part) for part in text.split(',')]
    names = [name for _, name in args]
    for name in names:
        if names.count(name) > 1:
            raise ListError(f"two arguments are called '{name}'")
    if len(args) > MAX_ARGS:
        raise ListError(f'{len(args)} arguments, at most {MAX_ARGS} are '
                        'possible')
    return args


def count_conversions(fmt):
    """How many values the format takes."""
    # A macro stands for the end of a conversion: put a letter in its place.
    flat = re.sub(r'"\s*PRI(?:[a-z])\w*\s*"?', 'd', fmt).replace('"', '')
    count = 0
    for match in CONVERSION.finditer(flat):
        if not match['kind']:
            raise ListError("a % in the format is not followed by a "
                            "conversion")
        count += match['kind'] != '%'
    return count


def parse_format(text):
    pos = 0
    while pos < len(text.rstrip()):
        match = FORMAT.match(text, pos)
        if not match:
            raise ListError(f"cannot read the format from '{text[pos:]}' on")
        pos = match.end()
    return text.strip()


def parse_line(line):
    match = LINE.match(line)
    if not match:
        raise ListError('expected: name(type argument, ...) "format"')
    name = match['name']
    if not NAME.match(name):
        raise ListError(f"name '{name}' is not in lower case with _ between")
    args = parse_arguments(match['args'])
    fmt = parse_format(match['fmt'])
    count = count_conversions(fmt)
    if count != len(args):
        raise ListError(f"'{name}' has {len(args)} arguments but its format "
                        f'takes {count}')
    if fmt.rstrip('"').endswith('\\n'):
        raise ListError(f"the format of '{name}' ends in a newline, which is "
                        'added anyway')
    return Event(name, args, fmt)


def parse_list(lines, file_name):
    events = []
    seen = {}
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith('#'):
            continue
        try:
            event = parse_line(line)
            if event.name in seen:
                raise ListError(f"'{event.name}' is there already, in line "
                                f'{seen[event.name]}')
        except ListError as err:
            raise ListError(f'{file_name}:{number}: {err}') from err
        seen[event.name] = number
        events.append(event)
    return events


HEAD = '''/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Made by scripts/tracegen.py from a trace-events list; do not edit. */
'''


def header_text(group, events):
    guard = f'TRACE_{group.upper()}_H'.replace('-', '_')
    table = group.replace('-', '_')
    out = [HEAD, f'#ifndef {guard}\n#define {guard}\n\n'
           '#include <inttypes.h>\n#include <stdbool.h>\n'
           '#include <stddef.h>\n#include <stdint.h>\n'
           '#include <sys/types.h>\n\n'
           '#include "config-host.h"\n#include "qemu/trace.h"\n\n'
           '#ifdef CONFIG_TRACE_USDT\n#include <sys/sdt.h>\n#endif\n\n'
           f'extern const TraceEventTable trace_table_{table};\n']
    for event in events:
        count = len(event.args) or ''
        out.append(f'''
extern TraceEvent trace_event_{event.name};

static inline void trace_{event.name}({event.parameters()})
{{
#ifdef CONFIG_TRACE_USDT
    DTRACE_PROBE{count}(wherry, {event.name}{event.values()});
#endif
    if (trace_event_enabled(&trace_event_{event.name})) {{
        trace_log(&trace_event_{event.name},
                  {event.fmt}{event.values()});
    }}
}}
''')
    out.append(f'\n#endif /* {guard} */\n')
    return ''.join(out)


def source_text(group, events):
    table = group.replace('-', '_')
    out = [HEAD, '#include "qemu/osdep.h"\n\n'
           f'#include "trace-{group}.h"\n']
    for event in events:
        out.append(f'\nTraceEvent trace_event_{event.name} = '
                   f'{{ .name = "{event.name}" }};\n')
    out.append('\nstatic TraceEvent *const events[] = {\n')
    out.extend(f'    &trace_event_{event.name},\n' for event in events)
    # An empty array is no C; the count below leaves this one out.
    out.append('    NULL,\n};\n\n'
               f'const TraceEventTable trace_table_{table} = {{\n'
               f'    .group = "{group}",\n    .events = events,\n'
               f'    .nr_events = {len(events)},\n}};\n')
    return ''.join(out)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--group', required=True)
    parser.add_argument('list')
    parser.add_argument('header')
    parser.add_argument('source')
    args = parser.parse_args(argv)
    try:
        with open(args.list, encoding='utf-8') as file:
            events = parse_list(file, args.list)
    except (ListError, OSError) as err:
        print(f'tracegen: {err}', file=sys.stderr)
        return 1
    for path, text in ((args.header, header_text(args.group, events)),
                       (args.source, source_text(args.group, events))):
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
    return 0


if __name__ == '__main__':
    sys.exit(main())
