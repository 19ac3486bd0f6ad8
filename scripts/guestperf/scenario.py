# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scenarios: INI files that say what a run does.  Every key has a default and
# is checked when the file is read, so that a run fails before it begins.
# Whether a program can do it is asked of the program; see offer.py.

import configparser
import glob
import os
import re

from wherrytest import ram

from . import Error, load as limits

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      'scenarios')
UNITS = {'': 0, 'K': 10, 'M': 20, 'G': 30, 'T': 40}


def _integer(least, most):
    def parse(text):
        if not re.fullmatch(r'\d{1,12}', text) or \
                not least <= int(text) <= most:
            raise ValueError('a whole number from %d to %d' % (least, most))
        return int(text)
    return parse


def _size(least, most):
    def parse(text):
        match = re.fullmatch(r'(\d{1,15})([KMGT]?)', text)
        value = int(match[1]) << UNITS[match[2]] if match else -1
        if not least <= value <= most:
            raise ValueError('a size from %d to %d bytes, such as 256M'
                             % (least, most))
        return value
    return parse


def _memory(text):
    value = _size(1 << 20, 1 << 40)(text)
    if value % 8192:
        raise ValueError('a multiple of 8 KiB')
    return value


def _seconds(text):
    if not re.fullmatch(r'\d{1,5}(\.\d{1,3})?', text):
        raise ValueError('a number of seconds, such as 0.5')
    return float(text)


def _switch(text):
    if text not in ('on', 'off'):
        raise ValueError('on or off')
    return text == 'on'


def _choice(*words):
    def parse(text):
        if text not in words:
            raise ValueError('one of ' + ', '.join(words))
        return text
    return parse


def _word(text):
    if not re.fullmatch(r'[\w-]+', text):
        raise ValueError('one word')
    return text


def _words(text):
    return text.split()


# Section, key: how it is read, and its default.
KEYS = {
    'scenario': {'title': (str, '')},
    'ram': {
        'size': (_memory, '256M'),
        'content': (_choice(*ram.KINDS), 'mixed'),
        'seed': (_integer(0, 10 ** 9), '1'),
        'backend': (_choice('shared', 'anonymous'), 'shared'),
    },
    'migration': {
        'transport': (_choice('unix', 'tcp', 'file'), 'unix'),
        'channels': (_integer(0, 255), '2'),
        'mapped-ram': (_switch, 'off'),
        'direct-io': (_switch, 'off'),
        # Which of these there are, the program knows.
        'compression': (_word, 'none'),
        'compression-level': (_integer(0, 20), '1'),
        'tls': (_choice('off', 'psk', 'anon'), 'off'),
        'zero-copy': (_switch, 'off'),
        'zero-page-detection': (_word, 'multifd'),
        'accel-path': (_words, ''),
        'max-bandwidth': (_size(0, 1 << 50), '0'),
        'downtime-limit': (_integer(0, 2000000), '300'),
        'auto-converge': (_switch, 'off'),
        'return-path': (_switch, 'off'),
    },
    'load': {
        'by': (_choice('none', 'stress', 'qtest'), 'none'),
        'threads': (_integer(1, 64), '1'),
        'rate': (_size(0, 1 << 40), '64M'),
        'pattern': (_choice('seq', 'random', 'hot'), 'seq'),
        'zero': (_integer(0, 100), '0'),
        'warm-up': (_seconds, '1'),
    },
    'run': {
        'interval': (_integer(1, 60000), '20'),
        'time-limit': (_seconds, '60'),
    },
}


class Scenario:
    """What a run does; values[section][key] in bytes, seconds, booleans."""

    def __init__(self, name, values):
        self.name = name
        self.values = values

    def __getitem__(self, section):
        return self.values[section]

    @property
    def title(self):
        return self.values['scenario']['title'] or self.name

    @property
    def multifd(self):
        return self.values['migration']['channels'] > 0


def _parser():
    parser = configparser.ConfigParser(interpolation=None, strict=True,
                                       delimiters=('=',), default_section='')
    parser.optionxform = str
    return parser


def _check_names(path, parser):
    for section in parser.sections():
        if section not in KEYS:
            raise Error('%s: no section [%s]; there are: %s' % (
                path, section, ', '.join(KEYS)))
        for key in parser[section]:
            if key not in KEYS[section]:
                raise Error('%s: section [%s] has no key %s; there are: %s'
                            % (path, section, key, ', '.join(KEYS[section])))


def _values(path, parser):
    values = {}
    for section, keys in KEYS.items():
        values[section] = {}
        for key, (parse, default) in keys.items():
            text = parser.get(section, key, fallback=default)
            try:
                values[section][key] = parse(text)
            except ValueError as err:
                raise Error('%s: %s=%s in section [%s] is not %s'
                            % (path, key, text, section, err)) from None
    return values


