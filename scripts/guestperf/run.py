# SPDX-License-Identifier: GPL-2.0-or-later
#
# One run of a scenario: two machines on this host, a migration that is sampled
# from its first to its last moment, and a verdict on the memory.  Machines are
# killed however it ends.

import os
import shutil
import subprocess
import sys
import time

from wherrytest import migrate, qmp, qtest, ram, vm

from . import Error, load, offer, report, sample

ENDED = ('completed', 'failed', 'cancelled')


class Progress:
    """One line on a terminal that changes; nothing elsewhere."""

    def __init__(self, stream=None):
        self.stream = stream or sys.stderr
        self.on = self.stream.isatty()
        self.shown = False

    def show(self, one):
        if not self.on:
            return
        stats = one['ram']
        total = stats.get('total') or 1
        text = '%6.1f s  %-18s %3d %%  %7.0f MiB sent  round %d  CPU %.1f s' \
            % (one['time'], one.get('status', ''),
               100 * (total - stats.get('remaining', total)) // total,
               stats.get('transferred', 0) / vm.MIB,
               stats.get('dirty-sync-count', 0),
               sum(side['process'] for side in one['cpu'].values()) / 1e9)
        self.stream.write('\r%-78s' % text)
        self.stream.flush()
        self.shown = True

    def end(self):
        if self.shown:
            self.stream.write('\r%78s\r' % '')
            self.stream.flush()


