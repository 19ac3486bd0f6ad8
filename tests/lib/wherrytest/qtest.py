# SPDX-License-Identifier: GPL-2.0-or-later
#
# A client of the qtest protocol on a blocking socket: the guest of a machine
# with `-accel qtest`.  Every wait has a deadline.  One thread per client.

import base64

from . import qmp

# What one command moves; a larger access is several commands.
CHUNK = 1 << 20


class QtestError(Exception):
    """The answer was not OK."""


class QtestClient:
    def __init__(self, address, timeout=qmp.DEFAULT_TIMEOUT):
        self.sock = qmp.open_socket(address, timeout)
        self._buf = b''

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # -- lines --------------------------------------------------------------

    def send(self, data):
        self.sock.sendall(data)

    def answer(self):
        """The next line, without its end; None at the end of the stream."""
        while b'\n' not in self._buf:
            data = self.sock.recv(1 << 18)
            if not data:
                return None
            self._buf += data
        line, self._buf = self._buf.split(b'\n', 1)
        return line.decode('ascii')

    def ask(self, line):
        """The answer to one line, whatever it is."""
        self.send(line.encode('ascii') + b'\n')
        return self.answer()

    def command(self, line):
        """What stands behind OK."""
        answer = self.ask(line)
        if answer is None or answer.split(' ')[0] != 'OK':
            raise QtestError('%.80s: %s' % (line, answer))
        return answer[3:]

    # -- guest memory -------------------------------------------------------

    def readq(self, addr):
        return int(self.command('readq 0x%x' % addr), 16)

    def writeq(self, addr, value):
        self.command('writeq 0x%x 0x%x' % (addr, value))

    def memset(self, addr, size, value):
        self.command('memset 0x%x 0x%x 0x%x' % (addr, size, value))

    def read(self, addr, size):
        parts = []
        for at in range(0, size, CHUNK):
            text = self.command('b64read 0x%x 0x%x'
                                % (addr + at, min(CHUNK, size - at)))
            parts.append(base64.b64decode(text))
        return b''.join(parts)

    def write(self, addr, data):
        for at in range(0, len(data), CHUNK):
            part = data[at:at + CHUNK]
            self.command('b64write 0x%x 0x%x %s' % (
                addr + at, len(part), base64.b64encode(part).decode('ascii')))