def _check_together(path, values):
    """What contradicts itself, whatever the program can do."""
    migration, load = values['migration'], values['load']
    dsa = migration['zero-page-detection'] == 'dsa-accel'
    if dsa and not migration['accel-path']:
        raise Error('%s: zero-page-detection=dsa-accel needs accel-path, for '
                    'example dsa:auto' % path)
    if migration['accel-path'] and not dsa:
        raise Error('%s: accel-path is for zero-page-detection=dsa-accel, '
                    'and that is %s'
                    % (path, migration['zero-page-detection']))
    if dsa and not migration['channels']:
        raise Error('%s: zero-page-detection=dsa-accel needs channels=1 or '
                    'more' % path)
    if migration['compression'] not in ('none', 'xbzrle') and \
            not migration['channels']:
        raise Error('%s: compression=%s is done by multifd channels; set '
                    'channels=1 or more' % (path, migration['compression']))
    if migration['compression'] == 'xbzrle' and migration['channels']:
        raise Error('%s: compression=xbzrle does not go with multifd; set '
                    'channels=0' % path)
    _check_carrier(path, migration)
    size = values['ram']['size']
    if load['by'] == 'qtest' and \
            not limits.SIZE_MIN <= size <= limits.SIZE_MAX:
        raise Error('%s: a load by qtest needs memory of 2 MiB to 2 GiB, '
                    'and size is %d bytes' % (path, size))
    if load['by'] == 'qtest' and migration['auto-converge']:
        raise Error('%s: auto-converge=on slows the CPUs of a guest down, '
                    'and a load by qtest has none' % path)
    if load['by'] == 'qtest' and load['threads'] != 1:
        raise Error('%s: a load by qtest is one client; threads=%d is for '
                    'by=stress' % (path, load['threads']))


def _check_carrier(path, migration):
    """What carries the bytes, and what does not go with it."""
    def refuse(text, *values):
        raise Error('%s: %s' % (path, text % values))

    in_file, mapped = migration['transport'] == 'file', \
        migration['mapped-ram']
    compressed = migration['compression'] not in ('none', 'xbzrle')
    if mapped and not in_file:
        refuse('mapped-ram=on is for transport=file, and that is %s',
               migration['transport'])
    if in_file and migration['channels'] and not mapped:
        refuse('multifd channels write to a file only with mapped-ram=on; '
               'else set channels=0')
    if in_file and migration['return-path']:
        refuse('return-path=on needs a peer that answers, and '
               'transport=file has none')
    if migration['direct-io'] and not (mapped and migration['channels']):
        refuse('direct-io=on needs mapped-ram=on and channels=1 or more')
    if migration['compression-level'] != 1 and \
            migration['compression'] not in ('zlib', 'zstd'):
        refuse('compression-level=%d is for compression=zlib or zstd, and '
               'that is %s', migration['compression-level'],
               migration['compression'])
    for what, on in (('compression=%s' % migration['compression'],
                      compressed),
                     ('tls=%s' % migration['tls'],
                      migration['tls'] != 'off')):
        for other, there in (('mapped-ram=on', mapped),
                             ('zero-copy=on', migration['zero-copy'])):
            if on and there:
                refuse('%s does not go with %s', what, other)
    if migration['tls'] != 'off' and in_file:
        refuse('tls=%s needs a peer, and transport=file has none',
               migration['tls'])
    if migration['zero-copy'] and (migration['transport'] != 'tcp' or
                                   not migration['channels']):
        refuse('zero-copy=on needs transport=tcp and channels=1 or more')


def _override(parser, settings):
    for setting in settings:
        match = re.fullmatch(r'([\w-]+)\.([\w-]+)=(.*)', setting)
        if not match:
            raise Error('--set %s is not SECTION.KEY=VALUE' % setting)
        section, key, value = match.groups()
        if not parser.has_section(section):
            parser.add_section(section)
        parser.set(section, key, value)


def built_in():
    """Names of the scenarios that come with the program."""
    return sorted(os.path.basename(path)[:-len('.ini')]
                  for path in glob.glob(os.path.join(FOLDER, '*.ini')))


def find(name):
    """Path of a scenario given as a file or by its built-in name."""
    if name in built_in():
        return os.path.join(FOLDER, name + '.ini')
    if os.path.exists(name):
        return name
    raise Error('no scenario %s, neither a file nor one of: %s'
                % (name, ', '.join(built_in())))


def read(name, settings=()):
    """A scenario from a file or a built-in one, some values overridden."""
    path = find(name)
    parser = _parser()
    try:
        with open(path, encoding='utf-8') as lines:
            parser.read_file(lines, path)
    except (OSError, UnicodeDecodeError) as err:
        raise Error('%s cannot be read: %s' % (path, err)) from err
    except configparser.Error as err:
        raise Error('%s is no scenario: %s' % (
            path, ' '.join(str(err).split()))) from err
    _override(parser, settings)
    _check_names(path, parser)
    values = _values(path, parser)
    _check_together(path, values)
    return Scenario(os.path.splitext(os.path.basename(path))[0], values)
