"""Record refusals so that no caller can make a flood of events.

Of the same (type, reasons, subject, address) within a minute the first is recorded at once; the others are counted,
and the worker records their number when the minute is over. Beyond ``NETWORK_LIMIT`` different ones of a network in a
minute only their number is recorded. So one network makes at most 2 x 50 + 1 events a minute in this way, whatever it
sends. Types of medium severity and above don't fall under the network's limit, or a flood could hide them; nobody can
make them without a genuine token or the like.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from cedrina_base.prepared_statements import prepared_cursor
from security_events import context
from security_events.catalogue import CATALOGUE, EventType, Outcome, Severity
from security_events.conf import security_event_settings
from security_events.masking import truncate_ip
from security_events.services.recording import COLUMNS, NOBODY, TABLE, Rider
from security_events.types import Subject

NETWORK_LIMIT = 50
_BATCH = 1000
_UNLIMITED = frozenset({Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL})

_RECORD = """
WITH at AS (
    SELECT date_trunc('minute', COALESCE(%(event_now)s::timestamptz, statement_timestamp())) AS minute,
           security_events_uuid7() AS id
), counted AS (
    INSERT INTO security_events_minutecount AS c (key, minute, number, event_id)
    SELECT %(key)s, at.minute, 1, at.id FROM at
    WHERE NOT %(is_limited)s
       OR EXISTS (SELECT FROM security_events_minutecount k WHERE k.key = %(key)s AND k.minute = at.minute)
       OR NOT EXISTS (SELECT FROM security_events_minutecount n
                      WHERE n.key = %(network_key)s AND n.minute = at.minute AND n.number >= %(limit)s)
    ON CONFLICT (minute, key) DO UPDATE SET number = c.number + 1
    RETURNING number
), network AS (
    INSERT INTO security_events_minutecount AS n (key, minute, number, network)
    SELECT %(network_key)s, at.minute, 1, %(network)s::inet FROM at
    WHERE %(is_limited)s AND NOT EXISTS (SELECT FROM counted WHERE number > 1)
    ON CONFLICT (minute, key) DO UPDATE SET number = n.number + 1
    RETURNING number
), recorded AS (
    SELECT at.id FROM at
    WHERE EXISTS (SELECT FROM counted WHERE number = 1)
      AND (NOT %(is_limited)s OR EXISTS (SELECT FROM network WHERE number <= %(limit)s))
), event AS (
    {event} RETURNING id
)
SELECT id FROM event
"""

# What is counted is deleted by the statement that records its number: neither is lost, none is recorded twice.
_SUM_UP = """
WITH at AS (
    SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()) AS now
), past AS (
    DELETE FROM security_events_minutecount WHERE (key, minute) IN (
        SELECT key, minute FROM security_events_minutecount, at WHERE minute < date_trunc('minute', at.now)
        ORDER BY minute LIMIT %(batch)s FOR UPDATE OF security_events_minutecount SKIP LOCKED)
    RETURNING number, event_id, network
), repeated AS (
    INSERT INTO {table} ({columns})
    SELECT {copied} FROM past JOIN {table} e ON e.id = past.event_id, at WHERE past.number > 1 RETURNING id
), flooding AS (
    SELECT network, number - %(limit)s AS suppressed FROM past WHERE event_id IS NULL AND number > %(limit)s
), flood_event AS (
    {flood_event} RETURNING id
)
SELECT (SELECT count(*) FROM past), (SELECT count(*) FROM repeated) + (SELECT count(*) FROM flood_event)
"""
_COPIED = {
    "id": "security_events_uuid7()",
    "occurred_at": "at.now",
    "data": "e.data || jsonb_build_object('repeats', past.number - 1, 'first_event', e.id, 'since', e.occurred_at)",
}


def record(
    event_type: EventType,
    *,
    actor: Subject = NOBODY,
    target: Subject = NOBODY,
    outcome: Outcome = Outcome.FAILURE,
    family_id: UUID | None = None,
    reasons: Sequence[str] = (),
    now: datetime | None = None,
    **details: Any,
) -> UUID | None:
    """Append an event unless the like was recorded within this minute; return its id, ``None`` if it was counted.

    One statement, in the caller's transaction or in autocommit. ``details`` are those of ``recording.record``.

    Raises: UndeclaredEventType.
    """
    event = Rider(
        event_type,
        source="recorded",
        columns={"id": "recorded.id"},
        actor=actor,
        target=target,
        outcome=outcome,
        family_id=family_id,
        reasons=reasons,
        now=now,
        **details,
    )
    subject = [actor.id or actor.name.casefold(), target.id or target.name.casefold(), str(family_id or "")]
    address = event.params["event_ip_address"] or ""
    network = _network()
    parameters = {
        "key": _key("event", str(event_type), str(outcome), address, *subject, *reasons),
        "network_key": _key("network", network or ""),
        "network": network,
        "limit": NETWORK_LIMIT,
        "is_limited": CATALOGUE[event_type].severity not in _UNLIMITED,
        **event.params,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_record_sql(event.sql), parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    event.announce()
    event_id: UUID = row[0]
    return event_id


def sum_up(*, now: datetime | None = None) -> Mapping[str, int]:
    """Record, for each minute that is over, how often what was recorded once was repeated; return the counts.

    Safe to interrupt and to run in several processes at once.
    """
    counted = recorded = 0
    flood = Rider(
        EventType.REFUSALS_SUPPRESSED,
        source="flooding",
        outcome=Outcome.FAILURE,
        now=now,
        columns={
            "ip_address": "flooding.network",
            "data": "jsonb_build_object('suppressed', flooding.suppressed)",
        },
    )
    sql = _sum_up_sql(flood.sql)
    number = _BATCH
    while number == _BATCH:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, {"now": now, "batch": _BATCH, "limit": NETWORK_LIMIT, **flood.params})
            number, events = cursor.fetchone()
        counted += number
        recorded += events
    return {"counted": counted, "recorded": recorded}


def _network() -> str | None:
    address = context.current().ip_address
    return truncate_ip(address) if address else None


def _key(*parts: str) -> bytes:
    key = security_event_settings.PSEUDONYM_KEY.encode()
    return hmac.digest(key, "\0".join(parts).encode(errors="replace"), hashlib.sha256)[:16]


@lru_cache(maxsize=4)
def _record_sql(event: str) -> str:
    return _RECORD.format(event=event)


@lru_cache(maxsize=2)
def _sum_up_sql(flood_event: str) -> str:
    copied = ", ".join(_COPIED.get(name, f"e.{name}") for name in COLUMNS)
    return _SUM_UP.format(table=TABLE, columns=", ".join(COLUMNS), copied=copied, flood_event=flood_event)
