"""Standard streams that never fail a command: what cannot be shown is dropped, and the reason is kept.

A stream may be closed, its reader may leave, its disk may be full, its encoding may lack a character, and
whoever gave it to us may have made it non-blocking. None of that is a reason for a run to end.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import stat
import sys
from typing import Any, NamedTuple, TextIO

_READER_LEFT = (errno.EPIPE, errno.ECONNRESET)
_STAND_INS = {"…": "~", "→": ">"}


class LostOutput(NamedTuple):
    """Why standard output was lost, and whether the command has failed by that."""

    why: str
    is_failure: bool


class _Sink(io.FileIO):
    """The bytes of a standard stream; writing never raises.

    `failure` is why the first write failed; `matters` is whether that fails the command.
    """

    failure: OSError | None = None
    matters = True

    def write(self, data: Any, /) -> int:
        """Write all of it, or nothing any more once a write has failed."""
        rest = memoryview(data).cast("B")
        written = len(rest)
        while len(rest) and self.failure is None:
            try:
                rest = rest[os.write(self.fileno(), rest) :]
            except BlockingIOError:
                select.select([], [self], [])
            except OSError as error:
                self.failure = error
        return written


def protect_standard_streams() -> None:
    """Make `sys.stdout` and `sys.stderr` streams that never raise, and closed ones streams into nothing."""
    _occupy_closed_descriptors()
    codecs.register_error("adw_substitute", _substitute)
    sys.stdout = _protected(sys.stdout, 1)
    sys.stderr = _protected(sys.stderr, 2)


def lost_output() -> LostOutput | None:
    """What became of standard output, where it lacks something although somebody reads it."""
    sink = _sink_of(sys.stdout)
    if sink is None or sink.failure is None or _reader_has_left(sink, sink.failure):
        return None
    return LostOutput(sink.failure.strerror or str(sink.failure), is_failure=sink.matters)


def exit_code_tells_of_work() -> None:
    """From now on the exit code tells how the work went, whatever becomes of the output."""
    sink = _sink_of(sys.stdout)
    if sink is not None:
        sink.matters = False


def _reader_has_left(sink: _Sink, failure: OSError) -> bool:
    if failure.errno == errno.EIO:  # a terminal that was closed; of a file it would be its disk
        return stat.S_ISCHR(os.fstat(sink.fileno()).st_mode)
    return failure.errno in _READER_LEFT


def _sink_of(stream: TextIO) -> _Sink | None:
    sink = getattr(stream, "buffer", None)
    return sink if isinstance(sink, _Sink) else None


def _occupy_closed_descriptors() -> None:
    # Else the next file that is opened gets the number of a standard stream, and takes what is printed.
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _protected(stream: TextIO | None, descriptor: int) -> TextIO:
    encoding = "utf-8"
    if stream is not None:
        if not _writes_to(stream, descriptor):
            return stream  # a test or a program that embeds us takes what is printed
        stream.flush()
        encoding = stream.encoding
    sink = _Sink(descriptor, "w", closefd=False)
    return io.TextIOWrapper(sink, encoding, "adw_substitute", write_through=True)


def _writes_to(stream: TextIO, descriptor: int) -> bool:
    try:
        return stream.fileno() == descriptor
    except (OSError, ValueError):
        return False


def _substitute(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    if char in _STAND_INS:
        return _STAND_INS[char], error.start + 1
    return codecs.lookup_error("backslashreplace")(error)
