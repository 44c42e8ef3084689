"""At any width of a terminal an id is shown whole, so that it can be used."""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl

import pytest

from adw_state.reports.text_table import display_width
from adws.tests.project import Project

STYLES = re.compile(r"\x1b\[\d+m")
LONG_ISSUE = "PROJECT-WITH-A-LONG-NAME-123456"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("narrow") / "p", tracker=False)
    assert made.adw("init").code == 0
    title = "A title that is longer than any of these terminals is wide, by far, \x1b[31m検索\nand more"
    made.adw("run", LONG_ISSUE, "--title", title, "--type", "feature", "--until", "plan")
    failing = "scripted --fail 'build:3 tests failed, and here is why they did'"
    made.adw("run", "bd-42", "--title", "Login", "--agent", failing)
    return made


def on_terminal(project: Project, columns: int, *words: str) -> list[str]:
    """What a command shows on a terminal of this width, line by line."""
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    with subprocess.Popen(
        [sys.executable, "-m", "adw_state.cli", *words],
        cwd=project.folder,
        env={**environ, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.PIPE,
    ):
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # how the end of a terminal is read
                break
            if not piece:
                break
            shown += piece
    os.close(master)
    return shown.decode().replace("\r\n", "\n").splitlines()


def too_wide(lines: list[str], columns: int) -> list[str]:
    """The lines of tables that do not fit; a path is shown whole."""
    return [
        line for line in lines if line.startswith("  ") and "/" not in line and display_width(line) > columns
    ]


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("words", ["list", "status", "analyze"])
def test_ids_are_whole_and_nothing_else_is_too_wide(words: str, columns: int, project: Project) -> None:
    runs = project.adw("list", "--json").json["executions"]

    lines = on_terminal(project, columns, words)

    text = "\n".join(lines)
    assert [run["id"] for run in runs if run["id"] not in text] == []
    assert [run["issue_id"] for run in runs if run["issue_id"] not in text] == []
    plain = [STYLES.sub("", line) for line in lines]
    assert too_wide(plain, columns) == []
    assert [line for line in plain if "\x1b" in line] == []


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("words", ["migrate status", "health", "checkpoints {id}", "show {id}"])
def test_tables_fit_the_terminal(words: str, columns: int, project: Project) -> None:
    run = project.adw("list", "--issue", "bd-42", "--json").json["executions"][0]

    lines = on_terminal(project, columns, *words.format(id=run["id"]).split())

    assert lines
    plain = [STYLES.sub("", line) for line in lines]
    assert too_wide(plain, columns) == []


def test_at_80_columns_a_row_is_a_line(project: Project) -> None:
    lines = [STYLES.sub("", line) for line in on_terminal(project, 80, "list", "--issue", "bd-42")]

    assert len(lines) == 3
    assert lines[1].split() == ["execution", "issue", "status", "phase", "started", "error", "or", "title"]
    assert lines[2].rstrip().endswith("…")


def test_a_status_has_its_colour_only_on_a_terminal(project: Project) -> None:
    shown = "\n".join(on_terminal(project, 80, "list"))

    assert "\x1b[31mfailed\x1b[0m" in shown
    assert "\x1b" not in project.adw("list").out


def test_no_command_leaves_a_mark_of_the_title_in_the_terminal(project: Project) -> None:
    run = project.adw("list", "--issue", LONG_ISSUE, "--json").json["executions"][0]
    for words in (["show", run["id"]], ["list"], ["checkpoints", run["id"], "--data"], ["analyze"]):
        text = STYLES.sub("", "\n".join(on_terminal(project, 80, *words)).replace("\x1b[1m", ""))
        assert "\x1b" not in text, words
