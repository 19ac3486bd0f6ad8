# SPDX-License-Identifier: GPL-2.0-or-later
"""Documentation comments: what a block says about which member.

A block that begins with "@name:" documents the definition behind it; any
other block is text of the reference between definitions.
"""

import re

from .source import QAPIError

_NAME = r'[A-Za-z_][\w.-]*|[0-9][\w.-]*'
_ENTRY = re.compile(r'@(%s):(?: +(.*))?$' % _NAME)
_TAG = re.compile(r'(Returns|Errors|Since|Features):(?: +(.*))?$')


class Section:
    """A member's description or a tagged part; lines without indentation."""

    def __init__(self, info, first=''):
        self.info = info
        self.lines = [first] if first else []

    def text(self):
        indents = [len(line) - len(line.lstrip())
                   for line in self.lines[1:] if line]
        cut = min(indents, default=0)
        lines = self.lines[:1] + [line[cut:] for line in self.lines[1:]]
        return '\n'.join(lines).strip()


class Comment:
    """A documentation comment, taken apart.

    symbol: the documented name, or None for free text.
    body: paragraphs in front of the members, as a list of sections.
    members, features: name to section.  tags: tag to section.
    details: plain paragraphs behind the first member or tag.
    """

    def __init__(self, info, lines):
        self.info = info
        self.symbol = None
        self.body = Section(info)
        self.details = Section(info)
        self.members, self.features, self.tags = {}, {}, {}
        self._current = self.body
        self._entries = self.members
        self._parse(lines)

    def _parse(self, lines):
        start = 0
        if lines and lines[0].startswith('@'):
            match = re.match(r'@(%s):$' % _NAME, lines[0])
            if not match:
                raise QAPIError(self.info.at(self.info.line + 1),
                                "the first line should be '@NAME:'")
            self.symbol = match.group(1)
            start = 1
        elif not any(lines):
            raise QAPIError(self.info, "documentation comment is empty")
        for number, line in enumerate(lines[start:], start + 1):
            self._line(self.info.at(self.info.line + number), line)
        self._check()

    def _line(self, info, line):
        if not self.symbol:
            if line.startswith('@'):
                raise QAPIError(info, "'%s' in a comment that documents no "
                                "definition" % line.split()[0])
            self.body.lines.append(line)
            return
        entry, tag = _ENTRY.match(line), _TAG.match(line)
        if entry:
            self._begin(info, self._entries, entry, "'@%s'")
        elif tag and tag.group(1) == 'Features':
            if tag.group(2) or self._entries is self.features:
                raise QAPIError(info, "'Features:' stands alone, and once")
            self._entries = self.features
            self._current = None
        elif tag:
            self._begin(info, self.tags, tag, "'%s:'")
        elif re.match(r'@[\w-]+(:\S|$)', line):
            raise QAPIError(info, "'%s' lacks a ':' and a blank behind it"
                            % line.split()[0])
        elif line and not line.startswith(' '):
            if self._current is None:
                raise QAPIError(info, "expected a feature's '@NAME:'")
            if self._current is not self.body:
                if self._current.lines and self._current.lines[-1]:
                    raise QAPIError(info, "a description that goes on must "
                                    "be indented")
                self._current = self.details
                self.details.lines.append('')
            self._current.lines.append(line)
        elif self._current is not None:
            self._current.lines.append(line)

    def _begin(self, info, where, match, label):
        name = match.group(1)
        label %= name
        if name in where:
            raise QAPIError(info, "%s is described twice" % label)
        self._current = where[name] = Section(info, match.group(2) or '')

    def _check(self):
        for label, where in (("'@%s'", self.members),
                             ("feature '@%s'", self.features),
                             ("'%s:'", self.tags)):
            for name, section in where.items():
                if not section.text():
                    raise QAPIError(section.info,
                                    "%s has no description" % (label % name))
        if self._entries is self.features and not self.features:
            raise QAPIError(self.info, "'Features:' without any feature")

    # Checks against the definition

    def check(self, what, members, features, tags, may_lack=False):
        """Compares with what exists; members and features are name lists."""
        for kind, told, real in (('member', self.members, members),
                                 ('feature', self.features, features)):
            for name, section in told.items():
                if name not in real:
                    raise QAPIError(section.info, "documented %s '%s' does "
                                    "not exist in %s" % (kind, name, what))
            for name in real:
                if name not in told and not may_lack:
                    raise QAPIError(self.info, "%s '%s' of %s is not "
                                    "documented" % (kind, name, what))
        for tag, section in self.tags.items():
            if tag not in tags:
                raise QAPIError(section.info, "'%s:' is not valid for %s"
                                % (tag, what))
