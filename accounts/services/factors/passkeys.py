"""Sign in by a passkey alone: it is in somebody's hands and has verified them, which makes two factors."""

from datetime import datetime
from typing import cast

from django.db import transaction
from django.utils import timezone

from accounts import event_types, selectors
from accounts.errors import CredentialRefused, PasskeyRefused, SignCountRegressed
from accounts.factors import webauthn
from accounts.factors.webauthn import Json
from accounts.models import CeremonyPurpose, User
from accounts.services.factors import second_factors, webauthn_challenges
from accounts.services.factors.webauthn_challenges import Place
from accounts.services.sign_in import password_sign_in
from accounts.services.sign_in.password_sign_in import SignedIn
from accounts.types import Factor
from security_events.services import recording
from security_events.types import Outcome
from tokens.types import ClientContext
from tokens.users import subject_of

_ANYBODY = Place(CeremonyPurpose.PASSKEY)


def begin(*, now: datetime | None = None) -> Json:
    """Return what a browser is to be asked with; it names nobody and no key."""
    return webauthn_challenges.begin(begun=webauthn.begin_assertion(user=None), place=_ANYBODY, now=now)


def sign_in(*, credential: Json, client: ClientContext, now: datetime | None = None) -> SignedIn:
    """Let in the owner of a passkey.

    A passkey that nobody has, one of somebody else and a wrong signature are refused alike. There is no pool of tries:
    a signature can't be guessed, and here anybody could use up somebody else's.

    Raises: PasskeyRefused, AccountDisabled, EmailNotConfirmed, and SessionLimitReached of ``tokens``.
    """
    owner = webauthn.owner_of(credential)
    user = selectors.undeleted_user(user_id=owner) if owner else None
    if user is None:
        raise password_sign_in.record_refusal(PasskeyRefused(), user=None, name="", reason="unknown_passkey", now=now)
    try:
        with transaction.atomic():
            methods = _use_up(user=user, credential=credential, now=now)
    except CredentialRefused as refusal:
        if isinstance(refusal, SignCountRegressed):
            _record_regression(user=user, now=now)
        raise password_sign_in.record_refusal(
            PasskeyRefused(), user=user, name=user.username, reason="wrong_passkey", now=now
        ) from refusal
    return cast("SignedIn", password_sign_in.complete_sign_in(user=user, amr=methods, client=client, now=now))


def _use_up(*, user: User, credential: Json, now: datetime | None) -> list[str]:
    state = webauthn_challenges.take(credential=credential, place=_ANYBODY, now=now)
    assertion = webauthn.check_assertion(user=user, state=state, credential=credential)
    if not webauthn.count(assertion=assertion, at=now or timezone.now()):
        raise SignCountRegressed
    return second_factors.methods_of(key=assertion.key)


def _record_regression(*, user: User, now: datetime | None) -> None:
    recording.record(
        event_types.MFA_SIGN_COUNT_REGRESSED,
        actor=subject_of(user),
        target=subject_of(user),
        outcome=Outcome.FAILURE,
        data={"factor": Factor.WEBAUTHN},
        now=now,
    )
