"""Verify a second factor: at the end of a sign-in, or again in the middle of a session."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction

from accounts import event_types, selectors
from accounts.client_tokens import known_devices
from accounts.errors import MfaCodeInvalid, SignCountRegressed
from accounts.factors import recovery_codes
from accounts.factors.registry import SECOND_FACTORS
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.models import User
from accounts.services.factors import lockouts
from accounts.services.factors.lockouts import AttemptSource, FactorAttempt
from accounts.services.mailing import mail_queue
from accounts.types import FactorMethod
from ratelimiting.client_addresses.networks import counted_network, normalise
from security_events.services import recording
from security_events.types import Outcome
from tokens.types import ClientContext
from tokens.users import subject_of

T = TypeVar("T")

# After this many wrong responses of unknown clients within a day the owner gets a mail, once a day.
FAILURES_BEFORE_NOTICE = 3
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FactorResponse:
    """What a client sends to prove a second factor: a code, or a browser's WebAuthn credential."""

    method: FactorMethod
    value: Any = field(repr=False)


def verify(
    *,
    user: User,
    response: FactorResponse,
    binding: ChallengeBinding,
    then: Callable[[list[str]], T],
    now: datetime,
    session_id: UUID | None = None,
    client: ClientContext | None = None,
    device_token: str = "",
) -> T:
    """Verify a response, use it up, and call ``then`` with its ``amr`` values in the same transaction.

    When ``then`` raises, the response is not used up. A wrong response is counted for its method only, and for the
    session, the known device (``device_token``) or the network (of ``client``) that it comes from: see ``lockouts``.

    Raises: MfaCodeInvalid, AttemptsExhausted, and what ``then`` raises.
    """
    source = AttemptSource(
        session_id=session_id,
        device=known_devices.recognise(device_token, user=user, now=now),
        network=counted_network(normalise(client.ip_address or "") if client else None),
    )
    attempt = lockouts.charge(user_id=user.pk, method=response.method, source=source, now=now)
    try:
        with transaction.atomic():
            # Adding and removing factors lock the user's row first, too.
            User.objects.present().select_for_update(no_key=True).only("pk").filter(pk=user.pk).first()
            methods = SECOND_FACTORS[response.method].verify(
                user=user, response=response.value, binding=binding, now=now
            )
            if response.method is FactorMethod.RECOVERY_CODE:
                _notify_of_recovery_code(user=user, now=now)
            lockouts.refund(attempt=attempt)
            return then(methods)
    except MfaCodeInvalid as refusal:
        _record_failure(refusal, user=user, attempt=attempt, session_id=session_id, now=now)
        raise


def _notify_of_recovery_code(*, user: User, now: datetime) -> None:
    left = recovery_codes.count_unused(user_id=user.pk)
    recording.record(
        event_types.MFA_RECOVERY_CODE_USED,
        actor=subject_of(user),
        target=subject_of(user),
        data={"left": left},
        now=now,
    )
    mail_queue.enqueue(
        user_id=user.pk, kind=mail_queue.MailKind.RECOVERY_CODE_USED, details={"left": str(left)}, now=now
    )


def _record_failure(
    refusal: MfaCodeInvalid, *, user: User, attempt: FactorAttempt, session_id: UUID | None, now: datetime
) -> None:
    subject = subject_of(user)
    events = [
        event_types.MFA_SIGN_COUNT_REGRESSED if isinstance(refusal, SignCountRegressed) else event_types.MFA_FAILED
    ]
    if attempt.locked_until is not None:
        events.append(event_types.MFA_LOCKED)
    with transaction.atomic():
        for event in events:
            recording.record(
                event,
                actor=subject,
                target=subject,
                outcome=Outcome.FAILURE,
                session_id=session_id,
                data={"factor": attempt.method, "locked_until": attempt.locked_until},
                now=now,
            )
        if _needs_notice(user=user, attempt=attempt, now=now):
            # The client knows the first factor (ASVS 5.0, 6.3.5).
            mail_queue.enqueue(
                user_id=user.pk, kind=mail_queue.MailKind.FACTOR_LOCKED, details={"factor": attempt.method}, now=now
            )


def _needs_notice(*, user: User, attempt: FactorAttempt, now: datetime) -> bool:
    if not attempt.source.is_unknown:
        return attempt.locked_until is not None
    since = now - _DAY
    failed = selectors.count_factor_failures(user_id=user.pk, since=since, most=FAILURES_BEFORE_NOTICE)
    return failed >= FAILURES_BEFORE_NOTICE and not selectors.was_mailed(
        user_id=user.pk, kind=mail_queue.MailKind.FACTOR_LOCKED, since=since
    )
