"""Names that we make: execution ids and op_ids.

An execution id is `adw-` and 22 characters: 48 bits of milliseconds since 1970, then 60 random bits,
in a base 32 alphabet whose order is that of the digits, so ids sort by time. Of a million ids made in
one and the same millisecond, two agree with probability 4e-7. Any id that a caller brings is taken as
given.
"""

from __future__ import annotations

import os
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_execution_id(moment: datetime) -> str:
    """A fresh execution id for a run that starts at `moment`."""
    milliseconds = int(moment.timestamp() * 1000)
    return f"adw-{_base32(milliseconds, 10)}{_base32(int.from_bytes(os.urandom(8)) >> 4, 12)}"


def new_op_id() -> str:
    """A fresh op_id: 128 random bits as 32 hex digits."""
    return os.urandom(16).hex()


def step_op_id(execution_id: str, phase: str, attempt: int, name: str) -> str:
    """The op_id of a step: the same for the same step of the same attempt, wherever it is saved from."""
    from hashlib import sha256  # not needed to make the names above

    parts = "\0".join((execution_id, phase, str(attempt), name))
    return sha256(parts.encode("utf-8")).hexdigest()[:32]


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, rest = divmod(number, 32)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))
