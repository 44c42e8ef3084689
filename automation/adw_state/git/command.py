"""Running git: the one place that does, so that nothing around a git command changes what it does.

A `Git` acts in a fixed place. Where its git directory is given, git looks for none, so a command for a run's
worktree never reaches the user's own checkout, whatever an agent did to the file `.git`.

No hooks: the commits of a run are bookkeeping that must be repeatable after a crash, and a hook may
edit files, ask questions or, as bd's do, write to the tracker. The project's hooks have their say when
a person merges or pushes the branch. No signing, for the same reason: nobody is there to type a
passphrase. No automatic gc, no questions at the terminal, no end later than a time limit. Git runs in a
session of its own: a terminal's Ctrl-C reaches this process, which then ends git and all it started.

Nothing in the environment of a git command says where git works, as whom, or on which paths. A git hook,
`git rebase --exec` or a shell of the user's may set `GIT_DIR`, `GIT_INDEX_FILE`, `GIT_AUTHOR_NAME` and many
more; all are dropped but those that say how git reaches its programs, its settings and other machines.

git has no error codes, so the English words of its complaints are matched; others get general advice.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from adw_state.errors import GitFailedError, RepositoryError
from adw_state.interruption import StopRequest
from adw_state.temporary_files import temporary_file

# git's own files in big repositories, filters that download: minutes, not hours.
TIMEOUT_SECONDS = 900.0
_POLL_SECONDS = 0.1
_GRACE_SECONDS = 2.0
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "core.safecrlf=false",
    "commit.gpgSign=false",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    "diff.orderFile=/dev/null",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
)
# git says these when a filter or another program that it started has ended; not which, and not why.
_CONSEQUENCES = (
    "the remote end hung up unexpectedly", "early EOF", "packet write with format failed",
    "unable to write flush packet", "fetch-pack: invalid index-pack output",
)  # fmt: skip
# How a shell ends its complaint about a program that is not there.
_NO_PROGRAM = (": not found", ": command not found", ": No such file or directory")
_NEWS = ("Preparing worktree", "HEAD is now at", "warning:", "hint:")
_ADVICE = (
    (
        ("dubious ownership",),
        "the folder belongs to another user; if you trust it, run "
        "`git config --global --add safe.directory {folder}`",
    ),
    (
        ("git-lfs", "git lfs", "filter lfs"),
        "install git-lfs and run `git lfs install`; or check it out without LFS by `git lfs uninstall`",
    ),
    (
        ("external filter", "smudge filter", "clean filter", *_CONSEQUENCES),
        "make the filter's program work, or remove the filter from git's configuration and .gitattributes",
    ),
    (("No space left on device", "Disk quota exceeded"), "free some disk space, then try again"),
    (
        ("Permission denied", "Read-only file system", "insufficient permission"),
        "give yourself write access to the repository, then try again",
    ),
    (
        ("index file corrupt", "bad signature", "index file smaller"),
        "remove the damaged index file, then try again",
    ),
    (("Unable to create", ".lock"), "wait until the other git command has ended, then try again"),
)  # fmt: skip
_KEPT = frozenset(
    (
        "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH",
        "GIT_PROXY_COMMAND", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_TEMPLATE_DIR",
    )
)  # fmt: skip
_KEPT_PREFIXES = ("GIT_SSL_", "GIT_HTTP_", "GIT_LFS_")
# The one setting that containers carry in the environment because git reads it from no repository.
_SAFE_DIRECTORY = "safe.directory"


@contextmanager
def refusing(what: str, hint: str) -> Iterator[None]:
    """Raise an `OSError` of the block as a `RepositoryError` that says `what` cannot be done, and why."""
    try:
        yield
    except OSError as error:
        raise RepositoryError(f"{what}: {error.strerror or error}", hint=hint) from error


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """What one git command said: its exit code, its output, and all that it complained of."""

    code: int
    output: str
    complaints: str

    @property
    def complaint(self) -> str:
        """The line of its complaints that says most."""
        return complaint_of(self.complaints)


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one place: it runs in `folder`, on the files there and on `git_dir`.

    Where `git_dir` is `folder` there are no files. Without one, git looks for the repository that holds
    `folder`, as it does for a user. A command
    is ended with all that it started when `stop` is asked for, and after `timeout_seconds`. `settings`, such
    as `user.name=…`, are git's own, for this command alone.
    """

    folder: Path
    git_dir: Path | None = None
    stop: StopRequest = field(default_factory=StopRequest, compare=False)
    timeout_seconds: float = TIMEOUT_SECONDS
    settings: tuple[str, ...] = ()

    def run(self, *arguments: str, text: str = "") -> str:
        """Run a command with `text` on its standard input; return its output.

        Raises `RepositoryError` when it fails, or the reason of `stop`. Bytes that are not UTF-8 come
        back as surrogates, so paths survive the way in and out.
        """
        return self.checked(*arguments, text=text).output

    def checked(self, *arguments: str, text: str = "") -> GitAnswer:
        """Run a command as `run` does; return all that it said, warnings too."""
        return self._checked(self.ask(*arguments, text=text), arguments)

    def ask(self, *arguments: str, text: str = "") -> GitAnswer:
        """Run a command and return its answer, also when it fails."""
        with temporary_file() as output:
            answer = self._ended(arguments, text, output)
            output.seek(0)
            return GitAnswer(answer.code, os.fsdecode(output.read()), answer.complaints)

    def save(self, file: Path, *arguments: str) -> None:
        """Run a command and save its output, byte by byte, in a new `file`.

        Raises `RepositoryError` when it fails; there is no file then.
        """
        with file.open("xb") as output:
            try:
                self._checked(self._ended(arguments, "", output), arguments)
                output.flush()
                os.fsync(output.fileno())
            except BaseException:
                file.unlink()
                raise

    def _checked(self, answer: GitAnswer, arguments: tuple[str, ...]) -> GitAnswer:
        if answer.code != 0:
            raise GitFailedError(
                f"git {arguments[0]} failed in {self.folder}: {answer.complaint}",
                hint=hint_for(answer.complaints, self.folder),
            )
        return answer

    def _ended(self, arguments: tuple[str, ...], text: str, output: IO[bytes]) -> GitAnswer:
        """Run a command to its end, with its output in a file; the answer has none."""
        self.stop.check()
        # Files, not pipes: what a filter leaves running may hold a pipe open for ever.
        with ExitStack() as files:
            given = files.enter_context(temporary_file())
            complaints = files.enter_context(temporary_file())
            # Texts in any locale; the bytes of paths, which are no text, stand in it as surrogates.
            given.write(text.encode("utf-8", "surrogateescape"))
            given.seek(0)
            process = self._started(arguments, given, output, complaints)
            try:
                self._wait(process, arguments[0])
            finally:
                _end_group(process)
            complaints.seek(0)
            return GitAnswer(process.returncode, "", os.fsdecode(complaints.read()))

    def _started(
        self, arguments: tuple[str, ...], given: IO[bytes], output: IO[bytes], complaints: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        ceiling = None if self.git_dir is None else self.folder.parent
        try:
            return subprocess.Popen(
                ["git", *self._words(), *arguments],
                cwd=self.folder,
                stdin=given,
                stdout=output,
                stderr=complaints,
                env=command_environment(os.environ, ceiling),
                start_new_session=True,
            )
        except FileNotFoundError as error:
            if not self.folder.is_dir():
                raise RepositoryError(f"there is no folder {self.folder}", hint="check the path") from error
            raise RepositoryError("git is not installed", hint="install git and try again") from error
        except OSError as error:
            raise RepositoryError(
                f"git cannot be started in {self.folder}: {error.strerror}",
                hint="check the folder's permissions and the machine's limits",
            ) from error

    def _words(self) -> list[str]:
        trusted = [f"safe.directory={folder}" for folder in safe_directories(os.environ)]
        settings = (*_SETTINGS, *trusted, *self.settings)
        words = [word for setting in settings for word in ("-c", setting)]
        words.append("--literal-pathspecs")
        if self.git_dir is not None:
            words.append(f"--git-dir={self.git_dir}")
            if self.git_dir != self.folder:
                words.append(f"--work-tree={self.folder}")
        return words

    def _wait(self, process: subprocess.Popen[bytes], command: str) -> None:
        # Real time, not our clock: the process lives in it.
        deadline = time.monotonic() + self.timeout_seconds
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
                return
            self.stop.check()
            if time.monotonic() > deadline:
                raise RepositoryError(
                    f"git {command} in {self.folder} did not end within "
                    f"{self.timeout_seconds:g} s and was stopped",
                    hint="look for a filter, a credential helper or a network drive that hangs; "
                    "git_timeout_seconds in adw.toml allows more time",
                )


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End git and what it started, first politely, so that git removes its lock files."""
    running = process.poll() is None
    for number, patience in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, None)):
        if not running:
            break
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            running = False
    if process.returncode != 0:
        # A filter may outlive the git that it worked for.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def complaint_of(complaints: str) -> str:
    """The line that says most: the program that is missing, else the first error that is no consequence."""
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(_NEWS)] or lines or ["it gave no reason"]
    errors = [line for line in told if line.startswith(("fatal:", "error:"))]
    causes = [line for line in errors if not any(words in line for words in _CONSEQUENCES)]
    missing = [line for line in told if line not in errors and line.endswith(_NO_PROGRAM)]
    chosen = [*missing, *causes, *errors, *told][0]
    return chosen.removeprefix("fatal: ").removeprefix("error: ")


def hint_for(complaints: str, folder: Path) -> str:
    """What to do about the complaints of a git command in `folder`."""
    quoted = shlex.quote(str(folder))
    for words, advice in _ADVICE:
        if any(word in complaints for word in words):
            return advice.format(folder=quoted)
    return f"look at the folder with `git -C {quoted} status`, then try again"


def without_git_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without the variables that would lead a git command astray."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith("GIT_") or name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }


def agent_environment(environ: Mapping[str, str], worktree: Path, slot: int) -> dict[str, str]:
    """`environ` for an agent, or a command, that works in `worktree`, which has the number `slot`.

    Its git commands do not look for a repository above the worktree, even if it removes its `.git`: the
    next one upwards is the user's own checkout.
    """
    return {
        **without_git_variables(environ),
        "GIT_CEILING_DIRECTORIES": os.path.realpath(worktree.parent),
        "ADW_SLOT": str(slot),
    }


def command_environment(environ: Mapping[str, str], ceiling: Path | None) -> dict[str, str]:
    """`environ` for a git command of ours: it asks nothing, says all in English and locks only to write.

    git looks for a repository in no folder above `ceiling`.
    """
    added = {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_EDITOR": "true",
    }
    if ceiling is not None:
        added["GIT_CEILING_DIRECTORIES"] = os.path.realpath(ceiling)
    return {**without_git_variables(environ), **added}


def safe_directories(environ: Mapping[str, str]) -> list[str]:
    """The folders that `environ` tells git to trust, whoever owns them."""
    count = environ.get("GIT_CONFIG_COUNT", "")
    numbers = range(min(int(count), 1000)) if count.isascii() and count.isdigit() else range(0)
    return [
        environ.get(f"GIT_CONFIG_VALUE_{number}", "")
        for number in numbers
        if environ.get(f"GIT_CONFIG_KEY_{number}", "").lower() == _SAFE_DIRECTORY
    ]
