# SPDX-License-Identifier: GPL-2.0-or-later
#
# multifd-compression with real processes: each method over each transport and
# with each way to find zero pages, both sides set otherwise, bad content, cancel,
# and streams that another program has recorded.

import os
import random
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import (case, compression, dsa, incoming, migrate,  # noqa: E402
                        peer, qmp, ram, stream, tap, vm)
from wherrytest.stream import Stream, greeting, packet, sync  # noqa: E402

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data',
                    'qpl')
SIZE = 5 * vm.MIB + 12 * 1024
DETECTIONS = ('none', 'legacy', 'multifd', 'dsa-accel')
PAGE = stream.PAGE
FLAG = {'none': 0x00, 'zlib': 0x02, 'zstd': 0x04, 'qpl': 0x08}


class CompressionCase(case.MachineCase):
    def shrinking_source(self, method, size=SIZE, **options):
        """A source that has METHOD, with text in most of its pages."""
        src = self.source(size=size, **options)
        compression.require(src, method)
        compression.add_text(src.ram_path, size)
        return src

    def settings(self, method, detection='multifd', **params):
        src_params = {'zero_page_detection': detection}
        if detection == 'dsa-accel':
            src_params.update(accel_path=[dsa.soft()],
                              dsa_timeout=dsa.PATIENCE_MS)
        return {'caps': ('multifd',), 'src_params': src_params,
                'params': dict(params, multifd_compression=method)}


