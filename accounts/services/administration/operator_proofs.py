"""Confirm an address, send a link to a new password, and demand a new password, on behalf of an operator."""

from datetime import datetime

from django.contrib.auth.hashers import is_password_usable
from django.db.models import F

from accounts import operator_event_types as event_types
from accounts.end_reasons import PASSWORD_RESET_REQUIRED
from accounts.models import SignInChallenge, User
from accounts.services.administration import authorization, operator_notices
from accounts.services.administration.operator_notices import operator_subject
from accounts.services.mailing.mail_queue import MailKind
from security_events.services import recording
from tokens.services import revocation
from tokens.users import subject_of


def confirm_email(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Store that the address of an account is its owner's; ``False`` when that is known, or the account is closed.

    Nothing is removed from the account: the operator vouches that its holder owns the address. If that is an error,
    the owner of the address takes the account back by the link of the notice (OWASP ASVS 5.0, 6.3.7).

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount.
    """
    with authorization.authorize(actor=by, target=user, action="users:change", on_others=True) as accounts:
        target = accounts.target
        if target.email_confirmed_at is not None or target.is_email_held or not is_open(target):
            return False
        User.objects.filter(pk=user.pk).update(email_confirmed_at=now, version=F("version") + 1, updated_at=now)
        recording.record(
            event_types.EMAIL_CONFIRMED_BY_OPERATOR,
            actor=operator_subject(by),
            target=subject_of(user),
            data={"note": reason},
            now=now,
        )
        operator_notices.notify(user=user, kind=MailKind.EMAIL_CONFIRMED_BY_OPERATOR, now=now)
    return True


def send_reset(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Mail a person a link to a new password; ``False`` when the account is closed or its address is on hold.

    Present passwords and sessions stay until the link is used.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="users:change") as accounts:
        if not is_open(accounts.target) or accounts.target.is_email_held:
            return False
        recording.record(
            event_types.PASSWORD_RESET_SENT,
            actor=operator_subject(by),
            target=subject_of(user),
            data={"note": reason},
            now=now,
        )
        operator_notices.notify(user=user, kind=MailKind.RESET_BY_OPERATOR, now=now)
    return True


def require_password_reset(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Demand a new password: the present one opens no session any more, and all sessions end.

    ``False`` when it is demanded already, or the account has no password or is deleted. Passkeys and providers still
    open sessions, because they don't depend on the password. Any new password ends the demand.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="users:change") as accounts:
        target = accounts.target
        has_password = is_password_usable(target.password)
        if target.is_password_reset_required or target.deleted_at is not None or not has_password:
            return False
        User.objects.filter(pk=user.pk).update(
            is_password_reset_required=True, version=F("version") + 1, updated_at=now
        )
        ended = revocation.end_sessions(
            user_id=user.pk, reason=PASSWORD_RESET_REQUIRED, actor=operator_subject(by), note=reason, now=now
        )
        SignInChallenge.objects.filter(user_id=user.pk).delete()
        recording.record(
            event_types.PASSWORD_RESET_REQUIRED,
            actor=operator_subject(by),
            target=subject_of(user),
            data={"note": reason, "ended_sessions": ended},
            now=now,
        )
        operator_notices.notify(user=user, kind=MailKind.PASSWORD_RESET_REQUIRED, now=now)
    return True


def is_open(user: User) -> bool:
    """Return whether an account is active and not deleted."""
    return user.is_active and user.deleted_at is None
