"""The phase scripts and the scripted agent, as programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from adw_state.agents import scripted as scripted_agent
from adw_state.configuration.definitions import BUILT_IN
from adw_state.configuration.prompts import build_prompt
from adws.tests.phases.projects import VALUES, Project

ADWS = Path(__file__).resolve().parents[2]


def script(project: Project, phase: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a phase's script in the project."""
    path = ADWS / "adw_phases" / f"adw_{phase}.py"
    return subprocess.run(
        [sys.executable, str(path), *arguments],
        cwd=project.path,
        capture_output=True,
        text=True,
    )


def test_the_three_scripts_take_an_issue_to_its_end(project: Project) -> None:
    planned = script(project, "plan", "demo-1", "--agent", project.agent(), "--json")
    assert planned.returncode == 0, planned.stderr
    adw_id = json.loads(planned.stdout)["execution"]["id"]
    assert script(project, "build", "demo-1").returncode == 0
    reviewed = script(project, "review", "demo-1", adw_id)
    assert reviewed.returncode == 0, reviewed.stderr
    assert [(run.id, run.status) for run in project.executions()] == [(adw_id, "completed")]
    assert project.calls() == ["plan", "build", "review"]


def test_a_phase_that_has_completed_is_not_done_again(project: Project) -> None:
    for _ in range(2):
        assert script(project, "plan", "demo-1", "--agent", project.agent()).returncode == 0
    assert project.calls() == ["plan"]


@pytest.mark.parametrize(
    ("phase", "arguments", "code", "said"),
    [
        ("build", ["demo-1"], 3, "there is no unfinished execution of issue 'demo-1' to build"),
        ("review", ["demo-1", "nobody"], 3, "there is no execution 'nobody' to review"),
        ("plan", ["demo-99"], 3, "has no issue 'demo-99'"),
        ("plan", ["two\nlines"], 2, "'two\\nlines' cannot be the id of an issue"),
        ("plan", ["--", "-x"], 3, "has no issue '-x'"),
        ("plan", ["demo-1", "a/b"], 2, "'a/b' cannot name the folder of a run"),
        (
            "plan",
            ["demo-1", "--agent", "no-such-agent"],
            3,
            "the agent's program 'no-such-agent' was not",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence_with_a_hint(
    project: Project, phase: str, arguments: list[str], code: int, said: str
) -> None:
    done = script(project, phase, *arguments)
    assert done.returncode == code
    assert done.stderr.startswith("Error: ")
    assert said in done.stderr
    assert "What to do: " in done.stderr
    assert "Traceback" not in done.stderr
    assert project.executions() == []


def test_a_phase_out_of_order_is_refused(project: Project) -> None:
    adw_id = project.run("demo-1", last_phase="plan").execution.id
    done = script(project, "review", "demo-1", adw_id)
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"Error: execution {adw_id} cannot review yet, because its build phase has not completed"
    )


def test_an_execution_of_another_issue_is_refused(project: Project) -> None:
    adw_id = project.run("demo-1", last_phase="plan").execution.id
    done = script(project, "build", "demo-2", adw_id)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: execution {adw_id} works on issue demo-1, not on demo-2")


def test_a_failed_phase_leaves_with_1_and_its_reason(project: Project) -> None:
    done = script(project, "plan", "demo-1", "--agent", project.agent("--fail", "plan:no idea"))
    assert done.returncode == 1
    assert "Error: no idea" in done.stderr


def scripted(folder: Path, phase: str, *options: str, title: str = "T") -> subprocess.CompletedProcess[str]:
    """Call the scripted agent with a prompt of ours."""
    header = {
        "execution_id": "r-1",
        "issue_id": "i-1",
        "title": title,
        "plan_file": "specs/p.md",
        "worktree": "w-1",
    }
    command = [sys.executable, "-I", "-S", scripted_agent.__file__, *options]
    prompt = build_prompt(BUILT_IN.phases[BUILT_IN.names.index(phase)], header, VALUES)
    return subprocess.run(command, cwd=folder, input=prompt, capture_output=True, text=True)


def test_the_scripted_agent_does_the_same_every_time(tmp_path: Path) -> None:
    seen = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        outputs = [scripted(folder, phase).stdout for phase in ("plan", "build", "review")]
        files = {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}
        seen.append((outputs, files))
    assert seen[0] == seen[1]
    assert list(seen[0][1]) == ["CHANGES.md", "specs/p.md", "src/w_1.py"]


def test_what_the_scripted_agent_writes_is_valid_python_whatever_the_title(tmp_path: Path) -> None:
    scripted(tmp_path, "build", title='a """quoted""" \\ title\nwith ünï')
    compile((tmp_path / "src" / "w_1.py").read_text(), "w_1.py", "exec")


def test_the_scripted_agent_takes_options_from_a_variable_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADW_SCRIPTED_AGENT", "--fail 'plan:out of ideas'")
    done = scripted(tmp_path, "plan")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["is_error"], answer["result"]) == (1, True, "out of ideas")


def test_the_scripted_agent_refuses_a_prompt_that_is_not_ours(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", scripted_agent.__file__]
    done = subprocess.run(command, cwd=tmp_path, input="hello\n", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
