#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Puts the DSA library and the hole finder into QEMU's own source tree.

The files qemu-patchset/*.edit, in the order of their names, are one logical
change each; docs/devel/qemu-patchset.rst has their form.  All of them are
carried out in memory before anything is written: a tree that is not known, in
which an anchor is missing or stands twice, or which somebody else has changed
where we do, is left as it was.  A tree that has the changes is left alone.
"""

import argparse
import difflib
import email.utils
import glob
import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
EDITS = os.path.join(HERE, 'qemu-patchset')

# Trees that are known: the start of VERSION, and what new/*.in have filled in.
KNOWN = {
    '10.0': {'RAMBLOCK_H': 'exec/ramblock.h'},
    '10.2': {'RAMBLOCK_H': 'system/ramblock.h'},
}

# Without these it is no QEMU, whatever VERSION says.
LANDMARKS = ('qapi/migration.json', 'migration/multifd.c', 'migration/ram.c',
             'include/qemu/osdep.h', 'util/meson.build')

DIRECTIVE = re.compile(r'(copy|new|edit) (\S+)(?: -> (\S+))?(?: \[(\S+)\])?$')


class Refusal(Exception):
    """Why nothing was done; one sentence for people."""


class Partly(Refusal):
    """There is something of ours in the tree."""


def read(path):
    try:
        with open(path, encoding='utf-8', newline='') as handle:
            return handle.read()
    except UnicodeDecodeError as err:
        raise Refusal('%s is not UTF-8: %s' % (path, err)) from err


class Hunk:
    """Lines to be found, and what they become."""

    def __init__(self, where, anchor):
        self.where = where      # FILE:LINE of the .edit, for messages
        self.anchor = anchor    # text that stands in a line above, or ''
        self.lines = []

    def old(self):
        return [line[1:] for line in self.lines if line[0] != '+']

    def new(self):
        return [line[1:] for line in self.lines if line[0] != '-']

    def adds(self):
        """Else the lines that are left were there before, too."""
        return any(line[0] == '+' for line in self.lines)

    def start(self, text, path):
        """The first line to search."""
        if not self.anchor:
            return 0
        hits = [i for i, line in enumerate(text) if self.anchor in line]
        if len(hits) != 1:
            raise Refusal('%s: "%s" stands %d times in %s, expected once'
                          % (self.where, self.anchor, len(hits), path))
        return hits[0]

    def find(self, block, text, path):
        """Where the lines stand, or -1."""
        start = self.start(text, path)
        hits = [i for i in range(start, len(text) - len(block) + 1)
                if text[i:i + len(block)] == block]
        if len(hits) > 1 and not self.anchor:
            raise Refusal('%s: the lines stand %d times in %s, expected once'
                          % (self.where, len(hits), path))
        return hits[0] if hits else -1

    def apply(self, text, path, undo=False):
        """Returns the changed lines, or those before the change."""
        old, new = self.old(), self.new()
        if undo:
            old, new = new, old
        elif self.adds() and self.find(new, text, path) >= 0:
            raise Partly('%s: %s has some of the changes already'
                         % (self.where, path))
        at = self.find(old, text, path)
        if at < 0:
            raise Refusal('%s: %s does not have the lines to change'
                          % (self.where, path))
        return text[:at] + new + text[at + len(old):]


class Patch:
    """One .edit: a subject, a message, and what it does to which file."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)
        self.subject = ''
        self.message = ''
        self.steps = []         # (verb, source, target, version, hunks)
        self._parse(read(path).split('\n'))

    def _die(self, number, what):
        raise Refusal('%s:%d: %s' % (self.name, number, what))

    def _parse(self, lines):
        message = []
        for number, line in enumerate(lines, 1):
            match = DIRECTIVE.match(line)
            if match:
                verb, source, target, version = match.groups()
                if version and version not in KNOWN:
                    self._die(number, 'QEMU %s is not known' % version)
                self.steps.append((verb, source, target or source, version,
                                   []))
            elif not self.steps:
                if line.startswith('Subject: '):
                    self.subject = line[len('Subject: '):]
                elif not line.startswith('#'):
                    message.append(line)
            else:
                self._hunk_line(number, line)
        self.message = '\n'.join(message).strip()
        if not self.subject or not self.message or not self.steps:
            self._die(1, 'needs a subject, a message and a step')

    def _hunk_line(self, number, line):
        verb, hunks = self.steps[-1][0], self.steps[-1][4]
        if verb != 'edit':
            if line:
                self._die(number, '"%s" has no lines of its own' % verb)
        elif line.startswith('@@'):
            hunks.append(Hunk('%s:%d' % (self.name, number),
                              line[2:].strip()))
        elif not hunks:
            if line:
                self._die(number, 'expected @@')
        elif line[:1] in (' ', '+', '-'):
            hunks[-1].lines.append(line)
        elif line:
            self._die(number, 'a line begins with a blank, + or -')

    def steps_for(self, version):
        return [step for step in self.steps if step[3] in (None, version)]

    def copies(self, source, target):
        """(path here, path there) of a copy step; a pattern may be many."""
        found = sorted(glob.glob(os.path.join(glob.escape(ROOT), source)))
        if not found:
            raise Refusal('%s: nothing here matches %s' % (self.name, source))
        for path in found:
            there = os.path.relpath(path, ROOT)
            if source != target:
                there = (os.path.join(target, os.path.basename(path))
                         if target.endswith('/') else target)
            yield path, there


class Tree:
    """QEMU's files, and what has been made of them in memory."""

    def __init__(self, root):
        self.root = root
        self.version = self._know()
        self.files = {}         # path: content, or None for no such file
        self.original = {}      # the same as it is on the disk

    def _know(self):
        try:
            version = read(os.path.join(self.root, 'VERSION')).strip()
        except OSError as err:
            raise Refusal('%s has no VERSION, so it is no QEMU source tree '
                          '(%s)' % (self.root, err.strerror)) from err
        known = '.'.join(version.split('.')[:2])
        # A micro of 50 and more is no release: 50 development, 90 and up rc.
        if (known not in KNOWN
                or not re.fullmatch(r'\d+\.\d+\.[1-4]?\d', version)):
            raise Refusal('%s is QEMU %s; known are %s' % (
                self.root, version,
                ', '.join('%s.x' % name for name in sorted(KNOWN))))
        for path in (*LANDMARKS, 'include/' + KNOWN[known]['RAMBLOCK_H']):
            if not os.path.exists(os.path.join(self.root, path)):
                raise Refusal('%s calls itself QEMU %s but has no %s'
                              % (self.root, version, path))
        return known

    def get(self, path):
        if path not in self.files:
            full = os.path.join(self.root, path)
            self.files[path] = read(full) if os.path.exists(full) else None
            self.original[path] = self.files[path]
        return self.files[path]

    def add(self, where, path, content):
        """A file that QEMU does not have."""
        if self.get(path) not in (None, content):
            raise Partly('%s: %s is there already and differs from ours'
                         % (where, path))
        self.files[path] = content

    def edit(self, path, hunks, undo=False):
        content = self.get(path)
        if content is None:
            raise Refusal('%s: there is no %s' % (hunks[0].where, path))
        lines = content.split('\n')
        for hunk in reversed(hunks) if undo else hunks:
            lines = hunk.apply(lines, path, undo)
        self.files[path] = '\n'.join(lines)

    def fill_in(self, text):
        for name, value in KNOWN[self.version].items():
            text = text.replace('@%s@' % name, value)
        return text

    def apply(self, patch):
        """Carries a patch out; returns {path: (before, after)}."""
        before = dict(self.files)
        for verb, source, target, _, hunks in patch.steps_for(self.version):
            if verb == 'edit':
                self.edit(target, hunks)
            else:
                for there, content in self.added(patch, verb, source, target):
                    self.add(patch.name, there, content)
        before = {**self.original, **before}
        return {path: (before[path], content)
                for path, content in self.files.items()
                if content != before[path]}

    def added(self, patch, verb, source, target):
        """(path, content) of each file that a step brings along."""
        if verb == 'new':
            yield target, self.fill_in(
                read(os.path.join(EDITS, 'new', source + '.in')))
        else:
            for here, there in patch.copies(source, target):
                yield there, read(here)

    def undo(self, patch):
        """Takes a patch back; refuses when the tree does not have it."""
        for verb, source, target, _, hunks in reversed(
                patch.steps_for(self.version)):
            if verb == 'edit':
                self.edit(target, hunks, undo=True)
                continue
            for there, content in self.added(patch, verb, source, target):
                if self.get(there) != content:
                    raise Refusal('%s: %s is not as we have it'
                                  % (patch.name, there))

    def write(self):
        """Writes what differs, all of it or nothing; returns the paths."""
        paths = sorted(path for path, content in self.files.items()
                       if content != self.original[path])
        staged = []
        try:
            for path in paths:
                full = os.path.realpath(os.path.join(self.root, path))
                os.makedirs(os.path.dirname(full), exist_ok=True)
                staged.append((full + '.qemu-patchset', full))
                with open(staged[-1][0], 'w', encoding='utf-8',
                          newline='') as handle:
                    handle.write(self.files[path])
                if os.path.exists(full):
                    shutil.copymode(full, staged[-1][0])
            for new, full in staged:
                os.replace(new, full)
        finally:
            for new, _ in staged:
                if os.path.exists(new):
                    os.unlink(new)
        return paths


def split(text):
    """Lines as git has them: a form feed ends none."""
    return re.findall(r'[^\n]*\n|[^\n]+', text)


def unified(path, before, after):
    """One file's part of a patch, in git's form."""
    head = ['diff --git a/%s b/%s' % (path, path)]
    if before is None:
        head.append('new file mode 100644')
    lines = difflib.unified_diff(
        split(before or ''), split(after),
        'a/' + path if before is not None else '/dev/null', 'b/' + path)
    text = ''.join(line if line.endswith('\n')
                   else line + '\n\\ No newline at end of file\n'
                   for line in lines)
    return '\n'.join(head) + '\n' + text


def diffstat(changes):
    rows = []
    for path, (before, after) in sorted(changes.items()):
        lines = unified(path, before, after).split('\n@@', 1)[1].split('\n')
        rows.append(' %s | %d +, %d -' % (
            path, sum(line[:1] == '+' for line in lines),
            sum(line[:1] == '-' for line in lines)))
    return '\n'.join(rows)


def format_patch(patch, number, total, changes, author, date):
    body = '\n'.join(unified(path, before, after)
                     .rstrip('\n') for path, (before, after)
                     in sorted(changes.items()))
    return ('From %040d Mon Sep 17 00:00:00 2001\nFrom: %s\nDate: %s\n'
            'Subject: [PATCH %0*d/%d] %s\n\n%s\n---\n%s\n\n%s\n-- \n'
            'qemu-patchset\n' % (
                0, author, date, len(str(total)), number, total,
                patch.subject, patch.message, diffstat(changes), body))


def missing(root, patches):
    """None when all changes can be taken back, else why one cannot."""
    tree = Tree(root)
    try:
        for patch in reversed(patches):
            tree.undo(patch)
    except Refusal as err:
        return err
    return None


def write_series(folder, patches, changes, author):
    if not re.fullmatch(r'[^<>\n]+ <[^<>\s]+>', author):
        raise Refusal('"%s" is no author; write "NAME <MAIL>"' % author)
    when = os.environ.get('SOURCE_DATE_EPOCH')
    if when and not when.isdigit():
        raise Refusal('SOURCE_DATE_EPOCH is "%s", not a number of seconds'
                      % when)
    date = email.utils.formatdate(int(when) if when else None)
    os.makedirs(folder, exist_ok=True)
    if os.listdir(folder):
        raise Refusal('%s is not empty; "git am" would take what is left '
                      'there too' % folder)
    for number, patch in enumerate(patches, 1):
        name = '%04d-%s.patch' % (
            number, re.sub(r'[^A-Za-z0-9]+', '-', patch.subject).strip('-'))
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as handle:
            handle.write(format_patch(patch, number, len(patches),
                                      changes[patch.name], author, date))
        print(os.path.join(folder, name))


def load_patches():
    found = sorted(glob.glob(os.path.join(glob.escape(EDITS), '*.edit')))
    if not found:
        raise Refusal('%s has no *.edit; the tool needs its whole repository'
                      % EDITS)
    return [Patch(path) for path in found]


def list_patches(patches):
    for patch in patches:
        print('%s: %s' % (patch.name, patch.subject))
        for verb, source, target, version, _ in patch.steps:
            if verb == 'copy':
                for _, there in patch.copies(source, target):
                    print('    copy %s' % there)
            else:
                print('    %s %s%s' % (verb, target,
                                       ' [%s]' % version if version else ''))


def run(args):
    patches = load_patches()
    if args.list:
        list_patches(patches)
        return 0
    if not args.source:
        raise Refusal('which tree? give QEMU_SOURCE_DIR')
    tree = Tree(args.source)
    why = missing(args.source, patches)
    if not why:
        if args.series:
            raise Refusal('%s has the changes already; a series needs a fresh '
                          'tree' % args.source)
        print('%s: QEMU %s.x, has the changes' % (args.source, tree.version))
        return 0
    try:
        changes = {patch.name: tree.apply(patch) for patch in patches}
    except Partly as err:
        raise Refusal('%s has a part of the changes, or those of another '
                      'version of this patch set (%s); begin with a fresh '
                      'tree.  The last that is not as here: %s'
                      % (args.source, err, why)) from err
    if args.series:
        write_series(args.series, patches, changes, args.author)
    elif args.check:
        print('%s: QEMU %s.x, can be changed' % (args.source, tree.version))
        return 1
    else:
        for path in tree.write():
            print(path)
    return 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('source', metavar='QEMU_SOURCE_DIR', nargs='?',
                        help='an unpacked QEMU 10.0.x or 10.2.x')
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument('--series', metavar='DIR',
                        help='leave the tree alone and write patches for '
                        '"git am" to DIR')
    parser.add_argument('--author', default='Wherry patch set '
                        '<nobody@localhost>', metavar='"NAME <MAIL>"',
                        help='From: of the series; nobody signs off')
    mode.add_argument('--check', action='store_true',
                        help='write nothing; exit 0: has the changes, 1: can '
                        'be changed, 2: neither')
    mode.add_argument('--list', action='store_true',
                        help='show the changes and the files they touch')
    try:
        return run(parser.parse_args())
    except (Refusal, OSError) as err:
        print('qemu-patchset: %s' % err, file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
