"""SQL texts by name, and which migrations there are.

Statements stand in `adw_state/queries/<job>.sql`, each behind a `-- name: …` line and a comment on what
it answers. This is the only place that reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from adw_state.engine.sqlite.driver import is_whole_statement

_PACKAGE = Path(__file__).resolve().parents[1]
QUERIES = _PACKAGE / "queries"
MIGRATIONS = _PACKAGE / "db_migrations"
_MARK = "-- name:"


@cache
def load(job: str) -> dict[str, str]:
    """The statements of `queries/<job>.sql`, by name."""
    return read(QUERIES / f"{job}.sql")


def read(path: Path) -> dict[str, str]:
    """The statements of a file, by name; a name that stands twice is an error."""
    texts: dict[str, str] = {}
    for block in ("\n" + path.read_text(encoding="utf-8")).split(f"\n{_MARK}")[1:]:
        name, _, body = block.partition("\n")
        if name.strip() in texts:
            raise ValueError(f"{path.name} has two statements named {name.strip()}")
        texts[name.strip()] = body.strip().removesuffix(";")
    return texts


@cache
def newest_version(folder: Path = MIGRATIONS) -> str:
    """The version of the newest migration, from the files' names alone."""
    return max(path.name for path in folder.glob("*.sql"))[:3]


def statements(script: str) -> Iterator[str]:
    """The single statements of a script, triggers whole, comments before a statement included."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if ";" in line and is_whole_statement(pending):
            yield pending.strip()
            pending = ""
    if any(line.strip() and not line.lstrip().startswith("--") for line in pending.splitlines()):
        raise ValueError(f"a statement does not end with a semicolon: {pending.strip()[:80]}")
