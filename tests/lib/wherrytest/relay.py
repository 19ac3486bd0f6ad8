# SPDX-License-Identifier: GPL-2.0-or-later
#
# A relay between a source and a destination that counts what it passes on, so
# that a test can act at an exact byte of a migration: it lets so many more
# bytes of the source through, calls a function, and is gone, as a link whose
# one end has died.  Or it keeps the end of the stream to itself until the test
# has decided how much of it shall arrive.
#
# One thread serves all connections; commands of the test run in it, too.

import queue
import select
import socket
import threading

from . import decode, peer, qmp, stream

CHUNK = 1 << 16
# How much of each connection is remembered.
HEAD = 1 << 10
# No description is longer.
TAIL = 1 << 16


class Link:
    """A connection of the source, and the one behind it."""

    def __init__(self, src, dst):
        self.src, self.dst = src, dst
        self.down, self.up = bytearray(), bytearray()
        self.head = b''
        self.ended = False

    def is_main(self):
        return self.head[:4] == stream.MAGIC.to_bytes(4, 'big')

    def close(self):
        self.src.close()
        self.dst.close()


class Relay(threading.Thread):
    """Listens on LISTEN, a unix: or tcp: URI; `uri` is for the source."""

    def __init__(self, listen, target):
        super().__init__(daemon=True)
        self.target = target
        self.links = []
        self.passed = 0         # bytes of the source, all connections
        self.at = None          # how many to pass on before action()
        self.action = None
        self.holding = self.holding_answers = self.finishing = False
        self.over = False
        self.error = None
        self.main_head = b''    # how the main channel begins
        self.tail = None        # bytes of the description at the end
        self.to_drain = []      # links that are to be empty before action()
        self.changed = threading.Condition()
        self.commands = queue.SimpleQueue()
        self.wake_r, self.wake_w = socket.socketpair()
        self.listener, self.uri = self._listen(listen)
        self.start()

    @staticmethod
    def _listen(uri):
        address = peer.parse_uri(uri)
        if isinstance(address, str):
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(address)
        else:
            listener = socket.create_server(address)
            uri = 'tcp:%s:%d' % listener.getsockname()[:2]
        listener.listen(256)
        return listener, uri

    # -- for the test -------------------------------------------------------

    def strike(self, more, action):
        """Pass on so many bytes more, not one above; then call action() and
        close all connections.  With 0 and no connection yet: with the first
        one that comes."""
        def begin():
            self.at, self.action = self.passed + more, action
            if self.links:
                self._strike_if_there()
        self._do(begin)

    def hold(self, answers=False):
        """Keep what the source sends, and with ANSWERS the other way, too."""
        def begin():
            self.holding, self.holding_answers = True, answers
        self._do(begin)

    def wait_tail(self, timeout=qmp.DEFAULT_TIMEOUT):
        """Until all of the stream is held; how long its description is,
        behind the byte that ends the stream."""
        with self.changed:
            self.changed.wait_for(lambda: self.tail or self.over, timeout)
        self._check()
        if not self.tail:
            raise AssertionError('the end of the stream did not come')
        return self.tail

    def release(self, cut=0, action=None):
        """Pass on what is held but for the last CUT bytes of the main
        channel.  With an action(): then call that and close all.  Without a
        sync point, which may be cut off, no multifd channel is read to its
        end; they are not waited for then."""
        def begin():
            self.to_drain = [link for link in self.links
                             if link.is_main() or cut <= self.tail]
            for link in self.links:
                if cut and link.is_main():
                    del link.down[-cut:]
            self.action, self.finishing = action, action is not None
            self.holding = False
        self._do(begin)

    def pass_answers(self):
        def begin():
            self.holding_answers = False
        self._do(begin)

    def wait(self, timeout=qmp.DEFAULT_TIMEOUT):
        """Until it has called the action and closed all."""
        self.join(timeout)
        self._check()
        if self.is_alive():
            raise AssertionError('%d bytes came, action at %s'
                                 % (self.passed, self.at))

    def close(self):
        """Close all connections."""
        def begin():
            self.over = True
        self._do(begin)
        self.join()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def _check(self):
        if self.error:
            raise AssertionError('relay: %r' % self.error) from self.error

    def _do(self, command):
        """Have a command run in the thread; returns when it has."""
        done = threading.Event()
        self.commands.put((command, done))
        try:
            self.wake_w.send(b'.')
        except OSError:
            pass                # the thread has ended
        while not done.wait(0.1) and self.is_alive():
            pass

    # -- the thread ---------------------------------------------------------

    def run(self):
        try:
            while not self.over:
                self._turn()
        except Exception as err:  # pylint: disable=broad-except
            self.error = err
        self.over = True
        self.listener.close()
        for link in self.links:
            link.close()
        self.wake_r.close()
        self.wake_w.close()
        with self.changed:
            self.changed.notify_all()

    def _turn(self):
        poller, handlers = select.poll(), {}

        def want(sock, mask, handler, *args):
            if mask:
                poller.register(sock, mask)
                handlers[sock.fileno()] = (handler, args)

        want(self.wake_r, select.POLLIN, self._commands)
        want(self.listener, select.POLLIN, self._accept)
        for link in self.links:
            reads = not link.ended and not self.finishing and \
                (self.holding or not link.down)
            writes = link.down and not self.holding
            want(link.src, reads * select.POLLIN |
                 bool(link.up) * select.POLLOUT, self._source_ready, link)
            want(link.dst, (not self.holding_answers) * select.POLLIN |
                 bool(writes) * select.POLLOUT, self._target_ready, link)
        for fd, event in poller.poll():
            handler, args = handlers[fd]
            handler(event, *args)
            if self.over:
                return
        if self.finishing and not any(link.down for link in self.to_drain
                                      if link in self.links):
            self._strike()

    def _commands(self, _):
        self.wake_r.recv(64)
        while not self.commands.empty():
            command, done = self.commands.get()
            command()
            done.set()

    def _accept(self, _):
        src, _ = self.listener.accept()
        try:
            dst = peer.connect(self.target)
        except OSError:
            src.close()
            return
        src.setblocking(False)
        dst.setblocking(False)
        self.links.append(Link(src, dst))
        self._strike_if_there()

    def _strike_if_there(self):
        if self.at is not None and self.passed >= self.at:
            self._strike()

    def _strike(self):
        self.over = True
        self.action()

    def _source_ready(self, event, link):
        if link not in self.links:
            return
        if link.up:
            self._push(link, link.src, link.up)
        if event & ~select.POLLOUT and not link.ended:
            self._take(link)

    def _take(self, link):
        """Bytes of the source."""
        count = CHUNK
        if self.at is not None and not self.holding:
            count = min(count, self.at - self.passed)
        data = self._recv(link.src, count)
        if data is None:
            return
        if not data:
            link.ended = True
        link.down += data
        link.head += data[:HEAD - len(link.head)]
        if link.is_main():
            self.main_head = link.head
        self.passed += len(data)
        if self.holding:
            self._look_for_tail(link)
            return
        self._push(link, link.dst, link.down)
        self._strike_if_there()

    def _look_for_tail(self, link):
        if not link.is_main():
            return
        end = link.down[-TAIL:]
        at, _ = decode.find_description(end)
        if at is not None:
            with self.changed:
                self.tail = len(end) - at - 1
                self.changed.notify_all()

    def _target_ready(self, event, link):
        if link not in self.links:
            return
        if link.down and not self.holding:
            self._push(link, link.dst, link.down)
        if event & ~select.POLLOUT and not self.holding_answers and \
                link in self.links:
            self._answer(link)

    def _answer(self, link):
        data = self._recv(link.dst, CHUNK)
        if data is None:
            return
        link.up += data
        self._push(link, link.src, link.up)
        if not data:
            self._drop(link)

    @staticmethod
    def _recv(sock, count):
        """None when there is nothing yet, b'' at the end."""
        try:
            return sock.recv(count)
        except BlockingIOError:
            return None
        except ConnectionError:
            return b''

    def _push(self, link, sock, data):
        try:
            if data:
                del data[:sock.send(data)]
            if link.ended and sock is link.dst and not data:
                sock.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(link)

    def _drop(self, link):
        if link in self.links:
            self.links.remove(link)
        link.close()
        if self.at is not None and not self.links:
            raise AssertionError('all has ended at byte %d, before byte %d'
                                 % (self.passed, self.at))
