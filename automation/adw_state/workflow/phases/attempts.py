"""One attempt at a phase of any kind: begun, worked at, and ended in the record and in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256

from adw_state.agent_prompts import template_of
from adw_state.errors import (
    AdwError,
    AgentExitError,
    IllegalTransitionError,
    OwnershipLostError,
    PhaseFailedError,
    RunInterruptedError,
    StateFileError,
)
from adw_state.redaction import redact
from adw_state.workflow.phases.change import change, plan
from adw_state.workflow.phases.command import command
from adw_state.workflow.phases.phase_run import PhaseRun, RunPaused, Steps
from adw_state.workflow.phases.verdict import verdict
from adw_state.workflow.settings import Work
from adw_state.workflow_definitions import PhaseDefinition

KINDS: Mapping[str, Callable[[PhaseRun], None]] = {
    "plan": plan,
    "change": change,
    "verdict": verdict,
    "command": command,
}
# These end the process's part in the run; the attempt itself has not failed.
_NOT_OURS_ANY_MORE = (OwnershipLostError, IllegalTransitionError, StateFileError)


def attempt_phase(work: Work, definition: PhaseDefinition) -> AdwError | None:
    """Make one attempt at a phase. Returns None when it completed, the error when it failed.

    Raises the reason when the run was interrupted, paused or taken away; it can be resumed then.
    """
    run = _begin(work, definition)
    try:
        KINDS[definition.kind](run)
        work.stop.check()
    except _NOT_OURS_ANY_MORE:
        raise
    except (RunInterruptedError, RunPaused) as pause:
        _interrupt(run, "paused" if isinstance(pause, RunPaused) else str(pause))
        raise
    except AdwError as error:
        return _fail(run, error)
    except OSError as error:
        return _fail(run, PhaseFailedError(f"{error.filename or 'a file'}: {error.strerror or error}"))
    ended = work.record.finish_attempt(run.attempt, "completed", exit_code=run.exit_code, result=run.answer)
    run.reporter.note("INFO", f"{run.phase.capitalize()} phase completed successfully")
    run.reporter.tell("phase_finished", seconds=ended.duration_seconds)
    return None


def _begin(work: Work, definition: PhaseDefinition) -> PhaseRun:
    work.stop.check()
    is_command = definition.kind == "command"
    attempt = work.record.start_attempt(
        definition.name,
        agent=None if is_command else work.agent.name,
        prompt_sha256=None if is_command else sha256(template_of(definition).encode()).hexdigest(),
        workflow_sha256=work.workflow.sha256,
    )
    reporter = work.reporter.of_attempt(definition.name, attempt.attempt)
    reporter.note("INFO", f"Running adw_phases/adw_{definition.name}.py")
    reporter.tell("phase_started")
    return PhaseRun(work, definition, attempt, Steps(work, attempt, reporter), reporter)


def _fail(run: PhaseRun, error: AdwError) -> AdwError:
    secrets = run.work.secrets
    message = redact(str(error), secrets)
    error.args, error.hint = (message,), redact(error.hint, secrets) if error.hint else error.hint
    code = error.code if isinstance(error, AgentExitError) else run.exit_code
    ended = run.work.record.finish_attempt(
        run.attempt,
        "failed",
        error_class=error.error_class,
        error_message=message,
        exit_code=code,
        result=run.answer,
    )
    run.reporter.log.write_error(ended.error_message or "")
    run.reporter.note("ERROR", f"adw_phases/adw_{run.phase}.py failed with exit code {error.exit_code}")
    run.reporter.tell("phase_failed", message, seconds=ended.duration_seconds)
    return error


def _interrupt(run: PhaseRun, reason: str) -> None:
    # Without the agent's tokens and cost: they count for the attempt that goes on with its answer.
    run.work.record.finish_attempt(run.attempt, "interrupted", error_message=reason)
    run.reporter.note("WARNING", f"{run.phase.capitalize()} phase interrupted: {reason}")
