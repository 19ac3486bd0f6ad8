# SPDX-License-Identifier: GPL-2.0-or-later
#
# Migration parameters over QMP, with a real process: what may be set, what is
# told, what the schema says of it, and what `migrate` refuses at once.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, qmp, tap  # noqa: E402

# Parameters that a stock QEMU does not have, with their defaults.
DEFAULTS = {
    'accel-path': [],
    'multifd-packet-size': 512 * 1024,
    'multifd-normal-page-ratio': 0,
    'dsa-completion': 'thread',
    'dsa-adaptive': True,
    'dsa-timeout': 1000,
}


class Parameters(case.MachineCase):
    def setUp(self):
        super().setUp()
        self.qmp = self.machine().qmp

    def query(self):
        return self.qmp.cmd('query-migrate-parameters')

    def set(self, **params):
        self.qmp.cmd('migrate-set-parameters',
                     {name.replace('_', '-'): value
                      for name, value in params.items()})

    def check_refused(self, *words, **params):
        """Refused with a sentence that has these words; nothing changes."""
        before = self.query()
        with self.assertRaises(qmp.QmpError) as caught:
            self.set(max_bandwidth=1, **params)
        self.assertEqual(caught.exception.cls, 'GenericError')
        for word in words:
            self.assertIn(word, caught.exception.desc)
        self.assertEqual(self.query(), before)

    def test_defaults(self):
        found = self.query()
        for name, value in DEFAULTS.items():
            self.assertEqual(found[name], value, name)

    def test_each_is_told_as_it_was_set(self):
        for name, values in (
                ('zero-page-detection', ['dsa-accel', 'none', 'multifd']),
                ('multifd-packet-size', [4096, 4194304, 524288]),
                ('multifd-normal-page-ratio', [100, 1, 0]),
                ('dsa-completion', ['in-thread', 'thread']),
                ('dsa-adaptive', [False, True]),
                ('dsa-timeout', [1, 60000, 1000]),
                ('accel-path', [['dsa:auto', 'dsa:soft?full=1'], []])):
            for value in values:
                with self.subTest(name=name, value=value):
                    self.set(**{name: value})
                    self.assertEqual(self.query()[name], value)
        found = self.query()
        for name, value in DEFAULTS.items():
            self.assertEqual(found[name], value, name)

    def test_ranges(self):
        for name, values in (
                ('multifd-packet-size', [0, 1, 4095, 6144, 4198400, 2 ** 63]),
                ('multifd-normal-page-ratio', [101, 255]),
                ('dsa-timeout', [0, 60001, 2 ** 32 - 1])):
            for value in values:
                with self.subTest(name=name, value=value):
                    self.check_refused("'%s' is %d" % (name, value),
                                       'expected', **{name: value})

    def test_types(self):
        for name, value in (('multifd-packet-size', -4096),
                            ('multifd-normal-page-ratio', 256),
                            ('multifd-normal-page-ratio', 1.5),
                            ('dsa-timeout', 2 ** 32), ('dsa-timeout', '1'),
                            ('dsa-adaptive', 'on'),
                            ('dsa-completion', 'poll'),
                            ('zero-page-detection', 'dsa'),
                            ('accel-path', 'dsa:auto'),
                            ('accel-path', [None]), ('accel-path', [7]),
                            ('accel-path', [['dsa:auto']]),
                            ('accel-path', None)):
            with self.subTest(name=name, value=value):
                self.check_refused(name, **{name: value})

    def test_both_notations_of_a_queue(self):
        for entry, text in (
                ({'kind': 'dsa-device', 'path': '/dev/dsa/wq0.1'},
                 'dsa:/dev/dsa/wq0.1'),
                ({'kind': 'dsa-auto'}, 'dsa:auto'),
                ({'kind': 'dsa-auto', 'node': 1}, 'dsa:auto?node=1'),
                ({'kind': 'dsa-soft'}, 'dsa:soft'),
                ({'kind': 'dsa-soft', 'engines': 4, 'shuffle': 7,
                  'portal': False, 'full': 'forever'},
                 'dsa:soft?engines=4,portal=off,shuffle=7,full=forever')):
            with self.subTest(entry=entry):
                self.set(accel_path=[entry])
                self.assertEqual(self.query()['accel-path'], [text])
                self.set(accel_path=[text])
                self.assertEqual(self.query()['accel-path'], [text])

    def test_queues_that_mean_nothing(self):
        for entry, word in (
                ('', 'expected dsa:'), ('dsa', 'expected dsa:'),
                ('qat:0', 'expected dsa:'), ('dsa:', 'expected dsa:'),
                ('dsa:hard', 'expected dsa:'),
                ('dsa:/dev/null', "'null'"), ('dsa:/dev/dsa/wq0', "'wq0'"),
                ('dsa:/dev/dsa/', 'work queue'),
                ('dsa:auto?node=-1', "'-1'"), ('dsa:auto?cpu=1', "'cpu=1'"),
                ('dsa:soft?speed=1', '"speed"'),
                ('dsa:soft?size=0', '"0"'), ('dsa:soft?size', '"size"'),
                ({'kind': 'dsa-soft', 'size': 0}, '"0"'),
                ({'kind': 'dsa-soft', 'state': 'enabled,size=1'}, 'comma'),
                ({'kind': 'dsa-soft', 'speed': 1}, ".speed'"),
                ({'kind': 'dsa-auto', 'path': '/dev/dsa/wq0.0'}, ".path'"),
                ({'kind': 'dsa-device', 'path': 'soft'}, '"soft"'),
                ({'kind': 'dsa-device'}, ".path'"),
                ({'kind': 'qat'}, "'qat'"), ({}, ".kind'")):
            with self.subTest(entry=entry):
                self.check_refused(word, accel_path=['dsa:auto', entry])

    def test_the_schema_has_them(self):
        schema = {entity['name']: entity
                  for entity in self.qmp.cmd('query-qmp-schema')}
        params = schema[schema['migrate-set-parameters']['arg-type']]
        members = {member['name']: member['type']
                   for member in params['members']}
        for name in DEFAULTS:
            self.assertIn(name, members)
        entry = schema[schema[members['accel-path']]['element-type']]
        self.assertEqual(entry['meta-type'], 'alternate')
        detection = schema[members['zero-page-detection']]
        self.assertIn('dsa-accel', detection['values'])


