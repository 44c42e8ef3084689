"""Whatever is done in whatever order: what must always hold of the rows does."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from adw_state.built_in import PHASES
from adw_state.clock import SettableClock
from adw_state.errors import (
    AdwError,
    DuplicateExecutionError,
    ExecutionHeldError,
    ExecutionNotFoundError,
    IllegalTransitionError,
    IssueClaimedError,
    OwnershipLostError,
)
from adw_state.state import Attempt, BeadsStateManager
from adw_state.store.records import EXECUTION_STATUSES
from adws.tests.conftest import ISSUES, NOW

_REFUSALS = (
    DuplicateExecutionError,
    ExecutionHeldError,
    ExecutionNotFoundError,
    IllegalTransitionError,
    IssueClaimedError,
    OwnershipLostError,
)
_NOBODY = "adw-never-made"

_issues = st.sampled_from([issue.id for issue in ISSUES[:2]])
_phases = st.sampled_from(PHASES)
_fences = st.none() | st.integers(0, 4)
_owners = st.sampled_from(["a:1:b.n.1:aa", "b:1:b.n.1:bb"])


class Interleavings(RuleBasedStateMachine):
    """Operations of several runs on two issues, and a tracker that deletes an issue now and then."""

    template: Path
    runs = Bundle("runs")
    attempts = Bundle("attempts")

    @initialize()
    def open_databases(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="adw-test-"))
        self.path = self.folder / "beads.db"
        shutil.copyfile(self.template, self.path)
        self.clock = SettableClock(NOW)
        self.state = BeadsStateManager(self.path, clock=self.clock)
        self.probe = sqlite3.connect(self.path, isolation_level=None)
        self.made: set[str] = set()
        self.saved: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "state"):
            self.state.close()
            self.probe.close()
            shutil.rmtree(self.folder)

    @rule(
        target=runs,
        issue=_issues,
        claim=st.booleans(),
        owner=st.none() | _owners,
        status=st.sampled_from(["pending", "in_progress"]),
    )
    def create(self, issue: str, claim: bool, owner: str | None, status: str) -> str:
        try:
            run = self.state.create_execution(issue, claim=claim, owner=owner, status=status)
        except IssueClaimedError:
            return _NOBODY
        self.made.add(run.id)
        return run.id

    @rule(run=runs, status=st.sampled_from(EXECUTION_STATUSES), phase=st.none() | _phases, fence=_fences)
    def change_status(self, run: str, status: str, phase: str | None, fence: int | None) -> None:
        before = self.state.get_execution(run)
        try:
            why = {"waiting_for": "event"} if status == "waiting" else {}
            after = self.state.update_execution_status(run, status, phase=phase, fence=fence, **why)  # type: ignore[arg-type]
        except _REFUSALS:
            assert self.state.get_execution(run) == before
        else:
            assert after.status == status
            assert self.state.get_execution(run) == after

    @rule(target=attempts, run=runs, phase=_phases, fence=_fences)
    def start_attempt(self, run: str, phase: str, fence: int | None) -> Attempt | None:
        before = self.state.list_attempts(run)
        try:
            return self.state.start_attempt(run, phase, fence=fence)
        except _REFUSALS:
            assert self.state.list_attempts(run) == before
            return None

    @rule(attempt=attempts, end=st.sampled_from(["completed", "failed", "interrupted"]), fence=_fences)
    def finish_attempt(self, attempt: Attempt | None, end: str, fence: int | None) -> None:
        if attempt is None:
            return
        try:
            assert self.state.finish_attempt(attempt, end, fence=fence).status == end
        except _REFUSALS:
            return

    @rule(run=runs, phase=_phases, fence=_fences, op_id=st.none() | st.sampled_from(["op-1", "op-2"]))
    def save_checkpoint(self, run: str, phase: str, fence: int | None, op_id: str | None) -> None:
        try:
            saved = self.state.save_checkpoint(run, phase, "step", [run], op_id=op_id, fence=fence)
        except AdwError:
            return
        self.saved.add(saved.op_id)
        newest = self.state.load_checkpoint(run)
        assert newest is not None
        assert newest.seq >= saved.seq

    @rule(run=runs, owner=_owners, force=st.booleans())
    def take_over(self, run: str, owner: str, force: bool) -> None:
        before = self.state.get_execution(run)
        try:
            after = self.state.take_over(run, owner, force=force)
        except _REFUSALS:
            assert self.state.get_execution(run) == before
        else:
            assert before is not None
            assert (after.owner, after.fence, after.status) == (owner, before.fence + 1, "in_progress")

    @rule(run=runs, fence=st.integers(0, 4))
    def beat(self, run: str, fence: int) -> None:
        try:
            self.state.beat(run, fence)
        except _REFUSALS:
            return

    @rule(seconds=st.sampled_from([1.0, 61.0, -5.0, 86_400.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)

    @rule(days=st.sampled_from([0.0, 1.0]))
    def archive(self, days: float) -> None:
        self.state.archive_old_executions(days)

    @rule(issue=_issues)
    def tracker_replaces_an_issue(self, issue: str) -> None:
        self.probe.execute("PRAGMA foreign_keys = ON")
        self.probe.execute("INSERT OR REPLACE INTO issues (id, title) VALUES (?, 'anew')", (issue,))
        self.state.close()  # so that the next use opens the database, which brings the runs back

    @rule()
    def reopen(self) -> None:
        self.state.close()

    def _none(self, query: str) -> None:
        assert self.probe.execute(query).fetchall() == []

    @invariant()
    def status_and_end_agree(self) -> None:
        self._none(
            "SELECT id FROM adw_executions WHERE"
            " (status IN ('completed', 'failed', 'cancelled')) <> (completed_at IS NOT NULL)"
        )

    @invariant()
    def what_waits_says_for_what_and_has_no_owner(self) -> None:
        self._none(
            "SELECT id FROM adw_executions WHERE (status = 'waiting') <> (waiting_for IS NOT NULL)"
            " OR (status = 'waiting' AND owner IS NOT NULL)"
        )

    @invariant()
    def one_attempt_is_open_at_most_and_only_in_a_run_at_work_in_its_phase(self) -> None:
        self._none(
            "SELECT execution_id FROM adw_phase_attempts WHERE status = 'in_progress'"
            " GROUP BY execution_id HAVING count(*) > 1"
        )
        self._none(
            "SELECT e.id FROM adw_executions AS e JOIN adw_phase_attempts AS a ON a.execution_id = e.id"
            " WHERE a.status = 'in_progress' AND e.status <> 'in_progress'"
        )

    @invariant()
    def attempts_are_numbered_without_gaps(self) -> None:
        self._none(
            "SELECT execution_id FROM adw_phase_attempts GROUP BY execution_id, phase"
            " HAVING max(attempt) <> count(*) OR min(attempt) <> 1"
        )

    @invariant()
    def checkpoints_are_numbered_without_gaps(self) -> None:
        self._none(
            "SELECT execution_id FROM adw_checkpoints GROUP BY execution_id"
            " HAVING max(seq) <> count(*) OR min(seq) <> 1"
        )

    @invariant()
    def an_issue_is_held_by_one_unfinished_run(self) -> None:
        self._none(
            "SELECT issue_id FROM adw_executions WHERE claimed = 1 GROUP BY issue_id HAVING count(*) > 1"
        )
        self._none("SELECT id FROM adw_executions WHERE claimed = 1 AND completed_at IS NOT NULL")

    @invariant()
    def nothing_is_lost_and_nothing_is_there_twice(self) -> None:
        runs = self.probe.execute(
            "SELECT id FROM adw_executions UNION ALL SELECT id FROM adw_executions_archive"
        )
        assert sorted(row[0] for row in runs) == sorted(self.made)
        steps = self.probe.execute(
            "SELECT op_id FROM adw_checkpoints UNION ALL SELECT op_id FROM adw_checkpoints_archive"
        ).fetchall()
        assert {row[0] for row in steps} == self.saved
        assert self.probe.execute("SELECT count(*) FROM adw_archive_requests").fetchone() == (0,)

    @invariant()
    def references_hold(self) -> None:
        self._none("PRAGMA foreign_key_check")


def test_any_interleaving_of_operations_keeps_the_invariants(beads_template: Path) -> None:
    Interleavings.template = beads_template
    run_state_machine_as_test(
        Interleavings, settings=settings(max_examples=30, stateful_step_count=30, deadline=None)
    )
