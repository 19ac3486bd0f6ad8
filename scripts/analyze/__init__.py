# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scripts/analyze-stream.py is made of, and the only decoder of streams in
# this tree: source (bytes by windows), mainstream (the main channel, told to
# sinks), channel and payload (multifd), mapped (mapped-ram), description (the
# text at the end), facts (a sink that keeps figures), verify (what is wrong),
# image (RAM as a destination would have it), dump and text (for people),
# record.  tests/lib/wherrytest/decode.py is a thin layer over it.


class StreamError(Exception):
    """The bytes do not make sense from here on; `at` is where."""

    def __init__(self, at, text):
        super().__init__(text)
        self.at = at
