#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that each function in a public header is documented.

Directly above each prototype in include/ stands a comment that begins with
two stars and names the function and each of its parameters as @name.
"""

import re
import sys

import checklib

# Headers where a comment per function would say nothing that the name does
# not, with the reason.
EXEMPT_FILES = {
    'include/qemu/bswap.h':
        'one family of loads and stores, described once at its head',
    'include/qemu/atomic.h':
        'macros named as in C11, described once at their head',
    'include/qemu/queue.h':
        'macros only',
}

RULES = {
    'comment': 'every prototype in include/ has a comment above it',
    'name': 'every such comment names its function',
    'param': 'every such comment names each parameter',
}


def split_parameters(text):
    parts, depth, current = [], 0, ''
    for char in text:
        if char == ',' and depth == 0:
            parts.append(current)
            current = ''
            continue
        depth += {'(': 1, ')': -1, '[': 1, ']': -1}.get(char, 0)
        current += char
    parts.append(current)
    return parts


def parameter_names(chunk_text):
    """Names of the parameters of a prototype or a function's head."""
    text = checklib.strip_attributes(chunk_text)
    opening = re.search(r'\w+\s*\(', text)
    depth, at = 1, opening.end()
    while at < len(text) and depth:
        depth += {'(': 1, ')': -1}.get(text[at], 0)
        at += 1
    names = []
    for part in split_parameters(text[opening.end():at - 1]):
        part = part.strip()
        if part in ('', 'void', '...'):
            continue
        pointer = re.search(r'\(\s*\*\s*(?:const\s+)?(\w+)', part)
        plain = re.search(r'(\w+)\s*(?:\[[^\]]*\]\s*)*$', part)
        match = pointer or plain
        if match:
            names.append(match.group(1))
    return names


def is_function(chunk):
    head = checklib.strip_attributes(chunk.head).strip()
    if head.startswith(('typedef', '#', '_Static_assert')):
        return False
    if chunk.body:
        return checklib.is_function_head(chunk.head)
    if '=' in head or not re.search(r'\)\s*;?$', head):
        return False
    # "type name(": a macro invocation has a single word before its paren.
    before = head.split('(')[0]
    return len(re.findall(r'\w+', before)) >= 2


def comment_above(text, offset):
    """The /** */ block that ends right above this offset, or None."""
    above = text[:offset].rstrip(' \t')
    if above.endswith('\n'):
        above = above[:-1]
    above = above.rstrip(' \t')
    if not above.endswith('*/'):
        return None
    begin = above.rfind('/*')
    comment = above[begin:]
    return comment if comment.startswith('/**') else None


def check_header(report, path, text):
    declared = set()
    for chunk in checklib.chunks(text):
        if not is_function(chunk):
            continue
        name = checklib.function_name(chunk.head)
        if name in declared:
            continue
        declared.add(name)
        comment = comment_above(text, chunk.start)
        if comment is None:
            report.add('comment', path, chunk.line,
                       '%s() has no /** comment directly above it' % name)
            continue
        if not re.search(r'\*\s*%s\b' % re.escape(name), comment):
            report.add('name', path, chunk.line,
                       'the comment above %s() does not begin with "%s:"'
                       % (name, name))
        for parameter in parameter_names(chunk.head):
            if not re.search(r'@%s\b' % re.escape(parameter), comment):
                report.add('param', path, chunk.line,
                           'the comment above %s() does not tell of @%s'
                           % (name, parameter))


def check(root):
    report = checklib.Report(RULES)
    for path in checklib.tree_files(root, ('.h',), under='include'):
        if path not in EXEMPT_FILES:
            check_header(report, path, checklib.read(root, path))
    return report


def main():
    args = checklib.argument_parser(__doc__).parse_args()
    return check(args.root).finish(args.tap)


if __name__ == '__main__':
    sys.exit(main())
