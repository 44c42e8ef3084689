"""`analyze_logs.py` and `adw analyze`: every flag, and every way to use them wrongly."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adw_state.cli import run_command
from adw_state.commands.analyze import analyze
from adws.tests.conftest import NOW
from adws.tests.reports.twins import Twins

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "analyze_logs.py"


class Command:
    """The command in this process, on the standing clock."""

    def __init__(
        self, twins: Twins, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.twins = twins
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.db = ("--db", twins.state.path)
        self.logs = ("--backend", "json", "--log-root", str(twins.project / ".adw"))

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            run_command(analyze, "analyze_logs.py", list(arguments))
        said = self._capsys.readouterr()
        return int(str(ended.value.code)), said.out, said.err


@pytest.fixture
def command(twins: Twins, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("ADW_NOW", NOW)
    twins.begin(environment="local").go_through("plan", "build", "review", seconds=0).complete()
    twins.begin("demo-2", environment="ci").start("build").fail("no")
    return Command(twins, capsys, monkeypatch)


@pytest.mark.parametrize("backend", ["db", "logs"])
def test_both_backends_answer(command: Command, backend: str) -> None:
    code, out, err = command(*getattr(command, backend), "--json")
    assert (code, err) == (0, "")
    shape = json.loads(out)
    assert shape["source"]["backend"] == {"db": "database", "logs": "json"}[backend]
    assert (shape["outcomes"]["completed"], shape["outcomes"]["failed"]) == (1, 1)


@pytest.mark.parametrize(
    ("command", "backend"),
    [
        ([sys.executable, str(SCRIPT)], "json"),
        ([sys.executable, "-m", "adw_state.cli", "analyze"], "database"),
    ],
    ids=["the script reads logs", "adw analyze asks the database"],
)
def test_the_default_backend_is_what_the_name_says(
    command: list[str], backend: str, twins: Twins, tmp_path: Path
) -> None:
    twins.begin(environment="local").go_through("plan", "build", "review", seconds=0).complete()

    def ask(*words: str) -> dict[str, object]:
        done = subprocess.run(
            [*command, *words, "--json"],
            cwd=twins.project,
            env={**os.environ, "ADW_NOW": NOW},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
        source: dict[str, object] = json.loads(done.stdout)["source"]
        return source

    assert ask("--db", twins.state.path)["backend"] == backend
    for named in ("json", "database"):
        assert ask("--backend", named, "--db", twins.state.path)["backend"] == named


@pytest.mark.parametrize("backend", ["db", "logs"])
def test_env_narrows_the_answer(command: Command, backend: str) -> None:
    _, out, _ = command(*getattr(command, backend), "--env", "ci", "--format", "json")
    assert json.loads(out)["outcomes"]["total"] == 1


@pytest.mark.parametrize(
    ("flags", "start"),
    [
        ((), "Executions started in the last 24 h"),
        (("--format", "text"), "Executions started in the last 24 h"),
        (("--format", "markdown"), "# Executions started in the last 24 h"),
        (("--format", "json"), '{\n  "schema": "adw.report/2"'),
        (("--export", "json"), '{\n  "schema": "adw.report/2"'),
        (("--export", "csv"), "section,item,measure,value"),
        (("--format", "markdown", "--export", "csv"), "section,item,measure,value"),
        (("--hours", "0.5", "--output", "stdout"), "Executions started in the last 0.5 h"),
    ],
)
def test_every_format_is_written(command: Command, flags: tuple[str, ...], start: str) -> None:
    code, out, _ = command(*command.db, *flags)
    assert code == 0
    assert out.startswith(start)


def test_a_file_takes_the_report_and_stdout_stays_empty(command: Command, tmp_path: Path) -> None:
    target = tmp_path / "report.md"
    target.write_text("old")
    flags = ("--format", "markdown", "--output", "file", "--output-file", str(target))
    code, out, err = command(*command.db, *flags)
    assert (code, out, err) == (0, "", f"Wrote {target}\n")
    assert target.read_text().startswith("# Executions")
    assert [path.name for path in tmp_path.iterdir() if "report" in path.name] == ["report.md"]


def test_a_file_that_cannot_be_written_is_one_sentence(command: Command, tmp_path: Path) -> None:
    code, _, err = command(*command.db, "--output-file", str(tmp_path / "no" / "report.md"))
    assert code == 2
    assert err.startswith(f"Error: the report cannot be written to {tmp_path / 'no' / 'report.md'}: No such")
    folder = tmp_path / "out" / "report"
    folder.mkdir(parents=True)
    code, _, err = command(*command.db, "--output-file", str(folder))
    assert code == 2
    assert list(folder.parent.iterdir()) == [folder], "nothing half-written stays"
    assert len(err.splitlines()) == 2


@pytest.mark.parametrize("hours", ["abc", "-1", "nan", "inf", "1e400", "0", "", "1h", "-inf", "0x10"])
def test_hours_that_are_no_window_are_wrong_usage(command: Command, hours: str) -> None:
    code, out, err = command(*command.db, f"--hours={hours}")
    assert (code, out) == (2, "")
    assert err == (
        f"Error: hours must be a number above 0, not {hours!r}\n  What to do: for example 24, 168 or 0.5\n"
    )


@pytest.mark.parametrize("hours", ["1e300", "9999999", "0.0001"])
def test_hours_of_any_length_are_a_window(command: Command, hours: str) -> None:
    assert command(*command.db, "--hours", hours)[0] == 0


@pytest.mark.parametrize(
    "flags",
    [
        ("--output", "file"),
        ("--output", "stdout", "--output-file", "x"),
        ("--format", "html"),
        ("--backend", "x"),
    ],
)
def test_flags_that_do_not_go_together_are_wrong_usage(command: Command, flags: tuple[str, ...]) -> None:
    code, out, err = command(*command.db, *flags)
    assert (code, out) == (2, "")
    assert "Error: " in err


@pytest.mark.parametrize(
    ("name", "content"), [("missing.db", None), ("empty.db", b""), ("text.db", b"hello " * 100)]
)
def test_a_database_that_is_none_is_one_sentence(
    command: Command, tmp_path: Path, name: str, content: bytes | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    code, out, err = command("--db", str(path))
    assert (code, out) == (4, "")
    assert str(path) in err
    assert "What to do: " in err


def test_a_log_root_that_is_not_there_is_wrong_usage(command: Command, tmp_path: Path) -> None:
    code, _, err = command("--backend", "json", "--log-root", str(tmp_path / "none"))
    assert code == 2
    assert err.startswith(f"Error: {tmp_path / 'none'} is not a folder")


def test_the_script_reads_the_project_around_it(command: Command) -> None:
    project = command.twins.project
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    state = project / ".git" / "adw" / "state.sqlite3"
    state.parent.mkdir()
    command.twins.state.close()
    shutil.copyfile(command.twins.state.path, state)
    totals = []
    for backend in ("database", "json"):
        flags = ["--backend", backend, "--hours", "24", "--format", "json"]
        done = subprocess.run(
            [sys.executable, SCRIPT, *flags], cwd=project / ".adw", capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        totals.append(json.loads(done.stdout)["outcomes"])
    assert totals[0] == totals[1]
    assert totals[0]["total"] == 2


@pytest.mark.parametrize(
    ("variable", "styled"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_a_terminal_gets_bold_headings_in_its_width(
    command: Command, variable: dict[str, str], styled: bool
) -> None:
    command.twins.state.close()
    text = on_terminal([str(SCRIPT), *command.db], {"TERM": "xterm", "COLUMNS": "80", **variable})
    assert ("\x1b[1mOutcomes\x1b[0m" in text) is styled
    plain = text.replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert "\x1b" not in plain
    assert max(len(line) for line in plain.splitlines()) <= 80


def on_terminal(arguments: list[str], variables: dict[str, str]) -> str:
    """What a Python script writes to a terminal."""
    ours, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, *arguments], stdout=theirs, stdin=theirs, stderr=theirs, env={**environ, **variables}
    ) as process:
        os.close(theirs)
        pieces = []
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            pieces.append(piece)
    os.close(ours)
    assert process.returncode == 0
    return b"".join(pieces).decode().replace("\r\n", "\n")


def test_a_project_without_state_says_what_to_do(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = command()
    assert (code, out) == (4, "")
    assert err.startswith(f"Error: there is no state for {tmp_path} yet\n  What to do: run `adw init` once")


def test_a_database_without_our_tables_says_how_to_make_them(command: Command, tracker_db: Path) -> None:
    code, out, err = command("--db", str(tracker_db))
    assert (code, out) == (4, "")
    assert f"adw migrate up --db {tracker_db}" in err
