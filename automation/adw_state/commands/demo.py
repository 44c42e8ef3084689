"""`adw demo`: ten issues through the real workflow, in a scratch folder, by the commands a user types."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from adw_state.clock import default_clock
from adw_state.commands.demo_project import DemoProject, make_project, scratch_environment
from adw_state.commands.options import json_option
from adw_state.commands.output import print_json, print_line, print_part
from adw_state.errors import AdwError
from adw_state.run_root import agents_folder
from adw_state.trackers.tracker import Issue

_YESTERDAY_HOURS = 30
_WINDOW_HOURS = 48
_KILL_PATIENCE_SECONDS = 20.0
_READ_BY_US = {"PYTHONIOENCODING": "utf-8"}  # whatever the user's terminal takes


@dataclass(frozen=True, slots=True)
class Scene:
    """One issue and how its run goes: the agent, the end that it must come to, and what is special."""

    issue: Issue
    ends: str
    agent: str = "scripted"
    until: str = "review"
    environ: Mapping[str, str] = field(default_factory=dict)
    killed: bool = False


def _issue(number: int, title: str, kind: str, priority: int) -> Issue:
    return Issue(f"demo-{number}", title, kind, priority, description=f"{title}. Keep it small.")


SCENES = (
    Scene(_issue(1, "Greet several people at once", "feature", 1), "completed"),
    Scene(_issue(2, "Crash on an empty name", "bug", 0), "completed"),
    Scene(_issue(3, "Explain the project in the README", "task", 2), "completed"),
    Scene(_issue(4, "Say goodbye as well", "feature", 2), "completed"),
    Scene(_issue(5, "Sort the imports", "chore", 3), "completed"),
    Scene(
        _issue(6, "Greet in every language", "epic", 2),
        "failed",
        agent="scripted --fail 'plan:the issue is too vague to plan'",
    ),
    Scene(
        _issue(7, "Wrong greeting after midnight", "bug", 1),
        "failed",
        agent="scripted --fail 'build:3 tests fail after the change'",
    ),
    Scene(
        _issue(8, "Remember who was greeted", "feature", 3),
        "failed",
        agent="scripted --reject 'names are kept in a global variable'",
    ),
    Scene(
        _issue(9, "Slow start with long names", "bug", 2),
        "in_progress",
        agent="scripted --hang build",
        until="build",
        killed=True,
    ),
    Scene(
        _issue(10, "Measure how fast it greets", "task", 4),
        "in_progress",
        until="plan",
        environ={"ADW_CLOCK_SHIFT_HOURS": str(-_YESTERDAY_HOURS)},
    ),
)


@click.command()
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), help="Make the folder below this one."
)
@json_option
def demo(into: Path | None, as_json: bool) -> None:
    """See it all at work in a new scratch folder.

    Makes a git repository with a tracker (by the bd on the PATH, if there is one) and takes ten issues
    through the real workflow with the scripted agent: five complete, three fail, two stay in progress, one
    of them killed with SIGKILL in build and resumed. Takes well under a minute. The folder is kept.
    """
    began = time.monotonic()
    project = make_project(into, [scene.issue for scene in SCENES], default_clock())
    stage = _Stage(project, quiet=as_json)
    stage.say(f"Scratch folder: {project.folder}")
    stage.say(f"Tracker: {project.tracker}")
    stage.say()
    stage.adw("init")
    runs = [
        stage.play(number, scene, issue)
        for number, (scene, issue) in enumerate(zip(SCENES, project.issues, strict=True), 1)
    ]
    took = time.monotonic() - began
    if as_json:
        print_json(
            "adw.demo/1", folder=project.folder, tracker=project.tracker, runs=runs, seconds=round(took, 1)
        )
        return
    stage.say()
    stage.say(f"Ten issues in {took:.0f} s. What the database says of them:")
    stage.say()
    for words in (["status"], ["analyze", "--hours", str(_WINDOW_HOURS)]):
        stage.show(words)
    _say_what_next(stage, runs)


def _say_what_next(stage: _Stage, runs: Sequence[Mapping[str, str]]) -> None:
    killed = next(run for run, scene in zip(runs, SCENES, strict=True) if scene.killed)
    broken = next(run for run, scene in zip(runs, SCENES, strict=True) if "build:" in scene.agent)
    stage.say("Try next:")
    for line in (
        f"cd {stage.folder}",
        f"{_program()} resume {killed['execution_id']}      # take the killed run to its end",
        f"{_program()} resume {broken['execution_id']} --agent scripted   # a second try at the failed build",
        f"{_program()} show {broken['execution_id']}",
        f"{_program()} analyze --hours {_WINDOW_HOURS} --format markdown",
        "git log --oneline --graph --all",
    ):
        stage.say(f"  {line}")


class _Stage:
    """Runs the commands of the play in the scratch project, each as a process of its own."""

    def __init__(self, project: DemoProject, *, quiet: bool) -> None:
        self.folder = project.folder
        self._quiet = quiet

    def say(self, line: str = "") -> None:
        """Print a line or the rest of one, unless only JSON is wanted."""
        if not self._quiet:
            print_line(line)

    def say_part(self, text: str) -> None:
        """Print a part of a line, unless only JSON is wanted."""
        if not self._quiet:
            print_part(text)

    def play(self, number: int, scene: Scene, issue: Issue) -> dict[str, str]:
        """Run one issue as its scene wants it; the execution's id and status."""
        about = f"P{issue.priority} {issue.issue_type}"
        self.say_part(f"[{number:2}/{len(SCENES)}] {issue.id:<9} {about:<11} {issue.title:<36}")
        began = time.monotonic()
        words = ["run", issue.id, "--agent", scene.agent, "--until", scene.until]
        if scene.killed:
            killed = self._run_until_killed(words)
            words = ["resume", killed, "--agent", "scripted", "--until", scene.until]
            self.say_part(" KILLED, resumed:")
        lines = self._follow(words, scene.environ)
        run = self._newest(issue)
        if run is None:
            raise AdwError(
                f"{issue.id} could not be run", hint="its last words were: " + " / ".join(lines[-3:])
            )
        where = "" if run["status"] == "completed" else f" in {run['phase']}"
        self.say(f" -> {run['status']}{where} ({time.monotonic() - began:.1f} s)")
        if run["status"] != scene.ends:
            raise AdwError(
                f"{issue.id} is {run['status']} where the demo expects {scene.ends}",
                hint=f"look at it: cd {self.folder} && {_program()} show {run['id']}",
            )
        return {
            "execution_id": run["id"],
            "issue_id": issue.id,
            "status": run["status"],
            "phase": run["phase"],
        }

    def adw(self, *words: str) -> str:
        """Run an `adw` command; what it printed."""
        done = subprocess.run(
            self._command(words),
            cwd=self.folder,
            env=_environ(_READ_BY_US),
            capture_output=True,
            encoding="utf-8",
        )
        if done.returncode != 0:
            raise AdwError(f"`adw {words[0]}` failed in the demo: {done.stderr.strip()}")
        return done.stdout

    def show(self, words: Sequence[str]) -> None:
        """Run an `adw` command for the audience."""
        self.say(f"$ adw {' '.join(words)}")
        subprocess.run(self._command(words), cwd=self.folder, env=_environ({}))
        self.say()

    def _follow(self, words: Sequence[str], environ: Mapping[str, str]) -> list[str]:
        """Run an `adw` command and name each phase that it finishes; all that it printed."""
        printed = []
        with self._started(words, environ) as process:
            for line in _lines(process):
                printed.append(line)
                phase, _, rest = line.partition(": ")
                if rest.startswith("completed"):
                    self.say_part(f" {phase}")
        return printed

    def _run_until_killed(self, words: Sequence[str]) -> str:
        """Run an `adw` command and kill it with SIGKILL once its agent is at work in build; the run's id."""
        execution_id = ""
        with self._started(words, {}) as process:
            for line in _lines(process):
                execution_id = execution_id or line.partition(" ")[0]
                if line.startswith("build: started"):
                    self._await_agent(execution_id)
                    process.send_signal(signal.SIGKILL)
        return execution_id

    def _await_agent(self, execution_id: str) -> None:
        """Wait until the agent of the build phase has begun to write."""
        run_folder = agents_folder(self.folder) / execution_id / "build"
        patience = time.monotonic() + _KILL_PATIENCE_SECONDS
        while time.monotonic() < patience:
            if any(found.is_file() and found.stat().st_size for found in run_folder.rglob("prompt*")):
                time.sleep(0.3)  # let the agent do its work, so that the kill leaves something half-done
                return
            time.sleep(0.05)

    @contextmanager
    def _started(self, words: Sequence[str], environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            self._command(words),
            cwd=self.folder,
            env=_environ({**environ, **_READ_BY_US}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def _newest(self, issue: Issue) -> dict[str, Any] | None:
        found: list[dict[str, Any]] = json.loads(self.adw("list", "--issue", issue.id, "--json"))[
            "executions"
        ]
        return found[0] if found else None

    def _command(self, words: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "adw_state.cli", *words]


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    for line in process.stdout or ():
        yield line.rstrip("\n")


def _environ(more: Mapping[str, str]) -> dict[str, str]:
    return {**scratch_environment(), "PYTHONUNBUFFERED": "1", **more}


def _program() -> str:
    """What a user types to run this very program."""
    this = str(Path(sys.executable).with_name("adw"))
    return "adw" if shutil.which("adw") == this else this
