"""A report as text, Markdown, JSON or CSV.

Text is for a person at a terminal and fits its width; Markdown is for an issue or a chat; JSON
(`"schema": "adw.report/2"`) and CSV are for other programs and hold everything.

The JSON is a promise: an object holds the fields and the computed properties of the record it stands for.
Fields may be added within a version; none is renamed, removed or given another meaning. Times are UTC text
`YYYY-MM-DDTHH:MM:SS.ffffffZ`, units stand in the names, null means "nothing to compute it from".
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import TypeAlias

from adw_state.clock import format_time
from adw_state.errors import InvalidInputError
from adw_state.reports.report import SCHEMA, Report, origin_of, sections_of, title_of
from adw_state.reports.section import Section
from adw_state.reports.text_table import lay_out
from adw_state.visible_text import one_line, visible, visible_json

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

FORMATS = ("text", "json", "markdown", "csv")
EXPORTS = ("json", "csv")
_NARROWEST = 40
_MARKDOWN_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>|~"})
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render(
    report: Report, kind: str, *, width: int = 100, styled: bool = False, ascii_only: bool = False
) -> str:
    """The report in one of `FORMATS`, ending in a line end.

    `width` is that of the terminal in cells, `styled` allows bold headings; both matter to text only.
    `ascii_only` matters to JSON only, which no encoding may damage.
    """
    renderers: dict[str, Callable[[], str]] = {
        "text": lambda: _text(report, max(width, _NARROWEST), styled=styled),
        "json": lambda: visible_json(_as_json(report), indent=2, ascii_only=ascii_only) + "\n",
        "markdown": lambda: _markdown(report),
        "csv": lambda: _csv(_as_json(report)),
    }
    if kind not in renderers:
        raise InvalidInputError(f"{kind!r} is not a format", hint=f"the formats are {', '.join(FORMATS)}")
    return renderers[kind]()


def _text(report: Report, width: int, *, styled: bool) -> str:
    lines = [_bold(line, styled=styled) for line in _wrapped(title_of(report), width)]
    lines += _wrapped(origin_of(report), width)
    for section in sections_of(report):
        lines += ["", *(_bold(line, styled=styled) for line in _wrapped(section.heading, width))]
        for sentence in section.sentences:
            lines += [f"  {line}" for line in _wrapped(sentence, width - 2)]
        if section.columns:
            lines += [f"  {line}" for line in lay_out(section.columns, section.rows, width - 2)]
    return "\n".join(lines) + "\n"


def _wrapped(sentence: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(one_line(sentence), width, break_on_hyphens=False, break_long_words=False)


def _bold(text: str, *, styled: bool) -> str:
    return f"\x1b[1m{text}\x1b[0m" if styled else text


def _markdown(report: Report) -> str:
    blocks = [f"# {_escaped(title_of(report))}", _escaped(origin_of(report))]
    for section in sections_of(report):
        blocks.append(f"## {_escaped(section.heading)}")
        blocks += [_escaped(sentence) for sentence in section.sentences]
        if section.columns:
            blocks.append("\n".join(_markdown_table(section)))
    return "\n\n".join(blocks) + "\n"


def _markdown_table(section: Section) -> Iterator[str]:
    yield f"| {' | '.join(column.title for column in section.columns)} |"
    yield f"| {' | '.join('---:' if column.numeric else '---' for column in section.columns)} |"
    for row in section.rows:
        yield f"| {' | '.join(_escaped(cell) for cell in row)} |"


def _escaped(text: str) -> str:
    return one_line(text).translate(_MARKDOWN_SPECIAL)


def _as_json(report: Report) -> dict[str, Json]:
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


def _csv(shape: dict[str, Json]) -> str:
    """One number or text per line: in which section, of what, which measure, its value.

    The item of a member of a list is its first text: a phase, type, workflow, pattern, execution or subject,
    behind that of the list around it. A second one of the same name is numbered.
    """
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(("section", "item", "measure", "value"))
    writer.writerows(tuple(map(_harmless, row)) for row in _cells(shape, "report", ""))
    return output.getvalue()


def _cells(shape: dict[str, Json], section: str, item: str) -> Iterator[tuple[str, str, str, Json]]:
    for measure, value in shape.items():
        inner = measure if section == "report" else f"{section}.{measure}"
        if isinstance(value, dict):
            yield from _cells(value, inner, item)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _cells_of_members(value, inner, item)
        else:
            text = "; ".join(map(str, value)) if isinstance(value, list) else value
            yield section, item, measure, "" if text is None else text


def _cells_of_members(members: list[Json], section: str, item: str) -> Iterator[tuple[str, str, str, Json]]:
    met: Counter[str] = Counter()
    for member in members:
        if isinstance(member, dict):
            key, name = next((key, value) for key, value in member.items() if isinstance(value, str))
            met[name] += 1
            numbered = name if met[name] == 1 else f"{name} #{met[name]}"
            rest = {measure: value for measure, value in member.items() if measure != key}
            yield from _cells(rest, section, f"{item} {numbered}".lstrip())


def _harmless(value: Json) -> Json:
    """A text that a spreadsheet would run as a formula, or that could steer a terminal, made a text again."""
    if not isinstance(value, str):
        return value
    return visible(f"'{value}" if value.startswith(_FORMULA_STARTS) else value)
