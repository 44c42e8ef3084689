"""What a row of the earlier implementation of this idea becomes, and which attempts are known of a run.

Rows come as mappings of their columns, in lower case. Nothing is guessed silently: notes say what was not
simply taken over. A value that is no status, phase or time of ours is passed on as it is; the table's own
rules then refuse the row, and it goes to the archive.

A phase was overwritten as a run went on. So an attempt is derived only where both are known: how it ended,
and a moment at which it was at work. That is so for a run that never left plan, which began with it, and for
a phase that saved a checkpoint. How long it took is known only where the run's own start and end are its.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from hashlib import sha256

from adw_state.built_in import PHASES
from adw_state.clock import format_time, parse_time
from adw_state.recovery.earlier_values import Notes, dump, others, parse, read_time, storable
from adw_state.store.records import EXECUTION_STATUSES, UNFINISHED, encode_phases
from adw_state.store.runs import (
    ATTEMPT_COLUMNS,
    CHECKPOINT_COLUMNS,
    EXECUTION_COLUMNS,
    RunRows,
    StoredRow,
    complete,
)

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
_END_OF_OWN_PHASE = {"in_progress": "in_progress", "completed": "completed", "failed": "failed"}


@dataclass(frozen=True, slots=True)
class _Converted:
    """An execution and its checkpoints, and whether its old row told when it began, and when it ended."""

    execution: Values
    checkpoints: list[Values]
    start_is_known: bool
    end_is_known: bool
    """Not where the end would lie before the start."""


@dataclass(frozen=True, slots=True)
class _Point:
    """A checkpoint in its place; `moment` is None where no time is known so far."""

    old: Old
    moment: datetime | None
    is_timed: bool


def convert(
    old: Old, old_checkpoints: Sequence[Old], issue: Mapping[str, object], zone: tzinfo | None
) -> RunRows:
    """An execution with these checkpoints, as a run; `issue` is what the tracker says of its issue now."""
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
    converted = _Converted(values, checkpoints, start is not None, end_is_known)
    return RunRows(
        StoredRow(complete(values, EXECUTION_COLUMNS)),
        [_first(attempt, ATTEMPT_COLUMNS) for attempt in _known_attempts(converted)],
        [_first(checkpoint, CHECKPOINT_COLUMNS) for checkpoint in checkpoints],
    )


def convert_loose_checkpoints(old_checkpoints: Sequence[Old], zone: tzinfo | None) -> list[StoredRow]:
    """Checkpoints of one execution that is not there."""
    found = _checkpoints(_in_order(old_checkpoints, zone), {}, None, Notes())
    return [_first(checkpoint, CHECKPOINT_COLUMNS) for checkpoint in found]


def _first(values: Values, columns: Sequence[str]) -> StoredRow:
    """A row of the only attempt at a phase that is known."""
    return StoredRow({**complete(values, columns), "attempt": 1})


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


def _known_attempts(converted: _Converted) -> list[Values]:
    """The attempts that the execution's row and its checkpoints show, one at most per phase."""
    own = converted.execution["phase"]
    if own not in PHASES:
        return []
    reached = PHASES[: PHASES.index(str(own)) + 1]
    found = (_attempt(phase, converted, is_own=phase == own) for phase in reached)
    return [attempt for attempt in found if attempt]


def _attempt(phase: str, converted: _Converted, *, is_own: bool) -> Values | None:
    execution = converted.execution
    points = (point for point in converted.checkpoints if point["phase"] == phase)
    signs = [str(point["created_at"]) for point in points if point["created_at"] is not None]
    began_the_run = phase == PHASES[0] and converted.start_is_known
    if not (signs or (began_the_run and is_own)):
        return None
    # Whoever went on to a later phase had completed this one.
    status = _END_OF_OWN_PHASE.get(str(execution["status"])) if is_own else "completed"
    if status is None:
        return None
    started = str(execution["started_at"]) if began_the_run else min(signs)
    finished = _finished(execution, signs, started, is_own=is_own)
    whole = began_the_run and is_own and status != "in_progress" and converted.end_is_known
    return {
        "execution_id": execution["id"],
        "phase": phase,
        "place": PHASES.index(phase) + 1,
        "status": status,
        "started_at": started,
        "finished_at": finished,
        "duration_seconds": _seconds(started, str(finished)) if whole else None,
        "error_message": execution["error_message"] if status == "failed" else None,
    }


def _finished(execution: Values, signs: Sequence[str], started: str, *, is_own: bool) -> str | None:
    if is_own:
        ended = execution["completed_at"]
        return None if ended is None else max(str(ended), started)
    return max([started, *signs])


def _seconds(started: str, finished: str) -> float:
    return (parse_time(finished) - parse_time(started)).total_seconds()
