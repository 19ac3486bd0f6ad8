# SPDX-License-Identifier: GPL-2.0-or-later
#
# TLS for tests: folders of certificates (made by the program `tls-certs`, of
# which WHERRY_TLS_CERTS is the path), machines with credentials, and a scripted
# source that speaks TLS.

import atexit
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import time
import unittest

from . import case, migrate, peer, qmp, vm

# As tests/lib/tls-certs.h has them.
CLIENT_DN = 'C=XX,O=Wherry Tests,CN=client.example'
SERVER_NAME = 'server.example'
TYPES = ('x509', 'psk', 'anon')

_made = []


def folder(name):
    """The folder of that case; all are written when asked for the first."""
    if not _made:
        program = os.environ.get('WHERRY_TLS_CERTS')
        if not program:
            raise unittest.SkipTest(
                'WHERRY_TLS_CERTS names no program: built without GnuTLS')
        base = tempfile.mkdtemp(prefix='wherry-tls-')
        atexit.register(shutil.rmtree, base, True)
        subprocess.run([program, base], check=True)
        _made.append(base)
    return os.path.join(_made[0], name)


def creds(endpoint, kind='x509', name='good', ident='tls0', **props):
    """The text of a -object; underscores in names stand for dashes."""
    text = 'tls-creds-%s,id=%s,dir=%s,endpoint=%s' % (
        kind, ident, folder(name), endpoint)
    return text + ''.join(',%s=%s' % (key.replace('_', '-'), value)
                          for key, value in props.items())


def simple_authz(identity, ident='authz0'):
    """A -object that lets one identity in; commas in it are doubled."""
    return 'authz-simple,id=%s,identity=%s' % (ident,
                                               identity.replace(',', ',,'))


def options(*objects):
    return [word for text in objects for word in ('-object', text)]


class TLSCase(case.MachineCase):
    """Machines with credentials `tls0`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder('good')

    def secure_source(self, kind=vm.WHERRY, tls='x509', certs='good',
                      props=None, objects=(), more=(), **settings):
        mine = creds('client', tls, certs, **(props or {}))
        return self.source(kind, options=options(mine, *objects) +
                           list(more), **settings)

    def secure_target(self, kind=vm.WHERRY, tls='x509', certs='good',
                      props=None, objects=(), more=(), **settings):
        mine = creds('server', tls, certs, **(props or {}))
        return self.target(kind, options=options(mine, *objects) +
                           list(more), **settings)

    @staticmethod
    def parameters(transport='tcp', tls='x509', **params):
        """Parameters for both ends of a migration over that transport."""
        params.setdefault('tls_creds', 'tls0')
        if transport == 'unix' and tls == 'x509':
            params.setdefault('tls_hostname', SERVER_NAME)
        return params

    def wait_log(self, machine, pattern):
        """Until the machine has written it; its loop turns with each
        question."""
        deadline = time.monotonic() + qmp.DEFAULT_TIMEOUT
        while not re.search(pattern, machine.log()):
            self.assertLess(time.monotonic(), deadline,
                            'no "%s" in the log of %s' % (pattern,
                                                          machine.name))
            machine.info()

    def secure_migration(self, src, dst, transport='tcp', tls='x509',
                         caps=(), **settings):
        """A migration that must succeed with equal RAM; its result."""
        params = self.parameters(transport, tls,
                                 **settings.pop('params', {}))
        return self.migrate_and_check(src, dst, transport, caps=caps,
                                      params=params, **settings)

    def secure_start(self, src, dst, transport='tcp', caps=(), **settings):
        """Begins one; the URI."""
        params = self.parameters(transport, **settings.pop('params', {}))
        # What is one end's own takes the place of what both have.
        ends = {end: dict(params, **settings.pop(end, {}))
                for end in ('src_params', 'dst_params')}
        return migrate.start(src, dst, self.uri(transport), caps=caps,
                             **ends, **settings)


class Source(peer.Source):
    """Connections with TLS to an incoming side."""

    def __init__(self, uri, certs='good'):
        super().__init__(uri)
        path = folder(certs)
        self.context = ssl.create_default_context(
            cafile=os.path.join(path, 'ca-cert.pem'))
        self.context.load_cert_chain(os.path.join(path, 'client-cert.pem'),
                                     os.path.join(path, 'client-key.pem'))

    def open(self, data=b''):
        sock = self.context.wrap_socket(peer.connect(self.uri),
                                        server_hostname=SERVER_NAME)
        self.sockets.append(sock)
        if data:
            peer.send(sock, data)
        return sock

    @staticmethod
    def say_end(sock):
        """Close it as TLS wants it; without that, close() cuts it."""
        try:
            sock.unwrap()
        except (OSError, ssl.SSLError):
            pass
