"""Which security events become shared signals, and what these say (OpenID CAEP 1.0).

Each app declares the conversion of its own event types when it is loaded, and so can any project::

    register(event_types.PASSWORD_CHANGED, password_changed)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.encoding import force_str
from django.utils.translation import override

from security_events.catalogue import EventType
from tokens.end_reasons import InitiatingEntity

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

EventForm = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CaepEvent:
    """One signal: its type, whom it is about, who caused it, and its own claims.

    ``session_id`` is empty where the signal is about the person and not about one session. ``reason_user`` is a lazy
    translation, which receivers get in all languages; ``reason_admin`` is for their logs (CAEP, 2).
    """

    uri: str
    user_id: str
    initiating_entity: InitiatingEntity
    reason_admin: str
    reason_user: "StrOrPromise"
    session_id: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)


Converter = Callable[[EventForm], Sequence[CaepEvent]]
_converters: dict[str, Converter] = {}


def register(event_type: EventType, convert: Converter) -> None:
    """Declare that events of a type become signals. ``convert`` gets an event in its public form.

    Raises: ValueError, if the type has a converter already.
    """
    if _converters.setdefault(event_type.id, convert) is not convert:
        raise ValueError(f"Events of the type {event_type.id!r} are converted already.")


def caep_events(form: EventForm) -> Sequence[CaepEvent]:
    """Return the signals that an event becomes, in most cases none."""
    convert = _converters.get(form["type"])
    return convert(form) if convert else ()


def converted_types() -> frozenset[str]:
    """Return the ids of the event types that become signals."""
    return frozenset(_converters)


def person_of(form: EventForm) -> str:
    """Return the id of the person an event is about: its target, or its actor where it names no target."""
    return form["target_id"] or form["actor_id"] or ""


def initiator_of(form: EventForm) -> InitiatingEntity:
    """Return the initiating entity of a change that the person or an operator made.

    Operators at the command line are no actors, so an event without an actor is an operator's.
    """
    is_own = form["actor_id"] and form["actor_id"] == person_of(form)
    return InitiatingEntity.USER if is_own else InitiatingEntity.ADMIN


def event_claims(event: CaepEvent, *, occurred_at: str) -> dict[str, Any]:
    """Return the object below the URI of an event in the claim ``events``."""
    return {
        **event.claims,
        "event_timestamp": int(datetime.fromisoformat(occurred_at).timestamp()),
        "initiating_entity": str(event.initiating_entity),
        "reason_admin": {"en": event.reason_admin},
        "reason_user": dict(_in_all_languages(event.reason_user)),
    }


@lru_cache(maxsize=128)
def _in_all_languages(text: "StrOrPromise") -> tuple[tuple[str, str], ...]:
    """Return a text by language tag (RFC 5646)."""
    texts = []
    for code, _name in settings.LANGUAGES:
        with override(code):
            texts.append((code, force_str(text)))
    return tuple(texts)
