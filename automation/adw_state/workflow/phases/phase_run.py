"""What the three phases have in common: a clean worktree to start from, and an agent that works in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from adw_state.agents.calls import CallEnd, CallFolder, adopt, call_agent, call_folder
from adw_state.agents.choice import Agent
from adw_state.agents.process import Limits
from adw_state.agents.result import AgentResult
from adw_state.errors import AgentError, PhaseFailedError, RepositoryError
from adw_state.interruption import StopRequest
from adw_state.state import Attempt
from adw_state.text_files import path_text
from adw_state.trackers.issues import Issue
from adw_state.workflow.git.commits import rehearse_commit
from adw_state.workflow.git.environment import agent_environment
from adw_state.workflow.git.leftovers import set_aside_leftovers
from adw_state.workflow.git.safe_names import safe_name
from adw_state.workflow.git.shared_settings import breaking_settings, how_they_changed
from adw_state.workflow.git.tree_state import note_checkout, stand_on_branch
from adw_state.workflow.git.worktrees import Worktree, ensure_worktree, head_of
from adw_state.workflow.phases.phase_advice import phase_command
from adw_state.workflow.phases.prompts import build_prompt, issue_as_text
from adw_state.workflow.phases.steps import StepResult, Steps
from adw_state.workflow.record.run_record import RunRecord
from adw_state.workflow.reporter import Reporter


@dataclass(slots=True)
class PhaseRun:
    """One attempt at a phase, with all it needs. `answer` and `exit_code` are the agent's, once known."""

    record: RunRecord
    attempt: Attempt
    issue: Issue
    tree: Worktree
    start_commit: str
    agent: Agent
    run_folder: Path
    environ: Mapping[str, str]
    limits: Limits
    steps: Steps
    reporter: Reporter
    stop: StopRequest
    answer: AgentResult | None = field(default=None)
    exit_code: int | None = field(default=None)

    @property
    def phase(self) -> str:
        """The phase's name."""
        return self.attempt.phase

    @property
    def plan_file(self) -> str:
        """The plan's path in the worktree."""
        return f"specs/{safe_name(self.issue.id)}-plan.md"

    def prepare(self) -> str:
        """The step `worktree_ready`: a worktree without leftovers. Returns the commit to work from."""
        ensure_worktree(self.tree, self.start_commit)

        def work() -> StepResult:
            base = head_of(self.tree)
            self._clean(base)
            rehearse_commit(self.tree)
            return {
                "base_commit": base,
                "branch_name": self.tree.branch,
                "worktree_path": path_text(self.tree.path),
            }

        return str(self.steps.step("worktree_ready", work)["base_commit"])

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
            if end.result.error is not None:
                self._take_back(base)
                raise AgentError(
                    end.result.error, hint=f"see {self.folder.path} for all it said, then resume"
                )
            self.reporter.tell("agent_finished")
            understood = {} if understand is None else understand(end.answer)
            return {**end.result.to_json(), **understood}

        saved = self.steps.step(step, work)
        self.answer, self.exit_code = AgentResult.from_json(saved), 0
        return saved

    @property
    def folder(self) -> CallFolder:
        """The folder of this attempt's agent call."""
        return call_folder(self.run_folder, self.phase, self.attempt.attempt)

    def feedback(self) -> str:
        """What went wrong before, as a section of the prompt; empty where nothing did."""
        wanted = ("build", "review") if self.phase == "build" else (self.phase,)
        failures = [old for old in self.record.attempts if old.status == "failed" and old.phase in wanted]
        if not failures:
            return ""
        last = failures[-1]
        reason = "\n> ".join((last.error_message or "it left no message").strip().splitlines())
        return f"\nAn earlier attempt at {last.phase} failed, for this reason:\n\n> {reason}\n"

    def base_of_run(self) -> str:
        """The commit that the execution's branch began at."""
        for attempt in sorted(old.attempt for old in self.record.attempts if old.phase == "plan"):
            saved = self.record.saved_step("plan", [attempt], "worktree_ready")
            if isinstance(saved, dict):
                return str(saved["base_commit"])
        raise PhaseFailedError(
            f"execution {self.record.id} has not been planned",
            hint=f"plan it first: {phase_command('plan', self.issue.id, self.record.id)}",
        )

    def _adopted(self) -> CallEnd | None:
        """The proven result of the newest call of the interrupted attempts before this one."""
        for number in self.steps.going_on_from[1:]:
            folder = call_folder(self.run_folder, self.phase, number)
            if folder.process.exists():
                end = adopt(self.agent, folder, self.environ)
                if end is not None:
                    self.reporter.say(f"the answer of the agent of attempt {number} was found and is used")
                return end
        return None

    def _called(self, base: str, values: Mapping[str, str]) -> CallEnd:
        self._clean(base)
        header = {
            "execution_id": self.record.id,
            "issue_id": self.issue.id,
            "title": self.issue.title,
            "plan_file": self.plan_file,
            "worktree": self.tree.name,
        }
        common = {"issue": issue_as_text(self.issue), "plan_file": self.plan_file, "branch": self.tree.branch}
        prompt = build_prompt(self.phase, header, {**common, "feedback": self.feedback(), **values})
        self.reporter.tell("agent_started", self.agent.name)
        settings = breaking_settings(self.tree)
        try:
            return call_agent(
                self.agent,
                self.phase,
                prompt,
                self.folder,
                cwd=self.tree.path,
                environ=agent_environment(self.environ, self.tree.path),
                limits=self.limits,
                stop=self.stop,
            )
        except AgentError:
            self._take_back(base)
            raise
        finally:
            self._warn_of_changed_settings(settings)

    def _warn_of_changed_settings(self, before: str) -> None:
        # After an interruption no git command runs any more.
        if self.stop.asked:
            return
        changes = ""
        # A repository that is gone altogether is met by the next step.
        with suppress(RepositoryError):
            changes = how_they_changed(before, breaking_settings(self.tree))
        if changes:
            self.reporter.warn(
                f"while the agent worked, {self.tree.common_dir / 'config'} changed: it is now {changes}; "
                "if that was not you, put it back"
            )

    def _take_back(self, base: str) -> None:
        """Undo the commits of an agent that failed; its changes stay in the files, to be looked at."""
        self.record.check_owner()
        # What an agent did to the worktree itself is mended by the next attempt; why it failed is told now.
        with suppress(RepositoryError):
            stand_on_branch(self.tree, base)

    def _clean(self, base: str) -> None:
        kept = set_aside_leftovers(self.tree, base, self.folder.path)
        if kept.places:
            self.reporter.say(f"changes that belonged to no step were kept in {kept.places}")
        note_checkout(self.tree)
