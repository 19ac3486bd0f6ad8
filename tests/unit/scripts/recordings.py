# SPDX-License-Identifier: GPL-2.0-or-later
#
# Recordings for the tests of scripts/analyze-stream.py: folders, the stock
# ones, compressed channels, mapped-ram files; and the script as a process.

import contextlib
import importlib.util
import io
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..',
                   '..')
sys.path.insert(0, os.path.join(TOP, 'tests', 'lib'))
sys.path.insert(0, os.path.join(TOP, 'scripts'))
from wherrytest import stream  # noqa: E402

SCRIPT = os.path.join(TOP, 'scripts', 'analyze-stream.py')
STOCK = os.path.join(TOP, 'tests', 'data', 'qemu-10.0.2')
QPL = os.path.join(TOP, 'tests', 'data', 'qpl')
_spec = importlib.util.spec_from_file_location('analyze_stream', SCRIPT)
_script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_script)
PAGE = stream.PAGE
SYNC = stream.SYNC
ZLIB, ZSTD, LZ_QPL, QATZIP = 0x02, 0x04, 0x08, 0x20
MIB = 1 << 20


def page(number):
    """A page that is not zero, of one byte but for its last."""
    return bytes([number % 255 + 1]) * (PAGE - 1) + b'\x77'


def qpl_page(number):
    """A page of the guest of the recordings with qpl."""
    if number % 4 == 0:
        return bytes(PAGE)
    if number % 4 == 1:
        return (b'page %06d of the wherry test guest. ' % number
                * 120)[:PAGE]
    if number % 4 == 2:
        return random.Random(number).randbytes(PAGE)
    return number.to_bytes(4, 'little') * 1024


class RecordingCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        if isinstance(data, stream.Stream):
            data = data.data
        with open(self.path(name), 'wb') as file:
            file.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), 'rb') as file:
            return file.read()

    def script(self, *arguments, status=0, stdin=None, folder=None):
        """stdout of the script; its stderr is kept in self.err.  A process of
        its own only where it needs one."""
        if stdin is None and folder is None:
            return self.call(arguments, status)
        done = subprocess.run(
            [sys.executable, SCRIPT] + list(arguments), check=False,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, input=stdin,
            cwd=folder, timeout=120)
        out, self.err = (text.decode() for text in (done.stdout,
                                                    done.stderr))
        self.assertEqual(done.returncode, status, out + self.err)
        self.assertNotIn('Traceback', self.err)
        return out

    def call(self, arguments, status):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                found = _script.main(list(arguments))
            except SystemExit as leaving:   # of argparse
                found = leaving.code
        self.err = err.getvalue()
        self.assertEqual(found, status, out.getvalue() + self.err)
        return out.getvalue()

    def verify(self, main, channels=(), status=1, more=()):
        """What `verify --json` says, of bytes or paths."""
        if not isinstance(main, str):
            main = self.write('main', main)
        arguments = ['verify', '--json', main] + list(more)
        for number, data in enumerate(channels):
            if not isinstance(data, str):
                data = self.write('channel-%d' % number, data)
            arguments += ['--channel', data]
        return json.loads(self.script(*arguments, status=status))

    def check_defect(self, wanted, main, channels=(), more=()):
        """Exactly one defect, with these words in its sentence."""
        found = self.verify(main, channels, more=more)['defects']
        self.assertEqual(len(found), 1, found)
        self.assertRegex(found[0]['text'], wanted)
        return found[0]

    def check_good(self, main, channels=(), more=()):
        found = self.verify(main, channels, 0, more)
        self.assertEqual(found['defects'], [])
        return found


# -- multifd ------------------------------------------------------------------

class ZlibMaker:
    """One zlib stream for a channel, as a source makes it."""

    flag = ZLIB

    def __init__(self):
        self.stream = zlib.compressobj(1)

    def pack(self, pages):
        return self.stream.compress(b''.join(pages)) + \
            self.stream.flush(zlib.Z_SYNC_FLUSH)


class ZstdMaker:
    """One zstd frame that never ends, of blocks that are not compressed."""

    flag = ZSTD

    def __init__(self):
        # Magic, no content size, a window of 1 MiB.
        self.head = struct.pack('<IBB', 0xFD2FB528, 0, 0x50)

    def pack(self, pages):
        head, self.head = self.head, b''
        return head + b''.join(
            struct.pack('<I', len(one) << 3)[:3] + one for one in pages)


class QplMaker:
    """A raw deflate stream for each page, the last one as it is."""

    flag = LZ_QPL

    @staticmethod
    def deflate(data):
        stream_of_page = zlib.compressobj(1, zlib.DEFLATED, -15)
        return stream_of_page.compress(data) + stream_of_page.flush()

    def pack(self, pages):
        parts = [self.deflate(one) for one in pages[:-1]] + [pages[-1]]
        return struct.pack('>%dI' % len(parts), *map(len, parts)) + \
            b''.join(parts)


MAKERS = {'zlib': ZlibMaker, 'zstd': ZstdMaker, 'qpl': QplMaker}


def multifd_main(nr_pages, rounds=1, block='m'):
    """A main channel without pages: a FLUSH in START and in each part."""
    main = stream.Stream().preamble().setup([(block, nr_pages * PAGE)], True)
    for _ in range(rounds - 1):
        main.part().flush().eos().footer()
    return main.finish(True, 'prelaunch')


def packed(maker, pages, zero=(), number=0, block='m'):
    """A packet of {offset: bytes}."""
    return stream.packet(block, list(pages), zero,
                         maker.pack(list(pages.values())), maker.flag, number)


# -- mapped-ram ---------------------------------------------------------------

def mapped_main(blocks, offset=0, **wrong):
    """(the bytes of a mapped-ram file but for pages, {block: pages offset}):
    blocks is [(name, pages of it, set of page numbers)].  wrong overrides
    version, page_size, bitmap, pages (as added to what is right), bits, and
    shift, by which the pages are moved."""
    out = stream.Stream().raw(bytes(offset)).header()
    out.configuration(subsections=[(
        'configuration/capabilities', 1,
        struct.pack('>I', 1) + stream.str8('mapped-ram'))])
    out.start()
    out.word(sum(count for _, count, _ in blocks) * PAGE | stream.MEM_SIZE)
    places = {}
    for name, count, there in blocks:
        out.raw(stream.str8(name)).be('Q', count * PAGE)
        bitmap = len(out.data) + 28
        size = -(-count // 64) * 8
        pages = -(-(bitmap + size) // MIB) * MIB + wrong.get('shift', 0)
        places[name] = pages
        out.be('IQQQ', wrong.get('version', 1), wrong.get('page_size', PAGE),
               bitmap + wrong.get('bitmap', 0),
               pages + wrong.get('pages', 0))
        bits = sum(1 << number for number in
                   list(there) + list(wrong.get('bits', ())))
        out.raw(bits.to_bytes(size, 'little'))
        out.raw(bytes(pages + count * PAGE - len(out.data)))
    out.eos().footer().finish(state='prelaunch')
    return out.data, places


def mapped_file(blocks, offset=0, **wrong):
    """A whole one; a page is page(its number)."""
    data, places = mapped_main(blocks, offset, **wrong)
    for name, _, there in blocks:
        for number in there:
            at = places[name] + number * PAGE
            data[at:at + PAGE] = page(number)
    return bytes(data)
