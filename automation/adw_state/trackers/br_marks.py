"""Has br been at this tracker? br leaves marks; one of them proves it, none of them proves nothing.

br must be told from bd because newer versions of it write `beads.db` with an engine of their own, which
loses commits when stock SQLite takes part, and rebuild the file without tables they do not know. Where
a mark is found we neither open the file nor put our tables into it.
"""

from __future__ import annotations

from collections.abc import Collection

# Bookkeeping that bd creates in every file and br's schema lacks; br's own has the cache below.
_BD_ONLY_TABLES = {"compaction_snapshots", "issue_snapshots"}
_BR_TABLES = {"blocked_issues_cache", "export_hashes", "child_counters"}


def marks_in_folder(names: Collection[str]) -> tuple[str, ...]:
    """The marks of br among the names in a `.beads` folder, as sentences."""
    return tuple(f"{name} is a file of br's." for name in sorted(names) if _is_brs(name))


def marks_in_header(header: bytes) -> tuple[str, ...]:
    """The marks of br in the first 100 bytes of a SQLite file, as sentences."""
    marks = []
    if user_version := int.from_bytes(header[60:64], "big"):
        marks.append(
            f"The database is stamped with user_version {user_version}; br does that, bd never does."
        )
    if any(header[76:92]):
        marks.append("The database's header uses bytes that SQLite keeps zero; br's engine does that.")
    return tuple(marks)


def marks_in_shape(tables: Collection[str], user_version: int) -> tuple[str, ...]:
    """The marks of br in a file's schema, as sentences; the header may lag behind the log."""
    if user_version:
        return (_stamped(user_version),)
    if set(tables) >= _BR_TABLES and not _BD_ONLY_TABLES & set(tables):
        return ("The database's tables are those that br makes.",)
    return ()


def _stamped(user_version: int) -> str:
    return f"The database is stamped with user_version {user_version}; br does that, bd never does."


def _is_brs(name: str) -> bool:
    return (
        name in {".br_recovery", ".br_history", ".write.lock"}
        or (name.startswith((".br-db-write-", ".br-jsonl-write-")) and name.endswith(".lock"))
        or ".db-fsqlite-ns-" in name
        or ".db-wal-cert" in name
    )
