# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill -9 of either side at random moments of each phase of a migration.  The
# guest writes all the time and checks what it has written.  Destination
# killed: it runs on at the source, whole, and the next migration succeeds.
# Source killed: the destination says why it failed and takes the next
# migration.  At no moment does the guest run in two places.
#
# Moments are exact: so many bytes have been passed on, or an event has come.

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import (decode, kill, lifetime, migrate,  # noqa: E402
                        qmp, stream, tap)
from wherrytest.kill import PAUSE, VARIANTS  # noqa: E402
from wherrytest.relay import Relay  # noqa: E402

# A destination looks for channels that are missing for a second.
GRACE = 1.5 * qmp.SCALE


class Phases:
    """How each phase is reached, and the victim killed in it."""

    def kill(self):
        """The victim, at once."""
        lifetime.kill(getattr(self, self.victim))

    def measured(self, variant):
        """A migration that nobody disturbs; how long it took."""
        self.src, self.dst = self.new_source(), self.new_target()
        begun = time.monotonic()
        self.begin(variant)
        self.check_completed(migrate.finish(self.src, self.dst))
        took = time.monotonic() - begun
        self.relay.close()
        self.discard(self.src, self.dst)
        self.src = self.dst = None
        return took

    def measure_setup(self):
        """How long the main channel is before the first page."""
        self.measured(VARIANTS[0])
        for at, text in decode.MainDecoder(self.relay.main_head).run():
            if text.startswith('PART'):
                return at
        self.fail('the stream has no first part')

    def in_setup(self, moment):
        """Connecting, greeting, up to the list of RAM blocks; the number of
        bytes that have come by then."""
        end = self.setup_bytes
        if moment.variant.multifd:
            end += kill.CHANNELS * len(stream.greeting(0))
        come = moment.pick(0, end)
        self.begin(moment.variant, strike=(come, self.kill))
        self.relay.wait()
        return come

    def in_first_round(self, moment):
        self.begin(moment.variant,
                   strike=(moment.pick(1000, self.busy), self.kill))
        self.relay.wait()

    def in_later_round(self, moment):
        """At most two and a half rounds after the second has begun."""
        self.begin(moment.variant, 'endless')
        self.src.qmp.wait_event('MIGRATION_PASS', lambda d: d['pass'] >= 2)
        self.relay.strike(moment.pick(0, 2 * self.size), self.kill)
        self.relay.wait()

    def in_pause(self, moment):
        self.migrate(moment.variant, self.listen(moment.variant),
                     caps=(PAUSE,))
        self.src.qmp.wait_status('pre-switchover')
        moment.pass_time(0.005)
        self.kill()

    def in_switchover(self, moment):
        """The guest is stopped, its last pages are under way."""
        self.begin_paused(moment.variant, 'one round')
        self.drain()
        self.relay.strike(moment.pick(1, self.busy // 6), self.kill)
        try:
            self.go_on()
        except qmp.QmpClosed:
            pass                # killed before it could answer
        self.relay.wait()

    def after_completed(self, moment):
        self.begin(moment.variant)
        self.check_completed(migrate.finish(self.src, self.dst))
        moment.pass_time(0.005)
        self.kill()

    def at_full_speed(self, moment):
        """Any time after the command, nothing held or slowed down."""
        self.migrate(moment.variant, self.listen(moment.variant))
        moment.pass_time(self.full_time * 1.2)
        self.kill()


def thinks_it_is_done(moment):
    """So does a source without return path that has written all."""
    return not moment.variant.return_path


class DestinationKilled(Phases):
    """The guest lives at the source."""

    victim = 'dst'

    def play(self, phase, reach, handed_over=lambda m: False):
        def one(moment):
            self.src = self.src or self.new_source()
            self.dst = self.new_target()
            reach(moment)
            self.check_source_lives(moment.variant, handed_over(moment))

        self.each_moment(phase, one)

    def in_pause_and_on(self, moment):
        """Who has no return path cannot know before it goes on."""
        self.in_pause(moment)
        if not moment.variant.return_path:
            self.assertEqual(self.src.info()['status'], 'pre-switchover')
            self.go_on()

    def after_start(self, moment):
        """It runs the guest when it dies, and the source was not told."""
        self.hold_end(moment.variant)
        self.relay.release()
        self.dst.qmp.wait_event('RESUME')
        moment.pass_time(0.005)
        self.kill()
        self.relay.close()

    def play_full_speed(self):
        """The migration may have ended before."""
        self.full_time = self.measured(VARIANTS[0])
        self.play('full speed', self.at_full_speed,
                  lambda m: self.end(self.src) == 'completed')


class Destination(DestinationKilled, kill.Stress):
    def test_setup(self):
        self.setup_bytes = self.measure_setup()
        self.play('setup', self.in_setup)

    def test_first_round(self):
        self.play('first round', self.in_first_round)

    def test_later_round(self):
        self.play('later round', self.in_later_round)

    def test_pause(self):
        self.play('pause', self.in_pause_and_on)

    def test_switchover(self):
        self.play('switchover', self.in_switchover)

    def test_last_bytes(self):
        """All but some of the last bytes have come.  A source without return
        path is done then, and has to be told to go on."""
        def reach(moment):
            self.hold_end(moment.variant)
            self.relay.release(moment.pick(1, 3000), self.kill)
            self.relay.wait()

        self.play('last bytes', reach, thinks_it_is_done)

    def test_started(self):
        self.play('started', self.after_start, thinks_it_is_done)

    def test_completed(self):
        self.play('completed', self.after_completed, lambda m: True)

    def test_full_speed(self):
        self.play_full_speed()

    def freeze(self):
        """The destination does not run any more, none of its threads."""
        self.dst.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.dst.pid, os.WUNTRACED)

    def wait_full(self):
        while not lifetime.waits_for_room(self.src):
            self.assertIn(self.src.info()['status'], ('active', 'device'))

    def test_frozen(self):
        """The source sits in a full socket when the destination dies."""
        def reach(moment):
            self.migrate(moment.variant, self.listen(moment.variant),
                         'endless')
            self.src.qmp.wait_status('active')
            moment.pass_time(0.05)
            self.freeze()
            self.wait_full()
            self.kill()

        self.play('frozen', reach)

    def test_frozen_at_switchover(self):
        """There, or waiting for the last word, with the guest stopped."""
        def reach(moment):
            self.migrate(moment.variant, self.listen(moment.variant),
                         'one round', (PAUSE,))
            self.src.qmp.wait_status('pre-switchover')
            self.freeze()
            self.go_on()
            self.src.qmp.wait_status('device')
            if moment.variant.transport == 'unix':
                self.wait_full()
            else:
                moment.pass_time(0.02)
            self.kill()

        self.play('frozen at switchover', reach)


class SourceKilled(Phases):
    """The guest lives at the destination if all of it has come, and nowhere
    otherwise."""

    victim = 'src'

    def play(self, phase, reach, arrives=lambda m: False):
        def one(moment):
            self.src = self.new_source()
            self.dst = self.dst or self.new_target()
            reach(moment)
            if arrives(moment):
                self.check_target_lives()
            else:
                self.check_target_failed()

        self.each_moment(phase, one)
        # After all those failures it takes a guest.
        self.src = self.new_source()
        self.dst = self.dst or self.new_target()
        self.migrate_whole(VARIANTS[-1])

    def check_target_lives(self):
        self.assertEqual(self.end(self.dst), 'completed')
        self.check_arrived()
        self.dst.quit()
        self.dst.expect_exit = True
        self.dst = None

    def end_or_nothing(self):
        """A destination to which no byte has come still waits."""
        if self.dst.info()['status'] == 'setup':
            try:
                return self.dst.qmp.wait_status(migrate.ENDED, GRACE)
            except qmp.QmpTimeout:
                return self.dst.info()['status']
        return self.end(self.dst)

    def in_last_bytes(self, moment):
        """Without its description, a stream is whole."""
        description = self.hold_end(moment.variant)
        cut = moment.rng.choice((0, description, moment.pick(1, 3000)))
        self.nothing_missing = cut in (0, description)
        self.relay.release(cut, self.kill)
        self.relay.wait()

    def play_full_speed(self):
        """What the source has written before it died may be all there is."""
        self.full_time = self.measured(VARIANTS[0])

        def one(moment):
            self.src = self.new_source()
            self.dst = self.dst or self.new_target()
            self.at_full_speed(moment)
            end = self.end_or_nothing()
            if end == 'setup':
                self.src = self.new_source()
                self.migrate(moment.variant, self.uri_now)
                end = self.end(self.dst)
                self.assertEqual(end, 'completed')
            if end == 'completed':
                self.check_target_lives()
            else:
                self.check_target_failed()

        self.each_moment('full speed', one)


class Source(SourceKilled, kill.Stress):
    def test_setup(self):
        """A connection that has said nothing is no migration: one that comes
        later is the first."""
        def one(moment):
            self.src = self.new_source()
            self.dst = self.dst or self.new_target()
            if self.in_setup(moment) > 0:
                self.check_target_failed()
                return
            self.assertEqual(self.dst.info()['status'], 'setup')
            self.src = self.new_source()
            self.migrate(moment.variant, self.relay.target)
            self.check_completed(migrate.finish(self.src, self.dst))
            self.check_target_lives()

        self.setup_bytes = self.measure_setup()
        self.each_moment('setup', one)

    def test_first_round(self):
        self.play('first round', self.in_first_round)

    def test_later_round(self):
        self.play('later round', self.in_later_round)

    def test_pause(self):
        self.play('pause', self.in_pause)

    def test_switchover(self):
        self.play('switchover', self.in_switchover)

    def test_last_bytes(self):
        self.play('last bytes', self.in_last_bytes,
                  lambda m: self.nothing_missing)

    def test_completed(self):
        self.play('completed', self.after_completed, lambda m: True)

    def test_full_speed(self):
        self.play_full_speed()

    def test_exit_on_error(self):
        """As by default: the process ends, and says why."""
        def one(moment):
            uri = self.new_uri('unix')
            self.src = self.new_source()
            self.dst = self.new_machine('dst', incoming=uri)
            self.relay = Relay(self.new_uri('unix'), uri)
            self.relay.strike(moment.pick(8, self.busy), self.kill)
            self.migrate(VARIANTS[0], self.relay.uri)
            self.relay.wait()
            self.dst.expect_exit = True
            self.assertEqual(self.dst.wait_exit(), 1)
            self.assertRegex(self.dst.log(), 'incoming migration failed: .+')
            self.assertEqual(lifetime.runs(self.dst), [])

        self.each_moment('exit on error', one)


class KvmDestination(DestinationKilled, kill.Kvm):
    def test_first_round(self):
        self.play('first round', self.in_first_round)

    def test_pause(self):
        self.play('pause', self.in_pause_and_on)

    def test_started(self):
        self.play('started', self.after_start, thinks_it_is_done)

    def test_full_speed(self):
        self.play_full_speed()


class KvmSource(SourceKilled, kill.Kvm):
    def test_pause(self):
        self.play('pause', self.in_pause)

    def test_last_bytes(self):
        self.play('last bytes', self.in_last_bytes,
                  lambda m: self.nothing_missing)

    def test_full_speed(self):
        self.play_full_speed()


class QtestDestination(DestinationKilled, kill.Qtest):
    def test_first_round(self):
        self.play('first round', self.in_first_round)

    def test_started(self):
        self.play('started', self.after_start, thinks_it_is_done)


class QtestSource(SourceKilled, kill.Qtest):
    def test_last_bytes(self):
        self.play('last bytes', self.in_last_bytes,
                  lambda m: self.nothing_missing)


if __name__ == '__main__':
    sys.exit(tap.main())
