# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-visit-MODULE: one function per type that visits its members."""

from .entities import Alternate, Enum, Object
from .gen import builtin_include, file_stem, signature, write_pair
from .names import c_name

_ERRP = 'Error **errp'


def members_head(obj):
    return signature('bool visit_type_%s_members' % obj.c_struct,
                     ['Visitor *v', '%s *obj' % obj.c_struct, _ERRP])


def type_head(name, c_type):
    return signature('bool visit_type_%s' % name,
                     ['Visitor *v', 'const char *name', c_type + 'obj',
                      _ERRP])


def member_visit(member):
    plain = c_name(member.name, False)
    call = 'visit_type_%s(v, "%s", &obj->%s, errp)' % (
        member.type.c_visit, member.name, member.c_name)
    if len(call) > 66:
        call = call.replace('(v, ', '(\n            v, ', 1)
    if not member.optional:
        text = '    if (!%s) {\n        return false;\n    }\n' % call
    else:
        flag = ('&obj->has_' if member.needs_has else '&has_') + plain
        text = '    if (visit_optional(v, "%s", %s) &&\n        !%s) {\n' \
            '        return false;\n    }\n' % (member.name, flag, call)
    return member.cond.wrap(text)


def presence_flags(obj):
    """Whether an optional pointer is there, before the visit."""
    text = ''
    for member in obj.members:
        if member.optional and not member.needs_has:
            text += member.cond.wrap(
                '    bool has_%s = obj->%s != NULL;\n'
                % (c_name(member.name, False), member.c_name))
    return text + '\n' if text else ''


def branch_switch(union):
    tag = union.tag
    text = '    switch (obj->%s) {\n' % tag.c_name
    for branch in union.branches:
        text += branch.cond.wrap(
            '    case %s:\n        return visit_type_%s_members(\n'
            '            v, &obj->u.%s, errp);\n' % (
                tag.type.c_const(branch.name), branch.type.c_struct,
                branch.c_name))
    return text + '    default:\n        return true;\n    }\n'


def members_function(obj):
    text = '\n' + members_head(obj) + '\n{\n' + presence_flags(obj)
    if obj.base:
        text += '    if (!visit_type_%s_members(v, (%s *)obj, errp)) {\n' \
            '        return false;\n    }\n' % (obj.base.c_struct,
                                              obj.base.c_struct)
    for member in obj.members:
        text += member_visit(member)
    text += branch_switch(obj) if obj.meta == 'union' and obj.branches \
        else '    return true;\n'
    return obj.cond.wrap(text + '}\n')


def undo(name):
    return '''\
    if (!ok && visit_is_input(v)) {
        qapi_free_%s(*obj);
        *obj = NULL;
    }
    return ok;
}
''' % name


def object_function(obj):
    name = obj.c_struct
    return obj.cond.wrap('\n' + type_head(name, name + ' **') + '''
{
    bool ok;

    if (!visit_start_struct(v, name, (void **)obj,
                            sizeof(%(n)s), errp)) {
        return false;
    }
    /* Nothing there: the rest of a half-built object that is being freed. */
    ok = !*obj || (visit_type_%(n)s_members(v, *obj, errp) &&
                   visit_check_struct(v, errp));
    visit_end_struct(v, (void **)obj);
''' % {'n': name} + undo(name))


def array_function(array):
    name = array.name
    return array.cond.wrap('\n' + type_head(name, name + ' **') + '''
{
    bool ok = true;
    %(n)s *tail;

    if (!visit_start_list(v, name, (GenericList **)obj, sizeof(%(n)s),
                          errp)) {
        return false;
    }
    for (tail = *obj; tail;
         tail = (%(n)s *)visit_next_list(v, (GenericList *)tail,
                                         sizeof(%(n)s))) {
        if (!visit_type_%(e)s(v, NULL, &tail->value, errp)) {
            ok = false;
            break;
        }
    }
    visit_end_list(v, (void **)obj);
''' % {'n': name, 'e': array.element.c_visit} + undo(name))


def enum_function(enum):
    name = c_name(enum.name)
    return enum.cond.wrap('\n' + type_head(name, name + ' *') + '''
{
    int value = (int)*obj;

    if (!visit_type_enum(v, name, &value, &%(n)s_lookup, errp)) {
        return false;
    }
    *obj = (%(n)s)value;
    return true;
}
''' % {'n': name})


def alternate_branch(branch):
    type_ = branch.type
    text = '    case %s:\n' % type_.qtype
    if isinstance(type_, Object):
        text += '''\
        if (visit_start_struct(v, name, NULL, 0, errp)) {
            ok = visit_type_%s_members(v, &(*obj)->u.%s, errp) &&
                visit_check_struct(v, errp);
            visit_end_struct(v, NULL);
        }
        break;
''' % (type_.c_struct, branch.c_name)
    else:
        text += '        ok = visit_type_%s(v, name, &(*obj)->u.%s, errp);\n' \
            '        break;\n' % (type_.c_visit, branch.c_name)
    return branch.cond.wrap(text)


def alternate_function(alternate):
    name = alternate.c_struct
    return alternate.cond.wrap('\n' + type_head(name, name + ' **') + '''
{
    bool ok = false;

    if (!visit_start_alternate(v, name, (GenericAlternate **)obj,
                               sizeof(%(n)s), errp)) {
        return false;
    }
    switch (*obj ? (*obj)->type : QTYPE_NONE) {
''' % {'n': name} + ''.join(alternate_branch(branch)
                           for branch in alternate.branches) + '''\
    default:
        /* Nothing to free in what an input visit left half-built. */
        ok = visit_is_dealloc(v);
        if (!ok) {
            visit_bad_alternate(v, name, "%s", errp);
        }
        break;
    }
    visit_end_alternate(v, (void **)obj);
''' % alternate.name + undo(name))


def module_visits(schema, module):
    header = source = ''
    for entity in schema.in_module(module, Enum, Object, Alternate):
        if isinstance(entity, Object):
            header += entity.cond.wrap('\n' + members_head(entity) + ';\n')
            source += members_function(entity)
            if entity.implicit:
                continue
        c_type = c_name(entity.name) + \
            (' *' if isinstance(entity, Enum) else ' **')
        header += entity.cond.wrap(type_head(c_name(entity.name), c_type)
                                   + ';\n')
        source += enum_function(entity) if isinstance(entity, Enum) else \
            object_function(entity) if isinstance(entity, Object) else \
            alternate_function(entity)
    for array in schema.all_arrays(module):
        header += array.cond.wrap(type_head(array.name, array.name + ' **')
                                  + ';\n')
        source += array_function(array)
    return header, source


def generate(schema, options):
    for module in schema.modules:
        includes = builtin_include('visit') + options.include('types', module)
        for other in schema.includes[module]:
            includes += options.include('visit', other)
        header, source = module_visits(schema, module)
        write_pair(options, file_stem('visit', module),
                   'Visits of the types of the schema module "%s".'
                   % (module or 'main'), (includes, header),
                   (options.include('visit', module), source))
    if options.builtins:
        header, source = module_visits(schema, None)
        write_pair(options, 'qapi-builtin-visit',
                   'Visits of lists of the built-in types.',
                   ('#include "qapi/visitor.h"\n'
                    + builtin_include('types'), header),
                   (builtin_include('visit'), source))
