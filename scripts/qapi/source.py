# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things stand in schema files, and errors that say so."""


class SourceInfo:
    """A line of a schema file, and the include that led there."""

    def __init__(self, path, line=1, parent=None):
        self.path = path
        self.line = line
        self.parent = parent

    def at(self, line):
        """The same file, another line."""
        return SourceInfo(self.path, line, self.parent)

    def __str__(self):
        return '%s:%d' % (self.path, self.line)


class QAPIError(Exception):
    """What is wrong with a schema, and where."""

    def __init__(self, info, message):
        super().__init__(message)
        self.info = info
        self.message = message

    def __str__(self):
        lines = []
        parent = self.info.parent
        while parent:
            lines.insert(0, 'In file included from %s:' % parent)
            parent = parent.parent
        lines.append('%s: %s' % (self.info, self.message))
        return '\n'.join(lines)


class Located:
    """Mixin of the parser's containers: on which line each part stands."""

    def __init__(self, info):
        super().__init__()
        self.info = info
        self.lines = {}

    def info_of(self, key):
        """Where this key (or index) stands."""
        return self.info.at(self.lines.get(key, self.info.line))


class Object(Located, dict):
    """{ ... } of a schema."""


class Array(Located, list):
    """[ ... ] of a schema."""
