# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-events-MODULE: a function per event; qapi-emit-events: their enum."""

from .entities import Enum, EnumValue, Event
from .gen import (builtin_include, file_stem, parameters, signature,
                  write_pair)
from .names import c_enum_const, c_name
from .types import enum_declaration, enum_table


def send_head(event):
    return signature('void qapi_event_send_%s' % c_name(event.name.lower()),
                     ['QapiEventSink *sink'] + parameters(event))


def parameter_struct(event):
    """Initialiser of the struct that is visited."""
    text = ''
    for member in event.arg.all_members():
        if member.needs_has:
            name = 'has_' + c_name(member.name, False)
            text += '        .%s = %s,\n' % (name, name)
        cast = '(%s)' % member.type.c_type \
            if member.type.c_param != member.type.c_type else ''
        text += '        .%s = %s%s,\n' % (member.c_name, cast,
                                           member.c_name)
    return '    %s param = {\n%s    };\n' % (event.arg.c_struct, text)


def send_function(event, options):
    const = c_enum_const(options.symbol('QAPIEvent'), event.name)
    text = '\n' + send_head(event) + '\n{\n'
    emit = '    qapi_event_emit(sink, %s, "%s", %s);\n'
    if event.arg is None:
        text += '    if (sink) {\n    ' + emit % (const, event.name, 'NULL') \
            + '    }\n'
        return text + '}\n'
    if not event.boxed:
        text += parameter_struct(event)
    text += '''\
    g_autoptr(Visitor) v = NULL;
    struct json_object *data = NULL;
    bool ok;

    if (!sink) {
        return;
    }
    v = json_output_visitor_new(&data);
    visit_start_struct(v, NULL, NULL, 0, NULL);
    ok = visit_type_%s_members(v, %s, NULL);
    visit_end_struct(v, NULL);
    if (!ok) {
        /* A value outside its enum: there is no way to write it. */
        return;
    }
    visit_complete(v, &data);
''' % (event.arg.c_struct, 'arg' if event.boxed else '&param')
    return text + emit % (const, event.name, 'data') + '}\n'


def module_events(schema, options, module):
    header = source = ''
    for event in schema.in_module(module, Event):
        if event.meta == 'event':
            header += event.cond.wrap('\n' + send_head(event) + ';\n')
            source += event.cond.wrap(send_function(event, options))
    return header, source or '/* No events. */\n'


def event_enum(schema, options):
    enum = Enum(options.symbol('QAPIEvent'), None, None)
    for entity in schema.entities:
        if entity.meta == 'event':
            enum.values.append(EnumValue(entity.name, entity.info,
                                         entity.cond))
    return enum


def generate(schema, options):
    for module in schema.modules:
        includes = builtin_include('types') + '#include "qapi/event.h"\n' \
            + options.include('types', module)
        for other in schema.includes[module]:
            includes += options.include('events', other)
        runtime = '#include "qapi/json-visitor.h"\n' \
            '#include "%sqapi-emit-events.h"\n' % options.include_dir \
            + options.include('events', module) \
            + options.include('visit', module)
        header, source = module_events(schema, options, module)
        write_pair(options, file_stem('events', module),
                   'Events of the schema module "%s".' % (module or 'main'),
                   (includes, header), (runtime, source))
    enum = event_enum(schema, options)
    write_pair(options, 'qapi-emit-events', 'The numbers of all events.',
               ('#include "qapi/util.h"\n', enum_declaration(enum)),
               ('#include "%sqapi-emit-events.h"\n' % options.include_dir,
                enum_table(enum)))
