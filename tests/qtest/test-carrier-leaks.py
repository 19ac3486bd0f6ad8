# SPDX-License-Identifier: GPL-2.0-or-later
#
# However a migration over any carrier ends, and however often, the process is
# left with the descriptors and threads that it had before.

import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, migrate, qmp, tap, vm  # noqa: E402

TIMES = 4
BAD = b'QEVM\0\0\0\3' + b'x' * 5000


class LeaksCase(case.MachineCase):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path('psk'))
        with open(self.path('psk/keys.psk'), 'w', encoding='ascii') as file:
            file.write('qemu:%s\n' % ('5e' * 32))

    def objects(self):
        """Credentials for both ends; none where it was built without TLS."""
        return [word for end in ('client', 'server') for word in
                ('-object', 'tls-creds-psk,id=%s,endpoint=%s,dir=%s'
                 % (end, end, self.path('psk')))]

    def machine_with_tls(self, make, **more):
        try:
            return make(options=self.objects(), **more)
        except RuntimeError as err:
            if 'was built without' not in str(err):
                raise
            self.machines.pop().kill()
            self.has_tls = False
            return make(**more)

    has_tls = True

    def held(self, machine):
        """How many descriptors and threads."""
        return tuple(len(os.listdir('/proc/%d/%s' % (machine.pid, what)))
                     for what in ('fd', 'task'))

    def check(self, machine, end):
        """The end of a migration is reached several times, and leaves
        nothing; the first one may make what is kept."""
        end()
        before = self.settled(machine, None)
        for _ in range(TIMES):
            end()
        self.assertEqual(self.settled(machine, before), before)

    def settled(self, machine, wanted):
        """What is held once threads that have nothing more to do are gone."""
        deadline = time.monotonic() + qmp.DEFAULT_TIMEOUT
        same, found = 0, None
        while same < 20 and time.monotonic() < deadline:
            machine.info()
            now = self.held(machine)
            same = same + 1 if now == found else 0
            found = now
            if wanted is not None and now == wanted:
                break
        return found

    def set(self, machine, caps, params):
        machine.capabilities(**{'events': True, 'return-path': False,
                                'multifd': 'multifd' in caps,
                                'mapped-ram': 'mapped-ram' in caps})
        machine.parameters(**dict({'tls_creds': '', 'direct_io': False,
                                   'multifd_compression': 'none'},
                                  **params))
        machine.qmp.drop_events()


@case.needs_wherry()
class Outgoing(LeaksCase):
    def setUp(self):
        super().setUp()
        self.src = self.machine_with_tls(self.source)
        self.src.parameters(max_bandwidth=0)

    def go(self, uri, wanted, caps=(), fds=(), **params):
        """One migration; `refused` is an error in the reply."""
        self.set(self.src, caps, params)
        for fd in fds:
            self.src.qmp.cmd('getfd', {'fdname': 'peer'}, fds=[fd])
            os.close(fd)
        try:
            self.src.qmp.cmd('migrate', {'uri': uri})
            status = migrate.end_status(self.src)
        except qmp.QmpError as err:
            status = 'refused ' + err.desc
        self.assertRegex(status, wanted)
        if status == 'completed':
            self.src.qmp.cmd('cont')
            self.src.qmp.cmd('stop')

    def check_end(self, *arguments, **more):
        self.check(self.src, lambda: self.go(*arguments, **more))

    def test_file(self):
        self.check_end('file:' + self.path('f'), 'completed')

    def test_file_that_is_none(self):
        self.check_end('file:' + self.folder, 'refused')

    def test_program(self):
        self.check_end('exec:cat >/dev/null', 'completed')

    def test_program_that_fails(self):
        self.check_end('exec:false', 'failed')

    def test_mapped_ram(self):
        self.check_end('file:' + self.path('f'), 'completed', ['mapped-ram'])

    def test_mapped_ram_by_channels(self):
        self.check_end('file:' + self.path('f'), 'completed',
                       ['mapped-ram', 'multifd'])

    def test_mapped_ram_past_the_cache(self):
        self.check_end('file:' + self.path('f'), 'completed|refused|failed',
                       ['mapped-ram', 'multifd'], direct_io=True)

    def test_mapped_ram_over_a_socket(self):
        self.check_end('unix:' + self.path('u'), 'refused', ['mapped-ram'])

    def test_nobody_listens(self):
        self.check_end('unix:' + self.path('u'), 'failed', ['multifd'])

    def test_descriptor_of_a_file(self):
        self.check(self.src, lambda: self.go(
            'fd:peer', 'completed', fds=[
                os.open(self.path('f'), os.O_WRONLY | os.O_CREAT)]))

    def test_descriptor_whose_peer_is_gone(self):
        def end():
            one, other = socket.socketpair()
            other.close()
            self.go('fd:peer', 'failed', fds=[one.detach()])
        self.check(self.src, end)

    def test_descriptor_that_is_not_there(self):
        self.check_end('fd:nobody', 'refused')
        self.check_end('file:/dev/fdset/7', 'refused')

    def test_tls_to_somebody_who_does_not_speak_it(self):
        if not self.has_tls:
            self.skipTest('built without GnuTLS')
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path('u'))
            listener.listen(9)

            def serve():
                try:
                    while True:
                        sock, _ = listener.accept()
                        sock.recv(10)
                        sock.close()
                except OSError:
                    pass        # it was shut down
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            try:
                self.check_end('unix:' + self.path('u'), 'failed',
                               tls_creds='client')
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()


@case.needs_wherry()
class Incoming(LeaksCase):
    def setUp(self):
        super().setUp()
        self.dst = self.machine_with_tls(self.target)
        for name, data in (('empty', b''), ('bad', BAD)):
            with open(self.path(name), 'wb') as file:
                file.write(data)

    def go(self, uri, wanted, caps=(), fds=(), send=None, **params):
        self.set(self.dst, caps, params)
        for fd in fds:
            self.dst.qmp.cmd('getfd', {'fdname': 'peer'}, fds=[fd])
            os.close(fd)
        socks = []
        try:
            self.dst.qmp.cmd('migrate-incoming', {'uri': uri,
                                                  'exit-on-error': False})
            if send:
                socks.append(socket.socket(socket.AF_UNIX))
                socks[0].connect(self.path('u'))
                socks[0].sendall(send)
            status = migrate.end_status(self.dst)
        except qmp.QmpError as err:
            status = 'refused ' + err.desc
        for sock in socks:
            sock.close()
        self.assertRegex(status, wanted)

    def check_end(self, *arguments, **more):
        self.check(self.dst, lambda: self.go(*arguments, **more))

    def test_bad_files(self):
        self.check_end('file:' + self.path('empty'), 'failed')
        self.check_end('file:' + self.path('bad'), 'failed')
        self.check_end('file:' + self.path('none'), 'refused')

    def test_bad_mapped_ram(self):
        self.check_end('file:' + self.path('bad'), 'failed',
                       ['mapped-ram', 'multifd'])

    def test_programs(self):
        self.check_end('exec:false', 'failed')
        self.check_end('exec:cat ' + self.path('bad'), 'failed')

    def test_descriptors(self):
        def end():
            one, other = socket.socketpair()
            other.sendall(BAD)
            other.close()
            self.go('fd:peer', 'failed', fds=[one.detach()])
        self.check(self.dst, end)
        self.check_end('fd:nobody', 'refused')

    def test_sockets(self):
        self.check_end('unix:' + self.path('u'), 'failed', send=BAD)
        self.check_end('unix:' + self.path('u'), 'failed', ['multifd'],
                       send=b'garbage!' * 20)


if __name__ == '__main__':
    sys.exit(tap.main())
