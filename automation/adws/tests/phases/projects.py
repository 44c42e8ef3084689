"""A project to run in: a git repository with a tracker's database, and what to ask about its runs."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adw_state.clock import SettableClock
from adw_state.configuration.settings import Config
from adw_state.git.worktrees import Worktree
from adw_state.processes.running import Limits
from adw_state.state import Attempt, BeadsStateManager, Checkpoint, Execution
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import read_issue
from adw_state.workflow.progress import Event
from adw_state.workflow.requests import new_worktree_path
from adw_state.workflow.runner import resume_execution, run_issue, run_phase
from adw_state.workflow.settings import RunOutcome, RunSettings
from adws.tests.conftest import NOW

ALL_STEPS = [
    "run_started", "worktree_ready", "plan_written", "plan_committed",
    "worktree_ready", "changes_made", "build_committed",
    "worktree_ready", "review_written", "verdict_given",
]  # fmt: skip
# The placeholders of every prompt.
VALUES = {
    "issue": "I",
    "plan_file": "p.md",
    "branch": "b",
    "feedback": "",
    "base": "c",
    "diff": "d",
    "diff_note": "",
    "verdict_format": "v",
}

# What a git of its own sees: nothing of the developer's configuration.
GIT_ENVIRONMENT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


@dataclass
class Project:
    """A repository with a tracker, and the events of the runs that were made in it."""

    path: Path
    database: Path
    log: Path
    events: list[Event] = field(default_factory=list)
    config: Config = field(default_factory=Config)

    def agent(self, *options: str) -> str:
        """The scripted agent, told how to behave, noting its calls."""
        return shlex.join(["scripted", "--log", str(self.log), *options])

    def settings(self, *options: str, **changes: Any) -> RunSettings:
        """Settings with the scripted agent told these options."""
        values: dict[str, Any] = {
            "location": changes.pop("location", None) or locate(cwd=self.path, environ={}),
            "config": self.config,
            "environ": {"PATH": os.environ["PATH"]},
            "clock": SettableClock(NOW),
            "progress": self.events.append,
            "agent": self.agent(*options),
            "limits": Limits(timeout_seconds=60, grace_seconds=2),
        }
        return RunSettings(**{**values, **changes})

    def run(self, issue_id: str, *options: str, adw_id: str | None = None, **changes: Any) -> RunOutcome:
        """Run an issue of the tracker."""
        settings = self.settings(*options, **changes)
        return run_issue(settings, read_issue(settings.location, issue_id), adw_id=adw_id)

    def resume(self, execution_id: str, *options: str, **changes: Any) -> RunOutcome:
        """Resume an execution, with the scripted agent told these options."""
        return resume_execution(self.settings(*options, **changes), execution_id)

    def act(self, issue_id: str = "demo-1", *, adw_id: str = "run-1", **commands: str) -> RunOutcome:
        """Run an issue with an agent that runs a shell command in each phase."""
        return self.run(issue_id, adw_id=adw_id, agent=acting_agent(self.path.parent, **commands))

    def act_again(self, execution_id: str = "run-1", **commands: str) -> RunOutcome:
        """Resume an execution with such an agent."""
        return self.resume(execution_id, agent=acting_agent(self.path.parent, **commands))

    def phase(
        self, phase: str, issue_id: str, *options: str, adw_id: str | None = None, **changes: Any
    ) -> RunOutcome:
        """Do one phase."""
        settings = self.settings(*options, **changes)
        return run_phase(settings, phase, issue_id, adw_id, lambda: read_issue(settings.location, issue_id))

    def calls(self) -> list[str]:
        """The phases in which the scripted agent was called, in order."""
        return [line.split()[0] for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def git(self, *arguments: str) -> str:
        """What git says in the main work tree."""
        return git(self.path, *arguments)

    def commits(self, execution: Execution) -> list[str]:
        """The steps of the commits on the execution's branch, oldest first."""
        log = self.git(
            "log",
            "--reverse",
            "--format=%(trailers:key=Adw-Step,valueonly)",
            f"main..{execution.branch_name}",
        )
        return log.split()

    def ask(self, question: Callable[[BeadsStateManager], Any]) -> Any:
        """What the database answers."""
        with BeadsStateManager(self.database) as state:
            return question(state)

    def executions(self) -> list[Execution]:
        """All executions, newest first."""
        found: list[Execution] = self.ask(lambda state: state.list_executions())
        return found

    def attempts(self, execution_id: str) -> list[Attempt]:
        """The attempts of an execution."""
        found: list[Attempt] = self.ask(lambda state: state.list_attempts(execution_id))
        return found

    def steps(self, execution_id: str) -> list[str]:
        """The names of the saved steps of an execution, in order."""
        points: list[Checkpoint] = self.ask(lambda state: state.list_checkpoints(execution_id))
        return [point.checkpoint_name for point in points]

    def warnings(self) -> list[str]:
        """What runs have warned of."""
        return [event.text for event in self.events if event.kind == "warning"]

    def log_text(self, execution: Execution) -> str:
        """The log of an execution."""
        parts = (self.path.name, execution.environment, execution.id, execution.workflow)
        return self.path.joinpath(".adw", "logs", *parts, "execution.log").read_text()


def acting_agent(folder: Path, *, plan: str = "", build: str = "echo 2 >> made.txt", review: str = "") -> str:
    """An agent that writes its plan and approves, and in each phase runs a shell command besides."""
    script = folder / "acting-agent.sh"
    script.write_text(
        f"""#!/bin/sh
IFS= read -r head; cat > /dev/null
phase=$(printf '%s' "$head" | sed -n 's/.*"phase": "\\([a-z]*\\)".*/\\1/p')
plan=$(printf '%s' "$head" | sed -n 's/.*"plan_file": "\\([^"]*\\)".*/\\1/p')
export GIT_AUTHOR_NAME=Agent GIT_AUTHOR_EMAIL=a@e.org GIT_COMMITTER_NAME=Agent GIT_COMMITTER_EMAIL=a@e.org
case $phase in
plan) mkdir -p "$(dirname "$plan")"; echo '# plan' > "$plan"
{plan or ":"}
;;
build)
{build or ":"}
;;
review) echo '{{"verdict": "approve", "reasons": ["fine"]}}'
{review or ":"}
;;
esac
""",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return shlex.quote(str(script))


def worktree_for(project: Path, issue_id: str, execution_id: str) -> Worktree:
    """The worktree of an execution in a plain repository, whether it exists or not."""
    common_dir = (project / ".git").resolve()
    return Worktree(common_dir, new_worktree_path(project, issue_id, execution_id))


def git(directory: Path, *arguments: str) -> str:
    """What git says in a folder; it must succeed."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        env={**os.environ, **GIT_ENVIRONMENT},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def script(tmp_path: Path, text: str) -> str:
    """An agent that is a shell script."""
    path = tmp_path / "agent.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return shlex.quote(str(path))
