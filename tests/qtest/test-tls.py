# SPDX-License-Identifier: GPL-2.0-or-later
#
# Migrations with TLS: each kind of credentials, who is turned away and what
# both sides say then, peers that say nothing, and the objects behind it.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import (case, incoming, migrate, peer, qmp,  # noqa: E402
                        stream, tap, tls, vm)

SIZE = incoming.SIZE
REFUSED = 'still listening'
# Makes GnuTLS load what the checks would refuse.
UNCHECKED = {'sanity_check': 'off'}


def refused(machine, command, **arguments):
    """The sentence with which a command is refused."""
    try:
        machine.qmp.cmd(command, {key.replace('_', '-'): value
                                  for key, value in arguments.items()})
    except qmp.QmpError as err:
        return err.desc
    raise AssertionError('%s %s is not refused' % (command, arguments))


class Migrations(tls.TLSCase):
    """Each kind of credentials, each way of sending RAM."""


def migration_test(kind, way, transport):
    caps = {'plain': (), 'return-path': ('return-path',),
            'multifd': ('multifd',),
            'multifd-return-path': ('multifd', 'return-path')}[way]

    def run(self):
        src = self.secure_source(tls=kind, size=20 * vm.MIB)
        dst = self.secure_target(tls=kind, size=20 * vm.MIB)
        self.secure_migration(src, dst, transport, kind, caps)
        self.assertNotIn(REFUSED, dst.log())
    run.tap_name = '/Migrations/%s/%s/%s' % (kind, way, transport)
    return run


for _kind in tls.TYPES:
    for _way in ('plain', 'return-path', 'multifd', 'multifd-return-path'):
        for _transport in ('tcp', 'unix'):
            setattr(Migrations, '_'.join(
                ('test', _kind, _way.replace('-', '_'), _transport)),
                migration_test(_kind, _way, _transport))


class More(tls.TLSCase):
    """Migrations that have something of their own."""

    def test_many_channels(self):
        src, dst = self.secure_source(), self.secure_target()
        self.secure_migration(src, dst, caps=('multifd',),
                              params={'multifd_channels': 16})

    def test_tls_1_2(self):
        props = {'priority': 'NORMAL:-VERS-TLS1.3'}
        src, dst = self.secure_source(props=props), self.secure_target()
        self.secure_migration(src, dst, caps=('multifd', 'return-path'))

    def test_chain_of_cas(self):
        src, dst = self.secure_source(), self.secure_target(certs='chain')
        self.secure_migration(src, dst)

    def relay(self, path):
        """An exec: URI that leads to a unix socket, in both directions."""
        script = self.path('relay.py')
        with open(script, 'w') as text:
            text.write('import os, socket, threading\n'
                       's = socket.socket(socket.AF_UNIX)\n'
                       's.connect(%r)\n'
                       'def back():\n'
                       '    while (data := s.recv(65536)):\n'
                       '        os.write(1, data)\n'
                       'threading.Thread(target=back, daemon=True).start()\n'
                       'while (data := os.read(0, 65536)):\n'
                       '    s.sendall(data)\n'
                       's.shutdown(socket.SHUT_WR)\n' % path)
        return 'exec:exec %s %s' % (sys.executable, script)

    def over_a_program(self, caps, **params):
        src = self.secure_source(tls='psk')
        dst = self.secure_target(tls='psk')
        for machine in (src, dst):
            migrate.configure(machine, caps, dict(params, tls_creds='tls0'))
        dst.listen('unix:' + self.path('m.sock'))
        src.qmp.cmd('migrate', {'uri': self.relay(self.path('m.sock'))})
        return src, dst

    def test_over_a_program(self):
        src, dst = self.over_a_program(())
        self.check_completed(migrate.finish(src, dst))
        self.check_ram(src, dst)

    def test_over_a_program_with_return_path(self):
        src, dst = self.over_a_program(('return-path',))
        self.check_completed(migrate.finish(src, dst))
        self.check_ram(src, dst)

    def test_cancel_over_a_program(self):
        """Who waits in a read or a write of a pipe is woken."""
        src, dst = self.over_a_program(
            ('return-path',), max_bandwidth=vm.MIB, downtime_limit=1)
        src.qmp.wait_status('active')
        dst.qmp.wait_status('active')
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.assertEqual(migrate.end_status(dst), 'failed')

    def test_cancel_of_a_program_that_is_silent(self):
        src = self.secure_source(tls='psk')
        migrate.configure(src, (), {'tls_creds': 'tls0'})
        src.qmp.cmd('migrate', {'uri': 'exec:exec cat >/dev/null'})
        self.assertEqual(src.info()['status'], 'setup')
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')

    def test_null_switches_it_off(self):
        src, dst = self.secure_source(), self.secure_target()
        self.secure_start(src, dst)
        self.check_completed(migrate.finish(src, dst))
        for name in ('tls-creds', 'tls-hostname', 'tls-authz'):
            for value, found in ((None, ''), ('x', 'x'), ('', '')):
                src.qmp.cmd('migrate-set-parameters', {name: value})
                self.assertEqual(
                    src.qmp.cmd('query-migrate-parameters')[name], found)

    def test_cancel(self):
        """In the middle; the destination is told, and both go on."""
        src = self.secure_source(ram_kind='random')
        dst = self.secure_target()
        self.secure_start(src, dst, caps=('multifd', 'return-path'),
                          params={'max_bandwidth': vm.MIB,
                                  'downtime_limit': 1})
        src.qmp.wait_status('active')
        dst.qmp.wait_status('active')
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.assertEqual(migrate.end_status(dst), 'failed')
        for machine in (src, dst):
            machine.qmp.drop_events()
        self.secure_migration(src, dst, caps=('multifd', 'return-path'))

    def test_authz(self):
        src = self.secure_source()
        dst = self.secure_target(objects=[tls.simple_authz(tls.CLIENT_DN)])
        self.secure_migration(src, dst, caps=('multifd',),
                              dst_params={'tls_authz': 'authz0'})


