"""`adw doctor`: what is wrong, why it matters, and what to do."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from adw_state.clock import default_clock
from adw_state.commands.options import common
from adw_state.commands.output import print_json, print_line
from adw_state.doctor.examination import examine, not_located
from adw_state.doctor.findings import SEVERITIES, Finding, exit_code, several
from adw_state.doctor.mending import Mended, mend
from adw_state.doctor.patient import Patient
from adw_state.errors import AdwError
from adw_state.trackers.locate import locate

_WIDEST = 80
_INDENT = " " * 11
_STYLES = {"error": "red", "warning": "yellow", "note": "cyan"}


@click.command()
@click.option(
    "--fix", is_flag=True, help="Mend what is safe to mend, after a backup where that changes rows."
)
@common
def doctor(fix: bool, db: str | None, as_json: bool) -> None:
    """Look for everything that could break the tracker, lose history or keep agents from working.

    Leaves with 0 when there is nothing worse than notes, with 1 after warnings, with 4 after errors.
    """
    patient = _patient(db)
    findings = [not_located(patient)] if isinstance(patient, AdwError) else examine(patient)
    mended = None
    if fix and isinstance(patient, Patient):
        mended = mend(patient, findings)
        findings = examine(patient)
    database = patient.location.database if isinstance(patient, Patient) else None
    if as_json:
        print_json(
            "adw.doctor/1",
            database=database,
            exit_code=exit_code(findings),
            findings=findings,
            fixed=mended.done if mended else (),
            backup=mended.backup if mended else None,
        )
    else:
        for line in describe(database, findings, mended):
            print_line(line, colours=_STYLES)
    sys.exit(exit_code(findings))


def describe(database: Path | None, findings: Sequence[Finding], mended: Mended | None) -> Iterator[str]:
    """The findings in words, the worst last, where the eye is; none of the lines longer than 80 characters.

    Only what cannot be broken, such as a path, may reach beyond.
    """
    width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)
    if database is not None:
        yield f"Doctor of {database}"
    if mended is not None:
        yield from _mended(mended, width)
    names = dict.fromkeys(finding.name for finding in findings if finding.severity == "ok")
    worse = {finding.name for finding in findings if finding.severity != "ok"}
    fine = [name for name in names if name not in worse]
    yield from _block("well", ", ".join(fine), width) if fine else ()
    for severity in SEVERITIES[1:]:
        for finding in findings:
            if finding.severity == severity:
                yield from _finding(finding, width)
    yield _summary(findings)


def _patient(db: str | None) -> Patient | AdwError:
    try:
        location = locate(db)
    except AdwError as error:
        return error
    return Patient(location, default_clock(), dict(os.environ), Path.cwd(), named=db is not None)


def _mended(mended: Mended, width: int) -> Iterator[str]:
    if mended.backup is not None:
        yield from _block("backup", str(mended.backup.path), width)
    for sentence in mended.done:
        yield from _block("fixed", sentence, width)
    if not mended.done:
        yield from _block("fixed", "Nothing that is safe to fix was found.", width)


def _finding(finding: Finding, width: int) -> Iterator[str]:
    yield from _block(finding.severity, f"{finding.name}: {finding.what}", width)
    if finding.why:
        yield from _wrapped(f"Why it matters: {finding.why}", width)
    if finding.fix:
        yield from _wrapped(f"To do: {finding.fix}", width)


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
    parts = [several(counts[severity], severity) for severity in ("error", "warning", "note")]
    return f"{parts[0]}, {parts[1]}, {parts[2]}; {several(counts['ok'], 'check')} found nothing to mend."
