"""Asking the `bd` on the PATH which version it is and which database it uses.

bd brings a database up to its own version whenever it opens one, also to answer where it is. So it is
asked only where that changes nothing: its version from an empty folder, its database only if this very
version has used it before, or if the store is Dolt's. No daemon is started.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from adw_state.engine.sqlite.private_copy import scratch_folder
from adw_state.errors import TrackerUnusableError
from adw_state.trackers.bd_program import ask, json_objects

Version = tuple[int, int, int]

FIRST_ON_DOLT: Version = (0, 51, 0)
_FIRST_WITH_WHERE: Version = (0, 39, 1)
_FIRST_WITH_INFO: Version = (0, 17, 1)
_TIMEOUT_SECONDS = 20.0
_NO_DAEMON = {"BEADS_NO_DAEMON": "1", "BEADS_AUTO_START_DAEMON": "false"}
_VERSION = re.compile(r"\bbd version v?(\d+)\.(\d+)\.(\d+)", re.IGNORECASE)
_PLACE_KEYS = {"database_path", "path"}
_PLACES = ("BD_DB", "BEADS_DB", "BEADS_DIR")


class InstalledBd(NamedTuple):
    """The bd on the PATH and its version; None where there is none, or it does not say."""

    program: str | None
    version: Version | None


def version_of(program: str, environ: Mapping[str, str]) -> Version | None:
    """The version of a bd; None if it does not say, as another program of that name would not."""
    elsewhere = {name: value for name, value in environ.items() if name not in _PLACES}
    with scratch_folder() as empty:
        said = _run([program, "version"], empty, elsewhere)
    found = _VERSION.search(said or "")
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def place_used_by(
    program: str, version: Version, here: Path, environ: Mapping[str, str]
) -> Mapping[str, object] | None:
    """What bd says of its place: `database_path`, newer ones also `path`; None without an answer."""
    if version < _FIRST_WITH_INFO:
        return None
    question = ["where" if version >= _FIRST_WITH_WHERE else "info", "--json"]
    flags = ["--readonly"] if version >= FIRST_ON_DOLT else ["--no-daemon"]
    said = _run([program, *flags, *question], here, environ) or ""
    return next((answer for answer in json_objects(said) if _PLACE_KEYS & answer.keys()), None)


def text_of(version: Version) -> str:
    """The version as bd writes it."""
    return ".".join(map(str, version))


def _run(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str | None:
    try:
        answer = ask(command, folder=folder, environ={**environ, **_NO_DAEMON}, seconds=_TIMEOUT_SECONDS)
    except TrackerUnusableError:
        return None
    return answer.stdout if answer.code == 0 else None
