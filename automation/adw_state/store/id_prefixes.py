"""The beginning of an execution's id stands for the whole where only one id begins so."""

from __future__ import annotations

from collections.abc import Sequence

from adw_state.errors import InvalidInputError
from adw_state.store import sql
from adw_state.store.transaction import Transaction

MOST_NAMED = 10
_HIGHEST = "\U0010ffff"  # no character of an id: it is not printable


def ids_beginning(tx: Transaction, beginning: str) -> list[str]:
    """The ids of executions that begin so, in order; one more than are named at most."""
    params = {"beginning": beginning, "behind": beginning + _HIGHEST, "most": MOST_NAMED + 1}
    return [row["id"] for row in tx.all(sql.load("executions")["ids_beginning"], params)]


def the_only(found: Sequence[str], beginning: str) -> str | None:
    """The only id that was found; None if there is none. Raises `InvalidInputError` when there are more."""
    if len(found) <= 1:
        return found[0] if found else None
    named = ", ".join(found[:MOST_NAMED]) + (" and more" if len(found) > MOST_NAMED else "")
    raise InvalidInputError(
        f"{beginning!r} is the beginning of more than one execution id: {named}", hint="write more of the id"
    )
