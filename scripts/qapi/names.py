# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of the schema as C identifiers, and conditions as C preprocessor."""

import re

# Words that cannot be identifiers; unix and linux are macros of GNU C.
_RESERVED = set('''
    auto break case char const continue default do double else enum extern
    float for goto if int long register return short signed sizeof static
    struct switch typedef union unsigned void volatile while inline restrict
    _Alignas _Alignof _Atomic _Bool _Complex _Generic _Imaginary _Noreturn
    _Static_assert _Thread_local asm typeof bool true false errno linux unix
    abort errp assert
'''.split())


def c_name(name, protect=True):
    """The name as an identifier; reserved words get q_ in front."""
    result = re.sub(r'\W', '_', name)
    if protect and (result in _RESERVED or result[:1].isdigit()):
        result = 'q_' + result
    return result


def c_upper(camel):
    """MigrationStatus -> MIGRATION_STATUS, QAPIEvent -> QAPI_EVENT."""
    split = re.sub(r'([A-Z]+)([A-Z][a-z])', r'\1_\2', camel)
    split = re.sub(r'([a-z0-9])([A-Z])', r'\1_\2', split)
    return c_name(split, False).upper()


def c_enum_const(type_name, value, prefix=None):
    head = c_upper(type_name) if prefix is None else prefix
    return head + '_' + c_name(value, False).upper()


class Condition:
    """When a part of the schema exists: the value of an 'if' key."""

    def __init__(self, value=None):
        self.value = value

    def __bool__(self):
        return self.value is not None

    def __eq__(self, other):
        return self.value == other.value

    def c_expr(self):
        """What stands behind #if."""
        return self._c(self.value)

    @classmethod
    def _c(cls, value):
        if isinstance(value, str):
            return 'defined(%s)' % value
        (key, operand), = value.items()
        if key == 'not':
            return '!' + cls._c(operand)
        joint = ' && ' if key == 'all' else ' || '
        return '(%s)' % joint.join(cls._c(item) for item in operand)

    def text(self):
        """For people."""
        return self._text(self.value)

    @classmethod
    def _text(cls, value):
        if isinstance(value, str):
            return value
        (key, operand), = value.items()
        if key == 'not':
            return 'not ' + cls._text(operand)
        joint = ' and ' if key == 'all' else ' or '
        return '(%s)' % joint.join(cls._text(item) for item in operand)

    def wrap(self, text):
        """C text inside #if and #endif, or as it is."""
        if not self or not text:
            return text
        cond = self.c_expr()
        if cond.startswith('(') and cond.endswith(')'):
            cond = cond[1:-1]
        return '#if %s\n%s#endif /* %s */\n' % (cond, text, cond)
