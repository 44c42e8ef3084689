"""The configuration: `adw.toml` at the top of the project, and `ADW_*` variables that override it.

    agent = "claude"               # claude, scripted, or any command
    environment = "local"
    agent_timeout_seconds = 3600
    heartbeat_seconds = 10
    lease_seconds = 60             # silence after which a run on another host counts as dead
    stale_hours = 24
    git_timeout_seconds = 900      # a git command that takes longer is ended
    run_folder = ".adw"            # where runs keep their files; see `run_root.py`

`ADW_USE_BEADS_STATE` (or `use_beads_state`) is true for database and JSON, false for JSON only; unset,
the database is used wherever it has been migrated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from adw_state.errors import ConfigurationError
from adw_state.text_files import decode_text, read_small_file

FILE = "adw.toml"
_MOST_BYTES = 1024 * 1024
_TOML = "it must be a TOML file"
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one project. Times in the unit that their name says."""

    agent: str = "claude"
    environment: str = "local"
    agent_timeout_seconds: float = 3600.0
    heartbeat_seconds: float = 10.0
    lease_seconds: float = 60.0
    stale_hours: float = 24.0
    git_timeout_seconds: float = 900.0
    run_folder: str = ""
    use_beads_state: bool | None = None


def load_config(project: Path, environ: Mapping[str, str]) -> Config:
    """The configuration of the project at `project`. Raises `ConfigurationError`."""
    config = Config()
    for name, value in _from_file(project / FILE).items():
        config = _set(config, name, value, f"{project / FILE}: {name}")
    for field in fields(Config):
        variable = f"ADW_{field.name.upper()}"
        if environ.get(variable, "").strip():
            config = _set(config, field.name, environ[variable], variable)
    return config


def _from_file(path: Path) -> dict[str, object]:
    try:
        content = read_small_file(path, _MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", hint=_TOML) from error
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}", hint="check the file and its permissions"
        ) from error
    import tomllib  # most projects have no such file, and every command comes by here

    try:
        return tomllib.loads(decode_text(content))
    except ValueError as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", hint=_TOML) from error
    except RecursionError as error:
        raise ConfigurationError(f"{path} cannot be read: it is nested too deeply", hint=_TOML) from error


def _set(config: Config, name: str, value: object, where: str) -> Config:
    known = {field.name for field in fields(Config)}
    if name not in known:
        raise ConfigurationError(
            f"{where} is not a setting", hint=f"the settings are {', '.join(sorted(known))}"
        )
    checked: Any
    if name == "use_beads_state":
        checked = _truth(value, where)
    elif isinstance(getattr(config, name), float):
        checked = _positive(value, where)
    else:
        checked = _word(value, where)
    changes = {name: checked}
    return replace(config, **changes)


def _word(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{where} must be a text, not {value!r}")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value.strip()):
        raise ConfigurationError(f"{where} must be one line without control characters, not {value!r}")
    return value.strip()


def _truth(value: object, where: str) -> bool:
    word = str(value).strip().lower()
    if word not in _TRUE + _FALSE:
        raise ConfigurationError(f"{where} must be true or false, not {value!r}")
    return word in _TRUE


def _positive(value: object, where: str) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not 0 < number < 1e9:
        raise ConfigurationError(f"{where} must be a positive number, not {value!r}")
    return number
