# SPDX-License-Identifier: GPL-2.0-or-later
#
# The same request to wherry and to a stock QEMU gets the same answer: error
# class and text, defaults, and what the schema promises.

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, qmp, tap, vm  # noqa: E402

# Ours, on purpose: stock has no such member, value or event.
ADDED_PARAMETERS = {'accel-path', 'multifd-packet-size',
                    'multifd-normal-page-ratio', 'dsa-completion',
                    'dsa-adaptive', 'dsa-timeout'}
ADDED = {'zero-pages', 'zero-bytes', 'zero-page-detector'} | ADDED_PARAMETERS
# QEMU calls the list in a file authz-listfile, and then does not know it.
ADDED_VALUES = {'dsa-accel', 'qpl', 'authz-list-file'}
# Refused by both with the same class, but in words that say what to do.
OWN_WORDS = {'incoming-nothing', 'migrate-nothing', 'migrate-tcp-no-port'}


def execute(command, **arguments):
    message = {'execute': command}
    if arguments:
        message['arguments'] = {k.replace('_', '-'): v
                                for k, v in arguments.items()}
    return message


def params(name, value):
    return {'execute': 'migrate-set-parameters', 'arguments': {name: value}}


def caps(*entries):
    return {'execute': 'migrate-set-capabilities',
            'arguments': {'capabilities': list(entries)}}


MALFORMED = {
    'unknown-command': {'execute': 'no-such-command'},
    'no-execute': {'arguments': {}},
    'empty-object': {},
    'execute-not-a-string': {'execute': 5},
    'execute-null': {'execute': None},
    'arguments-not-an-object': {'execute': 'query-status', 'arguments': 5},
    'arguments-list': {'execute': 'query-status', 'arguments': []},
    'unknown-member': {'execute': 'query-status', 'extra': 1},
    'unexpected-argument': {'execute': 'query-status',
                            'arguments': {'x': 1}},
    'array': [1, 2],
    'number': 5,
    'string': 'query-status',
    'null': None,
    'oob-not-enabled': {'exec-oob': 'query-status'},
    'both-execute-and-oob': {'execute': 'query-status',
                             'exec-oob': 'query-status'},
    'negotiate-again': {'execute': 'qmp_capabilities'},
    'id-object': {'execute': 'no-such-command', 'id': {'a': [1, None]}},
}

