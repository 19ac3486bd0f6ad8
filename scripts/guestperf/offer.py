# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a program is and what it can do.  Kind and version come from --version;
# capabilities, parameters and their values from the schema that a running
# machine gives over QMP.  Nothing here knows a list of versions.

import hashlib
import os
import shutil
import subprocess

from wherrytest import vm

from . import Error


class Program:
    """A program that can migrate: `wherry` or a stock QEMU."""

    def __init__(self, name):
        path = vm.binary(name) if name in (vm.WHERRY, vm.QEMU) \
            else shutil.which(name)
        if path is None:
            hint = '; set %s or give its path' % name.upper() \
                if name in (vm.WHERRY, vm.QEMU) else ''
            raise Error('no program %s%s' % (name, hint))
        self.path = os.path.abspath(path)
        self.version = self._version()
        self.kind = vm.QEMU if self.version.startswith('QEMU ') \
            else vm.WHERRY

    def _version(self):
        try:
            done = subprocess.run([self.path, '--version'], check=False,
                                  capture_output=True, text=True,
                                  timeout=60)
        except (OSError, subprocess.TimeoutExpired) as err:
            raise Error('%s cannot be run: %s' % (self.path, err)) from err
        line = (done.stdout.splitlines() or [''])[0]
        if not line.startswith(('QEMU emulator version', 'wherry')):
            raise Error('%s is neither wherry nor a QEMU system emulator: '
                        '--version says "%s"' % (self.path, line))
        return line

    def describe(self):
        """For the report: what exactly ran."""
        with open(self.path, 'rb') as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        return {'kind': self.kind, 'path': self.path,
                'version': self.version, 'sha256': digest}


class Schema:
    """The part of query-qmp-schema that a scenario touches."""

    def __init__(self, entities):
        self.entities = {entity['name']: entity for entity in entities}

    def member(self, command, name):
        """The type of an argument of a command; None without one."""
        entity = self.entities.get(command)
        if not entity:
            return None
        for member in self.entities[entity['arg-type']]['members']:
            if member['name'] == name:
                return self.entities[member['type']]
        return None

    def members(self, command):
        entity = self.entities[command]
        return [member['name'] for member in
                self.entities[entity['arg-type']]['members']]

    def values(self, name):
        """Words that a migration parameter takes; None without it."""
        entity = self.member('migrate-set-parameters', name)
        if entity is None:
            return None
        if entity.get('meta-type') != 'enum':
            return []
        members = entity.get('members')
        return [m['name'] for m in members] if members else entity['values']


class Offer:
    """What a started machine offers; checks refuse the rest by name."""

    def __init__(self, program, machine):
        self.program = program
        self.schema = Schema(machine.qmp.cmd('query-qmp-schema'))
        self.capabilities = [entry['capability'] for entry in
                             machine.qmp.cmd('query-migrate-capabilities')]

    def compressions(self):
        offered = ['none']
        offered += [word for word in
                    self.schema.values('multifd-compression') or ()
                    if word != 'none']
        return offered + [name for name in ('xbzrle',)
                          if name in self.capabilities]

    def parameters(self):
        return self.schema.members('migrate-set-parameters')

    def refuse(self, what, value, offered):
        raise Error('%s (%s) has no %s %s; it has: %s' % (
            self.program.path, self.program.version, what, value,
            ', '.join(offered) or 'none of that kind'))

    def check(self, scenario):
        migration = scenario['migration']
        if migration['compression'] not in self.compressions():
            self.refuse('compression', migration['compression'],
                        self.compressions())
        for name, wanted in (('multifd', scenario.multifd),
                             ('auto-converge', migration['auto-converge']),
                             ('return-path', migration['return-path']),
                             ('mapped-ram', migration['mapped-ram']),
                             ('zero-copy-send', migration['zero-copy'])):
            if wanted and name not in self.capabilities:
                self.refuse('capability', name, self.capabilities)
        for name, wanted in (('tls-creds', migration['tls'] != 'off'),
                             ('direct-io', migration['direct-io'])):
            if wanted and self.schema.member('migrate-set-parameters',
                                             name) is None:
                self.refuse('parameter', name, self.parameters())

    def check_source(self, scenario):
        self.check(scenario)
        wanted = scenario['migration']['zero-page-detection']
        offered = self.schema.values('zero-page-detection') or []
        if wanted not in offered:
            self.refuse('zero-page-detection', wanted, offered)


def check_load(scenario, source, destination):
    """A load that a program cannot have, before anything is started."""
    kind = scenario['load']['by']
    if kind == 'qtest' and source.kind == vm.QEMU and \
            destination.kind != vm.QEMU:
        raise Error('a stock QEMU takes a load by qtest only as a PC, with '
                    'devices that %s does not have; choose a stock QEMU as '
                    'the destination, too' % destination.path)
    if kind != 'stress':
        return
    for program in (source, destination):
        if program.kind != vm.WHERRY:
            raise Error(
                '%s (%s) has no stress accelerator, so it cannot run a '
                'scenario with load by=stress; by=qtest works with both '
                'programs, by=none leaves the memory alone'
                % (program.path, program.version))
