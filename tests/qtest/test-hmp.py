# SPDX-License-Identifier: GPL-2.0-or-later
#
# The human monitor of a real process: every command and its errors over a
# socket, in pipes, over human-monitor-command, and on a pseudo terminal with
# line editing, history, completion and the progress of a migration.

import os
import re
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, hmp, kvm, qmp, tap, vm  # noqa: E402

PROMPT = hmp.PROMPT


class HmpCase(case.MachineCase):
    def monitored(self, name='vm', **options):
        path = self.path(name + '.hmp')
        options['options'] = ['-monitor', 'unix:%s,server=on,wait=off' % path]
        machine = self.machine(name=name, **options)
        machine.hmp = hmp.HmpClient(path)
        self.addCleanup(machine.hmp.close)
        return machine


class Commands(HmpCase):
    def setUp(self):
        super().setUp()
        self.vm = self.monitored(incoming='defer')
        self.cmd = self.vm.hmp.cmd

    def test_greeting(self):
        self.assertRegex(self.vm.hmp.greeting,
                         r"^Wherry \S+ monitor - type 'help' for more "
                         r"information\r\n\(wherry\) $")

    def test_help(self):
        text = self.cmd('help')
        for name in ('cont|c', 'help|?', 'info', 'migrate', 'migrate_cancel',
                     'migrate_continue', 'migrate_incoming',
                     'migrate_set_capability', 'migrate_set_parameter',
                     'quit|q', 'stop|s'):
            self.assertRegex(text, r'(?m)^%s .* -- ' % re.escape(name))
        self.assertIn('[-d] [-r] uri', self.cmd('help migrate'))
        self.assertEqual(self.cmd('?'), text)
        self.assertEqual(self.cmd('help info'), self.cmd('info'))
        self.assertIn('info mtree', self.cmd('info'))
        self.assertEqual(self.cmd('help foo'), "unknown command: 'foo'\n")

    def test_info_of_the_machine(self):
        self.assertEqual(self.cmd('info name'), 'guest\n')
        self.assertEqual(self.cmd('info uuid'),
                         '00000000-0000-0000-0000-000000000000\n')
        self.assertRegex(self.cmd('info version'), r'^\d+\.\d+\.\d+ ')
        self.assertEqual(self.cmd('info status'),
                         'VM status: paused (inmigrate)\n')
        self.assertRegex(self.cmd('info mtree'),
                         r'^RAM blocks: 1, 8 MiB\nmem0 +0x0+800000 +8 MiB +'
                         r'page 4 KiB +memory-backend-file id=mem0, '
                         r'shared\n$')

    def test_capabilities(self):
        before = self.cmd('info migrate_capabilities')
        self.assertIn('multifd: off\n', before)
        self.assertEqual(self.cmd('migrate_set_capability multifd on'), '')
        self.assertEqual(self.cmd('info migrate_capabilities'),
                         before.replace('multifd: off', 'multifd: on'))
        self.assertEqual(self.cmd('migrate_set_capability multifd off'), '')
        self.assertEqual(self.cmd('info migrate_capabilities'), before)

    def test_capability_errors(self):
        hint = 'Try "help migrate_set_capability" for more information\n'
        for line, text in (
                ('foo on', 'Error: invalid parameter value: foo\n'),
                ('multifd maybe', "Expected 'on' or 'off'\n" + hint),
                ('multifd true', "Expected 'on' or 'off'\n" + hint),
                ('multifd', "Expected 'on' or 'off'\n" + hint),
                ('', 'migrate_set_capability: string expected\n' + hint),
                ('multifd on x', 'migrate_set_capability: extraneous '
                 'characters at the end of line\n' + hint)):
            with self.subTest(line=line):
                self.assertEqual(self.cmd('migrate_set_capability ' + line),
                                 text)

    def value(self, name):
        return self.vm.qmp.cmd('query-migrate-parameters')[name]

    def test_parameters(self):
        for line, name, value, shown in (
                ('multifd-channels 4', 'multifd-channels', 4, '4'),
                ('multifd-channels=5', 'multifd-channels', 5, '5'),
                ('"multifd-channels" "6"', 'multifd-channels', 6, '6'),
                ('zero-page-detection none', 'zero-page-detection', 'none',
                 'none'),
                ('dsa-adaptive off', 'dsa-adaptive', False, 'off'),
                ('dsa-adaptive=on', 'dsa-adaptive', True, 'on'),
                ('downtime-limit 50', 'downtime-limit', 50, '50 ms'),
                ('multifd-packet-size 64k', 'multifd-packet-size', 65536,
                 '65536 bytes')):
            with self.subTest(line=line):
                self.assertEqual(self.cmd('migrate_set_parameter ' + line),
                                 '')
                self.assertEqual(self.value(name), value)
                self.assertIn('%s: %s\n' % (name, shown),
                              self.cmd('info migrate_parameters'))

    def test_bandwidth_is_in_mib(self):
        for name in ('max-bandwidth', 'avail-switchover-bandwidth'):
            for text, value in (('10', 10 << 20), ('1.5', 3 << 19),
                                ('64k', 65536), ('2G', 2 << 30), ('0', 0)):
                with self.subTest(name=name, text=text):
                    self.assertEqual(self.cmd(
                        'migrate_set_parameter %s %s' % (name, text)), '')
                    self.assertEqual(self.value(name), value)

    def test_sizes_that_are_none(self):
        """17592186044416 MiB do not fit, and are not taken for bytes."""
        before = self.vm.qmp.cmd('query-migrate-parameters')
        for text in ('-1', '1x', '1e3', '17592186044416', '9' * 30, '""'):
            with self.subTest(text=text):
                self.assertEqual(
                    self.cmd('migrate_set_parameter max-bandwidth ' + text),
                    'Error: Invalid size %s\n' % text.strip('"'))
        self.assertEqual(self.vm.qmp.cmd('query-migrate-parameters'), before)

    def test_lists(self):
        one, two = 'dsa:/dev/dsa/wq0.0', 'dsa:/dev/dsa/wq1.0'
        for line, value in (
                ('accel-path %s %s' % (one, two), [one, two]),
                ('accel-path=' + two, [two]),
                ('accel-path=%s %s' % (two, one), [two, one]),
                ('accel-path dsa:soft?size=64,engines=1',
                 ['dsa:soft?size=64,engines=1']),
                ('accel-path ""', [])):
            with self.subTest(line=line):
                self.assertEqual(self.cmd('migrate_set_parameter ' + line),
                                 '')
                self.assertEqual(self.value('accel-path'), value)
                shown = ' '.join([''] + value)
                self.assertIn('\naccel-path:%s\n' % shown,
                              self.cmd('info migrate_parameters'))

    def test_as_the_document_has_it(self):
        """The two lines of the DSA document, of which the first one needs
        multifd only when a migration starts."""
        self.assertEqual(self.cmd('migrate_set_parameter '
                                  'zero-page-detection=dsa-accel'), '')
        self.assertEqual(self.cmd(
            'migrate_set_parameter accel-path=dsa:/dev/dsa/wq0.0 '
            'dsa:/dev/dsa/wq1.0'), '')
        self.assertEqual(self.value('zero-page-detection'), 'dsa-accel')

    def test_parameter_errors(self):
        hint = 'Try "help migrate_set_parameter" for more information\n'
        before = self.vm.qmp.cmd('query-migrate-parameters')
        for line, text in (
                ('foo 1', 'Error: invalid parameter value: foo\n'),
                ('foo=1', 'Error: invalid parameter value: foo\n'),
                ('multifd_channels 4',
                 'Error: invalid parameter value: multifd_channels\n'),
                ('multifd-channels 0', "Error: Parameter 'multifd_channels' "
                 'expects a value between 1 and 255\n'),
                ('multifd-channels 300',
                 "Error: Parameter 'multifd-channels' expects uint8_t\n"),
                ('zero-page-detection foo', "Error: Parameter "
                 "'zero-page-detection' does not accept value 'foo'\n"),
                ('multifd-channels',
                 'migrate_set_parameter: string expected\n' + hint),
                ('multifd-channels=',
                 'migrate_set_parameter: string expected\n' + hint),
                ('', 'migrate_set_parameter: string expected\n' + hint),
                ('multifd-channels 4 5', 'migrate_set_parameter: extraneous '
                 'characters at the end of line\n' + hint)):
            with self.subTest(line=line):
                self.assertEqual(self.cmd('migrate_set_parameter ' + line),
                                 text)
        for line in ('multifd-channels x', 'max-bandwidth x',
                     'dsa-adaptive maybe', 'downtime-limit 2000001',
                     'accel-path foo', 'multifd-channels "4'):
            with self.subTest(line=line):
                self.assertRegex(self.cmd('migrate_set_parameter ' + line),
                                 r'^Error: .+\n$')
        self.assertEqual(self.vm.qmp.cmd('query-migrate-parameters'), before)

    def test_each_parameter(self):
        """A parameter of the schema needs no code here: what QMP tells can
        be set and is shown."""
        for name, value in self.vm.qmp.cmd(
                'query-migrate-parameters').items():
            with self.subTest(name=name):
                if isinstance(value, list):
                    text = ' '.join(value) or '""'
                elif isinstance(value, bool):
                    text = 'on' if value else 'off'
                else:
                    text = str(value) or '""'
                    if name.endswith('bandwidth'):
                        text += 'B'
                self.assertEqual(self.cmd('migrate_set_parameter %s %s'
                                          % (name, text)), '')
                self.assertEqual(self.value(name), value)
                self.assertIn('\n%s:' % name,
                              '\n' + self.cmd('info migrate_parameters'))

    def test_incoming(self):
        self.assertRegex(self.cmd('migrate_incoming foo:bar'), r'^Error: ')
        self.assertEqual(self.cmd('migrate_incoming tcp:127.0.0.1:0'), '')
        self.assertRegex(self.cmd('info migrate'),
                         r'Migration status: setup\ntotal time: 0 ms\n'
                         r'(?s:.*)socket address: \[\n'
                         r'\ttcp:127.0.0.1:\d+\n\]\n$')
        self.assertRegex(self.cmd('migrate_incoming tcp:127.0.0.1:0'),
                         r'^Error: ')

    def test_continue_without_a_pause(self):
        self.assertEqual(self.cmd('migrate_continue foo'),
                         'Error: invalid parameter value: foo\n')
        self.assertRegex(self.cmd('migrate_continue pre-switchover'),
                         r'^Error: .+\n$')

    def test_lines_of_a_script(self):
        """Without a pause between them, and with both kinds of ends."""
        self.vm.hmp.send('info name\r\n\n  info status\nfoo\n')
        text = ''.join(self.vm.hmp.until(PROMPT) for _ in range(4))
        self.assertEqual(text, 'guest\r\n%s%sVM status: paused (inmigrate)'
                         "\r\n%sunknown command: 'foo'\r\n%s"
                         % ((PROMPT,) * 4))


