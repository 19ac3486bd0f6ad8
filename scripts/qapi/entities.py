# SPDX-License-Identifier: GPL-2.0-or-later
"""What a schema consists of.  Each entity checks itself once resolved."""

from .names import Condition, c_enum_const, c_name
from .source import QAPIError


class Feature:
    """A mark that clients can ask for, on a definition or a part of it."""

    def __init__(self, name, info, cond):
        self.name = name
        self.info = info
        self.cond = cond


class EnumValue:
    """A value of an enum."""

    def __init__(self, name, info, cond=None):
        self.name = name
        self.info = info
        self.cond = cond or Condition()
        self.features = []


class Member:
    """A member of a struct, or a branch of a union or alternate."""

    def __init__(self, name, info, type_, optional, cond):
        self.name = name
        self.info = info
        self.type = type_
        self.optional = optional
        self.cond = cond
        self.features = []

    @property
    def c_name(self):
        return c_name(self.name)

    @property
    def needs_has(self):
        """An absent pointer is NULL; other types need a flag of their own."""
        return self.optional and self.type.needs_has


def check_clashes(members, what, info=None):
    """No two names that are the same in C; info: where to say so."""
    seen = {}
    for member in members:
        key = c_name(member.name, False).lower()
        if key in seen:
            raise QAPIError(info or member.info,
                            "'%s' of %s collides with '%s' (%s)"
                            % (member.name, what, seen[key].name,
                               seen[key].info))
        seen[key] = member


class Entity:
    """Anything with a name."""

    meta = None
    is_type = False

    def __init__(self, name, info, module):
        self.name = name
        self.info = info
        self.module = module
        self.data = None
        self.comment = None
        self.cond = Condition()
        self.features = []

    @classmethod
    def declare(cls, expr):
        self = cls(expr.name, expr.data.info_of(expr.meta), expr.module)
        self.data = expr.data
        self.comment = expr.comment
        return self

    @property
    def what(self):
        return "%s '%s'" % (self.meta, self.name)

    def info_of(self, key):
        return self.data.info_of(key) if self.data is not None else self.info

    def documented(self):
        """Members that the entity's own comment describes."""
        return []

    def check(self, schema):
        """Raises QAPIError for what is wrong with the resolved entity."""


class Type(Entity):
    """A type; needs_has: whether an optional member needs a flag."""

    is_type = True
    needs_has = True
    qtype = None

    @property
    def c_visit(self):
        """Name of the type in visit_type_..."""
        return c_name(self.name, False)

    @property
    def c_param(self):
        return self.c_type


class Builtin(Type):
    """int, str and the like."""

    meta = 'builtin'

    def __init__(self, name, c_type, qtype, json_type):
        super().__init__(name, None, None)
        self.c_type = c_type
        self.qtype = qtype
        self.json_type = json_type
        self.needs_has = name != 'str'

    @property
    def c_param(self):
        return 'const char *' if self.name == 'str' else self.c_type


class ArrayType(Type):
    """A list of one type; its module is the element's."""

    meta = 'array'
    qtype = 'QTYPE_QLIST'

    def __init__(self, element):
        super().__init__(element.c_visit + 'List', element.info,
                         element.module)
        self.element = element
        self.cond = element.cond

    @property
    def c_type(self):
        return self.name + ' *'


class Enum(Type):
    """An enum."""

    meta = 'enum'
    qtype = 'QTYPE_QSTRING'

    def __init__(self, name, info, module):
        super().__init__(name, info, module)
        self.values = []

    @property
    def c_type(self):
        return c_name(self.name)

    def c_const(self, value):
        return c_enum_const(self.name, value, self.data.get('prefix')
                            if self.data is not None else None)

    def documented(self):
        return self.values

    def check(self, schema):
        check_clashes(self.values, self.what)


class Object(Type):
    """A struct; implicit ones hold inline members of something else."""

    meta = 'struct'
    qtype = 'QTYPE_QDICT'
    needs_has = False

    def __init__(self, name, info, module, members=(), implicit=False):
        super().__init__(name, info, module)
        self.members = list(members)
        self.base = None
        self.implicit = implicit
        self.owner = None

    @property
    def c_struct(self):
        return c_name(self.name)

    @property
    def c_type(self):
        return self.c_struct + ' *'

    @property
    def what(self):
        return self.owner.what if self.owner else super().what

    def documented(self):
        return self.members

    def all_members(self):
        """Members with those of the base, which come first."""
        result = list(self.members)
        seen = {self}
        base = self.base
        while base and base not in seen:
            seen.add(base)
            result = base.members + result
            base = base.base
        return result

    def branch_list(self):
        return []

    def check_base(self):
        """The chain of bases consists of structs and has an end."""
        base, chain = self.base, [self]
        while base:
            if not isinstance(base, Object) or isinstance(base, Union):
                raise QAPIError(self.info_of('base'), "'base' of %s is %s, "
                                "not a struct" % (self.what, base.what))
            if base in chain:
                raise QAPIError(self.info_of('base'),
                                "%s is its own base" % self.what)
            chain.append(base)
            base = base.base

    def check(self, schema):
        self.check_base()
        check_clashes(self.all_members(), self.what)


