# SPDX-License-Identifier: GPL-2.0-or-later
#
# What tests need that kill one side of a migration: ways to migrate, random
# moments that can be had again, guests of each sort, and what must be true of
# the side that lives on.
#
# The moments are those of WHERRY_TEST_SEED, which a failure names; there are
# WHERRY_TEST_MOMENTS of them for each phase.

import os
import random
import re
import time

from . import case, dsa, guest, lifetime, migrate, qmp, vm
from .kvm import GuestCase, SIZE
from .qtest import QtestClient
from .relay import Relay

SEED = int(os.environ.get('WHERRY_TEST_SEED') or
           int.from_bytes(os.urandom(4), 'big'))
MOMENTS = int(os.environ.get('WHERRY_TEST_MOMENTS') or 10)
PAUSE = 'pause-before-switchover'
CHANNELS = 3
# What a source begins with when it tells of a destination that is no more.
NAMES_DESTINATION = r'^Migration to (unix:/|tcp:127.0.0.1:)\S+ failed: \w+'


class Variant:
    """One way to migrate."""

    def __init__(self, name, transport, *caps, **src_params):
        self.name, self.transport, self.caps = name, transport, caps
        self.return_path = 'return-path' in caps
        self.multifd = 'multifd' in caps
        self.src_params = dict({'zero_page_detection': 'multifd'},
                               **src_params)


# Without a return path over unix sockets only: a TCP socket may take in all
# there is, and the source is done.
VARIANTS = (
    Variant('plain', 'unix'),
    Variant('plain with return path', 'tcp', 'return-path'),
    Variant('multifd', 'unix', 'multifd'),
    Variant('multifd with return path', 'tcp', 'multifd', 'return-path'),
    Variant('dsa-accel', 'unix', 'multifd', 'return-path',
            zero_page_detection='dsa-accel', accel_path=[dsa.soft()],
            dsa_timeout=dsa.PATIENCE_MS),
)


class Moment:
    """One of ten: a variant, and random numbers of its own."""

    def __init__(self, phase, number):
        self.number = number
        self.variant = VARIANTS[number % len(VARIANTS)]
        self.rng = random.Random('%d %s %d' % (SEED, phase, number))

    def pick(self, first, last):
        return self.rng.randint(first, last)

    def pass_time(self, limit_s):
        """Let a random time pass: the moment is what is random."""
        time.sleep(self.rng.uniform(0, limit_s))