class RunState(HmpCase):
    def test_stop_and_cont(self):
        monitor = self.monitored().hmp
        self.assertEqual(monitor.cmd('info status'),
                         'VM status: paused (prelaunch)\n')
        self.assertEqual(monitor.cmd('cont'), '')
        self.assertEqual(monitor.cmd('info status'), 'VM status: running\n')
        self.assertEqual(monitor.cmd('s'), '')
        self.assertEqual(monitor.cmd('info status'), 'VM status: paused\n')
        self.assertEqual(monitor.cmd('c'), '')
        self.assertEqual(monitor.cmd('info status'), 'VM status: running\n')

    def test_quit(self):
        machine = self.monitored()
        machine.expect_exit = True
        machine.hmp.send('quit\ninfo status\n')
        self.assertEqual(machine.wait_exit(), 0)
        while machine.hmp.more(1):
            pass
        self.assertEqual(machine.hmp.text, '')


class Hostile(HmpCase):
    """Whatever a user sends or does, the next one is served."""

    def setUp(self):
        super().setUp()
        self.vm = self.monitored()
        self.hmp = self.vm.hmp

    def again(self):
        self.hmp.close()
        client = hmp.HmpClient(self.path('vm.hmp'))
        self.addCleanup(client.close)
        return client

    def test_bytes_that_are_no_text(self):
        self.hmp.sock.sendall(b'info name\0rubbish\n\xff\xfe\n\x1b[A\n')
        text = ''.join(self.hmp.until(PROMPT) for _ in range(3))
        self.assertIn('Error: a line has a zero byte in it', text)
        self.assertNotIn('guest', text)
        self.assertEqual(self.hmp.cmd('info name'), 'guest\n')
        self.assertEqual(self.vm.qmp.cmd('human-monitor-command',
                                         {'command-line': 'f\u00e4'}),
                         "unknown command: 'f\u00e4'\r\n")

    def test_half_a_line_is_not_run(self):
        """It could be the begin of another one: 1 of 100."""
        before = self.vm.qmp.cmd('query-migrate-parameters')
        self.hmp.send('migrate_set_parameter max-bandwidth 1')
        self.assertEqual(self.again().cmd('info name'), 'guest\n')
        self.assertEqual(self.vm.qmp.cmd('query-migrate-parameters'), before)

    def test_line_without_end(self):
        self.hmp.send('x' * (1 << 20))
        self.hmp.send('\n')
        self.assertEqual(self.hmp.until(PROMPT), 'Error: a line is longer '
                         'than 65536 bytes\r\n' + PROMPT)
        self.assertEqual(self.hmp.cmd('info name'), 'guest\n')

    def send_without_reading(self):
        """As many commands as get away; returns how many."""
        line = b'help\n'
        sent = 0
        self.hmp.sock.setblocking(False)
        try:
            while True:
                sent += self.hmp.sock.send(line * 1000)
        except BlockingIOError:
            pass
        self.hmp.sock.setblocking(True)
        return sent / len(line)

    def test_commands_without_reading(self):
        count = self.send_without_reading()
        self.assertEqual(self.vm.qmp.cmd('query-status')['status'],
                         'prelaunch')
        for _ in range(int(count)):
            self.hmp.until(PROMPT)
        # The last one may have been cut.
        self.hmp.send('\n')
        self.hmp.until(PROMPT)
        self.assertEqual(self.hmp.cmd('info name'), 'guest\n')

    def test_quit_while_text_waits(self):
        self.send_without_reading()
        self.vm.expect_exit = True
        self.vm.qmp.cmd('quit')
        self.assertEqual(self.vm.wait_exit(), 0)

    def test_leaving_while_text_waits(self):
        self.send_without_reading()
        self.assertEqual(self.again().cmd('info name'), 'guest\n')