class Refused(tls.TLSCase):
    """A source that is not let in, or does not want to: one sentence on each
    side, and the destination takes a good source afterwards."""

    def still_serves(self, dst, uri, **params):
        src = self.secure_source(name='good')
        params = self.parameters('unix', **params)
        migrate.configure(src, (), dict(params, max_bandwidth=0))
        src.qmp.cmd('migrate', {'uri': uri})
        self.check_completed(migrate.finish(src, dst))
        self.check_ram(src, dst)

    def check(self, src, dst, source_says, target_says, good=True, caps=(),
              **settings):
        settings.setdefault('params', {})
        uri = self.secure_start(src, dst, 'unix', caps, **settings)
        self.assertEqual(migrate.end_status(src), 'failed')
        self.assertRegex(src.info()['error-desc'], source_says)
        self.wait_log(dst, target_says + '.*' + REFUSED)
        self.assertEqual(dst.info()['status'], 'setup', dst.log())
        if good and not caps:
            self.still_serves(dst, uri)

    def test_wrong_host(self):
        self.check(self.secure_source(), self.secure_target(),
                   "certificate is for 'server.example.*' and not for host "
                   "'wrong.example'", 'Certificate is bad',
                   src_params={'tls_hostname': 'wrong.example'})

    def test_wrong_host_in_the_address(self):
        """Without tls-hostname it is the one that was connected to."""
        src = self.secure_source()
        dst = self.secure_target(certs='other-host')
        migrate.start(src, dst, 'tcp:127.0.0.1:0',
                      params={'tls_creds': 'tls0'})
        self.assertEqual(migrate.end_status(src), 'failed')
        self.assertRegex(src.info()['error-desc'],
                         "is for 'elsewhere.example' and not for host "
                         "'127.0.0.1'; set tls-hostname")
        self.assertEqual(dst.info()['status'], 'setup')

    def test_expired_server(self):
        self.check(self.secure_source(),
                   self.secure_target(certs='expired', props=UNCHECKED),
                   'it has expired', 'Certificate is expired', good=False)

    def test_expired_client(self):
        self.check(self.secure_source(certs='expired', props=UNCHECKED),
                   self.secure_target(), 'TLS|closed|reset',
                   'it has expired')

    def test_other_ca_of_the_server(self):
        self.check(self.secure_source(), self.secure_target(certs='other-ca'),
                   'not signed by a CA that is trusted', 'CA',
                   good=False)

    def test_other_ca_of_the_client(self):
        props = {'verify_peer': 'off'}
        self.check(self.secure_source(certs='other-ca', props=props),
                   self.secure_target(), 'alert',
                   'not signed by a CA that is trusted')

    def test_client_without_certificate(self):
        self.check(self.secure_source(certs='no-client-cert'),
                   self.secure_target(), 'alert',
                   'has no certificate to show')

    def test_client_without_certificate_multifd(self):
        self.check(self.secure_source(certs='no-client-cert'),
                   self.secure_target(), 'alert|closed|reset|Broken',
                   'has no certificate to show',
                   caps=('multifd', 'return-path'))

    def test_revoked_client(self):
        self.check(self.secure_source(), self.secure_target(certs='revoked'),
                   'alert', 'has been revoked', good=False)

    def test_authz(self):
        self.check(self.secure_source(),
                   self.secure_target(
                       objects=[tls.simple_authz('CN=somebody')]),
                   'alert', "'authz0' does not let '%s' in" % tls.CLIENT_DN,
                   good=False, dst_params={'tls_authz': 'authz0'})

    def test_other_key(self):
        src = self.secure_source(tls='psk', certs='psk-other')
        dst = self.secure_target(tls='psk')
        self.check(src, dst, 'same key in keys.psk', 'same key in keys.psk',
                   good=False)

    def test_source_without_tls(self):
        """A plain stream to a TLS destination."""
        self.check(self.source(ram_kind='random', size=20 * vm.MIB),
                   self.secure_target(size=20 * vm.MIB), 'reset|Broken|closed',
                   'does not speak TLS', good=False,
                   src_params={'tls_creds': '', 'tls_hostname': ''})

    def test_source_without_tls_multifd(self):
        self.check(self.source(), self.secure_target(),
                   'reset|Broken|closed|ended',
                   'does not speak TLS', caps=('multifd', 'return-path'),
                   src_params={'tls_creds': '', 'tls_hostname': ''})

    def check_target_without_tls(self, caps):
        src, dst = self.secure_source(), self.target()
        self.secure_start(src, dst, 'unix', caps,
                          dst_params={'tls_creds': '', 'tls_hostname': ''})
        self.assertEqual(migrate.end_status(src), 'failed')
        self.assertRegex(src.info()['error-desc'],
                         'closed the connection during the TLS|reset')
        self.assertEqual(migrate.end_status(dst), 'failed')
        self.assertEqual(dst.info()['error-desc'],
                         'A connection begins with TLS, and tls-creds is not '
                         'set here; set it on both sides or on none')

    def test_target_without_tls(self):
        self.check_target_without_tls(())

    def test_target_without_tls_multifd(self):
        self.check_target_without_tls(('multifd',))


