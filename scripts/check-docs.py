#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that the documents say what is so.

The options of the man page, of the shell completion and of --help are the
same.  Every file and test case that docs/devel/coverage.rst names exists.
Every page is reachable from docs/index.rst.
"""

import os
import re
import subprocess
import sys

import checklib

MAN = 'docs/man/wherry.1.rst'
COMPLETION = 'scripts/completion/wherry.bash'
COVERAGE = 'docs/devel/coverage.rst'
INDEX = 'docs/index.rst'

RULES = {
    'man': 'the man page has the options that --help has',
    'completion': 'the completion has the options that --help has',
    'coverage': 'every file and case that the coverage table names exists',
    'index': 'every page is reachable from the index',
}


def options_of_help(text):
    """Options at the start of a line: "-m SIZE", "-h, --help"."""
    found = set()
    for line in text.splitlines():
        match = re.match(r'\s{0,8}(--?[a-zA-Z][\w-]*'
                         r'(?:\s*,\s*--?[a-zA-Z][\w-]*)*)', line)
        if match:
            found.update(re.findall(r'--?[a-zA-Z][\w-]*', match.group(1)))
    return found


def options_of_man(text):
    """Options that head an entry: ``-m SIZE`` in column 0."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith('``-'):
            for literal in re.findall(r'``([^`]+)``', line):
                match = re.match(r'--?[a-zA-Z][\w-]*', literal)
                if match:
                    found.setdefault(match.group(0), number)
    return found


def options_of_completion(text):
    match = re.search(r"(?m)^\s*local options='([^']*)'", text)
    if not match:
        return None
    number = checklib.line_of(text, match.start())
    return {word: number for word in match.group(1).split()}


def compare(report, rule, path, documented, real):
    for name in sorted(set(documented) - real):
        report.add(rule, path, documented[name],
                   '%s is not in --help' % name)
    for name in sorted(real - set(documented)):
        report.add(rule, path, 1, '%s of --help is missing' % name)


def check_options(report, root, help_text):
    real = options_of_help(help_text)
    compare(report, 'man', MAN, options_of_man(checklib.read(root, MAN)),
            real)
    completion = options_of_completion(checklib.read(root, COMPLETION))
    if completion is None:
        report.add('completion', COMPLETION, 1, "no local options='...'")
    else:
        compare(report, 'completion', COMPLETION, completion, real)


def class_text(text, name):
    """The body of a Python class; empty without one."""
    match = re.search(r'(?ms)^class %s\b.*?(?=^class |\Z)' % re.escape(name),
                      text)
    return match.group(0) if match else ''


def case_exists(text, case):
    """A case stands literally in its file, as a path or a function."""
    owner, dot, method = case.partition('.')
    if dot and method.isidentifier() and owner.isidentifier():
        return bool(re.search(r'def %s\b' % method, class_text(text, owner)))
    # C joins adjacent strings: "/multifd/" "case" and PREFIX "/case".
    joined = re.sub(r'"\s*"', '', text)
    pattern = re.compile(r'(?<![\w-])%s(?![\w-])' % re.escape(case))
    return bool(pattern.search(text) or pattern.search(joined))


def check_coverage(report, root):
    if not os.path.exists(os.path.join(root, COVERAGE)):
        report.add('coverage', COVERAGE, 1, 'is missing')
        return
    text = checklib.read(root, COVERAGE)
    for match in re.finditer(r'``([^`]+)``', text):
        literal = re.sub(r'\s*\n\s*', ' ', match.group(1))
        path, separator, case = literal.partition('::')
        if '/' not in path or ' ' in path or path.startswith(('-', '/')):
            continue
        line = checklib.line_of(text, match.start())
        if not os.path.exists(os.path.join(root, path)):
            report.add('coverage', COVERAGE, line, 'no file "%s"' % path)
        elif separator and not case_exists(checklib.read(root, path), case):
            report.add('coverage', COVERAGE, line,
                       'no case "%s" in %s' % (case, path))


def toctree(root, page):
    """Pages that the toctrees of this page list."""
    result, inside = [], False
    for line in checklib.read(root, page).splitlines():
        if line.startswith('.. toctree::'):
            inside = True
        elif inside and line.strip() and not line.startswith(' '):
            inside = False
        elif inside and line.strip() and not line.strip().startswith(':'):
            result.append(os.path.normpath(os.path.join(
                os.path.dirname(page), line.strip() + '.rst')))
    return result


def check_index(report, root):
    if not os.path.exists(os.path.join(root, INDEX)):
        report.add('index', INDEX, 1, 'is missing')
        return
    seen, work = {INDEX}, [INDEX]
    while work:
        page = work.pop()
        for target in toctree(root, page):
            if not os.path.exists(os.path.join(root, target)):
                report.add('index', page, 1, 'no page "%s"' % target)
            elif target not in seen:
                seen.add(target)
                work.append(target)
    for path in checklib.tree_files(root, ('.rst',), under='docs'):
        if path not in seen:
            report.add('index', path, 1, 'is in no toctree')


def check(root, help_text=None):
    """Without the text of --help the options are left unchecked."""
    rules = dict(RULES)
    if help_text is None:
        del rules['man'], rules['completion']
    report = checklib.Report(rules)
    if help_text is not None:
        check_options(report, root, help_text)
    check_coverage(report, root)
    check_index(report, root)
    return report


def main():
    parser = checklib.argument_parser(__doc__)
    parser.add_argument('--wherry', help='the program, for its --help')
    args = parser.parse_args()
    help_text = None
    if args.wherry:
        result = subprocess.run((args.wherry, '--help'), check=False,
                                stdout=subprocess.PIPE,
                                universal_newlines=True)
        if result.returncode:
            checklib.die('%s --help: exit status %d'
                         % (args.wherry, result.returncode))
        help_text = result.stdout
    return check(args.root, help_text).finish(args.tap)


if __name__ == '__main__':
    sys.exit(main())
