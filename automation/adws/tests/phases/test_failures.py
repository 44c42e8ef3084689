"""Phases that fail: what is recorded, what the user is told, and how the run goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adw_state.errors import (
    AgentExitError,
    AgentMissingError,
    AgentOutputError,
    AgentTimeoutError,
    ConfigurationError,
    IllegalTransitionError,
    InvalidInputError,
)
from adw_state.processes.running import Limits
from adw_state.state import Execution
from adw_state.store.owner import process_mark
from adw_state.workflow.settings import RunOutcome
from adws.tests.phases.projects import Project, script

PHASES = ("plan", "build", "review")


def call(project: Project, run: Execution, phase: str, attempt: int) -> Path:
    """The folder of an agent call."""
    return project.path / ".adw" / "agents" / run.id / phase / f"attempt-{attempt}"


def told(outcome: RunOutcome) -> str:
    """The sentence a user reads; it must be in the record too."""
    assert outcome.execution.status == "failed"
    assert outcome.execution.error_message == str(outcome.error)
    return str(outcome.error)


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_that_fails_stops_the_run_and_is_recorded(project: Project, phase: str) -> None:
    outcome = project.run("demo-1", "--fail", f"{phase}:tests do not pass")
    assert told(outcome) == "tests do not pass"
    assert (outcome.exit_code, outcome.execution.phase, outcome.execution.claimed) == (1, phase, False)
    last = project.attempts(outcome.execution.id)[-1]
    assert (last.phase, last.status, last.error_message, last.exit_code) == (
        phase,
        "failed",
        "tests do not pass",
        1,
    )
    assert last.cost_usd == {"plan": 0.0421, "build": 0.1873, "review": 0.0312}[phase]
    assert project.calls() == [*PHASES[: PHASES.index(phase) + 1]]


@pytest.mark.parametrize("obstacle", ["file", "dangling link"])
def test_a_project_where_runs_cannot_keep_their_files_is_refused_before_anything_is_recorded(
    project: Project, obstacle: str
) -> None:
    place = project.path / ".adw"
    if obstacle == "file":
        place.write_text("mine")
    else:
        place.symlink_to("/nonexistent")
    with pytest.raises(ConfigurationError, match=f"^runs cannot keep their files in {place}: "):
        project.run("demo-1")
    assert project.executions() == []
    place.unlink()
    assert project.run("demo-1").status == "completed"


def test_the_log_of_a_failed_run_ends_in_the_known_way(project: Project) -> None:
    run = project.run("demo-1", "--fail", "build:tests do not pass").execution
    assert [line.partition(" - ")[2] for line in project.log_text(run).splitlines()][-3:] == [
        "ERROR - tests do not pass",
        "ERROR - adw_phases/adw_build.py failed with exit code 1",
        "ERROR - ADW workflow failed for issue #demo-1",
    ]


@pytest.mark.parametrize("phase", PHASES)
def test_a_failed_run_goes_on_with_a_new_attempt_at_that_phase(project: Project, phase: str) -> None:
    failed = project.run("demo-1", "--fail", f"{phase}:no").execution
    outcome = project.resume(failed.id)
    assert (outcome.status, outcome.execution.error_message) == ("completed", None)
    before = project.calls().index(phase)
    assert project.calls() == [
        *["plan", "build", "review"][:before],
        phase,
        *["plan", "build", "review"][before:],
    ]
    assert project.commits(outcome.execution) == ["plan_committed", "build_committed"]
    ends = [(a.phase, a.attempt, a.status) for a in project.attempts(failed.id) if a.phase == phase]
    assert ends == [(phase, 1, "failed"), (phase, 2, "completed")]


def test_what_a_failed_build_left_in_the_files_does_not_reach_the_next_attempt(project: Project) -> None:
    failed = project.run("demo-1", "--fail", "build:no").execution
    tree = Path(str(failed.worktree_path))
    assert (tree / "src").is_dir(), "the scripted agent does half of its work before it fails"
    (tree / "src" / "junk.py").write_text("junk\n")
    outcome = project.resume(failed.id)
    files = project.git("ls-tree", "-r", "--name-only", str(outcome.execution.branch_name))
    assert "junk.py" not in files
    patch = call(project, failed, "build", 2) / "leftovers.patch"
    assert "+junk" in patch.read_text()


def test_the_next_attempt_is_told_why_the_last_one_failed(project: Project) -> None:
    failed = project.run("demo-1", "--fail", "build:tests do not pass").execution
    project.resume(failed.id)
    reason = "An earlier attempt at build failed, for this reason:\n\n> tests do not pass\n"
    assert reason not in (call(project, failed, "build", 1) / "prompt.md").read_text()
    assert reason in (call(project, failed, "build", 2) / "prompt.md").read_text()


def test_a_rejected_review_fails_the_run_with_its_reasons_and_can_be_built_again(project: Project) -> None:
    rejected = project.run("demo-1", "--reject", "the limit is not checked")
    assert told(rejected) == "the review rejected the change: the limit is not checked"
    run = rejected.execution
    assert rejected.error is not None
    assert rejected.error.hint == "resume: build is done again with these reasons, then all that follows it"
    built = project.phase("build", "demo-1", adw_id=run.id)
    assert (built.status, built.execution.phase) == ("in_progress", "build")
    prompt = call(project, run, "build", 2) / "prompt.md"
    assert "> the review rejected the change: the limit is not checked" in prompt.read_text()
    assert project.resume(run.id).status == "completed"
    assert project.calls() == ["plan", "build", "review", "build", "review"]


def test_a_completed_run_cannot_be_resumed(project: Project) -> None:
    run = project.run("demo-1").execution
    with pytest.raises(
        IllegalTransitionError, match=f"^execution {run.id} is completed; there is nothing left to do$"
    ):
        project.resume(run.id)


def test_an_agent_that_never_ends_is_stopped_with_all_its_processes(project: Project, tmp_path: Path) -> None:
    agent = script(tmp_path, f"trap '' TERM; sleep 60 & echo $! > '{tmp_path}/worker'; wait; wait")
    outcome = project.run("demo-1", agent=agent, limits=Limits(timeout_seconds=0.3, grace_seconds=0.2))
    assert isinstance(outcome.error, AgentTimeoutError)
    assert told(outcome) == "the agent agent.sh did not end within 0.3 s and was stopped"
    assert process_mark(int((tmp_path / "worker").read_text())) is None


def test_an_agent_that_prints_without_end_is_stopped(project: Project, tmp_path: Path) -> None:
    agent = script(tmp_path, "yes 'all work and no play'")
    outcome = project.run("demo-1", agent=agent, limits=Limits(60, output_bytes=1024 * 1024, grace_seconds=1))
    assert isinstance(outcome.error, AgentOutputError)
    assert told(outcome) == "the agent agent.sh printed more than 1 MiB and was stopped"
    output = (
        project.path / ".adw" / "agents" / outcome.execution.id / "plan" / "attempt-1" / "raw_output.jsonl"
    )
    assert output.stat().st_size == 1024 * 1024


def test_an_agent_that_printed_too_much_has_failed_even_if_it_ended_quickly(
    project: Project, tmp_path: Path
) -> None:
    agent = script(tmp_path, "head -c 2000 /dev/zero")
    outcome = project.run("demo-1", agent=agent, limits=Limits(60, output_bytes=1000))
    assert isinstance(outcome.error, AgentOutputError)


def test_the_commits_of_an_agent_that_failed_are_taken_back(project: Project, tmp_path: Path) -> None:
    commit = "git -c user.name=T -c user.email=t@example.org commit -q --allow-empty -m mine"
    for ending in ("exit 1", """echo '{"type": "result", "is_error": true}'"""):
        run = project.run("demo-1", agent=script(tmp_path, f"{commit}; {ending}")).execution
        assert run.status == "failed"
        assert project.git("rev-parse", str(run.branch_name)) == project.git("rev-parse", "main")


def test_six_hundred_megabytes_are_too_much_by_default(project: Project, tmp_path: Path) -> None:
    # A file with a hole takes no room on the disk.
    outcome = project.run("demo-1", agent=script(tmp_path, "truncate -s 600000000 /proc/self/fd/1; sleep 60"))
    assert told(outcome) == "the agent agent.sh printed more than 512 MiB and was stopped"


@pytest.mark.parametrize("phase", PHASES)
def test_garbage_is_no_result(project: Project, phase: str) -> None:
    outcome = project.run("demo-1", "--garbage", phase)
    assert isinstance(outcome.error, AgentOutputError)
    assert told(outcome) == "the agent's output holds no result: it printed '}{ this is not a result'"


def test_an_agent_that_ends_with_an_error_is_quoted(project: Project, tmp_path: Path) -> None:
    outcome = project.run("demo-1", agent=script(tmp_path, "echo 'quota used up' >&2; exit 7"))
    assert isinstance(outcome.error, AgentExitError)
    assert told(outcome) == "the agent agent.sh ended with exit code 7: quota used up"
    assert project.attempts(outcome.execution.id)[0].exit_code == 7


def test_an_agent_that_is_killed_is_named_with_its_signal(project: Project, tmp_path: Path) -> None:
    outcome = project.run("demo-1", agent=script(tmp_path, "kill -9 $$"))
    assert told(outcome) == "the agent agent.sh was ended by signal 9 and said nothing"
    assert project.attempts(outcome.execution.id)[0].exit_code == -9


def test_a_plan_that_was_not_written_is_a_failure(project: Project, tmp_path: Path) -> None:
    outcome = project.run("demo-1", agent=script(tmp_path, "echo I have a plan"))
    assert told(outcome) == "the agent ended without writing specs/demo-1-plan.md"


def test_a_build_that_changed_nothing_is_a_failure_and_is_built_anew(
    project: Project, tmp_path: Path
) -> None:
    planned = project.run("demo-1", last_phase="plan").execution
    outcome = project.resume(planned.id, agent=script(tmp_path, "echo nothing to do"))
    assert told(outcome) == "the agent ended without changing a file"
    assert project.resume(planned.id, agent=project.agent()).status == "completed"
    assert project.calls() == ["plan", "build", "review"]


def test_a_review_without_a_verdict_is_a_failure(project: Project, tmp_path: Path) -> None:
    built = project.run("demo-1", last_phase="build").execution
    outcome = project.resume(built.id, agent=script(tmp_path, "echo looks fine to me"))
    assert told(outcome) == "the review cannot be understood: its verdict is none"


def test_a_plain_agent_can_review(project: Project, tmp_path: Path) -> None:
    built = project.run("demo-1", last_phase="build").execution
    agent = script(
        tmp_path, """echo 'Good {work}.'; echo '{"verdict": "approve", "reasons": ["it works"]}'"""
    )
    assert project.resume(built.id, agent=agent).status == "completed"


def test_what_a_reviewer_changes_is_taken_back(project: Project, tmp_path: Path) -> None:
    built = project.run("demo-1", last_phase="build").execution
    agent = script(tmp_path, """echo bad > README.md; git commit -qam x; echo '{"verdict": "approve"}'""")
    outcome = project.resume(built.id, agent=agent)
    assert outcome.status == "completed"
    assert project.git("show", f"{outcome.execution.branch_name}:README.md") == "# Shop\n"
    assert (Path(str(outcome.execution.worktree_path)) / "README.md").read_text() == "# Shop\n"


@pytest.mark.parametrize(
    ("agent", "sentence"),
    [
        ("no-such-agent --fast", "the agent's program 'no-such-agent' was not found"),
        ("./agent.sh", f"the agent's program {str(Path.cwd() / 'agent.sh')!r} was not found"),
    ],
)
def test_a_missing_agent_is_noticed_before_anything_is_made(
    project: Project, agent: str, sentence: str
) -> None:
    with pytest.raises(AgentMissingError) as caught:
        project.run("demo-1", agent=agent)
    assert str(caught.value) == sentence
    assert project.executions() == []
    assert not (project.path / ".adw").exists()


@pytest.mark.parametrize("agent", ["", "  ", "claude 'open quote"])
def test_a_text_that_is_no_command_is_refused(project: Project, agent: str) -> None:
    with pytest.raises(InvalidInputError):
        project.run("demo-1", agent=agent or " ")


def test_a_missing_agent_does_not_touch_a_run_that_is_to_be_resumed(project: Project) -> None:
    failed = project.run("demo-1", "--fail", "build:no").execution
    with pytest.raises(AgentMissingError):
        project.resume(failed.id, agent="no-such-agent")
    assert project.executions() == [failed]


def test_what_an_agent_leaves_running_is_stopped_when_it_has_ended(project: Project, tmp_path: Path) -> None:
    agent = script(tmp_path, f"sleep 60 & echo $! > '{tmp_path}/worker'")
    project.run("demo-1", agent=agent)
    assert process_mark(int((tmp_path / "worker").read_text())) is None


def test_secrets_in_what_an_agent_says_are_masked_everywhere(project: Project, tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    agent = script(tmp_path, f"echo 'push failed for {token} with hunter2-hunter2' >&2; exit 1")
    environ = {"PATH": os.environ["PATH"], "SHOP_PASSWORD": "hunter2-hunter2"}
    outcome = project.run("demo-1", agent=agent, environ=environ)
    assert (
        told(outcome) == "the agent agent.sh ended with exit code 1: push failed for [masked] with [masked]"
    )
    assert token not in project.log_text(outcome.execution)
    assert token.encode() not in project.database.read_bytes()
    assert b"hunter2" not in project.database.read_bytes()


def test_a_secret_in_the_name_of_a_file_is_not_stored(project: Project, tmp_path: Path) -> None:
    planned = project.run("demo-1", last_phase="plan").execution
    environ = {"PATH": os.environ["PATH"], "SHOP_PASSWORD": "hunter2-hunter2"}
    agent = script(tmp_path, "touch dump-hunter2-hunter2.txt .env-hunter2-hunter2; echo done")
    project.resume(planned.id, agent=agent, environ=environ, last_phase="build")
    saved = project.ask(lambda state: state.load_checkpoint(planned.id, checkpoint_name="build_committed"))
    assert "dump-[masked].txt" in saved.data["files"]
    assert "hunter2" not in project.log_text(planned)
    assert b"hunter2" not in project.database.read_bytes()
    states = [path for path in project.path.rglob("*.json") if b"hunter2" in path.read_bytes()]
    assert states == []


def test_git_variables_of_a_surrounding_command_do_not_reach_the_agent(
    project: Project, tmp_path: Path
) -> None:
    agent = script(tmp_path, f"env > '{tmp_path}/env'; exit 1")
    project.run(
        "demo-1", agent=agent, environ={"PATH": os.environ["PATH"], "GIT_DIR": "/nowhere", "KEPT": "yes"}
    )
    seen = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert "GIT_DIR" not in seen
    assert seen["KEPT"] == "yes"
