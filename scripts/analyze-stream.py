#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Prints what a recorded migration holds, verifies it, takes the RAM out of it
# and compares it with another.  docs/user/analyze-stream.rst tells how.

import argparse
import contextlib
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from analyze import (StreamError, dump, facts, image,  # noqa: E402
                     record, text, verify)
from analyze.seen import ranges  # noqa: E402
from analyze.source import Source  # noqa: E402
from analyze import wire  # noqa: E402


class Usage(Exception):
    """Something that the user can do something about, in one sentence."""


def open_source(stack, path, start=0):
    """A recording, - for stdin."""
    if path == '-':
        if start:
            raise Usage('--offset is for a file, not for stdin')
        # Not closed: it is not ours.
        return Source(sys.stdin.buffer.raw, 'stdin',
                      sys.stdin.buffer.raw.tell()
                      if sys.stdin.buffer.raw.seekable() else 0)
    source = Source.open(path, start)
    stack.callback(source.close)
    if start and start >= source.size:
        raise Usage('%s ends at %d, before the offset %d'
                    % (path, source.size, start))
    return source


def analyze(stack, options, sinks=(), decode=False):
    source = open_source(stack, options.file, options.offset)
    if dump.is_channel(source):
        raise Usage('%s is a multifd channel; give the main channel, and '
                    'this with --channel, or have it printed alone: '
                    'analyze-stream.py dump %s'
                    % (options.file, options.file))
    channels = [open_source(stack, path) for path in options.channel]
    return facts.analyze(source, channels, sinks, decode)


def emit(lines):
    for line in lines:
        print(line)


# -- the commands -------------------------------------------------------------

def command_show(options):
    with contextlib.ExitStack() as stack:
        found = analyze(stack, options)
        if options.json:
            json.dump(found.to_json(), sys.stdout, indent=1)
            print()
        else:
            emit(text.page(found, options.devices, options.description))
    return 0 if found.whole and not found.defects else 1


def command_verify(options):
    with contextlib.ExitStack() as stack:
        found = analyze(stack, options, decode=True)
        verify.verify(found)
        if options.json:
            json.dump(found.to_json(), sys.stdout, indent=1)
            print()
        else:
            emit(text.summary(found))
            emit(text.problems(found))
            if not found.defects:
                print('verified: no defects')
    return 1 if found.defects else 0


def command_extract(options):
    wanted = {}
    for item in options.ram:
        name, equals, path = item.partition('=')
        if not equals or not path:
            raise Usage('--ram %s is not BLOCK=FILE' % item)
        wanted[name] = path
    with contextlib.ExitStack() as stack:
        images = image.Images(
            lambda block: open(wanted[block.name], 'w+b', buffering=0)
            if block.name in wanted else None)
        stack.callback(images.close)
        found = analyze(stack, options, [images], decode=True)
        verify.verify(found)
        emit('analyze-stream: ' + line for line in text.problems(found))
        for name in wanted:
            if name not in images.images:
                raise Usage('there is no RAM block "%s"; there are: %s' % (
                    name, ', '.join(block.block.name
                                    for block in found.blocks) or 'none'))
            print('%s: %s of block "%s"' % (
                wanted[name], text.size(images.images[name].block.length),
                name))
        undone = [one.channel.why for one in found.channels
                  if one.channel.why]
    return 1 if found.defects or undone else 0


def _one_side(stack, options, path, channels):
    images = image.temporary()
    stack.callback(images.close)
    options = argparse.Namespace(file=path, channel=channels, offset=0)
    found = analyze(stack, options, [images], decode=True)
    if not found.whole or any(one.broken or one.channel.why
                              for one in found.channels):
        raise Usage('%s cannot be compared: %s' % (path, '; '.join(
            text.problems(found)) or found.channels[0].channel.why))
    return found, images


def command_diff(options):
    with contextlib.ExitStack() as stack:
        one, first = _one_side(stack, options, options.file, options.channel)
        two, second = _one_side(stack, options, options.other,
                                options.other_channel)
        blocks = image.compare(first, second)
        devices = list(image.compare_devices(one, two))
    if options.json:
        json.dump({'format': 'wherry-stream-difference', 'version': 1,
                   'blocks': blocks, 'devices': devices}, sys.stdout,
                  indent=1)
        print()
    else:
        for name, found in blocks.items():
            if isinstance(found, str):
                print('block "%s" %s' % (name, found))
            elif found:
                print('block "%s": %d pages differ: %s' % (
                    name, sum(count for _, count in found),
                    ranges(found, wire.PAGE)))
        emit(devices)
    if any(blocks.values()) or devices:
        return 1
    if not options.json:
        print('equal: %d RAM blocks, %d devices' % (len(blocks),
                                                   len(one.devices)))
    return 0


