"""The JSON state of a run: atomic, shared, tolerant of keys it does not know, intolerant of damage."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adw_state.clock import SettableClock
from adw_state.errors import CheckpointDataError, InvalidInputError, StateFileError
from adw_state.json_state import ADWState
from adw_state.run_root import agents_folder
from adws.tests.conftest import NOW
from adws.tests.processes import child, run_together
from adws.tests.samples import states_of_others


def _state(project: Path, adw_id: str = "adw-1") -> ADWState:
    return ADWState(adw_id, project, clock=SettableClock(NOW))


def _path(project: Path, *parts: str) -> Path:
    return project.joinpath(".adw", "agents", "adw-1", *parts)


def _write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_state_lies_where_teams_have_it_and_is_one_json_object(tmp_path: Path) -> None:
    state = _state(tmp_path)
    assert (
        state.path
        == agents_folder(tmp_path) / "adw-1" / "adw_state.json"
        == _path(tmp_path, "adw_state.json")
    )
    assert ADWState.load("adw-1", tmp_path) is None
    state.update({"issue_number": "7", "größe": [1, None]})
    assert state.path.read_text(encoding="utf-8") == (
        '{\n  "adw_id": "adw-1",\n  "issue_number": "7",\n  "größe": [\n    1,\n    null\n  ]\n}\n'
    )
    loaded = ADWState.load("adw-1", tmp_path)
    assert loaded is not None
    assert loaded.data == {"adw_id": "adw-1", "issue_number": "7", "größe": [1, None]}


def test_keys_that_are_not_ours_stay_as_they_are(tmp_path: Path) -> None:
    _write(_path(tmp_path, "adw_state.json"), '{"adw_id": "adw-1", "backend_port": 9100, "model_set": null}')
    _state(tmp_path).update({"plan_file": "plan.md"})
    assert json.loads(_path(tmp_path, "adw_state.json").read_text()) == {
        "adw_id": "adw-1",
        "backend_port": 9100,
        "model_set": None,
        "plan_file": "plan.md",
    }
    _write(
        _path(tmp_path, "plan", "checkpoints.json"),
        '{"phase": "plan", "tool": "other", "checkpoints": [{"step": "old", "extra": true}]}',
    )
    _state(tmp_path).append_checkpoint("plan", "new", {})
    kept = json.loads(_path(tmp_path, "plan", "checkpoints.json").read_text())
    assert kept["tool"] == "other"
    assert kept["checkpoints"][0] == {"step": "old", "extra": True}


def test_a_key_named_like_a_method_is_just_a_key(tmp_path: Path) -> None:
    _state(tmp_path).update({"data": 1, "save": 2, "update": 3})
    loaded = ADWState.load("adw-1", tmp_path)
    assert loaded is not None
    assert loaded.data == {"adw_id": "adw-1", "data": 1, "save": 2, "update": 3}


def test_checkpoints_have_the_shape_that_teams_have_and_their_order(tmp_path: Path) -> None:
    state = _state(tmp_path)
    assert state.checkpoints("plan") == []
    state.append_checkpoint("plan", "plan_written", {"file": "plan.md"}, "commit")
    state.append_checkpoint("plan", "plan_committed", {})
    state.append_checkpoint("build", "started", {})
    assert json.loads(_path(tmp_path, "plan", "checkpoints.json").read_text()) == {
        "phase": "plan",
        "checkpoints": [
            {
                "timestamp": NOW,
                "step": "plan_written",
                "files_completed": [],
                "next_action": "commit",
                "metadata": {"file": "plan.md"},
            },
            {
                "timestamp": NOW,
                "step": "plan_committed",
                "files_completed": [],
                "next_action": None,
                "metadata": {},
            },
        ],
    }
    assert [entry["step"] for entry in _dicts(state.checkpoints("build"))] == ["started"]


def _dicts(entries: list[Any]) -> list[dict[str, Any]]:
    assert all(isinstance(entry, dict) for entry in entries)
    return entries


def test_runs_do_not_share_their_checkpoints(tmp_path: Path) -> None:
    _state(tmp_path, "adw-1").append_checkpoint("plan", "mine", {})
    assert _state(tmp_path, "adw-2").checkpoints("plan") == []


@pytest.mark.parametrize("adw_id", ["../x", "a/b", "a\\b", ".", "..", "", "a\nb", "x" * 201, "ä" * 128])
def test_an_id_that_cannot_name_a_folder_is_refused(tmp_path: Path, adw_id: str) -> None:
    with pytest.raises(InvalidInputError):
        ADWState(adw_id, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("adw_id", ["--skip-e2e", "a b + c", "it's", '"q"', "ä" * 100])
def test_any_other_id_is_taken_as_given(tmp_path: Path, adw_id: str) -> None:
    _state(tmp_path, adw_id).update({"a": 1})
    assert (agents_folder(tmp_path) / adw_id / "adw_state.json").is_file()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read as JSON: Expecting value"),
        ('{"a": ', "cannot be read as JSON: Expecting value"),
        ("[1]", "holds a JSON list where an object is expected"),
        ("null", "holds a JSON NoneType where an object is expected"),
        ('{"a": NaN}', "cannot be read as JSON: NaN is not a JSON value"),
        (b'{"a": "\xff"}', "cannot be read as JSON: byte 8 is not UTF-8"),
        ("[" * 100_000, "cannot be read as JSON: maximum recursion depth exceeded"),
    ],
)
def test_a_damaged_state_is_refused_and_left_as_it_is(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = _write(_path(tmp_path, "adw_state.json"), content)
    before = path.read_bytes()
    uses: list[Callable[[], object]] = [
        lambda: ADWState.load("adw-1", tmp_path),
        lambda: _state(tmp_path).update({"b": 1}),
    ]
    for use in uses:
        with pytest.raises(StateFileError) as caught:
            use()
        assert str(caught.value).startswith(f"{path} {message}")
        assert caught.value.hint == "repair it, or move it away and run again"
    assert path.read_bytes() == before


def test_checkpoints_that_are_no_list_are_refused_and_left_as_they_are(tmp_path: Path) -> None:
    path = _write(_path(tmp_path, "plan", "checkpoints.json"), '{"checkpoints": 7}')
    with pytest.raises(StateFileError, match="has no list of checkpoints"):
        _state(tmp_path).append_checkpoint("plan", "x", {})
    with pytest.raises(StateFileError, match="has no list of checkpoints"):
        _state(tmp_path).checkpoints("plan")
    assert path.read_text() == '{"checkpoints": 7}'


def test_a_state_in_the_place_of_a_folder_or_behind_a_file_is_one_clear_error(tmp_path: Path) -> None:
    _path(tmp_path, "adw_state.json").mkdir(parents=True)
    with pytest.raises(StateFileError, match="cannot be read: Is a directory"):
        ADWState.load("adw-1", tmp_path)
    blocked = tmp_path / "blocked"
    _write(blocked / ".adw", "a file")
    with pytest.raises(StateFileError, match="cannot be written: Not a directory"):
        _state(blocked).update({"a": 1})


def test_what_json_cannot_carry_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    state = _state(tmp_path)
    state.update({"a": 1})
    with pytest.raises(CheckpointDataError):
        state.update({"b": float("nan")})
    with pytest.raises(CheckpointDataError):
        state.append_checkpoint("plan", "x", {"b": b"bytes"})  # type: ignore[dict-item]
    assert json.loads(state.path.read_text()) == {"adw_id": "adw-1", "a": 1}
    assert state.checkpoints("plan") == []


def test_updates_of_eight_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    def work(number: int) -> None:
        state = ADWState("adw-1", tmp_path)
        for step in range(5):
            state.update({f"p{number}-{step}": step})
            state.append_checkpoint("build", f"p{number}-{step}", {})

    run_together([partial(work, number) for number in range(8)])
    loaded = ADWState.load("adw-1", tmp_path)
    assert loaded is not None
    wanted = {f"p{number}-{step}": step for number in range(8) for step in range(5)}
    assert loaded.data == {"adw_id": "adw-1", **wanted}
    assert sorted(str(entry["step"]) for entry in _dicts(loaded.checkpoints("build"))) == sorted(wanted)


@pytest.mark.parametrize("moment", ["before the file is on the disk", "before it takes the old one's name"])
def test_a_writer_that_is_killed_leaves_the_old_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    state = _state(tmp_path)
    state.update({"a": "old"})

    def killed_writer(here: Any) -> None:
        if moment == "before the file is on the disk":
            monkeypatch.setattr(os, "fsync", lambda _: here())
        else:
            monkeypatch.setattr(Path, "replace", lambda *_: here())
        state.update({"a": "new"})

    with child(killed_writer) as process:
        process.wait_until_it_is_there()
        process.kill()
    loaded = ADWState.load("adw-1", tmp_path)
    assert loaded is not None
    assert loaded.data == {"adw_id": "adw-1", "a": "old"}
    # The lock of the dead writer is gone with it.
    loaded.update({"a": "newer"})
    assert json.loads(state.path.read_text())["a"] == "newer"


def test_a_reader_beside_a_writer_sees_whole_states_only(tmp_path: Path) -> None:
    state = _state(tmp_path)
    state.update({"text": "x" * 200_000, "length": 200_000})

    def write_on(here: Any) -> None:
        for length in range(100_000, 100_030):
            state.update({"text": "x" * length, "length": length})
        here()

    with child(write_on) as process:
        for _ in range(100):
            loaded = ADWState.load("adw-1", tmp_path)
            assert loaded is not None
            assert len(str(loaded.data["text"])) == loaded.data["length"]
        process.wait_until_it_is_there()


def test_a_failed_write_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = _state(tmp_path)
    state.update({"a": 1})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateFileError, match="cannot be written: No space left on device"):
        state.update({"a": 2})
    assert [path.name for path in state.folder.iterdir()] == ["adw_state.json"]
    assert json.loads(state.path.read_text())["a"] == 1


@pytest.mark.parametrize("fields", states_of_others(), ids=lambda fields: str(fields["adw_id"]))
def test_states_of_other_programs_are_read_and_kept(tmp_path: Path, fields: dict[str, Any]) -> None:
    _are_kept(tmp_path, [json.dumps(fields)])


def test_real_states_of_other_teams_are_read_and_kept(tmp_path: Path, shared: Path) -> None:
    found = sorted((shared / "data" / "adw-json").rglob("adw_state.json"))
    assert len(found) >= 3
    _are_kept(tmp_path, [source.read_text() for source in found])


def _are_kept(tmp_path: Path, states: list[str]) -> None:
    for text in states:
        _write(_path(tmp_path, "adw_state.json"), text)
        before = json.loads(text)
        _state(tmp_path).update({"plan_file": "new.md"})
        after = json.loads(_path(tmp_path, "adw_state.json").read_text())
        assert after == {"adw_id": "adw-1", **before, "plan_file": "new.md"}
