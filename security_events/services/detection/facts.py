"""Store what the rules see of events, for as long as a rule looks back, and delete it afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from cedrina_base.prepared_statements import prepared_cursor
from security_events.catalogue import CATALOGUE
from security_events.detection import rules
from security_events.detection.facts import Fact, fact_from
from security_events.event_values import storable_json
from security_events.selectors.trail import TrailEvent, TrailPosition
from security_events.services.retention import terms

SHORTEST_KEPT = timedelta(days=30)
_BATCH = 5000

_INSERT = """
INSERT INTO security_events_detectionfact (
    transaction_id, event_id, at, type, is_success, account, actor, ip_address, network, program, session_id,
    is_unknown_name, is_relay, times, location, since, operator, is_new_client, is_password_alone, days_since_last
)
SELECT transaction_id, event_id, at, type, is_success, account, actor, ip_address::inet, network, program,
       session_id::uuid, is_unknown_name, is_relay, times, location::jsonb, to_timestamp(since), operator,
       is_new_client, is_password_alone, days_since_last
FROM unnest(
    %(transaction_id)s::bigint[], %(event_id)s::uuid[], %(at)s::timestamptz[], %(type)s::text[],
    %(is_success)s::boolean[], %(account)s::text[], %(actor)s::text[], %(ip_address)s::text[], %(network)s::text[],
    %(program)s::text[], %(session_id)s::text[], %(is_unknown_name)s::boolean[], %(is_relay)s::boolean[],
    %(times)s::int[], %(location)s::text[], %(since)s::float8[], %(operator)s::text[], %(is_new_client)s::boolean[],
    %(is_password_alone)s::boolean[], %(days_since_last)s::int[]
) AS fact (
    transaction_id, event_id, at, type, is_success, account, actor, ip_address, network, program, session_id,
    is_unknown_name, is_relay, times, location, since, operator, is_new_client, is_password_alone, days_since_last
)
ON CONFLICT (event_id) DO NOTHING
"""
_EXPIRE = """
DELETE FROM security_events_detectionfact WHERE event_id IN (
    SELECT event_id FROM security_events_detectionfact
    WHERE at >= %(since)s AND at < %(cutoff)s
      AND (%(types)s::text[] IS NULL OR type = ANY(%(types)s)) ORDER BY at LIMIT %(batch)s
) RETURNING at
"""


class StoredFact(NamedTuple):
    """A fact, and where its event stands in the trail."""

    position: TrailPosition
    occurred_at: str
    fact: Fact


def watched_types() -> frozenset[str]:
    """Return the types of events that some rule looks at, whatever its mode: it may be switched on at any time."""
    return frozenset().union(*(rule.watches for rule in rules.RULES.values()))


def facts_of(events: Sequence[TrailEvent]) -> list[StoredFact]:
    """Return the facts of those events that a rule looks at."""
    watched = watched_types()
    return [
        StoredFact(event.position, event.form["occurred_at"], fact_from(event.form))
        for event in events
        if event.form["type"] in watched
    ]


def insert(facts: Sequence[StoredFact]) -> None:
    """Store facts by one statement; those that are there already stay as they are."""
    if facts:
        with prepared_cursor() as cursor:
            cursor.execute(_INSERT, _columns(facts))


def longest_window() -> timedelta:
    """Return for how long facts are kept."""
    seconds = max((rule.window for rule in rules.RULES.values()), default=0)
    return max(SHORTEST_KEPT, timedelta(seconds=seconds))


class Expiry:
    """Deletes facts that no rule looks back at, and those of events whose own term is over.

    It remembers up to which time it has deleted, so that each run looks only at what expired since the one before.
    """

    def __init__(self) -> None:
        self._done: dict[timedelta, datetime] = {}

    def delete(self, *, now: datetime, most: int = 20 * _BATCH) -> int:
        """Delete what has expired, up to about ``most`` facts; return how many."""
        deleted = 0
        for age, types in _kept_for().items():
            cutoff = now - age
            since = self._done.get(age, datetime.min.replace(tzinfo=now.tzinfo, year=1970))
            while deleted < most:
                times = _expire(types, since=since, cutoff=cutoff)
                deleted += len(times)
                if len(times) < _BATCH:
                    self._done[age] = cutoff
                    break
                since = max(times)
        return deleted


def _kept_for() -> Mapping[timedelta, list[str] | None]:
    """Return the types of facts by how long they are kept: never longer than their events.

    ``None`` stands for all types: those that no rule looks at any more, too.
    """
    longest = longest_window()
    kept: dict[timedelta, list[str]] = {}
    watched = sorted(watched_types() & CATALOGUE.keys())
    days = terms.effective_terms({str(CATALOGUE[name].category) for name in watched})
    for name in watched:
        term = days[str(CATALOGUE[name].category)]
        age = longest if term is None else min(longest, timedelta(days=term))
        kept.setdefault(age, []).append(name)
    return {**kept, longest: None}


def _expire(types: list[str] | None, *, since: datetime, cutoff: datetime) -> list[datetime]:
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, {"since": since, "cutoff": cutoff, "types": types, "batch": _BATCH})
        return [at for (at,) in cursor.fetchall()]


def _columns(stored: Sequence[StoredFact]) -> dict[str, list[Any]]:
    facts = [each.fact for each in stored]
    return {
        "transaction_id": [each.position.transaction_id for each in stored],
        "event_id": [each.position.event_id for each in stored],
        "at": [each.occurred_at for each in stored],
        "type": [fact.type for fact in facts],
        "is_success": [fact.succeeded for fact in facts],
        "account": [fact.account for fact in facts],
        "actor": [fact.actor for fact in facts],
        "ip_address": [fact.ip_address or None for fact in facts],
        "network": [fact.network for fact in facts],
        "program": [fact.program for fact in facts],
        "session_id": [fact.session_id or None for fact in facts],
        "is_unknown_name": [fact.is_unknown_name for fact in facts],
        "is_relay": [fact.is_relay for fact in facts],
        "times": [fact.times for fact in facts],
        "location": [storable_json(asdict(fact.location)) if fact.location else None for fact in facts],
        "since": [fact.since or None for fact in facts],
        "operator": [fact.operator for fact in facts],
        "is_new_client": [fact.is_new_client for fact in facts],
        "is_password_alone": [fact.is_password_alone for fact in facts],
        "days_since_last": [fact.days_since_last for fact in facts],
    }
