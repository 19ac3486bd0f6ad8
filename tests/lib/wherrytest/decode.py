# SPDX-License-Identifier: GPL-2.0-or-later
#
# A recorded stream as (offset, text) pairs, for tests: the main channel or one
# multifd channel.  The decoder is that of scripts/analyze-stream.py.

import os
import sys

_SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        '..', '..', '..', 'scripts')
if _SCRIPTS not in sys.path:
    sys.path.append(_SCRIPTS)
from analyze import StreamError, description, dump  # noqa: E402
from analyze.source import Source  # noqa: E402

DecodeError = StreamError
find_description = description.find


def decode(data):
    """Main channel or multifd channel, by the first word."""
    found, error = dump.lines(Source.of_bytes(data))
    yield from found
    if error:
        raise error


class MainDecoder:
    """Walks the main channel."""

    def __init__(self, data):
        self.data = data

    def run(self):
        """Yield (offset, text) until the end of the stream."""
        return decode(self.data)
