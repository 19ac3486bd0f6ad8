# SPDX-License-Identifier: GPL-2.0-or-later
#
# scripts/qemu-patchset.py on a small tree in place of QEMU's: what it writes,
# and what it refuses.

import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from fnmatch import fnmatch
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, '..', '..', '..'))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))
from wherrytest import tap  # noqa: E402


def load():
    spec = importlib.util.spec_from_file_location(
        'qemu_patchset', os.path.join(ROOT, 'scripts', 'qemu-patchset.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ONE = '''# a comment
Subject: util: one

Adds one.

new util/one.c
edit util/meson.build
@@
+one
 two
edit migration/ram.c [10.0]
@@ second()
     start();
-    stop();
+    halt();
edit migration/ram.c [10.2]
@@
+/* of 10.2 */
 int second(void)
'''
TWO = '''Subject: util: two

Edits what the first has inserted.

copy LICENSE.here -> util/
edit util/meson.build
@@
 one
+one and a half
'''
RAM = '''int first(void)
{
    start();
    stop();
}
int second(void)
{
    second();
    start();
    stop();
}
'''


class PatchsetTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.tool = load()
        self.tool.EDITS = self.path('edits')
        self.tool.ROOT = self.path('here')
        self.write('edits/01-one.edit', ONE)
        self.write('edits/02-two.edit', TWO)
        self.write('edits/new/util/one.c.in', '#include "@RAMBLOCK_H@"\n')
        self.write('here/LICENSE.here', 'text\n')
        self.make_tree('10.0.13')

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), 'w', encoding='utf-8', newline='') as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding='utf-8', newline='') as file:
            return file.read()

    def make_tree(self, version):
        shutil.rmtree(self.path('qemu'), True)
        for name in self.tool.LANDMARKS:
            self.write('qemu/' + name, '')
        for header in ('exec/ramblock.h', 'system/ramblock.h'):
            self.write('qemu/include/' + header, '')
        self.write('qemu/VERSION', version + '\n')
        self.write('qemu/util/meson.build', 'zero\ntwo\n')
        self.write('qemu/migration/ram.c', RAM)

    def run_tool(self, *args):
        """(exit status, stdout, stderr)"""
        out, err = io.StringIO(), io.StringIO()
        saved = sys.argv
        sys.argv = ['qemu-patchset.py', *args]
        try:
            with redirect_stdout(out), redirect_stderr(err):
                status = self.tool.main()
        finally:
            sys.argv = saved
        return status, out.getvalue(), err.getvalue()

    def snapshot(self):
        found = {}
        for folder, _, names in os.walk(self.path('qemu')):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, encoding='utf-8', newline='') as file:
                    found[os.path.relpath(path, self.path('qemu'))] = \
                        file.read()
        return found

    def refused(self, *words):
        before = self.snapshot()
        status, _, err = self.run_tool(self.path('qemu'))
        self.assertEqual(status, 2)
        for word in words:
            self.assertIn(word, err)
        self.assertEqual(self.snapshot(), before, 'something was written')

    def test_applies(self):
        self.assertEqual(self.run_tool(self.path('qemu'))[0], 0)
        self.assertEqual(self.read('qemu/util/meson.build'),
                         'zero\none\none and a half\ntwo\n')
        self.assertEqual(self.read('qemu/util/one.c'),
                         '#include "exec/ramblock.h"\n')
        self.assertEqual(self.read('qemu/util/LICENSE.here'), 'text\n')
        head, tail = RAM.rsplit('stop', 1)
        self.assertEqual(self.read('qemu/migration/ram.c'),
                         head + 'halt' + tail)

    def test_a_version_of_its_own(self):
        self.make_tree('10.2.2')
        self.assertEqual(self.run_tool(self.path('qemu'))[0], 0)
        self.assertIn('/* of 10.2 */', self.read('qemu/migration/ram.c'))
        self.assertNotIn('halt', self.read('qemu/migration/ram.c'))
        self.assertIn('system/ramblock.h', self.read('qemu/util/one.c'))

    def test_twice_is_once(self):
        self.run_tool(self.path('qemu'))
        before = self.snapshot()
        status, out, _ = self.run_tool(self.path('qemu'))
        self.assertEqual(status, 0)
        self.assertIn('has the changes', out)
        self.assertEqual(self.snapshot(), before)

    def test_check(self):
        before = self.snapshot()
        self.assertEqual(self.run_tool('--check', self.path('qemu'))[0], 1)
        self.assertEqual(self.snapshot(), before)
        self.run_tool(self.path('qemu'))
        self.assertEqual(self.run_tool('--check', self.path('qemu'))[0], 0)

    def test_refuses_another_version(self):
        self.make_tree('9.2.4')
        self.refused('9.2.4', '10.0.x')

    def test_refuses_what_is_no_tree(self):
        os.unlink(self.path('qemu/VERSION'))
        self.refused('VERSION')

    def test_refuses_without_a_landmark(self):
        os.unlink(self.path('qemu/qapi/migration.json'))
        self.refused('qapi/migration.json')

    def test_refuses_without_the_lines(self):
        self.write('qemu/util/meson.build', 'zero\n')
        self.refused('01-one.edit', 'util/meson.build')

    def test_refuses_lines_that_stand_twice(self):
        self.write('qemu/util/meson.build', 'two\ntwo\n')
        self.refused('2 times')

    def test_refuses_an_anchor_that_stands_twice(self):
        self.write('qemu/migration/ram.c', RAM + RAM)
        self.refused('second()', '2 times')

    def test_refuses_half_a_change(self):
        self.write('qemu/util/meson.build', 'zero\none\ntwo\n')
        self.refused('some of the changes')

    def test_refuses_a_file_that_is_not_ours(self):
        self.write('qemu/util/one.c', 'something else\n')
        self.refused('util/one.c', 'differs')

    def test_refuses_after_somebody_else(self):
        self.run_tool(self.path('qemu'))
        self.write('qemu/util/one.c', 'something else\n')
        self.refused('begin with a fresh tree')

    @unittest.skipUnless(shutil.which('git'), 'no git')
    def test_series_is_the_same(self):
        status, _, err = self.run_tool('--series', self.path('series'),
                                       self.path('qemu'))
        self.assertEqual(status, 0, err)
        names = sorted(os.listdir(self.path('series')))
        self.assertEqual(names, ['0001-util-one.patch', '0002-util-two.patch'])
        for name in names:
            self.assertNotIn('Signed-off-by', self.read('series/' + name))
            subprocess.run(['git', 'apply', self.path('series/' + name)],
                           cwd=self.path('qemu'), check=True)
        self.assertEqual(self.run_tool('--check', self.path('qemu'))[0], 0)

    def git(self, *args):
        return subprocess.run(
            ['git', '-c', 'user.name=x', '-c', 'user.email=x@localhost',
             '-c', 'core.autocrlf=false', *args], cwd=self.path('qemu'),
            check=True, stdout=subprocess.PIPE, encoding='utf-8').stdout

    def git_am(self):
        """Writes a series and applies it with git am."""
        self.git('init', '-q')
        self.git('add', '-A')
        self.git('commit', '-qm', 'stock')
        status, out, err = self.run_tool(
            '--series', self.path('series'), '--author', 'A B <a@b>',
            self.path('qemu'))
        self.assertEqual(status, 0, err)
        self.assertEqual(self.git('status', '--porcelain'), '')
        self.git('am', '-q', *out.split())
        log = self.git('log', '--reverse', '--format=%an <%ae> %at %s')
        shutil.rmtree(self.path('qemu/.git'))
        return log.splitlines()[1:]

    @unittest.skipUnless(shutil.which('git'), 'no git')
    def test_git_am_of_a_series_makes_the_same_tree(self):
        for version in ('10.0.13', '10.2.2'):
            shutil.rmtree(self.path('series'), True)
            self.make_tree(version)
            self.run_tool(self.path('qemu'))
            direct = self.snapshot()
            self.make_tree(version)
            with mock.patch.dict(os.environ, SOURCE_DATE_EPOCH='86400'):
                log = self.git_am()
            self.assertEqual(log, ['A B <a@b> 86400 util: one',
                                   'A B <a@b> 86400 util: two'])
            self.assertEqual(self.snapshot(), direct)

    @unittest.skipUnless(shutil.which('git'), 'no git')
    def test_a_last_line_without_its_end_stays_without(self):
        self.write('qemu/util/meson.build', 'zero\ntwo')
        self.git_am()
        after_am = self.snapshot()
        self.make_tree('10.0.13')
        self.write('qemu/util/meson.build', 'zero\ntwo')
        self.run_tool(self.path('qemu'))
        self.assertEqual(self.read('qemu/util/meson.build'),
                         'zero\none\none and a half\ntwo')
        self.assertEqual(self.snapshot(), after_am)

    def test_a_series_of_a_changed_tree_is_refused(self):
        self.run_tool(self.path('qemu'))
        status, _, err = self.run_tool('--series', self.path('series'),
                                       self.path('qemu'))
        self.assertEqual(status, 2)
        self.assertIn('has the changes already', err)
        self.assertFalse(os.path.exists(self.path('series')))

    def test_any_name_of_the_tree_will_do(self):
        os.symlink('qemu', self.path('link'))
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        self.assertEqual(self.run_tool('link')[0], 0)
        self.assertTrue(os.path.islink('link'))
        for name in ('qemu', 'qemu/', './link/', 'qemu/../qemu',
                     self.path('link')):
            self.assertEqual(self.run_tool('--check', name)[0], 0, name)

    def test_what_others_changed_elsewhere_stays(self):
        self.write('qemu/migration/ram.c', '/* theirs */\n' + RAM)
        self.assertEqual(self.run_tool(self.path('qemu'))[0], 0)
        text = self.read('qemu/migration/ram.c')
        self.assertTrue(text.startswith('/* theirs */\n'))
        self.assertIn('halt', text)
        self.write('qemu/migration/ram.c', text + '/* and more */\n')
        self.assertEqual(self.run_tool('--check', self.path('qemu'))[0], 0)

    def test_files_keep_their_modes(self):
        os.chmod(self.path('qemu/migration/ram.c'), 0o755)
        os.chmod(self.path('qemu/util/meson.build'), 0o600)
        self.assertEqual(self.run_tool(self.path('qemu'))[0], 0)
        for name, mode in (('migration/ram.c', 0o755),
                           ('util/meson.build', 0o600)):
            self.assertEqual(
                os.stat(self.path('qemu/' + name)).st_mode & 0o777, mode)

    def test_only_what_is_written_is_named(self):
        self.write('qemu/util/one.c', '#include "exec/ramblock.h"\n')
        status, out, _ = self.run_tool(self.path('qemu'))
        self.assertEqual(status, 0)
        self.assertEqual(out.split(), ['migration/ram.c', 'util/LICENSE.here',
                                       'util/meson.build'])

    def test_check_of_a_part_is_neither(self):
        self.run_tool(self.path('qemu'))
        for name, text in (('util/LICENSE.here', None),
                           ('util/one.c', 'not ours\n'),
                           ('util/meson.build', 'zero\none\ntwo\n')):
            saved = self.read('qemu/' + name)
            if text is None:
                os.unlink(self.path('qemu/' + name))
            else:
                self.write('qemu/' + name, text)
            before = self.snapshot()
            self.assertEqual(self.run_tool('--check', self.path('qemu'))[0],
                             2, name)
            self.assertEqual(self.snapshot(), before)
            self.write('qemu/' + name, saved)
        self.assertEqual(self.run_tool('--check', self.path('qemu'))[0], 0)

    def test_a_change_below_a_line_is_not_taken_for_one_above(self):
        # first() is changed by hand in the way in which second() is by us
        self.write('qemu/migration/ram.c', RAM.replace('stop', 'halt', 1))
        self.assertEqual(self.run_tool(self.path('qemu'))[0], 0)
        self.assertEqual(self.read('qemu/migration/ram.c'),
                         RAM.replace('stop', 'halt'))

    def test_refuses_lines_that_end_in_a_carriage_return(self):
        self.write('qemu/util/meson.build', 'zero\r\ntwo\r\n')
        self.refused('01-one.edit', 'util/meson.build')

    def test_refuses_a_file_that_is_gone(self):
        os.unlink(self.path('qemu/migration/ram.c'))
        self.tool.LANDMARKS = ()
        self.refused('01-one.edit', 'no migration/ram.c')

    def test_refuses_a_copy_of_nothing(self):
        os.unlink(self.path('here/LICENSE.here'))
        self.refused('02-two.edit', 'LICENSE.here')

    def test_refuses_without_a_tree(self):
        status, _, err = self.run_tool('--check')
        self.assertEqual(status, 2)
        self.assertIn('QEMU_SOURCE_DIR', err)

    def test_refuses_edits_that_cannot_be_read(self):
        start = 'Subject: s\n\nmessage\n\n'
        edit = 'edit util/meson.build\n'
        for text, words in (
                ('message\n\n' + edit, 'needs a subject'),
                ('Subject: s\n\n' + edit, 'a message'),
                (start, 'a step'),
                (start + 'copy LICENSE.here\n+one\n',
                 '03-bad.edit:6: "copy" has no lines'),
                (start + edit + '+one\n', '03-bad.edit:6: expected @@'),
                (start + edit + '@@\n one\ntwo\n',
                 '03-bad.edit:8: a line begins with')):
            self.write('edits/03-bad.edit', text)
            self.refused('03-bad.edit', words)

    def test_list_names_what_is_written(self):
        status, out, _ = self.run_tool('--list')
        self.assertEqual(status, 0)
        self.assertEqual(out, '''\
01-one.edit: util: one
    new util/one.c
    edit util/meson.build
    edit migration/ram.c [10.0]
    edit migration/ram.c [10.2]
02-two.edit: util: two
    copy util/LICENSE.here
    edit util/meson.build
''')

    def test_refuses_what_is_no_release(self):
        for version in ('10.0.50', '10.0.91', '10.2.50', '10.2.92'):
            self.make_tree(version)
            self.refused(version, '10.0.x')

    def test_refuses_a_tree_whose_headers_have_moved(self):
        os.unlink(self.path('qemu/include/exec/ramblock.h'))
        self.refused('include/exec/ramblock.h')

    def test_refuses_what_is_not_utf8(self):
        for name in ('VERSION', 'util/meson.build'):
            self.make_tree('10.0.13')
            with open(self.path('qemu/' + name), 'wb') as file:
                file.write(b'zero\ntwo\xe9\n')
            for args in ((), ('--check',)):
                status, _, err = self.run_tool(*args, self.path('qemu'))
                self.assertEqual(status, 2)
                self.assertIn(name, err)

    def test_refuses_when_there_are_no_edits(self):
        self.tool.EDITS = self.path('nothing')
        self.refused('nothing', '.edit')

    def test_brackets_in_our_own_path_do_no_harm(self):
        os.rename(self.path('edits'), self.path('edits[1]'))
        os.rename(self.path('here'), self.path('here[1]'))
        self.tool.EDITS = self.path('edits[1]')
        self.tool.ROOT = self.path('here[1]')
        self.assertEqual(self.run_tool(self.path('qemu'))[0], 0)
        self.assertEqual(self.read('qemu/util/LICENSE.here'), 'text\n')

    def test_writes_everything_or_nothing(self):
        def failing(path, mode='r', **kwargs):
            if 'w' in mode and 'util/meson.build' in path:
                raise OSError(28, 'No space left on device', path)
            return open(path, mode, **kwargs)

        with mock.patch.object(self.tool, 'open', failing, create=True):
            self.refused('No space left', 'util/meson.build')

    def test_another_link_to_a_file_is_left_alone(self):
        os.link(self.path('qemu/util/meson.build'), self.path('other'))
        self.assertEqual(self.run_tool(self.path('qemu'))[0], 0)
        self.assertEqual(self.read('other'), 'zero\ntwo\n')

    def test_says_what_of_a_changed_tree_differs(self):
        self.run_tool(self.path('qemu'))
        self.write('qemu/util/LICENSE.here', 'older text\n')
        self.refused('02-two.edit', 'util/LICENSE.here', 'another version')

    def test_a_series_needs_an_empty_folder(self):
        self.write('series/0001-old.patch', 'old\n')
        status, _, err = self.run_tool('--series', self.path('series'),
                                       self.path('qemu'))
        self.assertEqual(status, 2)
        self.assertIn('series', err)
        self.assertEqual(os.listdir(self.path('series')), ['0001-old.patch'])

    def test_a_series_needs_an_author_and_a_date(self):
        for author, epoch, word in (('nobody', '1', 'nobody'),
                                    ('A <a@b>', 'soon', 'soon')):
            with mock.patch.dict(os.environ, SOURCE_DATE_EPOCH=epoch):
                status, _, err = self.run_tool(
                    '--series', self.path('series'), '--author', author,
                    self.path('qemu'))
            self.assertEqual(status, 2)
            self.assertIn(word, err)

    @unittest.skipUnless(shutil.which('git'), 'no git')
    def test_a_form_feed_ends_no_line(self):
        self.write('qemu/util/meson.build', 'zero\n\fa\x1cb\n\ntwo\n')
        self.git_am()
        self.assertIn('\fa\x1cb\n\none', self.read('qemu/util/meson.build'))

    def test_one_thing_at_a_time(self):
        for other in ('--check', '--list'):
            with self.assertRaises(SystemExit), redirect_stderr(io.StringIO()):
                self.run_tool('--series', self.path('series'), other,
                              self.path('qemu'))

    def test_refuses_an_edit_for_an_unknown_version(self):
        self.write('edits/03-bad.edit', 'Subject: s\n\nmessage\n\n'
                   'edit util/meson.build [10.3]\n@@\n+x\n two\n')
        self.refused('03-bad.edit:5', '10.3')


class RealEditsTest(unittest.TestCase):
    """scripts/qemu-patchset/ as it is, without a tree of QEMU's."""

    @classmethod
    def setUpClass(cls):
        cls.tool = load()
        cls.patches = cls.tool.load_patches()

    def copied(self, patches=None):
        """{path there: path here}"""
        return {there: os.path.relpath(here, ROOT)
                for patch in patches or self.patches
                for verb, source, target, _, _ in patch.steps
                if verb == 'copy'
                for here, there in patch.copies(source, target)}

    def made(self, patches=None):
        """{path there: name of the template}"""
        return {target: source for patch in patches or self.patches
                for verb, source, target, _, _ in patch.steps
                if verb == 'new'}

    def added_lines(self, name):
        """Lines that stand in QEMU's files of that name in the end."""
        lines = []
        for patch in self.patches:
            for _, _, target, _, hunks in patch.steps:
                if os.path.basename(target) == name:
                    for line in (li for hunk in hunks for li in hunk.lines):
                        if line[0] == '-' and (target, line[1:]) in lines:
                            lines.remove((target, line[1:]))
                        elif line[0] == '+':
                            lines.append((target, line[1:]))
        return lines

    def in_lists(self):
        """Paths of the .c files that the meson.build edits name."""
        found = set()
        for target, line in self.added_lines('meson.build'):
            folder = os.path.dirname(target)
            names = re.findall(r"'([\w/-]+\.c)'", line)
            if folder.startswith('tests'):
                # a key without a number; with one it is a time limit
                names += ['%s.c' % name for name
                          in re.findall(r"'([\w-]+)': (?=\D)", line)]
            found.update(os.path.join(folder, name) for name in names)
        return found

    def sources(self):
        return {path for path in {*self.copied(), *self.made()}
                if path.endswith('.c')}

    @staticmethod
    def text(path):
        with open(os.path.join(ROOT, path), encoding='utf-8') as file:
            return file.read()

    def texts(self):
        templates = os.path.relpath(self.tool.EDITS, ROOT)
        return {**{there: self.text(here)
                   for there, here in self.copied().items()},
                **{there: self.text('%s/new/%s.in' % (templates, source))
                   for there, source in self.made().items()}}

    def test_they_are_read_in_the_order_of_their_numbers(self):
        numbers = [int(patch.name[:2]) for patch in self.patches]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        self.assertGreater(len(numbers), 5)

    def test_every_source_is_in_a_list_of_meson(self):
        self.assertGreater(len(self.sources()), 30)
        self.assertEqual(sorted(self.sources() - self.in_lists()), [])

    def test_every_name_in_a_list_of_meson_is_brought_along(self):
        self.assertEqual(sorted(self.in_lists() - self.sources()), [])

    def test_only_c_files_and_headers_are_copied(self):
        self.assertEqual([path for path in self.copied()
                          if not path.endswith(('.c', '.h'))], [])

    def test_includes_are_there_when_a_patch_needs_them(self):
        surface = re.findall(r"'([\w./-]+\.h)'", re.search(
            r'(?s)\nSURFACE = \((.*?)\)\n',
            self.text('scripts/check-surface.py')).group(1))
        for i, patch in enumerate(self.patches, 1):
            there = {*self.copied(self.patches[:i]),
                     *self.made(self.patches[:i])}
            for path, here in self.copied([patch]).items():
                for name in re.findall(r'(?m)^\s*#\s*include "([^"]+)"',
                                       self.text(here)):
                    near = os.path.join(os.path.dirname(path), name)
                    ours = {os.path.normpath(near), name, 'include/' + name}
                    self.assertTrue(name in surface or ours & there,
                                    '%s: %s includes %s'
                                    % (patch.name, path, name))

    def test_trace_events_are_those_that_are_used(self):
        used = {(os.path.dirname(path), name)
                for path, text in self.texts().items()
                for name in re.findall(r'\btrace_(\w+)\(', text)}
        added = {(os.path.dirname(target), line.split('(')[0])
                 for target, line in self.added_lines('trace-events')
                 if '(' in line and not line.startswith('#')}
        self.assertTrue(used)
        self.assertEqual(added, {
            (folder.replace('/multifd', ''), name) for folder, name in used})

    def test_every_file_brought_along_is_in_maintainers(self):
        patterns = [line[3:] for _, line in self.added_lines('MAINTAINERS')
                    if line.startswith('F: ')]
        brought = {*self.copied(), *self.made()}
        for path in brought:
            self.assertTrue([p for p in patterns if fnmatch(path, p)], path)
        for pattern in patterns:
            self.assertTrue([p for p in brought if fnmatch(p, pattern)],
                            pattern)

    def test_every_template_is_used_and_filled_in(self):
        folder = os.path.join(self.tool.EDITS, 'new')
        names = {os.path.relpath(os.path.join(where, name), folder)
                 for where, _, files in os.walk(folder) for name in files}
        self.assertEqual(names, {source + '.in'
                                 for source in self.made().values()})
        filled = set(*{frozenset(names)
                       for names in self.tool.KNOWN.values()})
        for path in self.made():
            self.assertLessEqual(
                set(re.findall(r'@([A-Z_]+)@', self.texts()[path])), filled,
                path)

    def test_versions_are_known(self):
        for patch in self.patches:
            for _, _, target, version, _ in patch.steps:
                self.assertIn(version, (None, *self.tool.KNOWN),
                              '%s: %s' % (patch.name, target))

    def test_every_edit_changes_something(self):
        for patch in self.patches:
            for verb, _, target, _, hunks in patch.steps:
                self.assertEqual(bool(hunks), verb == 'edit',
                                 '%s: %s' % (patch.name, target))
                for hunk in hunks:
                    self.assertNotEqual(hunk.old(), hunk.new(), hunk.where)
                    self.assertTrue(hunk.old(), hunk.where)

    def test_no_blank_line_inside_a_hunk(self):
        # the tool would leave it out
        for patch in self.patches:
            body = re.split(r'(?m)^edit ', self.tool.read(patch.path))[1:]
            self.assertEqual(re.findall(r'(?m)^[ +-].*\n\n+[ +-].*',
                                        '\n@@'.join(body)), [], patch.name)


if __name__ == '__main__':
    sys.exit(tap.main())
