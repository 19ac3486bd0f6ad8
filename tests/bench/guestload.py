# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest that writes while it is migrated, the same for both programs: no CPU
# of the machines does anything, and this is what writes, over the qtest
# protocol, pieces of memory at random places at a set rate.  -accel stress
# writes faster, but a stock QEMU has nothing like it.  Wherry's machine is
# `none` with -accel qtest.  Stock packages lack that accelerator but serve the
# protocol; its commands need a CPU, so that machine is the smallest that has
# one, with firmware that halts at once.
#
# A write that is answered after the guest was stopped may or may not be part
# of what migrates; those few pieces are left out when memory is compared.

import os
import random
import threading
import time

import rig
from wherrytest import qtest, vm

PIECE = 64 << 10
# Pieces are written by bursts; this often.
TICK = 0.002
BURST = 64
# Firmware of 64 KiB; at the reset vector: cli; hlt; again.
STAND_STILL = bytes([0xf4]) * 0xfff0 + b'\xfa\xf4\xeb\xfd' + bytes(12)
STOCK_MACHINE = ('microvm,x-option-roms=off,pit=off,pic=off,rtc=off,'
                 'isa-serial=off,auto-kernel-cmdline=off')


class Writer(threading.Thread):
    """Writes until it is told to stop; .answered has what was written."""

    def __init__(self, path, size, rate):
        super().__init__(daemon=True)
        self.client = qtest.QtestClient(path)
        self.size, self.rate = size, rate
        self.enough = threading.Event()
        self.answered = []      # (time, place)
        self.seconds = 0.0
        self.error = None

    def run(self):
        rng = random.Random(1)
        began = time.monotonic()
        try:
            while not self.enough.is_set():
                due = (time.monotonic() - began) * self.rate / PIECE
                count = min(BURST, int(due) - len(self.answered))
                if count > 0:
                    self._burst(rng, count)
                else:
                    self.enough.wait(TICK)
        except (OSError, qtest.QtestError) as err:
            self.error = err
        self.seconds = time.monotonic() - began

    def _burst(self, rng, count):
        places = [rng.randrange(self.size // PIECE) * PIECE
                  for _ in range(count)]
        self.client.send(b''.join(
            b'memset 0x%x 0x%x 0x%x\n' % (at, PIECE, rng.randrange(1, 256))
            for at in places))
        for at in places:
            answer = self.client.answer()
            # A guest that was just stopped may refuse; it is left out, too.
            self.answered.append((time.time(), at))
            if answer is None:
                raise qtest.QtestError('the qtest connection was closed')

    def stop(self):
        self.enough.set()
        self.join()
        self.client.close()

    def late(self, moment):
        """Places whose last write may have come after a moment."""
        return {at for when, at in self.answered if when >= moment}


class LoadRig(rig.Rig):
    """As Rig, with guests that run and are written to."""

    def __init__(self, options):
        super().__init__()
        self.rate = options.rate * vm.MIB
        self.bandwidth = options.bandwidth * vm.MIB
        self.downtime_limit = options.downtime_limit
        self.writer = self.stopped = None
        self.firmware = os.path.join(self.folder, 'firmware')

    def kind_of_machine(self, program, side):
        path = self._socket(side)
        self.forget(path)
        server = ('-qtest', 'unix:%s,server=on,wait=off' % path, '-qtest-log',
                  'none')
        if program == vm.WHERRY:
            return 'none', ('-accel', 'qtest') + server
        with open(self.firmware, 'wb') as file:
            file.write(STAND_STILL)
        return STOCK_MACHINE, ('-accel', 'tcg', '-bios',
                               self.firmware) + server

    def _socket(self, side):
        return os.path.join(self.folder, side + '.qtest')

    def prepare(self, setting):
        """Writes leave memory that is as good as new: no page is zero."""
        if self.prepared != (setting.kind, setting.size):
            super().prepare(setting)

    def configure(self, src, dst, setting):
        uri = super().configure(src, dst, setting)
        for machine in (src, dst):
            machine.parameters(max_bandwidth=self.bandwidth,
                               downtime_limit=self.downtime_limit)
            machine.qmp.cmd('cont')
        return uri

    def drive(self, src, dst, uri):
        self.writer = Writer(self._socket('src'), src.size, self.rate)
        writer = self.writer

        def notice(name):
            if name == 'STOP':
                writer.enough.set()

        watches = [rig.Watch(src, notice), rig.Watch(dst)]
        writer.start()
        try:
            began = time.time()
            src.qmp.cmd('migrate', {'uri': uri})
            watches[0].run(more=('STOP',))
            watches[1].run(more=('RESUME',))
        finally:
            writer.stop()
        if writer.error:
            raise RuntimeError('writing to guest memory: %s' % writer.error)
        return began, watches

    def figures(self, began, watches, info):
        run = super().figures(began, watches, info)
        source, destination = watches
        self.stopped = source.events['STOP']
        run['stood-still-ms'] = 1000 * (destination.events['RESUME']
                                        - self.stopped)
        written = len(self.writer.answered) * PIECE
        run['written-rate'] = written / max(1e-6, self.writer.seconds)
        return run

    def compare(self, src, dst, memory):
        """The source's memory is what the destination must have, but for
        what may have been written to it since."""
        late = self.writer.late(self.stopped)
        with memory.reading(src) as old, memory.reading(dst) as new:
            for at in range(0, src.size, PIECE):
                if at not in late and old(at, PIECE) != new(at, PIECE):
                    return '64 KiB at 0x%x' % at
        return None
