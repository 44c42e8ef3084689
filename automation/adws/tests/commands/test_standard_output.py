"""No command dies of its surroundings: a closed, full, abandoned or narrow standard output."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from adws.tests.project import Project, Ran

# What prints and does nothing else, and what works.
REPORTS = (
    "list",
    "list --json",
    "status",
    "status --json",
    "show {id}",
    "show {id} --json",
    "checkpoints {id} --data",
    "where",
    "where --json",
    "analyze",
    "analyze --json",
    "analyze --backend json",
    "health",
    "health --json",
    "migrate status",
    "migrate status --json",
    "restore --dry-run",
    "doctor",
    "doctor --json",
    "--help",
    "list --help",
    "--version",
)
WORK = (
    "run {issue} --force",
    "run {issue} --force --json",
    "init",
    "migrate up",
    "archive",
    "restore --json",
)
ENDINGS = {"closed": ">&-", "full": ">/dev/full"}
ERRORS_TOO = {"closed": ">&- 2>&-", "full": ">/dev/full 2>&1"}
ADW = f"{shlex.quote(sys.executable)} -m adw_state.cli"
TITLE = "Grüße 🎉\x1b]0;owned\x07\u202e…"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("output") / "project")
    assert made.adw("init").code == 0
    assert made.adw("run", "bd-42", "--title", TITLE, "--adw-id", "first").code == 0
    return made


def shell(project: Project, line: str, **environ: str) -> Ran:
    """What a shell line prints in the project, and its exit code."""
    return project.run(["bash", "-c", line], environ=environ)


def adw(words: str) -> str:
    return f"{ADW} {words.format(id='first', issue='bd-43')}"


def in_encoding(project: Project, words: str, encoding: str) -> str:
    """What a command prints in an encoding; it must end well and say nothing on standard error."""
    done = subprocess.run(
        shlex.split(adw(words)),
        cwd=project.folder,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode(encoding)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("words", REPORTS)
def test_a_command_that_only_prints_fails_where_its_output_is_full(
    words: str, ending: str, project: Project
) -> None:
    ran = shell(project, f"{adw(words)} {ENDINGS[ending]}")

    assert ran.code == (1 if ending == "full" else 0)
    sentence = "Error: the output could not be written: No space left on device\n"
    assert (ran.out, ran.err) == ("", sentence if ending == "full" else "")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("words", WORK)
def test_the_exit_code_of_work_tells_how_it_ended(words: str, ending: str, project: Project) -> None:
    ran = shell(project, f"{adw(words)} {ENDINGS[ending]}")

    assert ran.code == 0
    warning = "Warning: the output could not be written: No space left on device\n"
    assert ran.err.endswith(warning if ending == "full" else "")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(("ending", "code"), [("closed", 0), ("full", 1)])
def test_errors_that_cannot_be_shown_change_no_exit_code(ending: str, code: int, project: Project) -> None:
    for words, expected in (
        ("list", code),
        ("run {issue} --force", 0),
        ("show nobody --json", 3),
        ("nonsense", 2),
        ("list --limit x", 2),
        ("run ''", 2),
    ):
        assert shell(project, f"{adw(words)} {ERRORS_TOO[ending]}").code == expected, words


@pytest.mark.parametrize("words", REPORTS)
def test_a_reader_that_leaves_ends_nothing_and_is_not_complained_about(words: str, project: Project) -> None:
    ran = shell(project, f"{adw(words)} | true; echo ${{PIPESTATUS[0]}}")

    assert (ran.out, ran.err) == ("0\n", "")


def test_a_run_goes_on_when_its_reader_leaves(project: Project) -> None:
    line = f"{adw('run bd-44 --adw-id abandoned')} 2>&1 | head -1; echo ${{PIPESTATUS[0]}}"

    ran = shell(project, line)

    assert ran.out == "abandoned works on bd-44: Tidy the build script\n0\n"
    shown = project.adw("show", "abandoned", "--json").json
    assert shown["execution"]["status"] == "completed"
    assert [attempt["attempt"] for attempt in shown["attempts"]] == [1, 1, 1]


def test_nothing_that_is_printed_lands_in_a_file_of_ours(project: Project) -> None:
    line = f"{adw('run bd-44 --adw-id closed --force')} <&- >&- 2>&-"

    assert shell(project, line).code == 0

    written = [path for path in project.folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    assert [path for path in written if b"closed works on bd-44" in path.read_bytes()] == []


@pytest.mark.parametrize("words", REPORTS)
def test_what_the_encoding_lacks_is_replaced(words: str, project: Project) -> None:
    out = in_encoding(project, words, "ascii")

    assert "\x1b" not in out
    if "--json" in words:
        json.loads(out)


def test_json_holds_the_title_whatever_the_encoding(project: Project) -> None:
    for encoding in ("utf-8", "latin-1", "ascii", "utf-16"):
        out = in_encoding(project, "show {id} --json", encoding)
        assert json.loads(out)["execution"]["issue_title"] == TITLE
        assert "\u202e" not in out


def test_a_run_ends_well_where_its_terminal_is_not_utf8(project: Project) -> None:
    words = ("run", "bd-43", "--title", TITLE, "--adw-id", "narrow", "--force")

    ran = project.adw(*words, environ={"PYTHONIOENCODING": "ascii"})

    assert (ran.code, ran.err) == (0, "")
    shown = r"narrow works on bd-43: Gr\xfc\xdfe \U0001f389\x1b]0;owned\x07\u202e~"
    assert ran.out.splitlines()[0] == shown


def test_a_title_is_what_was_typed_in_any_locale(project: Project) -> None:
    typed = os.fsencode("Grüße") + b" \xff"
    line = b"adw run bd-43 --title '" + typed + b"' --adw-id typed --force --until plan >/dev/null"

    assert project.run([b"bash", b"-c", line]).code == 0

    assert project.adw("show", "typed", "--json").json["execution"]["issue_title"] == "Grüße \ufffd"


def test_a_pipe_that_is_full_for_a_moment_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # as a program that shares the pipe may have left it
    script = (
        "from adw_state.commands.standard_streams import protect_standard_streams, lost_output\n"
        "from adw_state.commands.output import print_line\n"
        "protect_standard_streams()\n"
        "for number in range(2000): print_line('x' * 99)\n"
        "raise SystemExit(0 if lost_output() is None else 1)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert len(pipe.read()) == 200_000
    assert process.wait() == 0


def test_a_terminal_that_was_closed_is_a_reader_that_left(project: Project) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        shlex.split(adw("list")),
        cwd=project.folder,
        stdin=subprocess.PIPE,
        stdout=slave,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(master)
        os.close(slave)
        _, err = process.communicate()
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize("script", ["analyze_logs.py", "migrate_beads_schema.py --status"])
def test_the_scripts_end_as_the_commands_do(script: str, project: Project) -> None:
    folder = Path(__file__).resolve().parents[2] / "scripts"
    program = f"{shlex.quote(sys.executable)} {shlex.quote(str(folder))}/{script}"

    assert shell(project, f"{program} >/dev/full").code == 1
    assert shell(project, f"{program} >/dev/full").err.count("\n") == 1
    assert shell(project, f"{program} >&-").code == 0
    assert shell(project, f"{program} | true; exit ${{PIPESTATUS[0]}}").code == 0
