"""Verify the second factor again within a session (RFC 9470)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from accounts import event_types, selectors
from accounts.factors import webauthn
from accounts.factors.webauthn import Json
from accounts.models import CeremonyPurpose, User
from accounts.services.factors import second_factors, webauthn_challenges
from accounts.services.factors.second_factors import Proof
from accounts.services.factors.webauthn_challenges import Place
from security_events.services import recording
from tokens.services import sessions
from tokens.users import subject_of


@dataclass(frozen=True, slots=True)
class ReauthenticationOptions:
    """The methods that a person can use, and the WebAuthn options for the browser if a security key is one of them."""

    methods: tuple[str, ...]
    webauthn: Json | None


def begin(*, user: User, session_id: UUID, now: datetime | None = None) -> ReauthenticationOptions:
    """Return how a person can show their second factor in this session."""
    methods = selectors.factor_methods(user_id=user.pk)
    if "webauthn" not in methods:
        return ReauthenticationOptions(methods=methods, webauthn=None)
    options = webauthn_challenges.begin(
        begun=webauthn.begin_assertion(user=user), place=_place(user=user, session_id=session_id), now=now
    )
    return ReauthenticationOptions(methods=methods, webauthn=options)


def show(*, user: User, session_id: UUID, proof: Proof, now: datetime | None = None) -> datetime:
    """Record that the person behind a session has just shown their second factor; return when.

    Raises: MfaCodeInvalid, AttemptsExhausted, and SessionRevoked of ``tokens``.
    """

    def confirm(methods: list[str]) -> datetime:
        at = sessions.record_reauthentication(session_id=session_id, amr=methods, now=now or timezone.now())
        recording.record(
            event_types.REAUTHENTICATED,
            actor=subject_of(user),
            target=subject_of(user),
            session_id=session_id,
            data={"amr": methods},
            now=now,
        )
        return at

    return second_factors.prove(
        user=user,
        proof=proof,
        place=_place(user=user, session_id=session_id),
        then=confirm,
        session_id=session_id,
        now=now,
    )


def _place(*, user: User, session_id: UUID) -> Place:
    return Place(CeremonyPurpose.REAUTHENTICATION, user_id=user.pk, session_id=session_id)
