#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Decodes recorded migration streams to text: the main channel or a multifd
# channel, told apart by their first word.

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'tests', 'lib'))
from wherrytest import decode  # noqa: E402


def dump(path, show_pages):
    """Print one stream; False when it does not make sense to its end."""
    with open(path, 'rb') if path != '-' else sys.stdin.buffer as stream:
        data = stream.read()
    try:
        for offset, text in decode.decode(data):
            if show_pages or not text.startswith(('  zero', '  normal')):
                print('%08x  %s' % (offset, text))
    except decode.DecodeError as err:
        sys.stdout.flush()
        print('%s: %s' % (path, err), file=sys.stderr)
        return False
    return True


def main():
    parser = argparse.ArgumentParser(
        description='Decode recorded migration streams to text.')
    parser.add_argument('--no-pages', action='store_true',
                        help='leave out the lines of single pages')
    parser.add_argument('file', nargs='+',
                        help='a recorded connection, - for stdin')
    args = parser.parse_args()
    good = True
    for path in args.file:
        if len(args.file) > 1:
            print('%s:' % path)
        try:
            good = dump(path, not args.no_pages) and good
        except OSError as err:
            print('%s: %s' % (path, err.strerror), file=sys.stderr)
            good = False
    return 0 if good else 1


if __name__ == '__main__':
    try:
        sys.exit(main())
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
