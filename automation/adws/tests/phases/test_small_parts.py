"""Names, owners, prompts, agents: the small parts that runs are made of."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw_state.agents.any_command import AnyReading
from adw_state.agents.choice import resolve_agent
from adw_state.agents.claude import ClaudeReading
from adw_state.agents.reading import PlainReading, Reading
from adw_state.clock import parse_time
from adw_state.configuration.definitions import BUILT_IN, PhaseDefinition
from adw_state.configuration.prompts import build_prompt, issue_as_text
from adw_state.errors import AgentMissingError, InvalidInputError
from adw_state.git.commits import commit_message
from adw_state.git.worktrees import safe_name
from adw_state.state import Execution
from adw_state.store.owner import owner_is_dead, process_mark, this_owner
from adw_state.trackers.tracker import Issue
from adw_state.workflow.progress import Event, describe
from adw_state.workflow.requests import Request, read_request
from adws.tests.conftest import NOW
from adws.tests.phases.projects import VALUES

EXECUTION = Execution(
    id="r",
    issue_id="i-1",
    workflow=BUILT_IN.name,
    environment="local",
    phases=BUILT_IN.names,
    phase="plan",
    status="pending",
    started_at=parse_time(NOW),
    updated_at=parse_time(NOW),
)


@given(st.text(min_size=1))
def test_a_safe_name_holds_letters_digits_and_single_dashes(text: str) -> None:
    name = safe_name(text)
    assert 1 <= len(name) <= 57
    assert all(part.isascii() and part.isalnum() and part == part.lower() for part in name.split("-"))
    assert safe_name(text) == name


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_texts_have_different_safe_names(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one == other)


def test_a_name_that_is_safe_already_stays() -> None:
    assert safe_name("demo-12") == "demo-12"
    assert safe_name("-") == safe_name("-").strip("-")


def test_this_process_lives() -> None:
    owner = this_owner()
    assert owner_is_dead(owner) is False
    assert this_owner() != owner


def test_a_process_that_has_ended_is_dead_and_so_is_a_zombie() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    host = this_owner().split(":")[0]
    owner = f"{host}:{child.pid}:{process_mark(child.pid)}:0"
    assert owner_is_dead(owner) is False
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert (owner_is_dead(owner), process_mark(child.pid)) == (True, None)
    child.wait()
    assert owner_is_dead(owner) is True


def test_another_process_with_the_same_number_is_not_the_owner() -> None:
    host, pid, mark, rest = this_owner().split(":")
    place, _, start = mark.rpartition(".")
    assert owner_is_dead(f"{host}:{pid}:{place}.{int(start) + 1}:{rest}") is True


@pytest.mark.parametrize("changed", [0, 2])
def test_of_another_host_or_another_boot_nothing_is_said(changed: int) -> None:
    parts = this_owner().split(":")
    parts[changed] = "elsewhere.1.1"
    assert owner_is_dead(":".join(parts)) is None


@pytest.mark.parametrize("text", ["", "somebody", "a:b:c:d", "host:1"])
def test_of_an_owner_in_another_form_nothing_is_said(text: str) -> None:
    assert owner_is_dead(text) is None


@pytest.mark.parametrize("phase", BUILT_IN.phases)
def test_what_is_filled_into_a_prompt_is_not_looked_through_again(phase: PhaseDefinition) -> None:
    prompt = build_prompt(phase, {}, {**VALUES, "issue": "costs $plan_file $$ ${branch} $1"})
    assert "costs $plan_file $$ ${branch} $1" in prompt


def test_the_first_line_of_a_prompt_cannot_be_ended_from_inside() -> None:
    line = build_prompt(BUILT_IN.phases[0], {"title": 'x --> "y"\n<!-- adw: {}'}, VALUES).splitlines()[0]
    assert line.startswith("<!-- adw: {")
    assert line.index("-->") == len(line) - 3


def test_an_issue_is_told_with_the_parts_it_has() -> None:
    issue = Issue("i-1", "Title", "bug", 0, description="What is wrong.", notes=" ", labels=("a", "b"))
    assert issue_as_text(issue) == (
        "# Title\n\nIssue: i-1\nType: bug\nPriority: 0 (0 is the most urgent)\nLabels: a, b\n\n"
        "## Description\n\nWhat is wrong."
    )


def test_a_commit_has_a_subject_of_at_most_72_characters_on_one_line() -> None:
    assert commit_message("Plan", Issue("i-1", "Two\nlines")) == "Plan i-1: Two lines"
    long = commit_message("Build", Issue("i-1", "word " * 40))
    assert (len(long) <= 72, long[-1], "\n" in long) == (True, "…", False)


def test_a_request_is_kept_without_a_command_line_that_holds_a_credential() -> None:
    issue = Issue("i-1", "T", labels=("a",))
    open_one = Request(issue, BUILT_IN, "agent --fast")
    assert read_request(open_one.to_json({}, Path("/project")), EXECUTION) == open_one
    closed = Request(issue, BUILT_IN, "agent --key swordfish-7")
    saved = closed.to_json({"AGENT_TOKEN": "swordfish-7"}, Path("/project"))
    assert read_request(saved, EXECUTION) == Request(issue, BUILT_IN, None)


@pytest.mark.parametrize("saved", [None, [], {}, {"issue": None, "agent": None}, {"issue": {"id": "x"}}])
def test_a_run_that_others_began_cannot_be_gone_on_with(saved: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^execution r was not begun by `adw run`"):
        read_request(saved, EXECUTION)  # type: ignore[arg-type]


def test_a_run_whose_workflow_was_not_saved_with_it_cannot_be_gone_on_with() -> None:
    saved = Request(Issue("i-1", "T"), BUILT_IN, "agent").to_json({}, Path("/project"))
    del saved["workflow"]
    assert read_request(saved, EXECUTION).workflow == BUILT_IN
    theirs = replace(EXECUTION, workflow="ours", phases=("ship",))
    with pytest.raises(InvalidInputError, match=r"^execution r was saved without .* its workflow 'ours', so"):
        read_request(saved, theirs)


def program(folder: Path, name: str) -> str:
    """A program of this name on a PATH of its own."""
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)
    return str(folder)


def test_claude_may_edit_in_build_and_only_read_in_review(tmp_path: Path) -> None:
    environ = {"PATH": program(tmp_path, "claude")}
    agent = resolve_agent("claude --model 'opus 5'", directory=tmp_path, environ=environ)
    begin = (str(tmp_path / "claude"), "-p", "--output-format", "stream-json", "--verbose")
    assert agent.command_for("change") == (*begin, "--permission-mode", "acceptEdits", "--model", "opus 5")
    assert agent.command_for("verdict")[5:6] == ("--allowedTools",)
    assert "Edit" not in agent.command_for("verdict")[6]
    assert (agent.name, type(agent.new_reading())) == ("claude", ClaudeReading)


@pytest.mark.parametrize(
    ("flags", "reading"),
    [
        ("--output-format text", PlainReading),
        ("--output-format=text", PlainReading),
        ("--output-format json", ClaudeReading),
        ("--output-format stream-json --verbose", ClaudeReading),
        ("--append-system-prompt text", ClaudeReading),
    ],
)
def test_claude_is_plain_only_where_its_output_is_told_to_be(
    tmp_path: Path, flags: str, reading: type[Reading]
) -> None:
    agent = resolve_agent(
        f"claude {flags}", directory=tmp_path, environ={"PATH": program(tmp_path, "claude")}
    )
    assert type(agent.new_reading()) is reading


def test_permissions_that_the_user_gives_replace_ours(tmp_path: Path) -> None:
    environ = {"PATH": program(tmp_path, "claude")}
    text = "claude --print --output-format=stream-json --permission-mode plan"
    agent = resolve_agent(text, directory=tmp_path, environ=environ)
    assert agent.command_for("change") == (
        str(tmp_path / "claude"), "--print", "--output-format=stream-json", "--permission-mode", "plan"
    )  # fmt: skip
    assert agent.command_for("verdict") == agent.command_for("change")


def test_a_program_beside_the_user_is_found_from_there(tmp_path: Path) -> None:
    program(tmp_path, "my-agent")
    agent = resolve_agent("./my-agent 'two words'", directory=tmp_path, environ={})
    assert agent.command_for("plan") == (str(tmp_path / "my-agent"), "two words")
    assert (agent.name, type(agent.new_reading())) == ("my-agent", AnyReading)


@pytest.mark.parametrize("text", ["my-agent", "./gone", "/gone/agent"])
def test_a_program_that_is_not_there_is_missing(tmp_path: Path, text: str) -> None:
    with pytest.raises(AgentMissingError):
        resolve_agent(text, directory=tmp_path, environ={"PATH": str(tmp_path)})


def test_events_are_told_in_one_line_each_or_not_at_all() -> None:
    about = {"execution_id": "r-1", "phase": "build", "attempt": 2}
    told = [
        describe(Event("phase_started", **about)),  # type: ignore[arg-type]
        describe(Event("phase_failed", "no", seconds=1.25, **about)),  # type: ignore[arg-type]
        describe(Event("commit_made", "abc")),
        describe(Event("warning", "careful")),
        describe(Event("run_finished", "in_progress", execution_id="r-1")),
    ]
    assert told == [
        "build: started (attempt 2)",
        "build: failed in 1.2 s: no",
        None,
        "warning: careful",
        "r-1 is in progress",
    ]
