"""The `adw` command: finds the sub-command, runs it, and turns errors into words and exit codes.

Each sub-command lives in `adw_state/commands/` and is imported when it is called, so `adw --help` imports
none of them.
"""

from __future__ import annotations

import gc

gc.disable()  # importing makes no garbage; collections in between cost a tenth of the start-up

import importlib  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from typing import NoReturn  # noqa: E402

import click  # noqa: E402

from adw_state.errors import AdwError, refused_by_the_system  # noqa: E402

# name of the sub-command: (module and command in adw_state.commands, one line for `adw --help`)
COMMANDS = {
    "init": ("init:init", "Prepare this project: find the tracker, make our tables."),
    "migrate": ("migrate:migrate", "Apply, show or take back migrations; move the history."),
    "where": ("where:where", "Say which database is used, and why."),
    "config": ("config:config", "Check the configuration and its workflows."),
    "run": ("run:run", "Take an issue through plan, build and review, or a workflow of yours."),
    "resume": ("run:resume", "Go on with an execution that was killed or failed."),
    "phase": ("phase:phase", "Do one phase of an execution."),
    "status": ("status:status", "What runs, what failed lately, what is stale."),
    "show": ("executions:show", "One execution with its attempts and checkpoints."),
    "list": ("executions:list_executions", "Executions, newest first."),
    "checkpoints": ("executions:checkpoints", "The saved steps of an execution."),
    "analyze": ("analyze:analyze", "Success rates, funnel and failures of a time window."),
    "archive": ("archive:archive", "Move old finished executions out of the live tables."),
    "restore": ("restore:restore", "Bring back executions that an accident took away."),
    "health": ("doctor:health", "Check the database alone: the short form of `adw doctor`."),
    "doctor": ("doctor:doctor", "Find what could break the tracker or lose history; repair what is safe."),
    "demo": ("demo:demo", "See it all at work in a new scratch folder."),
}


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
        gc.freeze()  # what is imported stays; collections need not look at it again
        gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of sub-commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 not found, 4 database unusable, "
    "5 held by somebody else, 130 interrupted.",
)
@click.version_option(package_name="adw-state", prog_name="adw")
def adw() -> None:
    """State store and flight recorder for coding-agent workflows beside a beads tracker.

    Begin with `adw demo`, or in a project of yours with `adw init` and `adw run ISSUE`.
    """


def run_command(command: click.Command, name: str, arguments: list[str] | None = None) -> NoReturn:
    """Run a click command as the program `name`, and leave the process with its exit code.

    `arguments` are the process's own unless given.
    """
    from adw_state.commands.standard_streams import protect_standard_streams

    protect_standard_streams()
    words = sys.argv[1:] if arguments is None else arguments
    try:
        code = command.main(args=words, prog_name=name, standalone_mode=False)
    except SystemExit as end:
        code = end.code
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = _interrupted()
    except click.ClickException as error:
        code = _explain_usage(error)
    except AdwError as error:
        code = _explain(error, as_json="--json" in words)
    except OSError as error:
        code = _explain(refused_by_the_system(error), as_json="--json" in words)
    sys.exit(_after_output(code if isinstance(code, int) else 0))


def main() -> NoReturn:
    """The entry point of the `adw` command.

    Leaves without taking the interpreter apart, which costs a short command a tenth of its time: files and
    databases are closed where they were opened, and what is printed is written at once.
    """
    try:
        run_command(adw, "adw")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    os._exit(code)


def _explain(error: AdwError, *, as_json: bool) -> int:
    from adw_state.commands.output import print_error, print_json

    if as_json:
        print_json(
            "adw.error/1",
            error=str(error),
            hint=error.hint,
            kind=type(error).__name__,
            exit_code=error.exit_code,
        )
    print_error(f"Error: {error}")
    if error.hint:
        print_error(f"  What to do: {error.hint}")
    return error.exit_code


def _explain_usage(error: click.ClickException) -> int:
    import io

    from adw_state.commands.output import print_error

    words = io.StringIO()
    error.show(file=words)
    for line in words.getvalue().splitlines():
        print_error(line)
    return error.exit_code


def _interrupted() -> int:
    from adw_state.commands.output import print_error

    print_error("Interrupted.")
    return 130


def _after_output(code: int) -> int:
    """The exit code, now that everything was printed or could not be."""
    from adw_state.commands.standard_streams import lost_output

    lost = lost_output()
    if lost is None:
        return code
    from adw_state.commands.output import print_error

    print_error(f"{'Error' if lost.is_failure else 'Warning'}: the output could not be written: {lost.why}")
    return code or int(lost.is_failure)


if __name__ == "__main__":
    main()
