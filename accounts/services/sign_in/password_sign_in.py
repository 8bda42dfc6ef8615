"""Sign a person in with a name and a password, and complete a sign-in whatever its method."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts import event_types, measures, selectors
from accounts.client_tokens import known_devices
from accounts.conf import account_settings
from accounts.errors import (
    AccountDisabled,
    AccountError,
    CredentialsInvalid,
    EmailNotConfirmed,
    PasswordResetRequired,
)
from accounts.identifiers.names import name_key
from accounts.models import ResetOutcome, User
from accounts.models.passwords import refund_and_remember_params
from accounts.services.factors import reset_endings, sign_in_challenges
from accounts.services.factors.sign_in_challenges import MfaChallenge
from accounts.services.passwords import attempts, session_passwords
from accounts.services.passwords.attempts import PasswordAttempt
from accounts.services.sign_in import sign_in_notices, sign_in_risk
from accounts.services.sign_in.counted_sign_ins import counted
from security_events.catalogue import EventType
from security_events.event_cte import AppendedEvent
from security_events.services import deduplication, recording
from security_events.services.detection.sign_in_risk import SignInRisk
from security_events.types import Subject
from tokens.errors import SessionLimitReached
from tokens.models import MULTI_FACTOR
from tokens.services import issuing, sessions
from tokens.types import ClientContext, TokenPair
from tokens.users import subject_of

PASSWORD = "pwd"
# Servers' clocks may differ by that much. A device that has signed in during an attack may be the attacker's.
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person and the tokens of their new session."""

    user: User
    tokens: TokenPair


@dataclass(frozen=True, slots=True)
class RecordedSignIn:
    """What was known before a sign-in: whether the person had used this client, and whether they had ever signed in.

    ``event_id`` is that of the event of the sign-in.
    """

    event_id: UUID
    was_known_client: bool
    had_signed_in: bool


@counted(measures.PASSWORD)
def sign_in(
    *, name: str, password: str, client: ClientContext, device_token: str = "", now: datetime
) -> SignedIn | MfaChallenge:
    """Sign a person in with a username or an address and a password.

    An unknown name and a wrong password get the same answer after the same work (OWASP ASVS 5.0, 6.3.8). Other reasons
    for a refusal are only given to a caller who knows the password. After too many wrong guesses no password is checked
    for a while, except from devices that the person has signed in with before. The hash is computed outside of any
    transaction; the statement that records the sign-in notices when the account was changed meanwhile.

    A pending registration is found by its username only. An address finds accounts only, because the answer must not
    depend on whether a registered address has an account.

    Raises: CredentialsInvalid, AttemptsExhausted, AccountDisabled, EmailNotConfirmed, PasswordResetRequired,
    HashingBusy, and SessionLimitReached of ``tokens``.
    """
    user, registration = selectors.account_or_registration(name=name, at=now)
    attempt = attempts.charge(name=name, user=user, client=client, device_token=device_token, now=now)
    holder = user or registration
    check = attempts.check_password(
        attempt=attempt, password=password, digest=holder.password if holder else None, now=now
    )
    if registration is not None and check.is_right:
        attempts.refund(attempt=attempt)
        raise record_refusal(EmailNotConfirmed(), user=None, name=name, reason="unconfirmed", now=now)
    if user is None or not check.is_right:
        raise record_refusal(CredentialsInvalid(), user=user, name=name, now=now)
    try:
        return complete_sign_in(
            user=user,
            amr=[PASSWORD],
            client=client,
            upgraded_digest=check.upgraded_digest,
            name=name,
            attempt=attempt,
            now=now,
        )
    except (AccountDisabled, EmailNotConfirmed, PasswordResetRequired, SessionLimitReached):
        attempts.refund(attempt=attempt)
        raise


