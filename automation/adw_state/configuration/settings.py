"""The configuration: `adw.toml` at the top of the project, and `ADW_*` variables that override it.

    agent = "claude"               # claude, scripted, or any command
    workflow = "adw_sdlc"          # what `adw run` does unless it is told otherwise
    environment = "local"
    agent_timeout_seconds = 3600   # also for the commands of a workflow
    idle_timeout_seconds = 1800    # an agent that prints events and is silent for so long is stopped
    prices = "prices.toml"         # what tokens cost, where an agent does not say
    heartbeat_seconds = 10
    lease_seconds = 60             # silence after which a run on another host counts as dead
    stale_hours = 24
    git_timeout_seconds = 900      # a git command that takes longer is ended
    run_folder = ".adw"            # where runs keep their files; see `run_root.py`

`ADW_USE_BEADS_STATE` (or `use_beads_state`) is true for database and JSON, false for JSON only; unset,
the database is used wherever it has been migrated. The tables `[workflows.…]` and `[phases.…]` are read by
`workflows.py`, when a run begins, the tables `[labels.…]` by `labels.py`, and the table `[worktree]` by
`worktrees.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from adw_state.built_in import LEASE_SECONDS, STALE_HOURS, WORKFLOW
from adw_state.configuration.file import (
    ConfigurationFile,
    Fault,
    read_configuration_file,
    shown,
    unknown_name,
)
from adw_state.configuration.labels import LabelSettings, read_label_settings
from adw_state.configuration.worktrees import WorktreeSettings, read_worktree_settings
from adw_state.errors import ConfigurationError

WORKFLOW_TABLES = ("workflows", "phases")
_TABLES = (*WORKFLOW_TABLES, "labels", "worktree")
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


class Config(NamedTuple):
    """The settings of one project. Times in the unit that their name says."""

    agent: str = "claude"
    workflow: str = WORKFLOW
    environment: str = "local"
    agent_timeout_seconds: float = 3600.0
    idle_timeout_seconds: float = 1800.0
    prices: str = ""
    heartbeat_seconds: float = 10.0
    lease_seconds: float = LEASE_SECONDS
    stale_hours: float = STALE_HOURS
    git_timeout_seconds: float = 900.0
    run_folder: str = ""
    use_beads_state: bool | None = None
    labels: tuple[LabelSettings, ...] = ()
    worktree: WorktreeSettings = WorktreeSettings()


# What a single value sets.
_SETTINGS = tuple(name for name in Config._fields if name not in _TABLES)


def load_config(project: Path, environ: Mapping[str, str]) -> Config:
    """The configuration of the project at `project`. Raises `ConfigurationError`."""
    config, faults = settings_of(read_configuration_file(project), environ)
    if faults:
        raise faults[0].as_error()
    return config


def settings_of(file: ConfigurationFile, environ: Mapping[str, str]) -> tuple[Config, list[Fault]]:
    """The settings in a file, overridden by variables, and what is wrong with any of them."""
    worktree, faults = read_worktree_settings(file)
    labels, wrong_labels = read_label_settings(file)
    faults += wrong_labels
    config = Config(labels=labels, worktree=worktree)
    told = [(name, value, name) for name, value in file.values.items() if name not in _TABLES]
    variables = ((name, f"ADW_{name.upper()}") for name in _SETTINGS)
    given = [(name, environ[label], label) for name, label in variables if environ.get(label, "").strip()]
    for name, value, label in told + given:
        try:
            config = _set(config, name, value, label)
        except ConfigurationError as error:
            wrong = str(error), error.hint
            faults.append(file.fault((name,), *wrong) if label == name else Fault(*wrong))
    return config, faults


def _set(config: Config, name: str, value: object, label: str) -> Config:
    known = tuple(sorted(_SETTINGS))
    if name not in known:
        raise ConfigurationError(
            f"{shown(name)} is not a setting", hint=unknown_name(name, (*known, *_TABLES))
        )
    checked: Any
    if name == "use_beads_state":
        checked = _truth(value, label)
    elif isinstance(getattr(config, name), float):
        checked = _positive(value, label)
    else:
        checked = _word(value, label)
    return config._replace(**{name: checked})


def _word(value: object, label: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{label} must be a text, not {shown(value)}")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value.strip()):
        raise ConfigurationError(f"{label} must be one line without control characters, not {shown(value)}")
    return value.strip()


def _truth(value: object, label: str) -> bool:
    word = str(value).strip().lower()
    if word not in _TRUE + _FALSE:
        raise ConfigurationError(f"{label} must be true or false, not {shown(value)}")
    return word in _TRUE


def _positive(value: object, label: str) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not 0 < number < 1e9:
        raise ConfigurationError(f"{label} must be a positive number, not {shown(value)}")
    return number
