#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the style checks: each rule has a tree that must fail by it.

A check that can not fail is worse than none.  Every case here builds a small
tree which is right but for one thing, and expects that one thing, in the
right file and line, and nothing else.
"""

import importlib.util
import os
import sys
import tempfile
import unittest

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       '..', '..', 'scripts')
sys.path.insert(0, SCRIPTS)
sys.dont_write_bytecode = True

C_HEAD = '/* SPDX-License-Identifier: GPL-2.0-or-later */\n'
PRELUDE = C_HEAD + '#include "qemu/osdep.h"\n'

LAW = '''
.. layers-begin

=====  ==================================================  ===========
Layer  Where                                               May include
=====  ==================================================  ===========
0      ``linux-headers/`` ``config-host.h``                nothing
1      ``util/`` ``include/qemu/`` ``include/qapi/e.h``    0
2      ``qapi/`` ``include/qapi/``                         0-1
3      ``io/`` ``include/io/``                             0-2
4      ``migration/ram/``                                  0-1, 3
8      ``system/``                                         0-4
9      ``tests/``                                          0-8
=====  ==================================================  ===========

.. layers-end
'''


def load(name):
    path = os.path.join(SCRIPTS, name + '.py')
    spec = importlib.util.spec_from_file_location(name.replace('-', '_'),
                                                  path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


layers = load('check-layers')
size = load('check-size')
prototypes = load('check-prototypes')
headers = load('check-headers')
text = load('check-text')
docs = load('check-docs')
surface = load('check-surface')
testlog = load('testlog')


class TreeCase(unittest.TestCase):
    """A case with a tree of its own."""

    base = {}

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix='wherry-style-')
        self.addCleanup(self.folder.cleanup)
        self.root = self.folder.name
        self.write(self.base)

    def write(self, files):
        for path, content in files.items():
            full = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, 'w', encoding='utf-8') as handle:
                handle.write(content)

    def expect(self, report, *wanted):
        """wanted: (rule, "path:line", part of the message)."""
        if isinstance(report, tuple):
            report = report[0]
        found = [(rule, v) for rule in report.rules
                 for v in report.found[rule]]
        self.assertEqual(len(found), len(wanted), found)
        for (rule, violation), (want, where, part) in zip(found, wanted):
            self.assertEqual(rule, want, violation)
            self.assertTrue(violation.startswith(where + ':'), violation)
            self.assertIn(part, violation)


class LayersTest(TreeCase):
    base = {
        'docs/devel/architecture.rst': LAW,
        'include/qemu/osdep.h': C_HEAD,
        'include/qapi/e.h': C_HEAD,
        'include/io/channel.h': C_HEAD + '#include "qapi/e.h"\n',
        'io/channel.c': PRELUDE + '#include "io/channel.h"\n',
    }

    def run_check(self):
        return layers.check(self.root)

    def test_good_tree_passes(self):
        self.write({'util/e.c': PRELUDE + '#include "qapi/e.h"\n'
                    '#include "trace-util.h"\n#include "config-host.h"\n',
                    'io/address.c': PRELUDE + '#include "trace-io.h"\n'
                    '#include "qapi/qapi-types-sockets.h"\n',
                    'io/channel-internal.h':
                    C_HEAD + '#include "io/channel.h"\n',
                    'io/channel.c': PRELUDE + '#include "io/channel.h"\n'
                    '#include "io/channel-internal.h"\n',
                    'tests/lib/peer.h': C_HEAD,
                    'tests/unit/io/test-a.c': PRELUDE +
                    '#include "io/channel.h"\n#include "peer.h"\n'})
        self.expect(self.run_check())

    def test_upward_include_fails(self):
        self.write({'util/low.c': PRELUDE + '#include "io/channel.h"\n'})
        self.expect(self.run_check(),
                    ('upward', 'util/low.c:3', 'layer 1 may include 0'))

    def test_layer_left_out_of_a_list_fails(self):
        self.write({'include/qapi/visitor.h': C_HEAD,
                    'migration/ram/save.c':
                    PRELUDE + '#include "qapi/visitor.h"\n'})
        self.expect(self.run_check(),
                    ('upward', 'migration/ram/save.c:3', 'of layer 2'))

    def test_generated_header_has_its_layer(self):
        self.write({'util/low.c': PRELUDE +
                    '#include "qapi/qapi-types-sockets.h"\n'})
        self.expect(self.run_check(),
                    ('upward', 'util/low.c:3', 'of layer 2'))

    def test_trace_header_belongs_to_its_folder(self):
        self.write({'util/low.c': PRELUDE +
                    '#include "trace-migration-ram.h"\n'})
        self.expect(self.run_check(),
                    ('upward', 'util/low.c:3', 'of layer 4'))

    def test_include_of_a_test_header_fails(self):
        self.write({'tests/lib/peer.h': C_HEAD,
                    'io/low.c': PRELUDE + '#include "tests/lib/peer.h"\n'})
        self.expect(self.run_check(),
                    ('upward', 'io/low.c:3', 'of layer 9'))

    def test_include_in_a_comment_is_none(self):
        self.write({'util/low.c': PRELUDE +
                    '/*\n#include "io/channel.h"\n*/\n'})
        self.expect(self.run_check())

    def test_file_outside_the_table_fails(self):
        self.write({'misc/x.c': PRELUDE})
        self.expect(self.run_check(), ('place', 'misc/x.c:1', 'no folder'))

    def test_private_header_stays_at_home(self):
        self.write({'io/x-internal.h': C_HEAD,
                    'system/main.c': PRELUDE + '#include "io/x-internal.h"\n'})
        self.expect(self.run_check(),
                    ('private', 'system/main.c:3', 'private to io/'))

    def test_missing_header_fails(self):
        self.write({'io/a.c': PRELUDE + '#include "io/nothing.h"\n'})
        self.expect(self.run_check(), ('found', 'io/a.c:3', 'io/nothing.h'))

    def test_cycle_of_headers_fails(self):
        self.write({'include/io/a.h': C_HEAD + '#include "io/b.h"\n',
                    'include/io/b.h': C_HEAD + '#include "io/a.h"\n'})
        self.expect(self.run_check(),
                    ('cycle', 'include/io/a.h:2', 'cycle of 2 files'))

    def test_cycle_through_sources_fails(self):
        self.write({'include/io/a.h': C_HEAD, 'include/io/b.h': C_HEAD,
                    'io/a.c': PRELUDE + '#include "io/b.h"\n',
                    'io/b.c': PRELUDE + '#include "io/a.h"\n'})
        self.expect(self.run_check(),
                    ('cycle', 'io/a.c:3', 'include/io/a.h, include/io/b.h'))

    def test_law_that_allows_upward_is_refused(self):
        self.write({'docs/devel/architecture.rst':
                    LAW.replace('0-1, 3', '0-1, 8')})
        with self.assertRaises(SystemExit), open(os.devnull, 'w') as null:
            saved, sys.stderr = sys.stderr, null
            try:
                self.run_check()
            finally:
                sys.stderr = saved


class SizeTest(TreeCase):
    def run_check(self, exempt=None):
        return size.check(self.root, exempt or {})

    @staticmethod
    def function(lines):
        body = '    step();\n' * (lines - 4)
        return 'static void\nlong_one(void)\n{\n%s}\n' % body

    def test_good_tree_passes(self):
        self.write({'util/a.c': '\n' * 600, 'include/qemu/a.h': '\n' * 300,
                    'util/b.c': self.function(120)})
        self.expect(self.run_check())

    def test_long_source_fails(self):
        self.write({'util/a.c': '\n' * 601})
        self.expect(self.run_check(), ('source', 'util/a.c:1', '601 lines'))

    def test_long_header_fails(self):
        self.write({'include/qemu/a.h': '\n' * 301})
        self.expect(self.run_check(),
                    ('header', 'include/qemu/a.h:1', '301 lines'))

    def test_long_function_fails(self):
        self.write({'util/a.c': '\n\n' + self.function(121)})
        self.expect(self.run_check(),
                    ('function', 'util/a.c:3', 'long_one() has 121 lines'))

    def test_exempt_function_passes(self):
        self.write({'util/a.c': self.function(121)})
        self.expect(self.run_check({'util/a.c:long_one': 'a table'}))

    def test_exemption_that_nobody_needs_fails(self):
        self.write({'util/a.c': self.function(20)})
        self.expect(self.run_check({'util/a.c:long_one': 'a table'}),
                    ('exempt', 'scripts/check-size.py:1', 'needs not be'))

    def test_aims_only_warn(self):
        self.write({'util/a.c': '\n' * 401 + self.function(81)})
        report, warnings = self.run_check()
        self.expect(report)
        self.assertEqual(len(warnings), 2, warnings)


GOOD_HEADER = C_HEAD + '''
#ifndef A_H
#define A_H

#include <stddef.h>

typedef struct A A;
typedef int (*Callback)(void *opaque);

#define A_LIMIT 3

struct A {
    int (*hook)(int value);
};

/**
 * a_new:
 * @name: what it is called
 * @sizes: three sizes in bytes
 * @done: called at the end
 *
 * Makes one.
 */
A *a_new(const char *name, const size_t sizes[3],
         void (*done)(int status)) __attribute__((malloc));

G_DEFINE_AUTOPTR_CLEANUP_FUNC(A, a_free)

/**
 * a_count:
 *
 * Counts them.
 */
static inline int a_count(void)
{
    return 0;
}

#endif
'''


class PrototypesTest(TreeCase):
    def run_check(self, content):
        self.write({'include/qemu/a.h': content})
        return prototypes.check(self.root)

    def test_good_header_passes(self):
        self.expect(self.run_check(GOOD_HEADER))

    def test_prototype_without_comment_fails(self):
        self.expect(self.run_check(GOOD_HEADER.replace(
            '#endif\n', 'void a_free(A *a);\n#endif\n')),
            ('comment', 'include/qemu/a.h:40', 'a_free()'))

    def test_plain_comment_does_not_count(self):
        self.expect(self.run_check(GOOD_HEADER.replace(
            '/**\n * a_count', '/*\n * a_count')),
            ('comment', 'include/qemu/a.h:35', 'a_count()'))

    def test_comment_a_line_away_does_not_count(self):
        self.expect(self.run_check(GOOD_HEADER.replace(
            'them.\n */\n', 'them.\n */\n\n')),
            ('comment', 'include/qemu/a.h:36', 'a_count()'))

    def test_comment_of_another_function_fails(self):
        self.expect(self.run_check(GOOD_HEADER.replace('a_count:', 'b:')),
                    ('name', 'include/qemu/a.h:35', 'a_count:'))

    def test_parameter_left_out_fails(self):
        self.expect(self.run_check(GOOD_HEADER.replace(
            ' * @sizes: three sizes in bytes\n', '')),
            ('param', 'include/qemu/a.h:24', '@sizes'))

    def test_callback_parameter_left_out_fails(self):
        self.expect(self.run_check(GOOD_HEADER.replace('@done', '@end')),
                    ('param', 'include/qemu/a.h:25', '@done'))

    def test_private_headers_are_free(self):
        self.write({'util/a-internal.h': C_HEAD + 'void f(int a);\n'})
        self.expect(prototypes.check(self.root))


class HeadersTest(TreeCase):
    base = {'include/qemu/osdep.h': C_HEAD + '#include <stdint.h>\n'}

    def run_check(self):
        return headers.check(self.root, ['cc'], flags=[])

    def test_good_header_passes(self):
        self.write({'include/io/a.h': '#ifndef A_H\n#define A_H\n'
                    'struct a { uint32_t count; };\n#endif\n'})
        self.expect(self.run_check())

    def test_header_that_needs_another_fails(self):
        self.write({'include/io/a.h': 'hwaddr_of_another first(void);\n'})
        self.expect(self.run_check(),
                    ('alone', 'include/io/a.h:1', 'hwaddr_of_another'))

    def test_header_without_guard_fails(self):
        self.write({'include/io/a.h': 'struct a { int count; };\n'})
        self.expect(self.run_check(),
                    ('alone', 'include/io/a.h:1', 'redefinition'))


class TextTest(TreeCase):
    def run_check(self, path, content):
        self.write({path: content})
        return text.check(self.root)

    def test_good_source_passes(self):
        self.expect(self.run_check('util/a.c', PRELUDE + '''
#include "qemu/cutils.h"

struct pair { int first, second; };
typedef struct pair Pair;
enum { ONE, TWO = 2, THREE };
enum named { FOUR = 4 };
typedef enum { FIVE = 5 } Five;
struct later;
extern int elsewhere;
static const char *const names[] = { "a", "b" };
static const struct pair pairs[] = { { 1, 2 } };
static bool (*const body)(const void *buf, size_t len) = portable;
G_STATIC_ASSERT(sizeof(struct pair) == 8);
static int helper(int a);
int starts(int count, void *(*routine)(void *), void *opaque);

/* printf("in a comment") is no call */
static int helper(int a)
{
    static const int table[] = { 1, 2 };
    const char *shown = "printf(3)";
    int local = 3;

    g_autofree char *s = g_strdup_printf("%s", shown);
    return table[0] + local;
}
'''))

    def test_source_without_licence_fails(self):
        self.expect(self.run_check('util/a.h', '#ifndef A\n#endif\n'),
                    ('spdx', 'util/a.h:1', 'SPDX'))

    def test_script_without_licence_fails(self):
        self.expect(self.run_check('scripts/a.sh', '#!/bin/sh\ntrue\n'),
                    ('spdx', 'scripts/a.sh:2', 'SPDX'))

    def test_tab_fails(self):
        self.expect(self.run_check('util/a.h', C_HEAD + 'int\tf(void);\n'),
                    ('blanks', 'util/a.h:2', 'tab'))

    def test_trailing_blank_fails(self):
        self.expect(self.run_check('README.md', 'one \ntwo\n'),
                    ('blanks', 'README.md:1', 'blanks'))

    def test_missing_newline_fails(self):
        self.expect(self.run_check('README.md', 'one\ntwo'),
                    ('blanks', 'README.md:2', 'newline'))

    def test_unfinished_mark_fails(self):
        self.expect(self.run_check('util/a.h', C_HEAD + '/* TO' 'DO: x */\n'),
                    ('words', 'util/a.h:2', 'TO' 'DO'))

    def test_path_of_one_workplace_fails(self):
        self.expect(self.run_check('README.md', 'see /work' '/main\n'),
                    ('words', 'README.md:1', 'workplace'))
        self.expect(self.run_check('README.md', 'see ../shar' 'ed/x\n'),
                    ('words', 'README.md:1', 'workplace'))

    def test_host_of_a_registry_fails(self):
        self.expect(self.run_check('README.md', 'http://x.debian' '.org/\n'),
                    ('words', 'README.md:1', 'registry'))

    def test_issue_number_fails(self):
        self.expect(self.run_check('README.md', 'as issue' ' 7 says\n'),
                    ('words', 'README.md:1', 'tracker'))

    def test_print_below_system_fails(self):
        for call in ('printf("x")', 'fprintf(stderr, "x")', 'exit(1)',
                     'g_warning("x")', 'abort()', 'error_report("x")'):
            self.expect(self.run_check(
                'io/a.c', PRELUDE + 'void f(void)\n{\n    %s;\n}\n' % call),
                ('prints', 'io/a.c:5', 'below system/'))

    def test_print_in_system_passes(self):
        self.expect(self.run_check(
            'system/main.c',
            PRELUDE + 'void f(void)\n{\n    printf("x");\n}\n'))

    def test_banned_call_fails(self):
        self.expect(self.run_check(
            'system/main.c',
            PRELUDE + 'void f(void)\n{\n    strcpy(a, b);\n}\n'),
            ('calls', 'system/main.c:5', 'strcpy'))

    def test_mutable_state_fails(self):
        for line, name in (('static int count;', 'count'),
                           ('int count = 3;', 'count'),
                           ('static const char *names[] = { "a" };', 'names'),
                           ('static struct pair p;', 'p'),
                           ('static struct { int a; } pool = { 1 };', 'pool'),
                           ('enum { A = 1 } mode;', 'mode'),
                           ('static struct pair *first;', 'first'),
                           ('static bool (*fn)(int) = portable;', 'fn'),
                           ('static QLIST_HEAD(, X) list;', 'list'),
                           ('static __thread int depth;', 'depth')):
            self.expect(self.run_check('memory/a.c', PRELUDE + line + '\n'),
                        ('state', 'memory/a.c:3', '"%s"' % name))

    def test_mutable_state_inside_a_function_fails(self):
        self.expect(self.run_check(
            'memory/a.c',
            PRELUDE + 'int f(void)\n{\n    static int n;\n\n    return n;\n}\n'),
            ('state', 'memory/a.c:5', '"n"'))

    def test_mutable_state_in_system_passes(self):
        self.expect(self.run_check('system/a.c', PRELUDE + 'static int n;\n'))

    def test_osdep_not_first_fails(self):
        self.expect(self.run_check(
            'util/a.c',
            C_HEAD + '#include "qemu/a.h"\n#include "qemu/osdep.h"\n'),
            ('prelude', 'util/a.c:2', 'first'))

    def test_osdep_in_a_header_fails(self):
        self.expect(self.run_check('util/a.h', PRELUDE),
                    ('prelude', 'util/a.h:2', 'header'))


HELP = '''usage: wherry [options]

  -m SIZE           memory of the guest, not -x
  -S                stopped
  -h, --help        this text
'''


class DocsTest(TreeCase):
    base = {
        'docs/man/wherry.1.rst': '``-m SIZE``\n   x\n\n``-S``\n   x\n\n'
                                 '``-h``, ``--help``\n   x ``-q``\n',
        'scripts/completion/wherry.bash':
            "    local options='-m -S -h --help'\n",
        'docs/devel/coverage.rst':
            '``tests/a.c::/iov/short read`` and ``tests/a.c``, ``off``,\n'
            '``tests/b.py::Second.test_two``\n',
        'tests/a.c': 'add("/iov" "/short read", f);\n',
        'tests/b.py': 'class First:\n    def test_one(self):\n        pass\n'
                      'class Second:\n    def test_two(self):\n        pass\n',
        'docs/index.rst': '.. toctree::\n   :maxdepth: 1\n\n   man/wherry.1\n'
                          '   devel/coverage\n\nEnd.\n',
    }

    def run_check(self, path=None, old=None, new=None):
        if path:
            content = self.base[path]
            self.assertIn(old, content)
            self.write({path: content.replace(old, new)})
        return docs.check(self.root, HELP)

    def test_good_tree_passes(self):
        self.expect(self.run_check())

    def test_option_missing_from_the_man_page_fails(self):
        self.expect(self.run_check('docs/man/wherry.1.rst', '``-h``, ', ''),
                    ('man', 'docs/man/wherry.1.rst:1', '-h of --help'))

    def test_option_only_in_the_man_page_fails(self):
        self.expect(self.run_check('docs/man/wherry.1.rst', '``-h``',
                                   '``-h``, ``-z``'),
                    ('man', 'docs/man/wherry.1.rst:7', '-z is not'))

    def test_option_missing_from_the_completion_fails(self):
        self.expect(self.run_check('scripts/completion/wherry.bash',
                                   '-m -S', '-S'),
                    ('completion', 'scripts/completion/wherry.bash:1',
                     '-m of --help'))

    DSA_HELP = ('Usage: wherry-dsa COMMAND\n\nCommands:\n'
                '  list   what there is\n\nOptions:\n  -h, --help\n'
                '  --json   print JSON\n')
    DSA = {
        'docs/man/wherry-dsa.1.rst':
            '**wherry-dsa** **list**\n\n``-h``, ``--help``\n   x\n\n'
            '``--json``\n   x\n',
        'scripts/completion/wherry-dsa.bash':
            "    local commands='list'\n    local options='-h --help'\n"
            "    local list_options='--json'\n",
    }

    def run_dsa(self, path=None, old=None, new=None):
        files = dict(self.DSA)
        if path:
            self.assertIn(old, files[path])
            files[path] = files[path].replace(old, new)
        self.write(files)
        self.write({'docs/index.rst': self.base['docs/index.rst'].replace(
            'man/wherry.1\n', 'man/wherry.1\n   man/wherry-dsa.1\n')})
        return docs.check(self.root, HELP, self.DSA_HELP)

    def test_second_program_passes(self):
        self.expect(self.run_dsa())

    def test_option_missing_from_the_second_man_page_fails(self):
        self.expect(self.run_dsa('docs/man/wherry-dsa.1.rst', '``--json``\n',
                                 'json\n'),
                    ('man', 'docs/man/wherry-dsa.1.rst:1', '--json of --help'))

    def test_option_missing_from_a_commands_completion_fails(self):
        self.expect(self.run_dsa('scripts/completion/wherry-dsa.bash',
                                 '--json', ''),
                    ('completion', 'scripts/completion/wherry-dsa.bash:1',
                     '--json of --help'))

    def test_command_missing_from_the_man_page_fails(self):
        self.expect(self.run_dsa('docs/man/wherry-dsa.1.rst', '**list**',
                                 '*list*'),
                    ('commands', 'docs/man/wherry-dsa.1.rst:1',
                     'list of --help'))

    def test_command_only_in_the_completion_fails(self):
        self.expect(self.run_dsa('scripts/completion/wherry-dsa.bash',
                                 "'list'", "'list fly'"),
                    ('commands', 'scripts/completion/wherry-dsa.bash:1',
                     'fly is not'))

    def test_named_file_that_is_missing_fails(self):
        self.expect(self.run_check('docs/devel/coverage.rst',
                                   '``tests/a.c``', '``tests/no.c``'),
                    ('coverage', 'docs/devel/coverage.rst:1', 'tests/no.c'))

    def test_named_case_that_is_missing_fails(self):
        self.expect(self.run_check('docs/devel/coverage.rst',
                                   'short read', 'short rea'),
                    ('coverage', 'docs/devel/coverage.rst:1',
                     '"/iov/short rea"'))

    def test_named_method_of_another_class_fails(self):
        self.expect(self.run_check('docs/devel/coverage.rst',
                                   'Second.', 'First.'),
                    ('coverage', 'docs/devel/coverage.rst:2',
                     '"First.test_two"'))

    def test_page_outside_the_index_fails(self):
        self.write({'docs/user/lost.rst': 'x\n'})
        self.expect(self.run_check(),
                    ('index', 'docs/user/lost.rst:1', 'no toctree'))

    def test_page_that_is_missing_fails(self):
        self.expect(self.run_check('docs/index.rst', 'devel/coverage\n',
                                   'devel/coverage\n   devel/none\n'),
                    ('index', 'docs/index.rst:1', 'docs/devel/none.rst'))


    SOFT = {
        'util/dsa-soft-options.c':
            'static const DsaSoftOption options_table[] = {\n'
            '    { "size", "1..9", "2",\n      "entries" },\n'
            '    { "slow-us", "0..9", "0", "each" },\n};\n',
        'qapi/migration.json':
            "{ 'struct': 'AccelDsaSoft',\n  'data': { '*size': 'uint32',\n"
            "            '*slow-us': 'uint64' } }\n\n"
            "{ 'struct': 'Other', 'data': { '*more': 'str' } }\n\n",
        'docs/devel/migration/dsa-zero-page-detection.rst':
            '.. soft-options-begin\n\n   * - ``size``\n     - ``1``\n'
            '   * - ``slow-us``\n\n.. soft-options-end\n',
    }

    def run_soft(self, path=None, old=None, new=None):
        files = dict(self.SOFT)
        files['docs/index.rst'] = self.base['docs/index.rst'].replace(
            'devel/coverage\n', 'devel/coverage\n'
            '   devel/migration/dsa-zero-page-detection\n')
        if path:
            self.assertIn(old, files[path])
            files[path] = files[path].replace(old, new)
        self.write(files)
        return docs.check(self.root, HELP)

    def test_same_options_of_the_software_device_pass(self):
        self.expect(self.run_soft())

    def test_option_of_the_software_device_that_the_schema_lacks_fails(self):
        self.expect(self.run_soft('qapi/migration.json',
                                  "'*size': 'uint32',\n", ''),
                    ('soft', 'qapi/migration.json:1',
                     'size of util/dsa-soft-options.c:2'))

    def test_option_of_the_software_device_only_in_the_document_fails(self):
        page = 'docs/devel/migration/dsa-zero-page-detection.rst'
        self.expect(self.run_soft(page, '   * - ``slow-us``',
                                  '   * - ``slow-us``\n   * - ``fast``'),
                    ('soft', page + ':6', 'fast is no option'))

    def test_software_device_without_a_document_fails(self):
        self.write({'util/dsa-soft-options.c': C_HEAD,
                    'qapi/migration.json': ''})
        page = 'docs/devel/migration/dsa-zero-page-detection.rst'
        self.expect(self.run_check(), ('soft', page + ':1', 'is missing'))


class SurfaceTest(TreeCase):
    base = {
        'include/qemu/osdep.h': C_HEAD,
        'include/qemu/auto-fd.h': C_HEAD,
        'include/qemu/dsa.h': C_HEAD + '#include <glib.h>\n'
                              '#include "qapi/error.h"\n',
        'include/qapi/error.h': C_HEAD,
        'include/qemu/hole-map.h': C_HEAD,
        'include/io/channel.h': C_HEAD,
        'linux-headers/linux/idxd.h': C_HEAD,
        'util/dsa-queue.h': C_HEAD + '#include <linux/idxd.h>\n',
        'util/dsa.c': PRELUDE + '#include "qemu/dsa.h"\n'
                      '#include "dsa-queue.h"\n#include "trace.h"\n',
        'util/hole-map.c': PRELUDE + '#include "qemu/hole-map.h"\n',
        'migration/multifd/zero-page.h': C_HEAD,
        'migration/multifd/zero-page-dsa.c':
            PRELUDE + '#include "migration/multifd/zero-page.h"\n',
        'migration/multifd/send.c':
            PRELUDE + '#include "io/channel.h"\n',
    }

    def run_check(self):
        return surface.check(self.root)

    def test_good_tree_passes(self):
        self.expect(self.run_check())

    def test_header_outside_the_surface_fails(self):
        self.write({'util/dsa-batch.c': PRELUDE +
                    '#include "io/channel.h"\n'})
        self.expect(self.run_check(),
                    ('surface', 'util/dsa-batch.c:3', '"io/channel.h"'))

    def test_generated_type_fails(self):
        self.write({'migration/multifd/zero-page-cpu.c': PRELUDE +
                    '#include "qapi/qapi-types-migration.h"\n'})
        self.expect(self.run_check(),
                    ('surface', 'migration/multifd/zero-page-cpu.c:3',
                     'qapi-types-migration.h'))

    def test_other_header_of_the_detectors_folder_fails(self):
        self.write({'migration/multifd/queue.h': C_HEAD,
                    'migration/multifd/zero-page-cpu.c': PRELUDE +
                    '#include "queue.h"\n'})
        self.expect(self.run_check(),
                    ('surface', 'migration/multifd/zero-page-cpu.c:3',
                     '"queue.h"'))

    def test_angle_brackets_hide_nothing(self):
        self.write({'include/qemu/dsa-info.h': C_HEAD +
                    '#include <io/channel.h>\n'})
        self.expect(self.run_check(),
                    ('system', 'include/qemu/dsa-info.h:2',
                     'include/io/channel.h'))

    def test_renamed_files_are_noticed(self):
        os.remove(os.path.join(self.root, 'util/hole-map.c'))
        self.expect(self.run_check(),
                    ('present', 'scripts/check-surface.py:1',
                     'util/hole-map*'))


class TestlogTest(unittest.TestCase):
    """The counts that the gate prints."""

    def count(self, output, result='OK'):
        counts = testlog.Counts()
        bad = testlog.count_test(counts, {
            'name': 'wherry:unit / test', 'stdout': output,
            'result': result})
        return (counts.passed, counts.failed, counts.skipped), bad

    def test_cases_of_a_program_are_counted(self):
        self.assertEqual(self.count('1..3\nok 1 /a\nok 2 /b # SKIP no\n'
                                    '    ok 9 inner\nok 3 /c\n'),
                         ((2, 0, 1), False))

    def test_failed_case_is_counted(self):
        self.assertEqual(self.count('1..2\nok 1 /a\nnot ok 2 /b\n', 'FAIL'),
                         ((1, 1, 0), True))

    def test_crash_after_good_cases_is_a_failure(self):
        self.assertEqual(self.count('1..2\nok 1 /a\n', 'ERROR'),
                         ((1, 1, 0), True))

    def test_plain_program_counts_as_one(self):
        self.assertEqual(self.count('ok then\n'), ((1, 0, 0), False))
        self.assertEqual(self.count('', 'TIMEOUT'), ((0, 1, 0), True))
        self.assertEqual(self.count('1..0 # SKIP no peer\n', 'SKIP'),
                         ((0, 0, 1), False))

    def test_suite_of_a_test_is_known(self):
        self.assertTrue(testlog.is_of({'name': 'wherry:slow+interop / x'},
                                      'interop'))
        self.assertFalse(testlog.is_of({'name': 'wherry:unit / interop'},
                                       'interop'))


class TapResult(unittest.TestResult):
    """Prints one TAP line per case."""

    def __init__(self):
        super().__init__()
        self.number = 0

    def line(self, verdict, test, note=''):
        self.number += 1
        print('%s %d %s%s' % (verdict, self.number, test.id().split('.', 1)[1],
                              note), flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line('ok', test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line('ok', test, ' # SKIP ' + reason)

    def bad(self, test, error):
        self.line('not ok', test)
        for line in self._exc_info_to_string(error, test).splitlines():
            print('# ' + line)

    def addError(self, test, error):
        super().addError(test, error)
        self.bad(test, error)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.bad(test, error)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(
        sys.modules[__name__])
    print('1..%d' % suite.countTestCases())
    result = TapResult()
    suite.run(result)
    return 0 if result.wasSuccessful() else 1


if __name__ == '__main__':
    sys.exit(main())