def complete_sign_in(
    *,
    user: User,
    amr: Sequence[str],
    client: ClientContext,
    upgraded_digest: str | None = None,
    name: str = "",
    attempt: PasswordAttempt | None = None,
    device_token: str = "",
    now: datetime,
) -> SignedIn | MfaChallenge:
    """Open a session for a person who was just authenticated by the methods ``amr`` (RFC 8176).

    A person with a second factor who has not shown it gets a challenge instead of a session, whatever the first factor
    was. ``user`` is as read before the authentication: a password change since then makes the sign-in fail. A sign-in
    whose risk is too high is refused as if the password was wrong, and counts as a failure like it.

    Raises: CredentialsInvalid, AccountDisabled, EmailNotConfirmed, PasswordResetRequired, and SessionLimitReached of
    ``tokens``.
    """
    name = name or user.username
    require_active_account(user=user, name=name, now=now)
    if user.is_password_reset_required and PASSWORD in amr:
        raise record_refusal(PasswordResetRequired(), user=user, name=name, reason="password_reset_required", now=now)
    device = known_devices.recognise(device_token, user=user, now=now)
    is_known_device = device is not None or (attempt is not None and attempt.is_known)
    risk = sign_in_risk.of_sign_in(user=user, amr=amr, is_known_device=is_known_device, now=now)
    if risk is not None and sign_in_risk.is_refused(risk):
        if attempt is not None:
            attempts.count_as_wrong(attempt=attempt, now=now)
        raise _record_risk(risk, user=user, client=client, now=now)
    if user.is_mfa_enabled and MULTI_FACTOR not in amr:
        if attempt is not None:
            attempts.refund(attempt=attempt)
        return sign_in_challenges.issue(user=user, amr=amr, upgraded_digest=upgraded_digest, risk=risk, now=now)
    with transaction.atomic():
        pair = record_and_open_session(
            user=user, amr=amr, upgraded_digest=upgraded_digest, client=client, attempt=attempt, risk=risk, now=now
        )
    if pair is None:
        raise record_refusal(CredentialsInvalid(), user=user, name=name, reason="changed_meanwhile", now=now)
    return SignedIn(user=user, tokens=pair)


def reauthenticate(*, user: User, session_id: UUID, password: str, now: datetime) -> datetime:
    """Record that the person behind a session has just shown their password again; return when (RFC 9470).

    Wrong guesses are charged to the session only: its thief has few of them, and can't lock the owner out.

    Raises: CredentialsInvalid, AttemptsExhausted, HashingBusy, and SessionRevoked of ``tokens``.
    """
    digest = selectors.password_digest(user_id=user.pk)
    session_passwords.require_right_password(
        user=user,
        session_id=session_id,
        password=password,
        digest=digest,
        failure=event_types.REAUTHENTICATION_FAILED,
        now=now,
    )
    with transaction.atomic():
        at = sessions.record_reauthentication(session_id=session_id, now=now)
        recording.record(
            event_types.REAUTHENTICATED,
            actor=subject_of(user),
            target=subject_of(user),
            session_id=session_id,
            data={"amr": [PASSWORD]},
            now=now,
        )
    return at


def require_active_account(*, user: User, name: str, now: datetime) -> None:
    """Refuse an account that is closed or whose address must be confirmed first.

    Only to be called after the first factor was right: the refusal reveals the state of the account.

    Raises: AccountDisabled, EmailNotConfirmed.
    """
    if not user.is_active:
        raise record_refusal(AccountDisabled(), user=user, name=name, reason="disabled", now=now)
    if account_settings.EMAIL_CONFIRMATION == "required" and user.email_confirmed_at is None:
        raise record_refusal(EmailNotConfirmed(), user=user, name=name, reason="unconfirmed", now=now)


def record_and_open_session(
    *,
    user: User,
    amr: Sequence[str],
    client: ClientContext,
    upgraded_digest: str | None = None,
    attempt: PasswordAttempt | None = None,
    risk: SignInRisk | None,
    now: datetime,
) -> TokenPair | None:
    """Record a sign-in, open a session, and do what the risk asks for, in the caller's transaction.

    ``None`` when the account changed since ``user`` was read; so it is when a second factor was added meanwhile and
    none was shown. The attempt is refunded and the client remembered, whatever the method of the sign-in.

    Raises: SessionLimitReached of ``tokens``.
    """
    recorded = record_sign_in(
        event_type=event_types.LOGIN_SUCCEEDED,
        user=user,
        amr=amr,
        client=client,
        upgraded_digest=upgraded_digest,
        attempt=attempt,
        risk=risk,
        now=now,
    )
    if recorded is None:
        return None
    known_since = attempt.device_used_at + _SKEW if attempt and attempt.device_used_at else None
    score = risk.score if risk else None
    pair = issuing.open_session(user=user, client=client, amr=amr, known_since=known_since, risk=score, now=now)
    notify_and_respond(recorded, user=user, session_id=pair.session_id, client=client, risk=risk, now=now)
    return pair


