# SPDX-License-Identifier: GPL-2.0-or-later
#
# scripts/analyze-stream.py on main channels: each defect in a stream that has
# no other, and what is only told.

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from recordings import (PAGE, STOCK, RecordingCase, page,  # noqa: E402
                        stream)
from wherrytest import tap  # noqa: E402


class Defects(RecordingCase):
    """Each stream has one; its sentence names it."""

    def good(self):
        return stream.Stream().preamble().setup([('m', 2 * PAGE)]).part() \
            .page(0, page(1), 'm').zero(PAGE)

    def finish(self, out, **more):
        return out.eos().footer().finish(**more)

    def test_good_has_none(self):
        self.check_good(self.finish(self.good(), state='running'))

    def test_magic(self):
        self.check_defect('begins with 0x5145564e', stream.Stream().header(
            stream.MAGIC + 1))

    def test_version(self):
        self.check_defect('has version 4', stream.Stream().header(version=4))

    def test_cut_anywhere(self):
        data = bytes(self.finish(self.good(), state='running').data)
        # The description may be missing as a whole.
        for at in list(range(8, 200, 7)) + [len(data) - 60, len(data) - 1]:
            found = self.verify(data[:at])
            self.assertRegex(found['defects'][0]['text'], 'ends at|cut off')
            self.assertFalse(found['complete'])

    def test_footer_of_another(self):
        self.check_defect('footer of the PART section "ram" has id 7; the '
                          'section has 1', self.good().eos().footer(7)
                          .finish())

    def test_footer_missing(self):
        self.check_defect('no footer follows the PART section',
                          self.good().eos().finish())

    def test_no_footers_at_all(self):
        out = stream.Stream().preamble().start().blocks([('m', PAGE)]).eos()
        out.part().zero(0, 'm').eos().end().eos().eof().vmdesc()
        self.check_good(out)

    def test_unknown_type(self):
        self.check_defect('unknown type byte 0x55', self.good().eos()
                          .footer().be('B', 0x55))

    def test_section_that_was_never_introduced(self):
        self.check_defect('section id 9 .* never introduced',
                          self.good().eos().footer().part(9))

    def test_unknown_command(self):
        self.check_defect('unknown command 99', self.finish(
            stream.Stream().preamble().command(99).setup([('m', PAGE)])
            .part().zero(0, 'm')))

    def test_command_of_another_length(self):
        self.check_defect('PING has 3 bytes; it has 4', self.finish(
            stream.Stream().preamble().command(2, b'abc')
            .setup([('m', PAGE)]).part().zero(0, 'm')))

    def test_unknown_subsection(self):
        self.check_defect(
            'unknown sub-section "configuration/x"',
            stream.Stream().header().configuration(
                subsections=[('configuration/x', 1, b'')]))

    def test_ram_version(self):
        self.check_defect('RAM has version 5', stream.Stream().preamble()
                          .start(version=5))

    def test_ram_instance(self):
        self.check_defect('RAM has instance 1', stream.Stream().preamble()
                          .start(instance=1))

    def test_end_of_ram_with_an_offset(self):
        self.check_defect('unknown RAM record 0x1010', self.good()
                          .word(PAGE | stream.EOS))

    def test_flush_with_an_offset(self):
        self.check_defect('unknown RAM record 0x1200', self.good()
                          .word(PAGE | stream.FLUSH))

    def test_subsection_version(self):
        self.check_defect('"configuration/uuid" has version 2', self.finish(
            stream.Stream().header().configuration(
                subsections=[('configuration/uuid', 2, bytes(16))])
            .setup([('m', PAGE)]).part().zero(0, 'm')))

    def test_described_with_another_version(self):
        out = stream.Stream().preamble()
        out.full(idstr='a', section_id=0, version=3).footer(0)
        out.eof().vmdesc(json.dumps({'devices': [
            {'name': 'a', 'instance_id': 0, 'version': 4, 'fields': []}]}))
        self.check_defect('"a" has version 3 and the description says 4',
                          out)

    def test_block_longer_than_the_total(self):
        self.check_defect('block "m" .* 0x2000 bytes, and 0x1000 of the '
                          'total', stream.Stream().preamble().start()
                          .blocks([('m', 2 * PAGE)], PAGE))

    def test_block_twice(self):
        self.check_defect('listed twice', stream.Stream().preamble()
                          .setup([('m', PAGE), ('m', PAGE)]))

    def test_page_of_an_unknown_block(self):
        self.check_defect('page of block "x".* not in the list',
                          stream.Stream().preamble().setup([('m', PAGE)])
                          .part().zero(0, 'x'))

    def test_first_page_without_a_block(self):
        self.check_defect('has no block', stream.Stream().preamble()
                          .setup([('m', PAGE)]).part().zero(0))

    def test_page_behind_the_block(self):
        self.check_defect('page 0x2000 of block "m" is behind its end',
                          self.finish(self.good().zero(2 * PAGE)))

    def test_fill_byte(self):
        self.check_defect('fill byte 0x01', self.finish(
            self.good().zero(PAGE, fill=1)))

    def test_unknown_record(self):
        self.check_defect('unknown RAM record 0x100 at', self.good()
                          .word(0x100))

    def test_pages_that_never_came(self):
        out = stream.Stream().preamble().setup([('m', 9 * PAGE)]).part()
        out.zero(0, 'm').zero(4 * PAGE)
        self.check_defect('7 of 9 pages of block "m" never came: '
                          '0x1000-0x3fff, 0x5000-0x8fff$', self.finish(out))

    def test_difference_before_the_page(self):
        out = stream.Stream().preamble().setup([('m', PAGE)]).part()
        out.record(0, stream.XBZRLE, 'm').be('BH', 1, 0)
        self.check_defect('difference before it has come', self.finish(out))

    def test_difference_that_does_not_fit(self):
        out = self.good().word(stream.XBZRLE | stream.CONTINUE)
        delta = bytes([4095 & 0x7f | 0x80, 4095 >> 7, 2, 1, 1])
        out.be('BH', 1, len(delta)).raw(delta)
        path = self.write('main', self.finish(out))
        self.script('extract', path, '--ram', 'm=' + self.path('ram'),
                    status=1)

    def test_section_that_nobody_describes(self):
        self.check_defect('says nothing of the FULL section "disk"',
                          self.good().eos().footer().end().eos().footer()
                          .full(idstr='disk', section_id=7).raw(bytes(9))
                          .footer(7).eof().vmdesc())

    def described(self, size, name='disk'):
        """A section of 9 bytes, and what is said of it."""
        out = self.good().eos().footer().end().eos().footer()
        out.full(idstr='disk', section_id=7).raw(b'123456789').footer(7)
        return out.eof().vmdesc(json.dumps({'devices': [
            {'name': name, 'instance_id': 0, 'fields': [
                {'name': 'data', 'type': 'buffer', 'size': size}]}
            for name in ['disk'] + [name] * (name != 'disk')]}))

    def test_described(self):
        self.check_good(self.described(9))

    def test_described_too_short(self):
        self.check_defect('no footer follows the FULL section "disk".*'
                          'has 8 bytes by the description',
                          self.described(8))

    def test_described_too_long(self):
        self.check_defect('no footer follows the FULL section "disk".*'
                          'has 10 bytes by the description',
                          self.described(10))

    def test_described_and_not_there(self):
        self.check_defect('device "tape" 0 and the stream has no such',
                          self.described(9, 'tape'))

    def test_subsection_described_and_not_there(self):
        out = stream.Stream().preamble()
        out.full(idstr='a', section_id=0).raw(bytes(8)).footer(0)
        out.eof().vmdesc(json.dumps({'devices': [
            {'name': 'a', 'instance_id': 0, 'fields': [], 'subsections': [
                {'vmsd_name': 'a/', 'fields': []}]}]}))
        self.check_defect('sub-section "a/" of the description is not in',
                          out)

    def test_description_is_not_json(self):
        out = self.good().eos().footer().end().eos().footer().eof()
        self.check_defect('description is not JSON', out.vmdesc('{"a"'))

    def test_description_is_no_object(self):
        out = self.good().eos().footer().end().eos().footer().eof()
        self.check_defect('no JSON object', out.vmdesc('[1]'))

    def test_descriptions_that_mean_nothing(self):
        """What cannot be used as sizes is not; nothing breaks."""
        for nodes in ([1], [{'name': 3}], {'a': 1}, [
                {'name': 'a', 'fields': [{'name': 'x', 'size': -1}]}], [
                    {'name': 'a', 'fields': [{'name': 'x', 'size': '9'}]}], [
                        {'name': 'a', 'fields': 7}]):
            out = self.good().eos().footer().end().eos().footer().eof()
            self.script('verify', self.write('main', out.vmdesc(
                json.dumps({'devices': nodes}))), '--json', status=self.any)

    def test_a_field_of_a_length_that_lies(self):
        out = stream.Stream().header().be('BI', stream.CONFIGURATION,
                                          0xfffffff0).raw(bytes(99))
        self.check_defect('ends at', out)

    class _Any:
        def __eq__(self, other):
            return other in (0, 1)

    any = _Any()


class Notes(RecordingCase):
    """What is no defect, but is told."""

    def check_note(self, text, out):
        found = self.check_good(out)
        self.assertTrue(any(text in note for note in found['notes']), found)

    def start(self):
        return stream.Stream().preamble().setup([('m', PAGE)]).part() \
            .zero(0, 'm').eos().footer()

    def test_no_end(self):
        self.check_note('no END', self.start().eof().vmdesc())

    def test_no_description(self):
        self.check_note('no description', self.start().end().eos().footer()
                        .eof())

    def test_more_bytes(self):
        self.check_note('bytes behind the end', self.start().finish()
                        .raw(b'more'))

    def test_no_configuration(self):
        out = stream.Stream().header().setup([('m', PAGE)]).part()
        self.check_note('no configuration', out.zero(0, 'm').eos().footer()
                        .finish())

    def test_channels_are_not_given(self):
        self.check_note('nobody knows which pages came', os.path.join(
            STOCK, 'multifd.main'))


if __name__ == '__main__':
    sys.exit(tap.main())
