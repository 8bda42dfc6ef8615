"""Store what the rules see of events, for as long as a rule looks back, and delete it afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from cedrina_base.prepared_statements import prepared_cursor
from security_events.catalogue import CATALOGUE
from security_events.detection import rules
from security_events.detection.client_records import sign_in_client
from security_events.detection.facts import Fact, fact_from
from security_events.event_values import storable_json
from security_events.selectors.detection import sign_in_history
from security_events.selectors.trail import TrailEvent, TrailPosition
from security_events.services.detection import client_counts
from security_events.services.detection.client_counts import SignInClient
from security_events.services.retention import terms

SHORTEST_KEPT = timedelta(days=30)
_BATCH = 5000

_INSERT = """
INSERT INTO security_events_detectionfact (
    transaction_id, event_id, at, type, is_success, account, actor, ip_address, network, program, session_id,
    is_unknown_name, is_relay, times, location, client, since, operator, is_new_client, is_password_alone,
    days_since_last, is_familiar_client, generations_behind, idle_seconds
)
SELECT transaction_id, event_id, at, type, is_success, account, actor, ip_address::inet, network, program,
       session_id::uuid, is_unknown_name, is_relay, times, location::jsonb, client::jsonb, to_timestamp(since),
       operator, is_new_client, is_password_alone, days_since_last, is_familiar_client, generations_behind, idle_seconds
FROM unnest(
    %(transaction_id)s::bigint[], %(event_id)s::uuid[], %(at)s::timestamptz[], %(type)s::text[],
    %(is_success)s::boolean[], %(account)s::text[], %(actor)s::text[], %(ip_address)s::text[], %(network)s::text[],
    %(program)s::text[], %(session_id)s::text[], %(is_unknown_name)s::boolean[], %(is_relay)s::boolean[],
    %(times)s::int[], %(location)s::text[], %(client)s::text[], %(since)s::float8[], %(operator)s::text[],
    %(is_new_client)s::boolean[], %(is_password_alone)s::boolean[], %(days_since_last)s::int[],
    %(is_familiar_client)s::boolean[], %(generations_behind)s::int[], %(idle_seconds)s::int[]
) AS fact (
    transaction_id, event_id, at, type, is_success, account, actor, ip_address, network, program, session_id,
    is_unknown_name, is_relay, times, location, client, since, operator, is_new_client, is_password_alone,
    days_since_last, is_familiar_client, generations_behind, idle_seconds
)
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id
"""
_EXPIRE = """
DELETE FROM security_events_detectionfact WHERE event_id IN (
    SELECT event_id FROM security_events_detectionfact
    WHERE at >= %(since)s AND at < %(cutoff)s AND (client IS NOT NULL) = %(has_client)s
      AND (%(types)s::text[] IS NULL OR type = ANY(%(types)s)) ORDER BY at LIMIT %(batch)s
) RETURNING at
"""


class StoredFact(NamedTuple):
    """A fact, and where its event stands in the trail. ``client`` is that of a successful sign-in."""

    position: TrailPosition
    occurred_at: str
    fact: Fact
    client: Mapping[str, Any] | None = None


def watched_types() -> frozenset[str]:
    """Return the types of events that some rule looks at, whatever its mode: it may be switched on at any time."""
    return frozenset().union(*(rule.watches for rule in rules.RULES.values()))


def facts_of(events: Sequence[TrailEvent]) -> list[StoredFact]:
    """Return the facts of those events that a rule looks at."""
    watched = watched_types()
    return [
        StoredFact(event.position, event.form["occurred_at"], fact_from(event.form), sign_in_client(event.form))
        for event in events
        if event.form["type"] in watched
    ]


def insert(facts: Sequence[StoredFact]) -> None:
    """Store facts by one statement; those that are there already stay as they are. Count the clients of sign-ins."""
    if facts:
        with prepared_cursor() as cursor:
            cursor.execute(_INSERT, _columns(facts))
            inserted = {event_id for (event_id,) in cursor.fetchall()}
            clients = [
                SignInClient(each.position.event_id, each.client)
                for each in facts
                if each.client is not None and each.position.event_id in inserted
            ]
            client_counts.count(cursor, clients)


def longest_window() -> timedelta:
    """Return for how long facts are kept."""
    seconds = max((rule.window for rule in rules.RULES.values()), default=0)
    return max(SHORTEST_KEPT, timedelta(seconds=seconds))


class Expiry:
    """Deletes facts that no rule looks back at, and those of events whose own term is over.

    It remembers up to which time it has deleted, so that each run looks only at what expired since the one before.
    """

    def __init__(self) -> None:
        self._done: dict[tuple[timedelta, bool], datetime] = {}

    def delete(self, *, now: datetime, most: int = 20 * _BATCH) -> int:
        """Delete what has expired, up to about ``most`` facts; return how many."""
        deleted = 0
        for term in _terms():
            cutoff = now - term.age
            since = self._done.get((term.age, term.has_client), datetime.min.replace(tzinfo=now.tzinfo, year=1970))
            while deleted < most:
                times = _expire(term, since=since, cutoff=cutoff)
                deleted += len(times)
                if len(times) < _BATCH:
                    self._done[term.age, term.has_client] = cutoff
                    break
                since = max(times)
        return deleted


class _Term(NamedTuple):
    """For how long facts of some types are kept, with the clients of sign-ins or without. ``None``: of all types."""

    age: timedelta
    types: list[str] | None
    has_client: bool = False


def _terms() -> list[_Term]:
    """Return for how long facts are kept: never longer than their events.

    The risk of sign-ins looks further back at clients than rules at facts. The last term of each kind is for all types:
    those that no rule looks at any more, too.
    """
    longest = {False: longest_window(), True: max(longest_window(), sign_in_history.KEPT)}
    watched = sorted(watched_types() & CATALOGUE.keys())
    days = terms.effective_terms({str(CATALOGUE[name].category) for name in watched})
    kept: dict[tuple[timedelta, bool], list[str]] = {}
    for name in watched:
        term = days[str(CATALOGUE[name].category)]
        for has_client, most in longest.items():
            age = most if term is None else min(most, timedelta(days=term))
            kept.setdefault((age, has_client), []).append(name)
    shorter = [_Term(age, types, has_client) for (age, has_client), types in kept.items() if age < longest[has_client]]
    return [*shorter, *(_Term(age, None, has_client) for has_client, age in longest.items())]


def _expire(term: _Term, *, since: datetime, cutoff: datetime) -> list[datetime]:
    parameters = {
        "since": since,
        "cutoff": cutoff,
        "types": term.types,
        "has_client": term.has_client,
        "batch": _BATCH,
    }
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, parameters)
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
        "client": [storable_json(each.client) if each.client else None for each in stored],
        "location": [storable_json(asdict(fact.location)) if fact.location else None for fact in facts],
        "since": [fact.since or None for fact in facts],
        "operator": [fact.operator for fact in facts],
        "is_new_client": [fact.is_new_client for fact in facts],
        "is_password_alone": [fact.is_password_alone for fact in facts],
        "days_since_last": [fact.days_since_last for fact in facts],
        "is_familiar_client": [fact.is_familiar_client or None for fact in facts],
        "generations_behind": [fact.generations_behind or None for fact in facts],
        "idle_seconds": [fact.idle_seconds or None for fact in facts],
    }
