"""Sign in with a passkey alone: its owner has it and is verified by it, which makes two factors."""

from datetime import datetime
from typing import cast

from django.db import transaction

from accounts import event_types, measures, selectors
from accounts.errors import CredentialRefused, PasskeyRefused, SignCountRegressed
from accounts.factors import webauthn, webauthn_challenges
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.factors.webauthn_protocol import Json
from accounts.models import CeremonyPurpose, User
from accounts.services.sign_in import password_sign_in
from accounts.services.sign_in.counted_sign_ins import counted
from accounts.services.sign_in.password_sign_in import SignedIn
from accounts.types import FactorMethod
from security_events.services import recording
from security_events.types import Outcome
from tokens.types import ClientContext
from tokens.users import subject_of

_ANY_USER = ChallengeBinding(CeremonyPurpose.PASSKEY)


def begin(*, now: datetime) -> Json:
    """Return the options for the browser. They name no user and no key."""
    return webauthn_challenges.store(ceremony=webauthn.begin_authentication(user=None), binding=_ANY_USER, now=now)


@counted(measures.PASSKEY)
def sign_in(*, credential: Json, client: ClientContext, device_token: str = "", now: datetime) -> SignedIn:
    """Sign in the owner of a passkey.

    An unknown passkey, a passkey of somebody else and a wrong signature are refused alike. Attempts are not limited per
    user: a signature can't be guessed, and anybody could use up the attempts of somebody else.

    Raises: PasskeyRefused, AccountDisabled, EmailNotConfirmed, and SessionLimitReached of ``tokens``.
    """
    owner = webauthn.claimed_owner(credential)
    user = selectors.undeleted_user(user_id=owner) if owner else None
    if user is None:
        raise password_sign_in.record_refusal(PasskeyRefused(), user=None, name="", reason="unknown_passkey", now=now)
    try:
        with transaction.atomic():
            methods = webauthn.verify(user=user, response=credential, binding=_ANY_USER, now=now)
    except CredentialRefused as refusal:
        if isinstance(refusal, SignCountRegressed):
            _record_regression(user=user, now=now)
        raise password_sign_in.record_refusal(
            PasskeyRefused(), user=user, name=user.username, reason="wrong_passkey", now=now
        ) from refusal
    signed_in = password_sign_in.complete_sign_in(
        user=user, amr=methods, client=client, device_token=device_token, now=now
    )
    return cast("SignedIn", signed_in)


def _record_regression(*, user: User, now: datetime) -> None:
    recording.record(
        event_types.MFA_SIGN_COUNT_REGRESSED,
        actor=subject_of(user),
        target=subject_of(user),
        outcome=Outcome.FAILURE,
        data={"factor": FactorMethod.WEBAUTHN},
        now=now,
    )
