# SPDX-License-Identifier: GPL-2.0-or-later
#
# Records a migration: what a source sends over each connection goes into a
# file, and on to a destination if there is one.  Without one this is the
# destination: it says that all is well once the description has come, so a
# source with return-path completes, too, and its guest is in the files.

import socket
import threading

from . import StreamError, description, wire

CHUNK = 1 << 18
GREETING = 64
ANSWER = bytes.fromhex('0001000400000000')      # SHUT, 0: all is well


def _address(uri):
    if uri.startswith('unix:'):
        return uri[len('unix:'):]
    host, colon, port = uri[len('tcp:'):].rpartition(':')
    if not uri.startswith('tcp:') or not colon or not port.isdigit():
        raise StreamError(0, '%s is neither unix:PATH nor tcp:HOST:PORT'
                          % uri)
    return host.strip('[]'), int(port)


def _listen(uri):
    address = _address(uri)
    if isinstance(address, tuple):
        return socket.create_server(address)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen(256)
    return listener


def _connect(uri):
    address = _address(uri)
    if isinstance(address, tuple):
        return socket.create_connection(address)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.connect(address)
    return sock


def _close(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()


class _Connection(threading.Thread):
    """One connection of the source, until it ends."""

    def __init__(self, recorder, sock):
        super().__init__(daemon=True)
        self.recorder, self.sock = recorder, sock
        self.target = _connect(recorder.to) if recorder.to else None
        self.count, self.tail = 0, b''
        self.path = None
        self.answers = None

    def run(self):
        try:
            if self.target:
                self.answers = threading.Thread(target=self._pass_answers,
                                                daemon=True)
                self.answers.start()
            self._take()
            if self.target:
                self.target.shutdown(socket.SHUT_WR)
                self.answers.join()
        except OSError:
            pass                # the other end is gone; so is this one
        finally:
            _close(self.sock)
            if self.target:
                _close(self.target)
            self.recorder.ended(self)

    def _pass_answers(self):
        try:
            while True:
                data = self.target.recv(CHUNK)
                if not data:
                    break
                self.sock.sendall(data)
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _take(self):
        head = b''
        while len(head) < GREETING:
            data = self.sock.recv(GREETING - len(head))
            if not data:
                break
            head += data
        name = 'main' if head[:4] == wire.MAGIC.to_bytes(4, 'big') else \
            'channel-%d' % head[24] if len(head) == GREETING else 'unknown'
        self.path = '%s.%s' % (self.recorder.prefix, name)
        with open(self.path, 'wb', buffering=0) as file:
            data = head
            while data:
                file.write(data)
                self.count += len(data)
                if self.target:
                    self.target.sendall(data)
                elif name == 'main':
                    self._look_for_end(data)
                data = self.sock.recv(CHUNK)

    def _look_for_end(self, data):
        self.tail = (self.tail + data)[-CHUNK:]
        at, _ = description.find(self.tail)
        if at is not None:
            self.sock.sendall(ANSWER)
            self.tail = b''


class Recorder:
    """Listens from when it is made; run() returns [(file, its bytes)]."""

    def __init__(self, uri, prefix, to):
        self.prefix, self.to = prefix, to
        self.listener = _listen(uri)
        self.connections = []

    def ended(self, connection):
        """With the main channel ends the migration."""
        if connection.path == self.prefix + '.main':
            self.listener.shutdown(socket.SHUT_RDWR)

    def run(self):
        try:
            while True:
                try:
                    sock, _ = self.listener.accept()
                except OSError:
                    break
                try:
                    one = _Connection(self, sock)
                except OSError:
                    sock.close()
                    raise
                self.connections.append(one)
                one.start()
        finally:
            self.listener.close()
        for one in self.connections:
            one.join()
        return sorted((one.path, one.count) for one in self.connections
                      if one.path)


def record(uri, prefix, to=None):
    """Record one migration; [(file, its bytes)]."""
    return Recorder(uri, prefix, to).run()
