# SPDX-License-Identifier: GPL-2.0-or-later
#
# What tests of zero-page-detection=dsa-accel share: the counters and what must
# hold between them, and a queue of real hardware where there is one.

import functools
import json
import os
import shutil
import subprocess
import unittest

from . import case, migrate, qmp, ram, vm

PACKET = 512 * 1024
# A healthy queue answers in microseconds; a machine that is busy with other
# tests may stop a whole process for much longer.
PATIENCE_MS = 30000
# For queues that do not answer: how long a test waits for nothing.
IMPATIENCE_MS = int(200 * qmp.SCALE)

# Members of cpu-pages that a queue was asked for before.
HAD_A_QUEUE = ('page-fault', 'not-done', 'timeout', 'device-error')
NO_QUEUE_WANTED = ('looked', 'stepped-back')


def soft(**options):
    """A path of the software device; underscores stand for dashes."""
    words = ['%s=%s' % (name.replace('_', '-'), value)
             for name, value in options.items()]
    return 'dsa:soft' + ('?' + ','.join(words) if words else '')


def asked_pages(kind, size, seed=1):
    """Pages of an image that a detector is asked for: all but holes."""
    return sum(count for _, count, what
               in ram.page_runs(kind, size // ram.PAGE, seed)
               if what != 'hole')


@functools.lru_cache(maxsize=None)
def hardware():
    """(path, None) of a queue that can be used, or (None, why not)."""
    program = shutil.which(os.environ.get('WHERRY_DSA', 'wherry-dsa'))
    if program is None:
        return None, 'no wherry-dsa program to ask for a DSA work queue'
    done = subprocess.run([program, 'list', '--json'], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, check=False,
                          timeout=qmp.DEFAULT_TIMEOUT)
    try:
        listed = json.loads(done.stdout)
        queues = listed['queues']
    except (ValueError, KeyError, TypeError):
        raise RuntimeError('wherry-dsa list --json, exit status %d: %s%s' % (
            done.returncode, done.stdout, done.stderr)) from None
    for queue in queues:
        if queue['usable']:
            return 'dsa:' + queue['path'], None
    if queues:
        return None, 'no DSA work queue can be used; the first: %s' % (
            queues[0]['reason'])
    return None, 'no DSA work queue: %s' % listed['missing']


def need_hardware():
    path, reason = hardware()
    if path is None:
        raise unittest.SkipTest(reason)
    return path


class DsaCase(case.MachineCase):
    """Cases that migrate with dsa-accel and look at its counters."""

    def dsa_params(self, paths, **params):
        return dict({'zero_page_detection': 'dsa-accel',
                     'accel_path': [paths] if isinstance(paths, str)
                                   else list(paths),
                     'dsa_timeout': PATIENCE_MS}, **params)

    def stats(self, src):
        info = src.info()['zero-page-detector']
        self.assertEqual(info['detector'], 'dsa-accel')
        return info['dsa']

    def migrate_dsa(self, src, dst, paths, channels=2, **params):
        """A migration that must succeed with equal RAM; the counters."""
        self.result = self.migrate_and_check(
            src, dst, caps=('multifd',),
            params={'multifd_channels': channels},
            src_params=self.dsa_params(paths, **params))
        found = self.stats(src)
        self.check_sums(found)
        return found

    def run_dsa(self, paths, ram_kind='mixed', size=8 * vm.MIB, **params):
        """A migration between new machines, with all counters checked."""
        src = self.source(ram_kind=ram_kind, size=size)
        dst = self.target(size=size)
        found = self.migrate_dsa(src, dst, paths, **params)
        self.check_asked(found, asked_pages(ram_kind, size))
        normal, zero = ram.count_pages(ram_kind, size)
        self.assertEqual(self.result.src['ram']['normal'], normal)
        self.assertEqual(self.result.src['ram']['duplicate'], zero)
        return src, found

    def check_sums(self, found):
        """What is said of all queues is the sum of what is said of each."""
        for name in ('batches', 'descriptors', 'bytes', 'retries'):
            self.assertEqual(found[name], sum(queue[name] for queue
                                              in found['queues']), name)
        self.assertEqual(found['bytes'], found['descriptors'] * ram.PAGE)
        self.assertLessEqual(
            found['page-faults'] + found['page-faults-unresolved'],
            found['cpu-pages']['page-fault'], found)

    @staticmethod
    def told_pages(found):
        """How many pages somebody gave an answer for."""
        cpu = found['cpu-pages']
        return found['descriptors'] + sum(cpu.values()) - sum(
            cpu[name] for name in HAD_A_QUEUE)

    def check_asked(self, found, asked):
        """Each page that was asked for is told by exactly one."""
        self.assertEqual(self.told_pages(found), asked, found)

    def check_healthy(self, src, found, faults=0):
        """No queue was given up, and the CPU did only what it chose to do.

        Memory of a file that the process has not touched yet is not there:
        with FAULTS None there may be any number of page faults.
        """
        for queue in found['queues']:
            self.assertNotIn('given-up', queue)
        self.assertEqual(self.warnings(src), [])
        cpu = found['cpu-pages']
        for name, count in cpu.items():
            if name not in NO_QUEUE_WANTED + ('page-fault',):
                self.assertEqual(count, 0, name)
        self.assertEqual(found['page-faults'], cpu['page-fault'])
        if faults is not None:
            self.assertEqual(cpu['page-fault'], faults)

    def warnings(self, src):
        return [line for line in src.log().splitlines()
                if 'used no more' in line]

    def check_given_up(self, src, found, *words):
        """Each queue was given up, for a reason with these words, and one
        warning told of it."""
        lines = self.warnings(src)
        self.assertEqual(len(lines), len(found['queues']), src.log())
        for queue in found['queues']:
            for word in words:
                self.assertIn(word, queue['given-up'])
            self.assertEqual(
                sum(queue['path'] in line and queue['given-up'] in line
                    for line in lines), 1, lines)

    def retire(self):
        """End all machines as at the end of a test, and begin anew."""
        self.tearDown()
        for machine in self.machines:
            if os.path.exists(machine.ram_path):
                os.unlink(machine.ram_path)
        self.machines.clear()

    def start_slow(self, src, dst, paths, uri='unix', **params):
        """Begin one that does not end by itself."""
        settings = self.dsa_params(paths, max_bandwidth=2 * vm.MIB,
                                   downtime_limit=1, **params)
        migrate.start(src, dst, self.uri(uri), caps=('multifd',),
                      params={'multifd_channels': 2}, src_params=settings)
        src.qmp.wait_status('active')
