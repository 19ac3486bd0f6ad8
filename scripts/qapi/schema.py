# SPDX-License-Identifier: GPL-2.0-or-later
"""The object model of a schema: types, commands and events, all resolved.

Schema(text) builds it from checked expressions and finds what the form alone
does not show: unknown types, clashes, loops, bad bases and discriminators.
"""

from .entities import (Alternate, ArrayType, Builtin, Command, Enum, EnumValue,
                       Event, Feature, Member, Object, Union)
from .names import Condition, c_name
from .source import Object as Located
from .source import QAPIError

# name: (C type, QType of its JSON, json-type of introspection)
BUILTINS = (
    ('str', 'char *', 'QTYPE_QSTRING', 'string'),
    ('number', 'double', 'QTYPE_QNUM', 'number'),
    ('int', 'int64_t', 'QTYPE_QNUM', 'int'),
    ('int8', 'int8_t', 'QTYPE_QNUM', 'int'),
    ('int16', 'int16_t', 'QTYPE_QNUM', 'int'),
    ('int32', 'int32_t', 'QTYPE_QNUM', 'int'),
    ('int64', 'int64_t', 'QTYPE_QNUM', 'int'),
    ('uint8', 'uint8_t', 'QTYPE_QNUM', 'int'),
    ('uint16', 'uint16_t', 'QTYPE_QNUM', 'int'),
    ('uint32', 'uint32_t', 'QTYPE_QNUM', 'int'),
    ('uint64', 'uint64_t', 'QTYPE_QNUM', 'int'),
    ('size', 'uint64_t', 'QTYPE_QNUM', 'int'),
    ('bool', 'bool', 'QTYPE_QBOOL', 'boolean'),
    ('any', 'struct json_object *', None, 'value'),
    ('null', 'struct json_object *', 'QTYPE_QNULL', 'null'),
)


class Schema:
    """All entities, in the order of the text, with modules and comments."""

    def __init__(self, text):
        self.text = text
        self.modules = text.modules
        self.includes = text.includes
        self.comments = text.comments
        self.pragma = text.pragma
        self.entities = []
        self.types = {}
        self.arrays = {}
        self._names = {}
        for row in BUILTINS:
            self.types[row[0]] = Builtin(*row)
            self.array_of(self.types[row[0]])
        self.empty = Object('q_empty', None, None, [], implicit=True)
        for expr in text.exprs:
            self._declare(expr)
        for entity in list(self.entities):
            getattr(self, '_define_' + entity.meta)(entity)
        # Types first: commands and events look into theirs.
        for entity in sorted(self.entities, key=lambda e: not e.is_type):
            entity.check(self)
        for entity in self.entities:
            self._check_comment(entity)

    # Access

    def in_module(self, module, *kinds):
        """Entities of a module; None is the module of the built-in ones."""
        return [entity for entity in self.entities
                if entity.module == module and isinstance(entity, kinds)]

    def all_arrays(self, module):
        """Array types whose elements are of this module."""
        return [array for array in self.arrays.values()
                if array.element.module == module]

    def array_of(self, element):
        if element.name not in self.arrays:
            self.arrays[element.name] = ArrayType(element)
        return self.arrays[element.name]

    def lookup(self, name, info, what):
        """The type that a type expression means."""
        if isinstance(name, list):
            return self.array_of(self.lookup(name[0], info, what))
        if name not in self.types:
            raise QAPIError(info, "%s uses the unknown type '%s'"
                            % (what, name))
        return self.types[name]

    # Building

    def _declare(self, expr):
        make = {'enum': Enum, 'struct': Object, 'union': Union,
                'alternate': Alternate, 'command': Command,
                'event': Event}[expr.meta]
        entity = make.declare(expr)
        entity.cond = Condition(expr.data.get('if'))
        entity.features = self._features(expr.data)
        key = c_name(entity.name)
        earlier = self._names.get(key)
        if entity.name in [row[0] for row in BUILTINS]:
            raise QAPIError(expr.info, "'%s' is a built-in type"
                            % entity.name)
        if earlier:
            raise QAPIError(expr.data.info_of(entity.meta),
                            "'%s' is already defined at %s"
                            % (entity.name, earlier.info))
        self._names[key] = entity
        self.entities.append(entity)
        if entity.is_type:
            self.types[entity.name] = entity

    def _features(self, data):
        result = []
        for item in data.get('features') or []:
            result.append(Feature(item['name'], item.info,
                                  Condition(item.get('if'))))
        names = set()
        for feature in result:
            if feature.name in names:
                raise QAPIError(feature.info, "feature '%s' comes twice"
                                % feature.name)
            names.add(feature.name)
        return result

    def _members(self, data, what):
        result = []
        for key, value in data.items():
            name = key.lstrip('*')
            label = "member '%s' of %s" % (name, what)
            member = Member(name, data.info_of(key),
                            self.lookup(value['type'], data.info_of(key),
                                        label),
                            key.startswith('*'), Condition(value.get('if')))
            member.features = self._features(value)
            result.append(member)
        return result

    def _branches(self, entity):
        data = entity.data['data']
        return [Member(key, data.info_of(key),
                       self.lookup(value['type'], data.info_of(key),
                                   "branch '%s' of %s" % (key, entity.what)),
                       False, Condition(value.get('if')))
                for key, value in data.items()]

    def _implicit(self, entity, data, suffix):
        """A struct for inline members."""
        name = 'q_obj_%s_%s' % (entity.name, suffix)
        result = Object(name, entity.info, entity.module,
                        self._members(data, entity.what), implicit=True)
        result.cond = entity.cond
        result.owner = entity
        self.entities.insert(self.entities.index(entity), result)
        return result

    def _define_enum(self, entity):
        for value in entity.data['data']:
            item = EnumValue(value['name'], value.info,
                             Condition(value.get('if')))
            item.features = self._features(value)
            entity.values.append(item)

    def _define_struct(self, entity):
        entity.members = self._members(entity.data['data'], entity.what)
        base = entity.data.get('base')
        if base:
            entity.base = self.lookup(base, entity.data.info_of('base'),
                                      entity.what)

    def _define_union(self, entity):
        base = entity.data['base']
        if isinstance(base, Located):
            entity.base = self._implicit(entity, base, 'base')
            entity.inline_base = True
        else:
            entity.base = self.lookup(base, entity.data.info_of('base'),
                                      entity.what)
        entity.branches = self._branches(entity)

    def _define_alternate(self, entity):
        entity.branches = self._branches(entity)

    def _define_command(self, entity):
        self._define_event(entity)
        returns = entity.data.get('returns')
        if returns is not None:
            entity.returns = self.lookup(
                returns, entity.data.info_of('returns'), entity.what)

    def _define_event(self, entity):
        data = entity.data.get('data')
        if isinstance(data, Located):
            if data:
                entity.arg = self._implicit(entity, data, 'arg')
                entity.inline_arg = True
        elif data is not None:
            entity.arg = self.lookup(data, entity.data.info_of('data'),
                                     entity.what)

    # Comments

    def _check_comment(self, entity):
        comment = entity.comment
        if not comment:
            return
        features = [feature.name for feature in entity.features]
        for member in entity.documented():
            features += [feature.name for feature in member.features
                         if feature.name not in features]
        tags = ['Since']
        if entity.meta == 'command':
            tags += ['Errors']
            if entity.returns:
                tags += ['Returns']
        may_lack = self.pragma.allows('documentation-exceptions', entity.name)
        comment.check(entity.what,
                      [member.name for member in entity.documented()],
                      features, tags, may_lack)
