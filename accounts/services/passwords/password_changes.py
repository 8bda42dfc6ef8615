"""Validate new passwords and change them."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import is_password_usable
from django.contrib.auth.password_validation import get_default_password_validators
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import event_types, selectors
from accounts.conf import account_settings
from accounts.end_reasons import PASSWORD_CHANGE
from accounts.errors import DetailsInvalid
from accounts.models import PasswordHistory, User
from accounts.services.mailing import mail_queue
from accounts.services.passwords import attempts, hashing, session_passwords
from accounts.types import FieldProblem
from security_events.services import recording
from tokens.services import issuing, revocation
from tokens.types import ClientContext, TokenPair
from tokens.users import subject_of

# With one of these codes, "too weak" would say nothing new.
_INCLUDE_WEAKNESS = frozenset({"password_too_short", "password_too_long", "password_too_common"})


def password_problems(*, password: str, user: User, field: str = "password") -> list[FieldProblem]:
    """Return what is wrong with a new password for this person, who need not be stored yet.

    The configured validators decide; their codes are those of the contract.
    """
    found: list[FieldProblem] = []
    for validator in get_default_password_validators():
        try:
            validator.validate(password, user)
        except ValidationError as refusal:
            code = str(refusal.code or "invalid")
            if code == "password_too_weak" and any(problem.code in _INCLUDE_WEAKNESS for problem in found):
                continue
            found.append(FieldProblem(field=field, code=code, message=" ".join(refusal.messages)))
            if code == "password_too_long":
                break  # the other validators could take long with it
    return found


def change(
    *,
    user: User,
    session_id: UUID,
    old_password: str,
    new_password: str,
    client: ClientContext | None = None,
    now: datetime,
) -> TokenPair:
    """Change a person's password, end all other sessions and return new tokens for this one (ASVS 5.0, 7.4.3).

    The old tokens of this session are revoked, too: an attacker may hold them.

    Raises: CredentialsInvalid, AttemptsExhausted, DetailsInvalid, HashingBusy, and SessionRevoked of ``tokens`` when
    the session has ended meanwhile.
    """
    failure = event_types.PASSWORD_CHANGE_FAILED
    checked = selectors.password_digest(user_id=user.pk)
    session_passwords.require_right_password(
        user=user, session_id=session_id, password=old_password, digest=checked, failure=failure, now=now
    )
    _require_acceptable(user=user, old_password=old_password, new_password=new_password)
    digest = hashing.compute(password=new_password, owner=str(user.pk))
    with transaction.atomic():
        is_replaced = replace_password(user=user, checked_digest=checked, new_digest=digest, now=now)
        pair = _renew_sessions(user=user, session_id=session_id, now=now) if is_replaced else None
        if client is not None:
            attempts.remember_client(user=user, password_digest=digest, client=client, now=now)
    if pair is None:
        # A concurrent request has changed the password while the hashes were computed.
        raise session_passwords.record_refusal(
            failure, user=user, session_id=session_id, reason="changed_meanwhile", now=now
        )
    user.password = digest
    return pair


def _require_acceptable(*, user: User, old_password: str, new_password: str) -> None:
    found = password_problems(password=new_password, user=user, field="new_password")
    if found:
        raise DetailsInvalid(found)
    if new_password == old_password:
        raise DetailsInvalid([FieldProblem("new_password", "password_unchanged", _("This is your current password."))])
    former = selectors.former_password_digests(user_id=user.pk, count=max(0, account_settings.PASSWORD_HISTORY - 1))
    if hashing.matches_any(password=new_password, digests=former, owner=str(user.pk)):
        raise DetailsInvalid(
            [FieldProblem("new_password", "password_reused", _("You have used this password before."))]
        )


def replace_password(*, user: User, checked_digest: str, new_digest: str, now: datetime) -> bool:
    """Replace the hash that was checked by a new one, in the caller's transaction, and add it to the history.

    ``False`` when the stored hash was changed since the check.
    """
    version = User.objects.replace_password(user=user, checked_digest=checked_digest, new_digest=new_digest, now=now)
    if version is None:
        return False
    add_to_history(user=user, digest=checked_digest, now=now)
    return True


def add_to_history(*, user: User, digest: str, now: datetime) -> None:
    """Add a hash, if it is usable, to the passwords that can't be used again; keep as many as PASSWORD_HISTORY says."""
    if not is_password_usable(digest):
        return
    PasswordHistory.objects.create(user_id=user.pk, password=digest, created_at=now)
    kept = PasswordHistory.objects.filter(user_id=user.pk).order_by("-created_at", "-pk").values("pk")
    PasswordHistory.objects.filter(user_id=user.pk).exclude(
        pk__in=kept[: max(0, account_settings.PASSWORD_HISTORY - 1)]
    ).delete()


def _renew_sessions(*, user: User, session_id: UUID, now: datetime) -> TokenPair:
    ended = revocation.end_sessions(user_id=user.pk, reason=PASSWORD_CHANGE, keep_session_id=session_id, now=now)
    pair = issuing.replace_family(session_id=session_id, user=user, reason=PASSWORD_CHANGE, now=now)
    recording.record(
        event_types.PASSWORD_CHANGED,
        actor=subject_of(user),
        target=subject_of(user),
        session_id=session_id,
        data={"ended_sessions": ended},
        now=now,
    )
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED, now=now)
    return pair
