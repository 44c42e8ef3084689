"""Whether the bd on the PATH fits the project."""

from __future__ import annotations

from collections.abc import Iterator

from adw_state.doctor.bd import text_of
from adw_state.doctor.project import Project
from adw_state.schema.check import Check, Finding, Stage
from adw_state.trackers.bd import BD, BD_DOLT


def _look(project: Project) -> Iterator[Finding]:
    if project.location.tracker not in (BD, BD_DOLT):
        return
    program, version = project.bd
    if version is None:
        yield _without_bd(project)
    elif project.bd_fits:
        yield Finding("ok", f"bd {text_of(version)} at {program}.")
    elif project.location.tracker is BD:
        yield Finding(
            "warning",
            f"bd {text_of(version)} does not use the SQLite file {project.location.tracker_database}.",
            "It keeps issues in Dolt, and either ignores the file or moves it away. After the project has"
            " moved to Dolt with it, `adw migrate move` takes the history of the runs along.",
            fix="bd init --from-jsonl",
        )
    else:
        yield Finding(
            "warning",
            f"bd {text_of(version)} is too old for this project, whose issues are in Dolt.",
            "It cannot read an issue, and may make an empty database beside the real one.",
            fix="bd version",
        )


def _without_bd(project: Project) -> Finding:
    program = project.bd.program
    said = f"{program} does not tell its version." if program else "There is no bd on the PATH."
    if project.location.tracker is BD_DOLT and project.location.jsonl is None:
        return Finding(
            "warning",
            f"{said} The issues are in Dolt, and there is no export of them.",
            "Without bd or an export, `adw run` cannot read an issue.",
            fix="bd export -o .beads/issues.jsonl",
        )
    return Finding("note", said)


CHECK = Check("bd-version", Stage.TRACKER, _look, why="bd was not asked which database it uses here.")
