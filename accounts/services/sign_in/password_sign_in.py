"""From a name and a password to a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import known_devices, selectors
from accounts.conf import account_settings
from accounts.errors import AccountDisabled, AccountError, CredentialsInvalid, EmailNotConfirmed
from accounts.identifiers import name_key
from accounts.models import User
from accounts.models.passwords import settled
from accounts.services.factors import sign_in_challenges
from accounts.services.factors.sign_in_challenges import MfaChallenge
from accounts.services.passwords import attempts
from accounts.services.passwords.attempts import Attempt
from accounts.services.sign_in import sign_in_notices
from security_events.catalogue import EventType, Outcome
from security_events.services import once_a_minute, recording
from security_events.types import Subject
from tokens.errors import SessionLimitReached
from tokens.models import MULTI_FACTOR
from tokens.services import issuing, sessions
from tokens.types import ClientContext, TokenPair
from tokens.users import subject_of

PASSWORD = "pwd"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody with a new session."""

    user: User
    tokens: TokenPair


@dataclass(frozen=True, slots=True)
class NotedSignIn:
    """Whether somebody has signed in from there before, and whether ever."""

    was_familiar: bool
    had_signed_in: bool


def sign_in(
    *, name: str, password: str, client: ClientContext, device_token: str = "", now: datetime | None = None
) -> SignedIn | MfaChallenge:
    """Let in whom a username or an address and a password belong to.

    A name that nobody has and a wrong password are refused alike, after the same work (OWASP ASVS 5.0, 6.3.8); what
    else stands in the way is only said to who knows the password. Where too many guesses were wrong, none is checked
    for a while, except for devices that the person has signed in with before. The hash is computed outside of any
    transaction; the one that follows finds out by itself when the account was changed meanwhile.

    A registration that waits for its confirmation is named by its username alone, whether or not its address has an
    account: by an address only accounts are found.

    Raises: CredentialsInvalid, AttemptsExhausted, AccountDisabled, EmailNotConfirmed, HashingBusy, and
    SessionLimitReached of ``tokens``.
    """
    user, waiting = selectors.holder_for_sign_in(name=name, at=now or timezone.now())
    attempt = attempts.begin(name=name, user=user, client=client, device_token=device_token, now=now)
    holder = user or waiting
    verdict = attempts.check(attempt=attempt, password=password, digest=holder.password if holder else None, now=now)
    if waiting is not None and verdict.is_right:
        attempts.succeed(attempt=attempt)
        raise refused(EmailNotConfirmed(), user=None, name=name, reason="unconfirmed", now=now)
    if user is None or not verdict.is_right:
        raise refused(CredentialsInvalid(), user=user, name=name, now=now)
    try:
        return admit(
            user=user,
            amr=[PASSWORD],
            client=client,
            upgraded_digest=verdict.upgraded_digest,
            name=name,
            attempt=attempt,
            now=now,
        )
    except (AccountDisabled, EmailNotConfirmed, SessionLimitReached):
        attempts.succeed(attempt=attempt)
        raise


def admit(
    *,
    user: User,
    amr: Sequence[str],
    client: ClientContext,
    upgraded_digest: str | None = None,
    name: str = "",
    attempt: Attempt | None = None,
    now: datetime | None = None,
) -> SignedIn | MfaChallenge:
    """Let in somebody who has just been authenticated by the methods ``amr`` (RFC 8176), whichever those were.

    Who has a second factor and did not show it gets a challenge instead of a session, whatever the first one was.
    ``user`` is as it was read before the authentication; a password change since then wins.

    Raises: CredentialsInvalid, AccountDisabled, EmailNotConfirmed, and SessionLimitReached of ``tokens``.
    """
    name = name or user.username
    require_standing(user=user, name=name, now=now)
    if user.is_mfa_enabled and MULTI_FACTOR not in amr:
        if attempt is not None:
            attempts.succeed(attempt=attempt)
        return sign_in_challenges.issue(user=user, amr=amr, upgraded_digest=upgraded_digest, now=now or timezone.now())
    with transaction.atomic():
        pair = open_session(
            user=user, amr=amr, upgraded_digest=upgraded_digest, client=client, attempt=attempt, now=now
        )
    if pair is None:
        raise refused(CredentialsInvalid(), user=user, name=name, reason="changed_meanwhile", now=now)
    return SignedIn(user=user, tokens=pair)


