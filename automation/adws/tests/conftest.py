"""What every tier of tests shares: databases made by the real migrations, a clock that stands, real data.

Each database is a copy of a template that is migrated once per session. Nothing of the developer's own
environment reaches the tests.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from adw_state.clock import SettableClock
from adw_state.schema import migrations
from adw_state.state import BeadsStateManager
from adw_state.trackers.bd import create_beads_database
from adw_state.trackers.tracker import Issue
from adws.tests import tiers

NOW = "2026-11-23T12:00:00.000000Z"
ISSUES = (
    Issue("demo-1", "Login fails on Safari", "bug", 0),
    Issue("demo-2", "Export as CSV", "feature", 1),
    Issue("demo-3", "Tidy the build script", "chore", 3),
    Issue("demo-4", "Rework search", "epic", 2),
    Issue("demo-5", "Write the handbook", "task", 4),
)

# Where real bd programs may lie, as `bd-VERSION`; the matrix and some tests beside beads run them.
REAL_TRACKERS = Path(os.environ.get("ADW_TEST_TRACKERS") or Path.home() / ".cache/adw-state/trackers")

for _name in [*os.environ]:
    if _name.startswith(("ADW_", "BD_", "BEADS_", "GIT_")):
        del os.environ[_name]

# Whoever runs the tests in the background, or under nohup, ignores these signals, and every process that
# the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in tiers.lines(terminalreporter.stats):
        terminalreporter.write_line(line)


@pytest.fixture
def clock() -> SettableClock:
    """A clock that stands at NOW."""
    return SettableClock(NOW)


@pytest.fixture(scope="session")
def sidecar_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sidecar, migrated and empty. Copy it; do not open it."""
    path = tmp_path_factory.mktemp("sidecar-template") / "state.sqlite3"
    migrations.create_store(path, backup_folder=path.parent / "backups", clock=SettableClock(NOW))
    return path


@pytest.fixture(scope="session")
def tracker_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracker's database with the five ISSUES and nothing of ours. Copy it; do not open it."""
    path = tmp_path_factory.mktemp("tracker-template") / "beads.db"
    create_beads_database(path, "demo", ISSUES, SettableClock(NOW).now())
    return path


@pytest.fixture(scope="session")
def beads_template(tmp_path_factory: pytest.TempPathFactory, tracker_template: Path) -> Path:
    """The tracker's database with our tables in it, migrated and empty. Copy it; do not open it."""
    return migrated_copy(tracker_template, tmp_path_factory.mktemp("beads-template") / "beads.db")


def migrated_copy(template: Path, path: Path) -> Path:
    """A copy of a tracker's database with our tables in it."""
    shutil.copyfile(template, path)
    migrations.apply(path, backup_folder=path.parent / "backups", clock=SettableClock(NOW))
    return path


@pytest.fixture
def sidecar_db(tmp_path: Path, sidecar_template: Path) -> Path:
    """A fresh sidecar of this test's own."""
    return _copy(sidecar_template, tmp_path / "adw" / "state.sqlite3")


@pytest.fixture
def tracker_db(tmp_path: Path, tracker_template: Path) -> Path:
    """A fresh tracker's database of this test's own, not migrated by us."""
    return _copy(tracker_template, tmp_path / "unmigrated" / ".beads" / "beads.db")


@pytest.fixture
def beads_db(tmp_path: Path, beads_template: Path) -> Path:
    """A fresh tracker's database with our tables, of this test's own."""
    return _copy(beads_template, tmp_path / ".beads" / "beads.db")


@pytest.fixture
def state(sidecar_db: Path, clock: SettableClock) -> Iterator[BeadsStateManager]:
    """A manager of a fresh sidecar, on the standing clock."""
    with BeadsStateManager(sidecar_db, clock=clock) as manager:
        yield manager


@pytest.fixture
def beads_state(beads_db: Path, clock: SettableClock) -> Iterator[BeadsStateManager]:
    """A manager of a fresh tracker's database, on the standing clock."""
    with BeadsStateManager(beads_db, clock=clock) as manager:
        yield manager


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach; the test's own folder is the developer's alone."""
    folder = Path(tempfile.mkdtemp(prefix="adw-test-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o700)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and tools beside the repository; tests that need it skip without it."""
    folder = Path(__file__).resolve().parents[4] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared with real data is not beside this clone")
    return folder


def _copy(template: Path, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, path)
    path.chmod(0o600)
    return path