class KillCase(case.MachineCase):
    """Guests, migrations through a relay, and what is true of the side that
    lives on.  `src` and `dst` are those of the moment."""

    size = 8 * vm.MIB
    # So much of it a round sends at least, if all has been written.
    busy = 6 * vm.MIB
    # The guest writes faster than this: round follows round, and all its
    # memory is dirty all the time.
    link = int(64 * vm.MIB / qmp.SCALE)
    nr_moments = MOMENTS

    def setUp(self):
        super().setUp()
        self.serial = 0
        self.src = self.dst = self.relay = None

    def diagnostics(self):
        yield 'WHERRY_TEST_SEED=%d' % SEED
        for machine in self.machines[-3:]:
            yield '%s: %s' % (machine.name, machine.exit_text())
            for line in machine.log().splitlines()[-20:]:
                yield '  ' + line

    def each_moment(self, phase, play):
        """Play all moments of a phase, each as a sub-test.  What a failed
        one leaves behind is not used for the next."""
        for number in range(self.nr_moments):
            moment = Moment(phase, number)
            with self.subTest(phase=phase, moment=number,
                              variant=moment.variant.name):
                try:
                    play(moment)
                except BaseException:
                    self.discard(*(m for m in (self.src, self.dst) if m))
                    self.src = self.dst = None
                    raise
                finally:
                    if self.relay:
                        self.relay.close()

    # -- machines -----------------------------------------------------------

    def name(self, what):
        self.serial += 1
        return '%s%d' % (what, self.serial)

    def new_uri(self, transport):
        if transport == 'unix':
            return 'unix:' + self.path(self.name('m'))
        return self.uri(transport)

    def new_source(self):
        """A guest that has written all of its memory runs."""
        src = self.new_machine('src')
        src.qmp.cmd('cont')
        self.wait_guest(src)
        return src

    def new_target(self):
        """It is to run the guest as soon as that is there."""
        dst = self.new_machine('dst', incoming='defer')
        dst.qmp.cmd('cont')
        return dst

    def status(self, machine):
        return machine.qmp.cmd('query-status')['status']

    # -- migrations ---------------------------------------------------------

    def configure(self, machine, caps, params):
        states = dict.fromkeys(('multifd', 'return-path', PAUSE), False)
        states.update({name: True for name in ('events',) + tuple(caps)})
        machine.capabilities(**states)
        machine.parameters(multifd_channels=CHANNELS, **params)
        machine.qmp.drop_events()

    def listen(self, variant):
        """The destination awaits a migration; its URI."""
        self.configure(self.dst, variant.caps, {})
        self.uri_now = self.dst.listen(self.new_uri(variant.transport))
        return self.uri_now

    def migrate(self, variant, uri, speed='full', caps=()):
        """The command is given."""
        limits = {
            'full': {'max_bandwidth': 0, 'downtime_limit': 2000},
            'one round': {'max_bandwidth': self.link, 'downtime_limit': 2000},
            'endless': {'max_bandwidth': self.link, 'downtime_limit': 1},
        }
        self.configure(self.src, variant.caps + caps,
                       dict(variant.src_params, **limits[speed]))
        try:
            self.src.qmp.cmd('migrate', {'uri': uri})
        except qmp.QmpClosed:
            if not (self.relay and self.relay.over):
                raise           # not killed before it could answer

    def begin(self, variant, speed='full', caps=(), strike=None):
        """Both, through a relay that strikes as it is told."""
        self.relay = Relay(self.new_uri(variant.transport),
                           self.listen(variant))
        if strike:
            self.relay.strike(*strike)
        self.migrate(variant, self.relay.uri, speed, caps)

    def begin_paused(self, variant, speed='full'):
        """Until the guest is stopped and nothing moves."""
        self.begin(variant, speed, (PAUSE,))
        self.src.qmp.wait_status('pre-switchover')

    def go_on(self):
        self.src.qmp.cmd('migrate-continue', {'state': 'pre-switchover'})

    def drain(self):
        """All that the source has sent is in the relay."""
        while self.relay.passed < self.src.info()['ram']['transferred']:
            pass

    def hold_end(self, variant):
        """All that is left of the guest is in the relay, the source waits
        for an answer or thinks that it is done; see Relay.wait_tail()."""
        self.begin_paused(variant)
        self.relay.hold(answers=True)
        self.go_on()
        tail = self.relay.wait_tail()
        self.drain()
        if not variant.return_path:
            self.assertEqual(self.end(self.src), 'completed')
        return tail

    def end(self, machine):
        """How its migration ends, or has ended."""
        status = machine.info()['status']
        return status if status in migrate.ENDED \
            else migrate.end_status(machine)

    def migrate_whole(self, variant):
        """Without a relay, to the end; the guest is whole."""
        self.migrate(variant, self.listen(variant))
        result = migrate.finish(self.src, self.dst)
        self.check_completed(result)
        self.check_arrived()
        self.assertEqual(self.status(self.src), 'postmigrate')

    # -- what must be true --------------------------------------------------

    def check_goes_on(self, machine):
        """Its guest runs and writes."""
        self.assertEqual(self.status(machine), 'running')
        self.wait_guest(machine)

    def check_sentence(self, machine):
        text = machine.info()['error-desc']
        self.assertRegex(text, r'\w+ \w+')
        self.assertNotIn('\n', text)
        self.assertLess(len(text), 400)
        return text

    def check_arrived(self):
        """The guest runs at the destination, and there alone."""
        self.dst.qmp.wait_event('RESUME')
        self.check_goes_on(self.dst)
        self.check_guest(self.dst)
        lifetime.check_one_at_a_time(self.src, self.dst)

    def check_source_lives(self, variant, handed_over=False):
        """The destination is dead: the guest lives here, and can move."""
        self.assertEqual(self.end(self.src), 'completed' if handed_over
                         else 'failed', self.src.info())
        if handed_over:
            self.assertEqual(self.status(self.src), 'postmigrate')
            lifetime.check_one_at_a_time(self.src, self.dst)
            self.src.qmp.cmd('cont')
        else:
            self.assertRegex(self.check_sentence(self.src), NAMES_DESTINATION)
        self.check_goes_on(self.src)
        self.check_guest(self.src)
        lifetime.check_one_at_a_time(self.src, self.dst)
        self.dst = self.new_target()
        self.migrate_whole(variant)
        lifetime.kill(self.dst)
        self.src.qmp.cmd('cont')
        self.assertEqual(self.status(self.src), 'running')

    def check_target_failed(self):
        """The source is dead: no guest runs, and another may come."""
        self.assertEqual(self.end(self.dst), 'failed', self.dst.info())
        self.check_sentence(self.dst)
        self.assertEqual(self.dst.qmp.cmd('query-status'),
                         {'status': 'inmigrate', 'running': False})
        lifetime.check_one_at_a_time(self.src, self.dst)


