"""Record refusals so that no client can flood the table of events.

Refusals with the same type, outcome, reasons, subjects and address within one minute are deduplicated: the first is
recorded at once, the others are only counted, and ``record_counts`` records their number when the minute is over. Of
one network, at most ``NETWORK_LIMIT`` different refusals a minute are recorded; of the rest only the number is. So one
network causes at most 2 x 30 + 1 events a minute, whatever it sends (CWE-779).

Types of medium severity and above do not count against the limit of the network, because a flood could hide them. A
client can't cause them without a genuine token or the like; those that it can are to be recorded ``once_per_network``.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from cedrina_base.prepared_statements import prepared_cursor
from security_events import context, event_types
from security_events.catalogue import EventType
from security_events.conf import security_event_settings
from security_events.event_cte import AppendedEvent, append_sql
from security_events.masking import truncate_ip
from security_events.types import NO_SUBJECT, Outcome, Severity, Subject

NETWORK_LIMIT = 30
_BATCH = 1000
_UNLIMITED = frozenset({Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL})

# A row of security_events_minutecount counts one kind of refusal (event_id is set) or the different refusals of one
# network (network is set). A refusal is counted if it is known already or its network is below the limit; it counts for
# its network only the first time.
_RECORD = f"""
WITH this AS (
    SELECT date_trunc('minute', %(event_now)s::timestamptz) AS minute, security_events_uuid7() AS event_id
), counted AS (
    INSERT INTO security_events_minutecount AS refusal (key, minute, number, event_id)
    SELECT %(key)s, this.minute, 1, this.event_id FROM this
    WHERE NOT %(is_limited)s
       OR EXISTS (SELECT FROM security_events_minutecount known
                  WHERE known.key = %(key)s AND known.minute = this.minute)
       OR NOT EXISTS (SELECT FROM security_events_minutecount network
                      WHERE network.key = %(network_key)s AND network.minute = this.minute
                        AND network.number >= %(limit)s)
    ON CONFLICT (minute, key) DO UPDATE SET number = refusal.number + 1
    RETURNING number
), counted_for_network AS (
    INSERT INTO security_events_minutecount AS network (key, minute, number, network)
    SELECT %(network_key)s, this.minute, 1, %(network)s::inet FROM this
    WHERE %(is_limited)s AND NOT EXISTS (SELECT FROM counted WHERE number > 1)
    ON CONFLICT (minute, key) DO UPDATE SET number = network.number + 1
    RETURNING number
), recorded AS (
    SELECT this.event_id FROM this
    WHERE EXISTS (SELECT FROM counted WHERE number = 1)
      AND (NOT %(is_limited)s OR EXISTS (SELECT FROM counted_for_network WHERE number <= %(limit)s))
), event AS (
    {append_sql(source="recorded", columns={"id": "recorded.event_id"})}
    RETURNING id
)
SELECT id FROM event
"""  # noqa: S608 - parts of our own

# One statement deletes counts and records them, so that none is lost and none is recorded twice.
_FLOOD = append_sql(
    source="flooding",
    columns={
        "ip_address": "flooding.network",
        "data": "jsonb_build_object('suppressed', flooding.suppressed)",
    },
)
_RECORD_COUNTS = f"""
WITH past AS (
    DELETE FROM security_events_minutecount WHERE (key, minute) IN (
        SELECT key, minute FROM security_events_minutecount
        WHERE minute < date_trunc('minute', %(now)s::timestamptz)
        ORDER BY minute LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    )
    RETURNING number, event_id, network
), repeated AS (
    INSERT INTO security_events_event (
        id, occurred_at, type, category, severity, outcome,
        actor_id, actor_name, actor_pseudonym, target_id, target_name,
        session_id, family_id, correlation_id, ip_address, user_agent,
        risk_score, risk_reasons, data
    )
    SELECT
        security_events_uuid7(), %(now)s::timestamptz, first.type, first.category, first.severity, first.outcome,
        first.actor_id, first.actor_name, first.actor_pseudonym, first.target_id, first.target_name,
        first.session_id, first.family_id, first.correlation_id, first.ip_address, first.user_agent,
        first.risk_score, first.risk_reasons,
        first.data || jsonb_build_object(
            'repeats', past.number - 1, 'first_event', first.id, 'since', first.occurred_at
        )
    FROM past JOIN security_events_event first ON first.id = past.event_id
    WHERE past.number > 1
    RETURNING id
), flooding AS (
    SELECT network, number - %(limit)s AS suppressed FROM past WHERE event_id IS NULL AND number > %(limit)s
), flood_event AS (
    {_FLOOD}
    RETURNING id
)
SELECT (SELECT count(*) FROM past) AS counted,
       (SELECT count(*) FROM repeated) + (SELECT count(*) FROM flood_event) AS recorded
