"""One `.beads` folder: what it says about itself, where it sends us, and its issue export.

A folder is read once, into a `BeadsFolder`; questions about it are answered from that. The rules are
those of the trackers themselves, read-only: bd turns an old config.json into metadata.json when it
reads it, we do not.

A line of an export that cannot be understood is counted and skipped, never guessed at. Lines are read one
at a time, whatever the size of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from adw_state.errors import DatabaseAmbiguousError, DatabaseUnreadableError, TrackerUnusableError
from adw_state.text_files import decode_text
from adw_state.trackers.repository import real

_DOLT_FOLDERS = ("dolt", "embeddeddolt")
# JSONL files that bd keeps beside the issue export.
_OTHER_EXPORTS = {"interactions.jsonl", "deletions.jsonl", "molecules.jsonl", "routes.jsonl", "events.jsonl"}
_MAX_SETTINGS_BYTES = 1_000_000
# Far longer than any issue; a longer line is no issue, and is not taken into memory whole.
_MAX_LINE_BYTES = 16 * 1024 * 1024
_MARK_BYTES = 4  # of the longest byte order mark


class BeadsFolder(NamedTuple):
    """A `.beads` folder as found: its real path, the names in it, and its settings file."""

    path: Path
    names: frozenset[str]
    settings: Mapping[str, str]
    """The text values of metadata.json (config.json in trackers before 0.21.4)."""
    preferences: Mapping[str, str]
    """The plain `key: value` lines of config.yaml."""

    @property
    def is_project(self) -> bool:
        """Whether a tracker was set up here (bd keeps a `.beads` without one in the home folder)."""
        return bool(self.settings) or self.export() is not None

    def databases(self) -> list[Path]:
        """Every file that could be the tracker's SQLite database, by name."""
        found = {
            self.path / name
            for name in self.names
            if name.endswith(".db") and ".backup" not in name and name != "vc.db"
        }
        named = self.path / (self.settings.get("database") or "beads.db")
        if named.exists() and real(named) != self.path:
            found.add(named)
        return sorted({real(path) for path in found})

    def configured_database(self) -> Path | None:
        """The file that `db:` in config.yaml names, which bd puts before its own search."""
        named = self.preferences.get("db")
        return real(self.path.parent / named) if named else None

    def keeps_no_database(self) -> bool:
        """Whether config.yaml says `no-db: true`: bd then works on the issue export alone."""
        return self.preferences.get("no-db", "").lower() == "true"

    def export(self) -> Path | None:
        """The issue export (JSONL), if there is one."""
        for name in (self.settings.get("jsonl_export"), "issues.jsonl", "beads.jsonl"):
            if name in self.names and name not in _OTHER_EXPORTS:
                return self.path / str(name)
        others = [name for name in self.names if name.endswith(".jsonl") and name not in _OTHER_EXPORTS]
        return self.path / others[0] if len(others) == 1 else None

    def dolt_evidence(self) -> str | None:
        """What shows that the issues live in Dolt, as a sentence; None where nothing does."""
        backend = self.settings.get("backend")
        if backend == "dolt" or (backend is None and self.settings.get("database") == "dolt"):
            return f"{self.path / 'metadata.json'} says that the issues are in Dolt."
        store = next((name for name in _DOLT_FOLDERS if name in self.names), None)
        return f"{self.path / store} is a Dolt store." if store and backend is None else None

    def put_away_database(self) -> Path | None:
        """The SQLite file that bd 0.57 set aside when it moved the issues to Dolt, if it did."""
        names = sorted(name for name in self.names if name.endswith(".db.migrated"))
        return self.path / names[0] if names and "backend" not in self.settings else None


def read_folder(path: Path) -> BeadsFolder | None:
    """The `.beads` folder at `path` as it is, its redirect not followed; None if it is no folder.

    Raises:
        DatabaseUnreadableError: the folder may not be listed.
        TrackerUnusableError: its settings file is not a JSON object.
    """
    if not path.is_dir():
        return None
    path = real(path)
    try:
        names = frozenset(entry.name for entry in path.iterdir())
    except OSError as error:
        raise DatabaseUnreadableError(
            f"{path} cannot be listed: {error.strerror}", hint="check the permissions of the folder"
        ) from error
    return BeadsFolder(path, names, _settings(path, names), _preferences(path, names))


