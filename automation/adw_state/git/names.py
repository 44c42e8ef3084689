"""How folders, branches and commits are named after ids and titles, which may hold anything."""

from __future__ import annotations

import hashlib

from adw_state.trackers.issues import Issue

_MOST_LETTERS = 48
_MOST_SUBJECT = 72


def safe_name(text: str) -> str:
    """A name of lower-case letters, digits and single dashes that stands for `text` and for no other.

    A text that is such a name already stays as it is; any other gets 8 hex digits of its hash, so that
    "A b" and "a-b", or "x" and "../x", do not meet. The result is never empty and never begins with a
    dash.
    """
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split()
    slug = "-".join(words)
    if slug == text and len(slug) <= _MOST_LETTERS:
        return slug
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug[:_MOST_LETTERS].rstrip('-')}-{digest}".lstrip("-")


def commit_message(verb: str, issue: Issue) -> str:
    """The subject of a step's commit: the verb, the issue's id and as much of its title as fits.

    Characters that are not printable, which git refuses or a terminal obeys, become blanks.
    """
    told = f"{verb} {issue.id}: {issue.title}".encode("utf-8", "replace").decode()
    subject = " ".join("".join(c if c.isprintable() else " " for c in told).split())
    return subject if len(subject) <= _MOST_SUBJECT else subject[: _MOST_SUBJECT - 1].rstrip() + "…"
