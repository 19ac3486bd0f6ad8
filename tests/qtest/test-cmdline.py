# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line of real processes: what is printed, what is refused and in
# which words, going to the background, the PID file, trace points.

import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, migrate, qmp, tap, vm  # noqa: E402


class CommandLine(case.MachineCase):
    @case.needs_wherry()
    def setUp(self):
        super().setUp()

    def run_wherry(self, *options):
        """Run to the end: (exit status, stdout, stderr)."""
        done = subprocess.run([vm.binary(vm.WHERRY), *options],
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=qmp.DEFAULT_TIMEOUT,
                              check=False)
        return done.returncode, done.stdout, done.stderr


class Printed(CommandLine):
    OPTIONS = ('-machine', '-m', '-object', '-accel', '-name', '-uuid', '-S',
               '-incoming', '-qmp', '-global', '-trace', '-daemonize',
               '-pidfile', '-nodefaults', '-display', '--version', '--help')

    def test_help(self):
        for word in ('-h', '-help', '--help'):
            code, out, err = self.run_wherry(word)
            self.assertEqual((code, err), (0, ''))
        for option in self.OPTIONS:
            self.assertIn(option, out)

    def test_version(self):
        for word in ('-version', '--version'):
            code, out, err = self.run_wherry(word)
            self.assertEqual((code, err), (0, ''))
            self.assertRegex(out, r'^wherry \d+\.\d+')

    def test_accel_list(self):
        code, out, _ = self.run_wherry('-accel', 'help')
        self.assertEqual(code, 0)
        self.assertIn('none', out)

    def test_machine_list(self):
        code, out, _ = self.run_wherry('-machine', 'help')
        self.assertEqual(code, 0)
        self.assertIn('none', out)

    def test_trace_list(self):
        code, out, _ = self.run_wherry('-trace', 'help')
        self.assertEqual(code, 0)
        self.assertIn('migration_status', out.split())


MEMFD = 'memory-backend-memfd,id=m,size=1M'
REFUSED = {
    'unknown option': (['-frobnicate'], 'frobnicate'),
    'no dash': (['machine'], 'machine'),
    'missing argument': (['-m'], '-m.*argument'),
    'machine type': (['-machine', 'q35'], 'q35'),
    'machine property': (['-machine', 'none,usb=on'], 'usb'),
    'memory size': (['-m', 'lots'], '-m lots'),
    'negative memory size': (['-m', '-5'], '-m -5'),
    'memory size beyond 64 bits': (['-m', '99999999999999E'], 'size'),
    'accelerator': (['-accel', 'warp'], 'warp'),
    'object type': (['-object', 'rng-random,id=r'], 'rng-random'),
    'object without id': (['-object', 'memory-backend-ram,size=1M'], 'id'),
    'object without size': (['-object', 'memory-backend-ram,id=m'], 'size'),
    'object id': (['-object', 'memory-backend-ram,id=1+1,size=1M'], r'1\+1'),
    'object size': (['-object', 'memory-backend-ram,id=m,size=big'], 'big'),
    'object size zero': (['-object', 'memory-backend-ram,id=m,size=0'],
                         'size|0'),
    'object property': (['-object', MEMFD + ',colour=red'], 'colour'),
    'object flag': (['-object', MEMFD + ',share=perhaps'], 'share'),
    'object twice': (['-object', MEMFD, '-object', MEMFD], "'m'"),
    'file without path': (['-object', 'memory-backend-file,id=m,size=1M'],
                          'mem-path'),
    'file in no folder': (['-object', 'memory-backend-file,id=m,size=1M,'
                           'mem-path=/nonexistent/ram'],
                          '/nonexistent/ram'),
    'memory backend': (['-machine', 'none,memory-backend=absent'],
                       'absent'),
    'size differs from backend': (
        ['-m', '2M', '-machine', 'none,memory-backend=m', '-object', MEMFD],
        '2097152|2 MiB|size'),
    'uuid': (['-uuid', 'me'], "'?me'?"),
    'incoming scheme': (['-incoming', 'pigeon:coop'], 'pigeon'),
    'incoming empty': (['-incoming', ''], 'address'),
    'incoming port': (['-incoming', 'tcp:127.0.0.1:99999'], '99999'),
    'incoming folder': (['-incoming', 'unix:/nonexistent/s'],
                        '/nonexistent/s'),
    'incoming long path': (['-incoming', 'unix:/' + 'x' * 200], 'x{90}'),
    'global of another device': (['-global', 'vga.vgamem_mb=1'],
                                 'migration'),
    'global property': (['-global', 'migration.colour=red'], 'colour'),
    'global value': (['-global', 'migration.send-configuration=maybe'],
                     'maybe'),
    'global without value': (['-global', 'migration.send-configuration'],
                             'migration'),
    'monitor scheme': (['-qmp', 'pigeon:coop'], 'pigeon'),
    'monitor client': (['-qmp', 'unix:/nonexistent/s,server=off'],
                       'server'),
    'monitor folder': (['-qmp', 'unix:/nonexistent/s,server=on,wait=off'],
                       '/nonexistent/s'),
    'display': (['-display', 'gtk'], 'gtk'),
    'trace file': (['-trace', 'migration_status,file=/nonexistent/t'],
                   '/nonexistent/t'),
    'pid file': (['-pidfile', '/nonexistent/pid'], '/nonexistent/pid'),
}


