# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-commands-MODULE: handlers' prototypes, marshalling, registration.

A module with a context hands it to its handlers as their first argument, so
that no command needs a global.
"""

from .entities import Command
from .gen import (builtin_include, declare, file_stem, parameters, signature,
                  write_pair)
from .names import c_name


def result_type(command):
    return command.returns.c_type if command.returns else 'void'


def handler_declaration(command, context):
    params = [context + ' *ctx'] if context else []
    params += parameters(command) + ['Error **errp']
    return signature(declare(result_type(command),
                             'qmp_' + c_name(command.name)), params) + ';\n'


def marshal_head(command):
    return signature('bool qmp_marshal_' + c_name(command.name),
                     ['void *ctx', 'struct json_object *args',
                      'struct json_object **ret', 'Error **errp'])


def output_function(type_):
    """Result to JSON; one per type and module."""
    return type_.cond.wrap('''
%s
{
    g_autoptr(Visitor) v = json_output_visitor_new(ret);
    g_autoptr(Visitor) dealloc = qapi_dealloc_visitor_new();
    bool ok = visit_type_%s(v, NULL, &value, errp);

    if (ok) {
        visit_complete(v, ret);
    }
    visit_type_%s(dealloc, NULL, &value, NULL);
    return ok;
}
''' % (signature('static bool qmp_marshal_output_' + type_.c_visit,
                 [declare(type_.c_type, 'value'), 'struct json_object **ret',
                  'Error **errp']), type_.c_visit, type_.c_visit))


def call_arguments(command, context):
    result = ['ctx'] if context else []
    if command.arg is not None:
        if command.boxed:
            result.append('&arg')
        else:
            for member in command.arg.all_members():
                if member.needs_has:
                    result.append('arg.has_' + c_name(member.name, False))
                result.append('arg.' + member.c_name)
    return result + ['&err']


def visit_arguments(command):
    """Statements that check the arguments and fill in arg."""
    members = 'visit_type_%s_members(\n             v, &arg, errp) &&\n' \
        '         ' % command.arg.c_struct if command.arg else ''
    return '''\
    if (!visit_start_struct(v, NULL, NULL, 0, errp)) {
        return false;
    }
    ok = %svisit_check_struct(v, errp);
    visit_end_struct(v, NULL);
''' % members


def marshal_function(command, context):
    call = signature('qmp_' + c_name(command.name),
                     call_arguments(command, context))
    call = call.replace('\n', '\n    ')
    text = '\n' + marshal_head(command) + '\n{\n' \
        '    g_autoptr(Visitor) v = json_input_visitor_new(args);\n' \
        '    Error *err = NULL;\n    bool ok;\n'
    if command.arg:
        text += '    %s arg = { 0 };\n' % command.arg.c_struct
    if command.returns:
        text += '    %s;\n' % declare(command.returns.c_type, 'value')
    text += '\n' + visit_arguments(command)
    text += '    if (ok) {\n        %s%s;\n' % (
        'value = ' if command.returns else '', call)
    text += '        if (err) {\n            error_propagate(errp, err);\n' \
        '            ok = false;\n        }'
    if command.returns:
        text += ' else {\n            ok = qmp_marshal_output_%s(\n' \
            '                value, ret, errp);\n        }' \
            % command.returns.c_visit
    text += '\n    }\n'
    if command.arg:
        text += '''\
    visit_free(v);
    v = qapi_dealloc_visitor_new();
    if (visit_start_struct(v, NULL, NULL, 0, NULL)) {
        visit_type_%s_members(v, &arg, NULL);
        visit_end_struct(v, NULL);
    }
''' % command.arg.c_struct
    return text + '    return ok;\n}\n'


def registration(module, commands, context):
    params = ['QmpCommandList *cmds']
    if context:
        params.append(context + ' *ctx')
    text = ''
    for command in commands:
        flags = [flag for key, value, flag in
                 (('success-response', False, 'QCO_NO_SUCCESS_RESP'),
                  ('allow-oob', True, 'QCO_ALLOW_OOB'))
                 if command.flag(key) is value]
        text += command.cond.wrap(
            '    qmp_register_command(cmds, "%s",\n'
            '                         qmp_marshal_%s,\n'
            '                         %s, %s);\n' % (
                command.name, c_name(command.name),
                'ctx' if context else 'NULL',
                ' | '.join(flags) or 'QCO_NO_OPTIONS'))
    head = signature('void qmp_register_%s_commands'
                     % c_name(module or 'main', False), params)
    return head, text


def module_commands(schema, options, module):
    commands = [command for command in schema.in_module(module, Command)
                if command.flag('gen')]
    if not commands:
        return '', '/* No commands. */\n'
    context = options.context_of(module)
    header = ''
    if context:
        header += 'typedef struct %s %s;\n' % (context, context)
    source, outputs = '', set()
    for command in commands:
        header += command.cond.wrap(
            '\n' + handler_declaration(command, context)
            + marshal_head(command) + ';\n')
        if command.returns and command.returns not in outputs:
            outputs.add(command.returns)
            source += output_function(command.returns)
        source += command.cond.wrap(marshal_function(command, context))
    head, body = registration(module, commands, context)
    header += '\n' + head + ';\n'
    source += '\n' + head + '\n{\n' + body + '}\n'
    return header, source


def generate(schema, options):
    for module in schema.modules:
        includes = builtin_include('types') + '#include "qapi/dispatch.h"\n' \
            + options.include('types', module)
        for other in schema.includes[module]:
            includes += options.include('commands', other)
        header, source = module_commands(schema, options, module)
        runtime = '#include "qapi/dealloc-visitor.h"\n' \
            '#include "qapi/error.h"\n#include "qapi/json-visitor.h"\n' \
            + options.include('commands', module) \
            + options.include('visit', module)
        write_pair(options, file_stem('commands', module),
                   'Commands of the schema module "%s".' % (module or 'main'),
                   (includes, header), (runtime, source))
