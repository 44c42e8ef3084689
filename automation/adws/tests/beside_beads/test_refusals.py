"""What cannot be used is refused with one sentence and a hint, and left as it was."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from adw_state.errors import (
    AdwError,
    DatabaseError,
    DatabaseForeignError,
    DatabaseNotFoundError,
    DatabaseUnreadableError,
    TrackerUnusableError,
)
from adw_state.trackers.locate import locate
from adws.tests.beside_beads.trackers import classic, git_repository, project_with_classic

Spoil = Callable[[Path], None]


def a_folder(path: Path) -> None:
    path.mkdir()


def an_empty_file(path: Path) -> None:
    path.touch()


def an_empty_file_with_a_log(path: Path) -> None:
    path.with_name(path.name + "-wal").write_bytes(b"committed, but not yet in the file")
    path.touch()


def some_text(path: Path) -> None:
    path.write_text("SQLite is not in here, although the text is longer than a header of 100 bytes. " * 2)


def a_cut_header(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\x00" + bytes(20))


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_loop_of_links(path: Path) -> None:
    path.symlink_to(path)


def a_damaged_schema(path: Path) -> None:
    classic(path)
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 1000)


def a_file_cut_in_half(path: Path) -> None:
    classic(path)
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096 + 100)


def another_application(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE issues (id INTEGER PRIMARY KEY, subject TEXT, state TEXT)")
    connection.close()


def no_tables(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE gone (id)")
        connection.execute("DROP TABLE gone")
    connection.close()


SPOILED = [
    (a_folder, DatabaseUnreadableError, "is a folder, not a database file"),
    (an_empty_file, DatabaseUnreadableError, "is empty"),
    (an_empty_file_with_a_log, DatabaseUnreadableError, "is empty"),
    (some_text, DatabaseUnreadableError, "is not a SQLite database"),
    (a_cut_header, DatabaseUnreadableError, "is not a SQLite database"),
    (a_pipe, DatabaseUnreadableError, "is not a plain file"),
    (a_damaged_schema, DatabaseUnreadableError, "is not a readable SQLite database"),
    (a_file_cut_in_half, DatabaseUnreadableError, "is not a readable SQLite database"),
    (another_application, DatabaseForeignError, "has no table of issues"),
    (no_tables, DatabaseForeignError, "has no table of issues"),
]


def refused(*, explicit: str | Path | None = None, cwd: Path, **environ: str) -> AdwError:
    with pytest.raises(AdwError) as refusal:
        locate(explicit, cwd=cwd, environ=environ)
    assert refusal.value.hint
    assert "\n" not in str(refusal.value)
    return refusal.value


@pytest.mark.parametrize(("spoil", "error", "sentence"), SPOILED)
@pytest.mark.parametrize("way", ["named", "found"])
def test_an_unusable_database_is_refused_with_its_fault(
    way: str, spoil: Spoil, error: type[DatabaseError], sentence: str, tmp_path: Path
) -> None:
    top = git_repository(tmp_path / "project")
    (top / ".beads").mkdir()
    path = top / ".beads" / "beads.db"
    spoil(path)
    before = sorted(entry.name for entry in path.parent.iterdir())
    refusal = refused(explicit=path if way == "named" else None, cwd=top)
    assert isinstance(refusal, error)
    assert str(path) in str(refusal)
    assert sentence in str(refusal)
    assert sorted(entry.name for entry in path.parent.iterdir()) == before


@pytest.mark.parametrize(
    "name", ["gone.db", "gone/beads.db", ".beads/gone.db", "--db", "a b'\"c\n.db", "../x.db"]
)
def test_a_named_file_that_is_missing_is_refused_and_not_made(name: str, tmp_path: Path) -> None:
    top = project_with_classic(tmp_path / "project")
    with pytest.raises(DatabaseNotFoundError, match="there is no database at"):
        locate(name, cwd=top, environ={})
    assert not (top / name).exists()


def test_a_file_behind_a_file_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert isinstance(refused(explicit="file/beads.db", cwd=tmp_path), DatabaseNotFoundError)


@pytest.mark.parametrize("explicit", ["loop", "n" * 300])
def test_a_path_that_cannot_be_followed_is_refused(explicit: str, tmp_path: Path) -> None:
    a_loop_of_links(tmp_path / "loop")
    assert isinstance(refused(explicit=explicit, cwd=tmp_path), DatabaseUnreadableError)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("shut", [".beads/beads.db", ".beads"])
def test_what_may_not_be_read_is_refused(shut: str, tmp_path: Path) -> None:
    top = project_with_classic(tmp_path / "project")
    (top / shut).chmod(0)
    refusal = refused(cwd=top)
    (top / shut).chmod(0o700)
    assert isinstance(refusal, DatabaseUnreadableError)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '"beads.db"', "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n"]
)
def test_settings_that_cannot_be_understood_are_refused_not_guessed_at(text: str, tmp_path: Path) -> None:
    top = project_with_classic(tmp_path / "project")
    (top / ".beads" / "metadata.json").write_text(text)
    refusal = refused(cwd=top)
    assert isinstance(refusal, TrackerUnusableError)
    assert f"{top}/.beads/metadata.json cannot be understood" in str(refusal)


def test_settings_with_values_of_other_types_count_as_unset(tmp_path: Path) -> None:
    top = project_with_classic(tmp_path / "project")
    (top / ".beads" / "metadata.json").write_text('{"database": 7, "backend": null, "jsonl_export": []}')
    assert locate(cwd=top, environ={}).database == top / ".beads" / "beads.db"


def test_a_current_folder_that_is_gone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    shutil.rmtree(gone)
    with pytest.raises(DatabaseUnreadableError, match="the current folder cannot be looked at"):
        locate(environ={})
