"""What a person is told at once about their account, by open sockets. It is less than the list of their activity."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from accounts import event_types
from accounts.services.profile.activity import VISIBLE_DETAILS
from security_events import event_types as detection
from security_events.geoip import place_name
from tokens import devices, end_reasons
from tokens import event_types as tokens
from tokens.models import Session, SessionKind

SESSION_CREATED, SESSION_REVOKED, PASSWORD_CHANGED = "session.created", "session.revoked", "password.changed"
RISK_NOTICE = "risk.notice"

# The type of the notice for each type of event.
NOTICES: Mapping[str, str] = MappingProxyType(
    {
        event_type.id: notice or event_type.id
        for event_type, notice in (
            (tokens.SESSION_CREATED, SESSION_CREATED),
            (tokens.SESSION_REVOKED, SESSION_REVOKED),
            (tokens.SESSION_EVICTED, SESSION_REVOKED),
            (tokens.TOKEN_REUSE_DETECTED, SESSION_REVOKED),
            (event_types.PASSWORD_CHANGED, PASSWORD_CHANGED),
            (event_types.PASSWORD_RESET, PASSWORD_CHANGED),
            (event_types.EMAIL_CHANGED, ""),
            (event_types.EMAIL_CHANGE_REQUESTED, ""),
            (event_types.EMAIL_RESTORED, ""),
            (event_types.MFA_FACTOR_ADDED, ""),
            (event_types.MFA_FACTOR_REMOVED, ""),
            (event_types.MFA_RECOVERY_CODES_MADE, ""),
            (event_types.MFA_RECOVERY_CODE_USED, ""),
            (event_types.MFA_RESET_REQUESTED, ""),
            (event_types.MFA_RESET_CARRIED_OUT, ""),
            (event_types.SOCIAL_ACCOUNT_LINKED, ""),
            (event_types.SOCIAL_ACCOUNT_UNLINKED, ""),
            (event_types.SOCIAL_ACCOUNT_PREEMPTED, ""),
            (detection.RESPONSE_STARTED, RISK_NOTICE),
        )
    }
)
_SESSION_NOTICES = frozenset({SESSION_CREATED, SESSION_REVOKED})


@dataclass(frozen=True, slots=True)
class NoticedSession:
    """A session that was opened or ended, by its id, and what its person knows it by."""

    id: UUID
    is_current: bool
    device: str
    ip_address: str | None
    location: str | None


@dataclass(frozen=True, slots=True)
class AccountNotice:
    """What happened. ``details`` are those of the list of activity; a risk names no rule and no score."""

    id: str
    type: str
    occurred_at: str
    session: NoticedSession | None
    details: Mapping[str, Any]


def notice_of(form: Mapping[str, Any], *, subject: str, current_session: UUID | None) -> AccountNotice | None:
    """Return what a person is told of an event, given its public form; ``None`` for nothing.

    This reads the session of an event that ended one. Names of devices are in the active language.
    """
    notice = NOTICES.get(form["type"])
    if notice is None or not _is_about(form, subject) or (notice == SESSION_REVOKED and not _is_end(form)):
        return None
    session = None
    if notice in _SESSION_NOTICES and form["session_id"]:
        session = _session(UUID(form["session_id"]), current_session)
    details = {name: value for name, value in form["data"].items() if name in VISIBLE_DETAILS}
    if notice == RISK_NOTICE:
        details = {"response": form["data"].get("kind"), "ends_at": form["data"].get("ends_at")}
    return AccountNotice(form["id"], notice, form["occurred_at"], session, details)


def _is_about(form: Mapping[str, Any], subject: str) -> bool:
    """Return whether an event is about the account of a person, not only by them."""
    return bool(subject == (form["target_id"] or form["actor_id"]))


def _is_end(form: Mapping[str, Any]) -> bool:
    """Return whether an event ended a session: a superseded token may also come back after the end."""
    is_reuse = form["type"] == tokens.TOKEN_REUSE_DETECTED.id
    return not is_reuse or form["data"].get("reason") == end_reasons.REUSE_DETECTED.code


def _session(session_id: UUID, current: UUID | None) -> NoticedSession | None:
    row = Session.objects.filter(pk=session_id).only("ip_address", "user_agent", "kind").first()
    if row is None:
        return None
    return NoticedSession(
        id=row.pk,
        is_current=row.pk == current,
        device=devices.device_name(row.user_agent, is_admin=row.kind == SessionKind.ADMIN),
        ip_address=row.ip_address,
        location=place_name(row.ip_address),
    )
