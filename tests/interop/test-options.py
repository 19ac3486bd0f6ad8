# SPDX-License-Identifier: GPL-2.0-or-later
#
# Settings that both ends must read the same way: sync style, zero-page
# detection, return path, configuration section, uuid, stream description.
# Old content on the destination is here, too.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'lib'))
from wherrytest import case, migrate, ram, tap, vm  # noqa: E402

UUID_A = '6d7a1f3c-0b52-4c3e-9a77-1f2e3d4c5b6a'
UUID_B = '00000000-0000-4000-8000-000000000001'
PAIRS = ((vm.WHERRY, vm.QEMU), (vm.QEMU, vm.WHERRY), (vm.WHERRY, vm.WHERRY))


class OptionCase(case.MachineCase):
    kinds = (vm.WHERRY, vm.QEMU)


def for_pairs(name, pairs=PAIRS, **variants):
    """Turn check(self, source, target, value) into one test per pair and
    variant."""
    def decorate(check):
        for source, target in pairs:
            for variant, value in (variants or {'': None}).items():
                def run(self, s=source, t=target, v=value):
                    check(self, s, t, v)
                text = '%s-to-%s/%s' % (source, target, name)
                if variant:
                    text += '-' + variant.replace('_', '-')
                run.tap_name = '/interop/' + text
                key = 'test_' + text.replace('/', '_').replace('-', '_')
                setattr(OptionCase, key, run)
        return check
    return decorate


MULTIFD = {'caps': ('multifd',), 'params': {'multifd_channels': 3}}


@for_pairs('sync-per-section', plain=0, multifd_1=1, multifd_4=4)
def check_sync_style(self, source, target, channels):
    """Both ends with one SYNC per RAM section instead of per flush."""
    props = {'multifd-flush-after-each-section': 'on'}
    src = self.source(source, properties=props)
    dst = self.target(target, properties=props)
    # A low bandwidth makes many sections.
    self.migrate_and_check(
        src, dst, caps=('multifd',) if channels else (),
        params={'multifd_channels': channels or 2,
                'max_bandwidth': 16 * vm.MIB})


@for_pairs('sync-per-flush-many-sections', on=True)
def check_many_sections(self, source, target, _):
    src, dst = self.source(source), self.target(target)
    settings = {'caps': ('multifd',),
                'params': {'multifd_channels': 2,
                           'max_bandwidth': 16 * vm.MIB}}
    self.migrate_and_check(src, dst, **settings)


@for_pairs('zero-page-detection',
           none_plain=('none', False), legacy_plain=('legacy', False),
           multifd_plain=('multifd', False), none=('none', True),
           legacy=('legacy', True), multifd=('multifd', True))
def check_zero_page_detection(self, source, target, value):
    method, multifd = value
    src, dst = self.source(source), self.target(target)
    params = {'zero_page_detection': method, 'multifd_channels': 2}
    result = self.migrate_and_check(
        src, dst, caps=('multifd',) if multifd else (), params=params)
    zero = ram.count_pages('mixed', src.size)[1]
    self.assertEqual(result.src['ram']['duplicate'],
                     0 if method == 'none' else zero)


@for_pairs('zero-page-detection-by-global', legacy='legacy', none='none')
def check_zero_page_global(self, source, target, method):
    props = {'zero-page-detection': method}
    src = self.source(source, properties=props)
    dst = self.target(target, properties=props)
    found = src.qmp.cmd('query-migrate-parameters')['zero-page-detection']
    self.assertEqual(found, method)
    self.migrate_and_check(src, dst, **MULTIFD)


@for_pairs('return-path', plain=(), multifd=('multifd',))
def check_return_path(self, source, target, caps):
    src, dst = self.source(source), self.target(target)
    for transport in ('unix', 'tcp'):
        with self.subTest(transport=transport):
            self.migrate_and_check(src, dst, transport,
                                   caps=caps + ('return-path',))
        self.discard(src, dst)
        src = self.source(source, name='src2')
        dst = self.target(target, name='dst2')


@for_pairs('return-path-source-only', on=True)
def check_return_path_source(self, source, target, _):
    """The destination opens the path whatever its own setting."""
    src, dst = self.source(source), self.target(target)
    self.migrate_and_check(src, dst, src_caps=('return-path',), dst_caps=())


@for_pairs('no-configuration-section',
           pairs=() if vm.is_stand_in() else (PAIRS[0], PAIRS[2]))
def check_no_configuration(self, source, target, _):
    """A stock source cannot do this: it ends on an assertion."""
    props = {'send-configuration': 'off'}
    src = self.source(source, properties=props)
    dst = self.target(target, properties=props)
    self.migrate_and_check(src, dst)


@for_pairs('same-uuid', plain=(), multifd=('multifd',))
def check_same_uuid(self, source, target, caps):
    src = self.source(source, uuid=UUID_A)
    dst = self.target(target, uuid=UUID_A)
    self.migrate_and_check(src, dst, caps=caps)


@for_pairs('other-uuid-fails', pairs=((vm.QEMU, vm.WHERRY),
                                      (vm.WHERRY, vm.WHERRY)))
