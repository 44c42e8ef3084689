"""The migration files: `db_migrations/NNN_name.sql`, each with a way up and a way down.

A line that ends in `-- only: beads` belongs to the schema of a shared file only; in the sidecar it is
left out. The checksum is that of the file as it is kept in git.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from adw_state.store import sql

_NAME = re.compile(r"(?P<version>\d{3})_(?P<name>[a-z0-9_]+)\.sql")
_UP = "-- migrate:up\n"
_DOWN = "-- migrate:down\n"
_DROP = re.compile(r"^DROP (TABLE|INDEX|TRIGGER|VIEW)\b(?! IF EXISTS)")
_BEADS_ONLY = "-- only: beads"


class Layout(Enum):
    """Whose file our tables lie in, as far as the schema differs."""

    OWN_FILE = "own file"
    SHARED_FILE = "shared file"
    """A tracker's file: executions have a foreign key to its issues."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file. `version` is three digits, `sha256` 64 hex digits."""

    version: str
    name: str
    sha256: str
    _up: str
    _down: str

    def up(self, layout: Layout) -> list[str]:
        """The statements that apply it."""
        shared = layout is Layout.SHARED_FILE
        return list(sql.statements(self._up if shared else _without_beads_lines(self._up)))

    def record(self, applied_at: str) -> dict[str, object]:
        """The row of schema_version that tells of it."""
        return {
            "version": self.version,
            "name": self.name,
            "sha256": self.sha256,
            "applied_at": applied_at,
        }

    def down(self) -> list[str]:
        """The statements that take it back, as far as what it made is still there."""
        return [_DROP.sub(r"\g<0> IF EXISTS", statement) for statement in sql.statements(self._down)]


@cache
def known(folder: Path = sql.MIGRATIONS) -> tuple[Migration, ...]:
    """Every migration this version of the program knows, in order."""
    return tuple(_read(path) for path in sorted(folder.glob("*.sql")))


def _read(path: Path) -> Migration:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"{path.name} is not named like a migration: NNN_what_it_does.sql")
    text = path.read_text(encoding="utf-8")  # universal newlines: a checkout with CRLF has the same sum
    _, up_mark, rest = text.partition(_UP)
    up, down_mark, down = rest.partition(_DOWN)
    if not (up_mark and down_mark):
        raise ValueError(f"{path.name} lacks its '-- migrate:up' or '-- migrate:down' line")
    from hashlib import sha256  # not needed to open a database, only to migrate one

    checksum = sha256(text.encode("utf-8")).hexdigest()
    return Migration(match["version"], match["name"], checksum, up, down)


def _without_beads_lines(script: str) -> str:
    return "".join(line for line in script.splitlines(keepends=True) if _BEADS_ONLY not in line)