class Silent(tls.TLSCase):
    """Peers that do not answer: monitors do, and a cancel ends it."""

    def probe(self, machine, path):
        prober = incoming.Prober(path, machine.pid)
        self.addCleanup(prober.stop)
        return prober

    def check_prober(self, prober):
        self.assertIsNone(prober.error)
        self.assertLess(prober.slowest, incoming.ANSWER_LIMIT)

    def test_strangers_at_the_destination(self):
        """Silent ones, half a handshake and nonsense, then our source."""
        path = self.path('probe')
        src = self.secure_source()
        dst = self.secure_target(more=incoming.second_monitor(path))
        prober = self.probe(dst, path)
        caps = ('multifd', 'return-path')
        migrate.configure(dst, caps, {'tls_creds': 'tls0'})
        migrate.configure(src, caps, self.parameters('unix'))
        uri = dst.listen(self.uri('unix'))
        with peer.Source(uri) as strangers:
            for data in (b'', b'', b'\x16\x03\x01\x02\x00\x01', b'\x16',
                         b'GET / HTTP/1.0\r\n\r\n'):
                strangers.open(data)
            prober.wait_answer()
            src.qmp.cmd('migrate', {'uri': uri})
            self.check_completed(migrate.finish(src, dst))
        self.check_ram(src, dst)
        self.check_prober(prober)

    def check_source(self, mode):
        path = self.path('probe')
        src = self.secure_source(more=incoming.second_monitor(path))
        prober = self.probe(src, path)
        migrate.configure(src, (), self.parameters('unix'))
        with peer.Sink(self.path('silent'), mode) as sink:
            src.qmp.cmd('migrate', {'uri': sink.uri})
            for _ in range(50):
                self.assertEqual(src.info()['status'], 'setup')
            prober.wait_answer()
            self.assertEqual(refused(src, 'object-del', id='tls0'),
                             "object 'tls0' is in use, can not be deleted")
            src.qmp.cmd('migrate_cancel')
            self.assertEqual(migrate.end_status(src), 'cancelled')
        self.check_prober(prober)
        src.qmp.cmd('object-del', {'id': 'tls0'})

    def test_destination_that_reads(self):
        self.check_source('read')

    def test_destination_that_does_not_read(self):
        self.check_source('stall')


