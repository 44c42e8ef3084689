"""Media with a will of their own: a small disk, a read-only one. Mounted for one child process only."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from adws.tests.processes import run_apart

_NEW_MOUNTS, _NEW_USERS = 0x00020000, 0x10000000
_REFUSED = "mounts refused"


def with_read_only(folder: Path, work: Callable[[], Any]) -> Any:
    """The result of the work, done by a process that sees `folder` on a read-only medium."""

    return _run(lambda: _read_only([folder], work))


def without_temporary_folders(here: Path, work: Callable[[], Any]) -> Any:
    """The result of the work, done in `here` by a process that finds no folder for temporary files.

    Where the usual ones cannot be written to, the folder that a process stands in is tried last.
    """
    usual = [Path("/tmp"), Path("/var/tmp"), Path("/usr/tmp"), here]
    return _run(lambda: _read_only([folder for folder in usual if folder.is_dir()], work))


def with_small_disk(folder: Path, size: str, work: Callable[[], Any]) -> Any:
    """The result of the work, done by a process that sees an empty disk of this size at `folder`."""

    def mounted() -> Any:
        _mount("-t", "tmpfs", "-o", f"size={size},mode=700", "none", str(folder))
        return work()

    return _run(mounted)


def fill_up(folder: Path, *, leaving: int) -> Path:
    """A file that takes all but about so many bytes of the disk that holds `folder`."""
    filler = folder / "filler"
    disk = os.statvfs(folder)
    filler.write_bytes(b"\0" * max(0, disk.f_bavail * disk.f_frsize - leaving))
    return filler


def _read_only(folders: Sequence[Path], work: Callable[[], Any]) -> Any:
    for folder in folders:
        _mount("--bind", str(folder), str(folder))
        _mount("-o", "remount,bind,ro", str(folder))
    return work()


def _run(work: Callable[[], Any]) -> Any:
    found = run_apart(lambda: work() if _mounts_of_its_own() else _REFUSED)
    if found == _REFUSED:
        pytest.skip("this machine lets no process have mounts of its own")
    return found


def _mounts_of_its_own() -> bool:
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS | (_NEW_USERS if user else 0)) != 0:
        return False
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    return subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True).returncode == 0


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
