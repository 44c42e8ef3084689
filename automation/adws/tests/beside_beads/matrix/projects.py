"""A project with a real bd in it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from adws.tests.beside_beads.trackers import RealBd, git, git_repository

TITLES = ("Issue one", "Issue two", "Issue three", "Issue four", "Issue five")
_DAEMON_SECONDS = 10.0


class BdRefusedError(Exception):
    """bd answered a command with an error."""


@dataclass
class Project:
    """A git repository with a tracker, and the bd that is used in it."""

    top: Path
    bd: RealBd
    version: str
    new_titles: dict[str, str] = field(default_factory=dict)
    """Issues whose title a flow changes: the old one and the new one."""
    begun: dict[str, str] = field(default_factory=dict)
    """Executions that a flow began: the execution and the title of its issue."""
    in_daemon: bool = False

    @property
    def database(self) -> Path:
        """The tracker's file."""
        return self.top / ".beads" / "beads.db"

    @property
    def export(self) -> Path:
        """The tracker's issue export."""
        return self.top / ".beads" / "issues.jsonl"

    def run(self, *arguments: str, stdin: str = "") -> str:
        """What bd printed. Raises `BdRefusedError` with its first words when it fails."""
        done = subprocess.run(
            [str(self.bd.program), *arguments],
            cwd=self.top,
            env=self._environ(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode != 0:
            said = " ".join((done.stderr or done.stdout).split())
            raise BdRefusedError(f"bd {' '.join(arguments[:2])}: {said[:200]}")
        return done.stdout

    def id_of(self, title: str) -> str:
        """The id of the issue with this title; the first one if there are two."""
        return next(issue for issue, found in self.issues().items() if found == title)

    def issues(self) -> dict[str, str]:
        """The title of every issue in the tracker's file, tombstones included."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return dict(connection.execute("SELECT id, title FROM issues ORDER BY rowid").fetchall())

    def exported(self) -> list[dict[str, object]]:
        """The issues as bd exports them, in the order of the TITLES."""
        if self.version != "0.17.7":  # leaves out of a further export what it has exported before
            self.run("export", "-o", str(self.export))
        found = [json.loads(line) for line in self.export.read_text(encoding="utf-8").splitlines()]
        return sorted(found, key=lambda issue: TITLES.index(issue["title"]))

    @contextmanager
    def daemon(self) -> Iterator[None]:
        """bd's daemon beside us, for as long as the context lasts; bd's commands go through it."""
        self.in_daemon = True
        arguments = ["daemon", "--interval", "1s"]
        if self.version == "0.49.6":
            arguments = ["daemon", "start", "--foreground", "--local", "--interval", "1s"]
        elif self.version != "0.17.7":
            arguments += ["--start", "--foreground", "--local"]
        process = subprocess.Popen(
            [str(self.bd.program), *arguments],
            cwd=self.top,
            env=self._environ() | {"BD_DAEMON_FOREGROUND": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(self.top / ".beads" / "bd.sock", process)
            yield
        finally:
            process.terminate()
            try:
                process.wait(_DAEMON_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.in_daemon = False

    def _environ(self) -> dict[str, str]:
        environ = self.bd.environ | {"BEADS_AUTO_START_DAEMON": "false"}
        if self.in_daemon:
            del environ["BEADS_NO_DAEMON"]
        return environ


def made(top: Path, bd: RealBd, version: str) -> Project:
    """A new project with one issue per title, of which the second waits for the first."""
    git_repository(top)
    git(top, "remote", "add", "origin", "https://example.com/project.git")  # the same for every copy
    project = Project(top, bd, version)
    project.run("init", "--prefix", "tk")
    for number, title in enumerate(TITLES):
        kind = ("bug", "feature", "task", "chore", "task")[number]
        project.run("create", title, "-t", kind, "-p", str(number % 4), "-d", f"About {title.lower()}.")
    project.run("dep", "add", project.id_of(TITLES[1]), project.id_of(TITLES[0]))
    project.run("label", "add", project.id_of(TITLES[0]), "first")
    if not project.export.exists():  # bd writes it after every command, but for one version
        project.run("export", "-o", str(project.export))
    return project


def copied(template: Project, top: Path, bd: RealBd, version: str) -> Project:
    """A project that looks like the template, used by this bd from here on."""
    shutil.copytree(template.top, top, symlinks=True)
    return Project(top, bd, version)


def write_lines(path: Path, issues: Iterable[Mapping[str, object]]) -> None:
    """Write an issue export, newer than anything before it."""
    path.write_text("".join(json.dumps(issue) + "\n" for issue in issues), encoding="utf-8")
    later = path.stat().st_mtime + 2
    os.utime(path, (later, later))


def _wait_for(socket: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + _DAEMON_SECONDS
    while not socket.exists():
        if process.poll() is not None or monotonic() > deadline:
            raise BdRefusedError(f"bd daemon did not come up (exit {process.poll()})")
        sleep(0.02)