def command_dump(options):
    good = True
    for path in options.file:
        if len(options.file) > 1:
            print('%s:' % path)
        with contextlib.ExitStack() as stack:
            try:
                dump.run(open_source(stack, path), lambda at, line: print(
                    '%08x  %s' % (at, line)), not options.no_pages)
            except StreamError as err:
                sys.stdout.flush()
                print('%s: %s' % (path, err), file=sys.stderr)
                good = False
    return 0 if good else 1


def command_record(options):
    found = record.record(options.listen, options.output, options.to)
    for path, count in found:
        print('%s: %s' % (path, text.size(count)))
    return 0 if found else 1


# -- the command line ---------------------------------------------------------

def number(word):
    """12, 0x1000, 4k, 1M."""
    units = {'k': 10, 'm': 20, 'g': 30}
    shift = units.get(word[-1:].lower(), 0)
    value = int(word[:-1] if shift else word, 0) << shift
    if value < 0:
        raise ValueError(word)
    return value


def input_options(parser):
    parser.add_argument('file', metavar='FILE',
                        help='a main channel or mapped-ram file, - for '
                        'stdin')
    parser.add_argument('--channel', action='append', default=[],
                        metavar='FILE', help='a multifd channel of it; once '
                        'for each')


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog='analyze-stream.py', description='Print, verify, extract and '
        'compare recorded migrations.')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND')
    made = {}
    for name, function, words in (
            ('show', command_show, 'what a recording holds (the default)'),
            ('verify', command_verify, 'what is wrong with it'),
            ('extract', command_extract, 'the RAM that it brings'),
            ('diff', command_diff, 'RAM and devices of two recordings'),
            ('dump', command_dump, 'one line for each element'),
            ('record', command_record, 'record a migration')):
        made[name] = commands.add_parser(name, help=words,
                                         description=words.capitalize() + '.')
        made[name].set_defaults(function=function)
    for name in ('show', 'verify', 'extract', 'diff'):
        input_options(made[name])
    for name in ('show', 'verify', 'extract'):
        made[name].add_argument('--offset', type=number, default=0,
                                metavar='N', help='where the stream begins '
                                'in the file, as file:PATH,offset=N')
    for name in ('show', 'verify', 'diff'):
        made[name].add_argument('--json', action='store_true',
                                help='for tools')
    made['show'].add_argument('--devices', action='store_true',
                              help='with the fields of each device')
    made['show'].add_argument('--description', action='store_true',
                              help='with the description, as it is')
    made['extract'].add_argument('--ram', action='append', required=True,
                                 metavar='BLOCK=FILE', help='the file to '
                                 'write for a RAM block')
    made['diff'].add_argument('other', metavar='OTHER',
                              help='the second recording')
    made['diff'].add_argument('--other-channel', action='append', default=[],
                              metavar='FILE', help='a multifd channel of '
                              'the second')
    made['dump'].add_argument('--no-pages', action='store_true',
                              help='leave out the lines of single pages')
    made['dump'].add_argument('file', nargs='+', metavar='FILE',
                              help='a main or multifd channel, - for stdin')
    made['record'].add_argument('listen', metavar='URI',
                                help='where the source connects: unix:PATH '
                                'or tcp:HOST:PORT')
    made['record'].add_argument('--output', required=True, metavar='PREFIX',
                                help='write PREFIX.main and '
                                'PREFIX.channel-N')
    made['record'].add_argument('--to', metavar='URI', help='a destination '
                                'that gets everything, too')
    # Without the name of a command: show.
    if arguments and arguments[0] not in made and \
            arguments[0] not in ('-h', '--help'):
        arguments = ['show'] + arguments
    options = parser.parse_args(arguments)
    if not options.command:
        parser.error('no file; --help tells more')
    return options


def main(arguments):
    options = parse(arguments)
    try:
        status = options.function(options)
        sys.stdout.flush()
        return status
    except (Usage, StreamError) as err:
        sys.stdout.flush()
        print('analyze-stream: %s' % err, file=sys.stderr)
    except OSError as err:
        if isinstance(err, BrokenPipeError):
            raise
        print('analyze-stream: %s: %s' % (err.filename or 'file',
                                          err.strerror), file=sys.stderr)
    return 1


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:
        # Whoever reads the output has seen enough; leave nothing to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
