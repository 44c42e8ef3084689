"""The one clock and the one way to write a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw_state.clock import (
    SettableClock,
    SystemClock,
    default_clock,
    format_time,
    hours_before,
    parse_time,
    seconds_before,
)
from adw_state.errors import ConfigurationError, InvalidInputError

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_moments = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=_zones,
)


def test_a_time_is_27_characters_of_utc_whatever_its_zone() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert format_time(_NOON) == "2026-11-23T12:00:00.000000Z"
    assert format_time(datetime(2026, 11, 23, 21, 0, 0, 5, tzinfo=tokyo)) == "2026-11-23T12:00:00.000005Z"
    assert format_time(datetime(7, 1, 2, tzinfo=UTC)) == "0007-01-02T00:00:00.000000Z"


@given(_moments)
def test_what_is_written_is_read_back_as_the_same_moment(moment: datetime) -> None:
    text = format_time(moment)
    assert len(text) == 27
    assert parse_time(text) == moment


@given(_moments, _moments)
def test_the_order_of_texts_is_the_order_of_times(one: datetime, other: datetime) -> None:
    assert (format_time(one) < format_time(other)) == (one < other)


def test_a_time_without_zone_is_refused_when_written_and_utc_when_read() -> None:
    with pytest.raises(InvalidInputError, match="has no time zone"):
        format_time(datetime(2026, 11, 23))  # noqa: DTZ001
    with pytest.raises(InvalidInputError, match="has no time zone"):
        SettableClock(datetime(2026, 11, 23))  # noqa: DTZ001
    assert parse_time("2026-11-23 12:00:00") == _NOON


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T12:00:00Z", _NOON),
        ("2026-11-23T13:00:00+01:00", _NOON),
        ("2026-11-23T12:00:00.123456789Z", _NOON + timedelta(microseconds=123456)),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
    ],
)
def test_other_shapes_of_iso_8601_are_read(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+05:00"])
def test_what_is_no_time_is_said_to_be_none(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_time(text)
    assert str(caught.value) == f"{text!r} is not a time"
    assert caught.value.hint == "write it as YYYY-MM-DDTHH:MM:SS.ffffffZ"


def test_going_back_further_than_the_calendar_ends_at_its_first_moment() -> None:
    assert hours_before(_NOON, 24) == _NOON - timedelta(days=1)
    assert seconds_before(_NOON, 90) == _NOON - timedelta(seconds=90)
    assert format_time(hours_before(_NOON, 1e9)) == "0001-01-01T00:00:00.000000Z"
    assert format_time(seconds_before(_NOON, 1e300)) == "0001-01-01T00:00:00.000000Z"


def test_the_settable_clock_stands_until_it_is_moved_and_sleeping_moves_it() -> None:
    clock = SettableClock("2026-11-23T12:00:00Z")
    assert clock.now() == clock.now() == _NOON
    clock.sleep(1.5)
    clock.sleep(2)
    assert clock.slept == [1.5, 2]
    clock.advance(days=1, hours=2, seconds=0.5)
    assert format_time(clock.now()) == "2026-11-24T14:00:04.000000Z"


def test_the_system_clock_tells_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(0)


def test_the_process_clock_stands_at_adw_now_where_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(default_clock(), SystemClock)
    monkeypatch.setenv("ADW_NOW", "2026-11-23T12:00:00Z")
    assert default_clock().now() == _NOON
    for variable, wrong in (("ADW_NOW", "noon"), ("ADW_CLOCK_SHIFT_HOURS", "1e9")):
        monkeypatch.delenv("ADW_NOW", raising=False)
        monkeypatch.setenv(variable, wrong)
        with pytest.raises(ConfigurationError, match="the clock cannot be set to"):
            default_clock()


def test_the_process_clock_can_be_some_hours_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADW_CLOCK_SHIFT_HOURS", "-48")
    early = datetime.now(UTC) - timedelta(hours=48)
    assert early <= default_clock().now() <= datetime.now(UTC) - timedelta(hours=48)
