"""What is understood of what real agents print."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adw_state.agents.any_command import AnyReading
from adw_state.agents.kinds import KINDS
from adw_state.agents.reading import Lines, Reading, read_output
from adw_state.agents.result import TOKENS, AgentResult
from adw_state.clock import parse_time
from adw_state.store.records import Attempt
from adws.tests.agents.recordings import (
    DENIED,
    MODELS,
    RECORDED,
    SESSIONS,
    UNDERSTOOD,
    WROTE,
    recording,
    used,
)
from adws.tests.conftest import NOW


def test_every_recording_is_looked_at() -> None:
    found = {path.relative_to(RECORDED).with_suffix("").as_posix() for path in RECORDED.rglob("*.jsonl")}
    assert found == set(UNDERSTOOD)


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_an_output_is_understood_with_exact_tokens(name: str) -> None:
    kind = name.partition("/")[0]
    found = read_output(recording(name), KINDS[kind].reading()).result()
    text, error, error_class, numbers = UNDERSTOOD[name]
    assert (found.text, found.error, found.error_class) == (text, error, error_class)
    assert used(found) == numbers
    assert found.session_id == SESSIONS[kind]
    assert found.denied == DENIED.get(name, ())
    if kind in MODELS:
        assert found.model == MODELS[kind]


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_a_format_is_recognised_by_its_first_line_whoever_printed_it(name: str) -> None:
    kind = name.partition("/")[0]
    reading = read_output(recording(name), AnyReading())
    assert reading.says_when_done
    assert reading.result() == read_output(recording(name), KINDS[kind].reading()).result()


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize("name", ["claude/success", "codex/success", "opencode/success", "pi/success"])
def test_an_output_is_understood_wherever_it_was_divided(name: str, size: int) -> None:
    data = recording(name).read_bytes()
    reading = AnyReading()
    lines = Lines(reading)
    for place in range(0, len(data), size):
        lines.feed(data[place : place + size])
    lines.end()
    assert reading.result() == read_output(recording(name), AnyReading()).result()


@pytest.mark.parametrize("name", [name for name in UNDERSTOOD if name.endswith(("/success", "/resumed"))])
def test_an_output_that_ends_anywhere_before_its_last_event_was_cut_off(name: str) -> None:
    lines = recording(name).read_text().splitlines()
    reading = KINDS[name.partition("/")[0]].reading()
    for line in lines[:-1]:
        assert reading.result().error_class == "cut_off"
        reading.line(line)
    assert reading.result().error_class == "cut_off"
    reading.line(lines[-1])
    assert reading.result().error is None


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("codex/cut_off", ["thread.started", "turn.started", "item.started"]),
        ("gemini/sigterm_exit_0", ["init", "message", "tool_use"]),
        ("claude/cut_off", ["system", "assistant", "assistant"]),
    ],
)
def test_the_session_is_known_from_the_first_line_and_the_kind_of_the_last_event(
    name: str, kinds: list[str]
) -> None:
    reading = AnyReading()
    seen = []
    for line in recording(name).read_text().splitlines():
        reading.line(line)
        seen.append(reading.kind)
        assert reading.session_id == SESSIONS[name.partition("/")[0]]
    assert (seen, reading.events) == (kinds, len(kinds))


@pytest.mark.parametrize(
    ("kind", "first", "then", "difference"),
    [
        ("codex", "codex/success", "codex/resumed", (1220, 900, 0, 210, 50)),
        ("qwen", "qwen/success", "qwen/resumed", (1150, 1000, None, 220, None)),
    ],
)
def test_counts_of_a_session_that_goes_on_are_differences(
    kind: str, first: str, then: str, difference: tuple[int | None, ...]
) -> None:
    before, now = (read_output(recording(name), KINDS[kind].reading()).result() for name in (first, then))
    assert used(now.since([attempt_with(before)]))[:5] == difference
    assert used(now.since([]))[:5] == used(now)[:5]


def test_a_count_that_went_down_was_begun_anew_by_the_agent() -> None:
    now, before = (
        read_output(recording(name), KINDS["codex"].reading()).result()
        for name in ("codex/success", "codex/resumed")
    )
    assert used(now.since([attempt_with(before)]))[:5] == used(now)[:5]


def test_counts_that_are_of_one_call_stay_as_they_are() -> None:
    found = read_output(recording("opencode/success"), KINDS["opencode"].reading()).result()
    assert found.since([attempt_with(found)]) == found


def attempt_with(result: AgentResult) -> Attempt:
    """An attempt that has used what a result says."""
    used_then = {name: getattr(result, name) for name in TOKENS}
    return Attempt("run-1", "build", 2, 1, "completed", parse_time(NOW), session_id="s", **used_then)


@pytest.mark.parametrize("kind", KINDS)
def test_the_raw_object_that_tokens_were_read_from_is_kept(kind: str) -> None:
    found = read_output(recording(f"{kind}/success"), KINDS[kind].reading()).result()
    assert isinstance(found.usage, dict)
    assert found.for_record(()).usage == found.usage


def test_a_raw_object_is_stored_masked_and_only_if_it_is_small() -> None:
    odd: Any = {"tier": "swordfish-7", "a\0": ["\ud800", float("inf"), 1, None, True], "swordfish-7": {}}
    kept = AgentResult("", usage=odd).for_record(["swordfish-7"]).usage
    assert kept == {"tier": "[masked]", "a": ["?", None, 1, None, True], "[masked]": {}}
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    large: Any = ["x" * 20_000]
    for odd in (deep, large):
        assert AgentResult("", usage=odd).for_record(()).usage is None


@pytest.mark.parametrize("kind", KINDS)
def test_odd_values_spoil_no_reading(kind: str) -> None:
    for odd in ("null", "[]", "{}", '{"type": 7}', '{"type": {}}', "{", "7", "\ud83d", '"x"', "\x00"):
        reading: Reading = KINDS[kind].reading()
        for line in recording(f"{kind}/success").read_text().splitlines():
            reading.line(odd)
            reading.line(line)
        assert reading.result().text == WROTE


@pytest.mark.parametrize("value", [None, 7, -1, 1.5, True, "x", [], {}, 10**30])
@pytest.mark.parametrize("kind", KINDS)
def test_a_value_of_another_type_is_not_known_and_nothing_worse(kind: str, value: object) -> None:
    reading = KINDS[kind].reading()
    for line in recording(f"{kind}/success").read_text().splitlines():
        event = json.loads(line)
        for name in [name for name in event if name != "type"]:
            reading.line(json.dumps({**event, name: value}))
            for inner in event[name] if isinstance(event[name], dict) else ():
                reading.line(json.dumps({**event, name: {**event[name], inner: value}}))
    found = reading.result()
    assert all(count is None or 0 <= count < 2**63 for count in used(found)[:5])