class Refused(CommandLine):
    """Exit status 1 and one sentence that names what was wrong."""


def refused_test(options, pattern):
    def run(self):
        code, out, err = self.run_wherry(*options)
        self.assertEqual(code, 1, err)
        self.assertEqual(out, '')
        lines = err.strip().split('\n')
        self.assertTrue(lines[0].startswith('wherry: '), err)
        self.assertTrue(re.search(pattern, lines[0]), err)
        # A hint may follow, nothing more.
        self.assertLessEqual(len(lines), 2, err)
    return run


for _name, (_options, _pattern) in REFUSED.items():
    _run = refused_test(_options, _pattern)
    _run.tap_name = '/Refused/' + _name.replace(' ', '-')
    setattr(Refused, 'test_' + _name.replace(' ', '_'), _run)


class Background(CommandLine):
    def tearDown(self):
        for path in (self.path('pid'),):
            try:
                with open(path) as pidfile:
                    os.kill(int(pidfile.read()), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError, ValueError):
                pass
        super().tearDown()

    def daemon(self, *options):
        return self.run_wherry(
            '-daemonize', '-pidfile', self.path('pid'), '-m', '1M', '-S',
            '-qmp', 'unix:%s,server=on,wait=off' % self.path('qmp'),
            *options)

    def test_parent_returns_when_ready(self):
        code, out, err = self.daemon()
        self.assertEqual((code, out, err), (0, '', ''))
        with qmp.QmpClient(self.path('qmp')) as client:
            self.assertEqual(client.cmd('query-status')['status'],
                             'prelaunch')
            with open(self.path('pid')) as pidfile:
                pid = int(pidfile.read())
            os.kill(pid, 0)
            self.assertEqual(os.readlink('/proc/%d/cwd' % pid), '/')
            client.cmd('quit')
            # The connection ends with the process.
            with self.assertRaises(qmp.QmpClosed):
                client.wait_event('NO_SUCH_EVENT')

    def test_failure_is_the_parents(self):
        code, _, err = self.daemon('-incoming', 'unix:/nonexistent/s')
        self.assertEqual(code, 1)
        self.assertIn('/nonexistent/s', err)

    def test_pid_file_of_a_living_process(self):
        self.assertEqual(self.daemon()[0], 0)
        code, _, err = self.run_wherry('-pidfile', self.path('pid'), '-m',
                                       '1M')
        self.assertEqual(code, 1)
        self.assertIn(self.path('pid'), err)

    def test_pid_file_goes_at_the_end(self):
        machine = self.machine(options=['-pidfile', self.path('pid')])
        with open(self.path('pid')) as pidfile:
            self.assertEqual(int(pidfile.read()), machine.pid)
        machine.expect_exit = True
        self.assertEqual(machine.quit(), 0)
        self.assertFalse(os.path.exists(self.path('pid')))

    def test_sigterm_ends_it_properly(self):
        for signo in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(signal=signo.name):
                machine = self.machine(
                    name=signo.name, options=['-pidfile', self.path('pid')])
                machine.expect_exit = True
                machine.process.send_signal(signo)
                data = machine.qmp.wait_event('SHUTDOWN')
                self.assertEqual(data, {'guest': False,
                                        'reason': 'host-signal'})
                self.assertEqual(machine.wait_exit(), 0)
                self.assertFalse(os.path.exists(self.path('pid')))


