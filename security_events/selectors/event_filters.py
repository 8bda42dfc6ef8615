"""What events can be filtered by. Admin, API and export have this one meaning of each filter.

Only some columns have an index, and an index may still lead to millions of events. So a filter is read in windows: the
part that an index serves decides which events are looked at, at most ``WINDOW`` of them for a page, and the rest which
of these are kept. A page may therefore hold fewer events than asked for, or none, although more follow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from security_events.types import Severity

WINDOW = 10_000
# Ids are made when a row is written, which is a little later than the moment of the event.
SLACK = timedelta(days=1)
_LEVELS = tuple(Severity)
# `high+`: this severity and those above it.
SEVERITIES: Mapping[str, tuple[Severity, ...]] = {
    **{str(level): (level,) for level in _LEVELS},
    **{f"{level}+": _LEVELS[place:] for place, level in enumerate(_LEVELS)},
}
_INDEXED_SEVERITIES = frozenset({Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL})


class Conditions(NamedTuple):
    """A filter in two parts: what an index finds, in the order of ids, and what is left to look at."""

    indexed: Q
    rest: Q


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """What events must have in common; what is empty or ``None`` is not asked for.

    ``since`` is inclusive, ``until`` exclusive. ``severity`` is one, or one and those above it: ``high+``. ``actor`` is
    an id. ``min_risk`` is from 0 to 100.
    """

    since: datetime | None = None
    until: datetime | None = None
    type: str = ""
    category: str = ""
    severity: str = ""
    outcome: str = ""
    actor: str = ""
    ip: str = ""
    session: UUID | None = None
    min_risk: int | None = None

    def is_empty(self) -> bool:
        """Return whether nothing is asked for."""
        return self == EventFilter()

    def condition(self) -> Q:
        """Return the whole filter as one condition."""
        parts = self.conditions()
        return parts.indexed & parts.rest

    def conditions(self) -> Conditions:
        """Return the filter in two parts. The index is that of the filter which is expected to leave least."""
        columns = self._columns()
        leading = next((name for name in ("session", "actor", "ip", "type", "severity") if name in columns), "")
        if leading == "severity" and not set(SEVERITIES[self.severity]) <= _INDEXED_SEVERITIES:
            leading = ""
        indexed = columns.pop(leading, Q()) & self._ids()
        rest = Q()
        for each in (*columns.values(), self._moments()):
            rest &= each
        return Conditions(indexed, rest)

    def _columns(self) -> dict[str, Q]:
        found = {
            "type": self.type and Q(type=self.type),
            "category": self.category and Q(category=self.category),
            "severity": self.severity and Q(severity__in=SEVERITIES[self.severity]),
            "outcome": self.outcome and Q(outcome=self.outcome),
            # It repeats the condition of the partial index.
            "actor": self.actor and Q(actor_id=self.actor) & ~Q(actor_id=""),
            "ip": self.ip and Q(ip_address=self.ip),
            "session": self.session and Q(session_id=self.session),
            "min_risk": self.min_risk and Q(risk_score__gte=self.min_risk),
        }
        return {name: each for name, each in found.items() if each}

    def _ids(self) -> Q:
        """Return the condition on the id, which is indexed and begins with the time."""
        found = Q()
        if self.since:
            found &= Q(pk__gte=first_id(self.since - SLACK))
        if self.until:
            found &= Q(pk__lt=first_id(self.until + SLACK))
        return found

    def _moments(self) -> Q:
        found = Q()
        if self.since:
            found &= Q(occurred_at__gte=self.since)
        if self.until:
            found &= Q(occurred_at__lt=self.until)
        return found


def first_id(moment: datetime) -> UUID:
    """Return the lowest id that a row can get at a moment (RFC 9562, 5.7)."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)
