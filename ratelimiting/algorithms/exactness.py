"""Whole numbers that a double holds exactly, so that three places can count alike."""

from ratelimiting.types import Quota

MICROSECONDS = 1_000_000
# Two of these and a sum still fit into a double's 53 bits.
LARGEST = 2**51

State = tuple[int, int, int]


def ceil_div(dividend: int, divisor: int) -> int:
    """Divide and round up."""
    return -(-dividend // divisor)


def refuse_nonsense(quota: Quota) -> None:
    """Refuse a quota that nobody could ever pass.

    Raises: ValueError that says what is wrong.
    """
    if quota.limit < 1 or (quota.burst is not None and quota.burst < 1):
        raise ValueError(f"A limit or burst below 1 lets nobody pass: {quota}.")
    if round(quota.window * MICROSECONDS) < 1:
        raise ValueError(f"A window of {quota.window} seconds is none.")
