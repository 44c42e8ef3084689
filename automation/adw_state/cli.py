"""The `adw` command: finds the sub-command, runs it, and turns errors into words and exit codes.

Each sub-command lives in `adw_state/commands/` and is imported when it is called. `adw --help` imports not
even click, which would take three quarters of its time.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from adw_state.errors import AdwError, refused_by_the_system

if TYPE_CHECKING:
    import click

_OBJECTS_BEFORE_A_COLLECTION = 100_000


def run_command(command: click.Command, name: str, arguments: list[str] | None = None) -> NoReturn:
    """Run a click command as the program `name`, and leave the process with its exit code.

    `arguments` are the process's own unless given.
    """
    import click

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

    Two things cost a short command a tenth of its time each (`docs/benchmarks.md`), and are left out:
    looking for garbage so often that importing modules does it, which makes none, and taking the
    interpreter apart at the end, when files and databases are closed and what is printed is written.
    """
    gc.set_threshold(_OBJECTS_BEFORE_A_COLLECTION)
    try:
        if sys.argv[1:] in (["--help"], ["-h"]):
            _show_help()
        from adw_state.commands.group import adw

        run_command(adw, "adw")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    os._exit(code)


def _show_help() -> NoReturn:
    from adw_state.commands.listing import help_text
    from adw_state.commands.output import print_text
    from adw_state.commands.standard_streams import protect_standard_streams

    protect_standard_streams()
    print_text(help_text())
    sys.exit(_after_output(0))


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
