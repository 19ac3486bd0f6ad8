# SPDX-License-Identifier: GPL-2.0-or-later
"""Schema text to a list of top-level expressions with their comments.

Follows includes and obeys pragmas.  What an expression may contain is
checked by expr.py.
"""

import os
import re

from .comment import Comment
from .source import Array, Object, QAPIError, SourceInfo

_TOKEN = re.compile(
    r'[ \t]+|(?P<newline>\n)|(?P<comment>#[^\n]*)'
    r"|'(?P<string>[^'\n]*)'|(?P<word>[A-Za-z_]\w*)|(?P<punct>[{}\[\],:])")
_WORDS = {'true': True, 'false': False}


class Pragma:
    """Settings of a schema, made by its pragma directives."""

    LISTS = ('command-name-exceptions', 'command-returns-exceptions',
             'documentation-exceptions', 'member-name-exceptions')

    def __init__(self):
        self.doc_required = False
        self.exceptions = {name: set() for name in self.LISTS}

    def allows(self, which, name):
        return name in self.exceptions[which]

    def obey(self, settings):
        for key, value in settings.items():
            info = settings.info_of(key)
            if key == 'doc-required':
                if not isinstance(value, bool):
                    raise QAPIError(info, "pragma 'doc-required' must be "
                                    "true or false")
                self.doc_required = value
            elif key in self.LISTS:
                if not isinstance(value, list) or not all(
                        isinstance(item, str) for item in value):
                    raise QAPIError(info, "pragma '%s' must be an array of "
                                    "strings" % key)
                self.exceptions[key].update(value)
            else:
                raise QAPIError(info, "unknown pragma '%s'" % key)


class Expr:
    """A top-level definition: its object, its module, its comment."""

    def __init__(self, data, module, comment):
        self.data = data
        self.info = data.info
        self.module = module
        self.comment = comment


class SchemaText:
    """What all files of a schema together say, unchecked."""

    def __init__(self, path):
        self.main = path
        self.root = os.path.dirname(path)
        self.pragma = Pragma()
        self.exprs = []
        self.comments = []
        self.modules = []
        self.includes = {}
        _File(self, SourceInfo(path)).parse()

    def module_of(self, path):
        """Module of a file: its path without suffix; '' for the main one."""
        if path == self.main:
            return ''
        return os.path.splitext(os.path.relpath(path, self.root or '.'))[0]


class _Lexer:
    """A file as tokens: (kind, value, line).

    Kinds are the punctuation marks, string, bool, doc (the lines of a whole
    documentation comment) and end.  Other comments are left out.
    """

    def __init__(self, info, text):
        self.info = info
        self.text = text

    def error(self, line, message):
        return QAPIError(self.info.at(line), message)

    def tokens(self):
        line, at = 1, 0
        while at < len(self.text):
            match = _TOKEN.match(self.text, at)
            if not match:
                raise self.error(line, "string is not closed"
                                 if self.text[at] == "'"
                                 else "stray %r" % self.text[at])
            kind, start = match.lastgroup, line
            at = match.end()
            if kind == 'newline':
                line += 1
            elif kind == 'comment':
                if match.group('comment').startswith('##'):
                    lines, at, line = self.doc_lines(match.start(), line)
                    yield 'doc', lines, start
            elif kind:
                yield self.plain_token(kind, match.group(kind), line)
        yield 'end', None, line

    def doc_lines(self, at, line):
        """The comment's lines without its marks, and what is behind it."""
        first, lines = line, []
        for raw in self.text[at:].split('\n'):
            if not raw.startswith('#'):
                break
            if raw.startswith('##'):
                if raw.rstrip() != '##':
                    raise self.error(line, "junk after '##'")
                if line > first:
                    return lines, at + len(raw), line
            elif raw == '#' or raw.startswith('# '):
                lines.append(raw[2:].rstrip())
            else:
                raise self.error(line, "no blank after '#'")
            at += len(raw) + 1
            line += 1
        raise self.error(first, "documentation comment has no closing '##'")

    def plain_token(self, kind, value, line):
        if kind == 'string':
            odd = re.search(r'[^ -~]|\\', value)
            if odd:
                raise self.error(line, "funny character %r in string"
                                 % odd.group(0))
        elif kind == 'word':
            if value not in _WORDS:
                raise self.error(line, "'%s' is no value; strings stand in "
                                 "single quotes" % value)
            kind, value = 'bool', _WORDS[value]
        elif kind == 'punct':
            kind = value
        return kind, value, line


