"""Whether somebody still works on an unfinished execution, as far as this host can tell.

alive     its process runs, or has given a sign of life within its lease
silent    its lease is over, and its process is on another host or cannot be seen from here
dead      its process has ended, in the middle of an attempt
stopped   its process has ended between two attempts: it was told to stop, or interrupted
waiting   it has no process, because it waits for a person, a limit or an event
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from adw_state import built_in
from adw_state.clock import seconds_before
from adw_state.store.owner import owner_is_dead
from adw_state.store.records import Execution

State: TypeAlias = Literal["alive", "silent", "dead", "stopped", "waiting"]

_WAITS = {"person": "for a person", "limit": "for a limit to pass", "event": "for an event"}


class Life(NamedTuple):
    """How it stands with an execution's owner, and when that last gave a sign of life."""

    state: State
    last_sign_at: datetime | None
    waits: str | None = None
    """For what it waits, and until when, in words."""

    @property
    def is_over(self) -> bool:
        """Whether `adw resume` may go on with the execution at once."""
        return self.state != "alive"

    @property
    def why(self) -> str:
        """What the state was told from, in words; empty for one that is alive."""
        if self.state == "silent":
            since = f"{self.last_sign_at:%Y-%m-%d %H:%M:%S} UTC" if self.last_sign_at else "its beginning"
            return f"no sign of life since {since}"
        told = {"dead": "its process is gone", "stopped": "its process has ended", "waiting": self.waits}
        return told.get(self.state) or ""


def life_of(
    execution: Execution,
    *,
    has_open_attempt: bool,
    now: datetime,
    lease_seconds: float = built_in.LEASE_SECONDS,
) -> Life | None:
    """How it stands with an unfinished execution; None where it has no owner to ask for and does not wait."""
    last_sign_at = execution.heartbeat_at
    if execution.status == "waiting":
        return Life("waiting", last_sign_at, _in_words(execution))
    if execution.owner is None:
        return None
    is_dead = owner_is_dead(execution.owner)
    if is_dead:
        return Life("dead" if has_open_attempt else "stopped", last_sign_at)
    is_silent = last_sign_at is None or last_sign_at < seconds_before(now, lease_seconds)
    return Life("silent" if is_dead is None and is_silent else "alive", last_sign_at)


def _in_words(execution: Execution) -> str:
    until = execution.waiting_until
    moment = f" until {until:%Y-%m-%d %H:%M:%S} UTC" if until else ""
    return _WAITS.get(execution.waiting_for or "", "for something") + moment
