"""Files of other programs: byte order marks and line ends do not matter, another encoding is named."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest

from adw_state.configuration.settings import load_config
from adw_state.errors import ConfigurationError, StateFileError, TrackerUnusableError
from adw_state.json_state import ADWState
from adw_state.run_root import agents_folder
from adw_state.text_files import decode_text
from adw_state.trackers.folder import ExportReader, follow_redirect, read_folder

MARK = codecs.BOM_UTF8
OTHER_ENCODING = "it is in UTF-16 or UTF-32 (PowerShell writes such files); save it as UTF-8"
OTHER_ENCODINGS = ["utf-16", "utf-32"]


def test_a_byte_order_mark_and_the_kind_of_line_ends_do_not_matter() -> None:
    assert decode_text(MARK + "grün\r\nrot\rblau\n".encode()) == "grün\nrot\nblau\n"
    assert decode_text(b"") == ""


@pytest.mark.parametrize("encoding", OTHER_ENCODINGS)
@pytest.mark.parametrize("mark", ["le", "be"])
def test_another_encoding_is_named(encoding: str, mark: str) -> None:
    content = "\ufeffagent = 'x'".encode(f"{encoding}-{mark}")
    with pytest.raises(ValueError, match=r"^it is in UTF-16 or UTF-32 ") as refusal:
        decode_text(content)
    assert str(refusal.value) == OTHER_ENCODING


def test_the_byte_that_is_not_utf_8_is_named_or_kept() -> None:
    with pytest.raises(ValueError, match=r"^byte 3 is not UTF-8; save the file as UTF-8$"):
        decode_text(b"gr\xfcn")
    assert decode_text(b"gr\xfcn", "surrogateescape") == "gr\udcfcn"


def test_a_configuration_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "adw.toml").write_bytes(MARK + b'agent = "my-agent"\r\nstale_hours = 12\r\n')
    config = load_config(tmp_path, {})
    assert (config.agent, config.stale_hours) == ("my-agent", 12.0)


@pytest.mark.parametrize("encoding", OTHER_ENCODINGS)
def test_a_configuration_in_another_encoding_is_one_clear_error(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "adw.toml").write_text('agent = "my-agent"', encoding=encoding)
    with pytest.raises(ConfigurationError) as refusal:
        load_config(tmp_path, {})
    assert str(refusal.value) == f"{tmp_path}/adw.toml cannot be read: {OTHER_ENCODING}"


def test_the_files_of_a_tracker_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (there := tmp_path / "there" / ".beads").mkdir(parents=True)
    (here := tmp_path / "here" / ".beads").mkdir(parents=True)
    (here / "metadata.json").write_bytes(MARK + b'{"database": "dolt"}\r\n')
    (here / "config.yaml").write_bytes(MARK + b"no-db: true\r\n")
    (here / "redirect").write_bytes(MARK + f"{there}\r\n".encode())
    folder = read_folder(here)
    assert folder is not None
    assert folder.settings == {"database": "dolt"}
    assert folder.keeps_no_database()
    assert follow_redirect(folder)[0].path == there


@pytest.mark.parametrize("name", ["metadata.json", "config.yaml"])
@pytest.mark.parametrize("encoding", OTHER_ENCODINGS)
def test_a_file_of_a_tracker_in_another_encoding_is_one_clear_error(
    encoding: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text('{"no-db": "true"}', encoding=encoding)
    with pytest.raises(TrackerUnusableError) as refusal:
        read_folder(tmp_path)
    assert str(refusal.value) == f"{tmp_path}/{name} cannot be understood: {OTHER_ENCODING}"


def test_a_redirect_may_lead_to_a_folder_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    there = tmp_path / "gr\udcfcn"
    there.mkdir()
    (tmp_path / ".beads").mkdir()
    (tmp_path / ".beads" / "redirect").write_bytes(bytes(there) + b"\n")
    folder = read_folder(tmp_path / ".beads")
    assert folder is not None
    assert follow_redirect(folder)[0].path == there


@pytest.mark.parametrize("encoding", OTHER_ENCODINGS)
def test_an_issue_export_in_another_encoding_is_one_clear_error(encoding: str, tmp_path: Path) -> None:
    export = tmp_path / "issues.jsonl"
    export.write_text('{"id":"tk-1","title":"First"}\n', encoding=encoding)
    with pytest.raises(TrackerUnusableError) as refusal:
        list(ExportReader(export))
    assert str(refusal.value) == f"{export} cannot be understood: {OTHER_ENCODING}"


def test_texts_of_an_issue_export_may_hold_tabs_and_carriage_returns(tmp_path: Path) -> None:
    export = tmp_path / "issues.jsonl"
    export.write_bytes(MARK + b'{"id":"tk-1","title":"First\tand\rlast"}\r\n')
    assert list(ExportReader(export)) == [{"id": "tk-1", "title": "First\tand\rlast"}]


def test_a_json_state_with_a_byte_order_mark_is_read_and_goes_on(tmp_path: Path) -> None:
    folder = agents_folder(tmp_path) / "run-1"
    (folder / "plan").mkdir(parents=True)
    (folder / "adw_state.json").write_bytes(MARK + b'{"adw_id": "run-1"}\r\n')
    (folder / "plan" / "checkpoints.json").write_bytes(MARK + b'{"checkpoints": [{"step": "x"}]}\r\n')
    state = ADWState.load("run-1", tmp_path)
    assert state is not None
    assert state.checkpoints("plan") == [{"step": "x"}]
    state.update({"status": "failed"})
    assert json.loads(state.path.read_bytes()) == {"adw_id": "run-1", "status": "failed"}


def test_a_json_state_in_another_encoding_is_one_clear_error(tmp_path: Path) -> None:
    state = ADWState("run-1", tmp_path)
    state.folder.mkdir(parents=True)
    state.path.write_text('{"adw_id": "run-1"}', encoding="utf-16")
    with pytest.raises(StateFileError) as refusal:
        ADWState.load("run-1", tmp_path)
    assert str(refusal.value) == f"{state.path} cannot be read as JSON: {OTHER_ENCODING}"
