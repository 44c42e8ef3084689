"""A run that was taken over: it touches neither the record nor the worktree any more."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.configuration.definitions import BUILT_IN
from adw_state.errors import OwnershipLostError
from adw_state.git.worktrees import ensure_worktree, head_of
from adw_state.record.records import Records
from adw_state.record.store import AttemptEnd
from adw_state.state import Execution
from adw_state.workflow.progress import Event
from adws.tests.conftest import NOW
from adws.tests.phases.projects import Project, git, worktree_for
from adws.tests.processes import run_together


def records_of(project: Project) -> Records:
    """The project's stores."""
    settings = project.settings()
    return Records(settings.location, project.config, SettableClock(NOW), lambda _text: None)


def taken_over_at(project: Project, kind: str, step: str | None = None) -> Callable[[Event], None]:
    """A progress that lets somebody else take run-1 over when this happens."""

    def watch(event: Event) -> None:
        if (event.kind, event.step) == (kind, step):
            with closing(records_of(project)) as records:
                records.take_over("run-1", "somebody else", force=True)

    return watch


@pytest.mark.parametrize("use_beads_state", [None, False])
def test_a_run_that_was_taken_over_makes_no_commit(project: Project, use_beads_state: bool | None) -> None:
    project.config = project.config._replace(use_beads_state=use_beads_state)
    with pytest.raises(OwnershipLostError):
        project.run("demo-1", adw_id="run-1", progress=taken_over_at(project, "step_saved", "plan_written"))
    tree = worktree_for(project.path, "demo-1", "run-1")
    assert head_of(tree) == project.git("rev-parse", "main").strip()


@pytest.mark.parametrize("use_beads_state", [None, False])
def test_a_run_that_was_taken_over_while_its_agent_worked_leaves_the_branch_alone(
    project: Project, tmp_path: Path, use_beads_state: bool | None
) -> None:
    project.config = project.config._replace(use_beads_state=use_beads_state)
    agent = tmp_path / "agent.sh"
    agent.write_text(
        "#!/bin/sh\ngit -c user.name=T -c user.email=t@e.org commit -q --allow-empty -m mine; exit 1\n"
    )
    agent.chmod(0o755)
    with pytest.raises(OwnershipLostError):
        project.run(
            "demo-1",
            adw_id="run-1",
            agent=shlex.quote(str(agent)),
            progress=taken_over_at(project, "agent_started"),
        )
    tree = worktree_for(project.path, "demo-1", "run-1")
    assert git(tree.path, "log", "-1", "--format=%s").strip() == "mine"


def test_the_attempt_that_the_new_owner_closed_is_named_by_its_reason(project: Project) -> None:
    records = records_of(project)
    now = SettableClock(NOW).now()
    asked = Execution(
        id="run-1",
        issue_id="demo-1",
        workflow=BUILT_IN.name,
        environment="local",
        phases=BUILT_IN.names,
        phase="plan",
        status="pending",
        started_at=now,
        updated_at=now,
        owner="first",
        claimed=True,
        issue_title="T",
    )
    record = records.begin(asked, {"a": 1})
    attempt = record.start_attempt("plan", agent="scripted")
    with closing(records_of(project)) as others:
        others.take_over("run-1", "second", force=True)
    with pytest.raises(OwnershipLostError):
        record.finish_attempt(attempt, AttemptEnd("completed"))
    with pytest.raises(OwnershipLostError):
        record.beat()
    records.close()


def test_worktrees_can_be_made_by_many_processes_at_once(bare_project: Path) -> None:
    base = git(bare_project, "rev-parse", "HEAD").strip()

    def work(first: int) -> None:
        for number in range(first, first + 5):
            ensure_worktree(worktree_for(bare_project, f"i-{number}", "r"), base)

    run_together([partial(work, first) for first in range(0, 40, 5)])
    assert len(list((bare_project / ".adw" / "trees").iterdir())) == 40
