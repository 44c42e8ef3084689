"""A run of an issue through the phases of a workflow, from its claim to its end.

    run_issue          begins an execution and takes it as far as asked
    resume_execution   goes on with one that was killed, interrupted, or has failed
    run_phase          does one phase, for `adw phase`

All three return a `RunOutcome` when the run has completed, failed or paused. What prevents a run raises
before anything is written: an unknown agent, an unusable repository, an issue that another run holds.
Ctrl-C and SIGTERM stop the agent, close the attempt as interrupted and raise `RunInterruptedError`; the
execution stays in progress and can be resumed, as it can after a kill -9.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

from adw_state.agents.calls import stop_leftovers
from adw_state.agents.prices import read_prices
from adw_state.configuration.definitions import BUILT_IN, PhaseDefinition, WorkflowDefinition
from adw_state.configuration.workflows import find_workflow
from adw_state.errors import (
    AdwError,
    ConfigurationError,
    ExecutionNotFoundError,
    InvalidInputError,
    RunInterruptedError,
    command_on,
)
from adw_state.git.repository import Repository, check_repository, hide_run_folders
from adw_state.git.worktrees import branch_of
from adw_state.heartbeats import Heartbeats
from adw_state.interruption import StopRequest, stopping_on_signals
from adw_state.record.json_runs import hold_run
from adw_state.record.records import Records, Seen
from adw_state.run_root import check_run_root
from adw_state.state import Execution
from adw_state.store.owner import this_owner
from adw_state.store.records import UNFINISHED
from adw_state.text_files import path_text
from adw_state.trackers.tracker import Issue
from adw_state.workflow.agents import agents_of, new_request
from adw_state.workflow.next_phase import goes_back, next_phase, wants_phase
from adw_state.workflow.phases.attempts import attempt_phase
from adw_state.workflow.phases.phase_run import RunPaused
from adw_state.workflow.progress import Event
from adw_state.workflow.requests import (
    Request,
    new_worktree_path,
    read_request,
    refuse_other_place,
    workflow_of,
)
from adw_state.workflow.settings import RunOutcome, RunSettings, Work


def run_issue(settings: RunSettings, issue: Issue, *, adw_id: str | None = None) -> RunOutcome:
    """Begin an execution of `issue`, under the id `adw_id` if given, and run its phases."""
    workflow = _workflow(settings)
    with _records(settings) as records:
        return _begin(settings, records, issue, workflow, adw_id)


def resume_execution(settings: RunSettings, execution_id: str) -> RunOutcome:
    """Go on with an execution after a crash, an interruption or a failure, from its last saved step."""
    with _records(settings) as records:
        return _go_on(settings, records, records.look_at(execution_id))


def run_phase(
    settings: RunSettings, phase: str, issue_id: str, adw_id: str | None, read: Callable[[], Issue]
) -> RunOutcome:
    """Do one phase of the issue's execution: `adw_id`, or the newest unfinished one.

    The first phase of a workflow begins an execution where there is none, of the issue that `read` returns. A
    phase that completed is not done again, unless the execution has failed since; one that fails sends
    nothing back. Raises `ExecutionNotFoundError` when there is nothing to go on from, `InvalidInputError`
    when a phase before has not completed.
    """
    settings = replace(settings, last_phase=phase)
    workflow, fault = _workflow_or_fault(settings)
    begins = fault is None and phase == workflow.names[0]
    with _records(settings) as records:
        found = records.execution_of(issue_id, adw_id, or_new=begins)
        if found is not None:
            return _one_phase(settings, records, records.look_at(found.id), phase)
        if begins:
            return _begin(replace(settings, only_phase=phase), records, read(), workflow, adw_id)
    if fault is not None:
        raise fault
    _check_last_phase(settings, workflow)
    named = f"execution {adw_id!r}" if adw_id else f"unfinished execution of issue {issue_id!r}"
    raise ExecutionNotFoundError(
        f"there is no {named} to {phase}",
        hint=f"begin one: `{command_on(f'adw run --until {workflow.names[0]}', issue_id)}`",
    )


def _one_phase(settings: RunSettings, records: Records, seen: Seen, phase: str) -> RunOutcome:
    execution, workflow = seen.execution, workflow_of(seen.request, seen.execution)
    if wants_phase(workflow, execution, seen.attempts, phase):
        return _go_on(replace(settings, only_phase=phase), records, seen)
    if execution.status in UNFINISHED and next_phase(workflow, execution.phase, seen.attempts) is not None:
        _say(settings, f"{phase} has completed already; nothing was done", execution.id)
        return RunOutcome(execution)
    return _go_on(settings, records, seen)


def _begin(
    settings: RunSettings,
    records: Records,
    issue: Issue,
    workflow: WorkflowDefinition,
    adw_id: str | None,
) -> RunOutcome:
    project = settings.location.project
    _check_last_phase(settings, workflow)
    with stopping_on_signals(StopRequest()) as stop:
        repository = check_repository(
            settings.here or project, base=settings.base, allow_dirty=settings.allow_dirty, stop=stop
        )
        request = new_request(settings, issue, workflow)
        agents, prices = agents_of(settings, request), read_prices(project, settings.config.prices)
        hide_run_folders(repository, project)
        check_run_root(project)
        execution = _new_execution(settings, request, repository, adw_id or records.new_id())
        stop.check()  # nothing has been written so far
        record = records.begin(execution, request.to_json(settings.environ, project))
        folder = records.folder(record.id)
        with hold_run(folder, force=settings.force):
            work = Work(settings, repository, record, request, agents, prices, folder, stop)
            return _do(work, "Starting")


def _new_execution(
    settings: RunSettings, request: Request, repository: Repository, execution_id: str
) -> Execution:
    issue, workflow, now = request.issue, request.workflow, settings.clock.now()
    worktree_path = new_worktree_path(settings.location.project, issue.id, execution_id)
    return Execution(
        id=execution_id,
        issue_id=issue.id,
        workflow=workflow.name,
        environment=settings.config.environment,
        phases=workflow.names,
        phase=workflow.names[0],
        status="pending",
        started_at=now,
        updated_at=now,
        heartbeat_at=now,
        owner=_owner(os.getpid()),
        fence=1,
        claimed=not settings.force,
        issue_title=issue.title,
        issue_type=issue.issue_type,
        issue_priority=issue.priority,
        base_commit=repository.start,
        worktree_name=worktree_path.name,
        worktree_path=path_text(worktree_path),
        branch_name=branch_of(worktree_path.name),
    )


def _go_on(settings: RunSettings, records: Records, seen: Seen) -> RunOutcome:
    project, execution_id = settings.location.project, seen.execution.id
    refuse_other_place(seen.execution, seen.request, project)
    with stopping_on_signals(StopRequest()) as stop:
        repository = check_repository(project, allow_dirty=True, stop=stop)
        hide_run_folders(repository, project)
        request = read_request(seen.request, seen.execution)
        _check_last_phase(settings, request.workflow)
        agents, prices = agents_of(settings, request), read_prices(project, settings.config.prices)
        folder = records.folder(execution_id)
        with hold_run(folder, force=settings.force):
            stop.check()
            record = records.take_over(execution_id, _owner(os.getpid()), force=settings.force)
            for group in stop_leftovers(folder, settings.agent_limits.grace_seconds):
                _say(settings, f"stopped an agent that the run had left behind (group {group})", record.id)
            work = Work(settings, repository, record, request, agents, prices, folder, stop)
            return _do(work, "Resuming")


def _do(work: Work, verb: str) -> RunOutcome:
    """Do the phases that are left, as far as the settings say."""
    record, worktree_path = work.record, path_text(work.tree.path)
    if worktree_path != record.execution.worktree_path:
        record.change("in_progress", worktree_path=worktree_path)
    _open_log(work, verb)
    heartbeats = Heartbeats(work.settings.config.heartbeat_seconds)
    heartbeats.begin(record.id, record.beat, work.stop.ask)
    try:
        error = _do_phases(work)
    except RunPaused:
        return RunOutcome(record.execution)
    except RunInterruptedError as interruption:
        interruption.hint = interruption.hint or f"resume it with `{command_on('adw resume', record.id)}`"
        raise
    finally:
        heartbeats.close()
    work.reporter.tell("run_finished", record.execution.status)
    return RunOutcome(record.execution, error)


def _do_phases(work: Work) -> AdwError | None:
    """Do what is to be done; the error that the run failed with, None where it completed or ends early."""
    for phase in _to_do(work):
        end = attempt_phase(work, phase)
        if end.error is not None and not _goes_back(work, phase):
            work.record.change("failed", phase=phase.name, error_message=str(end.error))
            work.reporter.note("ERROR", f"ADW workflow failed for issue #{work.issue.id}")
            return end.error
    if _next(work) is None:
        work.record.change("completed")
        work.reporter.note("INFO", f"ADW workflow completed for issue #{work.issue.id}")
    return None


def _to_do(work: Work) -> Iterator[PhaseDefinition]:
    """The phases to do; which one is next is decided when the one before has ended."""
    workflow, last, only = work.workflow, work.settings.last_phase, work.settings.only_phase
    if only is not None:
        yield workflow.phase(only)
        return
    end = len(workflow.names) if last is None else workflow.names.index(last) + 1
    while (following := _next(work)) is not None and following in workflow.phases[:end]:
        yield following


def _next(work: Work) -> PhaseDefinition | None:
    return next_phase(work.workflow, work.record.execution.phase, work.record.attempts)


def _goes_back(work: Work, phase: PhaseDefinition) -> bool:
    alone = work.settings.only_phase is not None
    back = not alone and goes_back(work.workflow, phase.name, work.record.attempts)
    if back:
        work.reporter.say(f"{phase.name} sends the run back to {phase.sends_back_to}")
    return back


def _open_log(work: Work, verb: str) -> None:
    issue, reporter = work.issue, work.reporter
    reporter.note("INFO", f"ADW Logger initialized - ID: {work.record.id}")
    reporter.note("INFO", f"{verb} ADW workflow for issue #{issue.id}")
    reporter.log.write_execution()
    reporter.tell("run_started", f"{issue.id}: {issue.title}")


def _workflow(settings: RunSettings) -> WorkflowDefinition:
    return find_workflow(settings.location.project, settings.workflow or settings.config.workflow)


def _workflow_or_fault(settings: RunSettings) -> tuple[WorkflowDefinition, ConfigurationError | None]:
    """The workflow for a new run, which a run that has one does not need: its fault comes as a value."""
    try:
        return _workflow(settings), None
    except ConfigurationError as fault:
        return BUILT_IN, fault


def _check_last_phase(settings: RunSettings, workflow: WorkflowDefinition) -> None:
    last, names = settings.last_phase, workflow.names
    if last is not None and last not in names:
        raise InvalidInputError(
            f"the workflow {workflow.name} has no phase {last!r}", hint=f"its phases are {', '.join(names)}"
        )


def _records(settings: RunSettings) -> closing[Records]:
    return closing(Records(settings.location, settings.config, settings.clock, settings.warn))


def _say(settings: RunSettings, text: str, execution_id: str) -> None:
    settings.progress(Event("message", text, execution_id=execution_id))


@functools.cache
def _owner(pid: int) -> str:  # noqa: ARG001 - a forked child is another owner
    """This process as an owner: the same one for all its runs, so that it may go on with its own."""
    return this_owner()
