# SPDX-License-Identifier: GPL-2.0-or-later
#
# For tests that feed one destination process with many bad streams: a shared
# machine that takes one migrate-incoming after the other, a prober that asks
# its second monitor all the time, and what to expect of a refusal.

import os
import re
import shutil
import threading

from . import case, migrate, peer, qmp, ram, stopwatch, stream, vm

SIZE = 4 * ram.PAGE
# How long a monitor may take to answer, whatever the migration does.
ANSWER_LIMIT = 0.1 * qmp.SCALE


class Prober(threading.Thread):
    """Asks query-migrate and query-status without end on a monitor of its
    own and remembers how long the slowest answer took."""

    def __init__(self, path, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.slowest = 0.0
        self.client = qmp.QmpClient(path)
        self.over = threading.Event()
        self.answered = threading.Condition()
        self.count = 0
        self.error = None
        self.start()

    def run(self):
        while not self.over.wait(0.002) and self.error is None:
            self.ask()

    def wait_answer(self):
        """Wait until something that is asked from now on is answered."""
        with self.answered:
            # One may be under way; the next one is asked after this.
            enough = self.count + 2
            if not self.answered.wait_for(
                    lambda: self.error or self.count >= enough,
                    qmp.DEFAULT_TIMEOUT):
                raise AssertionError('the second monitor does not answer')

    def ask(self):
        try:
            watch = stopwatch.Stopwatch(self.pid)
            self.client.cmd('query-status')
            self.client.cmd('query-migrate')
            self.slowest = max(self.slowest, watch.seconds())
            with self.answered:
                self.count += 1
                self.answered.notify_all()
        except (qmp.QmpClosed, qmp.QmpTimeout) as err:
            with self.answered:
                self.error = err
                self.answered.notify_all()

    def stop(self):
        self.over.set()
        self.join()
        if self.error is None:
            self.ask()
        self.client.close()


def second_monitor(path):
    return ['-qmp', 'unix:%s,server=on,wait=off' % path]


class IncomingCase(case.MachineCase):
    """Cases that share a destination; a broken one is replaced."""

    settings = {'caps': ()}
    properties = {}
    shared = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared_folder = vm.make_folder()

    @classmethod
    def tearDownClass(cls):
        """End it properly: only then do sanitizers report leaks."""
        machine, cls.shared = cls.shared, None
        try:
            if machine:
                cls.prober.stop()
                if machine.quit() != 0:
                    raise AssertionError('%s\n%s' % (machine.exit_text(),
                                                     machine.log()))
        finally:
            shutil.rmtree(cls.shared_folder, True)

    def setUp(self):
        super().setUp()
        cls = type(self)
        if cls.shared is None or not cls.shared.alive():
            cls.shared = self.new_shared()
        self.dst = cls.shared
        self.uri_now = 'unix:' + os.path.join(self.shared_folder, 'm')

    @classmethod
    def new_shared(cls):
        probe = os.path.join(cls.shared_folder, 'probe')
        for name in os.listdir(cls.shared_folder):
            os.unlink(os.path.join(cls.shared_folder, name))
        made = vm.VM(vm.WHERRY, cls.shared_folder, 'dst', size=SIZE,
                     incoming='defer', properties=cls.properties,
                     options=second_monitor(probe))
        migrate.configure(made, cls.settings['caps'],
                          cls.settings.get('params'))
        cls.prober = Prober(probe, made.pid)
        return made

    def replace_shared(self):
        cls = type(self)
        cls.prober.stop()
        cls.shared.kill()
        cls.shared = None

    def tearDown(self):
        """The process lives, its log is clean, its monitor was quick."""
        super().tearDown()
        cls = type(self)
        if cls.shared is None:
            return
        machine, prober = cls.shared, cls.prober
        good = machine.alive() and prober.error is None and \
            prober.slowest < ANSWER_LIMIT
        if not good:
            self.replace_shared()
        self.assertIsNone(prober.error)
        self.assertLess(prober.slowest, ANSWER_LIMIT,
                        'a monitor answer took too long')
        for word in case.REPORTS:
            self.assertNotIn(word, machine.log())

    def diagnostics(self):
        yield 'shared destination: %s' % self.dst.exit_text()
        for line in self.dst.log().splitlines()[-20:]:
            yield '  ' + line
        yield from super().diagnostics()

    # -- one bad stream -----------------------------------------------------

    def play(self, *connections, keep_open=True):
        """Send each bytes object on its own connection; the error sentence.

        The peer keeps all connections open until the destination has
        failed, so that it must not wait for an end.
        """
        self.dst.qmp.drop_events()
        status = 'no end'
        try:
            with peer.Source(self.dst.listen(self.uri_now)) as source:
                for data in connections:
                    source.open(data)
                while not keep_open and source.sockets:
                    # The cut one is the last; the others are whole.
                    source.sockets.pop().close()
                status = self.dst.qmp.wait_status(('failed', 'completed'))
        finally:
            if status != 'failed':
                self.replace_shared()
        self.assertEqual(status, 'failed')
        return self.dst.info()['error-desc']

    def expect(self, connections, *patterns, **options):
        """Play it: a sentence that matches each pattern, and another
        migrate-incoming is taken afterwards."""
        if isinstance(connections, (bytes, bytearray, stream.Stream)):
            connections = (connections,)
        desc = self.play(*(bytes(getattr(c, 'data', c))
                           for c in connections), **options)
        self.check_sentence(desc, *patterns)

    def check_sentence(self, desc, *patterns):
        self.assertNotIn('\n', desc)
        self.assertLess(len(desc), 400)
        for pattern in patterns:
            if not re.search(pattern, desc, re.IGNORECASE):
                self.fail('error-desc "%s" does not match "%s"'
                          % (desc, pattern))
