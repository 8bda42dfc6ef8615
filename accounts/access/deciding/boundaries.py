"""Instants at which time alone may change a decision: validity that begins or ends, and edges of hours."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta

from accounts.access.deciding.hours import Hours
from accounts.access.deciding.rules import Rule

_DAYS = 8  # hours repeat each week


def next_boundary(rules: Iterable[Rule], at: datetime) -> datetime | None:
    """Return the first instant after ``at`` at which the time may change what rules say; ``None`` if there is none."""
    return min((instant for rule in rules for instant in _boundaries(rule, at) if instant > at), default=None)


def _boundaries(rule: Rule, at: datetime) -> Iterator[datetime]:
    if rule.valid_from is not None:
        yield rule.valid_from
    if rule.valid_until is not None:
        yield rule.valid_until
    if rule.hours is not None:
        yield from _edges(rule.hours, at)


def _edges(hours: Hours, at: datetime) -> Iterator[datetime]:
    """Return when hours may begin or end in the days from ``at`` on.

    Clocks that are set forward or back do so at a full quarter of an hour: days on which it happens have all of these.
    """
    today = at.astimezone(hours.zone).date()
    for number in range(-1, _DAYS):
        day = today + timedelta(days=number)
        begin = datetime.combine(day, time(0), hours.zone)
        if begin.utcoffset() != (begin + timedelta(days=1)).utcoffset():
            start = begin.astimezone(UTC)
            yield from (start + timedelta(minutes=15 * quarter) for quarter in range(26 * 4))
        for clock in (hours.begin, hours.end):
            for fold in (0, 1):
                yield datetime.combine(day, clock, hours.zone).replace(fold=fold).astimezone(UTC)
