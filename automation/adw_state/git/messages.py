"""How the commits of a run are worded."""

from __future__ import annotations

from adw_state.trackers.issues import Issue

_MOST_SUBJECT = 72


def commit_message(verb: str, issue: Issue) -> str:
    """The subject of a step's commit: the verb, the issue's id and as much of its title as fits.

    Characters that are not printable, which git refuses or a terminal obeys, become blanks.
    """
    told = f"{verb} {issue.id}: {issue.title}".encode("utf-8", "replace").decode()
    subject = " ".join("".join(c if c.isprintable() else " " for c in told).split())
    return subject if len(subject) <= _MOST_SUBJECT else subject[: _MOST_SUBJECT - 1].rstrip() + "…"
