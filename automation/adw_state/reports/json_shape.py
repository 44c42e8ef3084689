"""The report as JSON, `"schema": "adw.report/2"`: a promise to other programs.

An object holds the fields and the computed properties of the record it stands for. Fields may be added
within a version; none is renamed, removed or given another meaning. Times are UTC text
`YYYY-MM-DDTHH:MM:SS.ffffffZ`, units stand in the names, null means "nothing to compute it from".
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import TypeAlias

from adw_state.clock import format_time
from adw_state.reports.report import SCHEMA, Report

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def report_as_json(report: Report) -> dict[str, Json]:
    """The report as values that JSON has."""
    return {
        "schema": SCHEMA,
        "generated_at": _plain(report.window.now),
        **{field.name: _plain(getattr(report, field.name)) for field in fields(report)},
    }


def _plain(value: object) -> Json:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    if is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in _measures(type(value))}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a report holds a {type(value).__name__}")


def _measures(kind: type) -> list[str]:
    members = [member for base in kind.__mro__ for member in vars(base).items()]
    computed = [name for name, member in members if isinstance(member, property)]
    return [*(field.name for field in fields(kind)), *computed]
