"""Which of an agent's files are never committed, and why.

The tracker's folder, because trackers write there by themselves, and files that hold credentials by
custom (`.env`, `.mcp.json`, private keys), also where the project tracks them.
"""

from __future__ import annotations

from fnmatch import fnmatch

SECRET_FILES = (
    ".env", ".env.*", "*.env", ".envrc", ".mcp.json", ".netrc", ".npmrc", ".pypirc", ".git-credentials",
    "credentials.json", "*.pem", "*.key", "*.p12", "*.pfx", "*.keystore", "id_rsa", "id_dsa", "id_ecdsa",
    "id_ed25519",
)  # fmt: skip
# Templates that are made to be committed.
_EXAMPLE_FILES = (".env.example", ".env.sample", ".env.template", ".env.dist", "example.env")
_TRACKER_FOLDER = ".beads"


def may_be_committed(path: str) -> bool:
    """Whether a path (relative to the worktree) is neither secret by custom nor the tracker's."""
    return not _of_tracker(path) and not _secret(path)


def why_left_out(path: str) -> str:
    """Why a path that may not be committed is left out, to be read after the path."""
    return "it belongs to the tracker" if _of_tracker(path) else "it may hold secrets"


def _of_tracker(path: str) -> bool:
    return path == _TRACKER_FOLDER or path.startswith(f"{_TRACKER_FOLDER}/")


def _secret(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name not in _EXAMPLE_FILES and any(fnmatch(name, pattern) for pattern in SECRET_FILES)
