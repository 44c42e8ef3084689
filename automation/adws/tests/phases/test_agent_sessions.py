"""Sessions of known agents: stored at once, gone on with once; what they used is counted once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adw_state.agents.last_event import LastEvent, events_of_runs
from adw_state.clock import parse_time
from adw_state.configuration.settings import Config
from adw_state.errors import ConfigurationError
from adw_state.processes.running import Limits
from adws.tests.conftest import NOW
from adws.tests.phases.played_agents import Played, played
from adws.tests.phases.processes import call, run_apart, wait_until
from adws.tests.phases.projects import Project

STARTED = """printf '{"type":"thread.started","thread_id":"%s"}\\n' "$1"\n"""
FAILED_401 = STARTED + """echo '{"type":"turn.failed","error":{"message":"401 Unauthorized"}}'; exit 1\n"""
REJECTED = STARTED + (
    """echo '{"type":"item.completed","item":{"type":"agent_message","text":"{\\"verdict\\": \\"reject\\", """
    """\\"reasons\\": [\\"no test\\"]}"}}'\n"""
    """echo '{"type":"turn.completed","usage":{"input_tokens":10,"output_tokens":1}}'\n"""
)
UNKNOWN = "echo 'Error: thread/resume failed: no rollout found for thread id x' >&2; exit 1\n"


@pytest.fixture
def codex(tmp_path: Path) -> Played:
    """A program that plays Codex, whose counts are those of the session."""
    return played(tmp_path / "agents", "codex")


@pytest.fixture
def opencode(tmp_path: Path) -> Played:
    """A program that plays opencode, whose counts are those of the call."""
    return played(tmp_path / "agents", "opencode")


def rows(project: Project, run: str = "run-1") -> list[tuple[Any, ...]]:
    """Of each attempt phase, status, class of the error, session and tokens: in, from the cache, out."""
    return [
        (a.phase, a.status, a.error_class, a.session_id, a.input_tokens, a.cache_read_tokens, a.output_tokens)
        for a in project.attempts(run)
    ]


def test_a_run_with_a_known_agent_keeps_session_model_and_tokens_of_each_attempt(
    project: Project, codex: Played
) -> None:
    outcome = project.run("demo-1", adw_id="run-1", agent=f"{codex.command} -m gpt-demo")
    assert (outcome.status, outcome.execution.id) == ("completed", "run-1")
    assert rows(project) == [
        ("plan", "completed", None, "session-plan-1", 600, 400, 100),
        ("build", "completed", None, "session-build-1", 600, 400, 100),
        ("review", "completed", None, "session-review-1", 600, 400, 100),
    ]
    found = project.attempts("run-1")[0]
    assert (found.agent, found.model, found.reasoning_tokens) == ("codex", "gpt-demo", 25)
    assert (found.cost_usd, found.cost_kind) == (None, "unknown")
    assert [seen["words"][:4] for seen in codex.calls()] == [
        ["exec", "--json", "-s", "workspace-write"],
        ["exec", "--json", "-s", "workspace-write"],
        ["exec", "--json", "-s", "read-only"],
    ]
    assert all(seen["pwd"] == seen["cwd"] for seen in codex.calls())


def test_a_session_is_stored_while_its_agent_works_and_gone_on_with_after_a_kill(
    project: Project, codex: Played
) -> None:
    codex.script("build", 1, STARTED + "sleep 60\n")
    with run_apart(project, agent=codex.command) as process:
        wait_until(lambda: rows(project)[-1][3:4] == ("session-build-1",) if codex.calls() else False)
        process.kill()
    assert rows(project)[-1][:4] == ("build", "in_progress", None, "session-build-1")
    heard = json.loads((call(project, "build") / "last_event.json").read_text())
    assert heard == {
        "at": "2026-11-23T12:00:00.000000Z", "kind": "thread.started", "events": 1, "skipped_lines": 0,
    }  # fmt: skip
    told = events_of_runs(project.path / ".adw" / "agents", ["run-1", "run-2"])
    assert told == {"run-1": LastEvent(parse_time(NOW), "thread.started", 1)}
    assert project.resume("run-1", agent=None).status == "completed"
    assert codex.resumed() == [
        ("plan", None), ("build", None), ("build", "session-build-1"), ("review", None)
    ]  # fmt: skip
    assert events_of_runs(project.path / ".adw" / "agents", ["run-1"]) == {}
    assert [seen["told"] for seen in codex.calls()] == [False, False, True, False]
    assert rows(project)[1:3] == [
        ("build", "interrupted", None, "session-build-1", None, None, None),
        ("build", "completed", None, "session-build-1", 600, 400, 100),
    ]


