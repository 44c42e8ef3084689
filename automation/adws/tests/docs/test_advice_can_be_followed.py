"""Every command that a message, a hint, a help text, a docstring or a page names can be run."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path

import pytest

from adw_state.built_in import PHASES
from adw_state.workflow.phases.phase_run import phase_command
from adws.tests.docs.advice import Text, commands_in, fault_of, is_there, scripts_in, strings_of, texts
from adws.tests.project import Project


def test_every_command_that_is_named_exists() -> None:
    faults = {
        f"{text.where}: {shlex.join(words)}": fault
        for text in texts()
        for words in commands_in(text)
        if (fault := fault_of(words)) is not None
    }
    assert faults == {}


def test_every_script_that_is_named_is_a_file() -> None:
    missing = [
        f"{text.where}: {script}" for text in texts() for script in scripts_in(text) if not is_there(script)
    ]
    assert missing == []


@pytest.mark.parametrize("phase", PHASES)
def test_the_command_of_a_phase_takes_its_words_as_they_are_named(phase: str, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    command = phase_command(phase, "-x", "run-1").strip("`")
    ran = project.run(["bash", "-c", command])
    assert (ran.code, ran.out) == (3, "")
    assert "-x" in ran.err  # there is no such issue, or no such execution of it


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("adw import", "import is no command of adw"),
        ("adw bench store", "bench is no command of adw"),
        ("adw restore --file X", "--file: no option of adw restore"),
        ("bd fix-it", "fix-it?"),
        ("adw", None),
        ("adw --help", None),
        ("adw COMMAND --help", None),
        ("adw phase plan ISSUE", None),
        ("adw restore --dry-run --db X", None),
        ("bd --readonly list --json", None),
    ],
)
def test_a_command_that_is_none_is_told(words: str, fault: str | None) -> None:
    assert fault_of(words.split()) == fault


def test_commands_are_found_wherever_they_stand() -> None:
    tree = ast.parse('hint = f"run `adw show {x}`, then adw import"\nfix = "adw doctor --fix"')
    found = [
        words
        for line, text in strings_of(tree)
        for words in commands_in(Text(str(line), text, of_page=False))
    ]
    assert found == [["adw", "show", "FILLED-IN"], ["adw", "import"], ["adw", "doctor", "--fix"]]
    page = Text("page", "Use `adw\nlist`:\n\n    $ adw status --json  # the present\n", of_page=True)
    status = ["adw", "status", "--json"]  # found as a line of a console and in the running text
    assert list(commands_in(page)) == [["adw", "list"], status, status]
    assert list(scripts_in(Text("page", "then `adw_build.py` and adws/x/adw_plan.py", of_page=True))) == [
        "adw_build.py",
        "adws/x/adw_plan.py",
    ]
