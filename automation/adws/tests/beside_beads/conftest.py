"""Real bd programs by version; a test that asks for one is skipped where it cannot be had.

SQLite writes the real time into a tracker's events and into our archive. A clock that stands at a date of
these years would be before it on one day and after it on another, so the clock of this tier stands, and
the issues were made, long before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.trackers.bd import create_beads_database
from adws.tests.beside_beads.replays import BORN
from adws.tests.beside_beads.trackers import RealBd, bd_program, needs_bd
from adws.tests.conftest import ISSUES, migrated_copy


@pytest.fixture
def clock() -> SettableClock:
    """A clock that stands at BORN."""
    return SettableClock(BORN)


@pytest.fixture(scope="session")
def tracker_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracker's database with the five ISSUES, made at BORN. Copy it; do not open it."""
    path = tmp_path_factory.mktemp("old-tracker-template") / "beads.db"
    create_beads_database(path, "demo", ISSUES, SettableClock(BORN).now())
    return path


@pytest.fixture(scope="session")
def beads_template(tmp_path_factory: pytest.TempPathFactory, tracker_template: Path) -> Path:
    """That database with our tables in it; without this, the first tier to ask would decide for all."""
    return migrated_copy(tracker_template, tmp_path_factory.mktemp("old-beads-template") / "beads.db")


@pytest.fixture
def real_bd(tmp_path: Path) -> Callable[[str], RealBd]:
    def get(version: str) -> RealBd:
        needs_bd(version)
        program = bd_program(version)
        assert program is not None
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        return RealBd(program, home)

    return get
