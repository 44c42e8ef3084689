"""Running `bd`, which may be slow, endless, another program of that name, or start a daemon.

An answer is read as far as the program prints it: a daemon that keeps the output open is not waited for,
and a program that prints without end is stopped, as is one that takes too long. It may print a warning
before its answer, after it or on the same line, so every place that could begin a JSON value is tried, and
the caller says which shape it wants.

bd takes a few tenths of a second, so it is asked once per run. `--readonly` makes it unable to change an
issue, and a bd too old for Dolt refuses the flag or the folder instead of starting a database. `bd show`
notes the issue as the one last touched all the same, and a `bd close` without an id closes that one; so
`bd list` is asked, which notes nothing and says as much, and `bd show` only for what a list does not have.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from adw_state.errors import IssueNotFoundError, TrackerUnusableError

_MOST_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_POLL_SECONDS = 0.05
_TIMEOUT_SECONDS = 20.0
_MOST_LETTERS = 200
_DECODER = json.JSONDecoder(strict=False)  # a text may hold line breaks as they are
_BEGIN = re.compile(r"[{\[]")
# Each try that fails may read to the end of the output, and no warning has so many brackets.
_MOST_FAILURES = 200


class Answer(NamedTuple):
    """What a program said, and its exit code (negative: a signal)."""

    code: int
    stdout: str
    stderr: str

    def issues(self) -> list[Mapping[str, Any]]:
        """The objects in it that are issues; another program's JSON has another shape."""
        return [
            found
            for found in json_objects(self.stdout)
            if isinstance(found.get("id"), str) and isinstance(found.get("title"), str)
        ]

    def issue(self, issue_id: str) -> Mapping[str, Any] | None:
        """The issue with exactly this id."""
        return next((issue for issue in self.issues() if issue["id"] == issue_id), None)

    def error(self) -> str | None:
        """The error that it names."""
        errors = (found.get("error") for found in json_objects(self.stdout))
        return next((text for text in errors if isinstance(text, str)), None)

    def failure(self, to_do: str, hint: str) -> TrackerUnusableError:
        """Our error where bd did not do what it was asked to, with one readable line of its complaint."""
        lines = (self.stderr or self.stdout).strip().splitlines()
        text = self.error() or (lines[0] if lines else "it printed nothing")
        line = "".join(letter if letter.isprintable() else " " for letter in text)
        shown = line if len(line) <= _MOST_LETTERS else line[:_MOST_LETTERS] + "…"
        return TrackerUnusableError(f"bd could not {to_do} (exit code {self.code}): {shown}", hint=hint)


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


def issue_from_bd(beads_dir: Path, issue_id: str) -> Mapping[str, Any]:
    """What bd says about the issue.

    Raises:
        IssueNotFoundError: bd has no issue of exactly this id.
        TrackerUnusableError: bd is missing, fails, or answers something else than an issue.
    """
    listed = _ask(beads_dir, "list", "--json", "--all", "--limit=0", f"--id={issue_id}")
    if found := listed.issue(issue_id):
        return found
    # After `--` an id that begins with a dash is no option.
    shown = _ask(beads_dir, "show", "--json", "--", issue_id)
    if found := shown.issue(issue_id):
        return found
    others = shown.issues()
    if len(others) == 1:  # bd completes ids; a run is filed under the whole one
        raise IssueNotFoundError(f"there is no issue {issue_id!r}", hint=f"did you mean {others[0]['id']}?")
    if "no issue" in (shown.error() or ""):
        raise IssueNotFoundError(f"bd has no issue {issue_id!r}", hint="see which there are: `bd list`")
    hint = f"try it yourself: `bd show --json -- {shlex.quote(issue_id)}`"
    raise shown.failure(f"show issue {issue_id!r}", hint)


def ready_from_bd(beads_dir: Path) -> list[Mapping[str, Any]]:
    """The issues that bd says are ready.

    Raises `TrackerUnusableError`: bd is missing, fails, or answers something else than a list.
    """
    answer = _ask(beads_dir, "ready", "--json", "--limit=0")
    if answer.code != 0 or not any(isinstance(value, list) for value in _values(answer.stdout)):
        raise answer.failure("say what is ready", "try it yourself: `bd ready --json`")
    return answer.issues()


def _ask(beads_dir: Path, *words: str) -> Answer:
    program = installed_bd(os.environ)
    if program is None:
        raise TrackerUnusableError(
            f"the issues of {beads_dir} are in Dolt, and there is no `bd` on the PATH to read them",
            hint="install bd, or write an export beside it: `bd export -o .beads/issues.jsonl`",
        )
    environ = {**os.environ, "BEADS_DIR": str(beads_dir)}
    command = [program, "--readonly", *words]
    return ask(command, folder=beads_dir.parent, environ=environ, seconds=_TIMEOUT_SECONDS)
