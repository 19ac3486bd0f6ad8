# SPDX-License-Identifier: GPL-2.0-or-later
"""The form of each definition: its keys, their types, the names.

After check_all() every expression has a meta-type and a name, and enum
values, members and features are normalised to objects.  Whether the types
that are named exist is checked by schema.py.
"""

import re

from .names import c_name
from .source import Object, QAPIError

METAS = ('enum', 'struct', 'union', 'alternate', 'command', 'event')
_KEYS = {       # meta-type: (required, optional)
    'enum': (('data',), ('if', 'features', 'prefix')),
    'struct': (('data',), ('base', 'if', 'features')),
    'union': (('base', 'discriminator', 'data'), ('if', 'features')),
    'alternate': (('data',), ('if', 'features')),
    'command': ((), ('data', 'returns', 'boxed', 'gen', 'success-response',
                     'allow-oob', 'if', 'features')),
    'event': ((), ('data', 'boxed', 'if', 'features')),
}
_FLAGS = {'boxed': True, 'allow-oob': True, 'gen': False,
          'success-response': False}
_TYPE = re.compile(r'[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*$')
_LOWER = re.compile(r'(x-)?[a-z][a-z0-9]*(-[a-z0-9]+)*$')
_LAX = re.compile(r'[A-Za-z_][A-Za-z0-9_.-]*$')
_VALUE = re.compile(r'[a-z0-9]+([-.][a-z0-9]+)*$')
_EVENT = re.compile(r'[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$')


