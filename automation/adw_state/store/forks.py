"""Forks: what must not cross one is told before and after.

SQLite's book-keeping of locks is wrong in a child that inherits an open connection, and what the child
commits could be lost. So whoever holds connections closes them before every fork of this process.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class ForkAware(Protocol):
    """Somebody who has to do something about a fork."""

    def hold_still(self) -> None:
        """Before the fork: end what is going on, let go of what must not be shared, begin nothing new."""

    def go_on(self) -> None:
        """After it, in the parent."""

    def begin_anew(self) -> None:
        """After it, in the child, where no other thread is left."""


def tell_of_forks(one: ForkAware) -> None:
    """Tell `one` of every fork from now on, for as long as it lives."""
    _told.add(one)


_told: weakref.WeakSet[ForkAware] = weakref.WeakSet()
_still: list[ForkAware] = []


def _before() -> None:
    _still.extend(_told)
    for one in _still:
        one.hold_still()


def _after_in_parent() -> None:
    while _still:
        _still.pop().go_on()


def _after_in_child() -> None:
    while _still:
        _still.pop().begin_anew()


os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