class Ends(tls.TLSCase):
    """Who says that a stream has ended, and who must."""

    def listen(self, channels=1, **settings):
        dst = self.secure_target(size=SIZE, **settings)
        caps = ('multifd',) if channels else ()
        migrate.configure(dst, caps, {'tls_creds': 'tls0',
                                      'multifd_channels': channels or 2})
        return dst, dst.listen(self.uri('unix'))

    def test_main_may_be_cut(self):
        """As stock QEMU does it."""
        dst, uri = self.listen(channels=0)
        image = b'\x11' * SIZE
        with tls.Source(uri) as source:
            source.open(bytes(stream.plain('mem0', SIZE, image))).close()
            self.assertEqual(migrate.end_status(dst), 'completed')

    def check_channel(self, say_end, status, whole=True, **settings):
        dst, uri = self.listen(**settings)
        image = b'\x22' * SIZE
        main, (channel,) = stream.multifd('mem0', SIZE, image, 1)
        if not whole:
            channel = channel[:-len(stream.sync())]
        with tls.Source(uri) as source:
            first = source.open(main[:8])
            other = source.open(channel)
            if say_end:
                source.say_end(other)
            other.close()
            peer.send(first, main[8:])
            self.assertEqual(migrate.end_status(dst), status)
        return dst

    def test_channel_that_is_cut(self):
        dst = self.check_channel(False, 'failed', whole=False)
        self.assertIn('multifd channel 0: the connection was cut',
                      dst.info()['error-desc'])

    def test_channel_that_ends(self):
        self.check_channel(True, 'completed')

    def test_channel_that_may_be_cut(self):
        """What a source before QEMU 9.2 does."""
        self.check_channel(False, 'completed', properties={
            'multifd-clean-tls-termination': 'off'})


class Settings(tls.TLSCase):
    """What cannot work is refused at once, by name."""

    def migrate_refused(self, src, uri='tcp:127.0.0.1:1', **params):
        src.parameters(**params)
        return refused(src, 'migrate', uri=uri)

    def test_no_such_credentials(self):
        src, dst = self.secure_source(), self.secure_target()
        self.assertRegex(self.migrate_refused(src, tls_creds='tls1'),
                         "No TLS credentials with id 'tls1'")
        dst.parameters(tls_creds='tls1')
        self.assertRegex(refused(dst, 'migrate-incoming',
                                 uri=self.uri('unix')),
                         "No TLS credentials with id 'tls1'")

    def test_no_credentials_at_all(self):
        src = self.secure_source()
        self.assertRegex(self.migrate_refused(src, tls_creds='mem0'),
                         "'mem0' is not TLS credentials but "
                         "memory-backend-file")

    def test_credentials_of_the_other_side(self):
        src = self.source(options=tls.options(tls.creds('server')))
        self.assertRegex(self.migrate_refused(src, tls_creds='tls0'),
                         'are for a server, and here a client is needed')

    def test_address_without_a_host(self):
        src = self.secure_source()
        self.assertRegex(self.migrate_refused(src, 'unix:/nowhere',
                                              tls_creds='tls0'),
                         'has no host .* set tls-hostname')

    def test_file(self):
        src = self.secure_source()
        self.assertRegex(
            self.migrate_refused(src, 'file:' + self.path('snapshot'),
                                 tls_creds='tls0', tls_hostname='x'),
            'no TLS with a file')
        self.assertFalse(os.path.exists(self.path('snapshot')))

    def incoming_refused(self, dst, **params):
        dst.parameters(**params)
        return refused(dst, 'migrate-incoming', uri=self.uri('unix'))

    def test_authz_without_tls(self):
        dst = self.secure_target(objects=[tls.simple_authz('x')])
        self.assertRegex(self.incoming_refused(dst, tls_authz='authz0'),
                         'without tls-creds')

    def test_authz_that_is_not_there(self):
        dst = self.secure_target()
        self.assertRegex(self.incoming_refused(dst, tls_creds='tls0',
                                               tls_authz='authz0'),
                         "No object with id 'authz0'")
        self.assertRegex(self.incoming_refused(dst, tls_authz='tls0'),
                         'does not say who may connect')

    def test_authz_and_nobody_with_a_name(self):
        dst = self.secure_target(tls='anon',
                                 objects=[tls.simple_authz('x')])
        self.assertRegex(self.incoming_refused(dst, tls_creds='tls0',
                                               tls_authz='authz0'),
                         'lets anybody in without a name')


