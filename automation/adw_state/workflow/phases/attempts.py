"""One attempt at a phase: begun, worked at, and ended in the record and in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from adw_state.agents.choice import Agent
from adw_state.agents.process import Limits
from adw_state.errors import (
    AdwError,
    AgentExitError,
    IllegalTransitionError,
    OwnershipLostError,
    PhaseFailedError,
    RunInterruptedError,
    StateFileError,
)
from adw_state.interruption import StopRequest
from adw_state.redaction import redact, secret_values
from adw_state.state import Attempt
from adw_state.trackers.issues import Issue
from adw_state.workflow.git.worktrees import Worktree
from adw_state.workflow.phases.build import build
from adw_state.workflow.phases.phase_run import PhaseRun
from adw_state.workflow.phases.plan import plan
from adw_state.workflow.phases.review import review
from adw_state.workflow.phases.steps import RunPaused, Steps
from adw_state.workflow.record.run_record import RunRecord
from adw_state.workflow.reporter import Reporter

_PHASES: Mapping[str, Callable[[PhaseRun], None]] = {"plan": plan, "build": build, "review": review}
# These end the process's part in the run; the attempt itself has not failed.
_NOT_OURS_ANY_MORE = (OwnershipLostError, IllegalTransitionError, StateFileError)


@dataclass(frozen=True, slots=True)
class Work:
    """What every attempt of a run works with."""

    record: RunRecord
    issue: Issue
    tree: Worktree
    start_commit: str
    agent: Agent
    run_folder: Path
    environ: Mapping[str, str]
    limits: Limits
    reporter: Reporter
    stop: StopRequest
    pause_after: str | None


def attempt_phase(work: Work, phase: str) -> AdwError | None:
    """Make one attempt at a phase. Returns None when it completed, the error when it failed.

    Raises the reason when the run was interrupted, paused or taken away; it can be resumed then.
    """
    record, stop = work.record, work.stop
    stop.check()
    attempt = record.start_attempt(phase, work.agent.name)
    reporter = work.reporter.of_attempt(phase, attempt.attempt)
    reporter.note("INFO", f"Running adw_phases/adw_{phase}.py")
    reporter.tell("phase_started")
    run = _phase_run(work, attempt, reporter)
    try:
        _PHASES[phase](run)
        stop.check()
    except _NOT_OURS_ANY_MORE:
        raise
    except (RunInterruptedError, RunPaused) as pause:
        _interrupt(run, "paused" if isinstance(pause, RunPaused) else str(pause))
        raise
    except AdwError as error:
        return _fail(run, error)
    except OSError as error:
        return _fail(run, PhaseFailedError(f"{error.filename or 'a file'}: {error.strerror or error}"))
    ended = record.finish_attempt(attempt, "completed", exit_code=run.exit_code, result=run.answer)
    reporter.note("INFO", f"{phase.capitalize()} phase completed successfully")
    reporter.tell("phase_finished", seconds=ended.duration_seconds)
    return None


def _phase_run(work: Work, attempt: Attempt, reporter: Reporter) -> PhaseRun:
    return PhaseRun(
        record=work.record,
        attempt=attempt,
        issue=work.issue,
        tree=work.tree,
        start_commit=work.start_commit,
        agent=work.agent,
        run_folder=work.run_folder,
        environ=work.environ,
        limits=work.limits,
        steps=Steps(work.record, attempt, reporter, work.stop, work.pause_after),
        reporter=reporter,
        stop=work.stop,
    )


def _fail(run: PhaseRun, error: AdwError) -> AdwError:
    secrets = secret_values(run.environ)
    message = redact(str(error), secrets)
    error.args, error.hint = (message,), redact(error.hint, secrets) if error.hint else error.hint
    code = error.code if isinstance(error, AgentExitError) else run.exit_code
    ended = run.record.finish_attempt(
        run.attempt, "failed", error_message=message, exit_code=code, result=run.answer
    )
    run.record.change("failed", phase=run.phase, error_message=message)
    run.reporter.note_error(ended.error_message or "")
    run.reporter.note("ERROR", f"adw_phases/adw_{run.phase}.py failed with exit code {error.exit_code}")
    run.reporter.tell("phase_failed", message, seconds=ended.duration_seconds)
    return error


def _interrupt(run: PhaseRun, reason: str) -> None:
    # Without the agent's tokens and cost: they count for the attempt that goes on with its answer.
    run.record.finish_attempt(run.attempt, "interrupted", error_message=reason)
    run.reporter.note("WARNING", f"{run.phase.capitalize()} phase interrupted: {reason}")
