"""Prove a second time who one is: at the end of a sign-in, or in the middle of a session."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import event_types, known_devices, selectors
from accounts.errors import MfaCodeInvalid, SignCountRegressed
from accounts.factors import recovery_codes, totp, webauthn
from accounts.models import User
from accounts.services.factors import lockouts, webauthn_challenges
from accounts.services.factors.lockouts import Attempt, Claimant
from accounts.services.factors.webauthn_challenges import Place
from accounts.services.mailing import mail_queue
from accounts.types import Factor
from ratelimiting.client_addresses.networks import counted_network, normalise
from security_events.services import recording
from security_events.types import Outcome
from tokens.models import MULTI_FACTOR
from tokens.types import ClientContext
from tokens.users import subject_of

T = TypeVar("T")

# Authentication methods (RFC 8176, 2): a code; a key in hardware or in software; that somebody was there.
ONE_TIME_CODE = "otp"
HARDWARE_KEY = "hwk"
SOFTWARE_KEY = "swk"
PRESENCE = "user"
# After so many wrong answers of strangers in a day the owner is told, once a day.
TOLD_AFTER = 3
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody shows of a second factor: a code, or a browser's answer."""

    factor: Factor
    value: Any = field(repr=False)


def prove(
    *,
    user: User,
    proof: Proof,
    place: Place,
    then: Callable[[list[str]], T],
    session_id: UUID | None = None,
    client: ClientContext | None = None,
    device_token: str = "",
    now: datetime | None = None,
) -> T:
    """Check a proof and use it up, and do in the same transaction what it is shown for.

    ``then`` gets the authentication methods; if it refuses, the proof is not used up. A wrong proof is counted for its
    factor alone, and for the session, the known device (``device_token``) or the network (of ``client``) that it comes
    from: see ``lockouts``.

    Raises: MfaCodeInvalid, AttemptsExhausted, and whatever ``then`` does.
    """
    claimant = Claimant(
        session_id=session_id,
        device=known_devices.recognise(device_token, user=user, now=now or timezone.now()),
        network=counted_network(normalise(client.ip_address or "") if client else None),
    )
    attempt = lockouts.claim(user_id=user.pk, factor=proof.factor, claimant=claimant, now=now)
    try:
        with transaction.atomic():
            # First the person's row, as wherever factors are added or removed.
            User.objects.present().select_for_update(no_key=True).only("pk").filter(pk=user.pk).first()
            methods = _use_up(user=user, proof=proof, place=place, now=now)
            lockouts.forgive(attempt=attempt)
            return then(methods)
    except MfaCodeInvalid as refusal:
        _record_failure(refusal, user=user, attempt=attempt, session_id=session_id, now=now)
        raise


def methods_of(*, key: Any) -> list[str]:
    """Return the authentication methods that a signature by this key amounts to.

    What can be synchronised is no hardware key, however it is kept.
    """
    return [SOFTWARE_KEY if key.is_backup_eligible else HARDWARE_KEY, PRESENCE, MULTI_FACTOR]


def _use_up(*, user: User, proof: Proof, place: Place, now: datetime | None) -> list[str]:
    at = now or timezone.now()
    if proof.factor is Factor.WEBAUTHN:
        state = webauthn_challenges.take(credential=proof.value, place=place, now=now)
        assertion = webauthn.check_assertion(user=user, state=state, credential=proof.value)
        if not webauthn.count(assertion=assertion, at=at):
            raise SignCountRegressed
        return methods_of(key=assertion.key)
    if proof.factor is Factor.TOTP:
        if not totp.accept(user_id=user.pk, code=proof.value, at=at):
            raise MfaCodeInvalid
    elif recovery_codes.accept(user_id=user.pk, code=proof.value, at=at):
        _tell_of_recovery(user=user, now=now)
    else:
        raise MfaCodeInvalid
    return [ONE_TIME_CODE, MULTI_FACTOR]


def _tell_of_recovery(*, user: User, now: datetime | None) -> None:
    left = recovery_codes.left(user_id=user.pk)
    recording.record(
        event_types.MFA_RECOVERY_CODE_USED,
        actor=subject_of(user),
        target=subject_of(user),
        data={"left": left},
        now=now,
    )
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.Kind.RECOVERY_CODE_USED, details={"left": str(left)}, now=now)


def _record_failure(
    refusal: MfaCodeInvalid, *, user: User, attempt: Attempt, session_id: UUID | None, now: datetime | None
) -> None:
    subject = subject_of(user)
    is_regressed = isinstance(refusal, SignCountRegressed)
    events = [event_types.MFA_SIGN_COUNT_REGRESSED if is_regressed else event_types.MFA_FAILED]
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
                data={"factor": attempt.factor, "locked_until": attempt.locked_until},
                now=now,
            )
        if _is_to_be_told(user=user, attempt=attempt, at=now or timezone.now()):
            # Whoever it was knows the first factor (ASVS 5.0, 6.3.5).
            mail_queue.enqueue(
                user_id=user.pk, kind=mail_queue.Kind.FACTOR_LOCKED, details={"factor": attempt.factor}, now=now
            )


def _is_to_be_told(*, user: User, attempt: Attempt, at: datetime) -> bool:
    if not attempt.claimant.is_stranger:
        return attempt.locked_until is not None
    since = at - _DAY
    failed = selectors.count_factor_failures(user_id=user.pk, since=since, most=TOLD_AFTER)
    return failed >= TOLD_AFTER and not selectors.was_mailed(
        user_id=user.pk, kind=mail_queue.Kind.FACTOR_LOCKED, since=since
    )
