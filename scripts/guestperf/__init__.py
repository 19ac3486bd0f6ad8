# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scripts/guestperf.py is made of: scenario (what to do), offer (what a
# program can do), load (a guest that writes, from outside), sample (figures
# over time), run (one migration), report (its JSON file), plot (charts of any
# number of reports).  Shares machines and RAM images with the tests.

import os
import sys

_LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    '..', '..', 'tests', 'lib')
if _LIB not in sys.path:
    sys.path.insert(0, _LIB)


class Error(Exception):
    """Something that the user can do something about, in one sentence."""
