# SPDX-License-Identifier: GPL-2.0-or-later
#
# A QMP client on a blocking socket.  Every wait has a deadline and wakes on
# the event it waits for; nothing here sleeps.  One thread per client.

import json
import os
import socket
import time

# Sanitizers and slow machines stretch every deadline by this factor.
SCALE = float(os.environ.get('WHERRY_TEST_TIMEOUT_SCALE', '1'))
DEFAULT_TIMEOUT = 20 * SCALE


class QmpError(Exception):
    """The server answered with an error object."""

    def __init__(self, error):
        super().__init__('%s: %s' % (error.get('class'), error.get('desc')))
        self.cls = error.get('class')
        self.desc = error.get('desc')


class QmpTimeout(Exception):
    """Nothing that was waited for came before the deadline."""


class QmpClosed(Exception):
    """The server closed the connection."""


def open_socket(address, timeout):
    """Connect to a unix path (str) or to a (host, port) pair; a socket that
    is connected is taken as it is."""
    if isinstance(address, socket.socket):
        return address
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        try:
            sock.connect(address)
        except OSError:
            sock.close()
            raise
        return sock
    return socket.create_connection(address, timeout)


class QmpClient:
    """One monitor session: requests in order, events kept until asked for."""

    def __init__(self, address, timeout=DEFAULT_TIMEOUT, negotiate=True):
        self.timeout = timeout
        self.events = []
        self._buf = b''
        self._serial = 0
        self._sock = open_socket(address, timeout)
        try:
            self.greeting = self.read_message(time.monotonic() + timeout)
            if negotiate:
                self.cmd('qmp_capabilities')
        except (QmpTimeout, QmpClosed, QmpError):
            self._sock.close()
            raise

    def close(self):
        self._sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # -- bytes and messages -------------------------------------------------

    def send_raw(self, data):
        """Send bytes as they are: for split, joined and broken requests."""
        self._sock.settimeout(self.timeout)
        try:
            self._sock.sendall(data)
        except ConnectionError as err:
            raise QmpClosed('monitor connection broke: %s' % err) from err

    def send_fds(self, data, fds):
        """Send bytes with open descriptors; a unix monitor only."""
        self._sock.settimeout(self.timeout)
        sent = socket.send_fds(self._sock, [data], list(fds))
        if sent < len(data):
            self._sock.sendall(data[sent:])

    def shutdown_write(self):
        self._sock.shutdown(socket.SHUT_WR)

    def read_line(self, deadline):
        """One line without its end; QmpTimeout or QmpClosed otherwise."""
        while b'\n' not in self._buf:
            left = deadline - time.monotonic()
            if left <= 0:
                raise QmpTimeout('no message before the deadline')
            self._sock.settimeout(left)
            try:
                data = self._sock.recv(1 << 16)
            except socket.timeout:
                raise QmpTimeout('no message before the deadline') from None
            except ConnectionError as err:
                raise QmpClosed('monitor connection broke: %s' % err) from err
            if not data:
                raise QmpClosed('the monitor closed the connection')
            self._buf += data
        line, self._buf = self._buf.split(b'\n', 1)
        return line.rstrip(b'\r')

    def read_message(self, deadline):
        return json.loads(self.read_line(deadline))

    def read_reply(self, timeout=None):
        """The next message that is not an event; events are kept."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            message = self.read_message(deadline)
            if 'event' not in message:
                return message
            self.events.append(message)

    # -- requests -----------------------------------------------------------

    def request(self, message, timeout=None, fds=()):
        """Send one object, return the whole reply object."""
        data = json.dumps(message).encode() + b'\n'
        if fds:
            self.send_fds(data, fds)
        else:
            self.send_raw(data)
        return self.read_reply(timeout)

    def cmd(self, command, arguments=None, timeout=None, fds=()):
        """Execute, return the value; QmpError when the server refuses.

        fds are descriptors that go with the command.
        """
        self._serial += 1
        message = {'execute': command, 'id': self._serial}
        if arguments is not None:
            message['arguments'] = arguments
        reply = self.request(message, timeout, fds)
        if 'error' in reply:
            raise QmpError(reply['error'])
        if reply.get('id') != self._serial:
            raise QmpError({'class': 'protocol',
                            'desc': 'reply carries id %r, not %r'
                            % (reply.get('id'), self._serial)})
        return reply['return']

    # -- events -------------------------------------------------------------

    def wait_event(self, name, match=None, timeout=None):
        """Take the first kept or coming event NAME whose data matches."""
        deadline = time.monotonic() + (timeout or self.timeout)
        seen = 0
        while True:
            while seen < len(self.events):
                event = self.events[seen]
                if event['event'] == name and \
                        (match is None or match(event.get('data', {}))):
                    del self.events[seen]
                    return event.get('data', {})
                seen += 1
            message = self.read_message(deadline)
            if 'event' in message:
                self.events.append(message)

    def wait_status(self, wanted, timeout=None):
        """Wait for a MIGRATION event with one of the wanted statuses."""
        if isinstance(wanted, str):
            wanted = (wanted,)
        data = self.wait_event('MIGRATION',
                               lambda d: d.get('status') in wanted, timeout)
        return data['status']

    def drop_events(self):
        self.events.clear()
