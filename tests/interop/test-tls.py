# SPDX-License-Identifier: GPL-2.0-or-later
#
# TLS with a stock QEMU, in both directions: certificates and keys, plain and
# multifd; who is turned away; and the parameters on both monitors.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import migrate, tap, tls, vm  # noqa: E402

DIRECTIONS = ((vm.WHERRY, vm.QEMU), (vm.QEMU, vm.WHERRY))
WAYS = {
    'plain': ((), {}),
    'return-path': (('return-path',), {}),
    'multifd': (('multifd',), {'multifd_channels': 4}),
    'multifd-return-path': (('multifd', 'return-path'), {}),
}
SIZE = 12 * vm.MIB


class Pairs(tls.TLSCase):
    kinds = (vm.WHERRY, vm.QEMU)


def pair_test(source, target, kind, way, transport):
    caps, params = WAYS[way]

    def run(self):
        src = self.secure_source(source, kind, size=SIZE)
        dst = self.secure_target(target, kind, size=SIZE)
        self.secure_migration(src, dst, transport, kind, caps,
                              params=dict(params))
    run.tap_name = '/tls/%s-to-%s/%s/%s/%s' % (source, target, kind, way,
                                               transport)
    return run


for _source, _target in DIRECTIONS:
    for _kind in ('x509', 'psk', 'anon'):
        for _way in WAYS:
            for _transport in ('tcp', 'unix'):
                setattr(Pairs, 'test_%s_%s_%s_%s' % (
                    _source, _kind, _way.replace('-', '_'), _transport),
                    pair_test(_source, _target, _kind, _way, _transport))


class Refused(tls.TLSCase):
    kinds = (vm.WHERRY, vm.QEMU)

    def start(self, src, dst, **settings):
        """Sockets of TCP hold all of a small guest: a source without return
        path may be done before a destination has looked at who it is."""
        self.secure_start(src, dst, 'unix', **settings)
        self.assertEqual(migrate.end_status(src), 'failed')

    def test_wherry_source_wants_another_host(self):
        src = self.secure_source()
        dst = self.secure_target(vm.QEMU)
        self.start(src, dst, src_params={'tls_hostname': 'wrong.example'})
        self.assertIn("not for host 'wrong.example'",
                      src.info()['error-desc'])
        self.assertEqual(dst.info()['status'], 'setup')

    def test_stock_source_wants_another_host(self):
        src = self.secure_source(vm.QEMU)
        dst = self.secure_target()
        self.start(src, dst, src_params={'tls_hostname': 'wrong.example'})
        self.wait_log(dst, 'still listening')
        self.assertEqual(dst.info()['status'], 'setup')

    def test_stock_destination_turns_us_away(self):
        """Its alert is what our source tells."""
        src = self.secure_source(certs='no-client-cert')
        dst = self.secure_target(vm.QEMU)
        self.start(src, dst)
        self.assertRegex(src.info()['error-desc'],
                         'alert|closed|reset|Broken|cut')

    def test_same_identity_for_authz(self):
        """One identity lets our certificate in on both kinds."""
        for kind, other in ((vm.QEMU, vm.WHERRY), (vm.WHERRY, vm.QEMU)):
            with self.subTest(destination=kind):
                src = self.secure_source(other, name='src-' + kind)
                dst = self.secure_target(
                    kind, objects=[tls.simple_authz(tls.CLIENT_DN)],
                    name='dst-' + kind)
                self.secure_migration(src, dst,
                                      dst_params={'tls_authz': 'authz0'})

    def test_same_identity_is_turned_away(self):
        for kind, other in ((vm.QEMU, vm.WHERRY), (vm.WHERRY, vm.QEMU)):
            with self.subTest(destination=kind):
                src = self.secure_source(other, name='src-' + kind)
                dst = self.secure_target(
                    kind, objects=[tls.simple_authz('CN=somebody')],
                    name='dst-' + kind)
                self.start(src, dst, dst_params={'tls_authz': 'authz0'})
                self.assertEqual(dst.info()['status'], 'setup')
                # They have the socket's path.
                self.discard(src, dst)


if __name__ == '__main__':
    sys.exit(tap.main())
