#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks what a text search can: licence lines, blanks, words, calls.

Also looks for mutable state at file scope below system/, which would make
two migrations in one process share it.
"""

import os
import re
import sys

import checklib

SPDX = 'SPDX-License-Identifier: GPL-2.0-or-later'
TEXT_SUFFIXES = ('.c', '.h', '.py', '.sh', '.bash', '.json', '.rst', '.md',
                 '.build', '.txt', '.yml', '.yaml', 'trace-events', '.ci/run')
SPDX_SUFFIXES = ('.c', '.h', '.py', '.sh', '.bash', '.rst', '.build',
                 'trace-events', 'meson_options.txt')
# Recorded or deliberately broken input of tests is kept as it is.
DATA = ('tests/data/', 'tests/fuzz/corpus/', 'tests/qapi-schema/')

# Words are put together here so that this file does not contain them.
BANNED_WORDS = (
    (r'\b(TO' r'DO|FIX' r'ME|X' r'XX)\b', 'says what is unfinished; finish '
     'it or leave it out'),
    (r'(?<![\w.])/work' r'/|/tmp' r'/w\b|\.\./shar' r'ed\b'
     r'|\bshar' r'ed/(facts|vectors|source-documents|hooks)',
     'is a path of one workplace'),
    (r'\bdebian' r'\.org\b|\bpypi' r'\.org\b', 'is the host of a registry'),
    (r'\bissue #?\d', 'is a number which only one tracker knows'),
)

PRINTS = re.compile(
    r'\b(printf|vprintf|puts|putchar|perror|g_print|g_printerr|g_warning|'
    r'g_message|g_critical|g_error|g_debug|g_info|error_report|warn_report|'
    r'info_report|exit|_exit|abort|quick_exit)\s*\('
    r'|\b(?:fprintf|vfprintf|fputs|fputc)\s*\([^;]*?\b(stderr|stdout)\b')
BANNED_CALLS = re.compile(
    r'\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|gets)\s*\(')
MAY_PRINT = ('system/', 'include/system/', 'tools/', 'tests/')
PRINT_ALLOWED = {
    'util/trace.c': 'writing trace lines to a stream is its purpose',
}

# path, name of the variable ("*" = any), reason.
STATE_ALLOWED = (
    ('util/trace.c', '*',
     'which trace points are on is a property of the process'),
    ('util/bufferiszero.c', '*',
     'the body chosen for this CPU, an atomic pointer'),
)

RULES = {
    'spdx': 'every source begins with its licence',
    'blanks': 'no tabs, no trailing blanks, a newline at the end',
    'words': 'no unfinished marks and no paths of one workplace',
    'prints': 'nothing below system/ prints or exits',
    'calls': 'none of the banned string calls',
    'state': 'no mutable state at file scope below system/',
    'prelude': 'every .c file includes qemu/osdep.h first, no header does',
}


def is_c(path):
    return path.endswith(checklib.C_SUFFIXES)


def in_layers(path):
    return is_c(path) and not path.startswith(MAY_PRINT)


def check_spdx(report, path, text):
    if not path.endswith(SPDX_SUFFIXES) and not text.startswith('#!'):
        return
    lines = text.splitlines()
    at = 1 if lines and lines[0].startswith('#!') else 0
    if len(lines) <= at or SPDX not in lines[at]:
        report.add('spdx', path, at + 1, 'should be "%s"' % SPDX)


def check_blanks(report, path, text):
    for number, line in enumerate(text.split('\n'), 1):
        if '\t' in line:
            report.add('blanks', path, number, 'a tab')
        if line != line.rstrip():
            report.add('blanks', path, number, 'blanks at the end')
    if text and not text.endswith('\n'):
        report.add('blanks', path, text.count('\n') + 1,
                   'no newline at the end')


def check_words(report, path, text):
    for pattern, why in BANNED_WORDS:
        for match in re.finditer(pattern, text):
            report.add('words', path, checklib.line_of(text, match.start()),
                       '"%s" %s' % (match.group(0), why))


def check_calls(report, path, text):
    plain = checklib.blank_strings(text)
    for match in BANNED_CALLS.finditer(plain):
        report.add('calls', path, checklib.line_of(text, match.start()),
                   '%s() is banned' % match.group(1))
    if not in_layers(path) or path in PRINT_ALLOWED:
        return
    for match in PRINTS.finditer(plain):
        report.add('prints', path, checklib.line_of(text, match.start()),
                   '%s below system/; set an Error or use a trace point'
                   % re.sub(r'\s+', ' ', match.group(0)).rstrip('( '))


def check_prelude(report, path, text):
    found = checklib.includes(text)
    names = [name for _, name in found]
    if path.endswith('.c'):
        # Programs of the guest have no C library.
        if path.startswith(('linux-headers/', 'tests/guest/')):
            return
        if not names or names[0] != 'qemu/osdep.h':
            report.add('prelude', path, found[0][0] if found else 1,
                       'the first include is not "qemu/osdep.h"')
    elif 'qemu/osdep.h' in names:
        report.add('prelude', path, found[names.index('qemu/osdep.h')][0],
                   'a header includes "qemu/osdep.h"')


def without_body(text):
    """"enum { A = 1 } x" becomes "enum {} x"; an initialiser stays."""
    opening, equals = text.find('{'), text.find('=')
    if opening < 0 or 0 <= equals < opening:
        return text
    depth = 0
    for match in re.finditer(r'[{}]', text):
        depth += 1 if match.group(0) == '{' else -1
        if depth == 0:
            return text[:opening] + '{}' + text[match.end():]
    return text


NO_VARIABLE = re.compile(
    r'(typedef|extern|_Static_assert|static_assert|G_STATIC_ASSERT|'
    r'QEMU_BUILD_BUG\w*|G_DEFINE\w*)\b')


def is_type_only(left):
    """"struct a {}" and "struct a" define no variable."""
    return re.match(r'(?:\w+\s+)*(struct|union|enum)\b\s*\w*\s*(\{\})?$',
                    left) and (left.endswith('}') or len(left.split()) < 3)


def variable_name(statement):
    """The variable that this declaration defines, if it can change."""
    text = checklib.strip_attributes(statement).strip().rstrip(';').strip()
    if not text or NO_VARIABLE.match(text):
        return None
    text = re.sub(r'\bQ\w+_HEAD\s*\([^)]*\)', 'struct Q', text)
    left = without_body(text).partition('=')[0].strip()
    if is_type_only(left):
        return None
    pointer = re.match(r'[^(]*\(\s*\*\s*(const\s+)?(\w+)', left)
    if pointer:
        return None if pointer.group(1) else pointer.group(2)
    if '(' in left:
        return None
    left = re.sub(r'\[[^\]]*\]', ' ', left).replace('{}', ' body ')
    words = re.findall(r'\w+|\*', left)
    if len([w for w in words if w != '*']) < 2:
        return None
    last_star = max((i for i, w in enumerate(words) if w == '*'), default=0)
    return None if 'const' in words[last_star:] else words[-1]


def local_statics(text):
    """(offset, statement) of each static variable inside a function."""
    plain = checklib.blank_directives(checklib.blank_strings(text))
    for match in re.finditer(r'(?m)^[ ]+static\s[^;{]*[;{]', plain):
        statement = match.group(0).rstrip('{;')
        yield match.start() + len(match.group(0)) - \
            len(match.group(0).lstrip()), statement


def check_state(report, path, text):
    if not in_layers(path):
        return
    allowed = {name for where, name, _ in STATE_ALLOWED if where == path}
    if '*' in allowed:
        return
    found = [(chunk.line, variable_name(chunk.text))
             for chunk in checklib.chunks(text)
             if not (chunk.body and checklib.is_function_head(chunk.head))]
    found += [(checklib.line_of(text, offset), variable_name(statement))
              for offset, statement in local_statics(text)]
    for line, name in found:
        if name and name not in allowed:
            report.add('state', path, line,
                       '"%s" can change; hang it off a handle' % name)


def check(root):
    report = checklib.Report(RULES)
    for path in checklib.tree_files(root):
        if path.startswith(DATA) and not path.endswith('.build'):
            continue
        executable = os.access(os.path.join(root, path), os.X_OK)
        if not path.endswith(TEXT_SUFFIXES) and not executable:
            continue
        text = checklib.read(root, path)
        if '\0' in text:
            continue
        check_spdx(report, path, text)
        check_blanks(report, path, text)
        check_words(report, path, text)
        if is_c(path):
            check_calls(report, path, text)
            check_prelude(report, path, text)
            check_state(report, path, text)
    return report


def main():
    args = checklib.argument_parser(__doc__).parse_args()
    return check(args.root).finish(args.tap)


if __name__ == '__main__':
    sys.exit(main())
