"""Records of an execution.log: a first line `YYYY-MM-DD HH:MM:SS - LEVEL - message` and the lines after it.

The times are those of a local clock without a zone. Most lines of such files are continuations: dumps
of JSON, an agent's prose, an error of git, now and then a quotation that itself looks like a record. A
quotation is told by its time: within a file the clock moves on, so a line that goes back by more than
the hour of a daylight-saving change belongs to the record before it, unless a new process announces
itself there. Memory stays the same however long the file, its lines or its records are.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import BinaryIO

from adw_state.log_forms import ANNOUNCEMENT
from adw_state.reports.reading import Notebook

_LONGEST_PIECE_BYTES = 64 * 1024
_LONGEST_MESSAGE = 512 * 1024  # a title of 64 Ki characters fits, each of them escaped
_REPLACEMENT = "\ufffd".encode()
_MOST_BACK = timedelta(minutes=65)
_FIRST_LINE = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) - (DEBUG|INFO|WARNING|ERROR|CRITICAL) - (.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record: when (UTC), how grave, and its message with the continuation lines."""

    at: datetime
    level: str
    message: str


def read_records(path: Path, zone: tzinfo | None, notebook: Notebook) -> Iterator[LogRecord]:
    """The records of the file in order. `zone` is where its clock stood; None is this machine's zone."""
    with path.open("rb") as file:
        yield from _RecordReader(path, zone, notebook).records(file)


def first_moment(path: Path, zone: tzinfo | None) -> datetime | None:
    """The time of the file's first record."""
    with path.open("rb") as file:
        return next((record.at for record in _RecordReader(path, zone, Notebook()).records(file)), None)


class _RecordReader:
    """Puts lines together to records, and keeps the clock of one file."""

    def __init__(self, path: Path, zone: tzinfo | None, notebook: Notebook) -> None:
        self._path = path
        self._zone = zone
        self._notebook = notebook
        self._last: datetime | None = None

    def records(self, file: BinaryIO) -> Iterator[LogRecord]:
        head: tuple[datetime, str] | None = None
        message: list[str] = []
        room = 0
        for text, starts_line in self._pieces(file):
            found = self._first_line(text) if starts_line else None
            if found is not None:
                if head is not None:
                    yield LogRecord(*head, "".join(message))
                head, message, room = found[:2], [found[2]], _LONGEST_MESSAGE
            elif head is None:
                self._notebook.add("lines before the first record of a log", text)
            elif room > 0:
                message.append(("\n" if starts_line else "") + text[:room])
                room -= len(text) + 1
        if head is not None:
            yield LogRecord(*head, "".join(message))

    def _pieces(self, file: BinaryIO) -> Iterator[tuple[str, bool]]:
        """Pieces of at most 64 KiB without line ends, and whether each stands at the start of a line."""
        starts_line = True
        decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a piece may end in a character
        for number, piece in enumerate(iter(lambda: file.readline(_LONGEST_PIECE_BYTES), b"")):
            text = decoder.decode(piece, final=len(piece) < _LONGEST_PIECE_BYTES)
            if text.count("\ufffd") > piece.count(_REPLACEMENT):
                self._notebook.add("log lines that are not UTF-8", self._path)
            yield text.rstrip("\r\n").removeprefix("\ufeff" if number == 0 else ""), starts_line
            starts_line = piece.endswith(b"\n")

    def _first_line(self, text: str) -> tuple[datetime, str, str] | None:
        match = _FIRST_LINE.fullmatch(text)
        moment = self._moment(match[1]) if match else None
        if match is None or moment is None:
            return None
        back = self._last is not None and moment < self._last - _MOST_BACK
        if back and not match[3].startswith(ANNOUNCEMENT):
            self._notebook.add("log lines that quote an earlier log", text)
            return None
        self._last = moment
        return moment, match[2], match[3]

    def _moment(self, text: str) -> datetime | None:
        try:
            local = datetime.fromisoformat(text)
            moment = self._in_utc(local)
            if self._last is not None and moment < self._last:
                # In the hour that clocks run through twice a year, going back means the second pass.
                moment = max(moment, self._in_utc(local.replace(fold=1)))
        except (ValueError, OverflowError):  # the 45th of a month, or year 1 east of Greenwich
            return None
        return moment

    def _in_utc(self, local: datetime) -> datetime:
        return (local.replace(tzinfo=self._zone) if self._zone else local).astimezone(UTC)