class Stress(KillCase):
    """The guest is a load that checks what it has written: a page that is
    not as it was ends the process with a sentence."""

    def new_machine(self, what, **options):
        return self.machine(
            name=self.name(what), backend='ram', size=self.size, options=[
                '-accel', 'stress,threads=2,rate=256M,pattern=seq,zero=10',
                '-trace', 'stress_pass', '-trace', 'stress_checked'] +
            lifetime.OPTIONS, **options)

    def wait_guest(self, machine):
        """Both threads have come to the end of their memory once more."""
        before = len(machine.log())
        while len(set(re.findall(r'stress_pass thread (\d+)',
                                 machine.log()[before:]))) < 2:
            # Fails when the process is gone; nothing tells of a trace line.
            machine.qmp.cmd('query-status')

    def check_guest(self, machine):
        """It has looked at every page, if it has come from elsewhere."""
        if machine is self.dst:
            while machine.log().count('stress_checked') < 2:
                machine.qmp.cmd('query-status')
        wrong = re.findall(r'stress_checked .* wrong (\d+)', machine.log())
        self.assertLessEqual(set(wrong), {'0'})


class Kvm(GuestCase, KillCase):
    """The guest has a CPU and a serial port, and prints its passes."""

    size = SIZE
    busy = (SIZE - guest.SLICES) * 3 // 4
    link = 16 * vm.MIB
    nr_moments = max(1, MOMENTS // 5)

    def new_machine(self, what, incoming=None):
        options = dict(name=self.name(what), options=lifetime.OPTIONS)
        return self.guest_target(**options) if incoming \
            else self.guest(**options)

    def wait_guest(self, machine):
        machine.serial.wait(2)

    def check_guest(self, machine):
        """Its memory is that of one moment, its output has no gap."""
        machine.qmp.cmd('stop')
        self.check_stopped(machine)
        machine.qmp.cmd('cont')
        if machine is self.dst and not self.src.alive():
            guest.check_output(self.src.serial.rest() + machine.serial.data)


class Qtest(KillCase):
    """The test is the guest, and knows what it has written."""

    nr_moments = max(1, MOMENTS // 5)

    def new_machine(self, what, **options):
        name = self.name(what)
        path = self.path(name + '.qtest')
        made = self.machine(
            name=name, backend='ram', size=self.size, options=[
                '-accel', 'qtest', '-qtest',
                'unix:%s,server=on,wait=off' % path] + lifetime.OPTIONS,
            **options)
        made.memory = QtestClient(path)
        self.addCleanup(made.memory.close)
        return made

    def new_source(self):
        src = super().new_source()
        self.content = random.Random(SEED).randbytes(self.size)
        src.memory.write(0, self.content)
        return src

    def wait_guest(self, machine):
        """It writes on."""

    def check_guest(self, machine):
        self.assertEqual(machine.memory.read(0, self.size), self.content)