class _Checker:
    """Checks one expression; self.what names it in messages."""

    def __init__(self, expr, pragma):
        self.expr = expr
        self.data = expr.data
        self.pragma = pragma
        self.what = 'definition'

    def error(self, info, message):
        return QAPIError(info, message)

    # Names

    def check_name(self, info, kind, name, pattern, rule):
        if not isinstance(name, str):
            raise self.error(info, "%s must be a string" % kind)
        if not pattern.match(name):
            raise self.error(info, "%s '%s' %s" % (kind, name, rule))

    def check_definition_name(self, meta, name, info):
        kind = '%s name' % meta
        if meta == 'event':
            self.check_name(info, kind, name, _EVENT,
                            'should be in UPPER_CASE')
        elif meta == 'command':
            lax = isinstance(name, str) and self.pragma.allows(
                'command-name-exceptions', name)
            self.check_name(info, kind, name, _LAX if lax else _LOWER,
                            "should be lower case words with '-' between")
        else:
            self.check_name(info, kind, name, _TYPE,
                            'should be in CamelCase')
            if name.endswith('List'):
                raise self.error(info, "%s '%s' should not end in 'List'"
                                 % (kind, name))

    def check_member_name(self, info, name):
        lax = self.pragma.allows('member-name-exceptions', self.name)
        self.check_name(info, 'name of member', name,
                        _LAX if lax else _LOWER,
                        "should be lower case words with '-' between")
        c = c_name(name, False)
        if c == 'u' or c.startswith('has_') or c.startswith('q_'):
            raise self.error(info, "name of member '%s' is reserved" % name)

    # Keys

    def check_keys(self, where, what, required, optional):
        for key in where:
            if key not in required and key not in optional:
                raise self.error(where.info_of(key), "%s has the unknown key "
                                 "'%s'; valid are: %s" % (
                                     what, key,
                                     ', '.join(required + optional)))
        for key in required:
            if key not in where:
                raise self.error(where.info, "%s lacks the key '%s'"
                                 % (what, key))

    def check_flags(self):
        for key, only in _FLAGS.items():
            if key in self.data and self.data[key] is not only:
                raise self.error(self.data.info_of(key), "'%s' of %s may "
                                 "only be %s" % (key, self.what,
                                                 str(only).lower()))

    def check_if(self, where, what):
        if 'if' in where:
            self.check_condition(where['if'], where.info_of('if'), what)

    def check_condition(self, value, info, what):
        if isinstance(value, str):
            if not re.match(r'[A-Z][A-Z0-9_]*$', value):
                raise self.error(info, "'if' condition '%s' of %s is no name "
                                 "of a macro" % (value, what))
            return
        if not isinstance(value, dict):
            raise self.error(info, "'if' condition of %s must be a string or "
                             "an object" % what)
        if len(value) != 1 or not set(value) <= {'all', 'any', 'not'}:
            raise self.error(info, "'if' condition of %s must have one key: "
                             "all, any or not" % what)
        (key, operand), = value.items()
        if key == 'not':
            self.check_condition(operand, info, what)
            return
        if not isinstance(operand, list) or not operand:
            raise self.error(info, "'%s' in the 'if' condition of %s must be "
                             "an array with elements" % (key, what))
        for item in operand:
            self.check_condition(item, info, what)

    def check_features(self, where, what):
        features = where.get('features')
        if features is None:
            return
        info = where.info_of('features')
        if not isinstance(features, list):
            raise self.error(info, "'features' of %s must be an array" % what)
        self.normalise_names(features)
        for item in features:
            self.check_keys(item, 'feature of %s' % what, ('name',), ('if',))
            self.check_name(item.info, 'feature', item['name'], _LOWER,
                            "should be lower case words with '-' between")
            self.check_if(item, "feature '%s' of %s" % (item['name'], what))

    def normalise_names(self, items):
        """'x' in an array of names becomes {'name': 'x'}."""
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                items[index] = Object(items.info_of(index))
                items[index]['name'] = item

    # Types

    def check_type(self, value, info, what):
        """A type's name or an array of one."""
        if isinstance(value, list):
            if len(value) != 1 or not isinstance(value[0], str):
                raise self.error(info, "%s: an array type holds one type "
                                 "name" % what)
        elif not isinstance(value, str):
            raise self.error(info, "%s should be a type name" % what)

    def check_type_name(self, value, info, what):
        if not isinstance(value, str):
            raise self.error(info, "%s should be a type name" % what)

    def check_members(self, members, info, what, lax=False):
        """An object of members; lax for branches, whose names are data."""
        if not isinstance(members, dict):
            raise self.error(info, "%s should be an object" % what)
        for key in list(members):
            where = members.info_of(key)
            name = key
            if not lax and key.startswith('*'):
                name = key[1:]
            if lax:
                self.check_name(where, 'branch', name, _VALUE,
                                'should be lower case')
            else:
                self.check_member_name(where, name)
            value = members[key]
            if not isinstance(value, dict):
                members[key] = Object(where)
                members[key]['type'] = value
                value = members[key]
            label = "%s '%s' of %s" % ('branch' if lax else 'member', name,
                                       self.what)
            self.check_keys(value, label, ('type',),
                            ('if',) if lax else ('if', 'features'))
            self.check_type(value['type'], value.info, label)
            self.check_features(value, label)
            self.check_if(value, label)

    def check_data(self, key='data'):
        """Named type or inline members, for commands, events and bases."""
        value, info = self.data.get(key), self.data.info_of(key)
        if value is None:
            return
        if isinstance(value, dict):
            if self.data.get('boxed'):
                raise self.error(info, "'boxed' %s needs a type's name in "
                                 "'data'" % self.what)
            self.check_members(value, info, "'%s' of %s" % (key, self.what))
        else:
            self.check_type_name(value, info, "'%s' of %s"
                                 % (key, self.what))

    # Definitions

    def check(self):
        metas = [meta for meta in METAS if meta in self.data]
        if len(metas) != 1:
            raise self.error(self.data.info, "a definition has one of the "
                             "keys: " + ', '.join(METAS) if not metas else
                             "a definition can't be both %s and %s"
                             % tuple(metas[:2]))
        meta = self.expr.meta = metas[0]
        info = self.data.info_of(meta)
        self.name = self.expr.name = self.data[meta]
        self.check_definition_name(meta, self.name, info)
        self.what = "%s '%s'" % (meta, self.name)
        required, optional = _KEYS[meta]
        self.check_keys(self.data, self.what, (meta,) + required, optional)
        self.check_if(self.data, self.what)
        self.check_flags()
        self.check_features(self.data, self.what)
        getattr(self, 'check_' + meta)()
        self.check_comment()

    def check_comment(self):
        comment = self.expr.comment
        if comment and comment.symbol != self.name:
            raise self.error(comment.info, "documentation of '%s' stands "
                             "before %s" % (comment.symbol, self.what))
        if not comment and self.pragma.doc_required:
            raise self.error(self.data.info, "%s is not documented"
                             % self.what)

    def check_enum(self):
        values, info = self.data['data'], self.data.info_of('data')
        if not isinstance(values, list):
            raise self.error(info, "'data' of %s must be an array"
                             % self.what)
        prefix = self.data.get('prefix')
        if prefix is not None and not (isinstance(prefix, str) and
                                       re.match(r'[A-Z][A-Z0-9_]*$', prefix)):
            raise self.error(self.data.info_of('prefix'), "'prefix' of %s "
                             "should be in UPPER_CASE" % self.what)
        self.normalise_names(values)
        lax = self.pragma.allows('member-name-exceptions', self.name)
        for value in values:
            self.check_keys(value, 'value of %s' % self.what, ('name',),
                            ('if', 'features'))
            self.check_name(value.info, 'enum value', value['name'],
                            _LAX if lax else _VALUE,
                            "should be lower case words with '-' between")
            label = "value '%s' of %s" % (value['name'], self.what)
            self.check_if(value, label)
            self.check_features(value, label)

    def check_struct(self):
        self.check_members(self.data['data'], self.data.info_of('data'),
                           "'data' of %s" % self.what)
        if 'base' in self.data:
            self.check_type_name(self.data['base'],
                                 self.data.info_of('base'),
                                 "'base' of %s" % self.what)

    def check_union(self):
        self.check_data('base')
        if not isinstance(self.data['discriminator'], str):
            raise self.error(self.data.info_of('discriminator'),
                             "'discriminator' of %s should be a member's "
                             "name" % self.what)
        self.check_members(self.data['data'], self.data.info_of('data'),
                           "'data' of %s" % self.what, lax=True)

    def check_alternate(self):
        info = self.data.info_of('data')
        self.check_members(self.data['data'], info,
                           "'data' of %s" % self.what, lax=True)
        if not self.data['data']:
            raise self.error(info, "%s has no branches" % self.what)

    def check_command(self):
        self.check_event()
        if 'returns' in self.data:
            self.check_type(self.data['returns'],
                            self.data.info_of('returns'),
                            "'returns' of %s" % self.what)

    def check_event(self):
        if 'boxed' in self.data and 'data' not in self.data:
            raise self.error(self.data.info_of('boxed'), "'boxed' of %s "
                             "needs 'data'" % self.what)
        self.check_data()


def check_all(text):
    """Checks every expression of a SchemaText."""
    for expr in text.exprs:
        _Checker(expr, text.pragma).check()
