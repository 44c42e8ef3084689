"""Trying a whole unit of work again after lock errors.

Only the unit as a whole is tried again, never a single statement, and only when the error was the
database being locked. What is waited and how often is the caller's; waiting is the clock's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from adws.adw_modules.clock import Clock
from adws.adw_modules.errors import StoreBusyError

Result = TypeVar("Result")

DELAYS_SECONDS = (1.0, 3.0, 5.0)


def run_with_retry(
    unit: Callable[[], Result],
    *,
    delays_seconds: Sequence[float],
    clock: Clock,
    on_retry: Callable[[], None],
) -> Result:
    """The unit's result, after at most one try more than there are delays.

    Raises the last `StoreBusyError` when every try met a lock.
    """
    try:
        return unit()
    except StoreBusyError:
        if not delays_seconds:
            raise
    return _try_again(unit, delays_seconds, clock, on_retry)


def _try_again(
    unit: Callable[[], Result], delays: Sequence[float], clock: Clock, on_retry: Callable[[], None]
) -> Result:
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_chain, wait_fixed

    def unit_counted() -> Result:
        on_retry()
        return unit()

    clock.sleep(delays[0])
    retrying = Retrying(
        retry=retry_if_exception_type(StoreBusyError),
        stop=stop_after_attempt(len(delays)),
        wait=wait_chain(*(wait_fixed(delay) for delay in [*delays[1:], 0])),
        sleep=clock.sleep,
        reraise=True,
    )
    return retrying(unit_counted)
