"""One attempt at a phase of any kind: begun, worked at, and ended in the record and in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256

from adw_state.configuration.definitions import PhaseDefinition
from adw_state.configuration.prompts import template_of
from adw_state.errors import (
    AdwError,
    IllegalTransitionError,
    OwnershipLostError,
    PhaseFailedError,
    RunInterruptedError,
    StateFileError,
)
from adw_state.record.store import AttemptEnd
from adw_state.redaction import redact
from adw_state.workflow.phases.change import change, plan
from adw_state.workflow.phases.command import command
from adw_state.workflow.phases.phase_run import PhaseRun
from adw_state.workflow.phases.verdict import verdict
from adw_state.workflow.settings import Work

KINDS: Mapping[str, Callable[[PhaseRun], None]] = {
    "plan": plan,
    "change": change,
    "verdict": verdict,
    "command": command,
}
# These end the process's part in the run; the attempt itself has not failed.
_NOT_OURS_ANY_MORE = (OwnershipLostError, IllegalTransitionError, StateFileError)


def attempt_phase(work: Work, definition: PhaseDefinition) -> AttemptEnd:
    """Make one attempt at a phase; how it ended: completed or failed.

    Raises the reason when the run was interrupted, paused or taken away; it can be resumed then.
    """
    run = _begin(work, definition)
    try:
        KINDS[definition.kind](run)
        work.stop.check()
    except _NOT_OURS_ANY_MORE:
        raise
    except RunInterruptedError as pause:
        # An answer counts for the attempt that goes on with it; what had no answer yet counts here.
        work.record.finish_attempt(run.attempt, AttemptEnd("interrupted", pause, answer=run.unfinished))
        run.reporter.note("WARNING", f"{run.phase.capitalize()} phase interrupted: {pause}")
        raise
    except AdwError as error:
        return _fail(run, error)
    except OSError as error:
        return _fail(run, PhaseFailedError(f"{error.filename or 'a file'}: {error.strerror or error}"))
    end = AttemptEnd("completed", None, run.exit_code, run.answer)
    ended = work.record.finish_attempt(run.attempt, end)
    run.reporter.note("INFO", f"{run.phase.capitalize()} phase completed successfully")
    run.reporter.tell("phase_finished", seconds=ended.duration_seconds)
    return end


def _begin(work: Work, definition: PhaseDefinition) -> PhaseRun:
    work.stop.check()
    known: dict[str, str | None] = {}
    if definition.kind != "command":
        known = {
            "agent": work.agents[definition.name].name,
            "prompt_sha256": sha256(template_of(definition).encode()).hexdigest(),
        }
    attempt = work.record.start_attempt(definition.name, **known, workflow_sha256=work.workflow.sha256)
    reporter = work.reporter.of_attempt(definition.name, attempt.attempt)
    reporter.note("INFO", f"Running adw_phases/adw_{definition.name}.py")
    reporter.tell("phase_started")
    return PhaseRun(work, definition, attempt, reporter)


def _fail(run: PhaseRun, error: AdwError) -> AttemptEnd:
    message = redact(str(error), run.work.secrets)
    error.args, error.hint = (message,), redact(error.hint, run.work.secrets) if error.hint else error.hint
    end = AttemptEnd("failed", error, run.exit_code, run.answer)
    ended = run.work.record.finish_attempt(run.attempt, end)
    run.reporter.log.write_error(ended.error_message or "")
    run.reporter.note("ERROR", f"adw_phases/adw_{run.phase}.py failed with exit code {error.exit_code}")
    run.reporter.tell("phase_failed", message, seconds=ended.duration_seconds)
    return end
