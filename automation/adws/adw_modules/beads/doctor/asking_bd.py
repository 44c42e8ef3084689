"""Asking the `bd` on the PATH which version it is and which database it uses.

bd brings a database up to its own version whenever it opens one, also to answer where it is. So it is
asked only where that changes nothing: its version from an empty folder, its database only if this very
version has used it before, or if the store is Dolt's. No daemon is started.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from adws.adw_modules.beads.restore.private_copy import scratch_folder

Version = tuple[int, int, int]

FIRST_ON_DOLT: Version = (0, 51, 0)
_FIRST_WITH_WHERE: Version = (0, 39, 1)
_FIRST_WITH_INFO: Version = (0, 17, 1)
_TIMEOUT_SECONDS = 20.0
_NO_DAEMON = {"BEADS_NO_DAEMON": "1", "BEADS_AUTO_START_DAEMON": "false"}
_PLACES = ("BD_DB", "BEADS_DB", "BEADS_DIR")


def installed_bd(environ: Mapping[str, str]) -> str | None:
    """The path of the `bd` that a shell would start."""
    return shutil.which("bd", path=environ.get("PATH"))


def version_of(program: str, environ: Mapping[str, str]) -> Version | None:
    """The version of a bd; None if it does not say."""
    elsewhere = {name: value for name, value in environ.items() if name not in _PLACES}
    with scratch_folder() as empty:
        said = _run([program, "version"], empty, elsewhere)
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", said or "")
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
    try:
        answer = json.loads(said[said.find("{") :])
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def text_of(version: Version) -> str:
    """The version as bd writes it."""
    return ".".join(map(str, version))


def _run(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str | None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**environ, **_NO_DAEMON},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
