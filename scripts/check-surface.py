#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that the accelerator's files include only the QEMU surface.

The DSA library, the hole finder and the detectors compile unchanged in QEMU's
own tree, so they may include headers whose names that tree has, kernel and
system headers, and each other; nothing else of Wherry.
"""

import fnmatch
import os
import re
import sys

import checklib

FILES = ('util/dsa*', 'include/qemu/dsa*.h', 'util/hole-map*',
         'include/qemu/hole-map.h', 'include/qemu/auto-fd.h',
         'migration/multifd/zero-page*')

# Headers of QEMU's names.
SURFACE = (
    'qemu/osdep.h', 'qapi/error.h', 'qemu/thread.h', 'qemu/cutils.h',
    'qemu/memalign.h', 'qemu/queue.h', 'qemu/bitmap.h', 'qemu/bitops.h',
    'qemu/atomic.h', 'qemu/lockable.h', 'qemu/processor.h', 'qemu/timer.h',
    'qemu/units.h', 'linux/idxd.h', 'linux/pagemap_scan.h', 'trace.h')

SEARCH = ('include', '', 'linux-headers')

RULES = {
    'present': 'each pattern of accelerator files matches one',
    'surface': 'accelerator files include only the QEMU surface',
    'system': 'no header of the tree is included as if of the system',
}


def is_accelerator(path):
    """Whether the rules hold for a path; * stays in its folder."""
    return any(os.path.dirname(path) == os.path.dirname(pattern) and
               fnmatch.fnmatch(path, pattern) for pattern in FILES)


def in_tree(root, path, name):
    """The path of an included header of the tree, or None."""
    for folder in (os.path.dirname(path),) + SEARCH:
        there = os.path.normpath(os.path.join(folder, name))
        if os.path.exists(os.path.join(root, there)):
            return there
    return None


def system_includes(text):
    """(line, name) of each #include <name>."""
    plain = checklib.blank_comments(text)
    pattern = re.compile(r'(?m)^[ \t]*#[ \t]*include[ \t]+<([^>\n]+)>')
    return [(checklib.line_of(plain, match.start(1)), match.group(1))
            for match in pattern.finditer(plain)]


def check_file(report, root, path):
    text = checklib.read(root, path)
    for line, name in checklib.includes(text):
        target = in_tree(root, path, name)
        if name not in SURFACE and not (target and is_accelerator(target)):
            report.add('surface', path, line,
                       '"%s" is not of the QEMU surface; the list is in '
                       'scripts/check-surface.py' % name)
    for line, name in system_includes(text):
        target = in_tree(root, path, name)
        if target and not target.startswith('linux-headers/'):
            report.add('system', path, line,
                       '<%s> is %s: write it with quotes' % (name, target))


def check(root):
    report = checklib.Report(RULES)
    files = [path for path in checklib.tree_files(root, checklib.C_SUFFIXES)
             if is_accelerator(path)]
    for pattern in FILES:
        if not fnmatch.filter(files, pattern):
            report.add('present', 'scripts/check-surface.py', 1,
                       'nothing matches "%s"' % pattern)
    for path in files:
        check_file(report, root, path)
    return report


def main():
    args = checklib.argument_parser(__doc__).parse_args()
    return check(args.root).finish(args.tap)


if __name__ == '__main__':
    sys.exit(main())
