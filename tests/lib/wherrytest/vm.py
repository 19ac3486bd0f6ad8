# SPDX-License-Identifier: GPL-2.0-or-later
#
# Virtual machines for the tests: one process, `wherry` or a stock QEMU, with
# its log, its monitor and its RAM file in one folder on a RAM disk.  However
# a test ends, its processes are killed hard: a frozen QEMU ignores SIGTERM.

import atexit
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import qmp

WHERRY = 'wherry'
QEMU = 'qemu'
# A QEMU with our changes, see docs/devel/qemu-patchset.rst.
PATCHED = 'patched'
MIB = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


# Where each kind is looked for: a variable, and the name in $PATH.
PROGRAMS = {WHERRY: ('WHERRY', 'wherry'),
            PATCHED: ('QEMU_PATCHED', 'qemu-patched'),
            QEMU: ('QEMU', 'qemu-system-x86_64')}


def binary(kind):
    """Absolute path of the program of that kind, None when there is none.

    The environment overrides the search, see PROGRAMS; WHERRY=qemu runs the
    stock program in wherry's place, to test the tests.
    """
    if kind == WHERRY and is_stand_in():
        kind = QEMU
    variable, name = PROGRAMS[kind]
    found = shutil.which(os.environ.get(variable) or name)
    return found and os.path.abspath(found)


def is_stand_in():
    """True when the stock program stands in for wherry."""
    return os.environ.get('WHERRY') == 'qemu'


def make_folder(need=256 * MIB):
    """A new folder with a path short enough for a socket, on a RAM disk if
    that has room for NEED bytes; gone when the program ends."""
    base = '/dev/shm'
    try:
        room = os.statvfs(base)
        if room.f_bavail * room.f_frsize < need or \
                not os.access(base, os.W_OK):
            base = None
    except OSError:
        base = None
    folder = tempfile.mkdtemp(prefix='wherry-', dir=base)
    atexit.register(shutil.rmtree, folder, True)
    return folder


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def cpu_seconds(pid):
    """User and system time of a living process, all its threads, ended ones
    included: the CPU clock of a process can be read by its number."""
    return time.clock_gettime((~pid << 3) | 2)


def peak_rss(pid):
    """Largest resident size so far, in bytes."""
    with open('/proc/%d/status' % pid) as status:
        for line in status:
            if line.startswith('VmHWM:'):
                return int(line.split()[1]) * 1024
    return 0


def count_fds(pid):
    """Files and sockets that a process has open, without those descriptors
    that are no file at all: it makes them for itself as it needs them."""
    base = '/proc/%d/fd/' % pid
    count = 0
    for fd in os.listdir(base):
        try:
            count += not os.readlink(base + fd).startswith('anon_inode:')
        except FileNotFoundError:
            pass                # closed meanwhile
    return count