class CpuIndex(kvm.GuestCase):
    def test_human_monitor_command(self):
        machine = self.guest(cpus=2, serial='none')
        for index, known in ((0, True), (1, True), (2, False), (-1, False)):
            with self.subTest(index=index):
                arguments = {'command-line': 'info name', 'cpu-index': index}
                if known:
                    self.assertEqual(
                        machine.qmp.cmd('human-monitor-command', arguments),
                        'guest\r\n')
                else:
                    with self.assertRaises(qmp.QmpError):
                        machine.qmp.cmd('human-monitor-command', arguments)


class Monitors(HmpCase):
    def test_several(self):
        """Two of them, and QMP, at the same time."""
        paths = [self.path('a'), self.path('b')]
        options = []
        for path in paths:
            options += ['-monitor', 'unix:%s,server=on,wait=off' % path]
        machine = self.machine(options=options)
        one, two = [hmp.HmpClient(path) for path in paths]
        self.assertEqual(one.cmd('migrate_set_parameter multifd-channels 9'),
                         '')
        self.assertIn('multifd-channels: 9\n',
                      two.cmd('info migrate_parameters'))
        self.assertEqual(machine.qmp.cmd('query-migrate-parameters')
                         ['multifd-channels'], 9)
        one.close()
        again = hmp.HmpClient(paths[0])
        self.assertEqual(again.cmd('info name'), 'guest\n')
        again.close()
        two.close()

    def test_tcp(self):
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
        self.machine(options=['-monitor', 'tcp:127.0.0.1:%d,server=on,'
                              'wait=off' % port])
        with socket.create_connection(('127.0.0.1', port)) as sock:
            reader = hmp.Reader(sock.fileno())
            reader.until(PROMPT)
            sock.sendall(b'info name\n')
            self.assertEqual(reader.until(PROMPT), 'guest\r\n' + PROMPT)

    def test_options(self):
        for options, text in (
                (['-monitor', 'vc'], 'is no place for a monitor'),
                (['-monitor', 'unix:/x'], 'server=on'),
                (['-monitor', 'unix:/no/such/folder/x,server=on,wait=off'],
                 '-monitor unix:/no/such/folder/x'),
                (['-monitor', 'stdio', '-daemonize'], 'daemon')):
            with self.subTest(options=options):
                done = subprocess.run([vm.binary(vm.WHERRY)] + options,
                                      stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE,
                                      timeout=qmp.DEFAULT_TIMEOUT, text=True)
                self.assertEqual(done.returncode, 1)
                self.assertIn(text, done.stderr)
        self.machine(options=['-monitor', 'none'])


