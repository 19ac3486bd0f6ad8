#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes C and documentation of a QAPI schema.

Each module M of the schema (a file that is included) becomes
qapi-{types,visit,commands,events}-M.[ch]; the main file gets the same
without a suffix.  Besides, there are qapi-emit-events.[ch],
qapi-introspect.[ch] and qmp-reference.rst.
"""

import argparse
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from qapi import commands, docs, events, introspect, types, visit  # noqa: E402
from qapi.expr import check_all  # noqa: E402
from qapi.gen import Options  # noqa: E402
from qapi.parser import SchemaText  # noqa: E402
from qapi.schema import Schema  # noqa: E402
from qapi.source import QAPIError  # noqa: E402


def context(text):
    match = re.match(r'([\w/-]+)=([A-Za-z_]\w*)$', text)
    if not match:
        raise argparse.ArgumentTypeError('"%s" is not MODULE=TYPE' % text)
    return match.groups()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('-b', '--builtins', action='store_true',
                        help='also make code for the built-in types')
    parser.add_argument('-c', '--context', metavar='MODULE=TYPE',
                        action='append', default=[], type=context,
                        help='C type that handlers of this module get first')
    parser.add_argument('-i', '--include-dir', default='', metavar='DIR',
                        help='how generated files include each other')
    parser.add_argument('-o', '--output', default='.', metavar='DIR',
                        help='where the files go')
    parser.add_argument('-p', '--prefix', default='',
                        help='in front of names that exist once per schema')
    parser.add_argument('--check', action='store_true',
                        help='only look for errors')
    parser.add_argument('schema', help='the main file')
    return parser.parse_args()


def main():
    args = arguments()
    try:
        text = SchemaText(args.schema)
        check_all(text)
        schema = Schema(text)
    except QAPIError as error:
        print(error, file=sys.stderr)
        return 1
    contexts = dict(args.context)
    unknown = sorted(set(contexts) - set(schema.modules))
    if unknown:
        print('%s: --context names the module "%s", which does not exist'
              % (args.schema, unknown[0]), file=sys.stderr)
        return 1
    if not args.check:
        options = Options(args.output, args.include_dir, args.prefix,
                          args.builtins, contexts)
        for part in (types, visit, commands, events, introspect, docs):
            part.generate(schema, options)
    return 0


if __name__ == '__main__':
    sys.exit(main())