def follow_redirect(folder: BeadsFolder) -> tuple[BeadsFolder, str | None]:
    """The folder that `.beads/redirect` names, and a sentence that says so; the folder itself without one.

    bd reads a relative redirect from the parent of `.beads`, br from `.beads`; the target's own redirect
    is not followed. A redirect to nowhere is ignored, as by bd.

    Raises `DatabaseAmbiguousError`: the two readings lead to different folders.
    """
    named = _redirect_target(folder)
    if named is None:
        return folder, None
    by_bd, by_br = real(folder.path.parent / named), real(folder.path / named)
    # bd ignores a redirect to nowhere and stays here, so a database here counts as its reading.
    stays = not by_bd.is_dir() and bool(folder.databases())
    if by_bd != by_br and by_br.is_dir() and (by_bd.is_dir() or stays):
        raise DatabaseAmbiguousError(
            f"{folder.path / 'redirect'} says {named!r}: bd reads that as {by_bd}, br as {by_br}",
            hint="write an absolute path into the redirect file",
        )
    for reader, target in (("bd", by_bd), ("br", by_br)):
        if (found := read_folder(target)) is not None:
            who = "" if by_bd == by_br else f", as {reader} reads it"
            return found, f"{folder.path / 'redirect'} leads to {target}{who}."
    return folder, f"{folder.path / 'redirect'} leads nowhere ({named!r}) and is ignored, as by bd."


def _redirect_target(folder: BeadsFolder) -> str | None:
    if "redirect" not in folder.names:
        return None
    lines = (line.strip() for line in _text(folder.path / "redirect").splitlines())
    return next((line for line in lines if line and not line.startswith("#")), None)


def _settings(path: Path, names: frozenset[str]) -> dict[str, str]:
    name = next((name for name in ("metadata.json", "config.json") if name in names), None)
    if name is None:
        return {}
    try:
        value = json.loads(_text(path / name))
    except (ValueError, RecursionError) as error:
        raise _bad_settings(path / name, str(error)) from error
    if not isinstance(value, dict):
        raise _bad_settings(path / name, "it is not an object")
    return {key: setting for key, setting in value.items() if isinstance(setting, str)}


def _bad_settings(path: Path, why: str) -> TrackerUnusableError:
    return TrackerUnusableError(
        f"{path} cannot be understood: {why}", hint="repair the file, or restore it from git"
    )


def _preferences(path: Path, names: frozenset[str]) -> dict[str, str]:
    if "config.yaml" not in names:
        return {}
    preferences: dict[str, str] = {}
    for line in _text(path / "config.yaml").splitlines():
        key, colon, value = line.partition(":")
        if colon and key == key.strip() and not key.startswith("#"):
            preferences[key] = value.partition(" #")[0].strip().strip("'\"")
    return preferences


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            # A path in these files is bytes to the file system; surrogates keep those that are not UTF-8.
            return decode_text(file.read(_MAX_SETTINGS_BYTES), "surrogateescape")
    except ValueError as error:
        raise _bad_settings(path, str(error)) from error
    except OSError as error:
        raise TrackerUnusableError(
            f"{path} cannot be read: {error.strerror}", hint="check the permissions of the file"
        ) from error


@dataclass(slots=True)
class ExportReader:
    """Goes through the objects of an issue export and counts what it skips."""

    path: Path
    lines: int = 0
    skipped: int = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Every JSON object that has an id, in the order of the file.

        Raises `TrackerUnusableError`: the file cannot be read, or is in another encoding than UTF-8.
        """
        try:
            with self.path.open("rb") as file:
                self._require_utf8(file)
                while line := file.readline(_MAX_LINE_BYTES):
                    if _skip_rest(line, file):
                        line = b"too long"
                    if line.strip():
                        yield from self._objects(line)
        except OSError as error:
            raise TrackerUnusableError(
                f"{self.path} cannot be read: {error.strerror}", hint="check the file and its permissions"
            ) from error

    def _require_utf8(self, file: BinaryIO) -> None:
        try:
            decode_text(file.read(_MARK_BYTES), "replace")
        except ValueError as error:
            raise TrackerUnusableError(
                f"{self.path} cannot be understood: {error}", hint="let the tracker write its export anew"
            ) from error
        file.seek(0)

    def _objects(self, line: bytes) -> Iterator[Mapping[str, Any]]:
        self.lines += 1
        try:
            value = json.loads(line, strict=False)  # a text may hold tabs and carriage returns as they are
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            yield value
        else:
            self.skipped += 1


def _skip_rest(line: bytes, file: BinaryIO) -> bool:
    """Whether the line goes on beyond what was read of it; if so, read past its end."""
    cut = False
    while len(line) == _MAX_LINE_BYTES and not line.endswith(b"\n"):
        cut, line = True, file.readline(_MAX_LINE_BYTES)
    return cut