class HumanMonitorCommand(HmpCase):
    def setUp(self):
        super().setUp()
        self.qmp = self.machine().qmp

    def hmc(self, line, **more):
        return self.qmp.cmd('human-monitor-command',
                            dict({'command-line': line}, **more))

    def test_output_is_a_string(self):
        self.assertEqual(self.hmc('info name'), 'guest\r\n')
        self.assertEqual(self.hmc('migrate_cancel'), '')
        self.assertEqual(self.hmc(''), '')

    def test_errors_are_in_the_text(self):
        self.assertEqual(self.hmc('foo'), "unknown command: 'foo'\r\n")
        self.assertEqual(self.hmc('migrate_set_parameter foo 1'),
                         'Error: invalid parameter value: foo\r\n')

    def test_cpu_index(self):
        for index in (-1, 7):
            with self.assertRaises(qmp.QmpError) as caught:
                self.hmc('info name', **{'cpu-index': index})
            self.assertIn("Parameter 'cpu-index' expects a CPU number",
                          str(caught.exception))

    def test_migrate_does_not_wait(self):
        dst = self.target(name='dst')
        uri = dst.listen(self.uri('unix'))
        self.assertRegex(self.hmc('migrate ' + uri), r'-d\r\n$')
        self.assertEqual(self.qmp.cmd('query-status')['status'] in
                         ('prelaunch', 'finish-migrate', 'postmigrate'), True)


