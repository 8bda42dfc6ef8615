"""What the counters of the last hour say, and who is busiest, for pages that show how things are now.

Nothing here reads more than a bounded number of rows, however large the tables are.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from cedrina_base.prepared_statements import prepared_cursor
from security_events.selectors.event_filters import first_id

MOST_FACTS = 10_000
_COUNTS = """
SELECT series, key, minute, number FROM security_events_eventcount WHERE minute >= %(since)s AND minute < %(until)s
"""
_BUSIEST = """
WITH newest AS MATERIALIZED (
    SELECT network, account, is_unknown_name, times, is_success FROM security_events_detectionfact
    WHERE at >= %(since)s ORDER BY at DESC LIMIT %(window)s
)
(
    SELECT 'network', network, false, sum(times), COALESCE(sum(times) FILTER (WHERE NOT is_success), 0)
    FROM newest WHERE network <> '' GROUP BY network ORDER BY 4 DESC, 2 LIMIT %(most)s
) UNION ALL (
    SELECT 'account', account, bool_or(is_unknown_name), sum(times),
           COALESCE(sum(times) FILTER (WHERE NOT is_success), 0)
    FROM newest WHERE account <> '' GROUP BY account ORDER BY 4 DESC, 2 LIMIT %(most)s
)
"""
_INCIDENTS_BY_RULE = """
SELECT rule, count(*) FROM (
    SELECT rule FROM security_events_incident WHERE id >= %(first)s AND opened_at >= %(since)s
    ORDER BY id DESC LIMIT %(window)s
) AS newest GROUP BY rule ORDER BY 2 DESC, 1 LIMIT %(most)s
"""


class MinuteCount(NamedTuple):
    """How often ``key`` of a series was counted in a minute."""

    series: str
    key: str
    minute: datetime
    number: int


class BusyName(NamedTuple):
    """How many events a network or an account had lately, and how many of them were failures."""

    key: str
    is_unknown_name: bool
    events: int
    failures: int


def counts_between(*, since: datetime, until: datetime) -> Sequence[MinuteCount]:
    """Return the counts of the minutes that begin from ``since`` on and before ``until``."""
    with prepared_cursor() as cursor:
        cursor.execute(_COUNTS, {"since": since, "until": until})
        return [MinuteCount(*row) for row in cursor.fetchall()]


def busiest(*, since: datetime, most: int) -> Mapping[str, Sequence[BusyName]]:
    """Return the networks and accounts with the most events since a time, among the newest ``MOST_FACTS`` events.

    The mapping has the keys ``network`` and ``account``.
    """
    parameters: dict[str, Any] = {"since": since, "window": MOST_FACTS, "most": most}
    with prepared_cursor() as cursor:
        cursor.execute(_BUSIEST, parameters)
        rows = cursor.fetchall()
    return {kind: [BusyName(*row[1:]) for row in rows if row[0] == kind] for kind in ("network", "account")}


def incidents_by_rule(*, since: datetime, most: int) -> Mapping[str, int]:
    """Return how many incidents each rule opened since a time, among the newest ``MOST_FACTS``; the most first."""
    parameters: dict[str, Any] = {"first": first_id(since), "since": since, "window": MOST_FACTS, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_INCIDENTS_BY_RULE, parameters)
        return dict(cursor.fetchall())
