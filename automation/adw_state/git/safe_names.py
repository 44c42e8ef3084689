"""Names for folders and branches, made from ids that may hold anything."""

from __future__ import annotations

import hashlib

_MOST_LETTERS = 48


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