class Objects(case.MachineCase):
    """object-add and object-del, also of memory."""

    def add(self, machine, kind, ident, **props):
        arguments = {'qom-type': kind, 'id': ident}
        arguments.update({k.replace('_', '-'): v for k, v in props.items()})
        machine.qmp.cmd('object-add', arguments)

    def test_memory(self):
        machine = self.source()
        self.add(machine, 'memory-backend-ram', 'more', size=vm.MIB)
        self.assertRegex(refused(machine, 'object-add', qom_type='authz-list',
                                 id='more'), "'more' is taken")
        machine.qmp.cmd('object-del', {'id': 'more'})
        self.assertEqual(refused(machine, 'object-del', id='more'),
                         "object 'more' not found")

    def test_memory_of_the_machine_stays(self):
        machine = self.source()
        self.assertEqual(refused(machine, 'object-del', id='mem0'),
                         "object 'mem0' is in use, can not be deleted")

    def test_properties_are_checked(self):
        machine = self.source()
        for props in ({'qom_type': 'tls-creds-x509', 'id': 'a', 'x': 1},
                      {'qom_type': 'no-such-type', 'id': 'a'},
                      {'qom_type': 'authz-simple', 'id': 'a'},
                      {'qom_type': 'authz-list', 'id': '0'},
                      {'qom_type': 'authz-list'}):
            with self.subTest(props=props):
                self.assertTrue(refused(machine, 'object-add', **props))

    def test_rules(self):
        machine = self.source()
        self.add(machine, 'authz-list', 'a', policy='deny', rules=[
            {'match': 'CN=*', 'policy': 'allow', 'format': 'glob'}])
        machine.qmp.cmd('object-del', {'id': 'a'})

    def test_missing_files_are_named(self):
        if not os.environ.get('WHERRY_TLS_CERTS'):
            self.skipTest('built without GnuTLS')
        machine = self.source()
        desc = refused(machine, 'object-add', qom_type='tls-creds-x509',
                       id='tls0', dir=self.folder, endpoint='server')
        self.assertIn(self.path('ca-cert.pem'), desc)
        self.assertIn('No such file', desc)

    def test_without_gnutls(self):
        if os.environ.get('WHERRY_TLS_CERTS'):
            self.skipTest('built with GnuTLS')
        self.assertRegex(refused(self.source(), 'object-add', id='tls0',
                                 qom_type='tls-creds-x509', dir=self.folder),
                         "'tls0': this wherry was built without GnuTLS")

    def hmp(self, machine, line):
        return machine.qmp.cmd('human-monitor-command',
                               {'command-line': line})

    def test_hmp(self):
        machine = self.source()
        self.assertEqual(self.hmp(machine, 'object_add memory-backend-ram,'
                                  'id=more,size=1M'), '')
        self.assertRegex(self.hmp(machine, 'object_add authz-list,id=more'),
                         "Error: Object id 'more' is taken")
        self.assertEqual(self.hmp(machine, 'object_del more'), '')
        self.assertRegex(self.hmp(machine, 'object_del more'),
                         "Error: object 'more' not found")
        self.assertRegex(self.hmp(machine, 'object_add nonsense'), 'Error: ')

    def test_parameters_in_hmp(self):
        machine = self.source()
        self.hmp(machine, 'migrate_set_parameter tls-hostname a.example')
        shown = self.hmp(machine, 'info migrate_parameters')
        self.assertIn("tls-creds: ''", shown)
        self.assertIn("tls-hostname: 'a.example'", shown)
        self.hmp(machine, 'migrate_set_parameter tls-hostname ""')
        self.assertIn("tls-hostname: ''",
                      self.hmp(machine, 'info migrate_parameters'))


if __name__ == '__main__':
    sys.exit(tap.main())
