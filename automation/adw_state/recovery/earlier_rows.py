"""What a row of the earlier implementation becomes.

Rows come as mappings of their columns, in lower case; what comes out are the parameters of the
statements that add rows. Nothing is guessed silently: the `notes` say what was not simply
taken over. A value that is no status, phase or time of ours is passed on as it is; the table's own rules
then refuse the row, and it goes to the archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from hashlib import sha256

from adw_state.built_in import PHASES
from adw_state.clock import format_time
from adw_state.recovery.earlier_values import Notes, dump, others, parse, read_time, storable
from adw_state.store.records import EXECUTION_STATUSES, UNFINISHED, encode_phases

Old = Mapping[str, object]
Values = dict[str, object]

_TEXTS = ("error_message", "worktree_name", "worktree_path", "branch_name", "plan_file", "pr_url")
_SNAPSHOT = ("issue_title", "issue_type", "issue_priority")
_TIMES = ("started_at", "updated_at", "completed_at")
_USED = {"id", "issue_id", "phase", "status", "workflow", "environment", "pr_created", "extra_data"}
_USED |= {*_TEXTS, *_SNAPSHOT, *_TIMES}
_USED_OF_CHECKPOINT = {"execution_id", "phase", "checkpoint_name", "checkpoint_data", "created_at"}
_OTHER_SPELLINGS = {
    "running": "in_progress",
    "in-progress": "in_progress",
    "success": "completed",
    "succeeded": "completed",
    "error": "failed",
    "canceled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Converted:
    """An execution and its checkpoints, ready to be written."""

    execution: Values
    checkpoints: list[Values]
    start_is_known: bool
    """Whether the old row itself told when the execution began."""
    end_is_known: bool
    """Whether it told when the execution ended, and that was not before it began."""


@dataclass(frozen=True, slots=True)
class _Point:
    """A checkpoint in its place; `moment` is None where no time is known so far."""

    old: Old
    moment: datetime | None
    is_timed: bool


def convert(
    old: Old, old_checkpoints: Sequence[Old], issue: Mapping[str, object], zone: tzinfo | None
) -> Converted:
    """An execution with its checkpoints; `issue` is the snapshot that the tracker's issue gives now."""
    notes = Notes(columns=others(old, _USED))
    points = _in_order(old_checkpoints, zone)
    start = notes.read("started_at", old, zone)
    started = start.moment if start else _stand_in_for_start(old, points, zone, notes)
    values: Values = {name: storable(old.get(name)) for name in ("id", "issue_id", *_TEXTS, *_TIMES)}
    values |= {name: issue.get(name) if old.get(name) is None else old[name] for name in _SNAPSHOT}
    values["workflow"] = storable(old.get("workflow")) or "adw_sdlc"
    values["environment"] = storable(old.get("environment")) or "local"
    values["pr_created"] = int(str(old.get("pr_created")).lower() in {"1", "true"})
    values["phase"] = _phase(old.get("phase"))
    values["status"] = status = _status(old.get("status"), notes)
    end_is_known = False
    if started is not None:
        times, end_is_known = _times(old, status, started, points, zone, notes)
        values |= {name: format_time(moment) if moment else None for name, moment in times.items()}
    checkpoints = _checkpoints(points, old, started, notes)
    values["phases"] = _phases([values, *checkpoints])
    values["extra_data"] = notes.extra_data(old.get("extra_data"))
    return Converted(values, checkpoints, start_is_known=start is not None, end_is_known=end_is_known)


def convert_loose_checkpoints(old_checkpoints: Sequence[Old], zone: tzinfo | None) -> list[Values]:
    """Checkpoints of one execution that is not there."""
    return _checkpoints(_in_order(old_checkpoints, zone), {}, None, Notes())


def _in_order(old_checkpoints: Sequence[Old], zone: tzinfo | None) -> list[_Point]:
    """By time; those of one second, and those without a time, in the order in which they were written."""
    points: list[_Point] = []
    last: datetime | None = None
    for old in old_checkpoints:
        read = read_time(old.get("created_at"), zone)
        last = read.moment if read else last
        points.append(_Point(old, last, read is not None))
    return sorted(points, key=lambda point: point.moment.timestamp() if point.moment else float("-inf"))