"""  # noqa: S608 - parts of our own


class RecordedCounts(NamedTuple):
    """How many counts of minutes that are over were deleted, and how many events were recorded for them."""

    counted: int
    recorded: int


def record(
    event_type: EventType,
    *,
    actor: Subject = NO_SUBJECT,
    target: Subject = NO_SUBJECT,
    outcome: Outcome = Outcome.FAILURE,
    family_id: UUID | None = None,
    reasons: Sequence[str] = (),
    once_per_network: bool = False,
    distinguished_by: Sequence[str] = (),
    now: datetime,
    **details: Any,
) -> UUID | None:
    """Record an event unless one like it was recorded within this minute; return its id, ``None`` if it was counted.

    With ``once_per_network``, events of all addresses of one network are alike. Events that differ in
    ``distinguished_by`` are not.

    One statement, in the caller's transaction or in autocommit. ``details`` are further ones of ``recording.record``.

    Raises: UndeclaredEventType.
    """
    event = AppendedEvent(
        event_type,
        actor=actor,
        target=target,
        outcome=outcome,
        family_id=family_id,
        reasons=reasons,
        now=now,
        **details,
    )
    subjects = [actor.id or actor.name.casefold(), target.id or target.name.casefold(), str(family_id or "")]
    network = _network()
    source = network if once_per_network else event.params["event_ip_address"]
    parameters = {
        "key": _key("event", event_type.id, str(outcome), source or "", *subjects, *reasons, *distinguished_by),
        "network_key": _key("network", network or ""),
        "network": network,
        "limit": NETWORK_LIMIT,
        "is_limited": event_type.severity not in _UNLIMITED,
        **event.params,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_RECORD, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    event.announce()
    event_id: UUID
    (event_id,) = row
    return event_id


def record_counts(*, now: datetime) -> RecordedCounts:
    """Record the repeats and the suppressed refusals of all minutes that are over; return how many there were.

    A summary is a copy of the first event whose data also holds ``repeats``, ``first_event`` and ``since``. Safe to
    interrupt and to run in several processes at once.
    """
    counted = recorded = 0
    event = AppendedEvent(event_types.REFUSALS_SUPPRESSED, outcome=Outcome.FAILURE, now=now)
    parameters = {"now": now, "batch": _BATCH, "limit": NETWORK_LIMIT, **event.params}
    batch = RecordedCounts(_BATCH, 0)
    while batch.counted == _BATCH:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_RECORD_COUNTS, parameters)
            batch = RecordedCounts._make(cursor.fetchone())
        counted += batch.counted
        recorded += batch.recorded
    return RecordedCounts(counted, recorded)


def _network() -> str | None:
    address = context.current().ip_address
    return truncate_ip(address) if address else None


def _key(*parts: str) -> bytes:
    """Return 16 bytes that stand for the parts; keyed, so that they don't disclose a name or an address."""
    key = security_event_settings.PSEUDONYM_KEY.encode()
    return hmac.digest(key, "\0".join(parts).encode(errors="replace"), hashlib.sha256)[:16]
