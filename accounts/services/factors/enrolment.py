"""What follows when a second factor is added or removed, whatever its kind: events, mails, recovery codes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F

from accounts import event_types
from accounts.errors import NotFound
from accounts.factors import enrolled, recovery_codes, removal
from accounts.models import ResetOutcome, User
from accounts.services.factors import reset_endings
from accounts.services.mailing import mail_queue
from accounts.types import FactorMethod
from security_events.catalogue import EventType
from security_events.services import recording
from tokens.services import sessions
from tokens.users import subject_of


def lock_user(*, user: User) -> None:
    """Lock the user's row, so that simultaneous changes agree on which factor is the first or the last.

    Raises: NotFound, when the account is deleted or disabled.
    """
    rows = User.objects.present().filter(pk=user.pk, is_active=True).select_for_update(no_key=True).only("pk")
    if rows.first() is None:
        raise NotFound


def record_added(
    *,
    user: User,
    method: FactorMethod,
    session_id: UUID,
    amr: Sequence[str],
    now: datetime,
    key_id: UUID | None = None,
) -> list[str] | None:
    """Record in the caller's transaction that a user has added a factor; return new recovery codes, if any.

    The first factor brings recovery codes, to be shown once. The user has proved the factor by the methods ``amr``, so
    that the session counts as one with a second factor from now on.

    Raises: SessionRevoked of ``tokens``.
    """
    has_codes = recovery_codes.count_unused(user_id=user.pk) > 0
    codes = None if has_codes else recovery_codes.generate(user=user, now=now)
    _update_user(user=user, now=now)
    _record(event_types.MFA_FACTOR_ADDED, user=user, method=method, key_id=key_id, session_id=session_id, now=now)
    sessions.record_reauthentication(session_id=session_id, amr=amr, now=now)
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.FACTOR_ADDED, details={"factor": method}, now=now)
    return codes


def record_removed(
    *, user: User, method: FactorMethod, session_id: UUID, now: datetime, key_id: UUID | None = None
) -> None:
    """Record in the caller's transaction that a user has removed a factor; recovery codes go with the last one."""
    if not enrolled.has_any(user.pk):
        removal.remove_substitutes(user_id=user.pk)
    _update_user(user=user, now=now)
    _record(event_types.MFA_FACTOR_REMOVED, user=user, method=method, key_id=key_id, session_id=session_id, now=now)
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.FACTOR_REMOVED, details={"factor": method}, now=now)


def remove_factors(*, user: User, reason: str, since: datetime | None = None, now: datetime) -> int:
    """Remove all factors of an account that changes hands, or those added at ``since`` or later; return how many.

    Call it in a transaction that has locked the user's row and increments its version.
    """
    reset_endings.cancel(user=user, outcome=ResetOutcome.FACTORS_CHANGED, now=now)
    removed = removal.remove_factors(user_id=user.pk, since=since)
    User.objects.filter(pk=user.pk).update(is_mfa_enabled=enrolled.has_any(user.pk))
    for factor in removed:
        _record(
            event_types.MFA_FACTOR_REMOVED,
            user=user,
            method=FactorMethod(factor.type),
            key_id=factor.id if factor.type == FactorMethod.WEBAUTHN else None,
            reasons=[reason],
            now=now,
        )
    return len(removed)


def _update_user(*, user: User, now: datetime) -> None:
    reset_endings.cancel(user=user, outcome=ResetOutcome.FACTORS_CHANGED, now=now)
    User.objects.filter(pk=user.pk).update(
        is_mfa_enabled=enrolled.has_any(user.pk), version=F("version") + 1, updated_at=now
    )


def _record(
    event: EventType,
    *,
    user: User,
    method: FactorMethod,
    now: datetime,
    key_id: UUID | None,
    session_id: UUID | None = None,
    reasons: Sequence[str] = (),
) -> None:
    # Without the owner's name for a key: events are kept after the user is deleted, and can't be changed.
    key = {"key_id": key_id} if key_id else {}
    recording.record(
        event,
        actor=subject_of(user),
        target=subject_of(user),
        session_id=session_id,
        reasons=reasons,
        data={"factor": method, **key},
        now=now,
    )