class VM:
    """A machine of type none with one RAM block.

    backend is `file` (a file in the folder, shared, so that a test sees the
    guest's RAM), `ram` (anonymous), `memfd`, or `none` for -m alone.  image
    names an existing RAM file; without it the file is created empty.
    properties are `-global migration.` settings, pass_fds descriptors that the
    process is started with.
    """

    def __init__(self, kind, folder, name='vm', size=8 * MIB, image=None,
                 backend='file', incoming=None, uuid=None, properties=None,
                 options=(), block='mem0', machine='none', nodefaults=True,
                 pass_fds=(), start=True):
        self.kind, self.folder, self.name = kind, folder, name
        self.size, self.backend, self.block = size, backend, block
        self.log_path = os.path.join(folder, name + '.log')
        self.qmp_path = os.path.join(folder, name + '.qmp')
        self.ram_path = image or os.path.join(folder, name + '.ram')
        self.process = None
        self.qmp = None
        self._monitor = None    # a connected socket, before there is a client
        self.expect_exit = False
        self.machine, self.nodefaults = machine, nodefaults
        self.pass_fds = tuple(pass_fds)
        self.command = self._command(incoming, uuid, properties or {},
                                     options)
        if start:
            self.start()

    def _command(self, incoming, uuid, properties, options):
        machine = self.machine
        if self.backend != 'none':
            machine += ',memory-backend=' + self.block
        command = [binary(self.kind), '-display', 'none', '-S',
                   '-name', 'guest', '-machine', machine,
                   '-qmp', 'unix:%s,server=on,wait=off' % self.qmp_path]
        if self.backend != 'none':
            command += ['-object', self._backend_option()]
        if self.nodefaults:
            command.append('-nodefaults')
        if self.size % 8192 == 0:
            # Other sizes are the backend's alone: -m rounds up to 8 KiB and
            # then no longer equals it.
            command += ['-m', '%dk' % (self.size >> 10)]
        if incoming:
            command += ['-incoming', incoming]
        if uuid:
            command += ['-uuid', uuid]
        for key, value in properties.items():
            command += ['-global', 'migration.%s=%s' % (key, value)]
        return command + list(options)

    def _backend_option(self):
        text = 'memory-backend-%s,id=%s,size=%d' % (self.backend, self.block,
                                                    self.size)
        if self.backend == 'file':
            text += ',share=on,mem-path=' + self.ram_path
            if not os.path.exists(self.ram_path):
                with open(self.ram_path, 'wb') as image:
                    image.truncate(self.size)
        return text

    # -- life ---------------------------------------------------------------

    def start(self):
        """Spawn the process and open its monitor."""
        if self.command[0] is None:
            raise FileNotFoundError('no %s program to run' % self.kind)
        command, pass_fds = self.command, self.pass_fds
        if self.kind != WHERRY or is_stand_in():
            # A stock monitor that is met early greets twice now and then, or
            # says no more than its greeting.  One that is connected when the
            # process begins does not.
            self._monitor, theirs = socket.socketpair()
            command = command + [
                '-chardev', 'socket,id=first-monitor,fd=%d' % theirs.fileno(),
                '-mon', 'chardev=first-monitor,mode=control']
            pass_fds += (theirs.fileno(),)
        with open(self.log_path, 'wb') as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, preexec_fn=_die_with_parent, pass_fds=pass_fds)
        if self._monitor:
            theirs.close()
        self.connect()

    def connect(self, timeout=qmp.DEFAULT_TIMEOUT):
        """Open the monitor as soon as the process listens on it."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.qmp = self._open_monitor()
                return self.qmp
            except (FileNotFoundError, ConnectionRefusedError,
                    qmp.QmpClosed):
                pass
            # Nothing tells a parent that a child listens: look again soon,
            # but notice at once when the child ends.
            try:
                self.process.wait(0.002)
            except subprocess.TimeoutExpired:
                if time.monotonic() < deadline:
                    continue
            raise RuntimeError('%s did not open its monitor; %s\n%s' % (
                self.name, self.exit_text(), self.log()))

    def _open_monitor(self):
        monitor, self._monitor = self._monitor, None
        return qmp.QmpClient(monitor or self.qmp_path)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def wait_exit(self, timeout=qmp.DEFAULT_TIMEOUT):
        """Exit status, negative for a signal; TimeoutExpired otherwise."""
        return self.process.wait(timeout)

    def exit_text(self):
        code = self.process.poll()
        return 'it still runs' if code is None else 'exit status %d' % code

    def log(self):
        """What the process has written to stdout and stderr."""
        try:
            with open(self.log_path, errors='replace') as log:
                return log.read()
        except FileNotFoundError:
            return ''

    def kill(self):
        """End the process hard and keep its folder."""
        if self.qmp:
            self.qmp.close()
            self.qmp = None
        if self.process:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()

    def quit(self):
        """Ask the process to end; its exit status.

        Sanitizers report at a proper end only, so tests of wherry end it
        this way.
        """
        if self.alive() and self.qmp:
            try:
                self.qmp.cmd('quit')
            except (qmp.QmpClosed, OSError):
                pass
            try:
                return self.process.wait(qmp.DEFAULT_TIMEOUT)
            except subprocess.TimeoutExpired:
                pass
        self.kill()
        return self.process.returncode if self.process else None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.kill()

    # -- migration settings -------------------------------------------------

    def capabilities(self, **states):
        """Set capabilities; underscores in the names stand for dashes."""
        self.qmp.cmd('migrate-set-capabilities', {'capabilities': [
            {'capability': name.replace('_', '-'), 'state': state}
            for name, state in states.items()]})

    def parameters(self, **values):
        self.qmp.cmd('migrate-set-parameters', {
            name.replace('_', '-'): value for name, value in values.items()})

    def info(self):
        return self.qmp.cmd('query-migrate')

    def listen(self, uri, exit_on_error=False):
        """Start the incoming side; the URI a source must use."""
        arguments = {'uri': uri}
        if not exit_on_error:
            arguments['exit-on-error'] = False
        self.qmp.cmd('migrate-incoming', arguments)
        return self.listening_uri(uri)

    def listening_uri(self, uri):
        if not uri.startswith('tcp:'):
            return uri
        address = self.info()['socket-address'][0]
        host = address['host']
        if ':' in host:
            host = '[%s]' % host
        return 'tcp:%s:%s' % (host, address['port'])
