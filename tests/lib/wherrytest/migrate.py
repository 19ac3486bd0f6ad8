# SPDX-License-Identifier: GPL-2.0-or-later
#
# One migration between two machines, from the settings to both results.

import time

from . import qmp, vm

ENDED = ('completed', 'failed', 'cancelled')


class Result:
    """query-migrate of both ends, and what the run cost."""

    def __init__(self):
        self.src = self.dst = None
        self.src_status = self.dst_status = None
        self.wall = self.cpu_src = self.cpu_dst = 0.0
        self.uri = None

    def __str__(self):
        return 'source: %s\ndestination: %s' % (self.src, self.dst)


def configure(machine, caps, params):
    """Set what is given, clear the rest; events are always wanted."""
    states = dict.fromkeys(('multifd', 'return-path'), False)
    states.update({name: True for name in ('events',) + tuple(caps)})
    machine.capabilities(**states)
    if params:
        machine.parameters(**params)


def start(src, dst, uri, caps=(), params=None, src_params=None,
          dst_params=None, src_caps=None, dst_caps=None):
    """Configure both, listen, and give the migrate command; the URI."""
    params = params or {}
    configure(dst, caps if dst_caps is None else dst_caps,
              dict(params, **(dst_params or {})))
    configure(src, caps if src_caps is None else src_caps,
              dict({'max_bandwidth': 0}, **params, **(src_params or {})))
    uri = dst.listen(uri)
    src.qmp.cmd('migrate', {'uri': uri})
    return uri


def end_status(machine, timeout=None):
    """Wait for the end; a process that ends without a word has failed."""
    try:
        return machine.qmp.wait_status(ENDED, timeout)
    except qmp.QmpClosed:
        return 'process ended: %s\n%s' % (machine.exit_text(), machine.log())


def finish(src, dst, timeout=None):
    """Wait for both ends of a migration that was started."""
    result = Result()
    try:
        result.src_status = end_status(src, timeout)
        result.dst_status = end_status(dst, timeout)
    except qmp.QmpTimeout as err:
        raise AssertionError(
            'migration did not end: source %s, destination %s'
            % (state_text(src), state_text(dst))) from err
    result.src, result.dst = last_info(src), last_info(dst)
    return result


def last_info(machine):
    """query-migrate, or None from a process that is gone."""
    try:
        return machine.info()
    except qmp.QmpClosed:
        return None


def state_text(machine):
    """What a machine says of its migration, a frozen one included."""
    try:
        return '%s %s' % (machine.qmp.cmd('query-migrate', timeout=1),
                          machine.log())
    except (qmp.QmpTimeout, qmp.QmpClosed, qmp.QmpError, OSError) as err:
        return '%s: %s %s' % (type(err).__name__, err, machine.log())


def migrate(src, dst, uri, timeout=None, **settings):
    """Configure, migrate and wait; see start() for the settings."""
    began = time.monotonic()
    cpu_src, cpu_dst = vm.cpu_seconds(src.pid), vm.cpu_seconds(dst.pid)
    uri = start(src, dst, uri, **settings)
    result = finish(src, dst, timeout)
    result.uri = uri
    result.wall = time.monotonic() - began
    if src.alive() and dst.alive():
        result.cpu_src = vm.cpu_seconds(src.pid) - cpu_src
        result.cpu_dst = vm.cpu_seconds(dst.pid) - cpu_dst
    return result
