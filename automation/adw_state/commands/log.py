"""`adw log`: what a run wrote down, and what its agents printed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import click

from adw_state.agents.calls import call_folder, output_of
from adw_state.clock import default_clock
from adw_state.commands.options import common, open_state
from adw_state.commands.output import print_json, print_raw
from adw_state.errors import InvalidInputError
from adw_state.redaction import redact, secret_values
from adw_state.run_root import agents_folder
from adw_state.state import Attempt, BeadsStateManager, Execution
from adw_state.store.records import UNFINISHED
from adw_state.trackers.tracker import Location
from adw_state.workflow.progress import RunLog

_PAUSE_SECONDS = 0.3
_MOST_PIECE = 1024 * 1024


@click.command()
@click.argument("adw_id")
@click.option("--follow", "-f", is_flag=True, help="Go on until the run has ended.")
@click.option("--phase", metavar="PHASE", help="Instead, what the agent or command of this phase printed.")
@click.option("--attempt", type=click.IntRange(min=1), help="With --phase: in this attempt, not the newest.")
@common
def log(
    adw_id: str, follow: bool, phase: str | None, attempt: int | None, db: str | None, as_json: bool
) -> None:
    """Show what the run ADW_ID wrote down; with --phase, what an agent printed, with secrets masked."""
    location, state = open_state(db)
    with state:
        execution = state.require_execution(adw_id)
        calls = {one: _output(location, execution, one) for one in state.list_attempts(execution.id)}
        path = _log(location, execution) if phase is None else _chosen(calls, execution, phase, attempt)
        if as_json:
            print_json(
                "adw.log/1",
                execution_id=execution.id,
                log=_log(location, execution),
                outputs=[
                    {"phase": one.phase, "attempt": one.attempt, "file": file}
                    for one, file in calls.items()
                    if file
                ],
            )
            return
        _show(path, state, execution, follow=follow)


def _log(location: Location, execution: Execution) -> Path:
    return RunLog(execution, location.project, default_clock()).path


def _output(location: Location, execution: Execution, attempt: Attempt) -> Path | None:
    """What the agent, or the command, of an attempt printed; None where it was not called."""
    folder = call_folder(agents_folder(location.project) / execution.id, attempt.phase, attempt.attempt)
    return next((file for file in (folder.files.output, output_of(folder)) if file.is_file()), None)


def _chosen(calls: dict[Attempt, Path | None], execution: Execution, phase: str, attempt: int | None) -> Path:
    found = [(one.attempt, file) for one, file in calls.items() if one.phase == phase and file is not None]
    chosen = [file for number, file in sorted(found, key=lambda one: one[0]) if attempt in (None, number)]
    if not chosen:
        there = ", ".join(sorted({f"{one.phase} {one.attempt}" for one, file in calls.items() if file}))
        raise InvalidInputError(
            f"nothing is kept of {phase}{f' {attempt}' if attempt else ''} of the run {execution.id}",
            hint=f"there is: {there}" if there else "no agent has been called yet",
        )
    return chosen[-1]


def _show(path: Path, state: BeadsStateManager, execution: Execution, *, follow: bool) -> None:
    """Print a file, and as long as the run goes on what is added to it."""
    secrets, clock = secret_values(os.environ), default_clock()
    while not path.is_file():
        if not (follow and _goes_on(state, execution)):
            raise InvalidInputError(f"there is no log of the run {execution.id}", hint=f"it would be {path}")
        clock.sleep(_PAUSE_SECONDS)
    with path.open("rb") as file:
        while True:
            # Asked before reading: what was written before the end is read after it.
            goes_on = follow and _goes_on(state, execution)
            _print_lines(file, secrets, to_the_end=not goes_on)
            if not goes_on:
                return
            clock.sleep(_PAUSE_SECONDS)


def _print_lines(file: BinaryIO, secrets: tuple[str, ...], *, to_the_end: bool) -> None:
    """Print the lines that are complete; `to_the_end` also one that has no end yet."""
    for line in iter(lambda: file.readline(_MOST_PIECE), b""):
        if not line.endswith(b"\n") and len(line) < _MOST_PIECE and not to_the_end:
            file.seek(-len(line), os.SEEK_CUR)
            return
        print_raw(redact(os.fsdecode(line), secrets))


def _goes_on(state: BeadsStateManager, execution: Execution) -> bool:
    now = state.get_execution(execution.id)
    return now is not None and now.status in UNFINISHED
