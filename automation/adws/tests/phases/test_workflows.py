"""Workflows of a project's own: commands that send back, prompts and verdicts, kills and resumes."""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from adw_state.configuration.settings import Config
from adw_state.configuration.workflows import find_workflow
from adw_state.errors import (
    AgentTimeoutError,
    CheckFailedError,
    ConfigurationError,
    InvalidInputError,
    PhaseFailedError,
)
from adw_state.state import Attempt, Execution
from adw_state.store.json_values import JSON
from adw_state.store.owner import process_mark
from adw_state.workflow.progress import Event
from adws.tests.phases.projects import Project
from adws.tests.processes import child

THOROUGH = """\
[workflows.thorough]
phases = ["plan", "build", "test", "review", "document"]

[phases.test]
run = {test}
sends_back_to = "build"
at_most = {at_most}

[phases.document]
prompt = "prompts/document.md"
"""
DOCUMENT = "Document what changed for `$branch`.\n"


def configure(project: Project, test: str, *, at_most: int = 3, more: str = "") -> None:
    """Give the project the workflow `thorough`, whose tests are this shell command."""
    (project.path / "prompts").mkdir(exist_ok=True)
    (project.path / "prompts" / "document.md").write_text(DOCUMENT)
    text = THOROUGH.format(test=json.dumps(test), at_most=at_most)
    (project.path / "adw.toml").write_text(text + more)


def failing(project: Project, times: int) -> str:
    """A test command that fails so many times; the project keeps the count beside it."""
    count = shlex.quote(str(project.path.parent / "count"))
    return f"echo x >> {count}; n=$(wc -l < {count}); echo FAILED test_login, try $n; [ $n -gt {times} ]"


def times_tested(project: Project) -> int:
    """How often the test command was run."""
    return len((project.path.parent / "count").read_text().splitlines())


def ends(project: Project, run: Execution | str) -> list[tuple[str, int, str, str | None]]:
    """How each attempt ended, by place and number."""
    made = project.attempts(run if isinstance(run, str) else run.id)
    return [(old.phase, old.attempt, old.status, old.error_class) for old in _in_order(made)]


def _in_order(made: Sequence[Attempt]) -> list[Attempt]:
    return sorted(made, key=lambda old: (old.place, old.attempt))


def prompt(project: Project, run: str, phase: str, attempt: int) -> str:
    """What the agent of an attempt was told."""
    folder = project.path / ".adw" / "agents" / run / phase / f"attempt-{attempt}"
    return (folder / "prompt.md").read_text()


SENT_BACK_TWICE = [
    ("plan", 1, "completed", None),
    ("build", 1, "completed", None),
    ("build", 2, "completed", None),
    ("build", 3, "completed", None),
    ("test", 1, "failed", "check_failed"),
    ("test", 2, "failed", "check_failed"),
    ("test", 3, "completed", None),
    ("review", 1, "completed", None),
    ("document", 1, "completed", None),
]


def test_a_command_that_fails_sends_the_run_back_with_its_output_until_it_succeeds(project: Project) -> None:
    configure(project, failing(project, 2))
    outcome = project.run("demo-1", adw_id="run-1", workflow="thorough")

    run = outcome.execution
    assert (outcome.status, run.workflow, run.error_message) == ("completed", "thorough", None)
    assert run.phases == ("plan", "build", "test", "review", "document")
    assert ends(project, run) == SENT_BACK_TWICE
    assert project.calls() == ["plan", "build", "build", "build", "review", "document"]
    assert project.commits(run) == [
        "plan_committed",
        "build_committed",
        "build_committed",
        "build_committed",
        "document_committed",
    ]
    assert "failed, for this reason" not in prompt(project, "run-1", "build", 1)
    told = prompt(project, "run-1", "build", 3)
    assert "An earlier attempt at test failed, for this reason:" in told
    assert "exited with code 1; the end of its output:\n> FAILED test_login, try 2\n" in told
    assert "failed, for this reason" not in prompt(project, "run-1", "document", 1)


def test_an_attempt_knows_its_place_its_prompt_and_its_workflow(project: Project) -> None:
    configure(project, "true")
    project.run("demo-1", adw_id="run-1", workflow="thorough")
    made = {old.phase: old for old in project.attempts("run-1")}
    workflow = find_workflow(project.path, "thorough")

    assert [made[name].place for name in workflow.names] == [1, 2, 3, 4, 5]
    assert {old.workflow_sha256 for old in made.values()} == {workflow.sha256}
    assert made["document"].prompt_sha256 == hashlib.sha256(DOCUMENT.encode()).hexdigest()
    assert (made["test"].prompt_sha256, made["test"].agent, made["test"].exit_code) == (None, None, 0)
    assert made["build"].agent == "scripted"


