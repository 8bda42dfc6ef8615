"""Who is busiest: networks and accounts of the last hour, rules of the last day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from security_events.detection.facts import network_range
from security_events.selectors import event_counts
from security_events.selectors.event_counts import BusyName

MOST = 8
LATELY = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Busiest:
    """Networks as ranges, accounts by their ids, and how many incidents each rule has opened."""

    networks: Sequence[BusyName]
    accounts: Sequence[BusyName]
    rules: Mapping[str, int]


def busiest(now: datetime) -> Busiest:
    """Return the names with the most events, the most first."""
    found = event_counts.busiest(since=now - LATELY, most=MOST)
    return Busiest(
        networks=[name._replace(key=network_range(name.key)) for name in found["network"]],
        accounts=found["account"],
        rules=event_counts.incidents_by_rule(since=now - DAY, most=MOST),
    )
