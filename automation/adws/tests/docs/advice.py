"""The commands that messages, hints, help texts, docstrings and pages name, and whether they exist."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import click

from adw_state.commands.group import adw
from adws.tests.docs.pages import AUTOMATION, LIBRARY, PAGES, REPOSITORY

PACKAGES = (LIBRARY, AUTOMATION / "adws", AUTOMATION / "benchmarks")
# Stands for what a text has filled in when it is shown.
FILLED_IN = "FILLED-IN"

# The words of other programs that ours may name.
OTHER_PROGRAMS = {
    "bd": {
        "close", "compact", "create", "daemon", "delete", "doctor", "duplicates", "export", "import", "info",
        "init", "list", "merge", "migrate", "migrate-hash-ids", "ready", "rename", "rename-prefix",
        "renumber", "reset", "show", "sync", "update", "upgrade", "version", "where",
    },
    "br": {"doctor", "list", "sync"},
    "git": {
        "add", "am", "apply", "branch", "cat-file", "check-attr", "check-ignore", "checkout",
        "clean", "clone", "commit", "config", "diff", "fetch", "for-each-ref", "fsck", "gc",
        "hash-object", "init", "lfs", "log", "ls-files", "maintenance", "merge", "mv", "pull",
        "push", "read-tree", "rebase", "reflog", "remote", "reset", "rev-parse", "rm", "show",
        "sparse-checkout", "stash", "status", "submodule", "switch", "symbolic-ref", "tag",
        "update-index", "update-ref", "worktree", "write-tree",
    },
}  # fmt: skip
_SPAN = re.compile(r"`+([^`]+)`+")
_BARE = re.compile(r"(?<![\w/.`'\"=-])adw [a-z][\w-]*(?: --[a-z-]+)*")
_CONSOLE = re.compile(r"^\s*\$ (.+)$", re.MULTILINE)
_SCRIPT = re.compile(r"(?:[\w.-]+/)*adw_\w+\.py\b|\badws/(?:\w+/)*\w+\.py\b")
# How the records of a run's log begin; they name the phases as logs always have.
_LOG_RECORDS = ("Running adw_phases/", "adw_phases/")


@dataclass(frozen=True, slots=True)
class Text:
    """A text that somebody reads, and where it stands."""

    where: str
    text: str
    of_page: bool


def texts() -> Iterator[Text]:
    """Every text of the packages and of the pages."""
    for path in sorted(path for package in PACKAGES for path in package.rglob("*.py")):
        if "tests" not in path.relative_to(AUTOMATION).parts:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for line, text in strings_of(tree):
                yield Text(f"{path.relative_to(REPOSITORY)}:{line}", text, of_page=False)
    for path in [*PAGES, REPOSITORY / "CHANGELOG.md", *sorted((LIBRARY / "prompts").glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        for number, paragraph in enumerate(text.split("\n\n")):
            yield Text(f"{path.relative_to(REPOSITORY)}, paragraph {number + 1}", paragraph, of_page=True)


def strings_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every string of a module with its line; what an f-string fills in is FILLED_IN."""
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(_part(part) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.lineno, node.value


def commands_in(text: Text) -> Iterator[list[str]]:
    """The commands that a text names, as words."""
    flat = " ".join(text.text.split())
    for span in _SPAN.findall(flat):
        if span.split()[:1] and (span.split()[0] in OTHER_PROGRAMS or span.split()[0] == "adw"):
            yield _words(span)
    without_spans = _SPAN.sub(" ", flat)
    for command in _BARE.findall(without_spans):
        yield command.split()
    for line in _CONSOLE.findall(text.text):
        words = _words(line)
        if words[:1] and (words[0] in OTHER_PROGRAMS or words[0] == "adw"):
            yield words


def scripts_in(text: Text) -> Iterator[str]:
    """The scripts of ours that a text names."""
    if not text.text.startswith(_LOG_RECORDS):
        yield from _SCRIPT.findall(text.text)


def fault_of(words: list[str]) -> str | None:
    """Why a command cannot be run, if it cannot."""
    program, *rest = words
    if program in OTHER_PROGRAMS:
        known = OTHER_PROGRAMS[program]
        first = next((word for word in rest if not word.startswith("-")), None)
        return None if first in {None, FILLED_IN, *known} or _is_placeholder(str(first)) else f"{first}?"
    return _fault_of_ours(adw, rest)


def is_there(script: str) -> bool:
    """Whether a script that is named is a file, from the repository's top, from automation/ or here."""
    return any((folder / script).is_file() for folder in (REPOSITORY, AUTOMATION))


def _fault_of_ours(command: click.Command, words: list[str]) -> str | None:
    context = click.Context(command, info_name=command.name)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words[0]
        if name == FILLED_IN or _is_placeholder(name):
            return None
        found = command.get_command(context, name)
        if found is None:
            return f"{name} is no command of {context.command_path}"
        command, words = found, words[1:]
        context = click.Context(command, parent=context, info_name=name)
    known = {name for option in command.get_params(context) for name in option.opts}
    unknown = [word for word in words if word.startswith("--") and len(word) > 2 and word not in known]
    return f"{' '.join(unknown)}: no option of {context.command_path}" if unknown else None


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


def _part(part: ast.expr) -> str:
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else FILLED_IN


def _is_placeholder(word: str) -> bool:
    return word.isupper() or word in ("…", "...")
