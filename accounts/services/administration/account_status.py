"""Deactivate, activate and unlock accounts, and end sessions, on behalf of an operator.

``by`` is ``None`` at the command line.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import F

from accounts import event_types
from accounts.end_reasons import ACCOUNT_DEACTIVATED
from accounts.models import User
from accounts.services.administration import authorization
from accounts.services.passwords import attempts
from security_events.services import recording
from security_events.types import NO_SUBJECT, Subject
from tokens.end_reasons import ADMINISTRATOR
from tokens.services import revocation
from tokens.users import subject_of


def deactivate(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Close an account to sign-ins and end its sessions; ``False`` when it was inactive already.

    Raises: NotAllowed, InsufficientPrivileges, LastAdministrator.
    """
    with authorization.authorize(actor=by, target=user, action="users:change", removes_access=True):
        if not _set_active(user=user, is_active=False, now=now):
            return False
        ended = revocation.end_sessions(
            user_id=user.pk, reason=ACCOUNT_DEACTIVATED, actor=_subject(by), note=reason, now=now
        )
        recording.record(
            event_types.ACCOUNT_DEACTIVATED,
            actor=_subject(by),
            target=subject_of(user),
            data={"note": reason, "ended_sessions": ended},
            now=now,
        )
    return True


def activate(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Open an account to sign-ins again; ``False`` when it was active already.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="users:change"):
        if not _set_active(user=user, is_active=True, now=now):
            return False
        recording.record(
            event_types.ACCOUNT_ACTIVATED, actor=_subject(by), target=subject_of(user), data={"note": reason}, now=now
        )
    return True


def unlock(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Open an account to sign-ins: activate it and reset its counters of failed sign-ins; ``False`` if both were so.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="users:change"):
        is_activated = activate(user=user, by=by, reason=reason, now=now)
        return attempts.unlock(user=user, by=by, reason=reason, now=now) > 0 or is_activated


def end_sessions(*, user: User, by: User | None, reason: str, now: datetime) -> int:
    """End all sessions of a user; return how many there were.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="sessions:end"):
        return revocation.end_sessions(user_id=user.pk, reason=ADMINISTRATOR, actor=_subject(by), note=reason, now=now)


def end_session(*, session_id: UUID, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """End one session of a user; ``False`` when it had ended already.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="sessions:end"):
        return revocation.end_session(
            session_id=session_id, user_id=user.pk, reason=ADMINISTRATOR, actor=_subject(by), note=reason, now=now
        )


def _set_active(*, user: User, is_active: bool, now: datetime) -> bool:
    changed = User.objects.filter(pk=user.pk, is_active=not is_active).update(
        is_active=is_active, version=F("version") + 1, updated_at=now
    )
    return changed == 1


def _subject(by: User | None) -> Subject:
    return subject_of(by) if by else NO_SUBJECT
