#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that the documents say what is so.

The options of the man pages, of the shell completions and of --help are the
same, and so are the commands of wherry-dsa.  Every file and test case that docs/devel/coverage.rst names exists.
Every page is reachable from docs/index.rst.  The options of the software DSA
device are the same in its code, in the schema and in its document.
"""

import os
import re
import subprocess
import sys

import checklib

MAN = 'docs/man/wherry.1.rst'
COMPLETION = 'scripts/completion/wherry.bash'
DSA_MAN = 'docs/man/wherry-dsa.1.rst'
DSA_COMPLETION = 'scripts/completion/wherry-dsa.bash'
COVERAGE = 'docs/devel/coverage.rst'
INDEX = 'docs/index.rst'
SOFT = 'docs/devel/migration/dsa-zero-page-detection.rst'
SOFT_CODE = 'util/dsa-soft-options.c'
SOFT_SCHEMA = 'qapi/migration.json'

RULES = {
    'man': 'each man page has the options that --help has',
    'completion': 'each completion has the options that --help has',
    'commands': 'man page and completion have the commands of wherry-dsa',
    'coverage': 'every file and case that the coverage table names exists',
    'index': 'every page is reachable from the index',
    'soft': 'code, schema and document have the same options of dsa:soft',
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


def words_of_completion(text, name):
    """Of local NAME='...' and local COMMAND_NAME='...'; None without one."""
    found = {}
    pattern = r"(?m)^\s*local (?:\w+_)?%s='([^']*)'" % name
    for match in re.finditer(pattern, text):
        number = checklib.line_of(text, match.start())
        found.update({word: number for word in match.group(1).split()})
    return found or None


def compare(report, rule, path, documented, real):
    for name in sorted(set(documented) - real):
        report.add(rule, path, documented[name],
                   '%s is not in --help' % name)
    for name in sorted(real - set(documented)):
        report.add(rule, path, 1, '%s of --help is missing' % name)


def check_options(report, root, help_text, man, completion):
    real = options_of_help(help_text)
    compare(report, 'man', man, options_of_man(checklib.read(root, man)),
            real)
    words = words_of_completion(checklib.read(root, completion), 'options')
    if words is None:
        report.add('completion', completion, 1, "no local options='...'")
    else:
        compare(report, 'completion', completion, words, real)


def commands_of_help(text):
    """The first word of each line below "Commands:"."""
    part = re.search(r'(?m)^Commands:\n((?:  .*\n)*)', text)
    return set(re.findall(r'(?m)^  (\S+)', part.group(1))) if part else set()


def check_commands(report, root, help_text):
    real = commands_of_help(help_text)
    man = checklib.read(root, DSA_MAN)
    found = {match.group(1): checklib.line_of(man, match.start())
             for match in re.finditer(r'\*\*wherry-dsa\*\* \*\*([\w-]+)\*\*',
                                      man)}
    compare(report, 'commands', DSA_MAN, found, real)
    words = words_of_completion(checklib.read(root, DSA_COMPLETION),
                                'commands')
    compare(report, 'commands', DSA_COMPLETION, words or {}, real)


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


def soft_options(text, pattern, option):
    """{name: line} of the options in the part that the pattern finds."""
    part = re.search(pattern, text, re.S)
    if not part:
        return {}
    return {match.group(1): checklib.line_of(text, match.start(1) +
                                             part.start())
            for match in re.finditer(option, part.group(0))}


def check_soft(report, root):
    """The code's table decides; a tree with none of the files is fine."""
    paths = (SOFT_CODE, SOFT_SCHEMA, SOFT)
    there = [os.path.exists(os.path.join(root, path)) for path in paths]
    if not there[0] and not there[2]:
        return
    for path, exists in zip(paths, there):
        if not exists:
            report.add('soft', path, 1, 'is missing')
    if not all(there):
        return
    code = soft_options(checklib.read(root, SOFT_CODE),
                        r'options_table\[\] = \{.*?\n\};', r'\{ "([\w-]+)"')
    schema = soft_options(checklib.read(root, SOFT_SCHEMA),
                          r"'struct': 'AccelDsaSoft'.*?\n\n", r"'\*([\w-]+)'")
    document = soft_options(checklib.read(root, SOFT),
                            r'\.\. soft-options-begin.*\.\. soft-options-end',
                            r'\* - ``([\w-]+)``')
    for path, found in ((SOFT_SCHEMA, schema), (SOFT, document)):
        for name in sorted(set(found) - set(code)):
            report.add('soft', path, found[name],
                       '%s is no option in %s' % (name, SOFT_CODE))
        for name in sorted(set(code) - set(found)):
            report.add('soft', path, 1, '%s of %s:%d is missing'
                       % (name, SOFT_CODE, code[name]))


def check(root, help_text=None, dsa_help_text=None):
    """Without the texts of --help the options are left unchecked."""
    rules = dict(RULES)
    if help_text is None and dsa_help_text is None:
        del rules['man'], rules['completion']
    if dsa_help_text is None:
        del rules['commands']
    report = checklib.Report(rules)
    if help_text is not None:
        check_options(report, root, help_text, MAN, COMPLETION)
    if dsa_help_text is not None:
        check_options(report, root, dsa_help_text, DSA_MAN, DSA_COMPLETION)
        check_commands(report, root, dsa_help_text)
    check_coverage(report, root)
    check_index(report, root)
    check_soft(report, root)
    return report


def help_of(*command):
    result = subprocess.run(command + ('--help',), check=False,
                            stdout=subprocess.PIPE, universal_newlines=True)
    if result.returncode:
        checklib.die('%s --help: exit status %d'
                     % (' '.join(command), result.returncode))
    return result.stdout


def main():
    parser = checklib.argument_parser(__doc__)
    parser.add_argument('--wherry', help='the program, for its --help')
    parser.add_argument('--wherry-dsa', help='likewise')
    args = parser.parse_args()
    help_text = help_of(args.wherry) if args.wherry else None
    dsa_help_text = None
    if args.wherry_dsa:
        dsa_help_text = help_of(args.wherry_dsa)
        for command in sorted(commands_of_help(dsa_help_text)):
            dsa_help_text += help_of(args.wherry_dsa, command)
    return check(args.root, help_text, dsa_help_text).finish(args.tap)


if __name__ == '__main__':
    sys.exit(main())
