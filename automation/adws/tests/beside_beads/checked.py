"""Projects that are checked, and what was found in them."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from adw_state.clock import SettableClock
from adw_state.doctor.examination import Repairs, examine, repair
from adw_state.doctor.project import Project
from adw_state.schema.check import Finding
from adw_state.state import BeadsStateManager
from adw_state.trackers.locate import locate


class Checked:
    """A project outside git, on bd with SQLite unless it has no tracker, and its doctor."""

    def __init__(self, folder: Path, clock: SettableClock, template: Path | None = None) -> None:
        self.folder = folder
        self.clock = clock
        self.environ: Mapping[str, str] = {"PATH": str(folder / "nothing"), "HOME": str(folder)}
        folder.mkdir(parents=True)
        if template is not None:
            self.file.parent.mkdir(mode=0o700)
            shutil.copyfile(template, self.file)
            self.file.chmod(0o600)

    @property
    def file(self) -> Path:
        """The tracker's file."""
        return self.folder / ".beads" / "beads.db"

    @property
    def project(self) -> Project:
        location = locate(cwd=self.folder, environ={})
        return Project.at(location, self.clock, {**os.environ, **self.environ}, self.folder)

    def open(self) -> BeadsStateManager:
        return BeadsStateManager(self.project.location.database, clock=self.clock)

    def change(self, *statements: str, path: Path | None = None) -> None:
        with closing(sqlite3.connect(path or self.file, isolation_level=None)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            for statement in statements:
                connection.execute(statement)

    def findings(self) -> list[Finding]:
        return examine(self.project)

    def found(self, check: str) -> list[Finding]:
        """What a check found, the good included."""
        return [finding for finding in self.findings() if finding.check == check]

    def the(self, check: str) -> Finding:
        """The one finding of this check that is not good."""
        (finding,) = (finding for finding in self.found(check) if finding.severity != "ok")
        return finding

    def complaints(self) -> dict[str, str]:
        """Everything worse than a note: severity by check."""
        return {
            finding.check: finding.severity
            for finding in self.findings()
            if finding.severity in ("warning", "error")
        }

    def repair(self) -> Repairs:
        return repair(self.project, self.findings())
