"""What a run begins with; its first step is the request: which issue, workflow, agent, and in which project.

The issue and the workflow are kept as they were when the run began. So a run can go on where the tracker
cannot be asked, all of its phases work on the same text, and a change of the configuration changes no run.

A run belongs to one project, one worktree and one branch. It goes on there, and nowhere else: not in
another repository that shares the tracker, in a copy of the project, or in a sibling worktree of a bare
repository, where a second agent would work on a branch of the same name. A project that was moved as a
whole takes its runs along.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adw_state.configuration.definitions import BUILT_IN, WorkflowDefinition
from adw_state.errors import InvalidInputError, RepositoryError, command_on
from adw_state.git.command import Git
from adw_state.git.worktrees import worktree_name
from adw_state.redaction import recordable, secret_values
from adw_state.run_root import trees_folder
from adw_state.state import Execution
from adw_state.store.json_values import JSON
from adw_state.text_files import path_text
from adw_state.trackers.tracker import Issue


@dataclass(frozen=True, slots=True)
class Request:
    """What a run was asked to do.

    `agent` is a command line, its program relative to the project unless it is absolute; None where it
    could not be kept. `configured` says that it came from the settings, which can be asked for it again, and
    whose phases may name others. `model` is what the settings say beside it.
    """

    issue: Issue
    workflow: WorkflowDefinition
    agent: str | None
    configured: bool = False
    model: str | None = None

    def to_json(self, environ: Mapping[str, str], project: Path) -> dict[str, JSON]:
        """As it is saved by a run that begins in `project`; a command line that holds a credential is not.

        Raises `InvalidInputError` where the workflow or the model holds one.
        """
        secrets = secret_values(environ)
        self._refuse_credentials(secrets)
        issue: dict[str, JSON] = asdict(self.issue)
        issue["labels"] = list(self.issue.labels)
        safe = self.agent is not None and recordable(self.agent, secrets) == self.agent
        return {
            "issue": issue,
            "workflow": self.workflow.to_json(),
            "agent": self.agent if safe else None,
            "agent_configured": self.configured,
            "model": self.model,
            "project": path_text(project),
        }

    def _refuse_credentials(self, secrets: tuple[str, ...]) -> None:
        phases = self.workflow.phases
        texts = [
            (f"the {what} of the phase {phase.name}", getattr(phase, what))
            for phase in phases
            for what in ("prompt", "run", "agent", "model")
        ]
        for what, text in (*texts, ("the model of the issue's label", self.model)):
            if text is not None and recordable(text, secrets) != text:
                raise InvalidInputError(
                    f"{what} holds what looks like a credential, so it cannot be stored with the run",
                    hint="put it into the environment, where agents and commands find it",
                )

    def agent_or(self, configured: str) -> str:
        """The agent, or the configured one. Raises `InvalidInputError` where it has to be named again."""
        if self.agent is None and not self.configured:
            raise InvalidInputError(
                "the command line of this run's agent was not stored, because it holds a credential",
                hint="name it again by --agent",
            )
        return configured if self.agent is None else self.agent


def read_request(saved: JSON, execution: Execution) -> Request:
    """The request that was saved. Raises `InvalidInputError` for a run that has none of ours."""
    fields: Any = saved
    try:
        issue = {name: fields["issue"][name] for name in Issue.__slots__}
        labels = tuple(issue["labels"])
        return Request(
            Issue(**{**issue, "labels": labels}),
            workflow_of(fields, execution),
            fields["agent"],
            bool(fields.get("agent_configured", True)),
            fields.get("model"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(
            f"execution {execution.id} was not begun by `adw run`, so it cannot be resumed",
            hint="start a new run on its issue",
        ) from error


def workflow_of(saved: JSON, execution: Execution) -> WorkflowDefinition:
    """The workflow that an execution began with.

    Raises `InvalidInputError` where it was not saved with the execution and is not the built-in one.
    """
    definition = saved.get("workflow") if isinstance(saved, dict) else None
    if isinstance(definition, dict):
        return WorkflowDefinition.from_json(definition)
    if (execution.workflow, execution.phases) == (BUILT_IN.name, BUILT_IN.names):
        return BUILT_IN
    raise InvalidInputError(
        f"execution {execution.id} was saved without the definition of its workflow {execution.workflow!r}, "
        "so it cannot be resumed",
        hint="start a new run on its issue",
    )


def refuse_other_place(
    execution: Execution, request: JSON, project: Path, command: str = "adw resume"
) -> None:
    """Raise `RepositoryError` where the execution is at home in another project than `project`.

    `command` is what was to be done with it.
    """
    home = request.get("project") if isinstance(request, dict) else None
    if not isinstance(home, str) or home == path_text(project) or not _holds(Path(home), execution):
        return
    there = f"cd {shlex.quote(home)} && {command_on(command, execution.id)}"
    raise RepositoryError(
        f"execution {execution.id} works in {home}, not in {project}", hint=f"go on there: `{there}`"
    )


def new_worktree_path(project: Path, issue_id: str, execution_id: str) -> Path:
    """Where a new execution will work."""
    return (trees_folder(project) / worktree_name(issue_id, execution_id)).resolve()


def worktree_path_of(execution: Execution, project: Path) -> Path:
    """Where an execution works: where it did before, unless its project was moved since."""
    recorded = Path(execution.worktree_path) if execution.worktree_path else None
    if recorded is not None and recorded.is_dir():
        return recorded.resolve()
    return new_worktree_path(project, execution.issue_id, execution.id)


def _holds(home: Path, execution: Execution) -> bool:
    """Whether a folder is still the home of an execution, and not only a path where that once was."""
    if not home.is_dir():
        return False
    branch = f"refs/heads/{execution.branch_name}"
    return Git(home).ask("rev-parse", "--verify", "--quiet", branch).code == 0