class AtMigrate(case.MachineCase):
    """What shows only when a migration is to begin."""

    def check_refused(self, src, *words):
        with self.assertRaises(qmp.QmpError) as caught:
            src.qmp.cmd('migrate', {'uri': 'unix:/nowhere'})
        for word in words:
            self.assertIn(word, caught.exception.desc)
        self.assertEqual(src.qmp.cmd('query-migrate'), {})

    def test_dsa_without_multifd(self):
        src = self.machine()
        src.parameters(zero_page_detection='dsa-accel',
                       accel_path=['dsa:soft'])
        self.check_refused(src, "'dsa-accel'", "'multifd'")

    def test_dsa_without_queues(self):
        src = self.machine()
        src.capabilities(multifd=True)
        src.parameters(zero_page_detection='dsa-accel')
        self.check_refused(src, "'accel-path' is empty")

    def test_packet_size_without_multifd(self):
        src = self.machine()
        src.parameters(multifd_packet_size=8192)
        self.check_refused(src, "'multifd-packet-size' is 8192", "'multifd'")

    def test_packet_size_that_cannot_be_announced(self):
        src = self.machine(properties={'send-configuration': 'off'})
        src.capabilities(multifd=True)
        src.parameters(multifd_packet_size=8192)
        self.check_refused(src, "'multifd-packet-size' is 8192",
                           'send-configuration')

    def test_detection_on_the_command_line(self):
        src = self.machine(properties={'zero-page-detection': 'dsa-accel'})
        found = src.qmp.cmd('query-migrate-parameters')
        self.assertEqual(found['zero-page-detection'], 'dsa-accel')
        src.capabilities(multifd=True)
        self.check_refused(src, "'accel-path' is empty")


if __name__ == '__main__':
    tap.main()
