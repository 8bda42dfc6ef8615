"""Verify the second factor again within a session (RFC 9470)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts import event_types, selectors
from accounts.factors import webauthn, webauthn_challenges
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.factors.webauthn_protocol import Json
from accounts.models import CeremonyPurpose, ResetOutcome, User
from accounts.services.factors import reset_endings, second_factors
from accounts.services.factors.second_factors import FactorResponse
from security_events.services import recording
from tokens.services import sessions
from tokens.users import subject_of


@dataclass(frozen=True, slots=True)
class ReauthenticationOptions:
    """The methods that a person can use, and the WebAuthn options for the browser if a security key is one of them."""

    methods: tuple[str, ...]
    webauthn: Json | None


def begin(*, user: User, session_id: UUID, now: datetime) -> ReauthenticationOptions:
    """Return how a person can show their second factor in this session."""
    methods = selectors.factor_methods(user_id=user.pk)
    if "webauthn" not in methods:
        return ReauthenticationOptions(methods=methods, webauthn=None)
    options = webauthn_challenges.store(
        ceremony=webauthn.begin_authentication(user=user),
        binding=_binding(user=user, session_id=session_id),
        now=now,
    )
    return ReauthenticationOptions(methods=methods, webauthn=options)


def show(*, user: User, session_id: UUID, response: FactorResponse, now: datetime) -> datetime:
    """Record that the person behind a session has just shown their second factor; return when.

    Raises: MfaCodeInvalid, AttemptsExhausted, and SessionRevoked of ``tokens``.
    """

    def confirm(methods: list[str]) -> datetime:
        reset_endings.cancel(user=user, outcome=ResetOutcome.FACTOR_SHOWN, now=now)
        at = sessions.record_reauthentication(session_id=session_id, amr=methods, now=now)
        recording.record(
            event_types.REAUTHENTICATED,
            actor=subject_of(user),
            target=subject_of(user),
            session_id=session_id,
            data={"amr": methods},
            now=now,
        )
        return at

    return second_factors.verify(
        user=user,
        response=response,
        binding=_binding(user=user, session_id=session_id),
        then=confirm,
        session_id=session_id,
        now=now,
    )


def _binding(*, user: User, session_id: UUID) -> ChallengeBinding:
    return ChallengeBinding(CeremonyPurpose.REAUTHENTICATION, user_id=user.pk, session_id=session_id)
