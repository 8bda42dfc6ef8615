"""Append events inside another statement, by a common table expression (CTE).

A change and its event are then one statement: one round trip, and no commit has the one without the other.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from security_events.catalogue import EventType
from security_events.event_values import announce_after_commit, event_values

# Each pair of braces becomes a bound parameter, or an expression of the statement that the event is part of.
_APPEND = """
    INSERT INTO security_events_event (
        id, occurred_at, type, category, severity, outcome,
        actor_id, actor_name, actor_pseudonym, target_id, target_name,
        session_id, family_id, correlation_id, ip_address, user_agent,
        risk_score, risk_reasons, data
    )
    SELECT
        {id}, {occurred_at}, {type}, {category}, {severity}, {outcome},
        {actor_id}, {actor_name}, {actor_pseudonym}, {target_id}, {target_name},
        {session_id}::uuid, {family_id}::uuid, {correlation_id}, {ip_address}::inet, {user_agent},
        {risk_score}, {risk_reasons}::jsonb, {data}::jsonb
"""
NO_COLUMNS: Mapping[str, str] = MappingProxyType({})
_PARAMETERS = (
    "type",
    "category",
    "severity",
    "outcome",
    "actor_id",
    "actor_name",
    "actor_pseudonym",
    "target_id",
    "target_name",
    "session_id",
    "family_id",
    "correlation_id",
    "ip_address",
    "user_agent",
    "risk_score",
    "risk_reasons",
    "data",
)


class AppendedEvent:
    """The values of an event that a statement appends by the CTE of :func:`append_sql`.

    ``details`` are those of ``recording.record``. ``params`` are to be bound together with the statement's own; their
    names begin with ``prefix``, which differs where a statement appends two kinds of events.

    ::

        _EVENT = append_sql(source="paid", columns={"target_id": "paid.id::text"})
        _PAY = f"WITH paid AS (UPDATE … RETURNING id), event AS ({_EVENT}) SELECT count(*) FROM paid"

        event = AppendedEvent(event_types.INVOICE_PAID, now=now)
        cursor.execute(_PAY, {**event.params, …})
        event.announce()

    Raises: UndeclaredEventType.
    """

    def __init__(self, event_type: EventType, *, prefix: str = "event_", **details: Any) -> None:
        self._values = event_values(event_type, **details)
        self.params = {f"{prefix}{name}": value for name, value in self._values.items()}

    def announce(self, **known: Any) -> None:
        """Count and log the event after the commit; ``known`` are the values that the statement returned."""
        announce_after_commit({**self._values, **known})


def append_sql(*, source: str = "", columns: Mapping[str, str] = NO_COLUMNS, prefix: str = "event_") -> str:
    """Return the statement that appends one event, or one for each row of ``source``: a constant of the calling module.

    ``source`` names an earlier CTE of the same statement. ``columns`` maps columns of the event to SQL expressions over
    ``source``, for what only the statement knows; all others are bound parameters, whose names begin with ``prefix``.
    Values never become part of the text, so that a connection can prepare the whole statement once.

    For the same arguments always the same text.
    """
    now = f"%({prefix}now)s::timestamptz"
    expressions = {
        "id": "security_events_uuid7()",
        "occurred_at": f"COALESCE({now}, statement_timestamp())",
        **{name: f"%({prefix}{name})s" for name in _PARAMETERS},
        **columns,
    }
    return _APPEND.format(**expressions) + (f"    FROM {source}\n" if source else "")
