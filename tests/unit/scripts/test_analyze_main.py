# SPDX-License-Identifier: GPL-2.0-or-later
#
# scripts/analyze-stream.py on main channels: what it tells of recordings of a
# stock QEMU, its figures, RAM taken out, two recordings compared.

import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from recordings import (PAGE, STOCK, TOP, RecordingCase,  # noqa: E402
                        page, stream)
from analyze import facts as analysis, source  # noqa: E402
from analyze.seen import Seen  # noqa: E402
from wherrytest import tap  # noqa: E402

IMAGE = page(1) + bytes(PAGE) + page(2) + bytes(PAGE)
PLAIN = os.path.join(STOCK, 'plain.main')

# All of a recording of stock QEMU 10.0.2.  A member that is missing or means
# something else breaks who reads this: a new `version` then.
STOCK_PLAIN = {
    'format': 'wherry-stream-analysis', 'version': 1,
    'size': 5250, 'complete': True, 'stream-version': 3,
    'configuration': {'machine': 'none', 'capabilities': [], 'uuid': None,
                      'subsections': []},
    'commands': [{'offset': 0x1078, 'code': 11, 'payload': '',
                  'name': 'SWITCHOVER_START'}],
    'sections': [
        {'kind': kind, 'id': number, 'name': name, 'instance': 0,
         'version': version, 'offset': offset, 'length': length}
        for kind, number, name, version, offset, length in (
            ('START', 1, 'ram', 4, 0x11, 26),
            ('PART', 1, 'ram', 4, 0x41, 4141),
            ('END', 1, 'ram', 4, 0x107d, 8),
            ('FULL', 0, 'timer', 2, 0x108f, 24),
            ('FULL', 3, 'globalstate', 1, 0x10bf, 104))],
    'ram': {'size': 16384, 'blocks': [{
        'name': 'm', 'size': 16384, 'page-size': 4096, 'missing': 0,
        'pages': {'normal': 1, 'zero': 3, 'xbzrle': 0}}],
        'rounds': [{'normal': 1, 'zero': 3, 'xbzrle': 0}],
        'flushes': 0, 'section-ends': 3, 'sync-style': None},
    'devices': [
        {'name': 'timer', 'instance': 0, 'version': 2, 'offset': 0x109d + 5,
         'size': 24, 'fields': {'cpu_ticks_offset': 0,
                                'unused': '00' * 8,
                                'cpu_clock_offset': 0}},
        {'name': 'globalstate', 'instance': 0, 'version': 1,
         'offset': 0x10d8, 'size': 104,
         'fields': {'size': 10,
                    'runstate': b'prelaunch'.ljust(32, b'\0').hex(),
                    'has_vm_was_suspended': 1, 'vm_was_suspended': 0,
                    'unused': '00' * 66}}],
    'channels': [], 'notes': [], 'defects': [],
}


class Stock(RecordingCase):
    def test_all_of_it_as_json(self):
        found = json.loads(self.script('--json', PLAIN))
        self.assertEqual(found.pop('file'), PLAIN)
        self.assertGreater(found.pop('allocated'), 0)
        self.assertEqual(found.pop('description')['page_size'], 4096)
        self.assertEqual(found, STOCK_PLAIN)

    def test_it_is_verified(self):
        for name in ('plain.main', 'return-path.main'):
            out = self.script('verify', os.path.join(STOCK, name))
            self.assertIn('verified: no defects', out)

    def test_as_text(self):
        out = self.script('show', PLAIN, '--devices', '--description')
        self.assertIn('main channel of 5.13 KiB, machine none, complete',
                      out.splitlines()[0])
        self.assertIn('16 KiB of RAM in 1 block; pages: 1 normal, 3 zero',
                      out)
        self.assertIn('runstate = "prelaunch", 32 bytes', out)
        self.assertIn('"vmsd_name": "timer"', out)

    def test_return_path_commands(self):
        found = json.loads(self.script('--json', os.path.join(
            STOCK, 'return-path.main')))
        self.assertEqual(
            [(one['name'], one['payload']) for one in found['commands']],
            [('OPEN_RETURN_PATH', ''), ('PING', '00000001'),
             ('SWITCHOVER_START', '')])

    def test_through_a_pipe(self):
        with open(PLAIN, 'rb') as file:
            data = file.read()
        found = json.loads(self.script('--json', '-', stdin=data))
        for name in ('file', 'allocated', 'description', 'size'):
            found.pop(name)
        self.assertEqual(found, {key: value for key, value
                                 in STOCK_PLAIN.items() if key != 'size'})

    def test_extract(self):
        self.script('extract', PLAIN, '--ram', 'm=' + self.path('ram'))
        self.assertEqual(self.read('ram'), bytes(PAGE) + b'A' * PAGE
                         + bytes(2 * PAGE))

    def test_dump(self):
        lines = self.script('dump', PLAIN).splitlines()
        self.assertIn('00000051    normal "m" 0x1000 4141414141414141…',
                      lines)
        self.assertTrue(lines[-1].startswith('00001146  description 823 '))

    def test_dump_without_pages(self):
        out = self.script('dump', '--no-pages', PLAIN)
        self.assertNotIn('normal', out)