def record_sign_in(
    *,
    event_type: EventType,
    user: User,
    amr: Sequence[str],
    client: ClientContext,
    upgraded_digest: str | None = None,
    attempt: PasswordAttempt | None = None,
    risk: SignInRisk | None = None,
    now: datetime,
) -> RecordedSignIn | None:
    """Record a sign-in with its event and lock the person's row; ``None`` when the account was changed meanwhile."""
    new_digest = upgraded_digest or user.password
    event = AppendedEvent(
        event_type,
        actor=subject_of(user),
        target=subject_of(user),
        **sign_in_risk.event_details(
            risk, amr=list(amr), days_since_last=(now - user.last_login).days if user.last_login else 0
        ),
        now=now,
    )
    record = User.objects.record_sign_in(
        user=user,
        checked_digest=user.password,
        new_digest=new_digest,
        is_multi_factor=MULTI_FACTOR in amr,
        is_by_password=PASSWORD in amr,
        event=event,
        attempt_and_client=refund_and_remember_params(
            keys=attempt.charged.keys if attempt else (),
            at=attempt.charged.at if attempt else None,
            former_client_key=known_devices.client_key(user=user, password_digest=user.password, client=client),
            client_key=known_devices.client_key(user=user, password_digest=new_digest, client=client),
        ),
        now=now,
    )
    if record is None:
        return None
    event.announce(id=record.event_id)
    if MULTI_FACTOR in amr:
        reset_endings.cancel(user=user, outcome=ResetOutcome.FACTOR_SHOWN, now=now)
    recorded = RecordedSignIn(
        event_id=record.event_id,
        was_known_client=record.was_known_client,
        had_signed_in=user.last_login is not None,
    )
    user.last_login, user.password = record.signed_in_at, new_digest
    if upgraded_digest:
        recording.record(event_types.PASSWORD_HASH_UPGRADED, actor=subject_of(user), target=subject_of(user), now=now)
    return recorded


def notify_and_respond(
    recorded: RecordedSignIn,
    *,
    user: User,
    session_id: UUID,
    client: ClientContext,
    risk: SignInRisk | None,
    now: datetime,
) -> None:
    """Mail a person about a session from a client that is new for them, and do what the risk asks for."""
    was_mailed = not recorded.was_known_client and sign_in_notices.notify_new_client(
        user=user, session_id=session_id, client=client, had_signed_in=recorded.had_signed_in, now=now
    )
    sign_in_risk.respond(
        risk,
        user=user,
        event_id=recorded.event_id,
        session_id=session_id,
        client=client,
        was_mailed=was_mailed,
        now=now,
    )


def record_refusal(
    error: AccountError, *, user: User | None, name: str, reason: str = "", now: datetime
) -> AccountError:
    """Record a refused sign-in in a transaction of its own, and return the error for the caller to raise."""
    actor = subject_of(user) if user else Subject(name=name_key(name))
    deduplication.record(
        event_types.LOGIN_FAILED,
        actor=actor,
        target=actor,
        reasons=[reason or ("wrong_password" if user else "unknown_name")],
        now=now,
    )
    return error


def _record_risk(risk: SignInRisk, *, user: User, client: ClientContext, now: datetime) -> AccountError:
    """Record a sign-in that is refused because of its risk, as ``record_refusal`` does, and report it."""
    actor = subject_of(user)
    event_id = deduplication.record(
        event_types.LOGIN_FAILED,
        actor=actor,
        target=actor,
        risk_score=risk.score,
        reasons=[sign_in_risk.REFUSED],
        data={"risk": risk.event_data()},
        now=now,
    )
    sign_in_risk.report_refusal(risk, user=user, event_id=event_id, client=client, now=now)
    return CredentialsInvalid()
