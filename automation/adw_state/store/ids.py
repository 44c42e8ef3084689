"""Names that we make, execution ids and op_ids, and the beginnings that stand for the former.

An execution id is `adw-` and 22 characters: 48 bits of milliseconds since 1970, then 60 bits that start
at random in each process and count up, in a base 32 alphabet whose order is that of the digits, so ids
sort by time. One process never makes an id twice; of a million processes that make one in the same
millisecond, two agree with probability 4e-7. Any id that a caller brings is taken as given.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from itertools import count

from adw_state.errors import InvalidInputError

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
MOST_NAMED = 10
BEHIND_EVERY_ID = "\U0010ffff"  # no character of an id: it is not printable
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


class _Numbers:
    """Numbers that start at random and count up, so that ids of one millisecond sort as they were made."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Start at random, as after a fork, where the child would go on with its parent's numbers."""
        self.start = int.from_bytes(os.urandom(8)) >> 4
        self.next = count().__next__  # one step of the interpreter, so threads need no lock


_numbers = _Numbers()
os.register_at_fork(after_in_child=_numbers.begin_anew)


def new_execution_id(moment: datetime) -> str:
    """A fresh execution id for a run that starts at `moment`."""
    milliseconds = int(moment.timestamp() * 1000)
    number = (_numbers.start + _numbers.next()) % 2**60
    return f"adw-{_base32(milliseconds, 10)}{_base32(number, 12)}"


def new_op_id() -> str:
    """A fresh op_id: 128 random bits as 32 hex digits."""
    return os.urandom(16).hex()


def step_op_id(execution_id: str, phase: str, attempt: int, name: str) -> str:
    """The op_id of a step: the same for the same step of the same attempt, wherever it is saved from."""
    from hashlib import sha256  # not needed to make the names above

    parts = "\0".join((execution_id, phase, str(attempt), name))
    return sha256(parts.encode("utf-8")).hexdigest()[:32]


def the_only(found: Sequence[str], beginning: str) -> str | None:
    """The only id that was found; None if there is none. Raises `InvalidInputError` when there are more."""
    if len(found) <= 1:
        return found[0] if found else None
    named = ", ".join(found[:MOST_NAMED]) + (" and more" if len(found) > MOST_NAMED else "")
    raise InvalidInputError(
        f"{beginning!r} is the beginning of more than one execution id: {named}", hint="write more of the id"
    )


def _base32(number: int, length: int) -> str:
    """`number` in `length` digits, an even number of them."""
    pairs = []
    for _ in range(length // 2):
        number, rest = divmod(number, 1024)
        pairs.append(_PAIRS[rest])
    return "".join(reversed(pairs))
