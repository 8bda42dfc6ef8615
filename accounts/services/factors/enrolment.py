"""What adding and removing a second factor have in common, whatever its kind."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from accounts import event_types
from accounts.errors import NotFound
from accounts.factors import enrolled, recovery_codes, removal
from accounts.models import User
from accounts.services.mailing import mail_queue
from accounts.types import Factor
from security_events.catalogue import EventType
from security_events.services import recording
from tokens.services import sessions
from tokens.users import subject_of


def lock(*, user: User) -> None:
    """Let one transaction at a time change somebody's factors, so that which is the first or the last is certain.

    Raises: NotThere, when the account is gone or closed.
    """
    rows = User.objects.present().filter(pk=user.pk, is_active=True).select_for_update(no_key=True).only("pk")
    if rows.first() is None:
        raise NotFound


def added(
    *,
    user: User,
    factor: Factor,
    session_id: UUID,
    amr: Sequence[str],
    key_id: UUID | None = None,
    now: datetime | None = None,
) -> list[str] | None:
    """Note in the caller's transaction that somebody has one more factor.

    The first one brings recovery codes, which are returned to be shown once. Adding a factor took showing it, by the
    methods ``amr``, so that the session counts as one with a second factor from now on.

    Raises: SessionRevoked of ``tokens``.
    """
    at = now or timezone.now()
    codes = None if recovery_codes.left(user_id=user.pk) else recovery_codes.make(user=user, at=at)
    _mark(user=user, at=at)
    _note(event_types.MFA_FACTOR_ADDED, user=user, factor=factor, key_id=key_id, session_id=session_id, now=now)
    sessions.record_reauthentication(session_id=session_id, amr=amr, now=now or timezone.now())
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.Kind.FACTOR_ADDED, details={"factor": factor}, now=now)
    return codes


def removed(
    *, user: User, factor: Factor, session_id: UUID, key_id: UUID | None = None, now: datetime | None = None
) -> None:
    """Note in the caller's transaction that somebody has one factor less; recovery codes go with the last one."""
    if not enrolled.has_any(user.pk):
        recovery_codes.remove(user_id=user.pk)
    _mark(user=user, at=now or timezone.now())
    _note(event_types.MFA_FACTOR_REMOVED, user=user, factor=factor, key_id=key_id, session_id=session_id, now=now)
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.Kind.FACTOR_REMOVED, details={"factor": factor}, now=now)


def take_away(*, user: User, reason: str, since: datetime | None = None, now: datetime | None = None) -> int:
    """Take all factors away from an account that changes hands, or those added since then; return how many.

    In the caller's transaction, which has the person's row locked and counts the change in their version.
    """
    gone = removal.remove(user_id=user.pk, since=since)
    User.objects.filter(pk=user.pk).update(is_mfa_enabled=enrolled.has_any(user.pk))
    for factor in gone:
        _note(
            event_types.MFA_FACTOR_REMOVED,
            user=user,
            factor=Factor(factor.type),
            key_id=factor.id if factor.type == Factor.WEBAUTHN else None,
            reasons=[reason],
            now=now,
        )
    return len(gone)


def _mark(*, user: User, at: datetime) -> None:
    User.objects.filter(pk=user.pk).update(
        is_mfa_enabled=enrolled.has_any(user.pk), version=F("version") + 1, updated_at=at
    )


def _note(
    event: EventType,
    *,
    user: User,
    factor: Factor,
    key_id: UUID | None,
    session_id: UUID | None = None,
    reasons: Sequence[str] = (),
    now: datetime | None,
) -> None:
    # Not what its owner calls a key: events outlive people, and cannot be changed.
    key = {"key_id": key_id} if key_id else {}
    recording.record(
        event,
        actor=subject_of(user),
        target=subject_of(user),
        session_id=session_id,
        reasons=reasons,
        data={"factor": factor, **key},
        now=now,
    )
