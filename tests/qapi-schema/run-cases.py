#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the generator over good and bad schemas.

A case is NAME.json with either NAME.err, the exact message of a schema that
is refused, or NAME.out, a listing of what was understood.  Good schemas are
generated in full, twice, and the second time may not write anything.  With
--update the expected files are written instead of compared: read the
difference before it is committed.
"""

import argparse
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(HERE, '..', '..', 'scripts')
sys.path.insert(0, SCRIPTS)
sys.dont_write_bytecode = True

from qapi.expr import check_all  # noqa: E402
from qapi.parser import SchemaText  # noqa: E402
from qapi.schema import Schema  # noqa: E402


def run(*args):
    result = subprocess.run(
        (sys.executable, '-B', os.path.join(SCRIPTS, 'qapi-gen.py')) + args,
        cwd=HERE, check=False, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True)
    return result.returncode, result.stderr


def describe_members(members):
    for member in members:
        yield '    %s%s: %s%s%s' % (
            member.name, '?' if member.optional else '', member.type.name,
            ' if ' + member.cond.text() if member.cond else '',
            ''.join(' @' + feature.name for feature in member.features))


def describe(entity):
    """The lines of one definition."""
    head = '%s %s' % (entity.meta, entity.name)
    if entity.cond:
        head += ' if ' + entity.cond.text()
    head += ''.join(' @' + feature.name for feature in entity.features)
    for key in ('base', 'arg', 'returns'):
        value = getattr(entity, key, None)
        if value:
            head += ' %s=%s' % (key, value.name)
    if entity.data:
        head += ''.join(' %s=%s' % (key, entity.data[key])
                        for key in ('boxed', 'gen', 'allow-oob',
                                    'success-response', 'discriminator',
                                    'prefix') if key in entity.data)
    yield head
    for value in getattr(entity, 'values', []):
        yield '    %s%s' % (value.name,
                            ' if ' + value.cond.text() if value.cond else '')
    yield from describe_members(getattr(entity, 'members', []))
    for line in describe_members(getattr(entity, 'branches', [])):
        yield '    case' + line[3:]


def describe_schema(path):
    text = SchemaText(path)
    check_all(text)
    schema = Schema(text)
    lines = ['module ' + (module or '(main)') for module in schema.modules]
    for _, comment in schema.comments:
        lines.append('comment %s: %s' % (
            comment.symbol or '(free)', ' '.join(
                list(comment.members) + ['@' + name
                                         for name in comment.features]
                + list(comment.tags)) or '-'))
    for entity in schema.entities:
        lines += describe(entity)
    return '\n'.join(lines) + '\n'


def files_of(folder):
    """Name to (text, time of change)."""
    result = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        with open(path, encoding='utf-8') as handle:
            result[name] = (handle.read(), os.stat(path).st_mtime_ns)
    return result


def good_case(name):
    """Returns (what was understood, reason of failure or None)."""
    with tempfile.TemporaryDirectory() as folder:
        status, errors = run('--builtins', '--output', folder, name + '.json')
        if status or errors:
            return None, errors or 'exit status %d' % status
        first = files_of(folder)
        run('--builtins', '--output', folder, name + '.json')
        if files_of(folder) != first:
            return None, 'a second run wrote something'
    return describe_schema(name + '.json'), None


def bad_case(name):
    status, errors = run('--check', name + '.json')
    if status != 1:
        return errors, 'exit status %d, expected 1' % status
    return errors, None


def check_case(name, update):
    """Returns the reason of failure, or None."""
    good = os.path.exists(name + '.out')
    path = name + ('.out' if good else '.err')
    found, failure = good_case(name) if good else bad_case(name)
    if failure:
        return failure
    if update:
        with open(path, 'w', encoding='utf-8') as handle:
            handle.write(found)
        return None
    with open(path, encoding='utf-8') as handle:
        expected = handle.read()
    if found != expected:
        return 'found:\n%sexpected:\n%s' % (found, expected)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--update', action='store_true',
                        help='write what is expected')
    parser.add_argument('case', nargs='*', help='names; default is all')
    args = parser.parse_args()
    os.chdir(HERE)
    names = args.case or sorted(
        name[:-5] for name in os.listdir('.') if name.endswith('.json'))
    print('1..%d' % len(names))
    failed = 0
    for number, name in enumerate(names, 1):
        if not os.path.exists(name + '.out') and \
                not os.path.exists(name + '.err'):
            failure = 'neither %s.out nor %s.err exists' % (name, name)
        else:
            failure = check_case(name, args.update)
        print('%sok %d %s' % ('not ' if failure else '', number, name))
        if failure:
            failed += 1
            print('\n'.join('# ' + line for line in failure.splitlines()))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
