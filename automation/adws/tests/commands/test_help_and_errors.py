from __future__ import annotations

from pathlib import Path

import click
import pytest

from adw_state.commands.group import adw
from adw_state.commands.listing import COMMANDS
from adws.tests.project import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("errors") / "project")
    assert made.adw("init").code == 0
    return made


def test_help_names_every_command_and_imports_neither_one_nor_click(project: Project) -> None:
    script = (
        "import os, sys\n"
        "def end(code):\n"
        "    print([name for name in ('click', 'adw_state.state', 'sqlite3') if name in sys.modules], code)\n"
        "os._exit = end\n"
        "sys.argv = ['adw', '--help']\n"
        "from adw_state.cli import main\n"
        "main()\n"
    )
    ran = project.run(["python", "-c", script])

    assert [name for name in COMMANDS if f"\n  {name} " not in ran.out] == []
    assert ran.out.splitlines()[-1] == "[] 0"


def test_help_is_the_same_however_it_is_asked_for(project: Project) -> None:
    texts = [
        project.adw(*words).out for words in (["--help"], ["-h"], ["status", "--help"], ["--help", "status"])
    ]

    assert texts[0] == texts[1] == texts[3]
    assert texts[2].startswith("Usage: adw status ")
    assert max(len(line) for line in texts[0].splitlines()) <= 80


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_and_its_options_have_help(name: str) -> None:
    command = adw.get_command(click.Context(adw), name)

    assert command is not None
    assert command.help
    subcommands = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    unexplained = [
        option.name
        for found in subcommands
        for option in found.params
        if isinstance(option, click.Option) and not option.help and not isinstance(option.type, click.Choice)
    ]
    assert unexplained == []


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["run", "bd-999"], 3, "bd-999"),
        (["run", "two words"], 3, "two words"),
        (["run", "line\nbreak"], 2, "line break"),
        (["run", ""], 2, "blank"),
        (["run", "--", "-x"], 3, "-x"),
        (["run", "../../etc"], 3, "../../etc"),
        (["run", "bd-42'; DROP TABLE issues; --"], 3, "DROP TABLE"),
        (["run", "bd-42", "--agent", "no-such-program"], 3, "no-such-program"),
        (["run", "bd-42", "--agent", "unbalanced '"], 2, "command line"),
        (["run", "bd-42", "--adw-id", "a/../b"], 2, "a/../b"),
        (["show", "nobody"], 3, "nobody"),
        (["checkpoints", "nobody"], 3, "nobody"),
        (["resume", "nobody"], 3, "nobody"),
        (["resume", "../x"], 2, "../x"),
        (["list", "--status", "done"], 2, "done"),
        (["list", "--limit", "0"], 2, "limit"),
        (["migrate", "rollback"], 2, "NNN"),
        (["migrate", "rollback", "777"], 2, "777"),
        (["archive", "--days", "-1"], 2, "days"),
        (["analyze", "--hours", "abc"], 2, "abc"),
        (["analyze", "--hours", "nan"], 2, "nan"),
        (["status", "--db", "missing.db"], 4, "missing.db"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_bad_input_gets_one_sentence_and_a_code_and_writes_nothing(
    words: list[str], code: int, sentence: str, project: Project
) -> None:
    before = project.adw("list", "--json").out

    ran = project.adw(*words)

    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    assert sentence in ran.err
    assert project.adw("list", "--json").out == before
    assert not (project.folder / "missing.db").exists()


@pytest.mark.parametrize("kind", ["empty", "text", "folder"])
def test_what_is_no_database_is_refused_and_left_alone(kind: str, project: Project, tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    if kind == "folder":
        path.mkdir()
    else:
        path.write_text("" if kind == "empty" else "long enough for a database " * 20)
    before = path.stat()

    for words in (["status"], ["migrate", "status"], ["health"], ["where"]):
        ran = project.adw(*words, "--db", str(path))
        assert ran.code == 4, (words, ran.out, ran.err)
        assert str(path) in ran.err
        assert "Traceback" not in ran.err
    assert path.stat().st_size == before.st_size


def test_an_error_is_an_object_where_json_is_wanted(project: Project) -> None:
    ran = project.adw("show", "nobody", "--json")

    assert ran.code == 3
    assert ran.json == {
        "schema": "adw.error/1",
        "error": "there is no execution 'nobody'",
        "hint": "`adw list` shows the executions",
        "kind": "ExecutionNotFoundError",
        "exit_code": 3,
    }


def test_commands_before_init_say_what_to_do(tmp_path: Path) -> None:
    fresh = Project(tmp_path / "fresh", tracker=False)

    ran = fresh.adw("status")

    assert ran.code == 4
    assert "adw init" in ran.err