class _File:
    """One schema file, read into the schema."""

    def __init__(self, schema, info, parents=()):
        self.schema = schema
        self.info = info
        self.parents = parents + (os.path.abspath(info.path),)
        self.module = schema.module_of(info.path)
        self.kind = self.value = self.line = None
        self.tokens = _Lexer(info, self.read()).tokens()
        schema.modules.append(self.module)
        schema.includes[self.module] = []

    def read(self):
        try:
            with open(self.info.path, encoding='utf-8') as handle:
                return handle.read()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, 'strerror', None) or 'it is not UTF-8'
            raise QAPIError(self.info.parent or self.info,
                            "can't read schema file '%s': %s"
                            % (self.info.path, reason)) from error

    # Values

    def error(self, message):
        return QAPIError(self.info.at(self.line), message)

    def advance(self):
        self.kind, self.value, self.line = next(self.tokens)

    def found(self):
        return 'found ' + {
            'end': 'the end of the file', 'string': 'a string',
            'bool': 'a boolean', 'doc': 'a documentation comment',
        }.get(self.kind, "'%s'" % self.kind)

    def parse_value(self):
        if self.kind == '{':
            return self.parse_object()
        if self.kind == '[':
            return self.parse_array()
        if self.kind not in ('string', 'bool'):
            raise self.error("expected '{', '[', a string or a boolean, "
                             + self.found())
        value = self.value
        self.advance()
        return value

    def parse_members(self, result, close, parse_one):
        """What stands between an opening mark and its closing one."""
        self.advance()
        while self.kind != close:
            parse_one(result)
            if self.kind == ',':
                self.advance()
                if self.kind == close:
                    raise self.error("',' before '%s'" % close)
            elif self.kind != close:
                raise self.error("expected ',' or '%s', %s"
                                 % (close, self.found()))
        self.advance()
        return result

    def parse_object(self):
        return self.parse_members(Object(self.info.at(self.line)), '}',
                                  self.parse_pair)

    def parse_pair(self, result):
        if self.kind != 'string':
            raise self.error("expected a key in single quotes, "
                             + self.found())
        key, line = self.value, self.line
        if key in result:
            raise self.error("key '%s' comes twice" % key)
        self.advance()
        if self.kind != ':':
            raise self.error("expected ':' after '%s', %s"
                             % (key, self.found()))
        self.advance()
        result.lines[key] = line
        result[key] = self.parse_value()

    def parse_array(self):
        return self.parse_members(Array(self.info.at(self.line)), ']',
                                  self.parse_element)

    def parse_element(self, result):
        result.lines[len(result)] = self.line
        result.append(self.parse_value())

    # Top level

    def parse(self):
        comment = None
        self.advance()
        while self.kind != 'end':
            if self.kind == 'doc':
                self.no_definition(comment)
                comment = Comment(self.info.at(self.line), self.value)
                self.schema.comments.append((self.module, comment))
                if not comment.symbol:
                    comment = None
                self.advance()
                continue
            if self.kind != '{':
                raise self.error("expected '{' of a definition, "
                                 + self.found())
            data = self.parse_object()
            if 'include' in data or 'pragma' in data:
                self.no_definition(comment)
                self.directive(data)
            else:
                self.schema.exprs.append(Expr(data, self.module, comment))
            comment = None
        self.no_definition(comment)

    @staticmethod
    def no_definition(comment):
        if comment:
            raise QAPIError(comment.info, "documentation of '%s' is not "
                            "followed by its definition" % comment.symbol)

    def directive(self, data):
        key = 'include' if 'include' in data else 'pragma'
        if len(data) != 1:
            other = next(name for name in data if name != key)
            raise QAPIError(data.info_of(other), "%s directive has the "
                            "unknown key '%s'" % (key, other))
        value, info = data[key], data.info_of(key)
        if key == 'pragma':
            if not isinstance(value, dict):
                raise QAPIError(info, "value of 'pragma' must be an object")
            self.schema.pragma.obey(value)
        else:
            if not isinstance(value, str):
                raise QAPIError(info, "value of 'include' must be a string")
            self.include(value, info)

    def include(self, name, info):
        path = os.path.join(os.path.dirname(self.info.path), name)
        if os.path.abspath(path) in self.parents:
            raise QAPIError(info, "'%s' includes itself" % name)
        module = self.schema.module_of(path)
        self.schema.includes[self.module].append(module)
        if module not in self.schema.includes:
            _File(self.schema, SourceInfo(path, 1, info),
                  self.parents).parse()
