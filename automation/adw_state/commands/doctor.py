"""`adw doctor`: what is wrong, why it matters, and what to do; `adw health` is its short form."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import click

from adw_state.clock import default_clock
from adw_state.commands.options import common
from adw_state.commands.output import print_json, print_line, print_table
from adw_state.doctor.examination import Repairs, examine, not_located, repair
from adw_state.doctor.project import Project
from adw_state.errors import AdwError
from adw_state.recovery.opening import require_database
from adw_state.schema.check import Finding, Severity, exit_code, several
from adw_state.schema.health import CHECKS
from adw_state.trackers.locate import locate

_WIDEST = 80
_INDENT = " " * 11
_WORSE: tuple[Severity, ...] = ("note", "warning", "error")
_STYLES = {"error": "red", "warning": "yellow", "note": "cyan"}


@click.command()
@click.option(
    "--fix", is_flag=True, help="Repair what is safe to repair, after a backup where that changes rows."
)
@common
def doctor(fix: bool, db: str | None, as_json: bool) -> None:
    """Look for everything that could break the tracker, lose history or keep agents from working.

    Exits with 0 when there is nothing worse than notes, with 1 after warnings, with 4 after errors.
    """
    try:
        project = _project(db)
    except AdwError as error:
        _report(None, [not_located(error)], None, as_json=as_json)
    else:
        findings, repairs = examine(project), None
        if fix:
            repairs = repair(project, findings)
            findings = examine(project)
        _report(project.path, findings, repairs, as_json=as_json)


@click.command()
@common
def health(db: str | None, as_json: bool) -> None:
    """Check the database alone: the file, its schema, its references, its lock, its log and its disk.

    The short form of `adw doctor`, with its exit codes: 0 when there is nothing worse than notes, 1 after
    warnings, 4 after errors.
    """
    project = _project(db)
    require_database(project.location)
    findings = examine(project, CHECKS)
    code = exit_code(findings)
    if as_json:
        print_json("adw.health/1", database=project.path, ok=code == 0, exit_code=code, findings=findings)
    else:
        rows = [[one.check, one.severity, one.what, one.fix or one.advice or ""] for one in findings]
        columns = ["check", "result", "finding", "what to do"]
        print_table(f"Health of {project.path}", columns, rows, flexible=["finding"])
    sys.exit(code)


def _report(
    database: Path | None, findings: Sequence[Finding], repairs: Repairs | None, *, as_json: bool
) -> NoReturn:
    code = exit_code(findings)
    if as_json:
        print_json(
            "adw.doctor/1",
            database=database,
            exit_code=code,
            findings=findings,
            repaired=repairs.done if repairs else (),
            backup=repairs.backup if repairs else None,
        )
    else:
        for line in describe(database, findings, repairs):
            print_line(line, colours=_STYLES)
    sys.exit(code)


def describe(database: Path | None, findings: Sequence[Finding], repairs: Repairs | None) -> Iterator[str]:
    """The findings in words, the worst last, where the eye is; none of the lines longer than 80 characters.

    Only what cannot be broken, such as a path, may reach beyond.
    """
    width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)
    if database is not None:
        yield f"Doctor of {database}"
    if repairs is not None:
        yield from _repairs(repairs, width)
    good = dict.fromkeys(finding.check for finding in findings if finding.severity == "ok")
    worse = {finding.check for finding in findings if finding.severity != "ok"}
    good_only = [check for check in good if check not in worse]
    yield from _block("ok", ", ".join(good_only), width) if good_only else ()
    for severity in _WORSE:
        for finding in findings:
            if finding.severity == severity:
                yield from _finding(finding, width)
    yield _summary(findings)


def _project(db: str | None) -> Project:
    return Project.at(locate(db), default_clock(), dict(os.environ), Path.cwd(), named=db is not None)


def _repairs(repairs: Repairs, width: int) -> Iterator[str]:
    if repairs.backup is not None:
        yield from _block("backup", str(repairs.backup.path), width)
    for sentence in repairs.done:
        yield from _block("repaired", sentence, width)
    if not repairs.done:
        yield from _block("repaired", "Nothing that is safe to repair was found.", width)


def _finding(finding: Finding, width: int) -> Iterator[str]:
    yield from _block(finding.severity, f"{finding.check}: {finding.what}", width)
    if finding.why:
        yield from _wrapped(f"Why it matters: {finding.why}", width)
    if finding.fix or finding.advice:
        yield from _wrapped(f"What to do: {finding.fix or finding.advice}", width)


def _block(label: str, text: str, width: int) -> Iterator[str]:
    lines = list(_wrapped(text, width))
    yield f"  {label:<{len(_INDENT) - 2}}" + lines[0].lstrip()
    yield from lines[1:]


def _wrapped(text: str, width: int) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        width,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _summary(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    worst_first = ", ".join(several(counts[severity], severity) for severity in reversed(_WORSE))
    return f"{worst_first}; {several(counts['ok'], 'check')} found nothing wrong."
