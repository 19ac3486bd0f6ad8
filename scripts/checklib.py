# SPDX-License-Identifier: GPL-2.0-or-later
"""What the style checks share: walking the tree, reading C, reporting.

The C reader is no parser.  It blanks comments, strings and directives so that
positions stay what they were, and cuts the rest at the braces of depth 0.
That is enough for a tree whose style puts a function's braces in column 0.
"""

import argparse
import os
import re
import sys

SKIP_DIRS = {'.git', '__pycache__', 'node_modules', 'subprojects'}
C_SUFFIXES = ('.c', '.h')


class Report:
    """Violations by rule; prints them as plain lines or as TAP."""

    def __init__(self, rules):
        self.rules = dict(rules)
        self.found = {name: [] for name in self.rules}

    def add(self, rule, path, line, message):
        self.found[rule].append('%s:%d: %s' % (path, line, message))

    def violations(self):
        return [v for rule in self.rules for v in self.found[rule]]

    def print_plain(self):
        for violation in self.violations():
            print(violation)

    def print_tap(self):
        print('1..%d' % len(self.rules))
        for number, (rule, text) in enumerate(self.rules.items(), 1):
            bad = self.found[rule]
            print('%s %d - %s' % ('not ok' if bad else 'ok', number, text))
            for violation in bad:
                print('# ' + violation)

    def finish(self, tap):
        """Prints everything; returns the exit status."""
        if tap:
            self.print_tap()
        else:
            self.print_plain()
        return 1 if self.violations() else 0


def argument_parser(doc):
    parser = argparse.ArgumentParser(description=doc.split('\n')[0])
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument('--root', default=here, help='the source tree')
    parser.add_argument('--tap', action='store_true',
                        help='one TAP line per rule')
    return parser


def is_build_dir(path):
    return os.path.isdir(os.path.join(path, 'meson-private'))


def tree_files(root, suffixes=None, under=None):
    """Paths relative to root, sorted; build directories are left out."""
    top = os.path.join(root, under) if under else root
    result = []
    for folder, dirs, names in os.walk(top):
        dirs[:] = sorted(
            d for d in dirs
            if d not in SKIP_DIRS and not d.startswith('build')
            and not is_build_dir(os.path.join(folder, d)))
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), root)
            if suffixes is None or name.endswith(suffixes):
                result.append(path)
    return sorted(result)


def read(root, path):
    with open(os.path.join(root, path), encoding='utf-8',
              errors='replace') as handle:
        return handle.read()


def line_of(text, offset):
    return text.count('\n', 0, offset) + 1


_TOKENS = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def _blank(text):
    return re.sub(r'[^\n]', ' ', text)


def blank_comments(text):
    """Comments become blanks; strings stay."""
    def replace(match):
        token = match.group(0)
        return _blank(token) if token[0] == '/' else token
    return _TOKENS.sub(replace, text)


def blank_strings(text):
    """Comments and the insides of strings become blanks."""
    def replace(match):
        token = match.group(0)
        if token[0] == '/':
            return _blank(token)
        return token[0] + _blank(token[1:-1]) + token[-1]
    return _TOKENS.sub(replace, text)


def blank_directives(text):
    """Preprocessor lines, continued ones included, become blanks."""
    return re.sub(r'(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$',
                  lambda match: _blank(match.group(0)), text)


def includes(text):
    """(line, name) of each #include "name"."""
    pattern = re.compile(r'(?m)^[ \t]*#[ \t]*include[ \t]+"([^"\n]+)"')
    plain = blank_comments(text)
    return [(line_of(plain, m.start(1)), m.group(1))
            for m in pattern.finditer(plain)]


class Chunk:
    """A declaration or definition at file scope.

    head: its text before the first brace (or all of it), start/end: offsets,
    body: whether braces follow, text: everything.
    """

    def __init__(self, text, start, end, brace):
        self.text = text[start:end]
        self.head = text[start:brace] if brace is not None else self.text
        self.body = brace is not None
        self.start = start
        self.end = end
        self.brace = brace


# A macro that stands alone at file scope: G_DEFINE_AUTOPTR_CLEANUP_FUNC(A, f)
_BARE_MACRO = re.compile(
    r'(?m)^[A-Z][A-Z0-9_]*[ ]?\((?:[^()]|\([^()]*\))*\)[ \t]*;?[ \t]*$')


def chunks(text):
    """Splits C at file scope; text as it stands in the file."""
    plain = blank_directives(blank_strings(text))
    plain = _BARE_MACRO.sub(lambda match: _blank(match.group(0)), plain)
    result = []
    start = 0
    depth = 0
    brace = None
    parens = 0
    for match in re.finditer(r'[{}();]', plain):
        char, at = match.group(0), match.start()
        column0 = at == 0 or plain[at - 1] == '\n'
        if char == '{':
            if depth == 0 and brace is None:
                brace = at
            depth += 1
        elif char == '}':
            depth = 0 if column0 else max(0, depth - 1)
            if depth == 0 and brace is not None and \
                    is_function_head(plain[start:brace]):
                result.append(Chunk(plain, start, at + 1, brace))
                start, brace, parens = at + 1, None, 0
        elif depth == 0:
            if char == '(':
                parens += 1
            elif char == ')':
                parens = max(0, parens - 1)
            elif parens == 0:
                result.append(Chunk(plain, start, at + 1, brace))
                start, brace = at + 1, None
    for chunk in result:
        lead = len(chunk.text) - len(chunk.text.lstrip())
        chunk.start += lead
        chunk.line = line_of(text, chunk.start)
        chunk.text = chunk.text[lead:]
        chunk.head = chunk.head.lstrip()
    return result


_ATTRIBUTE = re.compile(
    r'__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)'
    r'|\b(?:G_GNUC_\w+|TSA_\w+|G_NORETURN|G_DEPRECATED|QEMU_\w+)\b'
    r'(?:\s*\((?:[^()]|\([^()]*\))*\))?')


def strip_attributes(text):
    return _ATTRIBUTE.sub(' ', text)


def is_function_head(head):
    """Whether this text, followed by '{', begins a function."""
    head = strip_attributes(head).strip()
    if not head.endswith(')') or '=' in head.split('(')[0]:
        return False
    return not re.match(r'(typedef\s+)?(struct|union|enum)\s*\w*\s*$', head)


def function_name(head):
    """The name in a function's head or prototype; None if there is none."""
    head = strip_attributes(head)
    match = re.search(r'(\w+)\s*\(', head)
    return match.group(1) if match else None


def functions(text):
    """(name, first line, last line, chunk) of each function definition."""
    result = []
    for chunk in chunks(text):
        if chunk.body and is_function_head(chunk.head):
            result.append((function_name(chunk.head), chunk.line,
                           line_of(text, chunk.end - 1), chunk))
    return result


def die(message):
    print('%s: %s' % (os.path.basename(sys.argv[0]), message),
          file=sys.stderr)
    sys.exit(2)