class Migration(HmpCase):
    def pair(self, **options):
        src = self.monitored('src', **options)
        dst = self.target(name='dst')
        return src, dst, dst.listen(self.uri('unix'))

    def test_waits(self):
        """The prompt comes back when the migration is over, and nothing is
        drawn on what is no terminal."""
        src, dst, uri = self.pair()
        self.assertEqual(src.hmp.cmd('migrate ' + uri), '')
        self.assertEqual(src.info()['status'], 'completed')
        text = src.hmp.cmd('info migrate')
        self.assertRegex(text, r'^globals:\nstore-global-state: on\n'
                         r'only-migratable: off\nsend-configuration: on\n'
                         r'send-section-footer: on\n'
                         r'send-switchover-start: on\n'
                         r'clear-bitmap-shift: 18\n'
                         r'Migration status: completed\n'
                         r'total time: \d+ ms\ndowntime: \d+ ms\n'
                         r'setup: \d+ ms\ntransferred ram: \d+ kbytes\n'
                         r'throughput: \d+\.\d\d mbps\n'
                         r'remaining ram: 0 kbytes\n'
                         r'total ram: 8192 kbytes\nduplicate: 2048 pages\n'
                         r'normal: 0 pages\nnormal bytes: 0 kbytes\n'
                         r'dirty sync count: \d+\npage size: 4 kbytes\n'
                         r'multifd bytes: 0 kbytes\n'
                         r'pages-per-second: \d+\n')
        self.assertNotIn('dsa', text)

    def test_detached(self):
        src, dst, uri = self.pair()
        src.qmp.cmd('migrate-set-parameters', {'max-bandwidth': 4096})
        # Something to send, so that it takes a while.
        with open(src.ram_path, 'r+b') as ram:
            ram.write(os.urandom(1 << 20))
        self.assertEqual(src.hmp.cmd('migrate -d ' + uri), '')
        self.assertIn(src.info()['status'], ('setup', 'active'))
        self.assertEqual(src.hmp.cmd('migrate_cancel'), '')

    def test_others_go_on_meanwhile(self):
        src, dst, uri = self.pair()
        src.qmp.cmd('migrate-set-parameters', {'max-bandwidth': 4096})
        with open(src.ram_path, 'r+b') as ram:
            ram.write(os.urandom(1 << 20))
        src.hmp.send('migrate %s\ninfo name\n' % uri)
        self.assertFalse(src.hmp.more(0.3))
        self.assertEqual(src.qmp.cmd('human-monitor-command',
                                     {'command-line': 'info name'}),
                         'guest\r\n')
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(src.hmp.until(PROMPT),
                         'Error: the migration was cancelled\r\n' + PROMPT)
        self.assertEqual(src.hmp.until(PROMPT), 'guest\r\n' + PROMPT)

    def test_user_leaves(self):
        """The migration goes on without, and the next user is served."""
        src, dst, uri = self.pair()
        src.qmp.cmd('migrate-set-parameters', {'max-bandwidth': 4096})
        with open(src.ram_path, 'r+b') as ram:
            ram.write(os.urandom(1 << 20))
        src.hmp.send('migrate %s\nquit\n' % uri)
        self.wait_status(src, 'active')
        src.hmp.close()
        client = hmp.HmpClient(self.path('src.hmp'))
        self.addCleanup(client.close)
        self.assertIn('Migration status: active\n',
                      client.cmd('info migrate'))
        self.assertEqual(client.cmd('migrate_set_parameter max-bandwidth 0'),
                         '')
        self.wait_status(src, 'completed')

    def test_errors(self):
        src, dst, uri = self.pair()
        self.assertRegex(src.hmp.cmd('migrate foo:bar'), r'^Error: .+\n$')
        self.assertRegex(src.hmp.cmd('migrate unix:/no/such/socket'),
                         r'^Error: .+\n$')
        self.assertRegex(src.hmp.cmd('info migrate'),
                         r'Migration status: failed \(.+\)\ntotal time: 0 ms')
        self.assertRegex(src.hmp.cmd('migrate -r ' + uri), r'^Error: .+\n$')
        self.assertEqual(src.hmp.cmd('migrate'), 'migrate: string expected\n'
                         'Try "help migrate" for more information\n')
        self.assertEqual(src.hmp.cmd('migrate -x ' + uri), 'migrate: '
                         'unsupported option -x\nTry "help migrate" for more '
                         'information\n')
        self.assertEqual(src.hmp.cmd('migrate -- ' + uri), '')

    def test_pause_and_continue(self):
        src, dst, uri = self.pair()
        src.hmp.cmd('migrate_set_capability pause-before-switchover on')
        src.hmp.cmd('migrate -d ' + uri)
        self.wait_status(src, 'pre-switchover')
        self.assertRegex(src.hmp.cmd('migrate_continue device'),
                         r'^Error: .+\n$')
        self.assertEqual(src.hmp.cmd('migrate_continue pre-switchover'), '')
        self.wait_status(src, 'completed')

    def wait_status(self, machine, status):
        now = None
        while now != status:
            now = machine.info().get('status')
            self.assertNotIn(now, ('failed', 'cancelled'))

    def test_dsa_counters(self):
        src = self.monitored('src')
        dst = self.target(name='dst')
        for machine in (src, dst):
            machine.capabilities(multifd=True)
        uri = dst.listen(self.uri('unix'))
        src.hmp.cmd('migrate_set_parameter zero-page-detection=dsa-accel')
        src.hmp.cmd('migrate_set_parameter accel-path=dsa:soft dsa:soft')
        with open(src.ram_path, 'r+b') as ram:
            ram.write(b'\0' * (1 << 20))
        self.assertEqual(src.hmp.cmd('migrate ' + uri), '')
        text = src.hmp.cmd('info migrate')
        self.assertIn('\nzero page detector: dsa-accel\n', text)
        self.assertEqual(len(re.findall(r'(?m)^dsa queue soft\S*: backend ',
                                        text)), 2)
        stats = src.info()['zero-page-detector']['dsa']
        for name in ('batches', 'descriptors', 'bytes', 'page-faults'):
            self.assertIn('\ndsa %s: %d\n' % (name, stats[name]), text)
        self.assertIn('\ndsa cpu-pages looked: %d\n'
                      % stats['cpu-pages']['looked'], text)


