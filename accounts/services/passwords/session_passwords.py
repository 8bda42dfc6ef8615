"""Check the passwords that are sent within a session, and record those that are refused."""

from datetime import datetime
from uuid import UUID

from accounts.errors import CredentialsInvalid
from accounts.models import User
from accounts.services.passwords import attempts
from security_events.catalogue import EventType
from security_events.services import recording
from security_events.types import Outcome
from tokens.users import subject_of


def require_right_password(
    *, user: User, session_id: UUID, password: str, digest: str, failure: EventType, now: datetime
) -> None:
    """Refuse a password that does not belong to ``digest``, and record ``failure``.

    All calls with a password in their body use this. So the thief of a session has one budget of guesses for all of
    them, and nobody else has to wait because of these guesses.

    Raises: CredentialsInvalid, AttemptsExhausted, HashingBusy.
    """
    attempt = attempts.charge_in_session(user=user, session_id=session_id, now=now)
    if not attempts.check_password(attempt=attempt, password=password, digest=digest, now=now).is_right:
        raise record_refusal(failure, user=user, session_id=session_id, reason="wrong_password", now=now)
    attempts.refund(attempt=attempt)


def record_refusal(
    failure: EventType, *, user: User, session_id: UUID, reason: str, now: datetime
) -> CredentialsInvalid:
    """Record that a call with a password was refused; return the error to raise."""
    recording.record(
        failure,
        actor=subject_of(user),
        target=subject_of(user),
        outcome=Outcome.FAILURE,
        session_id=session_id,
        reasons=[reason],
        now=now,
    )
    return CredentialsInvalid()
