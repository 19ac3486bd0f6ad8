# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-introspect: what query-qmp-schema answers.

One JSON text per entity.  Commands and events come first under their own
names; types follow in the order in which they are met, under numbers, since
their names are no interface.  Only what a command or event reaches appears.
"""

from .entities import Alternate, ArrayType, Builtin, Enum
from .gen import write_pair
from .names import Condition


def quote(text):
    return '"%s"' % text


class Piece:
    """JSON text that exists under a condition."""

    def __init__(self, text, cond=None):
        self.text = text
        self.cond = cond or Condition()


def c_string(text):
    return '    "' + text.replace('\\', '\\\\').replace('"', '\\"') + '"\n'


def array(pieces):
    """[...] as C: conditional elements bring their commas along."""
    text, before = c_string('['), []
    for piece in pieces:
        comma = ''
        if before:
            always = any(not cond for cond in before)
            either = Condition() if always else Condition(
                {'any': [cond.value for cond in before]})
            comma = either.wrap(c_string(','))
        text += piece.cond.wrap(comma + c_string(piece.text))
        before.append(piece.cond)
    return text + c_string(']')


def join_lines(text):
    """Short string literals in a row become one."""
    result = []
    for line in text.split('\n'):
        before = result[-1] if result else ''
        if before.startswith('    "') and before.endswith('"') and \
                line.startswith('    "') and len(before) + len(line) < 80:
            result[-1] = before[:-1] + line.lstrip()[1:]
        else:
            result.append(line)
    return '\n'.join(result)


class Introspection:
    """Collects the entities' texts."""

    def __init__(self, schema):
        self.schema = schema
        self.numbers = {}
        self.todo = []
        self.text = ''
        for entity in schema.entities:
            if entity.meta in ('command', 'event'):
                self.top_level(entity)
        done = 0
        while done < len(self.todo):
            self.type(self.todo[done])
            done += 1

    def use(self, type_):
        """The name of a type in the result; it will be described later."""
        if isinstance(type_, Builtin) and type_.json_type == 'int':
            type_ = self.schema.types['int']
        known = type_ in self.numbers
        if isinstance(type_, ArrayType):
            element = self.use(type_.element)
            name = self.numbers.setdefault(type_, '[%s]' % element)
        elif isinstance(type_, Builtin):
            name = self.numbers.setdefault(type_, type_.name)
        elif known:
            name = self.numbers[type_]
        else:
            number = sum(name.isdigit() for name in self.numbers.values())
            name = self.numbers[type_] = str(number)
        if not known:
            # Arrays of the integer types are all the same to a client.
            if name not in [self.numbers[other] for other in self.todo]:
                self.todo.append(type_)
        return name

    def entity(self, entity, name, meta, parts):
        """parts: list of (key, C text) or (key, str of JSON)."""
        text = c_string('{"name":%s,"meta-type":%s' % (quote(name),
                                                       quote(meta)))
        if getattr(entity, 'features', None):
            parts = list(parts) + [self.features(entity.features)]
        for key, value in parts:
            text += c_string(',%s:' % quote(key))
            text += value if value.startswith('    "') else c_string(value)
        text += c_string('}')
        self.text += entity.cond.wrap(text[:-1] + ',\n')

    @staticmethod
    def features(features):
        return 'features', array([Piece(quote(feature.name), feature.cond)
                                  for feature in features])

    def top_level(self, entity):
        parts = [('arg-type', quote(self.use(entity.arg or
                                             self.schema.empty)))]
        if entity.meta == 'command':
            parts.append(('ret-type', quote(self.use(entity.returns or
                                                     self.schema.empty))))
            if entity.flag('allow-oob'):
                parts.append(('allow-oob', 'true'))
        self.entity(entity, entity.name, entity.meta, parts)

    @staticmethod
    def feature_list(member):
        """Features inside a JSON text, where conditions have no place."""
        names = [quote(feature.name) for feature in member.features]
        return ',"features":[%s]' % ','.join(names) if names else ''

    def member(self, member):
        return Piece('{"name":%s%s,"type":%s%s}' % (
            quote(member.name), ',"default":null' if member.optional else '',
            quote(self.use(member.type)), self.feature_list(member)),
                     member.cond)

    def type(self, type_):
        name = self.numbers[type_]
        if isinstance(type_, Builtin):
            self.entity(type_, name, 'builtin',
                        [('json-type', quote(type_.json_type))])
        elif isinstance(type_, ArrayType):
            self.entity(type_, name, 'array',
                        [('element-type', quote(self.use(type_.element)))])
        elif isinstance(type_, Enum):
            members = [Piece('{"name":%s%s}' % (quote(value.name),
                                                self.feature_list(value)),
                             value.cond) for value in type_.values]
            values = [Piece(quote(value.name), value.cond)
                      for value in type_.values]
            self.entity(type_, name, 'enum', [('members', array(members)),
                                              ('values', array(values))])
        elif isinstance(type_, Alternate):
            members = [Piece('{"type":%s}' % quote(self.use(branch.type)),
                             branch.cond) for branch in type_.branches]
            self.entity(type_, name, 'alternate',
                        [('members', array(members))])
        else:
            self.object(type_, name)

    def object(self, type_, name):
        parts = [('members', array([self.member(member) for member
                                    in type_.all_members()]))]
        if type_.meta == 'union':
            branches = {branch.name: branch for branch in type_.branches}
            pieces = []
            for value in type_.tag.type.values:
                branch = branches.get(value.name)
                target = branch.type if branch else self.schema.empty
                pieces.append(Piece('{"case":%s,"type":%s}' % (
                    quote(value.name), quote(self.use(target))),
                                    branch.cond if branch and branch.cond
                                    else value.cond))
            parts += [('tag', quote(type_.tag.name)),
                      ('variants', array(pieces))]
        self.entity(type_, name, 'object', parts)


def generate(schema, options):
    name = options.symbol('qapi_schema_json')
    write_pair(options, 'qapi-introspect',
               'The schema as query-qmp-schema shows it.',
               ('', '/* A JSON object per entity; ends with NULL. */\n'
                'extern const char *const %s[];\n' % name),
               ('#include "%sqapi-introspect.h"\n' % options.include_dir,
                'const char *const %s[] = {\n%s    NULL,\n};\n'
                % (name, join_lines(Introspection(schema).text))))
