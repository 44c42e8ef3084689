"""Whatever a tracker does, in whatever order, with openings and runs in between: nothing of ours is lost,
and no execution ever passes to an issue that is not its own.

Every issue of the model has an identity that no tracker command changes; its id, and whether it lives, is
what the commands change. Titles are unique per identity, as between real issues. What leaves no trace that
anybody could follow, the model leaves out: an older issue to which an import gives the id of a deleted one;
and imports that replace or bring back issues whose renames we have not seen, because the events of those
renames are gone with the rows.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from adw_state.clock import SettableClock
from adw_state.schema import migrations
from adw_state.shared_file import differences
from adw_state.state import BeadsStateManager
from adw_state.trackers.bd import create_beads_database
from adws.tests.beside_beads import replays
from adws.tests.beside_beads.history import archived, complaints, everything, live, run_on

_START = "2001-11-23T12:00:00.000000Z"
_LATER = "2099-01-01T00:00:00.000000Z"
_IDS = st.sampled_from([f"demo-{number}" for number in range(1, 6)])
_PICK = st.integers(min_value=0, max_value=99)


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    path = folder / "beads.db"
    create_beads_database(path, "demo", [], SettableClock(_START).now())
    migrations.apply(path, backup_folder=folder / "backups", clock=SettableClock(_START))
    yield path
    shutil.rmtree(folder)


class TrackerBesideUs(RuleBasedStateMachine):
    """One tracker's file with our tables, and what must be true of it."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = Path(shutil.copyfile(self.template, self.folder / "beads.db"))
        self.clock = SettableClock(_START)
        self.state = BeadsStateManager(self.path, clock=self.clock)
        self.holder: dict[str, int] = {}  # the id of each living issue, and its identity
        self.deleted: dict[int, str] = {}  # the last id of each issue that is gone
        self.owner: dict[str, int] = {}  # the identity of the issue of each execution
        self.kept = everything(self.path)
        self.identities = 0
        self.untraced: set[str] = set()  # ids that were vacated without a trace since we looked
        self.renamed = False  # whether there were renames since we looked

    def teardown(self) -> None:
        self.we_open(1)
        self.state.close()
        shutil.rmtree(self.folder)

    def title(self, identity: int) -> str:
        return f"Issue number {identity}"

    @rule(issue=_IDS)
    def somebody_makes_an_issue(self, issue: str) -> None:
        if issue in self.holder:
            return
        self.identities += 1
        self.holder[issue] = self.identities
        replays.create(self.path, issue, self.title(self.identities), born=_LATER)

    @precondition(lambda self: self.holder)
    @rule(pick=_PICK)
    def we_run(self, pick: int) -> None:
        issue = sorted(self.holder)[pick % len(self.holder)]
        self.owner[run_on(self.state, issue).id] = self.holder[issue]
        self.kept = everything(self.path)

    @precondition(lambda self: self.holder)
    @rule(pick=_PICK, new=_IDS)
    def the_tracker_renames(self, pick: int, new: str) -> None:
        old = sorted(self.holder)[pick % len(self.holder)]
        self.renamed = True
        if new in self.holder:
            if new == old:
                return
            self.holder[old], self.holder[new] = self.holder[new], self.holder[old]
            replays.swap(self.path, old, new)
        else:
            self.holder[new] = self.holder.pop(old)
            replays.rename(self.path, old, new)

    @precondition(lambda self: self.holder)
    @rule()
    def the_tracker_renumbers(self) -> None:
        self.renamed = True
        moves = replays.renumber(self.path, "demo")
        self.holder = {moves[issue]: identity for issue, identity in self.holder.items()}

    @precondition(lambda self: self.holder)
    @rule(pick=_PICK, foreign_keys=st.booleans())
    def the_tracker_deletes(self, pick: int, foreign_keys: bool) -> None:
        issue = sorted(self.holder)[pick % len(self.holder)]
        self.deleted[self.holder.pop(issue)] = issue
        replays.delete(self.path, issue, foreign_keys=foreign_keys)
        if not foreign_keys:
            self.untraced.add(issue)

    @precondition(lambda self: self.holder and not self.renamed)
    @rule(pick=_PICK)
    def the_tracker_replaces(self, pick: int) -> None:
        issue = sorted(self.holder)[pick % len(self.holder)]
        replays.replace(self.path, issue, self.title(self.holder[issue]))

    @precondition(lambda self: self.holder)
    @rule(pick=_PICK, new=_IDS)
    def an_import_gives_another_id(self, pick: int, new: str) -> None:
        old = sorted(self.holder)[pick % len(self.holder)]
        if new in self.holder.keys() | self.untraced | set(self.deleted.values()):
            return
        self.holder[new] = self.holder.pop(old)
        replays.import_under_new_id(self.path, old, new)

    @precondition(lambda self: self.deleted and not self.renamed)
    @rule(pick=_PICK)
    def an_import_brings_a_deleted_issue_back(self, pick: int) -> None:
        identity = sorted(self.deleted)[pick % len(self.deleted)]
        others = {issue for other, issue in self.deleted.items() if other != identity}
        if self.deleted[identity] in self.holder.keys() | self.untraced | others:
            return
        issue = self.deleted.pop(identity)
        self.holder[issue] = identity
        replays.create(self.path, issue, self.title(identity), actor="import")

    @rule()
    def the_tracker_rebuilds_its_table(self) -> None:
        replays.rebuild_issues(self.path)

    @rule(hours=st.sampled_from([1, 30]))
    def we_open(self, hours: int) -> None:
        self.clock.advance(hours=hours)
        self.state.close()
        self.state = BeadsStateManager(self.path, clock=self.clock)
        self.untraced, self.renamed = set(), False
        self.check()
        again = BeadsStateManager(self.path, clock=self.clock)
        again.close()
        assert again.reconciled == ()

    def check(self) -> None:
        assert everything(self.path) == self.kept
        assert complaints(self.path) == []
        alive, away = live(self.path), archived(self.path)
        assert set(alive) | set(away) == set(self.owner)
        assert set(alive).isdisjoint(away)
        wrong = {run: issue for run, issue in alive.items() if self.holder.get(issue) != self.owner[run]}
        assert wrong == {}


@pytest.mark.parametrize("small_rows", [differences.SMALL_ROWS, -1], ids=["small", "large"])
def test_nothing_is_lost_and_nothing_goes_astray(
    template: Path, small_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "SMALL_ROWS", small_rows)
    TrackerBesideUs.template = template
    run_state_machine_as_test(
        TrackerBesideUs,
        settings=settings(
            max_examples=40,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
