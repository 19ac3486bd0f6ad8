# SPDX-License-Identifier: GPL-2.0-or-later
#
# A machine's state in a file: written by one process, read by another, which
# need not live at the same time.

import os
import shutil
import subprocess
import tempfile
import unittest

from . import migrate

# What a file takes beside its pages, at most, in a small test.
OVERHEAD = 64 * 1024


def save(src, uri, caps=('mapped-ram',), params=None):
    """Write the state; how that ended."""
    begin_save(src, uri, caps, params)
    return migrate.end_status(src)


def begin_save(src, uri, caps=('mapped-ram',), params=None):
    migrate.configure(src, caps, dict({'max_bandwidth': 0}, **(params or {})))
    src.qmp.cmd('migrate', {'uri': uri})


def load(dst, uri, caps=('mapped-ram',), params=None):
    """Read the state; how that ended."""
    migrate.configure(dst, caps, params)
    dst.qmp.cmd('migrate-incoming', {'uri': uri, 'exit-on-error': False})
    return migrate.end_status(dst)


def disk_folder(test):
    """A folder on a disk, where O_DIRECT means something; skips without."""
    folder = tempfile.mkdtemp(prefix='wherry-')
    test.addCleanup(shutil.rmtree, folder, True)
    try:
        os.close(os.open(os.path.join(folder, 'probe'),
                         os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600))
    except OSError as err:
        raise unittest.SkipTest('no O_DIRECT in %s: %s' % (folder, err)) \
            from err
    return folder


def small_disk(test, size):
    """A folder with room for SIZE bytes; skips where nobody may mount one."""
    folder = os.path.join(test.folder, 'small')
    os.mkdir(folder)
    try:
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=%d' % size,
                        'small', folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as err:
        raise unittest.SkipTest('cannot mount a tmpfs: %s' % err) from err
    test.addCleanup(subprocess.run, ['umount', '-l', folder])
    return folder


def allocated(path):
    """Bytes that the file takes; holes take none."""
    return os.stat(path).st_blocks * 512

