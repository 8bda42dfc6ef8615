"""The values of one event as its columns store them: masked, cut to length and storable by PostgreSQL."""

import hashlib
import hmac
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from security_events import context, measures
from security_events.catalogue import EventType, is_declared
from security_events.conf import security_event_settings
from security_events.errors import UndeclaredEventData, UndeclaredEventType
from security_events.masking import mask_mapping, mask_name, mask_names, mask_text, truncate_ip
from security_events.signals import event_committed
from security_events.types import NO_SUBJECT, Outcome, Subject

log = structlog.get_logger("cedrina.security")

_NAME_LENGTH = 254
_ID_LENGTH = 64
_USER_AGENT_LENGTH = 512
_CORRELATION_ID_LENGTH = 64
_MAX_CACHED_LENGTH = 256  # longer user agents are not cached: clients could fill the memory with them
_UNLOGGED = frozenset({"now", "correlation_id", "category"})  # the log line has its own time and correlation id
_NOTE = "note"
_EMPTY = (None, "", "{}", "[]")


def event_values(
    event_type: EventType,
    *,
    actor: Subject = NO_SUBJECT,
    target: Subject = NO_SUBJECT,
    outcome: Outcome = Outcome.SUCCESS,
    session_id: UUID | None = None,
    family_id: UUID | None = None,
    risk_score: int | None = None,
    reasons: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Return the values to bind, by the names of their columns; ``now`` is the moment of the event.

    Names and ``data`` are masked, and the names of actor and target also in the user agent and in ``note``, which holds
    free text of operators. The request's address, user agent and correlation id come from the context.
    ``risk_score`` is kept between 0 and 100; without one the type's base risk is stored.

    Raises: UndeclaredEventType.
    """
    if not is_declared(event_type):
        raise UndeclaredEventType(str(event_type))
    _warn_of_undeclared(event_type, data or {})
    request = context.current()
    names = _names_of(actor, target)
    return {
        "now": now,
        "type": event_type.id,
        "category": str(event_type.category),
        "severity": str(event_type.severity),
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
        "user_agent": _client_agent(request.user_agent, names),
        "risk_score": event_type.base_risk if risk_score is None else max(0, min(100, risk_score)),
        "risk_reasons": storable_json(list(reasons)) if reasons else "[]",
        "data": storable_json(_masked_data(data, names)) if data else "{}",
    }


def stored_client(*subjects: Subject) -> tuple[str | None, str]:
    """Return the address and the user agent of the current request, as an event about these subjects has them."""
    request = context.current()
    return _stored_address(request.ip_address), _client_agent(request.user_agent, _names_of(*subjects))


def announce_after_commit(values: Mapping[str, Any]) -> None:
    """Count an event, say that there is one and log it, once its transaction has committed; at once in autocommit."""
    transaction.on_commit(partial(_announce, values), robust=True)


def pseudonym(name: str) -> str:
    """Return a keyed digest of a name, 32 hexadecimal digits, the same for upper and lower case.

    It stands in events about names that no account has, so that attempts on one name can be found together.
    """
    key = security_event_settings.PSEUDONYM_KEY.encode()
    return hmac.new(key, name.lower().encode(errors="replace"), hashlib.sha256).hexdigest()[:32]


def _names_of(*subjects: Subject) -> set[str]:
    names = {subject.name for subject in subjects}
    for subject in subjects:
        if subject.full_name:
            names |= {subject.full_name, *subject.full_name.split()}
    return names


def _masked_data(data: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    masked = mask_mapping(data)
    if isinstance(note := masked.get(_NOTE), str):
        masked[_NOTE] = mask_names(note, names)
    return masked


def _warn_of_undeclared(event_type: EventType, data: Mapping[str, Any]) -> None:
    undeclared = data.keys() - event_type.data
    if undeclared:
        warnings.warn(f"{event_type} declares no data {sorted(map(str, undeclared))}.", UndeclaredEventData, 4)


def _stored_text(text: str, length: int) -> str:
    return _storable_text(text)[:length] if text else text


def _storable_text(text: str) -> str:
    # PostgreSQL stores no NUL character, and UTF-8 encodes no lone surrogate.
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode(errors="replace").decode()


def storable_json(value: Any) -> str:
    """Return the JSON text of a value as a column of PostgreSQL can store it."""
    return _ENCODER.encode(_storable(value))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value


def _masked_text(value: object) -> str:
    # JSON has no ids, dates and other objects: their text is stored. Masking has not seen it, since it was no text.
    return _storable_text(mask_text(str(value)))


_ENCODER = json.JSONEncoder(default=_masked_text)


def _stored_user_agent(text: str) -> str:
    return (_masked_user_agent if len(text) <= _MAX_CACHED_LENGTH else _masked_user_agent.__wrapped__)(text)


@lru_cache(maxsize=512)
def _masked_user_agent(text: str) -> str:
    return _stored_text(mask_text(text), _USER_AGENT_LENGTH)


def _client_agent(text: str, names: set[str]) -> str:
    return mask_names(_stored_user_agent(text), names)


def _stored_address(address: str | None) -> str | None:
    if address is None:
        return None
    return truncate_ip(address) if security_event_settings.TRUNCATE_IP_ADDRESSES else address


def _announce(values: Mapping[str, Any]) -> None:
    measures.EVENTS.count(values["type"], values["severity"])
    event_committed.send_robust(None)
    # Loggers of the standard library can say that nobody reads this level; building a line takes 50 µs.
    is_enabled_for = getattr(log, "isEnabledFor", None)
    if is_enabled_for is not None and not is_enabled_for(logging.INFO):
        return
    log.info(
        "security_event",
        **{name: str(value) for name, value in values.items() if name not in _UNLOGGED and value not in _EMPTY},
    )
