# SPDX-License-Identifier: GPL-2.0-or-later
#
# One measured migration.  Two machines are started, the image loaded, and all
# is set up before the clock starts; the clock is that of the machines' own
# events, so that neither the start of a process nor how soon anybody here
# wakes up counts.  Connecting counts, for either program.  Afterwards the
# destination's memory is compared with the image; a run that is wrong is none.

import dataclasses
import os
import shutil
import time

import backends
import threadtimes
from wherrytest import migrate, qmp, ram, stopwatch, vm

SIDES = ('source', 'destination')
TIMEOUT = 600
# MiB of memory of a migration that only shows whether it can be done.
ASKED = 8
# How long threads may take to end after the last event.
SETTLE = 2.0


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is migrated and how; size in MiB, channels 0 for plain."""

    kind: str
    size: int = 2048
    backend: str = 'shm'
    channels: int = 2
    transport: str = 'unix'
    detection: str = None
    accel_path: str = None
    return_path: bool = False
    destination: str = 'same'
    touched: bool = False
    compression: str = None
    level: int = None               # of the compression
    zero_copy: bool = False
    prealloc: bool = False          # of the destination's memory
    mapped: bool = False            # mapped-ram
    direct: bool = False            # direct-io
    bandwidth: int = 0              # MiB a second, 0 for no limit

    @property
    def bytes(self):
        return self.size * vm.MIB

    def capabilities(self):
        """Of both sides."""
        return (('multifd',) if self.channels else ()) + \
            (('return-path',) if self.return_path else ()) + \
            (('mapped-ram',) if self.mapped else ())

    def source_capabilities(self):
        return self.capabilities() + \
            (('zero-copy-send',) if self.zero_copy else ())

    def parameters(self):
        params = {'multifd_channels': self.channels or 2,
                  'max_bandwidth': self.bandwidth * vm.MIB}
        if self.detection:
            params['zero_page_detection'] = self.detection
        if self.compression:
            params['multifd_compression'] = self.compression
        if self.level is not None:
            params['multifd_%s_level' % self.compression] = self.level
        if self.direct:
            params['direct_io'] = True
        return params


class Failed(RuntimeError):
    """A migration that the program has refused or given up, with what it
    said; one that has died is another thing."""


def resident(pid):
    """Bytes that a process has in its address space."""
    with open('/proc/%d/statm' % pid) as statm:
        return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def _restart_peak(pid):
    """Let the largest resident size be that of from now on."""
    with open('/proc/%d/clear_refs' % pid, 'w') as file:
        file.write('5')


class Probe:
    """What a machine has used since this was made."""

    def __init__(self, machine, memory):
        self.machine, self.memory = machine, memory
        pid = machine.pid
        _restart_peak(pid)
        self.resident = resident(pid)
        self.allocated = memory.allocated(machine)
        self.threads = threadtimes.living(pid)
        self.times = self._times()
        self.delay = stopwatch.run_delay(pid)
        self.cpu = vm.cpu_seconds(pid)

    def _times(self):
        with open('/proc/%d/stat' % self.machine.pid) as stat:
            fields = stat.read().rsplit(')', 1)[1].split()
        tick = os.sysconf('SC_CLK_TCK')
        return {'faults': int(fields[7]), 'user': int(fields[11]) / tick,
                'system': int(fields[12]) / tick}

    def settle(self):
        """Threads that end after the last event still cost something."""
        deadline = time.monotonic() + SETTLE
        while threadtimes.transient(self.machine.pid) and \
                time.monotonic() < deadline:
            time.sleep(0.002)

    def read(self, endings):
        """Times in seconds, sizes in bytes."""
        pid = self.machine.pid
        cpu = vm.cpu_seconds(pid) - self.cpu
        run = {'cpu': cpu,
               'resident': max(0, vm.peak_rss(pid) - self.resident),
               'allocated': self.memory.allocated(self.machine)
               - self.allocated,
               'delay': stopwatch.run_delay(pid) - self.delay}
        run.update((key, value - self.times[key])
                   for key, value in self._times().items())
        run['threads'] = threadtimes.by_role(
            pid, self.threads, threadtimes.living(pid), endings, cpu)
        return run


class Watch:
    """Takes the events of a machine until its migration has ended."""

    def __init__(self, machine, notice=None):
        self.machine, self.notice = machine, notice
        self.statuses, self.events = {}, {}
        self.status = None

    def _take(self, event):
        stamp = event['timestamp']
        at = stamp['seconds'] + stamp['microseconds'] / 1e6
        name = event['event']
        if name == 'MIGRATION':
            status = event['data']['status']
            self.statuses[status] = at
            if status in migrate.ENDED:
                self.status = status
        else:
            self.events[name] = at
        if self.notice:
            self.notice(name)

    def run(self, more=()):
        """Until the end of the migration, and until events MORE have come."""
        client = self.machine.qmp
        deadline = time.monotonic() + TIMEOUT
        try:
            while True:
                for event in client.events:
                    self._take(event)
                client.drop_events()
                if self.status and (self.status != 'completed' or
                                    all(name in self.events
                                        for name in more)):
                    return
                client.events.append(client.read_message(deadline))
        except qmp.QmpClosed:
            self.status = self.status or 'process ended: %s\n%s' % (
                self.machine.exit_text(), self.machine.log())
        except qmp.QmpTimeout:
            self.status = 'no end after %d s: %s' % (
                TIMEOUT, migrate.state_text(self.machine))


class Rig:
    """Runs settings; keeps the image of the last one, and the folder."""

    def __init__(self):
        self.folder = vm.make_folder(need=0)
        self.image = os.path.join(self.folder, 'image')
        self.result = os.path.join(self.folder, 'result')
        self.prepared = None
        self.allocated = 0
        self.endings = threadtimes.Endings()

    def close(self):
        self.endings.close()
        shutil.rmtree(self.folder, True)

    def prepare(self, setting):
        """Have the image of a setting; one that a run has changed is made
        anew: a source that reads holes fills them."""
        wanted = (setting.kind, setting.size)
        if self.prepared == wanted and \
                ram.allocated(self.image) == self.allocated:
            return
        self.forget(self.image)
        backends.create(self.image, setting.bytes, setting.kind)
        self.prepared, self.allocated = wanted, ram.allocated(self.image)

    @staticmethod
    def forget(path):
        if os.path.exists(path):
            os.unlink(path)

    # -- machines -----------------------------------------------------------

    def kind_of_machine(self, program, side):
        """Its type, and further options."""
        return 'none', ()

    def _machine(self, program, side, path, setting, **more):
        memory = backends.BACKENDS[setting.backend]
        machine, options = self.kind_of_machine(program, side)
        made = vm.VM(program, self.folder, side, size=setting.bytes,
                     backend=memory.backend, image=path, machine=machine,
                     options=options, start=False, **more)
        at = made.command.index('-object') + 1
        made.command[at] += memory.extra
        if setting.prealloc and side == 'dst':
            made.command[at] += ',prealloc=on'
        if program != vm.WHERRY:
            # Without this its threads have no names of their own.
            made.command[made.command.index('-name') + 1] += \
                ',debug-threads=on'
        made.start()
        return made

    def start(self, program, setting):
        """Source and destination, the image loaded."""
        memory = backends.BACKENDS[setting.backend](setting.bytes)
        self.forget(self.result)
        src = self._machine(program, 'src', self.image, setting)
        try:
            memory.load(src, self.image)
            if setting.touched:
                memory.touch(src, self.image)
            dst = self._machine(
                vm.QEMU if setting.destination == 'qemu' else program, 'dst',
                self.result, setting, incoming='defer')
        except BaseException:
            src.kill()
            raise
        return src, dst, memory

    def configure(self, src, dst, setting):
        caps, params = setting.capabilities(), setting.parameters()
        migrate.configure(dst, caps, {
            key: value for key, value in params.items()
            if key != 'zero_page_detection' or value != 'dsa-accel'})
        if setting.accel_path:
            params['accel_path'] = [setting.accel_path]
        migrate.configure(src, setting.source_capabilities(), params)
        if setting.transport == 'tcp':
            return dst.listen('tcp:127.0.0.1:0')
        path = os.path.join(self.folder, 'm')
        self.forget(path)
        return dst.listen('unix:' + path)

    # -- one run ------------------------------------------------------------

    def missing(self, program, setting):
        """What a program says that cannot do this, or None: it is asked with
        a migration of little memory."""
        small = dataclasses.replace(setting, size=ASKED, kind='zero')
        try:
            self.measure(program, small)
        except qmp.QmpError as err:
            return err.desc
        except Failed as err:
            return str(err)
        return None

    def drive(self, src, dst, uri):
        """Migrate; what both sides said, and when it began."""
        watches = [Watch(src), Watch(dst)]
        began = time.time()
        src.qmp.cmd('migrate', {'uri': uri})
        for watch in watches:
            watch.run()
        return began, watches

    def compare(self, src, dst, memory):
        """None when the memory of the destination is right."""
        return memory.difference(dst, self.image)

    def measure(self, program, setting, around=None):
        """One migration: a dict of figures.  around, a context manager made
        of both process ids, is entered for the migration alone."""
        self.prepare(setting)
        src, dst, memory = self.start(program, setting)
        try:
            uri = self.configure(src, dst, setting)
            src.qmp.drop_events()
            dst.qmp.drop_events()
            self.endings.take()
            probes = [Probe(machine, memory) for machine in (src, dst)]
            if around:
                with around(src.pid, dst.pid):
                    began, watches = self.drive(src, dst, uri)
            else:
                began, watches = self.drive(src, dst, uri)
            self._check_status(program, watches)
            info = src.info()
            for probe in probes:
                probe.settle()
            ended = self.endings.take()
            run = self.figures(began, watches, info)
            run.update(zip(SIDES, (probe.read(ended) for probe in probes)))
            run['cpu'] = sum(run[side]['cpu'] for side in SIDES)
            wrong = self.compare(src, dst, memory)
        finally:
            src.kill()
            dst.kill()
            self.forget(self.result)
        if wrong:
            raise RuntimeError('memory is not equal after the migration by '
                               '%s: %s' % (program, wrong))
        return run

    @staticmethod
    def _check_status(program, watches):
        if any(watch.status != 'completed' for watch in watches):
            died = any(str(watch.status).startswith('process ended')
                       for watch in watches)
            raise (RuntimeError if died else Failed)(
                'migration by %s failed: %s' % (program, '; '.join(
                    '%s %s %s' % (watch.machine.name, watch.status,
                                  migrate.state_text(watch.machine))
                    for watch in watches)))

    def figures(self, began, watches, info):
        """What the two sides have said."""
        source, destination = watches
        stats = info['ram']
        end = max(source.statuses['completed'],
                  destination.statuses['completed'])
        return {
            'wall': end - began,
            'setup': source.statuses.get('active', began) - began,
            'total-time-ms': info['total-time'],
            'downtime-ms': info['downtime'],
            'rounds': stats['dirty-sync-count'],
            'normal-pages': stats['normal'],
            'zero-pages': stats['duplicate'],
            'transferred': stats['transferred'],
        }
