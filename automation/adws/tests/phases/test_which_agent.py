"""Which program a run's agent is: from a setting or an option, in any folder, and when it goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adw_state.agents.choice import resolve_agent, seen_from_project
from adw_state.configuration.definitions import BUILT_IN, PhaseDefinition, WorkflowDefinition
from adw_state.configuration.labels import LabelSettings
from adw_state.configuration.settings import Config, load_config
from adw_state.errors import AgentMissingError, InvalidInputError
from adw_state.trackers.tracker import Issue
from adw_state.workflow.agents import agents_of, new_request
from adw_state.workflow.requests import Request, read_request
from adw_state.workflow.runner import run_issue
from adw_state.workflow.settings import RunOutcome
from adws.tests.phases.projects import Project

CLI = (sys.executable, "-m", "adw_state.cli")


def agent(path: Path, name: str) -> None:
    """A program that plays an agent's part and leaves its name in the plan."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"""#!/bin/sh
IFS= read -r head
plan=$(printf '%s' "$head" | sed -n 's/.*"plan_file": *"\\([^"]*\\)".*/\\1/p')
case $head in
  *'"phase": "plan"'*) mkdir -p specs; echo 'by {name}' > "$plan" ;;
  *'"phase": "build"'*) echo 'by {name}' > built ;;
  *) echo '{{"verdict": "approve", "reasons": ["by {name}"]}}' ;;
esac
"""
    )
    path.chmod(0o755)


def by(project: Project, branch: str | None, phase: str) -> str:
    """The agent that did a phase."""
    file = {"plan": "specs/demo-1-plan.md", "build": "built"}[phase]
    return project.git("show", f"{branch}:{file}").strip().removeprefix("by ")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder outside the project, with an agent of its own under the same relative name."""
    agent(tmp_path / "elsewhere" / "tools" / "agent.sh", "elsewhere")
    return tmp_path / "elsewhere"


@pytest.fixture
def tools(project: Project) -> Project:
    """The project with an agent in its folder `tools`, and a subfolder to stand in."""
    agent(project.path / "tools" / "agent.sh", "project")
    agent(project.path / "docs" / "tools" / "agent.sh", "docs")
    return project


@pytest.mark.parametrize("folder", [".", "docs", "../elsewhere"])
@pytest.mark.parametrize("command", ["./tools/agent.sh", "tools/agent.sh --fast"])
def test_a_relative_agent_in_the_settings_is_looked_up_from_the_project(
    tools: Project, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, folder: str, command: str
) -> None:
    tools.config = Config(agent=command)
    monkeypatch.chdir(tools.path / folder)
    run = tools.run("demo-1", agent=None, allow_dirty=True).execution
    assert (run.status, by(tools, run.branch_name, "build")) == ("completed", "project")


def test_the_file_and_the_variable_of_the_settings_are_looked_up_alike(tools: Project) -> None:
    (tools.path / "adw.toml").write_text('agent = "./tools/agent.sh"\n')
    assert load_config(tools.path, {}).agent == "./tools/agent.sh"
    assert load_config(tools.path, {"ADW_AGENT": "../x"}).agent == "../x"
    assert load_config(tools.path, {"ADW_AGENT": " "}).agent == "./tools/agent.sh"


@pytest.mark.parametrize(
    ("folder", "name"), [(".", "project"), ("docs", "docs"), ("../elsewhere", "elsewhere")]
)
def test_a_relative_agent_on_the_command_line_is_looked_up_from_the_current_folder(
    tools: Project, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, folder: str, name: str
) -> None:
    monkeypatch.chdir(tools.path / folder)
    run = tools.run("demo-1", agent="./tools/agent.sh", last_phase="plan", allow_dirty=True).execution
    assert by(tools, run.branch_name, "plan") == name