class Transfer(CompressionCase):
    def check(self, method, detection, transport):
        src = self.shrinking_source(method)
        dst = self.target(size=SIZE)
        result = self.migrate_and_check(src, dst, transport,
                                        **self.settings(method, detection))
        stats = result.src['ram']
        if detection != 'none':
            self.assertEqual(stats['normal'],
                             compression.count_normal(src.ram_path))
        # The text is gone but for a little.
        self.assertLess(stats['multifd-bytes'], stats['normal-bytes'] * 2 // 3)
        self.assertEqual(stats['normal-bytes'], stats['normal'] * PAGE)
        for machine in (src, dst):
            self.assertEqual('the CPU does its work' in machine.log(),
                             method == 'qpl' and 'IAA' in machine.log())

    def test_other_packet_sizes(self):
        for method in compression.METHODS:
            for size in (PAGE, 4 * vm.MIB):
                with self.subTest(method=method, size=size):
                    self.check_once_more(method, multifd_packet_size=size)

    def test_many_channels(self):
        for method in compression.METHODS:
            with self.subTest(method=method):
                self.check_once_more(method, multifd_channels=9)

    def check_once_more(self, method, old=None, **params):
        """One of several in a test, each with machines of its own; bytes."""
        for name in os.listdir(self.folder):
            os.unlink(self.path(name))
        src = self.shrinking_source(method)
        dst = self.target(size=SIZE, old=old)
        result = self.migrate_and_check(src, dst, 'unix',
                                        **self.settings(method, **params))
        self.assertEqual((src.quit(), dst.quit()), (0, 0))
        self.machines.clear()
        return result.src['ram']['multifd-bytes']

    def test_levels(self):
        """More effort makes less to send; level 0 of zlib stores."""
        for method, levels in (('zlib', (0, 1, 9)), ('zstd', (1, 19))):
            with self.subTest(method=method):
                sent = [self.check_once_more(
                    method, **{'multifd_%s_level' % method: level})
                    for level in levels]
                self.assertEqual(sent, sorted(sent, reverse=True))
                if levels[0] == 0:
                    self.assertGreater(sent[0], SIZE // 2)

    def test_old_content_at_the_destination(self):
        for method in compression.METHODS:
            with self.subTest(method=method):
                self.check_once_more(method, old=0xee)

    def test_without_multifd_it_waits_for_it(self):
        """As in QEMU, it is a setting of multifd's and no other's."""
        src = self.shrinking_source('zlib')
        dst = self.target(size=SIZE)
        result = self.migrate_and_check(
            src, dst, 'unix', params={'multifd_compression': 'zlib'})
        self.assertGreater(result.src['ram']['transferred'],
                           result.src['ram']['normal-bytes'])


def add_transfers():
    for method in compression.METHODS:
        for detection in DETECTIONS:
            for transport in ('tcp', 'unix'):
                def run(self, m=method, d=detection, t=transport):
                    self.check(m, d, t)
                name = 'test_%s_%s_%s' % (method, detection.replace('-', '_'),
                                          transport)
                setattr(Transfer, name, run)


add_transfers()


class Mismatch(CompressionCase):
    """Both sides end, and the destination says what to do."""

    def check(self, source, target):
        src = self.shrinking_source(source)
        dst = self.target(size=SIZE)
        compression.require(dst, target)
        result = migrate.migrate(
            src, dst, self.uri('unix'), caps=('multifd', 'return-path'),
            src_params={'multifd_compression': source},
            dst_params={'multifd_compression': target})
        self.assertEqual((result.src_status, result.dst_status),
                         ('failed', 'failed'), str(result))
        self.assertRegex(result.dst['error-desc'],
                         'multifd-compression is %s at the source and %s '
                         'here; set it to the same on both sides'
                         % (source, target))

    def test_zstd_to_none(self):
        self.check('zstd', 'none')

    def test_none_to_zstd(self):
        self.check('none', 'zstd')

    def test_zlib_to_zstd(self):
        self.check('zlib', 'zstd')

    def test_zlib_to_qpl(self):
        self.check('zlib', 'qpl')

    def test_qpl_to_none(self):
        self.check('qpl', 'none')


def compressed(method, normal, content, **fields):
    fields.setdefault('flags', FLAG[method])
    fields.setdefault('next_size', len(content))
    return packet('mem0', normal, payload=content, **fields)


class BadContent(incoming.IncomingCase):
    """qpl has the most to check of its own; the others' libraries check."""

    settings = {'caps': ('multifd',), 'params': {'multifd_channels': 1}}

    @classmethod
    def new_shared(cls):
        made = super().new_shared()
        try:
            compression.require(made, 'qpl')
        except unittest.SkipTest:
            cls.prober.stop()
            made.kill()
            raise
        return made

    def expect_packet(self, bad, *patterns):
        main = Stream().preamble().setup([('mem0', incoming.SIZE)],
                                         multifd=True).part().eos().footer() \
            .finish(multifd=True, state='prelaunch')
        self.expect((main, greeting(0) + sync() + bad), 'channel 0',
                    'packet 1', *patterns)

    def test_none(self):
        self.expect_packet(packet('mem0', [0], payload=b'x' * PAGE),
                           'is none at the source and qpl here')

    def test_other_method(self):
        self.expect_packet(compressed('zstd', [0], b'x' * 9),
                           'is zstd at the source and qpl here')

    def test_other_method_for_zero_pages(self):
        """Stock takes it for a corrupt packet and hangs."""
        self.expect_packet(packet('mem0', (), [0], flags=FLAG['zlib']),
                           'is zlib at the source and qpl here')

    def test_content_without_pages(self):
        """Kills a stock destination."""
        self.expect_packet(packet('mem0', (), [0], flags=FLAG['qpl'],
                                  next_size=4), '4 bytes', 'no normal page')

    def test_no_content(self):
        self.expect_packet(compressed('qpl', [0], b''), '0 bytes', 'expected')

    def test_more_content_than_can_be(self):
        self.expect_packet(compressed('qpl', [0], b'', next_size=4101),
                           '4101 bytes', '4100')

    def test_endless_content(self):
        self.expect_packet(compressed('qpl', [0], b'', next_size=0xffffffff),
                           '4294967295 bytes')

    def test_length_of_nothing(self):
        self.expect_packet(compressed('qpl', [0], struct.pack('>I', 0)),
                           'page 0 has 0 bytes')

    def test_length_over_a_page(self):
        self.expect_packet(compressed('qpl', [0], struct.pack('>I', 4097)),
                           'page 0 has 4097 bytes')

    def test_length_over_the_end(self):
        self.expect_packet(compressed('qpl', [0], struct.pack('>I', 9)),
                           'page 0 has 9 bytes', 'only 0 more')

    def test_corrupt(self):
        self.expect_packet(compressed('qpl', [0],
                                      struct.pack('>I', 4) + b'\xff' * 4),
                           'corrupt')

    def test_bytes_behind(self):
        self.expect_packet(compressed('qpl', [0], struct.pack('>I', PAGE) +
                                      b'x' * PAGE + b'yz', next_size=4102),
                           '4102 bytes')


class Cancel(CompressionCase):
    def test_active(self):
        for method in compression.METHODS:
            with self.subTest(method=method):
                self.check(method)

    def check(self, method):
        src = self.shrinking_source(method, name='src-' + method)
        dst = self.target(name='dst-' + method, size=SIZE)
        migrate.start(src, dst, 'unix:' + self.path(method),
                      params={'multifd_compression': method},
                      caps=('multifd',),
                      src_params={'max_bandwidth': 256 * 1024})
        src.qmp.wait_status('active')
        src.qmp.cmd('migrate_cancel')
        self.assertEqual(migrate.end_status(src), 'cancelled')
        self.assertEqual(migrate.end_status(dst), 'failed')
        src.qmp.drop_events()
        again = self.target(name='again-' + method, size=SIZE)
        self.check_completed(migrate.migrate(
            src, again, 'unix:' + self.path(method + '2'), caps=('multifd',),
            params={'multifd_compression': method}))
        self.check_ram(src, again)


def recorded_page(page):
    """Of the guest behind tests/data/qpl."""
    kind = page % 4
    if kind == 0:
        return bytes(PAGE)
    if kind == 1:
        return (b'page %06d of the wherry test guest. ' % page * 120)[:PAGE]
    if kind == 2:
        return random.Random(page).randbytes(PAGE)
    return page.to_bytes(4, 'little') * (PAGE // 4)


class Recorded(case.MachineCase):
    """What a QEMU with libqpl has sent is loaded, byte for byte."""

    def check(self, folder, channels):
        dst = self.target(size=2 * vm.MIB, block='ram0')
        compression.require(dst, 'qpl')
        migrate.configure(dst, ('multifd',), {'multifd_channels': channels,
                                              'multifd_compression': 'qpl'})
        names = ['main'] + ['channel-%d' % i for i in range(channels)]
        with peer.Source(dst.listen(self.uri('unix'))) as source:
            # Nothing of a channel is read before all are there.
            senders = [threading.Thread(target=self.play, args=(
                source.open(), folder, name)) for name in names]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
            self.assertEqual(migrate.end_status(dst), 'completed', dst.info())
        with open(dst.ram_path, 'rb') as found:
            for page in range(dst.size // PAGE):
                self.assertEqual(found.read(PAGE), recorded_page(page), page)

    @staticmethod
    def play(sock, folder, name):
        with open(os.path.join(DATA, folder, name), 'rb') as data:
            peer.send(sock, data.read())

    def test_one_channel(self):
        self.check('one-channel', 1)

    def test_two_channels(self):
        self.check('two-channels', 2)


class Parameters(case.MachineCase):
    def setUp(self):
        super().setUp()
        self.vm = self.machine()

    def query(self):
        found = self.vm.qmp.cmd('query-migrate-parameters')
        return [found['multifd-' + name] for name in
                ('compression', 'zlib-level', 'zstd-level')]

    def test_defaults(self):
        self.assertEqual(self.query(), ['none', 1, 1])

    def test_told_as_set(self):
        for method in compression.METHODS + ('none',):
            compression.require(self.vm, method)
            self.assertEqual(self.query()[0], method)
        self.vm.parameters(multifd_zlib_level=9, multifd_zstd_level=20)
        self.assertEqual(self.query(), ['none', 9, 20])
        self.vm.parameters(multifd_zlib_level=0, multifd_zstd_level=0)
        self.assertEqual(self.query(), ['none', 0, 0])

    def check_refused(self, sentence, **params):
        with self.assertRaises(qmp.QmpError) as caught:
            self.vm.parameters(**params)
        self.assertEqual(caught.exception.desc, sentence)
        self.assertEqual(self.query(), ['none', 1, 1])

    def test_levels_out_of_range(self):
        self.check_refused("Parameter 'multifd_zlib_level' expects a value "
                           'between 0 and 9', multifd_zlib_level=10)
        self.check_refused("Parameter 'multifd_zstd_level' expects a value "
                           'between 0 and 20', multifd_zstd_level=21)

    def test_methods_that_are_not_offered(self):
        for method in ('uadk', 'qatzip', 'lz4'):
            self.check_refused("Parameter 'multifd-compression' does not "
                               "accept value '%s'" % method,
                               multifd_compression=method)


if __name__ == '__main__':
    sys.exit(tap.main())
