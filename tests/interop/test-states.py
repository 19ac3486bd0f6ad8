# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run states and statuses, step by step, of a wherry and of a stock QEMU that are
# told the same: each case runs once on two of the one and once on two of the
# other, and what they answer must be equal.

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, migrate, qmp, tap, vm  # noqa: E402

PAUSE = ('pause-before-switchover',)
SLOW = {'max_bandwidth': 4 * vm.MIB, 'downtime_limit': 1}


class Play:
    """Two machines of one kind, and what was seen of them so far."""

    def __init__(self, test, kind):
        self.test, self.kind, self.seen, self.nr = test, kind, [], 0
        self.src = test.source(kind, 'random', name='src-' + kind,
                               size=4 * vm.MIB)
        self.dst = self.next_target()

    def next_target(self):
        self.nr += 1
        self.dst = self.test.target(
            self.kind, name='dst%d-%s' % (self.nr, self.kind),
            size=4 * vm.MIB)
        return self.dst

    def state(self, machine):
        """A stock source says `completed` a moment before `postmigrate`."""
        deadline = time.monotonic() + qmp.DEFAULT_TIMEOUT
        while True:
            found = machine.qmp.cmd('query-status')
            if found['status'] != 'finish-migrate' or \
                    machine.info().get('status') in \
                    ('active', 'pre-switchover', 'device', 'cancelling') or \
                    time.monotonic() > deadline:
                return found['status'], found['running']

    def look(self, what):
        self.seen.append((what, self.state(self.src), self.state(self.dst),
                          self.src.info().get('status'),
                          self.dst.info().get('status')))

    def tell(self, machine, command, text=True, **arguments):
        """An error's text is noted, too, where it is to be the same."""
        try:
            machine.qmp.cmd(command, {key.replace('_', '-'): value for
                                      key, value in arguments.items()})
            self.seen.append((command, 'done'))
        except qmp.QmpError as err:
            self.seen.append((command, err.cls, err.desc if text else ''))

    def start(self, caps=(), **params):
        self.uri = 'unix:%s' % self.test.path('m%d-%s' % (self.nr, self.kind))
        migrate.start(self.src, self.dst, self.uri, caps=caps,
                      src_caps=caps + self.extra_caps, src_params=params)

    extra_caps = ()

    def slow(self, **params):
        self.extra_caps = ()
        self.start(**dict(SLOW, **params))
        self.src.qmp.wait_status('active')
        self.dst.qmp.wait_status('active')

    def paused(self):
        self.extra_caps = PAUSE
        self.start()
        self.src.qmp.wait_status('pre-switchover')
        self.dst.qmp.wait_status('active')

    def again(self):
        """After a pause no capability is to be left over."""
        self.extra_caps = ()
        self.src.capabilities(pause_before_switchover=False)
        self.src.qmp.drop_events()
        self.next_target()

    def ends(self):
        self.seen.append(('source', migrate.end_status(self.src)))
        self.seen.append(('destination', migrate.end_status(self.dst)))
        self.look('end')

    def go_on(self):
        self.tell(self.src, 'migrate-continue', state='pre-switchover')


class States(case.MachineCase):
    kinds = (vm.WHERRY, vm.QEMU)

    def compare(self, script):
        seen = []
        for kind in (vm.QEMU, vm.WHERRY):
            play = Play(self, kind)
            script(play)
            seen.append(play.seen)
        self.maxDiff = None
        self.assertEqual(seen[1], seen[0])


def never_ran(play):
    return play


def runs(play):
    play.tell(play.src, 'cont')


def was_stopped(play):
    play.tell(play.src, 'cont')
    play.tell(play.src, 'stop')


BEFORE = {'prelaunch': never_ran, 'running': runs, 'paused': was_stopped}


def completes(play):
    play.start()
    play.ends()


def completes_to_a_guest_that_may_run(play):
    play.tell(play.dst, 'cont')
    play.look('cont at the destination')
    play.start()
    play.ends()


def completes_to_a_guest_that_may_not(play):
    play.tell(play.dst, 'cont')
    play.tell(play.dst, 'stop')
    play.start()
    play.ends()


def is_cancelled(play):
    play.slow()
    play.look('active')
    play.tell(play.src, 'migrate_cancel')
    play.tell(play.src, 'migrate_cancel')
    play.ends()
    play.again()
    completes(play)


def is_cancelled_in_the_pause(play):
    play.paused()
    play.look('paused')
    play.tell(play.src, 'migrate_cancel')
    play.ends()
    play.go_on()
    play.again()
    completes(play)


def fails(play):
    play.slow()
    play.test.discard(play.dst)
    play.seen.append(migrate.end_status(play.src))
    play.seen.append(play.state(play.src))
    play.again()
    completes(play)


def pauses_and_goes_on(play):
    play.paused()
    play.tell(play.src, 'cont', text=False)
    play.tell(play.src, 'migrate-continue', state='device')
    play.look('paused')
    play.go_on()
    play.ends()


def is_told_stop_on_its_way(play):
    play.slow()
    play.tell(play.src, 'stop')
    play.look('stopped')
    play.src.parameters(max_bandwidth=0)
    play.ends()


def is_told_cont_on_its_way(play):
    play.slow()
    play.tell(play.src, 'cont')
    play.look('runs')
    play.src.parameters(max_bandwidth=0)
    play.ends()


def goes_twice(play):
    completes(play)
    play.tell(play.src, 'migrate', text=False, uri=play.uri)
    play.tell(play.src, 'stop')
    play.look('stop after it has gone')
    play.tell(play.src, 'cont')
    play.look('cont after it has gone')
    play.again()
    completes(play)


def goes_on_from_there(play):
    completes(play)
    play.src = play.dst
    play.again()
    completes(play)


def is_migrated_while_it_is(play):
    play.slow()
    play.tell(play.src, 'migrate', uri=play.uri)
    play.tell(play.dst, 'migrate', uri=play.uri)
    play.tell(play.src, 'migrate-continue', state='pre-switchover')
    play.src.parameters(max_bandwidth=0)
    play.ends()
    play.tell(play.src, 'migrate_cancel')
    play.look('cancel after the end')
    play.go_on()


LIVES = (completes, completes_to_a_guest_that_may_run,
         completes_to_a_guest_that_may_not, is_cancelled,
         is_cancelled_in_the_pause, fails, pauses_and_goes_on,
         is_told_stop_on_its_way, is_told_cont_on_its_way, goes_twice,
         goes_on_from_there, is_migrated_while_it_is)


def states_test(before, life):
    def script(play):
        BEFORE[before](play)
        life(play)
    return lambda self: self.compare(script)


for _before in BEFORE:
    for _life in LIVES:
        setattr(States, 'test_%s_%s' % (_before, _life.__name__),
                states_test(_before, _life))


if __name__ == '__main__':
    sys.exit(tap.main())