class Trace(CommandLine):
    def test_lines_go_to_a_file(self):
        trace = self.path('trace')
        src = self.source(options=[
            '-trace', 'enable=migration_status,file=' + trace])
        dst = self.target()
        self.migrate_and_check(src, dst)
        with open(trace) as lines:
            text = lines.read()
        self.assertIn('migration_status', text)
        self.assertIn('completed', text)

    def test_pattern_to_stderr(self):
        src = self.source(options=['-trace', 'migration_*'])
        dst = self.target()
        self.migrate_and_check(src, dst)
        self.assertIn('migration_status', src.log())
        self.assertIn('migration_connect', src.log())
        self.assertNotIn('migration_status', dst.log())

    def test_unknown_point_is_a_warning(self):
        machine = self.machine(options=['-trace', 'no_such_point'])
        self.assertIn('no_such_point', machine.log())


class Accepted(CommandLine):
    def machine_with(self, *options):
        """A process of exactly these options and a monitor."""
        path = self.path('q')
        made = vm.VM(vm.WHERRY, self.folder, 'plain', start=False)
        made.command = [vm.binary(vm.WHERRY), '-qmp',
                        'unix:%s,server=on,wait=off' % path, *options]
        made.qmp_path = path
        self.machines.append(made)
        made.start()
        return made

    def test_nothing_but_a_monitor(self):
        machine = self.machine_with()
        self.assertEqual(machine.qmp.cmd('query-status')['status'],
                         'running')

    def test_everything_at_once(self):
        machine = self.machine_with(
            '-nodefaults', '-display', 'none', '-accel', 'none', '-S',
            '-m', '1M', '-name', 'ferry', '-machine', 'none,memory-backend=m',
            '-uuid', '6d7a1f3c-0b52-4c3e-9a77-1f2e3d4c5b6a',
            '-object', 'memory-backend-memfd,id=m,size=1M,share=on,'
            'prealloc=on')
        self.assertEqual(machine.qmp.cmd('query-name'), {'name': 'ferry'})

    def test_object_as_json(self):
        machine = self.machine_with(
            '-machine', 'none,memory-backend=m', '-object',
            '{"qom-type": "memory-backend-ram", "id": "m", "size": 1048576}')
        self.assertTrue(machine.alive())

    def test_incoming_at_once(self):
        dst = self.target(incoming='unix:' + self.path('in'))
        self.assertEqual(dst.qmp.cmd('query-status')['status'], 'inmigrate')
        src = self.source()
        migrate.configure(src, (), {})
        migrate.configure(dst, (), {})
        src.qmp.cmd('migrate', {'uri': 'unix:' + self.path('in')})
        self.assertEqual(migrate.end_status(dst), 'completed')
        self.check_ram(src, dst)

    def test_monitor_over_tcp(self):
        machine = self.machine_with('-qmp',
                                    'tcp:127.0.0.1:0,server=on,wait=off')
        self.assertTrue(machine.alive())

    def test_first_monitor_client_is_waited_for(self):
        """Without wait=off the guest starts when a client has come."""
        path = self.path('w')
        made = vm.VM(vm.WHERRY, self.folder, 'waits', start=False)
        made.command = [vm.binary(vm.WHERRY), '-qmp',
                        'unix:%s,server=on' % path]
        made.qmp_path = path
        self.machines.append(made)
        made.start()
        self.assertEqual(made.qmp.cmd('query-status')['status'], 'running')


if __name__ == '__main__':
    sys.exit(tap.main())