def check_other_uuid(self, source, target, _):
    src = self.source(source, uuid=UUID_A)
    dst = self.target(target, uuid=UUID_B)
    migrate.start(src, dst, self.uri('unix'), **MULTIFD)
    self.assertEqual(migrate.end_status(dst), 'failed')
    self.assertIn('uuid', dst.info()['error-desc'].lower())
    self.assertEqual(migrate.end_status(src), 'failed')


OLD_ALL = {'plain': ((), 'multifd'),
           'multifd': (('multifd',), 'multifd'),
           'multifd_legacy': (('multifd',), 'legacy'),
           'multifd_none': (('multifd',), 'none')}
# A stock destination leaves old bytes where the first entry is a zero one.
OLD_STOCK = {key: value for key, value in OLD_ALL.items()
             if key != 'multifd'}


def check_old_content(self, source, target, value):
    caps, method = value
    for kind in ('zero', 'holes', 'mixed'):
        src = self.source(source, kind, name='src-' + kind)
        dst = self.target(target, old=0xee, name='dst-' + kind)
        with self.subTest(ram=kind):
            self.migrate_and_check(src, dst, caps=caps,
                                   params={'zero_page_detection': method})
        self.discard(src, dst)


for_pairs('old-content', pairs=((vm.WHERRY, vm.QEMU),),
          **OLD_STOCK)(check_old_content)
if not vm.is_stand_in():
    for_pairs('old-content', pairs=((vm.QEMU, vm.WHERRY),
                                    (vm.WHERRY, vm.WHERRY)),
              **OLD_ALL)(check_old_content)


@for_pairs('partly-old-content',
           pairs=() if vm.is_stand_in() else PAIRS[1:],
           plain=(), multifd=('multifd',))
def check_partly_old(self, source, target, caps):
    """Freshness is known per page: holes and old pages side by side."""
    src = self.source(source, 'mixed')
    path = self.path('dst.ram')
    ram.create(path, 8 * vm.MIB, 'mixed', seed=7)
    dst = self.machine(target, 'dst', image=path, incoming='defer')
    self.migrate_and_check(src, dst, caps=caps)


@for_pairs('no-description',
           pairs=((vm.QEMU, vm.WHERRY),))
def check_no_description(self, source, target, _):
    """A stock source that leaves out the stream description."""
    src = self.source(source, machine='none,suppress-vmdesc=on')
    self.migrate_and_check(src, self.target(target))


class StockSection(case.MachineCase):
    """What a stock source may add and wherry does not have."""

    kinds = (vm.WHERRY, vm.QEMU)

    @case.needs_wherry()
    def test_unknown_section_is_named(self):
        src = self.source(vm.QEMU, nodefaults=False)
        dst = self.target()
        migrate.start(src, dst, self.uri('unix'))
        self.assertEqual(migrate.end_status(dst), 'failed')
        self.assertIn('slirp', dst.info()['error-desc'])

    @case.needs_wherry()
    def test_block_of_other_size_is_named(self):
        src = self.source(vm.QEMU)
        dst = self.target(size=4 * vm.MIB)
        migrate.start(src, dst, self.uri('unix'))
        self.assertEqual(migrate.end_status(dst), 'failed')
        desc = dst.info()['error-desc']
        self.assertIn('mem0', desc)
        self.assertEqual(migrate.end_status(src), 'failed')

    @case.needs_wherry()
    def test_block_of_other_name_is_named(self):
        src = self.source(vm.QEMU, block='ram-of-source')
        dst = self.target(block='mem0')
        migrate.start(src, dst, self.uri('unix'))
        self.assertEqual(migrate.end_status(dst), 'failed')
        self.assertIn('ram-of-source', dst.info()['error-desc'])

    def test_default_block_name(self):
        """-m alone: both call the block `ram`."""
        for source, target in PAIRS:
            with self.subTest(source=source, target=target):
                options = {'size': 8 * vm.MIB, 'backend': 'none'}
                name = '%s-%s' % (source, target)
                src = self.machine(source, 'src-' + name, **options)
                dst = self.machine(target, 'dst-' + name, incoming='defer',
                                   **options)
                result = migrate.migrate(src, dst, 'unix:' + self.path(name))
                self.check_completed(result)
                self.assertEqual(result.src['ram']['total'], 8 * vm.MIB)

    def test_unused_backend_is_not_sent(self):
        """A machine of type none has one block, whatever else exists."""
        extra = ['-object', 'memory-backend-ram,id=spare,size=4M']
        for source, target in PAIRS:
            with self.subTest(source=source, target=target):
                name = '%s-%s' % (source, target)
                src = self.source(source, name='src-' + name, options=extra)
                dst = self.target(target, name='dst-' + name)
                result = migrate.migrate(src, dst, 'unix:' + self.path(name))
                self.check_completed(result)
                self.check_ram(src, dst)
                self.assertEqual(result.src['ram']['total'], src.size)


if __name__ == '__main__':
    sys.exit(tap.main())
