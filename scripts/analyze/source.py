# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bytes of a recording, a window at a time: a file of any size, a pipe, or
# bytes.  What must be read out of order (the description at the end, the
# regions of mapped-ram) needs a file; the rest of a pipe can be put into one.

import io
import os
import struct
import tempfile

from . import StreamError

WINDOW = 1 << 20
# No field is longer: descriptions and sections of devices are the longest.
LIMIT = 64 << 20


class Source:
    """A position in a recording; reading past its end is a StreamError."""

    def __init__(self, file, name, start=0):
        self.file, self.name = file, name
        self.window, self.index = b'', 0
        self.base = start           # where the window is
        self.shift = 0              # place in the recording minus in the file
        self.seekable = file.seekable()
        if self.seekable:
            file.seek(start)

    @classmethod
    def of_bytes(cls, data, name='bytes'):
        return cls(io.BytesIO(data), name)

    @classmethod
    def open(cls, path, start=0):
        """A file; it stays open as long as this."""
        return cls(open(path, 'rb', buffering=0), path, start)

    def close(self):
        self.file.close()

    # -- in order -----------------------------------------------------------

    @property
    def at(self):
        return self.base + self.index

    def _fill(self, count):
        """Have COUNT bytes in the window, fewer only at the end."""
        rest = self.window[self.index:]
        self.base += self.index
        self.index = 0
        parts, have = [rest], len(rest)
        while have < count:
            part = self.file.read(max(WINDOW, count - have))
            if not part:
                break
            parts.append(part)
            have += len(part)
        self.window = b''.join(parts)

    def _need(self, count):
        if len(self.window) - self.index < count:
            self._fill(count)
            if len(self.window) < count:
                raise StreamError(self.at, 'the stream ends at 0x%x, inside '
                                  'a field of %d bytes that begins at 0x%x'
                                  % (self.base + len(self.window), count,
                                     self.at))

    def take(self, count):
        if count > WINDOW:
            # A length that lies must not cost its size in memory.
            self._check_left(count)
        if count > LIMIT:
            raise StreamError(self.at, 'a field of %d bytes begins at 0x%x; '
                              'none has more than %d' % (count, self.at,
                                                         LIMIT))
        self._need(count)
        self.index += count
        return self.window[self.index - count:self.index]

    def be(self, form):
        """Big-endian numbers; one alone comes without a tuple."""
        form = '>' + form
        values = struct.unpack(form, self.take(struct.calcsize(form)))
        return values[0] if len(values) == 1 else values

    def str8(self):
        return self.take(self.be('B')).decode('utf-8', 'replace')

    def peek(self, count):
        """The next bytes, fewer at the end."""
        if len(self.window) - self.index < count:
            self._fill(count)
        return self.window[self.index:self.index + count]

    def ended(self):
        return not self.peek(1)

    def skip(self, count):
        """Go on, without reading where that can be helped."""
        left = len(self.window) - self.index
        if count <= left:
            self.index += count
            return
        if self.seekable:
            self._check_left(count)
            self.seek(self.at + count)
            return
        while count:
            part = min(count, WINDOW)
            self.take(part)
            count -= part

    def _check_left(self, count):
        if self.seekable and self.at + count > self.size:
            raise StreamError(self.at, 'the stream ends at 0x%x, inside '
                              '%d bytes that begin at 0x%x'
                              % (self.size, count, self.at))

    # -- out of order -------------------------------------------------------

    @property
    def size(self):
        """Where the recording ends; for what is seekable."""
        if isinstance(self.file, io.BytesIO):
            return self.file.getbuffer().nbytes + self.shift
        return os.fstat(self.file.fileno()).st_size + self.shift

    def seek(self, at):
        self.file.seek(at - self.shift)
        self.window, self.index, self.base = b'', 0, at

    def pread(self, at, count):
        """Bytes from anywhere, fewer at the end; the position stays."""
        if isinstance(self.file, io.BytesIO):
            return bytes(self.file.getbuffer()[at - self.shift:
                                               at - self.shift + count])
        parts = []
        while count:
            part = os.pread(self.file.fileno(), count, at - self.shift)
            if not part:
                break
            parts.append(part)
            at, count = at + len(part), count - len(part)
        return b''.join(parts)

    def allocated(self):
        """Bytes that the file system holds; None where there is no file."""
        try:
            return os.fstat(self.file.fileno()).st_blocks * 512
        except (OSError, io.UnsupportedOperation):
            return None

    def make_seekable(self):
        """Put the rest of a pipe into a temporary file."""
        if self.seekable:
            return
        rest = tempfile.TemporaryFile()
        rest.write(self.window[self.index:])
        while True:
            part = self.file.read(WINDOW)
            if not part:
                break
            rest.write(part)
        rest.flush()
        at = self.at
        self.file, self.shift, self.seekable = rest, at, True
        self.seek(at)
