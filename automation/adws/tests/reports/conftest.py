"""What the tests of reports share: a project written twice, and the zone that the machine is in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.state import BeadsStateManager
from adws.tests.reports.twins import Twins


@pytest.fixture
def twins(tmp_path: Path, state: BeadsStateManager, clock: SettableClock) -> Twins:
    """An empty project whose runs are written to the database and to files."""
    return Twins(tmp_path / "shop", state, clock)


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Moves this process to another time zone until the test ends."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()
