"""Sign-in of staff at the admin."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import event_types, selectors
from accounts.errors import SignInChallengeInvalid
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.identifiers import name_key
from accounts.models import CeremonyPurpose, User
from accounts.services.factors import second_factors, sign_in_challenges
from accounts.services.factors.second_factors import FactorResponse
from accounts.services.passwords import attempts
from accounts.services.sign_in import password_sign_in
from security_events.catalogue import EventType
from security_events.services import recording
from security_events.types import Outcome, Subject
from tokens.services import issuing
from tokens.types import ClientContext
from tokens.users import subject_of


@dataclass(frozen=True, slots=True)
class AdminSignIn:
    """A member of staff with a new session of the admin's pages."""

    user: User
    session_id: UUID


def sign_in(
    *, name: str, password: str, client: ClientContext, device_token: str = "", now: datetime | None = None
) -> User | None:
    """Return the member of staff whom a name and a password belong to, ``None`` for everybody else alike.

    Nobody is signed in by this: ``admit`` does that, and ``complete`` for people who have a second factor
    (``is_mfa_enabled``). Wrong passwords are counted together with those at the API.

    Raises: AttemptsExhausted, HashingBusy.
    """
    user = selectors.user_for_sign_in(name=name)
    attempt = attempts.charge(name=name, user=user, client=client, device_token=device_token, now=now)
    check = attempts.check_password(attempt=attempt, password=password, digest=user.password if user else None, now=now)
    if check.is_right:
        attempts.refund(attempt=attempt)
    reason = _objection(user, is_right=check.is_right)
    if user is None or reason:
        _record(event_types.ADMIN_LOGIN_FAILED, user=user, name=name, reason=reason, now=now)
        return None
    with transaction.atomic():
        if check.upgraded_digest and _upgrade(user, new_digest=check.upgraded_digest):
            _record(event_types.PASSWORD_HASH_UPGRADED, user=user, name=name, now=now)
        if user.is_mfa_enabled:
            _record(event_types.MFA_CHALLENGED, user=user, name=name, now=now)
    return user


def admit(*, user: User, client: ClientContext, now: datetime | None = None) -> AdminSignIn:
    """Open a session for the member of staff whom ``sign_in`` has just returned, and tell them as the API does.

    Raises: SignInChallengeInvalid when the account has changed since, or has a second factor.
    """
    try:
        with transaction.atomic():
            return _open_session(user=user, amr=[password_sign_in.PASSWORD], client=client, now=now)
    except SignInChallengeInvalid:
        _record(event_types.ADMIN_LOGIN_FAILED, user=user, name=user.username, reason="changed_meanwhile", now=now)
        raise


def binding(*, user: User) -> bytes:
    """Return what the second step is bound to: it ends with the password that was right."""
    return sign_in_challenges.password_binding(user=user)


def complete(
    *,
    user_id: UUID,
    bound_to: bytes,
    response: FactorResponse,
    client: ClientContext,
    now: datetime,
    device_token: str = "",
) -> AdminSignIn:
    """Open a session for the member of staff who shows a second factor after the password; tries count as in the API.

    Raises: SignInChallengeInvalid when the password or the standing has changed since, MfaCodeInvalid,
    AttemptsExhausted.
    """
    user = selectors.present_user(user_id=user_id)

    def let_in(methods: list[str]) -> AdminSignIn:
        # As it is under the lock: a password that is changed at this moment wins.
        locked = selectors.present_user(user_id=user_id)
        if locked is None or _objection(locked, is_right=binding(user=locked) == bound_to):
            raise SignInChallengeInvalid
        return _open_session(user=locked, amr=[password_sign_in.PASSWORD, *methods], client=client, now=now)

    # Looked at before too, so that no try is counted for who may not come in anyway.
    if user is None or _objection(user, is_right=binding(user=user) == bound_to):
        raise SignInChallengeInvalid
    challenge = ChallengeBinding(CeremonyPurpose.SIGN_IN, user_id=user_id)
    return second_factors.verify(
        user=user,
        response=response,
        binding=challenge,
        then=let_in,
        client=client,
        device_token=device_token,
        now=now,
    )


def _open_session(*, user: User, amr: list[str], client: ClientContext, now: datetime | None) -> AdminSignIn:
    noted = password_sign_in.record_sign_in(
        event_type=event_types.ADMIN_LOGIN_SUCCEEDED, user=user, amr=amr, client=client, now=now
    )
    if noted is None:
        raise SignInChallengeInvalid
    longest = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    session_id = issuing.open_admin_session(
        user=user, client=client, amr=amr, max_age=longest, now=now or timezone.now()
    )
    password_sign_in.notify_if_new_client(noted, user=user, session_id=session_id, client=client, now=now)
    return AdminSignIn(user=user, session_id=session_id)


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
    subject = subject_of(user) if user else Subject(name=name_key(name))
    recording.record(
        event,
        actor=subject,
        target=subject,
        outcome=Outcome.FAILURE if reason else Outcome.SUCCESS,
        reasons=[reason] if reason else [],
        now=now,
    )
