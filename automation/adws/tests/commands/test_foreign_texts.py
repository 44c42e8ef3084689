"""A row that somebody else wrote badly keeps no command from showing the others."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adws.tests.project import Project

COMMANDS = (
    "list",
    "list --issue bd-42",
    "status",
    "show bad",
    "checkpoints bad --data",
    "analyze",
    "analyze --export csv",
    "health",
    "doctor",
    "migrate status",
    "restore --dry-run",
    "resume bad",
)
LATIN_1 = "Grüße".encode("latin-1")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("texts") / "project")
    assert made.adw("init").code == 0
    for name in ("good", "bad"):
        made.adw("run", "bd-42", "--agent", "scripted --fail 'plan:too vague'", "--adw-id", name)
    return made


def spoil(project: Project, kind: str) -> None:
    """Write Latin-1 into every free text of one execution: as a text that is not UTF-8, or as a blob."""
    blob = f"x'{LATIN_1.hex()}'"
    value = blob if kind == "blob" else f"cast({blob} AS TEXT)"
    with closing(sqlite3.connect(project.database, isolation_level=None)) as connection:
        for statement in (
            f"UPDATE adw_executions SET issue_title = {value}, issue_type = {value}, owner = {value},"
            f" error_message = {value}, branch_name = {value}, extra_data = {value}, workflow = {value},"
            f" phases = {value}, phase = {value} WHERE id = 'bad'",
            f"UPDATE adw_phase_attempts SET error_message = {value}, agent = {value}, model = {value},"
            f" phase = {value} WHERE execution_id = 'bad'",
            f"UPDATE adw_checkpoints SET phase = {value}, checkpoint_name = {value},"
            f" checkpoint_data = {value} WHERE execution_id = 'bad'",
            f"UPDATE issues SET title = {value} WHERE id = 'bd-43'",
        ):
            connection.execute(statement)


@pytest.mark.parametrize("kind", ["text", "blob"])
def test_a_text_that_is_not_utf8_is_shown_with_marks(kind: str, project: Project) -> None:
    spoil(project, kind)

    found = project.adw("list", "--json").json["executions"]

    assert [run["id"] for run in found] == ["bad", "good"]
    assert found[0]["issue_title"] == found[0]["error_message"] == found[0]["extra_data"] == "Gr\ufffd\ufffde"
    shown = project.adw("show", "bad", "--json").json
    assert [attempt["error_message"] for attempt in shown["attempts"]] == ["Gr\ufffd\ufffde"]
    assert [point["data"] for point in shown["checkpoints"]] == ["Gr\ufffd\ufffde"] * 2
    report = project.adw("analyze", "--json").json
    assert report["outcomes"]["failed"] == 2
    assert [run["issue_title"] for run in report["recent"]] == ["Gr\ufffd\ufffde", "Login fails on Safari"]
    for words in COMMANDS:
        ran = project.adw(*words.split())
        assert "Traceback" not in ran.err, words
        assert ran.code in ((0, 1) if words == "doctor" else (2,) if words == "resume bad" else (0,)), words


@pytest.mark.parametrize("kind", ["text", "blob"])
def test_an_issue_whose_title_is_not_utf8_can_be_run(kind: str, project: Project) -> None:
    spoil(project, kind)

    ran = project.adw("run", "bd-43", "--adw-id", f"of-{kind}", "--force")

    assert ran.code == 0, ran.err
    assert project.adw("list", "--issue", "bd-43").code == 0


def test_data_that_is_no_json_is_shown_as_it_is(project: Project) -> None:
    with closing(sqlite3.connect(project.database, isolation_level=None)) as connection:
        connection.execute("UPDATE adw_executions SET extra_data = '{half' WHERE id = 'good'")

    found = {run["id"]: run["extra_data"] for run in project.adw("list", "--json").json["executions"]}

    assert found["good"] == "{half"


def test_files_with_latin_1_do_not_stop_the_analysis(project: Project) -> None:
    folder = project.folder / ".adw" / "agents" / "bad"
    state = json.loads((folder / "adw_state.json").read_text())
    state["issue_title"] = "TITLE"
    (folder / "adw_state.json").write_bytes(json.dumps(state).encode().replace(b"TITLE", LATIN_1))
    for log in Path(project.folder, ".adw", "logs").rglob("execution.log"):
        log.write_bytes(log.read_bytes().replace(b"Login", LATIN_1))

    ran = project.adw("analyze", "--backend", "json", "--json")

    assert ran.code == 0
    assert ran.json["outcomes"]["failed"] == 2
