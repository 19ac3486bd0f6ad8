# SPDX-License-Identifier: GPL-2.0-or-later
#
# scripts/analyze-stream.py record: every byte of each connection, with and
# without a destination behind it.

import os
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from recordings import PAGE, RecordingCase, page, stream  # noqa: E402
from analyze import record  # noqa: E402
from wherrytest import tap  # noqa: E402


class Recorder(RecordingCase):
    """`record` as a destination, and between both ends."""

    def setUp(self):
        super().setUp()
        self.found = None

    def record(self, to=None):
        def work():
            self.found = record.record('unix:' + self.path('sock'),
                                       self.path('r'), to)
        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()
        while not os.path.exists(self.path('sock')):
            pass

    def connect(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(sock.close)
        sock.settimeout(60)
        while True:
            try:
                sock.connect(self.path('sock'))
                return sock
            except ConnectionRefusedError:
                continue        # bound and not yet listening

    def send_all(self, main, channels):
        socks = [self.connect() for _ in range(1 + len(channels))]
        for sock, data in zip(socks, [main] + channels):
            sock.sendall(data)
        return socks

    def check_files(self, main, channels):
        self.thread.join(60)
        self.assertFalse(self.thread.is_alive())
        self.assertEqual(self.read('r.main'), main)
        for number, data in enumerate(channels):
            self.assertEqual(self.read('r.channel-%d' % number), data)
        self.assertEqual(sum(count for _, count in self.found),
                         sum(map(len, [main] + channels)))

    def test_it_is_the_destination(self):
        image = page(1) + bytes(PAGE) + page(2)
        main, channels = stream.multifd('m', len(image), image, 2)
        self.record()
        socks = self.send_all(main, channels)
        self.assertEqual(socks[0].recv(64), record.ANSWER)
        for sock in socks[::-1]:
            sock.close()
        self.check_files(main, channels)
        self.check_good(self.path('r.main'), [
            self.path('r.channel-%d' % number) for number in (0, 1)])

    def test_it_passes_on(self):
        main = stream.plain('m', PAGE, page(1))
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(self.path('to'))
        listener.listen(4)
        listener.settimeout(60)
        self.record('unix:' + self.path('to'))
        sock, = self.send_all(main, [])
        sock.shutdown(socket.SHUT_WR)
        got, _ = listener.accept()
        self.addCleanup(got.close)
        with got.makefile('rb') as file:
            self.assertEqual(file.read(), main)
        got.sendall(b'an answer')
        got.shutdown(socket.SHUT_WR)
        with sock.makefile('rb') as file:
            self.assertEqual(file.read(), b'an answer')
        self.check_files(main, [])

    def test_no_address(self):
        self.script('record', 'nowhere', '--output', self.path('r'),
                    status=1)
        self.assertIn('neither unix:PATH nor tcp:HOST:PORT', self.err)


if __name__ == '__main__':
    sys.exit(tap.main())
