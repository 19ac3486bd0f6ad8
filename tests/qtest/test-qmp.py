# SPDX-License-Identifier: GPL-2.0-or-later
#
# QMP sessions with a real process: greeting, ids, requests split and joined
# at will, garbage, a request without end, clients in turn, run state.

import json
import os
import select
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, qmp, tap, vm  # noqa: E402


class Session(case.MachineCase):
    def setUp(self):
        super().setUp()
        self.vm = self.machine()
        self.qmp = self.vm.qmp

    def new_client(self, **options):
        return qmp.QmpClient(self.vm.qmp_path, **options)

    def check_alive(self):
        self.assertEqual(self.qmp.cmd('query-status')['status'], 'prelaunch')


class Greeting(Session):
    def test_shape(self):
        version = self.qmp.greeting['QMP']['version']
        self.assertEqual(sorted(version), ['package', 'qemu'])
        self.assertEqual(sorted(version['qemu']),
                         ['major', 'micro', 'minor'])
        self.assertIsInstance(self.qmp.greeting['QMP']['capabilities'], list)
        self.assertEqual(self.qmp.cmd('query-version'), version)

    def test_negotiation_comes_first(self):
        self.qmp.close()
        self.qmp = self.vm.qmp = self.new_client(negotiate=False)
        error = self.qmp.request({'execute': 'query-status'})['error']
        self.assertEqual(error['class'], 'CommandNotFound')
        self.assertIn('qmp_capabilities', error['desc'])
        self.qmp.cmd('qmp_capabilities')
        self.check_alive()

    def test_no_negotiation_twice(self):
        with self.assertRaises(qmp.QmpError) as caught:
            self.qmp.cmd('qmp_capabilities')
        self.assertEqual(caught.exception.cls, 'CommandNotFound')

    def test_no_events_before_negotiation(self):
        """An event meanwhile is not sent to who has not asked for it."""
        self.qmp.cmd('cont')
        self.qmp.close()
        self.qmp = self.vm.qmp = self.new_client(negotiate=False)
        self.assertEqual(self.qmp.events, [])
        self.qmp.cmd('qmp_capabilities')
        self.assertEqual(self.qmp.events, [])


class Ids(Session):
    def test_any_value_comes_back(self):
        for value in (0, -1, 1.5, '', 'x', None, True, [], [1, [2]],
                      {'a': {'b': None}}, 2 ** 63, 2 ** 64 - 1, 'ä "q" \n'):
            with self.subTest(id=value):
                reply = self.qmp.request({'execute': 'query-status',
                                          'id': value})
                self.assertIn('return', reply)
                self.assertEqual(reply['id'], value)
                reply = self.qmp.request({'execute': 'no-such', 'id': value})
                self.assertIn('error', reply)
                self.assertEqual(reply['id'], value)

    def test_none_asked_none_sent(self):
        self.assertNotIn('id', self.qmp.request({'execute': 'query-status'}))

    def test_replies_keep_the_order(self):
        text = ''.join(json.dumps({'execute': 'query-status', 'id': n})
                       for n in range(200))
        self.qmp.send_raw(text.encode())
        self.assertEqual([self.qmp.read_reply()['id'] for _ in range(200)],
                         list(range(200)))


class Pieces(Session):
    REQUEST = b'{"execute": "query-status", "id": {"a": ["\\u0041}", 1]}}'

    def check_reply(self):
        reply = self.qmp.read_reply()
        self.assertEqual(reply['id'], {'a': ['A}', 1]})
        self.assertIn('return', reply)

    def test_byte_by_byte(self):
        for at in range(len(self.REQUEST)):
            self.qmp.send_raw(self.REQUEST[at:at + 1])
        self.check_reply()

    def test_split_at_every_place(self):
        for at in range(1, len(self.REQUEST)):
            self.qmp.send_raw(self.REQUEST[:at])
            self.qmp.send_raw(self.REQUEST[at:])
            self.check_reply()

    def test_two_at_once_without_a_separator(self):
        self.qmp.send_raw(self.REQUEST * 2)
        self.check_reply()
        self.check_reply()

    def test_one_and_a_half(self):
        self.qmp.send_raw(self.REQUEST + self.REQUEST[:20])
        self.check_reply()
        self.qmp.send_raw(self.REQUEST[20:])
        self.check_reply()

    def test_white_space_around(self):
        self.qmp.send_raw(b'\r\n\t  ' + self.REQUEST + b'\r\n\r\n  ')
        self.check_reply()

    def test_line_ends(self):
        """Each message is one line that ends CR LF."""
        self.qmp.send_raw(self.REQUEST)
        self.qmp._sock.settimeout(qmp.DEFAULT_TIMEOUT)
        data = b''
        while not data.endswith(b'\n'):
            data += self.qmp._sock.recv(4096)
        self.assertTrue(data.endswith(b'}\r\n'), data)
        self.assertEqual(data.count(b'\n'), 1)

    def test_end_of_input_after_a_request(self):
        """A client that writes, shuts its side and reads gets its answer."""
        self.qmp.send_raw(self.REQUEST)
        self.qmp.shutdown_write()
        self.check_reply()
        self.vm.connect()


GARBAGE = (b'}', b']', b'hello', b'{"execute": }', b'{"execute" "x"}',
           b'{,}', b'[1, 2', b'\x80\x81\x82', b'\x00', b"{'a'", b'nul',
           b'{"execute": "query-status"', b'"unfinished', b'\x01' * 100,
           b'{"a": 1e999999}', b'{"a": 01}', b'{"a": "\x01"}',
           b'{"\\ud800": 1}', b'{"a": NaN}')


