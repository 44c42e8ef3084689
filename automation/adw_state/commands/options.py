"""Options that every command takes, and opening what they name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from adw_state.clock import default_clock
from adw_state.configuration.settings import Config, load_config
from adw_state.recovery.opening import open_project
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Location

if TYPE_CHECKING:
    from adw_state.state import BeadsStateManager

Command = TypeVar("Command", bound=Callable[..., Any])


database_option = click.option(
    "--db", metavar="PATH", help="The database to use, instead of the one that `adw where` shows."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def common(command: Command) -> Command:
    """Give a command `--db` and `--json`."""
    return database_option(json_option(command))


def open_state(db: str | None) -> tuple[Location, BeadsStateManager]:
    """The database that is used here, opened. Raises `DatabaseError` and its kinds."""
    location = locate(db)
    return location, open_project(location, default_clock(), as_it_is=db is not None)


def settings(location: Location) -> Config:
    """The configuration of the project."""
    return load_config(Path(location.project), os.environ)
