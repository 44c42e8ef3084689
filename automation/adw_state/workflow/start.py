"""What a new execution begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adw_state.git.worktrees import branch_of
from adw_state.state import Execution
from adw_state.store.json_values import JSON
from adw_state.text_files import path_text
from adw_state.trackers.issues import Issue
from adw_state.workflow_definitions import WorkflowDefinition


@dataclass(frozen=True, slots=True)
class Start:
    """The beginning of an execution that will work in `worktree_path`; its first step holds `request`."""

    execution_id: str
    issue: Issue
    workflow: WorkflowDefinition
    owner: str
    request: JSON
    base_commit: str
    claim: bool
    worktree_path: Path

    @property
    def branch_name(self) -> str:
        """The branch of the execution's worktree."""
        return branch_of(self.worktree_path.name)

    def as_execution(self, environment: str, moment: datetime) -> Execution:
        """The execution as the database would make it, for where there is none."""
        return Execution(
            id=self.execution_id,
            issue_id=self.issue.id,
            workflow=self.workflow.name,
            environment=environment,
            phases=self.workflow.names,
            phase=self.workflow.names[0],
            status="pending",
            started_at=moment,
            updated_at=moment,
            heartbeat_at=moment,
            owner=self.owner,
            fence=1,
            claimed=self.claim,
            issue_title=self.issue.title,
            issue_type=self.issue.issue_type,
            issue_priority=self.issue.priority,
            base_commit=self.base_commit,
            worktree_name=self.worktree_path.name,
            worktree_path=path_text(self.worktree_path),
            branch_name=self.branch_name,
        )