class Garbage(Session):
    def resync(self):
        """What the protocol offers a client that has lost its place."""
        self.qmp.send_raw(b'\n\xff\n{"execute": "query-status", '
                          b'"id": "in step"}')
        errors = 0
        while True:
            reply = self.qmp.read_reply()
            if reply.get('id') == 'in step':
                self.assertIn('return', reply)
                return errors
            self.assertEqual(reply['error']['class'], 'GenericError')
            errors += 1

    def test_answered_and_survived(self):
        for data in GARBAGE:
            with self.subTest(data=data[:40]):
                self.qmp.send_raw(data)
                self.assertGreater(self.resync(), 0)
        self.check_alive()

    def test_all_bytes(self):
        self.qmp.send_raw(bytes(range(256)) * 8)
        self.resync()
        self.check_alive()

    def test_not_an_object(self):
        for value in (1, 'query-status', [], None, True):
            with self.subTest(value=value):
                reply = self.qmp.request(value)
                self.assertEqual(reply['error']['class'], 'GenericError')
        self.check_alive()


@case.needs_wherry()
class Size(Session):
    """A request has a largest size; beyond it is an error, not memory."""

    def send_until_answered(self, unit):
        """Send the unit again and again; the first reply, None for a cut."""
        sock = self.qmp._sock
        sock.setblocking(False)
        try:
            for _ in range((512 << 20) // len(unit)):
                readable, writable, _ = select.select(
                    [sock], [sock], [], qmp.DEFAULT_TIMEOUT)
                if readable:
                    break
                self.assertTrue(writable, 'the monitor reads no more')
                sock.send(unit)
            return self.qmp.read_reply()
        except (ConnectionError, qmp.QmpClosed):
            return None

    def check_bounded(self, start, unit):
        before = vm.peak_rss(self.vm.pid)
        self.qmp.send_raw(start)
        reply = self.send_until_answered(unit)
        self.assertTrue(reply is None or 'error' in reply)
        self.assertLess(vm.peak_rss(self.vm.pid) - before, 256 << 20)
        self.qmp.close()
        self.qmp = self.vm.connect()
        self.check_alive()

    def test_endless_string(self):
        self.check_bounded(b'{"execute": "', b'x' * 65536)

    def test_endless_list(self):
        self.check_bounded(b'{"execute": "query-status", "id": [',
                           b'1,' * 32768)

    def test_deep_nesting(self):
        self.check_bounded(b'{"id": ', b'[' * 65536)

    def test_large_but_allowed(self):
        """Half a megabyte of id is no reason to refuse."""
        text = 'x' * (1 << 19)
        reply = self.qmp.request({'execute': 'query-status', 'id': text})
        self.assertEqual(reply['id'], text)


class Clients(Session):
    def test_one_after_the_other(self):
        for _ in range(20):
            self.qmp.close()
            self.qmp = self.vm.qmp = self.new_client()
            self.check_alive()

    def test_second_waits_for_the_first(self):
        second = qmp.open_socket(self.vm.qmp_path, qmp.DEFAULT_TIMEOUT)
        self.check_alive()
        second.setblocking(False)
        with self.assertRaises(BlockingIOError):
            second.recv(1, socket.MSG_PEEK)
        self.qmp.close()
        second.settimeout(qmp.DEFAULT_TIMEOUT)
        self.assertIn(b'QMP', second.recv(4096))
        second.close()
        self.qmp = self.vm.connect()
        self.check_alive()

    def test_client_that_goes_in_the_middle(self):
        for data in (b'', b'{', b'{"execute": "query-status"}' * 100):
            self.qmp.send_raw(data)
            self.qmp.close()
            self.qmp = self.vm.connect()
            self.check_alive()

    def test_client_that_never_reads(self):
        """Answers pile up, within bounds; others are served when it goes."""
        sock = self.qmp._sock
        sock.settimeout(0.5)
        try:
            for _ in range(2000):
                sock.sendall(b'{"execute": "query-qmp-schema"}')
        except OSError:
            pass
        self.qmp.close()
        self.qmp = self.vm.connect()
        self.check_alive()


class RunState(Session):
    def test_stop_and_cont(self):
        self.qmp.cmd('cont')
        self.qmp.wait_event('RESUME')
        self.assertEqual(self.qmp.cmd('query-status'),
                         {'status': 'running', 'running': True})
        self.qmp.cmd('stop')
        self.qmp.wait_event('STOP')
        self.assertEqual(self.qmp.cmd('query-status'),
                         {'status': 'paused', 'running': False})
        self.qmp.cmd('stop')
        self.qmp.cmd('cont')

    def test_quit(self):
        self.vm.expect_exit = True
        self.qmp.cmd('quit')
        self.assertEqual(self.qmp.wait_event('SHUTDOWN'),
                         {'guest': False, 'reason': 'host-qmp-quit'})
        self.assertEqual(self.vm.wait_exit(), 0)
        self.assertFalse(os.path.exists(self.vm.qmp_path))

    def test_timestamps(self):
        self.qmp.cmd('cont')
        deadline = time.monotonic() + qmp.DEFAULT_TIMEOUT
        events = list(self.qmp.events)
        while not events:
            events.append(self.qmp.read_message(deadline))
        stamp = events[0]['timestamp']
        self.assertLess(abs(stamp['seconds'] - time.time()), 3600)
        self.assertLess(stamp['microseconds'], 1000000)


if __name__ == '__main__':
    sys.exit(tap.main())
