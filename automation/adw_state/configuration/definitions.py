"""What a workflow is: an ordered list of phases, each of which does one kind of work.

    plan      an agent writes one file, which is committed
    change    an agent changes files, and they are committed
    verdict   an agent judges what was done; a rejection may send the run back
    command   a shell command; its exit code decides, and a failure may send the run back

A run keeps the definition that it began with, whatever the configuration says later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from adw_state import built_in

KINDS = ("plan", "change", "verdict", "command")
# An agent of these kinds can do something about a failure that it is told of.
WORKING_KINDS = ("plan", "change")
# These judge what was done, so they may send the run back.
JUDGING_KINDS = ("verdict", "command")


@dataclass(frozen=True, slots=True)
class PhaseDefinition:
    """One phase of a workflow.

    `prompt` is the template of what its agent is told; None stands for the built-in one of that name.
    `run` is the shell command of a command. A failure goes back to `sends_back_to`, `at_most` so many
    times before it fails the run. `agent` and `model` say who does it, where that is not the run's agent.
    """

    name: str
    kind: str
    prompt: str | None = None
    run: str | None = None
    sends_back_to: str | None = None
    at_most: int | None = None
    agent: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class WorkflowDefinition:
    """A workflow: its name, and its phases in order."""

    name: str
    phases: tuple[PhaseDefinition, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the phases, in order."""
        return tuple(phase.name for phase in self.phases)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the definition: two that differ in anything have different ones."""
        import hashlib  # only a run asks for it

        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def phase(self, name: str) -> PhaseDefinition:
        """The phase of this name, which there must be."""
        return self.phases[self.names.index(name)]

    def phases_before(self, name: str) -> tuple[PhaseDefinition, ...]:
        """The phases before the one of this name, in order."""
        return self.phases[: self.names.index(name)]

    def to_json(self) -> dict[str, Any]:
        """The definition as a JSON object, without what is None."""
        phases = [
            {name: value for name, value in asdict(phase).items() if value is not None}
            for phase in self.phases
        ]
        return {"name": self.name, "phases": phases}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> WorkflowDefinition:
        """The definition that `to_json` was called on; fields that a later version added are passed over.

        Raises `KeyError`, `TypeError` or `ValueError` for anything else.
        """
        known = PhaseDefinition.__slots__
        phases = tuple(
            PhaseDefinition(**{name: phase[name] for name in known if name in phase})
            for phase in value["phases"]
        )
        if not phases or any(phase.kind not in KINDS for phase in phases):
            raise ValueError("it holds a phase of an unknown kind, or none")
        return cls(value["name"], phases)


BUILT_IN = WorkflowDefinition(
    built_in.WORKFLOW,
    tuple(map(PhaseDefinition, built_in.PHASES, ("plan", "change", "verdict"))),
)
