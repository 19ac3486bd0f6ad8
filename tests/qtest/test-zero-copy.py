# SPDX-License-Identifier: GPL-2.0-or-later
#
# Migrations with capability zero-copy-send.  Over the loopback the kernel
# copies all the same, which is what the counter is there to tell.

import os
import resource
import shutil
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, migrate, ram, tap, vm  # noqa: E402

CAPS = ('multifd', 'zero-copy-send')
SLOW = {'max_bandwidth': 2 * vm.MIB, 'downtime_limit': 1}


class ZeroCopy(case.MachineCase):
    def missed(self, machine):
        return machine.info()['ram']['dirty-sync-missed-zero-copy']

    def check(self, caps=(), dst_caps=('multifd',), **params):
        src, dst = self.source(), self.target()
        result = self.migrate_and_check(src, dst, 'tcp', params=params,
                                        src_caps=CAPS + caps,
                                        dst_caps=dst_caps)
        return src, dst, result

    def test_two_channels(self):
        src, _, result = self.check()
        self.assertGreater(self.missed(src), 0)
        # As many bytes as without.
        self.discard(*self.machines)
        src, dst = self.source(name='src2'), self.target(name='dst2')
        plain = self.migrate_and_check(src, dst, 'tcp', caps=('multifd',))
        self.assertEqual(result.src['ram']['normal'],
                         plain.src['ram']['normal'])
        self.assertEqual(self.missed(src), 0)

    def test_eight_channels(self):
        self.check(multifd_channels=8)

    def test_return_path(self):
        self.check(caps=('return-path',))

    def test_on_at_the_destination_too(self):
        self.check(dst_caps=CAPS)

    def test_all_detections(self):
        for detection in ('none', 'legacy', 'multifd'):
            with self.subTest(detection=detection):
                src = self.source(name='src-' + detection)
                dst = self.target(name='dst-' + detection)
                self.migrate_and_check(
                    src, dst, 'tcp', src_caps=CAPS, dst_caps=('multifd',),
                    params={'zero_page_detection': detection})

    def test_hmp(self):
        src, _, _ = self.check()
        text = src.qmp.cmd('human-monitor-command',
                           {'command-line': 'info migrate'})
        self.assertIn('Zero-copy-send fallbacks happened: %d times\r\n'
                      % self.missed(src), text)

    def test_unix_is_refused(self):
        """The guest stays, and may go over tcp."""
        src, dst = self.source(), self.target()
        dst.capabilities(events=True, multifd=True)
        migrate.configure(src, CAPS, {})
        src.qmp.cmd('migrate', {'uri': dst.listen(self.uri('unix'))})
        self.assertEqual(migrate.end_status(src), 'failed')
        self.assertIn('a unix socket has no zero-copy-send',
                      src.info()['error-desc'])
        other = self.target(name='dst2')
        self.migrate_and_check(src, other, 'tcp', src_caps=CAPS,
                               dst_caps=('multifd',))

    def limited(self, limit_bytes):
        """A source that may not lock more; root may, unless told not to."""
        path = self.path('src.ram')
        ram.create(path, 8 * vm.MIB, 'mixed')
        machine = vm.VM(vm.WHERRY, self.folder, 'src', image=path,
                        start=False)
        if os.geteuid() == 0:
            if not shutil.which('setpriv'):
                self.skipTest('there is no setpriv')
            machine.command = ['setpriv', '--bounding-set', '-ipc_lock',
                               '--inh-caps', '-ipc_lock'] + machine.command
        self.machines.append(machine)
        machine.start()
        resource.prlimit(machine.pid, resource.RLIMIT_MEMLOCK,
                         (limit_bytes, limit_bytes))
        return machine

    def test_no_locked_memory(self):
        src, dst = self.limited(0), self.target()
        migrate.start(src, dst, self.uri('tcp'), src_caps=CAPS,
                      dst_caps=('multifd',))
        self.assertEqual(migrate.end_status(src), 'failed')
        desc = src.info()['error-desc']
        self.assertIn('RLIMIT_MEMLOCK (ulimit -l) is 0 bytes', desc)
        self.assertEqual(migrate.end_status(dst), 'failed')
        # Without the capability it goes.
        src.capabilities(zero_copy_send=False)
        other = self.target(name='dst2')
        self.migrate_and_check(src, other, 'tcp', caps=('multifd',))

    def test_peer_that_reads_nothing(self):
        """Cancelling does not wait for it."""
        src = self.source(ram_kind='random')
        taken = []
        with socket.create_server(('127.0.0.1', 0)) as server:
            def accept():
                while True:
                    try:
                        taken.append(server.accept()[0])
                    except OSError:
                        return
            thread = threading.Thread(target=accept, daemon=True)
            thread.start()
            migrate.configure(src, CAPS, {'max_bandwidth': 0})
            src.qmp.cmd('migrate', {'uri': 'tcp:127.0.0.1:%d'
                                           % server.getsockname()[1]})
            src.qmp.wait_status('active')
            src.qmp.cmd('migrate_cancel')
            self.assertEqual(migrate.end_status(src), 'cancelled')
            server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for sock in taken:
            sock.close()
        dst = self.target()
        self.migrate_and_check(src, dst, 'tcp', src_caps=CAPS,
                               dst_caps=('multifd',))

    def test_destination_that_dies(self):
        src, dst = self.source(ram_kind='random'), self.target()
        migrate.start(src, dst, self.uri('tcp'), src_caps=CAPS,
                      dst_caps=('multifd',), src_params=SLOW)
        src.qmp.wait_status('active')
        self.discard(dst)
        self.assertEqual(migrate.end_status(src), 'failed')
        other = self.target(name='dst2')
        self.migrate_and_check(src, other, 'tcp', src_caps=CAPS,
                               dst_caps=('multifd',))


if __name__ == '__main__':
    sys.exit(tap.main())