PARAMETERS = {
    'channels-0': params('multifd-channels', 0),
    'channels-256': params('multifd-channels', 256),
    'channels-negative': params('multifd-channels', -1),
    'channels-string': params('multifd-channels', '2'),
    'channels-float': params('multifd-channels', 2.5),
    'channels-bool': params('multifd-channels', True),
    'channels-null': params('multifd-channels', None),
    'downtime-too-long': params('downtime-limit', 2000001),
    'downtime-negative': params('downtime-limit', -5),
    'downtime-string': params('downtime-limit', 'soon'),
    'bandwidth-string': params('max-bandwidth', '1g'),
    'bandwidth-object': params('max-bandwidth', {}),
    'switchover-bandwidth-string':
        params('avail-switchover-bandwidth', 'fast'),
    'trigger-threshold-0': params('throttle-trigger-threshold', 0),
    'trigger-threshold-101': params('throttle-trigger-threshold', 101),
    'trigger-threshold-256': params('throttle-trigger-threshold', 256),
    'trigger-threshold-string': params('throttle-trigger-threshold', '50'),
    'trigger-threshold-100': params('throttle-trigger-threshold', 100),
    'throttle-initial-0': params('cpu-throttle-initial', 0),
    'throttle-initial-100': params('cpu-throttle-initial', 100),
    'throttle-initial-negative': params('cpu-throttle-initial', -1),
    'throttle-initial-30': params('cpu-throttle-initial', 30),
    'throttle-increment-0': params('cpu-throttle-increment', 0),
    'throttle-increment-100': params('cpu-throttle-increment', 100),
    'throttle-increment-99': params('cpu-throttle-increment', 99),
    'throttle-tailslow-number': params('cpu-throttle-tailslow', 1),
    'throttle-tailslow-on': params('cpu-throttle-tailslow', True),
    'max-throttle-below-initial': params('max-cpu-throttle', 19),
    'max-throttle-100': params('max-cpu-throttle', 100),
    'max-throttle-0': params('max-cpu-throttle', 0),
    'max-throttle-90': params('max-cpu-throttle', 90),
    'throttle-initial-above-max': {
        'execute': 'migrate-set-parameters', 'arguments': {
            'cpu-throttle-initial': 60, 'max-cpu-throttle': 59}},
    'throttle-two-wrong': {
        'execute': 'migrate-set-parameters', 'arguments': {
            'throttle-trigger-threshold': 0, 'multifd-channels': 0}},
    'downtime-and-channels-wrong': {
        'execute': 'migrate-set-parameters', 'arguments': {
            'downtime-limit': 2000001, 'multifd-channels': 0}},
    'zlib-level-10': params('multifd-zlib-level', 10),
    'zlib-level-256': params('multifd-zlib-level', 256),
    'zlib-level-9': params('multifd-zlib-level', 9),
    'zstd-level-21': params('multifd-zstd-level', 21),
    'zstd-level-string': params('multifd-zstd-level', '1'),
    'zstd-level-0': params('multifd-zstd-level', 0),
    'compression-uadk': params('multifd-compression', 'uadk'),
    'compression-lz4': params('multifd-compression', 'lz4'),
    'compression-number': params('multifd-compression', 1),
    'detection-unknown': params('zero-page-detection', 'psychic'),
    'detection-number': params('zero-page-detection', 1),
    'direct-io-number': params('direct-io', 1),
    'direct-io-string': params('direct-io', 'on'),
    'direct-io-on': params('direct-io', True),
    'unknown-parameter': params('no-such-parameter', 1),
    'tls-creds': params('tls-creds', 'tls7'),
    'tls-creds-null': params('tls-creds', None),
    'tls-creds-number': params('tls-creds', 5),
    'tls-hostname': params('tls-hostname', 'a.example'),
    'tls-hostname-empty': params('tls-hostname', ''),
    'tls-authz': params('tls-authz', 'who'),
    'tls-authz-list': params('tls-authz', []),
    'good-and-bad': {'execute': 'migrate-set-parameters', 'arguments': {
        'max-bandwidth': 1000, 'multifd-channels': 0}},
    'none-at-all': execute('migrate-set-parameters'),
    'bandwidth-minus-one': params('max-bandwidth', -1),
    'bandwidth-largest': params('max-bandwidth', 2 ** 64 - 1),
    'bandwidth-zero': params('max-bandwidth', 0),
    'unknown-capability': caps({'capability': 'telepathy', 'state': True}),
    'capability-without-state': caps({'capability': 'multifd'}),
    'capability-without-name': caps({'state': True}),
    'capability-state-number': caps({'capability': 'multifd', 'state': 1}),
    'capability-not-an-object': caps(5),
    'capability-good-then-bad': caps(
        {'capability': 'multifd', 'state': True},
        {'capability': 'telepathy', 'state': True}),
    'capabilities-missing': execute('migrate-set-capabilities'),
    'capabilities-not-a-list': execute('migrate-set-capabilities',
                                       capabilities=5),
    'capabilities-empty': caps(),
}

COMMANDS = {
    'migrate-nothing': execute('migrate'),
    'migrate-unknown-scheme': execute('migrate', uri='pigeon:coop'),
    'migrate-no-scheme': execute('migrate', uri='somewhere'),
    'migrate-uri-number': execute('migrate', uri=5),
    'migrate-tcp-no-port': execute('migrate', uri='tcp:127.0.0.1'),
    'migrate-unknown-argument': execute('migrate', uri='tcp:a:1', speed=1),
    'migrate-cancel-idle': execute('migrate_cancel'),
    'migrate-cancel-dash': execute('migrate-cancel'),
    'continue-nothing': execute('migrate-continue', state='none'),
    'continue-not-paused': execute('migrate-continue',
                                   state='pre-switchover'),
    'continue-device': execute('migrate-continue', state='device'),
    'continue-unknown': execute('migrate-continue', state='tomorrow'),
    'continue-number': execute('migrate-continue', state=5),
    'continue-no-state': execute('migrate-continue'),
    'continue-more': execute('migrate-continue', state='none', now=True),
    'auto-converge-on': caps({'capability': 'auto-converge', 'state': True}),
    'pause-before-switchover-on': caps(
        {'capability': 'pause-before-switchover', 'state': True}),
    'mapped-ram-on': caps({'capability': 'mapped-ram', 'state': True}),
    'incoming-nothing': execute('migrate-incoming'),
    'incoming-not-asked-for': execute('migrate-incoming', uri='unix:/x'),
    'stop': execute('stop'),
    'cont': execute('cont'),
    'query-status': execute('query-status'),
    'query-name': execute('query-name'),
    'query-migrate': execute('query-migrate'),
}

