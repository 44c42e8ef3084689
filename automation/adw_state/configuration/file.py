"""The file `adw.toml` of a project: what it holds, and what is wrong in it, with the line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from adw_state.errors import ConfigurationError
from adw_state.text_files import decode_text, read_small_file

FILE = "adw.toml"
_MOST_BYTES = 1024 * 1024
_MOST_SHOWN = 60
_TOML = "it must be a TOML file"
_Keys: TypeAlias = tuple[str, ...]


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
