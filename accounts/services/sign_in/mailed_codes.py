"""Prove by a code that is mailed to the confirmed address that a session is its person's.

This is for people without a second factor while a finding asks for a proof: an attacker who has the password does not
have the mailbox. The code says nothing about the password: calls that need a recent one still ask for it. Codes have 8
digits, work once, for 10 minutes (OWASP ASVS 5.0, 6.5.5), in the session that asked for them. Of one account at most 10
an hour exist, each of which allows 5 guesses: 50 guesses an hour at one of 10^8 codes.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts import event_types
from accounts.client_tokens import proof_codes
from accounts.errors import AttemptsExhausted, EmailNotConfirmed, MfaCodeInvalid, NoProofDue
from accounts.models import ProofCode, User
from accounts.services.mailing import mail_queue
from accounts.services.passwords import session_passwords
from accounts.services.sign_in import finding_notices
from cedrina_base.uuids import uuid7
from security_events.services import recording
from tokens.services import sessions
from tokens.users import subject_of

CODE_TTL = timedelta(minutes=10)
_HOUR = timedelta(hours=1)
MOST_OF_SESSION = 3  # in an hour
MOST_OF_USER = 10


def mail(*, user: User, session_id: UUID, is_proof_due: bool, now: datetime) -> None:
    """Mail a code to the person behind a session that a finding asks for a proof.

    People with a second factor get none: a mailbox must not stand in for the factor. Nobody gets one at an address that
    is not confirmed. The mail shows the device and the address of the session.

    Raises: NoProofDue, EmailNotConfirmed, AttemptsExhausted.
    """
    if not is_proof_due or user.is_mfa_enabled:
        raise NoProofDue
    if not user.is_email_confirmed:
        raise EmailNotConfirmed
    with transaction.atomic():
        # Counted and created under a lock of the account's row: simultaneous requests don't exceed the limits.
        User.objects.present().select_for_update(no_key=True).only("pk").get(pk=user.pk)
        _require_room(user, session_id, now=now)
        code = ProofCode.objects.create(
            pk=uuid7(), user=user, session_id=session_id, created_at=now, expires_at=now + CODE_TTL
        )
        mail_queue.enqueue(
            user_id=user.pk,
            kind=mail_queue.MailKind.PROOF_CODE,
            details=finding_notices.client_details(session_id),
            mail_id=code.pk,
            now=now,
        )


def show(*, user: User, session_id: UUID, code: str, now: datetime) -> None:
    """Record that the person behind a session has shown a code from their mailbox: no proof is due any more.

    Raises: MfaCodeInvalid, and SessionRevoked of ``tokens``.
    """
    live = ProofCode.objects.charge(user_id=user.pk, session_id=session_id, now=now)
    matching = [code_id for code_id in live if proof_codes.is_right(code, mail_id=code_id)]
    if not matching:
        session_passwords.record_refusal(
            event_types.REAUTHENTICATION_FAILED, user=user, session_id=session_id, reason="wrong_code", now=now
        )
        raise MfaCodeInvalid
    with transaction.atomic():
        if not ProofCode.objects.filter(pk=matching[0], used_at=None).update(used_at=now):
            raise MfaCodeInvalid
        sessions.record_proof(session_id=session_id)
        recording.record(
            event_types.REAUTHENTICATED,
            actor=subject_of(user),
            target=subject_of(user),
            session_id=session_id,
            data={"amr": ["otp"]},  # RFC 8176, 2
            now=now,
        )


def _require_room(user: User, session_id: UUID, *, now: datetime) -> None:
    times = list(
        ProofCode.objects.filter(user=user, created_at__gt=now - _HOUR)
        .order_by("created_at")
        .values_list("created_at", "session_id")
    )
    for most, counted in (
        (MOST_OF_USER, [at for at, _session in times]),
        (MOST_OF_SESSION, [at for at, session in times if session == session_id]),
    ):
        if len(counted) >= most:
            raise AttemptsExhausted(retry_after=max(1, round((counted[-most] + _HOUR - now).total_seconds())))