def test_what_a_killed_agent_had_used_is_noted_when_its_run_goes_on(
    project: Project, opencode: Played
) -> None:
    step = (
        '{"type":"step_finish","sessionID":"session-build-1","part":{"reason":"tool-calls","cost":0.5,'
        '"tokens":{"input":7,"output":3,"reasoning":2,"cache":{"read":5,"write":1}}}}'
    )
    opencode.script("build", 1, f"echo '{step}'; sleep 60\n")
    with run_apart(project, agent=opencode.command) as process:
        wait_until(lambda: "build" in [seen["phase"] for seen in opencode.calls()])
        wait_until(lambda: rows(project)[-1][3] == "session-build-1")
        process.kill()
    assert project.resume("run-1", agent=None).status == "completed"
    lost = project.attempts("run-1")[1]
    assert rows(project)[1] == ("build", "interrupted", None, "session-build-1", 7, 5, 5)
    assert (lost.cache_write_tokens, lost.reasoning_tokens) == (1, 2)
    assert (lost.cost_usd, lost.cost_kind) == (0.5, "reported")
    assert rows(project)[2] == ("build", "completed", None, "session-build-1", 600, 400, 100)


def test_an_agent_that_has_lost_its_session_begins_a_new_one_and_both_are_kept(
    project: Project, codex: Played
) -> None:
    codex.script("build", 1, FAILED_401)
    codex.script("build", 2, UNKNOWN)
    assert project.run("demo-1", adw_id="run-1", agent=codex.command).status == "failed"
    assert project.resume("run-1", agent=None).status == "completed"
    assert codex.resumed()[1:4] == [("build", None), ("build", "session-build-1"), ("build", None)]
    assert rows(project)[1:3] == [
        ("build", "failed", "auth", "session-build-1", None, None, None),
        ("build", "completed", None, "session-build-3", 600, 400, 100),
    ]
    said = "the agent codex does not know its session session-build-1 any more; it begins a new one"
    assert said in project.warnings()
    refused = call(project, "build").with_name("attempt-2") / "unknown-session"
    assert "no rollout found" in (refused / "stderr.txt").read_text()


def test_a_session_is_gone_on_with_once_and_then_a_new_one_is_begun(project: Project, codex: Played) -> None:
    for number in (1, 2, 3):
        codex.script("build", number, FAILED_401)
    assert project.run("demo-1", adw_id="run-1", agent=codex.command).status == "failed"
    for expected in ("failed", "failed", "completed"):
        assert project.resume("run-1", agent=None).status == expected
    assert codex.resumed()[1:5] == [
        ("build", None), ("build", "session-build-1"), ("build", None), ("build", "session-build-3")
    ]  # fmt: skip


def test_a_run_that_was_sent_back_goes_on_with_the_session_and_counts_what_was_added(
    project: Project, codex: Played
) -> None:
    codex.script("review", 1, REJECTED)
    assert project.run("demo-1", adw_id="run-1", agent=codex.command).status == "failed"
    assert project.resume("run-1", agent=None).status == "completed"
    assert codex.resumed() == [
        ("plan", None), ("build", None), ("review", None),
        ("build", "session-build-1"), ("review", "session-review-1"),
    ]  # fmt: skip
    assert [row[3:] for row in rows(project) if row[0] == "build"] == [
        ("session-build-1", 600, 400, 100),
        ("session-build-1", 600, 400, 100),
    ]


