"""Outputs of any length, with lines of any length and any bytes, are read in little memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from adw_state.agents.any_command import AnyReading
from adw_state.agents.kinds import KINDS
from adw_state.agents.reading import MOST_ANSWER, Lines, PlainReading, Reading
from adws.tests.agents.recordings import UNDERSTOOD, WROTE, recording, used

MOST_MEMORY = 30_000_000


def lines_of(kind: str) -> list[bytes]:
    """The lines of a successful output."""
    return recording(f"{kind}/success").read_bytes().splitlines(keepends=True)


def peak_of(reading: Reading, parts: Iterator[bytes]) -> int:
    """How much memory it took to read these parts."""
    lines = Lines(reading)
    tracemalloc.start()
    for part in parts:
        lines.feed(part)
    lines.end()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def long_stream(kind: str, size: int) -> Iterator[bytes]:
    """A successful output whose second line is repeated up to a size, each time with a long text in it."""
    first, second, *rest = lines_of(kind)
    yield first
    filled = json.dumps({**json.loads(second), "padding": "x" * 50_000}).encode() + b"\n"
    for _ in range(size // len(filled)):
        yield filled
    yield second
    yield from rest


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_of_a_hundred_megabytes_is_read_in_little_memory(kind: str) -> None:
    reading = AnyReading()
    assert peak_of(reading, long_stream(kind, 100_000_000)) < MOST_MEMORY
    assert reading.result().text == WROTE


def test_a_plain_output_of_a_hundred_megabytes_leaves_its_end() -> None:
    reading = PlainReading()
    assert peak_of(reading, ((b"a line of text " * 700 + b"\n") * 10 for _ in range(1000))) < MOST_MEMORY
    reading.line("the end")
    text = reading.result().text
    assert (len(text) <= 2 * MOST_ANSWER, text[-23:]) == (True, "a line of text \nthe end")


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_of_fifty_megabytes_is_skipped_and_counted(kind: str) -> None:
    def parts() -> Iterator[bytes]:
        first, *rest = lines_of(kind)
        yield first
        yield b'{"type":"assistant","message":{"content":"'
        for _ in range(50):
            yield b"\xff" * 1_000_000
        yield b'"}}\n'
        yield from rest

    reading = KINDS[kind].reading()
    assert peak_of(reading, parts()) < MOST_MEMORY
    found = reading.result()
    assert (reading.skipped, found.text, found.error) == (1, WROTE, None)


def test_a_line_of_fifty_megabytes_of_a_plain_agent_is_shown_by_its_beginning() -> None:
    reading = AnyReading()
    assert peak_of(reading, iter([b"before\n", *[b"x" * 1_000_000] * 50, b"\nafter\n"])) < MOST_MEMORY
    text = reading.result().text
    assert (reading.skipped, text[:8], text[-7:]) == (1, "before\nx", "x\nafter")


def test_a_last_event_that_repeats_the_whole_run_ends_it_however_long_it_is() -> None:
    *before, end = lines_of("pi")
    long_end = end.replace(b"[]", b'["' + b"x" * 6_000_000 + b'"]')
    reading = KINDS["pi"].reading()
    peak_of(reading, iter([*before, long_end]))
    assert (reading.skipped, reading.result().text, reading.result().error) == (1, WROTE, None)


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_that_are_no_text_are_replaced(kind: str) -> None:
    data = b"".join(lines_of(kind)).replace(b"hello.txt.", b"h\xff\xfeello.txt.\xc3")
    reading = KINDS[kind].reading()
    peak_of(reading, iter([b"\xff\xfe\x00\n", data]))
    assert reading.result().text == "I wrote h\ufffd\ufffdello.txt.\ufffd"


@pytest.mark.parametrize(
    "hostile",
    [
        lambda: b"[" * 1_000_000 + b"\n",
        lambda: b'{"a":' * 500_000 + b"\n",
        lambda: b'{"type":"result","is_error":' + b"9" * 1_000_000 + b"}\n",
        lambda: b'{"type":"text","sessionID":"s","part":{"text":"' + b"\\u0000" * 500_000 + b'"}}\n',
        lambda: b"\n" * 50_000,
        lambda: b"\r\n" * 50_000,
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_line_spoils_no_answer_that_follows(kind: str, hostile: Callable[[], bytes]) -> None:
    first, *rest = lines_of(kind)
    reading = KINDS[kind].reading()
    assert peak_of(reading, iter([first, hostile(), *rest])) < MOST_MEMORY
    found = reading.result()
    assert (found.text, used(found)) == (WROTE, UNDERSTOOD[f"{kind}/success"][3])
