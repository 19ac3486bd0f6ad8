# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of the tables on files, compression and zero-copy: which settings they
# measure, and that a program which cannot do one is told apart from a program
# that does it wrongly.

import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'lib'), HERE]
import carriers  # noqa: E402
import figures  # noqa: E402
import filerig  # noqa: E402
import rig  # noqa: E402
import run as bench  # noqa: E402
from wherrytest import tap  # noqa: E402

MIB = 1 << 20


class Carriers(unittest.TestCase):
    def rows_of(self, *arguments):
        """The rows that a table would measure."""
        options = bench.parse(list(arguments))
        found = []
        old = carriers.run_rows
        carriers.run_rows = lambda _, __, rows, *more, **ask: found.extend(
            rows)
        try:
            bench.COMMANDS[options.command][0](None, options)
        finally:
            carriers.run_rows = old
        return found

    def test_compression_of_both_sides(self):
        rows = self.rows_of('compression', 'text', '--level', '3')
        self.assertEqual([row.label for row in rows], [
            'text none', 'text none, prealloc', 'text zlib', 'text zstd',
            'text qpl', 'text qpl, prealloc'])
        self.assertEqual(rows[3].setting.parameters(), {
            'multifd_channels': 2, 'max_bandwidth': 0,
            'multifd_compression': 'zstd', 'multifd_zstd_level': 3})
        self.assertTrue(rows[5].setting.prealloc)

    def test_zero_copy_is_of_the_source(self):
        off, on = self.rows_of('zero-copy', 'random')
        self.assertEqual(on.setting.transport, 'tcp')
        self.assertEqual(off.setting.source_capabilities(), ('multifd',))
        self.assertEqual(on.setting.source_capabilities(),
                         ('multifd', 'zero-copy-send'))
        self.assertEqual(on.setting.capabilities(), ('multifd',))

    def test_forms_of_a_file(self):
        forms = {label: rig.Setting('half', **more)
                 for label, more in carriers.FORMS}
        self.assertEqual(forms['plain'].capabilities(), ())
        self.assertEqual(forms['mapped-ram, 2'].capabilities(),
                         ('multifd', 'mapped-ram'))
        self.assertNotIn('direct_io', forms['mapped-ram, 2'].parameters())
        self.assertIs(forms['direct-io, 4'].parameters()['direct_io'], True)

    def test_what_a_program_cannot_do_is_told(self):
        class Asked:
            def missing(self, program, setting):
                return 'built without it' if program == 'qemu' else None
        row = bench.Row('text qpl', None, ['wherry', 'qemu'])
        row.ask(Asked())
        self.assertEqual(row.programs, ['wherry'])
        self.assertEqual(row.missing, {'qemu': 'built without it'})

    def test_wrong_memory_is_not_called_missing(self):
        """A program that migrates wrongly ends the benchmark."""
        class Wrong(rig.Rig):
            def __init__(self):
                pass

            def measure(self, program, setting, around=None):
                raise self.error
        one = Wrong()
        one.error = RuntimeError('memory is not equal')
        with self.assertRaises(RuntimeError):
            one.missing('wherry', rig.Setting('zero'))
        one.error = rig.Failed('no such thing')
        self.assertEqual(one.missing('wherry', rig.Setting('zero')),
                         'no such thing')

    def test_a_program_that_dies_is_not_called_missing(self):
        class Watch:
            machine = None
        watch = Watch()
        watch.machine = Watch()
        watch.machine.name = 'src'
        old = rig.migrate.state_text
        rig.migrate.state_text = lambda machine: ''
        try:
            for status, kind in (('failed', rig.Failed),
                                 ('process ended: -11', RuntimeError)):
                watch.status = status
                with self.assertRaises(RuntimeError) as caught:
                    rig.Rig._check_status('wherry', [watch])
                self.assertIs(type(caught.exception), kind)
        finally:
            rig.migrate.state_text = old

    def test_a_row_that_nobody_can_do(self):
        document = {'table': 'compression', 'rows': [{
            'label': 'text qpl', 'summary': {}, 'targets': []}]}
        self.assertEqual(figures.cells(document)[1], ['text qpl'])

    def test_the_limit_of_a_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            found = filerig.limit(folder, 4 * MIB)
            self.assertEqual(os.listdir(folder), [])
        self.assertEqual(found['bytes'], 4 * MIB)
        self.assertGreater(found['write'], 0)
        self.assertIn('4 MiB written', filerig.limit_line(found))


if __name__ == '__main__':
    sys.exit(tap.main())
