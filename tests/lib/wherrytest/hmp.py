# SPDX-License-Identifier: GPL-2.0-or-later
#
# Clients of the human monitor: over a socket, in pipes, and on a pseudo
# terminal, where what the program draws is part of what is tested.

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import time

from . import qmp, vm

PROMPT = '(wherry) '


class HmpTimeout(Exception):
    """What was awaited did not come."""


class Reader:
    """Text as it comes from a descriptor."""

    def __init__(self, fd):
        self.fd = fd
        self.text = ''
        self.eof = False

    def more(self, timeout):
        """Take what comes within TIMEOUT seconds; False for nothing."""
        if self.eof or not select.select([self.fd], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:     # the other end of a terminal is closed
            data = b''
        self.eof = not data
        self.text += data.decode(errors='replace')
        return True

    def until(self, end, timeout=qmp.DEFAULT_TIMEOUT):
        """The text up to and with END, which is taken."""
        deadline = time.monotonic() + timeout
        while end not in self.text:
            left = deadline - time.monotonic()
            if left <= 0 or not self.more(left) and self.eof:
                raise HmpTimeout('no %r, but %r%s' % (
                    end, self.text, ' and the end' if self.eof else ''))
        at = self.text.index(end) + len(end)
        found, self.text = self.text[:at], self.text[at:]
        return found


class HmpClient(Reader):
    """A client of `-monitor unix:PATH`."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + qmp.DEFAULT_TIMEOUT
        while True:
            try:
                self.sock.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)
        super().__init__(self.sock.fileno())
        self.greeting = self.until(PROMPT)

    def send(self, text):
        self.sock.sendall(text.encode())

    def cmd(self, line):
        """What the command says, with plain line ends."""
        self.send(line + '\n')
        return self.until(PROMPT)[:-len(PROMPT)].replace('\r\n', '\n')

    def close(self):
        self.sock.close()


class Terminal(Reader):
    """A wherry with `-monitor stdio` on a pseudo terminal of its own."""

    def __init__(self, options, columns=100):
        self.master, slave = pty.openpty()
        # The slave stays open, so that its settings can be asked for.
        self.slave = slave
        self.resize(columns)
        self.settings = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [vm.binary(vm.WHERRY), '-monitor', 'stdio'] + list(options),
            stdin=slave, stdout=slave, stderr=slave,
            env=dict(os.environ, TERM='xterm'),
            preexec_fn=self._own_terminal)
        super().__init__(self.master)

    @staticmethod
    def _own_terminal():
        vm._die_with_parent()
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack('HHHH', 24, columns, 0, 0))

    def send(self, text):
        os.write(self.master, text.encode())

    def enter(self, line):
        """What is drawn from the typing of a line to the next prompt."""
        self.send(line + '\r')
        return self.until('\r\n') + self.until(PROMPT)

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & termios.ICANON

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.settings

    def wait(self):
        return self.process.wait(qmp.DEFAULT_TIMEOUT)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for fd in (self.master, self.slave):
            try:
                os.close(fd)
            except OSError:
                pass


def has_line_editing():
    """Was this wherry built with it?"""
    terminal = Terminal(['-machine', 'none'])
    try:
        terminal.until(PROMPT)
        deadline = time.monotonic() + 1
        while not terminal.is_raw() and time.monotonic() < deadline:
            time.sleep(0.002)
        return terminal.is_raw()
    finally:
        terminal.close()
