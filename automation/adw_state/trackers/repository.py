"""Which git repository a folder belongs to, read from git's own files.

The answers are those of `git rev-parse --show-toplevel --git-dir --git-common-dir`. They are read by
hand because every command asks for them and starting git costs more than all the rest of finding the
database; the tests compare them with git's over every layout named here: plain, subfolder, linked
worktree, submodule, separate git directory, bare, inside `.git`, and `GIT_DIR` as hooks set it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from adw_state.errors import RepositoryError


class RepositoryPaths(NamedTuple):
    """One git repository as seen from one folder; every path is real (no symbolic links)."""

    top: Path | None
    """Top of the work tree that holds the folder; None in a bare repository or inside `.git`."""
    git_dir: Path
    common_dir: Path
    """The git directory that all linked worktrees share."""
    main: Path | None
    """Top of the main work tree; None where there is none, as in a bare repository."""

    @property
    def linked(self) -> bool:
        """Whether the folder is in a worktree made by `git worktree add`."""
        return self.git_dir != self.common_dir

    @property
    def project(self) -> Path:
        """The folder that stands for the whole project: the main work tree where there is one."""
        return self.main or self.top or self.common_dir


def find_repository(folder: Path, environ: Mapping[str, str]) -> RepositoryPaths | None:
    """The repository `folder` is in, or None outside git.

    `GIT_DIR` and `GIT_WORK_TREE` are followed as git does; relative ones start at `folder`.

    Raises `RepositoryError`: `GIT_DIR` names something that is no git directory.
    """
    start = real(folder)
    if named := environ.get("GIT_DIR"):
        git_dir = real(start / named)
        if not is_git_dir(git_dir):
            raise RepositoryError(f"GIT_DIR names {named}, which is no git directory", hint="unset GIT_DIR")
        return _repository(git_dir, real(start / environ.get("GIT_WORK_TREE", "")))
    for directory in (start, *start.parents):
        if git_dir_here := _git_dir_of(directory):
            return _repository(git_dir_here, directory)
        if is_git_dir(directory):
            return _repository(directory, None)
    return None


def real(path: Path) -> Path:
    """`path` made absolute, without symbolic links; unlike `Path.resolve`, a loop of links is no crash."""
    return Path(os.path.realpath(path))


def is_git_dir(path: Path) -> bool:
    """Whether `path` is a git directory, the shared one or that of a linked worktree."""
    return (path / "HEAD").is_file() and (
        (path / "commondir").is_file() or ((path / "objects").is_dir() and (path / "refs").is_dir())
    )


def _git_dir_of(directory: Path) -> Path | None:
    """The git directory that `.git` in this directory is, or that it names as `gitdir: PATH`."""
    dot_git = directory / ".git"
    if is_git_dir(dot_git):
        return real(dot_git)
    named = _named_in(dot_git)
    if named is None or not named.startswith("gitdir:"):
        return None
    target = real(directory / named.removeprefix("gitdir:").removeprefix(" "))
    return target if is_git_dir(target) else None


def _repository(git_dir: Path, top: Path | None) -> RepositoryPaths:
    shared = _named_in(git_dir / "commondir")
    common = real(git_dir / shared) if shared else git_dir
    main = top if top is not None and common == git_dir else _main_work_tree(common)
    return RepositoryPaths(top=top, git_dir=git_dir, common_dir=common, main=main)


def _main_work_tree(common: Path) -> Path | None:
    """The main work tree of a shared git directory, as far as the directory itself tells."""
    core = _core_settings(common / "config")
    if core.get("bare", "").lower() in {"true", "yes", "on", "1"}:
        return None
    if "worktree" in core:
        return real(common / core["worktree"])
    return common.parent if common.name == ".git" else None


def _core_settings(config: Path) -> dict[str, str]:
    """The plain `key = value` lines of the section `[core]` in a git configuration file."""
    settings: dict[str, str] = {}
    section = ""
    for line in (line.strip() for line in (_text(config) or "").split("\n")):
        if line.startswith("["):
            section = line.strip("[]").lower()
        elif section == "core" and "=" in line:
            key, _, value = line.partition("=")
            settings[key.strip().lower()] = value.strip().strip('"')
    return settings


def _named_in(path: Path) -> str | None:
    """What a file that holds one path or name says; like git, only the line feeds at its end do not count."""
    text = _text(path)
    return None if text is None else text.rstrip("\r\n")


def _text(path: Path) -> str | None:
    try:
        return os.fsdecode(path.read_bytes())
    except OSError:
        return None
