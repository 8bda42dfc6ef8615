"""Delete one's account: closed at once, erased when the time to restore it has passed."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import is_password_usable
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import event_types, selectors
from accounts.conf import account_settings
from accounts.end_reasons import ACCOUNT_DELETED
from accounts.errors import CredentialsInvalid, DetailsInvalid
from accounts.models import SignInChallenge, User
from accounts.services.administration import rights
from accounts.services.mailing import mail_queue
from accounts.services.passwords import attempts
from accounts.types import FieldProblem
from security_events.services import recording
from security_events.types import NO_SUBJECT, Outcome
from tokens.services import revocation
from tokens.users import subject_of


def needs_password(*, user: User) -> bool:
    """Tell whether somebody has a password to confirm a deletion with."""
    return selectors.has_password(user_id=user.pk)


def request(*, user: User, session_id: UUID, password: str | None, now: datetime | None = None) -> datetime:
    """Close somebody's account on their own demand; return the moment after which they are erased.

    Name and address stay taken until then, so that nobody can step into their place. The password hash that was
    checked is part of the condition: of a password change in between, the change wins. Who has no password at all is
    taken at their word here; how fresh their sign-in has to be is for the caller to ask.

    Raises: CredentialsInvalid, AttemptsExhausted, DetailsInvalid, LastAdministrator, HashingBusy.
    """
    at = now or timezone.now()
    checked = selectors.password_digest(user_id=user.pk)
    if password is None and is_password_usable(checked):
        raise DetailsInvalid([FieldProblem("password", "required", _("Confirm this with your password."))])
    if password is not None and not attempts.check_password_in_session(
        user=user, session_id=session_id, password=password, digest=checked, now=now
    ):
        _record_refusal(user=user, session_id=session_id, reason="wrong_password", now=now)
        raise CredentialsInvalid
    with rights.acting(by=user, on=user, action=None, takes_rights=True):
        is_closed = _close(user=user, checked_digest=checked, at=at)
        if is_closed:
            _tell(user=user, session_id=session_id, at=at, now=now)
    if not is_closed:
        _record_refusal(user=user, session_id=session_id, reason="changed_meanwhile", now=now)
        raise CredentialsInvalid
    return at + account_settings.DELETION_RETENTION


def close(*, user: User, reason: str, by: User | None = None, now: datetime | None = None) -> bool:
    """Close somebody's account on behalf of an operator; ``False`` when it was closed already.

    Raises: NotAllowed, MoreRights, LastAdministrator.
    """
    actor = subject_of(by) if by else NO_SUBJECT
    with rights.acting(by=by, on=user, action="users:change", takes_rights=True):
        if not _close(user=user, checked_digest=None, at=now or timezone.now()):
            return False
        ended = revocation.end_sessions(
            user_id=user.pk, reason=ACCOUNT_DELETED, actor=actor, note=reason, now=now or timezone.now()
        )
        recording.record(
            event_types.ACCOUNT_DELETION_REQUESTED,
            actor=actor,
            target=subject_of(user),
            data={"note": reason, "ended_sessions": ended},
            now=now,
        )
    return True


def restore(*, user: User, by: User, reason: str, now: datetime | None = None) -> bool:
    """Give a deleted person their account back; ``False`` when it was not deleted, or is erased by now.

    Raises: NotAllowed, MoreRights.
    """
    with rights.acting(by=by, on=user, action="users:change"):
        is_restored = User.objects.filter(pk=user.pk, deleted_at__isnull=False).update(
            deleted_at=None, version=F("version") + 1, updated_at=now or timezone.now()
        )
        if is_restored:
            recording.record(
                event_types.ACCOUNT_RESTORED,
                actor=subject_of(by),
                target=subject_of(user),
                data={"note": reason},
                now=now,
            )
    return is_restored == 1


def _close(*, user: User, checked_digest: str | None, at: datetime) -> bool:
    rows = User.objects.present().filter(pk=user.pk)
    if checked_digest is not None:
        rows = rows.filter(password=checked_digest)
    return rows.update(deleted_at=at, version=F("version") + 1, updated_at=at) == 1


def _tell(*, user: User, session_id: UUID, at: datetime, now: datetime | None) -> None:
    # After the account is closed: a sign-in that was faster has committed its session by now, and later ones find
    # the account closed.
    ended = revocation.end_sessions(
        user_id=user.pk, reason=ACCOUNT_DELETED, actor=subject_of(user), now=now or timezone.now()
    )
    SignInChallenge.objects.filter(user_id=user.pk).delete()
    recording.record(
        event_types.ACCOUNT_DELETION_REQUESTED,
        actor=subject_of(user),
        target=subject_of(user),
        session_id=session_id,
        data={"ended_sessions": ended},
        now=now,
    )
    erased_after = at + account_settings.DELETION_RETENTION
    mail_queue.enqueue(
        user_id=user.pk, kind=mail_queue.MailKind.DELETION_REQUESTED, details={"erased_after": erased_after.isoformat()}
    )


def _record_refusal(*, user: User, session_id: UUID, reason: str, now: datetime | None) -> None:
    recording.record(
        event_types.REAUTHENTICATION_FAILED,
        actor=subject_of(user),
        target=subject_of(user),
        outcome=Outcome.FAILURE,
        session_id=session_id,
        reasons=[reason],
        now=now,
    )