def test_after_at_most_so_many_times_a_failure_fails_the_run_and_resume_goes_back_once_more(
    project: Project,
) -> None:
    configure(project, failing(project, 2), at_most=1)
    failed = project.run("demo-1", adw_id="run-1", workflow="thorough")

    assert isinstance(failed.error, CheckFailedError)
    assert (failed.status, failed.exit_code, failed.execution.phase) == ("failed", 1, "test")
    assert str(failed.error).endswith("exited with code 1; the end of its output:\nFAILED test_login, try 2")
    assert failed.execution.error_message == str(failed.error)
    assert project.resume("run-1").status == "completed"
    assert ends(project, "run-1") == SENT_BACK_TWICE
    assert "FAILED test_login, try 2" in prompt(project, "run-1", "build", 3)


# Where a run with two failing tests is killed: the phase, its attempt, what has just happened, which step.
POINTS = [
    ("plan", 1, "agent_finished", None),
    ("build", 1, "commit_made", None),
    ("build", 1, "phase_finished", None),
    ("test", 1, "phase_started", None),
    ("test", 1, "agent_finished", None),
    ("test", 1, "step_saved", "command_ended"),
    ("test", 1, "phase_failed", None),
    ("build", 2, "phase_started", None),
    ("build", 2, "agent_finished", None),
    ("build", 2, "step_saved", "build_committed"),
    ("test", 2, "phase_failed", None),
    ("build", 3, "commit_made", None),
    ("test", 3, "step_saved", "command_ended"),
    ("test", 3, "phase_finished", None),
    ("review", 1, "agent_finished", None),
    ("review", 1, "step_saved", "verdict_given"),
    ("document", 1, "agent_finished", None),
    ("document", 1, "commit_made", None),
    ("document", 1, "phase_finished", None),
]


def kill_at(project: Project, point: tuple[str, int, str, str | None]) -> None:
    """Run demo-1 as run-1 in a process that is killed when it has come to the point."""

    def work(here: Callable[[], None]) -> None:
        def watch(event: Event) -> None:
            if (event.phase, event.attempt, event.kind, event.step) == point:
                here()

        project.run("demo-1", adw_id="run-1", workflow="thorough", progress=watch)

    with child(work) as process:
        process.wait_until_it_is_there()
        process.kill()


@pytest.mark.parametrize(("phase", "attempt", "kind", "step"), POINTS)
def test_a_run_killed_in_any_phase_goes_on_and_does_nothing_twice(
    project: Project, phase: str, attempt: int, kind: str, step: str | None
) -> None:
    configure(project, failing(project, 2))
    kill_at(project, (phase, attempt, kind, step))
    # The run goes on with the workflow that it began with.
    (project.path / "adw.toml").write_text('agent = "scripted"\n')
    (project.path / "prompts" / "document.md").unlink()
    outcome = project.resume("run-1")

    assert outcome.status == "completed"
    assert project.calls() == ["plan", "build", "build", "build", "review", "document"]
    assert times_tested(project) == 3
    assert project.commits(outcome.execution).count("build_committed") == 3
    finished = [end for end in ends(project, "run-1") if end[2] != "interrupted"]
    assert [(name, status, why) for name, _, status, why in finished] == [
        (name, status, why) for name, _, status, why in SENT_BACK_TWICE
    ]


@pytest.mark.parametrize("point", [POINTS[6], POINTS[8], POINTS[11]])
def test_a_run_that_is_kept_in_json_only_goes_on_as_well(
    project: Project, point: tuple[str, int, str, str | None]
) -> None:
    project.config = Config(use_beads_state=False)
    configure(project, failing(project, 2))
    kill_at(project, point)
    outcome = project.resume("run-1")

    assert (outcome.status, outcome.execution.workflow) == ("completed", "thorough")
    assert project.calls() == ["plan", "build", "build", "build", "review", "document"]
    assert times_tested(project) == 3


def test_a_command_whose_runner_is_killed_is_stopped_and_run_again(project: Project) -> None:
    pids = project.path.parent / "pids"
    configure(project, f"echo $$ >> {pids}; [ $(wc -l < {pids}) -gt 1 ] || sleep 600")

    def work(_here: Callable[[], None]) -> None:
        project.run("demo-1", adw_id="run-1", workflow="thorough")

    with child(work) as process:
        while not (pids.exists() and pids.read_text().endswith("\n")):
            time.sleep(0.01)  # another process lives in real time
        process.kill()
    left_behind = int(pids.read_text())
    assert process_mark(left_behind) is not None

    assert project.resume("run-1").status == "completed"
    assert process_mark(left_behind) is None
    assert len(pids.read_text().splitlines()) == 2


