"""Integers that a double holds exactly, so that Lua and Python compute the same numbers."""

from ratelimiting.types import Quota

MICROSECONDS = 1_000_000
# The sum of two of these still fits into the 53 bits of a double.
LARGEST_EXACT = 2**51


def ceil_div(dividend: int, divisor: int) -> int:
    """Divide and round up."""
    return -(-dividend // divisor)


def require_passable(quota: Quota) -> None:
    """Refuse a quota that no request could ever pass.

    Raises: ValueError, with what is wrong.
    """
    if quota.limit < 1 or (quota.burst is not None and quota.burst < 1):
        raise ValueError(f"A limit or burst below 1 lets nobody pass: {quota}.")
    if round(quota.window * MICROSECONDS) < 1:
        raise ValueError(f"A window of {quota.window} seconds is none.")
