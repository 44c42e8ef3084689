"""Which runs have more in their JSON state than the database knows, which was away while they worked.

    <run root>/agents/.json_only/<adw_id>    an empty file for each

A run is noted here before anything of it is written to JSON alone, so an end at any moment loses nothing;
`recovery/json_reconciliation.py` brings it into the database when that is there again.
"""

from __future__ import annotations

from pathlib import Path

from adw_state.errors import ConfigurationError, StateFileError
from adw_state.run_root import agents_folder

_FOLDER = ".json_only"


def note(project: Path, execution_id: str) -> None:
    """Note that from now on this run is written to its JSON state alone."""
    mark = agents_folder(project) / _FOLDER / execution_id
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    except OSError as error:
        raise StateFileError(
            f"{mark} cannot be written: {error.strerror}",
            hint="check the permissions and the free disk space",
        ) from error


def noted(project: Path) -> list[str]:
    """The runs that are noted."""
    try:
        return sorted(mark.name for mark in (agents_folder(project) / _FOLDER).iterdir())
    except (OSError, ConfigurationError):
        return []


def forget(project: Path, execution_id: str) -> None:
    """The database knows all of this run."""
    (agents_folder(project) / _FOLDER / execution_id).unlink(missing_ok=True)
