"""Sign-in of staff at the admin."""

from datetime import datetime

from django.db import transaction

from accounts import selectors
from accounts.models import User
from accounts.services import attempts
from security_events.catalogue import EventType, Outcome
from security_events.services import recording
from security_events.types import Subject
from tokens.types import ClientContext
from tokens.users import subject_of


def sign_in(
    *, name: str, password: str, client: ClientContext, device_token: str = "", now: datetime | None = None
) -> User | None:
    """Return the member of staff whom a name and a password belong to, ``None`` for everybody else alike.

    Wrong passwords are counted together with those at the API.

    Raises: AttemptsExhausted, HashingBusy.
    """
    user = selectors.user_for_sign_in(name=name)
    attempt = attempts.begin(name=name, user=user, client=client, device_token=device_token, now=now)
    verdict = attempts.check(attempt=attempt, password=password, digest=user.password if user else None, now=now)
    if verdict.is_right:
        attempts.succeed(attempt=attempt)
    reason = _objection(user, is_right=verdict.is_right)
    if user is None or reason:
        _record(EventType.ADMIN_LOGIN_FAILED, user=user, name=name, reason=reason, now=now)
        return None
    with transaction.atomic():
        if verdict.upgraded_digest and _upgrade(user, new_digest=verdict.upgraded_digest):
            _record(EventType.PASSWORD_HASH_UPGRADED, user=user, name=name, now=now)
        attempts.remember(user=user, password_digest=user.password, client=client, now=now)
        _record(EventType.ADMIN_LOGIN_SUCCEEDED, user=user, name=name, now=now)
    return user


def _objection(user: User | None, *, is_right: bool) -> str:
    if user is None:
        return "unknown_name"
    if not is_right:
        return "wrong_password"
    if not user.is_active:
        return "disabled"
    return "" if user.is_staff else "not_staff"


def _upgrade(user: User, *, new_digest: str) -> bool:
    changed = User.objects.filter(pk=user.pk, password=user.password).update(password=new_digest)
    # The admin's cookie is bound to the hash: the object must carry the one that is stored.
    user.password = new_digest if changed else user.password
    return bool(changed)


def _record(event: EventType, *, user: User | None, name: str, reason: str = "", now: datetime | None) -> None:
    subject = subject_of(user) if user else Subject(name=name)
    recording.record(
        event,
        actor=subject,
        target=subject,
        outcome=Outcome.FAILURE if reason else Outcome.SUCCESS,
        reasons=[reason] if reason else [],
        now=now,
    )
