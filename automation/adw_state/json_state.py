"""The JSON state of a run, as teams have it today: a fallback beside the database while people move over.

    <run root>/agents/<adw_id>/adw_state.json            one object, the run
    <run root>/agents/<adw_id>/<phase>/checkpoints.json  {"phase", "checkpoints": [...]}

The run root is `automation/` or `.adw/` of the project; `run_root.py` says which.

Every write goes to a new file that takes the old one's name when it is on the disk, so a reader sees
the old state or the new one and nothing between. Changes read, change and write under a lock on the
run's folder, so two phases at once lose nothing of each other. Keys that this program does not know
are kept as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self, TypeAlias

from adw_state.clock import Clock, default_clock, format_time
from adw_state.errors import InvalidInputError, StateFileError
from adw_state.gate import Gate
from adw_state.run_root import agents_folder
from adw_state.store.json_values import JSON, encode
from adw_state.store.values import identifier
from adw_state.store.values import phase as require_phase
from adw_state.text_files import decode_text, read_small_file, replace_file, writing

Fields: TypeAlias = "dict[str, JSON]"

STATE_NAME = "adw_state.json"
CHECKPOINTS_NAME = "checkpoints.json"
_LOCK_SECONDS = 10.0
_MOST_NAME_BYTES = 255  # of any common file system


class ADWState:
    """The JSON state of one run. `adw_id` names its folder, so it must be a plain file name."""

    def __init__(self, adw_id: str, project: Path, *, clock: Clock | None = None) -> None:
        self.adw_id = _folder_name(adw_id)
        self.folder = agents_folder(project) / self.adw_id
        self._clock = clock or default_clock()
        self.data: Fields = {"adw_id": adw_id}

    @classmethod
    def load(cls, adw_id: str, project: Path, *, clock: Clock | None = None) -> Self | None:
        """The state that was saved, or None if there is none. Raises `StateFileError` if it is damaged."""
        state = cls(adw_id, project, clock=clock)
        saved = read_object(state.path)
        if saved is None:
            return None
        state.data = saved
        return state

    @property
    def path(self) -> Path:
        """The state's file."""
        return self.folder / STATE_NAME

    def update(self, fields: Fields) -> None:
        """Set these keys and save; keys that others wrote in the meantime are kept."""
        with self._locked():
            self.data = {**self.data, **(read_object(self.path) or {}), **fields}
            _write_atomically(self.path, self.data)

    def append_checkpoint(
        self, phase: str, step: str, metadata: Fields, next_action: str | None = None
    ) -> None:
        """Append a checkpoint to the phase's list. `metadata` is any JSON object."""
        entry: Fields = {
            "timestamp": format_time(self._clock.now()),
            "step": step,
            "files_completed": [],
            "next_action": next_action,
            "metadata": metadata,
        }
        path = self._checkpoints_path(phase)
        with self._locked():
            saved = read_object(path) or {"phase": phase}
            _write_atomically(path, {**saved, "checkpoints": [*_entries(saved, path), entry]})

    def checkpoints(self, phase: str) -> list[JSON]:
        """The phase's checkpoints in the order in which they were saved."""
        path = self._checkpoints_path(phase)
        saved = read_object(path)
        return [] if saved is None else _entries(saved, path)

    def _checkpoints_path(self, phase: str) -> Path:
        return self.folder / require_phase(phase) / CHECKPOINTS_NAME

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with closing(Gate(self.folder, _LOCK_SECONDS)) as gate, gate:
            yield


def _folder_name(adw_id: str) -> str:
    identifier(adw_id, "the execution's id")
    if "/" in adw_id or "\\" in adw_id or adw_id in (".", "..") or len(adw_id.encode()) > _MOST_NAME_BYTES:
        raise InvalidInputError(
            f"{adw_id!r} cannot name the folder of a run",
            hint=f"use an id without slashes, of at most {_MOST_NAME_BYTES} bytes, and not . or ..",
        )
    return adw_id


def _entries(saved: Fields, path: Path) -> list[JSON]:
    entries = saved.get("checkpoints", [])
    if not isinstance(entries, list):
        raise StateFileError(
            f"{path} has no list of checkpoints", hint="repair it, or move it away to begin the phase anew"
        )
    return entries


def read_object(path: Path, *, most_bytes: int | None = None) -> Fields | None:
    """The JSON object in a file; None if there is no such file.

    Raises `StateFileError` where it holds something else, or is no regular file of at most `most_bytes`.
    """
    try:
        content = path.read_bytes() if most_bytes is None else read_small_file(path, most_bytes)
        value = json.loads(decode_text(content), parse_constant=_refuse)
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise StateFileError(
            f"{path} cannot be read as JSON: {error}", hint="repair it, or move it away and run again"
        ) from error
    except OSError as error:
        raise StateFileError(
            f"{path} cannot be read: {error.strerror}", hint="check its permissions"
        ) from error
    if not isinstance(value, dict):
        raise StateFileError(
            f"{path} holds a JSON {type(value).__name__} where an object is expected",
            hint="repair it, or move it away and run again",
        )
    return value


def _refuse(constant: str) -> JSON:
    raise ValueError(f"{constant} is not a JSON value")


def _write_atomically(path: Path, value: Fields) -> None:
    encode(value, path.name)  # refuses what is not JSON
    pretty = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, pretty, on_disk=True)