@pytest.mark.parametrize(
    ("folder", "name"), [(".", "project"), ("docs", "docs"), ("../elsewhere", "elsewhere")]
)
def test_a_run_goes_on_with_the_agent_it_began_with_from_any_folder(
    tools: Project, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, folder: str, name: str
) -> None:
    monkeypatch.chdir(tools.path / folder)
    run = tools.run("demo-1", agent="./tools/agent.sh", last_phase="plan", allow_dirty=True).execution
    monkeypatch.chdir(tools.path / ("docs" if folder == "." else "."))
    run = tools.resume(run.id, agent=None).execution
    assert (run.status, by(tools, run.branch_name, "build")) == ("completed", name)


def test_a_relative_agent_inside_the_project_is_that_of_a_copy_in_a_copy(tmp_path: Path) -> None:
    project, copy = tmp_path / "shop", tmp_path / "copy"
    agent(project / "my tools" / "agent.sh", "project")
    kept = seen_from_project(
        "'../my tools/agent.sh' --name 'two words'", directory=project / "x", project=project
    )
    assert kept == "'./my tools/agent.sh' --name 'two words'"
    shutil.copytree(project, copy)
    found = resolve_agent(kept, directory=copy, environ={})
    assert found.command_for("plan") == (str(copy / "my tools" / "agent.sh"), "--name", "two words")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("agent.sh --x ./y", "agent.sh --x ./y"),
        ("claude  --model 'opus 5'", "claude  --model 'opus 5'"),
        ("/opt/agent.sh", "/opt/agent.sh"),
        ("~/bin/agent.sh", "~/bin/agent.sh"),
        ("./agent.sh", "./sub/agent.sh"),
        ("../agent.sh -v", "./agent.sh -v"),
        ("../../other/agent.sh -v", "{outside}/other/agent.sh -v"),
        ("", ""),
        ("'open", "'open"),
    ],
)
def test_only_a_relative_program_is_named_anew(tmp_path: Path, given: str, kept: str) -> None:
    project = tmp_path / "shop"
    (project / "sub").mkdir(parents=True)
    seen = seen_from_project(given, directory=project / "sub", project=project)
    assert seen == kept.replace("{outside}", str(tmp_path))


def test_a_project_that_is_reached_by_a_link_is_the_same_project(tmp_path: Path) -> None:
    (tmp_path / "shop" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to("shop")
    assert (
        seen_from_project("./a", directory=tmp_path / "link" / "sub", project=tmp_path / "shop") == "./sub/a"
    )
    assert seen_from_project("./a", directory=tmp_path / "shop", project=tmp_path / "link") == "./a"


def test_an_agent_in_the_home_folder_is_found(tmp_path: Path) -> None:
    agent(tmp_path / "bin" / "agent.sh", "home")
    found = resolve_agent("~/bin/agent.sh -v", directory=tmp_path / "x", environ={"HOME": str(tmp_path)})
    assert found.command_for("plan") == (str(tmp_path / "bin" / "agent.sh"), "-v")
    with pytest.raises(AgentMissingError):
        resolve_agent("~/bin/agent.sh", directory=tmp_path, environ={})


def test_a_program_that_is_not_executable_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "agent.sh").write_text("#!/bin/sh\n")
    with pytest.raises(AgentMissingError) as caught:
        resolve_agent("./agent.sh", directory=tmp_path, environ={})
    assert str(caught.value) == "the agent's program './agent.sh' may not be executed"
    assert caught.value.hint == f"make it executable: chmod +x {tmp_path / 'agent.sh'}"


def test_a_program_that_is_missing_is_named_with_the_place_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(AgentMissingError) as caught:
        resolve_agent("./agent.sh", directory=tmp_path, environ={})
    assert (caught.value.hint or "").startswith(f"it was looked for at {tmp_path / 'agent.sh'};")


