"""Exports live in git, where they are merged, cut and edited; what is broken is counted, not guessed at."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from adw_state.errors import IssueNotFoundError, TrackerUnusableError
from adw_state.trackers import folder
from adw_state.trackers.br import BR
from adw_state.trackers.folder import ExportReader
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Issue, read_issue
from adws.tests.beside_beads.trackers import NO_SHARED, SHARED
from adws.tests.samples import as_json_lines, export_lines

FIRST = b'{"id":"tk-1","title":"First","status":"open","priority":0,"issue_type":"bug","labels":["x"]}'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder of br's, whose issues are read from the export alone."""
    (tmp_path / ".beads" / ".br_history").mkdir(parents=True)
    return tmp_path


def write(project: Path, content: bytes) -> Path:
    export = project / ".beads" / "issues.jsonl"
    export.write_bytes(content)
    return export


def read(project: Path, issue_id: str) -> Issue:
    location = locate(cwd=project, environ={})
    assert location.tracker is BR
    return read_issue(location, issue_id)


def count(export: Path) -> tuple[list[object], int, int]:
    reader = ExportReader(export)
    ids = [issue["id"] for issue in reader]
    return ids, reader.lines, reader.skipped


def test_an_issue_of_the_export_is_read(project: Path) -> None:
    write(project, FIRST + b"\n")
    assert read(project, "tk-1") == Issue("tk-1", "First", "bug", 0, "open", labels=("x",))


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\n\n\n"])
def test_line_endings_do_not_matter(ending: bytes, project: Path) -> None:
    assert count(write(project, FIRST + ending)) == (["tk-1"], 1, 0)


def test_a_byte_order_mark_does_not_matter(project: Path) -> None:
    assert count(write(project, b"\xef\xbb\xbf" + FIRST)) == (["tk-1"], 1, 0)


def test_of_several_lines_with_one_id_the_last_counts(project: Path) -> None:
    write(project, FIRST + b"\n" + FIRST.replace(b"First", b"Changed") + b"\n")
    assert read(project, "tk-1").title == "Changed"


def test_conflict_markers_and_broken_lines_are_counted_and_skipped(project: Path) -> None:
    export = write(
        project,
        b"<<<<<<< HEAD\n" + FIRST + b"\n=======\n" + FIRST.replace(b"First", b"Theirs") + b"\n>>>>>>> other\n"
        b'{"id":"tk-2","title":"cut o\n[1]\n"text"\n{"title":"no id"}\n{"id":7}\n\xff\xfe\n' + b"[" * 100_000,
    )
    assert count(export) == (["tk-1", "tk-1"], 12, 10)
    assert read(project, "tk-1").title == "Theirs"


def test_an_issue_that_may_be_on_a_broken_line_is_not_found_and_the_lines_are_mentioned(
    project: Path,
) -> None:
    write(project, FIRST + b'\n{"id":"tk-2","title":"cut o')
    with pytest.raises(IssueNotFoundError) as refusal:
        read(project, "tk-2")
    assert str(refusal.value) == (
        f"{project}/.beads/issues.jsonl has no readable line for issue 'tk-2';"
        " 1 of its 2 lines could not be understood"
    )


def test_an_issue_that_is_not_in_a_sound_export_is_not_found(project: Path) -> None:
    write(project, FIRST)
    with pytest.raises(IssueNotFoundError, match=r"issues\.jsonl has no issue 'tk-2'$"):
        read(project, "tk-2")


@pytest.mark.parametrize("priority", [b"null", b'"high"', b"true", b"1.5"])
def test_a_priority_that_is_no_whole_number_is_unknown(priority: bytes, project: Path) -> None:
    write(project, FIRST.replace(b'"priority":0', b'"priority":' + priority))
    assert read(project, "tk-1").priority is None


def test_an_issue_that_says_nothing_but_its_id_is_read_as_such(project: Path) -> None:
    write(project, b'{"id":"tk-1","labels":"none","title":null}')
    assert read(project, "tk-1") == Issue("tk-1", "")


def test_a_deleted_issue_in_the_export_is_said_to_be_deleted(project: Path) -> None:
    write(project, FIRST.replace(b"open", b"tombstone"))
    with pytest.raises(IssueNotFoundError, match="was deleted from the tracker"):
        read(project, "tk-1")


def test_half_a_character_in_a_text_is_replaced(project: Path) -> None:
    write(project, FIRST.replace(b"First", rb"\ud83d cut \u0000"))
    assert read(project, "tk-1").title == "? cut "


def test_without_an_export_the_user_is_told_how_to_get_one(project: Path) -> None:
    with pytest.raises(IssueNotFoundError, match="has no issue export to read issues from") as refusal:
        read(project, "tk-1")
    assert refusal.value.hint is not None
    assert "br sync --flush-only" in refusal.value.hint


def test_without_a_tracker_the_user_is_told_what_to_say(tmp_path: Path) -> None:
    with pytest.raises(IssueNotFoundError, match="there is no tracker to read issue 'x' from") as refusal:
        read_issue(locate(cwd=tmp_path, environ={}), "x")
    assert refusal.value.hint is not None
    assert "--title, --type and --priority" in refusal.value.hint


def test_an_export_that_cannot_be_read_is_an_error(project: Path) -> None:
    (project / ".beads" / "issues.jsonl").mkdir()
    with pytest.raises(TrackerUnusableError, match="cannot be read"):
        read(project, "tk-1")


def test_a_large_export_is_read_in_constant_memory(project: Path) -> None:
    line = json.dumps({"id": "tk-7", "title": "x" * 10_000}).encode() + b"\n"
    export = write(project, line * 2_000)
    tracemalloc.start()
    assert sum(1 for _ in ExportReader(export)) == 2_000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 500_000


def test_a_line_too_long_to_be_an_issue_is_skipped_whole(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_MAX_LINE_BYTES", 200)
    huge = b'{"id":"tk-2","title":"' + b"x" * 1_000 + b'"}'
    exact = FIRST + b" " * (199 - len(FIRST))
    export = write(project, b"\n".join([huge, exact, FIRST, huge]))
    assert count(export) == (["tk-1", "tk-1"], 4, 2)


def test_an_export_in_use_is_read_whole(project: Path) -> None:
    read_whole(project, as_json_lines(export_lines()).encode(), 61)


@pytest.mark.skipif(not SHARED.exists(), reason=NO_SHARED)
@pytest.mark.parametrize(
    ("sample", "issues"),
    [
        ("bd-0.17-kotadb-1k.jsonl", 3),
        ("bd-0.17-kotadb-5k.jsonl", 10),
        ("bd-beads-51k.jsonl", 57),
        ("bd-mtg-34k.jsonl", 61),
    ],
)
def test_exports_that_people_have_are_read_whole(sample: str, issues: int, project: Path) -> None:
    read_whole(project, (SHARED / "data" / "beads-jsonl" / sample).read_bytes(), issues)


def read_whole(project: Path, content: bytes, issues: int) -> None:
    """Read every issue of an export and compare it with what its line says."""
    ids, lines, skipped = count(write(project, content))
    assert (len(set(ids)), lines, skipped) == (issues, issues, 0)
    for line in content.decode().splitlines():
        said = json.loads(line)
        issue = read(project, said["id"])
        assert (issue.title, issue.priority, issue.issue_type, issue.labels) == (
            said["title"],
            said["priority"],
            said["issue_type"],
            tuple(said.get("labels", [])),
        )
