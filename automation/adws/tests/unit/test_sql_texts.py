"""The SQL files: how they are read, that each statement is used and parses, and what none may hold."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.schema.migration_files import Layout, known
from adw_state.store import sql
from adw_state.store.executions import create_statement

_PACKAGE = sql.QUERIES.parent
_PARAMETER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")
_BUILT_NAME = re.compile(r'f"([a-z_]+\{\w+(?:\[[^\[\]"]*\])?\}|\{\w+\}[a-z_]+)"')
_SQLITE_ONLY = {
    "opening": "asks SQLite's own catalogue",
    "reconciliation": "follows a tracker's SQLite file",
    "bd": "reads and makes a tracker's SQLite file",
    "restore": "reads old SQLite files",
    "previous_tables": "upgrades SQLite files of before the first release",
    "log_tables": "tables in SQLite's memory",
    "doctor": "examines a SQLite file",
}
_SHARED_MIGRATIONS = ("000", "001", "004")  # 002 and 003 hold views with a clock and triggers
# What SQLite and PostgreSQL do not both understand, or understand differently.
_FORBIDDEN = {
    "a double quote": r'"',
    "iif or ifnull": r"\b(iif|ifnull)\s*\(",
    "GLOB or REGEXP": r"\b(GLOB|REGEXP)\b",
    "the engine's clock": r"\b(strftime|julianday|datetime|date|time|unixepoch)\s*\(|\bCURRENT_(TIME|DATE)",
    "a sum of a comparison": r"\bsum\s*\(\s*[\w.]+\s*(=|<|>|<>)",
    "round with digits": r"\bround\s*\([^()]*,",
    "LIMIT -1": r"\bLIMIT\s+-1\b",
    "OFFSET": r"\bOFFSET\b",
    "IN ()": r"\bIN\s*\(\s*\)",
    "INSERT OR / UPDATE OR": r"\b(INSERT|UPDATE)\s+OR\b",
    "REPLACE INTO": r"\bREPLACE\s+INTO\b",
    "rowid": r"\b(rowid|oid|_rowid_)\b",
    "AUTOINCREMENT": r"\bAUTOINCREMENT\b",
    "a JSON function": r"\bjson_?\w*\s*\(",
    "INTEGER, REAL or BLOB": r"\b(INTEGER|INT|REAL|BLOB|DATETIME|BOOLEAN|VARCHAR)\b",
    "STRICT or WITHOUT ROWID": r"\bSTRICT\b|\bWITHOUT\s+ROWID\b",
    "a question mark or formatting": r"\?|%s|\{\w*\}",
    "scalar max or min": r"\b(max|min)\s*\([^()]*,",
    "a bare test of a parameter for NULL": r"(?<!cast\():\w+\s+IS\s+(NOT\s+)?NULL",
    "==": r"==",
    "total or group_concat": r"\b(total|group_concat)\s*\(",
}


def _bare(text: str) -> str:
    """The text without comments and without what stands in quotes."""
    return re.sub(r"'[^']*'", "''", re.sub(r"--[^\n]*", "", text))


def _jobs() -> list[str]:
    return sorted(path.stem for path in sql.QUERIES.glob("*.sql"))


def _statements() -> list[tuple[str, str]]:
    return [(job, name) for job in _jobs() for name in sql.load(job)]


def test_a_statement_is_what_stands_behind_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "QUERIES", tmp_path)
    (tmp_path / "made_up_job.sql").write_text(
        "-- Head, with a -- name: inside.\n\n-- name: one\n-- What it is for.\nSELECT 1;\n\n"
        "-- name:  two\nSELECT 2\n"
    )
    assert sql.load("made_up_job") == {"one": "-- What it is for.\nSELECT 1", "two": "SELECT 2"}


def test_a_name_that_stands_twice_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "QUERIES", tmp_path)
    (tmp_path / "twice.sql").write_text("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n")
    with pytest.raises(ValueError, match=r"twice\.sql has two statements named one"):
        sql.load("twice")


def test_a_script_falls_into_its_statements_with_triggers_whole() -> None:
    script = (
        "-- Why.\nCREATE TABLE t (a TEXT); -- ; not an end\nCREATE TRIGGER x BEFORE DELETE ON t\nBEGIN\n"
        "    INSERT INTO t VALUES ('a;b');\n    DELETE FROM t;\nEND;\nDROP TABLE t;\n-- The end.\n"
    )
    found = list(sql.statements(script))
    assert found == [
        "-- Why.\nCREATE TABLE t (a TEXT); -- ; not an end",
        "CREATE TRIGGER x BEFORE DELETE ON t\nBEGIN\n    INSERT INTO t VALUES ('a;b');\n"
        "    DELETE FROM t;\nEND;",
        "DROP TABLE t;",
    ]
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in found:
            connection.execute(statement)


def test_a_statement_without_end_is_an_error() -> None:
    with pytest.raises(ValueError, match="a statement does not end with a semicolon: DROP TABLE t"):
        list(sql.statements("SELECT 1;\nDROP TABLE t\n"))


@pytest.mark.parametrize("job", _jobs())
def test_a_file_explains_itself_and_each_of_its_statements(job: str) -> None:
    text = (sql.QUERIES / f"{job}.sql").read_text(encoding="utf-8")
    assert text.startswith("-- ")
    for name, text_of in sql.load(job).items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert text_of.startswith("-- "), f"{job}.sql: {name} does not say what it answers"
        assert {word for word in _PARAMETER.findall(_bare(text_of)) if word != word.lower()} == set()


@pytest.mark.parametrize(("job", "name"), _statements())
def test_every_statement_is_used(job: str, name: str, code: dict[Path, str]) -> None:
    users = [text for text in code.values() if f'load("{job}")' in text]
    built = [re.sub(r"\{[^{}]*\}", r"\\w+", found) for text in users for found in _BUILT_NAME.findall(text)]
    assert any(f'"{name}"' in text for text in users) or any(
        re.fullmatch(pattern, name) for pattern in built
    ), f"nobody uses {name} of {job}.sql"


@pytest.fixture(scope="module")
def code() -> dict[Path, str]:
    """Every module of the product."""
    return {
        path: path.read_text(encoding="utf-8")
        for path in _PACKAGE.rglob("*.py")
        if "tests" not in path.relative_to(_PACKAGE).parts
    }


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory, beads_template: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("parser") / "beads.db"
    path.write_bytes(beads_template.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        yield connection


@pytest.mark.parametrize(("job", "name"), _statements())
def test_every_statement_parses(job: str, name: str, parser: sqlite3.Connection) -> None:
    text = sql.load(job)[name]
    if (job, name) == ("executions", "create"):
        text = create_statement(
            sql.load(job)["unknown_issue"]
        )  # what the home of the database says of the issue
    error = _parse_error(parser, text)
    if job in _SQLITE_ONLY:
        # Statements about other files than ours name what is not here; that they parse is all we ask.
        assert re.match(r"$|no such (table|column)|table \w+ already exists|unknown database", error), error
    else:
        assert error == ""


def _parse_error(parser: sqlite3.Connection, statement: str) -> str:
    try:
        parser.execute(f"EXPLAIN {statement}", dict.fromkeys(_PARAMETER.findall(statement)))
    except sqlite3.OperationalError as error:
        return str(error)
    return ""


def _shared_texts() -> dict[str, str]:
    texts = {f"queries/{job}.sql": _query_file(job) for job in _jobs() if job not in _SQLITE_ONLY}
    for migration in known():
        if migration.version in _SHARED_MIGRATIONS:
            texts[f"{migration.version}_{migration.name}.sql"] = "\n".join(
                [*migration.up(Layout.SHARED_FILE), *migration.down()]
            )
    return texts


def _query_file(job: str) -> str:
    return (sql.QUERIES / f"{job}.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize("construct", list(_FORBIDDEN))
def test_shared_texts_hold_nothing_that_only_one_engine_understands(construct: str) -> None:
    found = {
        name: match.group(0)
        for name, text in _shared_texts().items()
        if (match := re.search(_FORBIDDEN[construct], _bare(text), re.IGNORECASE))
    }
    assert found == {}


def test_the_lint_knows_each_construct_when_it_sees_it() -> None:
    examples = {
        "a double quote": 'SELECT "a"',
        "iif or ifnull": "SELECT ifnull(a, 1)",
        "GLOB or REGEXP": "a GLOB 'x*'",
        "the engine's clock": "SELECT strftime('%s')",
        "a sum of a comparison": "sum(e.status = 'x')",
        "round with digits": "round(a, 2)",
        "LIMIT -1": "LIMIT -1",
        "OFFSET": "LIMIT 5 OFFSET 5",
        "IN ()": "a IN ()",
        "INSERT OR / UPDATE OR": "INSERT OR IGNORE INTO t",
        "REPLACE INTO": "REPLACE INTO t",
        "rowid": "SELECT rowid",
        "AUTOINCREMENT": "AUTOINCREMENT",
        "a JSON function": "json_extract(a, '$')",
        "INTEGER, REAL or BLOB": "a INTEGER",
        "STRICT or WITHOUT ROWID": ") STRICT",
        "a question mark or formatting": "WHERE a = ?",
        "scalar max or min": "max(a, b)",
        "a bare test of a parameter for NULL": "WHERE :p IS NULL",
        "==": "a == b",
        "total or group_concat": "total(a)",
    }
    assert examples.keys() == _FORBIDDEN.keys()
    for construct, example in examples.items():
        assert re.search(_FORBIDDEN[construct], example, re.IGNORECASE), construct
    for allowed in ("max(c.seq)", "cast(:p AS TEXT) IS NULL", "coalesce(max(a), 0)", "BIGINT", "round(a)"):
        assert [c for c, pattern in _FORBIDDEN.items() if re.search(pattern, allowed, re.IGNORECASE)] == []


@pytest.mark.parametrize(
    ("job", "name"), [(job, name) for job, name in _statements() if job not in _SQLITE_ONLY]
)
def test_what_takes_a_limit_says_in_which_order(job: str, name: str) -> None:
    bare = _bare(sql.load(job)[name])
    for limit in re.finditer(r"\bLIMIT\b", bare):
        assert "ORDER BY" in bare[: limit.start()]
