# SPDX-License-Identifier: GPL-2.0-or-later
#
# Scripted ends of a migration: a source that writes given bytes, and a
# destination that accepts connections and reads, or stalls, or closes.

import socket
import threading
import time

from . import qmp


def parse_uri(uri):
    """unix:PATH or tcp:HOST:PORT as qmp.open_socket() takes it."""
    if uri.startswith('unix:'):
        return uri[len('unix:'):]
    host, port = uri[len('tcp:'):].rsplit(':', 1)
    return host.strip('[]'), int(port)


def connect(uri, timeout=qmp.DEFAULT_TIMEOUT):
    return qmp.open_socket(parse_uri(uri), timeout)


def send(sock, data):
    """Write it all; False when the peer has closed before the end."""
    try:
        sock.sendall(data)
        return True
    except (BrokenPipeError, ConnectionResetError):
        return False


def read_end(sock, timeout=qmp.DEFAULT_TIMEOUT):
    """Everything until the peer closes; socket.timeout if it does not."""
    deadline = time.monotonic() + timeout
    data = b''
    while True:
        sock.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            part = sock.recv(1 << 16)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part


class Source:
    """Connections to an incoming side, closed together."""

    def __init__(self, uri):
        self.uri = uri
        self.sockets = []

    def open(self, data=b''):
        sock = connect(self.uri)
        self.sockets.append(sock)
        if data:
            send(sock, data)
        return sock

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for sock in self.sockets:
            sock.close()


class Sink(threading.Thread):
    """A destination that answers nothing.

    mode `read` takes in all that comes (and keeps it: one bytes object per
    connection in `data`), `stall` accepts and never reads, `deaf` does not
    even accept.  close() ends it and cuts the connections.
    """

    def __init__(self, path, mode='read', close_after=None):
        super().__init__(daemon=True)
        self.mode, self.close_after = mode, close_after
        self.data, self.sockets, self.readers = [], [], []
        self.changed = threading.Condition()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(0 if mode == 'deaf' else 256)
        self.uri = 'unix:' + path
        if mode != 'deaf':
            self.start()

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            data = bytearray()
            if self.mode == 'read':
                reader = threading.Thread(target=self._read, daemon=True,
                                          args=(sock, data))
                reader.start()
                self.readers.append(reader)
            with self.changed:
                self.sockets.append(sock)
                self.data.append(data)
                self.changed.notify_all()

    def _read(self, sock, data):
        while True:
            try:
                part = sock.recv(1 << 16)
            except OSError:
                return
            data += part
            enough = self.close_after is not None and \
                len(data) >= self.close_after
            if enough:
                self._cut(sock)
            if enough or not part:
                return

    @staticmethod
    def _cut(sock):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def wait_end(self, count=1, timeout=qmp.DEFAULT_TIMEOUT):
        """Wait until COUNT connections have come, and all have ended."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.data) >= count,
                                         timeout):
                raise AssertionError('%d of %d connections came'
                                     % (len(self.data), count))
        for reader in list(self.readers):
            reader.join(timeout)
            if reader.is_alive():
                raise AssertionError('a connection of the source stays open')

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        if self.is_alive():
            self.join()
        for sock in self.sockets:
            self._cut(sock)
        for reader in self.readers:
            reader.join()
        for sock in self.sockets:
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
