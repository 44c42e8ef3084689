"""What a new execution begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adws.adw_modules.beads.issues import Issue
from adws.adw_modules.state import Execution
from adws.adw_modules.store.json_values import JSON
from adws.adw_modules.workflow.git.worktrees import Worktree, worktree_for

WORKFLOW = "adw_sdlc"


@dataclass(frozen=True, slots=True)
class Start:
    """The beginning of an execution; its first step holds `request`."""

    execution_id: str
    issue: Issue
    owner: str
    request: JSON
    claim: bool

    def worktree(self, project: Path) -> Worktree:
        """Where the execution will work."""
        return worktree_for(project, self.issue.id, self.execution_id)

    def as_execution(self, project: Path, environment: str, moment: datetime) -> Execution:
        """The execution as the database would make it, for where there is none."""
        tree = self.worktree(project)
        return Execution(
            id=self.execution_id,
            issue_id=self.issue.id,
            issue_title=self.issue.title,
            issue_type=self.issue.issue_type,
            issue_priority=self.issue.priority,
            workflow=WORKFLOW,
            environment=environment,
            phase="plan",
            status="pending",
            started_at=moment,
            updated_at=moment,
            completed_at=None,
            heartbeat_at=moment,
            owner=self.owner,
            fence=1,
            claimed=self.claim,
            error_message=None,
            worktree_name=tree.name,
            worktree_path=str(tree.path),
            branch_name=tree.branch,
            plan_file=None,
            pr_created=False,
            pr_url=None,
            extra_data=None,
        )
