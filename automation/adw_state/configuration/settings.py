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
`workflows.py`, when a run begins, and the table `[worktree]` by `configuration/worktrees.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from adw_state.built_in import LEASE_SECONDS, STALE_HOURS, WORKFLOW
from adw_state.errors import ConfigurationError
from adw_state.text_files import decode_text, read_small_file

FILE = "adw.toml"
WORKFLOW_TABLES = ("workflows", "phases")
_TABLES = (*WORKFLOW_TABLES, "worktree")
_MOST_BYTES = 1024 * 1024
_MOST_SHOWN = 60
_TOML = "it must be a TOML file"
_Keys: TypeAlias = tuple[str, ...]
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


class WorktreeSettings(NamedTuple):
    """How worktrees are prepared: paths from the project, shell commands, and seconds for each of these."""

    copy: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    teardown: tuple[str, ...] = ()
    timeout_seconds: float = 900.0


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
    worktree: WorktreeSettings = WorktreeSettings()


# What a single value sets.
_SETTINGS = tuple(name for name in Config._fields if name not in _TABLES)


class Fault(NamedTuple):
    """Something that is wrong in the configuration; `file` is None for a variable."""

    message: str
    hint: str | None = None
    file: Path | None = None
    line: int | None = None

    def __str__(self) -> str:
        if self.file is None:
            return self.message
        return f"{self.file}{f':{self.line}' if self.line else ''}: {self.message}"

    def as_error(self) -> ConfigurationError:
        """This fault as an error."""
        return ConfigurationError(str(self), hint=self.hint)


class ConfigurationFile(NamedTuple):
    """What `adw.toml` holds; nothing where there is no such file."""

    path: Path
    text: str
    values: Mapping[str, Any]

    def fault(self, keys: _Keys, message: str, hint: str | None = None) -> Fault:
        """A fault at the line of these keys, or of the innermost table of them that is there."""
        lines = lines_of_keys(self.text)
        there = (keys[:length] for length in range(len(keys), 0, -1))
        return Fault(message, hint, self.path, next((lines[some] for some in there if some in lines), None))


def load_config(project: Path, environ: Mapping[str, str]) -> Config:
    """The configuration of the project at `project`. Raises `ConfigurationError`."""
    config, faults = settings_of(read_configuration_file(project), environ)
    if faults:
        raise faults[0].as_error()
    return config


def settings_of(file: ConfigurationFile, environ: Mapping[str, str]) -> tuple[Config, list[Fault]]:
    """The settings in a file, overridden by variables, and what is wrong with any of them."""
    config, faults = _with_worktree(Config(), file)
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


def _with_worktree(config: Config, file: ConfigurationFile) -> tuple[Config, list[Fault]]:
    if "worktree" not in file.values:
        return config, []
    from adw_state.configuration.worktrees import read_worktree_settings

    worktree, faults = read_worktree_settings(file)
    return config._replace(worktree=worktree), faults


def read_configuration_file(project: Path) -> ConfigurationFile:
    """The configuration file of a project. Raises `ConfigurationError` where it cannot be read."""
    path = project / FILE
    try:
        text = decode_text(read_small_file(path, _MOST_BYTES))
        import tomllib  # most projects have no such file, and every command comes by here

        return ConfigurationFile(path, text, tomllib.loads(text))
    except (FileNotFoundError, NotADirectoryError):
        return ConfigurationFile(path, "", {})
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}", hint="check the file and its permissions"
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", hint=_TOML) from error
    except RecursionError as error:
        raise ConfigurationError(f"{path} cannot be read: it is nested too deeply", hint=_TOML) from error


def unknown_name(name: str, known: tuple[str, ...]) -> str:
    """The advice where a name is not among those that are known: the nearest one, and all of them."""
    from difflib import get_close_matches

    nearest = get_close_matches(name[:_MOST_SHOWN], known, n=1)
    everything = f"known are {', '.join(known)}"
    return f"did you mean {nearest[0]}? {everything}" if nearest else everything


def shown(value: object) -> str:
    """A value of the configuration as messages quote it: on one line, and not all of a long one."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


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


def lines_of_keys(text: str) -> dict[_Keys, int]:
    """The line on which each key, and each table, is first given; `text` is valid TOML.

    A statement is as many lines as the parser needs, so strings and lists may have several.
    """
    import tomllib  # which does not tell lines itself

    found: dict[_Keys, int] = {}
    table: _Keys = ()
    statement, begins_at = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        begins_at = begins_at if statement else number
        statement += f"{line}\n"
        try:
            paths = list(_paths(tomllib.loads(statement)))
        except ValueError:
            continue
        if statement.lstrip().startswith("["):
            table = paths[-1]
            before: _Keys = ()
        else:
            before = table
        for path in paths:
            found.setdefault(before + path, begins_at)
        statement = ""
    return found


def _paths(values: Mapping[str, object]) -> Iterator[_Keys]:
    for name, value in values.items():
        yield (name,)
        if isinstance(value, Mapping):
            yield from ((name, *path) for path in _paths(value))
