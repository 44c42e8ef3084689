"""bd on Dolt (0.51 and newer): its store is no file to share, and its issues are asked of `bd`.

bd takes a few tenths of a second, so it is asked once per run. `--readonly` makes it unable to change an
issue, and a bd too old for Dolt refuses the flag or the folder instead of starting a database. `bd show`
notes the issue as the one last touched all the same, and a `bd close` without an id closes that one; so
`bd list` is asked, which notes nothing and says as much, and `bd show` only for what a list does not have.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adw_state.errors import DatabaseAmbiguousError, IssueNotFoundError, TrackerUnusableError
from adw_state.trackers.folder import BeadsFolder
from adw_state.trackers.tracker import Fields

if TYPE_CHECKING:
    from adw_state.trackers.bd_program import Answer
    from adw_state.trackers.locate import Location
    from adw_state.trackers.search import Found

_TIMEOUT_SECONDS = 20.0
_MOST_LETTERS = 200


class _BdDolt:
    name = "bd (Dolt)"
    holds_our_tables = False

    def evidence(self, found: Found) -> tuple[str, ...]:
        """What the folder says of a Dolt store. A SQLite file beside one may not be named."""
        shown = found.folder and (found.folder.dolt_evidence() or _put_away(found.folder, found.database))
        if not shown:
            return ()
        if found.named and found.database is not None:
            raise DatabaseAmbiguousError(
                f"{found.database} is out of use: {shown}",
                hint="leave the file unnamed to use the project as it is, or work on a copy elsewhere",
            )
        return (shown,)

    def issue_source(self, location: Location) -> str:
        """bd, whose export serves where it cannot be asked."""
        return "read by `bd list`" + (f", else from {location.jsonl}" if location.jsonl else "")

    def read_issue(self, location: Location, issue_id: str) -> Fields:
        """What bd says of it."""
        return issue_from_bd(location.beads_dir or location.project / ".beads", issue_id)


BD_DOLT = _BdDolt()


def _put_away(folder: BeadsFolder, database: Path | None) -> str | None:
    file = folder.put_away_database() if database is None else None
    return f"{file} was put away by bd when the issues moved to Dolt." if file else None


def issue_from_bd(beads_dir: Path, issue_id: str) -> Fields:
    """What bd says about the issue, and its labels.

    Raises:
        IssueNotFoundError: bd has no issue of exactly this id.
        TrackerUnusableError: bd is missing, fails, or answers something else than an issue.
    """
    listed = _ask(beads_dir, "list", "--json", "--all", "--limit=0", f"--id={issue_id}")
    found = _issue_in(listed, issue_id) or _shown(beads_dir, issue_id)
    labels = found.get("labels")
    return found, labels if isinstance(labels, list) else []


def _shown(beads_dir: Path, issue_id: str) -> Mapping[str, Any]:
    # After `--` an id that begins with a dash is no option.
    answer = _ask(beads_dir, "show", "--json", "--", issue_id)
    found = _issue_in(answer, issue_id)
    if found is not None:
        return found
    others = _issues_in(answer)
    if len(others) == 1:  # bd completes ids; a run is filed under the whole one
        raise IssueNotFoundError(f"there is no issue {issue_id!r}", hint=f"did you mean {others[0]['id']}?")
    raise _refusal(answer, issue_id)


def _ask(beads_dir: Path, *words: str) -> Answer:
    from adw_state.trackers.bd_program import ask, installed_bd  # only where bd is asked

    program = installed_bd(os.environ)
    if program is None:
        raise TrackerUnusableError(
            f"the issues of {beads_dir} are in Dolt, and there is no `bd` on the PATH to read them",
            hint="install bd, or write an export beside it: `bd export -o .beads/issues.jsonl`",
        )
    environ = {**os.environ, "BEADS_DIR": str(beads_dir)}
    command = [program, "--readonly", *words]
    return ask(command, folder=beads_dir.parent, environ=environ, seconds=_TIMEOUT_SECONDS)


def _issue_in(answer: Answer, issue_id: str) -> Mapping[str, Any] | None:
    return next((issue for issue in _issues_in(answer) if issue["id"] == issue_id), None)


def _issues_in(answer: Answer) -> list[Mapping[str, Any]]:
    """The objects in the answer that are issues; another program's JSON has another shape."""
    from adw_state.trackers.bd_program import json_objects

    return [
        found
        for found in json_objects(answer.stdout)
        if isinstance(found.get("id"), str) and isinstance(found.get("title"), str)
    ]


def _refusal(answer: Answer, issue_id: str) -> Exception:
    from adw_state.trackers.bd_program import json_objects

    errors = (found.get("error") for found in json_objects(answer.stdout))
    error = next((text for text in errors if isinstance(text, str)), None)
    if error is not None and "no issue" in error:
        return IssueNotFoundError(f"bd has no issue {issue_id!r}", hint="see which there are: `bd list`")
    lines = (answer.stderr or answer.stdout).strip().splitlines()
    why = error or (lines[0] if lines else "it printed nothing")
    return TrackerUnusableError(
        f"bd could not show issue {issue_id!r} (exit code {answer.code}): {_shortened(why)}",
        hint=f"try it yourself: `bd show --json -- {shlex.quote(issue_id)}`",
    )


def _shortened(text: str) -> str:
    """The text in one line of a length that can be read."""
    line = "".join(letter if letter.isprintable() else " " for letter in text[: _MOST_LETTERS + 1])
    return line if len(line) <= _MOST_LETTERS else line[:_MOST_LETTERS] + "…"