class Figures(RecordingCase):
    def stream(self):
        return stream.Stream().preamble().setup([('m', 4 * PAGE)])

    def fill(self, out):
        """All four pages, in order."""
        out.page(0, page(1), 'm')
        for number in (1, 2, 3):
            out.page(number * PAGE, page(number))
        return out

    def test_rounds(self):
        out = self.fill(self.stream().part())
        out.page(PAGE, page(9)).zero(3 * PAGE).eos().footer()
        out.part().zero(PAGE).eos().footer().finish()
        found = self.check_good(out)
        self.assertEqual(
            [(one['normal'], one['zero']) for one in found['ram']['rounds']],
            [(4, 0), (1, 1), (0, 1)])

    def test_the_last_copy_counts(self):
        out = self.fill(self.stream().part())
        out.page(PAGE, page(9)).zero(3 * PAGE).eos().footer().finish()
        self.script('extract', self.write('main', out), '--ram',
                    'm=' + self.path('ram'))
        self.assertEqual(self.read('ram'),
                         page(1) + page(9) + page(2) + bytes(PAGE))

    def test_differences_of_pages(self):
        out = self.fill(self.stream().part())
        # Three bytes at 5, one at 300.
        delta = bytes([5, 3, 1, 2, 3, 292 & 0x7f | 0x80, 292 >> 7, 1, 7])
        out.word(PAGE | stream.XBZRLE | stream.CONTINUE)
        out.be('BH', 1, len(delta)).raw(delta).eos().footer().finish()
        self.script('extract', self.write('main', out), '--ram',
                    'm=' + self.path('ram'))
        want = bytearray(page(1))
        want[5:8], want[300] = b'\1\2\3', 7
        self.assertEqual(self.read('ram')[PAGE:2 * PAGE], bytes(want))

    def test_a_package_is_passed_over(self):
        inner = b'whatever is in it\x7e'
        out = stream.Stream().preamble()
        out.command(7, len(inner).to_bytes(4, 'big')).raw(inner)
        out.setup([('m', PAGE)]).part().zero(0, 'm').eos().footer().finish()
        found = self.check_good(out)
        self.assertEqual(found['commands'][0]['name'], 'PACKAGED')

    def test_parts_in_a_row_are_one_line(self):
        out = self.fill(self.stream().part()).eos().footer()
        for _ in range(9):
            out.part().eos().footer()
        text = self.script(self.write('main', out.finish()))
        self.assertIn('PART x 10', text)

    def test_windows_of_any_size(self):
        data = stream.plain('m', len(IMAGE), IMAGE)
        whole = analysis.analyze(source.Source.of_bytes(data)).to_json()
        self.addCleanup(setattr, source, 'WINDOW', source.WINDOW)
        for size in (1, 7, 4096, 4100):
            source.WINDOW = size
            self.assertEqual(
                analysis.analyze(source.Source.of_bytes(data)).to_json(),
                whole)

    def test_two_blocks_of_which_one_was_not_asked_for(self):
        out = stream.Stream().preamble().setup([('a', PAGE), ('b', PAGE)])
        out.part().page(0, page(1), 'a').page(0, page(2), 'b')
        out.eos().footer().finish()
        self.script('extract', self.write('main', out), '--ram',
                    'b=' + self.path('ram'))
        self.assertEqual(self.read('ram'), page(2))

    def test_no_such_block(self):
        self.script('extract', PLAIN, '--ram', 'x=' + self.path('ram'),
                    status=1)
        self.assertIn('no RAM block "x"; there are: m', self.err)

    def test_offset(self):
        path = self.write('main', bytes(5000)
                          + stream.plain('m', len(IMAGE), IMAGE))
        self.check_good(path, more=('--offset', '5000'))
        self.script('verify', path, '--offset', '1M', status=1)
        self.assertIn('before the offset 1048576', self.err)

    def test_nested_fields(self):
        description = {'devices': [{
            'name': 'timer', 'instance_id': 0, 'vmsd_name': 'timer',
            'version': 2, 'fields': [
                {'name': 'inner', 'type': 'struct', 'size': 4, 'struct': {
                    'vmsd_name': 'i', 'version': 1, 'fields': [
                        {'name': 'flag', 'type': 'bool', 'size': 1},
                        {'name': 'low', 'type': 'int8', 'size': 1,
                         'array_len': 3}]}},
                {'name': 'x', 'type': 'uint16', 'size': 2, 'index': 0},
                {'name': 'x', 'type': 'uint16', 'size': 2, 'index': 1}],
            'subsections': [{
                'vmsd_name': 'timer/sub', 'version': 1, 'fields': [
                    {'name': 'n', 'type': 'timer', 'size': 8}]}]}]}
        out = stream.Stream().preamble()
        out.full(idstr='timer', section_id=0, version=2)
        out.be('BbbbHH', 1, -1, 2, 3, 4, 65535)
        out.be('B', 5).raw(stream.str8('timer/sub')).be('Iq', 1, -9)
        out.footer(0).eof().vmdesc(json.dumps(description))
        found = self.check_good(out)
        self.assertEqual(found['devices'][0]['fields'], {
            'inner': {'flag': True, 'low': [-1, 2, 3]},
            'x[0]': 4, 'x[1]': 65535, 'timer/sub': {'n': -9}})


