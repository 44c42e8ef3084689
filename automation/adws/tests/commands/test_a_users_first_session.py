from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adws.tests.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_init_makes_a_backup_and_is_idempotent(project: Project) -> None:
    first = project.adw("init", "--json").json
    second = project.adw("init", "--json").json

    assert first["applied"] == sorted(first["applied"])
    assert first["applied"][0] == "000"
    assert Path(first["backup"]["path"]).stat().st_size == first["backup"]["size_bytes"]
    assert (second["applied"], second["backup"]) == ([], None)


def test_a_run_is_told_line_by_line_and_recorded(project: Project) -> None:
    project.adw("init")

    ran = project.adw("run", "bd-42", "--adw-id", "first")

    assert ran.code == 0, ran.err
    assert ran.err == ""
    assert [line for line in ran.out.splitlines() if "completed" in line][-1] == "first is completed"
    shown = project.adw("show", "first", "--json").json
    assert shown["schema"] == "adw.show/1"
    assert shown["execution"]["status"] == "completed"
    assert shown["execution"]["issue_title"] == "Login fails on Safari"
    assert [(a["phase"], a["attempt"], a["status"]) for a in shown["attempts"]] == [
        ("plan", 1, "completed"),
        ("build", 1, "completed"),
        ("review", 1, "completed"),
    ]
    assert [c["seq"] for c in shown["checkpoints"]] == list(range(1, len(shown["checkpoints"]) + 1))


def test_a_failed_run_says_why_and_how_to_go_on(project: Project) -> None:
    project.adw("init")

    ran = project.adw("run", "bd-42", "--adw-id", "broken", "--agent", "scripted --fail 'build:no luck'")

    assert ran.code == 1
    assert "no luck" in ran.err
    assert "adw resume broken" in ran.err
    assert project.adw("resume", "broken", "--agent", "scripted").code == 0
    assert project.adw("list", "--json").json["executions"][0]["status"] == "completed"


def test_a_second_run_of_an_issue_is_refused_while_the_first_is_unfinished(project: Project) -> None:
    project.adw("init")
    project.adw("run", "bd-42", "--adw-id", "first", "--until", "plan")

    refused = project.adw("run", "bd-42")
    forced = project.adw("run", "bd-42", "--force", "--until", "plan")

    assert (refused.code, forced.code) == (5, 0)
    assert "first" in refused.err


def test_without_a_tracker_the_issue_is_given_on_the_command_line(tmp_path: Path) -> None:
    project = Project(tmp_path / "bare", tracker=False)
    project.adw("init")

    ran = project.adw("run", "any-1", "--title", "Do it", "--type", "task", "--priority", "2", "--json")

    assert ran.code == 0, ran.err
    assert ran.json["execution"]["issue_type"] == "task"
    assert (project.folder / ".git" / "adw" / "state.sqlite3").exists()


def test_without_our_tables_a_run_goes_on_in_json_and_says_so(project: Project) -> None:
    ran = project.adw("run", "bd-42", "--adw-id", "unrecorded")

    assert ran.code == 0
    assert ran.err.count("warning:") == 1
    assert "JSON only" in ran.err
    assert (project.folder / ".adw" / "agents" / "unrecorded" / "adw_state.json").exists()


def test_rollback_says_what_it_drops_and_leaves_the_tracker_alone(project: Project) -> None:
    project.adw("init")
    project.adw("run", "bd-42", "--until", "plan")

    ran = project.adw("migrate", "rollback", "000")

    assert ran.code == 0
    assert "1 rows of adw_executions" in ran.out
    with closing(sqlite3.connect(project.database)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        issues = connection.execute("SELECT count(*) FROM issues").fetchone()[0]
    assert not [name for name in names if name.startswith("adw_")]
    assert "schema_version" not in names
    assert issues == 3


def test_archive_moves_finished_runs_out_of_the_way(project: Project) -> None:
    project.adw("init")
    project.adw("run", "bd-42")

    assert project.adw("archive", "--days", "0", "--json").json["archived"] == 1
    assert project.adw("list", "--json").json["executions"] == []


def test_health_is_good_news_with_code_0_and_bad_news_with_code_4(project: Project) -> None:
    project.adw("init")
    good = project.adw("health", "--json")
    with closing(sqlite3.connect(project.database)) as connection:
        connection.execute("DROP INDEX idx_executions_issue")
    bad = project.adw("health", "--json")

    assert (good.code, good.json["ok"]) == (0, True)
    assert (bad.code, bad.json["ok"]) == (4, False)
    assert [one["check"] for one in bad.json["findings"] if one["severity"] != "ok"] == ["schema"]


def test_tables_fit_a_narrow_terminal_and_have_no_colours_when_told(project: Project) -> None:
    project.adw("init")
    project.adw("run", "bd-42")
    script = (
        "import pty, os, sys, fcntl, termios, struct\n"
        "pid, fd = pty.fork()\n"
        "if pid == 0:\n"
        "    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))\n"
        "    os.execv(sys.executable, [sys.executable, '-m', 'adw_state.cli', 'list'])\n"
        "out = b''\n"
        "while True:\n"
        "    try:\n"
        "        part = os.read(fd, 65536)\n"
        "    except OSError:\n"
        "        break\n"
        "    if not part:\n"
        "        break\n"
        "    out += part\n"
        "os.waitpid(pid, 0)\n"
        "sys.stdout.buffer.write(out)\n"
    )

    plain = project.run(["python", "-c", script], environ={"NO_COLOR": "1", "TERM": "xterm"})

    assert "bd-42" in plain.out
    assert "\x1b[" not in plain.out
    assert max(len(line) for line in plain.out.splitlines()) <= 80
