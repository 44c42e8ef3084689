"""One process per run folder: a lock that the kernel gives back when its holder dies.

Where a database is used, its fence decides who may write; this lock keeps two processes of one machine
apart also where there is only JSON.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adw_state.errors import ExecutionHeldError, StateFileError

_FILE = "run.lock"


@contextmanager
def hold_run(folder: Path, *, force: bool = False) -> Iterator[None]:
    """Hold the lock of a run's folder, which is made if need be, while the block runs.

    With `force` the block runs without the lock where somebody has it, and so it does on filesystems
    that know no locks. Raises `ExecutionHeldError`.
    """
    descriptor = _open(folder)
    try:
        _lock(descriptor, folder, force=force)
        yield
    finally:
        os.close(descriptor)


def _open(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / _FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StateFileError(
            f"{folder} cannot be written: {error.strerror}",
            hint="check the permissions and the free disk space",
        ) from error


def _lock(descriptor: int, folder: Path, *, force: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        if not force:
            raise ExecutionHeldError(
                f"execution {folder.name} is being worked on by another process of this machine",
                hint="wait for it, stop that process, or take it over with --force",
            ) from error
    except OSError:
        return
