# SPDX-License-Identifier: GPL-2.0-or-later
#
# CPU time, page faults and context switches by the name of the thread.  What
# lives is read from /proc.  A thread that ends takes its figures along, so
# the kernel is asked to tell them at its end (taskstats; that takes root).
# Without that, they are the row "ended threads": what the process used and
# none of the living accounts for.

import errno
import os
import re
import socket
import struct

OTHER = 'ended threads'
_FIGURES = ('cpu', 'faults', 'switches')

# The stock program's names for the threads that both have.
_ROLES = ((r'mig/src/main', 'live_migration'),
          (r'mig/src/send_(\d+)', r'multifdsend_\1'),
          (r'mig/dst/recv_(\d+)', r'multifdrecv_\1'),
          (r'mig/src/return', 'return_path'))
_TRANSIENT = re.compile(r'live_|multifd|return_path|mig/')


def role(name):
    """The name under which a thread is told, the same for both programs."""
    for pattern, text in _ROLES:
        match = re.fullmatch(pattern, name)
        if match:
            return match.expand(text)
    return name


def _read(path):
    with open(path) as file:
        return file.read()


def living(pid):
    """tid -> (name, figures so far) of the threads of a process."""
    found = {}
    for tid in os.listdir('/proc/%d/task' % pid):
        base = '/proc/%d/task/%s/' % (pid, tid)
        try:
            name = _read(base + 'comm').rstrip('\n')
            cpu = int(_read(base + 'schedstat').split()[0]) / 1e9
            fields = _read(base + 'stat').rsplit(')', 1)[1].split()
            switches = sum(int(n) for n in re.findall(
                r'ctxt_switches:\s*(\d+)', _read(base + 'status')))
        except (OSError, IndexError):
            continue            # it has just ended
        found[int(tid)] = (name, dict(zip(_FIGURES, (cpu, int(fields[7]),
                                                     switches))))
    return found


def transient(pid):
    """Whether threads of a migration are still there."""
    return any(_TRANSIENT.match(name) for name, _ in living(pid).values())


def by_role(pid, before, after, ended, cpu):
    """role -> figures between two calls of living(); ended is what endings()
    told, cpu what the whole process used meanwhile."""
    total = {}
    last = dict(after)
    last.update((tid, (name, figures))
                for owner, tid, name, figures in ended
                if owner == pid and tid not in after)
    for tid, (name, figures) in last.items():
        old = before.get(tid, (name, {}))[1]
        entry = total.setdefault('main' if tid == pid else role(name),
                                 dict.fromkeys(_FIGURES, 0))
        for key in _FIGURES:
            entry[key] += figures[key] - old.get(key, 0)
    rest = cpu - sum(entry['cpu'] for entry in total.values())
    if rest > 0.0005:
        total[OTHER] = {'cpu': rest, 'faults': 0, 'switches': 0}
    return total


# -- what the kernel tells at the end of a thread ------------------------------

_NETLINK_GENERIC = 16
_GENL_ID_CTRL = 16
_NLM_F_REQUEST = 1
_NLMSG_ERROR = 2
_CTRL_CMD_GETFAMILY = 3
_CTRL_ATTR_FAMILY_ID, _CTRL_ATTR_FAMILY_NAME = 1, 2
_TASKSTATS_CMD_GET = 1
_TASKSTATS_REGISTER_CPUMASK = 3
_TYPE_PID, _TYPE_STATS, _TYPE_AGGR_PID = 1, 3, 4
# Where struct taskstats has what is wanted; the last came with version 12.
_AT_CPU, _AT_COMM, _AT_FAULTS, _AT_SWITCHES, _AT_TGID = 72, 80, 168, 272, 368
_OLDEST_VERSION = 12


def _attribute(kind, data):
    size = 4 + len(data)
    return struct.pack('=HH', size, kind) + data + bytes(-size % 4)


