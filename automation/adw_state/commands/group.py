"""The sub-commands of `adw` as click knows them."""

from __future__ import annotations

import importlib

import click

from adw_state.commands.listing import COMMANDS, help_text


class LazyGroup(click.Group):
    """A group that knows its sub-commands' names and imports each when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The sub-commands in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The sub-command of this name, imported now; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(f"adw_state.commands.{module}"), name)
        return command

    def get_help(self, ctx: click.Context) -> str:
        """The help as `adw --help` writes it, without importing a sub-command."""
        return help_text().rstrip()


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="adw-state", prog_name="adw")
def adw() -> None:
    """State store and flight recorder for coding-agent workflows beside a beads tracker."""
