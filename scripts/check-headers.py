#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that each header compiles by itself.

"By itself" means after qemu/osdep.h, which every source includes first, and
twice over, which proves its include guard.
"""

import concurrent.futures
import os
import shlex
import subprocess
import sys

import checklib

RULES = {'alone': 'every header compiles by itself'}
PACKAGES = ('glib-2.0', 'gio-unix-2.0', 'json-c')


def pkg_config_flags():
    try:
        output = subprocess.run(
            ('pkg-config', '--cflags') + PACKAGES, check=True,
            stdout=subprocess.PIPE, universal_newlines=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        checklib.die('pkg-config: %s' % error)
    return shlex.split(output)


def compile_header(command, root, path, prelude):
    source = ''
    if prelude:
        source += '#include "qemu/osdep.h"\n'
    source += '#include "%s"\n' % os.path.join(root, path) * 2
    result = subprocess.run(
        command, input=source, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, universal_newlines=True, check=False)
    return result.returncode, result.stderr


def check(root, cc, build=None, flags=None):
    report = checklib.Report(RULES)
    folders = [root, os.path.join(root, 'include'),
               os.path.join(root, 'linux-headers')]
    if build:
        folders += [build, os.path.join(build, 'include'),
                    os.path.join(build, 'qapi')]
    base = list(cc) + ['-fsyntax-only', '-xc', '-std=gnu11', '-D_GNU_SOURCE',
                       '-Wall', '-Werror', '-Wno-unused-function']
    base += ['-I' + folder for folder in folders]
    base += pkg_config_flags() if flags is None else flags
    prelude = os.path.exists(os.path.join(root, 'include/qemu/osdep.h'))
    headers = checklib.tree_files(root, ('.h',))

    def one(path):
        own = ['-I' + os.path.join(root, os.path.dirname(path))]
        if build:
            own.append('-I' + os.path.join(build, os.path.dirname(path)))
        return compile_header(base + own + ['-'], root, path, prelude)

    workers = min(4, os.cpu_count() or 1)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for path, (status, errors) in zip(headers, pool.map(one, headers)):
            if status:
                first = next((line for line in errors.splitlines()
                              if 'error' in line), errors.strip()[:200])
                report.add('alone', path, 1, 'does not compile: ' + first)
    return report


def main():
    parser = checklib.argument_parser(__doc__)
    parser.add_argument('--build', help='the build directory, for generated '
                        'headers')
    parser.add_argument('--cc', default=os.environ.get('CC', 'cc'),
                        help='the compiler, options included')
    args = parser.parse_args()
    return check(args.root, shlex.split(args.cc),
                 args.build).finish(args.tap)


if __name__ == '__main__':
    sys.exit(main())