@pytest.mark.parametrize("blank", ["", "  ", "\t\n", "''", "'' --fast"])
@pytest.mark.parametrize(
    "words",
    [
        (*CLI, "run", "demo-1"),
        (*CLI, "resume", "RUN"),
        (sys.executable, "PHASES/adw_plan.py", "demo-1"),
        (sys.executable, "PHASES/adw_build.py", "demo-1", "RUN"),
    ],
)
def test_an_empty_agent_is_refused_everywhere(project: Project, words: tuple[str, ...], blank: str) -> None:
    adws = Path(__file__).resolve().parents[2]
    known = {} if "RUN" not in words else {"RUN": project.run("demo-1", last_phase="plan").execution.id}
    before = project.executions()
    command = [known.get(word, word.replace("PHASES", str(adws / "adw_phases"))) for word in words]
    done = subprocess.run(
        [*command, "--agent", blank, "--json"],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": str(adws.parent)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == "the agent is an empty command"
    assert project.executions() == before


def test_an_empty_agent_is_refused_in_a_program_too(project: Project) -> None:
    with pytest.raises(InvalidInputError, match=r"^the agent is an empty command$"):
        project.run("demo-1", agent="")


@pytest.mark.parametrize("option", ["--api-key abcdefgh1", "--password=hunter2222", "ghp_" + "a1B2" * 9])
def test_a_command_line_with_a_credential_is_not_stored_and_has_to_be_named_again(
    tools: Project, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.chdir(tools.path)
    given = f"./tools/agent.sh {option}"
    run = tools.run("demo-1", agent=given, last_phase="plan", allow_dirty=True).execution
    assert option.split("=")[-1].split()[-1].encode() not in tools.database.read_bytes()
    with pytest.raises(InvalidInputError) as caught:
        tools.resume(run.id, agent=None)
    assert str(caught.value) == (
        "the command line of this run's agent was not stored, because it holds a credential"
    )
    assert tools.resume(run.id, agent=given).status == "completed"


def test_a_configured_command_line_with_a_credential_is_read_from_the_settings_again(tools: Project) -> None:
    tools.config = Config(agent="./tools/agent.sh --api-key abcdefgh1")
    run = tools.run("demo-1", agent=None, last_phase="plan", allow_dirty=True).execution
    assert b"abcdefgh1" not in tools.database.read_bytes()
    assert tools.resume(run.id, agent=None).status == "completed"


@pytest.fixture
def choices(project: Project) -> Project:
    """The project with four agents, whose reviewer and whose label `hard` have each one of them."""
    for name in ("project", "phase", "label", "line"):
        agent(project.path / f"{name}.sh", name)
    (project.path / "adw.toml").write_text('[phases.review]\nagent = "./phase.sh"\n')
    project.config = Config(agent="./project.sh", labels=(LabelSettings("hard", "./label.sh"),))
    return project


def begin(project: Project, *labels: str, agent: str | None = None, **changes: Any) -> RunOutcome:
    """A run of an issue with these labels."""
    issue = Issue("demo-1", "Title", labels=labels)
    return run_issue(project.settings(agent=agent, allow_dirty=True, **changes), issue)


def done_by(project: Project, outcome: RunOutcome) -> dict[str, str | None]:
    """The agent of each phase."""
    return {attempt.phase: attempt.agent for attempt in project.attempts(outcome.execution.id)}


@pytest.mark.parametrize(
    ("labels", "line", "builder", "reviewer"),
    [
        ((), None, "project.sh", "phase.sh"),
        (("easy",), None, "project.sh", "phase.sh"),
        (("easy", "hard"), None, "label.sh", "phase.sh"),
        (("hard",), "./line.sh", "line.sh", "line.sh"),
    ],
)
def test_the_command_line_counts_before_the_phase_the_label_and_the_project(
    choices: Project,
    monkeypatch: pytest.MonkeyPatch,
    labels: tuple[str, ...],
    line: str | None,
    builder: str,
    reviewer: str,
) -> None:
    monkeypatch.chdir(choices.path)
    outcome = begin(choices, *labels, agent=line)
    assert outcome.status == "completed"
    assert done_by(choices, outcome) == {"plan": builder, "build": builder, "review": reviewer}


def test_a_run_keeps_the_agents_of_its_phases_and_of_its_label_when_the_settings_change(
    choices: Project,
) -> None:
    begun = begin(choices, "hard", last_phase="plan")
    (choices.path / "adw.toml").write_text('[phases.review]\nagent = "./line.sh"\n')
    choices.config = Config(agent="./line.sh")
    outcome = choices.resume(begun.execution.id, agent=None)
    assert done_by(choices, outcome) == {"plan": "label.sh", "build": "label.sh", "review": "phase.sh"}


def test_a_run_that_was_begun_with_an_agent_goes_on_with_it_in_every_phase(
    choices: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(choices.path)
    begun = begin(choices, "hard", agent="./line.sh", last_phase="plan")
    outcome = choices.resume(begun.execution.id, agent=None)
    assert done_by(choices, outcome) == {"plan": "line.sh", "build": "line.sh", "review": "line.sh"}


@pytest.mark.parametrize(
    ("phase", "label", "expected"),
    [
        ({}, {}, ("claude", "")),
        ({"model": "p"}, {}, ("claude", "p")),
        ({}, {"model": "l"}, ("claude", "l")),
        ({"model": "p"}, {"model": "l"}, ("claude", "p")),
        ({"model": "p"}, {"agent": "./codex", "model": "l"}, ("codex", "p")),
        ({"agent": "./codex"}, {"agent": "./claude", "model": "l"}, ("codex", "")),
        ({"agent": "./codex -m old", "model": "p"}, {}, ("codex", "p")),
    ],
)
def test_a_model_is_for_the_agent_of_its_own_table_or_of_one_further_down(
    project: Project, phase: dict[str, str], label: dict[str, str], expected: tuple[str, str]
) -> None:
    for name in ("claude", "codex"):
        agent(project.path / name, name)
    review = PhaseDefinition("review", "verdict", agent=phase.get("agent"), model=phase.get("model"))
    workflow = WorkflowDefinition("w", (review,))
    project.config = Config(agent="./claude", labels=(LabelSettings("hard", **label),))
    settings = project.settings(agent=None)
    request = new_request(settings, Issue("demo-1", "Title", labels=("hard",)), workflow)
    found = agents_of(settings, request)["review"]
    assert (found.name, found.model or "") == expected


def test_a_model_that_the_agent_cannot_be_told_is_refused_before_anything_is_written(
    choices: Project,
) -> None:
    (choices.path / "adw.toml").write_text('[phases.review]\nmodel = "opus"\n')
    before = choices.executions()
    with pytest.raises(InvalidInputError, match=r"how the agent project\.sh is told its model, here 'opus'$"):
        begin(choices)
    assert choices.executions() == before


def test_a_phase_whose_agent_holds_a_credential_is_refused(choices: Project) -> None:
    (choices.path / "adw.toml").write_text('[phases.review]\nagent = "./phase.sh --password=hunter2222"\n')
    with pytest.raises(
        InvalidInputError, match=r"^the agent of the phase review holds what looks like a cre"
    ):
        begin(choices)


def test_what_a_run_was_asked_comes_back_as_it_was_saved(project: Project) -> None:
    execution = project.run("demo-1", last_phase="plan").execution
    issue = Issue("demo-1", "Title", labels=("hard",))
    request = Request(issue, BUILT_IN, "claude", configured=True, model="opus")
    assert read_request(request.to_json({}, project.path), execution) == request


def test_a_model_that_holds_a_credential_is_refused(project: Project) -> None:
    request = Request(Issue("demo-1", "Title"), BUILT_IN, "claude", model="ghp_" + "a1B2" * 9)
    with pytest.raises(
        InvalidInputError, match=r"^the model of the issue's label holds what looks like a cr"
    ):
        request.to_json({}, project.path)
