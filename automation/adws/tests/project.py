"""A user's project for tests of whole commands: a git repository with a tracker, and `adw` run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adw_state.clock import SettableClock
from adw_state.trackers.bd import create_beads_database
from adw_state.trackers.tracker import Issue

ISSUES = (
    Issue("bd-42", "Login fails on Safari", "bug", 1, description="Since the last release."),
    Issue("bd-43", "Export as CSV", "feature", 2),
    Issue("bd-44", "Tidy the build script", "chore", 3),
)
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


class Project:
    """A git repository with one commit, an issue tracker, and the scripted agent as its agent."""

    def __init__(self, folder: Path, *, tracker: bool = True) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "adw.toml").write_text('agent = "scripted"\n', encoding="utf-8")
        (folder / ".gitignore").write_text(".beads/\n", encoding="utf-8")
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Begin")
        if tracker:
            now = SettableClock("2026-11-01T08:00:00Z").now()
            create_beads_database(self.database, "bd", ISSUES, now)

    @property
    def database(self) -> Path:
        """The tracker's database."""
        return self.folder / ".beads" / "beads.db"

    def git(self, *arguments: str) -> str:
        """Run git in the project; what it printed."""
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return done.stdout

    def adw(self, *words: str, environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ran:
        """Run an `adw` command in the project."""
        return self.run([sys.executable, "-m", "adw_state.cli", *words], environ=environ, cwd=cwd)

    def run(
        self,
        command: Sequence[str] | Sequence[bytes],
        *,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Ran:
        """Run any program in the project, with the programs of this environment first on the PATH."""
        path = os.pathsep.join([str(PROGRAMS), os.environ["PATH"]])
        done = subprocess.run(
            command,
            cwd=cwd or self.folder,
            env={**os.environ, "PATH": path, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",  # a path may hold bytes that are not UTF-8
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr)
