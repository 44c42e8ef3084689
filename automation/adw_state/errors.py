"""Every error this package raises on purpose.

One root, `AdwError`. Each class says in its docstring what went wrong in general; the message says
what went wrong here, and `hint` says what to do about it. The command line prints both on one
line each and exits with `exit_code`:

    1  the work failed            2  the command was used wrongly
    3  something named is not there
    4  the database cannot be used as it is
    5  somebody else holds it (a lock, an issue, an execution)
"""

from __future__ import annotations

import errno

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
_TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)


class AdwError(Exception):
    """Something went wrong that the user can understand and act on."""

    exit_code = 1

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])
        self.hint = hint

    @property
    def error_class(self) -> str:
        """What attempts call this kind of error: by default `check_failed` for a `CheckFailedError`."""
        words = type(self).__name__.removesuffix("Error")
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in words)[1:]


class InvalidInputError(AdwError):
    """A value that was given cannot be accepted."""

    exit_code = 2


class CheckpointDataError(InvalidInputError):
    """The checkpoint data is not a JSON value, or is too large."""


class ConfigurationError(InvalidInputError):
    """The configuration file or an environment variable holds something unusable."""


class IssueNotFoundError(AdwError):
    """The tracker has no such issue."""

    exit_code = 3


class ExecutionNotFoundError(AdwError):
    """There is no such execution."""

    exit_code = 3


class DatabaseError(AdwError):
    """The database cannot be used as it is."""

    exit_code = 4


class DatabaseNotFoundError(DatabaseError):
    """There is no database where one was expected."""


class DatabaseAmbiguousError(DatabaseError):
    """More than one file could be the tracker's database."""


class DatabaseUnreadableError(DatabaseError):
    """The file is not a SQLite database, or is damaged."""


class DatabaseForeignError(DatabaseError):
    """The file is a database of another application."""


class DatabaseReadOnlyError(DatabaseError):
    """The database, its folder or its medium does not allow writing."""


class DatabaseReplacedError(DatabaseError):
    """The file at the database's path is no longer the one that was opened."""


class TrackerChangedError(DatabaseError):
    """Another tracker has taken over the file that our tables lie in."""


class DiskFullError(DatabaseError):
    """There is no room left for the write."""


class NotMigratedError(DatabaseError):
    """The database lacks our tables."""


class SchemaTooNewError(DatabaseError):
    """The database was migrated by a newer version of this program."""


class MigrationError(DatabaseError):
    """A migration cannot be applied or taken back."""


class TrackerUnusableError(DatabaseError):
    """The tracker cannot be read: its program is missing or answers with an error."""


class StoreBusyError(AdwError):
    """Another process kept the database locked through every retry."""

    exit_code = 5


class StoreFaultError(DatabaseError):
    """The database engine reported something that has no better name here."""


class ConstraintError(StoreFaultError):
    """A row breaks a rule of its table. `rule` names it in the engine's words."""

    def __init__(self, message: str, *, rule: str, is_unique: bool) -> None:
        super().__init__(message)
        self.rule = rule
        self.is_unique = is_unique
        """Another row has what may be there once only."""


class DuplicateExecutionError(AdwError):
    """An execution with this id exists already."""


class IssueClaimedError(AdwError):
    """Another execution is at work on this issue."""

    exit_code = 5


class ExecutionHeldError(AdwError):
    """Another living process owns this execution."""

    exit_code = 5


class OwnershipLostError(AdwError):
    """This process was replaced as the owner of the execution."""

    exit_code = 5


class IllegalTransitionError(AdwError):
    """The execution or attempt cannot go from its present status to the one asked for."""


class StateFileError(AdwError):
    """A JSON state file cannot be read or written."""


class RepositoryError(AdwError):
    """The git repository cannot be used as it is."""


class GitFailedError(RepositoryError):
    """A git command has ended by itself, with a complaint."""


class AgentError(AdwError):
    """The agent did not do its work. `kind` is the class of its failure where that is known."""

    default_class = "agent_error"

    def __init__(
        self, message: str | None = None, *, hint: str | None = None, kind: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self._kind = kind

    @property
    def error_class(self) -> str:
        """See `AdwError`."""
        return self._kind or self.default_class


class AgentMissingError(AgentError):
    """The agent's command is not installed."""

    exit_code = 3
    default_class = "environment"


class AgentExitError(AgentError):
    """The agent ended with an exit code that says it failed; `code` is negative after a signal."""

    def __init__(self, message: str, *, code: int, hint: str | None = None, kind: str | None = None) -> None:
        super().__init__(message, hint=hint, kind=kind)
        self.code = code


class AgentTimeoutError(AgentError):
    """The agent did not end in time and was killed."""

    default_class = "timed_out"


class AgentLeftError(AgentError):
    """Processes of the agent's call could not be stopped."""

    default_class = "environment"


class AgentStalledError(AgentError):
    """The agent said nothing for too long and was killed."""

    default_class = "stalled"


class SessionUnknownError(AgentError):
    """The agent does not know the session that it was to resume."""


class AgentOutputError(AgentError):
    """The agent's output could not be understood."""


class WorktreeSetupError(AdwError):
    """The worktree could not be prepared as `[worktree]` in adw.toml says."""

    error_class = "environment"


class PhaseFailedError(AdwError):
    """A phase of the workflow ended without success."""


class RejectedError(PhaseFailedError):
    """An agent that judges rejected what was done."""


class CheckFailedError(PhaseFailedError):
    """A command of the workflow exited with another code than 0."""


class RunInterruptedError(AdwError):
    """The run was asked to stop; it can be resumed."""

    exit_code = 130


class SystemRefusalError(AdwError):
    """The operating system refused something that the command needs."""


def refused_by_the_system(error: OSError) -> SystemRefusalError:
    """Our error for what the operating system refused, with what can be done about it."""
    reason = error.strerror or str(error)
    what = f"{error.filename}: {reason}" if error.filename is not None else reason
    return SystemRefusalError(
        f"the operating system refused an operation: {what}", hint=_advice_on(error.errno)
    )


def command_on(command: str, name: str) -> str:
    """`command` for a hint: `name` is its last argument, also where that has blanks or begins with a dash."""
    from shlex import quote  # most processes end without a hint

    separator = "-- " if name.startswith("-") else ""
    return f"{command} {separator}{quote(name)}"


def _advice_on(code: int | None) -> str:
    if code in _NO_ROOM:
        return "free some disk space, or set TMPDIR to a folder on another disk, and try again"
    if code in _NOT_ALLOWED:
        return "check who owns the file and its folder, and their permissions"
    if code in _TOO_MANY_FILES:
        return "allow more open files (`ulimit -n 4096`), and try again"
    return "check the file and its disk, and try again"
