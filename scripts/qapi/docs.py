# SPDX-License-Identifier: GPL-2.0-or-later
"""The QMP reference as reStructuredText, in the order of the schema."""

import re

from .entities import ArrayType, Builtin, Command, Enum, Event, Union
from .gen import write_file

_TITLES = {'enum': 'Enum', 'struct': 'Object', 'union': 'Object',
           'alternate': 'Alternate', 'command': 'Command', 'event': 'Event'}


def literal(text):
    return '``%s``' % text


def markup(text):
    """@name stands for a literal."""
    return re.sub(r'(?<![\w`])@([A-Za-z][\w-]*)', r'``\1``', text)


def indent(text, by=3):
    return '\n'.join(' ' * by + line if line else ''
                     for line in text.split('\n'))


def type_name(type_):
    if isinstance(type_, ArrayType):
        return 'array of ' + type_name(type_.element)
    if isinstance(type_, Builtin):
        return literal(type_.name)
    return '`%s`_' % type_.name


class Reference:
    """The text, piece by piece."""

    def __init__(self, schema):
        self.schema = schema
        self.by_comment = {id(entity.comment): entity
                           for entity in schema.entities if entity.comment}
        self.parts = []

    def add(self, text):
        if text:
            self.parts.append(text.rstrip() + '\n')

    def render(self):
        title = 'QMP reference'
        self.add('.. SPDX-License-Identifier: GPL-2.0-or-later\n\n%s\n%s\n%s'
                 % ('=' * len(title), title, '=' * len(title)))
        self.add('Made from the schema by ``qapi-gen.py``.')
        for _, comment in self.schema.comments:
            entity = self.by_comment.get(id(comment))
            if entity:
                self.entity(entity, comment)
            else:
                self.free_text(comment)
        return '\n'.join(self.parts)

    def free_text(self, comment):
        lines = []
        for line in comment.body.lines:
            match = re.match(r'(=+) +(.*)$', line)
            if match:
                mark = '=-'[min(len(match.group(1)), 2) - 1]
                line = match.group(2) + '\n' + mark * len(match.group(2))
            lines.append(line)
        self.add(markup('\n'.join(lines).strip()))

    def entity(self, entity, comment):
        title = '%s %s' % (_TITLES[entity.meta], literal(entity.name))
        self.add('.. _%s:\n' % entity.name if not isinstance(entity, Event)
                 else '')
        self.add(title + '\n' + '~' * len(title))
        self.add(markup(comment.body.text()))
        if entity.cond:
            self.add('Present if %s.' % entity.cond.text())
        self.members(entity, comment)
        if isinstance(entity, Union):
            self.branches(entity)
        if isinstance(entity, Event) and entity.arg and \
                not entity.inline_arg:
            self.add(':Arguments: the members of %s'
                     % type_name(entity.arg))
        for name, section in comment.features.items():
            self.add(':Feature %s: %s' % (literal(name),
                                          self.flow(section)))
        self.tags(entity, comment)
        self.add(markup(comment.details.text()))

    @staticmethod
    def flow(section):
        """A description as the body of a field."""
        return indent(markup(section.text())).strip()

    def members(self, entity, comment):
        lines = []
        for member in entity.documented():
            if isinstance(entity, Enum):
                term = literal(member.name)
            else:
                term = '%s: %s' % (literal(member.name),
                                   type_name(member.type))
                if getattr(member, 'optional', False):
                    term += ' (optional)'
            if member.cond:
                term += ' (if %s)' % member.cond.text()
            section = comment.members.get(member.name)
            text = markup(section.text()) if section else 'Not documented.'
            lines.append(term + '\n' + indent(text))
        base = getattr(entity, 'base', None)
        if base and not base.implicit:
            lines.append('The members of %s\n   as well.' % type_name(base))
        if lines:
            label = {'enum': 'Values', 'alternate': 'Branches',
                     'command': 'Arguments', 'event': 'Data'}.get(
                         entity.meta, 'Members')
            self.add(':%s:\n%s' % (label, indent('\n'.join(lines))))

    def branches(self, entity):
        lines = ['- when %s is %s: the members of %s'
                 % (literal(entity.tag.name), literal(branch.name),
                    type_name(branch.type)) for branch in entity.branches]
        if lines:
            self.add(':Branches:\n%s' % indent('\n'.join(lines)))

    def tags(self, entity, comment):
        for tag in ('Returns', 'Errors', 'Since'):
            section = comment.tags.get(tag)
            if section:
                text = self.flow(section)
                if tag == 'Returns' and isinstance(entity, Command):
                    text = '%s -- %s' % (type_name(entity.returns), text)
                # A list has to begin on a line of its own.
                gap = '\n\n   ' if text.startswith('- ') else ' '
                self.add(':%s:%s%s' % (tag, gap, text))
            elif tag == 'Returns' and isinstance(entity, Command) and \
                    entity.returns:
                self.add(':Returns: %s' % type_name(entity.returns))


def generate(schema, options):
    write_file(options.output, 'qmp-reference.rst',
               Reference(schema).render())
