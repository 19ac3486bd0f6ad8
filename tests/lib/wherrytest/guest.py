# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest of tests/guest/pattern.c, seen from outside: its serial port, and
# whether its memory is what it must be at the moment it was stopped in.

import os
import socket
import struct
import unittest

from . import qmp

PAGE = 4096
PARAMETER_IDLE = 0x9000
STATUS = 0xa000
SLICES = 0x200000
PASSES = 32


def program(form='bin'):
    """Path of the guest's program; skips without one."""
    path = os.environ.get('WHERRY_GUEST_' + form.upper())
    if not path or not os.path.exists(path):
        raise unittest.SkipTest('no program for the guest; set WHERRY_GUEST_'
                                + form.upper())
    return path


def require_kvm():
    """Skip where a guest cannot run."""
    try:
        os.close(os.open('/dev/kvm', os.O_RDWR))
    except OSError as err:
        raise unittest.SkipTest('no KVM: ' + str(err)) from err


class Serial:
    """Listens for the one connection of a machine's serial port."""

    def __init__(self, path):
        self.option = 'unix:' + path
        self.data = b''
        self.peer = None
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(1)
        self.listener.settimeout(qmp.DEFAULT_TIMEOUT)

    def accept(self):
        if self.peer is None:
            self.peer = self.listener.accept()[0]
            self.peer.settimeout(qmp.DEFAULT_TIMEOUT)

    def send(self, data):
        self.accept()
        self.peer.sendall(data)

    def wait(self, count):
        """Until so many bytes more have come."""
        self.accept()
        count += len(self.data)
        while len(self.data) < count:
            part = self.peer.recv(4096)
            if not part:
                raise AssertionError('the serial port was closed after %d of'
                                     ' %d bytes' % (len(self.data), count))
            self.data += part

    def rest(self):
        """All until the process closes it."""
        self.accept()
        while True:
            try:
                part = self.peer.recv(4096)
            except ConnectionResetError:
                part = b''
            if not part:
                return self.data
            self.data += part

    def close(self):
        self.listener.close()
        if self.peer:
            self.peer.close()


def check_output(data, nr_cpus=1):
    """Each CPU counted its passes without a gap or a repetition; how many."""
    counts = [0] * nr_cpus
    for at, byte in enumerate(data):
        cpu, number = byte >> 5, byte % PASSES
        if cpu >= nr_cpus or number != (counts[cpu] + 1) % PASSES:
            raise AssertionError(
                'byte %d of the output is pass %d of CPU %d, expected %s: %s'
                % (at, number, cpu, [(n + 1) % PASSES for n in counts],
                   data.hex(' ')))
        counts[cpu] += 1
    return counts


def _content(page, number):
    if number == 0:
        return bytes(PAGE)
    value = (number << 32 | page) if (page + number) % 8 else 0
    return struct.pack('<Q', value) * (PAGE // 8)


def _check_slice(image, first, end, number):
    """Pages up to some place are of this pass, those behind of the last."""
    before = False
    for page in range(first, end):
        found = image[page * PAGE:(page + 1) * PAGE]
        new, old = _content(page, number), _content(page, number - 1)
        if not before and found == new:
            continue
        if before and found == old:
            continue
        if before:
            raise AssertionError('page %d is not of pass %d, as are those'
                                 ' before it' % (page, number - 1))
        # The one page that was being written.
        before = True
        cut = next((at for at in range(0, PAGE + 8, 8)
                    if found == new[:at] + old[at:]), None)
        if cut is None:
            raise AssertionError(
                'page %d is neither of pass %d nor of the one before: %s'
                % (page, number, found[:16].hex()))


def check_ram(path, nr_cpus=1):
    """A stopped guest's memory: one boundary between two passes in the slice
    of each CPU.  The passes that they are in."""
    with open(path, 'rb') as file:
        image = file.read()
    base = SLICES // PAGE
    each = (len(image) // PAGE - base) // nr_cpus
    numbers = []
    for cpu in range(nr_cpus):
        at = STATUS + cpu * PAGE
        number, = struct.unpack('<Q', image[at:at + 8])
        first = base + cpu * each
        if number:
            _check_slice(image, first, first + each, number)
        numbers.append(number)
    return numbers


def passes(path, cpu=0):
    """The pass that a CPU is in, also while it runs."""
    with open(path, 'rb') as file:
        file.seek(STATUS + cpu * PAGE)
        return struct.unpack('<Q', file.read(8))[0]


def set_idle(path, loops):
    """Slow the guest down; before it starts."""
    with open(path, 'r+b') as file:
        file.seek(PARAMETER_IDLE)
        file.write(struct.pack('<Q', loops))
