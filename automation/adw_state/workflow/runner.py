"""A run of an issue through plan, build and review, from its claim to its end.

    run_issue          begins an execution and takes it as far as asked
    resume_execution   goes on with one that was killed, interrupted, or has failed
    run_phase          does one phase, for `adw phase`

All three return an `Outcome` when the run has completed, failed or paused. What prevents a run raises
before anything is written: an unknown agent, an unusable repository, an issue that another run holds.
Ctrl-C and SIGTERM stop the agent, close the attempt as interrupted and raise `RunInterruptedError`; the
execution stays in progress and can be resumed, as it can after a kill -9.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from adw_state.agents.calls import stop_leftovers
from adw_state.agents.choice import Agent, resolve_agent, seen_from_project
from adw_state.built_in import PHASES
from adw_state.command_lines import command_on
from adw_state.errors import AdwError, ExecutionNotFoundError, RunInterruptedError
from adw_state.interruption import StopRequest, stopping_on_signals
from adw_state.redaction import secret_values
from adw_state.run_root import check_run_root
from adw_state.store.owner import this_owner
from adw_state.text_files import path_text
from adw_state.trackers.issues import Issue
from adw_state.workflow.git.repository import Repository, check_repository, hide_run_folders
from adw_state.workflow.git.worktrees import Worktree
from adw_state.workflow.heartbeat import beating
from adw_state.workflow.phases.attempts import Work, attempt_phase
from adw_state.workflow.phases.phase_order import phase_wanted, phases_left
from adw_state.workflow.phases.steps import RunPaused
from adw_state.workflow.place import new_worktree_path, refuse_other_place, with_place, worktree_path_of
from adw_state.workflow.progress import Event
from adw_state.workflow.record.records import Records, Seen
from adw_state.workflow.record.run_lock import hold_run
from adw_state.workflow.record.run_log import RunLog, log_path
from adw_state.workflow.record.run_record import RunRecord
from adw_state.workflow.reporter import Reporter
from adw_state.workflow.requests import Request, read_request
from adw_state.workflow.settings import Outcome, RunSettings
from adw_state.workflow.start import Start

__all__ = ["Outcome", "RunSettings", "resume_execution", "run_issue", "run_phase"]


def run_issue(settings: RunSettings, issue: Issue, *, adw_id: str | None = None) -> Outcome:
    """Begin an execution of `issue`, under the id `adw_id` if given, and run its phases."""
    with _records(settings) as records:
        return _begin(settings, records, issue, adw_id)


def resume_execution(settings: RunSettings, execution_id: str) -> Outcome:
    """Go on with an execution after a crash, an interruption or a failure, from its last saved step."""
    with _records(settings) as records:
        seen = records.look_at(execution_id)
        return _go_on(settings, records, seen, phases_left(seen.execution, seen.attempts))


def run_phase(
    settings: RunSettings, phase: str, issue_id: str, adw_id: str | None, read: Callable[[], Issue]
) -> Outcome:
    """Do one phase of the issue's execution: `adw_id`, or the newest unfinished one.

    The plan phase begins an execution where there is none, of the issue that `read` returns. A phase
    that completed is not done again, unless the execution has failed since. Raises
    `ExecutionNotFoundError` when there is nothing to go on from, `InvalidInputError` when the phase
    before has not completed.
    """
    settings = replace(settings, last_phase=phase)
    with _records(settings) as records:
        found = records.execution_of(issue_id, adw_id, or_new=phase == PHASES[0])
        if found is not None:
            seen = records.look_at(found.id)
            wanted = phase_wanted(seen.execution, seen.attempts, phase)
            if not wanted and seen.execution.status == "in_progress" and phase != PHASES[-1]:
                _say(settings, f"{phase} has completed already; nothing was done", found.id)
                return Outcome(seen.execution)
            return _go_on(settings, records, seen, wanted)
        if phase == PHASES[0]:
            return _begin(settings, records, read(), adw_id)
    named = f"execution {adw_id!r}" if adw_id else f"unfinished execution of issue {issue_id!r}"
    raise ExecutionNotFoundError(
        f"there is no {named} to {phase}",
        hint=f"plan it first: `{command_on('adw run --until plan', issue_id)}`",
    )


def _begin(settings: RunSettings, records: Records, issue: Issue, adw_id: str | None) -> Outcome:
    project = settings.location.project
    with stopping_on_signals(StopRequest()) as stop:
        repository = check_repository(
            settings.here or project, base=settings.base, allow_dirty=settings.allow_dirty, stop=stop
        )
    given = _given_agent(settings)
    request = Request(issue, settings.config.agent if given is None else given, configured=given is None)
    agent = _agent(settings, request)
    hide_run_folders(repository, project)
    check_run_root(project)
    execution_id = adw_id or records.new_id()
    start = Start(
        execution_id=execution_id,
        issue=issue,
        owner=_owner(os.getpid()),
        request=with_place(request.to_json(settings.environ), project, repository.start),
        claim=not settings.force,
        worktree_path=new_worktree_path(project, issue.id, execution_id),
    )
    record = records.begin(start)
    folder = records.folder(record.id)
    with hold_run(folder, force=settings.force):
        return _Run(settings, repository, record, issue, agent, folder).go(PHASES, "Starting")


def _go_on(settings: RunSettings, records: Records, seen: Seen, phases: tuple[str, ...]) -> Outcome:
    project = settings.location.project
    refuse_other_place(seen.execution, seen.request, project)
    with stopping_on_signals(StopRequest()) as stop:
        repository = check_repository(project, allow_dirty=True, stop=stop)
    hide_run_folders(repository, project)
    request = read_request(seen.request, seen.execution.id)
    agent = _agent(settings, request)
    folder = records.folder(seen.execution.id)
    with hold_run(folder, force=settings.force):
        record = records.take_over(seen.execution.id, _owner(os.getpid()), force=settings.force)
        run = _Run(settings, repository, record, request.issue, agent, folder)
        stopped = stop_leftovers(folder, settings.agent_limits.grace_seconds)
        for group in stopped:
            _say(settings, f"stopped an agent that the run had left behind (group {group})", record.id)
        return run.go(phases, "Resuming")


@dataclass(frozen=True, slots=True)
class _Run:
    """An execution that this process owns."""

    settings: RunSettings
    repository: Repository
    record: RunRecord
    issue: Issue
    agent: Agent
    folder: Path

    def go(self, phases: tuple[str, ...], verb: str) -> Outcome:
        """Do these phases in order, as far as the settings say."""
        reporter, seconds = self._reporter(), self.settings.config.heartbeat_seconds
        self._open_log(reporter, verb)
        with stopping_on_signals(StopRequest()) as stop, beating(self.record.beat, seconds, stop):
            try:
                return self._phases(phases, self._work(reporter, stop))
            except RunPaused:
                return Outcome(self.record.execution)
            except RunInterruptedError as error:
                error.hint = error.hint or f"go on with it by `{command_on('adw resume', self.record.id)}`"
                raise

    def _phases(self, phases: tuple[str, ...], work: Work) -> Outcome:
        reporter, last = work.reporter, self.settings.last_phase
        for phase in phases:
            error = attempt_phase(work, phase)
            if error is not None:
                reporter.note("ERROR", f"ADW workflow failed for issue #{self.issue.id}")
                return self._end(reporter, error)
            if phase == last:
                break
        if last == PHASES[-1]:
            self.record.change("completed")
            reporter.note("INFO", f"ADW workflow completed for issue #{self.issue.id}")
        return self._end(reporter, None)

    def _end(self, reporter: Reporter, error: AdwError | None) -> Outcome:
        reporter.tell("run_finished", self.record.execution.status)
        return Outcome(self.record.execution, error)

    def _work(self, reporter: Reporter, stop: StopRequest) -> Work:
        settings = self.settings
        path = worktree_path_of(self.record.execution, settings.location.project)
        if path_text(path) != self.record.execution.worktree_path:
            self.record.change("in_progress", worktree_path=path_text(path))
        return Work(
            record=self.record,
            issue=self.issue,
            tree=Worktree(self.repository.common_dir, path, stop, settings.config.git_timeout_seconds),
            start_commit=self.record.newest_commit() or self.repository.start,
            agent=self.agent,
            run_folder=self.folder,
            environ=self.settings.environ,
            limits=self.settings.agent_limits,
            reporter=reporter,
            stop=stop,
            pause_after=self.settings.pause_after,
        )

    def _reporter(self) -> Reporter:
        execution = self.record.execution
        path = log_path(
            self.settings.location.project,
            environment=execution.environment,
            execution_id=execution.id,
            workflow=execution.workflow,
        )
        log = RunLog(path, self.settings.clock, secret_values(self.settings.environ))
        about = Event("run_started", execution_id=execution.id)
        return Reporter(log, self.settings.progress, about)

    def _open_log(self, reporter: Reporter, verb: str) -> None:
        issue, kept = self.issue, self.record.execution
        reporter.note("INFO", f"ADW Logger initialized - ID: {self.record.id}")
        reporter.note("INFO", f"{verb} ADW workflow for issue #{issue.id}")
        reporter.log.write_workflow(kept.workflow, kept.phases)
        reporter.log.write_issue(issue.id, kept.issue_title, kept.issue_type, kept.issue_priority)
        reporter.tell("run_started", f"{issue.id}: {issue.title}")


def _agent(settings: RunSettings, request: Request) -> Agent:
    given = _given_agent(settings)
    text = request.agent_or(settings.config.agent) if given is None else given
    return resolve_agent(text, directory=settings.location.project, environ=settings.environ)


def _given_agent(settings: RunSettings) -> str | None:
    """The agent that was given for this call, as the project sees it."""
    if settings.agent is None:
        return None
    return seen_from_project(settings.agent, directory=Path.cwd(), project=settings.location.project)


@contextmanager
def _records(settings: RunSettings) -> Iterator[Records]:
    def warn(text: str) -> None:
        settings.progress(Event("warning", text))

    records = Records(settings.location, settings.config, settings.clock, warn)
    try:
        yield records
    finally:
        records.close()


def _say(settings: RunSettings, text: str, execution_id: str) -> None:
    settings.progress(Event("message", text, execution_id=execution_id))


@functools.cache
def _owner(pid: int) -> str:  # noqa: ARG001 - a forked child is another owner
    """This process as an owner: the same one for all its runs, so that it may go on with its own."""
    return this_owner()