def _attributes(data):
    at = 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from('=HH', data, at)
        if size < 4:
            return
        yield kind & 0x3fff, data[at + 4:at + size]
        at += size + (-size % 4)


def decode_stats(tid, data):
    """(process, thread, name, figures), or None from an old kernel."""
    version, = struct.unpack_from('=H', data)
    if version < _OLDEST_VERSION or len(data) < _AT_TGID + 4:
        return None
    cpu, = struct.unpack_from('=Q', data, _AT_CPU)
    faults, = struct.unpack_from('=Q', data, _AT_FAULTS)
    switches = sum(struct.unpack_from('=QQ', data, _AT_SWITCHES))
    tgid, = struct.unpack_from('=I', data, _AT_TGID)
    name = data[_AT_COMM:_AT_COMM + 32].split(b'\0')[0]
    return tgid, tid, name.decode('utf-8', 'replace'), \
        dict(zip(_FIGURES, (cpu / 1e9, faults, switches)))


def decode_message(payload):
    """What a message of the kernel tells of ended threads."""
    for kind, data in _attributes(payload):
        if kind != _TYPE_AGGR_PID:
            continue
        parts = dict(_attributes(data))
        if _TYPE_PID in parts and _TYPE_STATS in parts:
            tid, = struct.unpack('=I', parts[_TYPE_PID])
            told = decode_stats(tid, parts[_TYPE_STATS])
            if told:
                yield told


class Endings:
    """Hears of each thread that ends; `why` says why it does not."""

    def __init__(self):
        self.why = None
        self.sock = None
        try:
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                      _NETLINK_GENERIC)
            self.sock.bind((0, 0))
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            self.sock.settimeout(1)
            self._register()
            self.sock.setblocking(False)
        except (OSError, AttributeError) as err:
            self.why = 'the kernel does not tell of threads that end: %s' % err
            self.close()

    def _register(self):
        family = None
        for kind, data in _attributes(self._ask(
                _GENL_ID_CTRL, _CTRL_CMD_GETFAMILY,
                _attribute(_CTRL_ATTR_FAMILY_NAME, b'TASKSTATS\0'))):
            if kind == _CTRL_ATTR_FAMILY_ID:
                family, = struct.unpack('=H', data)
        if family is None:
            raise OSError('no family TASKSTATS')
        cpus = _read('/sys/devices/system/cpu/possible').strip()
        self._send(family, _TASKSTATS_CMD_GET, _attribute(
            _TASKSTATS_REGISTER_CPUMASK, cpus.encode() + b'\0'), ack=4)
        self._receive(self.sock.recv(1 << 16))

    def _send(self, family, command, payload, ack=0):
        body = struct.pack('=BBH', command, 1, 0) + payload
        self.sock.send(struct.pack('=IHHII', 16 + len(body), family,
                                   _NLM_F_REQUEST | ack, 0, 0) + body)

    def _ask(self, family, command, payload):
        self._send(family, command, payload)
        for message in self._receive(self.sock.recv(1 << 16)):
            return message
        raise OSError('no answer')

    @staticmethod
    def _receive(data):
        """The payloads of the messages of one datagram."""
        payloads = []
        at = 0
        while at + 16 <= len(data):
            size, kind = struct.unpack_from('=IH', data, at)
            if kind == _NLMSG_ERROR:
                error, = struct.unpack_from('=i', data, at + 16)
                if error:
                    raise OSError(-error, os.strerror(-error))
            else:
                payloads.append(data[at + 20:at + size])
            at += max(16, size + (-size % 4))
        return payloads

    def take(self):
        """All that was told since the last call; see decode_stats()."""
        told = []
        while self.sock:
            try:
                data = self.sock.recv(1 << 16)
            except BlockingIOError:
                break
            except OSError as err:
                if err.errno == errno.ENOBUFS:
                    continue    # some were lost; they are told as OTHER
                raise
            for payload in self._receive(data):
                told += decode_message(payload)
        return told

    def close(self):
        if self.sock:
            self.sock.close()
            self.sock = None