def test_resume_after_a_rejection_builds_with_the_reasons_first_and_then_asks_the_reviewer(
    project: Project,
) -> None:
    configure(project, "true")
    rejected = project.run("demo-1", "--reject", "no limit is checked", adw_id="run-1", workflow="thorough")
    assert (rejected.status, rejected.execution.phase) == ("failed", "review")

    assert project.resume("run-1").status == "completed"
    assert project.calls() == ["plan", "build", "review", "build", "review", "document"]
    assert "> the review rejected the change: no limit is checked" in prompt(project, "run-1", "build", 2)
    assert ends(project, "run-1")[3:7] == [
        ("test", 1, "completed", None),
        ("test", 2, "completed", None),
        ("review", 1, "failed", "rejected"),
        ("review", 2, "completed", None),
    ]


def test_a_verdict_sends_back_by_itself_where_the_workflow_says_so(project: Project) -> None:
    configure(project, "true", more='[phases.review]\nsends_back_to = "plan"\nat_most = 2\n')
    rejected = project.run("demo-1", "--reject", "wrong way", workflow="thorough")

    assert rejected.status == "failed"
    assert project.calls() == ["plan", "build", "review"] * 3


def test_an_agent_of_a_project_s_own_kind_of_verdict_is_told_all_that_it_needs(
    project: Project, tmp_path: Path
) -> None:
    (project.path / "audit.md").write_text("Look for secrets only.\n")
    (project.path / "adw.toml").write_text(
        '[workflows.audited]\nphases = ["plan", "audit"]\n'
        '[phases.audit]\nkind = "verdict"\nprompt = "audit.md"\n'
    )
    outcome = project.run("demo-1", adw_id="run-1", workflow="audited")

    assert outcome.status == "completed"
    told = prompt(project, "run-1", "audit", 1)
    assert told.splitlines()[1] == "Look for secrets only."
    assert '{"verdict": "reject", "reasons": [' in told
    assert "# Login fails on Safari" in told
    assert "+# Plan for demo-1: Login fails on Safari" in told


def test_each_phase_that_plans_writes_a_file_of_its_own(project: Project) -> None:
    (project.path / "design.md").write_text("Design it.\n")
    (project.path / "adw.toml").write_text(
        '[workflows.w]\nphases = ["plan", "design", "build"]\n'
        '[phases.design]\nkind = "plan"\nprompt = "design.md"\n'
    )
    run = project.run("demo-1", adw_id="run-1", workflow="w").execution

    assert run.plan_file == "specs/demo-1-design.md"
    shown = project.git("ls-tree", "-r", "--name-only", str(run.branch_name), "specs/").split()
    assert shown == ["specs/demo-1-design.md", "specs/demo-1-plan.md"]
    assert "Write the file `specs/demo-1-design.md`" in prompt(project, "run-1", "design", 1)
    assert "`specs/demo-1-design.md`" in prompt(project, "run-1", "build", 1)


def test_what_a_command_changes_is_kept_aside_and_committed_by_nobody(project: Project) -> None:
    configure(project, "echo broken >> README.md; echo new > report.xml")
    run = project.run("demo-1", adw_id="run-1", workflow="thorough").execution

    assert "report.xml" not in project.git("ls-tree", "-r", "--name-only", str(run.branch_name))
    folder = project.path / ".adw" / "agents" / "run-1" / "test" / "attempt-1"
    assert "+broken" in (folder / "command-changes.patch").read_text()


def test_a_command_that_cannot_be_run_fails_the_run_and_sends_nothing_back(project: Project) -> None:
    configure(project, "no-such-program --all")
    outcome = project.run("demo-1", workflow="thorough")

    assert type(outcome.error) is PhaseFailedError
    assert str(outcome.error).startswith("the command `no-such-program --all` cannot be run: ")
    assert project.calls() == ["plan", "build"]


def test_a_command_that_never_ends_is_stopped_with_all_its_processes(project: Project) -> None:
    configure(project, "sleep 600 & wait")
    project.run("demo-1", adw_id="run-1", workflow="thorough", last_phase="build")
    limits = project.settings().agent_limits
    outcome = project.resume("run-1", limits=type(limits)(timeout_seconds=0.3, grace_seconds=0.2))

    assert isinstance(outcome.error, AgentTimeoutError)
    assert str(outcome.error) == "the command `sleep 600 & wait` did not end within 0.3 s and was stopped"


def test_a_secret_that_a_command_prints_is_masked_and_its_output_kept(project: Project) -> None:
    configure(project, 'echo "using $SHOP_TOKEN"; exit 3', at_most=1)
    environ = {**project.settings().environ, "SHOP_TOKEN": "swordfish-42"}
    outcome = project.run("demo-1", adw_id="run-1", workflow="thorough", environ=environ)

    assert "exited with code 3; the end of its output:\nusing [masked]" in str(outcome.error)
    folder = project.path / ".adw" / "agents" / "run-1" / "test" / "attempt-1"
    assert (folder / "output.txt").read_text() == "using swordfish-42\n"