class Run:
    """A scenario with its two machines."""

    def __init__(self, scenario, source, destination, progress=None):
        self.scenario = scenario
        self.programs = {'source': source, 'destination': destination}
        self.progress = progress or Progress()
        self.size = scenario['ram']['size']
        self.folder = vm.make_folder(need=(4 if self.in_file else 3) * self.size
                                     + 64 * vm.MIB)
        self.machines = []
        self.load = None
        self.events = []

    def close(self):
        for machine in self.machines:
            machine.kill()
        if self.load:
            self.load.close()
        shutil.rmtree(self.folder, True)

    # -- machines -----------------------------------------------------------

    def path(self, name):
        return os.path.join(self.folder, name)

    def create_image(self, name):
        ram.create(self.path(name), self.size,
                   self.scenario['ram']['content'],
                   self.scenario['ram']['seed'])
        return self.path(name)

    def accel(self, kind):
        """Options for what the guest is."""
        settings = self.scenario['load']
        if settings['by'] == 'stress':
            return ['-accel', 'stress,threads=%d,rate=%d,pattern=%s,zero=%d'
                    % (settings['threads'], settings['rate'],
                       settings['pattern'], settings['zero'])]
        if settings['by'] == 'qtest':
            # Not every stock QEMU is built with that accelerator.  It answers
            # with any, if there is a CPU; that never runs.
            return ['-accel', 'qtest'] if kind == vm.WHERRY else []
        return []

    def machine(self, side, image, incoming=None):
        program = self.programs[side]
        options = self.accel(program.kind)
        if self.scenario['load']['by'] == 'qtest':
            options += ['-qtest-log', 'none',
                        '-qtest', 'unix:%s,server=on,wait=off'
                        % self.path(side + '.qtest')]
        options += self.tls_object(side)
        if program.kind == vm.QEMU:
            # Without it all its threads have the same name.
            options = ['-name', 'guest,debug-threads=on'] + options
        made = vm.VM(program.kind, self.folder, side, size=self.size,
                     backend='file' if self.shared else 'ram',
                     machine=self.machine_type(), image=image,
                     incoming=incoming, options=options, start=False)
        made.command[0] = program.path
        self.machines.append(made)
        try:
            made.start()
        except (RuntimeError, OSError) as err:
            raise Error('the %s does not start: %s' % (side, err)) from err
        return made

    def tls_object(self, side):
        """Credentials, made here; they protect nothing from anybody."""
        kind = self.scenario['migration']['tls']
        if kind == 'off':
            return []
        text = 'tls-creds-%s,id=tls,endpoint=%s' % (
            kind, 'client' if side == 'source' else 'server')
        if kind == 'psk':
            text += ',dir=%s' % self.path('tls')
            if side == 'source':
                text += ',username=guestperf'
            os.makedirs(self.path('tls'), 0o700, exist_ok=True)
            with open(os.path.join(self.path('tls'), 'keys.psk'),
                      'w', encoding='ascii') as file:
                file.write('guestperf:%s\n' % ('5e' * 32))
        return ['-object', text]

    def machine_type(self):
        """A stock QEMU takes a load from outside in a machine with a CPU
        only, which then both ends must have; it never runs."""
        kinds = {program.kind for program in self.programs.values()}
        return 'pc' if self.scenario['load']['by'] == 'qtest' and \
            kinds == {vm.QEMU} else 'none'

    @property
    def in_file(self):
        """The destination begins when the source has ended."""
        return self.scenario['migration']['transport'] == 'file'

    @property
    def shared(self):
        return self.scenario['ram']['backend'] == 'shared'

    def start_machines(self):
        image = self.create_image('source.ram')
        src = self.machine('source', image)
        dst = self.machine('destination', self.path('destination.ram'),
                           'defer')
        if not self.shared:
            ram.load_into(src.pid, self.size, image)
        offer.Offer(self.programs['source'], src).check_source(self.scenario)
        offer.Offer(self.programs['destination'], dst).check(self.scenario)
        return src, dst

    # -- settings -----------------------------------------------------------

    def configure(self, src, dst):
        settings = self.scenario['migration']
        caps, params = [], {}
        if self.scenario.multifd:
            caps.append('multifd')
            params['multifd_channels'] = settings['channels']
        if settings['return-path']:
            caps.append('return-path')
        if settings['compression'] == 'xbzrle':
            caps.append('xbzrle')
        elif settings['compression'] != 'none':
            params['multifd_compression'] = settings['compression']
        if settings['compression'] in ('zlib', 'zstd'):
            params['multifd_%s_level' % settings['compression']] = \
                settings['compression-level']
        if settings['mapped-ram']:
            caps.append('mapped-ram')
        if settings['direct-io']:
            params['direct_io'] = True
        if settings['tls'] != 'off':
            params['tls_creds'] = 'tls'
        migrate.configure(dst, caps, params)
        if settings['zero-copy']:
            caps.append('zero-copy-send')
        source = {'zero_page_detection': settings['zero-page-detection'],
                  'max_bandwidth': settings['max-bandwidth'],
                  'downtime_limit': settings['downtime-limit']}
        if settings['accel-path']:
            source['accel_path'] = settings['accel-path']
        if settings['auto-converge']:
            caps.append('auto-converge')
        if self.scenario['load']['by'] == 'qtest':
            caps.append('pause-before-switchover')
        migrate.configure(src, caps, dict(params, **source))

    def uri(self):
        if self.scenario['migration']['transport'] == 'tcp':
            return 'tcp:127.0.0.1:0'
        if self.in_file:
            return 'file:' + self.path('migration')
        return 'unix:' + self.path('migration.sock')

    # -- the guest ----------------------------------------------------------

    def start_load(self, src):
        settings = self.scenario['load']
        if settings['by'] == 'none':
            return
        if settings['by'] == 'stress':
            src.qmp.cmd('cont')
        else:
            # Not started: what a CPU of a stock QEMU would execute there,
            # nobody knows.
            self.load = load.QtestLoad(self.path('source.qtest'),
                                       self.scenario)
            self.load.start()
        # The load runs for so long before anything moves.  Nothing depends
        # on the time; an end of the process does end the wait.
        try:
            src.wait_exit(max(settings['warm-up'], 1e-3))
        except subprocess.TimeoutExpired:
            if self.load and self.load.error:
                raise Error('the load by qtest ended before the migration: '
                            + self.load.error) from None
            return
        raise Error('the source ended before the migration: %s' % src.log())

    # -- the migration ------------------------------------------------------

    def next_end(self, machine, deadline, wanted=ENDED):
        """The status that a migration ended with, None before DEADLINE."""
        while True:
            for event in machine.qmp.events:
                if event['event'] == 'MIGRATION' and \
                        event['data'].get('status') in wanted:
                    return event['data']['status']
            try:
                event = machine.qmp.read_message(deadline)
            except qmp.QmpTimeout:
                return None
            except qmp.QmpClosed as err:
                raise Error('%s ended during the migration (%s): %s' % (
                    machine.name, machine.exit_text(),
                    machine.log().strip())) from err
            machine.qmp.events.append(event)

    def watch(self, sampler, src):
        """Samples until the source has ended; cancels at the time limit."""
        interval = self.scenario['run']['interval'] / 1000
        limit = self.scenario['run']['time-limit']
        cancelled = paused = False
        due = sampler.began
        while True:
            one = sampler.take()
            self.progress.show(one)
            if not cancelled and one['time'] > limit:
                src.qmp.cmd('migrate_cancel')
                cancelled = True
            due = max(due + interval, time.monotonic() + 1e-3)
            wanted = ENDED if paused else ENDED + ('pre-switchover',)
            status = self.next_end(src, due, wanted)
            if status == 'pre-switchover':
                self.end_load()
                src.qmp.cmd('migrate-continue', {'state': status})
                paused = True
            elif status:
                return status

    def end_load(self):
        self.load.close()
        if self.load.error and not self.load.refused:
            raise Error('the load by qtest ended: ' + self.load.error)

    def keep_events(self, sampler):
        for side, machine in zip(('source', 'destination'), self.machines):
            for event in machine.qmp.events:
                stamp = event['timestamp']
                at = stamp['seconds'] + stamp['microseconds'] / 1e6
                self.events.append({
                    'side': side, 'event': event['event'],
                    'data': event.get('data', {}),
                    'time': round(at - sampler.began_at, 6)})
        self.events.sort(key=lambda event: event['time'])

    def verdict(self, src, dst, outcome):
        """Whether the memory of both ends is equal."""
        if outcome != {'source': 'completed', 'destination': 'completed'}:
            return {'equal': None, 'how': 'not compared: the source says %s, '
                    'the destination %s' % (
                        outcome['source'],
                        outcome['destination'] or 'nothing')}
        paths = []
        for machine in (src, dst):
            paths.append(machine.ram_path)
            if not self.shared:
                paths[-1] = self.path(machine.name + '.copy')
                ram.save_from(machine.pid, self.size, paths[-1])
        difference = ram.first_difference(*paths)
        if difference:
            return {'equal': False, 'how': difference}
        return {'equal': True, 'how': 'every byte of both ends was compared'}

    def run(self):
        """The report."""
        offer.check_load(self.scenario, *self.programs.values())
        src, dst = self.start_machines()
        try:
            self.configure(src, dst)
            uri = self.uri() if self.in_file else dst.listen(self.uri())
            self.start_load(src)
            sampler = sample.Sampler(src, dst)
            src.qmp.cmd('migrate', {'uri': uri})
            outcome = {'source': self.watch(sampler, src)}
        except qmp.QmpError as err:
            raise Error('the scenario is refused: %s' % err.desc) from err
        sampler.take()
        outcome['destination'] = None
        if outcome['source'] == 'completed':
            if self.in_file:
                dst.listen(uri)
            outcome['destination'] = self.next_end(
                dst, time.monotonic() + qmp.DEFAULT_TIMEOUT)
        last = sampler.take()
        own = sampler.own_seconds()
        final = {'source': src.info(),
                 'destination': dst.info() if outcome['destination']
                 else None}
        self.progress.end()
        self.keep_events(sampler)
        verdict = self.verdict(src, dst, outcome)
        if sample.brief(final['source']) != \
                {name: last[name] for name in sample.brief(final['source'])}:
            raise Error('query-migrate changed after the migration ended; '
                        'the last sample does not tell how it ended')
        return report.build(self, sampler, outcome, final, verdict, own)


def run(scenario, source, destination, progress=None):
    """Run a scenario; a report, or Error with a sentence."""
    one = Run(scenario, source, destination, progress)
    try:
        return one.run()
    except (qmp.QmpClosed, qmp.QmpTimeout, qmp.QmpError) as err:
        raise Error('a machine does not answer: %s; %s' % (
            err, ' '.join(m.log().strip() for m in one.machines))) from err
    except (OSError, qtest.QtestError) as err:
        raise Error('the run failed: %s' % err) from err
    finally:
        one.progress.end()
        one.close()