class Pipes(unittest.TestCase):
    def run_script(self, text, *options):
        done = subprocess.run(
            [vm.binary(vm.WHERRY), '-S', '-m', '8', '-monitor', 'stdio',
             *options], input=text.encode(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=qmp.DEFAULT_TIMEOUT)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def test_script(self):
        out = self.run_script('info status\nmigrate unix:/no/such\n'
                              'info name\nquit\n', '-name', 'x')
        lines = out.split('\r\n')
        self.assertTrue(lines[0].startswith('Wherry '))
        self.assertEqual(lines[1], PROMPT + 'VM status: paused (prelaunch)')
        self.assertTrue(lines[2].startswith(PROMPT + 'Error: '))
        self.assertEqual(lines[3], PROMPT + 'x')
        self.assertEqual(lines[4], PROMPT)

    def test_nothing_is_drawn(self):
        """Neither progress nor escape sequences."""
        out = self.run_script('migrate unix:/no/such\nquit\n')
        self.assertNotIn('\033', out)
        self.assertNotIn('%', out)
        self.assertNotRegex(out, r'\r(?!\n)')

    def test_end_of_input_is_no_end(self):
        process = subprocess.Popen(
            [vm.binary(vm.WHERRY), '-S', '-monitor', 'stdio'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            preexec_fn=vm._die_with_parent)
        reader = hmp.Reader(process.stdout.fileno())
        reader.until(PROMPT)
        process.stdin.close()
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(0.2)
        process.terminate()
        self.assertEqual(process.wait(qmp.DEFAULT_TIMEOUT), 0)
        process.stdout.close()


class WithoutEditing(HmpCase):
    """A terminal, and a program that was built without libedit."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if hmp.has_line_editing():
            raise unittest.SkipTest('built with line editing')

    def test_terminal(self):
        """The terminal edits lines; its end of input ends the session, and
        Ctrl-C the program."""
        terminal = hmp.Terminal(['-S', '-m', '8', '-name', 'guest'])
        self.addCleanup(terminal.close)
        terminal.until(PROMPT)
        terminal.send('info namexx\x7f\x7f\n')
        self.assertRegex(terminal.until(PROMPT), r'\nguest\r+\n\(wherry\) $')
        self.assertTrue(terminal.is_restored())
        terminal.send('\x04')
        with self.assertRaises(subprocess.TimeoutExpired):
            terminal.process.wait(0.2)
        terminal.send('\x03')
        self.assertEqual(terminal.wait(), 0)
        self.assertTrue(terminal.is_restored())


class OnTerminal(HmpCase):
    """Keys go in, and what is drawn comes out."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not hmp.has_line_editing():
            raise unittest.SkipTest('built without line editing')

    def setUp(self):
        super().setUp()
        self.terminal = self.start('-name', 'guest')

    def start(self, *options):
        terminal = hmp.Terminal(['-S', '-m', '8'] + list(options))
        self.addCleanup(terminal.close)
        terminal.until(PROMPT)
        return terminal

    def tearDown(self):
        if self.terminal.process.poll() is None:
            self.terminal.send('\x05\x15quit\r')
            self.assertEqual(self.terminal.wait(), 0)
        while self.terminal.more(0):
            pass
        for word in case.REPORTS:
            self.assertNotIn(word, self.terminal.text)
        self.assertTrue(self.terminal.is_restored())
        super().tearDown()

    def enter(self, line):
        return self.terminal.enter(line)

    def test_a_line(self):
        self.assertIn('\nguest\r\n', self.enter('info name'))
        self.assertIn("unknown command: 'foo'", self.enter('foo'))

    def test_editing(self):
        """Begin and end of line, delete, kill and yank, arrows."""
        self.assertIn('\nguest\r\n', self.enter('xfo name\x01\x04in\x1b[C'))
        self.assertIn('\nguest\r\n', self.enter('info namex\x7f'))
        self.assertIn('\nguest\r\n',
                      self.enter('info namerubbish' + '\x1b[D' * 7 + '\x0b'))
        self.assertIn('\nguest\r\n', self.enter(' nameinfo' + '\x1b[D' * 4 +
                                                '\x0b\x01\x19'))

    def test_escape_alone_holds_nothing_up(self):
        """The rest of the program goes on while a key is incomplete."""
        path = self.path('qmp')
        self.terminal = self.start('-qmp', 'unix:%s,server=on,wait=off'
                                   % path)
        self.terminal.send('\x1b')
        client = qmp.QmpClient(path)
        self.assertEqual(client.cmd('query-status')['status'], 'prelaunch')
        client.close()
        self.terminal.send('[C')

    def test_history(self):
        self.enter('info name')
        self.enter('info status')
        self.assertIn('VM status', self.enter('\x1b[A'))
        self.assertIn('\nguest\r\n', self.enter('\x1b[A\x1b[A'))
        self.assertIn('VM status', self.enter('\x10\x10'))
        self.assertIn('\nguest\r\n', self.enter('\x12name\x05'))

    def test_complete_command(self):
        self.assertIn('\nguest\r\n', self.enter('inf\tna\t'))
        self.terminal.send('migrate_set_c\t')
        self.terminal.until('apability ')
        self.terminal.send('mul\to\t')
        self.terminal.until('off')
        # The choice was shown, and the line drawn again below it.
        self.terminal.until(PROMPT + 'migrate_set_capability multifd o')
        self.enter('n')
        self.assertIn('multifd: on',
                      self.enter('info migrate_cap\t'))

    def test_complete_shows_a_choice(self):
        self.terminal.send('migrate_\t')
        text = self.terminal.until(PROMPT + 'migrate_')
        for name in ('migrate_cancel', 'migrate_continue',
                     'migrate_incoming', 'migrate_set_capability',
                     'migrate_set_parameter'):
            self.assertIn(name, text)

    def test_complete_parameter(self):
        for keys, name, value in (
                ('zero-p\tdsa\t', 'zero-page-detection', 'dsa-accel'),
                ('zero-page-detection=leg\t', 'zero-page-detection',
                 'legacy'),
                ('dsa-ad\tof\t', 'dsa-adaptive', 'off'),
                ('multifd-ch\t7', 'multifd-channels', '7')):
            with self.subTest(keys=keys):
                text = self.enter('migrate_set_p\t' + keys)
                self.assertNotIn('Error', text)
                self.assertIn('%s: %s\r\n' % (name, value),
                              self.enter('info migrate_parameters'))

    def test_nothing_to_complete(self):
        self.terminal.send('foo bar\t')
        self.terminal.until('\a')

    def test_ctrl_d_does_not_end(self):
        """As in QEMU it deletes, and on an empty line does nothing."""
        self.terminal.send('\x04\x04')
        self.assertIn('\nguest\r\n', self.enter('xinfo name\x01\x04'))

    def test_ctrl_c_ends(self):
        self.terminal.send('half a line\x03')
        self.assertEqual(self.terminal.wait(), 0)
        self.assertTrue(self.terminal.is_restored())

    def test_signals_restore_the_terminal(self):
        for signo in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            with self.subTest(signal=signo):
                terminal = self.start()
                terminal.enter('info name')
                terminal.process.send_signal(signo)
                self.assertEqual(terminal.wait(), 0)
                self.assertTrue(terminal.is_restored())

    def test_quit_restores_the_terminal(self):
        self.terminal.send('quit\r')
        self.assertEqual(self.terminal.wait(), 0)
        while self.terminal.more(0.1):
            pass
        self.assertEqual(self.terminal.text, 'quit\r\n')
        self.assertTrue(self.terminal.is_restored())

    def test_hangup(self):
        """A terminal that goes away ends the process, as SIGHUP does."""
        terminal = self.start()
        os.close(terminal.slave)
        os.close(terminal.master)
        self.assertEqual(terminal.wait(), 0)

    def test_other_characters(self):
        """What is no ASCII comes through whole."""
        self.assertIn("unknown command: 'fä'", self.enter('fä'))

    def slow_pair(self):
        src_ram, dst = self.path('src.ram'), self.target(name='dst')
        with open(src_ram, 'wb') as ram:
            ram.write(os.urandom(2 << 20))
            ram.truncate(8 << 20)
        self.terminal.send('quit\r')
        self.assertEqual(self.terminal.wait(), 0)
        self.terminal.close()
        self.terminal = self.start(
            '-machine', 'none,memory-backend=mem0', '-object',
            'memory-backend-file,id=mem0,size=8M,share=on,mem-path='
            + src_ram, '-name', 'guest')
        return dst, dst.listen(self.uri('unix'))

    def test_progress(self):
        dst, uri = self.slow_pair()
        self.enter('migrate_set_parameter max-bandwidth 2')
        text = self.enter('migrate ' + uri)
        self.assertRegex(text, r'\ractive +\d+ %  \d+\.\d MiB/s  '
                         r'dirty \d+ pages/s  round \d+  .*left\x1b\[K')
        self.assertIn('\r\x1b[K', text)
        self.assertIn('Migration status: completed',
                      self.enter('info migrate'))

    def test_progress_of_a_narrow_terminal(self):
        """It stays on one line, also after the window has become smaller."""
        dst, uri = self.slow_pair()
        self.enter('migrate_set_parameter max-bandwidth 512k')
        self.terminal.send('migrate %s\r' % uri)
        self.terminal.until('left\x1b[K')
        self.terminal.resize(20)
        self.terminal.until('\x1b[K')
        self.terminal.until('\x1b[K')
        line = self.terminal.until('\x1b[K')
        self.assertEqual(len(line), len('\r\x1b[K') + 19)
        self.terminal.send('\x03')
        self.assertEqual(self.terminal.wait(), 0)

    def test_exit_by_a_failed_incoming_migration(self):
        """An end that nobody typed, and a terminal that was raw."""
        path = self.path('in')
        terminal = self.start('-incoming', 'unix:' + path)
        self.assertIn('(inmigrate)', terminal.enter('info status'))
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(path)
            peer.sendall(b'rubbish' * 100)
            self.assertEqual(terminal.wait(), 1)
        self.assertTrue(terminal.is_restored())

    def test_error_at_start(self):
        terminal = hmp.Terminal(['-qmp', 'unix:/no/such/folder/x,server=on'])
        self.addCleanup(terminal.close)
        self.assertEqual(terminal.wait(), 1)
        self.assertTrue(terminal.is_restored())

    def test_error_replaces_progress(self):
        """It begins a line, or has the place of one that was erased."""
        self.assertRegex(self.enter('migrate unix:/no/such'),
                         r'(\n|\r\x1b\[K)Error: .*/no/such')

    def test_ctrl_c_during_a_migration(self):
        """It ends the program, and does not merely cancel."""
        dst, uri = self.slow_pair()
        self.enter('migrate_set_parameter max-bandwidth 64k')
        self.terminal.send('migrate %s\r' % uri)
        self.terminal.until(' %  ')
        self.terminal.send('\x03')
        self.assertEqual(self.terminal.wait(), 0)


if __name__ == '__main__':
    sys.exit(tap.main())