def test_another_agent_does_not_go_on_with_a_session(project: Project, codex: Played, tmp_path: Path) -> None:
    other = played(tmp_path / "others", "opencode")
    codex.script("build", 1, FAILED_401)
    assert project.run("demo-1", adw_id="run-1", agent=codex.command).status == "failed"
    assert project.resume("run-1", agent=other.command).status == "completed"
    assert other.resumed() == [("build", None), ("review", None)]


def test_an_agent_whose_stream_ends_without_its_last_event_was_cut_off_whatever_its_exit_code(
    project: Project, codex: Played
) -> None:
    codex.script("plan", 1, STARTED + "exit 0\n")
    codex.script("plan", 2, STARTED + "exit 3\n")
    first = project.run("demo-1", adw_id="run-1", agent=codex.command)
    assert str(first.error) == (
        "the agent's output ends without a result, so it was cut off before it was done"
    )
    assert str(project.resume("run-1", agent=None).error) == (
        "the agent codex ended with exit code 3 and said nothing"
    )
    assert [row[1:4] for row in rows(project)] == [
        ("failed", "cut_off", "session-plan-1"),
        ("failed", "cut_off", "session-plan-1"),
    ]


def test_an_agent_that_says_nothing_more_is_stalled(project: Project, codex: Played) -> None:
    codex.script("plan", 1, STARTED + "sleep 60\n")
    limits = Limits(timeout_seconds=60, grace_seconds=2, idle_seconds=0.5)
    outcome = project.run("demo-1", adw_id="run-1", agent=codex.command, limits=limits)
    assert str(outcome.error) == "the agent codex said nothing for 0.5 s and was stopped"
    assert rows(project)[0][1:4] == ("failed", "stalled", "session-plan-1")


def test_silence_is_no_sign_of_an_agent_that_prints_no_events(project: Project) -> None:
    limits = Limits(timeout_seconds=60, grace_seconds=2, idle_seconds=0.2)
    agent = project.path.parent / "quiet.sh"
    agent.write_text("#!/bin/sh\nsleep 0.5; echo done\n")
    agent.chmod(0o755)
    outcome = project.run("demo-1", adw_id="run-1", agent=str(agent), limits=limits, last_phase="plan")
    assert str(outcome.error) == "the agent ended without writing specs/demo-1-plan.md"
    assert rows(project)[0][:3] == ("plan", "failed", "phase_failed")


def test_a_cost_that_is_not_reported_is_estimated_from_the_price_file(
    project: Project, codex: Played
) -> None:
    prices = '[models."gpt-*"]\ninput = 2\ncache_read = 0.5\noutput = 10\n'
    (project.path / "prices.toml").write_text(prices)
    project.config = Config(prices="prices.toml")
    outcome = project.run(
        "demo-1", adw_id="run-1", agent=f"{codex.command} -m gpt-demo", last_phase="plan", allow_dirty=True
    )
    assert outcome.error is None
    found = project.attempts("run-1")[0]
    assert (found.cost_usd, found.cost_kind) == (0.0024, "estimated")


def test_a_price_file_that_is_missing_stops_a_run_before_it_begins(project: Project, codex: Played) -> None:
    project.config = Config(prices="prices.toml")
    with pytest.raises(ConfigurationError) as caught:
        project.run("demo-1", agent=codex.command)
    assert caught.value.hint == "check `prices` in adw.toml"
    assert project.executions() == []


def test_a_reported_cost_is_kept_beside_an_unknown_one(project: Project, opencode: Played) -> None:
    assert project.run("demo-1", adw_id="run-1", agent=opencode.command).status == "completed"
    assert [(a.cost_usd, a.cost_kind) for a in project.attempts("run-1")] == [(0.25, "reported")] * 3
    assert [seen["words"] for seen in opencode.calls()] == [
        ["run", "--format", "json", "--title", "adw"],
        ["run", "--format", "json", "--title", "adw"],
        ["run", "--format", "json", "--title", "adw", "--agent", "plan"],
    ]
