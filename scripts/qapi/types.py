# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-types-MODULE: C types, enum tables, functions that free."""

from .entities import Alternate, Enum, Object
from .gen import builtin_include, declare, file_stem, write_pair
from .names import c_name


def enum_declaration(enum):
    text = '\ntypedef enum %s {\n' % c_name(enum.name)
    for value in enum.values:
        text += value.cond.wrap('    %s,\n' % enum.c_const(value.name))
    text += '    %s,\n} %s;\n' % (enum.c_const('_MAX'), c_name(enum.name))
    text += '\nextern const QEnumLookup %s_lookup;\n' % c_name(enum.name)
    text += '\nstatic inline const char *%s_str(%s value)\n' \
        '{\n    return qapi_enum_lookup(&%s_lookup, (int)value);\n}\n' \
        % ((c_name(enum.name),) * 3)
    return enum.cond.wrap(text)


def enum_table(enum):
    name = c_name(enum.name)
    names = ''.join(value.cond.wrap('    [%s] = "%s",\n'
                                    % (enum.c_const(value.name), value.name))
                    for value in enum.values)
    # An array of no elements is no C.
    text = '\nconst QEnumLookup %s_lookup = {\n' \
        '    .array = (const char *const[]) {\n%s    },\n' \
        '    .size = %s,\n};\n' % (
            name, names.replace('    [', '        [') or '        NULL,\n',
            enum.c_const('_MAX'))
    return enum.cond.wrap(text)


def member_field(member):
    text = ''
    if member.needs_has:
        text += '    bool has_%s;\n' % c_name(member.name, False)
    text += '    %s;\n' % declare(member.type.c_type, member.c_name)
    return member.cond.wrap(text)


def struct_fields(obj):
    text = ''
    if obj.base:
        text += '    /* Of %s: */\n' % obj.base.name \
            if not obj.base.implicit else ''
        for member in obj.base.all_members():
            text += member_field(member)
        if not obj.base.implicit:
            text += '    /* Its own: */\n'
    for member in obj.members:
        text += member_field(member)
    return text


def branch_union(entity):
    if not entity.branches:
        return ''
    text = '    union {\n'
    for branch in entity.branches:
        c_type = branch.type.c_struct if isinstance(branch.type, Object) \
            else branch.type.c_type
        text += branch.cond.wrap('        %s;\n'
                                 % declare(c_type, branch.c_name))
    return text + '    } u;\n'


def object_definition(obj):
    text = struct_fields(obj)
    if obj.meta == 'union':
        text += branch_union(obj)
    # A struct of no members is GNU C only, and of size 0.
    text = text or '    char q_dummy_for_empty_struct;\n'
    text = '\nstruct %s {\n%s};\n' % (obj.c_struct, text)
    if obj.base and not obj.base.implicit and obj.base.all_members():
        text += '\nstatic inline %s *\nqapi_%s_base(const %s *obj)\n' \
            '{\n    return (%s *)obj;\n}\n' % (
                obj.base.c_struct, obj.c_struct, obj.c_struct,
                obj.base.c_struct)
    return obj.cond.wrap(text)


def alternate_definition(alternate):
    return alternate.cond.wrap(
        '\nstruct %s {\n    QType type;\n%s};\n'
        % (alternate.c_struct, branch_union(alternate)))


def array_definition(array):
    return array.cond.wrap(
        '\nstruct %s {\n    %s *next;\n    %s;\n};\n'
        % (array.name, array.name, declare(array.element.c_type, 'value')))


def free_declaration(name, cond):
    return cond.wrap('\nvoid qapi_free_%s(%s *obj);\n'
                     'G_DEFINE_AUTOPTR_CLEANUP_FUNC(%s,\n'
                     '                              qapi_free_%s)\n'
                     % ((name,) * 4))


def free_definition(name, cond):
    return cond.wrap('''
void qapi_free_%(n)s(%(n)s *obj)
{
    g_autoptr(Visitor) v = NULL;

    if (!obj) {
        return;
    }
    v = qapi_dealloc_visitor_new();
    visit_type_%(n)s(v, NULL, &obj, NULL);
}
''' % {'n': name})


def embed_order(entities):
    """Structs before the unions and alternates that embed them."""
    result, local = [], set(entities)

    def visit(entity):
        if entity not in local or entity in result:
            return
        for branch in getattr(entity, 'branches', []):
            visit(branch.type)
        result.append(entity)

    for entity in entities:
        visit(entity)
    return result


def module_types(schema, module):
    """(header body, source body) of a module's types."""
    enums = schema.in_module(module, Enum)
    objects = schema.in_module(module, Object, Alternate)
    arrays = schema.all_arrays(module)
    header = '\n'.join(obj.cond.wrap('typedef struct %s %s;\n'
                                     % (obj.c_struct, obj.c_struct))
                       for obj in objects).replace('\n\n', '\n')
    header += ''.join(array.cond.wrap('typedef struct %s %s;\n'
                                      % (array.name, array.name))
                      for array in arrays)
    header += ''.join(enum_declaration(enum) for enum in enums)
    source = ''.join(enum_table(enum) for enum in enums)
    for entity in embed_order(objects):
        header += alternate_definition(entity) \
            if isinstance(entity, Alternate) else object_definition(entity)
        if not getattr(entity, 'implicit', False):
            header += free_declaration(entity.c_struct, entity.cond)
            source += free_definition(entity.c_struct, entity.cond)
    for array in arrays:
        header += array_definition(array)
        header += free_declaration(array.name, array.cond)
        source += free_definition(array.name, array.cond)
    return header, source


_INCLUDES = '#include <stdbool.h>\n#include <stdint.h>\n\n' \
    '#include <glib.h>\n\n'
_RUNTIME = '#include "qapi/dealloc-visitor.h"\n'


def generate(schema, options):
    for module in schema.modules:
        includes = _INCLUDES + builtin_include('types')
        for other in schema.includes[module]:
            includes += options.include('types', other)
        header, source = module_types(schema, module)
        write_pair(options, file_stem('types', module),
                   'Types of the schema module "%s".' % (module or 'main'),
                   (includes, header),
                   (_RUNTIME + options.include('types', module)
                    + options.include('visit', module), source))
    if options.builtins:
        header, source = module_types(schema, None)
        write_pair(options, 'qapi-builtin-types',
                   'Lists of the built-in types.',
                   (_INCLUDES + '#include "qapi/util.h"\n\n'
                    'struct json_object;\n', header),
                   (_RUNTIME + builtin_include('types')
                    + builtin_include('visit'), source))
