#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that files and functions stay small enough to read in one go.

Past the limits it fails; past the aims it says so with --warn and passes.
"""

import sys

import checklib

SOURCE_AIM, SOURCE_LIMIT = 400, 600
HEADER_AIM, HEADER_LIMIT = 150, 300
FUNCTION_AIM, FUNCTION_WARN, FUNCTION_LIMIT = 40, 80, 120

# Long by nature: tables and switches which a cut would make harder to read.
# "path" or "path:function", and the reason.
EXEMPT = {
}

RULES = {
    'source': 'no .c file is longer than %d lines' % SOURCE_LIMIT,
    'header': 'no .h file is longer than %d lines' % HEADER_LIMIT,
    'function': 'no function is longer than %d lines' % FUNCTION_LIMIT,
    'exempt': 'every exemption is still needed',
}


def check_file(report, warnings, used, path, text, exempt):
    lines = text.count('\n')
    header = path.endswith('.h')
    rule, aim, limit = (('header', HEADER_AIM, HEADER_LIMIT) if header else
                        ('source', SOURCE_AIM, SOURCE_LIMIT))
    if lines > limit:
        if path in exempt:
            used.add(path)
        else:
            report.add(rule, path, 1, '%d lines; the limit is %d'
                       % (lines, limit))
    elif lines > aim:
        warnings.append('%s:1: %d lines; the aim is %d' % (path, lines, aim))
    for name, first, last, _ in checklib.functions(text):
        length = last - first + 1
        key = '%s:%s' % (path, name)
        if length > FUNCTION_LIMIT:
            if key in exempt:
                used.add(key)
            else:
                report.add('function', path, first,
                           '%s() has %d lines; the limit is %d'
                           % (name, length, FUNCTION_LIMIT))
        elif length > FUNCTION_WARN:
            warnings.append('%s:%d: %s() has %d lines; past %d it needs a '
                            'reason' % (path, first, name, length,
                                        FUNCTION_WARN))
        elif length > FUNCTION_AIM:
            warnings.append('%s:%d: %s() has %d lines; the aim is %d'
                            % (path, first, name, length, FUNCTION_AIM))


def check(root, exempt=None):
    """Returns the report and the list of warnings."""
    exempt = EXEMPT if exempt is None else exempt
    report, warnings, used = checklib.Report(RULES), [], set()
    for path in checklib.tree_files(root, checklib.C_SUFFIXES):
        check_file(report, warnings, used, path, checklib.read(root, path),
                   exempt)
    for key in sorted(set(exempt) - used):
        report.add('exempt', 'scripts/check-size.py', 1,
                   '%s is exempt and needs not be' % key)
    return report, warnings


def main():
    parser = checklib.argument_parser(__doc__)
    parser.add_argument('--warn', action='store_true',
                        help='also print what is past the aims')
    args = parser.parse_args()
    report, warnings = check(args.root)
    if args.warn:
        print('\n'.join(warnings))
    return report.finish(args.tap)


if __name__ == '__main__':
    sys.exit(main())