WAITING = {
    'migrate-while-waiting': execute('migrate', uri='unix:/nowhere'),
    'incoming-nothing': execute('migrate-incoming'),
    'incoming-unknown-scheme': execute('migrate-incoming', uri='pigeon:x'),
    'incoming-no-scheme': execute('migrate-incoming', uri='here'),
    'incoming-exit-not-bool': execute('migrate-incoming', uri='unix:/x',
                                      exit_on_error=1),
    'query-status': execute('query-status'),
    'query-migrate': execute('query-migrate'),
    'stop': execute('stop'),
    'cancel': execute('migrate_cancel'),
    'continue-not-paused': execute('migrate-continue',
                                   state='pre-switchover'),
}


class SameAnswers(case.MachineCase):
    kinds = (vm.WHERRY, vm.QEMU)
    incoming = None
    requests = {}
    shared = {}

    def setUp(self):
        super().setUp()
        self.ends = [self.machine(kind, kind, incoming=self.incoming)
                     for kind in (vm.QEMU, vm.WHERRY)]

    def answers(self, message):
        """Answers of (stock, wherry)."""
        return [end.qmp.request(message) for end in self.ends]

    def same(self, message, words=True):
        stock, ours = self.answers(message)
        if not words:
            self.assertEqual(ours['error']['class'], stock['error']['class'])
            return
        self.assertEqual(ours, stock, 'request %s' % json.dumps(message))


def one_test(name, message, words):
    def run(self):
        self.same(message, words)
    run.tap_name = '/same-qmp/%s' % name
    return run


def add_tests(group, requests, incoming=None):
    methods = {'incoming': incoming}
    for name, message in requests.items():
        methods['test_' + name.replace('-', '_')] = one_test(
            '%s/%s' % (group, name), message, name not in OWN_WORDS)
    globals()['Same_' + group] = type('Same_' + group, (SameAnswers,),
                                      methods)


add_tests('malformed', MALFORMED)
add_tests('settings', PARAMETERS)
add_tests('commands', COMMANDS)
add_tests('waiting', WAITING, incoming='defer')


class SameState(SameAnswers):
    """Defaults, effects and the schema."""

    def values(self, command):
        return [end.qmp.cmd(command) for end in self.ends]

    def test_parameter_defaults(self):
        stock, ours = self.values('query-migrate-parameters')
        for name in ours.keys() - ADDED_PARAMETERS:
            with self.subTest(parameter=name):
                self.assertEqual(ours[name], stock[name])

    def test_capability_defaults(self):
        stock, ours = self.values('query-migrate-capabilities')
        order = [c for c in stock
                 if c['capability'] in {o['capability'] for o in ours}]
        self.assertEqual(ours, order)

    def test_refused_parameters_change_nothing(self):
        for message in PARAMETERS.values():
            self.answers(message)
        stock, ours = self.values('query-migrate-parameters')
        shared = ours.keys() - ADDED_PARAMETERS
        self.assertEqual({k: ours[k] for k in shared},
                         {k: stock[k] for k in shared})

    def test_bad_json(self):
        """Class and shape only: the parser's own words differ."""
        for text in (b'{"execute": }', b'}', b'[1,', b'{"a" "b"}', b'\x80',
                     b'{"execute": "query-status",}', b'nul'):
            with self.subTest(text=text):
                classes = []
                for end in self.ends:
                    end.qmp.send_raw(text + b'\n\xff\n')
                    classes.append(end.qmp.read_reply()['error']['class'])
                    # A client that wants to be in step sends 0xff and waits.
                    self.drain(end.qmp)
                self.assertEqual(classes[0], classes[1])

    @staticmethod
    def drain(client):
        client.send_raw(b'{"execute": "query-status", "id": "sync"}')
        while client.read_reply().get('id') != 'sync':
            pass

    def test_command_names(self):
        stock, ours = ({c['name'] for c in value}
                       for value in self.values('query-commands'))
        self.assertEqual(ours - stock, set())

    def test_greeting_shape(self):
        keys = [sorted(end.qmp.greeting['QMP']) for end in self.ends]
        self.assertEqual(keys[0], keys[1])
        versions = self.values('query-version')
        self.assertEqual(sorted(versions[0]), sorted(versions[1]))
        self.assertEqual(sorted(versions[0]['qemu']),
                         sorted(versions[1]['qemu']))

    def test_before_negotiation(self):
        replies = []
        for end in self.ends:
            end.qmp.close()
            with qmp.QmpClient(end.qmp_path, negotiate=False) as client:
                early = client.request({'execute': 'query-status'})
                odd = client.request({'execute': 'qmp_capabilities',
                                      'arguments': {'enable': ['flight']}})
                replies.append([
                    early, odd['error']['class'],
                    client.request({'execute': 'qmp_capabilities'})])
            end.connect()
        self.assertEqual(replies[1], replies[0])