def test_a_workflow_that_holds_a_secret_is_refused_before_anything_begins(project: Project) -> None:
    configure(project, "curl -H 'Authorization: Bearer abcdef1234567890abcdef'")
    with pytest.raises(
        InvalidInputError, match="the run of the phase test holds what looks like a credential"
    ):
        project.run("demo-1", workflow="thorough")
    assert project.executions() == []


def test_a_run_stops_after_any_phase_and_goes_on_there(project: Project) -> None:
    configure(project, failing(project, 1))
    stopped = project.run("demo-1", adw_id="run-1", workflow="thorough", last_phase="test")

    assert (stopped.status, stopped.execution.phase) == ("in_progress", "test")
    assert project.calls() == ["plan", "build", "build"]
    assert project.resume("run-1", last_phase="test").status == "in_progress"
    assert project.resume("run-1").status == "completed"
    assert project.calls() == ["plan", "build", "build", "review", "document"]


def test_one_phase_after_the_other_takes_a_run_through_its_workflow(project: Project) -> None:
    configure(project, failing(project, 1))
    began = project.phase("plan", "demo-1", workflow="thorough")
    assert (began.status, began.execution.workflow) == ("in_progress", "thorough")
    assert project.phase("build", "demo-1").status == "in_progress"
    # Alone, a phase sends nothing back.
    assert project.phase("test", "demo-1").status == "failed"
    run = began.execution.id
    for phase in ("build", "test", "review"):
        assert project.phase(phase, "demo-1", adw_id=run).status == "in_progress"
    assert project.phase("document", "demo-1", adw_id=run).status == "completed"
    with pytest.raises(InvalidInputError, match=r"has no phase 'deploy'$"):
        project.phase("deploy", "demo-1", adw_id=run)


def test_one_phase_of_a_run_is_done_whatever_has_become_of_the_configuration(project: Project) -> None:
    configure(project, "true")
    project.phase("plan", "demo-1", adw_id="run-1", workflow="thorough")
    (project.path / "adw.toml").write_text("[workflows.thorough]\nphases = []\n")

    assert project.phase("build", "demo-1").status == "in_progress"
    with pytest.raises(ConfigurationError, match="a workflow has 1 to 100 phases, not 0"):
        project.phase("plan", "demo-2")


@pytest.mark.parametrize(
    ("workflow", "last_phase", "sentence"),
    [
        ("throrough", None, "there is no workflow 'throrough'"),
        ("thorough", "deploy", "the workflow thorough has no phase 'deploy'"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_begins(
    project: Project, workflow: str, last_phase: str | None, sentence: str
) -> None:
    configure(project, "true")
    with pytest.raises(InvalidInputError, match=sentence):
        project.run("demo-1", workflow=workflow, last_phase=last_phase)
    assert project.executions() == []


def test_a_fault_in_the_configuration_is_told_before_anything_begins(project: Project) -> None:
    configure(project, "true", more='[phases.other]\nprompt = "nowhere.md"\n')
    with pytest.raises(ConfigurationError, match=r"adw\.toml:12: phases\.other: the prompt 'nowhere\.md'"):
        project.run("demo-1", workflow="thorough")
    assert project.executions() == []


def test_a_run_whose_workflow_was_not_saved_with_it_is_refused_in_one_sentence(project: Project) -> None:
    saved: JSON = {"issue": None, "agent": None}
    project.ask(
        lambda state: state.create_execution(
            "demo-1",
            adw_id="run-1",
            workflow="ours",
            phases=["plan"],
            first_checkpoint=("run_started", saved),
        )
    )
    with pytest.raises(InvalidInputError, match=r"^execution run-1 was not begun by `adw run`"):
        project.resume("run-1")


def test_a_command_is_given_no_input_and_both_its_outputs_in_order(project: Project) -> None:
    configure(project, "cat; echo one; echo two >&2; echo three; exit 1", at_most=1)
    outcome = project.run("demo-1", workflow="thorough")

    assert str(outcome.error).endswith("the end of its output:\none\ntwo\nthree")


def test_what_an_agent_that_judges_changes_is_taken_back_and_kept(project: Project, tmp_path: Path) -> None:
    configure(project, "true")
    judge = tmp_path / "judge.sh"
    judge.write_text('#!/bin/sh\necho bad > README.md\necho \'{"verdict": "approve", "reasons": []}\'\n')
    judge.chmod(0o755)
    project.run("demo-1", adw_id="run-1", workflow="thorough", last_phase="test")
    project.resume("run-1", agent=str(judge), last_phase="review")

    folder = project.path / ".adw" / "agents" / "run-1" / "review" / "attempt-1"
    assert "+bad" in (folder / "review-changes.patch").read_text()
