"""What phases have in common: durable steps, a clean worktree to start from, and an agent that works in it.

A step's result belongs to the attempt that saved it. An attempt that was interrupted is resumed:
the next one returns its saved steps. An attempt that failed is not: the next one begins anew.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeAlias

from adw_state.agents.calls import CallEnd, CallFolder, call_folder
from adw_state.agents.reading import CUT_OFF
from adw_state.agents.result import AgentResult
from adw_state.configuration.definitions import PhaseDefinition
from adw_state.configuration.prompts import build_prompt, issue_as_text
from adw_state.errors import (
    AgentError,
    AgentExitError,
    AgentOutputError,
    RepositoryError,
    RunInterruptedError,
)
from adw_state.git.commits import rehearse_commit
from adw_state.git.leftovers import set_aside_leftovers
from adw_state.git.repository import breaking_settings, how_they_changed
from adw_state.git.tree_state import note_checkout, stand_on_branch
from adw_state.git.worktrees import ensure_worktree, head_of, safe_name
from adw_state.processes.running import Conditions
from adw_state.state import Attempt
from adw_state.store.json_values import JSON
from adw_state.text_files import path_text
from adw_state.workflow.next_phase import feedback_for
from adw_state.workflow.phases.agent_calls import AgentCalls
from adw_state.workflow.progress import Reporter
from adw_state.workflow.settings import Work, conditions_in
from adw_state.workflow.worktree_setup import prepare_worktree

StepResult: TypeAlias = dict[str, JSON]


class RunPaused(RunInterruptedError):  # noqa: N818 - not an error: the run was asked to end here
    """The step after which the run was to pause is saved."""


def phase_command(phase: str, issue_id: str, execution_id: str) -> str:
    """The command that does `phase` of an execution, in backquotes."""
    # An issue's id may begin with a dash.
    return f"`{shlex.join(['adw', 'phase', phase, '--', issue_id, execution_id])}`"


@dataclass(slots=True)
class PhaseRun:
    """One attempt at a phase. `answer` and `exit_code` are those of its agent or command, once known.

    `unfinished` is what an agent had said and used that was interrupted before it had answered.
    """

    work: Work
    definition: PhaseDefinition
    attempt: Attempt
    reporter: Reporter
    answer: AgentResult | None = None
    exit_code: int | None = None
    unfinished: AgentResult | None = None

    def step(self, name: str, work: Callable[[], StepResult]) -> StepResult:
        """The saved result of the step `name`; where there is none, do `work` and save what it returns."""
        self.work.stop.check()
        record = self.work.record
        saved = record.saved_step(self.phase, self._unbroken, name)
        if isinstance(saved, dict):
            self.reporter.note("INFO", f"Step {name} was saved before")
            self.reporter.tell("step_reused", step=name)
            return saved
        record.check_owner()
        result = work()
        record.save_step(self.attempt, name, result)
        self.reporter.note("INFO", f"Step {name} saved")
        self.reporter.tell("step_saved", step=name)
        if name == self.work.settings.pause_after:
            raise RunPaused("paused")
        return result

    @property
    def _unbroken(self) -> list[int]:
        """The attempts whose steps count, newest first: this one and the interrupted ones right before it."""
        earlier = {old.attempt: old.status for old in self.work.record.attempts if old.phase == self.phase}
        number = self.attempt.attempt
        return [number, *takewhile(lambda old: earlier.get(old) == "interrupted", range(number - 1, 0, -1))]

    @property
    def phase(self) -> str:
        """The phase's name."""
        return self.definition.name

    @property
    def folder(self) -> CallFolder:
        """The folder of this attempt's call of an agent or a command."""
        return call_folder(self.work.run_folder, self.phase, self.attempt.attempt)

    @property
    def planner(self) -> str | None:
        """The newest phase up to this one that writes a plan."""
        so_far = (*self.work.workflow.phases_before(self.phase), self.definition)
        return next((phase.name for phase in reversed(so_far) if phase.kind == "plan"), None)

    @property
    def plan_file(self) -> str:
        """The path of that phase's plan in the worktree."""
        return f"specs/{safe_name(self.work.issue.id)}-{self.planner or 'plan'}.md"

    @property
    def conditions(self) -> Conditions:
        """What an agent or a command of this phase runs under."""
        return conditions_in(self.work.settings, self.work.tree)

    def prepare(self) -> str:
        """The step `worktree_ready`: a worktree without leftovers. Returns the commit to work from."""
        is_new = ensure_worktree(self.work.tree, self.work.start_commit)

        def work() -> StepResult:
            base = head_of(self.work.tree)
            self._clean(base)
            rehearse_commit(self.work.tree)
            self._set_up(base)
            return {
                "base_commit": base,
                "branch_name": self.work.tree.branch,
                "worktree_path": path_text(self.work.tree.path),
            }

        base = str(self.step("worktree_ready", work)["base_commit"])
        if is_new:
            self._set_up(base)  # somebody removed the worktree after it was ready
        return base

    def ask_agent(
        self,
        step: str,
        base: str,
        values: Mapping[str, str],
        understand: Callable[[str], StepResult] | None = None,
    ) -> StepResult:
        """The step `step`: the agent's answer, saved, adopted from a call before a crash, or asked for now.

        What is saved of the answer is masked and shortened. So `understand` is given the answer as it was
        said, and what it returns is saved with it. Raises `AgentError` when the agent failed; its commits,
        if it made any, are then taken back.
        """

        def work() -> StepResult:
            end = self._adopted() or self._called(base, values)
            self.exit_code, self.answer = end.exit_code, end.result
            if end.result.denied:
                self.reporter.warn(f"the agent was not allowed to use {', '.join(end.result.denied)}")
            if end.result.error is not None:
                self._take_back(base)
                failure = AgentOutputError if end.result.error_class == CUT_OFF else AgentError
                raise failure(
                    end.result.error,
                    hint=f"see {self.folder.path} for all it said, then resume",
                    kind=end.result.error_class,
                )
            self.reporter.tell("agent_finished")
            understood = {} if understand is None else understand(end.answer)
            return {**end.result.to_json(), **understood}

        saved = self.step(step, work)
        self.answer, self.exit_code = AgentResult.from_json(saved), 0
        return saved

    def previous_call(self) -> CallFolder | None:
        """The newest call of the interrupted attempts before this one."""
        folders = (call_folder(self.work.run_folder, self.phase, number) for number in self._unbroken[1:])
        return next((folder for folder in folders if folder.process.exists()), None)

    def take_back_changes(self, base: str, name: str, who: str) -> None:
        """Put the worktree back to `base`, where `who` was not to change it, and keep what it changed."""
        kept = set_aside_leftovers(self.work.tree, base, self.folder.path, name)
        if kept.places:
            self.reporter.say(f"what the {who} changed in the files was taken back and kept in {kept.places}")

    def _adopted(self) -> CallEnd | None:
        previous = self.previous_call()
        return None if previous is None else self._calls.adopted(previous)

    def _called(self, base: str, values: Mapping[str, str]) -> CallEnd:
        calls = self._calls
        calls.note_lost(self._unbroken[1:])
        self._clean(base)
        self.reporter.tell("agent_started", self.work.agents[self.phase].name)
        settings = breaking_settings(self.work.tree)
        try:
            return calls.make(self._prompt(values, resumed=False), self._prompt(values, resumed=True))
        except AgentError as error:
            if isinstance(error, AgentExitError):
                self.exit_code = error.code
            self.answer = calls.said_so_far()
            self._take_back(base)
            raise
        except RunInterruptedError:
            self.unfinished = calls.said_so_far()
            raise
        finally:
            self._warn_of_changed_settings(settings)

    @property
    def _calls(self) -> AgentCalls:
        return AgentCalls(self.work, self.attempt, self.definition.kind, self.reporter, self.conditions)

    def _prompt(self, values: Mapping[str, str], *, resumed: bool) -> str:
        work = self.work
        header = {
            "execution_id": work.record.id,
            "issue_id": work.issue.id,
            "title": work.issue.title,
            "plan_file": self.plan_file,
            "worktree": work.tree.name,
        }
        common = {
            "issue": issue_as_text(work.issue),
            "plan_file": self.plan_file,
            "branch": work.tree.branch,
            "feedback": feedback_for(work.workflow, self.phase, work.record.attempts),
        }
        return build_prompt(self.definition, header, {**common, **values}, resumed=resumed)

    def _warn_of_changed_settings(self, before: str) -> None:
        # After an interruption no git command runs any more.
        if self.work.stop.asked:
            return
        changes = ""
        # A repository that is gone altogether is met by the next step.
        with suppress(RepositoryError):
            changes = how_they_changed(before, breaking_settings(self.work.tree))
        if changes:
            self.reporter.warn(
                f"while the agent worked, {self.work.tree.common_dir / 'config'} changed: it is now "
                f"{changes}; if that was not you, put it back"
            )

    def _set_up(self, base: str) -> None:
        work, reporter = self.work, self.reporter
        project, settings = work.settings.location.project, work.settings.config.worktree
        if prepare_worktree(work.tree, project, settings, self.conditions, work.run_folder, reporter.say):
            self.take_back_changes(base, "setup-changes", "set-up")

    def _take_back(self, base: str) -> None:
        """Undo the commits of an agent that failed; its changes stay in the files, to be looked at."""
        self.work.record.check_owner()
        # What an agent did to the worktree itself is repaired by the next attempt; why it failed is told now.
        with suppress(RepositoryError):
            stand_on_branch(self.work.tree, base)

    def _clean(self, base: str) -> None:
        kept = set_aside_leftovers(self.work.tree, base, self.folder.path)
        if kept.places:
            self.reporter.say(f"changes that belonged to no step were kept in {kept.places}")
        note_checkout(self.work.tree)
