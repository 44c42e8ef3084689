"""Running `bd`, which may be slow, endless, another program of that name, or start a daemon.

An answer is read as far as the program prints it: a daemon that keeps the output open is not waited for,
and a program that prints without end is stopped, as is one that takes too long. It may print a warning
before its answer, after it or on the same line, so every place that could begin a JSON value is tried, and
the caller says which shape it wants.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from adw_state.errors import TrackerUnusableError

_MOST_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_POLL_SECONDS = 0.05
_DECODER = json.JSONDecoder(strict=False)  # a text may hold line breaks as they are
_BEGIN = re.compile(r"[{\[]")
# Each try that fails may read to the end of the output, and no warning has so many brackets.
_MOST_FAILURES = 200


class Answer(NamedTuple):
    """What a program said, and its exit code (negative: a signal)."""

    code: int
    stdout: str
    stderr: str


def installed_bd(environ: Mapping[str, str]) -> str | None:
    """The full path of the `bd` that a shell would start, if there is one."""
    found = shutil.which("bd", path=environ.get("PATH", os.defpath))
    return None if found is None else os.path.abspath(found)  # noqa: PTH100 - symbolic links are kept


def ask(command: Sequence[str], *, folder: Path, environ: Mapping[str, str], seconds: float) -> Answer:
    """The answer of a program that is run in `folder`.

    Raises `TrackerUnusableError`: it cannot be started, takes longer than `seconds`, or prints too much.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise TrackerUnusableError(
            f"bd cannot be started: {why}", hint="check the `bd` on your PATH: `bd version`"
        ) from error
    deadline = time.monotonic() + seconds
    with process:
        try:
            stdout, stderr = _listen(process, deadline)
            code = process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _kill(process)
            raise TrackerUnusableError(
                f"bd did not answer within {seconds:g} s", hint="see what holds it up: `bd doctor`"
            ) from None
        except BaseException:
            _kill(process)
            raise
    return Answer(code, stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace"))


def _listen(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
    """What the process prints until it ends, or until it closes both outputs."""
    assert process.stdout is not None  # noqa: S101 - both are pipes, as `ask` wants them
    assert process.stderr is not None  # noqa: S101
    said = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    with selectors.DefaultSelector() as selector:
        for pipe in said:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ended = process.poll() is not None
            ready = selector.select(0 if ended else _POLL_SECONDS)
            if ended and not ready:
                break  # a daemon that it started holds the outputs open
            for key, _ in ready:
                piece = os.read(key.fd, _PIECE_BYTES)
                said[key.fd] += piece
                if not piece:
                    selector.unregister(key.fd)
            _check(said.values(), process, deadline)
    stdout, stderr = said.values()
    return bytes(stdout), bytes(stderr)


def _check(said: Iterable[bytearray], process: subprocess.Popen[bytes], deadline: float) -> None:
    if sum(map(len, said)) > _MOST_BYTES:
        raise TrackerUnusableError(
            f"bd printed more than {_MOST_BYTES // 1024 // 1024} MiB and was stopped",
            hint="check the `bd` on your PATH: `bd version`",
        )
    if time.monotonic() > deadline:
        raise subprocess.TimeoutExpired(process.args, 0)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def json_objects(output: str) -> Iterator[Mapping[str, Any]]:
    """Every JSON object that stands in `output` by itself or in a list, in order; other text is skipped."""
    for value in _values(output):
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, dict):
                yield item


def _values(output: str) -> Iterator[Any]:
    position = failures = 0
    while failures < _MOST_FAILURES and (begin := _BEGIN.search(output, position)):
        try:
            value, position = _DECODER.raw_decode(output, begin.start())
        except (ValueError, RecursionError):
            failures, position = failures + 1, begin.end()
        else:
            yield value
