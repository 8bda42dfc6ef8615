"""Sign staff in at the admin, in two steps: the password, then the second factor of those who have one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts import event_types, measures, selectors
from accounts.client_tokens import known_devices
from accounts.errors import SignInChallengeInvalid
from accounts.factors import webauthn, webauthn_challenges
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.factors.webauthn_protocol import Json
from accounts.identifiers.names import name_key
from accounts.models import CeremonyPurpose, User
from accounts.rules import admin_access
from accounts.services.factors import second_factors, sign_in_challenges
from accounts.services.factors.second_factors import FactorResponse
from accounts.services.passwords import attempts
from accounts.services.sign_in import password_sign_in, sign_in_risk
from accounts.services.sign_in.counted_sign_ins import counted
from accounts.types import FactorMethod
from security_events.catalogue import EventType
from security_events.services import recording
from security_events.services.detection.sign_in_risk import SignInRisk
from security_events.types import Outcome, Subject
from tokens.services import issuing
from tokens.types import ClientContext
from tokens.users import subject_of


@dataclass(frozen=True, slots=True)
class AdminSession:
    """A member of staff and the id of their new session."""

    user: User
    session_id: UUID


@dataclass(frozen=True, slots=True)
class PendingAdminSignIn:
    """A user whose password was right, the digest of its hash, and what challenges for security keys are bound to."""

    id: UUID
    user_id: UUID
    bound_to: bytes


@dataclass(frozen=True, slots=True)
class SecondFactorOptions:
    """The methods that complete a sign-in, and the WebAuthn options for the browser if a security key is one."""

    methods: tuple[str, ...]
    webauthn: Json | None


@counted(measures.PASSWORD, is_first_step=True)
def verify_password(
    *, name: str, password: str, client: ClientContext, device_token: str = "", now: datetime
) -> User | None:
    """Return the member of staff whose name and password these are; ``None`` in all other cases.

    This opens no session. ``complete_sign_in`` does, or ``complete_mfa_sign_in`` for users with a second factor
    (``is_mfa_enabled``). Wrong passwords are counted together with those at the API.

    Raises: AttemptsExhausted, HashingBusy.
    """
    user = selectors.user_by_identifier(name=name)
    attempt = attempts.charge(name=name, user=user, client=client, device_token=device_token, now=now)
    check = attempts.check_password(attempt=attempt, password=password, digest=user.password if user else None, now=now)
    reason = _refusal_reason(user, is_right=check.is_right, now=now)
    if user is not None and not reason:
        amr = [password_sign_in.PASSWORD]
        risk = sign_in_risk.of_sign_in(user=user, amr=amr, is_known_device=attempt.is_known, now=now)
        if risk is not None and sign_in_risk.is_refused(risk):
            attempts.count_as_wrong(attempt=attempt, now=now)
            event_id = _record(
                event_types.ADMIN_LOGIN_FAILED,
                user=user,
                name=name,
                reason=sign_in_risk.REFUSED,
                risk=risk,
                now=now,
            )
            sign_in_risk.report_refusal(risk, user=user, event_id=event_id, client=client, now=now)
            return None
    if check.is_right:
        attempts.refund(attempt=attempt)
    if user is None or reason:
        _record(event_types.ADMIN_LOGIN_FAILED, user=user, name=name, reason=reason, now=now)
        return None
    with transaction.atomic():
        if check.upgraded_digest and _upgrade_hash(user, new_digest=check.upgraded_digest):
            _record(event_types.PASSWORD_HASH_UPGRADED, user=user, name=name, now=now)
        if user.is_mfa_enabled:
            _record(event_types.MFA_CHALLENGED, user=user, name=name, now=now)
    return user


@counted(measures.PASSWORD)
def complete_sign_in(*, user: User, client: ClientContext, device_token: str = "", now: datetime) -> AdminSession:
    """Open a session for the member of staff whom ``verify_password`` has just returned.

    A sign-in from a new client is notified by mail, as at the API.

    Raises: SignInChallengeInvalid when the account has changed since, or has a second factor.
    """
    try:
        with transaction.atomic():
            return _open_session(
                user=user, amr=[password_sign_in.PASSWORD], client=client, device_token=device_token, now=now
            )
    except SignInChallengeInvalid:
        _record(event_types.ADMIN_LOGIN_FAILED, user=user, name=user.username, reason="changed_meanwhile", now=now)
        raise


def password_binding(*, user: User) -> bytes:
    """Return a digest of the password hash. The second step is bound to it, so a password change ends the sign-in."""
    return sign_in_challenges.password_binding(user=user)


def begin_mfa_sign_in(*, pending: PendingAdminSignIn, now: datetime) -> SecondFactorOptions:
    """Return how a member of staff can show the second factor, with a challenge for a security key.

    A challenge is stored at each call, since each can be answered once.

    Raises: SignInChallengeInvalid, as ``complete_mfa_sign_in`` does.
    """
    user = _require_pending_user(pending, now=now)
    methods = selectors.factor_methods(user_id=user.pk)
    if FactorMethod.WEBAUTHN not in methods:
        return SecondFactorOptions(methods=methods, webauthn=None)
    options = webauthn_challenges.store(
        ceremony=webauthn.begin_authentication(user=user), binding=_binding(pending), now=now
    )
    return SecondFactorOptions(methods=methods, webauthn=options)


@counted(measures.SECOND_FACTOR)
def complete_mfa_sign_in(
    *,
    pending: PendingAdminSignIn,
    response: FactorResponse,
    client: ClientContext,
    now: datetime,
    device_token: str = "",
) -> AdminSession:
    """Verify the second factor of a member of staff and open a session. Attempts are counted as at the API.

    Raises: MfaCodeInvalid, AttemptsExhausted, and SignInChallengeInvalid when the password was changed since, or the
    account may not use the admin any more.
    """

    def open_session(methods: list[str]) -> AdminSession:
        # Read again under the lock, so that a password change at the same time wins.
        locked = _require_pending_user(pending, now=now)
        amr = [password_sign_in.PASSWORD, *methods]
        return _open_session(user=locked, amr=amr, client=client, device_token=device_token, now=now)

    return second_factors.verify(
        # Checked before as well, so that no attempt is charged for a sign-in that will be refused anyway.
        user=_require_pending_user(pending, now=now),
        response=response,
        binding=_binding(pending),
        then=open_session,
        client=client,
        device_token=device_token,
        now=now,
    )


def _require_pending_user(pending: PendingAdminSignIn, *, now: datetime) -> User:
    user = selectors.undeleted_user(user_id=pending.user_id)
    if user is None or _refusal_reason(user, is_right=password_binding(user=user) == pending.bound_to, now=now):
        raise SignInChallengeInvalid
    return user


def _binding(pending: PendingAdminSignIn) -> ChallengeBinding:
    return ChallengeBinding(CeremonyPurpose.SIGN_IN, user_id=pending.user_id, session_id=pending.id)


def _open_session(
    *, user: User, amr: list[str], client: ClientContext, device_token: str, now: datetime
) -> AdminSession:
    is_known_device = known_devices.recognise(device_token, user=user, now=now) is not None
    risk = sign_in_risk.of_sign_in(user=user, amr=amr, is_known_device=is_known_device, now=now)
    recorded = password_sign_in.record_sign_in(
        event_type=event_types.ADMIN_LOGIN_SUCCEEDED, user=user, amr=amr, client=client, risk=risk, now=now
    )
    if recorded is None:
        raise SignInChallengeInvalid
    session_id = issuing.open_admin_session(
        user=user,
        client=client,
        amr=amr,
        max_age=timedelta(seconds=settings.SESSION_COOKIE_AGE),
        risk=risk.score if risk else None,
        now=now,
    )
    password_sign_in.notify_and_respond(recorded, user=user, session_id=session_id, client=client, risk=risk, now=now)
    return AdminSession(user=user, session_id=session_id)


def _refusal_reason(user: User | None, *, is_right: bool, now: datetime) -> str:
    if user is None:
        return "unknown_name"
    if not is_right:
        return "wrong_password"
    if not user.is_active:
        return "disabled"
    if user.is_password_reset_required:
        return "password_reset_required"
    return "" if admin_access.may_use_admin(user, at=now) else "not_staff"


def _upgrade_hash(user: User, *, new_digest: str) -> bool:
    changed = User.objects.filter(pk=user.pk, password=user.password).update(password=new_digest)
    # Django's session is bound to the hash, so the object must have the one that is stored.
    user.password = new_digest if changed else user.password
    return bool(changed)


def _record(
    event: EventType,
    *,
    user: User | None,
    name: str,
    reason: str = "",
    risk: SignInRisk | None = None,
    now: datetime,
) -> UUID:
    subject = subject_of(user) if user else Subject(name=name_key(name))
    return recording.record(
        event,
        actor=subject,
        target=subject,
        outcome=Outcome.FAILURE if reason else Outcome.SUCCESS,
        risk_score=risk.score if risk else None,
        reasons=[reason] if reason else [],
        data={"risk": risk.event_data()} if risk else None,
        now=now,
    )
