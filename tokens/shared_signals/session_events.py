"""The signals of sessions: their end, and a second factor that is shown in one."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from security_events.selectors.events import events_where
from tokens import end_reasons, event_types
from tokens.end_reasons import InitiatingEntity
from tokens.shared_signals import event_uris
from tokens.shared_signals.caep_events import CaepEvent, EventForm, initiator_of, person_of, register

_MULTI_FACTOR = "mfa"  # RFC 8176, 2
_MOST_EVENTS = 500  # of one session, when looking for an earlier second factor


def session_end(form: EventForm) -> Sequence[CaepEvent]:
    """Convert the end of a session. Its reason says who caused it.

    The reason of an app that was removed is not declared any more; the session has ended nevertheless.
    """
    code = form["data"].get("reason") or ""
    reason = end_reasons.find(code)
    entity = reason.initiated_by if reason else InitiatingEntity.SYSTEM
    return [
        CaepEvent(
            event_uris.SESSION_REVOKED,
            person_of(form),
            entity,
            reason_admin=end_reasons.in_english(reason) if reason else f"session ended ({code or 'no reason'})",
            reason_user=reason.message if reason else _("Your session was ended."),
            session_id=form["session_id"] or "",
        )
    ]


def token_reuse(form: EventForm) -> Sequence[CaepEvent]:
    """Convert the detection of a stolen refresh token, unless its session had ended before."""
    is_end = form["data"].get("reason") == end_reasons.REUSE_DETECTED.code
    return session_end(form) if is_end else ()


def assurance_raised(form: EventForm, *, enrolled_by: str = "") -> Sequence[CaepEvent]:
    """Convert an event by which a session has a second factor for the first time (NIST SP 800-63B, 2).

    That is one whose ``amr`` names several factors, or one of the type ``enrolled_by``, which adds a factor in the
    session. ``previous_level`` is missing where the trail does not reach back to the beginning of the session.
    """
    session_id = form["session_id"]
    if not session_id or not _has_second_factor(form["type"], form["data"], enrolled_by):
        return ()
    before = events_where(condition=Q(session_id=session_id), before=form["id"], limit=_MOST_EVENTS)
    if any(_has_second_factor(event.type, event.data, enrolled_by) for event in before):
        return ()
    claims = {"namespace": "NIST-AAL", "current_level": "nist-aal2"}
    if any(event.type == event_types.SESSION_CREATED.id for event in before):
        claims |= {"previous_level": "nist-aal1", "change_direction": "increase"}
    return [
        CaepEvent(
            event_uris.ASSURANCE_LEVEL_CHANGE,
            person_of(form),
            initiator_of(form),
            reason_admin="second factor shown in a session that had none",
            reason_user=_("You confirmed your sign-in with a second factor."),
            session_id=session_id,
            claims=claims,
        )
    ]


def _has_second_factor(event_type: str, data: Mapping[str, Any], enrolled_by: str) -> bool:
    return event_type == enrolled_by or _MULTI_FACTOR in data.get("amr", ())


register(event_types.SESSION_REVOKED, session_end)
register(event_types.SESSION_EVICTED, session_end)
register(event_types.TOKEN_REUSE_DETECTED, token_reuse)