class Differences(RecordingCase):
    def path_of(self, name, image):
        return self.write(name, stream.plain('m', len(image), image))

    def test_equal(self):
        out = self.script('diff', self.path_of('a', IMAGE),
                          self.path_of('b', IMAGE))
        self.assertIn('equal: 1 RAM blocks', out)

    def test_one_byte(self):
        other = IMAGE[:PAGE] + b'x' + IMAGE[PAGE + 1:]
        out = self.script('diff', self.path_of('a', IMAGE),
                          self.path_of('b', other), status=1)
        self.assertIn('block "m": 1 pages differ: 0x1000-0x1fff', out)

    def test_another_size_and_another_state(self):
        two = stream.plain('m', PAGE, IMAGE[:PAGE], 'running')
        found = json.loads(self.script(
            'diff', '--json', self.path_of('a', IMAGE),
            self.write('b', two), status=1))
        self.assertIn('has 0x4000 bytes', found['blocks']['m'])
        self.assertEqual(found['devices'], [
            'device "globalstate" 0 differs from byte 3 on'])

    def test_another_block(self):
        out = self.script('diff', self.path_of('a', IMAGE), self.write(
            'b', stream.plain('n', PAGE, IMAGE[:PAGE])), status=1)
        self.assertIn('block "m" is in the first recording only', out)
        self.assertIn('block "n" is in the second recording only', out)

    def test_a_broken_one_is_not_compared(self):
        data = stream.plain('m', len(IMAGE), IMAGE)
        self.script('diff', self.path_of('a', IMAGE),
                    self.write('b', data[:5000]), status=1)
        self.assertIn('cannot be compared', self.err)


class Document(RecordingCase):
    """What the document shows is what is printed."""

    def test_examples(self):
        path = os.path.join(TOP, 'docs', 'user', 'analyze-stream.rst')
        with open(path, encoding='utf-8') as file:
            text = file.read()
        found = re.findall(
            r'(?m)^   \.\./\.\./\.\./scripts/analyze-stream\.py (.*)\n'
            r'\n::\n\n((?:   .*\n|\n)+)', text)
        self.assertEqual(len(found), 2)
        for arguments, shown in found:
            out = self.script(*arguments.split(), folder=STOCK)
            self.assertEqual(re.sub('(?m)^   ', '', shown).strip(),
                             out.strip())

    def test_every_member_is_told(self):
        """Of the JSON."""
        path = os.path.join(TOP, 'docs', 'user', 'analyze-stream.rst')
        with open(path, encoding='utf-8') as file:
            told = set(re.findall('``([a-z-]+)', file.read()))
        self.assertLessEqual(set(STOCK_PLAIN), told)


class Usage(RecordingCase):
    def test_no_such_file(self):
        self.script('verify', self.path('none'), status=1)
        self.assertIn('No such file', self.err)

    def test_a_channel_alone(self):
        self.script(os.path.join(STOCK, 'multifd.channel'), status=1)
        self.assertIn('is a multifd channel', self.err)

    def test_no_arguments(self):
        self.script(status=2)


class Pages(unittest.TestCase):
    def missing(self, nr_pages, *runs):
        seen = Seen()
        for first, count in runs:
            seen.put_run(first, count, 1)
        return list(seen.missing(nr_pages))

    def test_runs_across_chunks(self):
        self.assertEqual(self.missing(1 << 20), [(0, 1 << 20)])
        self.assertEqual(self.missing(200000, (65530, 12), (180000, 1)),
                         [(0, 65530), (65542, 114458), (180001, 19999)])
        self.assertEqual(self.missing(65536, (0, 65536)), [])
        self.assertEqual(self.missing(65537, (0, 65536)), [(65536, 1)])

    def test_a_block_of_any_size_costs_nothing(self):
        self.assertEqual(self.missing(1 << 60, (1 << 50, 1)), [
            (0, 1 << 50), ((1 << 50) + 1, (1 << 60) - (1 << 50) - 1)])


if __name__ == '__main__':
    sys.exit(tap.main())
