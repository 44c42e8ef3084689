"""Whose file a database lies in, as far as the store has to ask."""

from __future__ import annotations

from typing import Protocol

from adw_state.engine.transaction import Transaction
from adw_state.store import sql


class Home(Protocol):
    """What differs between the files that our tables may lie in."""

    @property
    def issue(self) -> str:
        """The SELECT of what an execution copies of the issue `:issue_id`: title, issue_type, priority.

        It has one row, or none where no execution may begin on that issue now.
        """

    def before_open(self) -> None:
        """Called before the file is opened, and whenever its folder has changed; may forbid the use."""

    def before_write(self, tx: Transaction) -> None:
        """Called in every transaction that writes; may forbid it."""

    def require_issue(self, tx: Transaction, issue_id: str) -> None:
        """Raise `IssueNotFoundError` if it is known that there is no such issue."""

    def reconcile(self) -> bool:
        """Bring our rows in step with what others did to the file; whether there was anything to do."""


class OwnFile:
    """The sidecar: nobody else writes to it, and it holds no issues."""

    @property
    def issue(self) -> str:
        """Nothing is known of any issue."""
        return sql.load("executions")["unknown_issue"]

    def before_open(self) -> None:
        """Nothing forbids it."""

    def before_write(self, tx: Transaction) -> None:
        """Nothing forbids it."""

    def require_issue(self, tx: Transaction, issue_id: str) -> None:
        """Know of no issue."""

    def reconcile(self) -> bool:
        """Find nothing to do."""
        return False