def reauthenticate(*, user: User, session_id: UUID, password: str, now: datetime | None = None) -> datetime:
    """Note that the person behind a session has just proved again who they are; return when.

    Guesses are counted for the session alone: whoever has stolen it can't guess on and on, nor lock the owner out.

    Raises: CredentialsInvalid, AttemptsExhausted, HashingBusy, and SessionRevoked of ``tokens``.
    """
    digest = selectors.password_digest(user_id=user.pk)
    if not attempts.check_in_session(user=user, session_id=session_id, password=password, digest=digest, now=now):
        recording.record(
            EventType.REAUTHENTICATION_FAILED,
            actor=subject_of(user),
            target=subject_of(user),
            outcome=Outcome.FAILURE,
            session_id=session_id,
            reasons=["wrong_password"],
            now=now,
        )
        raise CredentialsInvalid
    with transaction.atomic():
        at = sessions.confirm_reauthentication(session_id=session_id, now=now)
        recording.record(
            EventType.REAUTHENTICATED,
            actor=subject_of(user),
            target=subject_of(user),
            session_id=session_id,
            data={"amr": [PASSWORD]},
            now=now,
        )
    return at


def require_standing(*, user: User, name: str, now: datetime | None = None) -> None:
    """Go on only with an account that may be signed in to. Ask after the first factor was right, never before.

    Raises: AccountDisabled, EmailNotConfirmed.
    """
    if not user.is_active:
        raise refused(AccountDisabled(), user=user, name=name, reason="disabled", now=now)
    if account_settings.EMAIL_CONFIRMATION == "required" and user.email_confirmed_at is None:
        raise refused(EmailNotConfirmed(), user=user, name=name, reason="unconfirmed", now=now)


def open_session(
    *,
    user: User,
    amr: Sequence[str],
    client: ClientContext,
    upgraded_digest: str | None = None,
    attempt: Attempt | None = None,
    now: datetime | None = None,
) -> TokenPair | None:
    """Open a session in the caller's transaction; ``None`` when the account changed since ``user`` was read.

    A factor that was added meanwhile counts as such a change, unless one was shown. What ``attempt`` was charged is
    given back, and from where somebody signs in is remembered, however they do it.

    Raises: SessionLimitReached of ``tokens``.
    """
    noted = note_sign_in(
        event_type=EventType.LOGIN_SUCCEEDED,
        user=user,
        amr=amr,
        client=client,
        upgraded_digest=upgraded_digest,
        attempt=attempt,
        now=now,
    )
    if noted is None:
        return None
    pair = issuing.open_session(user=user, client=client, amr=amr, now=now)
    notice_unless_familiar(noted, user=user, session_id=pair.session_id, client=client, now=now)
    return pair


def note_sign_in(
    *,
    event_type: EventType,
    user: User,
    amr: Sequence[str],
    client: ClientContext,
    upgraded_digest: str | None = None,
    attempt: Attempt | None = None,
    now: datetime | None = None,
) -> NotedSignIn | None:
    """Note a sign-in with its event and lock the person's row; ``None`` when the account changed since it was read."""
    new_digest = upgraded_digest or user.password
    event = recording.Rider(
        event_type,
        source="signed_in",
        columns={},
        actor=subject_of(user),
        target=subject_of(user),
        data={"amr": list(amr)},
        now=now,
    )
    marked = User.objects.mark_signed_in(
        user=user,
        checked_digest=user.password,
        new_digest=new_digest,
        is_multi_factor=MULTI_FACTOR in amr,
        event=event,
        settled=settled(
            keys=attempt.charged.keys if attempt else (),
            at=attempt.charged.at if attempt else None,
            former_place=known_devices.place(user=user, password_digest=user.password, client=client),
            place=known_devices.place(user=user, password_digest=new_digest, client=client),
        ),
        now=now,
    )
    if marked is None:
        return None
    event.announce()
    signed_in_at, was_familiar = marked
    noted = NotedSignIn(was_familiar=was_familiar, had_signed_in=user.last_login is not None)
    user.last_login, user.password = signed_in_at, new_digest
    if upgraded_digest:
        recording.record(EventType.PASSWORD_HASH_UPGRADED, actor=subject_of(user), target=subject_of(user), now=now)
    return noted


def notice_unless_familiar(
    noted: NotedSignIn, *, user: User, session_id: UUID, client: ClientContext, now: datetime | None = None
) -> None:
    """Have somebody written to about their new session, if it comes from where they have never signed in."""
    if not noted.was_familiar:
        sign_in_notices.notice_unfamiliar(
            user=user, session_id=session_id, client=client, had_signed_in=noted.had_signed_in, now=now
        )


def refused(
    error: AccountError, *, user: User | None, name: str, reason: str = "", now: datetime | None = None
) -> AccountError:
    """Record a refused sign-in, which is a transaction of its own, and return what to raise after it."""
    actor = subject_of(user) if user else Subject(name=name_key(name))
    once_a_minute.record(
        EventType.LOGIN_FAILED,
        actor=actor,
        target=actor,
        reasons=[reason or ("wrong_password" if user else "unknown_name")],
        now=now,
    )
    return error
