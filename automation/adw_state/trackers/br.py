"""br, any version: its file is not opened, because newer versions write it with an engine of their own.

That engine loses commits when stock SQLite takes part, and rebuilds the file without tables it does not know.
br is told from bd by the marks that it leaves: one of them proves it, none of them proves nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from adw_state.trackers.database_file import read_header
from adw_state.trackers.tracker import Export, Found

# Bookkeeping that bd creates in every file and br's schema lacks; br's own has the cache below.
_BD_ONLY_TABLES = {"compaction_snapshots", "issue_snapshots"}
_BR_TABLES = {"blocked_issues_cache", "export_hashes", "child_counters"}


class _Br(Export):
    name = "br"
    holds_our_tables = False

    def evidence(self, found: Found) -> tuple[str, ...]:
        """The marks that br leaves, looked for from the outside in."""
        marks = marks_in_folder(found.folder.names) if found.folder else ()
        if marks or found.database is None:
            return marks
        return marks_in_header(read_header(found.database)) or marks_in_shape(
            found.shape.tables, found.shape.user_version
        )


BR = _Br()


def marks_in_folder(names: Collection[str]) -> tuple[str, ...]:
    """The marks of br among the names in a `.beads` folder, as sentences."""
    return tuple(f"{name} is a file of br's." for name in sorted(names) if _is_brs(name))


def marks_in_header(header: bytes) -> tuple[str, ...]:
    """The marks of br in the first 100 bytes of a SQLite file, as sentences."""
    marks = _stamp(int.from_bytes(header[60:64], "big"))
    if any(header[76:92]):
        marks += ("The database's header uses bytes that SQLite keeps zero; br's engine does that.",)
    return marks


def marks_in_shape(tables: Collection[str], user_version: int) -> tuple[str, ...]:
    """The marks of br in a file's schema, as sentences; the header may lag behind the log."""
    if not user_version and set(tables) >= _BR_TABLES and not _BD_ONLY_TABLES & set(tables):
        return ("The database's tables are those that br makes.",)
    return _stamp(user_version)


def _stamp(user_version: int) -> tuple[str, ...]:
    if not user_version:
        return ()
    return (f"The database is stamped with user_version {user_version}; br does that, bd never does.",)


def _is_brs(name: str) -> bool:
    return (
        name in {".br_recovery", ".br_history", ".write.lock"}
        or (name.startswith((".br-db-write-", ".br-jsonl-write-")) and name.endswith(".lock"))
        or ".db-fsqlite-ns-" in name
        or ".db-wal-cert" in name
    )
