# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests of multifd-compression share: guests whose memory shrinks, and
# which methods a program has.

import random
import unittest

from . import qmp, ram

METHODS = ('zlib', 'zstd', 'qpl')
# Those of a stock QEMU of Debian.
STOCK_METHODS = ('zlib', 'zstd')


def require(machine, method):
    """Skip the test if the program was built without the library."""
    try:
        machine.parameters(multifd_compression=method)
    except qmp.QmpError as err:
        if 'was built without' not in err.desc:
            raise
        raise unittest.SkipTest(err.desc) from err


def add_text(path, size, seed=1):
    """Puts text into a part of an image's pages; how many have content then
    is for the caller to find out."""
    rng = random.Random(seed)
    pages = {}
    for page in range(size // ram.PAGE):
        if rng.random() < 0.6:
            line = b'page %06d of a guest that shrinks. ' % page
            pages[page] = (line * 200)[:ram.PAGE]
    ram.write_pages(path, pages)


def count_normal(path):
    """Pages of an image that are not all zero."""
    zero = bytes(ram.PAGE)
    count = 0
    with open(path, 'rb') as image:
        while True:
            page = image.read(ram.PAGE)
            if not page:
                return count
            count += page != zero
