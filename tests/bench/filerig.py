# SPDX-License-Identifier: GPL-2.0-or-later
#
# One measured snapshot: a machine that is stopped migrates into a file, and
# another one starts from it.  Each clock is from the command to the event
# `completed`.  When the bytes are on the disk is told beside it; what the
# kernel keeps of the file is dropped before it is loaded, where that can be.

import mmap
import os
import time

import report
import rig
from wherrytest import qmp, vm

BLOCK = 1 << 20
# What a side that does not take part has used.
NOTHING = {'cpu': 0, 'resident': 0, 'allocated': 0, 'delay': 0, 'faults': 0,
           'user': 0, 'system': 0, 'threads': {}}


def _direct(path, flags):
    """A descriptor with O_DIRECT, or without where that is not to be had."""
    try:
        return os.open(path, flags | os.O_DIRECT, 0o600), True
    except OSError:
        return os.open(path, flags, 0o600), False


def limit(folder, size):
    """What the folder gives to a program that does nothing else: seconds to
    write and to read so many bytes, a MiB at a time."""
    path = os.path.join(folder, 'limit')
    buffer = mmap.mmap(-1, BLOCK)
    buffer.write(os.urandom(BLOCK))
    try:
        fd, direct = _direct(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        began = time.monotonic()
        for _ in range(size // BLOCK):
            os.write(fd, buffer)
        os.fsync(fd)
        written = time.monotonic() - began
        os.close(fd)
        drop(path)
        fd, _ = _direct(path, os.O_RDONLY)
        began = time.monotonic()
        while os.readv(fd, [buffer]):
            pass
        read = time.monotonic() - began
        os.close(fd)
    finally:
        if os.path.exists(path):
            os.unlink(path)
    return {'bytes': size, 'direct': direct, 'write': written, 'read': read}


def limit_line(found):
    return 'the folder itself: %d MiB written in %.0f ms and read in %.0f ' \
        'ms, %s O_DIRECT' % (found['bytes'] / vm.MIB, 1000 * found['write'],
                             1000 * found['read'],
                             'with' if found['direct'] else 'without')


def drop(path):
    """Have the kernel forget what it keeps of a file; it must be on disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def file_lines(program, runs):
    """What the files of a program's runs were like."""
    if runs:
        yield '%s: file of %.1f MiB that takes %.1f MiB; on disk after ' \
            '%s ms more' % (
                program, runs[-1]['file-size'] / vm.MIB,
                runs[-1]['file-allocated'] / vm.MIB,
                report.cell(report.spread([run['sync'] for run in runs])))


class FileRig(rig.Rig):
    """As Rig; the link is a file."""

    def __init__(self, folder=None):
        super().__init__()
        self.path = os.path.join(folder or self.folder,
                                 'wherry-bench-%d.migration' % os.getpid())

    def close(self):
        self.forget(self.path)
        super().close()

    @property
    def uri(self):
        return 'file:' + self.path

    def _run(self, program, machine, memory, command, arguments):
        """One direction; its figures."""
        machine.qmp.drop_events()
        self.endings.take()
        probe = rig.Probe(machine, memory)
        watch = rig.Watch(machine)
        began = time.time()
        machine.qmp.cmd(command, arguments)
        watch.run()
        self._check_status(program, [watch])
        info = machine.info()
        probe.settle()
        side = probe.read(self.endings.take())
        stats = info.get('ram', {})
        return {
            'wall': watch.statuses['completed'] - began,
            'setup': watch.statuses.get('active', began) - began,
            'total-time-ms': info.get('total-time', 0),
            'downtime-ms': info.get('downtime', 0),
            'rounds': stats.get('dirty-sync-count', 0),
            'normal-pages': stats.get('normal', 0),
            'zero-pages': stats.get('duplicate', 0),
            'transferred': stats.get('transferred', 0),
            'cpu': side['cpu'], 'side': side,
        }

    def _save(self, program, setting, memory):
        self.forget(self.path)
        src = self._machine(program, 'src', self.image, setting)
        try:
            memory.load(src, self.image)
            if setting.touched:
                memory.touch(src, self.image)
            rig.migrate.configure(src, setting.capabilities(),
                                  setting.parameters())
            run = self._run(program, src, memory, 'migrate',
                            {'uri': self.uri})
        finally:
            src.kill()
        run.update(source=run.pop('side'), destination=NOTHING)
        began = time.monotonic()
        fd = os.open(self.path, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
        status = os.stat(self.path)
        run.update({'sync': time.monotonic() - began,
                    'file-size': status.st_size,
                    'file-allocated': status.st_blocks * 512})
        return run

    def _load(self, program, setting, memory):
        drop(self.path)
        self.forget(self.result)
        dst = self._machine(program, 'dst', self.result, setting,
                            incoming='defer')
        try:
            rig.migrate.configure(dst, setting.capabilities(),
                                  setting.parameters())
            run = self._run(program, dst, memory, 'migrate-incoming',
                            {'uri': self.uri, 'exit-on-error': False})
            wrong = memory.difference(dst, self.image)
        finally:
            dst.kill()
            self.forget(self.result)
        if wrong:
            raise RuntimeError('memory is not equal after %s has loaded its '
                               'file: %s' % (program, wrong))
        run.update(source=NOTHING, destination=run.pop('side'))
        return run

    def measure(self, program, setting, around=None):
        """{'save': figures, 'load': figures}."""
        self.prepare(setting)
        memory = rig.backends.BACKENDS[setting.backend](setting.bytes)
        try:
            return {'save': self._save(program, setting, memory),
                    'load': self._load(program, setting, memory)}
        except qmp.QmpClosed as err:
            raise RuntimeError('%s ended: %s' % (program, err)) from err
        finally:
            self.forget(self.path)