class Union(Object):
    """A struct whose last part depends on the value of a member."""

    meta = 'union'

    def __init__(self, name, info, module):
        super().__init__(name, info, module)
        self.branches = []
        self.inline_base = False

    def documented(self):
        return self.base.members if self.inline_base else []

    def branch_list(self):
        return self.branches

    @property
    def tag(self):
        """The discriminator's member, or None before check()."""
        name = self.data['discriminator']
        for member in self.all_members():
            if member.name == name:
                return member
        return None

    def check(self, schema):
        super().check(schema)
        self.check_tag()
        for branch in self.branches:
            if branch.name not in [v.name for v in self.tag.type.values]:
                raise QAPIError(branch.info, "branch '%s' of %s is no value "
                                "of enum '%s'" % (branch.name, self.what,
                                                  self.tag.type.name))
            if not isinstance(branch.type, Object):
                raise QAPIError(branch.info, "branch '%s' of %s must be a "
                                "struct or union, not %s"
                                % (branch.name, self.what, branch.type.what))
            self.check_loop(branch)
            branch.type.check_base()
            check_clashes(self.all_members() + branch.type.all_members(),
                          "%s with branch '%s'" % (self.what, branch.name),
                          branch.info)

    def check_tag(self):
        info, tag = self.info_of('discriminator'), self.tag
        name = self.data['discriminator']
        if tag is None:
            raise QAPIError(info, "discriminator '%s' is no member of the "
                            "base of %s" % (name, self.what))
        if not isinstance(tag.type, Enum):
            raise QAPIError(info, "discriminator '%s' of %s must be an enum, "
                            "not %s" % (name, self.what, tag.type.what))
        if tag.optional or tag.cond:
            raise QAPIError(info, "discriminator '%s' of %s must not be "
                            "%s" % (name, self.what, 'optional'
                                    if tag.optional else 'conditional'))

    def check_loop(self, branch):
        """A branch is embedded, so it can't hold the union itself."""
        todo, seen = [branch.type], set()
        while todo:
            type_ = todo.pop()
            if type_ is self:
                raise QAPIError(branch.info, "branch '%s' of %s contains the "
                                "union itself" % (branch.name, self.what))
            if type_ not in seen and isinstance(type_, Object):
                seen.add(type_)
                todo += [b.type for b in type_.branch_list()]


class Alternate(Type):
    """One of several types, told apart by the kind of the JSON value."""

    meta = 'alternate'
    needs_has = False

    def __init__(self, name, info, module):
        super().__init__(name, info, module)
        self.branches = []

    @property
    def c_struct(self):
        return c_name(self.name)

    @property
    def c_type(self):
        return self.c_struct + ' *'

    def documented(self):
        return self.branches

    def check(self, schema):
        check_clashes(self.branches, self.what)
        kinds = {}
        for branch in self.branches:
            qtype = branch.type.qtype
            if qtype is None:
                raise QAPIError(branch.info, "branch '%s' of %s can't be %s"
                                % (branch.name, self.what, branch.type.what))
            if qtype in kinds:
                raise QAPIError(branch.info, "branch '%s' of %s can't be "
                                "told from '%s'" % (branch.name, self.what,
                                                    kinds[qtype]))
            kinds[qtype] = branch.name


class Event(Entity):
    """An event; arg: the type of its data or None."""

    meta = 'event'

    def __init__(self, name, info, module):
        super().__init__(name, info, module)
        self.arg = None
        self.inline_arg = False

    @property
    def boxed(self):
        return bool(self.data.get('boxed'))

    def documented(self):
        return self.arg.members if self.inline_arg else []

    def check(self, schema):
        if self.arg is None:
            return
        info = self.info_of('data')
        if not isinstance(self.arg, Object):
            raise QAPIError(info, "'data' of %s is %s, not a struct"
                            % (self.what, self.arg.what))
        if self.boxed:
            return
        if isinstance(self.arg, Union):
            raise QAPIError(info, "'data' of %s is %s, which needs 'boxed'"
                            % (self.what, self.arg.what))
        for member in self.arg.all_members():
            if member.cond:
                raise QAPIError(member.info, "member '%s' of %s can be "
                                "conditional only with 'boxed'"
                                % (member.name, self.what))


class Command(Event):
    """A command; returns: the type of its result or None."""

    meta = 'command'

    def __init__(self, name, info, module):
        super().__init__(name, info, module)
        self.returns = None

    def flag(self, key):
        """gen and success-response default to true, the others to false."""
        return self.data.get(key, key in ('gen', 'success-response'))

    def check(self, schema):
        super().check(schema)
        type_ = self.returns
        if isinstance(type_, ArrayType):
            type_ = type_.element
        if type_ is None or isinstance(type_, Object):
            return
        if not schema.pragma.allows('command-returns-exceptions', self.name):
            raise QAPIError(self.info_of('returns'), "'returns' of %s must "
                            "be a struct, a union or an array of those, not "
                            "%s" % (self.what, type_.what))
