"""Delete accounts: closed at once, erased when the time in which they can be restored is over."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import is_password_usable
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from accounts import event_types, selectors
from accounts.conf import account_settings
from accounts.end_reasons import ACCOUNT_DELETED, DELETED_BY_OPERATOR
from accounts.errors import DetailsInvalid
from accounts.models import SignInChallenge, User
from accounts.services.administration import authorization
from accounts.services.mailing import mail_queue
from accounts.services.passwords import session_passwords
from accounts.types import FieldProblem
from security_events.services import recording
from security_events.types import NO_SUBJECT
from tokens.services import revocation
from tokens.users import subject_of


def requires_password(*, user: User) -> bool:
    """Return whether a user has a password, which they must then send to delete their account."""
    return selectors.has_password(user_id=user.pk)


def request(*, user: User, session_id: UUID, password: str | None, now: datetime) -> datetime:
    """Close an account at the request of its owner; return the time after which it is erased.

    Username and address stay taken until then, so that nobody else can register with them. The account is closed only
    if its password hash is still the one that was checked; a concurrent password change so wins. A user without a
    password is not asked for one; the caller must then require a recent sign-in.

    Raises: CredentialsInvalid, AttemptsExhausted, DetailsInvalid, LastAdministrator, HashingBusy.
    """
    failure = event_types.REAUTHENTICATION_FAILED
    checked = selectors.password_digest(user_id=user.pk)
    if password is None and is_password_usable(checked):
        raise DetailsInvalid([FieldProblem("password", "required", _("Confirm this with your password."))])
    if password is not None:
        session_passwords.require_right_password(
            user=user, session_id=session_id, password=password, digest=checked, failure=failure, now=now
        )
    with authorization.authorize(actor=user, target=user, action=None, removes_access=True):
        is_closed = _mark_deleted(user=user, checked_digest=checked, now=now)
        if is_closed:
            _end_sessions_and_notify(user=user, session_id=session_id, now=now)
    if not is_closed:
        raise session_passwords.record_refusal(
            failure, user=user, session_id=session_id, reason="changed_meanwhile", now=now
        )
    return now + account_settings.DELETION_RETENTION


def close(*, user: User, reason: str, now: datetime, by: User | None = None) -> bool:
    """Close an account on behalf of an operator; ``False`` when it was closed already.

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount, LastAdministrator.
    """
    actor = subject_of(by) if by else NO_SUBJECT
    with authorization.authorize(actor=by, target=user, action="users:change", removes_access=True, on_others=True):
        if not _mark_deleted(user=user, checked_digest=None, now=now):
            return False
        ended = revocation.end_sessions(user_id=user.pk, reason=DELETED_BY_OPERATOR, actor=actor, note=reason, now=now)
        recording.record(
            event_types.ACCOUNT_DELETION_REQUESTED,
            actor=actor,
            target=subject_of(user),
            data={"note": reason, "ended_sessions": ended},
            now=now,
        )
        mail_queue.enqueue(
            user_id=user.pk,
            kind=mail_queue.MailKind.DELETED_BY_OPERATOR,
            details={"erased_after": (now + account_settings.DELETION_RETENTION).isoformat()},
            now=now,
        )
    return True


def restore(*, user: User, by: User | None, reason: str, now: datetime) -> bool:
    """Restore a deleted account; ``False`` when it is not deleted, or already erased.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="users:change"):
        is_restored = User.objects.filter(pk=user.pk, deleted_at__isnull=False).update(
            deleted_at=None, version=F("version") + 1, updated_at=now
        )
        if is_restored:
            recording.record(
                event_types.ACCOUNT_RESTORED,
                actor=subject_of(by) if by else NO_SUBJECT,
                target=subject_of(user),
                data={"note": reason},
                now=now,
            )
            mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.ACCOUNT_RESTORED, now=now)
    return is_restored == 1


def _mark_deleted(*, user: User, checked_digest: str | None, now: datetime) -> bool:
    rows = User.objects.present().filter(pk=user.pk)
    if checked_digest is not None:
        rows = rows.filter(password=checked_digest)
    return rows.update(deleted_at=now, version=F("version") + 1, updated_at=now) == 1


def _end_sessions_and_notify(*, user: User, session_id: UUID, now: datetime) -> None:
    # Called after the account was closed: sign-ins that were faster have committed their sessions by now, and later
    # ones find the account closed.
    ended = revocation.end_sessions(user_id=user.pk, reason=ACCOUNT_DELETED, actor=subject_of(user), now=now)
    SignInChallenge.objects.filter(user_id=user.pk).delete()
    recording.record(
        event_types.ACCOUNT_DELETION_REQUESTED,
        actor=subject_of(user),
        target=subject_of(user),
        session_id=session_id,
        data={"ended_sessions": ended},
        now=now,
    )
    erased_after = now + account_settings.DELETION_RETENTION
    mail_queue.enqueue(
        user_id=user.pk, kind=mail_queue.MailKind.DELETION_REQUESTED, details={"erased_after": erased_after.isoformat()}
    )