def _stand_in_for_start(
    old: Old, points: Sequence[_Point], zone: tzinfo | None, notes: Notes
) -> datetime | None:
    for name in ("created_at", "updated_at", "completed_at"):
        if other := read_time(old.get(name), zone):
            notes.say(f"the start is not known; {name} stands for it")
            return other.moment
    first = next((point.moment for point in points if point.moment), None)
    if first is not None:
        notes.say("the start is not known; the time of the first checkpoint stands for it")
    return first


def _times(
    old: Old, status: object, started: datetime, points: Sequence[_Point], zone: tzinfo | None, notes: Notes
) -> tuple[dict[str, datetime | None], bool]:
    """The times of an execution, the end in agreement with the status; whether its row told the end."""
    changed, raw = notes.read("updated_at", old, zone), old.get("completed_at")
    last = changed.moment if changed else max([started, *(point.moment for point in points if point.moment)])
    end = notes.read("completed_at", old, zone, not_before=started)
    ended = end.moment if end else None
    is_known = ended is not None and ended >= started
    if ended is not None and not is_known:  # then its zone was another
        when = format_time(ended)
        notes.say(f"completed_at {raw!r} would be {when}, before the start; the last change stands for it")
        ended = max(started, last)
    if status in UNFINISHED:
        if ended is not None:
            notes.say(f"completed_at {raw!r} was set although the status is {status}")
        ended = None
    elif ended is None:
        notes.say("the end is not known; the time of the last change stands for it")
        ended = max(last, started)
    updated = last if changed or ended is None else max(last, ended)
    return {"started_at": started, "updated_at": updated, "completed_at": ended}, is_known


def _checkpoints(
    points: Sequence[_Point], execution: Old, started: datetime | None, notes: Notes
) -> list[Values]:
    return [_checkpoint(seq, point, execution, started, notes) for seq, point in enumerate(points, start=1)]


def _checkpoint(seq: int, point: _Point, execution: Old, started: datetime | None, notes: Notes) -> Values:
    old, when = point.old, point.moment or started
    phase = old.get("phase")
    if phase is None and execution:
        phase = execution.get("phase")
        notes.say(f"checkpoint {seq} named no phase; the execution's stands there")
    if not point.is_timed:
        notes.say(f"checkpoint {seq} has no readable time: {old.get('created_at')!r}")
    row_number = {"id"} if isinstance(old.get("id"), int) else set()
    if extra := others(old, _USED_OF_CHECKPOINT | row_number):
        notes.checkpoints[str(seq)] = extra
    values: Values = {
        "execution_id": storable(old.get("execution_id")),
        "seq": seq,
        "phase": _phase(phase),
        "checkpoint_name": storable(old.get("checkpoint_name")),
        "checkpoint_data": _checkpoint_data(old.get("checkpoint_data"), seq, notes),
        "created_at": format_time(when) if when else storable(old.get("created_at")),
    }
    return {**values, "op_id": _op_id(values)}


def _op_id(values: Old) -> str:
    """The same for the same row, so that reading an old backup again brings nothing twice."""
    names = ("execution_id", "seq", "checkpoint_name", "created_at", "checkpoint_data")
    parts = "\0".join(str(values[name]) for name in names)
    return sha256(parts.encode("utf-8", "replace")).hexdigest()[:32]


def _status(raw: object, notes: Notes) -> str | None:
    text = storable(raw)
    if text is None or text in EXECUTION_STATUSES:
        return text
    plain = text.strip().lower()
    ours = _OTHER_SPELLINGS.get(plain, plain)
    if ours not in EXECUTION_STATUSES:
        return text
    notes.say(f"the status was written {text!r}")
    return ours


def _phases(rows: Sequence[Old]) -> str:
    """The phases of the run in order: it kept none, so those of then, and behind them what else is named."""
    named = [str(row["phase"]) for row in rows if row["phase"] is not None]
    return encode_phases(tuple(dict.fromkeys([*PHASES, *named])))


def _phase(raw: object) -> str | None:
    text = storable(raw)
    return None if text is None else text.strip().lower().removeprefix("adw_").removesuffix(".py")


def _checkpoint_data(raw: object, seq: int, notes: Notes) -> str:
    text = storable(raw)
    if text is None:
        return "null"
    try:
        parse(text)
    except ValueError:
        notes.say(f"the data of checkpoint {seq} is not JSON; it is kept as a text")
        return dump({"text": text})
    return text
