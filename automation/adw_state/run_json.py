"""A run in its JSON state, and back: the one place that knows how a run is written there.

Execution and attempts stand under the keys that such states have had all along: `issue_number`,
`issue_class`, `phase_results`. A state needs four keys (`adw_id`, `issue_number`, `status`, `started_at`);
what else is lacking has its default, and what is unknown is passed over, so that states of older and of later
versions are read alike. `schema` numbers the form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeGuard

from adw_state.built_in import PHASES
from adw_state.clock import format_time, parse_time
from adw_state.errors import InvalidInputError, StateFileError
from adw_state.json_state import ADWState, Fields
from adw_state.store.ids import step_op_id
from adw_state.store.json_values import JSON, encode
from adw_state.store.records import EXECUTION_STATUSES, UNFINISHED, Attempt, Execution
from adw_state.store.runs import ATTEMPT_COLUMNS, EXECUTION_COLUMNS, RunRows, StoredRow, complete

SCHEMA = 1

# Where such a state calls a column otherwise.
_EXECUTION_KEYS = {
    "id": "adw_id",
    "issue_id": "issue_number",
    "issue_type": "issue_class",
    "phase": "current_phase",
}
_ATTEMPT_KEYS = {"finished_at": "completed_at"}
_REQUIRED = ("adw_id", "issue_number", "status", "started_at")
# One of these keys alone shows that a state is ours: other programs have neither.
_OURS = ("schema", "fence")


def execution_fields(execution: Execution) -> Fields:
    """What a state says of an execution."""
    return {"schema": SCHEMA, **_fields(asdict(execution), _EXECUTION_KEYS)}


def attempt_fields(attempt: Attempt) -> Fields:
    """What a state says of an attempt."""
    fields = _fields(asdict(attempt), _ATTEMPT_KEYS)
    del fields["execution_id"]
    return {**fields, "success": {"completed": True, "failed": False}.get(attempt.status)}


def step_fields(attempt: int, data: JSON) -> Fields:
    """What an entry of a state's checkpoints says of a step, beside its name and time."""
    return {"attempt": attempt, "data": data}


def read_run(state: ADWState) -> RunRows | None:
    """The run in a state; None where another program wrote it. Raises `StateFileError`."""
    data = state.data
    missing = [key for key in _REQUIRED if data.get(key) is None]
    if any(key in data for key in _OURS):
        if missing:
            raise StateFileError(
                f"{state.path} tells too little of the run: it lacks {', '.join(missing)}",
                hint="add what is missing, or move the file away",
            )
    elif missing or not _has_our_shape(data):
        return None
    execution, phases = _execution(data), phases_in(data)
    execution_id = str(data["adw_id"])
    attempts = list(_attempts(execution_id, data.get("phase_results"), phases))
    checkpoints = list(_checkpoints(execution_id, state, phases))
    return RunRows(StoredRow(execution), attempts, checkpoints, derived=True)


def phases_in(data: Fields) -> tuple[str, ...]:
    """The phases of the run; those of the built-in workflow where its state does not list any."""
    named = data.get("phases")
    return tuple(str(name) for name in named) if isinstance(named, list) and named else PHASES


def _fields(values: Mapping[str, JSON], keys: Mapping[str, str]) -> Fields:
    return {keys.get(name, name): _written(value) for name, value in values.items()}


def _written(value: object) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    return list(value) if isinstance(value, tuple) else value


def _has_our_shape(data: Fields) -> bool:
    """Whether a state without a mark is ours: other programs write times in other forms."""
    try:
        in_our_form = format_time(parse_time(str(data["started_at"]))) == data["started_at"]
    except InvalidInputError:
        return False
    return in_our_form and data["status"] in EXECUTION_STATUSES


def _execution(data: Fields) -> dict[str, object]:
    values = _row(data, EXECUTION_COLUMNS, _EXECUTION_KEYS)
    ended = values["status"] not in UNFINISHED
    if ended:
        values["claimed"] = 0  # states of runs that lost their database may say otherwise
    if values["updated_at"] is None:
        values["updated_at"] = values["completed_at"] or values["started_at"]
    if values["completed_at"] is None and ended:
        values["completed_at"] = values["updated_at"]
    if values["phase"] is None:
        values["phase"] = _newest_phase(data.get("phase_results")) or phases_in(data)[0]
    values["phases"] = encode(phases_in(data), "phases")
    return values


def _newest_phase(results: JSON) -> str | None:
    named = [phase for result in _objects(results) if isinstance(phase := result.get("phase"), str)]
    return named[-1] if named else None


def _attempts(execution_id: str, results: JSON, phases: Sequence[str]) -> Iterator[StoredRow]:
    for result in _objects(results):
        if result.get("phase") in phases and _is_number(result.get("attempt")):
            values = _row(result, ATTEMPT_COLUMNS, _ATTEMPT_KEYS)
            values["place"] = 1 + phases.index(str(values["phase"]))
            yield StoredRow({**values, "execution_id": execution_id})


def _checkpoints(execution_id: str, state: ADWState, phases: Sequence[str]) -> Iterator[StoredRow]:
    """The steps in the order in which they were saved; entries that are not ours are passed over."""
    entries = [
        (str(entry.get("timestamp")), place, phase, entry, metadata)
        for place, phase in enumerate(phases)
        for entry in _objects(state.checkpoints(phase))
        if isinstance(metadata := entry.get("metadata"), dict)
    ]
    seq = 0
    for timestamp, _, phase, entry, metadata in sorted(entries, key=lambda found: found[:2]):
        attempt, step = metadata.get("attempt"), entry.get("step")
        if _is_number(attempt) and isinstance(step, str):
            seq += 1
            yield StoredRow(
                {
                    "op_id": step_op_id(execution_id, phase, attempt, step),
                    "execution_id": execution_id,
                    "seq": seq,
                    "phase": phase,
                    "attempt": attempt,
                    "checkpoint_name": step,
                    "checkpoint_data": encode(metadata.get("data"), f"checkpoint {step!r}"),
                    "created_at": timestamp,
                }
            )


def _row(data: Fields, columns: Sequence[str], keys: Mapping[str, str]) -> dict[str, object]:
    """These columns of an object of a state, as they are stored."""
    found = {
        column: _storable(column, data[key])
        for column in columns
        if data.get(key := keys.get(column, column)) is not None
    }
    return complete(found, columns)


def _storable(column: str, value: JSON) -> object:
    if column == "extra_data":
        return encode(value, column)
    if isinstance(value, bool):
        return int(value)
    return encode(value, column) if isinstance(value, dict | list) else value


def _objects(value: JSON) -> list[Fields]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _is_number(value: JSON) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
