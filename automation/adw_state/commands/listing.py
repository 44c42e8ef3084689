"""The sub-commands of `adw`, and the help that names them; nothing is imported for it."""

from __future__ import annotations

# name of the sub-command: (module and command in adw_state.commands, one line for `adw --help`)
COMMANDS = {
    "init": ("migrate:init", "Prepare this project: find the tracker, make our tables."),
    "migrate": ("migrate:migrate", "Apply, show or take back migrations; move the history."),
    "where": ("project:where", "Say which database is used, and why."),
    "config": ("config:config", "Check the configuration and its workflows."),
    "ready": ("project:ready", "The issues that can be worked on now."),
    "run": ("run:run", "Take an issue through the phases of a workflow."),
    "resume": ("run:resume", "Go on with an execution that was killed or failed."),
    "cancel": ("run:cancel", "Stop a run from another terminal, and end it as cancelled."),
    "phase": ("run:phase", "Do one phase of an execution."),
    "status": ("status:status", "What runs, what failed lately, what is stale."),
    "show": ("show:show", "One execution with its attempts and checkpoints."),
    "list": ("executions:list_executions", "Executions, newest first."),
    "checkpoints": ("executions:checkpoints", "The saved steps of an execution."),
    "log": ("log:log", "What a run wrote down, as it does so with --follow."),
    "diff": ("branches:diff", "What a run has committed."),
    "clean": ("branches:clean", "Remove worktrees and branches of runs that are over."),
    "analyze": ("analyze:analyze", "Success rates, funnel and failures of a time window."),
    "archive": ("history:archive", "Move old finished executions out of the live tables."),
    "restore": ("history:restore", "Bring back executions that an accident took away."),
    "health": ("doctor:health", "Check the database alone: the short form of `adw doctor`."),
    "doctor": ("doctor:doctor", "What could break the tracker or lose history; repairs."),
    "demo": ("demo:demo", "See it all at work in a new scratch folder."),
}

_HELP = """\
Usage: adw [OPTIONS] COMMAND [ARGS]...

  State store and flight recorder for coding-agent workflows beside a beads
  tracker.

  Begin with `adw demo`, or in a project of yours with `adw init` and
  `adw run ISSUE`. `adw COMMAND --help` tells more of a command.

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit.

Commands:
{commands}

  Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 not found, 4 database unusable,
  5 held by somebody else, 130 interrupted.
"""


def help_text() -> str:
    """What `adw --help` prints."""
    return _HELP.format(commands="\n".join(f"  {name:<11}  {line}" for name, (_, line) in COMMANDS.items()))
