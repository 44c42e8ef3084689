"""Runs that are written twice, as the workflow does: into the database, and as log and JSON state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adw_state.clock import SettableClock
from adw_state.reports.report import Report, report_from_database, report_from_files
from adw_state.reports.run_files import RunFolders
from adw_state.reports.section import last_hours
from adw_state.state import ADWState, Attempt, BeadsStateManager, IssueSnapshot
from adw_state.workflow.progress import RunLog


@dataclass
class Twins:
    """A project with a database and a folder of files that tell the same story."""

    project: Path
    state: BeadsStateManager
    clock: SettableClock

    def begin(
        self,
        issue_id: str = "demo-1",
        *,
        issue: IssueSnapshot | None = None,
        environment: str = "local",
        adw_id: str | None = None,
        workflow: str = "adw_sdlc",
        phases: Sequence[str] | None = None,
    ) -> TwinRun:
        """A run that has just been created and has done nothing yet."""
        run = self.state.create_execution(
            issue_id,
            adw_id=adw_id,
            workflow=workflow,
            phases=phases,
            environment=environment,
            issue=issue or IssueSnapshot("Login fails", "bug", 0),
        )
        twin = TwinRun(run.id, issue_id, self, RunLog(run, self.project, self.clock))
        twin.log.write("INFO", f"ADW Logger initialized - ID: {run.id}")
        twin.log.write("INFO", f"Starting ADW workflow for issue #{issue_id}")
        twin.log.write_execution()
        return twin

    def reports(
        self, hours: float = 24, *, environment: str | None = None, stale_hours: float = 24
    ) -> tuple[Report, Report]:
        """The report from the database and the one from the files."""
        window = last_hours(hours, clock=self.clock, environment=environment)
        folders = RunFolders(self.project / ".adw" / "logs", self.project / ".adw" / "agents")
        return (
            report_from_database(self.state.path, window, stale_hours=stale_hours, clock=self.clock),
            report_from_files(folders, window, stale_hours=stale_hours),
        )

    def report(self, hours: float = 24) -> Report:
        """The report from the database."""
        return self.reports(hours)[0]


@dataclass
class TwinRun:
    """One run in both records."""

    id: str
    issue_id: str
    twins: Twins
    log: RunLog
    attempt: Attempt | None = None

    def start(self, phase: str) -> TwinRun:
        """Begin an attempt at a phase."""
        self.attempt = self.twins.state.start_attempt(self.id, phase)
        self.log.write("INFO", f"Running adw_phases/adw_{phase}.py")
        return self

    def work(self, seconds: float) -> TwinRun:
        """Let time pass."""
        self.twins.clock.advance(seconds=seconds)
        return self

    def save(self, name: str) -> TwinRun:
        """Save a checkpoint of the phase at hand."""
        assert self.attempt is not None
        self.twins.state.save_checkpoint(self.id, self.attempt.phase, name, {})
        ADWState(self.id, self.twins.project, clock=self.twins.clock).append_checkpoint(
            self.attempt.phase, name, {}
        )
        ADWState(self.id, self.twins.project, clock=self.twins.clock).update({"issue_number": self.issue_id})
        return self

    def complete_phase(self) -> TwinRun:
        """End the attempt well."""
        phase = self._end("completed")
        self.log.write("INFO", f"{phase.capitalize()} phase completed successfully")
        return self

    def interrupt_phase(self) -> TwinRun:
        """End the attempt as Ctrl-C does."""
        phase = self._end("interrupted", "Ctrl-C")
        self.log.write("WARNING", f"{phase.capitalize()} phase interrupted: Ctrl-C")
        return self

    def fail(self, message: str, *, exit_code: int = 1) -> TwinRun:
        """End the attempt and the run with an error."""
        phase = self._end("failed", message)
        run = self.twins.state.update_execution_status(self.id, "failed", phase=phase, error_message=message)
        self.log.write_error(run.error_message or "")
        self.log.write("ERROR", f"adw_phases/adw_{phase}.py failed with exit code {exit_code}")
        self.log.write("ERROR", f"ADW workflow failed for issue #{self.issue_id}")
        return self

    def send_back(self, message: str) -> TwinRun:
        """End the attempt as failed; the run goes on with an earlier phase."""
        phase = self._end("failed", message)
        self.log.write_error(message)
        self.log.write("ERROR", f"adw_phases/adw_{phase}.py failed with exit code 1")
        return self

    def complete(self) -> TwinRun:
        """End the run well."""
        self.twins.state.update_execution_status(self.id, "completed")
        self.log.write("INFO", f"ADW workflow completed for issue #{self.issue_id}")
        return self

    def resume(self) -> TwinRun:
        """Go on with the run in a new process."""
        self.twins.state.take_over(self.id, "somebody", force=True)
        self.attempt = None
        self.log.write("INFO", f"ADW Logger initialized - ID: {self.id}")
        self.log.write("INFO", f"Resuming ADW workflow for issue #{self.issue_id}")
        return self

    def go_through(self, *phases: str, seconds: float = 60) -> TwinRun:
        """Take the run through these phases without trouble."""
        for phase in phases:
            self.start(phase).work(seconds).complete_phase()
        return self

    def _end(self, status: str, message: str | None = None) -> str:
        assert self.attempt is not None
        self.twins.state.finish_attempt(self.attempt, status, error_message=message)
        return self.attempt.phase
