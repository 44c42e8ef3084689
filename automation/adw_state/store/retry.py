"""Trying a whole unit of work again after lock errors.

Only the unit as a whole is tried again, never a single statement, and only when the error was the
database being locked. What is waited and how often is the caller's; waiting is the clock's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from adw_state.clock import Clock
from adw_state.errors import StoreBusyError

Result = TypeVar("Result")

DELAYS_SECONDS = (1.0, 3.0, 5.0)


def try_again(
    unit: Callable[[], Result],
    error: StoreBusyError,
    *,
    delays_seconds: Sequence[float],
    clock: Clock,
    on_retry: Callable[[], None],
) -> Result:
    """The result of a unit that has met a lock once, after at most one more try per delay.

    Raises the last `StoreBusyError` when every try met a lock, `error` when there are no delays.
    """
    if not delays_seconds:
        raise error
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_chain, wait_fixed

    def unit_counted() -> Result:
        on_retry()
        return unit()

    clock.sleep(delays_seconds[0])
    retrying = Retrying(
        retry=retry_if_exception_type(StoreBusyError),
        stop=stop_after_attempt(len(delays_seconds)),
        wait=wait_chain(*(wait_fixed(delay) for delay in [*delays_seconds[1:], 0])),
        sleep=clock.sleep,
        reraise=True,
    )
    return retrying(unit_counted)
