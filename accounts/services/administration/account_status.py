"""Deactivate, activate and unlock accounts, and end sessions, on behalf of an operator.

``by`` is ``None`` at the command line.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import F

from accounts import event_types
from accounts.end_reasons import ACCOUNT_DEACTIVATED
from accounts.models import User
from accounts.services.administration import authorization, operator_notices
from accounts.services.administration.operator_notices import operator_subject
from accounts.services.mailing.mail_queue import MailKind
from accounts.services.passwords import attempts
from security_events.services import recording
from tokens.end_reasons import ADMINISTRATOR
from tokens.services import revocation
from tokens.users import subject_of


def deactivate(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Close an account to sign-ins and end its sessions; ``False`` when it was inactive already.

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount, LastAdministrator.
    """
    with authorization.authorize(actor=by, target=user, action="users:change", removes_access=True, on_others=True):
        if not _set_active(user=user, is_active=False, now=now):
            return False
        ended = revocation.end_sessions(
            user_id=user.pk, reason=ACCOUNT_DEACTIVATED, actor=operator_subject(by), note=reason, now=now
        )
        recording.record(
            event_types.ACCOUNT_DEACTIVATED,
            actor=operator_subject(by),
            target=subject_of(user),
            data={"note": reason, "ended_sessions": ended},
            now=now,
        )
        operator_notices.notify(user=user, kind=MailKind.ACCOUNT_LOCKED, now=now)
    return True


def activate(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Open an account to sign-ins again; ``False`` when it was active already.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="users:change"):
        if not _set_active(user=user, is_active=True, now=now):
            return False
        recording.record(
            event_types.ACCOUNT_ACTIVATED,
            actor=operator_subject(by),
            target=subject_of(user),
            data={"note": reason},
            now=now,
        )
        operator_notices.notify(user=user, kind=MailKind.ACCOUNT_UNLOCKED, now=now)
    return True


def unlock(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Open an account to sign-ins: activate it and reset its counters of failed sign-ins; ``False`` if both were so.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="users:change"):
        is_activated = activate(user=user, by=by, reason=reason, now=now)
        is_unlocked = attempts.unlock(user=user, by=by, reason=reason, now=now) > 0
        if is_unlocked and not is_activated:
            operator_notices.notify(user=user, kind=MailKind.ACCOUNT_UNLOCKED, now=now)
    return is_activated or is_unlocked


def end_sessions(*, user: User, by: User | None, reason: str, now: datetime) -> int:
    """End all sessions of a user; return how many there were.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="sessions:end"):
        ended = revocation.end_sessions(
            user_id=user.pk, reason=ADMINISTRATOR, actor=operator_subject(by), note=reason, now=now
        )
        if ended:
            operator_notices.notify(user=user, kind=MailKind.SESSIONS_ENDED_BY_OPERATOR, now=now)
    return ended


def end_session(*, session_id: UUID, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """End one session of a user; ``False`` when it had ended already.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="sessions:end"):
        is_ended = revocation.end_session(
            session_id=session_id,
            user_id=user.pk,
            reason=ADMINISTRATOR,
            actor=operator_subject(by),
            note=reason,
            now=now,
        )
        if is_ended:
            operator_notices.notify(user=user, kind=MailKind.SESSIONS_ENDED_BY_OPERATOR, now=now)
    return is_ended


def _set_active(*, user: User, is_active: bool, now: datetime) -> bool:
    changed = User.objects.filter(pk=user.pk, is_active=not is_active).update(
        is_active=is_active, version=F("version") + 1, updated_at=now
    )
    return changed == 1
