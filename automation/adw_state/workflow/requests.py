"""The first step of every run: which issue it works on, and with which agent.

The issue is kept as it was when the run began, so that a run can go on where the tracker cannot be
asked, and all of its phases work on the same text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from adw_state.errors import InvalidInputError
from adw_state.redaction import recordable, secret_values
from adw_state.store.json_values import JSON
from adw_state.trackers.issues import Issue


@dataclass(frozen=True, slots=True)
class Request:
    """What a run was asked to do.

    `agent` is a command line, its program relative to the project unless it is absolute; None where it
    could not be kept. `configured` says that it came from the settings, which can be asked for it again.
    """

    issue: Issue
    agent: str | None
    configured: bool = False

    def to_json(self, environ: Mapping[str, str]) -> JSON:
        """As it is saved: a command line that holds a credential is not."""
        issue: dict[str, JSON] = asdict(self.issue)
        issue["labels"] = list(self.issue.labels)
        safe = self.agent is not None and recordable(self.agent, secret_values(environ)) == self.agent
        return {"issue": issue, "agent": self.agent if safe else None, "agent_configured": self.configured}

    def agent_or(self, configured: str) -> str:
        """The agent, or the configured one. Raises `InvalidInputError` where it has to be named again."""
        if self.agent is None and not self.configured:
            raise InvalidInputError(
                "the command line of this run's agent was not stored, because it holds a credential",
                hint="name it again by --agent",
            )
        return configured if self.agent is None else self.agent


def read_request(saved: JSON, execution_id: str) -> Request:
    """The request that was saved. Raises `InvalidInputError` for a run that has none of ours."""
    fields: Any = saved
    try:
        issue = {name: fields["issue"][name] for name in Issue.__slots__}
        labels = tuple(issue["labels"])
        return Request(
            Issue(**{**issue, "labels": labels}), fields["agent"], bool(fields.get("agent_configured", True))
        )
    except (KeyError, TypeError) as error:
        raise InvalidInputError(
            f"execution {execution_id} was not begun by this workflow, so it cannot be gone on with",
            hint="start a new run on its issue",
        ) from error
