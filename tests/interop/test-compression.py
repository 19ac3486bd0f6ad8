# SPDX-License-Identifier: GPL-2.0-or-later
#
# multifd-compression with a stock QEMU at the other end, in both directions: the
# methods that Debian's build has, each with several levels, channels and rounds.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, compression, migrate, tap, vm  # noqa: E402

SIZE = 5 * vm.MIB + 12 * 1024
DIRECTIONS = ((vm.WHERRY, vm.QEMU), (vm.QEMU, vm.WHERRY))
# The default, the ends, and one in between.
LEVELS = {'zlib': (1, 0, 9), 'zstd': (1, 0, 20)}


class CompressionCase(case.MachineCase):
    kinds = (vm.WHERRY, vm.QEMU)

    def pair(self, source, target, method, ram_kind='mixed', **options):
        src = self.source(source, ram_kind, size=SIZE, **options)
        dst = self.target(target, size=SIZE, **options)
        compression.require(src if source == vm.WHERRY else dst, method)
        if ram_kind == 'mixed':
            compression.add_text(src.ram_path, SIZE)
        return src, dst

    def check(self, source, target, method, ram_kind='mixed', uri='unix',
              options=None, **params):
        src, dst = self.pair(source, target, method, ram_kind,
                             **(options or {}))
        params['multifd_compression'] = method
        result = self.migrate_and_check(src, dst, uri, caps=('multifd',),
                                        params=params)
        stats = result.src['ram']
        if ram_kind == 'mixed' and params.get('multifd_zlib_level') != 0:
            self.assertLess(stats['multifd-bytes'],
                            stats['normal-bytes'] * 2 // 3)


class Direction(CompressionCase):
    """The base; one class each way is made below."""

    source_kind, target_kind = None, None

    @classmethod
    def add(cls, text, method, *args, **kwargs):
        def run(self):
            self.check(cls.source_kind, cls.target_kind, method, *args,
                       **kwargs)
        run.tap_name = '/interop/%s-to-%s/%s/%s' % (
            cls.source_kind, cls.target_kind, method, text)
        setattr(cls, 'test_%s_%s' % (method, text.replace('-', '_')), run)


def add_cases(cls):
    for method, levels in LEVELS.items():
        for level in levels:
            cls.add('level-%d' % level, method,
                    **{'multifd_%s_level' % method: level})
        for channels in (1, 2, 8):
            cls.add('channels-%d' % channels, method,
                    multifd_channels=channels)
        for ram_kind in ('random', 'zero', 'holes', 'half'):
            cls.add(ram_kind, method, ram_kind)
        for detection in ('none', 'legacy', 'multifd'):
            cls.add('detection-' + detection, method,
                    zero_page_detection=detection)
        cls.add('tcp', method, uri='tcp')
        cls.add('sync-per-section', method, max_bandwidth=8 * vm.MIB, options={
            'properties': {'multifd-flush-after-each-section': 'on'}})
        cls.add('many-sections', method, max_bandwidth=8 * vm.MIB)


for _source, _target in DIRECTIONS:
    _name = '%s-to-%s' % (_source, _target)
    globals()[_name] = type(_name, (Direction,), {
        'source_kind': _source, 'target_kind': _target})
    add_cases(globals()[_name])


class Mismatch(CompressionCase):
    """A source that compresses otherwise meets a sentence, not a hang."""

    def check_from_stock(self, theirs, ours):
        src, dst = self.pair(vm.QEMU, vm.WHERRY, 'zlib')
        migrate.start(src, dst, self.uri('unix'), caps=('multifd',),
                      src_params={'multifd_compression': theirs},
                      dst_params={'multifd_compression': ours})
        self.assertEqual(migrate.end_status(dst), 'failed')
        self.assertRegex(dst.info()['error-desc'],
                         'is %s at the source and %s here' % (theirs, ours))
        self.discard(src)

    def test_zlib_from_stock_to_none(self):
        self.check_from_stock('zlib', 'none')

    def test_none_from_stock_to_zstd(self):
        self.check_from_stock('none', 'zstd')

    def test_zstd_from_stock_to_zlib(self):
        self.check_from_stock('zstd', 'zlib')


if __name__ == '__main__':
    sys.exit(tap.main())
