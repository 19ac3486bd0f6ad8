# SPDX-License-Identifier: GPL-2.0-or-later
#
# Migrations of which only one end is there at a time: to a file, a program or
# a descriptor, and from it.

import ctypes
import os

from . import migrate

_libc = ctypes.CDLL(None, use_errno=True)
# Numbers of system calls, the same on each 64 bit machine of these years.
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432
_SET_STRING, _CREATE = 1, 6


def place(where):
    """Arguments of migrate or migrate-incoming: a URI, or an address of the
    structured form."""
    if isinstance(where, str):
        return {'uri': where}
    return {'channels': [{'channel-type': 'main', 'addr': where}]}


def file_address(path, offset=0):
    return {'transport': 'file', 'filename': path, 'offset': offset}


def exec_address(*args):
    return {'transport': 'exec', 'args': list(args)}


def fd_address(name):
    return {'transport': 'socket', 'type': 'fd', 'str': str(name)}


def save(src, where, caps=(), params=None, timeout=None):
    """Migrate there; the status at the end."""
    migrate.configure(src, caps, dict({'max_bandwidth': 0}, **(params or {})))
    src.qmp.drop_events()
    src.qmp.cmd('migrate', place(where))
    return migrate.end_status(src, timeout)


def load(dst, where, caps=(), params=None, timeout=None):
    """Migrate from there; the status at the end."""
    migrate.configure(dst, caps, params or {})
    dst.qmp.drop_events()
    dst.qmp.cmd('migrate-incoming', dict(place(where),
                                         **{'exit-on-error': False}))
    return migrate.end_status(dst, timeout)


def asked_status(machine):
    """The status at the end, for one whose events nobody has switched on:
    it was told where on the command line."""
    status = machine.info().get('status')
    while status not in migrate.ENDED:
        status = machine.info().get('status')
    return status


def small_file(size):
    """A descriptor of a file in a file system of SIZE bytes that is mounted
    nowhere, or None where this process may not make one."""
    context = _libc.syscall(_FSOPEN, b'tmpfs', 1)
    if context < 0:
        return None
    mount = -1
    try:
        _libc.syscall(_FSCONFIG, context, _SET_STRING, b'size',
                      b'%d' % size, 0)
        _libc.syscall(_FSCONFIG, context, _CREATE, None, None, 0)
        mount = _libc.syscall(_FSMOUNT, context, 1, 0)
        if mount < 0:
            return None
        return os.open('file', os.O_RDWR | os.O_CREAT, 0o600, dir_fd=mount)
    finally:
        os.close(context)
        if mount >= 0:
            os.close(mount)
