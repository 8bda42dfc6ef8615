"""The time of day by the clock of the database, which all servers of an installation share.

A token, a session or a wait after wrong passwords that one server wrote is judged by another one. If each judged by its
own clock, a machine whose clock jumps would end sessions early or end waits early. So the thread of ``database_watch``
compares the clocks now and then, and in between the time goes on by the monotonic clock, which nobody sets. No request
asks the database for it.

A process that does not follow the database (a command, a test) has the time of its machine.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

COMPARE_EVERY_SECONDS = 10.0
# Two readings of one clock differ by how long the way to the database takes; that moves no time.
_TOLERANCE = timedelta(seconds=0.25)
# An answer that took longer says too little about when the database read its clock; the first one may be that bad.
_SLOWEST_SECONDS = 0.5
_NOTEWORTHY = timedelta(seconds=5)

log = logging.getLogger(__name__)


class _Reading(NamedTuple):
    """What the database's clock said, and what the monotonic one did then (seconds)."""

    at: datetime
    monotonic: float


class _State:
    def __init__(self) -> None:
        self.reading: _Reading | None = None
        self.compared = float("-inf")
        self.is_wrong_here = False


_state = _State()


def now() -> datetime:
    """Return the time by the clock of the database; before the first comparison, that of this machine."""
    reading = _state.reading
    if reading is None:
        return timezone.now()
    return reading.at + timedelta(seconds=time.monotonic() - reading.monotonic)


def not_after_now(moment: datetime) -> datetime:
    """Return a moment that this machine's clock gave, or the time by the database's clock if that is earlier.

    What is deleted when its time is over, is deleted too late by a clock that is wrong, but never too early.
    """
    return moment if _state.reading is None else min(moment, now())


def compare() -> None:
    """Read the database's clock, unless that was done within the last seconds. For the thread that follows it.

    Raises: OperationalError, InterfaceError.
    """
    if time.monotonic() - _state.compared < COMPARE_EVERY_SECONDS:
        return
    before = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (at,) = cursor.fetchone()
    after = time.monotonic()
    if after - before > _SLOWEST_SECONDS and _state.reading is not None:
        return
    _state.compared = after
    adopt(at=at, monotonic=(before + after) / 2)


def adopt(*, at: datetime, monotonic: float) -> None:
    """Let the time be ``at`` when the monotonic clock says ``monotonic`` (seconds)."""
    reading = _state.reading
    expected = None if reading is None else reading.at + timedelta(seconds=monotonic - reading.monotonic)
    if expected is None or abs(at - expected) > _TOLERANCE:
        _state.reading = _Reading(at, monotonic)
    off_by = timezone.now() - at - timedelta(seconds=time.monotonic() - monotonic)
    is_wrong = abs(off_by) > _NOTEWORTHY
    if is_wrong and not _state.is_wrong_here:
        log.warning("clock_differs: this machine's clock is %.0f s off the database's", off_by.total_seconds())
    _state.is_wrong_here = is_wrong


def forget() -> None:
    """Go back to the clock of this machine, until the next comparison. For tests."""
    global _state  # noqa: PLW0603 - the state of the process
    _state = _State()
