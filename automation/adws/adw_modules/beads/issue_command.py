"""An issue from the `bd` program, for trackers whose store is Dolt.

bd takes a few tenths of a second, so it is asked once per run. `--readonly` makes it unable to change an
issue, and a bd too old for Dolt refuses the flag or the folder instead of starting a database. `bd show`
notes the issue as the one last touched all the same, and a `bd close` without an id closes that one; so
`bd list` is asked, which notes nothing and says as much, and `bd show` only for what a list does not have.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adws.adw_modules.errors import IssueNotFoundError, TrackerUnusableError

_TIMEOUT_SECONDS = 60.0


def bd_is_installed() -> bool:
    """Whether there is a `bd` on the PATH."""
    return shutil.which("bd") is not None


def issue_from_bd(beads_dir: Path, issue_id: str) -> tuple[Mapping[str, object], list[object]]:
    """What bd says about the issue, and its labels.

    Raises:
        IssueNotFoundError: bd has no issue of exactly this id.
        TrackerUnusableError: bd is missing, fails, or answers something else than an issue.
    """
    found = _issue_in(_ask(beads_dir, "list", "--json", "--all", "--limit=0", f"--id={issue_id}").stdout)
    if found is None or found["id"] != issue_id:
        found = _shown(beads_dir, issue_id)
    labels = found.get("labels")
    return found, labels if isinstance(labels, list) else []


def _shown(beads_dir: Path, issue_id: str) -> Mapping[str, Any]:
    # After `--` an id that begins with a dash is no option.
    answer = _ask(beads_dir, "show", "--json", "--", issue_id)
    shown = _issue_in(answer.stdout)
    if shown is None:
        raise _refusal(answer, issue_id)
    if shown["id"] != issue_id:  # bd completes ids; a run is filed under the whole one
        raise IssueNotFoundError(f"there is no issue {issue_id!r}", hint=f"did you mean {shown['id']}?")
    return shown


def _ask(beads_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["bd", "--readonly", *words]
    try:
        return subprocess.run(
            command,
            cwd=beads_dir.parent,
            env={**os.environ, "BEADS_DIR": str(beads_dir)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
        )
    except FileNotFoundError:
        raise TrackerUnusableError(
            f"the issues of {beads_dir} are in Dolt, and there is no `bd` on the PATH to read them",
            hint="install bd, or write an export beside it: `bd export -o .beads/issues.jsonl`",
        ) from None
    except subprocess.TimeoutExpired as error:
        raise TrackerUnusableError(
            f"bd did not answer within {_TIMEOUT_SECONDS:.0f} s", hint="see what holds it up: `bd doctor`"
        ) from error
    except OSError as error:
        raise TrackerUnusableError(
            f"bd cannot be started: {error.strerror}", hint="check the bd on your PATH"
        ) from error


def _issue_in(stdout: str) -> Mapping[str, Any] | None:
    """The one object in bd's answer; newer versions print a list of it."""
    value = _json(stdout)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, dict) and isinstance(value.get("id"), str) else None


def _refusal(answer: subprocess.CompletedProcess[str], issue_id: str) -> Exception:
    said = _json(answer.stdout)
    error = said.get("error") if isinstance(said, dict) else None
    if isinstance(error, str) and "no issue" in error:
        return IssueNotFoundError(f"bd has no issue {issue_id!r}", hint="see which there are: `bd list`")
    lines = (answer.stderr or answer.stdout).strip().splitlines()
    why = error or (lines[0] if lines else "no words")
    return TrackerUnusableError(
        f"bd could not show issue {issue_id!r} (exit code {answer.returncode}): {why}",
        hint=f"try it yourself: bd show --json -- {issue_id!r}",
    )


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