class Schema:
    """query-qmp-schema, resolved by name."""

    def __init__(self, entries):
        self.by_name = {}
        self.top = {}
        for entry in entries:
            if entry['meta-type'] in ('command', 'event'):
                self.top[entry['meta-type'], entry['name']] = entry
            self.by_name[entry['name']] = entry

    def differences(self, name, other, other_name, path, seen=None):
        """Sentences for what this type has and the other has not."""
        seen = set() if seen is None else seen
        if (name, other_name) in seen:
            return
        seen.add((name, other_name))
        mine, theirs = self.by_name[name], other.by_name[other_name]
        kind = mine['meta-type']
        if kind == 'alternate':
            # Text or null: told, it is never null, and 10.0 says just text.
            types = {m['type'] for m in mine['members']}
            others = {m['type'] for m in theirs.get(
                'members', [{'type': theirs['name']}])}
            if not others <= types:
                yield '%s is one of %s, stock has %s' % (
                    path, sorted(types), sorted(others))
        elif kind != theirs['meta-type']:
            yield '%s is %s, stock has %s' % (path, kind,
                                              theirs['meta-type'])
        elif kind == 'builtin' and mine['json-type'] != theirs['json-type']:
            yield '%s is %s, stock has %s' % (path, mine['json-type'],
                                              theirs['json-type'])
        elif kind == 'enum':
            extra = {m['name'] for m in mine['members']} - \
                {m['name'] for m in theirs['members']} - ADDED_VALUES
            if extra:
                yield '%s has values %s' % (path, sorted(extra))
        elif kind == 'array':
            yield from self.differences(
                mine['element-type'], other, theirs['element-type'],
                path + '[]', seen)
        elif kind == 'object':
            yield from self.members(mine, other, theirs, path, seen)

    def members(self, mine, other, theirs, path, seen):
        known = {m['name']: m for m in theirs['members']}
        for member in mine['members']:
            name = member['name']
            where = '%s.%s' % (path, name)
            if name not in known:
                if name not in ADDED:
                    yield '%s is unknown to stock' % where
                continue
            if ('default' in member) != ('default' in known[name]):
                yield '%s: optional in one only' % where
            yield from self.differences(member['type'], other,
                                        known[name]['type'], where, seen)
        cases = {v['case']: v['type'] for v in theirs.get('variants', ())}
        for variant in mine.get('variants', ()):
            if variant['case'] not in cases:
                if variant['case'] in ADDED_VALUES:
                    continue
                yield '%s: no case %s' % (path, variant['case'])
                continue
            yield from self.differences(
                variant['type'], other, cases[variant['case']],
                '%s<%s>' % (path, variant['case']), seen)


class SameSchema(SameAnswers):
    def test_every_command_and_event(self):
        stock, ours = (Schema(end.qmp.cmd('query-qmp-schema'))
                       for end in self.ends)
        for key, entry in sorted(ours.top.items()):
            with self.subTest(name=key[1]):
                self.assertIn(key, stock.top)
                other = stock.top[key]
                found = list(ours.differences(
                    entry['arg-type'], stock, other['arg-type'], key[1]))
                if key[0] == 'command':
                    found += ours.differences(
                        entry['ret-type'], stock, other['ret-type'],
                        key[1] + ' returns')
                    self.assertEqual(entry.get('allow-oob', False),
                                     other.get('allow-oob', False))
                self.assertEqual(found, [])


if __name__ == '__main__':
    sys.exit(tap.main())
