"""The calls of an agent in one attempt at a phase: in which session, and what each of them has used.

An attempt resumes the session of the one before it, once; an agent that does not know that session any
more begins a new one. What was used is noted of every attempt, also of those that failed or whose process
was killed.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import uuid4

from adw_state.agents.agent import Agent
from adw_state.agents.calls import CallEnd, CallFolder, Session, adopt, call_agent, call_folder, said_so_far
from adw_state.agents.last_event import LastEvent, note_last_event
from adw_state.agents.reading import Reading
from adw_state.agents.result import AgentResult
from adw_state.errors import SessionUnknownError
from adw_state.processes.running import Conditions
from adw_state.redaction import redact
from adw_state.state import Attempt
from adw_state.text_files import path_text
from adw_state.workflow.progress import Reporter
from adw_state.workflow.settings import Work


@dataclass(frozen=True, slots=True)
class AgentCalls:
    """The calls of the agent of one attempt at a phase of this kind."""

    work: Work
    attempt: Attempt
    kind: str
    reporter: Reporter
    conditions: Conditions

    def adopted(self, folder: CallFolder) -> CallEnd | None:
        """The answer of the agent of an attempt before, if it had done its work; it counts for this one."""
        end = adopt(self._agent, folder, self.work.settings.environ)
        if end is not None:
            self.reporter.say(f"the answer that the agent left in {folder.path.name} is used")
        return None if end is None else self._accounted(end)

    def make(self, prompt: str, resumed_prompt: str) -> CallEnd:
        """Let the agent work on a prompt, or on the other one where it resumes a session."""
        known = session_to_resume(self.work, self.attempt)
        if known is not None:
            self.reporter.say(f"the agent resumes its session {known}")
            try:
                return self._call(resumed_prompt, Session(resume=known))
            except SessionUnknownError as unknown:
                self.reporter.warn(f"{unknown}; it begins a new one")
                self._folder(self.attempt).put_aside("unknown-session")
        begin = str(uuid4()) if self._agent.chooses_session else None
        return self._call(prompt, Session(begin=begin))

    def said_so_far(self) -> AgentResult | None:
        """What the agent of this attempt, which was stopped, had said and used."""
        return self._said_by(self.attempt)

    def note_lost(self, numbers: Collection[int]) -> None:
        """Note what the agents of these attempts had used, whose process was killed before it could."""
        for old in [old for old in self.work.record.attempts if old.phase == self.attempt.phase]:
            if old.attempt in numbers and old.cost_kind is None and old.agent == self._agent.name:
                used = self._said_by(old)
                if used is not None:
                    self.work.record.note_use(old, used)

    def _call(self, prompt: str, session: Session) -> CallEnd:
        folder, known = self._folder(self.attempt), set[str]()

        def heard(reading: Reading) -> None:
            found = reading.session_id
            if found is not None and found not in known:
                known.add(found)
                self.work.record.note_session(self.attempt, redact(found, self.work.secrets), reading.model)
            # It is there to be looked at: no run fails for want of it.
            with suppress(OSError):
                now = self.work.settings.clock.now()
                note_last_event(folder.path, LastEvent(now, reading.kind, reading.events, reading.skipped))

        end = call_agent(self._agent, self.kind, prompt, folder, self.conditions, session, heard)
        return self._accounted(end)

    @property
    def _agent(self) -> Agent:
        return self.work.agents[self.attempt.phase]

    def _folder(self, attempt: Attempt) -> CallFolder:
        return call_folder(self.work.run_folder, attempt.phase, attempt.attempt)

    def _said_by(self, attempt: Attempt) -> AgentResult | None:
        said = said_so_far(self._agent, self._folder(attempt), self.work.settings.environ)
        return None if said is None else self._used_by(attempt, said)

    def _accounted(self, end: CallEnd) -> CallEnd:
        return replace(end, result=self._used_by(self.attempt, end.result))

    def _used_by(self, attempt: Attempt, result: AgentResult) -> AgentResult:
        """A result with the tokens of its call alone, and with a cost where that can be estimated.

        What a session has counted up to then is the sum of what its attempts have noted.
        """
        session = result.session_id
        earlier = [
            old
            for old in self.work.record.attempts
            if session is not None and old.session_id == session and not _is_same(old, attempt)
        ]
        return self.work.prices.estimate(result.since(earlier))


def session_to_resume(work: Work, present: Attempt) -> str | None:
    """The session of the newest attempt before `present` at its phase, if the agent can resume it.

    It must be the same agent's, in the same worktree. A session that was resumed before gets no second
    chance, unless what came of that was complete: the run was sent back since.
    """
    agent = work.agents[present.phase]
    known = [
        old
        for old in work.record.attempts
        if old.phase == present.phase
        and old.attempt < present.attempt
        and old.agent == agent.name
        and old.session_id is not None
    ]
    if not known or not agent.resumes:
        return None
    newest = max(known, key=lambda old: old.attempt)
    was_resumed = sum(old.session_id == newest.session_id for old in known) > 1
    if (was_resumed and newest.status != "completed") or not _was_in_this_worktree(work, newest):
        return None
    return newest.session_id


def _was_in_this_worktree(work: Work, attempt: Attempt) -> bool:
    numbers = range(attempt.attempt, 0, -1)
    saved = work.record.saved_step(attempt.phase, numbers, "worktree_ready")
    return isinstance(saved, dict) and saved.get("worktree_path") == path_text(work.tree.path)


def _is_same(one: Attempt, other: Attempt) -> bool:
    return (one.phase, one.attempt) == (other.phase, other.attempt)
