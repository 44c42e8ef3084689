"""A phase of the kind command: a shell command is run in the worktree, and its exit code decides."""

from __future__ import annotations

from adw_state.agents.calls import CommandEnd, adopt_command, call_command, name_of, output_of
from adw_state.errors import CheckFailedError, PhaseFailedError
from adw_state.workflow.phases.phase_run import PhaseRun, StepResult

# What the shell says where there is no such program, or where it may not be run.
_CANNOT_BE_RUN = (126, 127)


def command(run: PhaseRun) -> None:
    """Run the command. Raises `CheckFailedError` with the end of its output where it fails."""
    base = run.prepare()

    def work() -> StepResult:
        end = _adopted(run) or _called(run)
        # What it changed is not part of the work, and the next phase must not find it.
        run.take_back_changes(base, "command-changes", "command")
        return {"exit_code": end.exit_code, "output": end.tail}

    ended = run.step("command_ended", work)
    run.exit_code = int(str(ended["exit_code"]))
    if run.exit_code != 0:
        raise _failure(run, run.exit_code, str(ended["output"]))


def _adopted(run: PhaseRun) -> CommandEnd | None:
    previous = run.previous_call()
    return None if previous is None else adopt_command(previous, run.work.settings.environ)


def _called(run: PhaseRun) -> CommandEnd:
    run.reporter.tell("agent_started", run.definition.run or "")
    end = call_command(run.definition.run or "", run.folder, run.conditions)
    run.reporter.tell("agent_finished")
    return end


def _failure(run: PhaseRun, code: int, output: str) -> PhaseFailedError:
    name = name_of(run.definition.run or "")
    hint = f"all it printed is in {output_of(run.folder)}; then resume"
    if code in _CANNOT_BE_RUN:
        return PhaseFailedError(
            f"the command {name} cannot be run: {output or f'exit code {code}'}", hint=hint
        )
    ended = f"was ended by signal {-code}" if code < 0 else f"exited with code {code}"
    said = f"; the end of its output:\n{output}" if output else " and printed nothing"
    return CheckFailedError(f"the command {name} {ended}{said}", hint=hint)
