"""Real trackers, and folders that look like a tracker's, for the tests beside beads."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adw_state.trackers.bd import create_beads_database
from adw_state.trackers.tracker import Issue
from adws.tests.conftest import REAL_TRACKERS

NOW = datetime(2026, 5, 4, 3, 2, 1, 123456, tzinfo=UTC)
CLONE = Path(__file__).resolve().parents[4]
SHARED = CLONE.parent / "shared"
NO_SHARED = "the folder ../shared with real data is not beside this clone"


class RealBd:
    """One real bd, run alone: no daemon, a home folder of its own, no tracker from the environment."""

    def __init__(self, program: Path, home: Path) -> None:
        self.program = program
        self.home = home

    @property
    def environ(self) -> dict[str, str]:
        return git_environ(self.home) | {"BEADS_NO_DAEMON": "1", "PATH": os.environ["PATH"]}

    def on_path(self, folder: Path) -> str:
        """A PATH on which this program is `bd`."""
        folder.mkdir(exist_ok=True)
        (folder / "bd").symlink_to(self.program)
        return f"{folder}{os.pathsep}{os.environ['PATH']}"

    def run(self, cwd: Path, *arguments: str, environ: dict[str, str] | None = None) -> str:
        """What bd printed; it must succeed."""
        done = self.attempt(cwd, *arguments, environ=environ)
        assert done.returncode == 0, f"bd {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def attempt(
        self, cwd: Path, *arguments: str, environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.program), *arguments],
            cwd=cwd,
            env=self.environ | (environ or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )


def bd_program(version: str) -> Path | None:
    """The real bd of this version; None where there is none."""
    program = REAL_TRACKERS / f"bd-{version}"
    return program if os.access(program, os.X_OK) else None


def needs_bd(*versions: str) -> None:
    """Skip the test where one of these real bd programs is missing."""
    if not all(bd_program(version) for version in versions):
        pytest.skip(f"real bd programs are not in {REAL_TRACKERS}; ADW_TEST_TRACKERS names another folder")


def git_environ(home: Path) -> dict[str, str]:
    """What git needs, and nothing from the machine's own settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "tester",
        "GIT_AUTHOR_EMAIL": "tester@example.com",
        "GIT_COMMITTER_NAME": "tester",
        "GIT_COMMITTER_EMAIL": "tester@example.com",
    }


def git(cwd: Path, *arguments: str, environ: dict[str, str] | None = None) -> str:
    """What git printed; it must succeed."""
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *arguments],
        cwd=cwd,
        env=git_environ(cwd) | (environ or {}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def git_repository(top: Path) -> Path:
    """A new repository with one empty commit."""
    top.mkdir(parents=True, exist_ok=True)
    git(top, "init", "-q", "-b", "main")
    git(top, "commit", "-q", "--allow-empty", "-m", "Begin")
    return top


def worktree(main: Path, place: Path) -> Path:
    git(main, "worktree", "add", "-q", str(place))
    return place


def digests(folder: Path) -> dict[str, str]:
    """What every file in a folder holds."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


SOME_ISSUES = (
    Issue("tk-1", "The first", "bug", 0, labels=("api", "urgent"), description="It breaks."),
    Issue("tk-2", "The second", "feature", 3, status="closed"),
)


def classic(database: Path, issues: Sequence[Issue] = SOME_ISSUES) -> Path:
    """A database of bd's at this path."""
    create_beads_database(database, "tk", issues, NOW)
    return database


def project_with_classic(top: Path, name: str = "beads.db") -> Path:
    """A git repository with a database of bd's; the repository's top."""
    git_repository(top)
    classic(top / ".beads" / name)
    return top
