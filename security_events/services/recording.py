"""Append one event, in the transaction that made it true."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from cedrina_base.prepared_statements import prepared_cursor
from security_events import context as request_context
from security_events.catalogue import CATALOGUE, EventType, Outcome
from security_events.conf import security_event_settings
from security_events.errors import UndeclaredEventType
from security_events.masking import mask_mapping, mask_name, mask_text, truncate_ip
from security_events.types import Subject

log = structlog.get_logger("cedrina.security")

TABLE = "security_events_event"
NOBODY = Subject()
_NAME_LENGTH = 254
_ID_LENGTH = 64
_USER_AGENT_LENGTH = 512
_CORRELATION_ID_LENGTH = 64

# Column: the SQL that takes its value from the bound parameter of the same name.
COLUMNS = {
    "id": "security_events_uuid7()",
    "occurred_at": "COALESCE({now}::timestamptz, statement_timestamp())",
    "type": "{type}",
    "category": "{category}",
    "severity": "{severity}",
    "outcome": "{outcome}",
    "actor_id": "{actor_id}",
    "actor_name": "{actor_name}",
    "actor_pseudonym": "{actor_pseudonym}",
    "target_id": "{target_id}",
    "target_name": "{target_name}",
    "session_id": "{session_id}::uuid",
    "family_id": "{family_id}::uuid",
    "correlation_id": "{correlation_id}",
    "ip_address": "{ip_address}::inet",
    "user_agent": "{user_agent}",
    "risk_score": "{risk_score}",
    "risk_reasons": "{risk_reasons}::jsonb",
    "data": "{data}::jsonb",
}


def record(
    event_type: EventType,
    *,
    actor: Subject = NOBODY,
    target: Subject = NOBODY,
    outcome: Outcome = Outcome.SUCCESS,
    session_id: UUID | None = None,
    family_id: UUID | None = None,
    risk_score: int | None = None,
    reasons: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> UUID:
    """Append one event and return its id.

    It joins the caller's transaction, so that there is neither a change without its event nor an event of a change
    that was rolled back. Names are stored masked, secrets not at all. ``now`` is the database's clock when left out.

    Raises: UndeclaredEventType.
    """
    values = _values(
        event_type,
        actor=actor,
        target=target,
        outcome=outcome,
        session_id=session_id,
        family_id=family_id,
        risk_score=risk_score,
        reasons=reasons,
        data=data,
        now=now,
    )
    sql = f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) SELECT {_expressions({}, 'event_')} RETURNING id"
    with prepared_cursor() as cursor:
        cursor.execute(sql, {f"event_{name}": value for name, value in values.items()})
        event_id: UUID = cursor.fetchone()[0]
    transaction.on_commit(partial(_announce, values), robust=True)
    return event_id


class Rider:
    """An event that rides in somebody else's statement, as a common table expression.

    ``sql`` appends one event for each row of ``source``, a CTE named earlier in the statement; ``columns`` gives the
    SQL of what is only known there. ``params`` are to be bound with the statement's own, all prefixed. A statement
    and its event are so one round trip and one commit.
    """

    def __init__(
        self,
        event_type: EventType,
        *,
        source: str,
        columns: Mapping[str, str],
        prefix: str = "event_",
        **details: Any,
    ) -> None:
        self._values = _values(event_type, **details)
        # Constant SQL of our own: nothing of the caller's values stands in it.
        self.sql = (
            f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) "  # noqa: S608
            f"SELECT {_expressions(columns, prefix)} FROM {source}"
        )
        self.params = {f"{prefix}{name}": value for name, value in self._values.items()}

    def announce(self, **known: Any) -> None:
        """Log the event once the transaction has committed; ``known`` are the columns learnt from the statement."""
        transaction.on_commit(partial(_announce, {**self._values, **known}), robust=True)


def _expressions(columns: Mapping[str, str], prefix: str) -> str:
    def bound(sql: str) -> str:
        return sql.replace("{", f"%({prefix}").replace("}", ")s")

    return ", ".join(columns.get(name) or bound(sql) for name, sql in COLUMNS.items())


def _values(
    event_type: EventType,
    *,
    actor: Subject = NOBODY,
    target: Subject = NOBODY,
    outcome: Outcome = Outcome.SUCCESS,
    session_id: UUID | None = None,
    family_id: UUID | None = None,
    risk_score: int | None = None,
    reasons: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    definition = CATALOGUE.get(event_type)
    if definition is None:
        raise UndeclaredEventType(str(event_type))
    request = request_context.current()
    return {
        "now": now,
        "type": str(event_type),
        "category": str(definition.category),
        "severity": str(definition.severity),
        "outcome": str(outcome),
        "actor_id": _stored_text(actor.id, _ID_LENGTH),
        "actor_name": _stored_text(mask_name(actor.name), _NAME_LENGTH),
        "actor_pseudonym": "" if actor.id or not actor.name else pseudonym(actor.name),
        "target_id": _stored_text(target.id, _ID_LENGTH),
        "target_name": _stored_text(mask_name(target.name), _NAME_LENGTH),
        "session_id": session_id,
        "family_id": family_id,
        "correlation_id": _stored_text(request.correlation_id, _CORRELATION_ID_LENGTH),
        "ip_address": _stored_address(request.ip_address),
        "user_agent": _stored_text(mask_text(request.user_agent), _USER_AGENT_LENGTH),
        "risk_score": definition.base_risk if risk_score is None else max(0, min(100, risk_score)),
        "risk_reasons": _stored_json(list(reasons)),
        "data": _stored_json(mask_mapping(data)) if data else "{}",
    }


def pseudonym(name: str) -> str:
    """Return a keyed digest of a name nobody here is known by, so that attempts on it still correlate."""
    key = security_event_settings.PSEUDONYM_KEY.encode()
    return hmac.new(key, name.lower().encode(errors="replace"), hashlib.sha256).hexdigest()[:32]


def _stored_text(text: str, length: int) -> str:
    return _storable_text(text)[:length]


def _storable_text(text: str) -> str:
    # PostgreSQL can't store NUL, nor UTF-8 a lone surrogate.
    return text.replace("\0", "").encode(errors="replace").decode()


def _stored_json(value: Any) -> str:
    return json.dumps(_storable(value), default=_masked_text)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value


def _masked_text(value: object) -> str:
    # Ids, moments, and whatever else shows what it holds only as text.
    return _storable_text(mask_text(str(value)))


def _stored_address(address: str | None) -> str | None:
    if address is None:
        return None
    return truncate_ip(address) if security_event_settings.TRUNCATE_IP_ADDRESSES else address


def _announce(values: Mapping[str, Any]) -> None:
    log.info(
        "security_event",
        **{name: str(value) for name, value in values.items() if name not in _UNLOGGED and value not in _EMPTY},
    )


_UNLOGGED = frozenset({"now", "correlation_id", "category"})  # the log line has its own time and correlation id
_EMPTY = (None, "", "{}", "[]")
